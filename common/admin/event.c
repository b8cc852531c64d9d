// SPDX-License-Identifier: GPL-3.0-or-later
// Events are asked for one by one: a trace is short, and this is seldom.
#include "common/admin/event.h"

unsigned event_next(const struct trace *trace, unsigned index, uint32_t mark)
{
    struct trace_event event;
    unsigned step;
    for (; trace_at(trace, index, &event, &step); index++)
        if (trace_is_after(trace, index, mark))
            return index;
    return EVENT_NONE;
}
