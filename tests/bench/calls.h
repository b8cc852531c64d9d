// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H
// T.38 or voice calls through a P-CSCF: the UE that calls and the core that answers, in one place.
// Whole calls (INVITE, 200, ACK, BYE, 200) or only one half of them, so that media can flow in
// between.

#include "tests/bench/ends.h"

struct calls;

enum calls_media { CALLS_T38, CALLS_VOICE };
// secret: fingerprint of all UEs, or for voice the key in their a=crypto, of calls secured towards
// the access edge; NULL for plain ones. Waits until the target listens. Media ports in the offers
// and answers are base + number of the call. NULL: no memory, an address is taken, or the target
// does not listen (said on standard error).
struct calls *calls_open(unsigned target, uint16_t base, enum calls_media media,
                         const char *secret);
void calls_close(struct calls *calls); // NULL is allowed

enum calls_part { CALLS_WHOLE, CALLS_SET_UP, CALLS_HANG_UP };

// Runs the calls first to first + count - 1 (below BENCH_SESSIONS_MAX), at most at_once under way.
// CALLS_HANG_UP is for those that CALLS_SET_UP set up. Returns how many went well.
unsigned calls_run(struct calls *calls, enum calls_part part, unsigned first, unsigned count,
                   unsigned at_once);

// Where the media of call i are, as the SDP told both ends.
struct ends_route calls_route(const struct calls *calls, unsigned i);

#endif
