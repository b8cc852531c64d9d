// SPDX-License-Identifier: GPL-3.0-or-later
// UDP/DTLS terminations: session establishment, latching, and what must not pass.
#include "tests/unit/agw_ue.h"
#include "tests/unit/suite.h"

static struct lab lab;

// A secured call: T1 is UDP/DTLS, T2 plain.
struct call {
    uint32_t context;
    struct ue ue;
    struct peer core;
};

// --- fixture ------------------------------------------------------------------------------------

static struct agw_request secured(uint32_t context)
{
    struct agw_request r = request_for(AGW_T1, context);
    r.transport = AGW_UDP_DTLS;
    r.local_fingerprint_request = true;
    r.notify_dtls_failure = true;
    return r;
}

// Reserves both terminations; nothing is known of the UE yet.
static void call_reserve_as(struct call *c, struct agw_request r1)
{
    struct agw_reply reply;
    struct agw_request r2 = request_for(AGW_T2, 0);
    ue_open(&c->ue, &lab.cfg);
    ck_assert_int_eq(agw_reserve(lab.agw, &r1, &reply), REASON_NONE);
    ck_assert_uint_eq(reply.local_fingerprints.count, 1);
    c->context = r2.context = reply.context;
    c->ue.agw = reply.local_fingerprints;
    c->ue.peer.agw = reply.local;
    c->core = peer_open(NULL);
    r2.remote = c->core.addr;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r2, &reply), REASON_NONE);
    c->core.agw = reply.local;
    lab_sync(&lab, c->context);
}

static void call_reserve(struct call *c, enum latching latching)
{
    struct agw_request r1 = secured(0);
    r1.latching = latching;
    call_reserve_as(c, r1);
}

static void open_with(struct call *c, enum latching latching)
{
    lab_open(&lab);
    call_reserve(c, latching);
}

// What the SDP of the UE makes of it.
static struct agw_request answer_of(const struct call *c)
{
    struct agw_request r = request_for(AGW_T1, c->context);
    r.remote = c->ue.peer.addr;
    r.remote_fingerprints = *ue_fingerprints(&c->ue);
    return r;
}

static void configure(struct agw_request r)
{
    ck_assert_int_eq(agw_configure(lab.agw, &r), REASON_NONE);
    lab_sync(&lab, r.context);
}

// Established with the AGW as server.
static void call_establish(struct call *c)
{
    configure(answer_of(c));
    ue_connect(&c->ue);
    ue_expect_state(&c->ue, DTLS_ESTABLISHED);
    lab_expect(&lab, c->context, AGW_DTLS_ESTABLISHED);
}

static void call_close(struct call *c)
{
    lab_release(&lab, c->context);
    ue_close(&c->ue);
    peer_close(&c->core);
}

static void close_all(struct call *c)
{
    call_close(c);
    lab_close(&lab);
}

// The UE does its part until the AGW has told this.
static void listen_until(struct ue *ue, uint32_t context, enum agw_event event)
{
    uint64_t end = clock_now_us() + WAIT_MS * 1000ull;
    while (!lab_find(&lab, 0, context, event)) {
        ck_assert_uint_lt(clock_now_us(), end);
        ue_turn(ue, 50);
        uv_run(&lab.loop, UV_RUN_NOWAIT);
    }
}

#define expect_media(c) expect_media_at((c), __LINE__)
static void expect_media_at(struct call *c, int line)
{
    ue_send(&c->ue, "from the UE");
    peer_expect_at(&c->core, "from the UE", line);
    peer_send(&c->core, "from the core");
    ue_expect_at(&c->ue, "from the core", line);
}

// Another party that knows the port of the AGW, with a certificate of its own.
static void stranger_open(struct ue *stranger, const struct call *c)
{
    ue_open(stranger, &lab.cfg);
    stranger->agw = c->ue.agw;
    stranger->peer.agw = c->ue.peer.agw;
}

static void expect_failure(const struct call *c, enum reason reason)
{
    struct agw_notification *n = lab_expect(&lab, c->context, AGW_DTLS_FAILURE);
    ck_assert_int_eq(n->reason, reason);
    ck_assert_int_eq(n->termination, AGW_T1);
    ck_assert_uint_eq(n->stream, 1);
}

// No drop was told; says which one was.
static void expect_no_drop(const struct call *c)
{
    struct agw_notification *n = lab_find(&lab, 0, c->context, AGW_DROPPED);
    ck_assert_msg(!n, "dropped: %s", n ? reason_name(n->reason) : "");
}

// Nothing from the core reaches the UE, nothing from the UE the core.
static void expect_no_media(struct call *c)
{
    peer_send(&c->core, "too early");
    lab_expect_drop(&lab, c->context, REASON_DROP_UNVERIFIED);
    peer_expect_nothing(&c->core);
    ck_assert_uint_eq(c->ue.received, 0);
}

// --- establishment ------------------------------------------------------------------------------

START_TEST(agw_as_server_carries_data_both_ways)
{
    // TS 23.334 6.2.10.4.2, REQ-066, REQ-070: UE active, AGW server.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    call_establish(&c);
    struct agw_notification *hello = lab_expect(&lab, c.context, AGW_CLIENT_HELLO);
    ck_assert(!hello->outbound);
    ck_assert(addr_equal(&hello->address, &c.ue.peer.addr));
    struct agw_notification *up = lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
    ck_assert(up > hello);
    ck_assert_msg(strstr(up->text, "server, DTLS1.2"), "%s", up->text);
    expect_media(&c);
    expect_no_drop(&c);
    close_all(&c);
}
END_TEST

START_TEST(agw_as_client_carries_data_both_ways)
{
    // REQ-066, REQ-074: UE passive; Establish (D)TLS session sends the ClientHello at once.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    struct agw_request r = answer_of(&c);
    r.establish_dtls = true;
    configure(r);
    ck_assert(lab_expect(&lab, c.context, AGW_CLIENT_HELLO)->outbound);
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    ck_assert(strstr(lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED)->text, "client"));
    expect_media(&c);
    expect_no_drop(&c);
    close_all(&c);
}
END_TEST

