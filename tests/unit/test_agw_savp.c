// SPDX-License-Identifier: GPL-3.0-or-later
// Streams whose T1 is RTP/SAVP, with real workers and sockets; libsrtp2 is the UE.
#include "tests/unit/agw_lab.h"
#include "tests/unit/srtp_ue.h"
#include "tests/unit/suite.h"

static struct lab lab;

// A secured stream; the UE and the core have a socket for RTP and one for RTCP each.
struct call {
    uint32_t context;
    struct agw_reply t1, t2;
    struct peer ue[2], core[2];
    struct sdes_crypto agw_key, ue_key;
    srtp_t out, in;
};

// --- fixture ------------------------------------------------------------------------------------

static void open_peers(struct peer peers[2])
{
    peers[0] = peer_open(NULL);
    peers[1] = peer_open(NULL);
}

// Both terminations, T1 without keys.
static void call_reserve(struct call *c, enum latching latching, bool ue_mux)
{
    struct agw_request r1 = request_for(AGW_T1, 0), r2 = request_for(AGW_T2, 0);
    *c = (struct call){0};
    open_peers(c->ue);
    open_peers(c->core);
    r1.transport = AGW_RTP_SAVP;
    r1.latching = latching;
    r1.rtcp = r2.rtcp = true;
    r1.rtcp_mux = ue_mux;
    ck_assert_int_eq(agw_reserve(lab.agw, &r1, &c->t1), REASON_NONE);
    r2.context = c->context = c->t1.context;
    r2.remote = c->core[0].addr;
    r2.remote_rtcp = c->core[1].addr;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r2, &c->t2), REASON_NONE);
    for (int i = 0; i < 2; i++) {
        c->ue[i].agw = i && !ue_mux ? c->t1.local_rtcp : c->t1.local;
        c->core[i].agw = i ? c->t2.local_rtcp : c->t2.local;
    }
    sdes_generate(&c->agw_key, SDES_AES_CM_128_HMAC_SHA1_80, 1);
    sdes_generate(&c->ue_key, SDES_AES_CM_128_HMAC_SHA1_80, 1);
    srtp_init();
    c->out = ue_session(&c->ue_key, ssrc_any_outbound);
    c->in = ue_session(&c->agw_key, ssrc_any_inbound);
    lab_sync(&lab, c->context);
}

// The Configure that brings both keys; the addresses of the UE too when they are known.
static struct agw_request with_keys(const struct call *c, bool known, bool ue_mux)
{
    struct agw_request r = request_for(AGW_T1, c->context);
    r.rtcp_mux = ue_mux;
    r.local_sdes = c->agw_key;
    r.remote_sdes = c->ue_key;
    if (known) {
        r.remote = c->ue[0].addr;
        r.remote_rtcp = c->ue[1].addr;
    }
    return r;
}

static void configure(struct agw_request r)
{
    ck_assert_int_eq(agw_configure(lab.agw, &r), REASON_NONE);
    lab_sync(&lab, r.context);
}

static void call_open(struct call *c, enum latching latching, bool known)
{
    call_reserve(c, latching, false);
    configure(with_keys(c, known, false));
}

static void call_close(struct call *c)
{
    lab_release(&lab, c->context);
    for (int i = 0; i < 2; i++) {
        peer_close(&c->ue[i]);
        peer_close(&c->core[i]);
    }
    srtp_dealloc(c->out);
    srtp_dealloc(c->in);
}

static void set_up(void)
{
    lab_defaults(&lab);
    lab_open(&lab);
}

// --- packets ------------------------------------------------------------------------------------

static struct packet voice(uint16_t seq)
{
    return rtp_like(seq, 0x01020304, 0, false, 160);
}

static struct packet sealed(struct call *c, struct packet p)
{
    int len = (int)p.len;
    bool control = p.bytes[1] >= 192;
    ck_assert_int_eq(control ? srtp_protect_rtcp(c->out, p.bytes, &len)
                             : srtp_protect(c->out, p.bytes, &len),
                     0);
    p.len = (size_t)len;
    return p;
}

static void send_packet(const struct peer *from, struct packet p)
{
    peer_send_bytes(from, p.bytes, p.len);
}

static void expect_packet(const struct peer *at, struct packet want)
{
    struct packet got = {.len = 0};
    ssize_t n = peer_receive(at, got.bytes, sizeof got.bytes, WAIT_MS);
    ck_assert_int_eq(n, (ssize_t)want.len);
    ck_assert_mem_eq(got.bytes, want.bytes, want.len);
}

