// SPDX-License-Identifier: GPL-3.0-or-later
// Request: listening point -> checks -> session (opened by an INVITE, else found by the token in
// our Route entry) -> its verdict on the body -> copied, edited, sent on from the other side.
//
// Failure paths: what cannot be served is answered with the status of its reason; ACKs that belong
// nowhere are dropped.
#include "alg/proxy_internal.h"
#include "alg/wire.h"

#include "alg/regevent.h"
#include "common/clock.h"
#include "common/log.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

// One request on its way through: what every step below needs.
struct passage {
    struct proxy *proxy;
    const struct listen *in;
    struct forward *f;
    msg_t *msg; // our copy
    sip_t *sip;
    struct sip_facts facts;
    struct exchange_verdict verdict;
    struct admission_change change; // of its route
    su_home_t *scratch;
    struct wire trying; // 100, sent before anything else was done
    bool tapped;
    bool waits; // for the address of its next hop
    bool asked; // it was asked for, with this result
    enum reason found;
    struct locate_question question;
    char token[64];
};

// Checks of RFC 3261 16.3 that need no session.
static enum reason reasonable(struct passage *p, const char **text)
{
    *text = "";
    if (!p->sip->sip_from || !p->sip->sip_to || !p->sip->sip_call_id || !p->sip->sip_cseq)
        return REASON_BAD_REQUEST;
    p->f->loop_hash = branch_hash(p->proxy->loop_secret, p->sip, p->in->side);
    if (branch_is_loop(p->f->loop_hash, p->sip))
        return REASON_LOOP;
    if (!message_count_hop(p->msg, p->sip))
        return REASON_TOO_MANY_HOPS;
    *text = message_unknown_extension(p->sip);
    if (*text && p->facts.kind != SIP_ACK)
        return REASON_BAD_EXTENSION;
    *text = "";
    if (message_is_encoded(p->sip))
        return REASON_BODY_ENCODED;
    return REASON_NONE;
}

// An OPTIONS to us asks whether we are there (RFC 3261 11).
static bool for_us(const struct passage *p)
{
    const url_t *target = p->sip->sip_request->rq_url;
    return strcmp(p->facts.method, "OPTIONS") == 0 && !target->url_user && !p->sip->sip_route &&
           route_is_own(p->proxy, target);
}

// An ACK that reaches this far answers a 2xx: it has no life outside a dialog.
static bool within_invite_dialog(const struct passage *p)
{
    return p->facts.kind == SIP_ACK || (p->facts.to_tag && p->facts.kind != SIP_OTHER);
}

