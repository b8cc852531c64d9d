// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_WHEEL_H
#define ALG_WHEEL_H
// Many deadlines, to the second, each of which costs the same however many there are. The clock
// comes from outside.

#include <stdbool.h>
#include <stdint.h>

// Expiries beyond it are looked at once per turn and left where they are.
#define WHEEL_SLOTS 1024

struct wheel_entry {
    struct wheel_entry *prev, *next;
    uint64_t due_s;
    bool waiting;
};

// Zeroed: an empty wheel at time 0.
struct wheel {
    struct wheel_entry *slots[WHEEL_SLOTS];
    uint64_t at_s; // everything up to here has fired
};

// Puts an entry, or moves it. It fires in the first second that begins at or after due_ms.
void wheel_put(struct wheel *wheel, struct wheel_entry *entry, uint64_t due_ms);
void wheel_remove(struct wheel *wheel, struct wheel_entry *entry); // nothing when not waiting
// Takes out each entry that is due and hands it to fire, which may put and remove any entry.
void wheel_advance(struct wheel *wheel, uint64_t now_ms,
                   void (*fire)(struct wheel_entry *entry, void *arg), void *arg);

#endif
