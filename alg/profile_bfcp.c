// SPDX-License-Identifier: GPL-3.0-or-later
// BFCP over TCP (TS 23.334 5.11.2.2.3): TLS towards the UE, plain towards the core. The answerer is
// TLS server whatever the TCP direction (RFC 8856 8), so the AGW is server when the UE offered and
// client when the ALG offered (REQ-042). Floor attributes pass as they are; a=connection passes
// from leg to leg and its value in the answer decides about the connection (RFC 4145 5, REQ-052).
// A connection that was lost comes back by an offer of an endpoint and no other way (REQ-144).
//
// Failure paths: no usable fingerprint, another transport, an illegal setup, a=connection that
// contradicts the TLS identity, a lost connection re-established too soon after the last time.
#include "alg/e2ae.h"
#include "alg/profile.h"
#include "alg/tcp_media.h"

static bool says_existing(const struct body *body, size_t index)
{
    struct sdp_text value;
    return sdp_attribute(body->sdp, (int)index, "connection", &value) &&
           sdp_text_is(value, "existing");
}

// RFC 8855 6.1, REQ-144.
static enum reason read_return(struct medium *m, const struct medium *agreed,
                               const struct body *body)
{
    uint64_t interval_us = body->cfg->bfcp.reestablish_s * UINT64_C(1000000);
    m->returned_us = agreed ? agreed->returned_us : 0;
    if (!agreed || !agreed->stream || !agreed->stream->lost)
        return REASON_NONE;
    if (m->returned_us && body->now_us - m->returned_us < interval_us)
        return REASON_BFCP_TOO_SOON;
    m->returned_us = body->now_us;
    return REASON_NONE;
}

static enum reason read_offer(struct medium *m, const struct medium *agreed,
                              const struct body *body, size_t index)
{
    bool e2ae = m->treatment == TREAT_E2AE;
    m->transport[SIDE_ACCESS] = e2ae ? AGW_TCP_TLS : AGW_TCP;
    m->transport[SIDE_CORE] = AGW_TCP;
    m->agw_client = body->from == SIDE_CORE;
    m->new_connection = !says_existing(body, index); // new is the default (RFC 4145 5)
    tcp_media_read_setup(m, body, index, false, true);
    tcp_media_offered(m, body->from);
    enum reason reason = read_return(m, agreed, body);
    if (reason == REASON_NONE && e2ae && body->from == SIDE_ACCESS)
        reason = e2ae_read_fingerprints(m, body, index);
    if (reason == REASON_NONE)
        reason = tcp_media_read_identity(m, agreed, body, index);
    return reason;
}

static bool keeps_stream(const struct medium *m, const struct medium *agreed, enum side offerer)
{
    bool same_ue = offerer == SIDE_CORE || fingerprints_equal(&m->ue, &agreed->ue);
    return same_ue && (!m->new_connection || agreed->tcp[SIDE_ACCESS] == AGW_TCP_HOLD);
}

static enum reason read_answer(struct medium *m, const struct medium *agreed,
                               const struct body *body, size_t index)
{
    bool e2ae = m->treatment == TREAT_E2AE;
    struct transport transport = decision_transport(sdp_media(body->sdp, index).proto);
    bool secure = e2ae ? body->from == SIDE_ACCESS : transport.secure;
    if (transport.kind != MEDIUM_BFCP || transport.secure != secure)
        return REASON_PROTO_CHANGED;
    enum reason reason = REASON_NONE;
    if (e2ae && body->from == SIDE_ACCESS)
        reason = e2ae_read_fingerprints(m, body, index);
    if (reason == REASON_NONE)
        reason = tcp_media_read_identity(m, agreed, body, index);
    if (reason != REASON_NONE)
        return reason;
    bool kept = agreed && agreed->stream == m->stream;
    m->new_connection =
        kept && agreed->tcp[SIDE_ACCESS] != AGW_TCP_HOLD && !says_existing(body, index);
    tcp_media_read_setup(m, body, index, true, true);
    if (kept && !m->new_connection && agreed->tcp[SIDE_ACCESS] != AGW_TCP_HOLD) {
        tcp_media_keep(m, agreed); // existing voids the setup of this round (REQ-052)
        return REASON_NONE;
    }
    return tcp_media_answered(m, side_other(body->from));
}

static void elements(const struct medium *m, const struct config *cfg, enum side side,
                     bool configure, struct agw_request *request)
{
    tcp_media_elements(m, cfg, side, configure, request);
    if (side == SIDE_CORE || m->treatment != TREAT_E2AE)
        return;
    e2ae_elements(m, configure, false, request);
    request->role_guard_ms = cfg->bfcp.role_guard_ms;
}

static struct bandwidth_overhead overhead(const struct medium *m, const struct body *body,
                                          size_t index)
{
    return bandwidth_message_overhead(body->record_overhead[1], body->cfg->bfcp.messages_per_s);
}

static const char *proto(const struct medium *m, enum side to)
{
    if (m->treatment == TREAT_RELAY)
        return NULL;
    return to == SIDE_ACCESS ? "TCP/TLS/BFCP" : "TCP/BFCP";
}

static int write_line(struct medium *m, const struct body *body, size_t index, bool answer)
{
    if (m->treatment == TREAT_RELAY)
        return 0; // a=setup goes from end to end
    return tcp_media_write(m, body, index, answer, proto(m, side_other(body->from)),
                           "TS 23.334 5.11.2.2.3");
}

const struct profile profile_bfcp = {
    .name = "bfcp",
    .returns = true,
    .figure = {FIGURE_BFCP_ORIG, FIGURE_BFCP_TERM},
    .read_offer = read_offer,
    .read_answer = read_answer,
    .keeps_stream = keeps_stream,
    .elements = elements,
    .overhead = overhead,
    .write = write_line,
    .proto = proto,
};
