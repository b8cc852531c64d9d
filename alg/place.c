// SPDX-License-Identifier: GPL-3.0-or-later
// Places of a name: what a request needs to know of the core when its next hop is a name. The first
// place is tried; when nothing answers there, the next one (RFC 3263 4.3), with a new branch and
// our Record-Route entry as it is there.
//
// Failure paths: without a further place, or without memory, the failure stands.
#include "alg/proxy_internal.h"
#include "alg/wire.h"

#include <stdlib.h>
#include <string.h>

// Copies what is known of a name to the hop and the forward. False: nothing is known.
bool place_find(struct forward *f, const struct locate_question *question, struct hop *hop)
{
    struct locate_answer answer;
    if (!locator_find(f->proxy->locator, question, &answer) || answer.count == 0)
        return false;
    *hop = (struct hop){.addr = answer.target[0].addr, .tcp = answer.target[0].tcp};
    free(f->places);
    f->places = answer.count > 1 ? malloc(sizeof(*f->places)) : NULL;
    f->place = 0;
    if (f->places)
        *f->places = answer;
    return true;
}

bool place_known(const struct proxy *proxy, const struct locate_question *question, struct hop *hop)
{
    struct locate_answer answer;
    if (!question->host[0] || !locator_find(proxy->locator, question, &answer) || answer.count == 0)
        return false;
    *hop = (struct hop){.addr = answer.target[0].addr, .tcp = answer.target[0].tcp};
    return true;
}

// The next place that can be reached from here; NULL: there is none.
static const struct listen *next_place(struct forward *f, struct hop *hop)
{
    const struct listen *out = NULL;
    while (!out && f->places && f->place + 1 < f->places->count) {
        const struct locate_target *target = &f->places->target[++f->place];
        *hop = (struct hop){.addr = target->addr, .tcp = target->tcp};
        out = route_departure(f->proxy, side_other(f->from), &hop->addr);
    }
    return out;
}

// The request as it was sent, without our Via, with the Record-Route entry of its new exit.
static msg_t *sent_request(const struct forward *f, const struct hop *hop, const struct listen *out)
{
    msg_t *sent = nta_outgoing_getrequest(f->orq), *msg = sent ? msg_copy(sent) : NULL;
    sip_t *sip = msg ? sip_object(msg) : NULL;
    char uri[ROUTE_URI_MAX];
    if (sent)
        msg_destroy(sent);
    if (!sip)
        return NULL;
    sip_via_remove(msg, sip);
    if (!f->opens_dialog || !sip->sip_record_route)
        return msg;
    sip_header_remove(msg, sip, (sip_header_t *)sip->sip_record_route);
    if (message_add_record_route(msg, sip, route_own_uri(out, route_dialog(f), hop->tcp, uri)) == 0)
        return msg;
    msg_destroy(msg);
    return NULL;
}

bool place_try_next(struct forward *f)
{
    struct hop hop;
    if (f->answered || f->cancelled || !f->irq)
        return false;
    const struct listen *out = next_place(f, &hop);
    msg_t *msg = out ? sent_request(f, &hop, out) : NULL;
    if (!msg)
        return false;
    struct wire wire = wire_hold(msg);
    nta_outgoing_t *failed = f->orq;
    if (!proxy_send(f, msg, &hop, out)) {
        wire_drop(&wire);
        msg_destroy(msg);
        f->orq = failed;
        return false;
    }
    nta_outgoing_destroy(failed);
    if (f->session)
        session_set_hop(f->session, side_other(f->from), &hop.addr, hop.tcp);
    wire_sent(f->proxy, f->session, side_other(f->from), &wire, "RFC 3263 4.3");
    return true;
}
