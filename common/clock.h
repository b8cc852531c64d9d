// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H
// The monotonic clock, in microseconds. Pure code is handed a time; it never asks here itself.

#include <stdint.h>

uint64_t clock_now_us(void);
// The time of day, in microseconds since 1970, that a reading of it stands for: for people and for
// file formats.
uint64_t clock_wall_us(uint64_t monotonic_us);

#endif
