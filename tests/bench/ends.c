// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: sockets are opened, connected to the target, hands are shaken, datagrams go in at one
// end of a session and are counted at the other. A paced load sleeps between ticks, as a network
// card gathers interrupts; an unpaced one keeps a window of datagrams under way and never sleeps.
//
// Failure paths: what has not arrived after LOST_MS of silence is lost; a flight without an answer
// is repeated as GnuTLS sees fit; a handshake that is not done after HANDSHAKE_MS is not waited
// for.

#include "tests/bench/ends.h"

#include <errno.h>
#include <gnutls/dtls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EVENTS 256
#define SOCKET_BUFFER (1 << 20)
#define TICK_NS 50000
#define BURST_MAX 128u
#define LOST_MS 1000
#define REPEAT_MS 100
#define HANDSHAKE_MS 20000
#define HANDSHAKES_AT_ONCE 8u
#define NS_PER_MS 1000000ull

struct end {
    int fd;
    gnutls_session_t session; // NULL: plain
    bool up;
    bool failed; // the handshake did, and the reason was said
};

struct session {
    struct end end[2]; // UE, core
    uint64_t number;   // of the next fax packet
};

struct ends {
    struct session *list;
    unsigned count;
    int set; // epoll over all sockets
    struct ends_packets packets;
};

static size_t make_fax(void *arg, unsigned session, bool down, uint8_t *data);
static bool is_intact_fax(void *arg, bool down, const uint8_t *data, size_t len);

// --- life ---------------------------------------------------------------------------------------

static int open_socket(const struct sockaddr_in *local)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int size = SOCKET_BUFFER;
    char text[INET_ADDRSTRLEN];
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (bind(fd, (const struct sockaddr *)local, sizeof(*local)) == 0)
        return fd;
    fprintf(stderr, "bench: %s:%u: %s\n", inet_ntop(AF_INET, &local->sin_addr, text, sizeof(text)),
            ntohs(local->sin_port), strerror(errno));
    close(fd);
    return -1;
}

static gnutls_session_t open_session(int fd, const struct identity *identity)
{
    gnutls_session_t session;
    if (gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_DATAGRAM | GNUTLS_NONBLOCK |
                                  GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL) < 0)
        return NULL;
    gnutls_priority_set_direct(session, IDENTITY_PRIORITY, NULL);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, identity->credentials);
    gnutls_transport_set_int(session, fd);
    gnutls_dtls_set_mtu(session, 1400);
    return session;
}

static bool open_end(struct ends *ends, unsigned i, bool core, const struct sockaddr_in *local,
                     const struct identity *identity)
{
    struct end *end = &ends->list[i].end[core];
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 2 * i + core};
    end->fd = open_socket(local);
    if (end->fd < 0 || epoll_ctl(ends->set, EPOLL_CTL_ADD, end->fd, &event) < 0)
        return false;
    if (identity && !core) {
        end->session = open_session(end->fd, identity);
        return end->session != NULL;
    }
    end->up = true;
    return true;
}

struct ends *ends_open(unsigned target, uint16_t base, unsigned count,
                       const struct identity *identity)
{
    struct ends *ends = calloc(1, sizeof(*ends));
    if (!ends)
        return NULL;
    ends->set = epoll_create1(EPOLL_CLOEXEC);
    ends->packets = (struct ends_packets){make_fax, is_intact_fax, ends};
    ends->list = calloc(count, sizeof(*ends->list));
    for (unsigned i = 0; ends->list && i < count; i++, ends->count++) {
        struct sockaddr_in ue = bench_address(target, HOST_UE, (uint16_t)(base + i));
        struct sockaddr_in far = bench_address(target, HOST_FAR, (uint16_t)(base + i));
        if (open_end(ends, i, false, &ue, identity) && open_end(ends, i, true, &far, NULL))
            continue;
        ends_close(ends);
        return NULL;
    }
    // Sleeps between ticks end when asked for.
    prctl(PR_SET_TIMERSLACK, 1000ul);
    return ends;
}

void ends_close(struct ends *ends)
{
    if (!ends)
        return;
    for (unsigned i = 0; i < 2 * ends->count; i++) {
        struct end *end = &ends->list[i / 2].end[i & 1];
        if (end->session)
            gnutls_deinit(end->session);
        close(end->fd);
    }
    close(ends->set);
    free(ends->list);
    free(ends);
}

