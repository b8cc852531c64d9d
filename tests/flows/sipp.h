// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_SIPP_H
#define TESTS_FLOWS_SIPP_H
// SIPp as the SIP side of a UE or the core, with the scenarios of tests/sipp.

#include "tests/flows/pcscf.h"

// A pair of scenarios: tests/sipp/NAME-ue.xml and NAME-core.xml.
struct sipp_pair {
    const char *name;
    enum host caller;
    unsigned calls;
    const char *options;        // of both, "-t t1"
    const char *caller_options; // "-r 100"
    const char *target;         // user and host of the Request-URI; NULL: the usual one
};

// Runs the pair; both must see every call succeed.
void sipp_run(struct pcscf *p, const struct sipp_pair *pair);

#endif
