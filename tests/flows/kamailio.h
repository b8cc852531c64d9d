// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_KAMAILIO_H
#define TESTS_FLOWS_KAMAILIO_H
// Kamailio as the IMS core, at HOST_CORE, with the configuration of the stand-alone lab: a
// registrar and S-CSCF that refuses what a P-CSCF must not send.

#include "tests/flows/agent.h"

#define LAB_DOMAIN "ims.example"
// Users of the lab; the password of each is its name with this behind it.
#define LAB_SECRET "-secret"

struct lab {
    struct flow *f;
    struct program *kamailio;
    struct pcscf *p;
};

// Starts Kamailio, and a P-CSCF before it that serves registered UEs alone, with all media
// mechanisms. options: what else differs from the plain configuration, or NULL.
struct lab lab_open(const char *name, const struct pcscf_options *options);
// Ends both; Kamailio must have had nothing to say against the P-CSCF.
void lab_close(struct lab *lab);

// "127.64.1.4:12345", where the P-CSCF of a lab takes SIP over "udp", "tcp" or "tls".
const char *lab_access(struct pcscf *p, const char *transport);

// Starts the user agent of a user of the lab at this host, which registers first. transport: of its
// SIP. arguments: what a test adds.
struct program *lab_agent_start(struct pcscf *p, enum host host, const char *user,
                                const char *transport, const char *arguments);
// The same, which waits for calls; returns when it is registered.
struct program *lab_agent_answer(struct pcscf *p, enum host host, const char *user,
                                 const char *transport, const char *arguments);

#endif
