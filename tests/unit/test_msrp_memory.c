// SPDX-License-Identifier: GPL-3.0-or-later
// Out of memory, the only thing that can go wrong when paths are set. The source is compiled in
// with an allocator that can fail.
#include "tests/unit/msrp_feed.h"
#include "tests/unit/suite.h"

// Which of them fail.
static bool no_calloc, no_malloc, no_realloc;

static void *poor_calloc(size_t count, size_t size)
{
    return no_calloc ? NULL : calloc(count, size);
}

static void *poor_malloc(size_t size)
{
    return no_malloc ? NULL : malloc(size);
}

static void *poor_realloc(void *old, size_t size)
{
    return no_realloc ? NULL : realloc(old, size);
}

#define realloc poor_realloc
#define malloc poor_malloc
#define calloc poor_calloc
// NOLINTNEXTLINE(bugprone-suspicious-include)
#include "agw/msrp.c"
#undef malloc
#undef calloc
#undef realloc

static const struct msrp_paths first = {"msrp://a:1/a;tcp", "msrp://b:1/b;tcp", NULL, NULL};
static const struct msrp_paths second = {"msrp://a:1/a;tcp", "msrp://c:1/c;tcp", NULL, NULL};
static const char in[] = "MSRP 1234 SEND\r\nTo-Path: msrp://a:1/a;tcp\r\nFrom-Path: x\r\n";
static const char out[] = "MSRP 1234 SEND\r\nTo-Path: msrp://b:1/b;tcp\r\nFrom-Path: x\r\n";

START_TEST(a_rewriter_that_cannot_be)
{
    // NULL, and nothing is left behind.
    no_calloc = true;
    ck_assert_ptr_null(msrp_rewriter_open(&first));
    no_calloc = false;
    no_malloc = true;
    ck_assert_ptr_null(msrp_rewriter_open(&first));
}
END_TEST

START_TEST(paths_that_cannot_be_set)
{
    // -ENOMEM, and the paths stay as they are.
    struct msrp_rewriter *r = msrp_rewriter_open(&first);

    ck_assert_ptr_nonnull(r);
    no_malloc = true;
    ck_assert_int_eq(msrp_rewriter_set_paths(r, &second), -ENOMEM);
    no_malloc = false;
    struct feed_result got = feed(r, (const uint8_t *)in, strlen(in),
                                  (struct feed_pieces){.in = FEED_ALL, .out = FEED_ALL});
    ck_assert_int_eq(got.rc, 0);
    ck_assert_uint_eq(got.len, strlen(out));
    ck_assert_mem_eq(got.out, out, got.len);
    free(got.out);
    msrp_rewriter_close(r);
}
END_TEST

START_TEST(a_line_that_cannot_be_held)
{
    // -ENOMEM, and the stream is not to be continued.
    struct msrp_rewriter *r = msrp_rewriter_open(&first);
    char line[2048] = "MSRP 1234 SEND\r\nTo-Path: ";
    uint8_t to[4096];
    size_t consumed, produced;

    ck_assert_ptr_nonnull(r);
    memset(line + strlen(line), 'x', sizeof(line) - strlen(line));
    no_realloc = true;
    ck_assert_int_eq(
        msrp_rewrite(r, (uint8_t *)line, sizeof(line), &consumed, to, sizeof(to), &produced),
        -ENOMEM);
    no_realloc = false;
    ck_assert_int_eq(msrp_rewrite(r, (const uint8_t *)"x", 1, &consumed, to, sizeof(to), &produced),
                     -EPROTO);
    msrp_rewriter_close(r);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_rewriter_that_cannot_be, paths_that_cannot_be_set,
                                  a_line_that_cannot_be_held};
    return SUITE_RUN("msrp_memory", tests);
}
