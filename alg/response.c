// SPDX-License-Identifier: GPL-3.0-or-later
// Response: back through the forward of its request, its session and the body; a 2xx that comes
// when its transaction is over goes by the session alone.
//
// Failure paths: a next hop that cannot be reached becomes 500; a 2xx whose body is unusable is
// acknowledged and ended by BYE while the caller gets the error.
#include "alg/proxy_internal.h"
#include "alg/wire.h"

#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

// An INVITE that comes again after its 2xx is no new one (RFC 6026 7.1).
static void remember_accepted(struct forward *f)
{
    msg_t *request = nta_incoming_getrequest(f->irq);
    char *key = request ? message_transaction(sip_object(request)) : NULL;
    if (key)
        accepted_add(f->proxy->accepted, key, clock_now_us());
    free(key);
    if (request)
        msg_destroy(request);
}

// A 503 speaks of the next hop, not of us (RFC 3261 16.7 item 6).
static void take_blame(struct forward *f, msg_t *msg, sip_t *sip)
{
    if (sip->sip_status->st_status != 503 || message_set_status(msg, sip, 500))
        return;
    if (f->session)
        session_field_changed(f->session, "SIP/2.0 503", "SIP/2.0 500", "RFC 3261 16.7");
}

static void pass_back(struct forward *f, msg_t *msg, sip_t *sip)
{
    if (f->id.kind == SIP_INVITE && sip->sip_status->st_status / 100 == 2)
        remember_accepted(f);
    take_blame(f, msg, sip);
    struct wire wire = wire_hold(msg);
    sip_via_remove(msg, sip);
    nta_incoming_mreply(f->irq, msg);
    registrar_sent(f, SIDE_ACCESS, &wire);
    wire_sent(f->proxy, f->session, f->from, &wire, NULL);
}

// The far end's 2xx is not passed on: it is acknowledged and ended (RFC 3261 13.2.2.4), or the
// early dialog cancelled.
static void end_far_side(struct forward *f, int status, enum reason reason)
{
    enum side far = side_other(f->from);
    if (f->id.kind != SIP_INVITE || !f->session)
        return;
    if (status >= 200) {
        release_ack(f->proxy, f->session, far, f->id.cseq);
        if (f->id.initial)
            release_send_bye(f->proxy, f->session, far, reason);
    } else {
        release_cancel(f, reason);
    }
}

// A UE gives back the Record-Route it was sent; what it made of it is put right before anybody
// looks (TS 24.229 5.2.6.4.4).
static void restore_record_route(struct forward *f, msg_t *msg, sip_t *sip, struct sip_facts *facts,
                                 su_home_t *home)
{
    bool due = f->from == SIDE_CORE && f->opens_dialog && !f->in_dialog && facts->to_tag &&
               facts->status < 300;
    msg_t *request = due ? nta_outgoing_getrequest(f->orq) : NULL;
    if (!request)
        return;
    const sip_record_route_t *sent = sip_object(request)->sip_record_route;
    sip_record_route_t *right = sip_record_route_dup(msg_home(msg), sent);
    if (right && !message_same_routes(sent, sip->sip_record_route)) {
        if (f->session)
            session_field_changed(
                f->session, message_routes_line("Record-Route", sip->sip_record_route, home),
                message_routes_line("Record-Route", sent, home), "TS 24.229 5.2.6.4.4");
        while (sip->sip_record_route)
            sip_header_remove(msg, sip, (sip_header_t *)sip->sip_record_route);
        sip_header_insert(msg, sip, (sip_header_t *)right);
        message_record_routes(sip, home, facts);
    }
    msg_destroy(request);
}

// A UE of the configuration was connected to: from now on that is its connection.
static void note_connection(struct forward *f, msg_t *received)
{
    struct flow flow = {.transport = FLOW_TCP, .remote = f->hop.addr};
    if (f->from != SIDE_CORE || !f->hop.tcp || f->hop.connection)
        return;
    tport_t *transport = tport_delivered_by(nta_agent_tports(f->proxy->agent), received);
    flow.listen = (unsigned)(f->exit - f->proxy->listen);
    if (transport && tport_is_secondary(transport))
        connections_note(f->proxy->connections, transport, &flow);
}

