// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_SESSION_TRACE_H
#define ALG_SESSION_TRACE_H
// What a session writes into its trace about SIP and SDP, and where the chart goes in the end.

#include "alg/facts.h"
#include "alg/side.h"
#include "common/config.h"
#include "common/trace/trace.h"
#include "sdp/sdp.h"

// A SIP message between a side and the ALG; key as trace.h names it, or NULL.
void session_trace_message(struct trace *t, const struct config *cfg, enum side side, bool received,
                           const struct sip_facts *facts, const char *key, const char *note);
// Every line the ALG changed, with its clause.
void session_trace_edits(struct trace *t, const struct sdp *sdp);
// A header field that was changed, added or dropped, with its clause (static text).
void session_trace_field(struct trace *t, const char *before, const char *after,
                         const char *clause);
// A line on the lifeline of the ALG.
__attribute__((format(printf, 3, 4))) void session_trace_note(struct trace *t, const char *clause,
                                                              const char *fmt, ...);
// A failure: an action of the ALG that names the reason.
void session_trace_reason(struct trace *t, enum reason reason, const char *what);

// Writes the chart into cfg's trace directory, if there is one, in the forms asked for; name is the
// file name without ending. Errors are logged.
void session_trace_write(const struct trace *t, const struct config *cfg, const char *name);

#endif
