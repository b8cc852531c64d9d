// SPDX-License-Identifier: GPL-3.0-or-later
// The trust boundary in a whole process: what a UE says of itself never reaches the core, what the
// core says among itself never reaches a UE, and the P-CSCF's own word is there in every message.
#include "tests/flows/agent.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

#include <signal.h>
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

static void answered(struct stage *s, struct sip *from, struct sip *to, const char *request)
{
    sip_send(to, sip_response(to, request, "200 OK", NULL, NULL));
    sip_expect(from, "^SIP/2.0 200 ");
}

static const char *const openers[] = {"SUBSCRIBE", "REFER"};

// PCSCF-036: a dialog that is no session has one icid, too: that of its first request is in all
// that follow, whoever has opened it, and two dialogs have two (TS 24.229 5.2.6.3.9).
START_TEST(one_icid_goes_with_all_requests_of_a_subscription)
{
    struct stage s = stage_open("icid-subscribe", NULL);
    const char *icid[2], *method = openers[_i];

    for (int i = 0; i < 2; i++) {
        sip_send(s.ue, sip_request(s.ue, method, "sip:bob@example.net", FORGED, NULL));
        const char *got = sip_expect(s.core, flow_text(s.f, "^%s ", method));
        icid[i] = icid_of(s.f, got);
        const char *ok = sip_response(s.core, got, "202 Accepted", NULL, NULL);
        sip_send(s.core, ok);
        ok = sip_expect(s.ue, "^SIP/2.0 202 ");
        struct sip_dialog ue = sip_dialog_of_response(s.ue, ok);
        struct sip_dialog core = sip_dialog_of_request(s.core, got);
        sip_send(s.core,
                 sip_dialog_request(&core, "NOTIFY", "P-Charging-Vector: icid-value=n\n", NULL));
        got = sip_expect(s.ue, "^NOTIFY ");
        sip_send(s.ue, sip_response(s.ue, got, "200 OK", NULL, NULL));
        ck_assert_str_eq(icid_of(s.f, sip_expect(s.core, "^SIP/2.0 200 ")), icid[i]);
        sip_send(s.ue, sip_dialog_request(&ue, "SUBSCRIBE", FORGED, NULL));
        got = sip_expect(s.core, "^SUBSCRIBE ");
        ck_assert_str_eq(icid_of(s.f, got), icid[i]);
        answered(&s, s.ue, s.core, got);
    }
    ck_assert_str_ne(icid[0], icid[1]);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-036, PCSCF-054: the icid of a SUBSCRIBE of the core is that of the NOTIFYs of the UE.
START_TEST(a_subscription_of_the_core_keeps_its_icid)
{
    struct stage s = stage_open("icid-notify", NULL);

    sip_send(s.core,
             sip_request(s.core, "SUBSCRIBE", "sip:" UE_USER "@example.net",
                         "P-Charging-Vector: icid-value=core8;orig-ioi=home.example\n", NULL));
    const char *subscribe = sip_expect(s.ue, "^SUBSCRIBE ");
    answered(&s, s.core, s.ue, subscribe);
    struct sip_dialog ue = sip_dialog_of_request(s.ue, subscribe);
    for (int i = 0; i < 2; i++) {
        sip_send(s.ue, sip_dialog_request(&ue, "NOTIFY", FORGED, NULL));
        const char *notify = sip_expect(s.core, "^NOTIFY ");
        ck_assert_str_eq(icid_of(s.f, notify), "core8");
        answered(&s, s.ue, s.core, notify);
    }
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

// --- what is known of a registered UE ----------------------------------------------------------

#define IDENTITIES                                                                                 \
    "P-Associated-URI: <sip:alice@example.net>, <sip:work@example.net>, <tel:+1555>\n"

static const struct {
    const char *fields, *asserted;
} preferences[] = {
    {"P-Preferred-Identity: \"Boss\" <sip:work@example.net>\n", "<sip:work@example.net>"},
    {"P-Preferred-Identity: <tel:+1-555>\n", "<tel:\\+1555>"},
    {"P-Preferred-Identity: <sip:eve@example.net>\n", "<sip:alice@example.net>"},
    {"P-Asserted-Identity: <sip:work@example.net>\nPrivacy: id\n", "<sip:alice@example.net>"},
};

// PCSCF-031, PCSCF-032, PCSCF-039: the identity that a registered UE prefers is asserted when it is
// one of its own, else the default one; Privacy changes nothing towards the core.
START_TEST(a_registered_identity_is_asserted)
{
    struct stage s = stage_open("asserted", NULL);

    stage_register(&s, s.ue, IDENTITIES);
    sip_send(s.ue,
             sip_request(s.ue, "MESSAGE", "sip:bob@example.net", preferences[_i].fields, NULL));
    const char *got = sip_expect(s.core, "^MESSAGE ");
    ck_assert_uint_eq(text_count(got, "^P-Asserted-Identity: "), 1);
    ck_assert_uint_eq(text_count(got, "^P-Preferred-Identity: "), 0);
    must_say(s.f, got, flow_text(s.f, "^P-Asserted-Identity: %s$", preferences[_i].asserted));
    sip_send(s.core, sip_response(s.core, got, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    stage_close(&s, NULL);
}
END_TEST

static const struct {
    const char *called, *asserted;
} calls[] = {
    {"P-Called-Party-ID: <sip:work@example.net>\n", "<sip:work@example.net>"},
    {"P-Called-Party-ID: <sip:bob@example.net>\n", "<sip:alice@example.net>"},
    {"", "<sip:alice@example.net>"},
};

// PCSCF-053: 1xx and 2xx of a registered UE assert the identity that was called, or the default
// one; what the UE asserts itself is gone.
START_TEST(the_called_identity_is_asserted)
{
    struct stage s = stage_open("called", NULL);
    const char *forged = "P-Asserted-Identity: <sip:eve@example.net>\n"
                         "P-Preferred-Identity: <sip:eve@example.net>\n";
    const char *right = flow_text(s.f, "^P-Asserted-Identity: %s$", calls[_i].asserted);

    stage_register(&s, s.ue, IDENTITIES);
    sip_send(s.core,
             sip_request(s.core, "INVITE", flow_text(s.f, "sip:alice@%s", sip_address(s.ue)),
                         calls[_i].called, NULL));
    const char *invite = sip_expect(s.ue, "^INVITE ");
    sip_send(s.ue, sip_response(s.ue, invite, "180 Ringing", forged, NULL));
    const char *ringing = sip_expect(s.core, "^SIP/2.0 180 ");
    must_say(s.f, ringing, right);
    ck_assert_uint_eq(text_count(ringing, "eve@"), 0);
    sip_send(s.ue, sip_response(s.ue, invite, "486 Busy", forged, NULL));
    const char *busy = sip_expect(s.core, "^SIP/2.0 486 ");
    ck_assert_uint_eq(text_count(busy, "^P-(Asserted|Preferred)-Identity"), 0);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-053, PCSCF-073, PCSCF-036: a 200 that a UE sends again is the same to the core, with the
// identity and the icid; the BYE that the P-CSCF sends by itself has the icid of the dialog, too.
START_TEST(what_comes_late_is_vouched_for)
{
    struct stage s =
        stage_open("late", &(struct pcscf_options){.ues = "", .e2ae = "mechanisms: []"});
    const char *fields = "P-Called-Party-ID: <sip:work@example.net>\n"
                         "P-Charging-Vector: icid-value=abc;orig-ioi=home\n";

    stage_register(&s, s.ue, IDENTITIES);
    sip_send(s.core,
             sip_request(s.core, "INVITE", flow_text(s.f, "sip:alice@%s", sip_address(s.ue)),
                         fields, stage_plain_answer(&s, 9000)));
    const char *invite = sip_expect(s.ue, "^INVITE ");
    const char *ok = sip_response(s.ue, invite, "200 OK", NULL, stage_plain_answer(&s, 9002));
    for (unsigned turn = 0; turn < 2; turn++) {
        sip_send(s.ue, ok);
        const char *got = sip_expect(s.core, "^SIP/2.0 200 ");
        must_say(s.f, got, "^P-Asserted-Identity: <sip:work@example.net>$");
        must_say(s.f, got, "^P-Charging-Vector: icid-value=abc;orig-ioi=home;term-ioi=");
        if (turn == 1) {
            struct sip_dialog dialog = sip_dialog_of_response(s.core, got);
            sip_send(s.core, sip_dialog_request(&dialog, "ACK", NULL, NULL));
        }
    }
    sip_expect(s.ue, "^ACK ");
    program_signal(pcscf_program(s.p), SIGTERM);
    const char *bye = sip_expect(s.core, "^BYE ");
    must_say(s.f, bye, "^P-Charging-Vector: icid-value=abc;orig-ioi=");
    sip_send(s.core, sip_response(s.core, bye, "200 OK", NULL, NULL));
    bye = sip_expect(s.ue, "^BYE ");
    must_not_say(s.f, bye, "^P-Charging-Vector: ");
    sip_send(s.ue, sip_response(s.ue, bye, "200 OK", NULL, NULL));
    program_wait(pcscf_program(s.p));
    stage_close(&s, NULL);
}
END_TEST

// --- the route of a registered UE --------------------------------------------------------------

static const char *service_route(struct stage *s)
{
    return flow_text(s->f, "Service-Route: <sip:orig@%s;lr>, <sip:second@192.0.2.2;lr>\n",
                     sip_address(s->core));
}

static const struct {
    const char *route, *policy;
    const char *status; // of a refusal; NULL: it goes by the Service-Route
} routes[] = {
    {"", "route: replace", NULL},
    {"", "route: strict", NULL},
    {"Route: <sip:elsewhere@192.0.2.9;lr>\n", "route: replace", NULL},
    {"Route: <sip:elsewhere@192.0.2.9;lr>\n", "route: strict", "^SIP/2.0 400 "},
    {"Route: <sip:second@192.0.2.2;lr>\n", "route: strict", "^SIP/2.0 400 "},
};

// PCSCF-033, PCSCF-034: the Service-Route is the way of a registered UE: put in where there is no
// Route, put in its place or asked for where there is another.
START_TEST(the_service_route_is_taken)
{
    struct pcscf_options options = {.registration = routes[_i].policy};
    struct stage s = stage_open("service-route", &options);

    stage_register(&s, s.ue, service_route(&s));
    sip_send(s.ue, sip_request(s.ue, "INVITE", "sip:bob@example.net", routes[_i].route,
                               stage_secured_offer(&s)));
    if (routes[_i].status) {
        must_say(s.f, sip_expect(s.ue, "^SIP/2.0 [2-6]"), routes[_i].status);
        stage_core_sees_nothing(&s);
        stage_close(&s, "route_mismatch");
        return;
    }
    const char *got = sip_expect(s.core, "^INVITE ");
    must_say(s.f, sip_header(s.core, got, "Route"),
             flow_text(s.f, "^<sip:orig@%s;lr>$", sip_address(s.core)));
    must_say(s.f, got, "^Route: <sip:second@192.0.2.2;lr>$");
    ck_assert_uint_eq(text_count(got, "^Route: "), 2);
    sip_send(s.core, sip_response(s.core, got, "486 Busy", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 486 ");
    pcscf_chart(s.p); // of the registration
    struct chart chart = pcscf_chart(s.p);
    must_say(s.f, chart.text, "\\+ Route: <sip:orig@");
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-033: the same Route as the Service-Route passes under every policy, our own entry before it
// or not.
START_TEST(the_right_route_passes)
{
    struct pcscf_options options = {.registration = "route: strict"};
    struct stage s = stage_open("right-route", &options);
    const char *route = flow_text(s.f,
                                  "Route: <sip:%s;lr>\nRoute: <sip:orig@%s;lr>\n"
                                  "Route: <sip:second@192.0.2.2;lr>\n",
                                  pcscf_access(s.p), sip_address(s.core));

    stage_register(&s, s.ue, service_route(&s));
    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", route, NULL));
    const char *got = sip_expect(s.core, "^MESSAGE ");
    sip_send(s.core, sip_response(s.core, got, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-033: within a dialog the route set is the way, whatever the UE makes of it.
START_TEST(the_route_set_is_taken)
{
    struct stage s = stage_open("route-set", NULL);

    stage_register(&s, s.ue, NULL);
    const char *invite = stage_invite_core(&s);
    const char *ok = sip_response(s.core, invite, "200 OK", NULL, stage_plain_answer(&s, 9000));
    const char *hop = flow_text(s.f, "<sip:as@%s;lr>", sip_address(s.core));
    ok = flow_replace(s.f, ok,
                      "Record-Route:", flow_text(s.f, "Record-Route: %s\nRecord-Route:", hop));
    sip_send(s.core, ok);
    struct sip_dialog dialog = stage_acknowledge(&s, sip_expect(s.ue, "^SIP/2.0 200 "));
    const char *routes_of_ue = dialog.routes;
    dialog.routes = flow_replace(s.f, dialog.routes, "sip:as@", "sip:evil@");
    sip_send(s.ue, sip_dialog_request(&dialog, "INFO", NULL, NULL));
    const char *info = sip_expect(s.core, "^INFO ");
    must_say(s.f, info, flow_text(s.f, "^Route: %s$", hop));
    ck_assert_uint_eq(text_count(info, "evil"), 0);
    sip_send(s.core, sip_response(s.core, info, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    dialog.routes = routes_of_ue;
    stage_hang_up(&s, &dialog);
    stage_close(&s, NULL);
}
END_TEST

static const bool registered[] = {false, true};

// PCSCF-040: a UE that is no party of a dialog is refused with 403, though it knows the tags and
// the route; the dialog goes on. A party gets 481 when the dialog is gone.
START_TEST(a_stranger_in_a_dialog_is_refused)
{
    struct stage s = stage_open("stranger", NULL);
    struct sip *eve = sip_open(s.f, HOST_OTHER, pcscf_access(s.p));

    if (registered[_i])
        stage_register(&s, s.ue, NULL);
    struct sip_dialog dialog = stage_call_core(&s), stolen = dialog;
    stolen.sip = eve;
    sip_send(eve, sip_dialog_request(&stolen, "BYE", NULL, NULL));
    sip_expect(eve, "^SIP/2.0 403 ");
    stage_core_sees_nothing(&s);
    stage_hang_up(&s, &dialog);
    sip_send(s.ue, sip_dialog_request(&dialog, "BYE", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 481 ");
    sip_close(eve);
    stage_close(&s, "not_a_party");
}
END_TEST

// --- emergency ---------------------------------------------------------------------------------

static const struct {
    const char *psap, *status, *also, *counter;
} emergencies[] = {
    {"psap: \"380\"", "^SIP/2.0 380 ", "<type>emergency</type>", "emergency_elsewhere"},
    {"psap: \"403\"", "^SIP/2.0 403 ", "^Warning: 399 ", "emergency_refused"},
};

// TS 24.229 5.2.10: an emergency call that is not served here is refused, or referred to another
// network, registered or not; the core does not see it.
START_TEST(emergency_calls_are_refused_as_configured)
{
    struct pcscf_options options = {.emergency = emergencies[_i].psap};
    struct stage s = stage_open("emergency", &options);

    sip_send(s.ue, sip_request(s.ue, "INVITE", "urn:service:sos.fire", NULL, NULL));
    const char *answer = sip_expect(s.ue, "^SIP/2.0 [2-6]");
    must_say(s.f, answer, emergencies[_i].status);
    must_say(s.f, answer, emergencies[_i].also);
    stage_core_sees_nothing(&s);
    stage_close(&s, emergencies[_i].counter);
}
END_TEST

// TS 24.229 5.1.2A.1.1: a registered UE is referred to another network by whom its Path names, and
// so knows that it is its own P-CSCF.
START_TEST(a_380_names_the_P_CSCF_as_the_Path_does)
{
    struct pcscf_options options = {.emergency = emergencies[0].psap};
    struct stage s = stage_open("380", &options);
    const char *request = sip_request(s.ue, "REGISTER", "sip:example.net", NULL, NULL);

    sip_send(s.ue, request);
    const char *got = sip_expect(s.core, "^REGISTER ");
    const char *path = sip_header(s.core, got, "Path");
    const char *ok = sip_response(s.core, got, "200 OK", NULL, NULL);
    const char *own = flow_text(s.f, "Contact: <sip:party@%s>\n", sip_address(s.core));
    sip_send(s.core, flow_replace(s.f, ok, own,
                                  flow_text(s.f, "Contact: %s;expires=600\n",
                                            sip_header(s.core, got, "Contact"))));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    sip_send(s.ue, sip_request(s.ue, "INVITE", "urn:service:sos", NULL, NULL));
    const char *answer = sip_expect(s.ue, "^SIP/2.0 380 ");
    ck_assert_str_eq(sip_header(s.ue, answer, "P-Asserted-Identity"), path);
    must_say(s.f, answer, "^Content-Type: application/3gpp-ims[+]xml$");
    stage_close(&s, "emergency_elsewhere");
}
END_TEST

// TS 24.229 5.2.10, RFC 6881: it goes to the PSAP, also when nobody has registered and registration
// is required; the Request-URI stays.
START_TEST(emergency_calls_reach_the_psap)
{
    struct flow *f = flow_open("psap");
    struct pcscf_options options = {
        .emergency = flow_text(f, "psap: \"sip:112@%s\"", flow_at(f, HOST_OTHER)),
        .registration = "required: true"};
    struct stage s = stage_open_on(f, &options);
    struct sip *psap = sip_open(f, HOST_OTHER, pcscf_core(s.p));

    sip_send(s.ue, sip_request(s.ue, "INVITE", "urn:service:sos", NULL, stage_secured_offer(&s)));
    const char *invite = sip_expect(psap, "^INVITE urn:service:sos ");
    must_say(f, invite, flow_text(f, "^Route: <sip:112@%s;lr>$", sip_address(psap)));
    must_say(f, sip_body(invite), "^m=image [0-9]+ udptl t38$");
    ck_assert_uint_eq(text_count(invite, "^P-Asserted-Identity"), 0);
    sip_send(psap, sip_response(psap, invite, "486 Busy", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 486 ");
    sip_close(psap);
    stage_close(&s, NULL);
}
END_TEST

void suite_policy(struct suite *s)
{
    ONCE(s, one_icid_goes_with_all_requests_of_a_dialog);
    EACH(s, one_icid_goes_with_all_requests_of_a_subscription, openers);
    ONCE(s, a_subscription_of_the_core_keeps_its_icid);
    ONCE(s, responses_of_a_ue_carry_the_icid_of_the_core);
    ONCE(s, private_identities_stay_in_the_core);
    EACH(s, security_agreement_ends_here, agreed);
    EACH(s, a_registered_identity_is_asserted, preferences);
    EACH(s, the_called_identity_is_asserted, calls);
    ONCE(s, what_comes_late_is_vouched_for);
    EACH(s, the_service_route_is_taken, routes);
    ONCE(s, the_right_route_passes);
    ONCE(s, a_380_names_the_P_CSCF_as_the_Path_does);
    ONCE(s, the_route_set_is_taken);
    EACH(s, a_stranger_in_a_dialog_is_refused, registered);
    EACH(s, emergency_calls_are_refused_as_configured, emergencies);
    ONCE(s, emergency_calls_reach_the_psap);
}
