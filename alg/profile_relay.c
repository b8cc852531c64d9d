// SPDX-License-Identifier: GPL-3.0-or-later
// A relayed medium changes address and port only (REQ-005, REQ-094); RTP also its RTCP address.
// There is nothing to refuse.
#include "alg/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void read_rtcp(struct medium_peer *peer, const struct sdp *sdp, size_t index)
{
    struct sdp_text value;
    peer->remote_rtcp = peer->remote;
    if (!addr_is_set(&peer->remote))
        return;
    unsigned port = addr_port(&peer->remote) + 1u;
    // RFC 3605: a=rtcp names another port, and rarely another address
    if (sdp_attribute(sdp, (int)index, "rtcp", &value)) {
        char text[8] = "";
        memcpy(text, value.at, value.len < sizeof(text) ? value.len : sizeof(text) - 1);
        unsigned long named = strtoul(text, NULL, 10);
        if (named > 0 && named <= UINT16_MAX)
            port = (unsigned)named;
    }
    if (port <= UINT16_MAX)
        addr_set_port(&peer->remote_rtcp, (uint16_t)port);
    else
        peer->remote_rtcp = (struct addr){0};
}

static enum reason read_line(struct medium *m, const struct medium *agreed, const struct body *body,
                             size_t index)
{
    m->transport[SIDE_ACCESS] = m->transport[SIDE_CORE] = AGW_UDP;
    if (decision_transport(sdp_media(body->sdp, index).proto).kind == MEDIUM_RTP)
        read_rtcp(&m->peer[body->from], body->sdp, index);
    return REASON_NONE;
}

static bool keeps_stream(const struct medium *m, const struct medium *agreed, enum side offerer)
{
    return true;
}

static void elements(const struct medium *m, const struct config *cfg, enum side side,
                     bool configure, struct agw_request *request)
{
}

static struct bandwidth_overhead overhead(const struct body *body, size_t index)
{
    return (struct bandwidth_overhead){0};
}

static int write_line(struct medium *m, const struct body *body, size_t index, bool answer)
{
    static const char clause[] = "RFC 3605 2.1";
    const struct point *point = &m->stream->point[side_other(body->from)];
    struct sdp_text value;
    if (m->stream->rtcp && sdp_attribute(body->sdp, (int)index, "rtcp", &value)) {
        char port[8];
        snprintf(port, sizeof(port), "%u", addr_port(&point->local_rtcp));
        int err = sdp_set_attribute(body->sdp, (int)index, "rtcp", port, clause);
        if (err && err != -ENOENT)
            return err;
    }
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
    return kind == MEDIUM_UDPTL && treatment != TREAT_RELAY ? &profile_t38 : &profile_relay;
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
