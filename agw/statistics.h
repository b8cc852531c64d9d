// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_STATISTICS_H
#define AGW_STATISTICS_H
// What the control side knows of streams for people to see. Signalling thread.

#include "agw/context.h"

// Remembers what a notification says about addresses and (D)TLS; totals gets what has ended.
void statistics_learn(struct line *line, const struct agw_notification *notification,
                      struct agw_totals *totals);
void statistics_read(const struct line *line, struct agw_statistics *out);
// Adds what a line that has not ended has carried so far to the struct agw_totals.
void statistics_add(const struct line *line, void *totals);

#endif
