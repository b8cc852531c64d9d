// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_WATCH_H
#define AGW_WATCH_H
// A descriptor in a worker's epoll set is known there by a watch, which is embedded in whatever the
// descriptor belongs to. What is to happen was decided when it was reserved, not per packet.

#include <stdint.h>

struct watch {
    // events: EPOLLIN and so on. The descriptor may have been closed in this very turn.
    void (*ready)(struct watch *watch, uint32_t events);
    // ready() is next but one call away: asks the processor to fetch what it will touch. With a
    // thousand sockets none of that is in the cache any more. NULL: nothing to fetch.
    void (*approach)(const struct watch *watch);
};

#endif
