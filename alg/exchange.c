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
    bool reliable;
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

// Its index; -1: it is not kept.
static int keep_fork(struct exchange *x, const struct sip_facts *facts,
                     const struct exchange_verdict *verdict)
{
    int index = fork_index(x, facts->to_tag);
    struct rewritten kept = {0};
    if ((index < 0 && x->fork_count == FORKS_MAX) || !keep(&kept, facts, verdict))
        return -1;
    kept.reliable = facts->reliable;
    if (index < 0)
        index = (int)x->fork_count++;
    else
        rewritten_clear(&x->fork[index]);
    x->fork[index] = kept;
    return index;
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

typedef enum reason (*take_sdp)(struct negotiation *n, struct sdp *sdp,
                                char error[static NEGOTIATION_ERROR_MAX]);

static enum reason offer_access(struct negotiation *n, struct sdp *sdp,
                                char error[static NEGOTIATION_ERROR_MAX])
{
    return negotiation_offer(n, SIDE_ACCESS, sdp, error);
}

static enum reason offer_core(struct negotiation *n, struct sdp *sdp,
                              char error[static NEGOTIATION_ERROR_MAX])
{
    return negotiation_offer(n, SIDE_CORE, sdp, error);
}

static void walk(struct exchange *x, take_sdp take, bool sent, const struct sip_facts *facts,
                 struct exchange_verdict *v)
{
    struct sdp *sdp = NULL;
    struct sdp_error error;
    if (sdp_parse(&sdp, facts->body, facts->body_len, &error)) {
        v->reason = facts->status ? REASON_BAD_SDP_ANSWER : REASON_BAD_SDP;
        snprintf(v->error, sizeof(v->error), "SDP: %s", error.text);
        return;
    }
    char text[NEGOTIATION_ERROR_MAX];
    v->reason = take(x->negotiation, sdp, text);
    snprintf(v->error, sizeof(v->error), "%s", text);
    if (v->reason == REASON_NONE) {
        if (sent)
            session_trace_edits(x->iq->trace, sdp);
        v->body = sdp_print(sdp, &v->body_len);
        if (!v->body)
            v->reason = REASON_INTERNAL;
    }
    sdp_free(sdp);
}

static void rewrite(struct exchange *x, enum exchange_role role, enum side from,
                    const struct sip_facts *facts, struct exchange_verdict *v)
{
    take_sdp offer = from == SIDE_ACCESS ? offer_access : offer_core;
    walk(x, role == EXCHANGE_OFFER ? offer : negotiation_answer, true, facts, v);
}

// The same with an answer that was kept, whose new body nobody needs.
static void replay(struct exchange *x, take_sdp take, const char *answer, size_t len,
                   struct exchange_verdict *v)
{
    struct sip_facts facts = {.kind = SIP_INVITE, .status = 200, .body = answer, .body_len = len};
    struct exchange_verdict again = {0};
    walk(x, take, false, &facts, &again);
    free(again.body);
    v->reason = again.reason;
    snprintf(v->error, sizeof(v->error), "%s", again.error);
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
    int fork = request->kind == SIP_INVITE ? keep_fork(x, facts, v) : -1;
    if (fork >= 0)
        x->applied = fork;
    if (role == EXCHANGE_ANSWER && facts->reliable)
        x->settled = true;
}

// Gives the AGW the answer of a fork.
static void apply(struct exchange *x, int fork, struct exchange_verdict *v)
{
    replay(x, negotiation_answer, x->fork[fork].in, x->fork[fork].in_len, v);
    x->applied = fork;
}

// The fork that won, when the AGW was given the answer of another one last.
static void apply_winner(struct exchange *x, const struct sip_facts *facts,
                         struct exchange_verdict *v)
{
    int fork = fork_index(x, facts->to_tag);
    if (fork >= 0 && fork != x->applied && negotiation_pending(x->negotiation))
        apply(x, fork, v);
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

// --- branches -----------------------------------------------------------------------------------

unsigned exchange_forks(const struct exchange *x)
{
    return negotiation_pending(x->negotiation) ? x->fork_count : 0;
}

static void remove_fork(struct exchange *x, int fork)
{
    rewritten_clear(&x->fork[fork]);
    x->fork_count--;
    for (unsigned i = (unsigned)fork; i < x->fork_count; i++)
        x->fork[i] = x->fork[i + 1];
    x->fork[x->fork_count] = (struct rewritten){0};
    x->applied = x->applied == fork ? -1 : x->applied > fork ? x->applied - 1 : x->applied;
    x->settled = false;
    for (unsigned i = 0; i < x->fork_count; i++)
        x->settled = x->settled || x->fork[i].reliable;
}

void exchange_drop_fork(struct exchange *x, const char *tag, struct exchange_verdict *v)
{
    int fork = fork_index(x, tag);
    if (fork < 0 || !negotiation_pending(x->negotiation))
        return;
    remove_fork(x, fork);
    if (x->applied < 0 && x->fork_count > 0)
        apply(x, (int)x->fork_count - 1, v);
}

// What is agreed was agreed by the INVITE that opened the session, and both bodies are at hand.
static bool can_show(const struct exchange *x, const struct sip_facts *facts)
{
    return facts->body && x->applied >= 0 && x->opener.initial && x->opener.offered &&
           x->fork_count < FORKS_MAX && fork_index(x, facts->to_tag) < 0 &&
           !negotiation_pending(x->negotiation);
}

void exchange_show(struct exchange *x, const struct sip_facts *facts, struct exchange_verdict *v)
{
    if (can_show(x, facts)) {
        const struct rewritten *present = &x->fork[x->applied];
        struct exchange_verdict unused = {0};
        negotiation_reopen(x->negotiation, x->opener.from);
        walk(x, negotiation_show, true, facts, v);
        if (v->reason == REASON_NONE)
            keep_fork(x, facts, v);
        replay(x, negotiation_show, present->in, present->in_len, &unused);
        commit(x);
    }
    if (v->body)
        return;
    v->reason = REASON_NONE;
    give_copy(v, exchange_repeated(x, facts));
}

const char *exchange_answer_of(const struct exchange *x, const char *tag)
{
    int fork = fork_index(x, tag);
    return fork < 0 ? NULL : x->fork[fork].in;
}

void exchange_adopt(struct exchange *x, enum side offerer, const char *answer,
                    struct exchange_verdict *v)
{
    negotiation_reopen(x->negotiation, offerer);
    replay(x, negotiation_answer, answer, strlen(answer), v);
    if (v->reason == REASON_NONE)
        commit(x);
}
