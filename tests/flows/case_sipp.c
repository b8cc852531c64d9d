// SPDX-License-Identifier: GPL-3.0-or-later
// Calls between two SIPp: each checks what it sees of the other's SDP (tests/sipp).
#include "tests/flows/sipp.h"
#include "tests/flows/suite.h"

static const struct sipp_pair pairs[] = {
    {"6.2.10.4.2-fax", HOST_UE, 5},        {"6.2.10.4.3-fax", HOST_CORE, 5},
    {"rfc3262-reliable", HOST_UE, 5},      {"rfc3261-9-cancel", HOST_UE, 5},
    {"rfc3261-21.4.21-busy", HOST_UE, 5},  {"rfc8842-5.5-reinvite", HOST_UE, 5},
    {"rfc8842-8-offerless", HOST_CORE, 5},
};

// A third-party SIP implementation on both sides sees what it must, and nothing that it must not.
START_TEST(sipp_is_content_on_both_sides)
{
    struct flow *f = flow_open("sipp");
    struct pcscf *p = pcscf_start(f, NULL);

    sipp_run(p, &pairs[_i]);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

void suite_sipp(struct suite *s)
{
    EACH(s, sipp_is_content_on_both_sides, pairs);
}
