// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_DEADLINE_H
#define AGW_DEADLINE_H
// The points in time at which a worker has something to do. Deadlines are embedded in their owners;
// setting, clearing and running them never allocates. One worker, one thread.

#include <stdint.h>

#define DEADLINE_NEVER UINT64_MAX

struct deadline {
    void (*run)(struct deadline *deadline); // set by the owner, once
    uint64_t due_us;                        // DEADLINE_NEVER: not waiting
    // private
    struct deadline *child, *next, *prev;
};

struct deadlines {
    struct deadline *first;
};

void deadline_init(struct deadline *deadline, void (*run)(struct deadline *deadline));
// Moves the deadline, from wherever it was; DEADLINE_NEVER clears it.
void deadline_set(struct deadlines *all, struct deadline *deadline, uint64_t due_us);

// When the earliest one is due; DEADLINE_NEVER when there is none.
uint64_t deadlines_next(const struct deadlines *all);
// Runs what is due. Each is cleared before its run(), which may set it again.
void deadlines_run(struct deadlines *all, uint64_t now_us);

#endif
