// SPDX-License-Identifier: GPL-3.0-or-later
// Call from the UE (6.2.10.4.2): offer -> Reserve T2 -> offer to the core; answer -> Configure T2
// -> Reserve and Configure T1 -> answer to the UE. Call to the UE (6.2.10.4.3): offer -> Reserve T1
// -> Reserve and Configure T2 -> offer to the UE; answer -> Configure T1 -> answer to the core.
// Later exchanges use the same steps and skip what the AGW already has.
//
// Failure paths: a media line that cannot be served is rejected (port 0) and the others go on; when
// none is left the offer is refused. An answer that cannot be used fails as a whole. Both leave the
// agreed state as it was; rollback also puts the AGW back.
#include "alg/negotiation_internal.h"
#include "alg/session_trace.h"
#include "common/clock.h"
#include "common/keep.h"
#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct negotiation *negotiation_open(const struct config *cfg, struct iq *iq, unsigned mediasec,
                                     const int family[2])
{
    struct negotiation *n = keep_zalloc(sizeof(*n));
    if (!n)
        return NULL;
    n->cfg = cfg;
    n->iq = iq;
    n->mediasec = cfg->srtp_suites ? mediasec : mediasec & ~(unsigned)MEDIASEC_SDES_SRTP;
    for (int side = 0; side < 2; side++) {
        n->family[side] = family[side];
        // a number nobody outside can tie to anything (RFC 8866 5.2)
        n->origin[side].session_id = clock_now_us() + (unsigned)side;
    }
    return n;
}

void negotiation_trust_signalling(struct negotiation *n)
{
    n->confidential = true;
}

// --- media ------------------------------------------------------------------------------------

static void medium_clear(struct medium *m)
{
    explicit_bzero(&m->ue_sdes, sizeof(m->ue_sdes));
    for (int side = 0; side < 2; side++) {
        free(m->peer[side].path);
        free(m->shown[side]);
    }
}

static void media_clear(struct negotiation *n, struct media *media)
{
    for (size_t i = 0; i < media->count; i++) {
        negotiation_stream_leave(n, media->list[i].stream);
        medium_clear(&media->list[i]);
    }
    free(media->list);
    *media = (struct media){0};
}

static void media_mark_released(struct media *media)
{
    for (size_t i = 0; i < media->count; i++)
        if (media->list[i].stream)
            media->list[i].stream->failed = true;
}

void negotiation_release(struct negotiation *n)
{
    if (n->held > 0)
        iq_release(n->iq, 0);
    n->held = 0;
    media_mark_released(&n->agreed);
    media_mark_released(&n->proposed);
    for (struct stream *s = n->retired; s; s = s->next)
        s->failed = true;
}

void negotiation_free(struct negotiation *n)
{
    if (!n)
        return;
    negotiation_release(n);
    media_clear(n, &n->proposed);
    media_clear(n, &n->agreed);
    negotiation_drop_retired(n);
    free(n->origin[0].sent);
    free(n->origin[1].sent);
    free(n);
}

static struct medium *agreed_at(struct negotiation *n, size_t index)
{
    return index < n->agreed.count && n->agreed.list[index].profile ? &n->agreed.list[index] : NULL;
}

// The worst enabled suites, unless the configuration knows better (REQ-096).
static struct body body_of(const struct negotiation *n, struct sdp *sdp, enum side from)
{
    int configured = n->cfg->t38.overhead_override;
    unsigned dtls = configured >= 0 ? (unsigned)configured : agw_dtls_overhead(n->iq->agw);
    return (struct body){.sdp = sdp,
                         .from = from,
                         .cfg = n->cfg,
                         .now_us = clock_now_us(),
                         .trace = n->iq->trace,
                         .record_overhead = {dtls, agw_tls_overhead(n->iq->agw)}};
}

// --- reading an offer -------------------------------------------------------------------------

static void refuse_line(struct negotiation *n, struct medium *m, enum reason reason)
{
    m->dead = true;
    m->rejected = reason;
    negotiation_stream_leave(n, m->stream);
    m->stream = NULL;
}

static void read_peer(struct medium *m, const struct body *body, size_t index)
{
    struct medium_peer *peer = &m->peer[body->from];
    free(peer->path);
    *peer = (struct medium_peer){.seen = true, .direction = sdp_direction(body->sdp, index)};
    if (sdp_connection(body->sdp, index, &peer->remote) != 0)
        peer->remote = (struct addr){0}; // a name: the AGW can only latch
    peer->held = addr_is_set(&peer->remote) && addr_is_any(&peer->remote);
}

