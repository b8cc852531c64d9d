// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_MILESTONES_H
#define AGW_MILESTONES_H
// How many milestones of one stream are told, and when. The first of a call are told at once; from
// then on there is one now and then, the newest of its kind: a peer that moves or calls for ever
// fills neither the trace nor the signalling thread, and what is known of the stream is never older
// than that. No clock of its own.

#include "agw/note.h"

#include <stdbool.h>

// All zero at the beginning.
struct milestones {
    unsigned spent;      // of what may be told at once
    uint64_t since_us;   // when the next is given back
    struct letter *held; // notes that wait, one per kind and termination
};

// Takes over a note of a milestone. True: it is to be told now and the caller's again. False: it
// waits, in the place of an older one of its kind.
bool milestones_take(struct milestones *m, struct note *note);
// The next one that has waited long enough, which is the caller's; NULL: none has. With
// DEADLINE_NEVER as the time all that is left comes, one at a time.
struct note *milestones_due(struct milestones *m, uint64_t now_us);
// When milestones_due() has one; DEADLINE_NEVER: nothing waits.
uint64_t milestones_deadline(const struct milestones *m);

#endif
