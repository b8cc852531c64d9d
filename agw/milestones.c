// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: a call has a handful of milestones; they are told. What comes in a flood is held, and
// told when its turn comes, or at the end of the stream.
#include "agw/milestones.h"

#include "agw/deadline.h"

#include <stdlib.h>

// More than a call with some re-INVITEs has.
#define AT_ONCE 32
// In the trace of an hour that is as much as the rest of a call.
#define EVERY_US 10000000

static struct note *note_of(struct letter *letter)
{
    return (struct note *)((char *)letter - offsetof(struct note, letter));
}

// Gives back what time has given.
static void give_back(struct milestones *m, uint64_t now_us)
{
    uint64_t turns = now_us > m->since_us ? (now_us - m->since_us) / EVERY_US : 0;

    m->spent = turns > m->spent ? 0 : m->spent - (unsigned)turns;
    m->since_us = m->spent == 0 ? now_us : m->since_us + turns * EVERY_US;
}

static void hold(struct milestones *m, struct note *note)
{
    struct letter **at = &m->held;

    for (; *at; at = &(*at)->next) {
        struct note *old = note_of(*at);
        if (old->what.event != note->what.event || old->what.termination != note->what.termination)
            continue;
        *at = old->letter.next;
        free(old);
        break;
    }
    while (*at)
        at = &(*at)->next;
    note->letter.next = NULL;
    *at = &note->letter;
}

bool milestones_take(struct milestones *m, struct note *note)
{
    give_back(m, note->what.time_us);
    if (!m->held && m->spent < AT_ONCE) {
        m->spent++;
        return true;
    }
    hold(m, note);
    return false;
}

struct note *milestones_due(struct milestones *m, uint64_t now_us)
{
    struct letter *first = m->held;

    if (!first || now_us < milestones_deadline(m))
        return NULL;
    if (now_us != DEADLINE_NEVER) {
        give_back(m, now_us);
        m->spent++;
    }
    m->held = first->next;
    return note_of(first);
}

uint64_t milestones_deadline(const struct milestones *m)
{
    return m->held ? m->since_us + EVERY_US : DEADLINE_NEVER;
}
