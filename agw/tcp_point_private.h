// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_TCP_POINT_PRIVATE_H
#define AGW_TCP_POINT_PRIVATE_H
// Private to the files of a TCP connection point.

#include "agw/relay.h"
#include "agw/stream.h"
#include "agw/tcp_point.h"
#include "agw/tls.h"

enum tcp_point_event {
    TCP_POINT_LISTEN,  // to be server, or not decided yet
    TCP_POINT_HOLD,    // to be client, or holdconn
    TCP_POINT_CONNECT, // as client, now
    TCP_POINT_UP,      // TCP is up, TLS is to follow
    TCP_POINT_SECURE,  // TLS begins
    TCP_POINT_READY,   // the medium may pass
    TCP_POINT_AGAIN,   // this connection came to nothing, another one may come
    TCP_POINT_CLOSE,   // in good order
    TCP_POINT_GONE,    // it is closed
    TCP_POINT_RENEW,   // from the beginning
};

void tcp_point_feed(struct tcp_point *point, enum tcp_point_event event);

static inline struct stream *tcp_point_stream(const struct tcp_point *point)
{
    return relay_stream(point->relay);
}
static inline struct media *tcp_point_media(const struct tcp_point *point)
{
    return tcp_point_stream(point)->media;
}
// In whose name the ALG is told.
static inline struct point *tcp_point_told_at(const struct tcp_point *point)
{
    return &tcp_point_stream(point)->point[point->termination][0];
}
// The time that one step of establishing a connection may take: SYN, accept, TLS handshake.
static inline uint64_t tcp_point_patience(const struct tcp_point *point)
{
    const struct media *media = tcp_point_media(point);
    return media->now_us + media->cfg->agw.handshake_timeout_ms * 1000ull;
}
static inline void tcp_point_set_due(struct tcp_point *point, uint64_t due_us)
{
    point->due_us = due_us;
    stream_rearm(tcp_point_stream(point));
}
static inline void tcp_point_fail(struct tcp_point *point, enum reason reason)
{
    relay_failed(point, AGW_TCP_FAILURE, reason, NULL);
}
// TCP is up with peer.
void tcp_point_begin(struct tcp_point *point, const struct addr *peer, bool outbound);

// --- connections that come (tcp_incoming.c) -----------------------------------------------------

// The listener is readable.
void tcp_point_incoming(struct watch *watch, uint32_t events);
// Whether the connection is with whom the ALG named; else it may be anybody's.
bool tcp_point_is_peer(const struct tcp_point *point);
// Whoever was let in before the ALG named the peer has to be the peer (REQ-126).
void tcp_point_check_early(struct tcp_point *point);

// --- TLS on a point (tcp_tls.c) -----------------------------------------------------------------

// In TCP_POINT_CONNECTED: begins TLS when the role is known.
void tcp_tls_begin(struct tcp_point *point);
// Begins it in this role.
void tcp_tls_open(struct tcp_point *point, bool server);
// The peer has sent something in TCP_POINT_CONNECTED or TCP_POINT_HANDSHAKE.
void tcp_tls_readable(struct tcp_point *point);
// Fingerprints or role have changed while TLS is under way.
void tcp_tls_configure(struct tcp_point *point);
// Time is over in TCP_POINT_CONNECTED or TCP_POINT_HANDSHAKE.
void tcp_tls_due(struct tcp_point *point);
// In TCP_POINT_OPEN: bytes from the network become plaintext.
enum tcp_read tcp_tls_read(struct tcp_point *point, const uint8_t *in, size_t in_len,
                           const uint8_t **data, size_t *len);
// The network says that there will be no more bytes.
enum tcp_read tcp_tls_stream_ended(struct tcp_point *point);
bool tcp_tls_write(struct tcp_point *point, const uint8_t *data, size_t len);
// close_notify behind what waits.
void tcp_tls_finish(struct tcp_point *point);

#endif
