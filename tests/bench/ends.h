// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef BENCH_ENDS_H
#define BENCH_ENDS_H
// The ends of many fax calls through one target: per session the UE's socket (DTLS client or plain)
// and the one in the core (plain), and the loads that run between them.

#include "tests/bench/bench.h"
#include "tests/bench/child.h"
#include "tests/bench/identity.h"

#include <stdbool.h>
#include <stddef.h>

struct ends;

// Where one session is at the target.
struct ends_route {
    struct sockaddr_in access;
    struct sockaddr_in core;
};

// Sockets at target's UE and core hosts, from port base on. identity: of all UEs, NULL for plain
// ones; borrowed. NULL: no memory, or a port is taken (said on standard error).
struct ends *ends_open(unsigned target, uint16_t base, unsigned count,
                       const struct identity *identity);
void ends_close(struct ends *ends); // NULL is allowed
// Connects the two sockets of session i to the target. Returns 0 or a negative errno.
int ends_connect(struct ends *ends, unsigned i, const struct ends_route *route);

// Packets of another kind than fax. make() writes one of at most ENDS_PACKET_MAX bytes and returns
// its length; is_intact() looks at one that arrived at the UE (down) or the core.
#define ENDS_PACKET_MAX 2048
struct ends_packets {
    size_t (*make)(void *arg, unsigned session, bool down, uint8_t *packet);
    bool (*is_intact)(void *arg, bool down, const uint8_t *packet, size_t len);
    void *arg;
};
void ends_use_packets(struct ends *ends, const struct ends_packets *packets);

// DTLS handshakes of the sessions first to first + count - 1, a few at a time. Returns how many
// were completed.
unsigned ends_shake_hands(struct ends *ends, unsigned first, unsigned count);

enum ends_direction { ENDS_UP, ENDS_DOWN, ENDS_BOTH }; // UE to core, core to UE, in turns

struct ends_load {
    const char *name;
    unsigned sessions;
    enum ends_direction direction;
    unsigned pps;    // datagrams per second and session; 0: as fast as they come back
    unsigned window; // with pps 0: datagrams under way
    unsigned count;  // datagrams that are measured
};

struct ends_result {
    uint64_t cpu_ns;   // of the target
    uint64_t arrived;  // during the time measured
    uint64_t lost;     // of all sent
    uint64_t damaged;  // arrived, but not as sent
    double arrived_ps; // per second of wall time
};

// Runs a load through the sessions from the first on; a tenth is sent before measuring.
struct ends_result ends_run(struct ends *ends, const struct ends_load *load,
                            const struct child *target);

#endif
