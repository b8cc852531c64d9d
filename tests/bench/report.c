// SPDX-License-Identifier: GPL-3.0-or-later
// Values come in, medians go out; there is nothing that could fail.

#include "tests/bench/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void series_add(struct series *s, double value)
{
    if (s->count < REPORT_TURNS_MAX)
        s->value[s->count++] = value;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct series sorted(const struct series *s)
{
    struct series copy = *s;
    qsort(copy.value, copy.count, sizeof(copy.value[0]), compare);
    return copy;
}

double series_median(const struct series *s)
{
    struct series copy = sorted(s);
    if (copy.count == 0)
        return 0;
    return (copy.value[(copy.count - 1) / 2] + copy.value[copy.count / 2]) / 2;
}

double series_spread_percent(const struct series *s)
{
    struct series copy = sorted(s);
    double median = series_median(s);
    return median > 0 ? (copy.value[copy.count - 1] - copy.value[0]) / median * 100 : 0;
}

static struct series ratios(const struct row *row)
{
    struct series out = {.count = 0};
    for (unsigned i = 0; i < row->ours.count && i < row->floor.count; i++)
        if (row->floor.value[i] > 0)
            series_add(&out, row->ours.value[i] / row->floor.value[i]);
    return out;
}

void report_head(void)
{
    puts("| | what | unit | floor | pcscf | x floor | spread % | aim | | per CPU s |\n"
         "|---|---|---|--:|--:|--:|--:|--:|---|--:|");
}

void report_row(const struct row *row)
{
    struct series ratio = ratios(row);
    const struct series *judged = ratio.count > 0 ? &ratio : &row->ours;
    printf("| %s | %s | %s |", row->group, row->what, row->unit);
    if (ratio.count > 0)
        printf(" %.2f | %.2f | %.2f |", series_median(&row->floor), series_median(&row->ours),
               series_median(&ratio));
    else
        printf(" | %.2f | |", series_median(&row->ours));
    printf(" %.0f |", series_spread_percent(judged));
    if (row->aim > 0)
        printf(" %.2f | %s |", row->aim, series_median(judged) <= row->aim ? "met" : "MISSED");
    else
        printf(" | |");
    if (row->rates)
        printf(" %.0f |\n", 1e6 / series_median(&row->ours));
    else
        puts(" |");
    fflush(stdout);
}
