// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_CAPTURE_IP_H
#define COMMON_CAPTURE_IP_H
// The headers that a socket does not show: IPv4 or IPv6, UDP or TCP, with lengths, checksums and,
// for TCP, sequence numbers that let a reader put the bytes together again. Pure.

#include "common/addr.h"
#include "common/strbuf.h"

#include <stdint.h>

// What an IPv4 packet can carry behind the headers of IP and TCP, rounded down.
#define IP_PAYLOAD_MAX 65000

// Appends one UDP packet. len is at most IP_PAYLOAD_MAX.
void ip_put_udp(struct strbuf *out, const struct addr *from, const struct addr *to,
                const void *data, size_t len);

// A TCP connection as seen from one end of it.
struct tcp_numbers {
    uint32_t sequence, acknowledged;
};
enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_PUSH = 8, TCP_ACK = 16 };

// Appends one TCP segment.
void ip_put_tcp(struct strbuf *out, const struct addr *from, const struct addr *to,
                struct tcp_numbers numbers, unsigned flags, const void *data, size_t len);

#endif