// After the profile has read the line: what e2ae adds may depend on it.
static void read_bandwidth(struct medium *m, const struct body *body, size_t index)
{
    struct medium_peer *peer = &m->peer[body->from];
    bool e2ae = m->treatment == TREAT_E2AE;
    m->overhead = e2ae ? m->profile->overhead(m, body, index) : (struct bandwidth_overhead){0};
    uint64_t as;
    if (sdp_bandwidth(body->sdp, (int)index, "AS", &as) && as < UINT32_MAX)
        peer->written_kbps = (unsigned)bandwidth_adjust(as, m->overhead.kbps, body->from);
}

// Keys on SIP that anybody on the way reads protect nothing (TS 33.328 5.4).
static bool may_use_sdes(struct negotiation *n)
{
    if (n->confidential || n->cfg->sdes_over_plain_sip == SDES_ALLOW)
        return true;
    if (n->cfg->sdes_over_plain_sip == SDES_REFUSE)
        return false;
    if (!n->sdes_told)
        session_trace_note(n->iq->trace, reason_clause(REASON_SDES_IN_CLEAR), "warning: %s",
                           reason_text(REASON_SDES_IN_CLEAR));
    n->sdes_told = true;
    return true;
}

// The decision of the table, unless it would put keys where they must not be.
static struct decision decide(struct negotiation *n, const struct medium *agreed,
                              const struct body *body, size_t index, struct transport transport)
{
    enum sdp_3ge2ae indicator = sdp_3ge2ae(body->sdp, index);
    bool capable = (n->mediasec & decision_mechanism(transport.kind)) != 0;
    bool ongoing = agreed && agreed->treatment == TREAT_E2AE && negotiation_is_live(agreed);
    struct decision decision = decision_make(body->from, transport, indicator, capable, ongoing);
    if (decision.treatment != TREAT_E2AE || transport.kind != MEDIUM_RTP || may_use_sdes(n))
        return decision;
    decision = decision_make(body->from, transport, indicator, false, false);
    if (decision.reason != REASON_NONE)
        decision.reason = REASON_SDES_IN_CLEAR;
    return decision;
}

static void choose_profile(struct negotiation *n, struct medium *m, const struct medium *agreed,
                           const struct body *body, size_t index)
{
    struct transport transport = decision_transport(sdp_media(body->sdp, index).proto);
    struct decision decision = decide(n, agreed, body, index, transport);
    m->feedback = transport.feedback;
    m->kind = transport.kind;
    m->treatment = decision.treatment;
    m->rejected = decision.reason;
    if (decision.treatment != TREAT_PASS)
        m->profile = profile_for(transport.kind, decision.treatment);
}

static bool can_keep(const struct medium *m, const struct medium *agreed, bool rtcp,
                     enum side offerer)
{
    return agreed && negotiation_is_live(agreed) && agreed->profile == m->profile &&
           agreed->stream->rtcp == rtcp &&
           memcmp(agreed->stream->transport, m->transport, sizeof(m->transport)) == 0 &&
           m->profile->keeps_stream(m, agreed, offerer);
}

static void consider_line(struct negotiation *n, const struct body *body, size_t index)
{
    struct medium *m = &n->proposed.list[index];
    const struct medium *agreed = agreed_at(n, index);
    choose_profile(n, m, agreed, body, index);
    m->offered = sdp_media(body->sdp, index).port != 0;
    m->dead = !m->offered && m->treatment != TREAT_PASS;
    if (m->treatment == TREAT_PASS || !m->offered) {
        m->rejected = REASON_NONE;
        return;
    }
    read_peer(m, body, index);
    enum reason reason = m->rejected;
    if (reason == REASON_NONE)
        reason = m->profile->read_offer(m, agreed, body, index);
    if (m->treatment == TREAT_PASS) // the profile cannot anchor it
        return;
    if (reason != REASON_NONE) {
        refuse_line(n, m, reason);
        return;
    }
    read_bandwidth(m, body, index);
    bool rtcp = decision_is_rtp(sdp_media(body->sdp, index).proto);
    if (can_keep(m, agreed, rtcp, body->from)) {
        m->stream = agreed->stream;
        m->stream->uses++;
        return;
    }
    m->stream = negotiation_stream_open(n, m, rtcp);
    if (!m->stream) {
        reason_count(REASON_AGW_NO_RESOURCE); // the AGW was not asked
        refuse_line(n, m, REASON_AGW_NO_RESOURCE);
    }
}

