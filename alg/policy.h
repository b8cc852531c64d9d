// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_POLICY_H
#define ALG_POLICY_H
// The trust boundary (RFC 3325, RFC 7315, TS 24.229 5.2.1, 5.2.6): which header fields cross it
// between a UE and the IMS core, and what the P-CSCF vouches for in their place. One table says
// field, direction, rule and clause; one walk over the message applies it.
//
// REGISTER is not for this module: what it carries belongs to the registration.

#include "alg/identity.h"
#include "alg/message.h"
#include "alg/policy_memory.h"
#include "common/config.h"

enum policy_way {
    POLICY_REQUEST_FROM_UE = 1 << 0,
    POLICY_RESPONSE_FROM_UE = 1 << 1,
    POLICY_REQUEST_TO_UE = 1 << 2,
    POLICY_RESPONSE_TO_UE = 1 << 3,
};

// One message that crosses.
struct policy {
    const struct config *cfg;
    enum policy_way way;
    bool initial; // it belongs to a request without a To tag
    bool dialog;  // and that request opens a dialog
    struct policy_memory *memory;
    const struct identities *user; // of the UE; NULL: not registered, nothing can be asserted
    // Each change, for the trace: whole lines, NULL where there is none. NULL: nobody looks.
    void (*changed)(void *arg, const char *before, const char *after, const char *clause);
    void *arg;
};

// Edits msg. 0 or -ENOMEM: then it must not be sent.
int policy_apply(const struct policy *policy, msg_t *msg, sip_t *sip);

#endif
