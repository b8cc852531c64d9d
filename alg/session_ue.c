// SPDX-License-Identifier: GPL-3.0-or-later
// What becomes of sessions whose UE cannot be reached, or is no longer registered.
//
// Happy path: the connection of the UE closes; before the answer that is the end of the session
// (TS 24.229 5.2.8.1.1). Later the session waits: the UE may open another connection and register
// on it, or go on from there (RFC 5626 4.5). Failure: it has not, and the session is released
// towards the core alone (TS 24.229 5.2.8.1.2).
#include "alg/session_internal.h"

#include "common/log.h"

// --- the flow of the UE ------------------------------------------------------------------------

static bool is_at(const struct session *s, const struct addr *remote)
{
    const struct party *ue = &s->party[SIDE_ACCESS];
    return ue->tcp && addr_equal(&ue->hop, remote);
}

static void lose(struct session *s)
{
    s->reason = REASON_SIGNALLING_LOST;
    reason_count(s->reason);
    session_feed(s, LOST);
}

static void on_not_returned(void *arg)
{
    struct session *s = arg;
    s->lost_timer = NULL;
    if (s->all->ops.reachable(s->all->ops.arg, s))
        log_info(s->id, "the UE has come back");
    else if (s->state != CLOSING)
        lose(s);
}

// A BYE that is under way ends the session without any help.
static void flow_closed(struct session *s)
{
    unsigned seconds = s->all->cfg->sip.return_s;
    if (s->state == ENDED || s->state == CLOSING)
        return;
    if (s->state == EARLY || seconds == 0) {
        lose(s);
        return;
    }
    timer_cancel(s->lost_timer);
    s->lost_timer = timer_start(s->all->loop, seconds * UINT64_C(1000), on_not_returned, s);
    session_trace_note(s->trace, "RFC 5626 4.5",
                       "the connection of the UE has closed; it may come back within %u s",
                       seconds);
    log_info(s->id, "the connection of the UE has closed");
}

struct closing {
    const void *ue;
    const struct addr *remote;
};

// A UE that has registered is where its registration is, wherever it called from.
static void close_if_its(void *object, void *arg)
{
    struct session *s = object;
    const struct closing *closing = arg;
    if (s->ue ? s->ue == closing->ue : is_at(s, closing->remote))
        flow_closed(s);
}

void sessions_flow_closed(struct sessions *all, const void *ue, const struct addr *remote)
{
    index_each(all->by_token, close_if_its, &(struct closing){ue, remote});
}

void session_moved(struct session *s, const void *ue, const struct addr *source, unsigned listen)
{
    struct party *party = &s->party[SIDE_ACCESS];
    s->ue = ue;
    if (is_at(s, source))
        return;
    party->hop = *source;
    party->tcp = true;
    party->listen = listen;
    session_trace_note(s->trace, "RFC 5626 4.5", "the UE speaks on another connection");
}

struct search {
    const struct addr *remote;
    bool found;
};

static void compare(void *object, void *arg)
{
    const struct session *s = object;
    struct search *search = arg;
    search->found = search->found || (s->state != ENDED && is_at(s, search->remote));
}

bool sessions_any_at(const struct sessions *all, const struct addr *remote)
{
    struct search search = {.remote = remote};
    index_each(all->by_token, compare, &search);
    return search.found;
}

// --- the registration of the UE ----------------------------------------------------------------

struct ending {
    const void *ue;
    enum reason reason;
};

static void forget_if_its(void *object, void *arg)
{
    struct session *s = object;
    const struct ending *ending = arg;
    if (s->ue != ending->ue || s->state == ENDED)
        return;
    s->reason = ending->reason;
    reason_count(ending->reason);
    session_feed(s, FORGET);
}

void sessions_forget(struct sessions *all, const void *ue, enum reason reason)
{
    index_each(all->by_token, forget_if_its, &(struct ending){ue, reason});
}
