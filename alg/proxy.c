// SPDX-License-Identifier: GPL-3.0-or-later
// Request: listening point -> checks -> session (opened by an INVITE, else found by the token in
// our Route entry) -> its verdict on the body -> copied, edited, sent on from the other side.
// Response: back through the same forward, its session and the body again.
//
// Failure paths: what cannot be served is answered with the status of its reason and a Warning for
// people; a next hop that cannot be reached becomes 500; a 2xx whose body is unusable is
// acknowledged and ended by BYE while the caller gets the error; ACKs that belong nowhere are
// dropped.
#include "alg/proxy_internal.h"

#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

static int on_request(struct proxy *proxy, nta_leg_t *leg, nta_incoming_t *irq, sip_t const *sip);
static int on_stray(struct proxy *proxy, nta_agent_t *agent, msg_t *msg, sip_t *sip);
static int on_response(struct forward *f, nta_outgoing_t *orq, sip_t const *sip);
static int on_cancel(struct forward *f, nta_incoming_t *irq, sip_t const *sip);

// --- life -------------------------------------------------------------------------------------

static int listen_on(struct proxy *proxy, const struct config_side *side_cfg, enum side side,
                     char error[static CONFIG_ERROR_MAX])
{
    for (size_t i = 0; i < side_cfg->listen_count; i++) {
        struct listen *l = &proxy->listen[proxy->listen_count];
        char address[ADDR_STRLEN], url[ADDR_STRLEN + 8];
        l->side = side;
        l->addr = side_cfg->listen[i];
        snprintf(l->ident, sizeof(l->ident), "%s%zu", side_name(side), i);
        snprintf(url, sizeof(url), "sip:%s", addr_format(&l->addr, address));
        errno = 0;
        if (nta_agent_add_tport(proxy->agent, (url_string_t *)url, TPTAG_IDENT(l->ident),
                                TAG_END()) < 0) {
            int err = errno ? errno : EADDRINUSE;
            snprintf(error, CONFIG_ERROR_MAX, "%s.listen: cannot listen for SIP on %s: %s",
                     side_name(side), address, strerror(err));
            return -err;
        }
        proxy->listen_count++;
    }
    return 0;
}

static bool own_route(void *arg, const char *uri)
{
    struct proxy *proxy = arg;
    su_home_t home[1] = {SU_HOME_INIT(home)};
    su_home_init(home);
    url_t *url = url_hdup(home, (const url_t *)uri);
    bool own = url && route_is_own(proxy, url);
    su_home_deinit(home);
    return own;
}

static int open_agent(struct proxy *proxy, su_root_t *root)
{
    const struct config *cfg = proxy->cfg;
    proxy->mclass = message_class();
    if (!proxy->mclass)
        return -ENOMEM;
    proxy->agent = nta_agent_create(
        root, (url_string_t *)-1, on_stray, proxy, NTATAG_MCLASS(proxy->mclass), NTATAG_UA(0),
        NTATAG_CANCEL_487(0), NTATAG_MERGE_482(0), NTATAG_USE_NAPTR(0), NTATAG_USE_SRV(0),
        NTATAG_SERVER_RPORT(2), NTATAG_GRAYLIST(0), NTATAG_UDP_MTU(65535),
        NTATAG_MAXSIZE(cfg->sip.message_max), NTATAG_SIP_T1(cfg->sip.t1_ms),
        NTATAG_SIP_T1X64(64 * cfg->sip.t1_ms), NTATAG_TIMER_C(cfg->sip.timer_c_s * 1000),
        TAG_END());
    if (!proxy->agent)
        return -ENOMEM;
    proxy->leg = nta_leg_tcreate(proxy->agent, on_request, proxy, NTATAG_NO_DIALOG(1), TAG_END());
    return proxy->leg ? 0 : -ENOMEM;
}

