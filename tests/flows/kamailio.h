// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_KAMAILIO_H
#define TESTS_FLOWS_KAMAILIO_H
// Kamailio as the IMS core, at HOST_CORE, with the configuration of the stand-alone lab: a
// registrar and S-CSCF that refuses what a P-CSCF must not send.

#include "tests/flows/agent.h"

#define LAB_DOMAIN "ims.example"
// Users of the lab; the password of each is its name with this behind it.
#define LAB_SECRET "-secret"

// Starts it and waits until it is ready.
struct program *kamailio_start(struct flow *f);
// Ends it; it must have had nothing to say against the P-CSCF.
void kamailio_stop(struct program *kamailio);

// A P-CSCF before it, that serves registered UEs alone, with all media mechanisms. options: what
// else differs from the plain configuration, or NULL.
struct pcscf *kamailio_pcscf_start(struct flow *f, const struct pcscf_options *options);

// Starts the user agent of a user of the lab at this host, which registers first. transport: of its
// SIP. arguments: what a test adds.
struct program *lab_agent_start(struct pcscf *p, enum host host, const char *user,
                                const char *transport, const char *arguments);
// The same, which waits for calls; returns when it is registered.
struct program *lab_agent_answer(struct pcscf *p, enum host host, const char *user,
                                 const char *transport, const char *arguments);

#endif
