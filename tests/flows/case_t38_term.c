// SPDX-License-Identifier: GPL-3.0-or-later
// T.38 fax towards the IMS access network with e2ae security (TS 23.334 6.2.10.4.3).
#include "tests/flows/agent.h"
#include "tests/flows/suite.h"

// Where a step stands among all of them; the test fails when it is not there once.
static unsigned place_of(const struct chart *c, unsigned step)
{
    unsigned steps[STEPS_MAX], count = chart_steps(c, steps), place = 0, seen = 0;

    for (unsigned i = 0; i < count; i++)
        if (steps[i] == step) {
            place = i;
            seen++;
        }
    flow_check(c->flow, seen == 1, "step %u stands %u times in the chart", step, seen);
    return place;
}

static void comes_after(const struct chart *c, unsigned step, unsigned before)
{
    flow_check(c->flow, place_of(c, before) < place_of(c, step), "step %u comes before step %u",
               step, before);
}

// The steps of the figure. What UE and AGW do between themselves runs beside the signalling: the
// ClientHello, step 10, may overtake the 200 OK of the UE or come after the Configure (NOTE 3), and
// the handshake, 15, may be through before the 200 OK towards the core, 14, has left.
static void check_figure(const struct chart *c)
{
    chart_in_order(c, 1, 9);
    chart_in_order(c, 11, 14);
    chart_in_order(c, 15, 16);
    comes_after(c, 11, 9);
    comes_after(c, 10, 8);
    comes_after(c, 15, 10);
    comes_after(c, 15, 13);
}

// The call of the figure: step 2 asks for latching (NOTE 3), the failure event and the fingerprint;
// the UE gets what 6.2.10.4.3 lists; pages arrive as they were sent (REQ-111).
START_TEST(a_fax_to_the_ue_takes_the_steps_of_the_figure)
{
    struct flow *f = flow_open("term");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_CORE, .pages = 3};

    call_run(p, &call);
    must_say(f, call_ue(&call),
             "^offer-received media=image proto=UDP/TLS/UDPTL .* setup=actpass "
             "identity=dtls-id:[A-Za-z0-9]{32} fingerprints=1 3ge2ae=applied ");
    must_say(f, call_core(&call),
             "^answer-received media=image proto=udptl .* setup=- "
             "identity=none:- fingerprints=0 3ge2ae=none ");
    must_say(f, call_ue(&call), "^dtls-established role=client .*verified=yes");
    struct chart chart = pcscf_chart(p);
    check_figure(&chart);
    must_say(f, chart_step(&chart, 2), "Transport protocol: UDP/DTLS<br/>");
    must_say(f, chart_step(&chart, 2), "Latching Requirement: after-dtls");
    must_say(f, chart_step(&chart, 2), "Local certificate fingerprint Request");
    must_say(f, chart_step(&chart, 2), "Notify .D.TLS session establishment Failure Event");
    must_say(f, chart_step(&chart, 5), "Transport protocol: UDP<br/>");
    must_say(f, chart_step(&chart, 5), "Remote Connection Address: ");
    must_say(f, chart_step(&chart, 11), "Remote certificate fingerprint: SHA-256 ");
    must_not_say(f, chart_step(&chart, 11), "Notify .D.TLS");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    const char *configured, *ue, *offer;
    bool agw_client;
} roles[] = {
    {"actpass", "--answer-setup active", "actpass", false},
    {"actpass", "--answer-setup passive", "actpass", true},
    {"active", "", "active", true},
    {"passive", "", "passive", false},
};

