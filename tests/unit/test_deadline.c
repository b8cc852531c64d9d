// SPDX-License-Identifier: GPL-3.0-or-later
// Deadlines of a worker, against a plain list that is searched.
#include "agw/deadline.h"
#include "tests/unit/suite.h"

#define COUNT 200
#define STEPS 20000

static struct deadlines all;
static struct deadline list[COUNT];
static uint64_t now_us;
static unsigned ran;
static uint64_t last_run;

static void on_due(struct deadline *d)
{
    ck_assert_uint_eq(d->due_us, DEADLINE_NEVER);
    ran++;
    last_run = (uint64_t)(d - list);
}

static void set_up(void)
{
    all = (struct deadlines){0};
    ran = 0;
    for (int i = 0; i < COUNT; i++)
        deadline_init(&list[i], on_due);
}

static uint64_t earliest(void)
{
    uint64_t due = DEADLINE_NEVER;
    for (int i = 0; i < COUNT; i++)
        due = list[i].due_us < due ? list[i].due_us : due;
    return due;
}

static unsigned waiting_until(uint64_t time)
{
    unsigned n = 0;
    for (int i = 0; i < COUNT; i++)
        n += list[i].due_us <= time && list[i].due_us != DEADLINE_NEVER;
    return n;
}

START_TEST(the_earliest_is_known_after_every_change)
{
    // Setting, moving and clearing at random, the next deadline is the smallest one.
    set_up();
    srand(1);
    for (int i = 0; i < STEPS; i++) {
        uint64_t due = rand() % 5 == 0 ? DEADLINE_NEVER : now_us + (unsigned)rand() % 1000;
        deadline_set(&all, &list[rand() % COUNT], due);
        ck_assert_uint_eq(deadlines_next(&all), earliest());
        if (rand() % 10 != 0)
            continue;
        now_us += (unsigned)rand() % 50;
        unsigned expected = ran + waiting_until(now_us);
        deadlines_run(&all, now_us);
        ck_assert_uint_eq(ran, expected);
        ck_assert_uint_eq(deadlines_next(&all), earliest());
    }
}
END_TEST

START_TEST(they_run_in_order)
{
    // What is due first runs first.
    set_up();
    for (int i = 0; i < COUNT; i++)
        deadline_set(&all, &list[(i * 37) % COUNT], 1000 + (uint64_t)((i * 37) % COUNT));
    for (unsigned i = 0; i < COUNT; i++) {
        deadlines_run(&all, 1000 + i);
        ck_assert_uint_eq(ran, i + 1);
        ck_assert_uint_eq(last_run, i);
    }
}
END_TEST

static void again(struct deadline *d)
{
    ran++;
    if (ran < 5)
        deadline_set(&all, d, now_us + 10);
}

START_TEST(a_deadline_may_set_itself_again)
{
    // A repeated timer is one that sets itself in run().
    set_up();
    now_us = 100;
    deadline_init(&list[0], again);
    deadline_set(&all, &list[0], 100);
    for (; now_us < 1000; now_us++)
        deadlines_run(&all, now_us);
    ck_assert_uint_eq(ran, 5);
    ck_assert_uint_eq(deadlines_next(&all), DEADLINE_NEVER);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_earliest_is_known_after_every_change,
        they_run_in_order,
        a_deadline_may_set_itself_again,
    };
    return SUITE_RUN("deadline", tests);
}
