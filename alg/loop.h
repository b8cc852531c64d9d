// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_LOOP_H
#define ALG_LOOP_H
// The signalling thread's loop: Sofia-SIP and libuv in one outer wait, so that neither spins nor
// delays the other.

#include <sofia-sip/su_wait.h>
#include <uv.h>

struct loop;

// Must be called before other threads exist: it learns Sofia's epoll descriptor by position. The
// loop keeps one libuv handle of its own alive, or libuv would report a timeout of 0 for ever.
// Returns 0 or a negative errno.
int loop_open(struct loop **out);
su_root_t *loop_root(struct loop *loop);
uv_loop_t *loop_uv(struct loop *loop);
// Runs until loop_stop().
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
// One turn, waiting at most ms: for orderly endings.
void loop_turn(struct loop *loop, int ms);
// All users of both loops must be gone; remaining libuv handles are closed. NULL is allowed.
void loop_close(struct loop *loop);

#endif
