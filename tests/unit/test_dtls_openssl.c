// SPDX-License-Identifier: GPL-3.0-or-later
// The DTLS association of the AGW against a stack that shares nothing with it: the openssl program,
// over loopback sockets and real time, with certificates and fingerprints of its own making.
#include "agw/certificate.h"
#include "agw/dtls.h"
#include "common/addr.h"
#include "common/clock.h"
#include "tests/unit/openssl_ue.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// --- the AGW -------------------------------------------------------------------------------------

struct agw {
    struct config cfg;
    struct dtls_profile *profile;
    struct certificate *certificate;
    struct fingerprints remote;
    struct dtls *dtls;
    int fd;
    struct addr local, peer;
    char got[4096]; // media, as text
    size_t got_len;
};

static void agw_transmit(void *arg, const void *datagram, size_t len)
{
    struct agw *agw = arg;
    // A loss is a loss: openssl may have gone.
    (void)!sendto(agw->fd, datagram, len, 0, &agw->peer.sa, agw->peer.len);
}

static void agw_deliver(void *arg, const void *data, size_t len)
{
    struct agw *agw = arg;
    ck_assert_uint_lt(agw->got_len + len, sizeof(agw->got));
    memcpy(agw->got + agw->got_len, data, len);
    agw->got_len += len;
}

static struct dtls_sink agw_sink(struct agw *agw)
{
    return (struct dtls_sink){.transmit = agw_transmit, .deliver = agw_deliver, .arg = agw};
}

static void agw_open(struct agw *agw, enum certificate_set set, bool legacy)
{
    socklen_t len = sizeof(agw->local);

    *agw = (struct agw){0};
    config_defaults(&agw->cfg);
    agw->cfg.agw.retransmit_ms = 100; // openssl may not be listening yet
    agw->cfg.agw.handshake_timeout_ms = 20000;
    agw->cfg.agw.legacy_suites = legacy;
    ck_assert_int_eq(dtls_profile_open(&agw->profile, &agw->cfg), 0);
    agw->certificate = certificate_create(set);
    ck_assert_ptr_nonnull(agw->certificate);
    ck_assert_int_eq(addr_parse(&agw->local, "127.0.0.1", 0), 0);
    agw->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(agw->fd, 0);
    ck_assert_int_eq(bind(agw->fd, &agw->local.sa, agw->local.len), 0);
    ck_assert_int_eq(getsockname(agw->fd, &agw->local.sa, &len), 0);
}

static void agw_close(struct agw *agw)
{
    dtls_close(agw->dtls);
    certificate_free(agw->certificate);
    dtls_profile_close(agw->profile);
    close(agw->fd);
}

// A ClientHello before there is an association: cookie exchange.
static void agw_listen(struct agw *agw, const uint8_t *datagram, size_t len)
{
    uint8_t reply[DTLS_COOKIE_REPLY_MAX];
    size_t reply_len;
    struct dtls_hello hello;

    if (dtls_classify(datagram, len) != DTLS_CLASS_CLIENT_HELLO)
        return;
    if (dtls_cookie_check(agw->profile, &agw->peer.v4, agw->peer.len, datagram, len, &hello, reply,
                          &reply_len))
        agw->dtls = dtls_open_server(agw->profile, &hello, agw->certificate, &agw->remote,
                                     agw_sink(agw), clock_now_us());
    else if (reply_len > 0)
        agw_transmit(agw, reply, reply_len);
}

static void agw_receive(struct agw *agw, bool server)
{
    uint8_t datagram[2048];
    struct sockaddr_storage from;
    socklen_t from_len = sizeof(from);
    ssize_t len =
        recvfrom(agw->fd, datagram, sizeof(datagram), 0, (struct sockaddr *)&from, &from_len);

    if (len < 0)
        return; // nothing, or an ICMP error of an openssl that does not listen yet
    agw->peer = addr_from_sockaddr((struct sockaddr *)&from, from_len);
    if (!agw->dtls && server)
        agw_listen(agw, datagram, (size_t)len);
    if (agw->dtls)
        dtls_receive(agw->dtls, datagram, (size_t)len, clock_now_us());
}

// Lets both live until the AGW is in this state, or the UE has said text, or the AGW has got it.
static void run_until(struct agw *agw, struct program *ue, bool server, int state, const char *said,
                      const char *got)
{
    uint64_t start = clock_now_us();

    for (;;) {
        uint64_t now = clock_now_us();
        if (agw->dtls && dtls_deadline(agw->dtls) <= now)
            dtls_tick(agw->dtls, now);
        if (agw->dtls && (int)dtls_state(agw->dtls) == state)
            return;
        if ((said && program_said(ue, said)) || (got && strstr(agw->got, got)))
            return;
        program_read(ue);
        ck_assert_msg(now - start < PATIENCE_US, "waited in vain; openssl said: %s", ue->text);
        struct pollfd fds[] = {{.fd = agw->fd, .events = POLLIN},
                               {.fd = ue->out, .events = POLLIN}};
        poll(fds, 2, 20);
        agw_receive(agw, server);
    }
}

