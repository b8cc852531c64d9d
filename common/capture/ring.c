// SPDX-License-Identifier: GPL-3.0-or-later
// Positions only grow; their low bits are places in the ring. Each record is one piece: its size,
// its head, its data. Where a record does not fit before the end of the ring, a size without a
// record fills the rest.
//
// Failures: no room, or a record larger than half of the ring: lost and counted.
#include "common/capture/ring.h"

#include "common/reason.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

// Keeps every size and head aligned.
#define GRAIN 16
// No two threads write to one line of the cache.
#define CACHE_LINE 64

struct slot {
    uint32_t size; // of all, a multiple of GRAIN
    uint32_t filler;
    uint64_t unused;
};

struct ring {
    uint8_t *bytes;
    size_t size;
    _Atomic bool stopped;
    size_t at; // the recording thread's: where the next record goes
    _Alignas(CACHE_LINE) _Atomic size_t published;
    _Alignas(CACHE_LINE) _Atomic size_t released;
};

struct ring *ring_open(size_t size)
{
    size_t room = (sizeof(struct ring) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    struct ring *r = aligned_alloc(CACHE_LINE, room);

    if (r == NULL)
        return NULL;
    memset(r, 0, sizeof(*r));
    r->size = size;
    r->bytes = aligned_alloc(CACHE_LINE, size);
    if (r->bytes != NULL)
        return r;
    free(r);
    return NULL;
}

void ring_close(struct ring *r)
{
    if (r == NULL)
        return;
    free(r->bytes);
    free(r);
}

static struct slot *slot_at(const struct ring *r, size_t at)
{
    return (struct slot *)(r->bytes + (at & (r->size - 1)));
}

static size_t left_in_ring(const struct ring *r)
{
    return r->size - (r->at - atomic_load_explicit(&r->released, memory_order_acquire));
}

// Room for one piece of this size; NULL: there is none.
static struct slot *take(struct ring *r, size_t size)
{
    size_t to_end = r->size - (r->at & (r->size - 1));
    size_t filler = to_end < size ? to_end : 0;

    if (size > r->size / 2 || left_in_ring(r) < filler + size)
        return NULL;
    if (filler > 0)
        *slot_at(r, r->at) = (struct slot){(uint32_t)filler, 1, 0};
    r->at += filler;
    struct slot *slot = slot_at(r, r->at);
    *slot = (struct slot){(uint32_t)size, 0, 0};
    r->at += size;
    return slot;
}

void ring_put(struct ring *r, const struct record *record)
{
    size_t size = sizeof(struct slot) + sizeof(*record) + record->len;
    struct slot *slot;

    if (atomic_load_explicit(&r->stopped, memory_order_relaxed))
        return;
    slot = take(r, (size + GRAIN - 1) / GRAIN * GRAIN);
    if (slot == NULL) {
        reason_count(REASON_CAPTURE_LOST);
        return;
    }
    memcpy(slot + 1, record, sizeof(*record));
    if (record->len > 0)
        memcpy((uint8_t *)(slot + 1) + sizeof(*record), record->data, record->len);
}

void ring_publish(struct ring *r)
{
    if (atomic_load_explicit(&r->published, memory_order_relaxed) != r->at)
        atomic_store_explicit(&r->published, r->at, memory_order_release);
}

void ring_stop(struct ring *r)
{
    atomic_store_explicit(&r->stopped, true, memory_order_relaxed);
}

struct ring_cursor ring_begin(struct ring *r)
{
    return (struct ring_cursor){atomic_load_explicit(&r->released, memory_order_relaxed),
                                atomic_load_explicit(&r->published, memory_order_acquire)};
}

bool ring_next(const struct ring *r, struct ring_cursor *c, struct record *record)
{
    while (c->at != c->end) {
        const struct slot *slot = slot_at(r, c->at);
        c->at += slot->size;
        if (slot->filler)
            continue;
        memcpy(record, slot + 1, sizeof(*record));
        record->data = (const uint8_t *)(slot + 1) + sizeof(*record);
        return true;
    }
    return false;
}

void ring_release(struct ring *r, const struct ring_cursor *c)
{
    atomic_store_explicit(&r->released, c->end, memory_order_release);
}
