// SPDX-License-Identifier: GPL-3.0-or-later
// Event lines and exit status.
//
// Happy path: one printf, one newline, one flush, so that a reader at the other end of a pipe sees
// each event when it happens. Failure: text from the network is quoted, never printed raw.

#include "tests/ua/ua_event.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#define VALUE_MAX 1024 // longer texts are cut; they are for people
#define VALUES_AT_ONCE 4

static enum ua_status first_failure;

void event_plain(const char *name)
{
    puts(name);
    fflush(stdout);
}

void event(const char *name, const char *fmt, ...)
{
    va_list ap;

    fputs(name, stdout);
    putchar(' ');
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
}

static int is_plain(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!isgraph((unsigned char)*c) || *c == '"' || *c == '\\')
            return 0;
    return *text != '\0';
}

const char *event_quote(const char *text)
{
    static char values[VALUES_AT_ONCE][VALUE_MAX];
    static unsigned turn;
    char *out = values[turn++ % VALUES_AT_ONCE];
    size_t n = 0;

    if (!text)
        return "-";
    if (is_plain(text))
        return text;
    out[n++] = '"';
    for (const char *c = text; *c && n < VALUE_MAX - 2; c++) {
        if (*c == '"' || *c == '\\')
            out[n++] = '\'';
        else
            out[n++] = isprint((unsigned char)*c) ? *c : '.';
    }
    out[n++] = '"';
    out[n] = '\0';
    return out;
}

void event_fail(enum ua_status status)
{
    if (first_failure == UA_OK)
        first_failure = status;
}

enum ua_status event_status(void)
{
    return first_failure;
}

const char *event_status_name(enum ua_status status)
{
    static const char *const names[] = {
        [UA_OK] = "ok",     [UA_USAGE] = "usage", [UA_SYSTEM] = "system", [UA_REFUSED] = "refused",
        [UA_DTLS] = "dtls", [UA_FAX] = "fax",     [UA_ENDED] = "ended",   [UA_TIMEOUT] = "timeout",
    };
    return names[status];
}
