// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_ADMIN_ADMIN_H
#define COMMON_ADMIN_ADMIN_H
// The admin endpoint: HTTP for pcscfctl, metrics and the viewer, inside the loop of the signalling
// thread. Nobody who talks to it, slowly or with bad intent, makes the loop wait: connections,
// streams, the size of a request and the time it may take are bounded.
//
//   GET  /api/v1/show
//   GET  /api/v1/calls?state=live|recent|all&offset=&limit=
//                        at most 100 in one answer, so that no answer keeps SIP waiting
//   GET  /api/v1/calls/ID                              ID may be abbreviated when unique
//   GET  /api/v1/calls/ID/events?from=N
//                        "next" of an answer is the "from" of the next question: a mark, no index
//   GET  /api/v1/calls/ID/stream?from=N                the same as server-sent events, live
//   GET  /api/v1/calls/ID/chart?format=text|mermaid|svg|html|json
//   POST /api/v1/calls/ID/hangup
//   GET  /api/v1/regs, /api/v1/counters, /api/v1/ports
//   GET  /api/v1/reasons, /api/v1/reasons/NAME
//   GET  /metrics                                      for Prometheus
//   POST /api/v1/log?level=error|warn|info|debug
//
//   GET  /, /static/NAME                               the viewer
//
// An answer that is no success is {"error": "a sentence"}.

#include "common/addr.h"
#include "common/admin/source.h"
#include "common/config.h"

#include <uv.h>

struct admin;

struct admin_settings {
    struct addr address; // where to listen; port 0: any free one
    // What a client has to present as "Authorization: Bearer TOKEN" (RFC 6750 2.1), or a browser as
    // the password of any user (RFC 7617); "" or NULL: nothing, which is refused for an address
    // beyond loopback.
    const char *token;
    unsigned request_ms; // how long a request and its answer may take; 0: ADMIN_REQUEST_MS
};
#define ADMIN_REQUEST_MS 10000

// settings and source are copied; the source's arg, and loop, outlive the endpoint. Returns 0 or a
// negative errno with a sentence in error; *out untouched.
int admin_open(struct admin **out, const struct admin_settings *settings,
               const struct admin_source *source, uv_loop_t *loop,
               char error[static CONFIG_ERROR_MAX]);
// Where it listens.
const struct addr *admin_address(const struct admin *admin);
// From now on this token counts. Beyond loopback "" changes nothing.
void admin_set_token(struct admin *admin, const char *token);
// Ends all connections. The loop must run once more for its handles to go. NULL is allowed.
void admin_close(struct admin *admin);

#endif
