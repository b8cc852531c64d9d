// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: a folder is made, addresses follow from the process id, texts pile up until the flow
// is closed, the folder goes. Failure: a check that does not hold shows what the programs said,
// keeps the folder and leaves by way of libcheck; programs end with the test process.
#include "tests/flows/flow.h"

#include "tests/flows/program.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <regex.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// Longer than anything here takes on a busy machine; short enough for whoever waits for a failure.
#define PATIENCE_MS 20000
// What sanitizers cost, generously.
#define SANITIZER_SCALE 3
// Above what other programs are fond of, below what the kernel hands out.
#define PORT_FIRST 10000
#define PORT_PLACES 2000 // of eight ports each, up to 26000
#define SHOWN_LINES 25
#define FILES_AT_ONCE 16

struct scrap {
    struct scrap *next;
    max_align_t bytes[];
};

struct flow {
    char build[PATH_MAX];
    char folder[PATH_MAX];
    struct scrap *scraps;
    struct program *programs;
    bool failed;
};

// --- life --------------------------------------------------------------------------------------

// The binary stands in BUILD/tests/. Also called where there is no test that could fail.
static void find_build(char build[static PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", build, PATH_MAX - 1);

    build[len > 0 ? len : 0] = '\0';
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(build, '/');
        if (slash)
            *slash = '\0';
    }
}

struct flow *flow_open(const char *name)
{
    struct flow *f = calloc(1, sizeof(*f));

    ck_assert_ptr_nonnull(f);
    find_build(f->build);
    const char *runs = flow_text(f, "%s/flows", f->build);
    ck_assert(mkdir(runs, 0777) == 0 || errno == EEXIST);
    ck_assert_int_lt(snprintf(f->folder, sizeof(f->folder), "%s/%s-%d", runs, name, getpid()),
                     (int)sizeof(f->folder));
    ck_assert_int_eq(mkdir(f->folder, 0777), 0);
    return f;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

void flow_close(struct flow *f)
{
    programs_end(f);
    if (!f->failed)
        ck_assert_int_eq(nftw(f->folder, remove_one, FILES_AT_ONCE, FTW_DEPTH | FTW_PHYS), 0);
    while (f->scraps) {
        struct scrap *next = f->scraps->next;
        free(f->scraps);
        f->scraps = next;
    }
    free(f);
}

void flow_show(struct flow *f)
{
    f->failed = true;
    for (struct program *p = f->programs; p; p = program_next(p)) {
        const char *said = program_text(p), *end = said + strlen(said), *from = end;
        for (unsigned lines = 0; from > said && lines <= SHOWN_LINES; from--)
            lines += from[-1] == '\n';
        printf("--- %s: the end of what it said (all of it: %s/%s.log)\n%s", program_label(p),
               f->folder, program_label(p), from + (from > said));
        flow_write(f, flow_text(f, "%s.log", program_label(p)), said);
    }
    fflush(stdout);
}

struct program **flow_programs(struct flow *f)
{
    return &f->programs;
}

// --- where -------------------------------------------------------------------------------------

const char *flow_host(struct flow *f, enum host host)
{
    // a process id has at most 22 bits; two more make four addresses of it
    unsigned bits = (unsigned)getpid() << 2 | (unsigned)host;

    // not 127.0.0.1 for the first processes of a machine
    return flow_text(f, "127.%u.%u.%u", (bits >> 16 & 0xff) ^ 0x40, bits >> 8 & 0xff, bits & 0xff);
}

uint16_t flow_port(const struct flow *f, enum host host)
{
    return (uint16_t)(PORT_FIRST + (unsigned)getpid() % PORT_PLACES * 8 + (unsigned)host);
}

const char *flow_at(struct flow *f, enum host host)
{
    return flow_text(f, "%s:%u", flow_host(f, host), flow_port(f, host));
}

const char *flow_folder(const struct flow *f)
{
    return f->folder;
}

const char *flow_path(struct flow *f, const char *file)
{
    return flow_text(f, "%s/%s", f->folder, file);
}

const char *flow_source(struct flow *f, const char *path)
{
    char *absolute = realpath(path, NULL);

    flow_check(f, absolute != NULL, "%s: run the tests from the top of the tree", path);
    const char *copy = flow_copy(f, absolute, strlen(absolute));
    free(absolute);
    return copy;
}

const char *flow_binary(struct flow *f, const char *name)
{
    return flow_text(f, "%s/%s", f->build, name);
}

// --- texts -------------------------------------------------------------------------------------

void *flow_alloc(struct flow *f, size_t size)
{
    struct scrap *s = calloc(1, sizeof(*s) + size);

    ck_assert_ptr_nonnull(s);
    s->next = f->scraps;
    f->scraps = s;
    return s->bytes;
}

const char *flow_copy(struct flow *f, const char *text, size_t len)
{
    char *copy = flow_alloc(f, len + 1);

    memcpy(copy, text, len);
    return copy;
}

const char *flow_take(struct flow *f, struct strbuf *b)
{
    char *text = strbuf_take(b);

    ck_assert_ptr_nonnull(text);
    const char *copy = flow_copy(f, text, strlen(text));
    free(text);
    return copy;
}

const char *flow_text(struct flow *f, const char *fmt, ...)
{
    struct strbuf b = STRBUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    strbuf_vprintf(&b, fmt, ap);
    va_end(ap);
    return flow_take(f, &b);
}

const char *flow_replace(struct flow *f, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);