// What the offer needs before it can go on: T2 for a call from the UE, T1 and T2 for a call to it.
static void reserve_line(struct negotiation *n, struct medium *m)
{
    if (!negotiation_is_live(m))
        return;
    enum reason reason = negotiation_reserve(n, m, side_other(n->offerer));
    if (reason == REASON_NONE && n->offerer == SIDE_CORE)
        reason = negotiation_reserve(n, m, SIDE_CORE);
    if (reason != REASON_NONE)
        refuse_line(n, m, reason);
}

static bool open_proposal(struct negotiation *n, enum side offerer, size_t count)
{
    struct medium *list = keep_zalloc((count ? count : 1) * sizeof(*list));
    if (!list)
        return false;
    n->proposed = (struct media){list, count};
    n->offerer = offerer;
    n->pending = true;
    return true;
}

// The first exchange of a call, and in it the first e2ae medium, decides which figure of the
// specification it follows.
static void follow_figure(struct negotiation *n)
{
    for (size_t i = 0; n->agreed.count == 0 && i < n->proposed.count; i++) {
        const struct medium *m = &n->proposed.list[i];
        if (m->treatment != TREAT_E2AE || !negotiation_is_live(m))
            continue;
        trace_set_figure(n->iq->trace, m->profile->figure[n->offerer]);
        return;
    }
}

// The first rejection, when no line of the offer is left; a body without live lines passes.
static enum reason refused_as_a_whole(const struct media *media)
{
    enum reason first = REASON_NONE;
    for (size_t i = 0; i < media->count; i++) {
        if (!media->list[i].dead)
            return REASON_NONE;
        if (first == REASON_NONE)
            first = media->list[i].rejected;
    }
    return first;
}

// --- writing ----------------------------------------------------------------------------------

static void note_overhead(struct negotiation *n, const struct body *body, size_t index,
                          const struct medium *m)
{
    uint64_t value;
    if (m->treatment != TREAT_E2AE || !sdp_bandwidth(body->sdp, (int)index, "AS", &value))
        return;
    char label[128];
    snprintf(label, sizeof(label), "%s %u kbit/s: %s",
             body->from == SIDE_CORE ? "adds" : "subtracts", m->overhead.kbps, m->overhead.text);
    trace_add(n->iq->trace, &(struct trace_event){.time_us = clock_now_us(),
                                                  .kind = TRACE_ACTION,
                                                  .from = PARTY_ALG,
                                                  .to = PARTY_ALG,
                                                  .key = "bandwidth",
                                                  .label = label,
                                                  .clause = "TS 23.334 5.11.2.3.1"});
}

static int write_line(struct negotiation *n, const struct body *body, size_t index, bool answer)
{
    struct medium *m = &n->proposed.list[index];
    if (!m->profile) { // passes as it came, but the indicator has no meaning beyond the access leg
        int dropped = sdp_drop_attribute(body->sdp, (int)index, "3ge2ae", "TS 24.229 7.5.2");
        return dropped < 0 ? dropped : 0;
    }
    // a refused line shows the core nothing of the access leg either (REQ-007)
    if (!negotiation_is_live(m) && body->from != SIDE_ACCESS)
        return 0;
    if (!negotiation_is_live(m) && m->treatment == TREAT_RELAY)
        return 0;
    note_overhead(n, body, index, m);
    return m->profile->write(m, body, index, answer);
}

static struct addr own_address(const struct negotiation *n, enum side side)
{
    for (size_t i = 0; i < n->proposed.count; i++)
        if (negotiation_is_live(&n->proposed.list[i]))
            return n->proposed.list[i].stream->point[side].local;
    const struct config_realm *realm = negotiation_realm(n, side);
    if (addr_is_set(&realm->media_v4))
        return addr_is_set(&realm->shown_v4) ? realm->shown_v4 : realm->media_v4;
    return addr_is_set(&realm->shown_v6) ? realm->shown_v6 : realm->media_v6;
}

static enum reason write_body(struct negotiation *n, const struct body *body, bool answer)
{
    enum side to = side_other(body->from);
    struct medium *list = n->proposed.list;
    int err = rewrite_session_level(body, list);
    for (size_t i = 0; !err && i < n->proposed.count; i++)
        err = write_line(n, body, i, answer);
    if (!err)
        err = rewrite_addresses(body, list);
    if (!err)
        err = rewrite_bandwidth(body, list);
    struct addr own = own_address(n, to);
    if (!err)
        err = rewrite_origin(body->sdp, &n->origin[to], &own);
    return err ? REASON_INTERNAL : REASON_NONE;
}

