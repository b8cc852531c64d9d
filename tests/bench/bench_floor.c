// SPDX-License-Identifier: GPL-3.0-or-later
// The floor: the least that kernel and TLS library cost. A relay without sessions, latching,
// statistics or policy, to measure the real one against.
//
//   bench_floor udp|dtls|srtp COUNT TARGET
//
// Session i joins a socket towards the UE and one towards the core (bench.h says where they are);
// udp: both plain; dtls: a DTLS server towards the UE, which must present a certificate, whose
// fingerprint is computed. One certificate for all. srtp: SRTP towards the UE, one key for all.
//
// Happy path: one epoll set, one recv() and one send() per event, connected sockets. Failure paths:
// a socket or GnuTLS that does not work at the start ends it with a message; datagrams that cannot
// be sent are forgotten.

#include "tests/bench/bench.h"
#include "tests/bench/identity.h"
#include "tests/bench/voice.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gnutls/dtls.h>

#define EVENTS 256
#define DATAGRAM_MAX 2048
#define RECEIVE_BUFFER (1 << 20)

enum secured { PLAIN, DTLS, SRTP };

struct leg {
    int fd;
    struct leg *other;
    gnutls_session_t session; // NULL: plain
    bool up;                  // handshake done
    struct voice_key *srtp;   // NULL: plain
};

static _Alignas(uint32_t) uint8_t buffer[DATAGRAM_MAX];
static struct identity identity;
static gnutls_priority_t priority;

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static int open_socket(const struct sockaddr_in *local, const struct sockaddr_in *peer)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int size = RECEIVE_BUFFER;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (bind(fd, (const struct sockaddr *)local, sizeof(*local)) < 0 ||
        connect(fd, (const struct sockaddr *)peer, sizeof(*peer)) < 0)
        die("bench_floor: socket");
    return fd;
}

static gnutls_session_t open_session(int fd)
{
    gnutls_session_t session;
    if (gnutls_init(&session, GNUTLS_SERVER | GNUTLS_DATAGRAM | GNUTLS_NONBLOCK |
                                  GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL) < 0)
        die("bench_floor: GnuTLS");
    gnutls_priority_set(session, priority);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, identity.credentials);
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    gnutls_transport_set_int(session, fd);
    gnutls_dtls_set_mtu(session, 1400);
    return session;
}

static struct voice_key *open_srtp(void)
{
    struct sdes_crypto key;
    const char *why;
    struct voice_key *srtp = NULL;
    if (sdes_parse(&key, BENCH_SRTP_KEY, strlen(BENCH_SRTP_KEY), &why) == 0)
        srtp = voice_key_open(&key);
    if (!srtp)
        die("bench_floor: libsrtp2");
    return srtp;
}

static void open_legs(struct leg *legs, unsigned count, unsigned target, enum secured secured)
{
    bool dtls = secured == DTLS;
    uint16_t base = dtls ? BENCH_PORT_DTLS : BENCH_PORT_UDP;
    for (unsigned i = 0; i < 2 * count; i++) {
        uint16_t port = (uint16_t)(base + i / 2);
        bool core = i & 1;
        struct sockaddr_in local = bench_address(target, core ? HOST_CORE : HOST_ACCESS, port);
        struct sockaddr_in peer = bench_address(target, core ? HOST_FAR : HOST_UE, port);
        legs[i].fd = open_socket(&local, &peer);
        legs[i].other = &legs[i ^ 1];
        if (dtls && !core)
            legs[i].session = open_session(legs[i].fd);
        if (secured == SRTP && !core)
            legs[i].srtp = open_srtp();
    }
}

static void shake_hands(struct leg *leg)
{
    unsigned char digest[32];
    size_t size = sizeof(digest);
    unsigned count;
    if (gnutls_handshake(leg->session) != 0)
        return;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(leg->session, &count);
    leg->up = chain && gnutls_fingerprint(GNUTLS_DIG_SHA256, chain, digest, &size) == 0;
}

static void relay(struct leg *leg)
{
    struct leg *to = leg->other;
    ssize_t n = leg->session ? gnutls_record_recv(leg->session, buffer, sizeof(buffer))
                             : recv(leg->fd, buffer, sizeof(buffer), 0);
    size_t len = (size_t)n;
    if (n <= 0 || (leg->srtp && !voice_key_open_packet(leg->srtp, buffer, &len)) ||
        (to->srtp && !voice_key_seal(to->srtp, buffer, &len)))
        return;
    if (!to->session)
        (void)!send(to->fd, buffer, len, 0);
    else if (to->up)
        (void)gnutls_record_send(to->session, buffer, len);
}

static _Noreturn void serve(struct leg *legs, unsigned count)
{
    struct epoll_event events[EVENTS];
    int set = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < 2 * count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &legs[i]};
        if (epoll_ctl(set, EPOLL_CTL_ADD, legs[i].fd, &event) < 0)
            die("bench_floor: epoll");
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(set, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct leg *leg = events[i].data.ptr;
            if (leg->session && !leg->up)
                shake_hands(leg);
            else
                relay(leg);
        }
    }
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    if (argc != 4) {
        fprintf(stderr, "usage: bench_floor udp|dtls|srtp COUNT TARGET\n");
        return 2;
    }
    enum secured secured = strcmp(argv[1], "dtls") == 0   ? DTLS
                           : strcmp(argv[1], "srtp") == 0 ? SRTP
                                                          : PLAIN;
    unsigned count = (unsigned)strtoul(argv[2], NULL, 10);
    unsigned target = (unsigned)strtoul(argv[3], NULL, 10);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (identity_create(&identity) < 0 ||
        gnutls_priority_init(&priority, IDENTITY_PRIORITY, NULL) < 0)
        die("bench_floor: certificate");
    struct leg *legs = calloc(2 * (size_t)count, sizeof(*legs));
    if (!legs)
        die("bench_floor");
    open_legs(legs, count, target, secured);
    serve(legs, count);
}
