// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_ADMIN_EVENT_H
#define COMMON_ADMIN_EVENT_H
// Events of a trace for who follows it.

#include "common/trace/trace.h"

// The first event from index on that was added after mark; EVENT_NONE: none.
#define EVENT_NONE UINT32_MAX
unsigned event_next(const struct trace *trace, unsigned index, uint32_t mark);

#endif
