// SPDX-License-Identifier: GPL-3.0-or-later
// The datagram path of a stream under hostile datagrams and an ALG in a hurry. The input is a list
// of steps: datagrams from the UE, a stranger or the core, orders of the ALG, time, and steps of a
// real UE that shakes hands properly, so that what follows meets an established association.
//
// No thread and no waiting: datagrams are handed to the point as if they had been received; what
// the AGW sends goes through real sockets, since the kernel costs less than a second way to send.

#include "agw/stream.h"
#include "common/clock.h"
#include "common/log.h"
#include "tests/fuzz/fuzz.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// Steps: what the low bits of the first byte say; the next byte is an argument.
enum step {
    STEP_UE_DATAGRAM,
    STEP_STRANGER_DATAGRAM,
    STEP_CORE_DATAGRAM,
    STEP_UE_CONNECTS,
    STEP_UE_LISTENS,
    STEP_UE_SENDS,
    STEP_UE_MANGLED, // the last real datagram of the UE with bytes changed
    STEP_CONFIGURE,
    STEP_TIME,
    STEPS
};

enum { UE, STRANGER, CORE, PEERS };

struct cursor {
    const uint8_t *at;
    size_t left;
};

// Made once: what costs more than a run.
static struct config cfg;
static struct dtls_profile *profile;
static struct certificate *ue_certificate;
static uv_loop_t loop;
static struct mailbox *notes;
static struct note farewell;

// One run.
static struct media media;
static struct stream *stream;
static int peer_fd[PEERS];
static struct addr peer_addr[PEERS];
static struct dtls *ue;
static bool ue_mute;
static struct fingerprints agw_fingerprints;
static uint8_t last[2048];
static size_t last_len;

static void deliver(void *arg, struct letter *letter)
{
    if (letter != &farewell.letter)
        free(letter);
}

static void prepare(void)
{
    static uint8_t buffer[MEDIA_DATAGRAM_MAX];
    log_set_level(LOG_ERROR);
    cfg.agw.certificates = CERTIFICATE_ECDSA;
    cfg.agw.mtu = 1500;
    cfg.agw.drop_oversize = true;
    cfg.agw.handshake_timeout_ms = 2000;
    cfg.agw.retransmit_ms = 500;
    cfg.agw.half_open_max = 8;
    cfg.agw.rekey_hold_ms = 1000;
    media.buffer = buffer;
    ue_certificate = certificate_create(CERTIFICATE_ECDSA);
    if (!ue_certificate || dtls_profile_open(&profile, &cfg) < 0 || uv_loop_init(&loop) < 0 ||
        mailbox_open(&notes, &loop, deliver, NULL) < 0)
        abort();
}

static int bound_socket(struct addr *out)
{
    struct addr a;
    addr_parse(&a, "127.0.0.1", 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, &a.sa, a.len) < 0 || getsockname(fd, &a.sa, &a.len) < 0)
        abort();
    *out = a;
    return fd;
}

// --- the UE -------------------------------------------------------------------------------------

static void ue_transmit(void *arg, const void *datagram, size_t len)
{
    if (ue_mute)
        return;
    last_len = len < sizeof last ? len : sizeof last;
    memcpy(last, datagram, last_len);
    memcpy(media.buffer, datagram, len); // as received: nobody may write beyond
    point_datagram(&stream->point[AGW_T1][0], &peer_addr[UE], media.buffer, len);
}

static void ue_deliver(void *arg, const void *data, size_t len)
{
}

static const struct dtls_sink ue_sink = {ue_transmit, ue_deliver, NULL};

// A restarted UE forgets its old association without a word.
static void ue_connect(bool restarted)
{
    ue_mute = restarted;
    dtls_close(ue);
    ue_mute = false;
    ue = dtls_open_client(profile, ue_certificate, &agw_fingerprints, ue_sink, media.now_us);
}

static void ue_listen(void)
{
    uint8_t datagram[4096];
    ssize_t n;
    for (int i = 0; i < 16 && (n = recv(peer_fd[UE], datagram, sizeof datagram, 0)) > 0; i++)
        if (ue)
            dtls_receive(ue, datagram, (size_t)n, media.now_us);
}

// --- steps --------------------------------------------------------------------------------------

static uint8_t next_byte(struct cursor *c)
{
    if (c->left == 0)
        return 0;
    c->left--;
    return *c->at++;
}

