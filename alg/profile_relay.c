// SPDX-License-Identifier: GPL-3.0-or-later
// A relayed medium changes address and port only (REQ-005, REQ-094); RTP also its RTCP address.
// There is nothing to refuse.
#include "alg/profile.h"
#include "alg/rtcp.h"

#include <string.h>

static enum reason read_line(struct medium *m, const struct medium *agreed, const struct body *body,
                             size_t index)
{
    m->transport[SIDE_ACCESS] = m->transport[SIDE_CORE] = AGW_UDP;
    if (decision_is_rtp(sdp_media(body->sdp, index).proto))
        rtcp_read(&m->peer[body->from], body->sdp, index);
    return REASON_NONE;
}

static bool keeps_stream(const struct medium *m, const struct medium *agreed, enum side offerer)
{
    return true;
}

static void elements(const struct medium *m, const struct config *cfg, enum side side,
                     bool configure, struct agw_request *request)
{
    request->rtcp_mux = m->stream->rtcp && rtcp_is_muxed(m);
}

static struct bandwidth_overhead overhead(const struct medium *m, const struct body *body,
                                          size_t index)
{
    return (struct bandwidth_overhead){0};
}

// Capability negotiation that asks for e2ae is not taken up; the core could only misread it
// (REQ-123).
static bool offers_e2ae(const struct sdp *sdp, size_t index)
{
    struct sdp_text value;
    for (unsigned n = 0; sdp_attribute_nth(sdp, (int)index, "acap", n, &value); n++)
        if (memmem(value.at, value.len, "3ge2ae", 6))
            return true;
    return false;
}

static int drop_capabilities(struct sdp *sdp, size_t index)
{
    static const char *const names[] = {"tcap", "acap", "pcfg", "csup", "creq"};
    int n = 0;
    for (size_t i = 0; n >= 0 && i < sizeof(names) / sizeof(names[0]); i++)
        n = sdp_drop_attribute(sdp, (int)index, names[i], "RFC 5939 3.12");
    return n < 0 ? n : 0;
}

static int write_line(struct medium *m, const struct body *body, size_t index, bool answer)
{
    int err = rtcp_write(m, body, index);
    if (!err && offers_e2ae(body->sdp, index))
        err = drop_capabilities(body->sdp, index);
    if (err)
        return err;
    // an indicator without e2ae has no meaning on either leg (TS 24.229 7.5.2)
    int n = sdp_drop_attribute(body->sdp, (int)index, "3ge2ae", "TS 24.229 7.5.2");
    return n < 0 ? n : 0;
}

static const char *proto(const struct medium *m, enum side to)
{
    return NULL;
}

const struct profile *profile_for(enum medium_kind kind, enum treatment treatment)
{
    if (kind == MEDIUM_MSRP)
        return &profile_msrp;
    if (kind == MEDIUM_BFCP)
        return &profile_bfcp;
    if (treatment == TREAT_RELAY)
        return &profile_relay;
    return kind == MEDIUM_UDPTL ? &profile_t38 : kind == MEDIUM_RTP ? &profile_rtp : &profile_relay;
}

const struct profile profile_relay = {
    .name = "relay",
    .read_offer = read_line,
    .read_answer = read_line,
    .keeps_stream = keeps_stream,
    .elements = elements,
    .overhead = overhead,
    .write = write_line,
    .proto = proto,
};
