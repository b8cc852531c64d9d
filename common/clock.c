// SPDX-License-Identifier: GPL-3.0-or-later
// CLOCK_MONOTONIC: a step of the wall clock must neither fire nor stall a timer.
// It cannot fail on Linux with a valid clock id and address.
#include "common/clock.h"

#include <time.h>

uint64_t clock_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t wall_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_wall_us(uint64_t monotonic_us)
{
    return wall_now_us() - clock_now_us() + monotonic_us;
}
