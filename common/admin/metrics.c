// SPDX-License-Identifier: GPL-3.0-or-later
// Samples are put in any order and printed by metric. Values are kept as text: there is one way to
// write them. Without memory a sample is left out.
#include "common/admin/metrics.h"

#include "common/reason.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define LABELS_MAX 96
#define VALUE_MAX 32
#define GROWTH 64

struct sample {
    enum metric metric;
    const char *suffix; // of the name: "_bucket", "" ...
    char labels[LABELS_MAX];
    char value[VALUE_MAX];
};

struct metrics {
    struct sample *samples;
    unsigned count, cap;
};

enum type { GAUGE, COUNTER, HISTOGRAM };
static const char *const type_names[] = {"gauge", "counter", "histogram"};
static const struct {
    const char *name, *help;
    enum type type;
} rows[METRIC_COUNT] = {
#define X(id, name, type, help) [METRIC_##id] = {"pcscf_" name, help, type},
    METRIC_TABLE(X)
#undef X
};

struct metrics *metrics_open(void)
{
    return calloc(1, sizeof(struct metrics));
}

void metrics_close(struct metrics *m)
{
    if (m)
        free(m->samples);
    free(m);
}

// --- putting ----------------------------------------------------------------------------------

static struct sample *add(struct metrics *m, enum metric metric, const char *suffix,
                          const char *labels)
{
    if (m->count == m->cap) {
        struct sample *more = realloc(m->samples, (m->cap + GROWTH) * sizeof(*more));
        if (!more)
            return NULL;
        m->samples = more;
        m->cap += GROWTH;
    }
    struct sample *s = &m->samples[m->count++];
    *s = (struct sample){.metric = metric, .suffix = suffix};
    snprintf(s->labels, sizeof(s->labels), "%s", labels);
    return s;
}

static void put(struct metrics *m, enum metric metric, const char *suffix, const char *labels,
                double value)
{
    struct sample *s = add(m, metric, suffix, labels);
    if (s)
        snprintf(s->value, sizeof(s->value), "%.15g", value);
}

static void put_count(struct metrics *m, enum metric metric, const char *suffix, const char *labels,
                      uint64_t value)
{
    struct sample *s = add(m, metric, suffix, labels);
    if (s)
        snprintf(s->value, sizeof(s->value), "%" PRIu64, value);
}

void metrics_put(struct metrics *m, enum metric metric, const char *labels, double value)
{
    put(m, metric, "", labels, value);
}

void metrics_put_count(struct metrics *m, enum metric metric, const char *labels, uint64_t value)
{
    put_count(m, metric, "", labels, value);
}

void metrics_put_histogram(struct metrics *m, enum metric metric, const double *bounds,
                           const uint64_t *counts, unsigned bound_count, double sum)
{
    uint64_t below = 0;
    char label[LABELS_MAX];
    for (unsigned i = 0; i < bound_count; i++) {
        below += counts[i];
        snprintf(label, sizeof(label), "le=\"%g\"", bounds[i]);
        put_count(m, metric, "_bucket", label, below);
    }
    below += counts[bound_count];
    put_count(m, metric, "_bucket", "le=\"+Inf\"", below);
    put(m, metric, "_sum", "", sum);
    put_count(m, metric, "_count", "", below);
}

static unsigned descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;
    if (!dir)
        return 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count > 0 ? count - 1 : 0; // one is this look
}

// The second number of /proc/self/statm is resident pages.
static double resident(void)
{
    char line[128] = "";
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    const char *got = fgets(line, sizeof(line), f);
    fclose(f);
    got = got ? strchr(got, ' ') : NULL;
    return got ? (double)strtoul(got, NULL, 10) * (double)sysconf(_SC_PAGESIZE) : 0;
}

static double seconds(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static void put_process(struct metrics *m)
{
    struct rusage usage;
    metrics_put(m, METRIC_MEMORY, "", resident());
    metrics_put_count(m, METRIC_DESCRIPTORS, "", descriptors());
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        metrics_put(m, METRIC_CPU, "", seconds(&usage.ru_utime) + seconds(&usage.ru_stime));
}

void metrics_put_common(struct metrics *m)
{
    char label[LABELS_MAX];
    metrics_put(m, METRIC_BUILD_INFO, "version=\"" PCSCF_VERSION "\"", 1);
    put_process(m);
    for (int r = REASON_NONE + 1; r < REASON_COUNT; r++) {
        const char *name = reason_name((enum reason)r);
        bool drop = strncmp(name, "drop_", 5) == 0;
        snprintf(label, sizeof(label), "reason=\"%s\"", drop ? name + 5 : name);
        metrics_put_count(m, drop ? METRIC_DROPPED : METRIC_FAILURES, label,
                          reason_total((enum reason)r));
    }
}

// --- printing ---------------------------------------------------------------------------------

static void print_samples(const struct metrics *m, enum metric metric, struct strbuf *out)
{
    for (unsigned i = 0; i < m->count; i++) {
        const struct sample *s = &m->samples[i];
        bool labelled = s->labels[0] != '\0';
        if (s->metric == metric)
            strbuf_printf(out, "%s%s%s%s%s %s\n", rows[metric].name, s->suffix, labelled ? "{" : "",
                          s->labels, labelled ? "}" : "", s->value);
    }
}

void metrics_text(const struct metrics *m, struct strbuf *out)
{
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", rows[metric].name, rows[metric].help,
                      rows[metric].name, type_names[rows[metric].type]);
        print_samples(m, metric, out);
    }
}

json_t *metrics_json(const struct metrics *m)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < m->count; i++) {
        const struct sample *s = &m->samples[i];
        json_array_append_new(
            list, json_pack("{s:s+,s:s,s:s,s:s,s:f}", "name", rows[s->metric].name, s->suffix,
                            "type", type_names[rows[s->metric].type], "help", rows[s->metric].help,
                            "labels", s->labels, "value", strtod(s->value, NULL)));
    }
    return list;
}
