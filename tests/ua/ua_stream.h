// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_STREAM_H
#define UA_STREAM_H
// The datagram side of one media line: a UDP socket, plain or under DTLS, on a libuv loop.

#include "common/addr.h"
#include "tests/ua/ua_dtls.h"

#include <uv.h>

struct stream;

// Called from the loop; stream_close is allowed in each of them.
struct stream_user {
    void *arg;
    void (*payload)(void *arg, const uint8_t *bytes, size_t len);
    void (*secured)(void *arg, const struct dtls_facts *facts, bool server);
    void (*failed)(void *arg, const char *why);
    void (*renegotiation)(void *arg, bool done);
};

// What goes wrong on purpose.
struct stream_fate {
    unsigned loss_percent;   // of datagrams, in each direction
    unsigned hello_delay_ms; // before the ClientHello
    bool no_hello;           // neither sent nor answered
    bool drop_last_flight;   // the first flight with ChangeCipherSpec is not sent
    bool clear_too;          // each payload of a secured stream also in clear
    bool coalesce;           // two records of data in each datagram
    bool junk;               // random datagrams in between
};

struct stream_counts {
    unsigned long sent, received; // payloads
    unsigned long stray;          // datagrams on a secured stream that are no DTLS records
    unsigned long lost;           // dropped by loss_percent
};

// Binds a socket to the host of local and a free port. Returns 0 or a negative errno.
int stream_open(struct stream **out, uv_loop_t *loop, const struct addr *local,
                const struct stream_user *user, const struct stream_fate *fate);
// Sends close_notify when secured. NULL allowed. The loop must run once more for the handles to go.
void stream_close(struct stream *s);

uint16_t stream_port(const struct stream *s);
// Opens a second socket beside the first, which is still read (RFC 3264 8.3.1). *port: its number.
// Returns 0 or a negative errno.
int stream_prepare_port(struct stream *s, uint16_t *port);
// The second socket takes over; the first is still read. move: the association goes along, as after
// a NAT rebinding; else only what stream_secure makes from now on uses it.
void stream_take_port(struct stream *s, bool move);
// Where to send; the association, if any, moves along (RFC 8842 3.2).
void stream_set_remote(struct stream *s, const struct addr *remote);

// Where the next association will speak to; the present one stays where it is.
void stream_set_next_remote(struct stream *s, const struct addr *remote);

// Puts a new association on the present socket and remote address. An older one is still read and
// is used for sending until the new one stands (RFC 8842 5.5). Returns 0 or -EIO.
int stream_secure(struct stream *s, const struct dtls_options *options);
bool stream_is_secure(const struct stream *s); // stream_secure was called
bool stream_is_ready(const struct stream *s);  // payload can be sent

// -ENOTCONN while not ready.
int stream_send(struct stream *s, const uint8_t *bytes, size_t len);
void stream_renegotiate(struct stream *s);
struct stream_counts stream_counts(const struct stream *s);

#endif
