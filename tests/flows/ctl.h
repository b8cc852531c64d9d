// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_CTL_H
#define TESTS_FLOWS_CTL_H
// pcscfctl beside a P-CSCF that was started with its admin endpoint.

#include "tests/flows/pcscf.h"

struct program *ctl_start(struct pcscf *p, const char *arguments);
// What it says; the test fails when it ends with another status.
const char *ctl_says(struct pcscf *p, int status, const char *arguments);

#endif