static bool opens_dialog(const char *method)
{
    static const char *const methods[] = {"INVITE", "SUBSCRIBE", "REFER", "NOTIFY", "UPDATE"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}

static enum reason open_session(struct passage *p, struct hop next, const struct listen *out)
{
    enum side from = p->in->side;
    struct session_setup setup = {.caller = from, .mediasec = route_mediasec(p->f, p->sip)};
    setup.ue = p->f->registration;
    setup.confidential =
        from == SIDE_ACCESS
            ? p->in->tls
            : p->f->registration && flow_is_secure(registration_flow(p->f->registration));
    setup.hop[from] = p->facts.source;
    setup.tcp[from] = p->facts.tcp;
    setup.listen[from] = (unsigned)(p->in - p->proxy->listen);
    setup.hop[side_other(from)] = next.addr;
    setup.tcp[side_other(from)] = next.tcp;
    setup.listen[side_other(from)] = (unsigned)(out - p->proxy->listen);
    if (p->proxy->shutting_down)
        return REASON_SHUTDOWN;
    p->f->session = session_open(p->proxy->sessions, &setup, &p->facts);
    if (!p->f->session)
        return REASON_SESSION_LIMIT;
    session_set_user(p->f->session, p->f);
    return REASON_NONE;
}

static enum reason find_session(struct passage *p)
{
    struct session *s = p->token[0] ? sessions_find(p->proxy->sessions, p->token) : NULL;
    if (s && !session_ended(s)) {
        session_ref(s);
        p->f->session = s;
        return REASON_NONE;
    }
    return within_invite_dialog(p) ? REASON_NO_DIALOG : REASON_NONE;
}

static bool is_register(const struct passage *p)
{
    return p->in->side == SIDE_ACCESS && strcmp(p->facts.method, "REGISTER") == 0;
}

static bool may_send(const struct passage *p)
{
    return !p->proxy->cfg->registration.required || p->f->registration || p->f->session ||
           is_register(p) || admission_is_emergency(p->sip);
}

// Whose request it is, or whom it is for (TS 24.229 5.2.6.2). A UE counts by where its request
// comes from, never by what it says. A session ends before its registration does.
static enum reason find_registration(struct passage *p)
{
    struct forward *f = p->f;
    if (p->in->side == SIDE_ACCESS)
        f->registration = route_sender(p->proxy, &f->flow);
    else if (f->session)
        f->registration = route_party(f->session);
    else
        f->registration = route_target(p->proxy, p->token, p->sip);
    if (f->registration)
        registration_ref(f->registration);
    if (p->in->side == SIDE_ACCESS)
        return may_send(p) ? REASON_NONE : REASON_NOT_REGISTERED;
    if (f->registration && registration_flow_lost(f->registration))
        return route_lost(f->registration);
    bool nobody = p->token[0] && !f->session && !f->registration && !p->facts.to_tag;
    return nobody ? REASON_PATH_UNKNOWN : REASON_NONE;
}

// Once, when it is known whose the request is: the request, and the 100 that was sent for it.
static void tap(struct passage *p)
{
    if (p->tapped)
        return;
    p->tapped = true;
    wire_received(p->proxy, p->f->session, p->in->side, &p->facts);
    wire_sent_aside(p->proxy, p->f->session, p->in->side, &p->trying);
}

// What the session makes of the body, put into our copy.
static enum reason let_session_see(struct passage *p)
{
    struct forward *f = p->f;
    f->id = (struct exchange_request){
        .kind = p->facts.kind, .cseq = p->facts.cseq, .from = p->in->side};
    tap(p);
    if (!f->session)
        return REASON_NONE;
    if (p->in->side == SIDE_ACCESS && p->facts.tcp && f->in_dialog)
        session_moved(f->session, f->registration, &p->facts.source, f->flow.listen);
    if (p->change.after)
        session_field_changed(f->session, p->change.before, p->change.after, p->change.clause);
    session_request(f->session, p->in->side, &p->facts, &f->id, &p->verdict);
    if (p->verdict.reason == REASON_NONE && p->verdict.body &&
        message_set_body(p->msg, p->sip, p->verdict.body, p->verdict.body_len))
        p->verdict.reason = REASON_INTERNAL;
    free(p->verdict.body);
    p->verdict.body = NULL;
    return p->verdict.reason;
}

// Double Record-Route (RFC 5658): the incoming side first, the outgoing one on top of it.
static enum reason record_route(struct passage *p, const struct listen *out, bool out_tcp)
{
    if (!p->f->opens_dialog)
        return REASON_NONE;
    const char *token = route_dialog(p->f);
    char uri[ROUTE_URI_MAX];
    if (message_add_record_route(p->msg, p->sip, route_own_uri(p->in, token, p->facts.tcp, uri)) ||
        message_add_record_route(p->msg, p->sip, route_own_uri(out, token, out_tcp, uri)))
        return REASON_INTERNAL;
    return REASON_NONE;
}

// Hands our copy to the stack. False: it did not take it.
static bool hand_over(struct passage *p, const struct hop *next, const struct listen *out)
{
    char url[MESSAGE_HOP_STRLEN];
    if (p->facts.kind == SIP_ACK)
        nta_msg_tsend(p->proxy->agent, p->msg, (url_string_t *)message_hop_url(next, url),
                      TPTAG_IDENT(out->ident),
                      TAG_IF(next->connection, NTATAG_TPORT(next->connection)), TAG_END());
    else if (!proxy_send(p->f, p->msg, next, out))
        return false;
    p->msg = NULL;
    return true;
}

static enum reason send_on(struct passage *p, struct hop next, const struct listen *out)
{
    struct wire wire = wire_hold(p->msg);
    if (!hand_over(p, &next, out)) {
        wire_drop(&wire);
        return REASON_NEXT_HOP_DOWN;
    }
    registrar_sent(p->f, SIDE_CORE, &wire);
    wire_sent(p->proxy, p->f->session, side_other(p->in->side), &wire, NULL);
    return REASON_NONE;
}

// Whether the sender may send it, and by which way.
static enum reason admit(struct passage *p)
{
    enum reason reason = find_registration(p);
    if (reason == REASON_NONE)
        reason = admission_party(p->f, &p->facts);
    if (reason == REASON_NONE)
        reason = admission_route(p->f, &p->facts, p->msg, p->sip, &p->change, p->scratch);
    if (reason == REASON_NONE)
        reason = admission_emergency(p->f, p->msg, p->sip, &p->change, p->scratch);
    return reason;
}

// The next hop as an address. What is not known yet is asked for, once; then the request comes here
// again, from its beginning.
static enum reason locate(struct passage *p, struct hop *next)
{
    if (!p->question.host[0] || place_find(p->f, &p->question, next))
        return REASON_NONE;
    p->waits = !p->asked;
    if (p->waits || p->found == REASON_NONE)
        return REASON_NONE;
    if (!addr_is_set(&next->addr))
        return p->found;
    reason_count(REASON_NAME_BYPASSED);
    log_warn("proxy", "%s: %s", p->question.host, reason_text(REASON_NAME_BYPASSED));
    return REASON_NONE;
}

// From the copy to its next hop: whose it is, and where it goes.
static enum reason find_way(struct passage *p, const char **text, struct hop *next)
{
    enum reason reason = reasonable(p, text);
    if (reason != REASON_NONE)
        return reason;
    if (route_undo_strict(p->proxy, p->msg, p->sip))
        return REASON_INTERNAL;
    route_pop_own(p->proxy, p->msg, p->sip, p->token, sizeof(p->token));
    reason = p->facts.to_tag || within_invite_dialog(p) ? find_session(p) : REASON_NONE;
    if (reason == REASON_NONE)
        reason = admit(p);
    if (reason != REASON_NONE)
        return reason;
    *next = route_next(p->f, p->sip, &p->question);
    reason = locate(p, next);
    if (reason == REASON_NONE || !is_register(p))
        return reason;
    reason_count(reason); // why the home network cannot be reached
    return REASON_REGISTRAR_DOWN;
}

// What leaves or enters the core outside of sessions: what its dialog keeps goes with it.
static enum reason cross_boundary(struct passage *p)
{
    struct forward *f = p->f;
    if (f->session)
        return boundary_cross(f, p->in->side, p->msg, p->sip);
    if (f->in_dialog)
        snprintf(f->dialog, sizeof(f->dialog), "%s", p->token);
    else if (f->opens_dialog)
        dialogs_token(f->dialog);
    (void)dialogs_recall(p->proxy->dialogs, f->dialog, &f->policy);
    enum reason reason = boundary_cross(f, p->in->side, p->msg, p->sip);
    if (reason == REASON_NONE)
        dialogs_keep(p->proxy->dialogs, f->dialog, &f->policy);
    return reason;
}

// From the copy to the wire; a reason means that nothing was sent.
static enum reason pass(struct passage *p, const char **text)
{
    struct hop next;
    enum reason reason = find_way(p, text, &next);
    if (reason != REASON_NONE || p->waits)
        return reason;
    const struct listen *out = route_exit(p->f, &next);
    if (!out)
        return is_register(p) ? REASON_REGISTRAR_DOWN : route_missing(p->f, &next);
    if (p->facts.kind == SIP_INVITE && !p->facts.to_tag)
        reason = open_session(p, next, out);
    if (reason == REASON_NONE)
        reason = let_session_see(p);
    *text = p->verdict.error;
    if (reason == REASON_NONE)
        reason = is_register(p)
                     ? registrar_request(p->proxy->registrar, p->f, &p->facts, p->msg, p->sip, text)
                     : cross_boundary(p);
    if (reason == REASON_NONE)
        reason = record_route(p, out, next.tcp);
    if (reason == REASON_NONE && route_do_strict(p->msg, p->sip))
        reason = REASON_INTERNAL;
    return reason == REASON_NONE ? send_on(p, next, out) : reason;
}

// The UE believes it only when it names the P-CSCF as the Path of its registration did (TS
// 24.229 5.1.2A.1.1, 5.2.10).
static void refer_elsewhere(struct passage *p)
{
    char uri[ROUTE_URI_MAX], identity[ROUTE_URI_MAX + 32];
    const struct registration *r = p->f->registration;
    const char *token = r ? registration_token(r) : "pcscf";
    snprintf(identity, sizeof(identity), "P-Asserted-Identity: <%s%s>",
             route_path(p->proxy, token, uri), r && registration_outbound(r) ? ";ob" : "");
    proxy_answer_with(p->f, 380, NULL, identity, "application/3gpp-ims+xml", admission_alternative);
}

static void refuse(struct passage *p, enum reason reason, const char *text)
{
    struct forward *f = p->f;
    char detail[320];
    tap(p);
    if (p->verdict.reason != reason) // the session has counted its own
        reason_count(reason);
    bool said = strstr(text, reason_text(reason)) != NULL;
    log_info("proxy", "%s from the %s side refused: %s%s%s", p->facts.method,
             side_name(p->in->side), said ? "" : reason_text(reason), said || !text[0] ? "" : ": ",
             text);
    if (f->session && f->id.initial && !session_ended(f->session))
        session_local_final(f->session, &f->id, reason_status(reason));
    if (reason == REASON_BAD_EXTENSION) {
        snprintf(detail, sizeof(detail), "Unsupported: %s", text);
        proxy_answer(f, reason_status(reason), NULL, detail);
        return;
    }
    if (reason == REASON_NAME_LIMIT || reason == REASON_SHUTDOWN ||
        reason == REASON_SESSION_LIMIT || reason == REASON_OVERLOAD) {
        proxy_answer(f, reason_status(reason), reason_text(reason), "Retry-After: 10");
        return;
    }
    if (reason == REASON_EMERGENCY_ELSEWHERE) {
        refer_elsewhere(p);
        return;
    }
    proxy_refuse(f, reason, text);
}

static int on_cancel(struct forward *f, nta_incoming_t *irq, sip_t const *sip)
{
    if (!f || !sip || !sip->sip_request || sip->sip_request->rq_method != sip_method_cancel)
        return 0;
    char line[MESSAGE_LINE_MAX];
    const char *reason = message_line(sip, "Reason", line); // RFC 3326: why, for the far end
    if (f->session)
        session_cancelled(f->session);
    wire_cancelled(f, irq);
    cancel_downstream(f, reason);
    if (f->parked) { // it has not gone anywhere
        request_unpark(f);
        proxy_answer(f, 487, NULL, NULL);
        proxy_forward_settle(f);
    }
    return 0;
}

// A NOTIFY of a subscription of our own; it has been answered.
static bool is_own_notify(const struct passage *p)
{
    struct regevents *own = registrar_regevents(p->proxy->registrar);
    return own && p->in->side == SIDE_CORE && strcmp(p->facts.method, "NOTIFY") == 0 &&
           regevents_notify(own, p->f, p->sip);
}

static void serve(struct passage *p)
{
    const char *text = "";
    enum reason reason = admission_source(p->proxy, p->in->side, &p->facts);
    if (reason == REASON_NONE && is_own_notify(p))
        return;
    if (reason == REASON_NONE && for_us(p)) {
        tap(p);
        proxy_answer(p->f, 200, NULL, NULL);
        return;
    }
    if (reason == REASON_NONE)
        reason = pass(p, &text);
    if (reason != REASON_NONE)
        refuse(p, reason, text ? text : "");
}

// A UE that has come back to where it was can be reached again.
static void note_connection(struct proxy *proxy, msg_t *received, const struct flow *flow)
{
    tport_t *transport = tport_delivered_by(nta_agent_tports(proxy->agent), received);
    struct registration *r = registrations_by_flow(registrar_all(proxy->registrar), flow);
    if (transport && tport_is_secondary(transport))
        connections_note(proxy->connections, transport, flow);
    if (r)
        registration_lose_flow(r, false);
}

static void open_forward(struct passage *p, msg_t *received, nta_incoming_t *irq)
{
    p->f->from = p->in->side;
    p->f->flow = (struct flow){.transport = p->in->tls     ? FLOW_TLS
                                            : p->facts.tcp ? FLOW_TCP
                                                           : FLOW_UDP,
                               .listen = (unsigned)(p->in - p->proxy->listen),
                               .remote = p->facts.source};
    p->f->in_dialog = p->facts.to_tag != NULL;
    p->f->opens_dialog = opens_dialog(p->facts.method);
    p->f->irq = irq;
    if (p->in->side == SIDE_ACCESS && p->facts.tcp)
        note_connection(p->proxy, received, &p->f->flow);
    if (p->facts.kind == SIP_INVITE) {
        p->facts.time_us = clock_now_us(); // it came before it was answered
        nta_incoming_treply(irq, SIP_100_TRYING, TAG_END());
        p->trying = (struct wire){nta_incoming_getresponse(irq), clock_now_us()};
    }
    if (irq)
        nta_incoming_bind(irq, on_cancel, p->f);
}

// --- waiting for an address -------------------------------------------------------------------

// A request that will be looked at again from its beginning.
struct parked {
    struct locate_wait wait;
    const struct listen *in;
    msg_t *received;
    uint64_t time_us;
    struct wire trying;
};

static void begin_again(struct forward *f, enum reason found);

static void on_located(void *arg, enum dns_result result)
{
    begin_again(arg, result == DNS_FOUND  ? REASON_NONE
                     : result == DNS_NONE ? REASON_NAME_UNKNOWN
                                          : REASON_NAME_TIMEOUT);
}

// Nobody holds on to what was found for it so far: sessions and registrations may end meanwhile.
static bool park(struct passage *p, msg_t *received)
{
    struct forward *f = p->f;
    f->parked = calloc(1, sizeof(*f->parked));
    if (!f->parked)
        return false;
    *f->parked = (struct parked){.wait = {.done = on_located, .arg = f},
                                 .in = p->in,
                                 .received = msg_ref_create(received),
                                 .time_us = p->facts.time_us,
                                 .trying = p->trying};
    if (f->session)
        session_unref(f->session);
    registration_unref(f->registration);
    f->session = NULL;
    f->registration = NULL;
    return true;
}

void request_unpark(struct forward *f)
{
    struct parked *parked = f->parked;
    if (!parked)
        return;
    f->parked = NULL;
    locator_forget(&parked->wait);
    wire_drop(&parked->trying);
    msg_destroy(parked->received);
    free(parked);
}

// --- one request ------------------------------------------------------------------------------

// Puts a copy to work on into p, with what the message says.
static bool take_copy(struct passage *p, msg_t *received, su_home_t *scratch)
{
    p->msg = msg_copy(received);
    if (!p->msg)
        return false;
    p->sip = sip_object(p->msg);
    // addresses are those of the packet: a copy does not carry them
    message_facts(received, sip_object(received), scratch, &p->facts);
    wire_read(p->proxy, received, scratch, &p->facts);
    return true;
}

// The last step of each look at a request; f may be gone afterwards.
static void finish(struct passage *p, msg_t *received, su_home_t *scratch)
{
    struct forward *f = p->f;
    if (p->msg)
        msg_destroy(p->msg);
    if (p->waits && !park(p, received)) {
        p->waits = false;
        refuse(p, REASON_INTERNAL, "");
    }
    su_home_deinit(scratch);
    int err = f->parked ? locator_ask(f->proxy->locator, &p->question, &f->parked->wait) : 0;
    if (err)
        begin_again(f, REASON_NAME_LIMIT);
    else if (!p->waits)
        proxy_forward_settle(f);
}

static void begin_again(struct forward *f, enum reason found)
{
    su_home_t scratch[1] = {SU_HOME_INIT(scratch)};
    struct parked *parked = f->parked;
    msg_t *received = msg_ref_create(parked->received);
    struct passage p = {.proxy = f->proxy,
                        .in = parked->in,
                        .f = f,
                        .scratch = scratch,
                        .asked = true,
                        .found = found};
    p.trying = parked->trying;
    parked->trying.msg = NULL;
    if (take_copy(&p, received, scratch)) {
        p.facts.time_us = parked->time_us;
        request_unpark(f);
        serve(&p);
    } else {
        request_unpark(f);
        proxy_refuse(f, REASON_INTERNAL, "");
    }
    finish(&p, received, scratch);
    msg_destroy(received);
}

// An ACK has no server transaction. irq NULL for others: no memory.
static void begin(struct proxy *proxy, const struct listen *in, msg_t *received,
                  nta_incoming_t *irq)
{
    su_home_t scratch[1] = {SU_HOME_INIT(scratch)};
    struct passage p = {.proxy = proxy, .in = in, .scratch = scratch};
    p.f = proxy_forward_open(proxy, NULL);
    if (p.f && take_copy(&p, received, scratch)) {
        open_forward(&p, received, irq);
        serve(&p);
    } else if (irq) {
        nta_incoming_treply(irq, SIP_500_INTERNAL_SERVER_ERROR, TAG_END());
        nta_incoming_destroy(irq);
    }
    if (p.f)
        finish(&p, received, scratch);
}

static bool was_accepted(struct proxy *proxy, const sip_t *sip)
{
    char *key = sip->sip_request->rq_method == sip_method_invite ? message_transaction(sip) : NULL;
    bool accepted = key && accepted_knows(proxy->accepted, key, clock_now_us());
    free(key);
    return accepted;
}

void request_received(struct proxy *proxy, msg_t *received, sip_t *sip)
{
    const struct listen *in = was_accepted(proxy, sip) ? NULL : route_arrival(proxy, received);
    bool ack = sip->sip_request->rq_method == sip_method_ack;
    nta_incoming_t *irq = NULL;
    if (in && !ack)
        irq = nta_incoming_create(proxy->agent, NULL, msg_ref_create(received), sip, TAG_END());
    if (in && (ack || irq))
        begin(proxy, in, received, irq);
    msg_destroy(received);
}
