// SPDX-License-Identifier: GPL-3.0-or-later
// A chart for a terminal of 120 columns, in plain ASCII. Each row is put together in a row buffer:
// lifelines first, then what belongs on top of them. A label that fits stands in its arrow, one
// that does not stands above it. What a party does by itself stands beside its lifeline, on the
// side where there is room. Details stand below, right of the IMS-ALG. Whole SIP messages would
// bury the chart: they follow it, numbered.
//
// Failures: none of its own; running out of memory is remembered in the output buffer. Bytes that a
// terminal might obey are printed as '?'.
#include "common/trace/printer.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WIDTH 120
// The first two gaps fit what usually crosses them: SIP, and Iq procedures with their names. The
// third is an arrow wide: what stands there stands left of it.
static const int column[PARTY_COUNT] = {12, 44, 98, 112};
// A label of a trace, its step number and the number of its message.
#define LABEL_SIZE 300

// A part of the page that text is wrapped into.
struct area {
    int column;
    int width;
    bool lifelines;
};

static const struct area detail_area = {48, WIDTH - 48, true};
static const struct area page_area = {0, WIDTH, false};
static const struct area message_area = {4, WIDTH - 4, false};

struct row {
    char text[WIDTH];
};

struct chart {
    struct strbuf *out;
    const struct trace *trace;
    uint64_t start_us;
    const struct trace_event *stamp; // its time and mark belong on the next row
    char time[32];                   // as last printed
    unsigned messages;               // SIP messages that follow the chart
    char heading[LABEL_SIZE];        // of the SDP edits being printed; "": none are
    bool air;                        // details were printed: a row of air is due
};

// --- rows -----------------------------------------------------------------------------------

static char printable(char c)
{
    if (c == '\t')
        return ' ';
    return c >= ' ' && c < 0x7f ? c : '?';
}

static void row_clear(struct row *r, bool lifelines)
{
    memset(r->text, ' ', sizeof(r->text));
    for (int p = 0; lifelines && p < PARTY_COUNT; p++)
        r->text[column[p]] = '|';
}

static void row_put(struct row *r, int at, const char *text, size_t len)
{
    for (size_t i = 0; i < len && at + (int)i < WIDTH; i++)
        r->text[at + (int)i] = printable(text[i]);
}

// On the first row of an event: "12.3 ms" since the first event, unless the row of a time before
// says the same, and the mark of a note.
static void row_stamp(struct row *r, struct chart *c, const struct trace_event *e)
{
    static const char marks[] = {[TRACE_SDP_EDIT] = '*', [TRACE_DROP] = 'x', [TRACE_NOTE] = 'o'};
    uint64_t us = e->time_us - c->start_us;
    bool long_ago = us >= 100000000;
    char text[sizeof(c->time)];

    snprintf(text, sizeof(text), "%7.1f %s", (double)us / (long_ago ? 1e6 : 1e3),
             long_ago ? "s" : "ms");
    if (strcmp(text, c->time) != 0)
        row_put(r, 0, text, strlen(text));
    memcpy(c->time, text, sizeof(text));
    if (event_is_note(e))
        r->text[column[e->from]] = e->kind < sizeof(marks) && marks[e->kind] ? marks[e->kind] : '*';
}

static void row_print(struct chart *c, struct row *r)
{
    size_t len = WIDTH;

    if (c->stamp != NULL)
        row_stamp(r, c, c->stamp);
    c->stamp = NULL;
    while (len > 0 && r->text[len - 1] == ' ')
        len--;
    strbuf_add(c->out, r->text, len);
    strbuf_puts(c->out, "\n");
}

// --- wrapping -------------------------------------------------------------------------------

// Where the second row of a wrapped line begins: a little right of the first.
static int hanging(const char *text, size_t len, const struct area *area)
{
    int indent = 2;

    for (size_t i = 0; i < len && text[i] == ' '; i++)
        indent++;
    return indent < area->width / 2 ? indent : area->width / 2;
}

// A blank on its right keeps a lifeline off the text.
static void put_piece(struct row *r, int at, const char *text, size_t len)
{
    row_put(r, at, text, len);
    row_put(r, at + (int)len, " ", len > 0 ? 1 : 0);
}

