// SPDX-License-Identifier: GPL-3.0-or-later
// An index of buckets, each a list of links; the bucket goes with its last link. Running out of
// memory is the only failure and changes nothing.
#include "alg/multi.h"

#include "alg/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct multi {
    struct index *buckets;
};

struct multi_bucket {
    struct multi_link *links;
    size_t len;
    char key[];
};

struct multi *multi_open(void)
{
    struct multi *multi = calloc(1, sizeof(*multi));
    if (multi && !(multi->buckets = index_open())) {
        free(multi);
        return NULL;
    }
    return multi;
}

void multi_close(struct multi *multi)
{
    if (!multi)
        return;
    index_close(multi->buckets);
    free(multi);
}

static struct multi_bucket *bucket_make(struct multi *multi, const void *key, size_t len)
{
    struct multi_bucket *bucket = calloc(1, sizeof(*bucket) + len);
    if (!bucket)
        return NULL;
    bucket->len = len;
    memcpy(bucket->key, key, len);
    if (index_put(multi->buckets, key, len, bucket) == 0)
        return bucket;
    free(bucket);
    return NULL;
}

int multi_put(struct multi *multi, const void *key, size_t len, struct multi_link *link)
{
    struct multi_bucket *bucket = index_get(multi->buckets, key, len);
    if (!bucket && !(bucket = bucket_make(multi, key, len)))
        return -ENOMEM;
    link->bucket = bucket;
    DL_PREPEND(bucket->links, link);
    return 0;
}

void multi_remove(struct multi *multi, struct multi_link *link)
{
    struct multi_bucket *bucket = link->bucket;
    if (!bucket)
        return;
    DL_DELETE(bucket->links, link);
    link->bucket = NULL;
    if (bucket->links)
        return;
    index_remove(multi->buckets, bucket->key, bucket->len);
    free(bucket);
}

struct multi_link *multi_first(const struct multi *multi, const void *key, size_t len)
{
    const struct multi_bucket *bucket = index_get(multi->buckets, key, len);
    return bucket ? bucket->links : NULL;
}
