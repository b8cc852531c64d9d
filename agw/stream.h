// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_STREAM_H
#define AGW_STREAM_H
// A stream: the connection points of one medium on both terminations, joined. Lives on one worker;
// everything here but stream_create() and stream_free() runs on its thread.

#include "agw/certificate.h"
#include "agw/milestones.h"
#include "agw/note.h"
#include "agw/point.h"

#include <stdatomic.h>

struct relay;
struct sniffer;

// struct agw_stream_stats as the worker counts it. It alone writes, so that adding is a load and a
// store; anybody may read.
struct stream_counters {
    _Atomic uint64_t packets[2], bytes[2], drops;
    _Atomic uint64_t last_media_us;
};

struct stream {
    struct media *media;
    void *line; // the control side's record, for notes
    uint32_t context;
    unsigned number;
    enum agw_mode mode[2];
    bool rtcp_mux[2];         // per termination
    struct savp *savp;        // RTP/SAVP at T1, media and RTCP; NULL: none
    struct relay *relay;      // a stream over TCP; NULL: datagrams
    struct sniffer *sniffer;  // NULL: no capture runs
    struct point point[2][2]; // per termination: media, RTCP
    struct stream_counters counters;
    struct milestones milestones;
    uint32_t drops_told; // one bit per DROP_ reason
    bool media_told[2];  // first media, per direction
    bool inactive_told;  // until media flows again
    enum agw_termination inactivity_at;
    uint64_t inactivity_us; // 0: not watched
    struct deadline deadline;
};

// Signalling thread. NULL: no memory. line is handed back in every note.
struct stream *stream_create(uint32_t context, unsigned number, void *line);
void stream_free(struct stream *stream);

// Carry out what the ALG asked for. stream_reserve() takes over the descriptors (fd[1] is -1
// without RTCP) and the certificate (NULL without DTLS).
void stream_reserve(struct stream *stream, struct media *media, const struct agw_request *request,
                    const int fd[static 2], struct certificate *certificate);
void stream_configure(struct stream *stream, const struct agw_request *request);
// The point of RTCP at this termination goes on with another socket, which is taken over, or with
// -1 without one.
void stream_rtcp_port(struct stream *stream, enum agw_termination termination, int fd, int family);
// Closes associations and sockets, then posts farewell, the last note of the stream, with the
// stream's statistics. The stream belongs to the control side again.
void stream_release(struct stream *stream, struct media *media, struct note *farewell);

// What was counted so far. Any thread.
struct agw_stream_stats stream_carried(const struct stream *stream);
// When media were last passed on, or expected from. Any thread.
uint64_t stream_last_media(const struct stream *stream);

// --- for connection points and bearers ----------------------------------------------------------

// Media of len bytes that arrived at from went out at the other termination.
void stream_passed(struct point *from, size_t len);
// What arrived at from is RTCP, by its port or, where RTP has the same one, by its type (RFC 5761
// 4).
bool stream_is_rtcp(const struct point *from, const uint8_t *data, size_t len);
// Media that arrived at from, unprotected: out at the other termination or dropped.
void stream_pass(struct point *from, const void *data, size_t len);
// Counts a drop; the first of each reason is told.
void stream_drop(struct point *at, enum reason reason, const struct addr *source);
// Tells the ALG. Milestones (what only the trace wants) of one stream come in bounded number; the
// newest of each kind always does.
struct telling {
    enum agw_event event;
    enum reason reason;
    bool outbound;
    const struct addr *address; // NULL: none
    const char *text;           // NULL: none
};
void stream_tell(struct point *at, const struct telling *telling);
// To be called when a deadline of the stream may have changed.
void stream_rearm(struct stream *stream);
// "context 7 stream 1", for the log. Returns buf.
#define STREAM_ID_MAX 40
const char *stream_id(const struct stream *stream, char buf[static STREAM_ID_MAX]);

#endif
