// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_UDPTL_H
#define UA_UDPTL_H
// UDPTL packets (T.38 clause 9.1): framing of IFP packets, with redundancy when sending and
// recovery when receiving. Pure: no socket, no clock.

#include <stddef.h>
#include <stdint.h>

// The longest primary IFP and the deepest redundancy this side sends: spandsp's IFPs stay far
// below, and T38FaxMaxDatagram in our SDP is derived from neither (it says what we receive).
#define UDPTL_IFP_MAX 512
#define UDPTL_REDUNDANCY_MAX 7
// Two bytes of sequence number, and per IFP up to two bytes of length.
#define UDPTL_PACKET_MAX (4 + (1 + UDPTL_REDUNDANCY_MAX) * (UDPTL_IFP_MAX + 2))

struct udptl_sent {
    uint8_t bytes[UDPTL_IFP_MAX];
    size_t len;
};

struct udptl_sender {
    uint16_t next_seq;
    unsigned redundancy;
    unsigned held;                                   // IFPs remembered, at most redundancy
    struct udptl_sent history[UDPTL_REDUNDANCY_MAX]; // newest first
};

// redundancy: how many earlier IFPs each packet repeats, cut at UDPTL_REDUNDANCY_MAX.
void udptl_sender_init(struct udptl_sender *s, unsigned redundancy);
// Frames one IFP. Returns the length of the packet in out, or -EMSGSIZE for an IFP that is empty or
// above UDPTL_IFP_MAX, with nothing changed.
int udptl_frame(struct udptl_sender *s, const uint8_t *ifp, size_t len,
                uint8_t out[static UDPTL_PACKET_MAX]);

// Called once per IFP that is new, in the order of its sequence number.
typedef void udptl_ifp_cb(void *arg, const uint8_t *ifp, size_t len, uint16_t seq);

struct udptl_receiver {
    uint16_t expected; // the next sequence number
    udptl_ifp_cb *on_ifp;
    void *arg;
    unsigned long packets;   // well-formed ones
    unsigned long repeated;  // already known or too late
    unsigned long recovered; // IFPs taken from redundancy
    unsigned long lost;      // IFPs nothing could bring back
    unsigned long parity;    // packets with parity FEC, whose primary IFP alone is used
    unsigned long malformed;
};

void udptl_receiver_init(struct udptl_receiver *r, udptl_ifp_cb *on_ifp, void *arg);
// Takes one packet of the peer. Returns 0, or -EBADMSG for a malformed one: nothing is delivered
// and the receiver stays as it was, but for its counter.
int udptl_receive(struct udptl_receiver *r, const uint8_t *packet, size_t len);

#endif
