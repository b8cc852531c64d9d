// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_BARESIP_H
#define TESTS_FLOWS_BARESIP_H
// baresip as the voice client of a user of the lab: somebody else's SIP stack, SDP and RTP, without
// e2ae. It has no sound card: it sends a tone, or what it hears.

#include "tests/flows/kamailio.h"

struct baresip {
    const char *user;
    const char *transport; // "udp", "tcp" or "tls"
    bool echo;             // it sends back what it hears, else a tone
    bool srtp;             // it insists on SRTP with the other end (RFC 4568), and knows no e2ae
};

// Starts it at this host and waits until it is registered. It answers calls by itself.
struct program *baresip_start(struct pcscf *p, enum host host, const struct baresip *what);
// Calls this user, talks for two seconds and hangs up.
void baresip_call(struct program *baresip, const char *user);
// Waits for the end of a call; it must have had media in each direction.
void baresip_expect_media(struct program *baresip);
// De-registers and ends it.
void baresip_stop(struct program *baresip);

#endif
