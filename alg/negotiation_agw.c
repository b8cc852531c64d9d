// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: a stream gets a number, its terminations are reserved when an offer needs them and
// configured when an answer tells more; the last exchange that holds it lets it go. What the AGW
// has already is not said again.
//
// Failure paths: no number or memory left; what the AGW refuses. Each is a reason, and leaves the
// stream as it was.
#include "alg/negotiation_internal.h"

#include "common/keep.h"
#include "common/random.h"

#include <stdlib.h>
#include <string.h>

bool negotiation_is_live(const struct medium *m)
{
    return m->stream && !m->dead && !m->stream->failed;
}

// --- streams ----------------------------------------------------------------------------------

// A key for each suite, since the configuration may enable another one while the stream lives; its
// tag in offers is the number of the suite. NULL: no memory.
static struct stream_keys *keys_create(void)
{
    struct stream_keys *keys = keep_zalloc(sizeof(*keys));
    for (enum sdes_suite s = SDES_NONE + 1; keys && s < SDES_SUITES; s++)
        sdes_generate(&keys->own[s], s, s);
    return keys;
}

static void keys_free(struct stream_keys *keys)
{
    if (!keys)
        return;
    explicit_bzero(keys, sizeof(*keys));
    free(keys);
}

struct stream *negotiation_stream_open(struct negotiation *n, const struct medium *m, bool rtcp)
{
    struct stream *s = keep_zalloc(sizeof(*s));
    if (!s)
        return NULL;
    if (m->transport[SIDE_ACCESS] == AGW_RTP_SAVP && !(s->keys = keys_create()))
        goto out;
    for (unsigned tries = 0; tries < AGW_STREAMS_MAX; tries++) {
        n->last_id = n->last_id % AGW_STREAMS_MAX + 1;
        uint64_t bit = UINT64_C(1) << (n->last_id - 1);
        if (n->stream_ids & bit)
            continue;
        n->stream_ids |= bit;
        s->id = n->last_id;
        s->uses = 1;
        memcpy(s->transport, m->transport, sizeof(s->transport));
        s->rtcp = rtcp;
        random_alnum(s->identity, sizeof(s->identity));
        return s;
    }
out:
    keys_free(s->keys);
    free(s);
    return NULL;
}

static bool at_agw(const struct stream *s)
{
    return !s->failed && (s->point[SIDE_ACCESS].reserved || s->point[SIDE_CORE].reserved);
}

// Ends the terminations of a stream at the AGW, once.
void negotiation_stream_release(struct negotiation *n, const struct stream *s)
{
    if (!at_agw(s))
        return;
    iq_release(n->iq, s->id);
    if (--n->held == 0)
        n->iq->context = 0; // the context went with its last stream
}

// Lets go of one use; the last one releases the terminations.
void negotiation_stream_leave(struct negotiation *n, struct stream *s)
{
    if (!s || --s->uses > 0)
        return;
    negotiation_stream_release(n, s);
    n->stream_ids &= ~(UINT64_C(1) << (s->id - 1));
    keys_free(s->keys);
    free(s->local);
    free(s->bound);
    free(s);
}

// --- talking to the AGW -----------------------------------------------------------------------

const struct config_realm *negotiation_realm(const struct negotiation *n, enum side side)
{
    return side == SIDE_ACCESS ? &n->cfg->access.realm : &n->cfg->core.realm;
}

static enum agw_mode mode_of(const struct medium_peer *peer)
{
    static const enum agw_mode modes[] = {
        [SDP_SENDRECV] = AGW_SEND_RECEIVE,
        [SDP_SENDONLY] = AGW_RECEIVE_ONLY,
        [SDP_RECVONLY] = AGW_SEND_ONLY,
        [SDP_INACTIVE] = AGW_INACTIVE,
    };
    if (!peer->seen)
        return AGW_SEND_RECEIVE;
    enum agw_mode mode = modes[peer->direction];
    if (!peer->held)
        return mode;
    return mode == AGW_SEND_ONLY || mode == AGW_INACTIVE ? AGW_INACTIVE : AGW_RECEIVE_ONLY;
}

static struct agw_request request_for(struct negotiation *n, const struct medium *m, enum side side,
                                      bool configure)
{
    const struct medium_peer *peer = &m->peer[side];
    struct agw_request q = {
        .termination = side_termination(side),
        .stream = m->stream->id,
        .transport = m->stream->transport[side],
        .tcp_setup = m->tcp[side],
        .family = addr_is_set(&peer->remote) ? addr_family(&peer->remote) : n->family[side],
        .rtcp = m->stream->rtcp,
        .remote = peer->remote,
        .remote_rtcp = peer->remote_rtcp,
        .latching = negotiation_realm(n, side)->latching,
        .mode = mode_of(peer),
        .inactivity_s = n->cfg->agw.media_timeout_s,
    };
    if (peer->held)
        q.remote = q.remote_rtcp = (struct addr){0};
    if (n->cfg->agw.policing)
        q.peak_rate_kbps = m->peer[side_other(side)].written_kbps;
    m->profile->elements(m, n->cfg, side, configure, &q);
    return q;
}

