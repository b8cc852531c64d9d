// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_RECORD_H
#define ALG_RECORD_H
// What is to be known of a session, for people: a picture of it at one moment, which outlives it.

#include "alg/medium.h"
#include "common/reason.h"

struct negotiation;

struct record_medium {
    enum medium_kind kind;
    enum treatment treatment;
    bool dead;
    enum reason rejected;
    unsigned stream; // at the AGW; 0: none
    struct agw_statistics statistics;
    struct fingerprints local, remote; // shown to the UE; those it showed
};

struct record {
    char *id, *call_id, *from, *to; // from, to: of the INVITE
    enum side caller;
    const char *state; // static
    enum reason reason;
    double started, ended; // wall clock in seconds; ended 0: not yet
    unsigned count;
    struct record_medium media[];
};

// The media of a negotiation and what the AGW says about their streams. NULL: no memory.
struct record *record_make(const struct negotiation *negotiation, const struct agw *agw,
                           uint32_t context);
// Copies the names. 0 or -ENOMEM.
int record_name(struct record *record, const char *id, const char *call_id, const char *from,
                const char *to);
// The final count of a stream. NULL is allowed.
void record_carried(struct record *record, unsigned stream, const struct agw_stream_stats *stats);
void record_free(struct record *record); // NULL is allowed

#endif
