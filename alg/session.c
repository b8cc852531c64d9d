// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: INVITE (early) -> 2xx (answered) -> ACK (up) -> BYE (closing) -> its final response
// (ended) -> the AGW reports its last stream released -> the chart is written and the session is
// gone.
//
// Failure paths: refused or cancelled before the answer; failed before the answer (final response
// upstream, CANCEL downstream); failed after it (BYE both ways, to the caller only once the ACK has
// come, RFC 3261 15); no ACK. Every end leads through `ended`, where the AGW context is released.
#include "alg/session_internal.h"

#include "common/clock.h"
#include "common/fsm.h"
#include "common/keep.h"
#include "common/log.h"
#include "common/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// 2xx are repeated for 64 * T1 until the ACK comes (RFC 3261 13.3.1.4).
#define ACK_WAIT_T1 64

// --- life -------------------------------------------------------------------------------------

static const char *const state_names[] = {"early",    "answered", "up",
                                          "deferred", "closing",  "ended"};
static const char *const event_names[] = {"2xx",
                                          "ACK",
                                          "refused",
                                          "BYE",
                                          "BYE done",
                                          "failure",
                                          "ACK timeout",
                                          "signalling lost",
                                          "registration lost"};

static void act_answered(void *object, void *argument);
static void act_acked(void *object, void *argument);
static void act_end(void *object, void *argument);
static void act_fail_early(void *object, void *argument);
static void act_bye_callee(void *object, void *argument);
static void act_bye_caller(void *object, void *argument);
static void act_bye_both(void *object, void *argument);
static void act_bye_core(void *object, void *argument);
static void act_forget(void *object, void *argument);

static const struct fsm_row rows[] = {
    {EARLY, ANSWER, act_answered, ANSWERED},
    {EARLY, REFUSED, act_end, ENDED},
    {EARLY, FAIL, act_fail_early, ENDED},
    {EARLY, CLOSE, NULL, CLOSING},
    {EARLY, LOST, act_fail_early, ENDED},
    {EARLY, FORGET, act_fail_early, ENDED},
    {ANSWERED, ANSWER, NULL, ANSWERED}, // another fork answered as well
    {ANSWERED, ACKED, act_acked, UP},
    {ANSWERED, CLOSE, NULL, CLOSING},
    {ANSWERED, FAIL, act_bye_callee, DEFERRED},
    {ANSWERED, ACK_TIMEOUT, act_bye_both, ENDED},
    {ANSWERED, LOST, act_bye_core, ENDED},
    {ANSWERED, FORGET, act_forget, ENDED},
    {UP, ANSWER, NULL, UP},
    {UP, ACKED, NULL, UP},
    {UP, CLOSE, NULL, CLOSING},
    {UP, FAIL, act_bye_both, ENDED},
    {UP, LOST, act_bye_core, ENDED},
    {UP, FORGET, act_forget, ENDED},
    {DEFERRED, ACKED, act_bye_caller, ENDED},
    {DEFERRED, ACK_TIMEOUT, act_bye_caller, ENDED},
    {DEFERRED, CLOSE, act_end, ENDED},
    {DEFERRED, FAIL, NULL, DEFERRED},
    {DEFERRED, LOST, act_bye_caller, ENDED},
    {DEFERRED, FORGET, act_end, ENDED},
    {CLOSING, CLOSE, NULL, CLOSING},
    {CLOSING, CLOSED, act_end, ENDED},
    {CLOSING, ANSWER, NULL, CLOSING}, // BYE of an early dialog crossed the 2xx
    {CLOSING, ACKED, NULL, CLOSING},
    {CLOSING, REFUSED, NULL, CLOSING},
    {CLOSING, FAIL, NULL, CLOSING},
    {CLOSING, LOST, act_end, ENDED},
    {CLOSING, FORGET, act_end, ENDED},
    {CLOSING, ACK_TIMEOUT, NULL, CLOSING},
    {ENDED, ANSWER, NULL, ENDED},
    {ENDED, ACKED, NULL, ENDED},
    {ENDED, REFUSED, NULL, ENDED}, // the 487 to our CANCEL
    {ENDED, CLOSE, NULL, ENDED},
    {ENDED, CLOSED, NULL, ENDED},
    {ENDED, FAIL, NULL, ENDED},
    {ENDED, LOST, NULL, ENDED},
    {ENDED, FORGET, NULL, ENDED},
};

static const struct fsm machine = {"session", rows, sizeof(rows) / sizeof(rows[0]), state_names,
                                   event_names};

