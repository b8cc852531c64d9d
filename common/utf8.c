// SPDX-License-Identifier: GPL-3.0-or-later
// The first byte says how many follow and what the least character of that length is. Overlong
// forms, surrogates, what is beyond U+10FFFF and what is cut short are no characters.
#include "common/utf8.h"

#include <stddef.h>

// Bytes that follow the first one; -1: no first byte.
static int followers(unsigned char first)
{
    if (first < 0x80)
        return 0;
    if (first >= 0xc2 && first <= 0xdf)
        return 1;
    if ((first & 0xf0) == 0xe0)
        return 2;
    return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

uint32_t utf8_next(const char **text, const char *end)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const char *p = *text;
    unsigned char first = (unsigned char)*p;
    int n = followers(first);
    uint32_t c = n <= 0 ? first : first & (0x3fU >> n);

    (*text)++;
    if (n < 0 || end - p <= n)
        return UTF8_REPLACEMENT;
    for (int i = 1; i <= n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return UTF8_REPLACEMENT;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
        return UTF8_REPLACEMENT;
    *text = p + n + 1;
    return c;
}

void utf8_put(struct strbuf *out, uint32_t c)
{
    char bytes[4];
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = len; i > 1; i--, c >>= 6)
        bytes[i - 1] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)(marks[len] | c);
    strbuf_add(out, bytes, len);
}
