// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H
// A process under measurement: started, looked at, ended. It dies with the one that started it.

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
    pid_t pid; // 0: not running
    clockid_t clock;
    int output; // read end of its standard output
};

// Which processor the measured processes run on, and which the load comes from: the last and the
// first this process may use. Pins the caller to the first.
void child_pin_caller(void);

// Starts argv[0], pinned. Returns 0 or a negative errno.
int child_start(struct child *child, char *const argv[]);
// Waits for its first line. False: it ended without one.
bool child_wait_ready(struct child *child);
// SIGTERM, after five seconds SIGKILL; waits for the end.
void child_stop(struct child *child);
bool child_alive(const struct child *child);

// User and system time of all its threads so far, from its CPU clock.
uint64_t child_cpu_ns(const struct child *child);
// Waits until it has nothing left to do: timers aside, its clock stands still.
void child_settle(const struct child *child);

struct child_memory {
    unsigned pss_kib; // what is its alone, and its share of the rest
    unsigned rss_kib;
};
// From smaps_rollup; zero when that cannot be read.
struct child_memory child_memory(const struct child *child);

#endif
