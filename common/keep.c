// SPDX-License-Identifier: GPL-3.0-or-later
// With jemalloc, an arena of its own; with another allocator (sanitizers, valgrind, the unit tests)
// nothing but calloc() and realloc().
#include "common/keep.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

// jemalloc's own interface, absent from other allocators: hence weak.
#define WEAK __attribute__((weak))
extern WEAK void *mallocx(size_t size, int flags);
extern WEAK void *rallocx(void *old, size_t size, int flags);
extern WEAK int mallctl(const char *name, void *old, size_t *old_len, void *new, size_t new_len);

// Flags as jemalloc(3) defines them.
#define IN_ARENA(index) ((int)((index) + 1) << 20)
#define WITHOUT_CACHE (1 << 8)
#define ZEROED 0x40

static int flags; // 0: the allocator has no arenas

static void open_arena(void)
{
    unsigned index;
    size_t len = sizeof(index);

    if (mallocx && rallocx && mallctl && mallctl("arenas.create", &index, &len, NULL, 0) == 0)
        flags = IN_ARENA(index) | WITHOUT_CACHE;
}

static int arena(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, open_arena);
    return flags;
}

void *keep_zalloc(size_t size)
{
    int where = arena();

    return where ? mallocx(size, where | ZEROED) : calloc(1, size);
}

void *keep_realloc(void *old, size_t size)
{
    int where = arena();

    if (!where)
        return realloc(old, size);
    return old ? rallocx(old, size, where) : mallocx(size, where);
}

void keep_tidy(void)
{
    bool on = true;

    if (mallctl)
        (void)mallctl("background_thread", NULL, NULL, &on, sizeof(on));
}
