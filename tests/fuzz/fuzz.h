// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H
// What the fuzz targets have in common: their entry, and a check that ends a run with a sentence.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

// The input in a block of its own, so that a step beyond the end is seen. To be freed.
static inline void *fuzz_bytes(const uint8_t *data, size_t size)
{
    void *bytes = malloc(size > 0 ? size : 1);
    require(bytes != NULL, "there is memory");
    memcpy(bytes, data, size);
    return bytes;
}

// The same as text.
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    require(text != NULL, "there is memory");
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