int ends_connect(struct ends *ends, unsigned i, const struct ends_route *route)
{
    const struct end *end = ends->list[i].end;
    if (connect(end[0].fd, (const struct sockaddr *)&route->access, sizeof(route->access)) < 0 ||
        connect(end[1].fd, (const struct sockaddr *)&route->core, sizeof(route->core)) < 0)
        return -errno;
    return 0;
}

static struct end *end_of(struct ends *ends, uint32_t number)
{
    return &ends->list[number / 2].end[number & 1];
}

static ssize_t receive(struct end *end, uint8_t *data, size_t size)
{
    return end->session ? gnutls_record_recv(end->session, data, size)
                        : recv(end->fd, data, size, 0);
}

// --- handshakes ---------------------------------------------------------------------------------

// Goes on with a handshake. True when that completed it.
static bool shake(struct end *end)
{
    if (end->up || end->failed)
        return false;
    int rc = gnutls_handshake(end->session);
    end->up = rc == 0;
    end->failed = gnutls_error_is_fatal(rc);
    if (end->failed)
        fprintf(stderr, "bench: handshake: %s\n", gnutls_strerror(rc));
    return end->up;
}

// Lets every handshake that has something to read go on. Returns how many were completed.
static unsigned advance(struct ends *ends)
{
    struct epoll_event events[EVENTS];
    unsigned done = 0;
    int n = epoll_wait(ends->set, events, EVENTS, 1);
    for (int i = 0; i < n; i++) {
        struct end *end = end_of(ends, events[i].data.u32);
        uint8_t data[ENDS_PACKET_MAX];
        if (end->up || end->failed)
            (void)recv(end->fd, data, sizeof(data), 0);
        else
            done += shake(end);
    }
    return done;
}

// Gives GnuTLS the occasion to repeat what was lost. Returns how many were completed.
static unsigned repeat(struct ends *ends, unsigned first, unsigned count)
{
    unsigned done = 0;
    for (unsigned i = first; i < first + count; i++)
        done += shake(&ends->list[i].end[0]);
    return done;
}

unsigned ends_shake_hands(struct ends *ends, unsigned first, unsigned count)
{
    uint64_t now = bench_ns(CLOCK_MONOTONIC);
    uint64_t end = now + HANDSHAKE_MS * NS_PER_MS, next_repeat = now;
    unsigned started = 0, done = 0;
    while (done < count && now < end) {
        while (started < count && started - done < HANDSHAKES_AT_ONCE)
            done += shake(&ends->list[first + started++].end[0]);
        done += advance(ends);
        now = bench_ns(CLOCK_MONOTONIC);
        if (now < next_repeat)
            continue;
        done += repeat(ends, first, started);
        next_repeat = now + REPEAT_MS * NS_PER_MS;
    }
    return done;
}

// --- loads --------------------------------------------------------------------------------------

struct run {
    struct ends *ends;
    const struct ends_load *load;
    uint64_t want, sent, arrived, lost, damaged;
    uint64_t begun_ns;        // what was due before has been sent
    uint64_t last_arrival_ns; // or the beginning
};

// A UDPTL packet to look at: sequence number, one IFP; and what shows damage.
static size_t make_fax(void *arg, unsigned session, bool down, uint8_t *data)
{
    struct session *s = &((struct ends *)arg)->list[session];
    memset(data, 0x55, BENCH_PAYLOAD);
    data[0] = (uint8_t)(s->number >> 8);
    data[1] = (uint8_t)s->number++;
    data[2] = 100;
    return BENCH_PAYLOAD;
}

static bool is_intact_fax(void *arg, bool down, const uint8_t *data, size_t len)
{
    return len == BENCH_PAYLOAD && data[2] == 100 && data[len - 1] == 0x55;
}

void ends_use_packets(struct ends *ends, const struct ends_packets *packets)
{
    ends->packets = *packets;
}

static bool send_one(struct run *run)
{
    uint8_t data[ENDS_PACKET_MAX];
    const struct ends_load *load = run->load;
    unsigned session = (unsigned)(run->sent % load->sessions);
    uint64_t round = run->sent / load->sessions;
    bool down = load->direction == ENDS_DOWN || (load->direction == ENDS_BOTH && (round & 1));
    struct end *end = &run->ends->list[session].end[down];
    const struct ends_packets *packets = &run->ends->packets;
    size_t len = packets->make(packets->arg, session, down, data);
    ssize_t n =
        end->session ? gnutls_record_send(end->session, data, len) : send(end->fd, data, len, 0);
    if (n != (ssize_t)len)
        return false;
    run->sent++;
    return true;
}

