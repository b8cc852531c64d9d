// SPDX-License-Identifier: GPL-3.0-or-later
// A line is read from left to right: each call cuts one field off and leaves the rest.
// What is missing comes back as an empty field; only numbers and m= can be wrong, and say so.

#include "sdp/text.h"

#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool sdp_text_is(struct sdp_text text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

struct sdp_text text_trim(struct sdp_text text)
{
    while (text.len > 0 && is_blank(text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

struct sdp_text text_field(struct sdp_text *rest)
{
    struct sdp_text field = text_trim(*rest);
    const char *end = rest->at + rest->len;
    size_t len = 0;
    while (len < field.len && !is_blank(field.at[len]))
        len++;
    field.len = len;
    rest->at = field.at + len;
    rest->len = (size_t)(end - rest->at);
    return field;
}

struct sdp_text text_last_field(struct sdp_text *rest)
{
    struct sdp_text all = text_trim(*rest);
    size_t start = all.len;
    while (start > 0 && !is_blank(all.at[start - 1]))
        start--;
    *rest = (struct sdp_text){.at = all.at, .len = start};
    return (struct sdp_text){.at = all.at + start, .len = all.len - start};
}

bool text_number(struct sdp_text text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.at[i]))
            return false;
        uint64_t digit = (uint64_t)(text.at[i] - '0');
        if (value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

// "5004" or "5004/2".
static bool media_port(struct sdp_text field, struct sdp_media *out)
{
    uint64_t port = 0;
    uint64_t count = 1;
    const char *slash = memchr(field.at, '/', field.len);
    if (slash) {
        struct sdp_text after = {.at = slash + 1};
        after.len = (size_t)(field.at + field.len - after.at);
        field.len = (size_t)(slash - field.at);
        if (!text_number(after, UINT16_MAX, &count) || count == 0)
            return false;
    }
    if (!text_number(field, UINT16_MAX, &port))
        return false;
    out->port = (uint16_t)port;
    out->port_count = (unsigned)count;
    return true;
}

const char *text_media(struct sdp_text value, struct sdp_media *out)
{
    struct sdp_media media;
    media.media = text_field(&value);
    struct sdp_text port = text_field(&value);
    media.proto = text_field(&value);
    media.fmt = text_trim(value);
    if (media.fmt.len == 0)
        return "m= with media, port, proto and format";
    if (!media_port(port, &media))
        return "a port from 0 to 65535 in m=";
    *out = media;
    return NULL;
}
