// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_WEB_ASSET_H
#define COMMON_WEB_ASSET_H
// The files of this folder that a browser gets, inside the program.

struct asset {
    const char *name; // "app.js"
    const char *type; // for HTTP's Content-Type
    const char *text;
};

// NULL: there is none of this name.
const struct asset *asset_find(const char *name);

// What a page with chart.js inside it says in its Content-Security-Policy for that script alone to
// run: "sha256-..." (CSP Level 2).
extern const char asset_chart_js_hash[];

#endif
