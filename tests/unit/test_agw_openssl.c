// SPDX-License-Identifier: GPL-3.0-or-later
// TLS of the AGW against a stack that shares nothing with it: the openssl program as the UE, over
// TCP, in both roles and versions.
#include "tests/unit/openssl_ue.h"
#include "tests/unit/suite.h"
#include "tests/unit/tcp_call.h"

// How openssl is to behave.
struct ways {
    bool agw_client;        // TCP and TLS client; else both server
    const char *version;    // "-tls1_3"
    bool no_certificate;    // UE shows none
    bool wrong_fingerprint; // its SDP names another certificate
    const char *more[4];    // further options
};

struct meeting {
    struct call call;
    struct ue ue;
    struct program program;
};

// Lets openssl speak until it has said text.
static void expect_said(struct program *program, const char *text)
{
    uint64_t end = clock_now_us() + PATIENCE_US;
    while (!program_said(program, text)) {
        struct pollfd fd = {.fd = program->out, .events = POLLIN};
        ck_assert_msg(clock_now_us() < end, "\"%s\" is not said: %s", text, program->text);
        (void)poll(&fd, 1, 20);
    }
}

static void start(struct meeting *m, const struct ways *w)
{
    static const char *const certificate[] = {"-cert", "cert.pem", "-key", "key.pem"};
    char address[ADDR_STRLEN];
    const char *arguments[24] = {"openssl", w->agw_client ? "s_server" : "s_client", w->version,
                                 w->agw_client ? "-accept" : "-connect",
                                 w->agw_client ? "127.0.0.1:0"
                                               : addr_format(&m->call.t1.local, address)};
    unsigned count = 5;
    for (unsigned i = 0; i < 4 && !w->no_certificate; i++)
        arguments[count++] = certificate[i];
    if (w->agw_client) {
        arguments[count++] = "-verify"; // ask for a certificate
        arguments[count++] = "1";
    }
    for (unsigned i = 0; i < 4 && w->more[i]; i++)
        arguments[count++] = w->more[i];
    program_start(&m->program, m->ue.directory, arguments);
}

// Where s_server listens.
static struct addr accepted_at(struct program *program)
{
    struct addr a;
    const char *accept;
    do {
        expect_said(program, "ACCEPT 127.0.0.1:");
        accept = strstr(program->text, "ACCEPT 127.0.0.1:") + strlen("ACCEPT 127.0.0.1:");
    } while (!strchr(accept, '\n'));
    ck_assert_int_eq(addr_parse(&a, "127.0.0.1", (uint16_t)atoi(accept)), 0);
    return a;
}

static struct meeting *meet(const struct ways *w)
{
    struct meeting *m = calloc(1, sizeof *m);
    struct call *c = &m->call;
    ck_assert_ptr_nonnull(m);
    ue_open(&m->ue, lab.cfg.agw.certificates == CERTIFICATE_RSA);
    ue_add_fingerprint(&m->ue, "-sha256", "SHA-256");
    if (w->wrong_fingerprint)
        m->ue.fingerprints.list[0].value[0] ^= 1;
    struct plan plan = {.t1 = w->agw_client ? AGW_TCP_CLIENT : AGW_TCP_SERVER,
                        .t2 = w->agw_client ? AGW_TCP_SERVER : AGW_TCP_CLIENT,
                        .tls = TLS13,
                        .tls_client = w->agw_client};
    call_prepare(c, plan);
    if (w->agw_client) {
        start(m, w);
        c->ue.addr = accepted_at(&m->program);
    }
    struct agw_request r1 = request_t1(c), r2 = request_t2(c);
    r1.remote_fingerprints = m->ue.fingerprints;
    call_reserve_as(c, r1, r2);
    if (w->agw_client) {
        core_connects(c);
    } else {
        start(m, w);
        tcp_peer_accept(&c->core);
    }
    return m;
}

static void part(struct meeting *m)
{
    call_close(&m->call);
    program_end(&m->program);
    ue_close(&m->ue);
    free(m);
}

static void expect_talk(struct meeting *m)
{
    program_say(&m->program, "from the UE\n");
    tcp_peer_expect(&m->call.core, "from the UE\n");
    tcp_peer_say(&m->call.core, "from the core\n");
    expect_said(&m->program, "from the core\n");
}

// --- it works -----------------------------------------------------------------------------------

static const char *const versions[] = {"-tls1_3", "-tls1_2"};

START_TEST(openssl_and_the_agw_understand_each_other)
{
    // REQ-066, REQ-067: both roles, both versions, mutual certificates.
    for (unsigned i = 0; i < 4; i++) {
        set_up();
        struct meeting *m = meet(&(struct ways){.agw_client = i & 2, .version = versions[i & 1]});
        expect_talk(m);
        const struct agw_notification *n = lab_expect(&lab, m->call.context, AGW_DTLS_ESTABLISHED);
        ck_assert_ptr_nonnull(strstr(n->text, i & 1 ? "TLS1.2" : "TLS1.3"));
        part(m);
        tear_down();
    }
}
END_TEST

