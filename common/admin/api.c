// SPDX-License-Identifier: GPL-3.0-or-later
// A path is looked up in a table whose '*' stands for one segment; the handler asks the source and
// makes the answer.
//
// Failure paths: no such path 404, path but not for this method 405, an argument that cannot be
// 400, an abbreviation that fits several sessions 409, no memory 500: each with a sentence.
#include "common/admin/api.h"

#include "common/admin/event.h"
#include "common/log.h"
#include "common/reason.h"
#include "common/text_json.h"
#include "common/trace/event_json.h"
#include "common/trace/printer.h"
#include "common/web/asset.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE "application/json"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
// A hundred sessions take the signalling thread well below a millisecond.
#define PAGE_MAX 100
#define ERROR_MAX 240
// What the viewer may do: run its own scripts, and ask this endpoint. Nothing else may run
// anything; a page of one session says itself what it needs.
#define VIEWER_POLICY                                                                              \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " \
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
#define PLAIN_POLICY "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

struct exchange {
    const struct admin_source *source;
    const struct request *request;
    struct answer *answer;
    char segment[ADMIN_ID_MAX]; // what stood at the '*'
    char id[ADMIN_ID_MAX];      // of the session, when the path names one
};

// --- answers ----------------------------------------------------------------------------------

static void set_body(struct answer *a, unsigned status, const char *type, char *body)
{
    free(a->body);
    *a = (struct answer){
        .status = body ? status : 500, .type = type, .policy = PLAIN_POLICY, .body = body};
    a->len = body ? strlen(body) : 0;
}

// Takes over the value.
static void set_json(struct answer *a, unsigned status, json_t *value)
{
    char *body = value ? json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(value);
    set_body(a, status, JSON_TYPE, body);
}