START_TEST(a_client_waits_for_the_address)
{
    // The fingerprint comes first, the address with a later Configure: ClientHello then.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    struct agw_request r = answer_of(&c);
    r.establish_dtls = true;
    r.remote.len = 0;
    configure(r);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_CLIENT_HELLO), 0);
    configure(answer_of(&c));
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
    expect_media(&c);
    close_all(&c);
}
END_TEST

START_TEST(reserve_and_configure_in_one_works_for_both_roles)
{
    // TS 23.334 6.2.10.4.2 steps 10 to 12: everything is known in the first request.
    for (int client = 0; client <= 1; client++) {
        struct call c;
        struct agw_reply reply;
        lab_defaults(&lab);
        lab_open(&lab);
        ue_open(&c.ue, &lab.cfg);
        struct agw_request r = secured(0), r2 = request_for(AGW_T2, 0);
        c.core = peer_open(NULL);
        r2.remote = c.core.addr;
        ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r2, &reply), REASON_NONE);
        c.core.agw = reply.local;
        c.context = r.context = reply.context;
        r.remote = c.ue.peer.addr;
        r.remote_fingerprints = *ue_fingerprints(&c.ue);
        r.establish_dtls = client;
        ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r, &reply), REASON_NONE);
        c.ue.agw = reply.local_fingerprints;
        c.ue.peer.agw = reply.local;
        if (!client)
            ue_connect(&c.ue);
        ue_expect_state(&c.ue, DTLS_ESTABLISHED);
        lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
        expect_media(&c);
        close_all(&c);
    }
}
END_TEST

START_TEST(dtls_works_over_ipv6)
{
    // The access realm has both families.
    struct call c;
    struct agw_request r1 = secured(0);
    lab_defaults(&lab);
    lab_open(&lab);
    r1.family = AF_INET6;
    call_reserve_as(&c, r1);
    struct addr agw = c.ue.peer.agw;
    peer_close(&c.ue.peer);
    c.ue.peer = peer_open_at("::1", &agw);
    call_establish(&c);
    expect_media(&c);
    close_all(&c);
}
END_TEST

START_TEST(each_stream_has_a_certificate_of_its_own)
{
    // REQ-060: selected per stream, never shared.
    struct call a, b;
    lab_defaults(&lab);
    lab_open(&lab);
    call_reserve(&a, LATCHING_OFF);
    call_reserve(&b, LATCHING_OFF);
    ck_assert(!fingerprints_equal(&a.ue.agw, &b.ue.agw));
    call_close(&a);
    close_all(&b);
}
END_TEST

START_TEST(the_mode_does_not_stop_a_handshake)
{
    // TS 23.334 7.3: the gate is for media; (D)TLS passes while the stream is held.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    struct agw_request r = answer_of(&c);
    r.mode = AGW_INACTIVE;
    configure(r);
    ue_connect(&c.ue);
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
    ue_send(&c.ue, "held");
    lab_expect_drop(&lab, c.context, REASON_DROP_GATE);
    configure(answer_of(&c));
    expect_media(&c);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_ESTABLISHED), 1);
    close_all(&c);
}
END_TEST

// --- NOTE 3 -------------------------------------------------------------------------------------

static void hello_before_configure(enum latching latching)
{
    struct call c;
    lab_defaults(&lab);
    open_with(&c, latching);
    ue_connect(&c.ue);
    listen_until(&c.ue, c.context, AGW_CLIENT_HELLO);
    for (int i = 0; i < 5; i++) // the flights go on until the AGW would have to verify
        ue_turn(&c.ue, 50);
    ck_assert(!ue_in_state(&c.ue, DTLS_ESTABLISHED));
    expect_no_media(&c);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_ESTABLISHED), 0);
    configure(answer_of(&c));
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
    struct agw_notification *n = lab_expect(&lab, c.context, AGW_LATCHED);
    ck_assert(addr_equal(&n->address, &c.ue.peer.addr));
    expect_media(&c);
    close_all(&c);
}

START_TEST(with_latching_the_hello_is_processed_before_configure)
{
    // NOTE 3 of 6.2.10.4.3, REQ-072, REQ-126, REQ-065: it parks, and nothing crosses.
    hello_before_configure(LATCHING_FIRST_PACKET);
    hello_before_configure(LATCHING_AFTER_DTLS);
}
END_TEST

START_TEST(without_latching_the_hello_is_dropped_until_configure)
{
    // NOTE 3 of 6.2.10.4.3, REQ-073: the repeated ClientHello succeeds.
    struct call c;
    lab_defaults(&lab);
    lab.cfg.agw.retransmit_ms = 200;
    open_with(&c, LATCHING_OFF);
    ue_connect(&c.ue);
    lab_expect_drop(&lab, c.context, REASON_DROP_EARLY_HELLO);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_CLIENT_HELLO), 0);
    configure(answer_of(&c));
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
    expect_media(&c);
    close_all(&c);
}
END_TEST

START_TEST(a_parked_handshake_of_the_wrong_peer_fails_at_configure)
{
    // REQ-064, REQ-072: the fingerprints come and do not match.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    ue_connect(&c.ue);
    listen_until(&c.ue, c.context, AGW_CLIENT_HELLO);
    struct agw_request r = answer_of(&c);
    r.remote_fingerprints.list[0].value[0] ^= 1;
    configure(r);
    ue_expect_state(&c.ue, DTLS_FAILED);
    expect_failure(&c, REASON_DTLS_FINGERPRINT);
    expect_no_media(&c);
    close_all(&c);
}
END_TEST

