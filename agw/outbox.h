// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_OUTBOX_H
#define AGW_OUTBOX_H
// Notes of one worker to the signalling thread. Waking a thread costs as much as relaying a handful
// of datagrams, and a call has a handful of milestones: those wait a moment for company, procedures
// leave at once, and nobody overtakes anybody.

#include "agw/deadline.h"
#include "agw/note.h"

#include <stdbool.h>

struct outbox {
    struct mailbox *box;
    struct deadlines *deadlines;
    struct letter *first, *last;
    struct deadline flush;
};

// box and deadlines are borrowed.
void outbox_init(struct outbox *outbox, struct mailbox *box, struct deadlines *deadlines);
// Takes over the note.
void outbox_put(struct outbox *outbox, struct note *note);

#endif
