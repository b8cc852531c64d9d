// SPDX-License-Identifier: GPL-3.0-or-later
// The table of reasons and its counters.
#include "common/reason.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// Every row has a name of its own fit for a counter, a label, a sentence, and a SIP status that is
// a failure, a redirection or none.
START_TEST(every_row_is_complete)
{
    for (int i = 0; i < REASON_COUNT; i++) {
        const char *name = reason_name(i);
        int status = reason_status(i);
        ck_assert_uint_gt(strlen(name), 0);
        for (const char *c = name; *c != '\0'; c++)
            ck_assert_msg(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_',
                          "name \"%s\"", name);
        for (int k = 0; k < i; k++)
            ck_assert_str_ne(name, reason_name(k));
        ck_assert_msg(status == 0 || (status >= 300 && status < 600), "%s: %d", name, status);
        ck_assert_msg(reason_label(i)[0] != '\0', "%s has no label", name);
        ck_assert_msg(reason_text(i)[0] != '\0', "%s has no text", name);
        ck_assert_ptr_nonnull(reason_clause(i));
        // The text goes into a quoted string of a Reason header field (RFC 3326 2).
        ck_assert_msg(strpbrk(reason_text(i), "\"\\\r\n") == NULL, "%s cannot be quoted", name);
    }
    ck_assert_str_eq(reason_name(REASON_DTLS_FINGERPRINT), "dtls_fingerprint");
}
END_TEST

// A value outside the table is answered with the row of INTERNAL.
START_TEST(unknown_values_are_internal_errors)
{
    uint64_t before = reason_total(REASON_INTERNAL);

    ck_assert_str_eq(reason_name((enum reason)REASON_COUNT), "internal");
    ck_assert_str_eq(reason_text((enum reason) - 1), reason_text(REASON_INTERNAL));
    ck_assert_int_eq(reason_status((enum reason)9999), 500);
    reason_count((enum reason)9999);
    ck_assert_uint_eq(reason_total((enum reason) - 5), before + 1);
}
END_TEST

enum { THREADS = 4, ROUNDS = 10000 };

static void *count_some(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        reason_count(i % 2 == 0 ? REASON_DROP_STUN : REASON_DROP_GATE);
    return arg;
}

static void run_threads(void)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_some, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

// Nothing counted by several threads at once is lost, and totals outlive the threads, also when
// later threads take over their blocks.
START_TEST(totals_survive_their_threads)
{
    uint64_t stun = reason_total(REASON_DROP_STUN), gate = reason_total(REASON_DROP_GATE);

    for (unsigned round = 1; round <= 5; round++) {
        run_threads();
        ck_assert_uint_eq(reason_total(REASON_DROP_STUN), stun + round * THREADS * ROUNDS / 2);
        ck_assert_uint_eq(reason_total(REASON_DROP_GATE), gate + round * THREADS * ROUNDS / 2);
    }
    reason_count(REASON_DROP_STUN);
    ck_assert_uint_eq(reason_total(REASON_DROP_STUN), stun + 5 * THREADS * ROUNDS / 2 + 1);
    ck_assert_uint_eq(reason_total(REASON_LOOP), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_row_is_complete,
        unknown_values_are_internal_errors,
        totals_survive_their_threads,
    };

    return SUITE_RUN("reason", tests);
}
