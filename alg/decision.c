// SPDX-License-Identifier: GPL-3.0-or-later
// The first row that fits decides. There is no failure: what no row fits is not anchored.
#include "alg/decision.h"

#include "common/config.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *proto; // a "*" at the end stands for anything
    struct transport transport;
} protos[] = {
    {"udptl", {MEDIUM_UDPTL, false, false}},
    {"UDP/TLS/UDPTL", {MEDIUM_UDPTL, true, false}},
    {"TCP/MSRP", {MEDIUM_MSRP, false, false}},
    {"TCP/TLS/MSRP", {MEDIUM_MSRP, true, false}},
    {"TCP/BFCP", {MEDIUM_BFCP, false, false}},
    {"TCP/TLS/BFCP", {MEDIUM_BFCP, true, false}},
    {"RTP/AVP", {MEDIUM_RTP, false, false}},
    {"RTP/AVPF", {MEDIUM_RTP, false, true}},
    {"RTP/SAVP", {MEDIUM_RTP, true, false}},
    {"RTP/SAVPF", {MEDIUM_RTP, true, true}},
    {"RTP/*", {MEDIUM_RTP_RELAYED, false, false}},
    {"UDP/TLS/RTP/*", {MEDIUM_RTP_RELAYED, true, false}},
};

static bool matches(struct sdp_text proto, const char *pattern)
{
    size_t len = strlen(pattern);
    if (pattern[len - 1] != '*')
        return sdp_text_is(proto, pattern);
    return proto.len >= len - 1 && strncasecmp(proto.at, pattern, len - 1) == 0;
}

struct transport decision_transport(struct sdp_text proto)
{
    for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
        if (matches(proto, protos[i].proto))
            return protos[i].transport;
    return (struct transport){MEDIUM_OTHER, false, false};
}

bool decision_is_rtp(struct sdp_text proto)
{
    enum medium_kind kind = decision_transport(proto).kind;
    return kind == MEDIUM_RTP || kind == MEDIUM_RTP_RELAYED;
}

unsigned decision_mechanism(enum medium_kind kind)
{
    static const unsigned mechanisms[] = {[MEDIUM_UDPTL] = MEDIASEC_UDPTL_DTLS,
                                          [MEDIUM_MSRP] = MEDIASEC_MSRP_TLS,
                                          [MEDIUM_BFCP] = MEDIASEC_BFCP_TLS,
                                          [MEDIUM_RTP] = MEDIASEC_SDES_SRTP,
                                          [MEDIUM_RTP_RELAYED] = 0,
                                          [MEDIUM_OTHER] = 0};
    return mechanisms[kind];
}

enum tri { NO, YES, ANY };

struct row {
    enum side offerer;
    enum tri secure;
    enum tri requested; // a=3ge2ae:requested
    enum tri capable;
    enum tri ongoing;
    struct decision decision;
};

static const struct row rows[] = {
    // offerer, secure, requested, capable, ongoing
    {SIDE_ACCESS, YES, YES, YES, ANY, {TREAT_E2AE, REASON_NONE}},
    {SIDE_ACCESS, YES, YES, NO, ANY, {TREAT_REJECT, REASON_E2AE_NOT_CAPABLE}},
    {SIDE_ACCESS, YES, NO, ANY, YES, {TREAT_E2AE, REASON_NONE}},
    // end-to-end security: TS 23.334 5.11.3, REQ-005
    {SIDE_ACCESS, YES, NO, ANY, NO, {TREAT_RELAY, REASON_NONE}},
    {SIDE_ACCESS, NO, ANY, ANY, ANY, {TREAT_RELAY, REASON_NONE}},
    {SIDE_CORE, NO, ANY, YES, ANY, {TREAT_E2AE, REASON_NONE}},
    // REQ-037
    {SIDE_CORE, NO, ANY, NO, ANY, {TREAT_RELAY, REASON_NONE}},
    {SIDE_CORE, YES, ANY, ANY, ANY, {TREAT_RELAY, REASON_NONE}},
};

static bool fits(enum tri wanted, bool is)
{
    return wanted == ANY || (wanted == YES) == is;
}

struct decision decision_make(enum side offerer, struct transport transport,
                              enum sdp_3ge2ae indicator, bool capable, bool ongoing)
{
    bool requested = indicator == SDP_3GE2AE_REQUESTED;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        if (transport.kind != MEDIUM_OTHER && r->offerer == offerer &&
            fits(r->secure, transport.secure) && fits(r->requested, requested) &&
            fits(r->capable, capable) && fits(r->ongoing, ongoing))
            return r->decision;
    }
    return (struct decision){TREAT_PASS, REASON_NONE};
}
