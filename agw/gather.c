// SPDX-License-Identifier: GPL-3.0-or-later
// The traffic of one window decides about the next: enough datagrams per pause, on enough sockets,
// and few per socket. A stream that answers what it gets has many datagrams per window on one
// socket; paced media have one or two.

#include "agw/gather.h"

#define WINDOW_US 10000
// A pause must be worth this many datagrams ...
#define DATAGRAMS_MIN 2
// ... from this many sockets in the window ...
#define SOCKETS_MIN 8
// ... and no more from each of them on average. 20 ms of voice or 30 ms of fax are less than one.
#define PER_SOCKET_MAX 4

void gather_init(struct gather *g, unsigned pause_us, uint64_t now_us)
{
    *g = (struct gather){.pause_us = pause_us, .since_us = now_us, .number = 1};
}

static void next_window(struct gather *g, uint64_t now_us)
{
    g->since_us = now_us;
    g->datagrams = g->sockets = 0;
    if (++g->number == 0)
        g->number = 1;
}

unsigned gather_pause(struct gather *g, uint64_t now_us)
{
    uint64_t span = now_us - g->since_us;
    if (span >= WINDOW_US) {
        // A long span is one in which little came.
        uint64_t per_pause = (uint64_t)g->datagrams * g->pause_us / span;
        uint64_t per_window = (uint64_t)g->datagrams * WINDOW_US / span;
        g->pays = per_pause >= DATAGRAMS_MIN && g->sockets >= SOCKETS_MIN &&
                  per_window <= (uint64_t)g->sockets * PER_SOCKET_MAX;
        next_window(g, now_us);
    }
    return g->pays ? g->pause_us : 0;
}
