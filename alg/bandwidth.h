// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_BANDWIDTH_H
#define ALG_BANDWIDTH_H
// Bandwidth modifiers and the overhead of e2ae security (TS 23.334 5.11.2.2.1, 5.11.2.3.1): the ALG
// adds it to what the core sent before the UE sees it, and subtracts it from what the UE sent
// before the core sees it. Always computed from the value received, so repeated offers never drift
// (REQ-097).

#include "alg/side.h"
#include "sdp/sdp.h"

#include <stdint.h>

struct bandwidth_overhead {
    unsigned bytes; // per datagram or record
    double pps;     // datagrams per second that were assumed; 0: not counted so
    unsigned kbps;  // rounded up (REQ-096)
    char text[64];  // what was assumed, for people
};

// pps from a=maxprate of the body, else one datagram per interval_ms.
struct bandwidth_overhead bandwidth_overhead(const struct sdp *sdp, size_t media, unsigned bytes,
                                             unsigned interval_ms);

// A byte stream cut into TLS records: MSRP. b=AS of the line by the share of the overhead in a
// record of record_bytes and a TCP/IP header; what is added on the way to the UE comes off again on
// the way back, within 1 kbit/s.
struct bandwidth_overhead bandwidth_stream_overhead(const struct sdp *sdp, size_t media,
                                                    unsigned bytes, unsigned record_bytes,
                                                    enum side from);
// A known rate of messages, one record each: BFCP.
struct bandwidth_overhead bandwidth_message_overhead(unsigned bytes, unsigned messages_per_s);

// RTP: one packet per a=ptime for audio, else per 20 ms; video, whose packets come as they are
// needed, by the share of the overhead in a packet. a=maxprate knows better.
struct bandwidth_overhead bandwidth_rtp_overhead(const struct sdp *sdp, size_t media,
                                                 unsigned bytes, enum side from);

// value as seen on the other side. Zero stays zero, nothing else becomes zero (REQ-092).
uint64_t bandwidth_adjust(uint64_t value, uint64_t overhead, enum side from);

// Edits b=AS (and b=TIAS when tias) of one e2ae media description received from `from`.
// Returns 0 or -ENOMEM. Absent modifiers stay absent (REQ-091), others are not touched (REQ-095).
int bandwidth_edit_media(struct sdp *sdp, size_t media, const struct bandwidth_overhead *overhead,
                         enum side from, bool tias);
// Edits b=AS and b=CT of the session level by the sum over the live e2ae streams (REQ-093).
int bandwidth_edit_session(struct sdp *sdp, unsigned sum_kbps, enum side from);
// Takes session-level TIAS and maxprate off a leg whose streams no longer share one transport
// (REQ-147).
int bandwidth_drop_session_rates(struct sdp *sdp);

#endif
