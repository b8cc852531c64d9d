// SPDX-License-Identifier: GPL-3.0-or-later
// Copies everything, since nothing of a session stays when it ends.
#include "alg/record.h"

#include "alg/negotiation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void fill(struct record_medium *out, const struct medium *m, const struct agw *agw,
                 uint32_t context)
{
    *out = (struct record_medium){
        .kind = m->kind, .treatment = m->treatment, .dead = m->dead, .rejected = m->rejected};
    if (!m->stream)
        return;
    out->stream = m->stream->id;
    for (; m->stream->local && out->local.count < m->stream->local->count; out->local.count++)
        out->local.list[out->local.count] = m->stream->local->list[out->local.count];
    out->remote = m->ue;
    agw_statistics(agw, context, m->stream->id, &out->statistics);
}

struct record *record_make(const struct negotiation *n, const struct agw *agw, uint32_t context)
{
    unsigned count = 0;
    while (negotiation_medium(n, count))
        count++;
    struct record *record = calloc(1, sizeof(*record) + count * sizeof(record->media[0]));
    if (!record)
        return NULL;
    record->count = count;
    for (unsigned i = 0; i < count; i++)
        fill(&record->media[i], negotiation_medium(n, i), agw, context);
    return record;
}

int record_name(struct record *record, const char *id, const char *call_id, const char *from,
                const char *to)
{
    record->id = strdup(id);
    record->call_id = strdup(call_id);
    record->from = strdup(from);
    record->to = strdup(to);
    return record->id && record->call_id && record->from && record->to ? 0 : -ENOMEM;
}

void record_carried(struct record *record, unsigned stream, const struct agw_stream_stats *stats)
{
    for (unsigned i = 0; record && i < record->count; i++)
        if (record->media[i].stream == stream)
            record->media[i].statistics.carried = *stats;
}

void record_free(struct record *record)
{
    if (!record)
        return;
    free(record->id);
    free(record->call_id);
    free(record->from);
    free(record->to);
    free(record);
}
