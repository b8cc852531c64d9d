// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H
// A P-CSCF as it is measured.

#include "tests/bench/child.h"

// Starts BUILD/pcscf for a target (bench.h says where it listens and what it calls): one media
// worker, no log, no admin endpoint; more: further sections of its configuration. Returns 0 or a
// negative errno.
int process_start_pcscf(struct child *child, const char *build, unsigned target, unsigned gather_us,
                        const char *more);
// As many descriptors as the system allows, for this process and what it starts.
void process_raise_descriptors(void);

#endif
