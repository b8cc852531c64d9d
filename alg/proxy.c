// SPDX-License-Identifier: GPL-3.0-or-later
// The life of the proxy and of its forwards. What the stack cannot match to a transaction comes to
// on_message(): every new request (request.c), and responses whose transaction is over
// (response.c).
//
// Failure paths: a listening point that cannot be had ends the start with a sentence; what cannot
// be served is answered with the status of its reason and a Warning for people.
#include "alg/proxy_internal.h"
#include "alg/tls_identity.h"
#include "alg/wire.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/random.h"
#include "common/ssl_mend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

// A message that has begun on a connection goes on within the life of its transaction.
#define MESSAGE_T1 64

// Receive buffer of a listening point for UDP, as far as the system allows: what comes in while
// the machine is busy elsewhere for a second, 300 calls of it. The system's own default holds a
// tenth, and what does not fit is lost: peers then have to send again.
#define RECEIVE_BUFFER (4 * 1024 * 1024)

// --- life -------------------------------------------------------------------------------------

// What others see of a listening point: its address, or what is advertised for it where that is a
// name or of its family.
static void name_listen(struct listen *l, const struct config_side *cfg)
{
    char address[ADDR_STRLEN];
    struct addr literal;
    const char *shown = addr_format(&l->addr, address);
    bool is_literal = addr_parse(&literal, cfg->advertise, 0) == 0;
    bool advertised =
        cfg->advertise[0] && (!is_literal || addr_family(&literal) == addr_family(&l->addr));
    unsigned port =
        advertised && cfg->advertise_port && !l->tls ? cfg->advertise_port : addr_port(&l->addr);
    snprintf(l->host, sizeof(l->host), "%.*s", (int)(strrchr(shown, ':') - shown), shown);
    if (advertised)
        snprintf(l->host, sizeof(l->host), "%s", cfg->advertise);
    snprintf(l->port, sizeof(l->port), "%u", port);
}

// The stack keeps a Via for each of its transports, of which it makes those of requests.
static void show_in_via(struct proxy *proxy)
{
    tport_t *t = tport_primaries(nta_agent_tports(proxy->agent));
    for (; t; t = tport_next(t)) {
        const char *ident = tport_name(t)->tpn_ident;
        sip_via_t *via = (sip_via_t *)tport_magic(t);
        for (unsigned i = 0; via && ident && i < proxy->listen_count; i++) {
            if (strcmp(proxy->listen[i].ident, ident) != 0)
                continue;
            while (via->v_next)
                via = via->v_next;
            via->v_host = proxy->listen[i].host;
            via->v_port = proxy->listen[i].port;
        }
    }
}

// certificate: folder of the one to show over TLS; NULL: UDP and TCP. The end of a connection is
// an error for who waits on it.
static int listen_at(struct proxy *proxy, const struct addr *addr, enum side side,
                     const char *certificate, char error[static CONFIG_ERROR_MAX])
{
    struct listen *l = &proxy->listen[proxy->listen_count];
    char address[ADDR_STRLEN], url[ADDR_STRLEN + 8];
    l->side = side;
    l->tls = certificate != NULL;
    l->addr = *addr;
    name_listen(l, side == SIDE_ACCESS ? &proxy->cfg->access : &proxy->cfg->core);
    snprintf(l->ident, sizeof(l->ident), "%s%u", side_name(side), proxy->listen_count);
    snprintf(url, sizeof(url), "%s:%s", l->tls ? "sips" : "sip", addr_format(addr, address));
    errno = 0;
    if (nta_agent_add_tport(proxy->agent, (url_string_t *)url, TPTAG_IDENT(l->ident),
                            TPTAG_SDWN_ERROR(1), TPTAG_UDP_RMEM(RECEIVE_BUFFER),
                            TPTAG_IDLE(proxy->cfg->sip.idle_s * 1000),
                            TPTAG_TIMEOUT(MESSAGE_T1 * proxy->cfg->sip.t1_ms), TPTAG_PONG2PING(1),
                            TAG_IF(l->tls, TPTAG_CERTIFICATE(certificate)), TAG_END()) < 0) {
        int err = errno ? errno : EADDRINUSE;
        snprintf(error, CONFIG_ERROR_MAX, "%s%s.listen: cannot listen for SIP on %s: %s",
                 side_name(side), l->tls ? ".tls" : "", address, strerror(err));
        return -err;
    }
    proxy->listen_count++;
    return 0;
}

