// SPDX-License-Identifier: GPL-3.0-or-later
// The handle frees itself in its close callback, whether it fired or was cancelled.
#include "alg/timer.h"

#include <stdlib.h>

struct timer {
    uv_timer_t handle;
    void (*fire)(void *arg);
    void *arg;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_due(uv_timer_t *handle)
{
    struct timer *timer = handle->data;
    void (*fire)(void *) = timer->fire;
    void *arg = timer->arg;
    timer_cancel(timer);
    fire(arg);
}

struct timer *timer_start(uv_loop_t *loop, uint64_t ms, void (*fire)(void *arg), void *arg)
{
    struct timer *timer = calloc(1, sizeof(*timer));
    if (!timer)
        return NULL;
    uv_timer_init(loop, &timer->handle);
    timer->handle.data = timer;
    timer->fire = fire;
    timer->arg = arg;
    uv_timer_start(&timer->handle, on_due, ms, 0);
    return timer;
}

void timer_in_background(struct timer *timer)
{
    if (timer)
        uv_unref((uv_handle_t *)&timer->handle);
}

void timer_cancel(struct timer *timer)
{
    if (timer)
        uv_close((uv_handle_t *)&timer->handle, on_closed);
}
