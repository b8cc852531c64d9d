// SPDX-License-Identifier: GPL-3.0-or-later
// Requests of the P-CSCF's own: a BYE is built per side as the other party would build it
// (TS 24.229 5.2.8.1.2), sent over the route set that lies beyond us, and forgotten with its final
// response. A request that cannot be built or sent is logged; the other side is served all the
// same.
#include "alg/header.h"
#include "alg/proxy_internal.h"
#include "alg/wire.h"

#include "common/log.h"
#include "common/strbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static url_t *parse_uri(su_home_t *home, const char *uri)
{
    return uri ? url_hdup(home, (const url_t *)uri) : NULL;
}

// The flow of a UE that has registered may be another one by now.
static struct hop hop_by_flow(const struct registration *r)
{
    const struct flow *flow = registration_flow(r);
    return (struct hop){.addr = flow->remote, .tcp = flow->transport != FLOW_UDP, .flow = true};
}

// The nearest entry of the route set, else the remote target; a UE is reached where it has
// registered, or called from.
static struct own_way way_to(const struct proxy *proxy, const struct session *s, enum side side,
                             su_home_t *home)
{
    const struct party *to = session_party(s, side);
    struct own_way way = {.to = side,
                          .hop = {.addr = to->hop, .tcp = to->tcp, .flow = side == SIDE_ACCESS}};
    if (side == SIDE_ACCESS && route_party(s))
        way.hop = hop_by_flow(route_party(s));
    if (side == SIDE_ACCESS && (route_party(s) || !to->route_count))
        return way;
    const url_t *url = parse_uri(home, to->route_count ? to->route[0] : to->contact);
    struct hop literal = message_hop(url);
    if (addr_is_set(&literal.addr))
        way.hop = literal;
    if (side == SIDE_CORE)
        way.question = route_question(proxy, url);
    return way;
}

static char *route_set(const struct party *to)
{
    struct strbuf text = STRBUF_INIT;
    for (unsigned i = 0; i < to->route_count; i++)
        strbuf_printf(&text, "%s<%s>", i ? ", " : "", to->route[i]);
    return strbuf_take(&text);
}

// extra: one more header line, or NULL.
static msg_t *build(struct proxy *proxy, const struct session *s, enum side to, sip_method_t method,
                    uint32_t cseq, const char *extra)
{
    const struct party *from = session_party(s, side_other(to)), *target = session_party(s, to);
    const char *name = method == sip_method_ack ? "ACK" : "BYE";
    msg_t *msg = nta_msg_create(proxy->agent, 0);
    char *routes = route_set(target);
    if (!msg || !routes)
        goto fail;
    sip_t *sip = sip_object(msg);
    su_home_t *home = msg_home(msg);
    url_t *uri = parse_uri(home, target->contact);
    if (!uri || sip_add_tl(msg, sip, TAG_IF(routes[0], SIPTAG_ROUTE_STR(routes)),
                           SIPTAG_FROM_STR(from->name), SIPTAG_TO_STR(target->name),
                           SIPTAG_CALL_ID_STR(session_call_id(s)), SIPTAG_MAX_FORWARDS_STR("70"),
                           TAG_IF(extra, SIPTAG_HEADER_STR(extra)), TAG_END()) < 0)
        goto fail;
    sip_header_t *line =
        (sip_header_t *)sip_request_create(home, method, name, (url_string_t *)uri, NULL);
    sip_header_t *count = (sip_header_t *)sip_cseq_create(home, cseq, method, name);
    if (!line || !count || sip_header_insert(msg, sip, line) < 0 ||
        sip_header_insert(msg, sip, count) < 0)
        goto fail;
    free(routes);
    return msg;
fail:
    free(routes);
    msg_destroy(msg);
    return NULL;
}

// Goes with every request of the dialog towards the core, ours included (TS 24.229 5.2.6.3.9).
static void charge(const struct proxy *proxy, struct session *s, enum side to, msg_t *msg)
{
    char value[CHARGING_STRLEN];
    if (to != SIDE_CORE)
        return;
    charging_print(&session_policy(s)->charging, proxy->cfg->network.domain, NULL, value);
    if (header_add(msg, sip_object(msg), "P-Charging-Vector", value))
        log_error("proxy", "no memory for P-Charging-Vector in a request of ours");
}

void release_send_bye(void *arg, struct session *s, enum side to, enum reason reason)
{
    struct proxy *proxy = arg;
    int status = reason_status(reason);
    char extra[256];
    snprintf(extra, sizeof(extra), "Reason: SIP;cause=%d;text=\"%s\"", status ? status : 503,
             reason_text(reason));
    uint32_t cseq = session_party(s, side_other(to))->cseq + 1;
    msg_t *msg = build(proxy, s, to, sip_method_bye, cseq, extra);
    if (!msg) {
        log_error("proxy", "no BYE to the %s side: its remote target is not known", side_name(to));
        return;
    }
    charge(proxy, s, to, msg);
    struct own_way way = way_to(proxy, s, to, msg_home(msg));
    if (own_send(proxy, s, msg, &way, NULL, extra))
        log_error("proxy", "no way to send a BYE to the %s side", side_name(to));
}

void release_ack(struct proxy *proxy, struct session *s, enum side to, uint32_t cseq)
{
    msg_t *msg = build(proxy, s, to, sip_method_ack, cseq, NULL);
    if (!msg)
        return;
    charge(proxy, s, to, msg);
    struct own_way way = way_to(proxy, s, to, msg_home(msg));
    struct hop hop = way.hop;
    (void)place_known(proxy, &way.question, &hop);
    const struct listen *out = route_exit_to(proxy, session_party(s, to), to, &hop);
    if (!out) {
        msg_destroy(msg);
        return;
    }
    char url[MESSAGE_HOP_STRLEN];
    struct wire wire = wire_hold(msg);
    nta_msg_tsend(proxy->agent, msg, (url_string_t *)message_hop_url(&hop, url),
                  TPTAG_IDENT(out->ident), TAG_IF(hop.connection, NTATAG_TPORT(hop.connection)),
                  TAG_END());
    wire_sent(proxy, s, to, &wire, NULL);
}

void release_cancel(struct forward *f, enum reason reason)
{
    char extra[256];
    // "SIP;cause=503" is what TS 24.229 5.2.8.1.1 asks for when resources are lost
    snprintf(extra, sizeof(extra), "Reason: SIP;cause=503;text=\"%s\"", reason_text(reason));
    cancel_downstream(f, extra);
}

// What is lost is no fault of the INVITE: whatever status its reason has in an answer to an offer,
// here the caller gets a 5xx (PCSCF-080).
void release_fail_early(void *arg, struct session *s, enum reason reason)
{
    struct forward *f = session_user(s);
    int status = reason_status(reason);
    if (!f)
        return;
    release_cancel(f, reason);
    proxy_answer(f, status / 100 == 5 ? status : 500, reason_text(reason), NULL);
}
