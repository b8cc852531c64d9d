// SPDX-License-Identifier: GPL-3.0-or-later
// One turn: libuv first, then Sofia, then one poll over both epoll descriptors. The order is not
// free: a timer that one library's callback sets for the other must be seen before the wait is
// computed.
//
// Sofia rounds its wait down to whole milliseconds and would spin through the last one before every
// timer; a wait of 0 after its steps is therefore rounded up to 1 ms.
#include "alg/loop.h"

#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

// One step of Sofia serves at most a few descriptors; this many steps serve a busy turn and still
// let libuv have its share.
#define SOFIA_STEPS_MAX 8
// Upper bound of any wait, in case either library fails to report a wake-up.
#define WAIT_MAX_MS 1000

struct loop {
    su_root_t *root;
    uv_loop_t uv;
    uv_async_t anchor; // keeps the libuv loop alive
    int sofia_fd;
    bool stop;
};

static void on_anchor(uv_async_t *handle)
{
}

static bool is_epoll(int fd)
{
    char path[32], target[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    if (n < 0)
        return false;
    target[n] = '\0';
    return strcmp(target, "anon_inode:[eventpoll]") == 0;
}

// The root's first descriptor is the lowest free number: its epoll set. There is no accessor for
// it.
static int open_root(struct loop *loop)
{
    int lowest = epoll_create1(0);
    if (lowest < 0)
        return -errno;
    close(lowest);
    loop->root = su_root_create(NULL);
    if (!loop->root)
        return -ENOMEM;
    if (!is_epoll(lowest)) {
        log_error("loop", "Sofia-SIP's epoll descriptor is not where it is expected");
        return -ENOSYS;
    }
    su_root_threading(loop->root, 0);
    loop->sofia_fd = lowest;
    return 0;
}

int loop_open(struct loop **out)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return -ENOMEM;
    int err = open_root(loop);
    if (err)
        goto out;
    err = uv_loop_init(&loop->uv);
    if (!err)
        err = uv_async_init(&loop->uv, &loop->anchor, on_anchor);
out:
    if (err) {
        if (loop->root)
            su_root_destroy(loop->root);
        free(loop);
        return err;
    }
    *out = loop;
    return 0;
}

su_root_t *loop_root(struct loop *loop)
{
    return loop->root;
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

void loop_turn(struct loop *loop, int ms)
{
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    su_duration_t sofia;
    int steps = 0;
    do
        sofia = su_root_step(loop->root, 0);
    while (sofia == 0 && ++steps < SOFIA_STEPS_MAX);
    int wait = sofia == 0 ? 1 : sofia == SU_WAIT_FOREVER || sofia > ms ? ms : (int)sofia;
    int uv_wait = uv_backend_timeout(&loop->uv);
    if (uv_wait >= 0 && uv_wait < wait)
        wait = uv_wait;
    struct pollfd fds[2] = {{.fd = loop->sofia_fd, .events = POLLIN},
                            {.fd = uv_backend_fd(&loop->uv), .events = POLLIN}};
    poll(fds, 2, wait);
}

void loop_run(struct loop *loop)
{
    while (!loop->stop)
        loop_turn(loop, WAIT_MAX_MS);
}

void loop_stop(struct loop *loop)
{
    loop->stop = true;
    uv_async_send(&loop->anchor);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_close(struct loop *loop)
{
    if (!loop)
        return;
    su_root_destroy(loop->root);
    uv_walk(&loop->uv, close_handle, NULL);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0)
        ;
    uv_loop_close(&loop->uv);
    free(loop);
}
