// SPDX-License-Identifier: GPL-3.0-or-later
// Character by character; what markup could take for its own becomes an entity.
#include "common/trace/markup.h"

#include "common/utf8.h"

#include <stdbool.h>
#include <string.h>

// Not allowed in XML at all, or able to make a text look like another one.
static bool harmful(uint32_t c)
{
    return c < ' ' || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || (c & 0xfffe) == 0xfffe;
}

static void put_character(struct strbuf *out, uint32_t c)
{
    if (c == '\t' || c == '\n' || c == '\r')
        strbuf_puts(out, " ");
    else if (c < 0x80 && strchr("<>&\"'", (int)c) != NULL && c != 0)
        strbuf_printf(out, "&#%u;", c);
    else
        utf8_put(out, harmful(c) ? UTF8_REPLACEMENT : c);
}

void markup_put(struct strbuf *out, const char *text, size_t len)
{
    const char *end = text + len;

    while (text < end)
        put_character(out, utf8_next(&text, end));
}

void markup_puts(struct strbuf *out, const char *text)
{
    markup_put(out, text, strlen(text));
}

size_t markup_length(const char *text, size_t len)
{
    const char *end = text + len;
    size_t count = 0;

    for (; text < end; count++)
        utf8_next(&text, end);
    return count;
}

size_t markup_cut(const char *text, size_t len, size_t count)
{
    const char *at = text, *end = text + len;

    for (; at < end && count > 0; count--)
        utf8_next(&at, end);
    return (size_t)(at - text);
}
