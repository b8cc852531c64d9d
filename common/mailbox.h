// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_MAILBOX_H
#define COMMON_MAILBOX_H
// Letters from any thread to the thread of one libuv loop, delivered in the order they were posted.

#include <uv.h>

struct mailbox;

// A letter is embedded at the head of the sender's own structure; the receiver owns it from post
// on.
struct letter {
    struct letter *next;
};

// deliver runs on the loop's thread, once per letter. Returns 0 or a negative errno.
int mailbox_open(struct mailbox **out, uv_loop_t *loop,
                 void (*deliver)(void *arg, struct letter *letter), void *arg);
// From any thread. Never blocks for longer than a pointer swap.
void mailbox_post(struct mailbox *box, struct letter *letter);
// On the loop's thread; letters still inside are delivered first. The loop must run once more for
// the handle to go. NULL is allowed.
void mailbox_close(struct mailbox *box);

#endif
