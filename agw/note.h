// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_NOTE_H
#define AGW_NOTE_H
// A notification on its way from a worker to the signalling thread.

#include "agw/agw.h"
#include "common/mailbox.h"

struct note {
    struct letter letter;
    void *line; // whose it is: the control side's record of the stream
    struct agw_notification what;
};

#endif
