// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: bytes are collected until a header and its body are whole. Failure: what the system
// or the TLS library refuses, an end in between, or a message that does not come, fails the test.
#include "tests/flows/stream.h"

#include "common/addr.h"
#include "tests/flows/program.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_MAX 16384

struct stream {
    struct flow *flow;
    int listener; // -1: none (any more)
    int fd;       // -1: nobody has connected yet
    gnutls_session_t tls;
    gnutls_certificate_credentials_t credentials;
    struct strbuf got;
};

// --- life --------------------------------------------------------------------------------------

static int bound(struct flow *f, const char *at)
{
    struct addr own;
    int on = 1;

    ck_assert_int_eq(addr_parse_hostport(&own, at), 0);
    int fd = socket(addr_family(&own), SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    flow_check(f, bind(fd, &own.sa, own.len) == 0, "%s: %s", at, strerror(errno));
    return fd;
}

static struct stream *make(struct flow *f, int listener, int fd)
{
    struct stream *s = flow_alloc(f, sizeof(*s));

    *s = (struct stream){.flow = f, .listener = listener, .fd = fd};
    return s;
}

static void secure(struct stream *s)
{
    int rc;

    ck_assert_int_ge(gnutls_certificate_allocate_credentials(&s->credentials), 0);
    ck_assert_int_ge(gnutls_init(&s->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
    gnutls_set_default_priority(s->tls);
    gnutls_credentials_set(s->tls, GNUTLS_CRD_CERTIFICATE, s->credentials);
    gnutls_transport_set_int(s->tls, s->fd);
    gnutls_handshake_set_timeout(s->tls, (unsigned)flow_patience());
    do
        rc = gnutls_handshake(s->tls);
    while (rc < 0 && !gnutls_error_is_fatal(rc));
    flow_check(s->flow, rc == 0, "no TLS: %s", gnutls_strerror(rc));
}

struct stream *stream_connect(struct flow *f, const char *from, const char *to, bool tls)
{
    struct stream *s = make(f, -1, bound(f, from));
    struct addr peer;

    ck_assert_int_eq(addr_parse_hostport(&peer, to), 0);
    flow_check(f, connect(s->fd, &peer.sa, peer.len) == 0, "%s: %s", to, strerror(errno));
    if (tls)
        secure(s);
    return s;
}

struct stream *stream_listen(struct flow *f, const char *at)
{
    struct stream *s = make(f, bound(f, at), -1);

    ck_assert_int_eq(listen(s->listener, 1), 0);
    return s;
}

void stream_close(struct stream *s)
{
    if (s->tls) {
        gnutls_bye(s->tls, GNUTLS_SHUT_WR);
        gnutls_deinit(s->tls);
        gnutls_certificate_free_credentials(s->credentials);
    }
    if (s->fd >= 0)
        close(s->fd);
    if (s->listener >= 0)
        close(s->listener);
    strbuf_free(&s->got);
}

// --- bytes -------------------------------------------------------------------------------------

static void await_readable(struct stream *s, int fd, uint64_t deadline)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};

    while (!(s->tls && gnutls_record_check_pending(s->tls) > 0) && poll(&look, 1, 0) == 0)
        flow_check(s->flow, programs_poll(s->flow, fd, deadline), "nothing comes");
}

static void await_peer(struct stream *s, uint64_t deadline)
{
    if (s->fd >= 0)
        return;
    await_readable(s, s->listener, deadline);
    s->fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(s->fd, 0);
}

static ssize_t receive(struct stream *s, char *bytes, size_t size)
{
    ssize_t got;

    if (!s->tls)
        return recv(s->fd, bytes, size, 0);
    do
        got = gnutls_record_recv(s->tls, bytes, size);
    while (got < 0 && !gnutls_error_is_fatal((int)got));
    return got;
}

void stream_send(struct stream *s, const void *bytes, size_t len)
{
    await_peer(s, flow_now_ms() + (uint64_t)flow_patience());
    ssize_t sent =
        s->tls ? gnutls_record_send(s->tls, bytes, len) : send(s->fd, bytes, len, MSG_NOSIGNAL);
    ck_assert_int_eq(sent, (ssize_t)len);
}

// Length of the message at the start of what came; 0: it is not whole yet.
static size_t whole(const struct strbuf *got)
{
    const char *end = got->text ? strstr(got->text, "\r\n\r\n") : NULL;
    const char *length = end ? strcasestr(got->text, "\r\nContent-Length:") : NULL;

    if (!length || length > end)
        return 0;
    size_t total =
        (size_t)(end - got->text) + 4 + strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
    return got->len >= total ? total : 0;
}

const char *stream_next(struct stream *s)
{
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();
    char bytes[READ_MAX];
    size_t len;

    await_peer(s, deadline);
    while ((len = whole(&s->got)) == 0) {
        await_readable(s, s->fd, deadline);
        ssize_t got = receive(s, bytes, sizeof(bytes));
        flow_check(s->flow, got > 0, "the connection has ended");
        strbuf_add(&s->got, bytes, (size_t)got);
    }
    const char *message = flow_copy(s->flow, s->got.text, len);
    struct strbuf rest = STRBUF_INIT;
    strbuf_add(&rest, s->got.text + len, s->got.len - len);
    strbuf_free(&s->got);
    s->got = rest;
    return message;
}

bool stream_has_peer(const struct stream *s)
{
    struct pollfd look = {.fd = s->listener, .events = POLLIN};

    return s->fd >= 0 || poll(&look, 1, 0) > 0;
}

void stream_expect_pong(struct stream *s)
{
    char bytes[3] = "";

    await_readable(s, s->fd, flow_now_ms() + (uint64_t)flow_patience());
    ck_assert_int_eq(receive(s, bytes, sizeof(bytes)), 2);
    ck_assert_str_eq(bytes, "\r\n");
}

void stream_await_end(struct stream *s)
{
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();
    char bytes[READ_MAX];

    do
        await_readable(s, s->fd, deadline);
    while (receive(s, bytes, sizeof(bytes)) > 0);
}

void stream_drain(struct stream *s)
{
    struct pollfd look = {.fd = s->fd, .events = POLLIN};
    char bytes[READ_MAX];

    strbuf_free(&s->got);
    while (s->fd >= 0 && poll(&look, 1, 0) > 0 && receive(s, bytes, sizeof(bytes)) > 0)
        continue;
}
