// SPDX-License-Identifier: GPL-3.0-or-later
// A pairing heap: the earliest deadline is the root; each node's children are a list, the first
// child points back to its parent through prev. Everything happens in the nodes themselves, so
// there is no failure path.

#include "agw/deadline.h"

#include <stddef.h>

// Joins two heaps; the later root becomes the first child of the earlier one.
static struct deadline *meld(struct deadline *a, struct deadline *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->due_us < a->due_us) {
        struct deadline *t = a;
        a = b;
        b = t;
    }
    b->next = a->child;
    if (b->next)
        b->next->prev = b;
    b->prev = a;
    a->child = b;
    return a;
}

static struct deadline *detach(struct deadline *d)
{
    d->next = d->prev = NULL;
    return d;
}

// Makes one heap of a list of siblings: pairs from left to right, then all pairs together.
static struct deadline *combine(struct deadline *list)
{
    struct deadline *pairs = NULL, *root = NULL;
    while (list) {
        struct deadline *a = list, *b = a->next;
        list = b ? b->next : NULL;
        a = meld(detach(a), b ? detach(b) : NULL);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct deadline *a = pairs;
        pairs = a->next;
        root = meld(root, detach(a));
    }
    return root;
}

static void take_out(struct deadlines *all, struct deadline *d)
{
    struct deadline *rest = combine(d->child);
    if (d == all->first) {
        all->first = rest;
    } else {
        if (d->prev->child == d)
            d->prev->child = d->next;
        else
            d->prev->next = d->next;
        if (d->next)
            d->next->prev = d->prev;
        all->first = meld(all->first, rest);
    }
    d->child = d->next = d->prev = NULL;
    d->due_us = DEADLINE_NEVER;
}

void deadline_init(struct deadline *d, void (*run)(struct deadline *deadline))
{
    *d = (struct deadline){.run = run, .due_us = DEADLINE_NEVER};
}

void deadline_set(struct deadlines *all, struct deadline *d, uint64_t due_us)
{
    if (d->due_us == due_us)
        return;
    if (d->due_us != DEADLINE_NEVER)
        take_out(all, d);
    if (due_us == DEADLINE_NEVER)
        return;
    d->due_us = due_us;
    all->first = meld(all->first, d);
}

uint64_t deadlines_next(const struct deadlines *all)
{
    return all->first ? all->first->due_us : DEADLINE_NEVER;
}

void deadlines_run(struct deadlines *all, uint64_t now_us)
{
    while (all->first && all->first->due_us <= now_us) {
        struct deadline *d = all->first;
        take_out(all, d);
        d->run(d);
    }
}
