// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_LOOP_H
#define UA_LOOP_H
// One thread, two event loops: Sofia's for SIP, libuv's for media, timers and signals.

#include <sofia-sip/su_wait.h>
#include <stdbool.h>
#include <uv.h>

struct ua_loop {
    uv_loop_t uv;
    su_root_t *su;
    int su_fd; // Sofia's epoll descriptor, to be polled only; -1: not found
    bool stop;
};

// Call before any other descriptor-opening code of another thread. Returns 0 or a negative errno.
int ua_loop_open(struct ua_loop *loop);
// Runs until loop->stop is true or until_us (clock_now_us) has come.
void ua_loop_run(struct ua_loop *loop, uint64_t until_us);
// Everything on the libuv side must have been closed with uv_close by its owner before.
void ua_loop_close(struct ua_loop *loop);

#endif
