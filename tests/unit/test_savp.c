// SPDX-License-Identifier: GPL-3.0-or-later
// SRTP of the AGW (RFC 3711, RFC 7714) with libsrtp2, which shares no code with it, as the UE.
#include "agw/savp.h"
#include "tests/unit/srtp_ue.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

#define HOLD_US 1000000

static const struct sdes_crypto not_given;

// --- fixture: an AGW and its UE -----------------------------------------------------------------

struct rig {
    struct savp *agw;
    struct sdes_crypto agw_key, ue_key;
    srtp_t ue_out, ue_in;
    uint64_t now_us;
};

static void ue_rekeys(struct rig *r, const struct sdes_crypto *key)
{
    srtp_dealloc(r->ue_out);
    r->ue_key = *key;
    r->ue_out = ue_session(key, ssrc_any_outbound);
}

static struct rig rig_with(enum sdes_suite suite, struct sdes_crypto ue_key)
{
    struct rig r = {.now_us = 10 * HOLD_US, .ue_key = ue_key};

    srtp_init();
    sdes_generate(&r.agw_key, suite, 1);
    r.agw = savp_create(HOLD_US);
    r.ue_out = ue_session(&r.ue_key, ssrc_any_outbound);
    r.ue_in = ue_session(&r.agw_key, ssrc_any_inbound);
    ck_assert_int_eq(savp_configure(r.agw, &r.agw_key, &r.ue_key, r.now_us), 0);
    return r;
}

static struct rig rig_open(enum sdes_suite suite)
{
    struct sdes_crypto key;

    sdes_generate(&key, suite, 1);
    return rig_with(suite, key);
}

static void rig_close(struct rig *r)
{
    savp_release(r->agw);
    srtp_dealloc(r->ue_out);
    srtp_dealloc(r->ue_in);
}

// --- helpers ------------------------------------------------------------------------------------

static struct packet rtp(uint16_t seq)
{
    return rtp_like(seq, 0x11223344, 0, false, 160);
}

static struct packet ue_seals(struct rig *r, bool control, struct packet p)
{
    int len = (int)p.len;
    bool mki = r->ue_key.mki_len > 0;

    ck_assert_int_eq(control ? srtp_protect_rtcp_mki(r->ue_out, p.bytes, &len, mki, 0)
                             : srtp_protect_mki(r->ue_out, p.bytes, &len, mki, 0),
                     0);
    p.len = (size_t)len;
    return p;
}

static enum reason agw_opens(struct rig *r, bool control, struct packet *p)
{
    bool newest;
    return savp_open(r->agw, control, p->bytes, &p->len, r->now_us, &newest);
}

static void expect_same(const struct packet *got, const struct packet *want)
{
    ck_assert_uint_eq(got->len, want->len);
    ck_assert_mem_eq(got->bytes, want->bytes, want->len);
}

static void expect_opened(struct rig *r, bool control, struct packet clear)
{
    struct packet p = ue_seals(r, control, clear);
    enum reason reason = agw_opens(r, control, &p);

    ck_assert_msg(reason == REASON_NONE, "%s", reason_name(reason));
    expect_same(&p, &clear);
}

static void expect_sealed(struct rig *r, bool control, struct packet clear)
{
    struct packet p = clear;

    ck_assert_int_eq(savp_seal(r->agw, control, p.bytes, &p.len), REASON_NONE);
    ck_assert_uint_le(p.len, clear.len + SAVP_TRAILER_MAX);
    int len = (int)p.len;
    ck_assert_int_eq(control ? srtp_unprotect_rtcp(r->ue_in, p.bytes, &len)
                             : srtp_unprotect(r->ue_in, p.bytes, &len),
                     0);
    p.len = (size_t)len;
    expect_same(&p, &clear);
}

// The packet is opened in a copy.
static void expect_reason(struct rig *r, bool control, struct packet p, enum reason want)
{
    ck_assert_str_eq(reason_name(agw_opens(r, control, &p)), reason_name(want));
}

// --- cases --------------------------------------------------------------------------------------

// Both directions of every suite agree with libsrtp2: headers with CSRCs and extension, empty and
// long payloads, RTCP (RFC 3711 3.1, 3.4, RFC 7714 8, 9).
START_TEST(agrees_with_another_implementation)
{
    struct rig r = rig_open((enum sdes_suite)_i);

    for (uint16_t i = 0; i < 40; i++) {
        struct packet p = rtp_like(i, 7 + (i & 1), i % 16, i % 3 == 0, i < 2 ? 0 : 33U * i);
        expect_sealed(&r, false, p);
        expect_opened(&r, false, p);
        expect_sealed(&r, true, rtcp((uint8_t)i));
        expect_opened(&r, true, rtcp((uint8_t)i));
    }
    rig_close(&r);
}
END_TEST

