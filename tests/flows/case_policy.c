// SPDX-License-Identifier: GPL-3.0-or-later
// The trust boundary in a whole process: what a UE says of itself never reaches the core, what the
// core says among itself never reaches a UE, and the P-CSCF's own word is there in every message.
#include "tests/flows/agent.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

#include <string.h>

#define FORGED                                                                                     \
    "P-Asserted-Identity: <sip:eve@example.net>\n"                                                 \
    "P-Charging-Vector: icid-value=forged;orig-ioi=evil.example\n"                                 \
    "P-Charging-Function-Addresses: ccf=192.0.2.66\n"                                              \
    "P-Access-Network-Info: IEEE-802.11, 3GPP-GERAN;network-provided\n"                            \
    "Feature-Caps: *;+g.evil\n"                                                                    \
    "P-Early-Media: sendrecv\n"

static void nothing_forged(struct flow *f, const char *message)
{
    static const char *const words[] = {"eve@",       "forged",           "evil",
                                        "192.0.2.66", "network-provided", "sendrecv"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        flow_check(f, !strstr(message, words[i]), "%s in:\n%s", words[i], message);
}

static const char *icid_of(struct flow *f, const char *message)
{
    const char *icid = flow_value(f, message, "^P-Charging-Vector: ", "icid-value=");

    flow_check(f, icid && text_count(message, "^P-Charging-Vector: ") == 1, "charging in:\n%s",
               message);
    return flow_copy(f, icid, strcspn(icid, ";"));
}

// PCSCF-032, PCSCF-036, PCSCF-037, PCSCF-038, PCSCF-018: what a UE forges is dropped from every
// request of a dialog, and one icid of ours is in all that reaches the core, the ACK included.
START_TEST(one_icid_goes_with_all_requests_of_a_dialog)
{
    struct stage s = stage_open("icid", NULL);

    sip_send(s.ue,
             sip_request(s.ue, "INVITE", "sip:bob@example.net", FORGED, stage_secured_offer(&s)));
    const char *invite = sip_expect(s.core, "^INVITE "), *icid = icid_of(s.f, invite);
    nothing_forged(s.f, invite);
    must_say(s.f, invite, "^P-Access-Network-Info: IEEE-802.11$");
    must_say(s.f, invite, "^P-Charging-Vector: .*;orig-ioi=visited.example$");
    sip_send(s.core, sip_response(s.core, invite, "200 OK",
                                  "P-Charging-Vector: icid-value=x;term-ioi=home.example\n"
                                  "P-Charging-Function-Addresses: ccf=192.0.2.1\n"
                                  "P-Asserted-Identity: <sip:bob@example.net>\n",
                                  stage_plain_answer(&s, 9000)));
    const char *ok = sip_expect(s.ue, "^SIP/2.0 200 ");
    must_say(s.f, ok, "^P-Asserted-Identity: <sip:bob@example.net>$");
    ck_assert_uint_eq(text_count(ok, "^P-Charging"), 0);
    struct sip_dialog dialog = sip_dialog_of_response(s.ue, ok);
    sip_send(s.ue, sip_dialog_request(&dialog, "ACK", FORGED, NULL));
    const char *ack = sip_expect(s.core, "^ACK ");
    nothing_forged(s.f, ack);
    ck_assert_str_eq(icid_of(s.f, ack), icid);
    sip_send(s.ue, sip_dialog_request(&dialog, "INFO", FORGED, NULL));
    const char *info = sip_expect(s.core, "^INFO ");
    nothing_forged(s.f, info);
    ck_assert_str_eq(icid_of(s.f, info), icid);
    sip_send(s.core, sip_response(s.core, info, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    stage_hang_up(&s, &dialog);
    struct chart chart = pcscf_chart(s.p);
    must_say(s.f, chart.text, "- P-Asserted-Identity: <sip:eve@example.net> +.RFC 3325 5.");
    must_say(s.f, chart.text, "\\+ P-Charging-Vector: icid-value=");
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-054: responses of a UE carry the icid and orig-ioi of the core's request and our term-ioi,
// whatever the UE says, to the INVITE and to what follows; PCSCF-018: the UE saw none of it.
START_TEST(responses_of_a_ue_carry_the_icid_of_the_core)
{
    struct stage s = stage_open("term-ioi", NULL);
    const char *charging = "P-Charging-Vector: icid-value=core7;orig-ioi=home.example\n"
                           "P-Charging-Function-Addresses: ccf=192.0.2.1\n"
                           "P-Served-User: <sip:alice@example.net>\n";
    const char *answer = "^P-Charging-Vector: icid-value=core7;orig-ioi=home.example;"
                         "term-ioi=visited.example$";

    sip_send(s.core, sip_request(s.core, "INVITE", "sip:" UE_USER "@example.net", charging, NULL));
    const char *invite = sip_expect(s.ue, "^INVITE ");
    ck_assert_uint_eq(text_count(invite, "^P-"), 0);
    sip_send(s.ue, sip_response(s.ue, invite, "180 Ringing", FORGED, NULL));
    const char *ringing = sip_expect(s.core, "^SIP/2.0 180 ");
    nothing_forged(s.f, ringing);
    must_say(s.f, ringing, answer);
    sip_send(s.ue, sip_response(s.ue, invite, "486 Busy Here", FORGED, NULL));
    const char *busy = sip_expect(s.core, "^SIP/2.0 486 ");
    nothing_forged(s.f, busy);
    must_say(s.f, busy, answer);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-052: a caller who wants privacy is not named to the UE, neither as caller nor as callee.
START_TEST(private_identities_stay_in_the_core)
{
    struct stage s = stage_open("privacy", NULL);
    const char *identity = "P-Asserted-Identity: <sip:bob@example.net>\nPrivacy: id\n";

    sip_send(s.core, sip_request(s.core, "MESSAGE", "sip:" UE_USER "@example.net", identity, NULL));
    const char *message = sip_expect(s.ue, "^MESSAGE ");
    ck_assert_uint_eq(text_count(message, "^P-Asserted-Identity"), 0);
    must_say(s.f, message, "^Privacy: id$");
    sip_send(s.ue, sip_response(s.ue, message, "200 OK", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 200 ");
    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL));
    message = sip_expect(s.core, "^MESSAGE ");
    sip_send(s.core, sip_response(s.core, message, "200 OK", identity, NULL));
    const char *ok = sip_expect(s.ue, "^SIP/2.0 200 ");
    ck_assert_uint_eq(text_count(ok, "^P-Asserted-Identity"), 0);
    stage_close(&s, NULL);
}
END_TEST

static const char *const agreed[] = {"INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE"};

// PCSCF-041, PCSCF-042, PCSCF-013: sec-agree and mediasec are agreed with us: never 420, and
// nothing of them reaches the core.
START_TEST(security_agreement_ends_here)
{
    struct stage s = stage_open("sec-agree", NULL);

    sip_send(s.ue, sip_request(s.ue, agreed[_i], "sip:bob@example.net",
                               "Require: mediasec, 100rel\nProxy-Require: sec-agree, mediasec\n"
                               "Security-Client: udptl-dtls;mediasec\n"
                               "Security-Verify: udptl-dtls;mediasec\n",
                               NULL));
    const char *got = sip_expect(s.core, flow_text(s.f, "^%s ", agreed[_i]));
    must_say(s.f, got, "^Require: 100rel$");
    ck_assert_uint_eq(text_count(got, "^(Security-|Proxy-Require)"), 0);
    ck_assert_uint_eq(text_count(got, "mediasec|sec-agree"), 0);
    sip_send(s.core, sip_response(s.core, got, "403 No", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 403 ");
    stage_close(&s, NULL);
}
END_TEST

void suite_policy(struct suite *s)
{
    ONCE(s, one_icid_goes_with_all_requests_of_a_dialog);
    ONCE(s, responses_of_a_ue_carry_the_icid_of_the_core);
    ONCE(s, private_identities_stay_in_the_core);
    EACH(s, security_agreement_ends_here, agreed);
}
