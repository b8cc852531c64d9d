// SPDX-License-Identifier: GPL-3.0-or-later
// When e2ae applies, line by line (TS 33.328 7, TS 24.229 6.7.2): every row of the table, for every
// medium it is about.
#include "alg/decision.h"
#include "common/config.h"
#include "tests/unit/suite.h"

#include <string.h>

static struct sdp_text text(const char *s)
{
    return (struct sdp_text){s, strlen(s)};
}

static const struct {
    const char *plain, *secure;
    unsigned mechanism;
} media[] = {
    {"udptl", "UDP/TLS/UDPTL", MEDIASEC_UDPTL_DTLS},
    {"TCP/MSRP", "TCP/TLS/MSRP", MEDIASEC_MSRP_TLS},
    {"TCP/BFCP", "TCP/TLS/BFCP", MEDIASEC_BFCP_TLS},
    {"RTP/AVP", "RTP/SAVP", MEDIASEC_SDES_SRTP},
    {"RTP/AVPF", "RTP/SAVPF", MEDIASEC_SDES_SRTP},
};
#define MEDIA ((int)(sizeof(media) / sizeof(media[0])))

static const enum sdp_3ge2ae indicators[] = {SDP_3GE2AE_NONE, SDP_3GE2AE_REQUESTED,
                                             SDP_3GE2AE_APPLIED, SDP_3GE2AE_OTHER};

static void expect(enum side offerer, const char *proto, enum sdp_3ge2ae indicator, bool capable,
                   enum treatment treatment, enum reason reason)
{
    struct decision d =
        decision_make(offerer, decision_transport(text(proto)), indicator, capable, false);
    ck_assert_msg(d.treatment == treatment && d.reason == reason,
                  "%s from the %s side, indicator %d, %s: %d, %s", proto, side_name(offerer),
                  indicator, capable ? "capable" : "not capable", d.treatment,
                  reason_name(d.reason));
}

// REQ-004, REQ-005, REQ-006: from the UE, secure: terminated when it asks for it and can, rejected
// when it asks and cannot; without the word, or with any other, it is between the two ends.
START_TEST(a_secure_line_of_the_UE_is_terminated_only_when_it_asks)
{
    const char *proto = media[_i].secure;
    expect(SIDE_ACCESS, proto, SDP_3GE2AE_REQUESTED, true, TREAT_E2AE, REASON_NONE);
    expect(SIDE_ACCESS, proto, SDP_3GE2AE_REQUESTED, false, TREAT_REJECT, REASON_E2AE_NOT_CAPABLE);
    for (int capable = 0; capable < 2; capable++) {
        expect(SIDE_ACCESS, proto, SDP_3GE2AE_NONE, capable, TREAT_RELAY, REASON_NONE);
        expect(SIDE_ACCESS, proto, SDP_3GE2AE_OTHER, capable, TREAT_RELAY, REASON_NONE);
    }
}
END_TEST

// REQ-004: from the UE, plain: relayed as it is, whatever the UE can and whatever it writes.
START_TEST(a_plain_line_of_the_UE_stays_plain)
{
    for (int i = 0; i < 8; i++)
        expect(SIDE_ACCESS, media[_i].plain, indicators[i % 4], i / 4, TREAT_RELAY, REASON_NONE);
}
END_TEST

// REQ-004, REQ-037: from the core, plain: secured towards a UE that can, plain towards one that
// cannot; what the core writes into a=3ge2ae is nothing.
START_TEST(a_plain_line_of_the_core_is_secured_for_who_can)
{
    for (int i = 0; i < 4; i++) {
        expect(SIDE_CORE, media[_i].plain, indicators[i], true, TREAT_E2AE, REASON_NONE);
        expect(SIDE_CORE, media[_i].plain, indicators[i], false, TREAT_RELAY, REASON_NONE);
    }
}
END_TEST

// REQ-004: from the core, secure: the far end has security of its own, none is added.
START_TEST(a_secure_line_of_the_core_is_between_the_ends)
{
    for (int i = 0; i < 8; i++)
        expect(SIDE_CORE, media[_i].secure, indicators[i % 4], i / 4, TREAT_RELAY, REASON_NONE);
}
END_TEST

// REQ-004: each medium has a mechanism of its own: what a UE can do for one says nothing of
// another.
START_TEST(each_medium_has_its_own_mechanism)
{
    ck_assert_uint_eq(decision_mechanism(decision_transport(text(media[_i].plain)).kind),
                      media[_i].mechanism);
    ck_assert_uint_eq(decision_mechanism(decision_transport(text(media[_i].secure)).kind),
                      media[_i].mechanism);
}
END_TEST

// Keys of DTLS-SRTP and unknown profiles of RTP are not ours to terminate; what the AGW cannot
// carry is not anchored.
START_TEST(what_is_not_ours_is_relayed_or_passes)
{
    expect(SIDE_ACCESS, "UDP/TLS/RTP/SAVPF", SDP_3GE2AE_NONE, false, TREAT_RELAY, REASON_NONE);
    expect(SIDE_ACCESS, "RTP/XYZ", SDP_3GE2AE_NONE, true, TREAT_RELAY, REASON_NONE);
    expect(SIDE_CORE, "UDP/DTLS/SCTP", SDP_3GE2AE_NONE, true, TREAT_PASS, REASON_NONE);
    expect(SIDE_ACCESS, "RTP", SDP_3GE2AE_REQUESTED, true, TREAT_PASS, REASON_NONE);
}
END_TEST

// REQ-014: a proto is known in whatever letters it is written (RFC 8866 5.14 has it as it is).
START_TEST(protos_are_known_in_any_letters)
{
    struct transport t = decision_transport(text("udp/tls/udptl"));
    ck_assert(t.kind == MEDIUM_UDPTL && t.secure);
    t = decision_transport(text("UDPTL"));
    ck_assert(t.kind == MEDIUM_UDPTL && !t.secure);
    t = decision_transport(text("rtp/SavpF"));
    ck_assert(t.kind == MEDIUM_RTP && t.secure && t.feedback);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decision");
    TCase *tc = tcase_create("decision");
    tcase_add_loop_test(tc, a_secure_line_of_the_UE_is_terminated_only_when_it_asks, 0, MEDIA);
    tcase_add_loop_test(tc, a_plain_line_of_the_UE_stays_plain, 0, MEDIA);
    tcase_add_loop_test(tc, a_plain_line_of_the_core_is_secured_for_who_can, 0, MEDIA);
    tcase_add_loop_test(tc, a_secure_line_of_the_core_is_between_the_ends, 0, MEDIA);
    tcase_add_loop_test(tc, each_medium_has_its_own_mechanism, 0, MEDIA);
    tcase_add_test(tc, what_is_not_ours_is_relayed_or_passes);
    tcase_add_test(tc, protos_are_known_in_any_letters);
    suite_add_tcase(suite, tc);
    return suite_finish(suite);
}
