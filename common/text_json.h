// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_TEXT_JSON_H
#define COMMON_TEXT_JSON_H
// JSON of text that a peer may have sent.

#include <jansson.h>

// A JSON string; what is no UTF-8 has U+FFFD in place of each such byte. JSON null for NULL.
// NULL: no memory.
json_t *text_json(const char *text);

#endif