START_TEST(a_handshake_that_failed_before_configure_is_told_at_once)
{
    // REQ-064, NOTE 3: when the address of the peer becomes known, its failure is that of the
    // attempt; nothing else would come from there.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    uint64_t before = reason_total(REASON_DTLS_REFUSED);
    c.ue.agw.list[0].value[0] ^= 1;
    ue_connect(&c.ue);
    ue_expect_state(&c.ue, DTLS_FAILED);
    lab_expect_drop(&lab, c.context, REASON_DTLS_REFUSED);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_FAILURE), 0);
    configure(answer_of(&c));
    expect_failure(&c, REASON_DTLS_REFUSED);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_FAILURE), 1);
    ck_assert_uint_eq(reason_total(REASON_DTLS_REFUSED) - before, 1);
    expect_no_media(&c);
    close_all(&c);
}
END_TEST

START_TEST(a_stranger_that_failed_before_configure_decides_nothing)
{
    // REQ-064, NOTE 3: whoever knows the port first cannot end the call.
    struct call c;
    struct ue stranger;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    stranger_open(&stranger, &c);
    stranger.agw.list[0].value[0] ^= 1;
    ue_connect(&stranger);
    ue_expect_state(&stranger, DTLS_FAILED);
    lab_expect_drop(&lab, c.context, REASON_DTLS_REFUSED);
    call_establish(&c);
    expect_media(&c);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_FAILURE), 0);
    ue_close(&stranger);
    close_all(&c);
}
END_TEST

// --- failures -----------------------------------------------------------------------------------

static void wrong_fingerprint(bool client)
{
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    struct agw_request r = answer_of(&c);
    r.remote_fingerprints.list[0].value[31] ^= 0x80;
    r.establish_dtls = client;
    configure(r);
    if (!client)
        ue_connect(&c.ue);
    ue_expect_state(&c.ue, DTLS_FAILED);
    ck_assert_int_eq(dtls_failure(c.ue.dtls), REASON_DTLS_REFUSED);
    expect_failure(&c, REASON_DTLS_FINGERPRINT);
    expect_no_media(&c);
    lab_sync(&lab, c.context);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_FAILURE), 1);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_ESTABLISHED), 0);
    close_all(&c);
}

START_TEST(a_wrong_fingerprint_fails_as_server)
{
    // REQ-064: alert, failure told once, nothing forwarded.
    wrong_fingerprint(false);
}
END_TEST

START_TEST(a_wrong_fingerprint_fails_as_client)
{
    // REQ-064 in the other role.
    wrong_fingerprint(true);
}
END_TEST

START_TEST(a_failure_nobody_asked_for_is_a_milestone)
{
    // Without Notify (D)TLS session establishment Failure Event only the trace hears of it.
    struct call c;
    struct agw_request r1 = secured(0);
    lab_defaults(&lab);
    lab_open(&lab);
    r1.notify_dtls_failure = false;
    call_reserve_as(&c, r1);
    struct agw_request r = answer_of(&c);
    r.remote_fingerprints.list[0].value[0] ^= 1;
    configure(r);
    ue_connect(&c.ue);
    ue_expect_state(&c.ue, DTLS_FAILED);
    lab_expect_drop(&lab, c.context, REASON_DTLS_FINGERPRINT);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_FAILURE), 0);
    close_all(&c);
}
END_TEST

START_TEST(the_failure_event_may_be_asked_for_in_configure)
{
    // NOTE 1 of 6.2.10.4.3: deferred from Reserve to Configure.
    struct call c;
    struct agw_request r1 = secured(0);
    lab_defaults(&lab);
    lab_open(&lab);
    r1.notify_dtls_failure = false;
    call_reserve_as(&c, r1);
    struct agw_request r = answer_of(&c);
    r.remote_fingerprints.list[0].value[0] ^= 1;
    r.notify_dtls_failure = true;
    configure(r);
    ue_connect(&c.ue);
    ue_expect_state(&c.ue, DTLS_FAILED);
    expect_failure(&c, REASON_DTLS_FINGERPRINT);
    close_all(&c);
}
END_TEST

static void silent_ue(bool client)
{
    struct call c;
    lab_defaults(&lab);
    lab.cfg.agw.handshake_timeout_ms = 300;
    open_with(&c, LATCHING_AFTER_DTLS);
    uint64_t start = clock_now_us();
    struct agw_request r = answer_of(&c);
    r.establish_dtls = client;
    configure(r);
    expect_failure(&c, REASON_DTLS_TIMEOUT);
    ck_assert_uint_ge(clock_now_us() - start, 300000);
    ue_connect(&c.ue); // too late: the attempt is over
    for (int i = 0; i < 3; i++)
        ue_turn(&c.ue, 50);
    lab_sync(&lab, c.context);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_FAILURE), 1);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_ESTABLISHED), 0);
    close_all(&c);
}

START_TEST(a_server_that_hears_nothing_times_out)
{
    // REQ-075: from the Configure that gave the fingerprints.
    silent_ue(false);
}
END_TEST

START_TEST(a_client_that_hears_nothing_times_out)
{
    // REQ-075 in the other role.
    silent_ue(true);
}
END_TEST

START_TEST(a_failed_association_answers_with_its_alert)
{
    // REQ-131: the UE tries again and is refused again, without a second failure event.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    struct agw_request r = answer_of(&c);
    r.remote_fingerprints.list[0].value[0] ^= 1;
    configure(r);
    for (int i = 0; i < 3; i++) {
        ue_connect(&c.ue);
        ue_expect_state(&c.ue, DTLS_FAILED);
        dtls_close(c.ue.dtls);
    }
    c.ue.dtls = NULL;
    lab_sync(&lab, c.context);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_FAILURE), 1);
    close_all(&c);
}
END_TEST

