// SPDX-License-Identifier: GPL-3.0-or-later
// Strangers at the listening points: connections that end badly, say nothing or too much leave the
// daemon as it was.
#include "tests/flows/socket.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

#include <errno.h>
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

// --- one of them -------------------------------------------------------------------------------

static struct sip *open_at(struct stage *s, enum host host, enum sip_over over)
{
    return sip_open_over(s->f, host, over == SIP_TLS ? pcscf_tls(s->p) : pcscf_access(s->p), over,
                         false);
}

static const char *filler(struct stage *s, size_t len)
{
    char *text = flow_alloc(s->f, len + 1);

    memset(text, 'x', len);
    return text;
}

static const enum sip_over streams[] = {SIP_TCP, SIP_TLS};

// RFC 3261 21.4.11, 18.3: a message that is too large is refused, and its connection is over: the
// peer sees the answer and then the end, and holds no descriptor of ours though it stays.
START_TEST(a_message_too_large_is_refused_and_ends_its_connection)
{
    struct stage s = {.f = flow_open("large-message")};
    s.p = pcscf_start(s.f, &(struct pcscf_options){.tls = "", .sip = "message_max: 4096"});
    s.ue = open_at(&s, HOST_UE, streams[_i]);

    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", "Content-Type: text/plain\n",
                               filler(&s, 10000)));
    sip_expect(s.ue, "^SIP/2.0 413 ");
    sip_await_end(s.ue);
    pcscf_await_idle(s.p);
    sip_close(s.ue);
    pcscf_stop(s.p);
    flow_check(s.f, streams[_i] == SIP_TLS || pcscf_counter(s.p, "connection_ended") == 1,
               "not counted");
    flow_close(s.f);
}
END_TEST

// Half a message.
#define BEGINNING "OPTIONS sip:pcscf SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\n"

// RFC 3261 26.3.2.4: who opens connections and says nothing, half a message, or headers without
// end, or drop after drop, has them for a while only.
START_TEST(a_stranger_may_not_stay)
{
    struct stage s = {.f = flow_open("slow")};
    s.p = pcscf_start(
        s.f, &(struct pcscf_options){.tls = "", .sip = "stranger_s: 1, message_max: 4096"});
    const char *at[] = {pcscf_access(s.p), pcscf_tls(s.p)}, *endless = filler(&s, 3000);
    struct sip *over_tls[2];
    int fd[5];

    fd[0] = socket_connect(s.f, HOST_OTHER, at[0]);
    fd[1] = socket_connect(s.f, HOST_OTHER, at[1]);
    for (int i = 2; i < 5; i++)
        socket_write(fd[i] = socket_connect(s.f, HOST_OTHER, at[0]), BEGINNING);
    over_tls[0] = open_at(&s, HOST_UE, SIP_TLS);
    sip_send_raw(over_tls[0], BEGINNING, strlen(BEGINNING));
    over_tls[1] = open_at(&s, HOST_CORE, SIP_TLS);
    stage_ping(&s, over_tls[1], at[1]);
    for (int i = 0; i < 2; i++) {
        socket_write(fd[3], endless);
        sip_send_raw(over_tls[1], endless, strlen(endless));
    }
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();
    while (pcscf_extra_descriptors(s.p) > 0) {
        flow_check(s.f, flow_now_ms() < deadline, "%u stay", pcscf_extra_descriptors(s.p));
        (void)!send(fd[4], "x", 1, MSG_NOSIGNAL);
        programs_poll(s.f, -1, flow_now_ms() + 50);
    }
    for (int i = 0; i < 5; i++)
        close(fd[i]);
    for (int i = 0; i < 2; i++)
        sip_close(over_tls[i]);
    pcscf_stop(s.p);
    flow_check(s.f, pcscf_counter(s.p, "connection_stranger") >= 4, "not counted");
    flow_close(s.f);
}
END_TEST

// A connection is taken, and stays for a moment.
static bool is_welcome(struct stage *s)
{
    int fd = socket_connect(s->f, HOST_OTHER, pcscf_access(s->p));
    uint64_t moment = flow_now_ms() + 100;
    char byte;

    while (programs_poll(s->f, fd, moment) && recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0)
        continue;
    bool stays = recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
    close(fd);
    return stays;
}

// RFC 3261 26.3.2.4: connections are bounded in number; one that ends makes room for another.
START_TEST(one_connection_too_many_is_closed)
{
    struct stage s = {.f = flow_open("too-many")};
    s.p = pcscf_start(s.f, &(struct pcscf_options){.sip = "connections_max: 2"});
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();
    int fd[3];

    s.ue = open_at(&s, HOST_UE, SIP_TCP);
    stage_ping(&s, s.ue, pcscf_access(s.p));
    for (int i = 0; i < 3; i++)
        fd[i] = socket_connect(s.f, HOST_OTHER, pcscf_access(s.p));
    socket_await_end(s.f, fd[1]);
    socket_await_end(s.f, fd[2]);
    stage_ping(&s, s.ue, pcscf_access(s.p));
    for (int i = 0; i < 3; i++)
        close(fd[i]);
    sip_close(s.ue);
    while (!is_welcome(&s))
        flow_check(s.f, flow_now_ms() < deadline, "nobody is taken any more");
    pcscf_stop(s.p);
    flow_check(s.f, pcscf_counter(s.p, "connection_limit") >= 2, "not counted");
    flow_close(s.f);
}
END_TEST

static const struct keeping {
    enum sip_over over;
    bool pings;
} keepings[] = {{SIP_TCP, true}, {SIP_TLS, true}, {SIP_TCP, false}, {SIP_TLS, false}};

// RFC 5626 4.4.1: the connection of a registered UE that sends keep-alives is kept, and each is
// answered; without them it is closed after the idle time.
START_TEST(a_keep_alive_keeps_a_connection)
{
    const struct keeping *row = &keepings[_i];
    struct stage s = {.f = flow_open("keep-alive")};
    s.p = pcscf_start(
        s.f, &(struct pcscf_options){.tls = "", .ues = "", .sip = "stranger_s: 1, idle_s: 1"});
    s.core = sip_open(s.f, HOST_CORE, pcscf_core(s.p));
    s.ue = open_at(&s, HOST_UE, row->over);

    stage_register(&s, s.ue, NULL);
    for (int i = 0; i < 6 && row->pings; i++) {
        sip_send_raw(s.ue, "\r\n\r\n", 4);
        sip_expect_pong(s.ue);
        programs_poll(s.f, -1, flow_now_ms() + 500);
    }
    if (row->pings)
        stage_ping(&s, s.ue, row->over == SIP_TLS ? pcscf_tls(s.p) : pcscf_access(s.p));
    else
        sip_await_end(s.ue);
    stage_close(&s, NULL);
}
END_TEST

void suite_stranger(struct suite *s)
{
    ONCE(s, a_stranger_over_TLS_breaks_nobody_elses_connection);
    ONCE(s, strangers_over_TLS_leave_nothing);
    EACH(s, a_message_too_large_is_refused_and_ends_its_connection, streams);
    ONCE(s, a_stranger_may_not_stay);
    ONCE(s, one_connection_too_many_is_closed);
    EACH(s, a_keep_alive_keeps_a_connection, keepings);
}
