// SPDX-License-Identifier: GPL-3.0-or-later
// The traces of the newest registrations, each of its latest REGISTER with all that followed. A
// trace keeps its registration from being freed: what was refused is what people want to see.
// Without memory there is no trace, which harms nobody.
#include "alg/registration_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

static void drop(struct registrations *all, struct kept_trace *kept)
{
    struct registration *owner = kept->owner;
    DL_DELETE(all->traces, kept);
    all->trace_count--;
    owner->kept = NULL;
    trace_free(kept->trace);
    free(kept);
    registration_unref(owner);
}

void kept_trace_start(struct registration *r)
{
    struct registrations *all = r->all;
    if (r->kept)
        drop(all, r->kept);
    struct kept_trace *kept = all->setup.traces > 0 ? calloc(1, sizeof(*kept)) : NULL;
    if (!kept)
        return;
    char title[REGISTRATION_TEXT_MAX + sizeof("Registration of ")];
    snprintf(title, sizeof(title), "Registration of %s", r->aor);
    kept->trace = trace_open(title, all->setup.events);
    kept->owner = r;
    r->kept = kept;
    registration_ref(r);
    DL_PREPEND(all->traces, kept);
    if (++all->trace_count > all->setup.traces)
        drop(all, all->traces->prev); // utlist: the head's prev is the tail
}

void kept_trace_drop_all(struct registrations *all)
{
    while (all->traces)
        drop(all, all->traces);
}

struct trace *registration_trace(const struct registration *r)
{
    return r->kept ? r->kept->trace : NULL;
}

void registrations_recent(const struct registrations *all,
                          bool (*visit)(void *arg, struct registration *r), void *arg)
{
    const struct kept_trace *kept;
    DL_FOREACH(all->traces, kept)
    {
        if (!visit(arg, kept->owner))
            return;
    }
}
