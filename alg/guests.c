// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: accept() notes the descriptor and the kernel's number of its socket; a timer looks at
// each, asks the kernel how long it has been silent and the judge whether it may stay. A descriptor
// that has another socket by now, or none, is forgotten.
//
// Failure paths: a guest too many, or one that may not stay, is shut down both ways: the stack
// closes the descriptor, which is its own. Without memory a guest counts as one too many.
#include "alg/guests.h"

#include "alg/timer.h"
#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>

// Short beside anything that is waited for, and long beside what a look at each of them takes.
#define LOOK_MS 1000

struct entry {
    int fd;
    uint64_t cookie; // of the socket; never used again while the system runs
    uint64_t opened_ms;
};

struct guests {
    struct guests_setup setup;
    struct timer *timer; // NULL: nobody is there
    struct entry *entry;
    unsigned count, room;
};

static struct guests *host;

static void look(void *arg);

struct guests *guests_open(const struct guests_setup *setup)
{
    struct guests *guests = calloc(1, sizeof(*guests));
    if (!guests)
        return NULL;
    guests->setup = *setup;
    host = guests;
    return guests;
}

void guests_close(struct guests *guests)
{
    if (!guests)
        return;
    host = NULL;
    timer_cancel(guests->timer);
    free(guests->entry);
    free(guests);
}

static uint64_t cookie_of(int fd)
{
    uint64_t cookie = 0;
    socklen_t len = sizeof(cookie);
    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 ? cookie : 0;
}

static struct addr name_of(int fd, int (*ask)(int fd, struct sockaddr *sa, socklen_t *len))
{
    struct sockaddr_storage storage;
    socklen_t len = sizeof(storage);
    struct sockaddr *sa = (struct sockaddr *)&storage;
    return ask(fd, sa, &len) == 0 ? addr_from_sockaddr(sa, len) : (struct addr){.len = 0};
}

// --- one that comes ---------------------------------------------------------------------------

static bool make_room(struct guests *guests)
{
    unsigned room = guests->room ? 2 * guests->room : 16;
    if (guests->count == guests->setup.max)
        return false;
    if (guests->count < guests->room)
        return true;
    struct entry *more = realloc(guests->entry, room * sizeof(*more));
    if (!more)
        return false;
    guests->entry = more;
    guests->room = room;
    return true;
}

static void turn_away(int fd, enum reason reason)
{
    char remote[ADDR_STRLEN];
    struct addr addr = name_of(fd, getpeername);
    reason_count(reason);
    log_debug("guests", "connection from %s closed: %s", addr_format(&addr, remote),
              reason_text(reason));
    shutdown(fd, SHUT_RDWR);
}

static void welcome(struct guests *guests, int fd)
{
    if (!make_room(guests)) {
        turn_away(fd, REASON_CONNECTION_LIMIT);
        return;
    }
    guests->entry[guests->count++] =
        (struct entry){.fd = fd, .cookie = cookie_of(fd), .opened_ms = clock_now_us() / 1000};
    if (!guests->timer)
        guests->timer = timer_start(guests->setup.loop, LOOK_MS, look, guests);
}

__attribute__((visibility("default"))) int accept(int listener, struct sockaddr *sa, socklen_t *len)
{
    int fd = accept4(listener, sa, len, SOCK_CLOEXEC);
    if (fd >= 0 && host)
        welcome(host, fd);
    return fd;
}

// --- those that are there ---------------------------------------------------------------------

static bool read_guest(struct guest *guest, const struct entry *e)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);
    if (cookie_of(e->fd) != e->cookie || getsockopt(e->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return false;
    *guest = (struct guest){.local = name_of(e->fd, getsockname),
                            .remote = name_of(e->fd, getpeername),
                            .opened_ms = e->opened_ms,
                            .silent_ms = info.tcpi_last_data_recv,
                            .unsent_ms = info.tcpi_last_data_sent,
                            .ended = info.tcpi_state != TCP_ESTABLISHED &&
                                     info.tcpi_state != TCP_CLOSE_WAIT};
    return true;
}

static void look(void *arg)
{
    struct guests *guests = arg;
    unsigned kept = 0;
    for (unsigned i = 0; i < guests->count; i++) {
        struct guest guest;
        struct entry e = guests->entry[i];
        if (!read_guest(&guest, &e))
            continue;
        enum reason reason = guests->setup.judge(guests->setup.arg, &guest);
        if (reason != REASON_NONE)
            turn_away(e.fd, reason);
        else
            guests->entry[kept++] = e;
    }
    guests->count = kept;
    guests->timer = kept ? timer_start(guests->setup.loop, LOOK_MS, look, guests) : NULL;
}
