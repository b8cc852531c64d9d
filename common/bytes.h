// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_BYTES_H
#define COMMON_BYTES_H
// Numbers as bytes of a file or packet.

#include <stddef.h>
#include <stdint.h>

// Network order, in n bytes, at most 8.
static inline void bytes_put_be(uint8_t *to, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(value >> 8 * (n - 1 - i));
}

// The other one.
static inline void bytes_put_le(uint8_t *to, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

#endif
