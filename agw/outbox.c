// SPDX-License-Identifier: GPL-3.0-or-later
// A queue and one deadline. The farewell of a stream always leaves at once, so that nothing is left
// inside when the last stream of a worker is gone.

#include "agw/outbox.h"

#include <stddef.h>

// How long a milestone waits: nobody who looks at a trace sees it, and the notes of many calls that
// are set up at the same time share one wake-up.
#define MILESTONE_DELAY_US 10000

static void flush(struct outbox *o)
{
    deadline_set(o->deadlines, &o->flush, DEADLINE_NEVER);
    while (o->first) {
        struct letter *letter = o->first;
        o->first = letter->next;
        mailbox_post(o->box, letter);
    }
}

static void on_deadline(struct deadline *deadline)
{
    flush((struct outbox *)((char *)deadline - offsetof(struct outbox, flush)));
}

void outbox_init(struct outbox *o, struct mailbox *box, struct deadlines *deadlines)
{
    *o = (struct outbox){.box = box, .deadlines = deadlines};
    deadline_init(&o->flush, on_deadline);
}

void outbox_put(struct outbox *o, struct note *note)
{
    note->letter.next = NULL;
    if (o->first)
        o->last->next = &note->letter;
    else
        o->first = &note->letter;
    o->last = &note->letter;
    if (agw_event_is_procedure(note->what.event) || note->what.event == AGW_STREAM_RELEASED)
        flush(o);
    else if (o->flush.due_us == DEADLINE_NEVER)
        deadline_set(o->deadlines, &o->flush, note->what.time_us + MILESTONE_DELAY_US);
}
