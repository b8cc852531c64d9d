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

static void forget_oldest(struct accepted *a)
{
    struct transaction *t = a->oldest;
    HASH_DEL(a->oldest, t);
    free(t);
}

void accepted_close(struct accepted *a)
{
    while (a && a->oldest)
        forget_oldest(a);
    free(a);
}

static struct transaction *find(struct accepted *a, const char *key, uint64_t now_us)
{
    struct transaction *t = NULL;
    while (a->oldest && (a->oldest->until_us <= now_us || HASH_COUNT(a->oldest) >= ACCEPTED_MAX))
        forget_oldest(a);
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
