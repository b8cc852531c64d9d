// SPDX-License-Identifier: GPL-3.0-or-later
// A line is put together on the stack and leaves in one write(), so that lines of several threads
// never mix:  2026-01-31T12:00:00.123Z warn  session 3f2a: text
//
// Failures: a line longer than the buffer is cut and says so with "..."; control characters, which
// a peer may have sent, are printed as '?'; a standard error that cannot be written is ignored.
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Longer than any sentence of ours with two addresses and a fingerprint in it.
#define LOG_LINE_MAX 1024

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static atomic_int current = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&current, (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(&current, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

int log_level_parse(enum log_level *out, const char *word)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(word, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

static size_t put_head(char *line, size_t size, enum log_level level, const char *id)
{
    struct timespec now;
    struct tm utc;
    size_t len;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    len = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
    return len + (size_t)snprintf(line + len, size - len,
                                  ".%03ldZ %-5s %.64s: ", now.tv_nsec / 1000000, level_names[level],
                                  id);
}

void log_line(enum log_level level, const char *id, const char *fmt, ...)
{
    char line[LOG_LINE_MAX + 1];
    size_t head, len;
    va_list ap;
    int text;

    if (level > log_get_level())
        return;
    head = put_head(line, sizeof(line), level, id);
    va_start(ap, fmt);
    text = vsnprintf(line + head, LOG_LINE_MAX - head, fmt, ap);
    va_end(ap);
    if (text < 0)
        return;
    len = strlen(line);
    if (head + (size_t)text > len)
        memcpy(line + len - 3, "...", 3);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return;
}
