// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_TCP_H
#define UA_TCP_H
// One TCP connection of a media line, opened by either side, on a libuv loop. Until tcp_connect is
// called it listens, so that an offer can leave before it is known who opens (RFC 4145 4).

#include "common/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct tcp;

// Called from the loop; tcp_close is allowed in each of them.
struct tcp_user {
    void *arg;
    void (*connected)(void *arg, const struct addr *peer);
    void (*received)(void *arg, const uint8_t *bytes, size_t len);
    void (*drained)(void *arg);                // room to send again
    void (*ended)(void *arg, const char *why); // NULL: the peer closed in order; else an error
    void (*refused)(void *arg, const struct addr *peer); // a second connection was turned away
};

// What tcp_send may leave waiting before the sender should pause until drained.
#define TCP_QUEUE_HIGH (256 * 1024)

struct tcp_fate {
    bool byte_by_byte; // each byte sent gets a segment of its own
    bool small_room;   // little is received before tcp_read
};

// Listens on the host of local and a free port. Returns 0 or a negative errno.
int tcp_open(struct tcp **out, uv_loop_t *loop, const struct addr *local,
             const struct tcp_fate *fate, const struct tcp_user *user);
uint16_t tcp_port(const struct tcp *t); // of the listener, also after it is gone
// Opens the connection from the same host and stops listening. Returns 0 or a negative errno; what
// fails later is told by ended.
int tcp_connect(struct tcp *t, const struct addr *remote);
void tcp_stop_listening(struct tcp *t);
// One more connection to the same place, with nothing sent on it; *outcome is told by refused.
void tcp_connect_again(struct tcp *t, const struct addr *remote);

bool tcp_is_connected(const struct tcp *t);
// Nothing is received before tcp_read; tcp_pause leaves what comes in the kernel.
void tcp_read(struct tcp *t);
void tcp_pause(struct tcp *t);
void tcp_send(struct tcp *t, const uint8_t *bytes, size_t len); // takes a copy
size_t tcp_queued(const struct tcp *t);
void tcp_half_close(struct tcp *t); // no more will be sent; receiving goes on
void tcp_reset(struct tcp *t);      // RST; the connection is gone, ended does not follow
// Sends what waits, then ends. NULL allowed. The loop must run for the handles to go.
void tcp_close(struct tcp *t);

#endif
