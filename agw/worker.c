// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: one turn waits on an epoll set that holds the media sockets and, as one descriptor
// among them, the libuv loop; takes what the sockets have; runs the loop when it has orders; runs
// what is due; and, when traffic is steady, sleeps a moment before the next turn so that one
// wake-up serves many sockets (gathering).
//
// Media are handled before orders: an order may free a stream whose event is in the same batch.
//
// Failure paths: an error of epoll_wait() other than an interruption cannot happen to a valid set;
// it is logged and the turn goes on with the orders.

#include "agw/worker.h"

#include "agw/relay.h"
#include "agw/watch.h"
#include "common/capture/ring.h"
#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define WORKER_EVENTS 256
// A wrong guess costs a fetch and nothing else.
#define CACHE_LINE 64
// Steps of handshakes per turn: about a millisecond, the longest that media of others may wait.
#define WORKER_HANDSHAKES 4
// Sleeps end when asked, not when the kernel finds it convenient (50 us later by default).
#define WORKER_TIMER_SLACK_NS 1000
struct worker {
    pthread_t thread;
    uv_loop_t loop;
    struct mailbox *orders;
    struct media media;
    bool stop;             // set on the worker's thread by the last order
    struct order farewell; // the last order
    uint8_t buffer[MEDIA_DATAGRAM_MAX];
    uint8_t sealed[MEDIA_SEALED_MAX];
    struct relay_rooms rooms;
};

static void deliver(void *arg, struct letter *letter)
{
    struct worker *w = arg;
    struct order *order = (struct order *)letter;
    // What an order causes must not be told as older than the order: this thread may have waited
    // for a processor since the turn began.
    w->media.now_us = clock_now_us();
    order->run(order, &w->media);
}

static void stop(struct order *order, struct media *media)
{
    struct worker *w = (struct worker *)((char *)order - offsetof(struct worker, farewell));
    w->stop = true;
}

// --- a turn -------------------------------------------------------------------------------------

// Milliseconds until the next deadline, rounded up; -1: for ever.
static int patience(const struct worker *w)
{
    uint64_t due = deadlines_next(&w->media.deadlines);
    if (due == DEADLINE_NEVER)
        return -1;
    uint64_t now = clock_now_us();
    if (due <= now)
        return 0;
    uint64_t ms = (due - now + 999) / 1000;
    return ms > 60000 ? 60000 : (int)ms;
}

// Sleeps a moment when that pays, unless work is waiting.
static void gather(struct worker *w, int events)
{
    unsigned us = gather_pause(&w->media.gather, w->media.now_us);
    struct timespec pause = {.tv_nsec = us * 1000l};
    if (us > 0 && events < WORKER_EVENTS && w->media.handshakes_left > 0)
        nanosleep(&pause, NULL);
}

// Event i of n, beginning with another one each turn, so that no socket is always the last.
static const struct epoll_event *event_at(const struct worker *w, const struct epoll_event *events,
                                          unsigned i, unsigned n)
{
    return &events[(w->media.turn + i) % n];
}

// What stands further back in the queue comes nearer: the memory of the socket after next, and
// what the next one leads to.
static void approach(const struct worker *w, const struct epoll_event *events, unsigned i,
                     unsigned n)
{
    const struct watch *next = event_at(w, events, i + 1, n)->data.ptr;
    const char *after = event_at(w, events, i + 2, n)->data.ptr;
    if (after) {
        __builtin_prefetch(after);
        __builtin_prefetch(after + CACHE_LINE);
    }
    if (next && next->approach)
        next->approach(next);
}

static void turn(struct worker *w)
{
    struct epoll_event events[WORKER_EVENTS];
    bool orders = false;
    int n = epoll_wait(w->media.epoll, events, WORKER_EVENTS, patience(w));
    if (n < 0 && errno != EINTR)
        log_error("worker", "cannot wait for media: %s", strerror(errno));
    w->media.now_us = clock_now_us();
    w->media.handshakes_left = WORKER_HANDSHAKES;
    w->media.turn += n > 0;
    for (int i = 0; i < n; i++) {
        const struct epoll_event *event = event_at(w, events, (unsigned)i, (unsigned)n);
        struct watch *watch = event->data.ptr;
        approach(w, events, (unsigned)i, (unsigned)n);
        if (watch)
            watch->ready(watch, event->events);
        else
            orders = true;
    }
    if (orders || n < 0)
        uv_run(&w->loop, UV_RUN_NOWAIT);
    deadlines_run(&w->media.deadlines, w->media.now_us);
    if (w->media.ring)
        ring_publish(w->media.ring);
    gather(w, n);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    (void)prctl(PR_SET_TIMERSLACK, WORKER_TIMER_SLACK_NS);
    w->media.now_us = clock_now_us();
    gather_init(&w->media.gather, w->media.cfg->agw.gather_us, w->media.now_us);
    uv_run(&w->loop, UV_RUN_NOWAIT); // libuv watches its descriptors only from here on
    while (!w->stop)
        turn(w);
    return NULL;
}

// --- life ---------------------------------------------------------------------------------------

static int watch_loop(struct worker *w)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    w->media.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (w->media.epoll < 0)
        return -errno;
    if (epoll_ctl(w->media.epoll, EPOLL_CTL_ADD, uv_backend_fd(&w->loop), &event) < 0)
        return -errno;
    return 0;
}

// Signals are the signalling thread's: the worker inherits a mask that blocks all.
static int start_thread(struct worker *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -rc;
}

// The thread has ended or never begun: its loop is ours.
static void destroy(struct worker *w)
{
    mailbox_close(w->orders);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    uv_loop_close(&w->loop);
    if (w->media.epoll >= 0)
        close(w->media.epoll);
    free(w);
}

int worker_open(struct worker **out, const struct config *cfg, const struct dtls_profile *profile,
                const struct tls_profile *tls_profile, struct mailbox *notes)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    w->media = (struct media){.cfg = cfg,
                              .profile = profile,
                              .tls_profile = tls_profile,
                              .epoll = -1,
                              .buffer = w->buffer,
                              .sealed = w->sealed,
                              .rooms = &w->rooms};
    outbox_init(&w->media.notes, notes, &w->media.deadlines);
    int rc = uv_loop_init(&w->loop);
    if (rc < 0) {
        free(w);
        return rc;
    }
    rc = mailbox_open(&w->orders, &w->loop, deliver, w);
    if (rc == 0)
        rc = watch_loop(w);
    if (rc == 0)
        rc = start_thread(w);
    if (rc < 0)
        destroy(w);
    else
        *out = w;
    return rc;
}

void worker_post(struct worker *w, struct order *order)
{
    mailbox_post(w->orders, &order->letter);
}

void worker_close(struct worker *w)
{
    if (!w)
        return;
    w->farewell.run = stop;
    worker_post(w, &w->farewell);
    pthread_join(w->thread, NULL);
    destroy(w);
}
