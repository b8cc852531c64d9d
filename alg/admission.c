// SPDX-License-Identifier: GPL-3.0-or-later
// Who may send what (TS 24.229 5.2.6.3, 5.2.10, TS 33.210): the trust list of the core, the bound
// on requests under way, the parties of a dialog, the route a UE has to take, and emergency
// requests.
//
// Failure paths: each check says for which reason a request is refused; without memory it is
// refused with INTERNAL.
#include "alg/proxy_internal.h"

#include "common/clock.h"

#include <string.h>
#include <strings.h>

// Whoever was told that it is over has this long to read that, and to close (RFC 3261 18.3).
#define CLOSING_MS 1000

// The listening point it came to; NULL: none towards UEs.
static const struct listen *access_at(const struct proxy *proxy, const struct addr *local)
{
    for (unsigned i = 0; i < proxy->listen_count; i++)
        if (proxy->listen[i].side == SIDE_ACCESS && addr_equal(&proxy->listen[i].addr, local))
            return &proxy->listen[i];
    return NULL;
}

// Nobody is registered on it, nobody has a call, and no message has come for long.
static bool is_stranger(struct proxy *proxy, const struct listen *in, const struct guest *guest)
{
    struct flow flow = {.transport = in->tls ? FLOW_TLS : FLOW_TCP, .remote = guest->remote};
    uint64_t heard_ms = connections_heard_ms(proxy->connections, &guest->remote);
    uint64_t since_ms = heard_ms > guest->opened_ms ? heard_ms : guest->opened_ms;
    if (clock_now_us() / 1000 < since_ms + proxy->cfg->sip.stranger_s * 1000ull ||
        registrations_by_flow(registrar_all(proxy->registrar), &flow))
        return false;
    if (!proxy->sessions || !sessions_any_at(proxy->sessions, &guest->remote))
        return true;
    connections_touch(proxy->connections, &guest->remote); // and all are not looked at so soon
    return false;
}

enum reason admission_guest(void *arg, const struct guest *guest)
{
    struct proxy *proxy = arg;
    const struct listen *in = access_at(proxy, &guest->local);
    if (guest->ended && guest->unsent_ms > CLOSING_MS)
        return REASON_CONNECTION_ENDED;
    if (guest->silent_ms > proxy->cfg->sip.idle_s * 1000ull)
        return REASON_CONNECTION_IDLE;
    return in && is_stranger(proxy, in, guest) ? REASON_CONNECTION_STRANGER : REASON_NONE;
}

enum reason admission_source(const struct proxy *proxy, enum side from,
                             const struct sip_facts *facts)
{
    const struct config *cfg = proxy->cfg;
    bool trusted = from == SIDE_ACCESS || cfg->trusted_count == 0;
    for (size_t i = 0; i < cfg->trusted_count && !trusted; i++)
        trusted = addr_in_prefix(&facts->source, &cfg->trusted[i]);
    if (!trusted)
        return REASON_UNTRUSTED_SOURCE;
    // those of dialogs, which free what is held, have as many again; anybody can write a To tag
    unsigned max = cfg->sip.requests_max * (facts->to_tag ? 2 : 1);
    return proxy->forward_count > max ? REASON_OVERLOAD : REASON_NONE;
}

// Without a registration the address of the caller or callee is all there is to go by.
static bool same_user(const struct forward *f, const struct sip_facts *facts)
{
    const struct registration *party = route_party(f->session);
    if (!party)
        return addr_equal_host(&facts->source, &session_party(f->session, SIDE_ACCESS)->hop);
    return f->registration &&
           strcmp(registration_impi(f->registration), registration_impi(party)) == 0;
}

enum reason admission_party(const struct forward *f, const struct sip_facts *facts)
{
    bool concerned = f->from == SIDE_ACCESS && f->session && f->in_dialog;
    return concerned && !same_user(f, facts) ? REASON_NOT_A_PARTY : REASON_NONE;
}

// --- the route of a UE ------------------------------------------------------------------------

// Entries with or without brackets, as one list.
static sip_route_t *parse(su_home_t *home, const char *const *entries, unsigned count)
{
    sip_route_t *list = NULL, **end = &list;
    for (unsigned i = 0; i < count; i++) {
        *end = sip_route_format(home, entries[i][0] == '<' ? "%s" : "<%s>", entries[i]);
        if (!*end)
            return NULL;
        end = &(*end)->r_next;
    }
    return list;
}

