// SPDX-License-Identifier: GPL-3.0-or-later
// T.38 fax from the IMS access network with e2ae security (TS 23.334 6.2.10.4.2).
#include "tests/flows/agent.h"
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
             "identity=none:- fingerprints=0 3ge2ae=none bandwidth=- ");
    must_say(f, call_ue(&call),
             "^answer-received media=image proto=UDP/TLS/UDPTL .* setup=passive "
             "identity=dtls-id:[A-Za-z0-9]{32} fingerprints=1 3ge2ae=none ");
    must_say(f, call_ue(&call), "^dtls-established role=client .*verified=yes");
    struct chart chart = pcscf_chart(p);
    chart_in_order(&chart, 1, 16);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

void suite_t38_orig(struct suite *s)
{
    ONCE(s, a_fax_from_the_ue_takes_the_steps_of_the_figure);
}
