// SPDX-License-Identifier: GPL-3.0-or-later
// Each end of each connection has an entry with the number of its next byte. Beyond the bound the
// oldest entry is forgotten: should it still be in use, its numbers begin anew.
//
// Failures: no memory: numbers are 1, and a reader sees repetitions.
#include "common/capture/conversation.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

// Twice the connections that are open at a time in a lab; 128 bytes each.
#define ENDS_MAX 8192

struct end_key {
    uint8_t host[2][16]; // the sender's first
    uint16_t port[2];
};

struct end {
    struct end_key key;
    uint32_t next;
    UT_hash_handle hh;
};

struct conversations {
    struct end *ends;
};

static void put_end(struct end_key *key, int i, const struct addr *a)
{
    if (addr_family(a) == AF_INET6)
        memcpy(key->host[i], &a->v6.sin6_addr, sizeof(a->v6.sin6_addr));
    else
        memcpy(key->host[i], &a->v4.sin_addr, sizeof(a->v4.sin_addr));
    key->port[i] = addr_port(a);
}

static struct end_key key_of(const struct addr *from, const struct addr *to)
{
    struct end_key key;

    memset(&key, 0, sizeof(key));
    put_end(&key, 0, from);
    put_end(&key, 1, to);
    return key;
}

struct conversations *conversations_open(void)
{
    return calloc(1, sizeof(struct conversations));
}

static void forget(struct conversations *all, struct end *end)
{
    HASH_DEL(all->ends, end);
    free(end);
}

void conversations_close(struct conversations *all)
{
    if (all == NULL)
        return;
    while (all->ends != NULL)
        forget(all, all->ends); // NOLINT(clang-analyzer-unix.Malloc): it is another one each time
    free(all);
}

// NULL: no memory.
static struct end *end_of(struct conversations *all, const struct addr *from, const struct addr *to)
{
    struct end_key key = key_of(from, to);
    struct end *end = NULL;

    HASH_FIND(hh, all->ends, &key, sizeof(key), end);
    if (end != NULL)
        return end;
    if (HASH_COUNT(all->ends) >= ENDS_MAX)
        forget(all, all->ends);
    end = calloc(1, sizeof(*end));
    if (end == NULL)
        return NULL;
    end->key = key;
    end->next = 1;
    // The analyzer does not see what was forgotten leave the table.
    // NOLINTNEXTLINE(clang-analyzer-unix.Malloc)
    HASH_ADD(hh, all->ends, key, sizeof(end->key), end);
    return end;
}

static void begin(struct conversations *all, const struct addr *from, const struct addr *to)
{
    struct end *end = end_of(all, from, to);

    if (end != NULL)
        end->next = 0;
}

// One end at a time: finding the other one may make room at the expense of the first.
void conversation_begin(struct conversations *all, const struct addr *from, const struct addr *to)
{
    begin(all, from, to);
    begin(all, to, from);
}

static uint32_t step(struct conversations *all, const struct addr *from, const struct addr *to,
                     uint32_t len)
{
    struct end *end = end_of(all, from, to);
    uint32_t next = end == NULL ? 1 : end->next;

    if (end != NULL)
        end->next += len;
    return next;
}

struct tcp_numbers conversation_step(struct conversations *all, const struct addr *from,
                                     const struct addr *to, uint32_t len)
{
    uint32_t sequence = step(all, from, to, len);

    return (struct tcp_numbers){sequence, step(all, to, from, 0)};
}
