// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_ACCEPTED_H
#define ALG_ACCEPTED_H
// INVITE transactions that a 2xx has ended: for 64 * T1 an INVITE that comes again is no new call
// (state Accepted, RFC 6026 7.1). The SIP stack forgets them after T4.

#include <stdbool.h>
#include <stdint.h>

// Beyond this many the oldest is forgotten early: 32 s of 3000 calls/s, more than a node answers.
#define ACCEPTED_MAX 100000

struct accepted;

struct accepted *accepted_open(uint64_t keep_us); // NULL: no memory
void accepted_close(struct accepted *a);          // NULL is allowed

// key: what makes the transaction (message_transaction()); copied. now_us: the monotonic clock.
// Without memory it is not remembered.
void accepted_add(struct accepted *a, const char *key, uint64_t now_us);
bool accepted_knows(struct accepted *a, const char *key, uint64_t now_us);

#endif