START_TEST(one_failure_does_not_disturb_others)
{
    // REQ-076: each stream is a failure domain of its own.
    struct call good, bad;
    lab_defaults(&lab);
    lab.cfg.agw.workers = 1;
    lab_open(&lab);
    call_reserve(&good, LATCHING_OFF);
    call_reserve(&bad, LATCHING_OFF);
    call_establish(&good);
    struct agw_request r = answer_of(&bad);
    r.remote_fingerprints.list[0].value[0] ^= 1;
    configure(r);
    ue_connect(&bad.ue);
    ue_expect_state(&bad.ue, DTLS_FAILED);
    expect_failure(&bad, REASON_DTLS_FINGERPRINT);
    expect_media(&good);
    ck_assert_uint_eq(lab_told(&lab, good.context, AGW_DTLS_FAILURE), 0);
    call_close(&bad);
    close_all(&good);
}
END_TEST

START_TEST(a_hello_for_a_client_is_dropped)
{
    // Roles are the ALG's: a UE that answered passive does not begin.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    struct agw_request r = answer_of(&c);
    r.establish_dtls = true;
    configure(r);
    struct ue stranger;
    stranger_open(&stranger, &c);
    ue_connect(&stranger);
    lab_expect_drop(&lab, c.context, REASON_DROP_BAD_RECORD);
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
    expect_media(&c);
    ue_close(&stranger);
    close_all(&c);
}
END_TEST

START_TEST(release_in_the_middle_of_a_handshake_leaves_nothing)
{
    // REQ-078, REQ-105: port, certificate and keys go, whatever the state.
    for (int turns = 0; turns < 4; turns++) {
        struct call c;
        lab_defaults(&lab);
        open_with(&c, LATCHING_AFTER_DTLS);
        if (turns > 1)
            configure(answer_of(&c));
        ue_connect(&c.ue);
        for (int i = 0; i < turns; i++)
            ue_turn(&c.ue, 100);
        lab_release(&lab, c.context);
        ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1), 0);
        ue_close(&c.ue);
        peer_close(&c.core);
        lab_close(&lab);
    }
}
END_TEST

START_TEST(release_sends_close_notify)
{
    // REQ-078.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    call_establish(&c);
    lab_release(&lab, c.context);
    ue_expect_state(&c.ue, DTLS_CLOSED);
    ue_close(&c.ue);
    peer_close(&c.core);
    lab_close(&lab);
}
END_TEST

START_TEST(closing_the_agw_sends_close_notify)
{
    // Restart: what cannot survive is ended properly.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    call_establish(&c);
    lab_close(&lab);
    ue_expect_state(&c.ue, DTLS_CLOSED);
    ue_close(&c.ue);
    peer_close(&c.core);
}
END_TEST

START_TEST(close_notify_of_the_peer_releases_the_bearer)
{
    // IP Bearer Released, once; nothing passes afterwards.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    call_establish(&c);
    expect_media(&c);
    dtls_close(c.ue.dtls);
    c.ue.dtls = NULL;
    struct agw_notification *n = lab_expect(&lab, c.context, AGW_BEARER_RELEASED);
    ck_assert_int_eq(n->reason, REASON_BEARER_RELEASED);
    expect_no_media(&c);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_BEARER_RELEASED), 1);
    close_all(&c);
}
END_TEST

// --- what is not DTLS ---------------------------------------------------------------------------

static void send_clear(const struct peer *from, const char *bytes, size_t len)
{
    peer_send_bytes(from, bytes, len);
}

static void expect_clear_dropped(struct call *c, const struct peer *from)
{
    static const char udptl_like_dtls[] =
        "\x16\x40\x05\xc0\x01\x80\x00\x00\x00\x00\x00\x00\x00\x00";
    static const char udptl_like_stun[] =
        "\x00\x01\x00\x08\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa"
        "\xbb\xcc\xdd\xee\xff\x00\x01\x02\x03\x04\x05\x06\x07\x08";
    static const char rtp[] = "\x80\x08\x00\x01\x00\x00\x00\xa0\x12\x34\x56\x78payload";
    static const char stun[] =
        "\x00\x01\x00\x00\x21\x12\xa4\x42\x01\x02\x03\x04\x05\x06\x07\x08\x09"
        "\x0a\x0b\x0c";
    uint64_t clear = reason_total(REASON_DROP_CLEAR_ON_DTLS);
    uint64_t binding = reason_total(REASON_DROP_STUN);
    send_clear(from, udptl_like_dtls, sizeof udptl_like_dtls - 1);
    send_clear(from, udptl_like_stun, sizeof udptl_like_stun - 1);
    send_clear(from, rtp, sizeof rtp - 1);
    send_clear(from, stun, sizeof stun - 1);
    lab_expect_total(&lab, REASON_DROP_STUN, binding + 1);
    ck_assert_uint_eq(reason_total(REASON_DROP_CLEAR_ON_DTLS), clear + 3);
    peer_expect_nothing(&c->core);
}

START_TEST(clear_datagrams_are_dropped_on_a_dtls_termination)
{
    // REQ-071, REQ-128: before and after establishment, whatever the first byte looks like.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    expect_clear_dropped(&c, &c.ue.peer);
    call_establish(&c);
    expect_clear_dropped(&c, &c.ue.peer);
    expect_media(&c);
    lab_expect_drop(&lab, c.context, REASON_DROP_CLEAR_ON_DTLS);
    lab_expect_drop(&lab, c.context, REASON_DROP_STUN);
    close_all(&c);
}
END_TEST

START_TEST(data_of_an_unverified_peer_are_dropped)
{
    // REQ-065: application records before the fingerprint is verified.
    static const char record[] = "\x17\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x01\x00\x04gggg";
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    send_clear(&c.ue.peer, record, sizeof record - 1);
    lab_expect_drop(&lab, c.context, REASON_DROP_UNVERIFIED);
    expect_no_media(&c);
    call_establish(&c);
    expect_media(&c);
    close_all(&c);
}
END_TEST

