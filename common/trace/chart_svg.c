// SPDX-License-Identifier: GPL-3.0-or-later
// A picture of 1120 units width. Events are laid out one below the other into a text of their own,
// since head, lifelines and foot need to know how far down they reach. Each event is a group with
// an area to hit, over the whole width; the number of its step stands on the lifeline it starts
// from. Labels stand above their arrows, in the widest gap that the arrow crosses; the clause
// behind the label or on a line of its own. SDP edits stand as lines of a card. What else an event
// has to say is left to whoever opens it. The look is common/web/chart.css.
//
// Failures: none of its own; running out of memory is remembered in the output buffer. Text of
// strangers goes through markup.h, and what does not fit is cut short.
#include "common/trace/markup.h"
#include "common/trace/printer.h"
#include "common/web/asset.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WIDTH 1120
static const int lifeline[PARTY_COUNT] = {124, 404, 830, 1040};
#define TIME_RIGHT 70
#define HEAD 92 // down to the boxes of the parties
#define POST 30 // height of such a box
#define POST_W 152
#define ROW 15   // a line of a label
#define SMALL 13 // a line of what stands below
#define AIR 5    // above and below an event
#define STEP 10  // radius of a step's number
#define TIP 9    // length of the head of an arrow
// Widths of a character: what is common in DejaVu Sans at these sizes, which is a wide font.
#define CHAR_W 7
#define SMALL_W 6
#define CODE_W 7
// Lines of a detail that are shown: enough for an address and what is known of a peer.
#define MORE_MAX 3

struct picture {
    struct strbuf body;
    uint64_t start_us;
    int y;
    char time[32];     // as last written
    char heading[256]; // of the SDP edits being drawn; "": none are
};

// Where the text of an event stands.
struct place {
    int x;             // of its middle, or of its left or right end
    const char *align; // a class: "mid", "", "right"
    int width;
};

// --- text -----------------------------------------------------------------------------------

static void put_text(struct strbuf *out, const char *class, int x, int y, const char *text,
                     size_t len)
{
    strbuf_printf(out, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y);
    markup_put(out, text, len);
    strbuf_puts(out, "</text>");
}

// How many bytes of a text stand on a line of this many characters.
static size_t piece(const char *text, size_t len, int characters)
{
    size_t room = characters > 8 ? (size_t)characters : 8;
    size_t part = text_piece(text, len, markup_cut(text, len, room));

    while (part < len && part > 1 && ((unsigned char)text[part] & 0xc0) == 0x80)
        part--;
    return part;
}

// Writes a text below p->y on as many lines as it takes; the clause, if it is to be there, goes
// behind it when it fits, or below.
static void put_lines(struct picture *p, const struct place *at, const char *look, int row,
                      int char_w, const char *text, size_t len)
{
    char class[48];

    snprintf(class, sizeof(class), "%s %s", look, at->align);
    do {
        size_t part = piece(text, len, at->width / char_w);
        p->y += row;
        put_text(&p->body, class, at->x, p->y - 3, text, part);
        text += part;
        len -= part;
    } while (len > 0);
}

static const char *cited(const struct trace_event *e)
{
    return e->clause == NULL ? "" : e->clause;
}

// The label, with the clause behind it when both fit one line, else below it.
static void put_label(struct picture *p, const struct place *at, const struct trace_event *e)
{
    size_t len = strlen(e->label), clause = strlen(cited(e));
    size_t both = markup_length(e->label, len) * CHAR_W + clause * SMALL_W + 2 * CHAR_W;

    if (clause == 0 || both > (size_t)at->width) {
        if (len > 0)
            put_lines(p, at, "label", ROW, CHAR_W, e->label, len);
        if (clause > 0)
            put_lines(p, at, "label cite", SMALL, SMALL_W, cited(e), clause);
        return;
    }
    p->y += ROW;
    strbuf_printf(&p->body, "<text class=\"label %s\" x=\"%d\" y=\"%d\">", at->align, at->x,
                  p->y - 3);
    markup_put(&p->body, e->label, len);
    strbuf_puts(&p->body, "<tspan class=\"cite\" dx=\"8\">");
    markup_put(&p->body, cited(e), clause);
    strbuf_puts(&p->body, "</tspan></text>");
}

// The first lines of a detail, for events whose detail is a sentence about them.
static void put_more(struct picture *p, const struct place *at, const struct trace_event *e)
{
    const char *text = e->detail, *line;
    size_t len;

    if (text == NULL || e->kind == TRACE_SIP || e->kind == TRACE_IQ)
        return;
    for (int i = 0; i < MORE_MAX && text_line(&text, &line, &len) && len > 0; i++)
        put_lines(p, at, "label more", SMALL, SMALL_W, line, len);
}

// --- an event -------------------------------------------------------------------------------

