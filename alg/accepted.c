// SPDX-License-Identifier: GPL-3.0-or-later
// An index by key, and a queue in order of arrival: what is too old stands at its front, and each
// call clears it away.
#include "alg/accepted.h"

#include "alg/index.h"

#include <stdlib.h>
#include <string.h>

struct transaction {
    struct transaction *next; // in order of arrival
    uint64_t until_us;
    char key[];
};

struct accepted {
    uint64_t keep_us;
    struct index *by_key;
    struct transaction *oldest, *newest;
};

struct accepted *accepted_open(uint64_t keep_us)
{
    struct accepted *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->keep_us = keep_us;
    a->by_key = index_open();
    if (a->by_key)
        return a;
    free(a);
    return NULL;
}

// From the oldest on, as long as they are due or too many.
static void forget(struct accepted *a, uint64_t now_us, unsigned keep)
{
    struct transaction *t;
    while ((t = a->oldest) && (t->until_us <= now_us || index_count(a->by_key) > keep)) {
        index_remove(a->by_key, t->key, strlen(t->key));
        a->oldest = t->next;
        free(t);
    }
}

void accepted_close(struct accepted *a)
{
    if (!a)
        return;
    forget(a, 0, 0);
    index_close(a->by_key);
    free(a);
}

bool accepted_knows(struct accepted *a, const char *key, uint64_t now_us)
{
    forget(a, now_us, ACCEPTED_MAX - 1);
    return index_get(a->by_key, key, strlen(key)) != NULL;
}

void accepted_add(struct accepted *a, const char *key, uint64_t now_us)
{
    size_t len = strlen(key);
    if (accepted_knows(a, key, now_us))
        return;
    struct transaction *t = calloc(1, sizeof(*t) + len + 1);
    if (!t || index_put(a->by_key, key, len, t)) {
        free(t);
        return;
    }
    memcpy(t->key, key, len + 1);
    t->until_us = now_us + a->keep_us;
    if (a->oldest)
        a->newest->next = t;
    else
        a->oldest = t;
    a->newest = t;
}