static int listen_on(struct proxy *proxy, const struct config_side *side_cfg, enum side side,
                     char error[static CONFIG_ERROR_MAX])
{
    int err = 0;
    for (size_t i = 0; !err && i < side_cfg->listen_count; i++)
        err = listen_at(proxy, &side_cfg->listen[i], side, NULL, error);
    return err;
}

static int listen_for_tls(struct proxy *proxy, char error[static CONFIG_ERROR_MAX])
{
    const struct config_tls *cfg = &proxy->cfg->access_tls;
    struct tls_identity identity = {.folder = ""};
    if (cfg->listen_count == 0)
        return 0;
    snprintf(error, CONFIG_ERROR_MAX, "access.tls.listen: no TLS library is in the process");
    int err = ssl_mend_start();
    if (!err)
        err = tls_identity_make(&identity, cfg, error);
    for (size_t i = 0; !err && i < cfg->listen_count; i++)
        err = listen_at(proxy, &cfg->listen[i], SIDE_ACCESS, identity.folder, error);
    tls_identity_remove(&identity);
    return err;
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

// A UE is not de-registered by the end of its connection; it cannot be reached until it comes again
// (PCSCF-051).
static void on_connection_closed(void *arg, const struct flow *flow)
{
    struct proxy *proxy = arg;
    struct registration *r = registrations_by_flow(registrar_all(proxy->registrar), flow);
    if (r)
        registration_lose_flow(r, true);
    if (proxy->sessions)
        sessions_flow_closed(proxy->sessions, r, &flow->remote);
}

static bool reachable(void *arg, const struct session *s)
{
    struct proxy *proxy = arg;
    const struct registration *r = route_party(s);
    const struct party *ue = session_party(s, SIDE_ACCESS);
    if (r)
        return registration_is_active(r) && !registration_flow_lost(r);
    return !ue->tcp || connections_find(proxy->connections, &ue->hop, NULL);
}

static int on_message(struct proxy *proxy, nta_agent_t *agent, msg_t *msg, sip_t *sip)
{
    if (sip && sip->sip_request)
        request_received(proxy, msg, sip);
    else
        response_stray(proxy, msg, sip);
    return 0;
}

// Without a default leg the stack makes no transaction before we say so: what is dropped in silence
// leaves nothing behind.
static int open_agent(struct proxy *proxy, su_root_t *root)
{
    const struct config *cfg = proxy->cfg;
    proxy->mclass = message_class();
    if (!proxy->mclass)
        return -ENOMEM;
    proxy->agent = nta_agent_create(
        root, (url_string_t *)-1, on_message, proxy, NTATAG_MCLASS(proxy->mclass), NTATAG_UA(0),
        NTATAG_CANCEL_487(0), NTATAG_MERGE_482(0), NTATAG_USE_NAPTR(0), NTATAG_USE_SRV(0),
        NTATAG_SERVER_RPORT(2), NTATAG_GRAYLIST(0), NTATAG_UDP_MTU(65535),
        NTATAG_MAXSIZE(cfg->sip.message_max), NTATAG_SIP_T1(cfg->sip.t1_ms),
        NTATAG_SIP_T1X64(64 * cfg->sip.t1_ms), NTATAG_SIP_T4(10 * cfg->sip.t1_ms),
        NTATAG_TIMER_C(cfg->sip.timer_c_s * 1000), TAG_END());
    return proxy->agent ? 0 : -ENOMEM;
}

static uint64_t now_ms(void)
{
    return clock_now_us() / 1000;
}

static uint32_t any_number(void)
{
    uint32_t number;
    random_bytes(&number, sizeof(number));
    return number;
}

static int open_locator(struct proxy *proxy, char error[static CONFIG_ERROR_MAX])
{
    struct locator_setup setup = {.now_ms = now_ms, .random = any_number};
    for (unsigned i = 0; i < proxy->listen_count; i++) {
        const struct listen *l = &proxy->listen[i];
        setup.v4 = setup.v4 || (l->side == SIDE_CORE && addr_family(&l->addr) == AF_INET);
        setup.v6 = setup.v6 || (l->side == SIDE_CORE && addr_family(&l->addr) == AF_INET6);
    }
    int err = dns_open(&proxy->dns, proxy->loop, proxy->cfg, error);
    if (err)
        return err;
    setup.dns = proxy->dns;
    proxy->locator = locator_open(&setup);
    return proxy->locator ? 0 : -ENOMEM;
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
    random_bytes(&proxy->loop_secret, sizeof(proxy->loop_secret));
    proxy->dialogs = dialogs_open();
    proxy->accepted = accepted_open((uint64_t)64 * cfg->sip.t1_ms * 1000);
    proxy->connections = connections_open(on_connection_closed, proxy);
    proxy->guests =
        guests_open(&(struct guests_setup){loop, cfg->sip.connections_max, admission_guest, proxy});
    bool whole = proxy->accepted && proxy->dialogs && proxy->connections && proxy->guests;
    int err = whole ? open_agent(proxy, root) : -ENOMEM;
    if (!err)
        err = listen_on(proxy, &cfg->access, SIDE_ACCESS, error);
    if (!err)
        err = listen_for_tls(proxy, error);
    if (!err)
        err = listen_on(proxy, &cfg->core, SIDE_CORE, error);
    if (!err)
        show_in_via(proxy);
    if (!err)
        err = open_locator(proxy, error);
    if (!err)
        err = registrar_open(&proxy->registrar, proxy, error);
    if (err) {
        proxy_close(proxy);
        return err;
    }
    *out = proxy;
    return 0;
}

int proxy_attach_agw(struct proxy *proxy, struct agw *agw, struct tap *tap)
{
    struct session_ops ops = {release_send_bye, release_fail_early, own_route, reachable, proxy};
    proxy->agw = agw;
    proxy->tap = tap;
    proxy->sessions = sessions_open(proxy->cfg, agw, proxy->loop, ops);
    if (!proxy->sessions)
        return -ENOMEM;
    sessions_set_tap(proxy->sessions, tap);
    return 0;
}

void proxy_agw_notification(void *arg, const struct agw_notification *notification)
{
    struct proxy *proxy = arg;
    if (proxy->sessions)
        sessions_notification(proxy->sessions, notification);
}

void proxy_drain(struct proxy *proxy)
{
    proxy->shutting_down = true;
}

void proxy_shut_down(struct proxy *proxy)
{
    proxy->shutting_down = true;
    if (proxy->sessions)
        sessions_end_all(proxy->sessions, REASON_SHUTDOWN);
}

struct registrations *proxy_registrations(const struct proxy *proxy)
{
    return registrar_all(proxy->registrar);
}

struct sessions *proxy_sessions(const struct proxy *proxy)
{
    return proxy->sessions;
}

bool proxy_send(struct forward *f, msg_t *msg, const struct hop *hop, const struct listen *out)
{
    char branch[BRANCH_STRLEN], url[MESSAGE_HOP_STRLEN];
    f->hop = *hop;
    f->exit = out;
    f->orq = nta_outgoing_mcreate(
        f->proxy->agent, response_received, f, (url_string_t *)message_hop_url(hop, url), msg,
        TPTAG_IDENT(out->ident), TAG_IF(hop->connection, NTATAG_TPORT(hop->connection)),
        NTATAG_PASS_100(hop->tcp || f->places),
        NTATAG_BRANCH_KEY(branch_make(f->loop_hash, branch)), TAG_END());
    return f->orq != NULL;
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
    proxy->forward_count++;
    return f;
}

void proxy_forward_settle(struct forward *f)
{
    if (f->irq || f->orq || f->parked || f->own)
        return;
    DL_DELETE(f->proxy->forwards, f);
    registrar_forget(f);
    registration_unref(f->registration);
    free(f->cancel_line);
    free(f->places);
    f->proxy->forward_count--;
    if (f->session) {
        if (session_user(f->session) == f)
            session_set_user(f->session, NULL);
        session_unref(f->session);
    }
    free(f);
}

void proxy_done_upstream(struct forward *f)
{
    nta_incoming_destroy(f->irq);
    f->irq = NULL;
}

void proxy_done_downstream(struct forward *f)
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
        request_unpark(f);
        own_forget(f);
        if (f->irq)
            proxy_done_upstream(f);
        if (f->orq)
            proxy_done_downstream(f);
        proxy_forward_settle(f);
    }
    guests_close(proxy->guests);
    connections_close(proxy->connections);
    if (proxy->agent)
        nta_agent_destroy(proxy->agent);
    sessions_close(proxy->sessions);
    registrar_close(proxy->registrar);
    accepted_close(proxy->accepted);
    dialogs_close(proxy->dialogs);
    dns_close(proxy->dns);
    locator_close(proxy->locator);
    free(proxy->mclass);
    free(proxy);
}

