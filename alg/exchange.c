// SPDX-License-Identifier: GPL-3.0-or-later
// A body comes in, its role is told from the message and the open offer, the negotiation makes a
// new body of it, and that is kept for repetitions. A reliable 18x settles an answer but leaves it
// open to other forks until the 2xx, or until the next offer needs the ground.
//
// Failure paths: a malformed body and an offer or answer that the negotiation refuses end in the
// verdict; what was kept before stays.
#include "alg/exchange.h"

#include "alg/session_trace.h"
#include "common/keep.h"

#include <stdlib.h>
#include <string.h>

// Forks whose answers are kept apart; a core with more branches than this is none of a lab's.
#define FORKS_MAX 8

// A body one party sent in this exchange, and what it became.
struct rewritten {
    char *tag; // To tag of the dialog
    char *in, *out;
    size_t in_len;
};

struct exchange {
    const struct config *cfg;
    struct iq *iq;
    struct negotiation *negotiation;
    struct exchange_request opener; // what carried the offer, or was answered with it
    bool settled;                   // answered reliably
    bool retiring;
    struct rewritten fork[FORKS_MAX];
    unsigned fork_count;
    int applied; // index of the fork whose answer the AGW has; -1: none
    struct rewritten ack;
};

struct exchange *exchange_open(const struct config *cfg, struct iq *iq, unsigned mediasec,
                               const int family[2])
{
    struct exchange *x = keep_zalloc(sizeof(*x));
    if (!x)
        return NULL;
    x->cfg = cfg;
    x->iq = iq;
    x->applied = -1;
    x->negotiation = negotiation_open(cfg, iq, mediasec, family);
    if (x->negotiation)
        return x;
    free(x);
    return NULL;
}

static void rewritten_clear(struct rewritten *r)
{
    free(r->tag);
    free(r->in);
    free(r->out);
    *r = (struct rewritten){0};
}

static void forget(struct exchange *x)
{
    while (x->fork_count > 0)
        rewritten_clear(&x->fork[--x->fork_count]);
    rewritten_clear(&x->ack);
    x->applied = -1;
    x->settled = false;
}

void exchange_close(struct exchange *x)
{
    if (!x)
        return;
    forget(x);
    negotiation_free(x->negotiation);
    free(x);
}

struct negotiation *exchange_negotiation(struct exchange *x)
{
    return x->negotiation;
}

// --- what was sent before -----------------------------------------------------------------------

static int fork_index(const struct exchange *x, const char *tag)
{
    for (unsigned i = 0; tag && i < x->fork_count; i++)
        if (strcmp(x->fork[i].tag, tag) == 0)
            return (int)i;
    return -1;
}

static bool same_body(const struct rewritten *r, const struct sip_facts *facts)
{
    return r->in && r->in_len == facts->body_len && memcmp(r->in, facts->body, r->in_len) == 0;
}

// False: no memory, nothing is kept.
static bool keep(struct rewritten *r, const struct sip_facts *facts,
                 const struct exchange_verdict *verdict)
{
    rewritten_clear(r);
    r->tag = strdup(facts->to_tag ? facts->to_tag : "");
    r->in = strndup(facts->body, facts->body_len);
    r->out = strndup(verdict->body, verdict->body_len);
    r->in_len = facts->body_len;
    if (r->tag && r->in && r->out)
        return true;
    rewritten_clear(r);
    return false;
}

static void keep_fork(struct exchange *x, const struct sip_facts *facts,
                      const struct exchange_verdict *verdict)
{
    int index = fork_index(x, facts->to_tag);
    struct rewritten kept = {0};
    if ((index < 0 && x->fork_count == FORKS_MAX) || !keep(&kept, facts, verdict))
        return;
    if (index < 0)
        index = (int)x->fork_count++;
    else
        rewritten_clear(&x->fork[index]);
    x->fork[index] = kept;
    x->applied = index;
}

