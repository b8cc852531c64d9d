// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_TIMER_H
#define ALG_TIMER_H
// One-shot timers on the signalling loop.

#include <stdint.h>
#include <uv.h>

struct timer;

// Calls fire(arg) once after ms. The handle is gone when fire runs. NULL: no memory.
struct timer *timer_start(uv_loop_t *loop, uint64_t ms, void (*fire)(void *arg), void *arg);
// The loop need not go on for it alone. NULL is allowed.
void timer_in_background(struct timer *timer);
// Before it fired. NULL is allowed.
void timer_cancel(struct timer *timer);

#endif
