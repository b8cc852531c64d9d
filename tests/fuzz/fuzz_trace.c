// SPDX-License-Identifier: GPL-3.0-or-later
// Charts of hostile text. The input is a list of events: four bytes of kind, parties, figure and
// time, then label and detail up to a zero each. Whatever they hold, a text chart is plain ASCII of
// at most 120 columns, a Mermaid diagram has one statement per line, a picture is well-formed XML,
// and a list of events is JSON.
#include "common/trace/trace.h"
#include "tests/fuzz/fuzz.h"

#include <expat.h>
#include <jansson.h>

#define EVENTS_MAX 20

// The text up to the next zero; what follows it is the new input.
static const char *next_text(const uint8_t **data, size_t *size)
{
    const char *text = (const char *)*data;
    size_t len = strnlen(text, *size);

    if (len == *size)
        return NULL;
    *data += len + 1;
    *size -= len + 1;
    return text;
}

static void record(struct trace *t, const uint8_t *data, size_t size)
{
    static const char *const keys[] = {NULL, "sip.offer.received", "media", "iq.reserve.T1.reply"};

    while (size > 4) {
        struct trace_event e = {
            .kind = data[0] % (TRACE_NOTE + 1),
            .from = data[1] % PARTY_COUNT,
            .to = data[1] / 16 % PARTY_COUNT,
            .key = keys[data[2] % 4],
            .time_us = (uint64_t)data[3] << data[2] % 40,
        };
        trace_set_figure(t, data[2] / 4 % (FIGURE_T38_TERM + 1));
        data += 4;
        size -= 4;
        e.label = next_text(&data, &size);
        if (e.label != NULL)
            e.detail = next_text(&data, &size);
        if (e.label == NULL)
            return;
        trace_add(t, &e);
    }
}

static void check_text(const struct strbuf *b)
{
    size_t column = 0;

    for (size_t i = 0; i < b->len; i++) {
        column = b->text[i] == '\n' ? 0 : column + 1;
        require(column <= 120 && (b->text[i] == '\n' || (b->text[i] >= ' ' && b->text[i] < 0x7f)),
                "text is plain");
    }
}

// Every line begins as a statement does; nothing in it ends it early.
static void check_mermaid(const struct strbuf *b)
{
    for (const char *line = b->text; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n');
        require(end != NULL && (line == b->text || strncmp(line, "    ", 4) == 0),
                "a line is a statement");
        for (const char *at = line; at < end; at++) {
            require(*at >= ' ' && *at < 0x7f && *at != '%', "no comment begins");
            require(*at != '#' || (at[1] >= '0' && at[1] <= '9'), "only numbers are entities");
            require(*at != ';' || (at > line && at[-1] >= '0' && at[-1] <= '9'),
                    "no statement ends");
        }
    }
}

static void check_svg(const struct strbuf *b)
{
    XML_Parser parser = XML_ParserCreate("UTF-8");
    require(parser && XML_Parse(parser, b->text, (int)b->len, 1) == XML_STATUS_OK,
            "a picture is well-formed");
    XML_ParserFree(parser);
}

static void check_json(const struct strbuf *b)
{
    json_t *value = json_loadb(b->text, b->len, 0, NULL);
    require(value != NULL, "a list of events is JSON");
    json_decref(value);
}

static void draw(const struct trace *t, void (*chart)(const struct trace *, struct strbuf *),
                 void (*check)(const struct strbuf *))
{
    struct strbuf out = STRBUF_INIT;
    chart(t, &out);
    check(&out);
    strbuf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace *t = trace_open("fuzz", EVENTS_MAX);
    record(t, data, size);
    draw(t, trace_chart_text, check_text);
    draw(t, trace_chart_mermaid, check_mermaid);
    draw(t, trace_chart_svg, check_svg);
    draw(t, trace_chart_json, check_json);
    trace_free(t);
    return 0;
}
