// SPDX-License-Identifier: GPL-3.0-or-later
// An event as JSON: every field of it, by name, and the parts its detail is made of. The whole list
// has one event on a line.
//
// Failures: what is no UTF-8 is replaced; without memory the text is marked as incomplete.
#include "common/trace/event_json.h"

#include "common/reason.h"
#include "common/text_json.h"
#include "common/trace/printer.h"

#include <stdlib.h>
#include <string.h>

#define DUMP_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII)

const char *const trace_kind_names[] = {
    [TRACE_SIP] = "sip",       [TRACE_SDP_EDIT] = "sdp_edit", [TRACE_IQ] = "iq",
    [TRACE_ACTION] = "action", [TRACE_BEARER] = "bearer",     [TRACE_MEDIA] = "media",
    [TRACE_DROP] = "drop",     [TRACE_NOTE] = "note",
};
static const char *const party_names[PARTY_COUNT] = {"ue", "alg", "agw", "core"};

// Takes over the text.
static json_t *taken(struct strbuf *text)
{
    char *copy = strbuf_take(text);
    json_t *value = text_json(copy);

    free(copy);
    return value;
}

// The lines of a detail that begin with this mark, without it; null: there is none.
static json_t *marked(const char *detail, const char *mark)
{
    struct strbuf text = STRBUF_INIT;
    const char *line;
    bool found = false;
    size_t len;

    while (text_line(&detail, &line, &len)) {
        if (len < 2 || memcmp(line, mark, 2) != 0)
            continue;
        strbuf_puts(&text, found ? "\n" : "");
        strbuf_add(&text, line + 2, len - 2);
        found = true;
    }
    if (found)
        return taken(&text);
    strbuf_free(&text);
    return json_null();
}

// The elements stand before the first blank line, the H.248 rendering behind it.
static void set_iq_parts(json_t *o, const char *detail)
{
    struct strbuf elements = STRBUF_INIT;
    const char *line;
    size_t len;

    while (text_line(&detail, &line, &len) && len > 0) {
        strbuf_puts(&elements, elements.len > 0 ? "\n" : "");
        strbuf_add(&elements, line, len);
    }
    json_object_set_new(o, "elements", taken(&elements));
    json_object_set_new(o, "h248", *detail == '\0' ? json_null() : text_json(detail));
}

// The reason whose text or label, after "refused: ", is this line.
static enum reason reason_of(const char *line, size_t len)
{
    static const char refused[] = "refused: ";
    const char *(*told)(enum reason) = reason_text;

    if (len > sizeof(refused) && memcmp(line, refused, sizeof(refused) - 1) == 0) {
        told = reason_label;
        line += sizeof(refused) - 1;
        len -= sizeof(refused) - 1;
    }
    for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
        if (strlen(told((enum reason)r)) == len && memcmp(told((enum reason)r), line, len) == 0)
            return (enum reason)r;
    return REASON_NONE;
}

static void set_reason(json_t *o, const char *detail)
{
    enum reason reason = REASON_NONE;
    const char *line;
    size_t len;

    while (reason == REASON_NONE && text_line(&detail, &line, &len) && len > 0)
        reason = reason_of(line, len);
    if (reason != REASON_NONE)
        json_object_set_new(o, "reason", json_string(reason_name(reason)));
}

static void set_parts(json_t *o, const struct trace_event *e)
{
    const char *detail = e->detail == NULL ? "" : e->detail;

    if (e->kind == TRACE_SDP_EDIT) {
        json_object_set_new(o, "old", marked(detail, "- "));
        json_object_set_new(o, "new", marked(detail, "+ "));
    }
    if (e->kind == TRACE_IQ)
        set_iq_parts(o, detail);
    if (e->kind == TRACE_IQ || e->kind == TRACE_DROP)
        set_reason(o, detail);
}

json_t *trace_event_json(const struct trace *t, unsigned index)
{
    struct trace_event e;
    unsigned step;
    json_t *o;

    if (!trace_at(t, index, &e, &step))
        return NULL;
    o = json_pack("{s:i,s:I,s:s,s:s,s:s,s:i,s:s?,s:o,s:o,s:o,s:s?}", "index", (int)index, "time_us",
                  (json_int_t)e.time_us, "kind", trace_kind_names[e.kind], "from",
                  party_names[e.from], "to", party_names[e.to], "step", (int)step, "key", e.key,
                  "label", text_json(e.label), "detail", text_json(e.detail), "message",
                  text_json(e.message), "clause", e.clause);
    if (o != NULL)
        set_parts(o, &e);
    return o;
}

// --- all of them ----------------------------------------------------------------------------

// Takes over the value.
static void put_value(struct strbuf *out, json_t *value)
{
    char *text = value == NULL ? NULL : json_dumps(value, DUMP_FLAGS | JSON_ENCODE_ANY);

    json_decref(value);
    if (text == NULL)
        out->failed = true;
    else
        strbuf_puts(out, text);
    free(text);
}

void trace_chart_json(const struct trace *t, struct strbuf *out)
{
    struct trace_event e;
    unsigned step;

    if (t == NULL)
        return;
    strbuf_puts(out, "{\"id\":");
    put_value(out, text_json(trace_id(t)));
    strbuf_puts(out, ",\"title\":");
    put_value(out, text_json(figure_title(trace_figure_of(t))));
    strbuf_printf(out, ",\"lost\":%u,\"events\":[", trace_lost(t));
    for (unsigned i = 0; trace_at(t, i, &e, &step); i++) {
        strbuf_puts(out, i > 0 ? ",\n" : "\n");
        put_value(out, trace_event_json(t, i));
    }
    strbuf_puts(out, "]}\n");
}