// --- the exchange -----------------------------------------------------------------------------

static enum reason explain(enum reason reason, char error[static NEGOTIATION_ERROR_MAX])
{
    if (reason != REASON_NONE && !error[0])
        snprintf(error, NEGOTIATION_ERROR_MAX, "%s (%s)", reason_text(reason),
                 reason_clause(reason));
    return reason;
}

enum reason negotiation_offer(struct negotiation *n, enum side offerer, struct sdp *sdp,
                              char error[static NEGOTIATION_ERROR_MAX])
{
    error[0] = '\0';
    size_t count = sdp_media_count(sdp);
    if (n->pending)
        return explain(REASON_GLARE, error);
    if (count > n->cfg->sip.media_lines_max || count < n->agreed.count) {
        snprintf(error, NEGOTIATION_ERROR_MAX, "%zu media lines: at least %zu and at most %u fit",
                 count, n->agreed.count, n->cfg->sip.media_lines_max);
        return REASON_BAD_SDP;
    }
    if (!open_proposal(n, offerer, count))
        return explain(REASON_INTERNAL, error);
    struct body body = body_of(n, sdp, offerer);
    for (size_t i = 0; i < count; i++)
        consider_line(n, &body, i);
    follow_figure(n);
    for (size_t i = 0; i < count; i++)
        reserve_line(n, &n->proposed.list[i]);
    enum reason reason = refused_as_a_whole(&n->proposed);
    if (reason == REASON_NONE)
        reason = write_body(n, &body, false);
    if (reason != REASON_NONE)
        negotiation_rollback(n);
    return explain(reason, error);
}

static enum reason read_answer_line(struct negotiation *n, const struct body *body, size_t index)
{
    struct medium *m = &n->proposed.list[index];
    bool answered = sdp_media(body->sdp, index).port != 0;
    if (m->treatment == TREAT_PASS)
        return REASON_NONE;
    m->dead = !m->offered || m->rejected || !m->stream || m->stream->failed || !answered;
    if (m->dead)
        return REASON_NONE;
    read_peer(m, body, index);
    enum reason reason = m->profile->read_answer(m, agreed_at(n, index), body, index);
    if (reason == REASON_NONE)
        read_bandwidth(m, body, index);
    return reason;
}

// The other side first, as both charts have it: T2 then T1 for a call from the UE, T1 then T2 else.
static enum reason settle_line(struct negotiation *n, struct medium *m)
{
    if (!negotiation_is_live(m))
        return REASON_NONE;
    enum reason reason = negotiation_settle(n, m, side_other(n->offerer));
    return reason ? reason : negotiation_settle(n, m, n->offerer);
}

static enum reason settle(struct negotiation *n)
{
    enum reason reason = REASON_NONE;
    for (size_t i = 0; reason == REASON_NONE && i < n->proposed.count; i++)
        reason = settle_line(n, &n->proposed.list[i]);
    return reason;
}

static enum reason take_answer(struct negotiation *n, struct sdp *sdp, bool only_shown,
                               char error[static NEGOTIATION_ERROR_MAX])
{
    error[0] = '\0';
    if (!n->pending)
        return explain(REASON_INTERNAL, error);
    if (sdp_media_count(sdp) != n->proposed.count)
        return explain(REASON_MEDIA_COUNT, error);
    struct body body = body_of(n, sdp, side_other(n->offerer));
    enum reason reason = REASON_NONE;
    for (size_t i = 0; reason == REASON_NONE && i < n->proposed.count; i++)
        reason = read_answer_line(n, &body, i);
    if (reason == REASON_NONE && !only_shown)
        reason = settle(n);
    if (reason == REASON_NONE)
        reason = write_body(n, &body, true);
    return explain(reason, error);
}

enum reason negotiation_answer(struct negotiation *n, struct sdp *sdp,
                               char error[static NEGOTIATION_ERROR_MAX])
{
    return take_answer(n, sdp, false, error);
}

enum reason negotiation_show(struct negotiation *n, struct sdp *sdp,
                             char error[static NEGOTIATION_ERROR_MAX])
{
    return take_answer(n, sdp, true, error);
}

