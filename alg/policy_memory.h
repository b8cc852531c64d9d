// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_POLICY_MEMORY_H
#define ALG_POLICY_MEMORY_H
// What the trust boundary keeps of a dialog, or of one transaction outside any, from its first
// request on.

#include "alg/charging.h"

// Called identities that are longer are not asserted: they are no registered ones.
#define POLICY_CALLED_MAX 256

struct policy_memory {
    struct charging charging;
    char called[POLICY_CALLED_MAX]; // URI of P-Called-Party-ID; "": none
};

#endif