    if (!at)
        return text;
    return flow_text(f, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

const char *flow_read(struct flow *f, const char *path)
{
    struct strbuf b = STRBUF_INIT;
    char part[4096];
    size_t got;
    FILE *file = fopen(path, "re");

    flow_check(f, file != NULL, "%s cannot be read: %s", path, strerror(errno));
    while ((got = fread(part, 1, sizeof(part), file)) > 0)
        strbuf_add(&b, part, got);
    fclose(file);
    return flow_take(f, &b);
}

void flow_write(struct flow *f, const char *file, const char *text)
{
    FILE *out = fopen(flow_path(f, file), "we");

    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(text, out), 0);
    ck_assert_int_eq(fclose(out), 0);
}

static regex_t compiled(const char *ere)
{
    regex_t regex;
    int rc = regcomp(&regex, ere, REG_EXTENDED | REG_NEWLINE);

    ck_assert_msg(rc == 0, "no regular expression: %s", ere);
    return regex;
}

bool text_matches(const char *text, const char *ere)
{
    regex_t regex = compiled(ere);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;

    regfree(&regex);
    return found;
}

unsigned text_count(const char *text, const char *ere)
{
    regex_t regex = compiled(ere);
    regmatch_t at;
    unsigned count = 0;

    while (text && *text && regexec(&regex, text, 1, &at, 0) == 0) {
        count++;
        text = strchr(text + at.rm_so, '\n');
        text = text ? text + 1 : NULL;
    }
    regfree(&regex);
    return count;
}

const char *flow_value(struct flow *f, const char *text, const char *ere, const char *before)
{
    regex_t regex = compiled(ere);
    regmatch_t at;
    bool found = regexec(&regex, text, 1, &at, 0) == 0;

    regfree(&regex);
    if (!found)
        return NULL;
    const char *line = text + at.rm_so, *end = line + strcspn(line, "\n");
    const char *value = strstr(line, before);
    if (!value || value >= end)
        return NULL;
    value += strlen(before);
    return flow_copy(f, value, strcspn(value, " \r\n"));
}

// --- patience ----------------------------------------------------------------------------------

unsigned flow_scale(void)
{
    char build[PATH_MAX];

    find_build(build);
    const char *variant = strrchr(build, '/');
    bool slow = variant && (strcmp(variant, "/asan") == 0 || strcmp(variant, "/tsan") == 0);
    return slow ? SANITIZER_SCALE : 1;
}

int flow_patience(void)
{
    return PATIENCE_MS * (int)flow_scale();
}

uint64_t flow_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// A line of a report, and far below what the test library takes.
#define MESSAGE_MAX 1500

void flow_fail(struct flow *f, const char *fmt, ...)
{
    char text[MESSAGE_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    flow_show(f);
    ck_abort_msg("%s", text);
    abort(); // not reached, but the test library does not say so
}