// How many datagrams a paced load is to send now. One that was held up does not catch up: the
// target would see bursts that nobody asked for.
static uint64_t due_now(struct run *run, uint64_t now)
{
    uint64_t interval_ns = 1000000000u / ((uint64_t)run->load->pps * run->load->sessions);
    uint64_t due = (now - run->begun_ns) / interval_ns;
    if (due > BURST_MAX) {
        due = BURST_MAX;
        run->begun_ns = now;
    } else {
        run->begun_ns += due * interval_ns;
    }
    return due;
}

static uint64_t room(struct run *run, uint64_t now)
{
    uint64_t left = run->want - run->sent;
    uint64_t under_way = run->sent - run->arrived - run->lost, due = 0;
    if (run->load->pps > 0)
        due = due_now(run, now);
    else if (under_way < run->load->window)
        due = run->load->window - under_way;
    due = due < left ? due : left;
    return due < BURST_MAX ? due : BURST_MAX;
}

// Takes what has arrived anywhere. Returns how many datagrams, and adds those that are not as they
// were sent to *damaged.
static unsigned receive_all(struct ends *ends, uint64_t *damaged)
{
    struct epoll_event events[EVENTS];
    uint8_t data[ENDS_PACKET_MAX];
    unsigned count = 0;
    int n = epoll_wait(ends->set, events, EVENTS, 0);
    for (int i = 0; i < n; i++) {
        struct end *end = end_of(ends, events[i].data.u32);
        ssize_t len;
        while ((len = receive(end, data, sizeof(data))) > 0) {
            count++;
            *damaged += !ends->packets.is_intact(ends->packets.arg, !(events[i].data.u32 & 1), data,
                                                 (size_t)len);
        }
    }
    return count;
}

static void take_arrivals(struct run *run)
{
    unsigned count = receive_all(run->ends, &run->damaged);
    if (count == 0)
        return;
    run->last_arrival_ns = bench_ns(CLOCK_MONOTONIC);
    run->arrived += count;
    if (run->arrived + run->lost > run->sent) // it was only late
        run->lost = run->sent - run->arrived;
}

static void write_off(struct run *run)
{
    uint64_t under_way = run->sent - run->arrived - run->lost;
    uint64_t now = bench_ns(CLOCK_MONOTONIC);
    if (under_way == 0 || now - run->last_arrival_ns < LOST_MS * NS_PER_MS)
        return;
    run->lost += under_way;
    run->last_arrival_ns = now;
}

static void sleep_until_tick(uint64_t now)
{
    uint64_t spent = bench_ns(CLOCK_MONOTONIC) - now;
    struct timespec pause = {.tv_nsec = (long)(TICK_NS - spent)};
    if (spent < TICK_NS)
        nanosleep(&pause, NULL);
}

// Until `want` datagrams have been sent and have arrived or are lost.
static void run_until(struct run *run, uint64_t want)
{
    run->want = want;
    while (run->arrived + run->lost < want) {
        uint64_t now = bench_ns(CLOCK_MONOTONIC);
        uint64_t due = room(run, now);
        while (due > 0 && send_one(run))
            due--;
        take_arrivals(run);
        write_off(run);
        if (run->load->pps > 0)
            sleep_until_tick(now);
    }
}

struct ends_result ends_run(struct ends *ends, const struct ends_load *load,
                            const struct child *target)
{
    uint64_t warm_up = load->count / 10;
    while (receive_all(ends, &(uint64_t){0}) > 0) // what an earlier load left behind
        ;
    struct run run = {.ends = ends, .load = load};
    run.begun_ns = run.last_arrival_ns = bench_ns(CLOCK_MONOTONIC);
    run_until(&run, warm_up);
    uint64_t arrived = run.arrived, cpu = child_cpu_ns(target);
    uint64_t from = bench_ns(CLOCK_MONOTONIC);
    run_until(&run, warm_up + load->count);
    uint64_t taken = bench_ns(CLOCK_MONOTONIC) - from;
    return (struct ends_result){.cpu_ns = child_cpu_ns(target) - cpu,
                                .arrived = run.arrived - arrived,
                                .lost = run.lost,
                                .damaged = run.damaged,
                                .arrived_ps =
                                    (double)(run.arrived - arrived) * 1e9 / (double)taken};
}
