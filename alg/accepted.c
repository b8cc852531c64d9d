// SPDX-License-Identifier: GPL-3.0-or-later
// A hash table that keeps the order of arrival: what is too old stands at its front, and each call
// clears it away.
#include "alg/accepted.h"

#include <stdlib.h>
#include <string.h>

// Ends an add without memory with nothing added instead of the process.
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct transaction {
    uint64_t until_us;
    UT_hash_handle hh;
    char key[];
};

struct accepted {
    uint64_t keep_us;
    struct transaction *oldest; // the table
};

struct accepted *accepted_open(uint64_t keep_us)
{
    struct accepted *a = calloc(1, sizeof(*a));
    if (a)
        a->keep_us = keep_us;
    return a;
}

// From the oldest on, as long as they are due or too many.
static void forget(struct accepted *a, uint64_t now_us, unsigned keep)
{
    unsigned count = HASH_COUNT(a->oldest);
    struct transaction *t = a->oldest, *next;
    for (; t && (t->until_us <= now_us || count > keep); t = next, count--) {
        next = t->hh.next;
        HASH_DEL(a->oldest, t);
        free(t);
    }
}

void accepted_close(struct accepted *a)
{
    if (a)
        forget(a, 0, 0);
    free(a);
}

static struct transaction *find(struct accepted *a, const char *key, uint64_t now_us)
{
    struct transaction *t = NULL;
    forget(a, now_us, ACCEPTED_MAX - 1);
    HASH_FIND_STR(a->oldest, key, t);
    return t;
}

void accepted_add(struct accepted *a, const char *key, uint64_t now_us)
{
    if (find(a, key, now_us))
        return;
    size_t len = strlen(key);
    struct transaction *t = calloc(1, sizeof(*t) + len + 1);
    if (!t)
        return;
    memcpy(t->key, key, len);
    t->until_us = now_us + a->keep_us;
    HASH_ADD_KEYPTR(hh, a->oldest, t->key, len, t);
    if (!t->hh.tbl)
        free(t);
}

bool accepted_knows(struct accepted *a, const char *key, uint64_t now_us)
{
    return find(a, key, now_us) != NULL;
}
