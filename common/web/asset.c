// SPDX-License-Identifier: GPL-3.0-or-later
// The assembler reads the files; the Makefile knows that this object depends on them, and takes the
// hash.
#include "common/web/asset.h"

#include <stddef.h>
#include <string.h>

#define ASSET_TABLE(X)                                                                             \
    X(index_html, "index.html", "text/html; charset=utf-8")                                        \
    X(app_js, "app.js", "text/javascript; charset=utf-8")                                          \
    X(chart_js, "chart.js", "text/javascript; charset=utf-8")                                      \
    X(style_css, "style.css", "text/css; charset=utf-8")                                           \
    X(chart_css, "chart.css", "text/css; charset=utf-8")

#define X(id, file, type)                                                                          \
    extern const char asset_##id[];                                                                \
    __asm__(".section .rodata\n"                                                                   \
            "asset_" #id ": .incbin \"common/web/" file "\"\n"                                     \
            ".byte 0\n"                                                                            \
            ".previous\n");
ASSET_TABLE(X)
#undef X

const char asset_chart_js_hash[] = "sha256-" CHART_JS_SHA256;

const struct asset *asset_find(const char *name)
{
#define X(id, file, type) {file, type, asset_##id},
    static const struct asset assets[] = {ASSET_TABLE(X)};
#undef X
    for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++)
        if (strcmp(assets[i].name, name) == 0)
            return &assets[i];
    return NULL;
}
