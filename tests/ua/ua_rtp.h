// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_RTP_H
#define UA_RTP_H
// The RTP of one voice line without sockets: packets whose payload is counted, and what arrives of
// the peer's (RFC 3550).

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTP_PACKET_LEN 172 // 20 ms of PCMA with its header
#define RTCP_PACKET_LEN 28 // a sender report without blocks

struct rtp_line {
    uint32_t ssrc;
    uint16_t seq; // of the next packet
    unsigned long sent, received;
    uint32_t expected;       // the counter that comes next
    unsigned long disorder;  // counters that did not come in order, or twice
    unsigned long different; // payloads that are not what was sent
};

// Its sequence numbers are about to wrap: a short call sees the rollover counter at work.
void rtp_line_init(struct rtp_line *line);
// The next packet with payload number line->sent.
void rtp_line_next(struct rtp_line *line, uint8_t packet[static RTP_PACKET_LEN]);
// The same with the payload of a packet that arrived.
void rtp_line_echo(struct rtp_line *line, const uint8_t *received,
                   uint8_t packet[static RTP_PACKET_LEN]);
void rtp_line_report(const struct rtp_line *line, uint8_t packet[static RTCP_PACKET_LEN]);
// What arrived. False: it is no RTP of such a line.
bool rtp_line_receive(struct rtp_line *line, const uint8_t *packet, size_t len);

// RTCP by its type, where both have one port (RFC 5761 4).
bool rtp_is_rtcp(const uint8_t *packet, size_t len);

#endif