#define NO_STATE (-1)

// Starts openssl in the opposite role of the AGW. more are further options, NULL at the end.
static void start_ue(struct agw *agw, struct program *program, const struct ue *ue, bool server,
                     const char *const *more)
{
    char address[ADDR_STRLEN];
    const char *arguments[24] = {"openssl", server ? "s_client" : "s_server", "-dtls1_2",
                                 server ? "-connect" : "-accept",
                                 server ? addr_format(&agw->local, address) : "127.0.0.1:0"};
    unsigned count = 5;

    if (!server) {
        arguments[count++] = "-verify";
        arguments[count++] = "1";
    }
    for (; *more; more++)
        arguments[count++] = *more;
    program_start(program, ue->directory, arguments);
    if (server)
        return;

    const char *accept;
    while (!(accept = strstr(program->text, "ACCEPT 127.0.0.1:")) || !strchr(accept, '\n')) {
        struct pollfd fd = {.fd = program->out, .events = POLLIN};
        ck_assert_int_ge(poll(&fd, 1, PATIENCE_US / 1000), 1);
        ck_assert(program_read(program));
    }
    ck_assert_int_eq(
        addr_parse(&agw->peer, "127.0.0.1", (uint16_t)atoi(accept + strlen("ACCEPT 127.0.0.1:"))),
        0);
    agw->dtls = dtls_open_client(agw->profile, agw->certificate, &agw->remote, agw_sink(agw),
                                 clock_now_us());
    ck_assert_ptr_nonnull(agw->dtls);
}

static const char *const with_certificate[] = {"-cert", "cert.pem", "-key", "key.pem", NULL};

// --- a call between both -------------------------------------------------------------------------

struct call {
    bool server; // role of the AGW
    struct ue ue;
    struct agw agw;
    struct program program; // the openssl of the UE
};

// A UE with an ECDSA certificate whose SHA-256 fingerprint the AGW knows, and an AGW of that kind;
// the call may be changed before call_start().
static struct call *call_open(bool server)
{
    struct call *call = calloc(1, sizeof(*call));
    ck_assert_ptr_nonnull(call);
    call->server = server;
    ue_open(&call->ue, false);
    ue_add_fingerprint(&call->ue, "-sha256", "SHA-256");
    agw_open(&call->agw, CERTIFICATE_ECDSA, false);
    call->agw.remote = call->ue.fingerprints;
    return call;
}

static void call_start(struct call *call, const char *const *options)
{
    start_ue(&call->agw, &call->program, &call->ue, call->server, options);
}

static void call_run(struct call *call, int state, const char *said, const char *got)
{
    run_until(&call->agw, &call->program, call->server, state, said, got);
}

static void call_check_media_passes(struct call *call)
{
    call_run(call, DTLS_ESTABLISHED, NULL, NULL);
    program_say(&call->program, "hello from openssl\n");
    call_run(call, NO_STATE, NULL, "hello from openssl\n");
    ck_assert_int_eq(dtls_send(call->agw.dtls, "hello from the AGW\n", 19), 0);
    call_run(call, NO_STATE, "hello from the AGW", NULL);
}

// The AGW refused for this reason, and openssl heard of bad_certificate.
static void call_check_refused(struct call *call, enum reason reason)
{
    call_run(call, DTLS_FAILED, NULL, NULL);
    ck_assert_str_eq(reason_name(dtls_failure(call->agw.dtls)), reason_name(reason));
    call_run(call, NO_STATE, "alert bad certificate", NULL);
    ck_assert_uint_eq(call->agw.got_len, 0);
}

static void call_close(struct call *call)
{
    program_end(&call->program);
    agw_close(&call->agw);
    ue_close(&call->ue);
    free(call);
}

// --- cases ---------------------------------------------------------------------------------------

// REQ-066: both roles complete with OpenSSL and carry data both ways; its certificate is verified
// under fingerprints that it computed itself, with several hashes.
START_TEST(openssl_completes_in_both_roles)
{
    static const struct {
        const char *option, *hash;
    } hashes[] = {{"-sha256", "SHA-256"}, {"-sha1", "SHA-1"}, {"-sha512", "SHA-512"}};

    for (int i = 0; i < 6; i++) {
        struct call *call = call_open(i % 2);
        call->ue.fingerprints.count = 0;
        ue_add_fingerprint(&call->ue, hashes[i / 2].option, hashes[i / 2].hash);
        call->agw.remote = call->ue.fingerprints;
        call_start(call, with_certificate);
        call_check_media_passes(call);
        call_close(call);
    }
}
END_TEST

