// SPDX-License-Identifier: GPL-3.0-or-later
// Routing looks at, in this order: the Route entries that are left when ours are gone, the session
// the token of our entry names, the configured next hop or UE, the Request-URI. Only IP literals
// are ever handed to the stack: its resolver leaks an ACK for every name it cannot resolve.
#include "alg/proxy_internal.h"

#include <stdio.h>
#include <stdlib.h>
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
        if (proxy->listen[i].side == side && !proxy->listen[i].tls &&
            addr_family(&proxy->listen[i].addr) == addr_family(to))
            return &proxy->listen[i];
    return NULL;
}

// A registered UE is reached from where it has registered.
static bool goes_by_flow(const struct forward *f)
{
    return f->from == SIDE_CORE && f->registration;
}

// Towards the UE or the core, from this listening point if it fits, else from one that does.
static const struct listen *exit_from(const struct proxy *proxy, enum side side, unsigned listen,
                                      struct hop *to)
{
    const struct listen *own = &proxy->listen[listen];
    struct flow flow = {.listen = listen};
    if (!addr_is_set(&to->addr))
        return NULL;
    if (side == SIDE_ACCESS && to->tcp)
        to->connection = connections_find(proxy->connections, &to->addr, &flow);
    if (to->connection)
        return &proxy->listen[flow.listen];
    if (to->tcp && to->flow)
        return NULL;
    bool fits = own->side == side && !own->tls && addr_family(&own->addr) == addr_family(&to->addr);
    return fits ? own : route_departure(proxy, side, &to->addr);
}

const struct listen *route_exit_to(const struct proxy *proxy, const struct party *party,
                                   enum side side, struct hop *to)
{
    return exit_from(proxy, side, party->listen, to);
}

const struct listen *route_exit(const struct forward *f, struct hop *to)
{
    enum side side = side_other(f->from);
    if (goes_by_flow(f))
        return exit_from(f->proxy, side, registration_flow(f->registration)->listen, to);
    return exit_from(f->proxy, side, f->session ? session_party(f->session, side)->listen : 0, to);
}

enum reason route_missing(const struct forward *f, const struct hop *to)
{
    if (f->from == SIDE_CORE && to->flow && to->tcp)
        return f->registration ? route_lost(f->registration) : REASON_NO_FLOW;
    return REASON_NO_ROUTE;
}

// The name by which the others know it (access.advertise).
static bool is_shown_as(const struct listen *listen, const url_t *url)
{
    const char *usual = listen->tls ? "5061" : "5060";
    const char *port = url->url_port && url->url_port[0] ? url->url_port : usual;
    return strcasecmp(listen->host, url->url_host) == 0 && strcmp(listen->port, port) == 0;
}

bool route_is_own(const struct proxy *proxy, const url_t *url)
{
    struct hop hop = message_hop(url);
    if (!url || !url->url_host)
        return false;
    for (unsigned i = 0; i < proxy->listen_count; i++)
        if ((addr_is_set(&hop.addr) && addr_equal(&proxy->listen[i].addr, &hop.addr)) ||
            is_shown_as(&proxy->listen[i], url))
            return true;
    return false;
}

