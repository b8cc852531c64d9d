// SPDX-License-Identifier: GPL-3.0-or-later
// One page: the picture, a panel for the event that was chosen, the events as JSON, and the same
// style and script that the viewer uses. It fetches nothing, and its Content-Security-Policy lets
// no other script run, whatever a peer may have put into the events.
//
// Failures: none of its own. A "<" inside the JSON is written as an escape, so that no text ends
// the element it stands in.
#include "common/trace/markup.h"
#include "common/trace/printer.h"
#include "common/web/asset.h"

#include <string.h>

static void put_head(struct strbuf *out, const struct trace *t)
{
    strbuf_printf(out,
                  "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width\">\n"
                  "<meta name=\"color-scheme\" content=\"light dark\">\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src 'unsafe-inline'; script-src '%s'\">\n<title>",
                  asset_chart_js_hash);
    markup_puts(out, trace_id(t));
    strbuf_puts(out, "</title>\n<style>\n");
    strbuf_puts(out, asset_find("style.css")->text);
    strbuf_puts(out, "</style>\n</head>\n");
}

static void put_events(struct strbuf *out, const struct trace *t)
{
    struct strbuf json = STRBUF_INIT;
    const char *text;

    trace_chart_json(t, &json);
    text = json.text == NULL ? "" : json.text;
    while (*text != '\0') {
        size_t len = strcspn(text, "<");
        strbuf_add(out, text, len);
        text += len;
        if (*text == '<') {
            strbuf_puts(out, "\\u003c");
            text++;
        }
    }
    out->failed = out->failed || json.failed;
    strbuf_free(&json);
}

void trace_chart_html(const struct trace *t, struct strbuf *out)
{
    if (t == NULL)
        return;
    put_head(out, t);
    strbuf_puts(out, "<body class=\"page\">\n<div class=\"session\">\n<main id=\"chart\">\n");
    trace_chart_svg(t, out);
    strbuf_puts(out, "</main>\n<aside id=\"panel\" aria-label=\"Event\" aria-live=\"polite\">"
                     "</aside>\n</div>\n<script type=\"application/json\" id=\"events\">");
    put_events(out, t);
    strbuf_puts(out, "</script>\n<script>");
    strbuf_puts(out, asset_find("chart.js")->text);
    strbuf_puts(out, "</script>\n</body>\n</html>\n");
}
