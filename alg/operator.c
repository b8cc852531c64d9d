// SPDX-License-Identifier: GPL-3.0-or-later
// Lists are made newest first: what lives, then what has ended. Sessions are pictured (record.h)
// one at a time while a page is put together, never all at once.
//
// Failure: without memory an answer lacks what did not fit, or is NULL.
#include "alg/operator.h"

#include "alg/record_json.h"
#include "alg/registration_json.h"
#include "alg/session.h"
#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// --- pages ------------------------------------------------------------------------------------

// A window over sessions that come one after the other.
struct page {
    json_t *list;
    size_t skip, room;
};

static bool on_page(struct page *page)
{
    if (page->skip > 0) {
        page->skip--;
        return false;
    }
    if (page->room == 0)
        return false;
    page->room--;
    return true;
}

struct gathering {
    struct session **list;
    unsigned count, max;
};

static void gather(void *session, void *arg)
{
    struct gathering *g = arg;
    if (g->count < g->max)
        g->list[g->count++] = session;
}

// The table has them in the order in which they began.
static void put_live(struct sessions *all, struct page *page)
{
    struct gathering g = {.max = sessions_count(all)};
    g.list = g.max > 0 ? calloc(g.max, sizeof(struct session *)) : NULL;
    if (g.list)
        sessions_each(all, gather, &g);
    while (g.count > 0) {
        const struct session *s = g.list[--g.count];
        struct record *record = on_page(page) ? session_record(s) : NULL;
        if (record)
            json_array_append_new(page->list, record_brief(record, session_trace(s)));
        record_free(record);
    }
    free(g.list);
}

static bool put_recent(void *arg, const struct record *record, const struct trace *trace)
{
    struct page *page = arg;
    if (on_page(page))
        json_array_append_new(page->list, record_brief(record, trace));
    return page->room > 0;
}

static json_t *calls(void *arg, enum admin_calls which, size_t offset, size_t limit)
{
    const struct operator_desk *op = arg;
    struct sessions *all = proxy_sessions(op->proxy);
    struct page page = {json_array(), offset, limit};
    size_t total = 0;
    if (which != ADMIN_CALLS_RECENT) {
        total += sessions_count(all);
        put_live(all, &page);
    }
    if (which != ADMIN_CALLS_LIVE) {
        total += recent_count(sessions_recent(all));
        recent_each(sessions_recent(all), put_recent, &page);
    }
    return json_pack("{s:I,s:o}", "total", (json_int_t)total, "calls", page.list);
}

// --- one session ------------------------------------------------------------------------------

// Looks for sessions whose id begins with prefix.
struct search {
    const char *prefix;
    size_t len;
    unsigned found;
    char id[ADMIN_ID_MAX];
    const struct record *record; // of the recent one that was found
    const struct trace *trace;
};

static void consider(struct search *search, const char *id)
{
    if (strncmp(id, search->prefix, search->len) != 0)
        return;
    search->found++;
    snprintf(search->id, sizeof(search->id), "%s", id);
}

static void consider_live(void *session, void *arg)
{
    consider(arg, session_token(session));
}

static bool consider_recent(void *arg, const struct record *record, const struct trace *trace)
{
    struct search *search = arg;
    unsigned before = search->found;
    consider(search, record->id);
    if (search->found > before) {
        search->record = record;
        search->trace = trace;
    }
    return true;
}

static int resolve(void *arg, const char *prefix, char id[static ADMIN_ID_MAX])
{
    const struct operator_desk *op = arg;
    struct sessions *all = proxy_sessions(op->proxy);
    struct search search = {.prefix = prefix, .len = strlen(prefix)};
    sessions_each(all, consider_live, &search);
    recent_each(sessions_recent(all), consider_recent, &search);
    if (search.found != 1)
        return search.found == 0 ? -ENOENT : -EEXIST;
    memcpy(id, search.id, ADMIN_ID_MAX);
    return 0;
}

