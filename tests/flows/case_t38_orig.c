// SPDX-License-Identifier: GPL-3.0-or-later
// T.38 fax from the IMS access network with e2ae security (TS 23.334 6.2.10.4.2).
#include "tests/flows/agent.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

// The call of the figure: all sixteen steps in order; security towards the UE, none towards the
// core; pages arrive as they were sent (REQ-111).
START_TEST(a_fax_from_the_ue_takes_the_steps_of_the_figure)
{
    struct flow *f = flow_open("orig");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE};

    call_run(p, &call);
    must_say(f, call_core(&call),
             "^offer-received media=image proto=udptl .* setup=- "
             "identity=none:- fingerprints=0 3ge2ae=none .* bandwidth=- ");
    must_say(f, call_ue(&call),
             "^answer-received media=image proto=UDP/TLS/UDPTL .* setup=passive "
             "identity=dtls-id:[A-Za-z0-9]{32} fingerprints=1 3ge2ae=none ");
    must_say(f, call_ue(&call), "^dtls-established role=client .*verified=yes");
    struct chart chart = pcscf_chart(p);
    chart_in_order(&chart, 1, 16);
    must_say(f, chart_step(&chart, 2), "Transport protocol: UDP<br/>.*IP Realm Identifier: core");
    must_say(f, chart_step(&chart, 10), "Transport protocol: UDP/DTLS<br/>");
    must_say(f, chart_step(&chart, 10), "Remote certificate fingerprint: SHA-256 ");
    must_say(f, chart_step(&chart, 10), "Local certificate fingerprint Request");
    must_say(f, chart_step(&chart, 10), "Notify .D.TLS session establishment Failure Event");
    must_say(f, chart_step(&chart, 12), "Local certificate fingerprint: SHA-256 ");
    for (unsigned step = 1; step <= 16; step++) // the chart for a terminal has them as well
        must_say(f, chart.text, flow_text(f, "[ |*]%u\\. ", step));
    must_not_say(f, chart.mermaid, "BEGIN [A-Z ]*PRIVATE KEY");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    const char *offer, *configured, *answer;
    bool agw_client;
} roles[] = {
    {"actpass", "passive", "passive", false}, {"actpass", "active", "active", true},
    {"active", "passive", "passive", false},  {"active", "active", "passive", false},
    {"passive", "passive", "active", true},   {"passive", "active", "active", true},
};