// A list is put in whole; the old one goes.
static enum reason put_route(msg_t *msg, sip_t *sip, const sip_route_t *right,
                             struct admission_change *change, su_home_t *home)
{
    change->before = message_routes_line("Route", sip->sip_route, home);
    change->after = message_routes_line("Route", right, home);
    sip_route_t *copy = sip_route_dup(msg_home(msg), right);
    while (sip->sip_route)
        sip_route_remove(msg, sip);
    return copy && sip_header_insert(msg, sip, (sip_header_t *)copy) >= 0 ? REASON_NONE
                                                                          : REASON_INTERNAL;
}

static enum reason enforce(const struct forward *f, msg_t *msg, sip_t *sip,
                           const sip_route_t *right, struct admission_change *change,
                           su_home_t *home)
{
    if (!right)
        return REASON_INTERNAL;
    if (message_same_routes(sip->sip_route, right))
        return REASON_NONE;
    if (sip->sip_route && f->proxy->cfg->registration.route == ROUTE_STRICT)
        return REASON_ROUTE_MISMATCH;
    return put_route(msg, sip, right, change, home);
}

// The route set of the dialog is known once it is confirmed, and only for the branch that was; a
// strict router in it leaves no rest to compare.
static bool route_set_known(const struct forward *f, const struct sip_facts *facts)
{
    const struct party *core = session_party(f->session, SIDE_CORE);
    if (!session_in_dialog(f->session, facts) || core->route_count == 0)
        return false;
    for (unsigned i = 0; i < core->route_count; i++)
        if (!strstr(core->route[i], ";lr"))
            return false;
    return true;
}

enum reason admission_route(const struct forward *f, const struct sip_facts *facts, msg_t *msg,
                            sip_t *sip, struct admission_change *change, su_home_t *home)
{
    unsigned count = 0;
    if (f->from != SIDE_ACCESS || !f->registration ||
        f->proxy->cfg->registration.route == ROUTE_OFF ||
        sip->sip_cseq->cs_method == sip_method_register || admission_is_emergency(sip))
        return REASON_NONE;
    if (f->session && f->in_dialog) {
        const struct party *core = session_party(f->session, SIDE_CORE);
        change->clause = "TS 24.229 5.2.6.3.5";
        if (!route_set_known(f, facts))
            return REASON_NONE;
        return enforce(f, msg, sip,
                       parse(home, (const char *const *)core->route, core->route_count), change,
                       home);
    }
    const char *const *route = registration_service_route(f->registration, &count);
    change->clause = "TS 24.229 5.2.6.3.3";
    if (f->in_dialog || count == 0)
        return REASON_NONE;
    return enforce(f, msg, sip, parse(home, route, count), change, home);
}

// --- emergency --------------------------------------------------------------------------------

// urn:service:sos, urn:service:sos.fire ... (RFC 5031), as the SIP library cuts it.
bool admission_is_emergency(const sip_t *sip)
{
    const url_t *target = sip->sip_request->rq_url;
    return target->url_scheme && strcasecmp(target->url_scheme, "urn") == 0 && target->url_host &&
           strcasecmp(target->url_host, "service") == 0 && target->url_port &&
           strncasecmp(target->url_port, "sos", 3) == 0 &&
           (target->url_port[3] == '\0' || target->url_port[3] == '.');
}

enum reason admission_emergency(const struct forward *f, msg_t *msg, sip_t *sip,
                                struct admission_change *change, su_home_t *home)
{
    const char *psap = f->proxy->cfg->emergency.psap;
    if (f->from != SIDE_ACCESS || f->in_dialog || !admission_is_emergency(sip))
        return REASON_NONE;
    if (strcmp(psap, "403") == 0)
        return REASON_EMERGENCY_REFUSED;
    if (strcmp(psap, "380") == 0)
        return REASON_EMERGENCY_ELSEWHERE;
    change->clause = "TS 24.229 5.2.10";
    const char *route = su_sprintf(home, "<%s;lr>", psap);
    return route ? put_route(msg, sip, parse(home, &route, 1), change, home) : REASON_INTERNAL;
}

const char admission_alternative[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
    "<ims-3gpp version=\"1\"><alternative-service><type>emergency</type>"
    "<reason>Emergency calls are not served by this network</reason>"
    "</alternative-service></ims-3gpp>\r\n";