static struct search find_recent(const struct operator_desk *op, const char *id)
{
    struct search search = {.prefix = id, .len = strlen(id)};
    recent_each(sessions_recent(proxy_sessions(op->proxy)), consider_recent, &search);
    return search;
}

static json_t *call(void *arg, const char *id)
{
    const struct operator_desk *op = arg;
    const struct session *s = sessions_find(proxy_sessions(op->proxy), id);
    if (!s) {
        struct search search = find_recent(op, id);
        return search.record ? record_full(search.record, search.trace) : NULL;
    }
    struct record *record = session_record(s);
    json_t *value = record ? record_full(record, session_trace(s)) : NULL;
    record_free(record);
    return value;
}

static const struct trace *trace(void *arg, const char *id, bool *live)
{
    const struct operator_desk *op = arg;
    const struct session *s = sessions_find(proxy_sessions(op->proxy), id);
    *live = s != NULL;
    return s ? session_trace(s) : find_recent(op, id).trace;
}

static bool hangup(void *arg, const char *id)
{
    const struct operator_desk *op = arg;
    struct session *s = sessions_find(proxy_sessions(op->proxy), id);
    if (!s || session_ended(s))
        return false;
    session_ref(s);
    session_fail(s, REASON_OPERATOR);
    session_unref(s);
    return true;
}

// --- the whole --------------------------------------------------------------------------------

static json_t *regs(void *arg, size_t offset, size_t limit)
{
    const struct operator_desk *op = arg;
    return registrations_json(proxy_registrations(op->proxy), offset, limit, clock_now_us() / 1000);
}

static int registered(const struct operator_desk *op)
{
    return (int)registrations_count(proxy_registrations(op->proxy));
}

static json_t *realm_ports(const struct operator_desk *op, enum side side)
{
    const struct config_side *cfg = side == SIDE_ACCESS ? &op->cfg->access : &op->cfg->core;
    enum agw_termination t = side_termination(side);
    return json_pack("{s:i,s:i,s:i,s:i}", "used", (int)agw_ports_used(op->agw, t), "total",
                     (int)agw_ports_total(op->agw, t), "min", (int)cfg->realm.port_min, "max",
                     (int)cfg->realm.port_max);
}

static json_t *ports(void *arg)
{
    const struct operator_desk *op = arg;
    return json_pack("{s:o,s:o}", "access", realm_ports(op, SIDE_ACCESS), "core",
                     realm_ports(op, SIDE_CORE));
}

static json_t *listening(const struct config_side *side)
{
    char text[ADDR_STRLEN];
    json_t *list = json_array();
    for (size_t i = 0; i < side->listen_count; i++)
        json_array_append_new(list, json_string(addr_format(&side->listen[i], text)));
    return list;
}

static json_t *show(void *arg)
{
    const struct operator_desk *op = arg;
    struct sessions *all = proxy_sessions(op->proxy);
    const struct sessions_totals *totals = sessions_totals(all);
    uint64_t opened = totals->opened[SIDE_ACCESS] + totals->opened[SIDE_CORE];
    double uptime = (double)(clock_now_us() - op->started_us) / 1e6;
    return json_pack("{s:s,s:f,s:i,s:I,s:i,s:i,s:{s:o,s:o},s:o,s:s,s:b}", "version", PCSCF_VERSION,
                     "uptime_s", uptime, "sessions", (int)sessions_count(all), "sessions_total",
                     (json_int_t)opened, "registrations", registered(op), "workers",
                     (int)agw_workers(op->agw), "listen", "access", listening(&op->cfg->access),
                     "core", listening(&op->cfg->core), "ports", ports(arg), "log_level",
                     log_level_name(log_get_level()), "draining", proxy_shutting_down(op->proxy));
}

// --- metrics ----------------------------------------------------------------------------------

