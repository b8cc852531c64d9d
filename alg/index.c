// SPDX-License-Identifier: GPL-3.0-or-later
// uthash behind functions: one entry per key, with the key at its end. Running out of memory is the
// only failure and leaves the index as it was.
#include "alg/index.h"

#include "common/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Ends a put with -ENOMEM instead of the process.
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
    void *object;
    UT_hash_handle hh;
    char key[];
};

struct index {
    struct entry *entries;
};

struct index *index_open(void)
{
    return calloc(1, sizeof(struct index));
}

void index_close(struct index *index)
{
    if (!index)
        return;
    struct entry *e = index->entries, *next;
    HASH_CLEAR(hh, index->entries); // the table; the entries still hang together
    for (; e; e = next) {
        next = e->hh.next;
        free(e);
    }
    free(index);
}

static struct entry *find(const struct index *index, const void *key, size_t len)
{
    struct entry *e = NULL;
    HASH_FIND(hh, index->entries, key, len, e);
    return e;
}

int index_put(struct index *index, const void *key, size_t len, void *object)
{
    struct entry *e = keep_zalloc(sizeof(*e) + len);
    if (!e)
        return -ENOMEM;
    e->object = object;
    memcpy(e->key, key, len);
    HASH_ADD_KEYPTR(hh, index->entries, e->key, len, e);
    if (e->hh.tbl)
        return 0;
    free(e);
    return -ENOMEM;
}

void *index_get(const struct index *index, const void *key, size_t len)
{
    struct entry *e = find(index, key, len);
    return e ? e->object : NULL;
}

void index_remove(struct index *index, const void *key, size_t len)
{
    struct entry *e = find(index, key, len);
    if (!e)
        return;
    HASH_DEL(index->entries, e);
    free(e);
}

unsigned index_count(const struct index *index)
{
    return HASH_COUNT(index->entries);
}

void index_each(struct index *index, void (*visit)(void *object, void *arg), void *arg)
{
    struct entry *e, *next;
    HASH_ITER(hh, index->entries, e, next)
    {
        visit(e->object, arg);
    }
}
