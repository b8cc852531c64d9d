// SPDX-License-Identifier: GPL-3.0-or-later
// Six indexes over the same registrations. Every registration stands under its binding (address of
// record and endpoint) and under the tokens of its flows; an accepted one also under its flow, the
// host of it, its Contact and its public user identities.
//
// Failure: without memory a put leaves the index as it was.
#include "alg/registration_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

// --- keys -------------------------------------------------------------------------------------

// Family and address, and for a flow transport and port: sockaddr_in6 holds more than that.
#define HOST_KEY_LEN 17
#define FLOW_KEY_LEN (HOST_KEY_LEN + 3)

static void host_key(const struct addr *a, char key[static HOST_KEY_LEN])
{
    memset(key, 0, HOST_KEY_LEN);
    key[0] = addr_family(a) == AF_INET ? 4 : 6;
    if (addr_family(a) == AF_INET)
        memcpy(key + 1, &a->v4.sin_addr, sizeof(a->v4.sin_addr));
    else
        memcpy(key + 1, &a->v6.sin6_addr, sizeof(a->v6.sin6_addr));
}

static void flow_key(const struct flow *flow, char key[static FLOW_KEY_LEN])
{
    uint16_t port = addr_port(&flow->remote);
    host_key(&flow->remote, key);
    key[HOST_KEY_LEN] = (char)flow->transport;
    memcpy(key + HOST_KEY_LEN + 1, &port, sizeof(port));
}

static size_t impu_key(const char *uri, char key[static IMPU_KEY_MAX])
{
    return identity_key(field_whole(uri), key, IMPU_KEY_MAX);
}

// --- putting and removing ---------------------------------------------------------------------

int table_put_binding(struct registration *r)
{
    char key[IMPU_KEY_MAX];
    r->by_binding.object = r;
    return multi_put(r->all->bindings, key, impu_key(r->aor, key), &r->by_binding);
}

int table_put_flow(struct registration *r)
{
    char flow[FLOW_KEY_LEN], host[HOST_KEY_LEN], contact[IMPU_KEY_MAX];
    size_t contact_len = impu_key(r->contact, contact);
    flow_key(&r->current.flow, flow);
    host_key(&r->current.flow.remote, host);
    r->by_flow.object = r->by_host.object = r->by_contact.object = r;
    if (multi_put(r->all->flows, flow, sizeof(flow), &r->by_flow) == 0 &&
        multi_put(r->all->hosts, host, sizeof(host), &r->by_host) == 0 &&
        multi_put(r->all->contacts, contact, contact_len, &r->by_contact) == 0)
        return 0;
    table_remove_flow(r);
    return -ENOMEM;
}

void table_remove_flow(struct registration *r)
{
    multi_remove(r->all->flows, &r->by_flow);
    multi_remove(r->all->hosts, &r->by_host);
    multi_remove(r->all->contacts, &r->by_contact);
}

int table_put_identities(struct registration *r)
{
    char key[IMPU_KEY_MAX];
    r->by_impu = calloc(r->uris->count, sizeof(r->by_impu[0]));
    if (!r->by_impu)
        return -ENOMEM;
    r->impu_count = r->uris->count;
    for (unsigned i = 0; i < r->impu_count; i++) {
        r->by_impu[i].object = r;
        if (multi_put(r->all->impus, key, impu_key(r->uris->text[i], key), &r->by_impu[i])) {
            table_remove_identities(r);
            return -ENOMEM;
        }
    }
    return 0;
}

void table_remove_identities(struct registration *r)
{
    for (unsigned i = 0; i < r->impu_count; i++)
        multi_remove(r->all->impus, &r->by_impu[i]);
    free(r->by_impu);
    r->by_impu = NULL;
    r->impu_count = 0;
}

int table_put_token(struct registration *r, const char *token)
{
    return index_put(r->all->tokens, token, strlen(token), r);
}

void table_remove_token(struct registrations *all, const char *token)
{
    if (token[0])
        index_remove(all->tokens, token, strlen(token));
}

// --- finding ----------------------------------------------------------------------------------

static struct registration *object_of(const struct multi_link *link)
{
    return link ? link->object : NULL;
}

struct registration *registrations_by_token(const struct registrations *all, const char *token)
{
    return index_get(all->tokens, token, strlen(token));
}

struct registration *registrations_by_flow(const struct registrations *all, const struct flow *flow)
{
    char key[FLOW_KEY_LEN];
    flow_key(flow, key);
    return object_of(multi_first(all->flows, key, sizeof(key)));
}

struct registration *registrations_by_impu(const struct registrations *all, const char *uri)
{
    char key[IMPU_KEY_MAX];
    size_t len = impu_key(uri, key);
    return len > 0 ? object_of(multi_first(all->impus, key, len)) : NULL;
}

struct registration *registrations_by_contact(const struct registrations *all, const char *uri)
{
    char key[IMPU_KEY_MAX];
    size_t len = impu_key(uri, key);
    return len > 0 ? object_of(multi_first(all->contacts, key, len)) : NULL;
}

// The one list that registrations_by_impu() began, whatever else the user's identities equal.
struct registration *registration_next_contact(const struct registration *r, const char *uri)
{
    char wanted[IMPU_KEY_MAX], key[IMPU_KEY_MAX];
    size_t len = impu_key(uri, wanted);
    for (unsigned i = 0; i < r->impu_count; i++)
        if (impu_key(r->uris->text[i], key) == len && memcmp(key, wanted, len) == 0)
            return object_of(r->by_impu[i].next);
    return NULL;
}

struct registration *registrations_by_host(const struct registrations *all, const struct addr *a)
{
    char key[HOST_KEY_LEN];
    host_key(a, key);
    const struct multi_link *link = multi_first(all->hosts, key, sizeof(key));
    return link && !link->next ? link->object : NULL;
}

static bool same_endpoint(const struct registration *r, const struct registration_request *q)
{
    if (r->emergency != q->emergency || r->reg_id != q->reg_id)
        return false;
    if (r->instance || q->instance)
        return r->instance && q->instance && strcasecmp(r->instance, q->instance) == 0;
    return strcmp(r->contact, q->contact) == 0;
}

struct registration *registrations_find(const struct registrations *all,
                                        const struct registration_request *request)
{
    char key[IMPU_KEY_MAX];
    size_t len = impu_key(request->aor, key);
    const struct multi_link *link = multi_first(all->bindings, key, len);
    for (; link; link = link->next)
        if (same_endpoint(link->object, request))
            return link->object;
    for (link = multi_first(all->impus, key, len); link; link = link->next)
        if (same_endpoint(link->object, request))
            return link->object;
    return NULL;
}

void registrations_foreach(const struct registrations *all,
                           bool (*visit)(void *arg, struct registration *r), void *arg)
{
    struct registration *r;
    DL_FOREACH(all->list, r)
    {
        if (!visit(arg, r))
            return;
    }
}
