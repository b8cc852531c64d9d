// SPDX-License-Identifier: GPL-3.0-or-later
// MSRP over TCP (TS 23.334 5.11.2.2.2, 5.19): TLS towards the UE, plain towards the core. The TLS
// role follows the TCP role (RFC 6135 6, REQ-041). With a=msrp-cema in the offer the AGW is
// application-agnostic and paths pass untouched (RFC 6714, REQ-054); without it the AGW rewrites
// paths in messages, and the ALG shows the AGW's own path on each leg (REQ-055).
//
// Failure paths: no usable fingerprint or path, another transport, an illegal setup, both endpoints
// passive, an answerer without CEMA that would connect past the AGW. TLS from end to end without
// CEMA cannot be anchored at all and passes.
#include "alg/e2ae.h"
#include "alg/profile.h"
#include "alg/shown_path.h"
#include "alg/tcp_media.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char clause_path[] = "RFC 4975 8.2";

// --- reading ----------------------------------------------------------------------------------

static bool has_cema(const struct body *body, size_t index)
{
    struct sdp_text value;
    return sdp_attribute(body->sdp, (int)index, "msrp-cema", &value);
}

static bool leg_is_secure(const struct medium *m, enum side side)
{
    return m->treatment == TREAT_E2AE && side == SIDE_ACCESS;
}

// Takes the path of the sender, and makes the one that is shown to the other side in its place.
static enum reason read_path(struct medium *m, const struct body *body, size_t index)
{
    enum side to = side_other(body->from);
    struct sdp_text value;
    if (!sdp_attribute(body->sdp, (int)index, "path", &value))
        return REASON_MSRP_NO_PATH;
    free(m->peer[body->from].path);
    m->peer[body->from].path = strndup(value.at, value.len);
    if (!m->peer[body->from].path)
        return REASON_INTERNAL;
    if (!m->aware)
        return REASON_NONE;
    free(m->shown[to]);
    m->shown[to] = shown_path_make(m->peer[body->from].path, leg_is_secure(m, to),
                                   m->tcp[to] == AGW_TCP_CLIENT);
    return m->shown[to] ? REASON_NONE : REASON_MSRP_NO_PATH;
}

static void choose_mode(struct medium *m, const struct body *body, size_t index)
{
    bool e2ae = m->treatment == TREAT_E2AE;
    bool secure = decision_transport(sdp_media(body->sdp, index).proto).secure;
    bool cema = has_cema(body, index);
    if (m->treatment == TREAT_RELAY && secure && !cema) {
        m->treatment = TREAT_PASS;
        m->profile = NULL;
        return;
    }
    m->aware = !cema || (body->cfg->msrp.cema == CEMA_AWARE && !(secure && !e2ae));
    m->transport[SIDE_CORE] = m->aware ? AGW_TCP_MSRP : AGW_TCP;
    m->transport[SIDE_ACCESS] = !e2ae      ? m->transport[SIDE_CORE]
                                : m->aware ? AGW_TCP_TLS_MSRP
                                           : AGW_TCP_TLS;
}

static enum reason read_offer(struct medium *m, const struct medium *agreed,
                              const struct body *body, size_t index)
{
    choose_mode(m, body, index);
    if (m->treatment == TREAT_PASS)
        return REASON_NONE;
    tcp_media_read_setup(m, body, index, false, false);
    tcp_media_offered(m, body->from);
    enum reason reason = read_path(m, body, index);
    if (reason == REASON_NONE && m->treatment == TREAT_E2AE && body->from == SIDE_ACCESS)
        reason = e2ae_read_fingerprints(m, body, index);
    if (reason == REASON_NONE)
        reason = tcp_media_read_identity(m, agreed, body, index);
    return reason;
}

static bool same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

// Connection re-use follows the URI (RFC 4975 5.4).
static bool same_endpoint(const struct medium *m, const struct medium *agreed, enum side side)
{
    return same_text(m->peer[side].path, agreed->peer[side].path) &&
           addr_equal(&m->peer[side].remote, &agreed->peer[side].remote);
}

static bool keeps_stream(const struct medium *m, const struct medium *agreed, enum side offerer)
{
    if (m->aware != agreed->aware || !same_endpoint(m, agreed, offerer))
        return false;
    return offerer == SIDE_CORE || m->treatment != TREAT_E2AE ||
           fingerprints_equal(&m->ue, &agreed->ue);
}

