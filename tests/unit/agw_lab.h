// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UNIT_AGW_LAB_H
#define TESTS_UNIT_AGW_LAB_H
// An AGW with real workers on loopback, an ALG that writes down what it is told, and peers with
// sockets of their own. Whoever waits, waits for an event and gives up after WAIT_MS.

#include "agw/agw.h"
#include "agw/dtls.h"
#include "common/clock.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 20000
#define NOTES_MAX 4096
#define LAB_SYNC_STREAM AGW_STREAMS_MAX

struct lab {
    uv_loop_t loop;
    uv_timer_t alarm;
    bool late;
    struct config cfg;
    struct agw *agw;
    unsigned synced; // streams that came and went in lab_sync()
    unsigned count;  // notifications so far
    struct agw_notification notes[NOTES_MAX];
};

static inline struct addr lab_addr(const char *host)
{
    struct addr a;
    ck_assert_int_eq(addr_parse(&a, host, 0), 0);
    return a;
}

static inline void lab_notify(void *arg, const struct agw_notification *notification)
{
    struct lab *lab = arg;
    if (notification->stream == LAB_SYNC_STREAM) {
        lab->synced++;
        return;
    }
    ck_assert_uint_lt(lab->count, NOTES_MAX);
    lab->notes[lab->count++] = *notification;
}

// A loopback address of this process alone: whoever else is testing has other ports.
static inline struct addr lab_own_addr(void)
{
    char host[32];
    snprintf(host, sizeof host, "127.%d.%d.1", 1 + (getpid() >> 8 & 127), getpid() & 255);
    return lab_addr(host);
}

static inline void lab_realm(struct config_realm *realm, uint16_t port)
{
    realm->media_v4 = lab_own_addr();
    realm->media_v6 = lab_addr("::1");
    realm->port_min = port;
    realm->port_max = (uint16_t)(port + 199);
}

// What the tests do not care about; each may change it before lab_open().
static inline void lab_defaults(struct lab *lab)
{
    memset(lab, 0, sizeof *lab);
    // Below the ports that the kernel gives away, and apart for each process.
    uint16_t base = (uint16_t)(12000 + (getpid() % 40) * 400);
    lab_realm(&lab->cfg.access.realm, base);
    lab_realm(&lab->cfg.core.realm, (uint16_t)(base + 200));
    lab->cfg.sip.sessions_max = 100;
    lab->cfg.agw.workers = 2;
    lab->cfg.agw.certificates = CERTIFICATE_ECDSA;
    lab->cfg.agw.certificate_pool = 2;
    lab->cfg.agw.mtu = 1500;
    lab->cfg.agw.drop_oversize = true;
    lab->cfg.agw.handshake_timeout_ms = 10000;
    lab->cfg.agw.retransmit_ms = 1000;
    lab->cfg.agw.half_open_max = 64;
    lab->cfg.agw.rekey_hold_ms = 5000;
    lab->cfg.agw.gather_us = 500;
}

static inline void lab_open(struct lab *lab)
{
    char error[CONFIG_ERROR_MAX] = "";
    ck_assert_int_eq(uv_loop_init(&lab->loop), 0);
    ck_assert_int_eq(uv_timer_init(&lab->loop, &lab->alarm), 0);
    int rc = agw_open(&lab->agw, &lab->cfg, &lab->loop, lab_notify, lab, error);
    ck_assert_msg(rc == 0, "%s", error);
}

static inline void lab_close(struct lab *lab)
{
    agw_close(lab->agw);
    uv_close((uv_handle_t *)&lab->alarm, NULL);
    uv_run(&lab->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&lab->loop), 0);
}

static inline void lab_alarm(uv_timer_t *timer)
{
    struct lab *lab = (struct lab *)((char *)timer - offsetof(struct lab, alarm));
    lab->late = true;
}

static inline struct agw_notification *lab_find(struct lab *lab, unsigned from, uint32_t context,
                                                enum agw_event event)
{
    for (unsigned i = from; i < lab->count; i++)
        if (lab->notes[i].context == context && lab->notes[i].event == event)
            return &lab->notes[i];
    return NULL;
}

// The first such notification at or after the from-th; waits for it.
static inline struct agw_notification *lab_expect_from(struct lab *lab, unsigned from,
                                                       uint32_t context, enum agw_event event)
{
    struct agw_notification *found;
    lab->late = false;
    uv_update_time(&lab->loop); // the test may have been busy for long
    uv_timer_start(&lab->alarm, lab_alarm, WAIT_MS, 0);
    while (!(found = lab_find(lab, from, context, event))) {
        ck_assert_msg(!lab->late, "context %u: event %d does not come", context, event);
        uv_run(&lab->loop, UV_RUN_ONCE);
    }
    uv_timer_stop(&lab->alarm);
    return found;
}

