// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_MULTI_H
#define ALG_MULTI_H
// Like index.h, with any number of objects under one key: found in constant time, each through a
// link that is part of the object.

#include <stddef.h>

struct multi;
struct multi_bucket;

struct multi_link {
    void *object;
    struct multi_link *prev, *next;
    struct multi_bucket *bucket; // NULL: not in the table
};

struct multi *multi_open(void);        // NULL: no memory
void multi_close(struct multi *multi); // every link must be out; NULL is allowed

// Puts it first among those of its key. link->object is set by the caller. 0 or -ENOMEM.
int multi_put(struct multi *multi, const void *key, size_t len, struct multi_link *link);
void multi_remove(struct multi *multi, struct multi_link *link); // nothing when it is not in
// The one that was put last; link->next gives the others.
struct multi_link *multi_first(const struct multi *multi, const void *key, size_t len);

#endif
