// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UNIT_TCP_LAB_H
#define TESTS_UNIT_TCP_LAB_H
// Peers with TCP sockets, plain or inside TLS by GnuTLS as an application uses it, for tests of the
// stream path. Sockets block, for at most WAIT_MS.

#include "agw/certificate.h"
#include "tests/unit/agw_lab.h"

#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <sys/time.h>

struct tcp_peer {
    int fd;       // -1: no connection
    int listener; // -1: none
    struct addr addr;
    gnutls_session_t tls; // NULL: plain
};

static inline int tcp_socket(const struct addr *local)
{
    struct timeval wait = {.tv_sec = WAIT_MS / 1000};
    int one = 1, fd = socket(addr_family(local), SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    ck_assert_int_eq(bind(fd, &local->sa, local->len), 0);
    return fd;
}

// A peer that others may connect to.
static inline struct tcp_peer tcp_peer_listen(const char *host)
{
    struct tcp_peer p = {.fd = -1, .addr = lab_addr(host)};
    p.listener = tcp_socket(&p.addr);
    ck_assert_int_eq(listen(p.listener, 4), 0);
    ck_assert_int_eq(getsockname(p.listener, &p.addr.sa, &p.addr.len), 0);
    return p;
}

// A peer that connects to the AGW from host.
static inline struct tcp_peer tcp_peer_connect(const char *host, const struct addr *agw)
{
    int one = 1;
    struct tcp_peer p = {.listener = -1, .addr = lab_addr(host)};
    p.fd = tcp_socket(&p.addr);
    setsockopt(p.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int rc = connect(p.fd, &agw->sa, agw->len);
    ck_assert_msg(rc == 0, "cannot connect: %s", strerror(errno));
    ck_assert_int_eq(getsockname(p.fd, &p.addr.sa, &p.addr.len), 0);
    return p;
}

static inline void tcp_peer_accept(struct tcp_peer *p)
{
    struct timeval wait = {.tv_sec = WAIT_MS / 1000};
    int one = 1;
    p->fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_msg(p->fd >= 0, "no connection comes");
    setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(p->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static inline void tcp_peer_close(struct tcp_peer *p)
{
    if (p->tls)
        gnutls_deinit(p->tls);
    p->tls = NULL;
    if (p->fd >= 0)
        close(p->fd);
    if (p->listener >= 0)
        close(p->listener);
    p->fd = p->listener = -1;
}

static inline void tcp_peer_reset(struct tcp_peer *p)
{
    struct linger reset = {.l_onoff = 1};
    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(p->fd);
    p->fd = -1;
}

// As send() and recv(); with TLS, 0 is close_notify and -1 everything else.
static inline ssize_t tcp_peer_try_send(struct tcp_peer *p, const void *data, size_t len)
{
    return p->tls ? gnutls_record_send(p->tls, data, len) : send(p->fd, data, len, MSG_NOSIGNAL);
}

static inline ssize_t tcp_peer_try_receive(struct tcp_peer *p, void *buf, size_t size)
{
    ssize_t n = GNUTLS_E_AGAIN;
    if (!p->tls)
        return recv(p->fd, buf, size, 0);
    // What is no data comes between: alerts, messages of TLS 1.3.
    for (int i = 0; i < 4 && n < 0 && !gnutls_error_is_fatal((int)n); i++)
        n = gnutls_record_recv(p->tls, buf, size);
    return n < 0 ? -1 : n;
}

static inline void tcp_peer_send(struct tcp_peer *p, const void *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = tcp_peer_try_send(p, (const char *)data + at, len - at);
        ck_assert_msg(n > 0, "cannot send: %zd, errno %d", n, errno);
        at += (size_t)n;
    }
}

#define tcp_peer_say(p, text) tcp_peer_send((p), (text), strlen(text))

// Exactly this text comes next, in however many pieces.
#define tcp_peer_expect(p, text) tcp_peer_expect_at((p), (text), __LINE__)
static inline void tcp_peer_expect_at(struct tcp_peer *p, const char *text, int line)
{
    char buf[4096];
    size_t want = strlen(text), at = 0;
    ck_assert_uint_lt(want, sizeof buf);
    while (at < want) {
        ssize_t n = tcp_peer_try_receive(p, buf + at, want - at);
        ck_assert_msg(n > 0, "line %d: \"%s\" does not arrive (%zd, errno %d)", line, text, n,
                      errno);
        at += (size_t)n;
    }
    ck_assert_msg(memcmp(buf, text, want) == 0, "line %d: \"%.*s\" in place of \"%s\"", line,
                  (int)want, buf, text);
}

// The other side ends in good order: FIN, with TLS close_notify before it.
#define tcp_peer_expect_end(p) tcp_peer_expect_end_at((p), __LINE__)
static inline void tcp_peer_expect_end_at(struct tcp_peer *p, int line)
{
    char c;
    ssize_t n = tcp_peer_try_receive(p, &c, 1);
    ck_assert_msg(n == 0, "line %d: %zd in place of the end, errno %d", line, n, errno);
    if (p->tls)
        n = recv(p->fd, &c, 1, 0);
    ck_assert_msg(n == 0, "line %d: no FIN after close_notify (%zd)", line, n);
}

// The connection ends, in whatever way, and no byte comes before that.
#define tcp_peer_expect_gone(p) tcp_peer_expect_gone_at((p), __LINE__)
static inline void tcp_peer_expect_gone_at(struct tcp_peer *p, int line)
{
    char c;
    ssize_t n = recv(p->fd, &c, 1, 0);
    ck_assert_msg(n == 0 || (n < 0 && errno == ECONNRESET), "line %d: %zd, errno %d", line, n,
                  errno);
}

static inline void tcp_peer_expect_nothing(struct tcp_peer *p)
{
    char c;
    ck_assert_int_eq(recv(p->fd, &c, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
}

// --- TLS ----------------------------------------------------------------------------------------

#define TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define TLS12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"

// Begins TLS on the connection; certificate NULL: none is shown.
static inline void tcp_peer_secure(struct tcp_peer *p, bool server, const char *priority,
                                   const struct certificate *certificate)
{
    static gnutls_certificate_credentials_t nothing;
    if (!nothing)
        gnutls_certificate_allocate_credentials(&nothing);
    ck_assert_int_eq(gnutls_init(&p->tls, server ? GNUTLS_SERVER : GNUTLS_CLIENT), 0);
    ck_assert_int_eq(gnutls_priority_set_direct(p->tls, priority, NULL), 0);
    gnutls_credentials_set(p->tls, GNUTLS_CRD_CERTIFICATE,
                           certificate ? certificate_credentials(certificate) : nothing);
    if (server)
        gnutls_certificate_server_set_request(p->tls, GNUTLS_CERT_REQUIRE);
    gnutls_transport_set_int(p->tls, p->fd);
    gnutls_handshake_set_timeout(p->tls, 0); // the socket's count
}

// 0 or a fatal error of GnuTLS.
static inline int tcp_peer_handshake(struct tcp_peer *p)
{
    int rc;
    do {
        rc = gnutls_handshake(p->tls);
    } while (rc < 0 && !gnutls_error_is_fatal(rc) && rc != GNUTLS_E_AGAIN);
    return rc;
}

// For gnutls_session_set_verify_function(): nobody is good enough.
static inline int tcp_peer_refuse(gnutls_session_t session)
{
    return GNUTLS_E_CERTIFICATE_ERROR;
}

// The certificate that the AGW has shown is the one it announced (REQ-061).
static inline void tcp_peer_check_certificate(const struct tcp_peer *p,
                                              const struct fingerprints *announced)
{
    unsigned count = 0;
    struct fingerprint fp = {.hash = "SHA-256", .len = 32};
    size_t size = sizeof fp.value;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(p->tls, &count);
    ck_assert_uint_ge(count, 1);
    ck_assert_int_eq(gnutls_fingerprint(GNUTLS_DIG_SHA256, &chain[0], fp.value, &size), 0);
    ck_assert(fingerprint_equal(&fp, &announced->list[0]));
}

#endif
