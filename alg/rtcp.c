// SPDX-License-Identifier: GPL-3.0-or-later
// A malformed a=rtcp counts as none: RTCP then goes to the port above, as RFC 3550 11 has it.
#include "alg/rtcp.h"

#include <errno.h>
#include <stdio.h>

static const char clause[] = "RFC 3605 2.1";

static struct addr port_above(const struct addr *remote)
{
    struct addr above = *remote;
    if (!addr_is_set(remote) || addr_port(remote) == UINT16_MAX)
        return (struct addr){0};
    addr_set_port(&above, (uint16_t)(addr_port(remote) + 1));
    return above;
}

void rtcp_read(struct medium_peer *peer, const struct sdp *sdp, size_t index)
{
    peer->rtcp_mux = sdp_rtcp_mux(sdp, index);
    if (sdp_rtcp(sdp, index, &peer->remote_rtcp) == 0 && addr_is_set(&peer->remote) &&
        addr_family(&peer->remote_rtcp) == addr_family(&peer->remote))
        return;
    peer->remote_rtcp = port_above(&peer->remote);
}

bool rtcp_is_muxed(const struct medium *m)
{
    const struct medium_peer *a = &m->peer[SIDE_ACCESS], *b = &m->peer[SIDE_CORE];
    return (a->seen || b->seen) && (!a->seen || a->rtcp_mux) && (!b->seen || b->rtcp_mux);
}

int rtcp_write(const struct medium *m, const struct body *body, size_t index)
{
    struct sdp_text value;
    if (!m->stream || !m->stream->rtcp || !sdp_attribute(body->sdp, (int)index, "rtcp", &value))
        return 0;
    const struct point *own = &m->stream->point[side_other(body->from)];
    const struct medium_peer *peer = &m->peer[body->from];
    // the port of RTP in a=rtcp belongs to a=rtcp-mux (RFC 5761 5.1.3)
    bool same = peer->rtcp_mux && addr_equal(&peer->remote, &peer->remote_rtcp);
    char port[8];
    snprintf(port, sizeof(port), "%u", addr_port(same ? &own->local : &own->local_rtcp));
    int err = sdp_set_attribute(body->sdp, (int)index, "rtcp", port, clause);
    return err == -ENOENT ? 0 : err;
}
