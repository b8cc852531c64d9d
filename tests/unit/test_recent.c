// SPDX-License-Identifier: GPL-3.0-or-later
// The sessions that ended last: the newest come first, and neither their number nor their memory
// grows without a bound.
#include "alg/recent.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct config cfg;

static struct record *record_of(unsigned number, unsigned media)
{
    struct record *r = calloc(1, sizeof(*r));
    char id[16];
    snprintf(id, sizeof(id), "s%u", number);
    r->id = strdup(id);
    r->count = media;
    return r;
}

static bool note(void *arg, const struct record *record, const struct trace *trace)
{
    strbuf_printf(arg, "%s%s ", record->id, trace ? "+" : "");
    return true;
}

static void must_keep(const struct recent *recent, const char *ids)
{
    struct strbuf names = STRBUF_INIT;
    recent_each(recent, note, &names);
    char *text = strbuf_take(&names);
    ck_assert_str_eq(text, ids);
    free(text);
}

// The newest first, no more than configured; a smaller bound counts from the next one on.
START_TEST(the_newest_are_kept)
{
    cfg.trace.recent = 3;
    struct recent *recent = recent_open(&cfg);
    for (unsigned i = 1; i <= 5; i++)
        recent_put(recent, record_of(i, 0), i == 4 ? trace_open("t", 1) : NULL);
    must_keep(recent, "s5 s4+ s3 ");
    cfg.trace.recent = 2;
    recent_put(recent, record_of(6, 0), NULL);
    must_keep(recent, "s6 s5 ");
    ck_assert_uint_eq(recent_count(recent), 2);
    recent_close(recent);
}
END_TEST

// With 0 none is kept; without a record there is nothing to keep.
START_TEST(none_may_be_kept)
{
    struct recent *recent = recent_open(&cfg);
    recent_put(recent, record_of(1, 0), trace_open("t", 1));
    cfg.trace.recent = 5;
    recent_put(recent, NULL, trace_open("t", 1));
    must_keep(recent, "");
    recent_close(recent);
    recent_close(NULL);
}
END_TEST

// What is large pushes out what is old: 64 MiB is the bound on all together.
START_TEST(their_memory_is_bounded)
{
    unsigned third = 30u * 1024 * 1024 / sizeof(struct record_medium);
    cfg.trace.recent = 100;
    struct recent *recent = recent_open(&cfg);
    for (unsigned i = 1; i <= 3; i++) // said to be that large: nothing looks at its media here
        recent_put(recent, record_of(i, third), NULL);
    must_keep(recent, "s3 s2 ");
    recent_put(recent, record_of(4, 3 * third), NULL);
    must_keep(recent, "");
    recent_close(recent);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_newest_are_kept, none_may_be_kept, their_memory_is_bounded};
    return SUITE_RUN("recent", tests);
}
