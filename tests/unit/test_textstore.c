// SPDX-License-Identifier: GPL-3.0-or-later
// The text of a trace: whatever was added, settled or read before, all of it comes back.
#include "common/trace/textstore.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t add(struct textstore *s, const char *bytes, size_t len)
{
    uint32_t at;
    char *to = textstore_add(s, len, &at);

    ck_assert_ptr_nonnull(to);
    memcpy(to, bytes, len);
    return at;
}

static void add_line(struct textstore *s, unsigned i)
{
    char line[80];
    int len = snprintf(line, sizeof(line), "a=fingerprint:SHA-256 line %u of a long session\n", i);

    (void)add(s, line, (size_t)len + 1);
}

// Every line is where it was put.
static void check_lines(struct textstore *s, unsigned count)
{
    const char *text = textstore_read(s);
    char line[80];

    ck_assert_ptr_nonnull(text);
    for (unsigned i = 0; i < count; i++) {
        snprintf(line, sizeof(line), "a=fingerprint:SHA-256 line %u of a long session\n", i);
        ck_assert_str_eq(text, line);
        text += strlen(text) + 1;
    }
}

START_TEST(text_comes_back_after_it_was_settled_and_more_was_added)
{
    struct textstore *s = textstore_open();

    for (unsigned i = 0; i < 900; i++) {
        add_line(s, i);
        if (i % 97 == 0)
            textstore_settle(s);
        if (i % 61 == 0)
            check_lines(s, i + 1);
    }
    check_lines(s, 900);
    textstore_free(s);
}
END_TEST

START_TEST(settled_text_takes_less_than_half_its_length)
{
    struct textstore *s = textstore_open();

    for (unsigned i = 0; i < 200; i++)
        add_line(s, i);
    size_t plain = textstore_bytes(s);
    textstore_settle(s);
    ck_assert_uint_lt(textstore_bytes(s), plain / 2);
    check_lines(s, 200);
    ck_assert_uint_gt(textstore_bytes(s), plain / 2); // the copy that was read from
    textstore_settle(s);
    ck_assert_uint_lt(textstore_bytes(s), plain / 2);
    textstore_free(s);
}
END_TEST

START_TEST(what_cannot_be_shortened_is_kept_as_it_is)
{
    struct textstore *s = textstore_open();
    static char noise[40000]; // longer than one piece
    unsigned seed = 7;

    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)rand_r(&seed);
    uint32_t first = add(s, noise, 9000);
    textstore_settle(s);
    uint32_t second = add(s, noise + 9000, sizeof(noise) - 9000);
    textstore_settle(s);
    ck_assert_uint_eq(first, 0);
    ck_assert_uint_eq(second, 9000);
    ck_assert_mem_eq(textstore_read(s), noise, sizeof(noise));
    textstore_free(s);
}
END_TEST

START_TEST(an_empty_store_can_be_settled_and_read)
{
    struct textstore *s = textstore_open();

    textstore_settle(s);
    ck_assert_ptr_nonnull(textstore_read(s));
    textstore_free(s);
    textstore_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("textstore");
    TCase *tc = tcase_create("textstore");
    tcase_add_test(tc, text_comes_back_after_it_was_settled_and_more_was_added);
    tcase_add_test(tc, settled_text_takes_less_than_half_its_length);
    tcase_add_test(tc, what_cannot_be_shortened_is_kept_as_it_is);
    tcase_add_test(tc, an_empty_store_can_be_settled_and_read);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
