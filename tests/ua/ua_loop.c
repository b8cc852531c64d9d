// SPDX-License-Identifier: GPL-3.0-or-later
// The outer loop.
//
// Happy path: libuv first, then Sofia, then one poll over both epoll descriptors. The order
// matters: what a libuv callback starts on the Sofia side is seen in the same turn. A wait that
// Sofia rounds down to zero is rounded up to a millisecond, else the loop would spin before each of
// its timers. Failure: when Sofia's descriptor cannot be found, the wait is bounded by
// FALLBACK_WAIT_MS instead.

#include "tests/ua/ua_loop.h"

#include "common/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LONGEST_WAIT_MS 1000
#define FALLBACK_WAIT_MS 5
#define SOFIA_STEPS 8 // one step serves at most four descriptors

static bool is_epoll(int fd)
{
    char path[64], link[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, link, sizeof(link) - 1);
    if (n < 0)
        return false;
    link[n] = '\0';
    return strcmp(link, "anon_inode:[eventpoll]") == 0;
}

// su_root has no accessor for its epoll descriptor; it is the lowest free one when it is created.
static void open_sofia(struct ua_loop *loop)
{
    int lowest = epoll_create1(0);
    if (lowest >= 0)
        close(lowest);
    loop->su = su_root_create(NULL);
    loop->su_fd = lowest >= 0 && is_epoll(lowest) ? lowest : -1;
}

int ua_loop_open(struct ua_loop *loop)
{
    memset(loop, 0, sizeof(*loop));
    su_init();
    open_sofia(loop);
    if (!loop->su)
        return -ENOMEM;
    int rc = uv_loop_init(&loop->uv);
    if (rc != 0)
        su_root_destroy(loop->su);
    return rc;
}

static int shorter(int a, int b)
{
    if (a < 0)
        return b;
    if (b < 0)
        return a;
    return a < b ? a : b;
}

static void wait_for_both(struct ua_loop *loop, su_duration_t sofia_ms, uint64_t now,
                          uint64_t until)
{
    struct pollfd fds[2] = {{.fd = uv_backend_fd(&loop->uv), .events = POLLIN},
                            {.fd = loop->su_fd, .events = POLLIN}};
    uint64_t left_ms = (until - now) / 1000 + 1;
    int wait = LONGEST_WAIT_MS;

    if (sofia_ms == 0)
        sofia_ms = 1;
    if (sofia_ms < wait)
        wait = (int)sofia_ms;
    if (left_ms < (uint64_t)wait)
        wait = (int)left_ms;
    if (loop->su_fd < 0 && wait > FALLBACK_WAIT_MS)
        wait = FALLBACK_WAIT_MS;
    // Asked last: it is 0 while libuv has unregistered work.
    poll(fds, loop->su_fd < 0 ? 1 : 2, shorter(wait, uv_backend_timeout(&loop->uv)));
}

void ua_loop_run(struct ua_loop *loop, uint64_t until_us)
{
    for (;;) {
        su_duration_t t = 0;
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        for (int i = 0; i < SOFIA_STEPS && t == 0; i++)
            t = su_root_step(loop->su, 0);
        uint64_t now = clock_now_us();
        if (loop->stop || now >= until_us)
            return;
        wait_for_both(loop, t, now, until_us);
    }
}

void ua_loop_close(struct ua_loop *loop)
{
    su_root_destroy(loop->su);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
    su_deinit();
}
