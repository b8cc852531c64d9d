// SPDX-License-Identifier: GPL-3.0-or-later
// The first row that fits decides. There is no failure: the last rows fit everything.
#include "alg/decision.h"

#include <string.h>
#include <strings.h>

enum tri { NO, YES, ANY };

struct row {
    enum side offerer;
    enum transport_class transport;
    enum tri requested; // a=3ge2ae:requested
    enum tri capable;
    enum tri ongoing;
    struct decision decision;
};

static const struct row rows[] = {
    // offerer, transport, requested, capable, ongoing
    {SIDE_ACCESS, TRANSPORT_TLS_UDPTL, YES, YES, ANY, {TREAT_E2AE, REASON_NONE}},
    {SIDE_ACCESS, TRANSPORT_TLS_UDPTL, YES, NO, ANY, {TREAT_REJECT, REASON_E2AE_NOT_CAPABLE}},
    {SIDE_ACCESS, TRANSPORT_TLS_UDPTL, NO, ANY, YES, {TREAT_E2AE, REASON_NONE}},
    // end-to-end security: TS 23.334 5.11.3, REQ-005
    {SIDE_ACCESS, TRANSPORT_TLS_UDPTL, NO, ANY, NO, {TREAT_RELAY, REASON_NONE}},
    {SIDE_ACCESS, TRANSPORT_UDPTL, ANY, ANY, ANY, {TREAT_RELAY, REASON_NONE}},
    {SIDE_CORE, TRANSPORT_UDPTL, ANY, YES, ANY, {TREAT_E2AE, REASON_NONE}},
    // REQ-037
    {SIDE_CORE, TRANSPORT_UDPTL, ANY, NO, ANY, {TREAT_RELAY, REASON_NONE}},
    {SIDE_CORE, TRANSPORT_TLS_UDPTL, ANY, ANY, ANY, {TREAT_RELAY, REASON_NONE}},
    {SIDE_ACCESS, TRANSPORT_RTP, ANY, ANY, ANY, {TREAT_RELAY, REASON_NONE}},
    {SIDE_CORE, TRANSPORT_RTP, ANY, ANY, ANY, {TREAT_RELAY, REASON_NONE}},
};

static bool fits(enum tri wanted, bool is)
{
    return wanted == ANY || (wanted == YES) == is;
}

enum transport_class decision_transport(struct sdp_text proto)
{
    if (sdp_text_is(proto, "udptl"))
        return TRANSPORT_UDPTL;
    if (sdp_text_is(proto, "UDP/TLS/UDPTL"))
        return TRANSPORT_TLS_UDPTL;
    if (proto.len >= 4 && strncasecmp(proto.at, "RTP/", 4) == 0)
        return TRANSPORT_RTP;
    if (proto.len >= 8 && strncasecmp(proto.at, "UDP/TLS/", 8) == 0)
        return TRANSPORT_RTP; // UDP/TLS/RTP/SAVP(F): end-to-end, relayed as it is
    return TRANSPORT_OTHER;
}

struct decision decision_make(enum side offerer, enum transport_class transport,
                              enum sdp_3ge2ae indicator, bool capable, bool ongoing)
{
    bool requested = indicator == SDP_3GE2AE_REQUESTED;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        if (r->offerer == offerer && r->transport == transport && fits(r->requested, requested) &&
            fits(r->capable, capable) && fits(r->ongoing, ongoing))
            return r->decision;
    }
    return (struct decision){TREAT_PASS, REASON_NONE};
}
