// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_STAGE_H
#define TESTS_FLOWS_STAGE_H
// A P-CSCF between two parties made by hand, and the steps of a call that many tests begin with.

#include "tests/flows/pcscf.h"
#include "tests/flows/sip.h"

struct stage {
    struct flow *f;
    struct pcscf *p;
    struct sip *ue, *core;
};

struct stage stage_open(const char *name, const struct pcscf_options *options);
struct stage stage_open_on(struct flow *f, const struct pcscf_options *options);
// counter: what must have been counted once; NULL: nothing in particular.
void stage_close(struct stage *s, const char *counter);

// An OPTIONS to the P-CSCF itself is answered; whatever the party got before it is returned as the
// first line of the first message; NULL: nothing.
const char *stage_ping(struct stage *s, struct sip *party, const char *at);
// The core has been sent nothing but what it was asked for.
void stage_core_sees_nothing(struct stage *s);

// Registers sip:alice@example.net at this UE for ten minutes, with udptl-dtls agreed; extra: more
// lines of the 200.
void stage_register(struct stage *s, struct sip *ue, const char *extra);

// T.38 with e2ae security, from the UE, and its answer from the core.
const char *stage_secured_offer(struct stage *s);
const char *stage_plain_answer(struct stage *s, unsigned port);

// INVITE from the UE. Returns what the core gets.
const char *stage_invite_core(struct stage *s);
// Acknowledges the 2xx. Returns the dialog as the UE has it.
struct sip_dialog stage_acknowledge(struct stage *s, const char *answer);
// INVITE, 200, ACK.
struct sip_dialog stage_call_core(struct stage *s);
// BYE from the UE, passed on and answered.
void stage_hang_up(struct stage *s, struct sip_dialog *dialog);

#endif
