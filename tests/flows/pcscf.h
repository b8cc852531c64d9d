// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_PCSCF_H
#define TESTS_FLOWS_PCSCF_H
// The daemon under test: its configuration, its log, its charts, its counters, what it holds.

#include "tests/flows/flow.h"
#include "tests/flows/program.h"

struct pcscf;

// What differs from the plain configuration. Texts are YAML: keys that join a section.
struct pcscf_options {
    const char *access, *core, *e2ae, *t38, *tcp, *msrp, *bfcp, *agw, *sip, *trace, *capture;
    const char *registration, *emergency, *dns;
    const char *ues;         // the list, instead of the one UE at HOST_UE
    const char *next_hop;    // instead of HOST_CORE
    bool access_v6, core_v6; // this side lives on ::1
    const char *second;      // another listening point towards UEs
    const char *tls;         // TLS towards UEs too: "", or keys of access.tls
    bool admin;              // the endpoint is there; keys that join it come after it
    const char *admin_keys, *log;
    unsigned media_ports; // per side; 0: enough
    const char *error;    // ERE of lines of level error that belong to the test
};

// Where the media ports of each side begin.
#define ACCESS_PORTS 20000
#define CORE_PORTS 30000
// The user part that every test gives the UE.
#define UE_USER "alice"

// Starts it and waits until it is ready. NULL options: the plain configuration.
struct pcscf *pcscf_start(struct flow *f, const struct pcscf_options *options);
// Waits until it holds no more descriptors than at the start; ends it with SIGTERM; it must end
// with status 0 and have logged no error.
void pcscf_stop(struct pcscf *p);
// The same without waiting for calls to end: they are up, and must be ended by it.
void pcscf_stop_at_once(struct pcscf *p);
// "127.64.1.4:8060", of the admin endpoint.
const char *pcscf_admin(const struct pcscf *p);
struct flow *pcscf_flow(const struct pcscf *p);
struct program *pcscf_program(const struct pcscf *p);
// "127.64.1.4:12340", of the listening point towards the UE or the core.
const char *pcscf_access(const struct pcscf *p);
const char *pcscf_core(const struct pcscf *p);
const char *pcscf_tls(const struct pcscf *p);

// Descriptors that it holds now, and how many more than when it was ready: two for each stream of
// a call without RTCP, one for each SIP connection.
unsigned pcscf_descriptors(const struct pcscf *p);
unsigned pcscf_extra_descriptors(const struct pcscf *p);
// Waits until it holds what it held when it was ready.
void pcscf_await_idle(struct pcscf *p);
// Resident memory in KiB.
unsigned pcscf_memory(const struct pcscf *p);

// How often a reason was counted; known once it has ended.
unsigned pcscf_counter(const struct pcscf *p, const char *reason);

// --- charts ------------------------------------------------------------------------------------

struct chart {
    struct flow *flow;
    const char *text;    // for a terminal
    const char *mermaid; // one event per line
};

// Waits for the next chart, in the order in which sessions end.
struct chart pcscf_chart(struct pcscf *p);

#define STEPS_MAX 64
// The step numbers of the figure as they stand in the chart, in this order. Returns how many.
unsigned chart_steps(const struct chart *c, unsigned steps[static STEPS_MAX]);
// Step n with what stands below it, as Mermaid text. The test fails when there is none.
const char *chart_step(const struct chart *c, unsigned n);
// The chart has the steps first..last in order, each once.
void chart_in_order(const struct chart *c, unsigned first, unsigned last);

#endif
