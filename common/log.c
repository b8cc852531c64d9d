// SPDX-License-Identifier: GPL-3.0-or-later
// A line is put together on the stack and leaves in one write(), so that lines of several threads
// never mix:  2026-01-31T12:00:00.123Z warn  session 3f2a: text
//
// Failures: a line longer than the buffer is cut and says so with "..."; control characters, which
// a peer may have sent, are printed as '?'; a standard error that cannot be written is ignored.
#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// Longer than any sentence of ours with two addresses and a fingerprint in it.
#define LOG_LINE_MAX 1024
// What ends a line of JSON behind a text that was cut, and an escape before it.
#define JSON_TAIL 16
// How the id of a session begins.
#define SESSION "session "

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static atomic_int current = LOG_INFO;
static atomic_int look = LOG_TEXT;
static bool journal;
static pthread_once_t journal_once = PTHREAD_ONCE_INIT;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&current, (int)level, memory_order_relaxed);
}

void log_set_format(enum log_format format)
{
    atomic_store_explicit(&look, (int)format, memory_order_relaxed);
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

// Standard error is the stream that JOURNAL_STREAM names by device and inode (systemd.exec(5)).
static void look_for_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    char *end;

    if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
        return;
    device = strtoull(stream, &end, 10);
    inode = *end == ':' ? strtoull(end + 1, NULL, 10) : 0;
    journal = device == st.st_dev && inode == st.st_ino;
}

// --- putting a line together ----------------------------------------------------------------

// A line under construction: what does not fit is left out, and remembered.
struct line {
    char text[LOG_LINE_MAX + 1];
    size_t len;
    bool cut;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *fmt, ...)
{
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(line->text + line->len, LOG_LINE_MAX - line->len, fmt, ap);
    va_end(ap);
    if (len < 0)
        return;
    line->cut |= line->len + (size_t)len >= LOG_LINE_MAX;
    line->len = line->cut ? strlen(line->text) : line->len + (size_t)len;
}

// Between quotes; room is kept for what follows.
static void put_json(struct line *line, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (line->len + JSON_TAIL > LOG_LINE_MAX) {
            line->cut = true;
            return;
        }
        if (c == '"' || c == '\\')
            line->text[line->len++] = '\\';
        line->text[line->len++] = c < ' ' || c >= 0x7f ? '?' : (char)c;
    }
}

static void put_time(struct line *line)
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    line->len +=
        strftime(line->text + line->len, LOG_LINE_MAX - line->len, "%Y-%m-%dT%H:%M:%S", &utc);
    put(line, ".%03ldZ", now.tv_nsec / 1000000);
}

static void make_text(struct line *line, enum log_level level, const char *id, const char *text)
{
    size_t begin = line->len;

    if (!journal) { // which has the time by itself
        put_time(line);
        put(line, " ");
    }
    put(line, "%-5s %.64s: %s", level_names[level], id, text);
    if (line->cut)
        memcpy(line->text + line->len - 3, "...", 3);
    for (size_t i = begin; i < line->len; i++)
        if ((unsigned char)line->text[i] < ' ' || line->text[i] == 0x7f)
            line->text[i] = '?';
}

static void make_json(struct line *line, enum log_level level, const char *id, const char *text)
{
    put(line, "{\"time\":\"");
    put_time(line);
    put(line, "\",\"level\":\"%s\",\"object\":\"", level_names[level]);
    put_json(line, id);
    if (strncmp(id, SESSION, strlen(SESSION)) == 0) {
        put(line, "\",\"session\":\"");
        put_json(line, id + strlen(SESSION));
    }
    put(line, "\",\"text\":\"");
    put_json(line, text);
    put(line, line->cut ? "...\"}" : "\"}");
}

void log_line(enum log_level level, const char *id, const char *fmt, ...)
{
    static const int priorities[] = {3, 4, 6, 7}; // err, warning, info, debug
    struct line line = {.len = 0};
    char text[LOG_LINE_MAX];
    va_list ap;

    if (level > log_get_level())
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    pthread_once(&journal_once, look_for_journal);
    if (journal)
        put(&line, "<%d>", priorities[level]);
    if (atomic_load_explicit(&look, memory_order_relaxed) == LOG_JSON)
        make_json(&line, level, id, text);
    else
        make_text(&line, level, id, text);
    line.text[line.len++] = '\n';
    if (write(STDERR_FILENO, line.text, line.len) < 0)
        return;
}