int proxy_open(struct proxy **out, const struct config *cfg, su_root_t *root, uv_loop_t *loop,
               char error[static CONFIG_ERROR_MAX])
{
    struct proxy *proxy = calloc(1, sizeof(*proxy));
    if (!proxy)
        return -ENOMEM;
    proxy->cfg = cfg;
    proxy->loop = loop;
    snprintf(error, CONFIG_ERROR_MAX, "the SIP stack cannot start: out of memory");
    int err = open_agent(proxy, root);
    if (!err)
        err = listen_on(proxy, &cfg->access, SIDE_ACCESS, error);
    if (!err)
        err = listen_on(proxy, &cfg->core, SIDE_CORE, error);
    if (err) {
        proxy_close(proxy);
        return err;
    }
    *out = proxy;
    return 0;
}

int proxy_attach_agw(struct proxy *proxy, struct agw *agw)
{
    struct session_ops ops = {release_send_bye, release_fail_early, own_route, proxy};
    proxy->agw = agw;
    proxy->sessions = sessions_open(proxy->cfg, agw, proxy->loop, ops);
    return proxy->sessions ? 0 : -ENOMEM;
}

void proxy_agw_notification(void *arg, const struct agw_notification *notification)
{
    struct proxy *proxy = arg;
    if (proxy->sessions)
        sessions_notification(proxy->sessions, notification);
}

void proxy_shut_down(struct proxy *proxy)
{
    proxy->shutting_down = true;
    if (proxy->sessions)
        sessions_end_all(proxy->sessions, REASON_SHUTDOWN);
}

struct sessions *proxy_sessions(const struct proxy *proxy)
{
    return proxy->sessions;
}

bool proxy_shutting_down(const struct proxy *proxy)
{
    return proxy->shutting_down;
}

unsigned proxy_busy(const struct proxy *proxy)
{
    return (proxy->sessions ? sessions_count(proxy->sessions) : 0) + proxy->own_requests;
}

// --- forwards ---------------------------------------------------------------------------------

struct forward *proxy_forward_open(struct proxy *proxy, struct session *session)
{
    struct forward *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    f->proxy = proxy;
    f->session = session;
    if (session)
        session_ref(session);
    DL_APPEND(proxy->forwards, f);
    return f;
}

void proxy_forward_settle(struct forward *f)
{
    if (f->irq || f->orq)
        return;
    DL_DELETE(f->proxy->forwards, f);
    if (f->session) {
        if (session_user(f->session) == f)
            session_set_user(f->session, NULL);
        session_unref(f->session);
    }
    free(f);
}

// The stack lets a transaction linger by itself once it is destroyed.
static void done_upstream(struct forward *f)
{
    nta_incoming_destroy(f->irq);
    f->irq = NULL;
}

static void done_downstream(struct forward *f)
{
    nta_outgoing_destroy(f->orq);
    f->orq = NULL;
}

void proxy_close(struct proxy *proxy)
{
    if (!proxy)
        return;
    struct forward *f, *next;
    DL_FOREACH_SAFE(proxy->forwards, f, next)
    {
        if (f->irq)
            done_upstream(f);
        if (f->orq)
            done_downstream(f);
        proxy_forward_settle(f);
    }
    if (proxy->leg)
        nta_leg_destroy(proxy->leg);
    if (proxy->agent)
        nta_agent_destroy(proxy->agent);
    sessions_close(proxy->sessions);
    free(proxy->mclass);
    free(proxy);
}

static void answer(struct forward *f, int status, const char *warning, const char *extra)
{
    if (!f->irq)
        return;
    char line[320];
    snprintf(line, sizeof(line), "Warning: 399 pcscf \"%s\"", warning ? warning : "");
    nta_incoming_treply(f->irq, status, sip_status_phrase(status),
                        TAG_IF(warning, SIPTAG_HEADER_STR(line)),
                        TAG_IF(extra, SIPTAG_HEADER_STR(extra)), TAG_END());
    done_upstream(f);
}

