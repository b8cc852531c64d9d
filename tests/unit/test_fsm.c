// SPDX-License-Identifier: GPL-3.0-or-later
// State tables and the log they complain to.
#include "common/fsm.h"

#include "common/log.h"
#include "tests/unit/capture.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum state { IDLE, BUSY, DONE };
enum event { START, WORK, FINISH, CHAIN };

static const char *const state_names[] = {"idle", "busy", "done"};
static const char *const event_names[] = {"start", "work", "finish", "chain"};

struct thing {
    int state;
    int worked;
    const char *last;
    int seen_state; // the state the action found
};

static void act(void *object, void *argument)
{
    struct thing *t = object;

    t->worked++;
    t->last = argument;
    t->seen_state = t->state;
}

static void act_and_finish(void *object, void *argument);

static const struct fsm_row rows[] = {
    {IDLE, START, NULL, BUSY},
    {BUSY, WORK, act, BUSY},
    {BUSY, FINISH, act, DONE},
    {IDLE, CHAIN, act_and_finish, BUSY},
};

static const struct fsm machine = {
    "thing", rows, sizeof(rows) / sizeof(rows[0]), state_names, event_names,
};

static void act_and_finish(void *object, void *argument)
{
    struct thing *t = object;

    ck_assert_int_eq(fsm_feed(&machine, &t->state, FINISH, t, argument, "thing 1"), 0);
}

// A row moves the state on, then runs its action with object and argument; without an action it
// only moves on.
START_TEST(a_row_moves_and_acts)
{
    struct thing t = {.state = IDLE};

    ck_assert_int_eq(fsm_feed(&machine, &t.state, START, &t, NULL, "thing 1"), 0);
    ck_assert_int_eq(t.state, BUSY);
    ck_assert_int_eq(t.worked, 0);
    ck_assert_int_eq(fsm_feed(&machine, &t.state, WORK, &t, "x", "thing 1"), 0);
    ck_assert_int_eq(t.worked, 1);
    ck_assert_str_eq(t.last, "x");
    ck_assert_int_eq(fsm_feed(&machine, &t.state, FINISH, &t, "y", "thing 1"), 0);
    ck_assert_int_eq(t.seen_state, DONE);
}
END_TEST

// An action may feed the next event: the state it finds is the new one.
START_TEST(an_action_may_feed_the_next_event)
{
    struct thing t = {.state = IDLE};

    ck_assert_int_eq(fsm_feed(&machine, &t.state, CHAIN, &t, "z", "thing 1"), 0);
    ck_assert_int_eq(t.state, DONE);
    ck_assert_int_eq(t.worked, 1);
}
END_TEST

// An event no row allows changes nothing and is logged with machine, object, state and event.
START_TEST(what_no_row_allows_is_logged)
{
    struct thing t = {.state = DONE};
    struct capture c;
    const char *text;
    int rc;

    capture_start(&c);
    rc = fsm_feed(&machine, &t.state, WORK, &t, NULL, "thing 7");
    text = capture_end(&c);
    ck_assert_int_eq(rc, -EPROTO);
    ck_assert_int_eq(t.state, DONE);
    ck_assert_int_eq(t.worked, 0);
    ck_assert_ptr_nonnull(
        strstr(text, "error thing 7: thing: event work is not allowed in state done\n"));
}
END_TEST

// Moves are told at level debug only.
START_TEST(moves_are_told_at_debug)
{
    struct thing t = {.state = IDLE};
    struct capture c;

    capture_start(&c);
    fsm_feed(&machine, &t.state, START, &t, NULL, "thing 7");
    ck_assert_str_eq(capture_end(&c), "");
    t.state = IDLE;
    log_set_level(LOG_DEBUG);
    capture_start(&c);
    fsm_feed(&machine, &t.state, START, &t, NULL, "thing 7");
    ck_assert_ptr_nonnull(strstr(capture_end(&c), "debug thing 7: thing: start in idle, now busy"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_row_moves_and_acts,
        an_action_may_feed_the_next_event,
        what_no_row_allows_is_logged,
        moves_are_told_at_debug,
    };

    return SUITE_RUN("fsm", tests);
}