static void put_time(struct picture *p, const struct trace_event *e, int y)
{
    uint64_t us = e->time_us - p->start_us;
    bool long_ago = us >= 100000000;
    char text[sizeof(p->time)];

    snprintf(text, sizeof(text), "%.1f %s", (double)us / (long_ago ? 1e6 : 1e3),
             long_ago ? "s" : "ms");
    if (strcmp(text, p->time) != 0)
        put_text(&p->body, "time", TIME_RIGHT, y, text, strlen(text));
    memcpy(p->time, text, sizeof(text));
}

static void put_mark(struct picture *p, const struct trace_event *e, unsigned step, int y)
{
    int x = lifeline[e->from];

    if (step == 0) {
        strbuf_printf(&p->body, "<circle class=\"step\" cx=\"%d\" cy=\"%d\" r=\"3\"/>", x, y);
        return;
    }
    strbuf_printf(&p->body,
                  "<circle class=\"step\" cx=\"%d\" cy=\"%d\" r=\"%d\"/>"
                  "<text class=\"number\" x=\"%d\" y=\"%d\">%u</text>",
                  x, y, STEP, x, y + 4, step);
}

// The middle of the widest gap between two lifelines.
static struct place place_of_arrow(const struct trace_event *e)
{
    int left = e->from < e->to ? (int)e->from : (int)e->to;
    int right = e->from < e->to ? (int)e->to : (int)e->from;
    int widest = left;

    for (int i = left; i < right; i++)
        if (lifeline[i + 1] - lifeline[i] > lifeline[widest + 1] - lifeline[widest])
            widest = i;
    return (struct place){(lifeline[widest] + lifeline[widest + 1]) / 2, "mid",
                          lifeline[widest + 1] - lifeline[widest] - 2 * STEP - 8};
}

// A drop does not reach its end: it is crossed out before.
static void put_arrow(struct picture *p, const struct trace_event *e, int y)
{
    int way = e->from < e->to ? 1 : -1;
    int end = lifeline[e->to] - way * (e->kind == TRACE_DROP ? 24 : 2);

    strbuf_printf(&p->body, "<path class=\"line\" d=\"M%d %dH%d\"/>", lifeline[e->from], y,
                  end - way * (e->kind == TRACE_DROP ? 0 : TIP - 1));
    if (e->kind == TRACE_DROP)
        strbuf_printf(&p->body, "<path class=\"line\" d=\"M%d %dl10 10m0 -10l-10 10\"/>", end - 5,
                      y - 5);
    else
        strbuf_printf(&p->body, "<path class=\"tip\" d=\"M%d %dl%d -5v10z\"/>", end, y, -way * TIP);
}

static void draw_arrow(struct picture *p, const struct trace_event *e, unsigned step)
{
    struct place at = place_of_arrow(e);

    put_label(p, &at, e);
    p->y += STEP - 3;
    put_arrow(p, e, p->y);
    put_mark(p, e, step, p->y);
    put_time(p, e, p->y + 4);
    p->y += STEP - 6;
    put_more(p, &at, e);
}

// Beside its lifeline: right of the first two, left of the last two.
static void draw_note(struct picture *p, const struct trace_event *e, unsigned step)
{
    bool left = e->from >= PARTY_AGW;
    int x = lifeline[e->from] + (left ? -STEP - 10 : STEP + 10);
    struct place at = {x, left ? "right" : "", lifeline[PARTY_AGW] - lifeline[PARTY_ALG] - 48};
    int y = p->y + STEP;

    put_label(p, &at, e);
    put_more(p, &at, e);
    put_mark(p, e, step, y);
    put_time(p, e, y + 4);
}

// A line of a card, as wide as the space right of the IMS-ALG.
static void put_edit_line(struct picture *p, const char *line, size_t len, const char *clause)
{
    int left = lifeline[PARTY_ALG] + STEP + 6, right = lifeline[PARTY_CORE] - 8;
    int room = (right - left - 12 - (int)strlen(clause) * SMALL_W) / CODE_W;
    size_t part = markup_cut(line, len, (size_t)room);
    const char *look = line[0] == '-' ? "old" : "new";

    strbuf_printf(&p->body,
                  "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>"
                  "<text class=\"code\" x=\"%d\" y=\"%d\">",
                  look, left, p->y, right - left, ROW, left + 6, p->y + 11);
    markup_put(&p->body, line, part);
    strbuf_puts(&p->body, part < len ? "\xe2\x80\xa6</text>" : "</text>");
    if (clause[0] != '\0')
        put_text(&p->body, "cite right", right - 6, p->y + 11, clause, strlen(clause));
    p->y += ROW;
}

static bool goes_on(const struct picture *p, const struct trace_event *e)
{
    return e->kind == TRACE_SDP_EDIT && p->heading[0] != '\0' && strcmp(p->heading, e->label) == 0;
}

// Edits of one message stand together below one heading.
static void draw_edit(struct picture *p, const struct trace_event *e, unsigned step)
{
    struct trace_event heading = *e;
    const char *text = e->detail == NULL ? "" : e->detail, *line;
    const char *clause = cited(e);
    size_t len;

    heading.clause = heading.detail = NULL;
    if (!goes_on(p, e)) {
        draw_note(p, &heading, step);
        p->y += 2;
    }
    while (text_line(&text, &line, &len)) {
        put_edit_line(p, line, len, clause);
        clause = "";
    }
    p->y += 1;
}

