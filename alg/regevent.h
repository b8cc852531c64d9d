// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_REGEVENT_H
#define ALG_REGEVENT_H
// The P-CSCF follows what the core does to the registrations of its users: one subscription to the
// reg event package per user (TS 24.229 5.2.3, RFC 3680, RFC 6665). registration.reg_event.

#include "alg/registration.h"
#include "alg/sofia.h"

struct regevents;

// Both are borrowed. NULL: no memory.
struct regevents *regevents_open(struct proxy *proxy, struct registrations *registrations);
void regevents_close(struct regevents *all); // NULL is allowed
// A registration was accepted: its user is subscribed to, unless he is already.
void regevents_follow(struct regevents *all, const struct registration *r);
// A registration has ended: with the last one of the user the subscription is forgotten.
void regevents_leave(struct regevents *all, const struct registration *r);
// Renews subscriptions; to be called once a second.
void regevents_tick(struct regevents *all, uint64_t now_ms);
// A NOTIFY came from the core. True: it belongs to a subscription of ours, and f is answered. It
// may have ended registrations.
bool regevents_notify(struct regevents *all, struct forward *f, const sip_t *sip);

#endif
