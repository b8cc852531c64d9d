// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_STATISTICS_H
#define AGW_STATISTICS_H
// What the control side knows of a stream for people to see. Signalling thread.

#include "agw/context.h"

// Remembers what a notification says about addresses and (D)TLS.
void statistics_learn(struct line *line, const struct agw_notification *notification);
void statistics_read(const struct line *line, struct agw_statistics *out);

#endif
