// SPDX-License-Identifier: GPL-3.0-or-later
// FNV-1a over the fields, with their ends hashed too, so that text cannot wander from one to the
// next. A collision costs one request an undeserved 482, and nobody can aim at it without the
// secret.
#include "alg/branch.h"

#include "common/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// 71 bits: unique over space and time (RFC 3261 8.1.1.7).
#define UNIQUE_LEN 12
// "z9hG4bK", what is unique, a dot, the hash.
#define HASH_AT (7 + UNIQUE_LEN)

static uint64_t add(uint64_t hash, const char *text)
{
    const uint64_t prime = 1099511628211u;
    for (; text && *text; text++)
        hash = (hash ^ (unsigned char)*text) * prime;
    return (hash ^ 0xff) * prime;
}

static uint64_t add_url(uint64_t hash, const url_t *url)
{
    const char *const parts[] = {url->url_scheme, url->url_user,   url->url_host,
                                 url->url_port,   url->url_params, url->url_headers};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        hash = add(hash, parts[i]);
    return hash;
}

uint64_t branch_hash(uint64_t secret, const sip_t *request, enum side from)
{
    char number[32];
    uint64_t hash = add_url(secret, request->sip_request->rq_url);
    for (const sip_route_t *r = request->sip_route; r; r = r->r_next)
        hash = add_url(hash, r->r_url);
    hash = add(hash, request->sip_to->a_tag);
    hash = add(hash, request->sip_from->a_tag);
    hash = add(hash, request->sip_call_id->i_id);
    snprintf(number, sizeof(number), "%" PRIu32 " %d", request->sip_cseq->cs_seq, (int)from);
    hash = add(hash, number);
    const sip_proxy_require_t *require = request->sip_proxy_require;
    for (size_t i = 0; require && require->k_items && require->k_items[i]; i++)
        hash = add(hash, require->k_items[i]);
    return hash;
}

const char *branch_make(uint64_t hash, char buf[static BRANCH_STRLEN])
{
    char unique[UNIQUE_LEN + 1];
    random_alnum(unique, sizeof(unique));
    snprintf(buf, BRANCH_STRLEN, "z9hG4bK%s.%016" PRIx64, unique, hash);
    return buf;
}

bool branch_is_loop(uint64_t hash, const sip_t *request)
{
    char mark[20];
    snprintf(mark, sizeof(mark), ".%016" PRIx64, hash);
    for (const sip_via_t *v = request->sip_via; v; v = v->v_next)
        if (v->v_branch && strlen(v->v_branch) == HASH_AT + strlen(mark) &&
            strcmp(v->v_branch + HASH_AT, mark) == 0)
            return true;
    return false;
}