void session_feed(struct session *s, enum session_event event)
{
    fsm_feed(&machine, &s->state, event, s, NULL, s->id);
}

static void session_free(struct session *s)
{
    timer_cancel(s->ack_timer);
    timer_cancel(s->retire_timer);
    session_watch_stop(s);
    session_fork_clear(s);
    free(s->dialog);
    exchange_close(s->exchange);
    party_clear(&s->party[SIDE_ACCESS]);
    party_clear(&s->party[SIDE_CORE]);
    free(s->call_id);
    free(s->contexts);
    record_free(s->record);
    trace_free(s->trace);
    free(s);
}

void session_ref(struct session *s)
{
    s->refs++;
}

void session_unref(struct session *s)
{
    if (--s->refs == 0)
        session_free(s);
}

int session_own_context(struct session *s)
{
    uint32_t context = s->iq.context;
    if (!context || index_get(s->all->by_context, &context, sizeof(context)))
        return 0;
    uint32_t *more = realloc(s->contexts, (s->context_count + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    s->contexts = more;
    s->contexts[s->context_count++] = context;
    tap_context(s->all->tap, s->token, context);
    return index_put(s->all->by_context, &context, sizeof(context), s);
}

static void forget_contexts(struct session *s)
{
    for (unsigned i = 0; i < s->context_count; i++)
        index_remove(s->all->by_context, &s->contexts[i], sizeof(s->contexts[i]));
    s->context_count = 0;
}

static void unlist(struct session *s)
{
    if (!s->listed)
        return;
    s->listed = false;
    index_remove(s->all->by_token, s->token, TOKEN_LEN);
    forget_contexts(s);
    session_unref(s);
}

static double wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void write_chart(struct session *s)
{
    char name[64], stamp[24];
    time_t now = time(NULL);
    struct tm tm;
    strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
    snprintf(name, sizeof(name), "%s-%s", stamp, s->token);
    session_trace_write(s->trace, s->all->cfg, name);
}

// The last stream has reported: the AGW has no context of this session any more; and of one that
// has ended nothing more can happen.
static void finish_when_quiet(struct session *s)
{
    if (s->released < negotiation_opened(exchange_negotiation(s->exchange)))
        return;
    forget_contexts(s);
    if (s->state != ENDED || !s->listed)
        return;
    write_chart(s);
    recent_put(s->all->recent, s->record, s->trace);
    s->record = NULL;
    s->trace = s->iq.trace = NULL;
    tap_session_ended(s->all->tap, s->token);
    unlist(s);
}

static void end_media(struct session *s)
{
    timer_cancel(s->ack_timer);
    timer_cancel(s->retire_timer);
    s->ack_timer = s->retire_timer = NULL;
    session_watch_stop(s);
    s->ended = wall_clock();
    s->all->totals.ended[s->reason]++;
    s->record = session_record(s);
    negotiation_release(exchange_negotiation(s->exchange));
    finish_when_quiet(s);
}

// --- actions ----------------------------------------------------------------------------------

static void on_ack_timeout(void *arg)
{
    struct session *s = arg;
    s->ack_timer = NULL;
    if (s->reason == REASON_NONE) {
        s->reason = REASON_ACK_MISSING;
        reason_count(s->reason);
    }
    session_feed(s, ACK_TIMEOUT);
}

static void act_answered(void *object, void *argument)
{
    struct session *s = object;
    s->ack_timer = timer_start(s->all->loop, (uint64_t)ACK_WAIT_T1 * s->all->cfg->sip.t1_ms,
                               on_ack_timeout, s);
    session_watch_life(s);
}

static void act_acked(void *object, void *argument)
{
    struct session *s = object;
    timer_cancel(s->ack_timer);
    s->ack_timer = NULL;
    session_watch_quiet(s);
}

static void act_end(void *object, void *argument)
{
    end_media(object);
}

static void tell_reason(struct session *s, const char *what)
{
    log_warn(s->id, "%s: %s (%s)", what, reason_text(s->reason), reason_clause(s->reason));
    session_trace_reason(s->trace, s->reason, what);
}

static void act_fail_early(void *object, void *argument)
{
    struct session *s = object;
    tell_reason(s, "session set-up fails");
    s->all->ops.fail_early(s->all->ops.arg, s, s->reason);
    end_media(s);
}

static void send_bye(struct session *s, enum side to)
{
    s->all->ops.send_bye(s->all->ops.arg, s, to, s->reason);
}

static void act_bye_callee(void *object, void *argument)
{
    struct session *s = object;
    tell_reason(s, "session released");
    send_bye(s, side_other(s->caller));
}

static void act_bye_caller(void *object, void *argument)
{
    struct session *s = object;
    send_bye(s, s->caller);
    end_media(s);
}

static void act_bye_both(void *object, void *argument)
{
    struct session *s = object;
    tell_reason(s, "session released");
    send_bye(s, side_other(s->caller));
    send_bye(s, s->caller);
    end_media(s);
}

static void act_bye_core(void *object, void *argument)
{
    struct session *s = object;
    tell_reason(s, "session released");
    send_bye(s, SIDE_CORE);
    end_media(s);
}

static void act_forget(void *object, void *argument)
{
    struct session *s = object;
    tell_reason(s, "session forgotten");
    end_media(s);
}

void session_fails(struct session *s, enum reason reason)
{
    if (s->state == ENDED || s->state == DEFERRED)
        return;
    s->reason = reason;
    session_feed(s, FAIL);
}

void session_fail(struct session *s, enum reason reason)
{
    reason_count(reason);
    session_fails(s, reason);
}

// --- opening ----------------------------------------------------------------------------------

struct sessions *sessions_open(const struct config *cfg, struct agw *agw, uv_loop_t *loop,
                               struct session_ops ops)
{
    struct sessions *all = calloc(1, sizeof(*all));
    if (!all)
        return NULL;
    all->cfg = cfg;
    all->agw = agw;
    all->loop = loop;
    all->ops = ops;
    all->by_token = index_open();
    all->by_context = index_open();
    all->recent = recent_open(cfg);
    if (all->by_token && all->by_context && all->recent)
        return all;
    sessions_close(all);
    return NULL;
}

void sessions_set_tap(struct sessions *all, struct tap *tap)
{
    all->tap = tap;
}

static void drop(void *object, void *arg)
{
    unlist(object);
}

void sessions_close(struct sessions *all)
{
    if (!all)
        return;
    if (all->by_token)
        index_each(all->by_token, drop, NULL);
    index_close(all->by_token);
    index_close(all->by_context);
    recent_close(all->recent);
    free(all);
}

const struct sessions_totals *sessions_totals(const struct sessions *all)
{
    return &all->totals;
}

void sessions_each(const struct sessions *all, void (*visit)(void *session, void *arg), void *arg)
{
    index_each(all->by_token, visit, arg);
}

const struct recent *sessions_recent(const struct sessions *all)
{
    return all->recent;
}

unsigned sessions_count(const struct sessions *all)
{
    return index_count(all->by_token);
}

struct session *sessions_find(struct sessions *all, const char *token)
{
    return index_get(all->by_token, token, strlen(token));
}

static struct session *session_new(struct sessions *all, const struct session_setup *setup)
{
    struct session *s = keep_zalloc(sizeof(*s));
    if (!s)
        return NULL;
    s->all = all;
    s->refs = 1;
    s->caller = setup->caller;
    s->ue = setup->ue;
    random_alnum(s->token, sizeof(s->token));
    snprintf(s->id, sizeof(s->id), "session %.8s", s->token);
    s->iq.agw = all->agw;
    int family[2];
    for (int side = 0; side < 2; side++) {
        s->party[side].hop = setup->hop[side];
        s->party[side].tcp = setup->tcp[side];
        s->party[side].listen = setup->listen[side];
        family[side] = addr_family(&setup->hop[side]);
    }
    s->exchange = exchange_open(all->cfg, &s->iq, setup->mediasec, family);
    if (!s->exchange) {
        free(s);
        return NULL;
    }
    if (setup->confidential)
        negotiation_trust_signalling(exchange_negotiation(s->exchange));
    return s;
}

struct session *session_open(struct sessions *all, const struct session_setup *setup,
                             const struct sip_facts *invite)
{
    if (sessions_count(all) >= all->cfg->sip.sessions_max)
        return NULL;
    struct session *s = session_new(all, setup);
    if (!s)
        return NULL;
    char title[160];
    snprintf(title, sizeof(title), "Session %.8s, Call-ID %.100s", s->token, invite->call_id);
    s->trace = trace_open(title, all->cfg->trace.events_max);
    s->iq.trace = s->trace;
    s->iq.tap = all->tap;
    struct party *caller = &s->party[s->caller], *callee = &s->party[side_other(s->caller)];
    s->call_id = strdup(invite->call_id);
    s->iq.call_id = s->call_id;
    if (!s->call_id || index_put(all->by_token, s->token, TOKEN_LEN, s) ||
        party_set_name(caller, invite->from) || party_set_name(callee, invite->to) ||
        party_set_contact(caller, invite->contact) || party_route_from_request(caller, invite)) {
        index_remove(all->by_token, s->token, TOKEN_LEN);
        session_free(s);
        return NULL;
    }
    s->listed = true;
    session_ref(s); // the table's
    s->started = wall_clock();
    all->totals.opened[s->caller]++;
    log_info(s->id, "call from the %s side: %s -> %s", side_name(s->caller), invite->from,
             invite->to);
    return s;
}

const char *session_token(const struct session *s)
{
    return s->token;
}

const void *session_ue(const struct session *s)
{
    return s->ue;
}

const char *session_call_id(const struct session *s)
{
    return s->call_id;
}

void session_set_user(struct session *s, void *user)
{
    s->user = user;
}

void *session_user(const struct session *s)
{
    return s->user;
}

const struct party *session_party(const struct session *s, enum side side)
{
    return &s->party[side];
}

enum side session_caller(const struct session *s)
{
    return s->caller;
}

struct record *session_record(const struct session *s)
{
    const struct negotiation *n = exchange_negotiation(s->exchange);
    struct record *record = record_make(n, s->iq.agw, s->iq.context);
    if (!record)
        return NULL;
    record->caller = s->caller;
    record->state = state_names[s->state];
    record->reason = s->reason;
    record->started = s->started;
    record->ended = s->ended;
    if (record_name(record, s->token, s->call_id, s->party[s->caller].name,
                    s->party[side_other(s->caller)].name) == 0)
        return record;
    record_free(record);
    return NULL;
}

double session_started(const struct session *s)
{
    return s->started;
}

const struct trace *session_trace(const struct session *s)
{
    return s->trace;
}

struct policy_memory *session_policy(struct session *s)
{
    return &s->policy;
}

void session_set_hop(struct session *s, enum side side, const struct addr *hop, bool tcp)
{
    s->party[side].hop = *hop;
    s->party[side].tcp = tcp;
}

bool session_ended(const struct session *s)
{
    return s->state == ENDED;
}

// --- the AGW reports --------------------------------------------------------------------------

void session_stream_lost(struct session *s, unsigned stream, enum reason reason)
{
    struct negotiation *negotiation = exchange_negotiation(s->exchange);
    if (negotiation_retired(negotiation, stream))
        return; // its peer has let go of it, as it should
    bool lost = reason == REASON_BEARER_RELEASED;
    unsigned alive = negotiation_stream_failed(negotiation, stream, lost);
    if (alive == 0 && session_watch_return(s))
        return;
    if (alive == 0) {
        session_fails(s, reason); // the AGW has counted it
        return;
    }
    log_warn(s->id, "stream %u ends, %u media go on: %s", stream, alive, reason_text(reason));
    session_trace_reason(s->trace, reason, "stream dropped, the other media go on");
}

static void take_report(struct session *s, const struct agw_notification *n)
{
    if (n->event == AGW_MEDIA_INACTIVE || n->event == AGW_MEDIA_AGAIN)
        session_watch_silence(s, n->stream, n->event == AGW_MEDIA_INACTIVE);
    else if (agw_event_is_procedure(n->event))
        session_stream_lost(s, n->stream, n->reason);
}

void sessions_notification(struct sessions *all, const struct agw_notification *n)
{
    struct session *s = index_get(all->by_context, &n->context, sizeof(n->context));
    if (!s) {
        reason_count(REASON_LATE_NOTIFICATION);
        log_debug("agw", "event %d of context %u, stream %u comes late", n->event, n->context,
                  n->stream);
        return;
    }
    session_ref(s);
    iq_notification(&s->iq, n);
    session_watch_quiet(s);
    take_report(s, n);
    if (n->event == AGW_STREAM_RELEASED) {
        s->released++;
        record_carried(s->record, n->stream, &n->stats);
        finish_when_quiet(s);
    }
    // The analyzer does not count references: this one is ours.
    session_unref(s); // NOLINT(clang-analyzer-unix.Malloc)
}

static void end_for(void *object, void *arg)
{
    session_fail(object, *(enum reason *)arg);
}

void sessions_end_all(struct sessions *all, enum reason reason)
{
    index_each(all->by_token, end_for, &reason);
}