// A packet that comes twice, or from before the window, is dropped; one that is merely late is not
// (RFC 3711 3.3.2).
START_TEST(replayed_packets_are_dropped)
{
    struct rig r = rig_open(SDES_AES_CM_128_HMAC_SHA1_80);
    struct packet late = ue_seals(&r, false, rtp(101)), old = ue_seals(&r, false, rtp(100));
    struct packet report = ue_seals(&r, true, rtcp(1));

    expect_opened(&r, false, rtp(163));
    expect_reason(&r, false, late, REASON_NONE);
    expect_reason(&r, false, late, REASON_DROP_SRTP_REPLAY);
    expect_opened(&r, false, rtp(164));
    expect_reason(&r, false, old, REASON_DROP_SRTP_REPLAY);
    expect_reason(&r, true, report, REASON_NONE);
    expect_reason(&r, true, report, REASON_DROP_SRTP_REPLAY);
    // what the core sends twice must not leave twice either: its keystream would
    struct packet p = rtp(5), again = rtp(5), clear = rtp(5);
    ck_assert_int_eq(savp_seal(r.agw, false, p.bytes, &p.len), REASON_NONE);
    ck_assert_int_eq(savp_seal(r.agw, false, again.bytes, &again.len), REASON_DROP_SRTP_REPLAY);
    expect_same(&again, &clear);
    rig_close(&r);
}
END_TEST

// A packet with any bit changed, cut anywhere, or never protected is dropped, and the genuine one
// still opens afterwards (RFC 3711 3.3).
START_TEST(packets_that_are_not_genuine_are_dropped)
{
    struct rig r = rig_open((enum sdes_suite)_i);

    for (int control = 0; control < 2; control++) {
        struct packet clear = control ? rtcp(9) : rtp_like(9, 3, 1, true, 20);
        struct packet sealed = ue_seals(&r, control, clear), clean = clear;
        ck_assert_int_ne(agw_opens(&r, control, &clean), REASON_NONE);
        for (size_t len = 0; len < sealed.len; len++) {
            struct packet cut = sealed;
            cut.len = len;
            ck_assert_int_ne(agw_opens(&r, control, &cut), REASON_NONE);
        }
        for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
            struct packet flipped = sealed;
            flipped.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
            ck_assert_msg(agw_opens(&r, control, &flipped) != REASON_NONE, "bit %zu", bit);
        }
        ck_assert_int_eq(agw_opens(&r, control, &sealed), REASON_NONE);
        expect_same(&sealed, &clear);
    }
    rig_close(&r);
}
END_TEST

// The rollover counter lives on when the same key is configured again, and a key that replaced
// another gives it back with its counter, as a refused re-INVITE wants it (RFC 3711 3.3.1,
// PCSCF-071).
START_TEST(rollover_counters_outlive_configuration)
{
    struct rig r = rig_open(SDES_AES_CM_128_HMAC_SHA1_80);
    struct sdes_crypto other;

    sdes_generate(&other, SDES_AES_CM_128_HMAC_SHA1_80, 2);
    for (uint16_t seq = 65500; seq != 50; seq++) {
        expect_opened(&r, false, rtp(seq));
        expect_sealed(&r, false, rtp(seq));
    }
    ck_assert_int_eq(savp_configure(r.agw, &r.agw_key, &r.ue_key, r.now_us), 0);
    expect_opened(&r, false, rtp(50));
    expect_sealed(&r, false, rtp(50));
    ck_assert_int_eq(savp_configure(r.agw, &not_given, &other, r.now_us), 0);
    ck_assert_int_eq(savp_configure(r.agw, &not_given, &r.ue_key, r.now_us), 0);
    expect_opened(&r, false, rtp(51));
    expect_sealed(&r, false, rtp(51));
    rig_close(&r);
}
END_TEST

// A new key begins anew; packets under the one before still open for the hold time, and no longer
// (RFC 4568 7.1.4).
START_TEST(the_key_before_opens_late_packets)
{
    struct rig r = rig_open((enum sdes_suite)_i);
    struct sdes_crypto other;

    expect_opened(&r, false, rtp(1000));
    struct packet late[3] = {ue_seals(&r, false, rtp(1001)), ue_seals(&r, false, rtp(1002)),
                             ue_seals(&r, false, rtp(1003))};
    sdes_generate(&other, (enum sdes_suite)_i, 1);
    ck_assert_int_eq(savp_configure(r.agw, &not_given, &other, r.now_us), 0);
    expect_reason(&r, false, late[0], REASON_NONE);
    ue_rekeys(&r, &other);
    expect_opened(&r, false, rtp(1004));
    r.now_us += HOLD_US - 1;
    expect_reason(&r, false, late[1], REASON_NONE);
    r.now_us += 1;
    expect_reason(&r, false, late[2], REASON_DROP_SRTP_AUTH);
    expect_opened(&r, false, rtp(1005));
    rig_close(&r);
}
END_TEST

