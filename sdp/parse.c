// SPDX-License-Identifier: GPL-3.0-or-later
// The body is copied once; each line end in the copy becomes the terminating zero of its line. Then
// each line is judged on its own, and at the end what the whole body must have.
//
// Failure paths: the first thing wrong is named with its line, the document is freed. Lenient where
// a line can pass untouched, strict where an edit could be understood differently by whoever
// receives the body: zero bytes, lone CR, empty lines before other lines, more than one o=.

#include "sdp/document.h"
#include "sdp/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What a message shows of a line that was not expected.
#define QUOTE_MAX 24
#define QUOTE_SIZE (QUOTE_MAX + sizeof("\"...\""))

struct parser {
    struct sdp *sdp;
    char *rest; // of the copy, not yet split
    const char *end;
    bool origin_seen;
    struct sdp_error *error;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct sdp_error *error, size_t line,
                                                        const char *fmt, ...)
{
    va_list ap;
    int used = 0;
    error->line = (unsigned)line;
    if (line > 0)
        used = snprintf(error->text, sizeof(error->text), "line %zu: ", line);
    va_start(ap, fmt);
    vsnprintf(error->text + used, sizeof(error->text) - (size_t)used, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

// The begin of a line, fit for a log: quoted, without control characters.
static const char *quote(char buf[static QUOTE_SIZE], const char *text, size_t len)
{
    char *p = buf;
    *p++ = '"';
    for (size_t i = 0; i < len && i < QUOTE_MAX; i++)
        *p++ = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    snprintf(p, QUOTE_SIZE - (size_t)(p - buf), "%s\"", len > QUOTE_MAX ? "..." : "");
    return buf;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct line split_line(struct parser *p)
{
    char *feed = memchr(p->rest, '\n', (size_t)(p->end - p->rest));
    const char *stop = feed ? feed : p->end;
    size_t len = (size_t)(stop - p->rest);
    struct line line = {.text = p->rest, .end = feed ? END_LF : END_NONE};
    if (feed && len > 0 && feed[-1] == '\r') {
        line.end = END_CRLF;
        len--;
    }
    // A line that is too long for len is too long for SDP_LINE_MAX.
    line.len = (uint16_t)(len > SDP_LINE_MAX ? SDP_LINE_MAX + 1 : len);
    p->rest[len] = '\0';
    p->rest += feed ? stop - p->rest + 1 : (ptrdiff_t)len;
    return line;
}

static int check_form(struct sdp_error *error, size_t number, const struct line *line)
{
    char found[QUOTE_SIZE];
    if (line->len > SDP_LINE_MAX)
        return refuse(error, number, "longer than %d bytes", SDP_LINE_MAX);
    if (memchr(line->text, '\0', line->len))
        return refuse(error, number, "a zero byte");
    if (memchr(line->text, '\r', line->len))
        return refuse(error, number, "CR without LF");
    if (line->len < 2 || line->text[1] != '=' || !is_letter(line->text[0]))
        return refuse(error, number, "expected a letter and \"=\", got %s",
                      quote(found, line->text, line->len));
    return 0;
}

static int check_media(struct parser *p, size_t number, struct sdp_text value)
{
    struct sdp_media media;
    const char *expected = text_media(value, &media);
    char found[QUOTE_SIZE];
    if (expected)
        return refuse(p->error, number, "expected %s, got %s", expected,
                      quote(found, value.at, value.len));
    if (p->sdp->media_count >= SDP_MEDIA_MAX)
        return refuse(p->error, number, "more than %d m= lines", SDP_MEDIA_MAX);
    p->sdp->media_at[p->sdp->media_count++] = (uint16_t)(number - 1);
    return 0;
}

static int check_place(struct parser *p, size_t number, const struct line *line)
{
    struct sdp_text value = {line->text + 2, line->len - (size_t)2};
    char found[QUOTE_SIZE];
    bool version = line->text[0] == 'v';
    if (number == 1 && !(version && sdp_text_is(text_trim(value), "0")))
        return refuse(p->error, number, "expected v=0, got %s",
                      quote(found, line->text, line->len));
    if (number > 1 && version)
        return refuse(p->error, number, "a second v= line");
    if (line->text[0] == 'o') {
        if (p->origin_seen || p->sdp->media_count > 0)
            return refuse(p->error, number, "o= must stand once, before the first m=");
        p->origin_seen = true;
    }
    return line->text[0] == 'm' ? check_media(p, number, value) : 0;
}

static int parse_lines(struct parser *p)
{
    struct sdp *sdp = p->sdp;
    size_t empty = 0;
    while (p->rest < p->end) {
        size_t number = sdp->line_count + 1;
        struct line line = split_line(p);
        sdp->lines[sdp->line_count++] = line;
        if (line.len == 0 && number > 1) {
            empty = empty ? empty : number;
            continue;
        }
        if (empty)
            return refuse(p->error, empty, "an empty line before other lines");
        if (check_form(p->error, number, &line) != 0 || check_place(p, number, &line) != 0)
            return -EINVAL;
    }
    if (!p->origin_seen)
        return refuse(p->error, 0, "no o= line");
    return 0;
}

static size_t count_lines(const char *body, size_t len)
{
    size_t count = len > 0 && body[len - 1] != '\n';
    const char *end = body + len;
    for (const char *p = body; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
        count++;
    return count;
}

int sdp_parse(struct sdp **out, const char *body, size_t len, struct sdp_error *err)
{
    size_t count = count_lines(body, len);
    if (count == 0)
        return refuse(err, 0, "the body is empty");
    if (count > SDP_LINES_MAX)
        return refuse(err, SDP_LINES_MAX + 1, "more than %d lines", SDP_LINES_MAX);
    struct parser p = {.error = err};
    p.sdp = document_create(body, len, count, &p.rest);
    if (!p.sdp)
        return -ENOMEM;
    p.end = p.rest + len;
    int rc = parse_lines(&p);
    if (rc == 0)
        *out = p.sdp;
    else
        sdp_free(p.sdp);
    return rc;
}