bool negotiation_is_bound(const struct stream *s, const struct fingerprints *ue)
{
    return s->bound && fingerprints_equal(s->bound, ue);
}

static void remember(struct medium *m, enum side side, const struct agw_request *q)
{
    struct stream *s = m->stream;
    struct point *point = &s->point[side];
    if (addr_is_set(&q->remote))
        point->remote = q->remote;
    if (addr_is_set(&q->remote_rtcp))
        point->remote_rtcp = q->remote_rtcp;
    point->mode = q->mode;
    point->rtcp_mux = q->rtcp_mux;
    point->tcp = q->tcp_setup;
    point->started = point->started || q->establish_tcp || q->tcp_trigger;
    point->paths_given = point->paths_given || (q->msrp_local && q->msrp_remote);
    s->notify_armed = s->notify_armed || q->notify_dtls_failure;
    if (q->remote_sdes.suite != SDES_NONE) {
        s->keys->local = q->local_sdes;
        s->keys->remote = q->remote_sdes;
    }
    if (q->remote_fingerprints.count) {
        (void)fingerprints_learn(&s->bound, &q->remote_fingerprints); // else said to the AGW again
        s->agw_client = m->agw_client;
        m->new_association = false;
    }
}

// Reserve, or Reserve and Configure when the remote side is known.
enum reason negotiation_reserve(struct negotiation *n, struct medium *m, enum side side)
{
    struct point *point = &m->stream->point[side];
    if (point->reserved)
        return REASON_NONE;
    struct agw_request q = request_for(n, m, side, false);
    struct agw_reply reply = {0};
    enum reason reason = m->peer[side].seen ? iq_reserve_and_configure(n->iq, &q, &reply)
                                            : iq_reserve(n->iq, &q, &reply);
    if (reason != REASON_NONE)
        return reason;
    if (!at_agw(m->stream)) {
        n->held++;
        n->opened++;
    }
    point->reserved = true;
    point->local = reply.local;
    point->local_rtcp = reply.local_rtcp;
    remember(m, side, &q);
    if (reply.local_fingerprints.count &&
        !fingerprints_learn(&m->stream->local, &reply.local_fingerprints))
        return REASON_INTERNAL;
    return REASON_NONE;
}

static bool brings_other_key(const struct medium *m, const struct agw_request *q)
{
    const struct stream_keys *keys = m->stream->keys;
    return q->remote_sdes.suite != SDES_NONE && !(sdes_same_key(&q->remote_sdes, &keys->remote) &&
                                                  sdes_same_key(&q->local_sdes, &keys->local));
}

static bool differs(const struct medium *m, enum side side, const struct agw_request *q)
{
    const struct point *point = &m->stream->point[side];
    if (addr_is_set(&q->remote) && !addr_equal(&q->remote, &point->remote))
        return true;
    if (addr_is_set(&q->remote_rtcp) && !addr_equal(&q->remote_rtcp, &point->remote_rtcp))
        return true;
    if (q->rtcp_mux != point->rtcp_mux || brings_other_key(m, q))
        return true;
    if (q->mode != point->mode || q->new_association || q->establish_dtls)
        return true;
    if (q->tcp_setup != point->tcp || q->new_connection || q->establish_tcp || q->tcp_trigger)
        return true;
    if (q->msrp_local && q->msrp_remote && !point->paths_given)
        return true;
    return q->remote_fingerprints.count &&
           !negotiation_is_bound(m->stream, &q->remote_fingerprints);
}

// Configure, unless the AGW has it all.
enum reason negotiation_configure(struct negotiation *n, struct medium *m, enum side side)
{
    struct agw_request q = request_for(n, m, side, true);
    if (!differs(m, side, &q))
        return REASON_NONE;
    const struct addr *before = &m->stream->point[side].remote;
    q.relatch = addr_is_set(before) && addr_is_set(&q.remote) && !addr_equal(&q.remote, before);
    enum reason reason = iq_configure(n->iq, &q);
    if (reason == REASON_NONE)
        remember(m, side, &q);
    return reason;
}

enum reason negotiation_settle(struct negotiation *n, struct medium *m, enum side side)
{
    return m->stream->point[side].reserved ? negotiation_configure(n, m, side)
                                           : negotiation_reserve(n, m, side);
}
