// SPDX-License-Identifier: GPL-3.0-or-later
// A connection enters with the first message that comes on it and leaves when the stack reports its
// end. The stack reports the end of a connection to whoever waits on it: that is a wait without a
// message. No reference is held, so that a connection nobody uses still falls idle.
//
// Failure paths: a connection that is being shut down and not reported yet counts as closed; one
// whose end could not be waited for is not remembered.
#include "alg/connection.h"

#include "alg/index.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

struct connection {
    struct connections *all;
    tport_t *transport; // alive until its end is reported
    int wait;           // number of our wait on it
    struct flow flow;
    uint64_t heard_ms;
};

struct connections {
    struct index *by_remote;
    connection_closed_f *closed;
    void *arg;
};

// Port and address, without what else a socket address holds.
struct remote_key {
    unsigned char bytes[sizeof(struct in6_addr) + sizeof(in_port_t)];
    size_t len;
};

static struct remote_key key_of(const struct addr *a)
{
    struct remote_key key = {.len = 0};
    bool v6 = addr_family(a) == AF_INET6;
    size_t host = v6 ? sizeof(a->v6.sin6_addr) : sizeof(a->v4.sin_addr);
    uint16_t port = addr_port(a);
    memcpy(key.bytes, v6 ? (const void *)&a->v6.sin6_addr : &a->v4.sin_addr, host);
    memcpy(key.bytes + host, &port, sizeof(port));
    key.len = host + sizeof(port);
    return key;
}

struct connections *connections_open(connection_closed_f *closed, void *arg)
{
    struct connections *all = calloc(1, sizeof(*all));
    if (!all)
        return NULL;
    all->closed = closed;
    all->arg = arg;
    all->by_remote = index_open();
    if (!all->by_remote) {
        free(all);
        return NULL;
    }
    return all;
}

static void drop(struct connection *c)
{
    struct remote_key key = key_of(&c->flow.remote);
    index_remove(c->all->by_remote, key.bytes, key.len);
    tport_release(c->transport, c->wait, NULL, NULL, (tp_client_t *)c, 0);
    free(c);
}

static void drop_each(void *object, void *arg)
{
    drop(object);
}

void connections_close(struct connections *all)
{
    if (!all)
        return;
    index_each(all->by_remote, drop_each, NULL);
    index_close(all->by_remote);
    free(all);
}

static void on_end(tp_stack_t *stack, tp_client_t *client, tport_t *transport, msg_t *msg,
                   int error)
{
    struct connection *c = (struct connection *)client;
    struct connections *all = c->all;
    struct flow flow = c->flow;
    drop(c);
    all->closed(all->arg, &flow);
}

static struct connection *find(const struct connections *all, const struct addr *remote)
{
    struct remote_key key = key_of(remote);
    return index_get(all->by_remote, key.bytes, key.len);
}

void connections_note(struct connections *all, tport_t *transport, const struct flow *flow)
{
    struct remote_key key = key_of(&flow->remote);
    struct connection *c = find(all, &flow->remote);
    if (c && c->transport == transport) {
        connections_touch(all, &flow->remote);
        return;
    }
    if (c)
        drop(c);
    c = calloc(1, sizeof(*c));
    if (!c || index_put(all->by_remote, key.bytes, key.len, c)) {
        free(c);
        return;
    }
    *c = (struct connection){
        .all = all, .transport = transport, .flow = *flow, .heard_ms = clock_now_us() / 1000};
    c->wait = tport_pend(transport, NULL, on_end, (tp_client_t *)c);
    if (c->wait < 0)
        drop(c);
}

uint64_t connections_heard_ms(const struct connections *all, const struct addr *remote)
{
    const struct connection *c = find(all, remote);
    return c ? c->heard_ms : 0;
}

void connections_touch(struct connections *all, const struct addr *remote)
{
    struct connection *c = find(all, remote);
    if (c)
        c->heard_ms = clock_now_us() / 1000;
}

tport_t *connections_find(const struct connections *all, const struct addr *remote,
                          struct flow *flow)
{
    const struct connection *c = find(all, remote);
    if (!c || tport_is_shutdown(c->transport))
        return NULL;
    if (flow)
        *flow = c->flow;
    return c->transport;
}
