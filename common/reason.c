// SPDX-License-Identifier: GPL-3.0-or-later
// Texts come straight from the table. Counting: a thread's first count gives it a block of counters
// in a global list; it alone writes there, with relaxed atomics, so that counting costs one add and
// no shared cache line. A total is the sum over the list.
//
// The end of a thread: its block stays in the list, with its counts, and is handed to the next
// thread that starts counting. So totals never go back and the list is no longer than the most
// threads that ever counted at one time.
// Failure: without memory for a block the thread counts in one shared block, a little slower.
#include "common/reason.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

struct row {
    const char *name, *label, *text, *clause;
    int status;
};

static const struct row rows[REASON_COUNT] = {
#define X(id, status, label, text, clause) [REASON_##id] = {#id, label, text, clause, status},
    REASON_TABLE(X)
#undef X
};

// The names in lower case, made once: the preprocessor cannot.
static char names[REASON_COUNT][32];
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

#define X(id, status, label, text, clause)                                                         \
    _Static_assert(sizeof(#id) <= sizeof(names[0]), "name of reason too long");
REASON_TABLE(X)
#undef X

static const struct row *row_of(enum reason r)
{
    return (unsigned)r < REASON_COUNT ? &rows[r] : &rows[REASON_INTERNAL];
}

static void make_names(void)
{
    for (size_t i = 0; i < REASON_COUNT; i++)
        for (size_t k = 0; rows[i].name[k] != '\0'; k++)
            names[i][k] = (char)(rows[i].name[k] >= 'A' && rows[i].name[k] <= 'Z'
                                     ? rows[i].name[k] - 'A' + 'a'
                                     : rows[i].name[k]);
}

const char *reason_name(enum reason r)
{
    pthread_once(&names_once, make_names);
    return names[row_of(r) - rows];
}

const char *reason_text(enum reason r)
{
    return row_of(r)->text;
}

const char *reason_label(enum reason r)
{
    return row_of(r)->label;
}

const char *reason_clause(enum reason r)
{
    return row_of(r)->clause;
}

int reason_status(enum reason r)
{
    return row_of(r)->status;
}

// --- counting -------------------------------------------------------------------------------

struct block {
    _Atomic uint64_t count[REASON_COUNT];
    struct block *next; // never changes once the block is in the list
    bool taken;         // guarded by list_lock
};

static struct block shared; // the last block of the list, always there
static _Atomic(struct block *) first = &shared;
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t end_of_thread;
static pthread_once_t end_once = PTHREAD_ONCE_INIT;
static _Thread_local struct block *mine;

static void give_back(void *block)
{
    pthread_mutex_lock(&list_lock);
    ((struct block *)block)->taken = false;
    pthread_mutex_unlock(&list_lock);
    mine = NULL;
}

static void make_key(void)
{
    if (pthread_key_create(&end_of_thread, give_back) != 0)
        abort(); // only possible when hundreds of keys are in use: a mistake in the program
}

// A block nobody owns, or a new one. Called with the lock held; NULL without memory.
static struct block *free_block(void)
{
    struct block *block = atomic_load_explicit(&first, memory_order_relaxed);

    while (block != &shared && block->taken)
        block = block->next;
    if (block != &shared)
        return block;
    block = calloc(1, sizeof(*block));
    if (block == NULL)
        return NULL;
    block->next = atomic_load_explicit(&first, memory_order_relaxed);
    atomic_store_explicit(&first, block, memory_order_release);
    return block;
}

static struct block *take_block(void)
{
    struct block *block;

    pthread_once(&end_once, make_key);
    pthread_mutex_lock(&list_lock);
    block = free_block();
    if (block != NULL)
        block->taken = true;
    pthread_mutex_unlock(&list_lock);
    if (block == NULL)
        return &shared;
    if (pthread_setspecific(end_of_thread, block) != 0) {
        give_back(block);
        return &shared;
    }
    mine = block;
    return block;
}

void reason_count(enum reason r)
{
    struct block *block = mine != NULL ? mine : take_block();

    atomic_fetch_add_explicit(&block->count[row_of(r) - rows], 1, memory_order_relaxed);
}

uint64_t reason_total(enum reason r)
{
    struct block *block = atomic_load_explicit(&first, memory_order_acquire);
    uint64_t total = 0;

    for (; block != NULL; block = block->next)
        total += atomic_load_explicit(&block->count[row_of(r) - rows], memory_order_relaxed);
    return total;
}