START_TEST(broken_records_are_dropped_silently)
{
    // REQ-131, RFC 6347 4.1.2.7: neither alert nor harm.
    static const char record[] = "\x17\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x99\x00\x20"
                                 "0123456789abcdef0123456789abcdef";
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    call_establish(&c);
    send_clear(&c.ue.peer, record, sizeof record - 1);
    lab_expect_drop(&lab, c.context, REASON_DROP_BAD_RECORD);
    expect_media(&c);
    ck_assert_int_eq(dtls_state(c.ue.dtls), DTLS_ESTABLISHED);
    close_all(&c);
}
END_TEST

START_TEST(several_records_in_a_datagram_become_several_datagrams)
{
    // REQ-070: each record is one UDPTL packet.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    call_establish(&c);
    c.ue.join = true;
    c.ue.kept_len = 0;
    ue_send(&c.ue, "one");
    ue_send(&c.ue, "two");
    ue_send(&c.ue, "three");
    ue_flush(&c.ue, &c.ue.peer);
    c.ue.join = false;
    peer_expect(&c.core, "one");
    peer_expect(&c.core, "two");
    peer_expect(&c.core, "three");
    expect_media(&c);
    close_all(&c);
}
END_TEST

START_TEST(what_does_not_fit_after_protection_is_dropped)
{
    // REQ-079: the overhead of the record counts towards the path MTU.
    struct call c;
    uint8_t datagram[1472] = {0};
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    call_establish(&c);
    peer_send_bytes(&c.core, datagram, sizeof datagram - agw_dtls_overhead(lab.agw) + 1);
    lab_expect_drop(&lab, c.context, REASON_DROP_OVERSIZE);
    datagram[0] = 'x';
    // The same in every family: 20 bytes less than IPv4 alone would allow.
    peer_send_bytes(&c.core, datagram, sizeof datagram - 20 - agw_dtls_overhead(lab.agw));
    ue_expect(&c.ue, "x");
    close_all(&c);
}
END_TEST

START_TEST(oversize_may_be_left_to_ip)
{
    // REQ-079: by configuration a record above the path MTU leaves in IP fragments.
    struct call c;
    uint8_t datagram[1600] = {'b', 'i', 'g'};
    lab_defaults(&lab);
    lab.cfg.agw.drop_oversize = false;
    open_with(&c, LATCHING_OFF);
    call_establish(&c);
    peer_send_bytes(&c.core, datagram, sizeof datagram);
    ue_expect(&c.ue, "big");
    close_all(&c);
}
END_TEST

START_TEST(the_peer_is_policed_after_authentication)
{
    // REQ-098: what exceeds the peak rate is dropped; junk of others does not use it up.
    static char junk[] = "\x17\xfe\xfd\x00\x01\x00\x00\x00\x00\x09\x99\x04\x00";
    uint8_t flood[1037] = {0};
    struct call c;
    struct agw_request r1 = secured(0);
    char text[900];
    lab_defaults(&lab);
    lab_open(&lab);
    r1.peak_rate_kbps = 64;
    call_reserve_as(&c, r1);
    call_establish(&c);
    memcpy(flood, junk, sizeof junk - 1);
    for (int i = 0; i < 50; i++)
        peer_send_bytes(&c.ue.peer, flood, sizeof flood);
    ue_send(&c.ue, "not starved");
    peer_expect(&c.core, "not starved");
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(dtls_send(c.ue.dtls, text, sizeof text), 0);
    lab_expect_drop(&lab, c.context, REASON_DROP_RATE);
    close_all(&c);
}
END_TEST

// --- latching -----------------------------------------------------------------------------------

START_TEST(without_latching_a_strangers_hello_is_dropped)
{
    // latching off: only the signalled address may begin.
    struct call c;
    struct ue stranger;
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    configure(answer_of(&c));
    stranger_open(&stranger, &c);
    ue_connect(&stranger);
    lab_expect_drop(&lab, c.context, REASON_DROP_WRONG_SOURCE);
    ue_connect(&c.ue);
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
    expect_media(&c);
    ue_close(&stranger);
    close_all(&c);
}
END_TEST

// The SDP names an address from which nothing will ever come: the UE is behind a NAT.
static struct agw_request answer_behind_nat(const struct call *c)
{
    struct agw_request r = answer_of(c);
    r.remote = lab_addr("127.0.0.9");
    addr_set_port(&r.remote, 9);
    return r;
}

static void stranger_first(enum latching latching)
{
    struct call c;
    struct ue stranger;
    lab_defaults(&lab);
    open_with(&c, latching);
    configure(answer_behind_nat(&c));
    stranger_open(&stranger, &c);
    ue_connect(&stranger);
    ue_expect_state(&stranger, DTLS_FAILED);
    lab_expect_drop(&lab, c.context, REASON_DTLS_FINGERPRINT);
    ue_connect(&c.ue);
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
    expect_media(&c);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_FAILURE), 0);
    ue_close(&stranger);
    close_all(&c);
}

START_TEST(a_stranger_who_is_first_does_not_fail_the_call)
{
    // "spoofed ClientHello latches first": the fingerprint decides, the next one may try.
    stranger_first(LATCHING_FIRST_PACKET);
    stranger_first(LATCHING_AFTER_DTLS);
}
END_TEST

START_TEST(handshakes_run_side_by_side_until_one_is_verified)
{
    // after-dtls: a stranger in the middle of a handshake does not keep the UE waiting.
    struct call c;
    struct ue stranger;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    stranger_open(&stranger, &c);
    ue_connect(&stranger);
    listen_until(&stranger, c.context, AGW_CLIENT_HELLO);
    configure(answer_behind_nat(&c));
    ue_connect(&c.ue);
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
    struct agw_notification *n = lab_expect(&lab, c.context, AGW_LATCHED);
    ck_assert(addr_equal(&n->address, &c.ue.peer.addr));
    expect_media(&c);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_LATCHED), 1);
    ue_close(&stranger);
    close_all(&c);
}
END_TEST