// The UE's answer decides the role; when the AGW is client, and only then, Establish (D)TLS session
// is asked for, and the AGW sends the ClientHello.
START_TEST(the_answered_setup_decides_the_dtls_role)
{
    struct flow *f = flow_open("term-roles");
    struct pcscf_options options = {.t38 = flow_text(f, "setup_offer: %s", roles[_i].configured)};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = HOST_CORE, .ue = roles[_i].ue};
    bool client = roles[_i].agw_client;

    call_run(p, &call);
    must_say(f, call_ue(&call), flow_text(f, "^offer-received .* setup=%s ", roles[_i].offer));
    must_say(f, call_ue(&call),
             flow_text(f, "^dtls-established role=%s ", client ? "server" : "client"));
    struct chart chart = pcscf_chart(p);
    check_figure(&chart);
    bool asked = text_matches(chart_step(&chart, 11), "Establish .D.TLS session<br/>");
    flow_check(f, asked == client, "Establish (D)TLS session is %sthere", asked ? "" : "not ");
    must_say(f, chart_step(&chart, 10), client ? "AGW->>UE: " : "UE->>AGW: ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// No a=setup in the answer means passive (RFC 4145 4.1): the AGW is client.
START_TEST(an_answer_without_setup_is_passive)
{
    struct flow *f = flow_open("term-no-setup");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_CORE, .ue = "--answer-setup passive --misbehave=no-setup"};

    call_run(p, &call);
    must_say(f, call_ue(&call), "^dtls-established role=server ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// The failure event may be asked for with the Configure instead (NOTE 1, REQ-031).
START_TEST(the_failure_event_may_be_deferred)
{
    struct flow *f = flow_open("term-deferred");
    struct pcscf_options options = {.t38 = "notify_deferred: true"};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = HOST_CORE};

    call_run(p, &call);
    struct chart chart = pcscf_chart(p);
    must_not_say(f, chart_step(&chart, 2), "Notify .D.TLS");
    must_say(f, chart_step(&chart, 11), "Notify .D.TLS session establishment Failure Event");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    const char *configured;
    bool dtls_id, tls_id;
} identities[] = {{"dtls-id", true, false}, {"tls-id", false, true}, {"both", true, true}};

// Offers to the UE name the association as configured (REQ-032).
START_TEST(the_offer_has_the_configured_name_of_the_identity)
{
    struct flow *f = flow_open("term-identity");
    struct pcscf_options options = {.t38 = flow_text(f, "identity: %s", identities[_i].configured)};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = HOST_CORE};

    call_run(p, &call);
    struct chart chart = pcscf_chart(p);
    ck_assert(text_matches(chart.text, "\\+ a=dtls-id:[A-Za-z0-9]{32} ") == identities[_i].dtls_id);
    ck_assert(text_matches(chart.text, "\\+ a=tls-id:[A-Za-z0-9]{32} ") == identities[_i].tls_id);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// More towards the UE, less towards the core, for calls to the UE as well (REQ-090).
START_TEST(each_side_sees_the_bandwidth_of_its_leg_when_called)
{
    struct flow *f = flow_open("term-bandwidth");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {
        .caller = HOST_CORE, .ue = "--bandwidth AS:60", .core = "--bandwidth AS:60 --maxprate 50"};

    call_run(p, &call);
    must_say(f, call_ue(&call), "^offer-received .* bandwidth=AS:75 ");
    must_say(f, call_core(&call), "^answer-received .* bandwidth=AS:50 ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// A UE with which no e2ae is agreed gets the plain offer (REQ-037).
START_TEST(a_ue_that_is_not_capable_is_offered_plain_fax)
{
    struct flow *f = flow_open("term-plain");
    struct pcscf_options options = {
        .ues = flow_text(f, "{user: " UE_USER ", contact: \"%s\", mechanisms: []}",
                         flow_at(f, HOST_UE))};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = HOST_CORE, .ue_side = "core", .core = "--bandwidth AS:60"};

    call_run(p, &call);
    must_say(f, call_ue(&call),
             "^offer-received .* proto=udptl .* fingerprints=0 3ge2ae=none "
             ".* bandwidth=AS:60 ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// A secured offer of the core is end to end: it is relayed as it is.
START_TEST(end_to_end_security_is_relayed_to_the_ue)
{
    struct flow *f = flow_open("term-e2e");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_CORE, .core_side = "ue", .core = "--no-3ge2ae"};

    call_run(p, &call);
    must_say(f, call_ue(&call), "^offer-received .* proto=UDP/TLS/UDPTL .* 3ge2ae=none ");
    must_say(f, call_core(&call), "^dtls-established .*verified=yes");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// An INVITE without SDP from the core: the offer of the UE comes in its 200, loses its security on
// the way, and the answer in the ACK gets that of the AGW.
START_TEST(an_offerless_invite_of_the_core_is_answered_in_the_ack)
{
    struct flow *f = flow_open("term-offerless");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_CORE, .core = "--offerless"};

    call_run(p, &call);
    must_say(f, call_core(&call), "^offer-received .* proto=udptl .* fingerprints=0 3ge2ae=none ");
    must_say(f, call_ue(&call),
             "^answer-received .* proto=UDP/TLS/UDPTL .* setup=passive .* fingerprints=1 ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    bool access, core;
} families[] = {{true, false}, {false, true}};

// Each side has the IP version of its own (TS 23.334 5.2).
START_TEST(each_side_has_its_own_ip_version_when_called)
{
    struct flow *f = flow_open("term-ip");
    struct pcscf_options options = {.access_v6 = families[_i].access, .core_v6 = families[_i].core};
    if (families[_i].access)
        options.ues =
            flow_text(f, "{user: " UE_USER ", contact: \"[::1]:%u\"}", flow_port(f, HOST_UE));
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {
        .caller = HOST_CORE, .ue_v6 = families[_i].access, .core_v6 = families[_i].core};

    call_run(p, &call);
    struct chart chart = pcscf_chart(p);
    check_figure(&chart);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// A call to a UE that is not configured goes where the Request-URI says, here over TCP.
START_TEST(the_request_uri_may_name_the_ue_and_tcp)
{
    struct flow *f = flow_open("term-tcp");
    struct pcscf_options options = {.ues = ""};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = HOST_CORE,
                        .ue = "--transport tcp",
                        .core = "--transport tcp",
                        .target =
                            flow_text(f, "sip:" UE_USER "@%s;transport=tcp", flow_at(f, HOST_UE))};

    call_run(p, &call);
    struct chart chart = pcscf_chart(p);
    check_figure(&chart);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

void suite_t38_term(struct suite *s)
{
    ONCE(s, a_fax_to_the_ue_takes_the_steps_of_the_figure);
    EACH(s, the_answered_setup_decides_the_dtls_role, roles);
    ONCE(s, an_answer_without_setup_is_passive);
    ONCE(s, the_failure_event_may_be_deferred);
    EACH(s, the_offer_has_the_configured_name_of_the_identity, identities);
    ONCE(s, each_side_sees_the_bandwidth_of_its_leg_when_called);
    ONCE(s, a_ue_that_is_not_capable_is_offered_plain_fax);
    ONCE(s, end_to_end_security_is_relayed_to_the_ue);
    ONCE(s, an_offerless_invite_of_the_core_is_answered_in_the_ack);
    EACH(s, each_side_has_its_own_ip_version_when_called, families);
    ONCE(s, the_request_uri_may_name_the_ue_and_tcp);
}