static void pass_response(struct forward *f, msg_t *received)
{
    msg_t *msg = msg_copy(received);
    if (!msg)
        return;
    su_home_t scratch[1] = {SU_HOME_INIT(scratch)};
    sip_t *sip = sip_object(msg);
    struct sip_facts facts;
    struct exchange_verdict verdict = {0};
    note_connection(f, received);
    message_facts(received, sip_object(received), scratch, &facts);
    wire_read(f->proxy, received, scratch, &facts);
    wire_received(f->proxy, f->session, side_other(f->from), &facts);
    restore_record_route(f, msg, sip, &facts, scratch);
    if (f->session)
        session_response(f->session, &f->id, &facts, &verdict);
    if (verdict.reason == REASON_NONE && verdict.body &&
        message_set_body(msg, sip, verdict.body, verdict.body_len))
        verdict.reason = REASON_INTERNAL;
    free(verdict.body);
    if (verdict.reason == REASON_NONE)
        verdict.reason = f->registering
                             ? registrar_response(f->proxy->registrar, f, &facts, msg, sip)
                             : boundary_cross(f, side_other(f->from), msg, sip);
    if (verdict.reason != REASON_NONE) {
        msg_destroy(msg);
        end_far_side(f, facts.status, verdict.reason);
        proxy_refuse(f, verdict.reason, verdict.error);
    } else if (!f->irq) { // we have answered already: the session failed meanwhile
        msg_destroy(msg);
        if (facts.status >= 200 && facts.status < 300)
            end_far_side(f, facts.status, REASON_INTERNAL);
    } else {
        pass_back(f, msg, sip);
    }
    su_home_deinit(scratch);
}

// Why nothing came back. A flow of TCP cannot be opened again from here (RFC 5626 5.3).
static enum reason why_silent(struct forward *f, int status)
{
    if (f->registering)
        return REASON_REGISTRAR_DOWN;
    if (status == 503 && f->from == SIDE_CORE && f->registration)
        return route_lost(f->registration);
    return status == 503 ? REASON_NEXT_HOP_DOWN : REASON_NONE;
}

// The stack's own finals: a timeout or a next hop that cannot be reached (RFC 3261 16.7, 16.9).
static void local_final(struct forward *f, int status)
{
    enum reason reason = why_silent(f, status);
    if (f->registering)
        registrar_unanswered(f->proxy->registrar, f);
    if (f->session)
        session_local_final(f->session, &f->id, status);
    if (reason != REASON_NONE) {
        reason_count(reason);
        proxy_refuse(f, reason, "");
    } else {
        proxy_answer(f, status, NULL, NULL);
    }
}

// A place of the next hop that is of no use (RFC 3263 4.3).
static bool has_failed(int status, bool internal)
{
    return status == 503 || (internal && status == 408);
}

int response_received(struct forward *f, nta_outgoing_t *orq, sip_t const *sip)
{
    int status = sip && sip->sip_status ? sip->sip_status->st_status : 408;
    if (f && status < 200) {
        f->answered = true;
        cancel_may_leave(f);
    }
    if (!f || status == 100)
        return 0;
    msg_t *received = nta_outgoing_getresponse(orq);
    bool internal = !received || nta_msg_is_internal(received);
    bool gone_on = has_failed(status, internal) && place_try_next(f);
    if (!gone_on && internal)
        local_final(f, status);
    else if (!gone_on)
        pass_response(f, received);
    if (received)
        msg_destroy(received);
    if (gone_on)
        return 0;
    if (status >= 200) {
        if (f->irq)
            proxy_done_upstream(f);
        if (f->orq)
            proxy_done_downstream(f);
        proxy_forward_settle(f);
    }
    return 0;
}

// --- outside transactions ---------------------------------------------------------------------

static struct session *session_of_response(struct proxy *proxy, const sip_t *sip)
{
    for (const sip_record_route_t *r = sip->sip_record_route; r; r = r->r_next)
        if (r->r_url->url_user && route_is_own(proxy, r->r_url))
            return sessions_find(proxy->sessions, r->r_url->url_user);
    return NULL;
}

// Gives a 2xx outside its transaction the body it carried before (REQ-122), or that of another
// branch (RFC 3261 13.2.2.4).
static bool complete_stray(struct proxy *proxy, struct session *s, msg_t *msg, sip_t *sip)
{
    su_home_t scratch[1] = {SU_HOME_INIT(scratch)};
    struct sip_facts facts;
    struct exchange_verdict verdict;
    message_facts(msg, sip, scratch, &facts);
    const struct listen *in = route_arrival(proxy, msg);
    session_late_answer(s, &facts, &verdict);
    bool complete = in && verdict.reason == REASON_NONE &&
                    !(facts.body && message_set_body(msg, sip, verdict.body, strlen(verdict.body)));
    free(verdict.body);
    su_home_deinit(scratch);
    return complete && boundary_cross_again(proxy, s, in->side, msg, sip) == REASON_NONE;
}

// What the stack cannot match is dropped, but for the 2xx of a session that stands.
void response_stray(struct proxy *proxy, msg_t *msg, sip_t *sip)
{
    bool late_2xx = sip && sip->sip_status && sip->sip_status->st_status / 100 == 2 &&
                    sip->sip_cseq && sip->sip_cseq->cs_method == sip_method_invite &&
                    sip->sip_via && sip->sip_via->v_next;
    struct session *s = late_2xx ? session_of_response(proxy, sip) : NULL;
    if (!s || session_ended(s) || !complete_stray(proxy, s, msg, sip)) {
        nta_msg_discard(proxy->agent, msg);
        return;
    }
    struct wire wire = wire_hold(msg);
    nta_msg_tsend(proxy->agent, msg, NULL, TAG_END());
    wire_sent_aside(proxy, s, session_caller(s), &wire);
}
