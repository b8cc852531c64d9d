// SPDX-License-Identifier: GPL-3.0-or-later
// Dialogs that are no sessions: what is kept of them, and for how long.
#include "alg/dialogs.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

static struct dialogs *dialogs;

static void setup(void)
{
    dialogs = dialogs_open();
    ck_assert_ptr_nonnull(dialogs);
}

static void teardown(void)
{
    dialogs_close(dialogs);
}

static void keep(const char *token, const char *icid)
{
    struct policy_memory memory = {0};
    snprintf(memory.charging.icid, sizeof(memory.charging.icid), "%s", icid);
    dialogs_keep(dialogs, token, &memory);
}

static const char *recalled(const char *token)
{
    static struct policy_memory memory;
    return dialogs_recall(dialogs, token, &memory) ? memory.charging.icid : "";
}

// PCSCF-036: what was kept last comes back, of each dialog its own.
START_TEST(each_dialog_has_its_memory)
{
    keep("one", "first");
    keep("two", "second");
    keep("one", "third");
    ck_assert_str_eq(recalled("one"), "third");
    ck_assert_str_eq(recalled("two"), "second");
    ck_assert_str_eq(recalled("three"), "");
    ck_assert_uint_eq(dialogs_count(dialogs), 2);
}
END_TEST

// A request without a token of ours keeps nothing.
START_TEST(no_token_keeps_nothing)
{
    keep("", "icid");
    ck_assert_str_eq(recalled(""), "");
    ck_assert_uint_eq(dialogs_count(dialogs), 0);
}
END_TEST

// Beyond the bound the one that was quiet the longest goes; who was heard of lately stays.
START_TEST(the_quietest_goes_first)
{
    char token[16];
    for (unsigned i = 0; i < DIALOGS_MAX; i++) {
        snprintf(token, sizeof(token), "%u", i);
        keep(token, "icid");
    }
    ck_assert_str_eq(recalled("0"), "icid");
    keep("more", "icid");
    ck_assert_uint_eq(dialogs_count(dialogs), DIALOGS_MAX);
    ck_assert_str_eq(recalled("0"), "icid");
    ck_assert_str_eq(recalled("1"), "");
    ck_assert_str_eq(recalled("2"), "icid");
}
END_TEST

// Two tokens are never the same, and nobody guesses one.
START_TEST(tokens_differ)
{
    char one[DIALOG_TOKEN_LEN + 1], two[DIALOG_TOKEN_LEN + 1];
    dialogs_token(one);
    dialogs_token(two);
    ck_assert_uint_eq(strlen(one), DIALOG_TOKEN_LEN);
    ck_assert_str_ne(one, two);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_dialog_has_its_memory, no_token_keeps_nothing,
                                  the_quietest_goes_first, tokens_differ};
    Suite *suite = suite_create("dialogs");
    TCase *tcase = tcase_create("dialogs");
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite_finish(suite);
}
