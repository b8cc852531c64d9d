// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_ADMIN_SOURCE_H
#define COMMON_ADMIN_SOURCE_H
// Where the admin endpoint has its answers from. It knows nothing of sessions or gateways itself:
// whoever runs them fills in this table. All functions run on the thread of the loop.
//
// A json_t that is returned is the caller's; NULL means that memory ran out, unless said otherwise.
// None of them ever holds key material.

#include "common/admin/metrics.h"
#include "common/trace/trace.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

// The longest id of a session.
#define ADMIN_ID_MAX 64

enum admin_calls { ADMIN_CALLS_LIVE, ADMIN_CALLS_RECENT, ADMIN_CALLS_ALL };

struct admin_source {
    // The state of the whole: what "pcscfctl show" prints.
    json_t *(*show)(void *arg);
    // {"total": of all, "calls": [those from offset on, at most limit]}, newest first.
    json_t *(*calls)(void *arg, enum admin_calls which, size_t offset, size_t limit);
    // The id that begins like this. 0; -ENOENT: none; -EEXIST: several.
    int (*resolve)(void *arg, const char *prefix, char id[static ADMIN_ID_MAX]);
    // The next three want a whole id. NULL: no such session.
    json_t *(*call)(void *arg, const char *id);
    // Borrowed until the loop turns. *live: more events may come.
    const struct trace *(*trace)(void *arg, const char *id, bool *live);
    // Ends a session; false: there is none that could be ended.
    bool (*hangup)(void *arg, const char *id);
    // {"total", "registrations": [those from offset on, at most limit]}, in no order.
    json_t *(*regs)(void *arg, size_t offset, size_t limit);
    json_t *(*ports)(void *arg);
    // Puts every metric that metrics_put_common() does not.
    void (*measure)(void *arg, struct metrics *metrics);
    void *arg;
};

#endif
