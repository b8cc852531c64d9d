// SPDX-License-Identifier: GPL-3.0-or-later
// Contexts are found by number in a table with chains; numbers count up and never come back while
// anybody could remember them. The few lines of a context are a list.

#include "agw/context.h"

#include "common/keep.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS_MIN 64u
#define BUCKETS_MAX 65536u

int contexts_open(struct contexts *c, unsigned expected)
{
    uint32_t size = BUCKETS_MIN;
    while (size < expected && size < BUCKETS_MAX)
        size *= 2;
    c->buckets = calloc(size, sizeof *c->buckets);
    c->mask = size - 1;
    return c->buckets ? 0 : -ENOMEM;
}

void contexts_close(struct contexts *c)
{
    free(c->buckets);
    c->buckets = NULL;
}

static struct context **bucket(const struct contexts *c, uint32_t id)
{
    return &c->buckets[id & c->mask];
}

struct context *context_find(const struct contexts *c, uint32_t id)
{
    struct context *context = *bucket(c, id);
    while (context && context->id != id)
        context = context->next;
    return context;
}

struct context *context_create(struct contexts *c, struct place *place)
{
    struct context *context = keep_zalloc(sizeof *context);
    if (!context)
        return NULL;
    do
        c->last_id++;
    while (c->last_id == 0 || context_find(c, c->last_id));
    context->id = c->last_id;
    context->place = place;
    context->next = *bucket(c, context->id);
    *bucket(c, context->id) = context;
    place->contexts++;
    return context;
}

void context_remove(struct contexts *c, struct context *context)
{
    struct context **at = bucket(c, context->id);
    while (*at != context)
        at = &(*at)->next;
    *at = context->next;
    context->place->contexts--;
    free(context);
}

struct context *contexts_any(const struct contexts *c)
{
    for (uint32_t i = 0; c->buckets && i <= c->mask; i++)
        if (c->buckets[i])
            return c->buckets[i];
    return NULL;
}

void contexts_each(const struct contexts *c, void (*visit)(const struct line *line, void *arg),
                   void *arg)
{
    for (uint32_t i = 0; i <= c->mask; i++)
        for (const struct context *context = c->buckets[i]; context; context = context->next)
            for (const struct line *line = context->lines; line; line = line->next)
                visit(line, arg);
}

struct line *line_find(const struct context *context, unsigned number)
{
    struct line *line = context->lines;
    while (line && line->number != number)
        line = line->next;
    return line;
}

struct line *line_create(struct context *context, unsigned number)
{
    struct line *line = keep_zalloc(sizeof *line);
    if (!line)
        return NULL;
    line->number = number;
    line->stream = stream_create(context->id, number, line);
    if (!line->stream) {
        free(line);
        return NULL;
    }
    line->next = context->lines;
    context->lines = line;
    return line;
}

void line_detach(struct context *context, struct line *line)
{
    struct line **at = &context->lines;
    while (*at != line)
        at = &(*at)->next;
    *at = line->next;
}

void line_free(struct line *line)
{
    for (int t = AGW_T1; t <= AGW_T2; t++)
        if (line->end[t].ports)
            ports_give_back(line->end[t].ports, line->end[t].port, line->end[t].rtcp);
    stream_free(line->stream);
    free(line);
}