// Wraps one line into the area. All rows but the last are printed; the last is left in *r for the
// caller to add to and print. Returns the column after its text.
static int wrap(struct chart *c, const struct area *area, const char *text, size_t len,
                struct row *r)
{
    int indent = hanging(text, len, area), shift = 0;
    size_t part = text_piece(text, len, (size_t)area->width);

    row_clear(r, area->lifelines);
    put_piece(r, area->column, text, part);
    while (part < len) {
        row_print(c, r);
        text += part;
        len -= part;
        shift = indent;
        part = text_piece(text, len, (size_t)(area->width - shift));
        row_clear(r, area->lifelines);
        put_piece(r, area->column + shift, text, part);
    }
    return area->column + shift + (int)part;
}

static void print_text(struct chart *c, const struct area *area, const char *text)
{
    const char *line;
    struct row r;
    size_t len;

    while (text_line(&text, &line, &len)) {
        wrap(c, area, line, len, &r);
        row_print(c, &r);
    }
}

// --- details --------------------------------------------------------------------------------

// Prints the row with "[clause]" behind its text, or on a row of its own below.
static void print_with_clause(struct chart *c, struct row *r, int end, const char *clause)
{
    size_t len = strlen(clause);

    if (end + 4 + (int)len > WIDTH) {
        row_print(c, r);
        row_clear(r, true);
        end = detail_area.column;
    }
    row_put(r, end, "  [", 3);
    row_put(r, end + 3, clause, len);
    row_put(r, end + 3 + (int)len, "]", 1);
    row_print(c, r);
}

// The lines of a detail, with the clause behind the first.
static void print_details(struct chart *c, const char *text, const char *clause)
{
    bool cited = clause != NULL && clause[0] != '\0';
    const char *line = "";
    size_t len = 0;
    struct row r;
    int end;

    if (text == NULL)
        text = "";
    if (!text_line(&text, &line, &len) && !cited)
        return;
    end = wrap(c, &detail_area, line, len, &r);
    if (cited)
        print_with_clause(c, &r, len == 0 ? end - 2 : end, clause);
    else
        row_print(c, &r);
    print_text(c, &detail_area, text);
    c->air = true;
}

// --- events ---------------------------------------------------------------------------------

// Signalling is drawn in '-', (D)TLS and TCP in '=', media in '~'. A drop does not reach its end.
static void row_arrow(struct row *r, const struct trace_event *e, int left, int right)
{
    char line = e->kind == TRACE_BEARER ? '=' : e->kind == TRACE_MEDIA ? '~' : '-';
    char head = e->from < e->to ? '>' : '<';

    for (int i = left; i <= right; i++)
        r->text[i] = line;
    r->text[e->from < e->to ? right : left] = e->kind == TRACE_DROP ? 'x' : head;
}

// Left of the AGW, where there is room for what concerns the last two lifelines. It ends there.
static struct area left_of(int lifeline, const char *label)
{
    int gap = column[PARTY_AGW] - column[PARTY_ALG] - 4;
    int width = (int)text_piece(label, strlen(label), (size_t)gap);

    return (struct area){lifeline - 1 - width, width, true};
}

static void print_narrow_arrow(struct chart *c, const struct trace_event *e, const char *label)
{
    struct area area = left_of(column[PARTY_AGW], label);
    struct row r;

    wrap(c, &area, label, strlen(label), &r);
    row_arrow(&r, e, column[PARTY_AGW] + 1, column[PARTY_CORE] - 1);
    row_print(c, &r);
}

static void print_arrow(struct chart *c, const struct trace_event *e, const char *label)
{
    bool rightwards = e->from < e->to;
    int left = column[rightwards ? e->from : e->to] + 1;
    int right = column[rightwards ? e->to : e->from] - 1;
    int at = left + (rightwards ? 2 : 3); // of a label inside: "- label ->", "<- label -"
    int len = (int)strlen(label);
    struct area above = {left + 1, right - left - 1, true};
    bool inside = at + len + 2 <= right;
    struct row r;

    if (!inside) {
        wrap(c, &above, label, (size_t)len, &r);
        row_print(c, &r);
    }
    row_clear(&r, true);
    row_arrow(&r, e, left, right);
    if (inside) {
        memset(r.text + at - 1, ' ', (size_t)len + 2);
        row_put(&r, at, label, (size_t)len);
    }
    row_print(c, &r);
}