// "active": AGW is server; "passive": client; "actpass": as configured. Establish (D)TLS session is
// asked for exactly when it is client, and then it sends the ClientHello.
START_TEST(the_offered_setup_decides_the_dtls_role)
{
    struct flow *f = flow_open("orig-roles");
    struct pcscf_options options = {.t38 = flow_text(f, "setup_answer: %s", roles[_i].configured)};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = HOST_UE, .ue = flow_text(f, "--setup %s", roles[_i].offer)};
    bool client = roles[_i].agw_client;

    call_run(p, &call);
    must_say(f, call_ue(&call), flow_text(f, "^answer-received .* setup=%s ", roles[_i].answer));
    must_say(f, call_ue(&call),
             flow_text(f, "^dtls-established role=%s ", client ? "server" : "client"));
    struct chart chart = pcscf_chart(p);
    bool asked = text_matches(chart_step(&chart, 10), "Establish .D.TLS session<br/>");
    flow_check(f, asked == client, "Establish (D)TLS session is %sthere", asked ? "" : "not ");
    must_say(f, chart_step(&chart, 14), client ? "AGW->>UE: " : "UE->>AGW: ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// No a=setup in the offer means active (RFC 4145 4.1): the AGW is server.
START_TEST(an_offer_without_setup_is_active)
{
    struct flow *f = flow_open("orig-no-setup");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {
        .caller = HOST_UE, .datagrams = true, .ue = "--setup active --misbehave=no-setup"};

    call_run(p, &call);
    must_say(f, call_ue(&call), "^answer-received .* setup=passive ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    const char *ue, *answer;
} identities[] = {
    {"--id-name dtls-id", " identity=dtls-id:[A-Za-z0-9]{32} "},
    {"--id-name tls-id", " identity=tls-id:[A-Za-z0-9]{32} "},
    {"--id-name none", " identity=none:- "},
};

// The answer names the association as the offer did, with a new value, and not at all when the
// offer did not (REQ-026, RFC 8842 5.3).
START_TEST(the_answer_has_the_name_of_the_identity_that_was_offered)
{
    struct flow *f = flow_open("orig-identity");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE, .datagrams = true, .ue = identities[_i].ue};

    call_run(p, &call);
    must_say(f, call_ue(&call), flow_text(f, "^answer-received .*%s", identities[_i].answer));
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const char *const hashes[] = {"--hash sha-1", "--hash sha-384", "--hash sha-512",
                                     "--hash sha-256 --extra-fingerprint"};

// Every hash RFC 8122 allows verifies the UE; one match among several values suffices (REQ-063).
START_TEST(any_allowed_fingerprint_verifies_the_ue)
{
    struct flow *f = flow_open("orig-hash");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE, .datagrams = true, .ue = hashes[_i]};

    call_run(p, &call);
    pcscf_stop(p);
    ck_assert_uint_eq(pcscf_counter(p, "dtls_fingerprint"), 0);
    flow_close(f);
}
END_TEST

// 37 bytes of DTLS on a datagram every 30 ms are 10 kbit/s, at a=maxprate:50 15 kbit/s (10.2, 10.3
// of the digest); never below 1, and 0 means no media and stays; TIAS stays; what has no b= gets
// none.
static const struct {
    const char *ue, *core;
    const char *core_sees, *ue_sees;
} bandwidths[] = {
    {"--bandwidth AS:60", "--bandwidth AS:60", " bandwidth=AS:50 ", " bandwidth=AS:70 "},
    {"--bandwidth AS:60 --maxprate 50", "--bandwidth AS:60", " bandwidth=AS:45 ",
     " bandwidth=AS:70 "},
    {"--bandwidth AS:5", "--bandwidth AS:0", " bandwidth=AS:1 ", " bandwidth=AS:0 "},
    {"--bandwidth TIAS:64000 --bandwidth RS:800", "", " bandwidth=TIAS:64000,RS:800 ",
     " bandwidth=- "},
    {"--bandwidth session:AS:80 --bandwidth AS:60", "--bandwidth session:AS:80",
     " bandwidth=AS:50 session-bandwidth=AS:70( |$)", " bandwidth=- session-bandwidth=AS:90( |$)"},
};

// Each side sees a b= that fits its leg: less towards the core, more towards the UE (REQ-090 to
// REQ-093, REQ-095, REQ-096).
START_TEST(each_side_sees_the_bandwidth_of_its_leg)
{
    struct flow *f = flow_open("orig-bandwidth");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {
        .caller = HOST_UE, .datagrams = true, .ue = bandwidths[_i].ue, .core = bandwidths[_i].core};

    call_run(p, &call);
    must_say(f, call_core(&call), flow_text(f, "^offer-received .*%s", bandwidths[_i].core_sees));
    must_say(f, call_ue(&call), flow_text(f, "^answer-received .*%s", bandwidths[_i].ue_sees));
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// A UE that requests e2ae but with which none is agreed is refused with 488 (TS 24.229 6.7.2); the
// core never sees the call.
START_TEST(a_request_that_is_not_agreed_is_refused)
{
    struct flow *f = flow_open("orig-not-capable");
    struct pcscf_options options = {.e2ae = "mechanisms: []"};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {
        .caller = HOST_UE, .core = "--timeout 1", .fails = true, .ue_status = 3, .core_status = 7};

    call_run(p, &call);
    must_say(f, call_ue(&call), "^refused status=488 ");
    must_not_say(f, call_core(&call), "^call-received");
    pcscf_stop(p);
    ck_assert_uint_eq(pcscf_counter(p, "e2ae_not_capable"), 1);
    flow_close(f);
}
END_TEST

// A plain fax of the UE stays plain, and a=3ge2ae appears nowhere (REQ-005).
START_TEST(a_plain_fax_of_the_ue_stays_plain)
{
    struct flow *f = flow_open("orig-plain");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE,
                        .datagrams = true,
                        .ue_side = "core",
                        .ue = "--bandwidth AS:60",
                        .core = "--bandwidth AS:60"};

    call_run(p, &call);
    must_say(f, call_core(&call),
             "^offer-received .* proto=udptl .* 3ge2ae=none .* bandwidth=AS:60 ");
    must_say(f, call_ue(&call),
             "^answer-received .* proto=udptl .* 3ge2ae=none .* bandwidth=AS:60 ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// Without a=3ge2ae the UE secures end to end: SDP passes but for addresses, and DTLS runs between
// the two ends (TS 23.334 5.11.3).
START_TEST(end_to_end_security_is_relayed)
{
    struct flow *f = flow_open("orig-e2e");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE,
                        .core_side = "ue",
                        .ue = "--no-3ge2ae --bandwidth AS:60",
                        .core = "--no-3ge2ae --bandwidth AS:60"};

    call_run(p, &call);
    must_say(f, call_core(&call),
             "^offer-received .* proto=UDP/TLS/UDPTL .* setup=actpass "
             "identity=dtls-id:.* fingerprints=1 3ge2ae=none "
             ".* bandwidth=AS:60 ");
    must_say(f, call_core(&call), "^dtls-established .*verified=yes");
    must_say(f, call_ue(&call), "^dtls-established .*verified=yes");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    enum host caller;
    const char *ue, *core;
    const char *seen;    // by the caller
    unsigned offer_sent; // step of the figure
} courses[] = {
    {HOST_UE, "--reliable", "--reliable", "^ringing status=183 sdp=yes", 5},
    {HOST_UE, "", "--ring 300", "^ringing status=180 sdp=no", 5},
    {HOST_CORE, "--reliable", "--reliable", "^ringing status=183 sdp=yes", 8},
    {HOST_CORE, "--ring 300", "", "^ringing status=180 sdp=no", 8},
};

// The answer may come in a reliable 183 (RFC 3262), or after long ringing, called by either side.
START_TEST(the_answer_may_come_early_or_late)
{
    struct flow *f = flow_open("course");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {
        .caller = courses[_i].caller, .ue = courses[_i].ue, .core = courses[_i].core};

    call_run(p, &call);
    must_say(f, program_text(call.programs[call.caller]), courses[_i].seen);
    struct chart chart = pcscf_chart(p);
    chart_in_order(&chart, 1, courses[_i].offer_sent);
    chart_in_order(&chart, 15, 16);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// An INVITE without SDP: the offer comes in the 200 from the core, secured on its way to the UE,
// and the answer in the ACK (RFC 3261 13.2.1).
START_TEST(an_offerless_invite_of_the_ue_gets_a_secured_offer)
{
    struct flow *f = flow_open("orig-offerless");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE, .ue = "--offerless"};

    call_run(p, &call);
    must_say(f, call_ue(&call),
             "^offer-received .* proto=UDP/TLS/UDPTL .* setup=actpass "
             ".* fingerprints=1 3ge2ae=applied ");
    must_say(f, call_core(&call), "^answer-received .* proto=udptl .* fingerprints=0 ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// PCSCF-069: the offer may come in a reliable 18x already, and the answer in its PRACK (RFC 3262
// 5): secured on the access leg, plain on the other; the 200 has none.
START_TEST(an_offer_in_a_reliable_18x_is_answered_in_the_PRACK)
{
    struct stage s = stage_open("orig-offer-18x", NULL);
    const char *reliable = "Require: 100rel\nRSeq: 1\n";
    const char *answer =
        flow_replace(s.f, stage_secured_offer(&s), "a=setup:actpass", "a=setup:active");

    sip_send(s.ue, sip_request(s.ue, "INVITE", "sip:bob@example.net", "Supported: 100rel\n", NULL));
    const char *invite = sip_expect(s.core, "^INVITE ");
    sip_send(s.core, sip_response(s.core, invite, "183 Session Progress", reliable,
                                  stage_plain_answer(&s, 9000)));
    const char *offer = sip_expect(s.ue, "^SIP/2.0 183 ");
    must_say(s.f, sip_body(offer), "^m=image [0-9]+ UDP/TLS/UDPTL t38");
    must_say(s.f, sip_body(offer), "^a=3ge2ae:applied");
    struct sip_dialog dialog = sip_dialog_of_response(s.ue, offer);
    sip_send(s.ue, sip_dialog_request(&dialog, "PRACK", "RAck: 1 1 INVITE\n",
                                      flow_replace(s.f, answer, "a=3ge2ae:requested\n", "")));
    const char *prack = sip_expect(s.core, "^PRACK ");
    must_say(s.f, sip_body(prack), "^m=image [0-9]+ udptl t38");
    ck_assert_uint_eq(text_count(sip_body(prack), "^a=(setup|fingerprint|dtls-id|3ge2ae)"), 0);
    sip_send(s.core, sip_response(s.core, prack, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, NULL));
    const char *ok = sip_expect(s.ue, "^SIP/2.0 200 ");
    ck_assert_uint_eq(strlen(sip_body(ok)), 0);
    struct sip_dialog up = stage_acknowledge(&s, ok);
    up.cseq = dialog.cseq; // that of the PRACK was the last
    stage_hang_up(&s, &up);
    stage_close(&s, NULL);
}
END_TEST

static const struct {
    bool access, core;
} families[] = {{true, false}, {false, true}, {true, true}};

// Each side has the IP version of its own (TS 23.334 5.2).
START_TEST(each_side_has_its_own_ip_version)
{
    struct flow *f = flow_open("orig-ip");
    const char *core6 = flow_text(f, "[::1]:%u", flow_port(f, HOST_CORE));
    struct pcscf_options options = {.access_v6 = families[_i].access,
                                    .core_v6 = families[_i].core,
                                    .next_hop = families[_i].core ? core6 : NULL};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = HOST_UE,
                        .datagrams = true,
                        .ue_v6 = families[_i].access,
                        .core_v6 = families[_i].core};

    call_run(p, &call);
    must_say(f, call_ue(&call),
             flow_text(f, "^answer-received .* address=%s",
                       families[_i].access ? "\\[::1\\]:2" : "127\\..*:2"));
    must_say(f, call_core(&call),
             flow_text(f, "^offer-received .* address=%s",
                       families[_i].core ? "\\[::1\\]:3" : "127\\..*:3"));
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    const char *ue, *core;
    const char *parameter;
} transports[] = {
    {"--transport tcp", "", ""},
    {"", "--transport tcp", ";transport=tcp"},
    {"--transport tcp", "--transport tcp", ";transport=tcp"},
};

// SIP over TCP on either side, or both.
START_TEST(sip_may_run_over_tcp)
{
    struct flow *f = flow_open("orig-tcp");
    struct pcscf_options options = {.next_hop = "request-uri"};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {
        .caller = HOST_UE,
        .datagrams = true,
        .ue = transports[_i].ue,
        .core = transports[_i].core,
        .target = flow_text(f, "sip:core@%s%s", flow_at(f, HOST_CORE), transports[_i].parameter)};

    call_run(p, &call);
    struct chart chart = pcscf_chart(p);
    chart_in_order(&chart, 1, 16);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

void suite_t38_orig(struct suite *s)
{
    ONCE(s, a_fax_from_the_ue_takes_the_steps_of_the_figure);
    EACH(s, the_offered_setup_decides_the_dtls_role, roles);
    ONCE(s, an_offer_without_setup_is_active);
    EACH(s, the_answer_has_the_name_of_the_identity_that_was_offered, identities);
    EACH(s, any_allowed_fingerprint_verifies_the_ue, hashes);
    EACH(s, each_side_sees_the_bandwidth_of_its_leg, bandwidths);
    ONCE(s, a_request_that_is_not_agreed_is_refused);
    ONCE(s, a_plain_fax_of_the_ue_stays_plain);
    ONCE(s, end_to_end_security_is_relayed);
    EACH(s, the_answer_may_come_early_or_late, courses);
    ONCE(s, an_offerless_invite_of_the_ue_gets_a_secured_offer);
    ONCE(s, an_offer_in_a_reliable_18x_is_answered_in_the_PRACK);
    EACH(s, each_side_has_its_own_ip_version, families);
    EACH(s, sip_may_run_over_tcp, transports);
}
