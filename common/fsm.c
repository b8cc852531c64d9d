// SPDX-License-Identifier: GPL-3.0-or-later
// The first row that fits state and event decides: the state moves on first, then the action runs,
// so that an action may feed the next event itself.
//
// Failure: no row fits. Nothing changes but the log, which names machine, object, state and event.
#include "common/fsm.h"

#include "common/log.h"

#include <errno.h>

static const struct fsm_row *find(const struct fsm *fsm, int state, int event)
{
    for (size_t i = 0; i < fsm->row_count; i++)
        if (fsm->rows[i].state == state && fsm->rows[i].event == event)
            return &fsm->rows[i];
    return NULL;
}

int fsm_feed(const struct fsm *fsm, int *state, int event, void *object, void *argument,
             const char *id)
{
    const struct fsm_row *row = find(fsm, *state, event);

    if (row == NULL) {
        log_error(id, "%s: event %s is not allowed in state %s", fsm->name, fsm->event_names[event],
                  fsm->state_names[*state]);
        return -EPROTO;
    }
    log_debug(id, "%s: %s in %s, now %s", fsm->name, fsm->event_names[event],
              fsm->state_names[*state], fsm->state_names[row->next]);
    *state = row->next;
    if (row->action != NULL)
        row->action(object, argument);
    return 0;
}
