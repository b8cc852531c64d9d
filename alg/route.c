// SPDX-License-Identifier: GPL-3.0-or-later
// Routing looks at, in this order: the Route entries that are left when ours are gone, the session
// the token of our entry names, the configured next hop or UE, the Request-URI. Only IP literals
// are ever handed to the stack: its resolver leaks an ACK for every name it cannot resolve.
#include "alg/proxy_internal.h"

#include <string.h>
#include <strings.h>

const struct listen *route_arrival(const struct proxy *proxy, msg_t *msg)
{
    tport_t *tport = tport_delivered_by(nta_agent_tports(proxy->agent), msg);
    if (tport && tport_is_secondary(tport))
        tport = tport_parent(tport);
    if (!tport)
        return NULL;
    const char *ident = tport_name(tport)->tpn_ident;
    for (unsigned i = 0; ident && i < proxy->listen_count; i++)
        if (strcmp(proxy->listen[i].ident, ident) == 0)
            return &proxy->listen[i];
    return NULL;
}

const struct listen *route_departure(const struct proxy *proxy, enum side side,
                                     const struct addr *to)
{
    for (unsigned i = 0; i < proxy->listen_count; i++)
        if (proxy->listen[i].side == side && addr_family(&proxy->listen[i].addr) == addr_family(to))
            return &proxy->listen[i];
    return NULL;
}

bool route_is_own(const struct proxy *proxy, const url_t *url)
{
    struct hop hop = message_hop(url);
    if (!addr_is_set(&hop.addr))
        return false;
    for (unsigned i = 0; i < proxy->listen_count; i++)
        if (addr_equal(&proxy->listen[i].addr, &hop.addr))
            return true;
    return false;
}

void route_pop_own(const struct proxy *proxy, msg_t *msg, sip_t *sip, char *token, size_t size)
{
    token[0] = '\0';
    while (sip->sip_route && route_is_own(proxy, sip->sip_route->r_url)) {
        const char *user = sip->sip_route->r_url->url_user;
        if (user && !token[0])
            snprintf(token, size, "%s", user);
        sip_route_remove(msg, sip);
    }
}

int route_undo_strict(const struct proxy *proxy, msg_t *msg, sip_t *sip)
{
    const url_t *target = sip->sip_request->rq_url;
    sip_route_t *last = sip->sip_route;
    if (!last || !target->url_user || !url_has_param(target, "lr") || !route_is_own(proxy, target))
        return 0;
    sip_route_t *own = sip_route_create(msg_home(msg), target, NULL);
    while (last->r_next)
        last = last->r_next;
    // our entry goes to the top, to be popped like any other
    if (!own || message_set_target(msg, sip, last->r_url))
        return -ENOMEM;
    sip_header_remove(msg, sip, (sip_header_t *)last);
    return msg_header_prepend(msg, (msg_pub_t *)sip, (msg_header_t **)&sip->sip_route,
                              (msg_header_t *)own);
}

int route_do_strict(msg_t *msg, sip_t *sip)
{
    const sip_route_t *next = sip->sip_route;
    if (!next || url_has_param(next->r_url, "lr"))
        return 0;
    sip_route_t *last = sip_route_create(msg_home(msg), sip->sip_request->rq_url, NULL);
    if (!last || sip_header_insert(msg, sip, (sip_header_t *)last) < 0 ||
        message_set_target(msg, sip, next->r_url))
        return -ENOMEM;
    sip_route_remove(msg, sip);
    return 0;
}

static const struct config_ue *configured_ue(const struct proxy *proxy, const url_t *url)
{
    for (size_t i = 0; url && url->url_user && i < proxy->cfg->ue_count; i++)
        if (strcmp(proxy->cfg->ues[i].user, url->url_user) == 0)
            return &proxy->cfg->ues[i];
    return NULL;
}

// A request outside a dialog.
static struct hop first_hop(const struct proxy *proxy, enum side from, const sip_t *sip)
{
    const url_t *target = sip->sip_request->rq_url;
    if (from == SIDE_ACCESS && addr_is_set(&proxy->cfg->next_hop))
        return (struct hop){proxy->cfg->next_hop, proxy->cfg->next_hop_tcp};
    if (from == SIDE_CORE) {
        const struct config_ue *ue = configured_ue(proxy, target);
        if (ue && addr_is_set(&ue->contact))
            return (struct hop){ue->contact, message_hop(target).tcp};
    }
    struct hop hop = message_hop(target);
    return route_is_own(proxy, target) ? (struct hop){0} : hop;
}

struct hop route_next(const struct proxy *proxy, enum side from, const sip_t *sip,
                      const struct session *session)
{
    if (sip->sip_route) {
        struct hop hop = message_hop(sip->sip_route->r_url);
        if (addr_is_set(&hop.addr))
            return hop;
    }
    bool in_dialog = session && sip->sip_to && sip->sip_to->a_tag;
    if (!in_dialog)
        return first_hop(proxy, from, sip);
    const struct party *party = session_party(session, side_other(from));
    struct hop flow = {party->hop, party->tcp};
    if (from == SIDE_CORE)
        return flow; // a UE is reached where it called from, whatever its Contact says
    struct hop target = message_hop(sip->sip_request->rq_url);
    return addr_is_set(&target.addr) ? target : flow;
}

const char *route_own_uri(const struct listen *listen, const char *token, bool tcp,
                          char buf[static ROUTE_URI_MAX])
{
    char address[ADDR_STRLEN];
    snprintf(buf, ROUTE_URI_MAX, "sip:%s@%s%s;lr", token, addr_format(&listen->addr, address),
             tcp ? ";transport=tcp" : "");
    return buf;
}

unsigned route_mediasec(const struct proxy *proxy, enum side from, const sip_t *sip)
{
    const url_t *ue_uri = from == SIDE_ACCESS ? (sip->sip_from ? sip->sip_from->a_url : NULL)
                                              : sip->sip_request->rq_url;
    const struct config_ue *ue = configured_ue(proxy, ue_uri);
    return proxy->cfg->mediasec & (ue ? ue->mediasec : proxy->cfg->mediasec);
}