// What arrives is sealed, and opens to this.
static void expect_sealed(struct call *c, const struct peer *at, struct packet want)
{
    struct packet got = {.len = 0};
    ssize_t n = peer_receive(at, got.bytes, sizeof got.bytes, WAIT_MS);
    ck_assert_int_gt(n, (ssize_t)want.len);
    int len = (int)n;
    bool control = want.bytes[1] >= 192;
    ck_assert_int_eq(control ? srtp_unprotect_rtcp(c->in, got.bytes, &len)
                             : srtp_unprotect(c->in, got.bytes, &len),
                     0);
    ck_assert_int_eq(len, (int)want.len);
    ck_assert_mem_eq(got.bytes, want.bytes, want.len);
}

// RTP and RTCP cross in both directions.
static void expect_both_ways(struct call *c, uint16_t seq)
{
    struct packet reports[2] = {rtcp((uint8_t)seq), rtcp((uint8_t)(seq + 1))};
    send_packet(&c->ue[0], sealed(c, voice(seq)));
    expect_packet(&c->core[0], voice(seq));
    send_packet(&c->ue[1], sealed(c, reports[0]));
    expect_packet(&c->core[1], reports[0]);
    send_packet(&c->core[0], voice(seq));
    expect_sealed(c, &c->ue[0], voice(seq));
    send_packet(&c->core[1], reports[1]);
    expect_sealed(c, &c->ue[1], reports[1]);
}

// --- cases --------------------------------------------------------------------------------------

// Before both keys are configured nothing crosses in either direction; then RTP and RTCP do, each
// on its port (TS 23.334 6.2.10.2).
START_TEST(the_gate_is_shut_until_the_keys_are_known)
{
    struct call c;
    set_up();
    call_reserve(&c, LATCHING_AFTER_DTLS, false);
    send_packet(&c.ue[0], sealed(&c, voice(1)));
    send_packet(&c.core[0], voice(1));
    lab_expect_total(&lab, REASON_DROP_NO_KEY, 2);
    peer_expect_nothing(&c.core[0]);
    peer_expect_nothing(&c.ue[0]);
    configure(with_keys(&c, true, false));
    expect_both_ways(&c, 2);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

// A source counts when its packet is authentic: a stranger who speaks first does not latch, a UE
// behind a NAT does (TS 23.334 5.4).
START_TEST(only_an_authentic_packet_latches)
{
    struct call c;
    set_up();
    call_open(&c, (enum latching)_i, false);
    struct peer stranger = peer_open(&c.t1.local);
    send_packet(&stranger, voice(1));
    send_packet(&stranger, sealed(&c, voice(1))); // ... unless it has the very packet
    expect_packet(&c.core[0], voice(1));
    peer_close(&stranger);
    call_close(&c);
    call_open(&c, (enum latching)_i, false);
    stranger = peer_open(&c.t1.local);
    send_packet(&stranger, voice(1));
    lab_expect_drop(&lab, c.context, REASON_DROP_SRTP_AUTH);
    send_packet(&c.ue[0], sealed(&c, voice(2)));
    expect_packet(&c.core[0], voice(2));
    send_packet(&c.core[0], voice(9));
    expect_sealed(&c, &c.ue[0], voice(9));
    struct agw_notification *n = lab_expect(&lab, c.context, AGW_LATCHED);
    ck_assert(addr_equal(&n->address, &c.ue[0].addr));
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_LATCHED), 1);
    peer_close(&stranger);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

