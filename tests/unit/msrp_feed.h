// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UNIT_MSRP_FEED_H
#define TESTS_UNIT_MSRP_FEED_H
// Feeds a rewriter as a connection would: in pieces of any size, into room of any size. Each call
// gets blocks of exactly its sizes, so that a sanitizer sees the first byte too many; what
// msrp_rewrite() promises of every call is asserted.

#include "agw/msrp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEED_ALL SIZE_MAX

// How the input is divided over calls.
struct feed_pieces {
    size_t first;  // bytes of the first piece; 0: as the others
    size_t in;     // bytes of every other piece at most
    size_t out;    // room in each call at most
    uint32_t seed; // 0: pieces and room as large as they may be; else of random size
};

struct feed_result {
    int rc;
    size_t consumed;
    size_t len, room; // of out
    uint8_t *out;
};

// How much longer all of the output may be than all of the input: paths grow.
#define FEED_GROWTH 8

static inline void feed_require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

static inline void *feed_block(const void *bytes, size_t len)
{
    void *block = malloc(len > 0 ? len : 1);

    feed_require(block != NULL, "there is memory");
    if (bytes && len > 0)
        memcpy(block, bytes, len);
    return block;
}

static inline size_t feed_size(uint32_t *seed, size_t most)
{
    if (*seed == 0)
        return most;
    *seed = *seed * 1664525U + 1013904223U;
    *seed += *seed == 0;
    return 1 + (*seed >> 8) % most;
}

// One call. Returns true when there is more to do with the same input.
static inline bool feed_call(struct msrp_rewriter *r, const uint8_t *in, size_t in_len, size_t room,
                             struct feed_result *result)
{
    uint8_t *piece = feed_block(in, in_len), *out = feed_block(NULL, room);
    size_t consumed = SIZE_MAX, produced = SIZE_MAX;

    result->rc = msrp_rewrite(r, piece, in_len, &consumed, out, room, &produced);
    feed_require(result->rc == 0 || result->rc == -EPROTO, "it is all right or it is broken");
    feed_require(consumed <= in_len && produced <= room, "no more is taken than was given");
    feed_require(result->rc != 0 || consumed + produced > 0 || in_len == 0 || room == 0,
                 "there is progress");
    feed_require(produced <= result->room - result->len, "no path grows that much");
    memcpy(result->out + result->len, out, produced);
    result->len += produced;
    result->consumed += consumed;
    free(piece);
    free(out);
    return result->rc == 0;
}

// All of in. The result's out is the caller's to free.
static inline struct feed_result feed(struct msrp_rewriter *r, const uint8_t *in, size_t len,
                                      struct feed_pieces pieces)
{
    struct feed_result result = {.room = FEED_GROWTH * len + MSRP_HEADER_MAX};
    size_t end = 0; // of the bytes that have arrived
    uint32_t seed = pieces.seed;

    result.out = feed_block(NULL, result.room);
    while (end < len) {
        size_t more = end == 0 && pieces.first > 0 ? pieces.first : feed_size(&seed, pieces.in);
        end = more < len - end ? end + more : len;
        while (result.consumed < end) {
            size_t most = pieces.out == FEED_ALL ? 2 * len + 1024 : pieces.out;
            if (!feed_call(r, in + result.consumed, end - result.consumed, feed_size(&seed, most),
                           &result))
                goto out;
        }
    }
    size_t before = result.len;
    feed_call(r, NULL, 0, MSRP_HEADER_MAX, &result);
    feed_require(result.rc == 0 && result.len == before, "nothing is left when all was consumed");
out:
    return result;
}

// The same with a rewriter of its own.
static inline struct feed_result feed_new(const struct msrp_paths *paths, const uint8_t *in,
                                          size_t len, struct feed_pieces pieces)
{
    struct msrp_rewriter *r = msrp_rewriter_open(paths);

    feed_require(r != NULL, "there is memory");
    struct feed_result result = feed(r, in, len, pieces);
    msrp_rewriter_close(r);
    return result;
}

#endif
