// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_BRANCH_H
#define ALG_BRANCH_H
// The branch of our Via: unique for each request, and a memory of what we were asked to do, so that
// a request that comes back unchanged is a loop and one that comes back changed is a spiral
// (RFC 3261 16.3 item 4, 16.6 item 8).

#include "alg/side.h"
#include "alg/sofia.h"

// All that routing depends on, hashed with a secret of this process: two P-CSCFs in a row do not
// take each other's Via for their own.
uint64_t branch_hash(uint64_t secret, const sip_t *request, enum side from);
// A new branch parameter that remembers the hash. Returns buf.
#define BRANCH_STRLEN 48
const char *branch_make(uint64_t hash, char buf[static BRANCH_STRLEN]);
// A Via of the request remembers this hash: it was here before, and nothing has changed.
bool branch_is_loop(uint64_t hash, const sip_t *request);

#endif
