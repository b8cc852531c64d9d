// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_AGENT_H
#define TESTS_FLOWS_AGENT_H
// The reference user agent as a partner of the daemon, on either side, and calls between two.

#include "tests/flows/pcscf.h"

// Fax time runs this much faster. Timers of T.30 and T.38 shrink alike: 10 leaves 100 ms for the
// shortest, which a machine that is busy with other work keeps; 20 did not always.
#define SPEED "10"
#define DOCUMENT "document.tif"
#define RECEIVED "received.tif"

// Starts an agent at HOST_UE or HOST_CORE, listening there, in the role of that side.
struct program *agent_start(struct flow *f, enum host host, const char *arguments);
// The same, which waits for calls.
struct program *agent_answer(struct flow *f, enum host host, const char *arguments);

// One call between a UE and the core through the P-CSCF.
struct call {
    enum host caller;      // HOST_UE or HOST_CORE
    const char *ue, *core; // arguments beyond what every call has
    bool no_fax;           // else the caller sends DOCUMENT to the callee
    bool datagrams;        // instead: the UE, who calls, counts some that come back
    enum host sender;      // of the fax; HOST_PCSCF: the caller
    unsigned pages;        // 0: one
    bool fails;            // the fax does not arrive
    int ue_status;         // expected exit status
    int core_status;
    const char *target;          // instead of the usual URI
    const char *ue_side;         // "core": a UE that knows no e2ae. NULL: ue
    const char *core_side;       // "ue": end-to-end secured. NULL: core
    bool ue_v6, core_v6;         // this one lives on ::1
    struct program *programs[4]; // out: HOST_UE and HOST_CORE
};

// Makes the call; both must end as expected; a fax that was sent must have arrived, pixel by pixel.
void call_run(struct pcscf *p, struct call *call);
// Only starts it; what follows is up to the test.
void call_start(struct pcscf *p, struct call *call);
void call_finish(struct pcscf *p, struct call *call);

// What one of them said.
const char *call_ue(const struct call *call);
const char *call_core(const struct call *call);

// Fails the test unless one line matches, or when one does.
#define must_say(f, text, ere) flow_check((f), text_matches((text), (ere)), "missing: %s", (ere))
#define must_not_say(f, text, ere)                                                                 \
    flow_check((f), !text_matches((text), (ere)), "not allowed: %s", (ere))

// Writes DOCUMENT, with small pages, into the folder of the flow.
void document_make(struct flow *f, unsigned pages);
// What was received shows the same as DOCUMENT.
void document_check(struct flow *f, const char *received, unsigned pages);

#endif
