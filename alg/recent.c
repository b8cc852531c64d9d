// SPDX-License-Identifier: GPL-3.0-or-later
// A list, newest first. Without memory for an entry the session is not kept.
#include "alg/recent.h"

#include <stdlib.h>
#include <utlist.h>

// All entries together. A trace is bounded by its events, but 10000 sessions of a hostile peer
// would still be gigabytes.
#define RECENT_BYTES_MAX (64u * 1024 * 1024)

struct entry {
    struct entry *prev, *next;
    struct record *record;
    struct trace *trace;
    size_t bytes;
};

struct recent {
    const struct config *cfg;
    struct entry *entries;
    unsigned count;
    size_t bytes;
};

struct recent *recent_open(const struct config *cfg)
{
    struct recent *recent = calloc(1, sizeof(*recent));
    if (recent)
        recent->cfg = cfg;
    return recent;
}

static void entry_free(struct entry *e)
{
    record_free(e->record);
    trace_free(e->trace);
    free(e);
}

static void drop_oldest(struct recent *recent)
{
    struct entry *oldest = recent->entries ? recent->entries->prev : NULL; // utlist: the tail
    if (!oldest)
        return;
    // The analyzer does not see that the list lets go of what is freed.
    DL_DELETE(recent->entries, oldest); // NOLINT(clang-analyzer-unix.Malloc)
    recent->count--;
    recent->bytes -= oldest->bytes;
    entry_free(oldest);
}

void recent_close(struct recent *recent)
{
    while (recent && recent->count > 0)
        drop_oldest(recent);
    free(recent);
}

void recent_put(struct recent *recent, struct record *record, struct trace *trace)
{
    struct entry *e = record ? calloc(1, sizeof(*e)) : NULL;
    if (!e) {
        record_free(record);
        trace_free(trace);
        return;
    }
    e->record = record;
    e->trace = trace;
    e->bytes = sizeof(*record) + record->count * sizeof(record->media[0]) + trace_bytes(trace);
    DL_PREPEND(recent->entries, e);
    recent->count++;
    recent->bytes += e->bytes;
    while (recent->count > recent->cfg->trace.recent ||
           (recent->count > 0 && recent->bytes > RECENT_BYTES_MAX))
        drop_oldest(recent);
}

unsigned recent_count(const struct recent *recent)
{
    return recent->count;
}

void recent_each(const struct recent *recent,
                 bool (*visit)(void *arg, const struct record *record, const struct trace *trace),
                 void *arg)
{
    const struct entry *e;
    DL_FOREACH(recent->entries, e)
    {
        if (!visit(arg, e->record, e->trace))
            return;
    }
}
