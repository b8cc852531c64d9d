// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_GATHER_H
#define AGW_GATHER_H
// Gathering: when media come at a steady pace on many sockets, a worker that sleeps a moment before
// it looks again serves several of them with one wake-up. It must never slow down a stream whose
// next datagram depends on our last one, and never sleep when there is little to gain.

#include <stdbool.h>
#include <stdint.h>

struct gather {
    unsigned pause_us; // how long a pause may be; 0: never
    bool pays;         // what the last window says
    // the present window
    uint64_t since_us;
    uint32_t number; // never 0
    unsigned datagrams;
    unsigned sockets; // different ones that datagrams came from
};

void gather_init(struct gather *gather, unsigned pause_us, uint64_t now_us);

// A datagram arrived on the socket that keeps *seen for this (0 at first).
static inline void gather_count(struct gather *gather, uint32_t *seen)
{
    gather->datagrams++;
    if (*seen != gather->number) {
        *seen = gather->number;
        gather->sockets++;
    }
}

// Once per turn: microseconds to pause before the next one; 0: go on at once.
unsigned gather_pause(struct gather *gather, uint64_t now_us);

#endif