void route_pop_own(const struct proxy *proxy, msg_t *msg, sip_t *sip, char *token, size_t size)
{
    token[0] = '\0';
    while (sip->sip_route && route_is_own(proxy, sip->sip_route->r_url)) {
        const char *user = sip->sip_route->r_url->url_user;
        if (user && token[0] && strcmp(user, token) != 0)
            return; // the other leg of a spiral: we meet the request again
        if (user)
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

struct registration *route_sender(const struct proxy *proxy, const struct flow *flow)
{
    const struct registrations *all = registrar_all(proxy->registrar);
    struct registration *r = registrations_by_flow(all, flow);
    if (!r && proxy->cfg->registration.by_host)
        r = registrations_by_host(all, &flow->remote);
    return r;
}

struct registration *route_target(const struct proxy *proxy, const char *token, const sip_t *sip)
{
    const struct registrations *all = registrar_all(proxy->registrar);
    struct registration *r = token[0] ? registrations_by_token(all, token) : NULL;
    su_home_t home[1] = {SU_HOME_INIT(home)};
    if (r || token[0])
        return r;
    su_home_init(home);
    const char *uri = url_as_string(home, sip->sip_request->rq_url);
    if (uri && !(r = registrations_by_contact(all, uri)))
        r = registrations_by_impu(all, uri);
    su_home_deinit(home);
    return r;
}

struct registration *route_party(const struct session *session)
{
    return (struct registration *)session_ue(session); // what request.c has put there
}

enum reason route_lost(const struct registration *r)
{
    return registration_outbound(r) ? REASON_FLOW_FAILED : REASON_NO_FLOW;
}

static struct locate_question next_hop_question(const struct config *cfg)
{
    struct locate_question q = {.port = cfg->next_hop_port,
                                .transport = cfg->next_hop_tcp ? LOCATE_TCP : LOCATE_ANY};
    snprintf(q.host, sizeof(q.host), "%s", cfg->next_hop_name);
    return q;
}

struct locate_question route_question(const struct proxy *proxy, const url_t *url)
{
    struct locate_question q = {.host = ""};
    char transport[8] = "";
    struct addr literal;
    if (!url || url->url_type != url_sip || !url->url_host || route_is_own(proxy, url) ||
        strlen(url->url_host) >= sizeof(q.host) || addr_parse(&literal, url->url_host, 0) == 0)
        return q;
    snprintf(q.host, sizeof(q.host), "%s", url->url_host);
    q.port = url->url_port ? (uint16_t)strtoul(url->url_port, NULL, 10) : 0;
    if (url_param(url->url_params, "transport", transport, sizeof(transport)) > 0)
        q.transport = strcasecmp(transport, "tcp") == 0   ? LOCATE_TCP
                      : strcasecmp(transport, "udp") == 0 ? LOCATE_UDP
                                                          : LOCATE_ANY;
    return q;
}

// A request outside a dialog.
static struct hop first_hop(const struct proxy *proxy, enum side from, const sip_t *sip,
                            struct locate_question *question)
{
    const struct config *cfg = proxy->cfg;
    const url_t *target = sip->sip_request->rq_url;
    if (from == SIDE_ACCESS && addr_is_set(&cfg->next_hop))
        return (struct hop){.addr = cfg->next_hop, .tcp = cfg->next_hop_tcp};
    if (from == SIDE_ACCESS)
        *question = cfg->next_hop_name[0] ? next_hop_question(cfg) : route_question(proxy, target);
    if (question->host[0])
        return (struct hop){.tcp = false};
    if (from == SIDE_CORE) {
        const struct config_ue *ue = configured_ue(proxy, target);
        if (ue && addr_is_set(&ue->contact))
            return (struct hop){.addr = ue->contact, .tcp = message_hop(target).tcp};
    }
    struct hop hop = message_hop(target);
    return route_is_own(proxy, target) ? (struct hop){0} : hop;
}

struct hop route_into_core(const struct proxy *proxy, const sip_t *sip,
                           struct locate_question *question)
{
    *question = (struct locate_question){.host = ""};
    return first_hop(proxy, SIDE_ACCESS, sip, question);
}

struct hop route_next(const struct forward *f, const sip_t *sip, struct locate_question *question)
{
    struct locate_question named = {.host = ""};
    *question = named;
    const struct session *session = f->session;
    if (goes_by_flow(f)) { // whatever the Request-URI says (TS 24.229 5.2.6.4.3)
        const struct flow *flow = registration_flow(f->registration);
        return (struct hop){.addr = flow->remote, .tcp = flow->transport != FLOW_UDP, .flow = true};
    }
    if (sip->sip_route) {
        struct hop hop = message_hop(sip->sip_route->r_url);
        if (addr_is_set(&hop.addr))
            return hop;
        if (f->from == SIDE_ACCESS)
            named = route_question(f->proxy, sip->sip_route->r_url);
    }
    bool in_dialog = session && sip->sip_to && sip->sip_to->a_tag;
    if (!in_dialog) {
        struct hop hop = first_hop(f->proxy, f->from, sip, question);
        if (named.host[0])
            *question = named;
        return hop;
    }
    const struct party *party = session_party(session, side_other(f->from));
    struct hop flow = {.addr = party->hop, .tcp = party->tcp, .flow = f->from == SIDE_CORE};
    if (f->from == SIDE_CORE)
        return flow; // a UE is reached where it called from, whatever its Contact says
    *question = named.host[0] ? named : route_question(f->proxy, sip->sip_request->rq_url);
    struct hop target = message_hop(sip->sip_request->rq_url);
    return addr_is_set(&target.addr) ? target : flow;
}

const char *route_own_uri(const struct listen *listen, const char *token, bool tcp,
                          char buf[static ROUTE_URI_MAX])
{
    snprintf(buf, ROUTE_URI_MAX, "sip:%s@%s:%s%s;lr", token, listen->host, listen->port,
             listen->tls ? ";transport=tls"
             : tcp       ? ";transport=tcp"
                         : "");
    return buf;
}

const char *route_dialog(const struct forward *f)
{
    return f->session ? session_token(f->session) : f->dialog;
}

const char *route_path(const struct proxy *proxy, const char *token, char buf[static ROUTE_URI_MAX])
{
    const struct listen *core = proxy->listen;
    while (core->side != SIDE_CORE) // there is one always
        core++;
    return route_own_uri(core, token, false, buf);
}

unsigned route_mediasec(const struct forward *f, const sip_t *sip)
{
    const struct config *cfg = f->proxy->cfg;
    const url_t *ue_uri = f->from == SIDE_ACCESS ? (sip->sip_from ? sip->sip_from->a_url : NULL)
                                                 : sip->sip_request->rq_url;
    const struct config_ue *ue = configured_ue(f->proxy, ue_uri);
    if (ue && ue->decided)
        return cfg->mediasec & ue->mediasec;
    return cfg->mediasec &
           (f->registration ? registration_mediasec(f->registration) : cfg->mediasec_unregistered);
}
