// SPDX-License-Identifier: GPL-3.0-or-later
// BFCP with e2ae security: floors between a UE and the core (TS 23.334 5.11.2.2.3, 6.2.10.3.2).
#include "tests/flows/suite.h"
#include "tests/flows/talk.h"

#define SHOWN "^floor granted=yes"
#define ENDED "^floor released=yes"

// A floor that the UE asks for: all steps in order, the AGW answers and is TLS server; what the
// floor control attributes say stays the business of the two ends (REQ-042, REQ-047, REQ-057).
START_TEST(a_floor_request_of_the_ue_takes_the_steps_of_the_figure)
{
    struct flow *f = flow_open("bfcp-orig");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = talk_call(f, &floor_request, HOST_UE, "", "");

    call_run(p, &call);
    must_say(f, call_ue(&call), SHOWN);
    must_say(f, call_core(&call), ENDED);
    must_say(f, call_core(&call),
             "^offer-received media=application proto=TCP/BFCP .* setup=actpass identity=none:- "
             "fingerprints=0 3ge2ae=none .* connection=new ");
    must_say(f, call_ue(&call),
             "^answer-received media=application proto=TCP/TLS/BFCP .* setup=passive "
             ".* fingerprints=1 3ge2ae=none .* connection=new ");
    struct chart chart = pcscf_chart(p);
    must_say(f, chart.mermaid, "title .* figure 6\\.2\\.10\\.3\\.2\\.1\\.1\\.1");
    // T2 may be up before or after the ClientHello comes: 15 and 16 have no order
    chart_in_order(&chart, 1, 14);
    chart_in_order(&chart, 17, 17);
    must_say(f, chart_step(&chart, 15), "AGW->>CORE: 15\\. TCP SYN");
    must_say(f, chart_step(&chart, 2), "Transport protocol: TCP<br/>");
    must_say(f, chart_step(&chart, 10), "Transport protocol: TCP/TLS<br/>");
    must_say(f, chart_step(&chart, 10), "Incoming TCP connection request as trigger");
    must_not_say(f, chart_step(&chart, 10), "Establish .D.TLS session<br/>");
    must_say(f, chart_step(&chart, 16), "UE->>AGW: 16\\. .D.TLS ClientHello");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// The same towards the UE: the AGW offered and is TLS client.
START_TEST(a_floor_request_to_the_ue_takes_the_steps_of_the_figure)
{
    struct flow *f = flow_open("bfcp-term");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = talk_call(f, &floor_request, HOST_CORE, "", "");

    call_run(p, &call);
    must_say(f, call_core(&call), SHOWN);
    must_say(f, call_ue(&call), ENDED);
    must_say(f, call_ue(&call),
             "^offer-received media=application proto=TCP/TLS/BFCP .* setup=actpass "
             ".* fingerprints=1 3ge2ae=applied .* connection=new ");
    must_say(f, call_ue(&call), "^tls-established role=server .*verified=yes");
    struct chart chart = pcscf_chart(p);
    chart_in_order(&chart, 1, 19);
    must_say(f, chart_step(&chart, 10), "Establish .D.TLS session<br/>");
    must_say(f, chart_step(&chart, 13), "Incoming TCP connection request as trigger");
    must_say(f, chart_step(&chart, 18), "AGW->>UE: 18\\. TCP SYN");
    must_say(f, chart_step(&chart, 19), "AGW->>UE: 19\\. .D.TLS ClientHello");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// A floor of the core's: the caller may as well be the floor control server.
START_TEST(the_caller_may_be_the_floor_control_server)
{
    struct flow *f = flow_open("bfcp-server");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE,
                        .no_fax = true,
                        .ue = "--offer bfcp --floor server --hangup-after 1500",
                        .core = "--floor client"};

    call_run(p, &call);
    must_say(f, call_core(&call), SHOWN);
    must_say(f, call_ue(&call), ENDED);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const char *const offers[] = {"same", "hold"};

// Later offers within the call say a=connection:existing: one connection and one TLS session carry
// all of it (REQ-052).
START_TEST(a_later_offer_keeps_the_connection)
{
    struct flow *f = flow_open("bfcp-existing");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call =
        talk_call(f, &floor_request, HOST_UE,
                  flow_text(f, "--hold-ms 600 --reinvite-after 200 --reinvite %s", offers[_i]), "");

    call_run(p, &call);
    must_say(f, call_ue(&call), ENDED);
    must_say(f, call_ue(&call), flow_text(f, "^reoffer-answered change=%s status=200", offers[_i]));
    must_say(f, call_core(&call), "^offer-received .* connection=existing ");
    must_say(f, call_ue(&call), "^answer-received .* setup=passive .* connection=existing ");
    ck_assert_uint_eq(text_count(call_ue(&call), "^tls-established "), 1);
    ck_assert_uint_eq(text_count(call_ue(&call), "^tcp-connected "), 1);
    ck_assert_uint_eq(text_count(call_core(&call), "^tcp-connected "), 1);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

void suite_bfcp(struct suite *s)
{
    ONCE(s, a_floor_request_of_the_ue_takes_the_steps_of_the_figure);
    ONCE(s, a_floor_request_to_the_ue_takes_the_steps_of_the_figure);
    ONCE(s, the_caller_may_be_the_floor_control_server);
    EACH(s, a_later_offer_keeps_the_connection, offers);
}
