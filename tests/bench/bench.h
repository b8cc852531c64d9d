// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H
// Who lives where. Every target has a network of its own, 127.4.TARGET.0/24, and in it four hosts:
// the two sides of the target, the UE in front of it and the core behind it. Session i of a kind
// has port BASE + i on each of them, except for the ports that a P-CSCF chooses itself.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <time.h>

enum bench_host { HOST_ACCESS = 1, HOST_CORE = 2, HOST_UE = 3, HOST_FAR = 4 };

// Below the range from which the kernel hands out ports.
#define BENCH_PORT_SIP 5060
#define BENCH_PORT_UDP 10000
#define BENCH_PORT_DTLS 12000
#define BENCH_PORT_TLS 14000
#define BENCH_PORT_FAR 13000 // where a TLS bridge connects to
#define BENCH_SESSIONS_MAX 1000

// A fax packet with redundancy, and what the other figures of this trade are measured with.
#define BENCH_PAYLOAD 172
// Of every UE with SRTP, as it stands in a=crypto.
#define BENCH_SRTP_KEY "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"

static inline struct sockaddr_in bench_address(unsigned target, enum bench_host host, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(127u << 24 | 4u << 16 | target << 8 | host);
    return a;
}

static inline uint64_t bench_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