static void give_copy(struct exchange_verdict *verdict, const char *text)
{
    verdict->body = strdup(text);
    verdict->body_len = strlen(text);
    if (!verdict->body)
        verdict->reason = REASON_INTERNAL;
}

const char *exchange_repeated(const struct exchange *x, const struct sip_facts *facts)
{
    int index = fork_index(x, facts->to_tag);
    if (index < 0)
        index = x->applied;
    return index < 0 ? "" : x->fork[index].out;
}

// --- the walk from SDP in to SDP out ------------------------------------------------------------

static void rewrite(struct exchange *x, enum exchange_role role, enum side from,
                    const struct sip_facts *facts, struct exchange_verdict *v)
{
    struct sdp *sdp = NULL;
    struct sdp_error error;
    if (sdp_parse(&sdp, facts->body, facts->body_len, &error)) {
        v->reason = facts->status ? REASON_BAD_SDP_ANSWER : REASON_BAD_SDP;
        snprintf(v->error, sizeof(v->error), "SDP: %s", error.text);
        return;
    }
    char text[NEGOTIATION_ERROR_MAX];
    v->reason = role == EXCHANGE_OFFER ? negotiation_offer(x->negotiation, from, sdp, text)
                                       : negotiation_answer(x->negotiation, sdp, text);
    snprintf(v->error, sizeof(v->error), "%s", text);
    if (v->reason == REASON_NONE) {
        session_trace_edits(x->iq->trace, sdp);
        v->body = sdp_print(sdp, &v->body_len);
        if (!v->body)
            v->reason = REASON_INTERNAL;
    }
    sdp_free(sdp);
}

static void commit(struct exchange *x)
{
    x->settled = false;
    if (negotiation_commit(x->negotiation))
        x->retiring = true;
}

bool exchange_take_retiring(struct exchange *x)
{
    bool retiring = x->retiring;
    x->retiring = false;
    return retiring;
}

// --- requests -----------------------------------------------------------------------------------

// An offer made in a response to an INVITE waits for its answer in PRACK or ACK.
static bool awaits_answer_from(const struct exchange *x, enum side from)
{
    return negotiation_pending(x->negotiation) && negotiation_offerer(x->negotiation) != from &&
           x->opener.kind == SIP_INVITE;
}

enum exchange_role exchange_request_role(const struct exchange *x, enum side from,
                                         const struct sip_facts *facts)
{
    if (!facts->body)
        return EXCHANGE_NONE;
    switch (facts->kind) {
    case SIP_ACK:
        if (same_body(&x->ack, facts))
            return EXCHANGE_REPEAT;
        return awaits_answer_from(x, from) ? EXCHANGE_ANSWER : EXCHANGE_STRAY;
    case SIP_PRACK:
        return awaits_answer_from(x, from) ? EXCHANGE_ANSWER : EXCHANGE_OFFER;
    case SIP_INVITE:
    case SIP_UPDATE:
        return EXCHANGE_OFFER;
    default:
        return EXCHANGE_NONE;
    }
}

static void open_exchange(struct exchange *x, const struct exchange_request *request)
{
    forget(x);
    x->opener = *request;
}

void exchange_take_request(struct exchange *x, enum exchange_role role,
                           const struct exchange_request *request, const struct sip_facts *facts,
                           struct exchange_verdict *v)
{
    if (role == EXCHANGE_NONE)
        return;
    if (role == EXCHANGE_REPEAT || role == EXCHANGE_STRAY) {
        give_copy(v, role == EXCHANGE_REPEAT ? x->ack.out : "");
        return;
    }
    if (role == EXCHANGE_OFFER && x->settled)
        commit(x);
    rewrite(x, role, request->from, facts, v);
    if (v->reason != REASON_NONE)
        return;
    if (role == EXCHANGE_OFFER) {
        open_exchange(x, request);
        return;
    }
    if (facts->kind == SIP_ACK)
        keep(&x->ack, facts, v);
    commit(x);
}