void api_fail(struct answer *a, unsigned status, const char *fmt, ...)
{
    char sentence[ERROR_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    set_json(a, status, json_pack("{s:o}", "error", text_json(sentence)));
}

// --- arguments --------------------------------------------------------------------------------

static const char *argument(const struct exchange *x, const char *name)
{
    return x->request->argument(x->request, name);
}

// A number from 0 to most; absent: as given by preset. False: it is none, and the answer is made.
static bool number(struct exchange *x, const char *name, unsigned most, unsigned preset,
                   unsigned *out)
{
    const char *text = argument(x, name);
    *out = preset;
    if (!text)
        return true;
    size_t len = strlen(text);
    if (len > 0 && len <= 9 && strspn(text, "0123456789") == len) {
        unsigned value = (unsigned)strtoul(text, NULL, 10);
        *out = value > most ? most : value;
        return true;
    }
    api_fail(x->answer, 400, "%s: expected a number from 0 to %u", name, most);
    return false;
}

// The part of a list that is asked for. False: the answer is made.
static bool window(struct exchange *x, unsigned *offset, unsigned *limit)
{
    return number(x, "offset", UINT32_MAX, 0, offset) &&
           number(x, "limit", PAGE_MAX, PAGE_MAX, limit);
}

// Makes id of the segment. False: no such session, and the answer is made.
static bool session(struct exchange *x)
{
    int rc = x->source->resolve(x->source->arg, x->segment, x->id);
    if (rc == -EEXIST)
        api_fail(x->answer, 409, "several sessions begin with %s", x->segment);
    else if (rc != 0)
        api_fail(x->answer, 404, "no session begins with %s", x->segment);
    return rc == 0;
}

// --- handlers ---------------------------------------------------------------------------------

static void get_show(struct exchange *x)
{
    set_json(x->answer, 200, x->source->show(x->source->arg));
}

static void get_calls(struct exchange *x)
{
    static const char *const words[] = {"live", "recent", "all"};
    const char *state = argument(x, "state");
    unsigned which = ADMIN_CALLS_LIVE, offset, limit;
    while (state && which <= ADMIN_CALLS_ALL && strcmp(state, words[which]) != 0)
        which++;
    if (which > ADMIN_CALLS_ALL) {
        api_fail(x->answer, 400, "state: expected live, recent or all");
        return;
    }
    if (window(x, &offset, &limit))
        set_json(x->answer, 200,
                 x->source->calls(x->source->arg, (enum admin_calls)which, offset, limit));
}

static void get_call(struct exchange *x)
{
    if (session(x))
        set_json(x->answer, 200, x->source->call(x->source->arg, x->id));
}

static void get_events(struct exchange *x)
{
    unsigned from;
    bool live = false;
    if (!session(x) || !number(x, "from", UINT32_MAX, 0, &from))
        return;
    const struct trace *trace = x->source->trace(x->source->arg, x->id, &live);
    const char *title = trace ? figure_title(trace_figure_of(trace)) : NULL;
    json_t *events = json_array();
    for (unsigned i = event_next(trace, 0, from); i < EVENT_NONE;
         i = event_next(trace, i + 1, from))
        json_array_append_new(events, trace_event_json(trace, i));
    set_json(x->answer, 200,
             json_pack("{s:s,s:s?,s:b,s:I,s:o}", "id", x->id, "title", title, "live", live, "next",
                       (json_int_t)trace_mark(trace), "events", events));
}

static void get_stream(struct exchange *x)
{
    const char *last = x->request->last_event ? x->request->last_event(x->request) : NULL;
    unsigned from;
    if (!session(x) || !number(x, "from", UINT32_MAX, 0, &from))
        return;
    if (last && strspn(last, "0123456789") == strlen(last)) // the browser has lost the connection
        from = (unsigned)strtoul(last, NULL, 10);
    x->answer->status = 200;
    x->answer->type = "text/event-stream";
    x->answer->follow = true;
    x->answer->follow_from = from;
    snprintf(x->answer->follow_id, sizeof(x->answer->follow_id), "%s", x->id);
}

static void get_chart(struct exchange *x)
{
    const char *format = argument(x, "format");
    struct strbuf out = STRBUF_INIT;
    bool live;
    if (!session(x))
        return;
    for (int i = 0; i < TRACE_FORM_COUNT; i++)
        if (strcmp(format ? format : "text", trace_forms[i].name) == 0) {
            const struct trace *trace = x->source->trace(x->source->arg, x->id, &live);
            if (trace)
                trace_forms[i].put(trace, &out);
            set_body(x->answer, 200, trace_forms[i].type, strbuf_take(&out));
            if (i == TRACE_FORM_HTML)
                x->answer->policy = NULL; // it stands in the page
            return;
        }
    api_fail(x->answer, 400, "format: expected text, mermaid, svg, html or json");
}

static void post_hangup(struct exchange *x)
{
    if (!session(x))
        return;
    if (x->source->hangup(x->source->arg, x->id))
        set_json(x->answer, 200, json_pack("{s:s,s:b}", "id", x->id, "ended", 1));
    else
        api_fail(x->answer, 409, "session %.8s has ended already", x->id);
}

static void get_regs(struct exchange *x)
{
    unsigned offset, limit;
    if (window(x, &offset, &limit))
        set_json(x->answer, 200, x->source->regs(x->source->arg, offset, limit));
}

static void get_ports(struct exchange *x)
{
    set_json(x->answer, 200, x->source->ports(x->source->arg));
}

static json_t *reason_json(enum reason r)
{
    return json_pack("{s:s,s:I,s:i,s:s,s:s,s:s}", "name", reason_name(r), "count",
                     (json_int_t)reason_total(r), "status", reason_status(r), "label",
                     reason_label(r), "text", reason_text(r), "clause", reason_clause(r));
}

static json_t *reasons(bool counted_only)
{
    json_t *list = json_array();
    for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
        if (!counted_only || reason_total((enum reason)r) > 0)
            json_array_append_new(list, reason_json((enum reason)r));
    return list;
}

static void get_reasons(struct exchange *x)
{
    set_json(x->answer, 200, json_pack("{s:o}", "reasons", reasons(false)));
}

static void get_reason(struct exchange *x)
{
    for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
        if (strcmp(reason_name((enum reason)r), x->segment) == 0) {
            set_json(x->answer, 200, reason_json((enum reason)r));
            return;
        }
    api_fail(x->answer, 404, "no reason is called %s", x->segment);
}

static struct metrics *measure(const struct exchange *x)
{
    struct metrics *metrics = metrics_open();
    if (!metrics)
        return NULL;
    metrics_put_common(metrics);
    x->source->measure(x->source->arg, metrics);
    return metrics;
}

static void get_counters(struct exchange *x)
{
    struct metrics *metrics = measure(x);
    json_t *list = metrics ? metrics_json(metrics) : NULL;
    metrics_close(metrics);
    set_json(x->answer, 200, json_pack("{s:o,s:o}", "counters", list, "reasons", reasons(true)));
}

static void get_metrics(struct exchange *x)
{
    struct metrics *metrics = measure(x);
    struct strbuf out = STRBUF_INIT;
    if (metrics)
        metrics_text(metrics, &out);
    metrics_close(metrics);
    set_body(x->answer, 200, METRICS_TYPE, strbuf_take(&out));
}

static void post_log(struct exchange *x)
{
    const char *word = argument(x, "level");
    enum log_level level;
    if (!word || log_level_parse(&level, word)) {
        api_fail(x->answer, 400, "level: expected error, warn, info or debug");
        return;
    }
    log_set_level(level);
    set_json(x->answer, 200, json_pack("{s:s}", "log_level", word));
}

static void set_asset(struct exchange *x, const char *name)
{
    const struct asset *asset = asset_find(name);
    if (!asset) {
        api_fail(x->answer, 404, "no file is called %s", name);
        return;
    }
    set_body(x->answer, 200, asset->type, strdup(asset->text));
    x->answer->policy = VIEWER_POLICY;
}

static void get_index(struct exchange *x)
{
    set_asset(x, "index.html");
}

static void get_static(struct exchange *x)
{
    set_asset(x, x->segment);
}

// --- the table --------------------------------------------------------------------------------

static const struct route {
    const char *method, *path;
    void (*handle)(struct exchange *x);
} routes[] = {
    {"GET", "/", get_index},
    {"GET", "/static/*", get_static},
    {"GET", "/api/v1/show", get_show},
    {"GET", "/api/v1/calls", get_calls},
    {"GET", "/api/v1/calls/*", get_call},
    {"GET", "/api/v1/calls/*/events", get_events},
    {"GET", "/api/v1/calls/*/stream", get_stream},
    {"GET", "/api/v1/calls/*/chart", get_chart},
    {"POST", "/api/v1/calls/*/hangup", post_hangup},
    {"GET", "/api/v1/regs", get_regs},
    {"GET", "/api/v1/counters", get_counters},
    {"GET", "/api/v1/ports", get_ports},
    {"GET", "/api/v1/reasons", get_reasons},
    {"GET", "/api/v1/reasons/*", get_reason},
    {"POST", "/api/v1/log", post_log},
    {"GET", "/metrics", get_metrics},
};

// Whether the path has the form of the pattern; segment gets what stands at its '*'.
static bool fits(const char *pattern, const char *path, char segment[static ADMIN_ID_MAX])
{
    for (; *pattern != '\0' && *pattern != '*'; pattern++, path++)
        if (*pattern != *path)
            return false;
    if (*pattern == '\0')
        return *path == '\0';
    size_t len = strcspn(path, "/");
    if (len == 0 || len >= ADMIN_ID_MAX || strcmp(pattern + 1, path + len) != 0)
        return false;
    memcpy(segment, path, len);
    segment[len] = '\0';
    return true;
}

void api_answer(const struct admin_source *source, const struct request *request,
                struct answer *answer)
{
    struct exchange x = {.source = source, .request = request, .answer = answer};
    const char *allow = NULL;
    *answer = (struct answer){.status = 404};
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        const struct route *route = &routes[i];
        if (!fits(route->path, request->path, x.segment))
            continue;
        allow = route->method;
        if (strcmp(route->method, request->method) == 0) {
            route->handle(&x);
            return;
        }
    }
    if (allow)
        api_fail(answer, 405, "%s is not possible here, %s is", request->method, allow);
    else
        api_fail(answer, 404, "nothing is here");
    answer->allow = allow;
}
