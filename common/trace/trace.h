// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_TRACE_TRACE_H
#define COMMON_TRACE_TRACE_H
// What happened in one session, as a list of events; printers make a chart of it.
//
// Whoever records names what happened by a key ("iq.reserve.T1", "sip.offer"). The figures of the
// specification are tables of such keys: a printer looks up which step of the figure an event is,
// so that nobody who records needs to know step numbers (REQ-110, REQ-111).

#include "common/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

// The lifelines of figures 6.2.10.4.2.1 and 6.2.10.4.3.1.
enum trace_party { PARTY_UE, PARTY_ALG, PARTY_AGW, PARTY_CORE, PARTY_COUNT };

enum trace_kind {
    TRACE_SIP,      // a SIP message crossed between from and to
    TRACE_SDP_EDIT, // a line of SDP or a header field changed: detail holds "- old" and "+ new"
    TRACE_IQ,       // an Iq request or reply between ALG and AGW
    TRACE_ACTION,   // something a party did by itself (from == to)
    TRACE_BEARER,   // a (D)TLS or TCP milestone between AGW and UE or core
    TRACE_MEDIA,    // first media in this direction
    TRACE_DROP,     // something was refused or dropped: label names the reason
    TRACE_NOTE,     // anything else worth a line
};

enum trace_figure {
    FIGURE_NONE,
    FIGURE_T38_ORIG,  // 6.2.10.4.2.1
    FIGURE_T38_TERM,  // 6.2.10.4.3.1
    FIGURE_MSRP_ORIG, // 6.2.10.3.1.1.1.1, numbers beyond step 1 reconstructed
    FIGURE_MSRP_TERM, // 6.2.10.3.1.2.1.1, likewise
    FIGURE_BFCP_ORIG, // 6.2.10.3.2.1.1.1, likewise
    FIGURE_BFCP_TERM, // its counterpart towards the UE
};

// Keys the figures are made of. Sides and terminations are part of the key because a figure never
// leaves them open. Other keys are free; they get no step number.
//   sip.offer.received  sip.offer.sent  sip.answer.received  sip.answer.sent
//   iq.reserve.T1 .request .action .reply          (and T2)
//   iq.configure.T1 .request .action .reply        (and T2)
//   iq.reserve_configure.T1 .request .action .reply (and T2)
//   tcp.connected.T1  tcp.connected.T2  dtls.client_hello  dtls.established  media
// An event with from == to is a note at that lifeline. SDP edits that follow each other with the
// same label stand together below it.
struct trace_event {
    uint64_t time_us; // monotonic; events are printed in this order
    enum trace_kind kind;
    enum trace_party from;
    enum trace_party to;
    const char *key;    // static text, see above; NULL allowed
    const char *label;  // what stands on the arrow: "INVITE", "ADD.req (Reserve AGW ...)"
    const char *detail; // more lines, '\n' between them; NULL allowed. Lines after a blank one are
                        // for the text chart only (the H.248 rendering); so is that of a TRACE_SIP
    const char *clause; // static text; NULL allowed
    // TRACE_SIP: the whole message as it was on the wire of that side, keys in it masked; lines end
    // with CR LF; a message longer than 8 KiB is cut. NULL: not kept.
    const char *message;
    // One of many of its key, as a peer that moves makes them: once half of the trace is full, only
    // the newest is kept, with their number.
    bool passing;
};

struct trace;

// id is printed on top of every chart: "Session ...". At most max_events are kept; the rest is
// counted. NULL when memory ran out, or for 0 events. All functions below accept a NULL trace and
// then do nothing.
struct trace *trace_open(const char *id, unsigned max_events);
void trace_free(struct trace *t);

// Copies label, detail and message; key and clause must be static.
void trace_add(struct trace *t, const struct trace_event *event);

// Texts of an event that are written when somebody reads the trace, or when it settles: for what
// costs more to write than most readers are worth.
struct trace_late {
    // Fills in label, detail, message and clause of the event; they live until drop.
    void (*write)(struct trace_late *late, struct trace_event *event);
    void (*drop)(struct trace_late *late); // frees it
};
// As trace_add(), but the event has neither texts nor clause yet. late belongs to the trace from
// now on, whatever becomes of the event.
void trace_add_late(struct trace *t, const struct trace_event *event, struct trace_late *late);

// Nothing more is expected for a while: packs what was recorded.
void trace_settle(struct trace *t);

// Which figure of the specification the session follows; the last call wins.
void trace_set_figure(struct trace *t, enum trace_figure figure);

// Memory it holds, without what late texts are made from.
size_t trace_bytes(const struct trace *t);

// Events in time order with their step numbers, for printers and tests. step is 0 for an event that
// is no step of the figure. *event is borrowed until the next trace_add() or trace_settle().
// Returns false past the end.
bool trace_at(const struct trace *t, unsigned index, struct trace_event *event, unsigned *step);

// For who follows a trace while it grows: events are added in another order than they are printed
// in. Where the trace stands now; 0: nothing was added yet.
uint32_t trace_mark(const struct trace *t);
// The event at this index was added after the trace stood at mark.
bool trace_is_after(const struct trace *t, unsigned index, uint32_t mark);

// A chart for a terminal: four lifelines, arrows with step number and label, details below them.
void trace_chart_text(const struct trace *t, struct strbuf *out);
// The same as a Mermaid sequence diagram, as Git forges draw it.
void trace_chart_mermaid(const struct trace *t, struct strbuf *out);
// The same as a picture (SVG), light or dark as its reader likes it. The event at index N is the
// element with the id "eN".
void trace_chart_svg(const struct trace *t, struct strbuf *out);
// A page (HTML) that needs nothing else: the picture, and each event to be opened in it.
void trace_chart_html(const struct trace *t, struct strbuf *out);
// {"id", "title", "lost", "events": [as trace_event_json() has them]}
void trace_chart_json(const struct trace *t, struct strbuf *out);

// All of them, for who lets others choose.
enum trace_form_name {
    TRACE_FORM_TEXT,
    TRACE_FORM_MERMAID,
    TRACE_FORM_SVG,
    TRACE_FORM_HTML,
    TRACE_FORM_JSON,
    TRACE_FORM_COUNT
};
struct trace_form {
    const char *name, *ending; // of a file
    const char *type;          // for HTTP
    void (*put)(const struct trace *t, struct strbuf *out);
};
extern const struct trace_form trace_forms[TRACE_FORM_COUNT];

#endif
