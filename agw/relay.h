// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_RELAY_H
#define AGW_RELAY_H
// A stream over TCP: its connection points on both terminations, and the bytes between them. Lives
// on one worker.
//
// Bytes flow when both points are open and, where MSRP is rewritten, all paths are known; and only
// as fast as the slower side takes them: a side is not read while bytes from it still wait for the
// other (REQ-053). Never more than RELAY_HELD_MAX bytes wait per direction.

#include "agw/tcp_point.h"
#include "agw/tls.h"

#include <stddef.h>
#include <stdint.h>

struct relay;
struct stream;

// Bytes read from a connection at a time: several TLS records, so that one system call feeds them
// all and their plaintext leaves with one.
#define RELAY_READ 65536
// What one read may leave behind when the other side takes nothing: plaintext that was not put into
// the shape of the other side yet, and what was.
#define RELAY_HELD_MAX (TLS_PLAIN_ROOM(RELAY_READ) + TLS_WIRE_ROOM(RELAY_READ))

// TLS may have to answer while its peer takes nothing: alerts, key updates. Beyond what the relay
// itself may leave behind and this, a peer is not read before it has taken some.
#define RELAY_ANSWERS_MAX (TLS_WIRE_ROOM(RELAY_READ) + 4096)

// Memory for the bytes in hand, one per worker.
struct relay_rooms {
    uint8_t read[RELAY_READ];
    uint8_t plain[TLS_PLAIN_ROOM(RELAY_READ)];
    uint8_t text[RELAY_READ]; // rewritten MSRP
    uint8_t wire[TLS_WIRE_ROOM(RELAY_READ)];
};

// aware: MSRP paths are rewritten. NULL: no memory.
struct relay *relay_create(struct stream *stream, bool aware);
// Ends what is left and frees. NULL is allowed.
void relay_release(struct relay *relay);
struct stream *relay_stream(const struct relay *relay);
// Bytes flow.
bool relay_is_flowing(const struct relay *relay);

// What Reserve and Configure say. fd and certificate are taken over.
void relay_reserve(struct relay *relay, const struct agw_request *request, int fd,
                   struct certificate *certificate);
void relay_configure(struct relay *relay, const struct agw_request *request);

uint64_t relay_deadline(const struct relay *relay);
void relay_due(struct relay *relay);

// --- for connection points ----------------------------------------------------------------------

// The state of a point has changed: perhaps the other one may go on now.
void relay_changed(struct relay *relay);
// The point is open now. A connection the other one has accepted may have ended without the worker
// having heard of it yet: it carries nothing and makes room for another one.
void relay_ready(struct tcp_point *point);
// Bytes may be read from the point.
void relay_readable(struct tcp_point *point);
// What waited for the point has left.
void relay_writable(struct tcp_point *point);
// Neither side has TLS of the AGW, and no message is read: TLS passes, it is between the two ends.
bool relay_passes_tls(const struct tcp_point *point);
// Plaintext that came together with the end of the handshake.
void relay_receive(struct tcp_point *point, const uint8_t *data, size_t len);
// Whether the point is to be read.
bool relay_wants(const struct tcp_point *point);
// The connection of a point is no more: ends the stream when bytes flow or the AGW made it; else
// another one may come.
void relay_gone(struct tcp_point *point);
// The stream cannot be established, or not be continued: tells it once and ends both points.
void relay_failed(struct tcp_point *point, enum agw_event event, enum reason reason,
                  const char *text);

#endif
