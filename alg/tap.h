// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_TAP_H
#define ALG_TAP_H
// Where SIP messages and the steps of the AGW leave the process, for those who look on from
// outside: a HEP collector, a capture. Everything accepts a NULL tap and then does nothing.

#include "common/config.h"
#include "common/trace/trace.h"

struct tap;
struct capture;

// What cfg asks for; *out stays NULL when it asks for nothing. cfg is borrowed. 0, or a negative
// errno with a sentence in error.
int tap_open(struct tap **out, const struct config *cfg, char error[static CONFIG_ERROR_MAX]);
void tap_close(struct tap *tap);
// The capture, for the AGW to join in; NULL: none.
struct capture *tap_capture(const struct tap *tap);

// A SIP message as it is on the wire, keys masked.
struct tap_message {
    uint64_t time_us; // monotonic
    bool tcp;
    struct addr from, to;
    const char *text;
    size_t len;
    const char *call_id;
    const char *session;   // token; NULL: outside any
    enum trace_party peer; // UE or core
    bool out;
};
void tap_message(struct tap *tap, const struct tap_message *message);
// A step of the call, as the trace has it: one line of text.
void tap_event(struct tap *tap, const char *call_id, const struct trace_event *event);

// A context of the AGW belongs to a session.
void tap_context(struct tap *tap, const char *session, uint32_t context);
// A session is over: nothing more will come of it but what is on its way.
void tap_session_ended(struct tap *tap, const char *session);

#endif
