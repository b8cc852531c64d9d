// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: blocks are appended to their part of the session; a file that does not have them yet
// gets all parts together, before the first packet of the session in it.
//
// Failure paths: a part that would be too long loses its oldest blocks. Sessions beyond the bound:
// the oldest one is forgotten, as is one whose end was lost.
#include "common/capture/preamble.h"

#include "common/capture/ring.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

// Twice the sessions of a default configuration; with SDP of both legs each has some 12 KiB.
#define PREAMBLES_MAX 20000
// Two handshakes with RSA certificates, the SDP of an offer and an answer on both legs and as much
// again of a re-INVITE, the secrets of a dozen associations.
static const size_t part_max[PREAMBLE_PARTS] = {
    [PREAMBLE_KEYS] = 4096, [PREAMBLE_HANDSHAKES] = 16384, [PREAMBLE_SDP] = 24576};

struct preamble {
    char session[RECORD_SESSION_MAX]; // key
    unsigned file;                    // the last one that has it
    uint64_t ended_us;                // 0: it goes on
    struct strbuf part[PREAMBLE_PARTS];
    UT_hash_handle hh;
};

struct preambles {
    struct preamble *first;
};

struct preambles *preambles_open(void)
{
    return calloc(1, sizeof(struct preambles));
}

static void forget(struct preambles *all, struct preamble *p)
{
    HASH_DEL(all->first, p); // NOLINT(clang-analyzer-unix.Malloc): not seen through the table
    for (int i = 0; i < PREAMBLE_PARTS; i++)
        strbuf_free(&p->part[i]);
    free(p);
}

void preambles_close(struct preambles *all)
{
    if (all == NULL)
        return;
    while (all->first != NULL)
        forget(all, all->first); // NOLINT(clang-analyzer-unix.Malloc): it is another one each time
    free(all);
}

static struct preamble *find(struct preambles *all, const char *session)
{
    struct preamble *p = NULL;

    HASH_FIND_STR(all->first, session, p);
    return p;
}

// NULL: no memory.
static struct preamble *begin(struct preambles *all, const char *session, unsigned file)
{
    struct preamble *p = find(all, session);

    if (p != NULL)
        return p;
    if (HASH_COUNT(all->first) >= PREAMBLES_MAX)
        forget(all, all->first);
    p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    snprintf(p->session, sizeof(p->session), "%s", session);
    p->file = file;
    // The analyzer does not see what was forgotten leave the table.
    // NOLINTNEXTLINE(clang-analyzer-unix.Malloc)
    HASH_ADD_STR(all->first, session, p);
    return p;
}

// The length of the first block.
static size_t block_length(const struct strbuf *blocks)
{
    uint32_t length;

    memcpy(&length, blocks->text + sizeof(length), sizeof(length));
    return le32toh(length);
}

static void make_room(struct strbuf *part, size_t max)
{
    size_t gone = 0;

    while (part->len - gone > max)
        gone += block_length(&(struct strbuf){.text = part->text + gone});
    if (gone == 0)
        return;
    part->len -= gone;
    memmove(part->text, part->text + gone, part->len);
}

void preamble_keep(struct preambles *all, const char *session, unsigned file,
                   enum preamble_part part, const struct strbuf *blocks)
{
    struct preamble *p = begin(all, session, file);

    if (p == NULL || blocks->len > part_max[part])
        return;
    make_room(&p->part[part], part_max[part] - blocks->len);
    strbuf_add(&p->part[part], blocks->text, blocks->len);
    if (p->part[part].failed)
        strbuf_free(&p->part[part]);
}

void preamble_put(struct preambles *all, const char *session, unsigned file, struct strbuf *out)
{
    struct preamble *p = find(all, session);

    if (p == NULL || p->file == file)
        return;
    for (int i = 0; i < PREAMBLE_PARTS; i++)
        strbuf_add(out, p->part[i].text, p->part[i].len);
    p->file = file;
}

void preamble_end(struct preambles *all, const char *session, uint64_t now_us)
{
    struct preamble *p = find(all, session);

    if (p != NULL)
        p->ended_us = now_us;
}

void preambles_sweep(struct preambles *all, uint64_t before_us)
{
    struct preamble *p, *next;

    HASH_ITER(hh, all->first, p, next)
    {
        if (p->ended_us != 0 && p->ended_us < before_us)
            forget(all, p);
    }
}