// A stream of the former state that the new one replaced goes on for a while; one whose media line
// went away is released at once.
static void retire(struct negotiation *n, struct medium *old, const struct medium *now)
{
    bool replaced =
        now && negotiation_is_live(now) && negotiation_is_live(old) && old->stream != now->stream;
    if (replaced)
        LL_PREPEND(n->retired, old->stream);
    else
        negotiation_stream_leave(n, old->stream);
}

bool negotiation_commit(struct negotiation *n)
{
    if (!n->pending)
        return n->retired != NULL;
    struct media old = n->agreed;
    n->agreed = n->proposed;
    n->proposed = (struct media){0};
    n->pending = false;
    for (size_t i = 0; i < old.count; i++) {
        retire(n, &old.list[i], i < n->agreed.count ? &n->agreed.list[i] : NULL);
        medium_clear(&old.list[i]);
    }
    free(old.list);
    for (size_t i = 0; i < n->agreed.count; i++) {
        struct medium *m = &n->agreed.list[i];
        if (!m->dead)
            continue;
        negotiation_stream_leave(n, m->stream);
        m->stream = NULL;
    }
    return n->retired != NULL;
}

void negotiation_rollback(struct negotiation *n)
{
    if (!n->pending)
        return;
    n->pending = false;
    media_clear(n, &n->proposed);
    for (size_t i = 0; i < n->agreed.count; i++) {
        struct medium *m = &n->agreed.list[i];
        if (!negotiation_is_live(m))
            continue;
        m->new_association = m->treatment == TREAT_E2AE && !negotiation_is_bound(m->stream, &m->ue);
        for (int side = 0; side < 2; side++)
            if (negotiation_configure(n, m, side) != REASON_NONE)
                log_error("negotiation", "stream %u: the AGW could not be put back", m->stream->id);
    }
}

void negotiation_reopen(struct negotiation *n, enum side offerer)
{
    negotiation_rollback(n);
    n->proposed = n->agreed;
    n->agreed = (struct media){0};
    n->offerer = offerer;
    n->pending = true;
}

void negotiation_drop_retired(struct negotiation *n)
{
    struct stream *s, *next;
    LL_FOREACH_SAFE(n->retired, s, next)
    {
        negotiation_stream_leave(n, s);
    }
    n->retired = NULL;
}

const struct medium *negotiation_medium(const struct negotiation *n, size_t index)
{
    const struct media *media = n->agreed.count > 0 ? &n->agreed : &n->proposed;
    return index < media->count ? &media->list[index] : NULL;
}

bool negotiation_pending(const struct negotiation *n)
{
    return n->pending;
}

enum side negotiation_offerer(const struct negotiation *n)
{
    return n->offerer;
}

static unsigned fail_in(struct media *media, unsigned stream, struct stream **found)
{
    unsigned alive = 0;
    for (size_t i = 0; i < media->count; i++) {
        struct medium *m = &media->list[i];
        if (m->stream && m->stream->id == stream)
            *found = m->stream;
        else if (negotiation_is_live(m) || (m->treatment == TREAT_PASS && !m->dead))
            alive++;
    }
    return alive;
}

bool negotiation_retired(const struct negotiation *n, unsigned stream)
{
    const struct stream *s = n->retired;
    while (s && s->id != stream)
        s = s->next;
    return s != NULL;
}

unsigned negotiation_stream_failed(struct negotiation *n, unsigned stream, bool lost)
{
    struct stream *s = NULL;
    unsigned alive = fail_in(&n->agreed, stream, &s);
    if (n->pending)
        alive = fail_in(&n->proposed, stream, &s);
    if (s && !s->failed) {
        negotiation_stream_release(n, s);
        s->failed = true;
        s->lost = lost;
    }
    return alive;
}

bool negotiation_may_return(const struct negotiation *n)
{
    for (size_t i = 0; i < n->agreed.count; i++) {
        const struct medium *m = &n->agreed.list[i];
        if (m->profile && m->profile->returns && !m->dead && m->stream && m->stream->lost)
            return true;
    }
    return false;
}

bool negotiation_lives(const struct negotiation *n)
{
    for (size_t i = 0; i < n->agreed.count; i++) {
        const struct medium *m = &n->agreed.list[i];
        if (negotiation_is_live(m) || (m->treatment == TREAT_PASS && !m->dead))
            return true;
    }
    return false;
}

unsigned negotiation_opened(const struct negotiation *n)
{
    return n->opened;
}
