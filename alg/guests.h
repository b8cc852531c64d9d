// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_GUESTS_H
#define ALG_GUESTS_H
// The connections that others have opened to the SIP listening points, from the moment they are
// there: bounded in number, and closed when they may not stay. The SIP stack says nothing of a
// connection before a message has come on it, and waits for that as long as it takes.
//
// The stack accepts with accept(), which nothing else in the process calls: the one of this module,
// which the dynamic linker prefers to that of the C library.

#include "common/addr.h"
#include "common/reason.h"

#include <uv.h>

// One of them as it is now.
struct guest {
    struct addr local, remote;
    uint64_t opened_ms; // on the monotonic clock
    uint64_t silent_ms; // nothing has come from it for so long
    uint64_t unsent_ms; // nothing was sent to it for so long
    bool ended;         // the stack sends nothing more to it
};

struct guests;

// judge is asked of each guest about once a second: NONE, or why it may not stay; then it is
// closed, which the stack sees as the end of the connection, and the reason counted. More than max
// at one time are closed as soon as they are there (CONNECTION_LIMIT).
struct guests_setup {
    uv_loop_t *loop;
    unsigned max;
    enum reason (*judge)(void *arg, const struct guest *guest);
    void *arg;
};
// One at a time in a process. NULL: no memory.
struct guests *guests_open(const struct guests_setup *setup);
// Those that are there stay. NULL is allowed.
void guests_close(struct guests *guests);

#endif