START_TEST(the_end_is_clean_for_openssl)
{
    // REQ-069, REQ-078: the core ends, the UE sees close_notify and not a truncated stream.
    for (unsigned i = 0; i < 4; i++) {
        set_up();
        struct meeting *m = meet(&(struct ways){.agw_client = i & 2, .version = versions[i & 1]});
        expect_talk(m);
        shutdown(m->call.core.fd, SHUT_WR);
        if (i & 2)
            expect_said(&m->program, "DONE");
        else
            expect_said(&m->program, "closed");
        ck_assert_ptr_null(strstr(m->program.text, "unexpected eof"));
        expect_told(&m->call, AGW_BEARER_RELEASED, AGW_T2, REASON_BEARER_RELEASED);
        part(m);
        tear_down();
    }
}
END_TEST

START_TEST(openssl_may_end_first)
{
    // REQ-069: "Q" makes s_client send close_notify.
    for (unsigned i = 0; i < 2; i++) {
        set_up();
        struct meeting *m = meet(&(struct ways){.version = versions[i & 1]});
        expect_talk(m);
        program_say(&m->program, "Q\n");
        tcp_peer_expect_end(&m->call.core);
        expect_told(&m->call, AGW_BEARER_RELEASED, AGW_T1, REASON_BEARER_RELEASED);
        part(m);
        tear_down();
    }
}
END_TEST

START_TEST(the_legacy_switch_lets_old_suites_in)
{
    // REQ-132: RFC 4975 14.2 and RFC 8855 7 name TLS_RSA_WITH_AES_128_CBC_SHA.
    for (int legacy = 0; legacy < 2; legacy++) {
        lab_defaults(&lab);
        lab.cfg.agw.certificates = CERTIFICATE_RSA;
        lab.cfg.agw.legacy_suites = legacy;
        lab_open(&lab);
        struct meeting *m = meet(
            &(struct ways){.version = "-tls1_2", .more = {"-cipher", "AES128-SHA:@SECLEVEL=0"}});
        if (legacy)
            expect_talk(m);
        else
            expect_told(&m->call, AGW_DTLS_FAILURE, AGW_T1, REASON_DTLS_HANDSHAKE);
        part(m);
        tear_down();
    }
}
END_TEST

// --- it is refused ------------------------------------------------------------------------------

START_TEST(openssl_with_a_wrong_certificate_is_refused)
{
    // REQ-064: fatal alert bad_certificate (42).
    for (unsigned i = 0; i < 4; i++) {
        set_up();
        struct meeting *m = meet(&(struct ways){
            .agw_client = i & 2, .version = versions[i & 1], .wrong_fingerprint = true});
        expect_told(&m->call, AGW_DTLS_FAILURE, AGW_T1, REASON_DTLS_FINGERPRINT);
        expect_said(&m->program, "bad certificate");
        part(m);
        tear_down();
    }
}
END_TEST

START_TEST(openssl_without_a_certificate_is_refused)
{
    // REQ-062: fatal alert bad_certificate (42).
    for (unsigned i = 0; i < 2; i++) {
        set_up();
        struct meeting *m = meet(&(struct ways){.version = versions[i], .no_certificate = true});
        expect_told(&m->call, AGW_DTLS_FAILURE, AGW_T1, REASON_DTLS_NO_CERTIFICATE);
        expect_said(&m->program, "bad certificate");
        part(m);
        tear_down();
    }
}
END_TEST

START_TEST(openssl_may_refuse_the_agw)
{
    // It knows no issuer of our certificate and insists on one; with TLS 1.3 it says so as server
    // only after the AGW is done.
    for (unsigned i = 0; i < 4; i++) {
        set_up();
        struct meeting *m = meet(&(struct ways){
            .agw_client = i & 2,
            .version = versions[i & 1],
            .more = {"-verify_return_error", i & 2 ? NULL : "-verify", i & 2 ? NULL : "1"}});
        expect_told(&m->call, AGW_DTLS_FAILURE, AGW_T1, REASON_DTLS_REFUSED);
        tcp_peer_expect_gone(&m->call.core);
        part(m);
        tear_down();
    }
}
END_TEST

START_TEST(renegotiation_is_refused)
{
    // RFC 5746 4.4, REQ-068: "R" makes s_client, "r" s_server ask for it.
    for (int agw_client = 0; agw_client < 2; agw_client++) {
        set_up();
        struct meeting *m = meet(&(struct ways){.agw_client = agw_client, .version = "-tls1_2"});
        expect_talk(m);
        uint64_t before = reason_total(REASON_DTLS_RENEGOTIATION);
        program_say(&m->program, agw_client ? "r\n" : "R\n");
        lab_expect_total(&lab, REASON_DTLS_RENEGOTIATION, before + 1);
        ck_assert_uint_eq(lab_told(&lab, m->call.context, AGW_DTLS_FAILURE), 0);
        part(m);
        tear_down();
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        openssl_and_the_agw_understand_each_other,
        the_end_is_clean_for_openssl,
        openssl_may_end_first,
        the_legacy_switch_lets_old_suites_in,
        openssl_with_a_wrong_certificate_is_refused,
        openssl_without_a_certificate_is_refused,
        openssl_may_refuse_the_agw,
        renegotiation_is_refused,
    };
    return SUITE_RUN("agw openssl", tests);
}
