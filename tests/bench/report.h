// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H
// What was measured, turn by turn, and the table that is made of it.

#include <stdbool.h>

#define REPORT_TURNS_MAX 25

struct series {
    double value[REPORT_TURNS_MAX];
    unsigned count;
};

void series_add(struct series *s, double value);
double series_median(const struct series *s); // 0 when empty
// How far apart they are: (highest - lowest) / median.
double series_spread_percent(const struct series *s);

struct row {
    const char *group; // "UDP"
    const char *what;  // "1000 streams x 50/s"
    const char *unit;  // of the values: "us CPU"
    struct series floor;
    struct series ours; // turn by turn beside floor's
    double aim;         // highest ratio to the floor that is wanted; without floor, highest value
    bool rates;         // the inverse, per CPU second, says something too
};

void report_head(void);
// Medians; the ratio is the median of the ratios of each turn, and its spread (highest - lowest) /
// median tells how calm the machine was.
void report_row(const struct row *row);

#endif
