// SPDX-License-Identifier: GPL-3.0-or-later
// An event as JSON: every field of it, by name.
#include "common/admin/event.h"

#include "common/admin/text.h"

static const char *const kind_names[] = {
    [TRACE_SIP] = "sip",       [TRACE_SDP_EDIT] = "sdp_edit", [TRACE_IQ] = "iq",
    [TRACE_ACTION] = "action", [TRACE_BEARER] = "bearer",     [TRACE_MEDIA] = "media",
    [TRACE_DROP] = "drop",     [TRACE_NOTE] = "note",
};
static const char *const party_names[PARTY_COUNT] = {"ue", "alg", "agw", "core"};

unsigned event_next(const struct trace *trace, unsigned index, uint32_t mark)
{
    struct trace_event event;
    unsigned step;
    for (; trace_at(trace, index, &event, &step); index++)
        if (trace_is_after(trace, index, mark))
            return index;
    return EVENT_NONE;
}

json_t *event_json(const struct trace *trace, unsigned index)
{
    struct trace_event e;
    unsigned step;
    if (!trace_at(trace, index, &e, &step))
        return NULL;
    return json_pack("{s:I,s:s,s:s,s:s,s:i,s:s?,s:o,s:o,s:o,s:s?}", "time_us",
                     (json_int_t)e.time_us, "kind", kind_names[e.kind], "from", party_names[e.from],
                     "to", party_names[e.to], "step", (int)step, "key", e.key, "label",
                     text_json(e.label), "detail", text_json(e.detail), "message",
                     text_json(e.message), "clause", e.clause);
}