START_TEST(with_first_packet_the_second_source_waits)
{
    // first-packet: the first ClientHello with a valid cookie locks the source.
    struct call c;
    struct ue second;
    lab_defaults(&lab);
    open_with(&c, LATCHING_FIRST_PACKET);
    ue_connect(&c.ue);
    listen_until(&c.ue, c.context, AGW_CLIENT_HELLO);
    ck_assert(addr_equal(&lab_expect(&lab, c.context, AGW_LATCHED)->address, &c.ue.peer.addr));
    stranger_open(&second, &c);
    ue_connect(&second);
    lab_expect_drop(&lab, c.context, REASON_DROP_WRONG_SOURCE);
    configure(answer_of(&c));
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
    expect_media(&c);
    ue_close(&second);
    close_all(&c);
}
END_TEST

START_TEST(strangers_cannot_keep_the_signalled_peer_out)
{
    // All places for candidates are taken by strangers that never finish.
    struct call c;
    struct ue strangers[3];
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    for (int i = 0; i < 3; i++) {
        stranger_open(&strangers[i], &c);
        ue_connect(&strangers[i]);
    }
    while (!lab_find(&lab, 0, c.context, AGW_DROPPED)) {
        for (int i = 0; i < 3; i++)
            ue_turn(&strangers[i], 20);
        uv_run(&lab.loop, UV_RUN_NOWAIT);
    }
    lab_expect_drop(&lab, c.context, REASON_DROP_HALF_OPEN);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_CLIENT_HELLO), 2);
    call_establish(&c);
    expect_media(&c);
    for (int i = 0; i < 3; i++)
        ue_close(&strangers[i]);
    close_all(&c);
}
END_TEST

START_TEST(a_failure_behind_nat_is_told_when_the_time_is_over)
{
    // It may have been a stranger; when nobody better came, its reason is the reason.
    struct call c;
    lab_defaults(&lab);
    lab.cfg.agw.handshake_timeout_ms = 1000;
    open_with(&c, LATCHING_AFTER_DTLS);
    struct agw_request r = answer_behind_nat(&c);
    r.remote_fingerprints.list[0].value[0] ^= 1;
    configure(r);
    ue_connect(&c.ue);
    ue_expect_state(&c.ue, DTLS_FAILED);
    expect_failure(&c, REASON_DTLS_FINGERPRINT);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_FAILURE), 1);
    close_all(&c);
}
END_TEST

START_TEST(half_open_handshakes_are_bounded_per_worker)
{
    // REQ-077: what has no room is dropped before any state.
    struct call a, b;
    lab_defaults(&lab);
    lab.cfg.agw.workers = 1;
    lab.cfg.agw.half_open_max = 1;
    lab.cfg.agw.retransmit_ms = 200;
    lab_open(&lab);
    call_reserve(&a, LATCHING_AFTER_DTLS);
    call_reserve(&b, LATCHING_AFTER_DTLS);
    ue_connect(&a.ue);
    listen_until(&a.ue, a.context, AGW_CLIENT_HELLO);
    configure(answer_of(&b));
    ue_connect(&b.ue);
    listen_until(&b.ue, b.context, AGW_DROPPED);
    lab_expect_drop(&lab, b.context, REASON_DROP_HALF_OPEN);
    configure(answer_of(&a));
    ue_expect_state(&a.ue, DTLS_ESTABLISHED);
    lab_expect(&lab, a.context, AGW_DTLS_ESTABLISHED);
    ue_expect_state(&b.ue, DTLS_ESTABLISHED); // its repeated ClientHello finds room
    lab_expect(&lab, b.context, AGW_DTLS_ESTABLISHED);
    expect_media(&b);
    call_close(&a);
    close_all(&b);
}
END_TEST

// --- the peer moves -----------------------------------------------------------------------------

START_TEST(an_authenticated_record_moves_the_latch)
{
    // NAT rebinding (media-plane 12): the association stays, the address changes.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    call_establish(&c);
    expect_media(&c);
    struct peer old = c.ue.peer;
    c.ue.peer = peer_open(&old.agw);
    expect_media(&c);
    struct agw_notification *first = lab_expect(&lab, c.context, AGW_LATCHED);
    struct agw_notification *second =
        lab_expect_from(&lab, (unsigned)(first - lab.notes) + 1, c.context, AGW_LATCHED);
    ck_assert(addr_equal(&second->address, &c.ue.peer.addr));
    peer_expect_nothing(&old);
    peer_close(&old);
    close_all(&c);
}
END_TEST

START_TEST(a_copy_of_a_record_does_not_move_the_latch)
{
    // Replayed from elsewhere, or held back and overtaken by newer ones: dropped.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    call_establish(&c);
    struct peer thief = peer_open(&c.ue.peer.agw);
    c.ue.mute = true;
    ue_send(&c.ue, "held back");
    uint8_t held[256];
    size_t held_len = c.ue.kept_len;
    memcpy(held, c.ue.kept, held_len);
    c.ue.mute = false;
    expect_media(&c);
    peer_send_bytes(&thief, held, held_len);
    lab_expect_drop(&lab, c.context, REASON_DROP_WRONG_SOURCE);
    peer_send_bytes(&thief, c.ue.kept, c.ue.kept_len);
    expect_media(&c);
    peer_expect_nothing(&thief);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_LATCHED), 1);
    peer_close(&thief);
    close_all(&c);
}
END_TEST

START_TEST(without_latching_nobody_moves)
{
    // latching off: the address is the ALG's; a new one comes by Configure (RFC 8842 3.2).
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    call_establish(&c);
    expect_media(&c);
    struct peer old = c.ue.peer;
    c.ue.peer = peer_open(&old.agw);
    ue_send(&c.ue, "I moved");
    lab_expect_drop(&lab, c.context, REASON_DROP_WRONG_SOURCE);
    configure(answer_of(&c));
    expect_media(&c);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_ESTABLISHED), 1);
    peer_close(&old);
    close_all(&c);
}
END_TEST

