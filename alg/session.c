// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: INVITE (early) -> 2xx (answered) -> ACK (up) -> BYE (closing) -> its final response
// (ended) -> the AGW reports its last stream released -> the chart is written and the session is
// gone.
//
// Failure paths: refused or cancelled before the answer; failed before the answer (final response
// upstream, CANCEL downstream); failed after it (BYE both ways, to the caller only once the ACK has
// come, RFC 3261 15); no ACK. Every end leads through `ended`, where the AGW context is released.
#include "alg/session.h"

#include "alg/index.h"
#include "alg/session_trace.h"
#include "alg/timer.h"
#include "common/clock.h"
#include "common/fsm.h"
#include "common/keep.h"
#include "common/log.h"
#include "common/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// 119 bits: nobody guesses his way into another leg.
#define TOKEN_LEN 20
// 2xx are repeated for 64 * T1 until the ACK comes (RFC 3261 13.3.1.4).
#define ACK_WAIT_T1 64

struct sessions {
    const struct config *cfg;
    struct agw *agw;
    uv_loop_t *loop;
    struct session_ops ops;
    struct index *by_token;
    struct index *by_context;
    struct recent *recent;
    struct sessions_totals totals;
};

struct session {
    struct sessions *all;
    unsigned refs;
    char token[TOKEN_LEN + 1];
    char id[TOKEN_LEN + 16]; // for the log
    int state;
    enum side caller;
    enum reason reason;    // why it ended
    double started, ended; // wall clock, in seconds
    struct record *record; // made when it ended, while the AGW still knew its streams
    char *call_id;
    struct party party[2];
    struct policy_memory policy;
    void *user;
    struct iq iq;
    // AGW contexts it is found by: one, and another when all its media had gone and new ones came
    uint32_t *contexts;
    unsigned context_count;
    struct exchange *exchange;
    unsigned released; // streams the AGW has reported released
    bool listed;       // in the table by token

    struct timer *ack_timer;
    struct timer *retire_timer;
    struct timer *return_timer; // lost media may come back until then
    struct trace *trace;
};

// --- life -------------------------------------------------------------------------------------

enum state { EARLY, ANSWERED, UP, DEFERRED, CLOSING, ENDED };
enum event { ANSWER, ACKED, REFUSED, CLOSE, CLOSED, FAIL, ACK_TIMEOUT };

static const char *const state_names[] = {"early",    "answered", "up",
                                          "deferred", "closing",  "ended"};
static const char *const event_names[] = {"2xx",      "ACK",     "refused",    "BYE",
                                          "BYE done", "failure", "ACK timeout"};

static void act_answered(void *object, void *argument);
static void act_acked(void *object, void *argument);
static void act_end(void *object, void *argument);
static void act_fail_early(void *object, void *argument);
static void act_bye_callee(void *object, void *argument);
static void act_bye_caller(void *object, void *argument);
static void act_bye_both(void *object, void *argument);

static const struct fsm_row rows[] = {
    {EARLY, ANSWER, act_answered, ANSWERED},
    {EARLY, REFUSED, act_end, ENDED},
    {EARLY, FAIL, act_fail_early, ENDED},
    {EARLY, CLOSE, NULL, CLOSING},
    {ANSWERED, ANSWER, NULL, ANSWERED}, // another fork answered as well
    {ANSWERED, ACKED, act_acked, UP},
    {ANSWERED, CLOSE, NULL, CLOSING},
    {ANSWERED, FAIL, act_bye_callee, DEFERRED},
    {ANSWERED, ACK_TIMEOUT, act_bye_both, ENDED},
    {UP, ANSWER, NULL, UP},
    {UP, ACKED, NULL, UP},
    {UP, CLOSE, NULL, CLOSING},
    {UP, FAIL, act_bye_both, ENDED},
    {DEFERRED, ACKED, act_bye_caller, ENDED},
    {DEFERRED, ACK_TIMEOUT, act_bye_caller, ENDED},
    {DEFERRED, CLOSE, act_end, ENDED},
    {DEFERRED, FAIL, NULL, DEFERRED},
    {CLOSING, CLOSE, NULL, CLOSING},
    {CLOSING, CLOSED, act_end, ENDED},
    {CLOSING, ANSWER, NULL, CLOSING}, // BYE of an early dialog crossed the 2xx
    {CLOSING, ACKED, NULL, CLOSING},
    {CLOSING, REFUSED, NULL, CLOSING},
    {CLOSING, FAIL, NULL, CLOSING},
    {CLOSING, ACK_TIMEOUT, NULL, CLOSING},
    {ENDED, ANSWER, NULL, ENDED},
    {ENDED, ACKED, NULL, ENDED},
    {ENDED, REFUSED, NULL, ENDED}, // the 487 to our CANCEL
    {ENDED, CLOSE, NULL, ENDED},
    {ENDED, CLOSED, NULL, ENDED},
    {ENDED, FAIL, NULL, ENDED},
};

