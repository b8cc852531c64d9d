// SPDX-License-Identifier: GPL-3.0-or-later
// An offer is read, roles are set as far as they are known; the answer settles them; the elements
// say who starts. A setup value that is no legal answer is the only failure.
#include "alg/tcp_media.h"

#include "alg/e2ae.h"

#include <errno.h>
#include <string.h>

// The AGW is what the peer is not.
static enum agw_tcp_setup role_against(enum sdp_setup peer)
{
    switch (peer) {
    case SDP_SETUP_ACTIVE:
        return AGW_TCP_SERVER;
    case SDP_SETUP_PASSIVE:
        return AGW_TCP_CLIENT;
    case SDP_SETUP_HOLDCONN:
        return AGW_TCP_HOLD;
    default:
        return AGW_TCP_UNDECIDED;
    }
}

static enum agw_tcp_setup mirror(enum agw_tcp_setup role)
{
    return role == AGW_TCP_SERVER ? AGW_TCP_CLIENT : role == AGW_TCP_CLIENT ? AGW_TCP_SERVER : role;
}

void tcp_media_read_setup(struct medium *m, const struct body *body, size_t index, bool answer,
                          bool holdconn)
{
    enum sdp_setup setup = sdp_setup(body->sdp, index);
    bool absent = setup == SDP_SETUP_NONE || setup == SDP_SETUP_UNKNOWN ||
                  (setup == SDP_SETUP_HOLDCONN && !holdconn);
    m->peer[body->from].setup = !absent ? setup : answer ? SDP_SETUP_PASSIVE : SDP_SETUP_ACTIVE;
}

enum reason tcp_media_read_identity(struct medium *m, const struct medium *agreed,
                                    const struct body *body, size_t index)
{
    struct sdp_text connection;
    if (m->treatment != TREAT_E2AE || body->from != SIDE_ACCESS)
        return REASON_NONE;
    e2ae_read_identity(m, body, index);
    if (!agreed || !agreed->stream || !agreed->identity_name || !m->identity_name ||
        !sdp_attribute(body->sdp, (int)index, "connection", &connection))
        return REASON_NONE;
    bool same = strcmp(m->ue_identity, agreed->ue_identity) == 0;
    return same == sdp_text_is(connection, "existing") ? REASON_NONE
                                                       : REASON_CONNECTION_CONTRADICTS;
}

void tcp_media_offered(struct medium *m, enum side offerer)
{
    enum agw_tcp_setup role = role_against(m->peer[offerer].setup);
    m->tcp[offerer] = role;
    m->tcp[side_other(offerer)] = role == AGW_TCP_HOLD ? AGW_TCP_HOLD : AGW_TCP_UNDECIDED;
    // the UE opens the connection where it can: that works through its NAT (media-plane 3)
    if (offerer == SIDE_ACCESS && role == AGW_TCP_UNDECIDED && m->treatment == TREAT_E2AE)
        m->tcp[SIDE_ACCESS] = AGW_TCP_SERVER;
}

enum reason tcp_media_answered(struct medium *m, enum side offerer)
{
    enum side answerer = side_other(offerer);
    enum sdp_setup offered = m->peer[offerer].setup, answered = m->peer[answerer].setup;
    bool held = offered == SDP_SETUP_HOLDCONN || answered == SDP_SETUP_HOLDCONN;
    if (answered == SDP_SETUP_ACTPASS || (offered == SDP_SETUP_HOLDCONN && answered != offered))
        return REASON_SETUP_IN_ANSWER;
    if (m->treatment != TREAT_E2AE && !held && answered == offered)
        return REASON_SETUP_IN_ANSWER; // it went from end to end: the answer takes the other role
    m->tcp[answerer] = role_against(answered);
    if (m->treatment != TREAT_E2AE || m->tcp[offerer] == AGW_TCP_UNDECIDED)
        m->tcp[offerer] = mirror(m->tcp[answerer]);
    if (held)
        m->tcp[SIDE_ACCESS] = m->tcp[SIDE_CORE] = AGW_TCP_HOLD;
    return REASON_NONE;
}

void tcp_media_keep(struct medium *m, const struct medium *agreed)
{
    m->tcp[SIDE_ACCESS] = agreed->tcp[SIDE_ACCESS];
    m->tcp[SIDE_CORE] = agreed->tcp[SIDE_CORE];
    m->agw_client = agreed->agw_client;
    m->peer[SIDE_ACCESS].remote = agreed->peer[SIDE_ACCESS].remote;
    m->peer[SIDE_CORE].remote = agreed->peer[SIDE_CORE].remote;
}

void tcp_media_elements(const struct medium *m, const struct config *cfg, enum side side,
                        bool configure, struct agw_request *request)
{
    const struct point *point = &m->stream->point[side];
    enum agw_tcp_setup here = m->tcp[side], there = m->tcp[side_other(side)];
    request->notify_tcp_failure = !configure;
    bool settled = m->peer[SIDE_ACCESS].seen && m->peer[SIDE_CORE].seen;
    request->new_connection = m->new_connection && configure && settled;
    if (!settled || (point->started && !m->new_connection))
        return;
    // both clients: there is no incoming connection that could be a trigger
    bool explicit_start = cfg->tcp_start == TCP_START_EXPLICIT || here == there;
    request->establish_tcp = here == AGW_TCP_CLIENT && explicit_start;
    request->tcp_trigger = here == AGW_TCP_SERVER && there == AGW_TCP_CLIENT && !explicit_start;
}

static const char *offer_word(const struct medium *m, enum side to)
{
    return m->tcp[to] == AGW_TCP_HOLD ? "holdconn" : "actpass";
}

static const char *answer_word(const struct medium *m, enum side to)
{
    return m->tcp[to] == AGW_TCP_HOLD     ? "holdconn"
           : m->tcp[to] == AGW_TCP_CLIENT ? "active"
                                          : "passive";
}

static int write_setup(const struct medium *m, const struct body *body, size_t index, bool answer)
{
    static const char clause[] = "RFC 4145 4";
    enum side to = side_other(body->from);
    const char *word = answer ? answer_word(m, to) : offer_word(m, to);
    int err = sdp_set_attribute(body->sdp, (int)index, "setup", word, clause);
    if (err != -ENOENT)
        return err;
    return sdp_add_attribute(body->sdp, (int)index, clause, "setup:%s", word);
}

int tcp_media_write(struct medium *m, const struct body *body, size_t index, bool answer,
                    const char *proto, const char *clause)
{
    bool to_ue = body->from == SIDE_CORE;
    struct sdp *sdp = body->sdp;
    int err = sdp_set_media(sdp, index, sdp_media(sdp, index).port, proto, clause);
    if (!err)
        err = bandwidth_edit_media(sdp, index, &m->overhead, body->from, false);
    if (!err)
        err = e2ae_drop_attributes(sdp, index);
    if (err || !m->stream) // a refused line needs no more
        return err;
    if (to_ue && !answer)
        err = sdp_add_attribute(sdp, (int)index, "TS 24.229 7.5.2", "3ge2ae:applied");
    if (!err)
        err = write_setup(m, body, index, answer);
    return err || !to_ue ? err : e2ae_add_fingerprints(m, sdp, index, clause);
}
