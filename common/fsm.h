// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_FSM_H
#define COMMON_FSM_H
// State machines as tables. A row says: in this state, on this event, do this, go there.
// An event that no row allows is logged loudly and changes nothing.

#include <stddef.h>

struct fsm_row {
    int state;
    int event;
    void (*action)(void *object, void *argument); // NULL: nothing to do
    int next;
};

struct fsm {
    const char *name;
    const struct fsm_row *rows;
    size_t row_count;
    const char *const *state_names; // indexed by state
    const char *const *event_names; // indexed by event
};

// Looks the row up, sets *state to its next state, then runs its action (which may feed further
// events). id names the object in the log. Returns 0, or -EPROTO when no row allows the event.
int fsm_feed(const struct fsm *fsm, int *state, int event, void *object, void *argument,
             const char *id);

#endif