// Each direction is shut until its key is given (TS 23.334 6.2.10.2); what is no RTP never leaves.
START_TEST(nothing_passes_without_a_key)
{
    struct rig r = rig_open(SDES_AES_CM_128_HMAC_SHA1_80);
    struct savp *fresh = savp_create(HOLD_US), *keyed = r.agw;
    struct packet p = rtp(1), sealed = ue_seals(&r, false, rtp(1));
    struct packet junk[] = {{"\x80", 1},
                            {"\x40\0\0\1\0\0\0\1\0\0\0\1\0", 13},
                            {"\x8f\0\0\1\0\0\0\1\0\0\0\1\0", 13},
                            {"\x90\0\0\1\0\0\0\1\0\0\0\1\0\0\0\2\0", 17}};

    r.agw = fresh;
    ck_assert_int_eq(savp_seal(fresh, false, p.bytes, &p.len), REASON_DROP_NO_KEY);
    expect_reason(&r, false, sealed, REASON_DROP_NO_KEY);
    ck_assert_int_eq(savp_configure(fresh, &r.agw_key, &not_given, r.now_us), 0);
    expect_reason(&r, false, sealed, REASON_DROP_NO_KEY);
    expect_sealed(&r, false, rtp(1));
    ck_assert_int_eq(savp_configure(fresh, &not_given, &r.ue_key, r.now_us), 0);
    expect_reason(&r, false, sealed, REASON_NONE);
    for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++)
        ck_assert_int_eq(savp_seal(fresh, false, junk[i].bytes, &junk[i].len), REASON_DROP_NOT_RTP);
    savp_release(fresh);
    r.agw = keyed;
    rig_close(&r);
}
END_TEST

// As many sources as are kept apart pass, one more does not and disturbs none (RFC 3711 9.1).
START_TEST(sources_are_bounded)
{
    struct rig r = rig_open(SDES_AES_CM_128_HMAC_SHA1_80);

    for (uint32_t ssrc = 0; ssrc < SAVP_SOURCES_MAX; ssrc++) {
        expect_sealed(&r, false, rtp_like(1, ssrc, 0, false, 20));
        expect_opened(&r, false, rtp_like(1, ssrc, 0, false, 20));
    }
    struct packet more = rtp_like(1, 99, 0, false, 20);
    struct packet sealed = ue_seals(&r, false, more);
    expect_reason(&r, false, sealed, REASON_DROP_SRTP_SOURCES);
    ck_assert_int_eq(savp_seal(r.agw, false, more.bytes, &more.len), REASON_DROP_SRTP_SOURCES);
    expect_sealed(&r, false, rtp_like(2, 0, 0, false, 20));
    expect_opened(&r, false, rtp_like(2, SAVP_SOURCES_MAX - 1, 0, false, 20));
    rig_close(&r);
}
END_TEST

// A key opens as many packets as its lifetime says (RFC 4568 6.1, RFC 3711 9.2).
START_TEST(a_key_is_spent_after_its_lifetime)
{
    struct sdes_crypto key;

    sdes_generate(&key, SDES_AES_CM_128_HMAC_SHA1_80, 1);
    key.lifetime = 8;
    struct rig r = rig_with(SDES_AES_CM_128_HMAC_SHA1_80, key);
    for (uint16_t seq = 1; seq <= 8; seq++)
        expect_opened(&r, false, rtp(seq));
    struct packet more = ue_seals(&r, false, rtp(9));
    expect_reason(&r, false, more, REASON_DROP_KEY_SPENT);
    expect_opened(&r, true, rtcp(1));
    rig_close(&r);
}
END_TEST

// An MKI of one to four bytes stands in every packet of the UE; another one is not its key (RFC
// 3711 3.1, RFC 4568 6.1).
START_TEST(mki)
{
    for (uint8_t len = 1; len <= SDES_MKI_MAX; len++) {
        struct sdes_crypto key;
        sdes_generate(&key, (enum sdes_suite)_i, 1);
        key.mki_len = len;
        key.mki[len - 1] = 5;
        struct rig r = rig_with((enum sdes_suite)_i, key);
        expect_opened(&r, false, rtp(1));
        expect_opened(&r, true, rtcp(1));
        key.mki[len - 1] = 6;
        ue_rekeys(&r, &key);
        struct packet other = ue_seals(&r, false, rtp(2));
        expect_reason(&r, false, other, REASON_DROP_SRTP_AUTH);
        rig_close(&r);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("savp");
    TCase *tc = tcase_create("savp");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tc, SUITE_TIMEOUT);
    tcase_add_loop_test(tc, agrees_with_another_implementation, SDES_NONE + 1, SDES_SUITES);
    tcase_add_loop_test(tc, packets_that_are_not_genuine_are_dropped, SDES_NONE + 1, SDES_SUITES);
    tcase_add_loop_test(tc, the_key_before_opens_late_packets, SDES_NONE + 1, SDES_SUITES);
    tcase_add_loop_test(tc, mki, SDES_NONE + 1, SDES_SUITES);
    tcase_add_test(tc, replayed_packets_are_dropped);
    tcase_add_test(tc, rollover_counters_outlive_configuration);
    tcase_add_test(tc, nothing_passes_without_a_key);
    tcase_add_test(tc, sources_are_bounded);
    tcase_add_test(tc, a_key_is_spent_after_its_lifetime);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
