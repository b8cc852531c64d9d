// SPDX-License-Identifier: GPL-3.0-or-later
// What was held and what came are one text; whole messages are taken off its front; the rest is
// held. "MSRP " begins an MSRP message, a first byte of version 1 a BFCP message.
//
// Failures: neither one nor the other, or longer than PDU_MAX: all there is goes out at once.
#include "common/capture/pdu.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t msrp_start[] = {'M', 'S', 'R', 'P', ' '};
static const uint8_t msrp_end[] = {'\r', '\n', '-', '-', '-', '-', '-', '-', '-'};
// A transaction id has at most 32 characters (RFC 4975 9); the flag and CR LF follow it.
#define MSRP_ID_MAX 32
#define BFCP_HEADER 12

struct text {
    const uint8_t *at;
    size_t len;
};

// Continuation flag (RFC 4975 7.1).
static bool is_flag(uint8_t c)
{
    return c == '$' || c == '+' || c == '#';
}

// Length of the message at the front; 0: it is not complete.
static size_t msrp_length(struct text t)
{
    size_t start = sizeof(msrp_start), dashes = sizeof(msrp_end);
    const uint8_t *id = t.at + start, *end = t.at + t.len, *from = id;
    size_t id_len = 0;

    if (t.len < start)
        return 0;
    while (id + id_len < end && id[id_len] != ' ' && id_len <= MSRP_ID_MAX)
        id_len++;
    for (;;) {
        const uint8_t *line = memmem(from, (size_t)(end - from), msrp_end, dashes);
        if (line == NULL || (size_t)(end - line) < dashes + id_len + 3)
            return 0;
        if (memcmp(line + dashes, id, id_len) == 0 && is_flag(line[dashes + id_len]) &&
            memcmp(line + dashes + id_len + 1, "\r\n", 2) == 0)
            return (size_t)(line - t.at) + dashes + id_len + 3;
        from = line + 2;
    }
}

static size_t bfcp_length(struct text t)
{
    if (t.len < BFCP_HEADER)
        return 0;
    size_t size = BFCP_HEADER + 4 * ((size_t)t.at[2] << 8 | t.at[3]);
    return size <= t.len ? size : 0;
}

static bool is_msrp(struct text t)
{
    size_t start = sizeof(msrp_start);

    return memcmp(t.at, msrp_start, t.len < start ? t.len : start) == 0;
}

// Length of the message at the front, and what dissects it; 0: more is needed.
static size_t length(struct text t, const char **dissector)
{
    if (is_msrp(t)) {
        *dissector = "msrp";
        return msrp_length(t);
    }
    if (t.at[0] >> 5 == 1) {
        *dissector = "bfcp";
        return bfcp_length(t);
    }
    *dissector = "data";
    return t.len;
}

static bool join(struct pdu_stream *s, const uint8_t *bytes, size_t len)
{
    uint8_t *all = realloc(s->held, s->len + len);

    if (all == NULL)
        return false;
    memcpy(all + s->len, bytes, len);
    s->held = all;
    s->len += len;
    return true;
}

static void keep(struct pdu_stream *s, struct text rest)
{
    if (rest.len == 0) {
        pdu_clear(s);
        return;
    }
    memmove(s->held, rest.at, rest.len);
    s->len = rest.len;
}

void pdu_take(struct pdu_stream *s, const uint8_t *bytes, size_t len,
              void (*put)(void *arg, const char *dissector, const uint8_t *pdu, size_t len),
              void *arg)
{
    struct text rest;
    const char *dissector = "data";

    if (len == 0 || !join(s, bytes, len))
        return;
    rest = (struct text){s->held, s->len};
    while (rest.len > 0) {
        size_t size = length(rest, &dissector);
        if (size == 0 && rest.len < PDU_MAX)
            break;
        if (size == 0)
            size = PDU_MAX;
        put(arg, dissector, rest.at, size);
        rest.at += size;
        rest.len -= size;
    }
    keep(s, rest);
}

void pdu_clear(struct pdu_stream *s)
{
    free(s->held);
    *s = (struct pdu_stream){0};
}
