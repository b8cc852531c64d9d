// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_WIRE_H
#define ALG_WIRE_H
// SIP messages as they are on the wire, for those who look on: what came in as it came, what goes
// out as the stack has put it together, with its Via. Keys in bodies are masked (REQ-112).

#include "alg/proxy_internal.h"

// Fills in facts->wire of a received message, in home; stays NULL when nobody wants it.
void wire_read(const struct proxy *proxy, msg_t *msg, su_home_t *home, struct sip_facts *facts);

// A message that is about to be handed to the stack, and when.
struct wire {
    msg_t *msg; // a reference of our own
    uint64_t time_us;
};
struct wire wire_hold(msg_t *msg);
// The stack has it: told to the session, if there is one. Lets go of it.
void wire_sent(struct proxy *proxy, struct session *s, enum side to, struct wire *wire,
               const char *note);
// It was not sent.
void wire_drop(struct wire *wire);

#endif
