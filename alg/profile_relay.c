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
    struct sdp_media line = sdp_media(body->sdp, index);
    if (decision_transport(line.proto) == TRANSPORT_RTP)
        read_rtcp(&m->peer[body->from], body->sdp, index);
    return REASON_NONE;
}

static bool keeps_stream(const struct medium *m, const struct medium *agreed, enum side offerer)
{
    return true;
}

static void t1_elements(const struct medium *m, const struct config *cfg, bool configure,
                        struct agw_request *request)
{
}

static int write_line(struct medium *m, const struct body *body, size_t index)
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

const struct profile profile_relay = {
    .name = "relay",
    .t1_transport = AGW_UDP,
    .read_offer = read_line,
    .read_answer = read_line,
    .keeps_stream = keeps_stream,
    .t1_elements = t1_elements,
    .write_offer = write_line,
    .write_answer = write_line,
    .proto = proto,
};
