// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_TRACE_MARKUP_H
#define COMMON_TRACE_MARKUP_H
// Text of strangers inside XML and HTML, as content or as the value of an attribute in quotes.

#include "common/strbuf.h"

#include <stddef.h>

// Ends of lines and tabs become blanks; control characters, those that turn the direction of
// writing, and what is no UTF-8 become U+FFFD.
void markup_put(struct strbuf *out, const char *text, size_t len);
void markup_puts(struct strbuf *out, const char *text);
// Characters of a text, and the bytes of its first count characters.
size_t markup_length(const char *text, size_t len);
size_t markup_cut(const char *text, size_t len, size_t count);

#endif
