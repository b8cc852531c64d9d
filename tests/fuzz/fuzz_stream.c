// SPDX-License-Identifier: GPL-3.0-or-later
// A stream over TCP under hostile peers and an ALG in a hurry. The input is a list of steps: bytes,
// connections and ends of the UE and of the core, orders of the ALG, time, and steps of a real UE
// that shakes hands properly, so that what follows meets an established session.
//
// No thread and no waiting: after each step the sockets that are ready get their turn, a bounded
// number of times.

#include "agw/relay.h"
#include "agw/stream.h"
#include "agw/tcp.h"
#include "common/log.h"
#include "tests/fuzz/fuzz.h"

#include <gnutls/gnutls.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum step {
    STEP_CONNECT,
    STEP_BYTES,
    STEP_END,  // FIN
    STEP_DROP, // RST
    STEP_READ,
    STEP_SHAKE, // the UE's handshake, one step
    STEP_SAY,   // data through the UE's TLS
    STEP_BYE,   // its close_notify
    STEP_CONFIGURE,
    STEP_TIME,
    STEPS
};

#define TURNS 4 // of the sockets, per step

struct cursor {
    const uint8_t *at;
    size_t left;
};

static const struct {
    enum agw_transport t1, t2;
} kinds[] = {{AGW_TCP_TLS, AGW_TCP},
             {AGW_TCP_TLS_MSRP, AGW_TCP_MSRP},
             {AGW_TCP_MSRP, AGW_TCP_MSRP},
             {AGW_TCP, AGW_TCP}};

// Made once: what costs more than a run.
static struct config cfg;
static struct tls_profile *profile;
static struct certificate *certificate;
static struct relay_rooms rooms;
static uv_loop_t loop;
static struct mailbox *notes;
static struct note farewell;

// One run.
static struct media media;
static struct stream *stream;
static struct addr local[2];     // the AGW's connection points
static struct addr listening[2]; // the peers', for a client AGW
static int listener[2], peer[2];
static gnutls_session_t tls;
static bool secured, aware;

static void must(bool so)
{
    if (!so)
        abort();
}

static void deliver(void *arg, struct letter *letter)
{
    if (letter != &farewell.letter)
        free(letter);
}

static void prepare(void)
{
    log_set_level(LOG_ERROR);
    config_defaults(&cfg);
    certificate = certificate_create(CERTIFICATE_ECDSA);
    must(certificate && tls_profile_open(&profile, &cfg) == 0 && uv_loop_init(&loop) == 0 &&
         mailbox_open(&notes, &loop, deliver, NULL) == 0);
}

static uint8_t next_byte(struct cursor *c)
{
    if (c->left == 0)
        return 0;
    c->left--;
    return *c->at++;
}

static int bound_socket(struct addr *at)
{
    addr_parse(at, "127.0.0.1", 0);
    int fd = tcp_open(at);
    must(fd >= 0 && getsockname(fd, &at->sa, &at->len) == 0);
    return fd;
}

// --- peers --------------------------------------------------------------------------------------

static void drop(int t)
{
    if (t == AGW_T1 && tls) {
        gnutls_deinit(tls);
        tls = NULL;
    }
    if (peer[t] >= 0)
        tcp_abort(peer[t]); // no TIME-WAIT, or ports would run out
    peer[t] = -1;
}

static void connect_peer(int t, bool from_elsewhere)
{
    struct addr from;
    drop(t);
    peer[t] = tcp_accept(listener[t], &from); // the AGW may have connected
    if (peer[t] >= 0)
        return;
    addr_parse(&from, from_elsewhere ? "127.0.0.2" : "127.0.0.1", 0);
    peer[t] = tcp_open(&from);
    if (peer[t] >= 0)
        (void)tcp_connect(peer[t], &local[t]);
}

static void send_bytes(struct cursor *c, int t)
{
    size_t len = next_byte(c);
    len = len < c->left ? len : c->left;
    if (peer[t] >= 0)
        (void)!send(peer[t], c->at, len, MSG_NOSIGNAL);
    c->at += len;
    c->left -= len;
}

static void read_all(int t)
{
    static uint8_t buffer[65536];
    while (peer[t] >= 0 && recv(peer[t], buffer, sizeof buffer, 0) > 0)
        ;
}

static void shake(bool server)
{
    if (peer[AGW_T1] < 0)
        return;
    if (!tls) {
        must(gnutls_init(&tls, (server ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_NONBLOCK |
                                   GNUTLS_NO_SIGNAL) == 0);
        gnutls_set_default_priority(tls);
        gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, certificate_credentials(certificate));
        gnutls_transport_set_int(tls, peer[AGW_T1]);
    }
    (void)gnutls_handshake(tls);
}

// --- the ALG ------------------------------------------------------------------------------------