START_TEST(a_peer_on_the_move_does_not_flood_the_trace)
{
    // Milestones of one stream come in bounded number, and the newest is not lost.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    call_establish(&c);
    struct peer homes[2] = {c.ue.peer, peer_open(&c.ue.peer.agw)};
    for (int i = 0; i < 100; i++) {
        c.ue.peer = homes[i % 2];
        expect_media(&c);
    }
    lab_sync(&lab, c.context);
    ck_assert_uint_le(lab_told(&lab, c.context, AGW_LATCHED), 32);
    unsigned before = lab.count;
    call_close(&c);
    const struct agw_notification *last = lab_expect_from(&lab, before, c.context, AGW_LATCHED);
    ck_assert(addr_equal(&last->address, &homes[1].addr));
    peer_close(&homes[0]); // the other one is the UE's
    lab_close(&lab);
}
END_TEST

// --- a new association --------------------------------------------------------------------------

// Waits until the AGW has passed on so many datagrams of the core.
static void await_passed(const struct call *c, uint64_t packets)
{
    struct agw_statistics s = {0};
    uint64_t end = clock_now_us() + WAIT_MS * 1000ull;
    while (s.carried.packets[AGW_T2] < packets) {
        ck_assert_msg(clock_now_us() < end, "the core is not heard");
        ck_assert_int_eq(agw_statistics(lab.agw, c->context, 1, &s), REASON_NONE);
    }
}

START_TEST(a_restarted_ue_is_let_in_beside_the_old_association)
{
    // REQ-130, REQ-129, RFC 6347 4.2.8: same fingerprint, old keys kept for late records.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    call_establish(&c);
    expect_media(&c);
    struct dtls *old = c.ue.dtls;
    unsigned from = lab.count;
    ue_connect(&c.ue);
    peer_send(&c.core, "still to the old one");
    await_passed(&c, 2); // before the UE goes on with its handshake
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect_from(&lab, from, c.context, AGW_DTLS_ESTABLISHED);
    ck_assert_int_eq(dtls_send(old, "late", 4), 0);
    peer_expect(&c.core, "late");
    expect_media(&c);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_BEARER_RELEASED), 0);
    dtls_close(old); // its close_notify concerns nobody any more
    expect_media(&c);
    lab_sync(&lab, c.context);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_BEARER_RELEASED), 0);
    close_all(&c);
}
END_TEST

START_TEST(old_keys_go_after_their_time)
{
    // REQ-129: rekey_hold_ms later, records of the old association are nobody's.
    struct call c;
    lab_defaults(&lab);
    lab.cfg.agw.rekey_hold_ms = 50;
    open_with(&c, LATCHING_AFTER_DTLS);
    call_establish(&c);
    struct dtls *old = c.ue.dtls;
    unsigned from = lab.count;
    ue_connect(&c.ue);
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect_from(&lab, from, c.context, AGW_DTLS_ESTABLISHED);
    uint64_t end = clock_now_us() + WAIT_MS * 1000ull;
    while (!lab_find(&lab, 0, c.context, AGW_DROPPED)) {
        char buf[16];
        ck_assert_uint_lt(clock_now_us(), end);
        ck_assert_int_eq(dtls_send(old, "late", 4), 0);
        (void)peer_receive(&c.core, buf, sizeof buf, 10);
        uv_run(&lab.loop, UV_RUN_NOWAIT);
    }
    lab_expect_drop(&lab, c.context, REASON_DROP_BAD_RECORD);
    ue_send(&c.ue, "new");
    peer_expect(&c.core, "new");
    dtls_close(old);
    close_all(&c);
}
END_TEST

START_TEST(a_hello_of_somebody_else_does_not_touch_a_live_association)
{
    // REQ-130: another certificate from the same and from another address.
    struct call c;
    struct ue stranger;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    call_establish(&c);
    stranger_open(&stranger, &c);
    ue_connect(&stranger);
    ue_expect_state(&stranger, DTLS_FAILED);
    expect_media(&c);
    struct dtls *mine = c.ue.dtls; // now from the very address of the UE
    dtls_close(stranger.dtls);
    struct peer own = stranger.peer;
    stranger.peer = c.ue.peer;
    ue_connect(&stranger);
    ue_expect_state(&stranger, DTLS_FAILED);
    stranger.peer = own;
    c.ue.dtls = mine;
    expect_media(&c);
    lab_sync(&lab, c.context);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_FAILURE), 0);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_ESTABLISHED), 1);
    ue_close(&stranger);
    close_all(&c);
}
END_TEST

START_TEST(a_live_association_is_shielded_from_other_hosts)
{
    // Nobody but a restarted UE begins a handshake beside it: others cost no arithmetic.
    struct call c;
    struct ue stranger;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    call_establish(&c);
    stranger_open(&stranger, &c);
    peer_close(&stranger.peer);
    stranger.peer = peer_open_at("127.0.0.2", &c.ue.peer.agw);
    ue_connect(&stranger);
    lab_expect_drop(&lab, c.context, REASON_DROP_WRONG_SOURCE);
    expect_media(&c);
    ue_close(&stranger);
    close_all(&c);
}
END_TEST

// The UE gets another certificate; its old association stays in *old.
static void renew(struct call *c, struct dtls **old, struct certificate **old_certificate)
{
    *old = c->ue.dtls;
    *old_certificate = c->ue.certificate;
    c->ue.dtls = NULL;
    c->ue.certificate = certificate_create(CERTIFICATE_ECDSA);
    ck_assert_ptr_nonnull(c->ue.certificate);
}