// With after-dtls the UE may move: its newest packet takes the address along, one that was held
// back does not; with first-packet nobody moves (RFC 4961, TS 23.334 5.4).
START_TEST(the_newest_packet_moves_the_address)
{
    struct call c;
    bool moves = _i == LATCHING_AFTER_DTLS;
    set_up();
    call_open(&c, (enum latching)_i, true);
    struct packet held = sealed(&c, voice(1));
    send_packet(&c.ue[0], sealed(&c, voice(2)));
    expect_packet(&c.core[0], voice(2));
    struct peer elsewhere = peer_open(&c.t1.local);
    send_packet(&elsewhere, held);
    if (moves)
        lab_expect_drop(&lab, c.context, REASON_DROP_WRONG_SOURCE);
    send_packet(&elsewhere, sealed(&c, voice(3)));
    if (moves)
        expect_packet(&c.core[0], voice(3));
    send_packet(&c.core[0], voice(9));
    expect_sealed(&c, moves ? &elsewhere : &c.ue[0], voice(9));
    peer_expect_nothing(&c.core[0]);
    peer_close(&elsewhere);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

// Without latching only the signalled address counts, however authentic the packet.
START_TEST(without_latching_only_the_signalled_address_counts)
{
    struct call c;
    set_up();
    call_open(&c, LATCHING_OFF, true);
    struct peer elsewhere = peer_open(&c.t1.local);
    send_packet(&elsewhere, sealed(&c, voice(1)));
    lab_expect_drop(&lab, c.context, REASON_DROP_WRONG_SOURCE);
    expect_both_ways(&c, 2);
    peer_expect_nothing(&c.core[0]);
    peer_close(&elsewhere);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

// RTP and RTCP on one port towards the UE, on two towards the core: each leg has what was agreed
// there (RFC 5761 4, PCSCF-060).
START_TEST(rtcp_may_share_the_port_on_one_leg)
{
    struct call c;
    set_up();
    call_reserve(&c, LATCHING_AFTER_DTLS, true);
    configure(with_keys(&c, true, true));
    send_packet(&c.ue[0], sealed(&c, voice(1)));
    expect_packet(&c.core[0], voice(1));
    send_packet(&c.ue[0], sealed(&c, rtcp(1)));
    expect_packet(&c.core[1], rtcp(1));
    send_packet(&c.core[1], rtcp(2));
    expect_sealed(&c, &c.ue[0], rtcp(2));
    send_packet(&c.core[0], voice(2));
    expect_sealed(&c, &c.ue[0], voice(2));
    call_close(&c);
    lab_close(&lab);
}
END_TEST

// On hold RTP is dropped in both directions, RTCP goes on, on its own port and on that of RTP (RFC
// 3264 5.1).
START_TEST(rtcp_flows_while_the_stream_is_held)
{
    struct call c;
    bool mux = _i;
    set_up();
    call_reserve(&c, LATCHING_AFTER_DTLS, mux);
    struct agw_request r = with_keys(&c, true, mux);
    r.mode = AGW_INACTIVE;
    configure(r);
    send_packet(&c.ue[0], sealed(&c, voice(1)));
    send_packet(&c.core[0], voice(1));
    lab_expect_total(&lab, REASON_DROP_GATE, 2);
    send_packet(&c.ue[!mux], sealed(&c, rtcp(1)));
    expect_packet(&c.core[1], rtcp(1));
    send_packet(&c.core[1], rtcp(2));
    expect_sealed(&c, &c.ue[!mux], rtcp(2));
    r.mode = AGW_SEND_RECEIVE;
    configure(r);
    send_packet(&c.ue[0], sealed(&c, voice(2)));
    expect_packet(&c.core[0], voice(2));
    call_close(&c);
    lab_close(&lab);
}
END_TEST

// Clear RTP, STUN, junk, replays and empty datagrams go nowhere, each counted under its reason, and
// the call goes on (RFC 3711 3.3, RFC 7983 7).
START_TEST(what_is_no_genuine_srtp_is_dropped)
{
    static const struct packet stun = {"\0\1\0\0\x21\x12\xa4\x42transaction.", 20};
    static const struct packet junk = {"\xff\xff\xff", 3};
    struct call c;
    set_up();
    call_open(&c, LATCHING_AFTER_DTLS, true);
    struct packet once = sealed(&c, voice(1));
    send_packet(&c.ue[0], once);
    expect_packet(&c.core[0], voice(1));
    send_packet(&c.ue[0], voice(2));
    lab_expect_drop(&lab, c.context, REASON_DROP_SRTP_AUTH);
    send_packet(&c.ue[0], once);
    lab_expect_drop(&lab, c.context, REASON_DROP_SRTP_REPLAY);
    send_packet(&c.ue[0], stun);
    lab_expect_drop(&lab, c.context, REASON_DROP_STUN);
    send_packet(&c.ue[0], junk);
    send_packet(&c.ue[0], (struct packet){.len = 0});
    send_packet(&c.core[0], junk);
    lab_expect_drop(&lab, c.context, REASON_DROP_NOT_RTP);
    expect_both_ways(&c, 3);
    peer_expect_nothing(&c.core[0]);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

// A new key of the UE is taken while the stream goes on, the same key with another address keeps
// its indexes (RFC 4568 7.1.4, RFC 3711 3.3.1).
START_TEST(keys_change_on_a_stream_that_goes_on)
{
    struct call c;
    set_up();
    call_open(&c, LATCHING_AFTER_DTLS, true);
    expect_both_ways(&c, 65530);
    for (uint16_t seq = 65531; seq != 10; seq++) {
        send_packet(&c.ue[0], sealed(&c, voice(seq)));
        expect_packet(&c.core[0], voice(seq));
    }
    peer_close(&c.ue[0]);
    c.ue[0] = peer_open(&c.t1.local);
    configure(with_keys(&c, true, false));
    send_packet(&c.ue[0], sealed(&c, voice(10))); // under rollover counter 1
    expect_packet(&c.core[0], voice(10));
    sdes_generate(&c.ue_key, SDES_AEAD_AES_256_GCM, 1);
    configure(with_keys(&c, true, false));
    srtp_dealloc(c.out);
    c.out = ue_session(&c.ue_key, ssrc_any_outbound);
    send_packet(&c.ue[0], sealed(&c, voice(11)));
    expect_packet(&c.core[0], voice(11));
    call_close(&c);
    lab_close(&lab);
}
END_TEST

// Policing counts what is on the wire, and only what proved itself: junk does not use up the rate
// of the UE (TS 23.334 5.3).
START_TEST(junk_does_not_use_up_the_peak_rate)
{
    struct call c;
    struct packet junk = rtp_like(1, 7, 0, false, 1400);
    set_up();
    call_reserve(&c, LATCHING_AFTER_DTLS, false);
    struct agw_request r = with_keys(&c, true, false);
    r.peak_rate_kbps = 8;
    configure(r);
    for (int i = 0; i < 50; i++)
        send_packet(&c.ue[0], junk);
    lab_expect_total(&lab, REASON_DROP_SRTP_AUTH, 50);
    expect_both_ways(&c, 1);
    for (uint16_t seq = 2; seq < 52; seq++)
        send_packet(&c.ue[0], sealed(&c, rtp_like(seq, 0x01020304, 0, false, 1400)));
    lab_expect_drop(&lab, c.context, REASON_DROP_RATE);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

// SRTP is for T1 alone, its keys are for SRTP alone, and a suite nobody knows is none.
START_TEST(requests_without_sense_are_refused)
{
    struct agw_request r = request_for(AGW_T2, 0);
    struct agw_reply reply;
    set_up();
    r.transport = AGW_RTP_SAVP;
    ck_assert_int_eq(agw_reserve(lab.agw, &r, &reply), REASON_AGW_BAD_REQUEST);
    r = request_for(AGW_T1, 0);
    sdes_generate(&r.remote_sdes, SDES_AEAD_AES_128_GCM, 1);
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r, &reply), REASON_AGW_BAD_REQUEST);
    r.transport = AGW_RTP_SAVP;
    r.local_sdes.suite = SDES_SUITES;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r, &reply), REASON_AGW_BAD_REQUEST);
    r.local_sdes.suite = SDES_NONE;
    r.local_fingerprint_request = true;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r, &reply), REASON_AGW_BAD_REQUEST);
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1), 0);
    lab_close(&lab);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agw_savp");
    TCase *tc = tcase_create("agw_savp");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tc, SUITE_TIMEOUT);
    tcase_add_test(tc, the_gate_is_shut_until_the_keys_are_known);
    tcase_add_loop_test(tc, only_an_authentic_packet_latches, LATCHING_FIRST_PACKET,
                        LATCHING_AFTER_DTLS + 1);
    tcase_add_loop_test(tc, the_newest_packet_moves_the_address, LATCHING_FIRST_PACKET,
                        LATCHING_AFTER_DTLS + 1);
    tcase_add_test(tc, without_latching_only_the_signalled_address_counts);
    tcase_add_test(tc, rtcp_may_share_the_port_on_one_leg);
    tcase_add_loop_test(tc, rtcp_flows_while_the_stream_is_held, 0, 2);
    tcase_add_test(tc, what_is_no_genuine_srtp_is_dropped);
    tcase_add_test(tc, keys_change_on_a_stream_that_goes_on);
    tcase_add_test(tc, junk_does_not_use_up_the_peak_rate);
    tcase_add_test(tc, requests_without_sense_are_refused);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
