// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_TRACE_HEP_H
#define COMMON_TRACE_HEP_H
// HEP3, the encapsulation in which sngrep and Homer take SIP from elsewhere: one datagram per
// message with the addresses it really had, and lines of text that join a call by its Call-ID.
// A collector is an onlooker: sending never waits, and what cannot be sent is lost and counted.

#include "common/addr.h"

#include <stdint.h>

// Payload types of HEP3.
enum hep_type { HEP_SIP = 1, HEP_LOG = 100 };

struct hep_packet {
    enum hep_type type;
    uint64_t wall_us;     // since 1970
    bool tcp;             // how it travelled; else UDP
    struct addr from, to; // of one family
    const char *payload;
    size_t len;
    const char *correlation; // Call-ID; NULL: none
};

// What does not fit into one datagram is not sent.
#define HEP_PACKET_MAX 65507

// Writes the packet. Returns its length, or 0 when it does not fit.
size_t hep_encode(const struct hep_packet *packet, uint8_t *to, size_t size);

struct hep;

// A socket towards the collector. 0 or a negative errno, *out untouched.
int hep_open(struct hep **out, const struct addr *collector);
void hep_close(struct hep *hep); // NULL is allowed
void hep_send(struct hep *hep, const struct hep_packet *packet);

#endif
