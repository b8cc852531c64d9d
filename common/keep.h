// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_KEEP_H
#define COMMON_KEEP_H
// Memory that lives as long as a session, apart from what lives as long as a SIP transaction. A
// busy half minute leaves thousands of ended transactions behind; between them, what stays would
// keep every page in use.

#include <stddef.h>

// calloc() of one object, and realloc() that may also begin with NULL. What they return goes to
// free() like any other. NULL: no memory.
void *keep_zalloc(size_t size);
void *keep_realloc(void *old, size_t size);

// Lets a thread of the allocator give back to the kernel what was freed, also when nothing happens.
// For a process that goes on to serve: one that ends at once would end in the middle of its start.
void keep_tidy(void);

#endif
