// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_CAPTURE_RING_H
#define COMMON_CAPTURE_RING_H
// Records from one thread to the thread that writes the capture: a ring of bytes with one writer
// and one reader, without locks. The writer of the ring never waits: what does not fit is lost and
// counted (CAPTURE_LOST). Records become visible when they are published, those of one turn of a
// loop together: a key that a packet gave rise to is there when the packet is.

#include "common/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_kind {
    RECORD_SIP,       // a SIP message
    RECORD_DATAGRAM,  // a UDP datagram
    RECORD_CONNECTED, // a TCP connection was established, by `from`
    RECORD_BYTES,     // bytes on it
    RECORD_FINISHED,  // `from` has no more to say
    RECORD_PLAIN,     // what was or will be protected, in clear
    RECORD_SECRET,    // a line of a key log
    RECORD_NAME,      // the session that a context belongs to
    RECORD_END,       // the session is over
};

// What a medium is, for who dissects it.
enum record_protocol {
    PROTOCOL_UDPTL,
    PROTOCOL_RTP,
    PROTOCOL_RTCP,
    PROTOCOL_STREAM, // MSRP or BFCP: its first bytes tell
};

#define RECORD_SESSION_MAX 24
#define RECORD_STREAM_NONE 0

struct record {
    uint64_t time_us; // monotonic
    uint32_t len;     // of data
    uint32_t context; // of the AGW; 0: none
    uint16_t stream;
    uint8_t kind;     // enum record_kind
    uint8_t protocol; // enum record_protocol, of RECORD_PLAIN
    uint8_t side;     // 0: towards the UE (T1), 1: towards the core (T2)
    bool tcp;         // of RECORD_SIP and RECORD_PLAIN
    bool out;         // sent by us
    struct addr from, to;
    char session[RECORD_SESSION_MAX]; // "": known by the context
    const void *data; // borrowed: put copies it, and it lasts until the ring is freed
};

struct ring;

// size: a power of two. NULL: no memory.
struct ring *ring_open(size_t size);
void ring_close(struct ring *ring); // NULL is allowed

// --- the thread that records --------------------------------------------------------------------

void ring_put(struct ring *ring, const struct record *record);
void ring_publish(struct ring *ring);
// From now on nothing is taken in, nor counted as lost. Any thread.
void ring_stop(struct ring *ring);

// --- the thread that reads ----------------------------------------------------------------------

// A place in what is published now. A second cursor may go the same way.
struct ring_cursor {
    size_t at, end;
};
struct ring_cursor ring_begin(struct ring *ring);
// The record at the cursor, which moves on. False: there is none.
bool ring_next(const struct ring *ring, struct ring_cursor *cursor, struct record *record);
// What lies before the end of the cursor is not needed any more.
void ring_release(struct ring *ring, const struct ring_cursor *cursor);

#endif
