// SPDX-License-Identifier: GPL-3.0-or-later
// The floor of TLS bridges: the least that kernel and GnuTLS cost when the bytes of several records
// are read, decrypted, encrypted and sent together.
//
//   bench_bridge_floor TARGET
//
// Takes TLS on one port, demands a certificate whose fingerprint is computed, then connects to the
// core's port and joins the two.
//
// Happy path: one epoll set; reading never blocks, sending does. Failure paths: what does not work
// at the start ends it with a message; a connection that breaks is closed with the other one.

#include "tests/bench/bench.h"
#include "tests/bench/identity.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 64
#define BACKLOG 64
#define READ 65536

struct leg {
    int fd;
    struct leg *other;        // NULL: TLS is not up yet
    gnutls_session_t session; // NULL: plain
};

static uint8_t in[READ], plain[2 * READ], wire[2 * READ];
static size_t in_at, in_len, wire_len;
static struct identity identity;
static gnutls_priority_t priority;
static struct sockaddr_in core;
static int set;

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static void no_delay(int fd)
{
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

// --- GnuTLS between two buffers -----------------------------------------------------------------

static ssize_t push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    if (wire_len + len > sizeof(wire))
        return -1;
    memcpy(wire + wire_len, data, len);
    wire_len += len;
    return (ssize_t)len;
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *data, size_t size)
{
    struct leg *leg = ptr;
    size_t len = in_len - in_at < size ? in_len - in_at : size;
    if (len == 0) {
        gnutls_transport_set_errno(leg->session, EAGAIN);
        return -1;
    }
    memcpy(data, in + in_at, len);
    in_at += len;
    return (ssize_t)len;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    return in_len > in_at;
}

static void open_session(struct leg *leg)
{
    if (gnutls_init(&leg->session,
                    GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL) < 0)
        die("bench_bridge_floor: GnuTLS");
    gnutls_priority_set(leg->session, priority);
    gnutls_credentials_set(leg->session, GNUTLS_CRD_CERTIFICATE, identity.credentials);
    gnutls_certificate_server_set_request(leg->session, GNUTLS_CERT_REQUIRE);
    gnutls_handshake_set_timeout(leg->session, 0);
    gnutls_transport_set_ptr(leg->session, leg);
    gnutls_transport_set_push_function(leg->session, push);
    gnutls_transport_set_pull_function(leg->session, pull);
    gnutls_transport_set_pull_timeout_function(leg->session, pull_timeout);
}

// --- legs ---------------------------------------------------------------------------------------

static struct leg *add_leg(int fd)
{
    struct leg *leg = calloc(1, sizeof(*leg));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = leg};
    if (!leg || epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0)
        die("bench_bridge_floor: leg");
    leg->fd = fd;
    no_delay(fd);
    return leg;
}

static void close_leg(struct leg *leg)
{
    if (leg->session)
        gnutls_deinit(leg->session);
    close(leg->fd);
    free(leg);
}

// Both legs may have events in one batch: their memory goes when the batch is done.
static struct leg *doomed[2 * EVENTS];
static unsigned doomed_count;

static void doom(struct leg *leg)
{
    for (unsigned i = 0; leg && i < doomed_count; i++)
        if (doomed[i] == leg)
            return;
    if (leg)
        doomed[doomed_count++] = leg;
}

static bool send_all(int fd, const uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = send(fd, data + at, len - at, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static bool flush_wire(const struct leg *leg)
{
    bool sent = send_all(leg->fd, wire, wire_len);
    wire_len = 0;
    return sent;
}

static bool join(struct leg *leg)
{
    unsigned char digest[32];
    size_t size = sizeof(digest);
    unsigned count;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(leg->session, &count);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!chain || gnutls_fingerprint(GNUTLS_DIG_SHA256, chain, digest, &size) < 0 ||
        connect(fd, (const struct sockaddr *)&core, sizeof(core)) < 0) {
        close(fd);
        return false;
    }
    leg->other = add_leg(fd);
    leg->other->other = leg;
    return true;
}

static bool shake_hands(struct leg *leg)
{
    int rc = gnutls_handshake(leg->session);
    if (!flush_wire(leg) || (rc < 0 && gnutls_error_is_fatal(rc)))
        return false;
    return rc < 0 || join(leg);
}

static bool relay_up(struct leg *leg)
{
    size_t len = 0;
    ssize_t n;
    while ((n = gnutls_record_recv(leg->session, plain + len, sizeof(plain) - len)) > 0)
        len += (size_t)n;
    return send_all(leg->other->fd, plain, len) && n == GNUTLS_E_AGAIN;
}

static bool relay_down(struct leg *leg)
{
    struct leg *to = leg->other;
    for (size_t at = 0; at < in_len;) {
        ssize_t n = gnutls_record_send(to->session, in + at, in_len - at);
        if (n < 0)
            return false;
        at += (size_t)n;
    }
    return flush_wire(to);
}

static bool take(struct leg *leg)
{
    ssize_t n = recv(leg->fd, in, sizeof(in), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return true;
    if (n <= 0)
        return false;
    in_at = 0;
    in_len = (size_t)n;
    if (!leg->session)
        return relay_down(leg);
    if (!leg->other && !shake_hands(leg))
        return false;
    return !leg->other || relay_up(leg);
}

static void accept_leg(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        open_session(add_leg(fd));
}

static _Noreturn void serve(int listener)
{
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN};
    if (epoll_ctl(set, EPOLL_CTL_ADD, listener, &event) < 0)
        die("bench_bridge_floor: epoll");
    for (;;) {
        int n = epoll_wait(set, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct leg *leg = events[i].data.ptr;
            if (!leg) {
                accept_leg(listener);
            } else if (!take(leg)) {
                doom(leg);
                doom(leg->other);
            }
        }
        while (doomed_count > 0)
            close_leg(doomed[--doomed_count]);
    }
}

int main(int argc, char **argv)
{
    int one = 1;
    if (argc != 2) {
        fprintf(stderr, "usage: bench_bridge_floor TARGET\n");
        return 2;
    }
    unsigned target = (unsigned)strtoul(argv[1], NULL, 10);
    struct sockaddr_in local = bench_address(target, HOST_ACCESS, BENCH_PORT_TLS);
    core = bench_address(target, HOST_FAR, BENCH_PORT_FAR);
    if (identity_create(&identity) < 0 ||
        gnutls_priority_init(&priority, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", NULL) < 0)
        die("bench_bridge_floor: certificate");
    set = epoll_create1(EPOLL_CLOEXEC);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (const struct sockaddr *)&local, sizeof(local)) < 0 ||
        listen(listener, BACKLOG) < 0)
        die("bench_bridge_floor: listener");
    serve(listener);
}
