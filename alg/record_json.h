// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_RECORD_JSON_H
#define ALG_RECORD_JSON_H
// A record of a session as the admin endpoint shows it.

#include "alg/record.h"
#include "common/trace/trace.h"

#include <jansson.h>

// For a list, or with everything. trace may be NULL. The caller's; NULL: no memory.
json_t *record_brief(const struct record *record, const struct trace *trace);
json_t *record_full(const struct record *record, const struct trace *trace);

#endif
