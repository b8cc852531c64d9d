// SPDX-License-Identifier: GPL-3.0-or-later
// Connections that come to a point which listens.
//
// Happy path: the host is the signalled one, or latching lets anybody in; the point waits for a
// connection; it is taken.
//
// Failure paths: a wrong host, a second connection, too many in a second: RST, counted, told once.
// No descriptor left: the establishment has failed.

#include "agw/tcp.h"
#include "agw/tcp_point_private.h"

#include <errno.h>

// Connections looked at per turn: the rest waits while others have their turn.
#define TCP_POINT_ACCEPTS 4
// Connections that may begin per second and point; a TLS handshake costs as much as two hundred
// datagrams.
#define TCP_POINT_OPENINGS_PER_S 4

bool tcp_point_is_peer(const struct tcp_point *p)
{
    return p->outbound || p->latching == LATCHING_OFF || addr_equal_host(&p->peer, &p->remote);
}

static bool is_named(const struct tcp_point *p, const struct addr *peer)
{
    return addr_is_set(&p->remote) && addr_equal_host(peer, &p->remote);
}

static bool opening_allowed(struct tcp_point *p, bool named)
{
    unsigned limit = named ? 2 * TCP_POINT_OPENINGS_PER_S : TCP_POINT_OPENINGS_PER_S;
    uint64_t now = tcp_point_media(p)->now_us;
    if (now - p->openings_since_us >= 1000000) {
        p->openings_since_us = now;
        p->openings = 0;
    }
    if (p->openings >= limit)
        return false;
    p->openings++;
    return true;
}

// The connection there is may have ended without the point having heard of it yet: a peer that
// connects again at once is not to be refused for that.
static void look_again(struct tcp_point *p)
{
    if (p->state == TCP_POINT_CONNECTED || p->state == TCP_POINT_HANDSHAKE)
        tcp_tls_readable(p);
    else if (p->state == TCP_POINT_OPEN && !relay_is_flowing(p->relay))
        tcp_point_peek(p);
}

// The signalled host comes first: somebody else who was faster has to go unless it was verified.
static bool make_room(struct tcp_point *p, bool named)
{
    look_again(p);
    bool unverified = p->state == TCP_POINT_CONNECTED || p->state == TCP_POINT_HANDSHAKE;
    if (unverified && named && !p->outbound && !is_named(p, &p->peer))
        tcp_point_feed(p, TCP_POINT_AGAIN);
    return p->state == TCP_POINT_LISTENING;
}

static bool admit(struct tcp_point *p, const struct addr *peer)
{
    bool named = is_named(p, peer);
    if (p->latching == LATCHING_OFF && addr_is_set(&p->remote) && !named)
        return false;
    return make_room(p, named) && opening_allowed(p, named);
}

static void refuse(struct tcp_point *p, int fd, const struct addr *peer)
{
    const struct telling telling = {
        .event = AGW_DROPPED, .reason = REASON_TCP_REFUSED, .address = peer};
    // Counted before the peer can know of it: whoever saw RST finds it in the totals.
    stream_drop(tcp_point_told_at(p), telling.reason, peer);
    if (!p->refused_told)
        stream_tell(tcp_point_told_at(p), &telling);
    p->refused_told = true;
    tcp_abort(fd);
}

void tcp_point_incoming(struct watch *watch, uint32_t events)
{
    struct tcp_point *p =
        (struct tcp_point *)((char *)watch - offsetof(struct tcp_point, listening));
    for (int i = 0; i < TCP_POINT_ACCEPTS && p->listener >= 0; i++) {
        struct addr peer;
        int fd = tcp_accept(p->listener, &peer);
        if (fd == -EAGAIN || fd == -EINVAL) // none, or it listens no more
            return;
        if (fd < 0) {
            tcp_point_fail(p, REASON_AGW_NO_RESOURCE);
            return;
        }
        if (!admit(p, &peer)) {
            refuse(p, fd, &peer);
            continue;
        }
        p->fd = fd;
        tcp_point_begin(p, &peer, false);
    }
}

void tcp_point_check_early(struct tcp_point *p)
{
    bool wrong = p->latching == LATCHING_OFF && !is_named(p, &p->peer);
    if (p->state < TCP_POINT_CONNECTED || p->outbound || !addr_is_set(&p->remote))
        return;
    if (p->state >= TCP_POINT_CLOSING || (!wrong && p->role != AGW_TCP_CLIENT))
        return;
    stream_drop(tcp_point_told_at(p), REASON_TCP_REFUSED, &p->peer);
    tcp_point_feed(p, TCP_POINT_AGAIN);
}
