// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef BENCH_LINK_H
#define BENCH_LINK_H
// Connections through something that takes TLS on one side and has plain TCP on the other: the UE's
// end of each and the one in the core, and the loads that run between them.

#include "tests/bench/bench.h"
#include "tests/bench/child.h"
#include "tests/bench/identity.h"

#include <stdbool.h>
#include <stddef.h>

// What a message may consist of at most, framing included.
#define LINK_BLOCK_MAX 65536

enum link_version { LINK_TLS12, LINK_TLS13 };

struct link {
    gnutls_session_t session;
    int ue;  // the UE's socket, below session
    int far; // the core's socket
};

// The core's port, where the target connects to. Returns the descriptor or a negative errno.
int link_listen(unsigned target);
// One connection: TCP, mutual TLS of this version, and what comes to listener because of it.
// Returns 0 or -1; *link untouched then.
int link_open(struct link *link, unsigned target, uint16_t port, int listener,
              const struct identity *identity, enum link_version version);
// close_notify, then RST on both sides, so that no port is kept busy.
void link_close(struct link *link);

// What goes through each link: head, then block over and over, then tail.
struct link_text {
    const char *head, *tail; // NULL: none
    const uint8_t *block;
    size_t block_len;
    bool stamped; // each block begins with its number, and what arrives behind head is compared
};

struct link_load {
    struct link_text text[4]; // of each link
    unsigned links;
    bool down;       // core to UE
    unsigned blocks; // of all links together
    unsigned rate;   // blocks per second of all links together; 0: as fast as they are taken
};

struct link_result {
    uint64_t cpu_ns; // of the target
    uint64_t bytes;  // arrived
    bool whole;      // all of them, and as they were sent where that is compared
};

struct link_result link_run(struct link *links, const struct link_load *load,
                            const struct child *target);

struct link_latency {
    double p50_us, p99_us;
    bool whole;
};
// Round trips of 500 bytes from the UE to the core and back, one after the other.
struct link_latency link_ping(struct link *link, unsigned count);

#endif