void proxy_refuse(struct forward *f, enum reason reason, const char *text)
{
    int status = reason_status(reason);
    if (!f->irq)
        return;
    if (f->session) {
        struct sip_facts facts = {.kind = f->id.kind,
                                  .method = f->id.kind == SIP_INVITE ? "INVITE" : "request",
                                  .status = status ? status : 500,
                                  .phrase = sip_status_phrase(status ? status : 500)};
        session_sent(f->session, f->from, &facts, text);
    }
    answer(f, status ? status : 500, text && text[0] ? text : reason_text(reason), NULL);
}

// --- requests ---------------------------------------------------------------------------------

// One request on its way through: what every step below needs.
struct passage {
    struct proxy *proxy;
    const struct listen *in;
    struct forward *f;
    msg_t *msg; // our copy
    sip_t *sip;
    struct sip_facts facts;
    struct exchange_verdict verdict;
    char token[64];
};

// Checks of RFC 3261 16.3 that need no session.
static enum reason reasonable(struct passage *p, const char **text)
{
    *text = "";
    if (!p->sip->sip_from || !p->sip->sip_to || !p->sip->sip_call_id || !p->sip->sip_cseq)
        return REASON_BAD_REQUEST;
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

static enum reason open_session(struct passage *p, struct hop next)
{
    enum side from = p->in->side;
    struct session_setup setup = {.caller = from,
                                  .mediasec = route_mediasec(p->proxy, from, p->sip)};
    setup.hop[from] = p->facts.source;
    setup.tcp[from] = p->facts.tcp;
    setup.hop[side_other(from)] = next.addr;
    setup.tcp[side_other(from)] = next.tcp;
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

// What the session makes of the body, put into our copy.
static enum reason let_session_see(struct passage *p)
{
    struct forward *f = p->f;
    f->id = (struct exchange_request){
        .kind = p->facts.kind, .cseq = p->facts.cseq, .from = p->in->side};
    if (!f->session)
        return REASON_NONE;
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
    const char *token = p->f->session ? session_token(p->f->session) : "dialog";
    char uri[ROUTE_URI_MAX];
    if (message_add_record_route(p->msg, p->sip, route_own_uri(p->in, token, p->facts.tcp, uri)) ||
        message_add_record_route(p->msg, p->sip, route_own_uri(out, token, out_tcp, uri)))
        return REASON_INTERNAL;
    return REASON_NONE;
}

static void tell_sent(const struct passage *p, enum side to)
{
    if (!p->f->session)
        return;
    struct sip_facts sent;
    message_outline(p->msg, p->sip, &sent);
    session_sent(p->f->session, to, &sent, NULL);
}

static enum reason send_on(struct passage *p, struct hop next, const struct listen *out)
{
    struct forward *f = p->f;
    enum side to = side_other(p->in->side);
    char url[MESSAGE_HOP_STRLEN];
    message_hop_url(&next, url);
    tell_sent(p, to);
    if (p->facts.kind == SIP_ACK) {
        nta_msg_tsend(p->proxy->agent, p->msg, (url_string_t *)url, TPTAG_IDENT(out->ident),
                      TAG_END());
        p->msg = NULL;
        return REASON_NONE;
    }
    f->orq = nta_outgoing_mcreate(p->proxy->agent, on_response, f, (url_string_t *)url, p->msg,
                                  TPTAG_IDENT(out->ident), TAG_END());
    if (!f->orq)
        return REASON_NEXT_HOP_DOWN;
    p->msg = NULL;
    return REASON_NONE;
}

// From the copy to the wire; a reason means that nothing was sent.
static enum reason pass(struct passage *p, const char **text)
{
    enum reason reason = reasonable(p, text);
    if (reason != REASON_NONE)
        return reason;
    route_pop_own(p->proxy, p->msg, p->sip, p->token, sizeof(p->token));
    reason = p->facts.to_tag || within_invite_dialog(p) ? find_session(p) : REASON_NONE;
    if (reason != REASON_NONE)
        return reason;
    struct hop next = route_next(p->proxy, p->in->side, p->sip, p->f->session);
    const struct listen *out = addr_is_set(&next.addr)
                                   ? route_departure(p->proxy, side_other(p->in->side), &next.addr)
                                   : NULL;
    if (!out)
        return REASON_NO_ROUTE;
    if (p->facts.kind == SIP_INVITE && !p->facts.to_tag)
        reason = open_session(p, next);
    if (reason == REASON_NONE)
        reason = let_session_see(p);
    *text = p->verdict.error;
    if (reason == REASON_NONE)
        reason = boundary_cross(p->f, p->in->side, p->msg, p->sip);
    if (reason == REASON_NONE)
        reason = record_route(p, out, next.tcp);
    return reason == REASON_NONE ? send_on(p, next, out) : reason;
}

static void refuse(struct passage *p, enum reason reason, const char *text)
{
    struct forward *f = p->f;
    char detail[320];
    if (p->verdict.reason != reason) // the session has counted its own
        reason_count(reason);
    log_info("proxy", "%s from the %s side refused: %s %s", p->facts.method, side_name(p->in->side),
             reason_text(reason), text);
    if (f->session && f->id.initial && !session_ended(f->session))
        session_local_final(f->session, &f->id, reason_status(reason));
    if (reason == REASON_BAD_EXTENSION) {
        snprintf(detail, sizeof(detail), "Unsupported: %s", text);
        answer(f, reason_status(reason), NULL, detail);
        return;
    }
    if (reason == REASON_SHUTDOWN || reason == REASON_SESSION_LIMIT) {
        answer(f, reason_status(reason), reason_text(reason), "Retry-After: 10");
        return;
    }
    proxy_refuse(f, reason, text);
}

static int on_request(struct proxy *proxy, nta_leg_t *leg, nta_incoming_t *irq, sip_t const *sip)
{
    su_home_t scratch[1] = {SU_HOME_INIT(scratch)};
    msg_t *received = nta_incoming_getrequest(irq);
    struct passage p = {.proxy = proxy, .in = route_arrival(proxy, received)};
    bool ack = sip->sip_request->rq_method == sip_method_ack;
    p.f = p.in ? proxy_forward_open(proxy, NULL) : NULL;
    p.msg = p.f ? msg_copy(received) : NULL;
    if (!p.msg) {
        if (p.f)
            proxy_forward_settle(p.f);
        msg_destroy(received);
        return 500;
    }
    p.sip = sip_object(p.msg);
    // addresses are those of the packet: a copy does not carry them
    message_facts(received, sip_object(received), scratch, &p.facts);
    p.f->from = p.in->side;
    p.f->in_dialog = p.facts.to_tag != NULL;
    p.f->opens_dialog = opens_dialog(p.facts.method);
    p.f->irq = ack ? NULL : irq;
    if (p.facts.kind == SIP_INVITE)
        nta_incoming_treply(irq, SIP_100_TRYING, TAG_END());
    if (!ack)
        nta_incoming_bind(irq, on_cancel, p.f);
    if (for_us(&p)) {
        answer(p.f, 200, NULL, NULL);
    } else {
        const char *text = "";
        enum reason reason = pass(&p, &text);
        if (reason != REASON_NONE)
            refuse(&p, reason, text ? text : "");
    }
    proxy_forward_settle(p.f);
    if (p.msg)
        msg_destroy(p.msg);
    msg_destroy(received);
    su_home_deinit(scratch);
    return ack ? 200 : 0;
}

static int on_cancel(struct forward *f, nta_incoming_t *irq, sip_t const *sip)
{
    if (!f || !sip || !sip->sip_request || sip->sip_request->rq_method != sip_method_cancel)
        return 0;
    if (f->session)
        session_cancelled(f->session);
    if (f->orq)
        nta_outgoing_tcancel(f->orq, NULL, NULL, TAG_END());
    return 0;
}

// --- responses --------------------------------------------------------------------------------

static void pass_back(struct forward *f, msg_t *msg, sip_t *sip)
{
    if (f->session) {
        struct sip_facts sent;
        message_outline(msg, sip, &sent);
        session_sent(f->session, f->from, &sent, NULL);
    }
    sip_via_remove(msg, sip);
    nta_incoming_mreply(f->irq, msg);
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
    } else if (f->orq) {
        nta_outgoing_tcancel(f->orq, NULL, NULL, TAG_END());
    }
}

static void response_received(struct forward *f, msg_t *received)
{
    msg_t *msg = msg_copy(received);
    if (!msg)
        return;
    su_home_t scratch[1] = {SU_HOME_INIT(scratch)};
    sip_t *sip = sip_object(msg);
    struct sip_facts facts;
    struct exchange_verdict verdict = {0};
    message_facts(received, sip_object(received), scratch, &facts);
    if (f->session)
        session_response(f->session, &f->id, &facts, &verdict);
    if (verdict.reason == REASON_NONE && verdict.body &&
        message_set_body(msg, sip, verdict.body, verdict.body_len))
        verdict.reason = REASON_INTERNAL;
    free(verdict.body);
    if (verdict.reason == REASON_NONE)
        verdict.reason = boundary_cross(f, side_other(f->from), msg, sip);
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

// The stack's own finals: a timeout or a next hop that cannot be reached (RFC 3261 16.7, 16.9).
static void local_final(struct forward *f, int status)
{
    if (f->session)
        session_local_final(f->session, &f->id, status);
    if (status == 503) {
        reason_count(REASON_NEXT_HOP_DOWN);
        proxy_refuse(f, REASON_NEXT_HOP_DOWN, "");
    } else {
        answer(f, status, NULL, NULL);
    }
}

static int on_response(struct forward *f, nta_outgoing_t *orq, sip_t const *sip)
{
    int status = sip && sip->sip_status ? sip->sip_status->st_status : 408;
    if (!f || status == 100)
        return 0;
    msg_t *received = nta_outgoing_getresponse(orq);
    if (received && !nta_msg_is_internal(received))
        response_received(f, received);
    else
        local_final(f, status);
    if (received)
        msg_destroy(received);
    if (status >= 200) {
        if (f->irq)
            done_upstream(f);
        if (f->orq)
            done_downstream(f);
        proxy_forward_settle(f);
    }
    return 0;
}

int proxy_on_own_response(struct forward *f, nta_outgoing_t *orq, sip_t const *sip)
{
    int status = sip && sip->sip_status ? sip->sip_status->st_status : 408;
    if (!f || status < 200)
        return 0;
    f->proxy->own_requests--;
    done_downstream(f);
    proxy_forward_settle(f);
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

// A 2xx that comes again after its transaction ended carries the body it carried before (REQ-122);
// without a session, or from a fork never seen, it has no place here.
static int on_stray(struct proxy *proxy, nta_agent_t *agent, msg_t *msg, sip_t *sip)
{
    bool repeated_2xx = sip && sip->sip_status && sip->sip_status->st_status / 100 == 2 &&
                        sip->sip_cseq && sip->sip_cseq->cs_method == sip_method_invite &&
                        sip->sip_via && sip->sip_via->v_next;
    struct session *s = repeated_2xx ? session_of_response(proxy, sip) : NULL;
    if (!s || session_ended(s)) {
        nta_msg_discard(agent, msg);
        return 0;
    }
    struct sip_facts facts;
    message_outline(msg, sip, &facts);
    const char *body = session_repeated_body(s, &facts);
    if (facts.body && (!body || message_set_body(msg, sip, body, strlen(body)))) {
        nta_msg_discard(agent, msg);
        return 0;
    }
    return nta_msg_tsend(agent, msg, NULL, TAG_END());
}