static void open_event(struct picture *p, const struct trace_event *e, unsigned index, int height,
                       int top)
{
    strbuf_printf(&p->body, "<g class=\"event %s%s\" id=\"e%u\"><title>", trace_kind_names[e->kind],
                  event_is_reply(e) ? " reply" : "", index);
    markup_puts(&p->body, e->label);
    strbuf_puts(&p->body, "</title><desc>");
    strbuf_printf(&p->body, event_is_note(e) ? "at %s" : "from %s to %s",
                  trace_party_names[e->from], trace_party_names[e->to]);
    if (cited(e)[0] != '\0') {
        strbuf_puts(&p->body, ", ");
        markup_puts(&p->body, cited(e));
    }
    strbuf_printf(&p->body,
                  "</desc><rect class=\"hit\" x=\"2\" y=\"%d\" width=\"%d\" height=\"%d\"/>", top,
                  WIDTH - 4, height);
}

// Drawn into a text of its own first: what can be hit lies below the rest, and is as high.
static void draw_event(struct picture *p, const struct trace_event *e, unsigned index,
                       unsigned step)
{
    struct strbuf before = p->body;
    int top = p->y;

    p->body = (struct strbuf)STRBUF_INIT;
    if (!goes_on(p, e))
        p->y += AIR;
    if (e->kind == TRACE_SDP_EDIT)
        draw_edit(p, e, step);
    else if (event_is_note(e))
        draw_note(p, e, step);
    else
        draw_arrow(p, e, step);
    p->y += e->kind == TRACE_SDP_EDIT ? 0 : AIR;
    snprintf(p->heading, sizeof(p->heading), "%s", e->kind == TRACE_SDP_EDIT ? e->label : "");
    struct strbuf drawn = p->body;
    p->body = before;
    open_event(p, e, index, p->y - top, top);
    if (drawn.failed)
        p->body.failed = true;
    else
        strbuf_add(&p->body, drawn.text, drawn.len);
    strbuf_puts(&p->body, "</g>\n");
    strbuf_free(&drawn);
}

// --- the whole ------------------------------------------------------------------------------

static void put_parties(struct strbuf *out, int y)
{
    for (int i = 0; i < PARTY_COUNT; i++) {
        strbuf_printf(
            out, "<rect class=\"post\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\"/>",
            lifeline[i] - POST_W / 2, y, POST_W, POST);
        put_text(out, "party", lifeline[i], y + 20, trace_party_names[i],
                 strlen(trace_party_names[i]));
    }
    strbuf_puts(out, "\n");
}

static void put_head(struct strbuf *out, const struct trace *t, int bottom)
{
    const char *title = figure_title(trace_figure_of(t));

    strbuf_printf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 %d %d\" "
                  "width=\"%d\" height=\"%d\" role=\"group\" aria-label=\"",
                  WIDTH, bottom + POST + 12, WIDTH, bottom + POST + 12);
    markup_puts(out, trace_id(t));
    strbuf_puts(out, "\">\n<style>\n");
    strbuf_puts(out, asset_find("chart.css")->text);
    strbuf_puts(out, "</style>\n<text class=\"head\" x=\"16\" y=\"28\">");
    markup_puts(out, trace_id(t));
    strbuf_puts(out, "</text>");
    if (title != NULL)
        put_text(out, "figure", 16, 48, title, strlen(title));
    strbuf_puts(out, "\n");
    for (int i = 0; i < PARTY_COUNT; i++)
        strbuf_printf(out, "<path class=\"life\" d=\"M%d %dV%d\"/>", lifeline[i], HEAD, bottom);
    strbuf_puts(out, "\n");
    put_parties(out, HEAD - POST);
}

void trace_chart_svg(const struct trace *t, struct strbuf *out)
{
    struct picture p = {.y = HEAD + AIR};
    struct trace_event e;
    unsigned step;

    if (t == NULL)
        return;
    if (trace_at(t, 0, &e, &step))
        p.start_us = e.time_us;
    for (unsigned i = 0; trace_at(t, i, &e, &step); i++)
        draw_event(&p, &e, i, step);
    if (trace_lost(t) > 0) {
        p.y += 2 * ROW;
        strbuf_printf(&p.body,
                      "<text class=\"figure mid\" x=\"%d\" y=\"%d\">%u more events came after the "
                      "trace was full</text>\n",
                      WIDTH / 2, p.y - AIR, trace_lost(t));
    }
    put_head(out, t, p.y + 2 * AIR);
    out->failed = out->failed || p.body.failed;
    if (p.body.len > 0)
        strbuf_add(out, p.body.text, p.body.len);
    strbuf_free(&p.body);
    put_parties(out, p.y + 2 * AIR);
    strbuf_puts(out, "</svg>\n");
}
