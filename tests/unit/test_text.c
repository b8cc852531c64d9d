// SPDX-License-Identifier: GPL-3.0-or-later
// Texts: the growing buffer, log lines, random names, the clock.
#include "common/clock.h"
#include "common/log.h"
#include "common/random.h"
#include "common/strbuf.h"
#include "tests/unit/capture.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Text is added in every way and handed over; the buffer is empty again.
START_TEST(a_buffer_grows_and_hands_over)
{
    struct strbuf b = STRBUF_INIT;
    char *text;

    for (int i = 0; i < 1000; i++)
        strbuf_printf(&b, "%d,", i % 10);
    strbuf_puts(&b, "end");
    strbuf_add(&b, "!\0?", 3);
    ck_assert_uint_eq(b.len, 2000 + 3 + 3);
    ck_assert_int_eq(b.text[b.len], '\0');
    text = strbuf_take(&b);
    ck_assert_ptr_nonnull(text);
    ck_assert_mem_eq(text + 1996, "8,9,end!\0?", 11);
    free(text);
    ck_assert_ptr_null(b.text);
    ck_assert_uint_eq(b.len, 0);
}
END_TEST

// An empty buffer yields the empty text.
START_TEST(an_empty_buffer_yields_empty_text)
{
    struct strbuf b = STRBUF_INIT;
    char *text = strbuf_take(&b);

    ck_assert_str_eq(text, "");
    free(text);
    strbuf_free(&b);
}
END_TEST

// What cannot fit in memory is remembered: nothing more is added and the text is refused.
START_TEST(running_out_of_memory_is_remembered)
{
    struct strbuf b = STRBUF_INIT;

    strbuf_puts(&b, "begin");
    strbuf_add(&b, "x", SIZE_MAX / 2);
    ck_assert(b.failed);
    strbuf_puts(&b, "more");
    ck_assert_str_eq(b.text, "begin");
    ck_assert_ptr_null(strbuf_take(&b));
    ck_assert(!b.failed);
}
END_TEST

// A line carries time, level, object id and text; levels above the chosen one are silent.
START_TEST(a_log_line_has_its_parts)
{
    struct capture c;
    const char *text;

    capture_start(&c);
    log_warn("context 7", "port %d", 5060);
    log_debug("context 7", "silent");
    text = capture_end(&c);
    ck_assert_uint_eq(strlen(text),
                      strlen("2026-01-31T12:00:00.123Z warn  context 7: port 5060\n"));
    ck_assert_str_eq(text + 24, " warn  context 7: port 5060\n");
    ck_assert_int_eq(text[10], 'T');
    ck_assert_int_eq(text[23], 'Z');
}
END_TEST

// What a peer sent cannot forge a second line or move the cursor; a long line is cut, visibly.
START_TEST(a_log_line_stays_one_line)
{
    static char text[5000];
    struct capture c;
    const char *out;
    size_t len;

    capture_start(&c);
    log_info("x", "%s", "a\r\nb\033[2J\177");
    out = capture_end(&c);
    ck_assert_str_eq(out + 24, " info  x: a??b?[2J?\n");
    memset(text, 'y', sizeof(text) - 1);
    capture_start(&c);
    log_info("x", "%s", text);
    out = capture_end(&c);
    len = strlen(out);
    ck_assert_uint_lt(len, 1100);
    ck_assert_str_eq(out + len - 5, "y...\n");
}
END_TEST

// Levels are parsed by their names only.
START_TEST(log_levels_have_names)
{
    enum log_level level = LOG_WARN;

    ck_assert_int_eq(log_level_parse(&level, "loud"), -EINVAL);
    ck_assert_int_eq(log_level_parse(&level, "Info"), -EINVAL);
    ck_assert_int_eq(level, LOG_WARN);
    ck_assert_int_eq(log_level_parse(&level, "debug"), 0);
    ck_assert_int_eq(level, LOG_DEBUG);
    ck_assert_int_eq(log_level_parse(&level, "error"), 0);
    ck_assert_int_eq(level, LOG_ERROR);
}
END_TEST

// Random names have their length, their alphabet, and every character of it about equally often.
START_TEST(random_names_are_fair)
{
    enum { N = 62 * 1000 };
    static char buf[N + 1];
    unsigned seen[256] = {0};
    char one[1] = {'x'}, a[33], b[33];

    random_alnum(buf, sizeof(buf));
    ck_assert_uint_eq(strlen(buf), N);
    for (int i = 0; i < N; i++) {
        ck_assert(isalnum((unsigned char)buf[i]));
        seen[(unsigned char)buf[i]]++;
    }
    for (int c = 0; c < 256; c++) // 1000 expected, standard deviation 32: eight of them
        ck_assert(!isalnum(c) || (seen[c] > 744 && seen[c] < 1256));
    random_alnum(one, 1);
    ck_assert_int_eq(one[0], '\0');
    random_alnum(a, sizeof(a));
    random_alnum(b, sizeof(b));
    ck_assert_str_ne(a, b);
}
END_TEST

// The clock never goes back.
START_TEST(the_clock_goes_forward)
{
    uint64_t last = clock_now_us();

    ck_assert_uint_gt(last, 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_now_us();
        ck_assert_uint_ge(now, last);
        last = now;
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_buffer_grows_and_hands_over,
        an_empty_buffer_yields_empty_text,
        running_out_of_memory_is_remembered,
        a_log_line_has_its_parts,
        a_log_line_stays_one_line,
        log_levels_have_names,
        random_names_are_fair,
        the_clock_goes_forward,
    };

    return SUITE_RUN("text", tests);
}
