// SPDX-License-Identifier: GPL-3.0-or-later
// Milestones of a stream in a flood, minute by minute.
#include "agw/milestones.h"

#include "agw/deadline.h"
#include "tests/unit/suite.h"

#include <stdlib.h>

#define SECOND UINT64_C(1000000)

static struct note *note(enum agw_event event, uint64_t now_us)
{
    struct note *n = calloc(1, sizeof *n);
    n->what.event = event;
    n->what.time_us = now_us;
    return n;
}

// True when it is told at once.
static bool happens(struct milestones *m, enum agw_event event, uint64_t now_us)
{
    struct note *n = note(event, now_us);
    bool told = milestones_take(m, n);
    if (told)
        free(n);
    return told;
}

// When what is told next happened; 0: nothing is.
static uint64_t told_at(struct milestones *m, uint64_t now_us)
{
    struct note *n = milestones_due(m, now_us);
    uint64_t time_us = n ? n->what.time_us : 0;
    free(n);
    return time_us;
}

// The first are told at once; then only the newest of a kind, ten seconds later.
START_TEST(a_flood_is_thinned_out)
{
    struct milestones m = {0};
    unsigned told = 0;

    for (unsigned i = 0; i < 100; i++)
        told += happens(&m, AGW_LATCHED, 100 * SECOND + i);
    ck_assert_uint_eq(told, 32);
    ck_assert(!happens(&m, AGW_CLIENT_HELLO, 101 * SECOND));
    ck_assert_uint_eq(milestones_deadline(&m), 110 * SECOND);
    ck_assert_uint_eq(told_at(&m, 109 * SECOND), 0);
    ck_assert_uint_eq(told_at(&m, 110 * SECOND), 100 * SECOND + 99);
    ck_assert_uint_eq(told_at(&m, 110 * SECOND), 0);
    ck_assert_uint_eq(told_at(&m, 120 * SECOND), 101 * SECOND);
    ck_assert_uint_eq(milestones_deadline(&m), DEADLINE_NEVER);
}
END_TEST

// What is quiet for a while may be lively again.
START_TEST(quiet_gives_back)
{
    struct milestones m = {0};
    unsigned told = 0;

    for (unsigned i = 0; i < 32; i++)
        ck_assert(happens(&m, AGW_LATCHED, SECOND));
    for (unsigned i = 0; i < 32; i++)
        told += happens(&m, AGW_LATCHED, 31 * SECOND);
    ck_assert_uint_eq(told, 3);
    ck_assert_uint_eq(told_at(&m, 1000 * SECOND), 31 * SECOND);
    for (unsigned i = 0; i < 31; i++)
        ck_assert(happens(&m, AGW_LATCHED, 1001 * SECOND));
    ck_assert(!happens(&m, AGW_LATCHED, 1001 * SECOND));
    ck_assert_uint_eq(told_at(&m, DEADLINE_NEVER), 1001 * SECOND);
}
END_TEST

// At the end all that waits is told: the newest of each kind.
START_TEST(nothing_is_left_at_the_end)
{
    struct milestones m = {0};

    for (unsigned i = 0; i < 40; i++)
        happens(&m, AGW_LATCHED, SECOND + i);
    happens(&m, AGW_DTLS_ESTABLISHED, 2 * SECOND);
    happens(&m, AGW_LATCHED, 3 * SECOND);
    ck_assert_uint_eq(told_at(&m, DEADLINE_NEVER), 2 * SECOND);
    ck_assert_uint_eq(told_at(&m, DEADLINE_NEVER), 3 * SECOND);
    ck_assert_uint_eq(told_at(&m, DEADLINE_NEVER), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_flood_is_thinned_out, quiet_gives_back,
                                  nothing_is_left_at_the_end};
    return SUITE_RUN("milestones", tests);
}