static void new_association(bool client)
{
    struct call c;
    struct dtls *old;
    struct certificate *old_certificate;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    call_establish(&c);
    renew(&c, &old, &old_certificate);
    struct agw_request r = answer_of(&c);
    r.new_association = true;
    r.establish_dtls = client;
    unsigned from = lab.count;
    configure(r);
    ck_assert_int_eq(dtls_send(old, "still usable", 12), 0); // REQ-085
    peer_expect(&c.core, "still usable");
    if (!client)
        ue_connect(&c.ue);
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect_from(&lab, from, c.context, AGW_DTLS_ESTABLISHED);
    expect_media(&c);
    ck_assert_int_eq(dtls_send(old, "late", 4), 0); // REQ-129
    peer_expect(&c.core, "late");
    dtls_close(old);
    certificate_free(old_certificate);
    close_all(&c);
}

START_TEST(configure_replaces_the_association_as_server)
{
    // REQ-081: new fingerprints; the old association is usable until the new one is verified.
    new_association(false);
}
END_TEST

START_TEST(configure_replaces_the_association_as_client)
{
    // The same when the AGW begins.
    new_association(true);
}
END_TEST

START_TEST(a_failed_replacement_leaves_the_old_association)
{
    // REQ-085: told as failure, media go on as before.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    call_establish(&c);
    struct dtls *old = c.ue.dtls;
    struct agw_request r = answer_of(&c);
    r.remote_fingerprints.list[0].value[0] ^= 1;
    configure(r);
    ue_connect(&c.ue);
    ue_expect_state(&c.ue, DTLS_FAILED);
    expect_failure(&c, REASON_DTLS_FINGERPRINT);
    dtls_close(c.ue.dtls);
    c.ue.dtls = old;
    expect_media(&c);
    close_all(&c);
}
END_TEST

START_TEST(the_same_fingerprints_keep_the_association)
{
    // REQ-080: a re-offer that changes nothing starts nothing.
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_AFTER_DTLS);
    call_establish(&c);
    for (int i = 0; i < 3; i++) {
        configure(answer_of(&c));
        expect_media(&c);
    }
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_ESTABLISHED), 1);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_CLIENT_HELLO), 1);
    close_all(&c);
}
END_TEST

START_TEST(a_lost_last_flight_is_repeated)
{
    // REQ-131: the UE did not get the server's Finished and repeats its own flight.
    struct call c;
    lab_defaults(&lab);
    lab.cfg.agw.retransmit_ms = 200;
    open_with(&c, LATCHING_OFF);
    configure(answer_of(&c));
    ue_connect(&c.ue);
    uint64_t end = clock_now_us() + WAIT_MS * 1000ull;
    while (!lab_find(&lab, 0, c.context, AGW_DTLS_ESTABLISHED)) {
        // Stops listening as soon as its last flight is out.
        if (!ue_in_state(&c.ue, DTLS_ESTABLISHED))
            ue_turn(&c.ue, 5);
        ck_assert_uint_lt(clock_now_us(), end);
        uv_run(&lab.loop, UV_RUN_NOWAIT);
    }
    char lost[2048];
    while (recv(c.ue.peer.fd, lost, sizeof lost, MSG_DONTWAIT) > 0)
        ;
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    expect_media(&c);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DTLS_ESTABLISHED), 1);
    close_all(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        agw_as_server_carries_data_both_ways,
        agw_as_client_carries_data_both_ways,
        a_client_waits_for_the_address,
        reserve_and_configure_in_one_works_for_both_roles,
        dtls_works_over_ipv6,
        each_stream_has_a_certificate_of_its_own,
        the_mode_does_not_stop_a_handshake,
        with_latching_the_hello_is_processed_before_configure,
        without_latching_the_hello_is_dropped_until_configure,
        a_parked_handshake_of_the_wrong_peer_fails_at_configure,
        a_handshake_that_failed_before_configure_is_told_at_once,
        a_stranger_that_failed_before_configure_decides_nothing,
        a_wrong_fingerprint_fails_as_server,
        a_wrong_fingerprint_fails_as_client,
        a_failure_nobody_asked_for_is_a_milestone,
        the_failure_event_may_be_asked_for_in_configure,
        a_server_that_hears_nothing_times_out,
        a_client_that_hears_nothing_times_out,
        a_failed_association_answers_with_its_alert,
        one_failure_does_not_disturb_others,
        a_hello_for_a_client_is_dropped,
        release_in_the_middle_of_a_handshake_leaves_nothing,
        release_sends_close_notify,
        closing_the_agw_sends_close_notify,
        close_notify_of_the_peer_releases_the_bearer,
        clear_datagrams_are_dropped_on_a_dtls_termination,
        data_of_an_unverified_peer_are_dropped,
        broken_records_are_dropped_silently,
        several_records_in_a_datagram_become_several_datagrams,
        what_does_not_fit_after_protection_is_dropped,
        oversize_may_be_left_to_ip,
        the_peer_is_policed_after_authentication,
        without_latching_a_strangers_hello_is_dropped,
        a_stranger_who_is_first_does_not_fail_the_call,
        handshakes_run_side_by_side_until_one_is_verified,
        with_first_packet_the_second_source_waits,
        strangers_cannot_keep_the_signalled_peer_out,
        a_failure_behind_nat_is_told_when_the_time_is_over,
        half_open_handshakes_are_bounded_per_worker,
        an_authenticated_record_moves_the_latch,
        a_copy_of_a_record_does_not_move_the_latch,
        without_latching_nobody_moves,
        a_peer_on_the_move_does_not_flood_the_trace,
        a_restarted_ue_is_let_in_beside_the_old_association,
        old_keys_go_after_their_time,
        a_hello_of_somebody_else_does_not_touch_a_live_association,
        a_live_association_is_shielded_from_other_hosts,
        configure_replaces_the_association_as_server,
        configure_replaces_the_association_as_client,
        a_failed_replacement_leaves_the_old_association,
        the_same_fingerprints_keep_the_association,
        a_lost_last_flight_is_repeated,
    };
    return SUITE_RUN("agw_dtls", tests);
}
