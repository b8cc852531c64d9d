// SPDX-License-Identifier: GPL-3.0-or-later
// What the messages of a dialog mean to its session: a request or response comes in, the exchange
// says what becomes of its body, and the life of the session moves on.
//
// Failure paths: an offer or answer that cannot be used is told to the caller of
// session_request() and session_response(), who answers; what fails once the session stands ends
// it.
#include "alg/session_internal.h"

#include "common/log.h"

#include <stdlib.h>
#include <string.h>

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
    if (session_own_context(s))
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

// What the AGW refuses is counted where it was asked (iq.c).
static bool is_counted(enum reason reason)
{
    return reason >= REASON_AGW_NO_PORT && reason <= REASON_AGW_BAD_REQUEST;
}

static void trace_refusal(struct session *s, const struct exchange_verdict *v)
{
    if (v->reason == REASON_NONE)
        return;
    if (!is_counted(v->reason))
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
    session_fails(s, reason);
}

// Another branch may answer too. Its dialog passes through, but the session and its media are those
// of one (session_fork.c).
static bool other_dialog(const struct session *s, const struct sip_facts *facts)
{
    if (!s->dialog || !facts->to_tag || strcmp(facts->to_tag, s->dialog) == 0)
        return false;
    return !facts->from_tag || strcmp(facts->from_tag, s->dialog) != 0;
}

bool session_in_dialog(const struct session *s, const struct sip_facts *facts)
{
    return s->dialog && !other_dialog(s, facts);
}

static void learn_sender(struct session *s, enum side from, const struct sip_facts *facts)
{
    struct party *sender = &s->party[from];
    if (facts->kind == SIP_INVITE || facts->kind == SIP_UPDATE)
        party_set_contact(sender, facts->contact); // target refresh (RFC 3261 12.2)
}

static void move_on(struct session *s, const struct exchange_request *id, enum exchange_role role,
                    struct exchange_verdict *v)
{
    if (id->other)
        return;
    if (id->kind == SIP_ACK) {
        exchange_acknowledge(s->exchange, role);
        session_feed(s, ACKED);
        if (v->reason != REASON_NONE)
            bad_answer_in_ack(s, v);
    } else if (id->kind == SIP_BYE) {
        session_feed(s, CLOSE);
    } else if (v->reason != REASON_NONE && id->initial) {
        s->reason = v->reason;
        session_feed(s, REFUSED);
    }
}

void session_request(struct session *s, enum side from, const struct sip_facts *facts,
                     struct exchange_request *id, struct exchange_verdict *v)
{
    *v = (struct exchange_verdict){0};
    bool initial = facts->kind == SIP_INVITE && !facts->to_tag;
    bool other = session_fork_request(s, facts, other_dialog(s, facts));
    enum exchange_role role =
        s->state == ENDED ? EXCHANGE_NONE : exchange_request_role(s->exchange, from, facts);
    if (other && role != EXCHANGE_NONE)
        role = EXCHANGE_STRAY;
    *id = (struct exchange_request){facts->kind, facts->cseq, from, role == EXCHANGE_OFFER,
                                    initial,     other};
    session_trace_message(s->trace, s->all->cfg, from, true, facts, received_key(role), NULL);
    if (facts->cseq > s->party[from].cseq)
        s->party[from].cseq = facts->cseq; // of whatever branch: a BYE of ours goes beyond all
    if (!other)
        learn_sender(s, from, facts);
    exchange_take_request(s->exchange, role, id, facts, v);
    after_exchange(s);
    if (role == EXCHANGE_OFFER)
        session_watch_again(s);
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
    if (id->other)
        return;
    exchange_succeed(s->exchange, id, facts, v);
    if (id->initial && v->reason == REASON_NONE) {
        if (!s->dialog && facts->to_tag)
            s->dialog = strdup(facts->to_tag);
        session_feed(s, ANSWER);
    }
    if (v->reason == REASON_NONE && (id->kind == SIP_INVITE || id->kind == SIP_UPDATE))
        session_watch_expiry(s, facts->session_expires);
    if (id->kind == SIP_BYE)
        session_feed(s, CLOSED);
}

static enum reason reason_of_status(int status)
{
    return status == 487   ? REASON_CALLER_CANCELLED
           : status == 408 ? REASON_NO_ANSWER
                           : REASON_CALLEE_REFUSED;
}

static void refusal(struct session *s, const struct exchange_request *id, int status)
{
    if (id->other)
        return;
    if (id->initial) {
        if (s->reason == REASON_NONE) {
            s->reason = reason_of_status(status);
            reason_count(s->reason);
        }
        session_feed(s, REFUSED);
    } else if (id->kind == SIP_BYE) {
        session_feed(s, CLOSED);
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
        session_fails(s, v->reason);
        return;
    }
    s->reason = v->reason;
    session_feed(s, REFUSED);
}

void session_response(struct session *s, const struct exchange_request *id,
                      const struct sip_facts *facts, struct exchange_verdict *v)
{
    *v = (struct exchange_verdict){0};
    enum exchange_role role =
        s->state == ENDED ? EXCHANGE_NONE : exchange_response_role(s->exchange, id, facts);
    if (id->other && role != EXCHANGE_NONE)
        role = EXCHANGE_STRAY;
    session_trace_message(s->trace, s->all->cfg, side_other(id->from), true, facts,
                          received_key(role), NULL);
    bool final_success = facts->status >= 200 && facts->status < 300;
    if (final_success && !id->other)
        learn_callee(s, id, facts); // also to end what is not passed on
    exchange_take_response(s->exchange, role, id, facts, v);
    if (facts->status == 199 && id->initial)
        session_fork_ended(s, facts);
    if (v->reason == REASON_NONE && final_success)
        success(s, id, facts, v);
    after_exchange(s);
    trace_refusal(s, v);
    if (v->reason != REASON_NONE)
        unusable(s, id, v);
    else if (facts->status >= 300)
        refusal(s, id, facts->status);
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
