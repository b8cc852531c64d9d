// SPDX-License-Identifier: GPL-3.0-or-later
// A ring of slots, one per second; an entry waits in the slot of its second. Whatever is further
// away than a turn of the ring is met too early and waits for the next turn. Nothing can fail.
#include "alg/wheel.h"

#include <stddef.h>
#include <utlist.h>

static struct wheel_entry **slot_of(struct wheel *wheel, uint64_t second)
{
    return &wheel->slots[second % WHEEL_SLOTS];
}

void wheel_put(struct wheel *wheel, struct wheel_entry *entry, uint64_t due_ms)
{
    wheel_remove(wheel, entry);
    entry->due_s = (due_ms + 999) / 1000;
    if (entry->due_s <= wheel->at_s)
        entry->due_s = wheel->at_s + 1;
    entry->waiting = true;
    DL_APPEND(*slot_of(wheel, entry->due_s), entry);
}

void wheel_remove(struct wheel *wheel, struct wheel_entry *entry)
{
    if (!entry->waiting)
        return;
    DL_DELETE(*slot_of(wheel, entry->due_s), entry);
    entry->waiting = false;
}

static struct wheel_entry *due_in(struct wheel *wheel, uint64_t second, uint64_t now_s)
{
    struct wheel_entry *entry;
    DL_FOREACH(*slot_of(wheel, second), entry)
    {
        if (entry->due_s <= now_s)
            return entry;
    }
    return NULL;
}

void wheel_advance(struct wheel *wheel, uint64_t now_ms,
                   void (*fire)(struct wheel_entry *entry, void *arg), void *arg)
{
    uint64_t now_s = now_ms / 1000, from = wheel->at_s;
    if (now_s <= from)
        return;
    if (now_s - from > WHEEL_SLOTS) // one whole turn sees every slot
        from = now_s - WHEEL_SLOTS;
    wheel->at_s = now_s; // what fire puts is due after now
    for (uint64_t s = from + 1; s <= now_s; s++) {
        struct wheel_entry *entry;
        while ((entry = due_in(wheel, s, now_s))) {
            wheel_remove(wheel, entry);
            fire(entry, arg);
        }
    }
}
