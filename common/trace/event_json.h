// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_TRACE_EVENT_JSON_H
#define COMMON_TRACE_EVENT_JSON_H
// One event as JSON, for programs and for the viewer.

#include "common/trace/trace.h"

#include <jansson.h>

// {"index", "time_us", "kind", "from", "to", "step", "key", "label", "detail", "message", "clause"}
// and, so that nobody needs to take details apart again:
//   of a TRACE_SDP_EDIT  "old", "new"        the line before and after; null: there was none
//   of a TRACE_IQ        "elements", "h248"  the information elements and the H.248 rendering
//   of what failed       "reason"            its name in common/reason.h
// The caller's; NULL: past the end, or no memory.
json_t *trace_event_json(const struct trace *t, unsigned index);

#endif
