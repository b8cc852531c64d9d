// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_WIRE_H
#define ALG_WIRE_H
// SIP messages as they are on the wire, for those who look on: what came in as it came, what goes
// out as the stack has put it together, with its Via. Keys in bodies are masked (REQ-112).

#include "alg/proxy_internal.h"

// Fills in facts->wire of a received message, in home, when somebody wants it now, or
// facts->message when it may be wanted later.
void wire_read(const struct proxy *proxy, msg_t *msg, su_home_t *home, struct sip_facts *facts);

// A message that is about to be handed to the stack, and when.
struct wire {
    msg_t *msg; // a reference of our own
    uint64_t time_us;
};
struct wire wire_hold(msg_t *msg);
// What there is to know of a message that was sent; its text is in home.
struct sip_facts wire_facts(const struct proxy *proxy, const struct wire *wire, su_home_t *home);
// The stack has it: told to the session, if there is one, and tapped. Lets go of it.
void wire_sent(struct proxy *proxy, struct session *s, enum side to, struct wire *wire,
               const char *note);
// What the stack says by itself, hop by hop: tapped only. Lets go of it. msg NULL is allowed.
void wire_sent_aside(struct proxy *proxy, const struct session *s, enum side to, struct wire *wire);
// A message that came in on this side, wire_read() before: tapped only; the session hears of it
// elsewhere.
void wire_received(struct proxy *proxy, const struct session *s, enum side from,
                   const struct sip_facts *facts);
// A CANCEL from upstream (f's server transaction knows it), and the one sent downstream for it;
// cancel may be NULL.
void wire_cancelled(struct forward *f, nta_incoming_t *irq);
void wire_cancels(struct forward *f, nta_outgoing_t *cancel);
// It was not sent.
void wire_drop(struct wire *wire);

#endif