static void tell_answered(struct forward *f, uint64_t time_us, const char *note)
{
    struct wire wire = {nta_incoming_getresponse(f->irq), time_us};
    if (wire.msg)
        wire_sent(f->proxy, f->session, f->from, &wire, note);
}

static const char *phrase_of(int status)
{
    return status == 430 ? "Flow Failed" : sip_status_phrase(status); // RFC 5626 11.6
}

// A sentence of ours with a name of theirs in it fits.
#define WARNING_MAX 320

// As a quoted-string (RFC 3261 25.1): it may show what a peer has sent. What does not fit is cut.
static void put_warning(char line[static WARNING_MAX], const char *text)
{
    size_t len = (size_t)snprintf(line, WARNING_MAX, "Warning: 399 pcscf \"");
    for (; *text && len + 4 <= WARNING_MAX; text++) {
        if (*text == '"' || *text == '\\')
            line[len++] = '\\';
        line[len++] = *text;
    }
    memcpy(line + len, "\"", 2);
}

void proxy_answer(struct forward *f, int status, const char *warning, const char *extra)
{
    proxy_answer_with(f, status, warning, extra, NULL, NULL);
}

void proxy_answer_with(struct forward *f, int status, const char *warning, const char *extra,
                       const char *type, const char *body)
{
    if (!f->irq)
        return;
    uint64_t began_us = clock_now_us();
    char line[WARNING_MAX];
    put_warning(line, warning ? warning : "");
    nta_incoming_treply(f->irq, status, phrase_of(status), TAG_IF(warning, SIPTAG_HEADER_STR(line)),
                        TAG_IF(extra, SIPTAG_HEADER_STR(extra)),
                        TAG_IF(body, SIPTAG_CONTENT_TYPE_STR(type)),
                        TAG_IF(body, SIPTAG_PAYLOAD_STR(body)), TAG_END());
    tell_answered(f, began_us, warning);
    proxy_done_upstream(f);
}

void proxy_refuse(struct forward *f, enum reason reason, const char *text)
{
    int status = reason_status(reason);
    if (!f->irq)
        return;
    proxy_answer(f, status ? status : 500, text && text[0] ? text : reason_text(reason), NULL);
}