static enum reason check_answer(struct medium *m, const struct body *body, size_t index)
{
    bool e2ae = m->treatment == TREAT_E2AE;
    struct transport transport = decision_transport(sdp_media(body->sdp, index).proto);
    bool secure = e2ae ? body->from == SIDE_ACCESS : transport.secure;
    if (transport.kind != MEDIUM_MSRP || transport.secure != secure)
        return REASON_PROTO_CHANGED;
    // without CEMA an active answerer connects to a=path, past the AGW (RFC 6714 4.3)
    if (!m->aware && !has_cema(body, index) && m->peer[body->from].setup == SDP_SETUP_ACTIVE)
        return REASON_MSRP_CEMA_REFUSED;
    return e2ae && body->from == SIDE_ACCESS ? e2ae_read_fingerprints(m, body, index) : REASON_NONE;
}

static enum reason read_answer(struct medium *m, const struct medium *agreed,
                               const struct body *body, size_t index)
{
    enum side offerer = side_other(body->from);
    tcp_media_read_setup(m, body, index, true, false);
    enum reason reason = check_answer(m, body, index);
    if (reason == REASON_NONE)
        reason = tcp_media_read_identity(m, agreed, body, index);
    if (reason != REASON_NONE)
        return reason;
    bool kept = agreed && agreed->stream == m->stream;
    if (kept)
        tcp_media_keep(m, agreed);
    else
        reason = tcp_media_answered(m, offerer);
    if (reason == REASON_NONE)
        reason = read_path(m, body, index);
    // REQ-136: nobody would send the first SEND
    if (m->tcp[SIDE_ACCESS] == AGW_TCP_CLIENT && m->tcp[SIDE_CORE] == AGW_TCP_CLIENT)
        return REASON_MSRP_NO_ACTIVE;
    m->agw_client = m->tcp[SIDE_ACCESS] == AGW_TCP_CLIENT;
    return reason;
}

// --- the AGW ----------------------------------------------------------------------------------

static void elements(const struct medium *m, const struct config *cfg, enum side side,
                     bool configure, struct agw_request *request)
{
    tcp_media_elements(m, cfg, side, configure, request);
    if (m->aware) {
        request->msrp_local = m->shown[side];
        request->msrp_remote = m->peer[side].path;
    }
    if (side == SIDE_ACCESS && m->treatment == TREAT_E2AE)
        e2ae_elements(m, configure, false, request);
}

static struct bandwidth_overhead overhead(const struct medium *m, const struct body *body,
                                          size_t index)
{
    return bandwidth_stream_overhead(body->sdp, index, body->record_overhead[1],
                                     body->cfg->msrp.record_bytes, body->from);
}

// --- writing ----------------------------------------------------------------------------------

static const char *proto(const struct medium *m, enum side to)
{
    if (m->treatment == TREAT_RELAY)
        return NULL;
    return to == SIDE_ACCESS ? "TCP/TLS/MSRP" : "TCP/MSRP";
}

// "A middlebox that acts as MSRP B2BUA never forwards a=msrp-cema" (RFC 6714 6.2).
static int write_path(const struct medium *m, const struct body *body, size_t index)
{
    enum side to = side_other(body->from);
    if (!m->aware)
        return 0;
    char *path = shown_path_resolve(m->shown[to], &m->stream->point[to].local);
    if (!path)
        return -ENOMEM;
    int err = sdp_set_attribute(body->sdp, (int)index, "path", path, clause_path);
    free(path);
    if (err)
        return err;
    int n = sdp_drop_attribute(body->sdp, (int)index, "msrp-cema", "RFC 6714 6.2");
    return n < 0 ? n : 0;
}

static int write_line(struct medium *m, const struct body *body, size_t index, bool answer)
{
    int err = 0;
    if (m->treatment != TREAT_RELAY) {
        // a=connection does not exist for MSRP
        int n = sdp_drop_attribute(body->sdp, (int)index, "connection", "RFC 6135 4.4");
        err = n < 0 ? n
                    : tcp_media_write(m, body, index, answer, proto(m, side_other(body->from)),
                                      "TS 23.334 5.11.2.2.2");
    }
    return err || !m->stream || m->dead ? err : write_path(m, body, index);
}

const struct profile profile_msrp = {
    .name = "msrp",
    .figure = {FIGURE_MSRP_ORIG, FIGURE_MSRP_TERM},
    .read_offer = read_offer,
    .read_answer = read_answer,
    .keeps_stream = keeps_stream,
    .elements = elements,
    .overhead = overhead,
    .write = write_line,
    .proto = proto,
};
