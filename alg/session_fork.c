// SPDX-License-Identifier: GPL-3.0-or-later
// Branches of one INVITE. While it is open, each early dialog may end by itself (RFC 6228, or a BYE
// of the caller), and the AGW goes back to one that is left. When several answer with 2xx the first
// is the session; the others are kept beside it until the caller hangs up on all but one (RFC
// 3261 13.2.2.4). When it hangs up on the first, the next takes its place, and the media with it.
//
// Failure paths: a branch too many, or one without memory or without an answer to go by, passes but
// is not kept; an answer that cannot be used when its branch takes over ends the session. Media
// over TCP do not move: their connections were made for the first answer, and end with it.
#include "alg/session_internal.h"

#include "common/log.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

// Beside the first; as many as forks whose answers are kept apart.
#define RIVALS_MAX 7

// A branch that has answered beside the session's own.
struct rival {
    char *tag, *answer;
    struct party party;
    uint32_t expires_s; // session timer
    bool acked;
    struct rival *next;
};

static void rival_free(struct rival *r)
{
    free(r->tag);
    free(r->answer);
    party_clear(&r->party);
    free(r);
}

static struct rival *rival_find(const struct session *s, const struct sip_facts *facts)
{
    struct rival *r = s->rivals;
    while (r && !(facts->to_tag && strcmp(facts->to_tag, r->tag) == 0) &&
           !(facts->from_tag && strcmp(facts->from_tag, r->tag) == 0))
        r = r->next;
    return r;
}

static void rival_remove(struct session *s, struct rival *r)
{
    LL_DELETE(s->rivals, r);
    rival_free(r);
}

void session_fork_clear(struct session *s)
{
    while (s->rivals)
        rival_remove(s, s->rivals);
}

// --- early dialogs ----------------------------------------------------------------------------

static void drop_early(struct session *s, const char *tag)
{
    struct exchange_verdict unusable = {0};
    exchange_drop_fork(s->exchange, tag, &unusable);
    session_trace_note(s->trace, "RFC 6228 4", "the early dialog %s has ended", tag);
    if (unusable.reason != REASON_NONE)
        session_fail(s, unusable.reason);
}

void session_fork_ended(struct session *s, const struct sip_facts *facts)
{
    if (facts->to_tag && s->state == EARLY)
        drop_early(s, facts->to_tag);
}

// --- branches that answered -------------------------------------------------------------------

static bool rival_fill(struct session *s, struct rival *r, const struct sip_facts *facts)
{
    const struct party *first = &s->party[side_other(s->caller)];
    const char *answer = exchange_answer_of(s->exchange, facts->to_tag);
    r->tag = strdup(facts->to_tag);
    r->answer = answer ? strdup(answer) : NULL;
    r->expires_s = facts->session_expires;
    r->party.hop = first->hop;
    r->party.tcp = first->tcp;
    r->party.listen = first->listen;
    return r->tag && r->answer && !party_set_name(&r->party, facts->to) &&
           !party_set_contact(&r->party, facts->contact) &&
           !party_route_from_response(&r->party, facts, s->all->ops.own_route, s->all->ops.arg);
}

static void keep_rival(struct session *s, const struct sip_facts *facts)
{
    struct rival *any;
    unsigned count;
    LL_COUNT(s->rivals, any, count);
    struct rival *r = count < RIVALS_MAX ? calloc(1, sizeof(*r)) : NULL;
    if (r && rival_fill(s, r, facts)) {
        LL_APPEND(s->rivals, r);
        session_trace_note(s->trace, "RFC 3261 13.2.2.4", "another branch answers as well: %s",
                           r->tag);
    } else if (r) {
        rival_free(r);
    }
}

void session_late_answer(struct session *s, const struct sip_facts *facts,
                         struct exchange_verdict *v)
{
    *v = (struct exchange_verdict){0};
    bool stands = s->state == ANSWERED || s->state == UP;
    bool other = s->dialog && facts->to_tag && strcmp(facts->to_tag, s->dialog) != 0;
    exchange_show(s->exchange, facts, v);
    if (stands && other && !rival_find(s, facts))
        keep_rival(s, facts);
}

// Only a branch that the caller has acknowledged is one that it keeps: others end by themselves.
static struct rival *heir(const struct session *s)
{
    struct rival *r = s->state == ANSWERED || s->state == UP ? s->rivals : NULL;
    while (r && !r->acked)
        r = r->next;
    return r;
}

// It is the session from now on.
static void take_over(struct session *s, struct rival *r)
{
    struct party *callee = &s->party[side_other(s->caller)], first = *callee;
    char *tag = s->dialog;
    struct exchange_verdict unusable = {0};
    *callee = r->party;
    r->party = first;
    s->dialog = r->tag;
    r->tag = tag;
    session_trace_note(s->trace, "RFC 3261 13.2.2.4", "the branch %s is kept: media follow it",
                       s->dialog);
    exchange_adopt(s->exchange, s->caller, r->answer, &unusable);
    session_watch_expiry(s, r->expires_s);
    if (s->state == ANSWERED)
        session_feed(s, ACKED);
    rival_remove(s, r);
    if (unusable.reason != REASON_NONE)
        session_fail(s, unusable.reason);
}

bool session_fork_request(struct session *s, const struct sip_facts *facts, bool other)
{
    struct rival *r = other ? rival_find(s, facts) : NULL;
    bool bye = facts->kind == SIP_BYE;
    if (r && facts->kind == SIP_ACK)
        r->acked = true;
    if (r && bye)
        rival_remove(s, r);
    if (other || !bye)
        return other;
    r = heir(s);
    if (r) {
        take_over(s, r);
        return true;
    }
    const char *tag = facts->to_tag;
    if (s->state != EARLY || exchange_forks(s->exchange) < 2 ||
        !exchange_answer_of(s->exchange, tag))
        return false;
    drop_early(s, tag);
    return true;
}
