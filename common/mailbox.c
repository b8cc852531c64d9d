// SPDX-License-Identifier: GPL-3.0-or-later
// Senders push onto a stack with one compare-and-swap and wake the loop; the loop takes the whole
// stack with one exchange and turns it round, which gives back the order of posting. A stack that
// is only ever taken whole cannot suffer from ABA.
//
// Closing: what was posted before is delivered, then the wake-up handle goes; the memory goes with
// its close callback. Posting to a mailbox that is being closed is the caller's mistake: whoever
// closes must have stopped the senders first.
#include "common/mailbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct mailbox {
    uv_async_t wake;
    _Atomic(struct letter *) top; // newest first, from every thread
    struct letter *first;         // oldest first, taken from top; the loop's thread only
    void (*deliver)(void *arg, struct letter *letter);
    void *arg;
};

static struct letter *reverse(struct letter *top)
{
    struct letter *first = NULL;

    while (top != NULL) {
        struct letter *next = top->next;
        top->next = first;
        first = top;
        top = next;
    }
    return first;
}

// Takes the oldest letter there is; NULL when there is none.
static struct letter *next_letter(struct mailbox *box)
{
    struct letter *letter;

    if (box->first == NULL)
        box->first = reverse(atomic_exchange_explicit(&box->top, NULL, memory_order_acquire));
    letter = box->first;
    if (letter != NULL)
        box->first = letter->next;
    return letter;
}

// A delivery may post, and may close the mailbox: the list is in the mailbox, not on the stack, so
// that a delivery inside a delivery goes on where the outer one is.
static void deliver_all(struct mailbox *box)
{
    struct letter *letter;

    while ((letter = next_letter(box)) != NULL) {
        letter->next = NULL;
        box->deliver(box->arg, letter);
    }
}

static void on_wake(uv_async_t *handle)
{
    deliver_all(handle->data);
}

int mailbox_open(struct mailbox **out, uv_loop_t *loop,
                 void (*deliver)(void *arg, struct letter *letter), void *arg)
{
    struct mailbox *box = calloc(1, sizeof(*box));
    int rc;

    if (box == NULL)
        return -ENOMEM;
    box->deliver = deliver;
    box->arg = arg;
    atomic_init(&box->top, NULL);
    rc = uv_async_init(loop, &box->wake, on_wake);
    if (rc != 0) {
        free(box);
        return rc;
    }
    box->wake.data = box;
    *out = box;
    return 0;
}

void mailbox_post(struct mailbox *box, struct letter *letter)
{
    letter->next = atomic_load_explicit(&box->top, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&box->top, &letter->next, letter,
                                                  memory_order_release, memory_order_relaxed))
        ;
    uv_async_send(&box->wake);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void mailbox_close(struct mailbox *box)
{
    if (box == NULL)
        return;
    deliver_all(box);
    uv_close((uv_handle_t *)&box->wake, on_closed);
}
