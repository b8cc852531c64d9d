// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_TRACE_PRINTER_H
#define COMMON_TRACE_PRINTER_H
// What the printers share: the head of a trace, the figures, and the look of an event.

#include "common/trace/trace.h"

#include <stdbool.h>
#include <stddef.h>

// Names of the lifelines as the figures have them.
extern const char *const trace_party_names[PARTY_COUNT];
// Of the kinds of events: "sip", "sdp_edit", ...
extern const char *const trace_kind_names[];

const char *trace_id(const struct trace *t);
enum trace_figure trace_figure_of(const struct trace *t);
// Events that came after the bound was reached.
unsigned trace_lost(const struct trace *t);

// The step of the figure that this key is; 0 for none. key may be NULL.
unsigned figure_step(enum trace_figure figure, const char *key);
// "session establishment ..., figure 6.2.10.4.2.1"; NULL for FIGURE_NONE.
const char *figure_title(enum trace_figure figure);

// An answer to something: an Iq reply or a SIP response.
bool event_is_reply(const struct trace_event *event);
// Something a party did by itself: a note on one lifeline, not an arrow.
bool event_is_note(const struct trace_event *event);

// Takes the next line of a text, without its line end. Returns false at the end of the text.
bool text_line(const char **text, const char **line, size_t *len);
// How much of a line stands on a row of this width: all, or up to a good place to break
// behind its first third, or as much as fits.
size_t text_piece(const char *text, size_t len, size_t width);

#endif