static struct agw_request request_for(int t, uint8_t what)
{
    struct agw_request r = {.termination = (enum agw_termination)t,
                            .stream = 1,
                            .family = AF_INET,
                            .tcp_setup = (enum agw_tcp_setup)(what & 3),
                            .tcp_trigger = what & 4,
                            .establish_tcp = (what & 8) && (what & 3) == AGW_TCP_CLIENT,
                            .notify_tcp_failure = true,
                            .notify_dtls_failure = t == AGW_T1};
    if (what & 16)
        r.remote = listening[t];
    if (aware && (what & 32)) {
        r.msrp_local = t == AGW_T1 ? "msrps://$/c;tcp" : "msrp://$:9/u;tcp";
        r.msrp_remote = t == AGW_T1 ? "msrps://u:1/u;tcp" : "msrp://c:2/c;tcp";
    }
    return r;
}

static void add_tls(struct agw_request *r, uint8_t what)
{
    if (!secured || r->termination != AGW_T1 || !(what & 1))
        return;
    r->remote_fingerprints = *certificate_fingerprints(certificate);
    r->remote_fingerprints.list[0].value[0] ^= (what & 14) == 14;
    r->establish_dtls = what & 16;
    r->role_guard_ms = what & 32 ? 10 : 0;
}

static void configure(struct cursor *c)
{
    uint8_t what = next_byte(c), more = next_byte(c);
    struct agw_request r = request_for(what >> 7, what);
    add_tls(&r, more);
    r.new_connection = more & 64;
    stream_configure(stream, &r);
}

static void reserve(int t, uint8_t what, uint8_t kind)
{
    struct agw_request r = request_for(t, what);
    int fd[2] = {bound_socket(&local[t]), -1};
    r.transport = t == AGW_T1 ? kinds[kind & 3].t1 : kinds[kind & 3].t2;
    r.latching = kind & 4 ? LATCHING_AFTER_DTLS : LATCHING_OFF;
    add_tls(&r, what);
    stream_reserve(stream, &media, &r, fd,
                   t == AGW_T1 && secured ? certificate_create(CERTIFICATE_ECDSA) : NULL);
}

// --- a run --------------------------------------------------------------------------------------

static void turn(void)
{
    struct epoll_event events[8];
    for (int i = 0; i < TURNS; i++) {
        int n = epoll_wait(media.epoll, events, 8, 0);
        media.handshakes_left = 4;
        for (int k = 0; k < n; k++) {
            struct watch *watch = events[k].data.ptr;
            watch->ready(watch, events[k].events);
        }
    }
}

static void run_step(struct cursor *c)
{
    uint8_t step = next_byte(c);
    int t = step & 128 ? AGW_T2 : AGW_T1;
    switch ((step & 127) % STEPS) {
    case STEP_CONNECT:
        connect_peer(t, step & 64);
        break;
    case STEP_BYTES:
        send_bytes(c, t);
        break;
    case STEP_END:
        if (peer[t] >= 0)
            (void)shutdown(peer[t], SHUT_WR);
        break;
    case STEP_DROP:
        drop(t);
        break;
    case STEP_READ:
        read_all(t);
        break;
    case STEP_SHAKE:
        shake(step & 64);
        break;
    case STEP_SAY:
        if (tls)
            (void)gnutls_record_send(tls, c->at, c->left < 64 ? c->left : 64);
        break;
    case STEP_BYE:
        if (tls)
            (void)gnutls_bye(tls, GNUTLS_SHUT_WR);
        break;
    case STEP_CONFIGURE:
        configure(c);
        break;
    case STEP_TIME:
        media.now_us += (uint64_t)next_byte(c) * 100000;
        deadlines_run(&media.deadlines, media.now_us);
        break;
    default:
        break;
    }
    turn();
}

static void begin(struct cursor *c)
{
    uint8_t kind = next_byte(c);
    secured = agw_transport_is_secured(kinds[kind & 3].t1);
    aware = (kind & 3) == 1 || (kind & 3) == 2;
    media = (struct media){.cfg = &cfg,
                           .tls_profile = profile,
                           .epoll = epoll_create1(0),
                           .rooms = &rooms,
                           .now_us = 1000000};
    outbox_init(&media.notes, notes, &media.deadlines);
    for (int t = AGW_T1; t <= AGW_T2; t++) {
        listener[t] = bound_socket(&listening[t]);
        must(tcp_listen(listener[t]) == 0);
        peer[t] = -1;
    }
    stream = stream_create(1, 1, NULL);
    must(stream != NULL);
    reserve(AGW_T1, next_byte(c), kind);
    reserve(AGW_T2, next_byte(c), kind);
}

static void end(void)
{
    drop(AGW_T1);
    drop(AGW_T2);
    turn();
    stream_release(stream, &media, &farewell);
    stream_free(stream);
    deadlines_run(&media.deadlines, UINT64_MAX - 1); // notes on their way
    uv_run(&loop, UV_RUN_NOWAIT);
    for (int t = AGW_T1; t <= AGW_T2; t++)
        close(listener[t]);
    close(media.epoll);
    must(media.deadlines.first == NULL); // nothing of the stream is still there
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = {data, size};
    if (!profile)
        prepare();
    begin(&c);
    while (c.left > 0)
        run_step(&c);
    end();
    return 0;
}