static inline struct agw_notification *lab_expect(struct lab *lab, uint32_t context,
                                                  enum agw_event event)
{
    return lab_expect_from(lab, 0, context, event);
}

// A drop of this kind is told.
static inline struct agw_notification *lab_expect_drop(struct lab *lab, uint32_t context,
                                                       enum reason reason)
{
    struct agw_notification *n = lab_expect(lab, context, AGW_DROPPED);
    while (n->reason != reason)
        n = lab_expect_from(lab, (unsigned)(n - lab->notes) + 1, context, AGW_DROPPED);
    return n;
}

// The total of a reason comes to this or more, for what nobody is told of.
static inline void lab_expect_total(struct lab *lab, enum reason reason, uint64_t total)
{
    uint64_t end = clock_now_us() + WAIT_MS * 1000ull;
    while (reason_total(reason) < total) {
        ck_assert_msg(clock_now_us() < end, "%s is not counted", reason_name(reason));
        uv_run(&lab->loop, UV_RUN_NOWAIT);
    }
}

static inline unsigned lab_told(const struct lab *lab, uint32_t context, enum agw_event event)
{
    unsigned n = 0;
    for (unsigned i = 0; i < lab->count; i++)
        n += lab->notes[i].context == context && lab->notes[i].event == event;
    return n;
}

// Releases the context and waits until its last stream is gone. Returns the last word.
static inline struct agw_notification *lab_release(struct lab *lab, uint32_t context)
{
    unsigned from = lab->count;
    agw_release(lab->agw, context, 0);
    return lab_expect_from(lab, from, context, AGW_STREAM_RELEASED);
}

static inline struct agw_request request_for(enum agw_termination termination, uint32_t context)
{
    return (struct agw_request){
        .context = context, .termination = termination, .stream = 1, .family = AF_INET};
}

// Waits until the worker has done what was ordered for the context: orders keep their order, so a
// stream that comes and goes is the proof.
static inline void lab_sync(struct lab *lab, uint32_t context)
{
    struct agw_reply reply;
    struct agw_request r = request_for(AGW_T2, context);
    unsigned before = lab->synced;
    r.stream = LAB_SYNC_STREAM;
    ck_assert_int_eq(agw_reserve(lab->agw, &r, &reply), REASON_NONE);
    agw_release(lab->agw, context, r.stream);
    while (lab->synced == before)
        uv_run(&lab->loop, UV_RUN_ONCE);
}

// --- peers --------------------------------------------------------------------------------------

struct peer {
    int fd;
    struct addr addr;
    struct addr agw; // where it sends to
};

static inline struct peer peer_open_at(const char *host, const struct addr *agw)
{
    struct peer p = {.addr = lab_addr(host)};
    p.fd = socket(addr_family(&p.addr), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(p.fd, 0);
    ck_assert_int_eq(bind(p.fd, &p.addr.sa, p.addr.len), 0);
    ck_assert_int_eq(getsockname(p.fd, &p.addr.sa, &p.addr.len), 0);
    if (agw)
        p.agw = *agw;
    return p;
}

static inline struct peer peer_open(const struct addr *agw)
{
    return peer_open_at("127.0.0.1", agw);
}

static inline void peer_close(struct peer *p)
{
    close(p->fd);
}

static inline void peer_send_bytes(const struct peer *p, const void *data, size_t len)
{
    ssize_t n = sendto(p->fd, data, len, 0, &p->agw.sa, p->agw.len);
    ck_assert_int_eq(n, (ssize_t)len);
}

static inline void peer_send(const struct peer *p, const char *text)
{
    peer_send_bytes(p, text, strlen(text));
}

// The next datagram, waiting for at most ms; -1 when none came.
static inline ssize_t peer_receive(const struct peer *p, void *buf, size_t size, int ms)
{
    struct pollfd wait = {.fd = p->fd, .events = POLLIN};
    if (poll(&wait, 1, ms) <= 0)
        return -1;
    return recv(p->fd, buf, size, 0);
}

#define peer_expect(p, text) peer_expect_at((p), (text), __LINE__)
static inline void peer_expect_at(const struct peer *p, const char *text, int line)
{
    char buf[65536];
    ssize_t n = peer_receive(p, buf, sizeof buf - 1, WAIT_MS);
    ck_assert_msg(n >= 0, "line %d: \"%s\" does not arrive", line, text);
    buf[n] = '\0';
    ck_assert_msg(strcmp(buf, text) == 0, "line %d: \"%s\" arrives in place of \"%s\"", line, buf,
                  text);
}

// Nothing is there. To be used only when what could have come would have come.
static inline void peer_expect_nothing(const struct peer *p)
{
    char buf[16];
    ck_assert_int_eq(recv(p->fd, buf, sizeof buf, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
}

#endif