// REQ-064: with a fingerprint that is not its own, OpenSSL is refused and told so.
START_TEST(openssl_is_refused_with_a_wrong_fingerprint)
{
    for (int server = 0; server <= 1; server++) {
        struct call *call = call_open(server);
        call->agw.remote.list[0].value[31] ^= 1;
        call_start(call, with_certificate);
        call_check_refused(call, REASON_DTLS_FINGERPRINT);
        call_close(call);
    }
}
END_TEST

// REQ-062: an OpenSSL client without a certificate gets bad_certificate, not handshake_failure.
START_TEST(openssl_without_a_certificate_is_refused)
{
    static const char *const nothing[] = {NULL};
    struct call *call = call_open(true);

    call_start(call, nothing);
    call_check_refused(call, REASON_DTLS_NO_CERTIFICATE);
    call_close(call);
}
END_TEST

static bool is_parked(const struct agw *agw)
{
    char text[192] = "";
    if (agw->dtls)
        dtls_describe(agw->dtls, text, sizeof(text));
    return strstr(text, "waiting for the fingerprint") != NULL;
}

// REQ-072: the handshake of OpenSSL waits for a fingerprint that comes later.
START_TEST(openssl_waits_for_the_fingerprint)
{
    for (int server = 0; server <= 1; server++) {
        struct call *call = call_open(server);
        uint64_t start = clock_now_us();
        call->agw.remote.count = 0;
        call_start(call, with_certificate);
        while (!is_parked(&call->agw)) {
            struct pollfd fd = {.fd = call->agw.fd, .events = POLLIN};
            ck_assert_uint_lt(clock_now_us() - start, PATIENCE_US);
            poll(&fd, 1, 100);
            agw_receive(&call->agw, server);
        }
        ck_assert_int_eq(dtls_state(call->agw.dtls), DTLS_HANDSHAKE);
        dtls_set_fingerprints(call->agw.dtls, &call->ue.fingerprints, clock_now_us());
        call_check_media_passes(call);
        call_close(call);
    }
}
END_TEST

// REQ-132: an RSA-only UE, with each suite that RFC 7345 and, behind the legacy switch, RFC 4975
// make mandatory.
START_TEST(openssl_with_rsa_only)
{
    static const struct {
        const char *cipher;
        bool legacy;
    } cases[] = {{"ECDHE-RSA-AES128-GCM-SHA256", false},
                 {"DHE-RSA-AES128-GCM-SHA256", false},
                 {"AES128-SHA:@SECLEVEL=0", true}};

    for (int i = 0; i < 6; i++) {
        const char *const options[] = {"-cert",   "cert.pem",          "-key", "key.pem",
                                       "-cipher", cases[i / 2].cipher, NULL};
        struct call *call = call_open(i % 2);
        ue_close(&call->ue);
        agw_close(&call->agw);
        ue_open(&call->ue, true);
        ue_add_fingerprint(&call->ue, "-sha256", "SHA-256");
        agw_open(&call->agw, CERTIFICATE_ECDSA_RSA, cases[i / 2].legacy);
        call->agw.remote = call->ue.fingerprints;
        call_start(call, options);
        call_check_media_passes(call);
        call_close(call);
    }
}
END_TEST

// REQ-068: a renegotiation that OpenSSL asks for is refused; it ends then, but not by our doing.
START_TEST(openssl_may_not_renegotiate)
{
    struct call *call = call_open(true);
    uint64_t counted = reason_total(REASON_DTLS_RENEGOTIATION);

    call_start(call, with_certificate);
    call_check_media_passes(call);
    program_say(&call->program, "R\n");
    call_run(call, NO_STATE, "no renegotiation", NULL);
    ck_assert_uint_gt(reason_total(REASON_DTLS_RENEGOTIATION), counted);
    ck_assert_int_ne(dtls_state(call->agw.dtls), DTLS_FAILED);
    call_close(call);
}
END_TEST

// A close_notify of OpenSSL closes the association of the AGW.
START_TEST(openssl_tells_the_agw_the_end)
{
    struct call *call = call_open(true);

    call_start(call, with_certificate);
    call_check_media_passes(call);
    program_say(&call->program, "Q\n");
    call_run(call, DTLS_CLOSED, NULL, NULL);
    call_close(call);
}
END_TEST

// REQ-078: closing the association of the AGW ends OpenSSL.
START_TEST(the_agw_tells_openssl_the_end)
{
    struct call *call = call_open(true);

    call_start(call, with_certificate);
    call_check_media_passes(call);
    dtls_close(call->agw.dtls);
    call->agw.dtls = NULL;
    call->server = false; // nobody listens any more
    call_run(call, NO_STATE, "closed", NULL);
    call_close(call);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        openssl_completes_in_both_roles,
        openssl_is_refused_with_a_wrong_fingerprint,
        openssl_without_a_certificate_is_refused,
        openssl_waits_for_the_fingerprint,
        openssl_with_rsa_only,
        openssl_may_not_renegotiate,
        openssl_tells_the_agw_the_end,
        the_agw_tells_openssl_the_end,
    };

    return SUITE_RUN("dtls with openssl", tests);
}
