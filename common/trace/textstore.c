// SPDX-License-Identifier: GPL-3.0-or-later
// Text gathers in a tail. When the tail is full, or is settled, it becomes a sealed piece: packed
// in one go, in an allocation of just its size. Reading unpacks all pieces and copies the tail
// behind them; that copy is kept until something is added or settled.
//
// Failures: what LZ4 cannot shorten is sealed as it is. Without memory for a sealed piece the tail
// goes on growing; without memory for the tail nothing is added.
#include "common/trace/textstore.h"

#include "common/keep.h"

#include <lz4.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// As long a piece as its buffer on the stack allows with ease: the more LZ4 sees at once, the
// shorter it becomes.
#define PIECE_MAX 16384
#define PACKED_MAX LZ4_COMPRESSBOUND(PIECE_MAX)
// A tail begins with this and doubles: most are settled soon.
#define TAIL_MIN 2048
// Less than this is not worth a piece of its own.
#define SETTLE_MIN 64
// A trace of the longest session with the largest messages stays below; offsets fit well into 32
// bits.
#define TEXT_MAX (64u << 20)

struct piece {
    struct piece *next;
    uint32_t len;    // unpacked
    uint32_t packed; // bytes that follow; equal to len: not packed
    char bytes[];
};

struct textstore {
    struct piece *first, *last;
    uint32_t sealed; // length of all pieces, unpacked
    uint32_t tail_len, tail_cap;
    char *tail;
    char *whole; // what was last read; NULL: nothing since the last change
};

struct textstore *textstore_open(void)
{
    return keep_zalloc(sizeof(struct textstore));
}

static void forget_reading(struct textstore *s)
{
    free(s->whole);
    s->whole = NULL;
}

void textstore_free(struct textstore *s)
{
    if (s == NULL)
        return;
    for (struct piece *p = s->first, *next; p != NULL; p = next) {
        next = p->next;
        free(p);
    }
    free(s->tail);
    free(s->whole);
    free(s);
}

// The table LZ4 works with has 16 KiB: one for each thread is kept, since clearing it would cost as
// much as packing a short text does.
static int pack(const char *text, uint32_t len, char packed[static PACKED_MAX])
{
    static _Thread_local LZ4_stream_t table;

    if (len > PIECE_MAX)
        return 0;
    LZ4_resetStream_fast(&table);
    return LZ4_compress_fast_continue(&table, text, packed, (int)len, PACKED_MAX, 1);
}

static bool seal(struct textstore *s)
{
    char packed[PACKED_MAX];
    int shorter = pack(s->tail, s->tail_len, packed);
    bool gain = shorter > 0 && (uint32_t)shorter < s->tail_len;
    uint32_t size = gain ? (uint32_t)shorter : s->tail_len;
    struct piece *p = keep_zalloc(sizeof(*p) + size);

    if (p == NULL)
        return false;
    *p = (struct piece){.len = s->tail_len, .packed = size};
    memcpy(p->bytes, gain ? packed : s->tail, size);
    *(s->last != NULL ? &s->last->next : &s->first) = p;
    s->last = p;
    s->sealed += s->tail_len;
    free(s->tail);
    s->tail = NULL;
    s->tail_len = s->tail_cap = 0;
    return true;
}

static bool grow_tail(struct textstore *s, size_t len)
{
    size_t cap = s->tail_cap > 0 ? s->tail_cap : TAIL_MIN;

    while (cap < s->tail_len + len)
        cap *= 2;
    if (cap == s->tail_cap)
        return true;
    char *tail = realloc(s->tail, cap);
    if (tail == NULL)
        return false;
    s->tail = tail;
    s->tail_cap = (uint32_t)cap;
    return true;
}

char *textstore_add(struct textstore *s, size_t len, uint32_t *at)
{
    if (len > TEXT_MAX - s->sealed - s->tail_len)
        return NULL;
    if (s->tail_len > 0 && s->tail_len + len > PIECE_MAX)
        (void)seal(s);
    if (!grow_tail(s, len))
        return NULL;
    forget_reading(s);
    *at = s->sealed + s->tail_len;
    s->tail_len += (uint32_t)len;
    return s->tail + s->tail_len - len;
}

void textstore_settle(struct textstore *s)
{
    forget_reading(s);
    if (s->tail_len >= SETTLE_MIN)
        (void)seal(s);
}

size_t textstore_bytes(const struct textstore *s)
{
    size_t sum = sizeof(*s) + s->tail_cap + (s->whole != NULL ? s->sealed + s->tail_len : 0);

    for (const struct piece *p = s->first; p != NULL; p = p->next)
        sum += sizeof(*p) + p->packed;
    return sum;
}

static void unpack(const struct piece *p, char *to)
{
    if (p->packed == p->len)
        memcpy(to, p->bytes, p->len);
    else
        (void)LZ4_decompress_safe(p->bytes, to, (int)p->packed, (int)p->len);
}

const char *textstore_read(struct textstore *s)
{
    char *to;

    if (s->whole != NULL)
        return s->whole;
    if (s->first == NULL && s->tail != NULL)
        return s->tail;
    to = s->whole = malloc(s->sealed + s->tail_len + 1);
    if (to == NULL)
        return NULL;
    for (const struct piece *p = s->first; p != NULL; p = p->next) {
        unpack(p, to);
        to += p->len;
    }
    if (s->tail != NULL)
        memcpy(to, s->tail, s->tail_len);
    return s->whole;
}
