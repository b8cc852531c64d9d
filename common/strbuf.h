// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_STRBUF_H
#define COMMON_STRBUF_H
// A growing text. Running out of memory is remembered in it and asked for once, at the end.

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct strbuf {
    char *text; // always terminated once something was added; NULL before
    size_t len;
    size_t cap;
    bool failed; // memory ran out: text is incomplete
};

#define STRBUF_INIT                                                                                \
    {                                                                                              \
        0                                                                                          \
    }

void strbuf_add(struct strbuf *b, const char *bytes, size_t len);
void strbuf_puts(struct strbuf *b, const char *text);
// Several texts, one after the other: strbuf_cat(&b, "m=", medium, "\n"). An order of magnitude
// cheaper than strbuf_printf(): for what is written for each call.
#define strbuf_cat(b, ...) strbuf_put_all((b), (const char *const[]){__VA_ARGS__, NULL})
void strbuf_put_all(struct strbuf *b, const char *const *texts); // up to a NULL
// A number for it, in memory that lives as long as the block it stands in.
#define STRBUF_NUMBER_LEN 10
#define strbuf_number(n) strbuf_print_number((n), (char[STRBUF_NUMBER_LEN + 1]){0})
const char *strbuf_print_number(unsigned n, char text[static STRBUF_NUMBER_LEN + 1]);
__attribute__((format(printf, 2, 3))) void strbuf_printf(struct strbuf *b, const char *fmt, ...);
void strbuf_vprintf(struct strbuf *b, const char *fmt, va_list ap);

// Hands the text to the caller, who frees it; the buffer is empty again. NULL when memory ran out.
// An empty buffer yields "".
char *strbuf_take(struct strbuf *b);
void strbuf_free(struct strbuf *b);
// Empty again, with the memory it has for what comes next.
void strbuf_clear(struct strbuf *b);

#endif
