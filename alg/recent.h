// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_RECENT_H
#define ALG_RECENT_H
// The sessions that ended last, with their traces: most of what people want to look at has just
// ended.

#include "alg/record.h"
#include "common/config.h"
#include "common/trace/trace.h"

struct recent;

// Keeps as many as cfg->trace.recent says at the time. cfg is borrowed. NULL: no memory.
struct recent *recent_open(const struct config *cfg);
void recent_close(struct recent *recent); // NULL is allowed
// Takes over record and trace; either may be NULL. The oldest ones go when there are too many, or
// when they hold too many bytes together.
void recent_put(struct recent *recent, struct record *record, struct trace *trace);
unsigned recent_count(const struct recent *recent);
// Newest first, until visit returns false. What it is given is borrowed until the loop turns; trace
// may be NULL.
void recent_each(const struct recent *recent,
                 bool (*visit)(void *arg, const struct record *record, const struct trace *trace),
                 void *arg);

#endif