static void measure_sessions(const struct sessions *all, struct metrics *m)
{
    const struct sessions_totals *totals = sessions_totals(all);
    char label[64];
    metrics_put_count(m, METRIC_SESSIONS, "", sessions_count(all));
    metrics_put_count(m, METRIC_SESSIONS_OPENED, "direction=\"orig\"", totals->opened[SIDE_ACCESS]);
    metrics_put_count(m, METRIC_SESSIONS_OPENED, "direction=\"term\"", totals->opened[SIDE_CORE]);
    for (int r = REASON_NONE; r < REASON_COUNT; r++) {
        if (totals->ended[r] == 0 && r != REASON_NONE)
            continue;
        snprintf(label, sizeof(label), "reason=\"%s\"", reason_name((enum reason)r));
        metrics_put_count(m, METRIC_SESSIONS_ENDED, label, totals->ended[r]);
    }
}

static void measure_carried(const struct agw_totals *totals, struct metrics *m)
{
    char label[64];
    for (int side = SIDE_ACCESS; side <= SIDE_CORE; side++)
        for (int k = 0; k < AGW_TRANSPORT_COUNT; k++) {
            int t = side_termination((enum side)side);
            snprintf(label, sizeof(label), "side=\"%s\",transport=\"%s\"",
                     side_name((enum side)side), agw_transport_name((enum agw_transport)k));
            metrics_put_count(m, METRIC_PACKETS, label, totals->packets[t][k]);
            metrics_put_count(m, METRIC_BYTES, label, totals->bytes[t][k]);
        }
}

static void measure_handshakes(const struct agw_totals *totals, struct metrics *m)
{
    static const char *const roles[] = {"server", "client"};
    static const char *const results[] = {"failed", "established"};
    static const double bounds[] = AGW_HANDSHAKE_BOUNDS;
    char label[64];
    for (int role = 0; role < 2; role++)
        for (int result = 0; result < 2; result++) {
            snprintf(label, sizeof(label), "role=\"%s\",result=\"%s\"", roles[role],
                     results[result]);
            metrics_put_count(m, METRIC_HANDSHAKES, label, totals->handshakes[role][result]);
        }
    metrics_put_histogram(m, METRIC_HANDSHAKE_SECONDS, bounds, totals->handshake_times,
                          AGW_HANDSHAKE_BOUND_COUNT, totals->handshake_seconds);
}

static void measure(void *arg, struct metrics *m)
{
    const struct operator_desk *op = arg;
    struct agw_totals totals;
    agw_totals(op->agw, &totals);
    metrics_put(m, METRIC_START_TIME, "", op->started);
    metrics_put_count(m, METRIC_WORKERS, "", agw_workers(op->agw));
    measure_sessions(proxy_sessions(op->proxy), m);
    metrics_put_count(m, METRIC_REGISTRATIONS, "", (uint64_t)registered(op));
    metrics_put_count(m, METRIC_STREAMS, "", totals.streams);
    metrics_put_count(m, METRIC_PORTS_USED, "side=\"access\"", agw_ports_used(op->agw, AGW_T1));
    metrics_put_count(m, METRIC_PORTS_USED, "side=\"core\"", agw_ports_used(op->agw, AGW_T2));
    metrics_put_count(m, METRIC_PORTS, "side=\"access\"", agw_ports_total(op->agw, AGW_T1));
    metrics_put_count(m, METRIC_PORTS, "side=\"core\"", agw_ports_total(op->agw, AGW_T2));
    measure_carried(&totals, m);
    measure_handshakes(&totals, m);
}

struct admin_source operator_source(struct operator_desk *op)
{
    return (struct admin_source){.show = show,
                                 .calls = calls,
                                 .resolve = resolve,
                                 .call = call,
                                 .trace = trace,
                                 .hangup = hangup,
                                 .regs = regs,
                                 .ports = ports,
                                 .measure = measure,
                                 .arg = op};
}
