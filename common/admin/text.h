// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_ADMIN_TEXT_H
#define COMMON_ADMIN_TEXT_H
// JSON of text that a peer may have sent.

#include <jansson.h>

// A JSON string; what is no UTF-8 has '?' in place of every byte beyond ASCII. JSON null for NULL.
// NULL: no memory.
json_t *text_json(const char *text);

#endif
