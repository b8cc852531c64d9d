// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/trace/trace.h"

#define TEXT_TYPE "text/plain; charset=utf-8"

const struct trace_form trace_forms[TRACE_FORM_COUNT] = {
    [TRACE_FORM_TEXT] = {"text", "txt", TEXT_TYPE, trace_chart_text},
    [TRACE_FORM_MERMAID] = {"mermaid", "mmd", TEXT_TYPE, trace_chart_mermaid},
    [TRACE_FORM_SVG] = {"svg", "svg", "image/svg+xml", trace_chart_svg},
    [TRACE_FORM_HTML] = {"html", "html", "text/html; charset=utf-8", trace_chart_html},
    [TRACE_FORM_JSON] = {"json", "json", "application/json", trace_chart_json},
};
