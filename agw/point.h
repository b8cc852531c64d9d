// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_POINT_H
#define AGW_POINT_H
// A connection point: one socket of one termination of a stream, the remote address it talks to,
// and how that address is found (latching, TS 23.334 5.4).

#include "agw/agw.h"
#include "agw/media.h"
#include "agw/watch.h"

#include <stddef.h>

struct stream;
struct bearer;
struct savp;

// Token bucket over what arrives (Peak Data Rate, REQ-098), in bytes as counted on the wire.
struct bucket {
    uint32_t bytes_per_s; // 0: no policing
    uint32_t tokens;
    uint64_t filled_us;
};

// Whether the kernel knows the remote address too.
enum point_link { POINT_UNCONNECTED, POINT_CONNECTED, POINT_CONNECT_REFUSED };

struct point {
    struct watch watch;
    int fd; // -1: not reserved
    enum agw_termination termination;
    bool rtcp;
    bool open;    // what arrives here may leave at the other termination (stream mode)
    bool latched; // remote is a source that datagrams came from
    bool relatch; // the next source that differs takes over
    enum latching latching;
    enum point_link link;
    unsigned headers; // IP and UDP header of this address family, bytes
    bool busy;        // has had more than one datagram per turn lately
    uint32_t turn;    // media.turn when it received last
    uint32_t window;  // of media.gather, when it received last
    struct stream *stream;
    struct point *other;   // on the other termination
    struct bearer *bearer; // UDP/DTLS: what stands between the socket and the stream; else NULL
    struct savp *savp;     // RTP/SAVP: that of the stream; else NULL
    struct addr remote;    // where to send
    struct addr signalled; // Remote Connection Address as the ALG gave it
    struct bucket bucket;
};

// Takes over fd, which is bound and of the given family.
void point_open(struct point *point, int fd, int family);
void point_close(struct point *point);

// What Configure says about the address: remote when it is set, relatch. With latching the address
// that was latched onto stays in use when it differs from what was signalled before (the peer is
// behind a NAT), until a datagram comes from another source.
void point_signal(struct point *point, const struct addr *remote, bool relatch);
void point_police(struct point *point, unsigned peak_rate_kbps);

// Something waits in the socket; takes a bounded number of datagrams.
void point_readable(struct point *point);
// One datagram that arrived at the point; what it says is decrypted in place.
void point_datagram(struct point *point, const struct addr *source, uint8_t *data, size_t len);
// True when a datagram of len bytes is within the peak data rate.
bool point_conforms(struct point *point, size_t len);

// Makes source the remote address.
void point_latch(struct point *point, const struct addr *source);
// Takes that back: the signalled address counts again, the next source may latch.
void point_unlatch(struct point *point);
// Sends to the remote address, or to another one. NONE or why the datagram was dropped.
enum reason point_send(struct point *point, const void *data, size_t len);
// The same for media, RTCP or not: under SRTP where the point has it.
enum reason point_send_media(struct point *point, bool rtcp, const void *data, size_t len);
enum reason point_send_to(struct point *point, const struct addr *remote, const void *data,
                          size_t len);
// NONE, or DROP_OVERSIZE when a datagram of len bytes does not fit the path and must not be
// fragmented (REQ-079).
enum reason point_fits(const struct point *point, size_t len);

#endif
