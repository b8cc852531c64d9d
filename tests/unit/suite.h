// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UNIT_SUITE_H
#define TESTS_UNIT_SUITE_H
// The main() of a unit test: one suite of one group, each test in a process of its own.

#include <check.h>
#include <stdlib.h>

// Runs a suite that is put together by hand. Returns the exit status of the program.
static inline int suite_finish(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

// Runs the tests, each for at most timeout_s seconds. Returns the exit status of the program.
static inline int suite_run(const char *name, const TTest *const *tests, size_t count,
                            double timeout_s)
{
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create(name);

    for (size_t i = 0; i < count; i++)
        tcase_add_test(tc, tests[i]);
    tcase_set_timeout(tc, timeout_s);
    suite_add_tcase(suite, tc);
    return suite_finish(suite);
}

// Generous: sanitizers, valgrind and a busy machine slow a test down many times.
#define SUITE_TIMEOUT 60
#define SUITE_RUN(name, tests)                                                                     \
    suite_run((name), (tests), sizeof(tests) / sizeof((tests)[0]), SUITE_TIMEOUT)

#endif
