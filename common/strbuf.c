// SPDX-License-Identifier: GPL-3.0-or-later
// The buffer doubles until what is added fits, with its terminating zero.
//
// Failure: the first allocation that fails sets `failed`; from then on nothing is added, so that a
// text is never one with a hole in it, and strbuf_take() answers NULL.
#include "common/strbuf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Most texts here are a line or a few: one allocation for them.
#define STRBUF_FIRST 128

// Makes room for len more bytes and the terminating zero.
static bool reserve(struct strbuf *b, size_t len)
{
    size_t cap = b->cap == 0 ? STRBUF_FIRST : b->cap;
    char *text;

    if (b->failed || len >= SIZE_MAX / 2 - b->len) {
        b->failed = true;
        return false;
    }
    while (cap < b->len + len + 1)
        cap *= 2;
    if (cap == b->cap)
        return true;
    text = realloc(b->text, cap);
    if (text == NULL) {
        b->failed = true;
        return false;
    }
    b->text = text;
    b->cap = cap;
    return true;
}

void strbuf_add(struct strbuf *b, const char *bytes, size_t len)
{
    if (!reserve(b, len))
        return;
    if (len > 0)
        memcpy(b->text + b->len, bytes, len);
    b->len += len;
    b->text[b->len] = '\0';
}

void strbuf_puts(struct strbuf *b, const char *text)
{
    strbuf_add(b, text, strlen(text));
}

void strbuf_put_all(struct strbuf *b, const char *const *texts)
{
    for (; *texts != NULL; texts++)
        strbuf_puts(b, *texts);
}

const char *strbuf_print_number(unsigned n, char text[static STRBUF_NUMBER_LEN + 1])
{
    char *at = text + STRBUF_NUMBER_LEN;

    *at = '\0';
    do
        *--at = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    return at;
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    strbuf_vprintf(b, fmt, ap);
    va_end(ap);
}

// Most texts fit into what there is: printed once, and again only when they did not.
void strbuf_vprintf(struct strbuf *b, const char *fmt, va_list ap)
{
    va_list again;
    size_t room;
    int len;

    if (!reserve(b, 0))
        return;
    room = b->cap - b->len;
    va_copy(again, ap);
    len = vsnprintf(b->text + b->len, room, fmt, again);
    va_end(again);
    if (len < 0) {
        b->failed = true;
        return;
    }
    if ((size_t)len >= room) {
        if (!reserve(b, (size_t)len))
            return;
        vsnprintf(b->text + b->len, (size_t)len + 1, fmt, ap);
    }
    b->len += (size_t)len;
}

char *strbuf_take(struct strbuf *b)
{
    char *text = NULL;

    strbuf_add(b, "", 0);
    if (b->failed)
        free(b->text);
    else
        text = b->text;
    *b = (struct strbuf)STRBUF_INIT;
    return text;
}

void strbuf_clear(struct strbuf *b)
{
    b->len = 0;
    b->failed = false;
}

void strbuf_free(struct strbuf *b)
{
    free(b->text);
    *b = (struct strbuf)STRBUF_INIT;
}
