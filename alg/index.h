// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_INDEX_H
#define ALG_INDEX_H
// Finds objects by a key of bytes in constant time.

#include <stddef.h>

struct index;

struct index *index_open(void);        // NULL: no memory
void index_close(struct index *index); // the objects are not touched; NULL is allowed

// key is copied and must not be there yet; object is borrowed. 0 or -ENOMEM.
int index_put(struct index *index, const void *key, size_t len, void *object);
void *index_get(const struct index *index, const void *key, size_t len); // NULL: not there
void index_remove(struct index *index, const void *key, size_t len);     // nothing when not there
unsigned index_count(const struct index *index);
// visit may remove the object it is given.
void index_each(struct index *index, void (*visit)(void *object, void *arg), void *arg);

#endif