static const struct fsm machine = {"session", rows, sizeof(rows) / sizeof(rows[0]), state_names,
                                   event_names};

static void feed(struct session *s, enum event event)
{
    fsm_feed(&machine, &s->state, event, s, NULL, s->id);
}

static void session_free(struct session *s)
{
    timer_cancel(s->ack_timer);
    timer_cancel(s->retire_timer);
    timer_cancel(s->return_timer);
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

static int own_context(struct session *s)
{
    uint32_t context = s->iq.context;
    if (!context || index_get(s->all->by_context, &context, sizeof(context)))
        return 0;
    uint32_t *more = realloc(s->contexts, (s->context_count + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    s->contexts = more;
    s->contexts[s->context_count++] = context;
    return index_put(s->all->by_context, &context, sizeof(context), s);
}

static void unlist(struct session *s)
{
    if (!s->listed)
        return;
    s->listed = false;
    index_remove(s->all->by_token, s->token, TOKEN_LEN);
    for (unsigned i = 0; i < s->context_count; i++)
        index_remove(s->all->by_context, &s->contexts[i], sizeof(s->contexts[i]));
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

// Ended and the last stream reported: nothing more can happen.
static void finish_when_quiet(struct session *s)
{
    if (s->state != ENDED || !s->listed ||
        s->released < negotiation_opened(exchange_negotiation(s->exchange)))
        return;
    write_chart(s);
    recent_put(s->all->recent, s->record, s->trace);
    s->record = NULL;
    s->trace = s->iq.trace = NULL;
    unlist(s);
}

static void end_media(struct session *s)
{
    timer_cancel(s->ack_timer);
    timer_cancel(s->retire_timer);
    timer_cancel(s->return_timer);
    s->ack_timer = s->retire_timer = s->return_timer = NULL;
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
    feed(s, ACK_TIMEOUT);
}

static void act_answered(void *object, void *argument)
{
    struct session *s = object;
    s->ack_timer = timer_start(s->all->loop, (uint64_t)ACK_WAIT_T1 * s->all->cfg->sip.t1_ms,
                               on_ack_timeout, s);
}

static void act_acked(void *object, void *argument)
{
    struct session *s = object;
    timer_cancel(s->ack_timer);
    s->ack_timer = NULL;
    trace_settle(s->trace);
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

static void fail(struct session *s, enum reason reason)
{
    if (s->state == ENDED || s->state == DEFERRED)
        return;
    s->reason = reason;
    feed(s, FAIL);
}

void session_fail(struct session *s, enum reason reason)
{
    reason_count(reason);
    fail(s, reason);
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
    random_alnum(s->token, sizeof(s->token));
    snprintf(s->id, sizeof(s->id), "session %.8s", s->token);
    s->iq.agw = all->agw;
    int family[2];
    for (int side = 0; side < 2; side++) {
        s->party[side].hop = setup->hop[side];
        s->party[side].tcp = setup->tcp[side];
        family[side] = addr_family(&setup->hop[side]);
    }
    s->exchange = exchange_open(all->cfg, &s->iq, setup->mediasec, family);
    if (s->exchange)
        return s;
    free(s);
    return NULL;
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
    snprintf(title, sizeof(title), "%.8s, Call-ID %.100s", s->token, invite->call_id);
    s->trace = trace_open(title, all->cfg->trace.events_max);
    s->iq.trace = s->trace;
    struct party *caller = &s->party[s->caller], *callee = &s->party[side_other(s->caller)];
    s->call_id = strdup(invite->call_id);
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

bool session_ended(const struct session *s)
{
    return s->state == ENDED;
}

// --- messages ---------------------------------------------------------------------------------

static void on_retire(void *arg)
{
    struct session *s = arg;
    s->retire_timer = NULL;
    negotiation_drop_retired(exchange_negotiation(s->exchange));
}

// After every step of an exchange: a new AGW context is known by its number, and streams that were
// replaced go after the hold time.
static void after_exchange(struct session *s)
{
    if (own_context(s))
        log_error(s->id, "no memory: what the AGW reports will be missed");
    if (exchange_take_retiring(s->exchange) && !s->retire_timer && s->state != ENDED)
        s->retire_timer = timer_start(s->all->loop, s->all->cfg->agw.rekey_hold_ms, on_retire, s);
}

static const char *received_key(enum exchange_role role)
{
    static const char *const keys[] = {[EXCHANGE_OFFER] = "sip.offer.received",
                                       [EXCHANGE_ANSWER] = "sip.answer.received",
                                       [EXCHANGE_STRAY] = NULL};
    return keys[role];
}

static void trace_refusal(struct session *s, const struct exchange_verdict *v)
{
    if (v->reason == REASON_NONE)
        return;
    reason_count(v->reason);
    log_warn(s->id, "refused: %s: %s", reason_name(v->reason), v->error);
    session_trace_reason(s->trace, v->reason, v->error[0] ? v->error : "refused");
}

// An answer that came too late for a SIP error: the ACK goes on bare, the session ends by BYE.
static void bad_answer_in_ack(struct session *s, struct exchange_verdict *v)
{
    enum reason reason = v->reason;
    v->reason = REASON_NONE;
    v->body = strdup("");
    fail(s, reason);
}

static void learn_sender(struct session *s, enum side from, const struct sip_facts *facts)
{
    struct party *sender = &s->party[from];
    if (facts->cseq > sender->cseq)
        sender->cseq = facts->cseq;
    if (facts->kind == SIP_INVITE || facts->kind == SIP_UPDATE)
        party_set_contact(sender, facts->contact); // target refresh (RFC 3261 12.2)
}

static void move_on(struct session *s, const struct exchange_request *id, enum exchange_role role,
                    struct exchange_verdict *v)
{
    if (id->kind == SIP_ACK) {
        exchange_acknowledge(s->exchange, role);
        feed(s, ACKED);
        if (v->reason != REASON_NONE)
            bad_answer_in_ack(s, v);
    } else if (id->kind == SIP_BYE) {
        feed(s, CLOSE);
    } else if (v->reason != REASON_NONE && id->initial) {
        s->reason = v->reason;
        feed(s, REFUSED);
    }
}

void session_request(struct session *s, enum side from, const struct sip_facts *facts,
                     struct exchange_request *id, struct exchange_verdict *v)
{
    *v = (struct exchange_verdict){0};
    bool initial = facts->kind == SIP_INVITE && !facts->to_tag;
    enum exchange_role role =
        s->state == ENDED ? EXCHANGE_NONE : exchange_request_role(s->exchange, from, facts);
    *id =
        (struct exchange_request){facts->kind, facts->cseq, from, role == EXCHANGE_OFFER, initial};
    session_trace_message(s->trace, s->all->cfg, from, true, facts, received_key(role), NULL);
    learn_sender(s, from, facts);
    exchange_take_request(s->exchange, role, id, facts, v);
    after_exchange(s);
    trace_refusal(s, v);
    move_on(s, id, role, v);
}

static void learn_callee(struct session *s, const struct exchange_request *id,
                         const struct sip_facts *facts)
{
    struct party *answerer = &s->party[side_other(id->from)];
    if (id->initial && facts->to_tag) {
        party_set_name(answerer, facts->to);
        party_route_from_response(answerer, facts, s->all->ops.own_route, s->all->ops.arg);
    }
    if (id->kind == SIP_INVITE || id->kind == SIP_UPDATE)
        party_set_contact(answerer, facts->contact);
}

static void success(struct session *s, const struct exchange_request *id,
                    const struct sip_facts *facts, struct exchange_verdict *v)
{
    exchange_succeed(s->exchange, id, facts, v);
    if (id->initial && v->reason == REASON_NONE)
        feed(s, ANSWER);
    if (id->kind == SIP_BYE)
        feed(s, CLOSED);
}

static enum reason reason_of_status(int status)
{
    return status == 487   ? REASON_CALLER_CANCELLED
           : status == 408 ? REASON_NO_ANSWER
                           : REASON_CALLEE_REFUSED;
}

static void refusal(struct session *s, const struct exchange_request *id, int status)
{
    if (id->initial) {
        if (s->reason == REASON_NONE) {
            s->reason = reason_of_status(status);
            reason_count(s->reason);
        }
        feed(s, REFUSED);
    } else if (id->kind == SIP_BYE) {
        feed(s, CLOSED);
    } else if (exchange_refuse(s->exchange, id)) {
        session_trace_note(s->trace, "RFC 3261 14.1", "refused with %d: the former state stands",
                           status);
    }
}

// What cannot be passed on ends the session: quietly when it was still being set up, since the
// caller of session_response() answers both ends; else by BYE.
static void unusable(struct session *s, const struct exchange_request *id,
                     const struct exchange_verdict *v)
{
    negotiation_rollback(exchange_negotiation(s->exchange));
    if (!id->initial) {
        fail(s, v->reason);
        return;
    }
    s->reason = v->reason;
    feed(s, REFUSED);
}

void session_response(struct session *s, const struct exchange_request *id,
                      const struct sip_facts *facts, struct exchange_verdict *v)
{
    *v = (struct exchange_verdict){0};
    enum exchange_role role =
        s->state == ENDED ? EXCHANGE_NONE : exchange_response_role(s->exchange, id, facts);
    session_trace_message(s->trace, s->all->cfg, side_other(id->from), true, facts,
                          received_key(role), NULL);
    bool final_success = facts->status >= 200 && facts->status < 300;
    if (final_success)
        learn_callee(s, id, facts); // also to end what is not passed on
    exchange_take_response(s->exchange, role, id, facts, v);
    if (v->reason == REASON_NONE && final_success)
        success(s, id, facts, v);
    after_exchange(s);
    trace_refusal(s, v);
    if (v->reason != REASON_NONE)
        unusable(s, id, v);
    else if (facts->status >= 300)
        refusal(s, id, facts->status);
}

const char *session_repeated_body(const struct session *s, const struct sip_facts *facts)
{
    return exchange_repeated(s->exchange, facts);
}

void session_field_changed(struct session *s, const char *before, const char *after,
                           const char *clause)
{
    session_trace_field(s->trace, before, after, clause);
}

void session_sent(struct session *s, enum side to, const struct sip_facts *facts, const char *note)
{
    const char *key = NULL;
    if (facts->body && facts->kind != SIP_OTHER) {
        bool answer = exchange_sends_answer(s->exchange, to, facts);
        key = answer ? "sip.answer.sent" : "sip.offer.sent";
    }
    session_trace_message(s->trace, s->all->cfg, to, false, facts, key, note);
}

void session_cancelled(struct session *s)
{
    session_trace_note(s->trace, "RFC 3261 9.1", "the caller cancels");
}

void session_local_final(struct session *s, const struct exchange_request *id, int status)
{
    session_trace_note(s->trace, "RFC 3261 16.9", "no answer from the far end: %d", status);
    refusal(s, id, status);
}

// --- the AGW reports --------------------------------------------------------------------------

static void on_return_timeout(void *arg)
{
    struct session *s = arg;
    s->return_timer = NULL;
    if (!negotiation_lives(exchange_negotiation(s->exchange)))
        fail(s, REASON_BEARER_RELEASED);
}

// False: nothing can come back, or the session is not the one to wait.
static bool waits_for_return(struct session *s)
{
    unsigned seconds = s->all->cfg->bfcp.reestablish_s;
    if (s->state != UP || !seconds || !negotiation_may_return(exchange_negotiation(s->exchange)))
        return false;
    timer_cancel(s->return_timer);
    s->return_timer = timer_start(s->all->loop, seconds * UINT64_C(1000), on_return_timeout, s);
    session_trace_note(s->trace, "RFC 8855 6.1", "lost; may be offered anew within %u s", seconds);
    return s->return_timer != NULL;
}

static void stream_lost(struct session *s, const struct agw_notification *n)
{
    struct negotiation *negotiation = exchange_negotiation(s->exchange);
    if (negotiation_retired(negotiation, n->stream))
        return; // its peer has let go of it, as it should
    bool lost = n->event == AGW_BEARER_RELEASED;
    unsigned alive = negotiation_stream_failed(negotiation, n->stream, lost);
    if (alive == 0 && waits_for_return(s))
        return;
    if (alive == 0) {
        fail(s, n->reason); // the AGW has counted it
        return;
    }
    log_warn(s->id, "stream %u ends, %u media go on: %s", n->stream, alive, reason_text(n->reason));
    session_trace_reason(s->trace, n->reason, "stream dropped, the other media go on");
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
    trace_settle(s->trace);
    if (agw_event_is_procedure(n->event))
        stream_lost(s, n);
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