void exchange_acknowledge(struct exchange *x, enum exchange_role role)
{
    if (role == EXCHANGE_NONE && awaits_answer_from(x, x->opener.from))
        negotiation_rollback(x->negotiation);
}

// --- responses ----------------------------------------------------------------------------------

// The present exchange, finished or not, is that of this request.
static bool is_opener(const struct exchange *x, const struct exchange_request *request)
{
    return x->opener.kind == request->kind && x->opener.cseq == request->cseq &&
           x->opener.from == request->from;
}

static bool opened_by(const struct exchange *x, const struct exchange_request *request)
{
    return negotiation_pending(x->negotiation) && is_opener(x, request);
}

enum exchange_role exchange_response_role(const struct exchange *x,
                                          const struct exchange_request *request,
                                          const struct sip_facts *facts)
{
    bool invite = request->kind == SIP_INVITE;
    bool carries = invite || request->kind == SIP_UPDATE || request->kind == SIP_PRACK;
    if (!facts->body || facts->status >= 300 || !carries)
        return EXCHANGE_NONE;
    int fork = invite && is_opener(x, request) ? fork_index(x, facts->to_tag) : -1;
    if (fork >= 0 && (same_body(&x->fork[fork], facts) || !negotiation_pending(x->negotiation)))
        return EXCHANGE_REPEAT;
    if (opened_by(x, request) && request->offered)
        return EXCHANGE_ANSWER;
    return invite && !request->offered ? EXCHANGE_OFFER : EXCHANGE_STRAY;
}

void exchange_take_response(struct exchange *x, enum exchange_role role,
                            const struct exchange_request *request, const struct sip_facts *facts,
                            struct exchange_verdict *v)
{
    if (role == EXCHANGE_NONE)
        return;
    if (role == EXCHANGE_REPEAT || role == EXCHANGE_STRAY) {
        give_copy(v, role == EXCHANGE_REPEAT ? x->fork[fork_index(x, facts->to_tag)].out : "");
        return;
    }
    if (role == EXCHANGE_OFFER)
        open_exchange(x, request);
    rewrite(x, role, side_other(request->from), facts, v);
    if (v->reason != REASON_NONE)
        return;
    if (request->kind == SIP_INVITE)
        keep_fork(x, facts, v);
    if (role == EXCHANGE_ANSWER && facts->reliable)
        x->settled = true;
}

// Gives the AGW the answer of the fork that won back, when another one was there last.
static void apply_winner(struct exchange *x, const struct sip_facts *facts,
                         struct exchange_verdict *v)
{
    int fork = fork_index(x, facts->to_tag);
    if (fork < 0 || fork == x->applied || !negotiation_pending(x->negotiation))
        return;
    struct sip_facts again = *facts;
    again.body = x->fork[fork].in;
    again.body_len = x->fork[fork].in_len;
    struct exchange_verdict winner = {0};
    rewrite(x, EXCHANGE_ANSWER, side_other(x->opener.from), &again, &winner);
    free(winner.body); // what goes out was made when the answer came
    x->applied = fork;
    v->reason = winner.reason;
    snprintf(v->error, sizeof(v->error), "%s", winner.error);
}

void exchange_succeed(struct exchange *x, const struct exchange_request *request,
                      const struct sip_facts *facts, struct exchange_verdict *v)
{
    if (request->kind == SIP_INVITE)
        apply_winner(x, facts, v);
    if (v->reason == REASON_NONE && opened_by(x, request) && request->offered)
        commit(x);
}

bool exchange_refuse(struct exchange *x, const struct exchange_request *request)
{
    if (!opened_by(x, request))
        return false;
    negotiation_rollback(x->negotiation);
    return true;
}

bool exchange_sends_answer(const struct exchange *x, enum side to, const struct sip_facts *facts)
{
    if (facts->status)
        return x->opener.from == to && x->opener.offered;
    bool closing = facts->kind == SIP_ACK || facts->kind == SIP_PRACK;
    return closing && x->opener.from != to && !x->opener.offered;
}
