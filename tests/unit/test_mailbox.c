// SPDX-License-Identifier: GPL-3.0-or-later
// Letters between threads: order, completeness, closing.
#include "common/mailbox.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

enum { SENDERS = 4, LETTERS = 20000 };

struct note {
    struct letter letter; // first: a letter is a note
    int sender;
    int number;
};

struct office {
    uv_loop_t loop;
    struct mailbox *box;
    int posted[SENDERS]; // by each sender; it alone touches it
    int next[SENDERS];   // the number expected from each sender
    int received;
    int stop_at;
    int answers; // letters that a delivery posts itself
};

static void post(struct office *o, int sender)
{
    struct note *note = malloc(sizeof(*note));

    ck_assert_ptr_nonnull(note);
    *note = (struct note){.sender = sender, .number = o->posted[sender]++};
    mailbox_post(o->box, &note->letter);
}

static void deliver(void *arg, struct letter *letter)
{
    struct office *o = arg;
    struct note *note = (struct note *)letter;

    ck_assert_int_eq(note->number, o->next[note->sender]);
    o->next[note->sender]++;
    free(note);
    if (o->answers > 0) {
        o->answers--;
        post(o, 0);
    }
    if (++o->received == o->stop_at) {
        mailbox_close(o->box);
        o->box = NULL;
    }
}

static void office_open(struct office *o, int stop_at)
{
    *o = (struct office){.stop_at = stop_at};
    ck_assert_int_eq(uv_loop_init(&o->loop), 0);
    ck_assert_int_eq(mailbox_open(&o->box, &o->loop, deliver, o), 0);
}

// Runs until no handle is left, and the loop gives back all it had.
static void office_end(struct office *o)
{
    ck_assert_int_eq(uv_run(&o->loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&o->loop), 0);
}

// Letters of one thread arrive in the order they were posted.
START_TEST(order_is_kept)
{
    struct office o;

    office_open(&o, 100);
    for (int i = 0; i < 100; i++)
        post(&o, 0);
    office_end(&o);
    ck_assert_int_eq(o.received, 100);
}
END_TEST

struct sender {
    struct office *office;
    int id;
};

static void *send_all(void *arg)
{
    struct sender *s = arg;

    for (int i = 0; i < LETTERS; i++)
        post(s->office, s->id);
    return NULL;
}

// Several threads post at once: nothing is lost, and each thread's letters keep their order.
START_TEST(several_threads_post)
{
    struct office o;
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];

    office_open(&o, -1);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){&o, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    while (o.received < SENDERS * LETTERS)
        uv_run(&o.loop, UV_RUN_ONCE);
    for (int i = 0; i < SENDERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    mailbox_close(o.box);
    office_end(&o);
    ck_assert_int_eq(o.received, SENDERS * LETTERS);
}
END_TEST

// What is still inside when the mailbox closes is delivered first, also letters those cause.
START_TEST(closing_delivers_what_is_left)
{
    struct office o;

    office_open(&o, -1);
    for (int i = 0; i < 10; i++)
        post(&o, 1);
    o.answers = 3;
    mailbox_close(o.box);
    mailbox_close(NULL); // allowed, does nothing
    ck_assert_int_eq(o.received, 13);
    office_end(&o);
    ck_assert_int_eq(o.received, 13);
}
END_TEST

// A delivery may post: that letter comes after those already there.
START_TEST(a_delivery_may_post)
{
    struct office o;

    office_open(&o, 5);
    o.answers = 3;
    post(&o, 0);
    post(&o, 1);
    office_end(&o);
    ck_assert_int_eq(o.next[0], 4);
    ck_assert_int_eq(o.next[1], 1);
}
END_TEST

// A delivery may close the mailbox: what was behind it still comes, in order.
START_TEST(a_delivery_may_close)
{
    struct office o;

    office_open(&o, 2);
    for (int i = 0; i < 5; i++)
        post(&o, 0);
    office_end(&o);
    ck_assert_int_eq(o.received, 5);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        order_is_kept,       several_threads_post, closing_delivers_what_is_left,
        a_delivery_may_post, a_delivery_may_close,
    };

    return SUITE_RUN("mailbox", tests);
}
