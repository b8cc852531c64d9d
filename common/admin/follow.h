// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_ADMIN_FOLLOW_H
#define COMMON_ADMIN_FOLLOW_H
// Clients that follow a session while it runs, by server-sent events. Between events their
// connections sleep; while there are any, the traces are looked at a few times a second.
//
//   id: MARK          what to go on from after a lost connection
//   data: {event}
// and, when the session has ended and all is told, "event: end".

#include "common/admin/source.h"

#include <microhttpd.h>
#include <uv.h>

// Clients at a time: each may hold a copy of the events of a session that it does not take.
#define FOLLOWS_MAX 16

struct follow;

struct follows {
    const struct admin_source *source;
    uv_timer_t *timer;       // of the owner, started and stopped here
    void (*stir)(void *arg); // lets the library run: a connection has woken up
    void *arg;
    struct follow *list;
    unsigned count;
};

// A response that never ends by itself; the caller queues and destroys it. NULL: too many already,
// or no memory.
struct MHD_Response *follow_open(struct follows *follows, struct MHD_Connection *connection,
                                 const char *id, uint32_t from);
// Wakes all of them up for the end of the daemon.
void follow_end_all(struct follows *follows);

#endif
