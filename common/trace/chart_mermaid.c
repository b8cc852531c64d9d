// SPDX-License-Identifier: GPL-3.0-or-later
// A Mermaid sequence diagram: participants in the order of the figures, "->>" for what is sent,
// "-->>" for answers, "-x" for what was dropped, notes for the rest. The short form of a detail,
// up to its first blank line, becomes a note; whole SIP messages are left to the text chart.
//
// Failures: none of its own. Whatever the grammar could take for its own (statement ends, comments,
// entities, keywords, markup) is written as a character entity; what is not ASCII as '?'.
#include "common/trace/printer.h"

#include <string.h>

static const char *const ids[PARTY_COUNT] = {"UE", "ALG", "AGW", "CORE"};

// Wider notes would push the lifelines apart: a fingerprint takes two rows.
#define NOTE_WIDTH 64

// Words the grammar or its first pass reads as its own, wherever they stand.
static const char *const keywords[] = {"end", "style", "classDef"};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool keyword_at(const char *text, size_t len, size_t at)
{
    if (at > 0 && is_word(text[at - 1]))
        return false;
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        size_t size = strlen(keywords[i]);
        if (at + size <= len && memcmp(text + at, keywords[i], size) == 0 &&
            (at + size == len || !is_word(text[at + size])))
            return true;
    }
    return false;
}

// Blanks at the beginning of a line mean something in H.248 text: markup would swallow them.
static void put_escaped(struct strbuf *out, const char *text, size_t len)
{
    bool indent = true;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        indent = indent && c == ' ';
        if (indent)
            strbuf_puts(out, "#160;");
        else if (c < ' ' || c >= 0x7f)
            strbuf_puts(out, c == '\t' ? " " : "?");
        else if (strchr(";#<>\"%&\\{}", c) != NULL || keyword_at(text, len, i))
            strbuf_printf(out, "#%u;", c);
        else
            strbuf_add(out, text + i, 1);
    }
}

// Starts a line "from->>to: " or "Note over party: ", ready for its text.
static void put_start(struct strbuf *out, const struct trace_event *e)
{
    const char *arrow = "->>";

    if (event_is_note(e)) {
        strbuf_printf(out, "    Note over %s: ", ids[e->from]);
        return;
    }
    if (e->kind == TRACE_DROP)
        arrow = "-x";
    else if (event_is_reply(e))
        arrow = "-->>";
    strbuf_printf(out, "    %s%s%s: ", ids[e->from], arrow, ids[e->to]);
}

// One line of a note, on as many rows as it takes.
static void put_line(struct strbuf *out, const char *separator, const char *text, size_t len)
{
    do {
        size_t part = text_piece(text, len, NOTE_WIDTH);
        strbuf_puts(out, separator);
        put_escaped(out, text, part);
        separator = "<br/>#160;#160;";
        text += part;
        len -= part;
    } while (len > 0);
}

// The lines of the detail up to a blank one, and the clause. No separator before the first: "".
static void put_detail(struct strbuf *out, const struct trace_event *e, const char *separator)
{
    const char *text = e->detail == NULL || e->kind == TRACE_SIP ? "" : e->detail, *line;
    size_t len;

    while (text_line(&text, &line, &len) && len > 0) {
        put_line(out, separator, line, len);
        separator = "<br/>";
    }
    if (e->clause != NULL && e->clause[0] != '\0') {
        strbuf_puts(out, separator);
        put_line(out, "[", e->clause, strlen(e->clause));
        strbuf_puts(out, "]");
    }
}

static bool has_detail(const struct trace_event *e)
{
    const char *text = e->detail == NULL || e->kind == TRACE_SIP ? "" : e->detail, *line;
    size_t len;

    return (e->clause != NULL && e->clause[0] != '\0') ||
           (text_line(&text, &line, &len) && len > 0);
}

// Edits of one message share a note.
static bool goes_on(const struct trace_event *e, const struct trace_event *last)
{
    return e->kind == TRACE_SDP_EDIT && last->kind == TRACE_SDP_EDIT && e->from == last->from &&
           strcmp(e->label, last->label) == 0;
}

static void put_event(struct strbuf *out, const struct trace_event *e, unsigned step)
{
    put_start(out, e);
    if (step != 0)
        strbuf_printf(out, "%u. ", step);
    put_escaped(out, e->label, strlen(e->label));
    if (e->label[0] == '\0')
        strbuf_puts(out, "#160;"); // the grammar wants some text
    if (event_is_note(e)) {
        put_detail(out, e, "<br/>");
    } else if (has_detail(e)) {
        strbuf_printf(out, "\n    Note over %s,%s: ", ids[e->from], ids[e->to]);
        put_detail(out, e, "");
    }
}

static void put_head(struct strbuf *out, const struct trace *t)
{
    const char *title = figure_title(trace_figure_of(t));

    strbuf_puts(out, "sequenceDiagram\n    title ");
    put_escaped(out, trace_id(t), strlen(trace_id(t)));
    if (title != NULL)
        strbuf_printf(out, ": %s", title);
    for (int p = 0; p < PARTY_COUNT; p++)
        strbuf_printf(out, "\n    participant %s as %s", ids[p], trace_party_names[p]);
}

void trace_chart_mermaid(const struct trace *t, struct strbuf *out)
{
    struct trace_event e, last = {.kind = TRACE_NOTE};
    unsigned step;

    if (t == NULL)
        return;
    put_head(out, t);
    for (unsigned i = 0; trace_at(t, i, &e, &step); i++) {
        if (i > 0 && goes_on(&e, &last)) {
            put_detail(out, &e, "<br/>");
        } else {
            strbuf_puts(out, "\n");
            put_event(out, &e, step);
        }
        last = e;
    }
    strbuf_puts(out, "\n");
    if (trace_lost(t) > 0)
        strbuf_printf(out, "    Note over UE,CORE: %u more events came after the trace was full\n",
                      trace_lost(t));
}