// Beside its lifeline: right of the first two, left of the last two.
static void print_note(struct chart *c, const struct trace_event *e, const char *label)
{
    struct area area = {column[e->from] + 2, column[PARTY_AGW] - column[PARTY_ALG] - 4, true};
    struct row r;

    if (e->from >= PARTY_AGW)
        area = left_of(column[e->from], label);
    wrap(c, &area, label, strlen(label), &r);
    row_print(c, &r);
}

// Edits of one message stand together below one heading.
static bool same_heading(const struct chart *c, const struct trace_event *e)
{
    return e->kind == TRACE_SDP_EDIT && c->heading[0] != '\0' && strcmp(c->heading, e->label) == 0;
}

// Arrows stand close together; what follows details is set apart from them.
static void print_air(struct chart *c)
{
    struct row r;

    if (!c->air)
        return;
    row_clear(&r, true);
    row_print(c, &r);
    c->air = false;
}

static void print_event(struct chart *c, const struct trace_event *e, unsigned step)
{
    bool message = e->kind == TRACE_SIP && e->detail != NULL;
    char label[LABEL_SIZE];
    int len = 0;

    if (same_heading(c, e)) {
        print_details(c, e->detail, e->clause);
        return;
    }
    print_air(c);
    if (step != 0)
        len = snprintf(label, sizeof(label), "%u. ", step);
    len += snprintf(label + len, sizeof(label) - (size_t)len, "%s", e->label);
    if (message)
        snprintf(label + len, sizeof(label) - (size_t)len, " [m%u]", ++c->messages);
    c->stamp = e;
    if (event_is_note(e))
        print_note(c, e, label);
    else if (e->from >= PARTY_AGW && e->to >= PARTY_AGW)
        print_narrow_arrow(c, e, label);
    else
        print_arrow(c, e, label);
    print_details(c, message ? NULL : e->detail, e->clause);
    snprintf(c->heading, sizeof(c->heading), "%s", e->kind == TRACE_SDP_EDIT ? e->label : "");
}

// --- head and foot --------------------------------------------------------------------------

static void print_head(struct chart *c)
{
    const char *title = figure_title(trace_figure_of(c->trace));
    char line[LABEL_SIZE];
    struct row r;

    snprintf(line, sizeof(line), "%.200s", trace_id(c->trace));
    wrap(c, &page_area, line, strlen(line), &r);
    row_print(c, &r);
    print_text(c, &page_area, title == NULL ? "" : title);
    strbuf_puts(c->out, "\n");
    row_clear(&r, false);
    for (int p = 0; p < PARTY_COUNT; p++) {
        size_t len = strlen(trace_party_names[p]);
        row_put(&r, column[p] - (int)len / 2, trace_party_names[p], len);
    }
    row_print(c, &r);
    row_clear(&r, true);
    row_print(c, &r);
}

static void print_messages(struct chart *c)
{
    struct trace_event e;
    unsigned step, number = 0;
    struct row r;

    for (unsigned i = 0; trace_at(c->trace, i, &e, &step); i++) {
        char line[LABEL_SIZE];
        if (e.kind != TRACE_SIP || e.detail == NULL)
            continue;
        snprintf(line, sizeof(line), "[m%u] %s -> %s: %s", ++number, trace_party_names[e.from],
                 trace_party_names[e.to], e.label);
        strbuf_puts(c->out, "\n");
        wrap(c, &page_area, line, strlen(line), &r);
        row_print(c, &r);
        print_text(c, &message_area, e.detail);
    }
}

void trace_chart_text(const struct trace *t, struct strbuf *out)
{
    struct chart c = {.out = out, .trace = t};
    struct trace_event e;
    struct row r;
    unsigned step;

    if (t == NULL)
        return;
    print_head(&c);
    if (trace_at(t, 0, &e, &step))
        c.start_us = e.time_us;
    for (unsigned i = 0; trace_at(t, i, &e, &step); i++)
        print_event(&c, &e, step);
    row_clear(&r, true);
    row_print(&c, &r);
    if (trace_lost(t) > 0)
        strbuf_printf(out, "\n%u more events came after the trace was full.\n", trace_lost(t));
    print_messages(&c);
}