static void feed(struct cursor *c, struct point *point, const struct addr *source)
{
    size_t len = next_byte(c);
    len = len < c->left ? len : c->left;
    // A buffer of its own, so that a read beyond the end is seen.
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        return;
    memcpy(copy, c->at, len);
    c->at += len;
    c->left -= len;
    point_datagram(point, source, copy, len);
    free(copy);
}

static void mangled(struct cursor *c)
{
    uint8_t where = next_byte(c), mask = next_byte(c);
    if (last_len == 0)
        return;
    last[where % last_len] ^= mask;
    point_datagram(&stream->point[AGW_T1][0], &peer_addr[mask & 1 ? UE : STRANGER], last, last_len);
}

static void configure(uint8_t what)
{
    struct agw_request r = {.termination = what & 1 ? AGW_T2 : AGW_T1,
                            .stream = 1,
                            .family = AF_INET,
                            .mode = (enum agw_mode)(what >> 1 & 3)};
    if (what & 8)
        r.remote = peer_addr[r.termination == AGW_T2 ? CORE : UE];
    r.relatch = what & 16;
    if (r.termination == AGW_T1 && (what & 32)) {
        r.remote_fingerprints = *certificate_fingerprints(ue_certificate);
        r.remote_fingerprints.list[0].value[0] ^= (what & 128) != 0;
    }
    r.new_association = r.termination == AGW_T1 && (what & 64);
    r.establish_dtls = r.new_association && (what & 16);
    r.notify_dtls_failure = r.termination == AGW_T1;
    stream_configure(stream, &r);
}

static void run_step(struct cursor *c)
{
    uint8_t step = next_byte(c);
    switch (step % STEPS) {
    case STEP_UE_DATAGRAM:
        feed(c, &stream->point[AGW_T1][0], &peer_addr[UE]);
        break;
    case STEP_STRANGER_DATAGRAM:
        feed(c, &stream->point[step & 16 ? AGW_T1 : AGW_T2][0], &peer_addr[STRANGER]);
        break;
    case STEP_CORE_DATAGRAM:
        feed(c, &stream->point[AGW_T2][0], &peer_addr[CORE]);
        break;
    case STEP_UE_CONNECTS:
        ue_connect(step & 16);
        break;
    case STEP_UE_LISTENS:
        ue_listen();
        break;
    case STEP_UE_SENDS:
        if (ue)
            dtls_send(ue, "fax", 3);
        break;
    case STEP_UE_MANGLED:
        mangled(c);
        break;
    case STEP_CONFIGURE:
        configure(next_byte(c));
        break;
    case STEP_TIME:
        media.now_us += (uint64_t)next_byte(c) * 20000;
        deadlines_run(&media.deadlines, media.now_us);
        break;
    default:
        break;
    }
}

// --- a run --------------------------------------------------------------------------------------

static void reserve(enum agw_termination termination, enum latching latching)
{
    struct addr local;
    int fd[2] = {bound_socket(&local), -1};
    struct agw_request r = {.termination = termination, .stream = 1, .family = AF_INET};
    r.latching = latching;
    struct certificate *certificate =
        termination == AGW_T1 ? certificate_create(CERTIFICATE_ECDSA) : NULL;
    if (certificate)
        agw_fingerprints = *certificate_fingerprints(certificate);
    stream_reserve(stream, &media, &r, fd, certificate);
}

static void begin(uint8_t latching)
{
    uint8_t *buffer = media.buffer;
    media = (struct media){.cfg = &cfg,
                           .profile = profile,
                           .epoll = epoll_create1(0),
                           .buffer = buffer,
                           .now_us = 1000000,
                           .handshakes_left = 1000};
    outbox_init(&media.notes, notes, &media.deadlines);
    for (int i = 0; i < PEERS; i++)
        peer_fd[i] = bound_socket(&peer_addr[i]);
    stream = stream_create(1, 1, NULL);
    if (!stream)
        abort();
    reserve(AGW_T1, (enum latching)(latching % 3));
    reserve(AGW_T2, LATCHING_OFF);
}

static void end(void)
{
    dtls_close(ue);
    ue = NULL;
    last_len = 0;
    stream_release(stream, &media, &farewell);
    stream_free(stream);
    uv_run(&loop, UV_RUN_NOWAIT);
    for (int i = 0; i < PEERS; i++)
        close(peer_fd[i]);
    close(media.epoll);
    if (media.half_open != 0 || media.deadlines.first)
        abort(); // something of the stream is still there
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = {data, size};
    if (!profile)
        prepare();
    begin(next_byte(&c));
    while (c.left > 0)
        run_step(&c);
    end();
    return 0;
}
