// SPDX-License-Identifier: GPL-3.0-or-later
// TLS towards the UE and plain TCP towards the core, through the Iq interface: roles, verification,
// what must not pass, how it ends.
#include "tests/unit/suite.h"
#include "tests/unit/tcp_call.h"

#include <malloc.h>

static const char *const versions[] = {TLS13, TLS12};
#define FOR_VERSIONS(v) for (unsigned v = 0; v < 2; v++)

static struct plan secured(unsigned version)
{
    return (struct plan){.t1 = AGW_TCP_SERVER, .t2 = AGW_TCP_CLIENT, .tls = versions[version]};
}

// --- roles --------------------------------------------------------------------------------------

START_TEST(tcp_and_tls_roles_are_independent)
{
    // REQ-043, REQ-040: every pair of TCP roles with both TLS roles, TLS 1.3 and 1.2.
    static const enum agw_tcp_setup roles[] = {AGW_TCP_SERVER, AGW_TCP_CLIENT};
    for (unsigned i = 0; i < 16; i++) {
        struct plan plan = secured(i & 1);
        struct call c;
        plan.tls_client = i & 2;
        plan.t1 = roles[i >> 2 & 1];
        plan.t2 = roles[i >> 3 & 1];
        plan.explicit_start = plan.t1 == AGW_TCP_CLIENT && plan.t2 == AGW_TCP_CLIENT;
        set_up();
        call_open(&c, plan);
        tcp_peer_check_certificate(&c.ue, &c.t1.local_fingerprints); // REQ-061
        expect_both_ways(&c);
        const struct agw_notification *n = lab_expect(&lab, c.context, AGW_CLIENT_HELLO);
        ck_assert(n->outbound == plan.tls_client && n->termination == AGW_T1);
        n = lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
        ck_assert(n->outbound == plan.tls_client && n->termination == AGW_T1);
        ck_assert_ptr_nonnull(strstr(n->text, i & 1 ? "TLS1.2" : "TLS1.3"));
        ck_assert_ptr_nonnull(strstr(n->text, plan.tls_client ? "client, " : "server, "));
        ck_assert_ptr_nonnull(strstr(n->text, "matched"));
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(the_clienthello_leaves_as_soon_as_tcp_is_up)
{
    // REQ-046, REQ-023: with Establish (D)TLS session the AGW speaks first, whoever has opened the
    // connection and before T2 is up; without it the AGW waits.
    for (int i = 0; i < 4; i++) {
        struct plan plan = secured(0);
        struct call c;
        uint8_t first[2] = {0};
        plan.t1 = i & 1 ? AGW_TCP_CLIENT : AGW_TCP_SERVER;
        plan.t2 = AGW_TCP_SERVER; // nobody comes there
        plan.tls_client = i & 2;
        plan.explicit_start = true;
        set_up();
        call_prepare(&c, plan);
        call_reserve(&c);
        if (plan.t1 == AGW_TCP_SERVER)
            ue_connects(&c);
        else
            tcp_peer_accept(&c.ue);
        lab_expect(&lab, c.context, AGW_TCP_CONNECTED);
        if (plan.tls_client) {
            ck_assert_int_eq(recv(c.ue.fd, first, sizeof first, MSG_PEEK | MSG_WAITALL), 2);
            ck_assert_uint_eq(first[0], 22); // handshake
            ck_assert_uint_eq(first[1], 3);
        } else {
            lab_sync(&lab, c.context);
            tcp_peer_expect_nothing(&c.ue);
        }
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(tls_may_begin_before_the_fingerprints_are_known)
{
    // The ClientHello of the UE is ahead of its SDP answer: the handshake parks before verification
    // (TS 23.334 6.2.10.4.3 NOTE 3) and goes on with Configure.
    FOR_VERSIONS(v)
    {
        struct call c;
        set_up();
        call_prepare(&c, secured(v));
        struct agw_request r1 = request_t1(&c);
        call_reserve_early(&c);
        call_reserve_core(&c);
        ue_connects(&c);
        tcp_peer_secure(&c.ue, false, c.plan.tls, c.certificate);
        fcntl(c.ue.fd, F_SETFL, O_NONBLOCK);
        unsigned seen = 0;
        while (lab_told(&lab, c.context, AGW_CLIENT_HELLO) == 0 || seen < 3) {
            int rc = gnutls_handshake(c.ue.tls);
            ck_assert(rc == 0 || !gnutls_error_is_fatal(rc));
            struct pollfd wait = {.fd = c.ue.fd, .events = POLLIN};
            seen += poll(&wait, 1, 20) == 0; // the AGW has nothing more to say
            uv_run(&lab.loop, UV_RUN_NOWAIT);
        }
        fcntl(c.ue.fd, F_SETFL, 0);
        ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_ESTABLISHED), 0);
        r1.context = c.context;
        ck_assert_int_eq(agw_configure(lab.agw, &r1), REASON_NONE);
        ck_assert_int_eq(tcp_peer_handshake(&c.ue), 0);
        tcp_peer_accept(&c.core);
        expect_both_ways(&c);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(the_strict_rule_refuses_a_wrong_clienthello)
{
    // RFC 8856 8: the AGW offered, so it is TLS client; without a guard time the ClientHello of the
    // UE is an error, before and after the answer.
    for (int early = 0; early < 2; early++) {
        struct plan plan = secured(0);
        struct call c;
        plan.tls_client = true;
        set_up();
        call_prepare(&c, plan);
        struct agw_request r1 = request_t1(&c), r2 = request_t2(&c);
        if (early) {
            r1.remote_fingerprints.count = 0;
            r1.establish_dtls = false;
        }
        call_reserve_as(&c, r1, r2);
        ue_connects(&c);
        tcp_peer_secure(&c.ue, false, c.plan.tls, c.certificate);
        if (early) {
            fcntl(c.ue.fd, F_SETFL, O_NONBLOCK);
            (void)gnutls_handshake(c.ue.tls);
            lab_expect(&lab, c.context, AGW_CLIENT_HELLO);
            configure(&c, request_t1(&c));
        } else {
            ck_assert_int_lt(tcp_peer_handshake(&c.ue), 0);
        }
        expect_told(&c, AGW_DTLS_FAILURE, AGW_T1, REASON_DTLS_HANDSHAKE);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(with_a_guard_time_the_ue_may_be_client)
{
    // REQ-143: whoever sends the ClientHello first within the guard time is client.
    for (int ue_is_client = 0; ue_is_client < 2; ue_is_client++) {
        struct plan plan = secured(ue_is_client);
        struct call c;
        set_up();
        plan.tls_client = true;
        plan.guard_ms = ue_is_client ? 10000 : 50;
        call_prepare(&c, plan);
        call_reserve(&c);
        call_connect(&c);
        c.plan.tls_client = !ue_is_client;
        call_secure(&c);
        expect_both_ways(&c);
        ck_assert(lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED)->outbound == !ue_is_client);
        call_close(&c);
        tear_down();
    }
}
END_TEST

// --- verification -------------------------------------------------------------------------------

// The core has something to say and must not be heard; the UE must not be heard either.
static void refused(struct call *c, const struct certificate *shown, enum reason reason)
{
    tcp_peer_say(&c->core, "secret of the core");
    tcp_peer_secure(&c->ue, c->plan.tls_client, c->plan.tls, shown);
    int rc = tcp_peer_handshake(&c->ue);
    if (rc == 0) { // a TLS 1.3 client is done before it is judged
        char byte;
        (void)tcp_peer_try_send(&c->ue, "secret of the UE", 16);
        ck_assert_int_lt(tcp_peer_try_receive(&c->ue, &byte, 1), 0);
    }
    expect_told(c, AGW_DTLS_FAILURE, AGW_T1, reason);
    ck_assert_uint_eq(lab_told(&lab, c->context, AGW_DTLS_ESTABLISHED), 0);
    ck_assert_int_eq(gnutls_alert_get(c->ue.tls), GNUTLS_A_BAD_CERTIFICATE);
    tcp_peer_expect_gone(&c->core);
    const struct agw_notification *last = call_close(c);
    ck_assert_uint_eq(last->stats.bytes[AGW_T1] + last->stats.bytes[AGW_T2], 0);
}

START_TEST(a_wrong_fingerprint_is_refused)
{
    // REQ-064, REQ-065: bad_certificate, told once, not a byte passes; both roles and versions.
    struct certificate *other = certificate_create(CERTIFICATE_ECDSA);
    for (unsigned i = 0; i < 4; i++) {
        struct plan plan = secured(i & 1);
        struct call c;
        plan.tls_client = i & 2;
        set_up();
        call_prepare(&c, plan);
        call_reserve(&c);
        call_connect(&c);
        refused(&c, other, REASON_DTLS_FINGERPRINT);
        tear_down();
    }
    certificate_free(other);
}
END_TEST

START_TEST(a_ue_without_certificate_is_refused)
{
    // REQ-062: bad_certificate.
    FOR_VERSIONS(v)
    {
        struct call c;
        set_up();
        call_prepare(&c, secured(v));
        call_reserve(&c);
        call_connect(&c);
        refused(&c, NULL, REASON_DTLS_NO_CERTIFICATE);
        tear_down();
    }
}
END_TEST

START_TEST(a_ue_that_refuses_the_agw_is_a_failure)
{
    // The UE ends the handshake with an alert; as TLS 1.3 server it does so only when the AGW is
    // done, which is a failure of the establishment all the same.
    for (unsigned i = 0; i < 4; i++) {
        struct plan plan = secured(i & 1);
        struct call c;
        plan.tls_client = i & 2;
        set_up();
        call_prepare(&c, plan);
        call_reserve(&c);
        call_connect(&c);
        tcp_peer_secure(&c.ue, plan.tls_client, plan.tls, c.certificate);
        gnutls_session_set_verify_function(c.ue.tls, tcp_peer_refuse);
        ck_assert_int_lt(tcp_peer_handshake(&c.ue), 0);
        gnutls_alert_send(c.ue.tls, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
        expect_told(&c, AGW_DTLS_FAILURE, AGW_T1, REASON_DTLS_REFUSED);
        tcp_peer_expect_gone(&c.core);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(old_versions_are_refused)
{
    // REQ-067: no TLS 1.1.
    struct call c;
    set_up();
    call_prepare(&c, secured(0));
    call_reserve(&c);
    call_connect(&c);
    tcp_peer_secure(&c.ue, false, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0", c.certificate);
    ck_assert_int_lt(tcp_peer_handshake(&c.ue), 0);
    expect_told(&c, AGW_DTLS_FAILURE, AGW_T1, REASON_DTLS_HANDSHAKE);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(clear_text_on_a_secured_leg_has_a_name)
{
    // REQ-142: "MSRP " where TLS must be, in both roles, and before the fingerprints are known.
    for (unsigned i = 0; i < 3; i++) {
        struct plan plan = secured(0);
        struct call c;
        plan.tls_client = i == 1;
        set_up();
        call_prepare(&c, plan);
        struct agw_request r1 = request_t1(&c), r2 = request_t2(&c);
        if (i == 2)
            r1.remote_fingerprints.count = 0;
        call_reserve_as(&c, r1, r2);
        call_connect(&c);
        tcp_peer_say(&c.ue, "MSRP d93kswow SEND\r\n");
        expect_told(&c, AGW_DTLS_FAILURE, AGW_T1, REASON_PLAIN_ON_TLS);
        tcp_peer_expect_gone(&c.core);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(a_silent_ue_times_out)
{
    // REQ-075 over TCP: connected, never a byte, in both roles; and half a ClientHello.
    for (unsigned i = 0; i < 3; i++) {
        struct plan plan = secured(0);
        struct call c;
        lab_defaults(&lab);
        lab.cfg.agw.handshake_timeout_ms = 100;
        lab_open(&lab);
        plan.tls_client = i == 1;
        call_prepare(&c, plan);
        call_reserve(&c);
        call_connect(&c);
        if (i == 2)
            tcp_peer_send(&c.ue, "\x16\x03\x01\x02", 4);
        expect_told(&c, AGW_DTLS_FAILURE, AGW_T1, REASON_DTLS_TIMEOUT);
        tcp_peer_expect_gone(&c.core);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(a_handshake_cut_off_is_a_failure)
{
    // The UE ends TCP in the middle of the handshake, with FIN and with RST.
    for (int reset = 0; reset < 2; reset++) {
        struct call c;
        set_up();
        call_prepare(&c, secured(0));
        call_reserve(&c);
        call_connect(&c);
        tcp_peer_send(&c.ue, "\x16\x03\x01\x02", 4);
        lab_expect(&lab, c.context, AGW_CLIENT_HELLO);
        if (reset)
            tcp_peer_reset(&c.ue);
        else
            tcp_peer_close(&c.ue);
        expect_told(&c, AGW_DTLS_FAILURE, AGW_T1, REASON_DTLS_REFUSED);
        call_close(&c);
        tear_down();
    }
}
END_TEST

// --- strangers ----------------------------------------------------------------------------------

START_TEST(with_latching_the_fingerprint_decides)
{
    // TS 23.334 5.4: a stranger is first, fails, is counted; then the UE gets in, behind a NAT.
    struct certificate *other = certificate_create(CERTIFICATE_ECDSA);
    FOR_VERSIONS(v)
    {
        struct plan plan = secured(v);
        struct call c;
        set_up();
        plan.latching = LATCHING_AFTER_DTLS;
        call_prepare(&c, plan);
        call_reserve(&c);
        struct tcp_peer stranger = tcp_peer_connect("127.0.0.2", &c.t1.local);
        tcp_peer_accept(&c.core);
        tcp_peer_secure(&stranger, false, plan.tls, other);
        (void)tcp_peer_handshake(&stranger);
        lab_expect_drop(&lab, c.context, REASON_DTLS_FINGERPRINT);
        c.ue = tcp_peer_connect("127.0.0.3", &c.t1.local);
        call_secure(&c);
        expect_both_ways(&c);
        ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_FAILURE), 0);
        tcp_peer_close(&stranger);
        call_close(&c);
        tear_down();
    }
    certificate_free(other);
}
END_TEST

START_TEST(the_signalled_host_comes_first)
{
    // A stranger that connects and says nothing does not keep the UE out.
    struct plan plan = secured(0);
    struct call c;
    set_up();
    plan.latching = LATCHING_AFTER_DTLS;
    call_prepare(&c, plan);
    call_reserve(&c);
    struct tcp_peer stranger = tcp_peer_connect("127.0.0.2", &c.t1.local);
    lab_expect(&lab, c.context, AGW_TCP_CONNECTED);
    call_connect(&c);
    tcp_peer_expect_gone(&stranger);
    call_secure(&c);
    expect_both_ways(&c);
    tcp_peer_close(&stranger);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(nobody_but_strangers_is_a_failure)
{
    // The attempt ends with the reason of the last one that tried.
    struct certificate *other = certificate_create(CERTIFICATE_ECDSA);
    struct plan plan = secured(1);
    struct call c;
    lab_defaults(&lab);
    lab.cfg.agw.handshake_timeout_ms = 300;
    lab_open(&lab);
    plan.latching = LATCHING_AFTER_DTLS;
    call_prepare(&c, plan);
    call_reserve(&c);
    struct tcp_peer stranger = tcp_peer_connect("127.0.0.2", &c.t1.local);
    tcp_peer_secure(&stranger, false, plan.tls, other);
    (void)tcp_peer_handshake(&stranger);
    expect_told(&c, AGW_DTLS_FAILURE, AGW_T1, REASON_DTLS_FINGERPRINT);
    tcp_peer_close(&stranger);
    call_close(&c);
    certificate_free(other);
    tear_down();
}
END_TEST

// --- what passes --------------------------------------------------------------------------------

START_TEST(bytes_of_the_core_wait_for_the_handshake)
{
    // REQ-053, REQ-065: more than the AGW would hold waits, and all of it arrives.
    static uint8_t out[1 << 20], in[1 << 20];
    struct call c;
    set_up();
    fill_pattern(out, sizeof out, 7, 0);
    call_prepare(&c, secured(0));
    call_reserve(&c);
    call_connect(&c);
    fcntl(c.core.fd, F_SETFL, O_NONBLOCK);
    ssize_t sent = send(c.core.fd, out, sizeof out, MSG_NOSIGNAL);
    ck_assert_int_gt(sent, 0);
    fcntl(c.core.fd, F_SETFL, 0);
    call_secure(&c);
    for (size_t at = 0; at < (size_t)sent;) {
        ssize_t n = tcp_peer_try_receive(&c.ue, in + at, sizeof in - at);
        ck_assert_int_gt(n, 0);
        at += (size_t)n;
    }
    ck_assert_mem_eq(in, out, (size_t)sent);
    call_close(&c);
    tear_down();
}
END_TEST

static ssize_t push_one(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    return send((int)(intptr_t)ptr, data, len > 0 ? 1 : 0, MSG_NOSIGNAL);
}

START_TEST(one_byte_per_segment_is_enough)
{
    // Records in single bytes, handshake and data, both versions.
    FOR_VERSIONS(v)
    {
        struct call c;
        set_up();
        call_prepare(&c, secured(v));
        call_reserve(&c);
        call_connect(&c);
        tcp_peer_secure(&c.ue, false, c.plan.tls, c.certificate);
        gnutls_transport_set_push_function(c.ue.tls, push_one);
        ck_assert_int_eq(tcp_peer_handshake(&c.ue), 0);
        expect_both_ways(&c);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(renegotiation_is_refused_and_the_session_lives)
{
    // RFC 5746 4.4, REQ-068: no_renegotiation, in both roles, counted. No second certificate can
    // be shown (REQ-134).
    for (int agw_client = 0; agw_client < 2; agw_client++) {
        struct plan plan = secured(1);
        struct call c;
        set_up();
        plan.tls_client = agw_client;
        call_open(&c, plan);
        uint64_t before = reason_total(REASON_DTLS_RENEGOTIATION);
        if (agw_client) {
            ck_assert_int_eq(gnutls_rehandshake(c.ue.tls), 0);
            lab_expect_total(&lab, REASON_DTLS_RENEGOTIATION, before + 1);
        } else {
            int rc = gnutls_handshake(c.ue.tls);
            ck_assert_int_eq(rc, GNUTLS_E_WARNING_ALERT_RECEIVED);
            ck_assert_int_eq(gnutls_alert_get(c.ue.tls), GNUTLS_A_NO_RENEGOTIATION);
        }
        tcp_peer_say(&c.core, "still here");
        if (agw_client) { // GnuTLS as client reads no data in a handshake that it has begun
            tcp_peer_expect(&c.ue, "still here");
        } else {
            lab_sync(&lab, c.context);
            ck_assert_uint_eq(lab_told(&lab, c.context, AGW_BEARER_RELEASED), 0);
        }
        ck_assert_uint_eq(reason_total(REASON_DTLS_RENEGOTIATION) - before, 1);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(keys_may_be_updated)
{
    // RFC 8446 4.6.3.
    struct call c;
    set_up();
    call_open(&c, secured(0));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(gnutls_session_key_update(c.ue.tls, GNUTLS_KU_PEER), 0);
        expect_both_ways(&c);
    }
    call_close(&c);
    tear_down();
}
END_TEST

// --- how it ends --------------------------------------------------------------------------------

START_TEST(the_end_of_tls_releases_tcp_at_once)
{
    // REQ-069: close_notify is answered with close_notify and FIN; what came before it arrives.
    FOR_VERSIONS(v)
    {
        struct call c;
        set_up();
        call_open(&c, secured(v));
        tcp_peer_say(&c.ue, "last words");
        gnutls_bye(c.ue.tls, GNUTLS_SHUT_WR);
        tcp_peer_expect_end(&c.ue);
        tcp_peer_expect(&c.core, "last words");
        tcp_peer_expect_end(&c.core);
        expect_told(&c, AGW_BEARER_RELEASED, AGW_T1, REASON_BEARER_RELEASED);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(tcp_that_ends_without_close_notify_ends_the_stream)
{
    // FIN and RST alone: the core gets what had come, then FIN.
    for (unsigned i = 0; i < 4; i++) {
        struct call c;
        set_up();
        call_open(&c, secured(i & 1));
        expect_both_ways(&c);
        if (i & 2)
            tcp_peer_reset(&c.ue);
        else
            shutdown(c.ue.fd, SHUT_WR);
        tcp_peer_expect_end(&c.core);
        expect_told(&c, AGW_BEARER_RELEASED, AGW_T1, REASON_BEARER_RELEASED);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(a_verified_connection_that_has_left_carries_nothing)
{
    // The UE loses its connection just before the core connects: it may come again. Often, because
    // it takes a coincidence.
    set_up();
    for (int round = 0; round < 10; round++) {
        struct call c;
        struct plan plan = secured(round & 1);
        plan.t2 = AGW_TCP_SERVER;
        call_prepare(&c, plan);
        call_reserve(&c);
        ue_connects(&c);
        call_secure(&c);
        lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
        gnutls_deinit(c.ue.tls);
        tcp_peer_reset(&c.ue);
        core_connects(&c);
        ue_connects(&c);
        call_secure(&c);
        expect_both_ways(&c);
        call_close(&c);
    }
    tear_down();
}
END_TEST

START_TEST(fin_of_the_core_is_close_notify_for_the_ue)
{
    // What the core sent arrives, then close_notify and FIN; the UE may finish what it has to say.
    FOR_VERSIONS(v)
    {
        struct call c;
        set_up();
        call_open(&c, secured(v));
        tcp_peer_say(&c.core, "last words");
        shutdown(c.core.fd, SHUT_WR);
        tcp_peer_expect(&c.ue, "last words");
        tcp_peer_expect_end(&c.ue);
        tcp_peer_say(&c.ue, "still here");
        tcp_peer_expect(&c.core, "still here");
        gnutls_bye(c.ue.tls, GNUTLS_SHUT_WR);
        tcp_peer_expect_end(&c.core);
        expect_told(&c, AGW_BEARER_RELEASED, AGW_T2, REASON_BEARER_RELEASED);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(rst_of_the_core_is_close_notify_for_the_ue)
{
    // The UE sees an end in good order.
    struct call c;
    set_up();
    call_open(&c, secured(0));
    expect_both_ways(&c);
    tcp_peer_reset(&c.core);
    tcp_peer_expect_end(&c.ue);
    expect_told(&c, AGW_BEARER_RELEASED, AGW_T2, REASON_BEARER_RELEASED);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(release_sends_close_notify)
{
    // REQ-078.
    FOR_VERSIONS(v)
    {
        struct call c;
        set_up();
        call_open(&c, secured(v));
        expect_both_ways(&c);
        lab_release(&lab, c.context);
        tcp_peer_expect_end(&c.ue);
        tcp_peer_expect_end(&c.core);
        call_drop(&c);
        tear_down();
    }
}
END_TEST

START_TEST(a_broken_record_ends_the_session)
{
    // RFC 8446 5.2: bad_record_mac; nothing of it passes.
    FOR_VERSIONS(v)
    {
        static const uint8_t record[64] = {23, 3, 3, 0, 59};
        struct call c;
        set_up();
        call_open(&c, secured(v));
        expect_both_ways(&c);
        ck_assert_int_eq(send(c.ue.fd, record, sizeof record, 0), sizeof record);
        expect_told(&c, AGW_BEARER_RELEASED, AGW_T1, REASON_BEARER_RELEASED);
        tcp_peer_expect_end(&c.core);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(new_fingerprints_begin_anew)
{
    // RFC 8122 6.2: the UE shows another certificate in a later SDP: old TCP and TLS end.
    struct call c;
    set_up();
    call_open(&c, secured(0));
    expect_both_ways(&c);
    certificate_free(c.certificate);
    c.certificate = certificate_create(CERTIFICATE_ECDSA);
    configure(&c, request_t1(&c));
    tcp_peer_expect_end(&c.ue);
    tcp_peer_expect_end(&c.core);
    gnutls_deinit(c.ue.tls);
    close(c.ue.fd);
    close(c.core.fd);
    call_connect(&c);
    call_secure(&c);
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(the_same_fingerprints_change_nothing)
{
    // A refresh repeats what is known (REQ-080): the connection stays.
    struct call c;
    set_up();
    call_open(&c, secured(0));
    struct agw_request r1 = request_t1(&c);
    configure(&c, r1);
    configure(&c, request_t2(&c));
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(one_stream_fails_alone)
{
    // REQ-076: another stream of the same context goes on.
    struct call good, bad;
    set_up();
    call_open(&good, secured(0));
    call_prepare(&bad, secured(0));
    struct agw_request r1 = request_t1(&bad), r2 = request_t2(&bad);
    r1.context = r2.context = bad.context = good.context;
    r1.stream = r2.stream = 2;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r1, &bad.t1), REASON_NONE);
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r2, &bad.t2), REASON_NONE);
    call_connect(&bad);
    tcp_peer_say(&bad.ue, "clear");
    ck_assert_uint_eq(lab_expect(&lab, good.context, AGW_DTLS_FAILURE)->stream, 2);
    expect_both_ways(&good);
    call_close(&good);
    call_drop(&bad);
    tear_down();
}
END_TEST

// --- much ---------------------------------------------------------------------------------------

#define MUCH (16 << 20)

struct writer {
    struct tcp_peer *peer;
    uint64_t seed;
};

static void *write_much(void *arg)
{
    static uint8_t bytes[2][65536];
    const struct writer *w = arg;
    for (uint64_t at = 0; at < MUCH; at += sizeof bytes[0]) {
        fill_pattern(bytes[w->seed & 1], sizeof bytes[0], w->seed, at);
        tcp_peer_send(w->peer, bytes[w->seed & 1], sizeof bytes[0]);
    }
    return NULL;
}

static void read_much(struct tcp_peer *peer, uint64_t seed)
{
    static uint8_t bytes[65536];
    for (uint64_t at = 0; at < MUCH;) {
        ssize_t n = tcp_peer_try_receive(peer, bytes, sizeof bytes);
        ck_assert_int_gt(n, 0);
        check_pattern(bytes, (size_t)n, seed, at);
        at += (uint64_t)n;
    }
}

START_TEST(much_passes_unchanged)
{
    // 16 MiB each way, one after the other, every byte compared; both versions.
    FOR_VERSIONS(v)
    {
        struct call c;
        pthread_t thread;
        set_up();
        call_open(&c, secured(v));
        struct writer up = {&c.ue, 2}, down = {&c.core, 3};
        ck_assert_int_eq(pthread_create(&thread, NULL, write_much, &up), 0);
        read_much(&c.core, 2);
        pthread_join(thread, NULL);
        ck_assert_int_eq(pthread_create(&thread, NULL, write_much, &down), 0);
        read_much(&c.ue, 3);
        pthread_join(thread, NULL);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(a_stalled_ue_makes_nothing_grow)
{
    // REQ-053 with TLS towards the reader: the core is slowed down, memory stays, nothing is lost.
    static uint8_t bytes[65536];
    struct call c;
    int size = 65536;
    uint64_t sent = 0, received = 0;
    mallopt(M_ARENA_MAX, 1); // mallinfo2() knows no other
    set_up();
    call_open(&c, secured(0));
    expect_both_ways(&c);
    setsockopt(c.ue.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(c.core.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    size_t before = mallinfo2().uordblks;
    struct pollfd room = {.fd = c.core.fd, .events = POLLOUT};
    while (poll(&room, 1, 500) > 0 && sent < 256 << 20) {
        fill_pattern(bytes, sizeof bytes, 5, sent);
        ssize_t n = send(c.core.fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        ck_assert_int_gt(n, 0);
        sent += (uint64_t)n;
    }
    ck_assert_uint_lt(sent, 256 << 20);
    size_t grown = mallinfo2().uordblks - before;
    ck_assert_msg(grown < 256 * 1024, "the heap grew by %zu bytes", grown);
    shutdown(c.core.fd, SHUT_WR);
    while (received < sent) {
        ssize_t n = tcp_peer_try_receive(&c.ue, bytes, sizeof bytes);
        ck_assert_int_gt(n, 0);
        check_pattern(bytes, (size_t)n, 5, received);
        received += (uint64_t)n;
    }
    tcp_peer_expect_end(&c.ue);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(a_release_may_come_at_any_time)
{
    // REQ-105: descriptors, ports and sessions after calls that end in the middle of the handshake.
    set_up();
    unsigned before = open_descriptors();
    for (unsigned i = 0; i < 60; i++) {
        struct plan plan = secured(i & 1);
        struct call c;
        plan.tls_client = i & 2;
        call_prepare(&c, plan);
        call_reserve(&c);
        call_connect(&c);
        tcp_peer_secure(&c.ue, plan.tls_client, plan.tls, c.certificate);
        fcntl(c.ue.fd, F_SETFL, O_NONBLOCK);
        for (unsigned step = 0; step < i % 6; step++) {
            struct pollfd wait = {.fd = c.ue.fd, .events = POLLIN};
            (void)gnutls_handshake(c.ue.tls);
            (void)poll(&wait, 1, 5);
        }
        call_close(&c);
        lab.count = 0;
    }
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1) + agw_ports_used(lab.agw, AGW_T2), 0);
    ck_assert_uint_le(open_descriptors(), before);
    tear_down();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        tcp_and_tls_roles_are_independent,
        the_clienthello_leaves_as_soon_as_tcp_is_up,
        tls_may_begin_before_the_fingerprints_are_known,
        the_strict_rule_refuses_a_wrong_clienthello,
        with_a_guard_time_the_ue_may_be_client,
        a_wrong_fingerprint_is_refused,
        a_ue_without_certificate_is_refused,
        a_ue_that_refuses_the_agw_is_a_failure,
        old_versions_are_refused,
        clear_text_on_a_secured_leg_has_a_name,
        a_silent_ue_times_out,
        a_handshake_cut_off_is_a_failure,
        with_latching_the_fingerprint_decides,
        the_signalled_host_comes_first,
        nobody_but_strangers_is_a_failure,
        bytes_of_the_core_wait_for_the_handshake,
        one_byte_per_segment_is_enough,
        renegotiation_is_refused_and_the_session_lives,
        keys_may_be_updated,
        the_end_of_tls_releases_tcp_at_once,
        tcp_that_ends_without_close_notify_ends_the_stream,
        a_verified_connection_that_has_left_carries_nothing,
        fin_of_the_core_is_close_notify_for_the_ue,
        rst_of_the_core_is_close_notify_for_the_ue,
        release_sends_close_notify,
        a_broken_record_ends_the_session,
        new_fingerprints_begin_anew,
        the_same_fingerprints_change_nothing,
        one_stream_fails_alone,
        much_passes_unchanged,
        a_stalled_ue_makes_nothing_grow,
        a_release_may_come_at_any_time,
    };
    return SUITE_RUN("agw tls", tests);
}
