// SPDX-License-Identifier: GPL-3.0-or-later
// Strangers at the listening points: connections that end badly, say nothing or too much leave the
// daemon as it was.
#include "tests/flows/socket.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// --- many of them ------------------------------------------------------------------------------

// A connection over TLS is 75 kB in the TLS library: what is kept of one in twenty of them is seen.
#define VISITS 1000
#define VISIT_KIB 75
#define GROWTH_KIB (3 * VISITS * VISIT_KIB / 20)

static gnutls_session_t client(int fd, gnutls_certificate_credentials_t credentials)
{
    gnutls_session_t tls;

    ck_assert_int_ge(gnutls_init(&tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
    gnutls_set_default_priority(tls);
    gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(tls, fd);
    return tls;
}

// A whole handshake; every other one says goodbye.
static void visit_whole(int fd, gnutls_certificate_credentials_t credentials)
{
    gnutls_session_t tls = client(fd, credentials);
    int rc;

    do
        rc = gnutls_handshake(tls);
    while (rc < 0 && !gnutls_error_is_fatal(rc));
    ck_assert_int_eq(rc, 0);
    if (fd % 2)
        gnutls_bye(tls, GNUTLS_SHUT_WR);
    gnutls_deinit(tls);
}

static ssize_t cut(gnutls_transport_ptr_t to, const void *bytes, size_t len)
{
    (void)!send(*(int *)to, bytes, len / 2, MSG_NOSIGNAL);
    return (ssize_t)len;
}

// A handshake that ends in the middle of its first message.
static void visit_broken(int fd, gnutls_certificate_credentials_t credentials)
{
    gnutls_session_t tls = client(fd, credentials);

    gnutls_transport_set_ptr(tls, &fd);
    gnutls_transport_set_push_function(tls, cut);
    gnutls_handshake_set_timeout(tls, 1);
    ck_assert_int_lt(gnutls_handshake(tls), 0);
    gnutls_deinit(tls);
}

static void visit_garbage(int fd, gnutls_certificate_credentials_t credentials)
{
    socket_write(fd, "OPTIONS sip:pcscf SIP/2.0\r\n\r\n");
}

static void visit_often(struct stage *s, unsigned times)
{
    static void (*const visits[])(int, gnutls_certificate_credentials_t) = {
        visit_whole, visit_broken, visit_garbage};
    gnutls_certificate_credentials_t credentials;

    ck_assert_int_ge(gnutls_certificate_allocate_credentials(&credentials), 0);
    for (unsigned i = 0; i < 3 * times; i++) {
        int fd = socket_connect(s->f, HOST_OTHER, pcscf_tls(s->p));
        visits[i % 3](fd, credentials);
        close(fd);
    }
    gnutls_certificate_free_credentials(credentials);
}

// TS 33.203 Annex O: strangers over TLS come and go, with whole handshakes, broken ones and none;
// nothing of them stays, and a UE between them keeps its connection.
START_TEST(strangers_over_TLS_leave_nothing)
{
    struct stage s = {.f = flow_open("strangers")};
    s.p = pcscf_start(s.f, &(struct pcscf_options){.tls = ""});
    s.ue = sip_open_over(s.f, HOST_UE, pcscf_tls(s.p), SIP_TLS, false);
    stage_ping(&s, s.ue, pcscf_tls(s.p));
    visit_often(&s, VISITS / 8);
    unsigned before = pcscf_memory(s.p);
    visit_often(&s, VISITS / flow_scale());
    stage_ping(&s, s.ue, pcscf_tls(s.p));
    unsigned after = pcscf_memory(s.p);
    // what AddressSanitizer keeps aside is no leak; it finds those itself
    flow_check(s.f, flow_scale() > 1 || after <= before + GROWTH_KIB, "%u KiB became %u", before,
               after);
    sip_close(s.ue);
    pcscf_stop(s.p);
    flow_close(s.f);
}
END_TEST

struct interrupted {
    struct stage *stage;
    int fd;
};

// A stranger whose handshake is none, then a record in two halves, looked at one after the other.
static ssize_t send_in_two(gnutls_transport_ptr_t to, const void *bytes, size_t len)
{
    struct interrupted *between = to;
    int stranger = socket_connect(between->stage->f, HOST_OTHER, pcscf_tls(between->stage->p));
    size_t half = len / 2;

    visit_garbage(stranger, NULL);
    socket_await_end(between->stage->f, stranger);
    ck_assert_int_eq(send(between->fd, bytes, half, MSG_NOSIGNAL), (ssize_t)half);
    stage_core_sees_nothing(between->stage);
    return (ssize_t)half + send(between->fd, (const char *)bytes + half, len - half, MSG_NOSIGNAL);
}

static ssize_t receive(gnutls_transport_ptr_t from, void *bytes, size_t size)
{
    return recv(((struct interrupted *)from)->fd, bytes, size, 0);
}

// RFC 8446 5.1: a record may come in pieces, and what a stranger does in between is not its fault.
START_TEST(a_stranger_over_TLS_breaks_nobody_elses_connection)
{
    struct stage s = {.f = flow_open("neighbour")};
    s.p = pcscf_start(s.f, &(struct pcscf_options){.tls = ""});
    s.core = sip_open(s.f, HOST_CORE, pcscf_core(s.p));
    struct interrupted between = {&s, socket_connect(s.f, HOST_UE, pcscf_tls(s.p))};
    gnutls_certificate_credentials_t credentials;
    const char *options =
        flow_text(s.f,
                  "OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1\r\n"
                  "From: <sip:a@example.net>;tag=1\r\nTo: <sip:b@example.net>\r\nCall-ID: 1\r\n"
                  "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
                  pcscf_tls(s.p));
    char answer[4096];
    int on = 1;

    setsockopt(between.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ck_assert_int_ge(gnutls_certificate_allocate_credentials(&credentials), 0);
    gnutls_session_t tls = client(between.fd, credentials);
    ck_assert_int_eq(gnutls_handshake(tls), 0);
    gnutls_transport_set_ptr(tls, &between);
    gnutls_transport_set_push_function(tls, send_in_two);
    gnutls_transport_set_pull_function(tls, receive);
    ck_assert_int_gt(gnutls_record_send(tls, options, strlen(options)), 0);
    ssize_t got;
    do
        got = gnutls_record_recv(tls, answer, sizeof(answer));
    while (got < 0 && !gnutls_error_is_fatal((int)got));
    flow_check(s.f, got > 0, "no answer: %s", gnutls_strerror((int)got));
    ck_assert_int_eq(strncmp(answer, "SIP/2.0 200 ", 12), 0);
    gnutls_deinit(tls);
    gnutls_certificate_free_credentials(credentials);
    close(between.fd);
    sip_close(s.core);
    pcscf_stop(s.p);
    flow_close(s.f);
}
END_TEST

void suite_stranger(struct suite *s)
{
    ONCE(s, a_stranger_over_TLS_breaks_nobody_elses_connection);
    ONCE(s, strangers_over_TLS_leave_nothing);
}
