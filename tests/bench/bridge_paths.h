// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef BENCH_BRIDGE_PATHS_H
#define BENCH_BRIDGE_PATHS_H
// The MSRP paths of a stream through bench_bridge. All are equally long, "msrps" making up for a
// shorter session id, so that a message keeps its length when its paths are rewritten.

#include "tests/bench/bench.h"

#include <stdbool.h>
#include <stdio.h>

#define BENCH_PATH_MAX 64
#define BENCH_PATH_ACCESS(authority) "msrps://" authority "/12345678;tcp"
#define BENCH_PATH_CORE(authority) "msrp://" authority "/123456789;tcp"

// The path of whoever is at this host and port; ports have five digits.
static inline void bench_path(char path[static BENCH_PATH_MAX], unsigned target,
                              enum bench_host host, unsigned port)
{
    bool access = host == HOST_ACCESS || host == HOST_UE;
    snprintf(path, BENCH_PATH_MAX,
             access ? BENCH_PATH_ACCESS("127.4.%u.%u:%u") : BENCH_PATH_CORE("127.4.%u.%u:%u"),
             target, host, port);
}

#endif
