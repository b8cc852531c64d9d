// SPDX-License-Identifier: GPL-3.0-or-later
// REGISTER: read -> checked against the security agreement -> made pending in the table -> edited
// -> sent on by request.c. Response: 401 waits for the next REGISTER, 200 makes the pending one
// current or ends it, anything else leaves what there was. A timer of one second ends what has
// expired.
//
// Failure paths: 421 and 494 are answered here with what they must carry; a core that cannot be
// reached becomes 504; what a session has of a registration that ends is ended silently.
#include "alg/registrar.h"

#include "alg/proxy_internal.h"
#include "alg/regevent.h"
#include "alg/register.h"
#include "alg/registration_record.h"
#include "alg/regstore.h"
#include "alg/session_trace.h"
#include "alg/wire.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TICK_MS 1000

struct registrar {
    struct proxy *proxy;
    struct registrations *all;
    struct regstore *store;      // NULL: none
    struct regevents *regevents; // NULL: off
    uv_timer_t *tick;            // closes by itself, after the registrar
};

// A REGISTER on its way; what it said is needed again when its answer comes.
struct registering {
    su_home_t home[1];
    struct register_facts facts;
    char token[REGISTRATION_TOKEN_LEN + 1];
    struct registration *registration; // a reference; NULL: none, or not known yet
};

static uint64_t now_ms(void)
{
    return clock_now_us() / 1000;
}

// --- life -------------------------------------------------------------------------------------

static void on_ended(void *arg, struct registration *r, enum reason reason)
{
    struct registrar *registrar = arg;
    if (reason == REASON_NONE)
        reason = REASON_DEREGISTERED;
    log_info("registrar", "%s at %s: %s", registration_aor(r), registration_contact(r),
             reason_text(reason));
    session_trace_note(registration_trace(r), reason_clause(reason), "%s", reason_text(reason));
    if (registrar->store)
        regstore_remove(registrar->store, registration_token(r));
    if (registrar->regevents)
        regevents_leave(registrar->regevents, r);
    if (registrar->proxy->sessions)
        sessions_forget(registrar->proxy->sessions, r, reason);
}

static void on_tick(uv_timer_t *timer)
{
    struct registrar *registrar = timer->data;
    registrations_expire(registrar->all, now_ms());
    if (registrar->regevents)
        regevents_tick(registrar->regevents, now_ms());
    if (registrations_count(registrar->all) == 0)
        uv_timer_stop(timer);
}

static void watch(struct registrar *registrar)
{
    if (!uv_is_active((uv_handle_t *)registrar->tick))
        uv_timer_start(registrar->tick, on_tick, TICK_MS, TICK_MS);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

// --- what survives a restart ------------------------------------------------------------------

static void keep(const struct registrar *registrar, const struct registration *r,
                 const char *former)
{
    if (!registrar->store)
        return;
    uint64_t left_ms = registration_expires_ms(r) - now_ms();
    const struct flow *flow = registration_flow(r);
    char *record = registration_to_record(r, &registrar->proxy->listen[flow->listen].addr);
    if (former[0] && strcmp(former, registration_token(r)) != 0)
        regstore_remove(registrar->store, former);
    if (record)
        regstore_put(registrar->store, registration_token(r), time(NULL) + (int64_t)left_ms / 1000,
                     record);
    else // no memory, or a text that is no UTF-8
        reason_count(REASON_STORE_WRITE);
    free(record);
}

static bool find_listen(void *arg, const struct addr *local, unsigned *listen)
{
    const struct proxy *proxy = arg;
    for (unsigned i = 0; i < proxy->listen_count; i++) {
        if (proxy->listen[i].side != SIDE_ACCESS || !addr_equal(&proxy->listen[i].addr, local))
            continue;
        *listen = i;
        return true;
    }
    return false;
}

static void restore_one(void *arg, const char *key, int64_t expires, const char *record)
{
    struct registrar *registrar = arg;
    int64_t left = expires - time(NULL);
    int err = left > 0 && left <= UINT32_MAX
                  ? registration_from_record(registrar->all, key, record, (uint32_t)left, now_ms(),
                                             find_listen, registrar->proxy)
                  : -EINVAL;
    if (!err)
        return;
    reason_count(REASON_STORE_RECORD);
    log_warn("registrar", "%s: %s: %s", key, reason_text(REASON_STORE_RECORD), strerror(-err));
}

static void restore_all(struct registrar *registrar)
{
    regstore_load(registrar->store, time(NULL), restore_one, registrar);
    unsigned count = registrations_count(registrar->all);
    log_info("registrar", "%u registrations restored", count);
    if (count > 0)
        watch(registrar);
}

static int make_table(struct registrar *registrar)
{
    const struct config *cfg = registrar->proxy->cfg;
    struct registrations_setup setup = {.max = cfg->registration.max,
                                        .traces = cfg->trace.recent,
                                        .events = cfg->trace.events_max,
                                        .ended = on_ended,
                                        .arg = registrar};
    registrar->all = registrations_open(&setup);
    registrar->tick = registrar->all ? calloc(1, sizeof(*registrar->tick)) : NULL;
    if (!registrar->tick)
        return -ENOMEM;
    uv_timer_init(registrar->proxy->loop, registrar->tick);
    uv_unref((uv_handle_t *)registrar->tick);
    registrar->tick->data = registrar;
    return 0;
}

int registrar_open(struct registrar **out, struct proxy *proxy, char error[static CONFIG_ERROR_MAX])
{
    struct registrar *registrar = calloc(1, sizeof(*registrar));
    const char *file = proxy->cfg->registration.store;
    snprintf(error, CONFIG_ERROR_MAX, "no memory for registrations");
    if (!registrar)
        return -ENOMEM;
    registrar->proxy = proxy;
    int err = make_table(registrar);
    if (!err && proxy->cfg->registration.reg_event &&
        !(registrar->regevents = regevents_open(proxy, registrar->all)))
        err = -ENOMEM;
    if (!err && file[0])
        err = regstore_open(&registrar->store, file, error);
    if (err) {
        registrar_close(registrar);
        return err;
    }
    if (registrar->store)
        restore_all(registrar);
    *out = registrar;
    return 0;
}

void registrar_close(struct registrar *registrar)
{
    if (!registrar)
        return;
    if (registrar->tick)
        uv_close((uv_handle_t *)registrar->tick, free_handle);
    regevents_close(registrar->regevents);
    registrations_close(registrar->all);
    regstore_close(registrar->store);
    free(registrar);
}

struct regevents *registrar_regevents(const struct registrar *registrar)
{
    return registrar ? registrar->regevents : NULL;
}

struct registrations *registrar_all(const struct registrar *registrar)
{
    return registrar->all;
}

// --- trace ------------------------------------------------------------------------------------

static void note_change(void *arg, const char *before, const char *after, const char *clause)
{
    session_trace_field(arg, before, after, clause);
}

static struct trace *trace_of(const struct forward *f)
{
    const struct registration *r = f->registering->registration;
    return r ? registration_trace(r) : NULL;
}

static void write_chart(const struct forward *f)
{
    const struct registration *r = f->registering->registration;
    if (!r)
        return;
    char name[REGISTRATION_TOKEN_LEN + 16];
    snprintf(name, sizeof(name), "register-%s", registration_token(r));
    session_trace_write(registration_trace(r), f->proxy->cfg, name);
}

// --- the security agreement -------------------------------------------------------------------

static bool lacks_wanted(const struct config *cfg, const struct register_facts *facts)
{
    return (cfg->registration.wanted == SIGNALLING_TLS && !facts->client.tls) ||
           (cfg->registration.wanted == SIGNALLING_IPSEC && !facts->client.ipsec);
}

static char *security_server(const struct config *cfg, const struct register_facts *facts)
{
    struct strbuf out = STRBUF_INIT;
    secagree_print(&out, &facts->client, cfg->mediasec, flow_is_secure(&facts->request.flow));
    return strbuf_take(&out);
}

// A UE that was sent a Security-Server mirrors it from then on. former: what this node knows of the
// UE before this REGISTER.
static enum secagree_verdict verdict_of(const struct config *cfg,
                                        const struct register_facts *facts,
                                        const struct registration *former)
{
    bool due = former && registration_sec_agree(former) && facts->client.media;
    if (!facts->verify.present && !due)
        return SECAGREE_SAME;
    return secagree_verify(&facts->verify, &facts->client, cfg->mediasec,
                           flow_is_secure(&facts->request.flow));
}

static enum reason answer_security(struct forward *f, const struct register_facts *facts,
                                   enum reason reason)
{
    struct strbuf line = STRBUF_INIT;
    char *offer = security_server(f->proxy->cfg, facts);
    if (reason == REASON_SECURITY_REQUIRED)
        strbuf_puts(&line, "Require: sec-agree");
    else if (offer && offer[0])
        strbuf_printf(&line, "Security-Server: %s", offer);
    char *extra = strbuf_take(&line);
    proxy_answer(f, reason_status(reason), reason_text(reason), extra && extra[0] ? extra : NULL);
    free(extra);
    free(offer);
    return reason;
}

// A UE that mirrors another list was told something else than we said: none is agreed on with it
// (REQ-124). One that mirrors nothing is served: many do not when they register again.
static enum reason agree(struct registrar *registrar, struct forward *f, bool *differs)
{
    const struct config *cfg = registrar->proxy->cfg;
    struct register_facts *facts = &f->registering->facts;
    const struct registration *former = facts->kind == REGISTER_BINDING
                                            ? registrations_find(registrar->all, &facts->request)
                                            : NULL;
    if (lacks_wanted(cfg, facts))
        return answer_security(f, facts, REASON_SECURITY_REQUIRED);
    enum secagree_verdict verdict = verdict_of(cfg, facts, former);
    *differs = verdict != SECAGREE_SAME;
    if (verdict == SECAGREE_DIFFERS ||
        (verdict == SECAGREE_MEDIA_DIFFERS && cfg->registration.verify == VERIFY_REFUSE))
        return answer_security(f, facts, REASON_SECURITY_NOT_AGREED);
    if (*differs && facts->verify.present)
        facts->request.mediasec = 0;
    return REASON_NONE;
}

// --- the request ------------------------------------------------------------------------------

static bool is_bound(const struct registrar *registrar, const struct registration_request *request)
{
    const struct registration *r = registrations_by_flow(registrar->all, &request->flow);
    return r && strcmp(registration_impi(r), request->impi) == 0;
}

static enum reason take_up(struct registrar *registrar, struct forward *f, struct registration **r)
{
    struct registering *registering = f->registering;
    const char *token;
    if (registering->facts.kind != REGISTER_BINDING) {
        random_alnum(registering->token, sizeof(registering->token));
        return REASON_NONE;
    }
    enum reason reason =
        registrations_attempt(registrar->all, &registering->facts.request, now_ms(), r, &token);
    if (reason != REASON_NONE)
        return reason;
    memcpy(registering->token, token, sizeof(registering->token));
    registering->registration = *r;
    registration_ref(*r);
    watch(registrar);
    return REASON_NONE;
}

static int edit_request(struct registrar *registrar, struct forward *f, struct trace *trace,
                        msg_t *msg, sip_t *sip)
{
    const struct register_facts *facts = &f->registering->facts;
    char path[ROUTE_URI_MAX];
    struct register_edit edit = {msg, sip, note_change, trace};
    struct policy policy = {.cfg = f->proxy->cfg,
                            .way = POLICY_REQUEST_FROM_UE,
                            .initial = true,
                            .memory = &f->policy,
                            .changed = note_change,
                            .arg = trace};
    int err = policy_apply(&policy, msg, sip);
    if (!err)
        err = register_to_core(&edit, facts, route_path(f->proxy, f->registering->token, path),
                               register_integrity(facts, is_bound(registrar, &facts->request)),
                               f->proxy->cfg);
    return err;
}

static struct registering *begin(struct forward *f, const sip_t *sip)
{
    struct registering *registering = su_home_new(sizeof(*registering));
    if (!registering)
        return NULL;
    if (!register_read(&registering->facts, sip, registering->home)) {
        su_home_unref(registering->home);
        return NULL;
    }
    registering->facts.request.flow = f->flow;
    if (register_is_behind_nat(sip, &f->flow.remote))
        registering->facts.nat_expires_s = f->proxy->cfg->registration.nat_expires_s;
    return registering;
}

enum reason registrar_request(struct registrar *registrar, struct forward *f,
                              const struct sip_facts *facts, msg_t *msg, sip_t *sip,
                              const char **text)
{
    struct registration *r = NULL;
    bool differs = false;
    f->registering = begin(f, sip);
    *text = "To or Contact is not usable";
    if (!f->registering)
        return REASON_BAD_REQUEST;
    *text = "";
    enum reason reason = agree(registrar, f, &differs);
    if (reason == REASON_NONE)
        reason = take_up(registrar, f, &r);
    if (reason != REASON_NONE)
        return reason;
    struct trace *trace = trace_of(f);
    session_trace_message(trace, f->proxy->cfg, SIDE_ACCESS, true, facts, NULL, NULL);
    if (differs) {
        reason_count(REASON_SECURITY_DIFFERS);
        log_warn("registrar", "%s: %s", f->registering->facts.request.aor,
                 reason_text(REASON_SECURITY_DIFFERS));
        session_trace_reason(trace, REASON_SECURITY_DIFFERS, "Security-Verify");
    }
    if (f->registering->facts.others > 0)
        session_trace_note(trace, "RFC 3327 5.3", "%u contacts more share the flow",
                           f->registering->facts.others);
    return edit_request(registrar, f, trace, msg, sip) ? REASON_INTERNAL : REASON_NONE;
}

// --- the response -----------------------------------------------------------------------------

static void tell_accepted(const struct forward *f, const struct registration *r)
{
    char own[SECAGREE_WORDS_MAX], agreed[SECAGREE_WORDS_MAX], from[ADDR_STRLEN];
    unsigned mediasec = registration_mediasec(r);
    const struct flow *flow = registration_flow(r);
    secagree_words(mediasec, own);
    secagree_words(mediasec & f->proxy->cfg->mediasec, agreed);
    session_trace_note(registration_trace(r), "TS 24.229 7.2A.7",
                       "mechanisms of the UE: %s; agreed: %s", own, agreed);
    log_info("registrar", "%s registered from %s/%s, media security: %s", registration_aor(r),
             addr_format(&flow->remote, from), flow_transport_name(flow->transport), agreed);
}

// Contacts that the same user has taken back in this REGISTER (RFC 3261 10.2.2). Where a UE names
// its instance there is nothing to end: its registration moves to the new contact.
static void end_removed(struct registrar *registrar, const struct register_facts *facts)
{
    struct registration_request request = facts->request;
    request.instance = NULL;
    request.reg_id = 0;
    for (unsigned i = 0; i < facts->removed_count; i++) {
        request.contact = facts->removed[i];
        struct registration *r = registrations_find(registrar->all, &request);
        if (r)
            registration_end(r, REASON_NONE);
    }
}

static void accept_grant(struct registrar *registrar, struct forward *f, const sip_t *sip)
{
    struct registering *registering = f->registering;
    const struct registration_request *request = &registering->facts.request;
    struct registration_grant grant;
    char former[REGISTRATION_TOKEN_LEN + 1] = "";
    register_grant(&grant, &registering->facts, sip, registering->home);
    if (registering->facts.kind == REGISTER_ALL)
        registrations_end_user(registrar->all, request->aor, REASON_NONE);
    if (registering->facts.kind != REGISTER_BINDING)
        return;
    end_removed(registrar, &registering->facts);
    struct registration *r = registrations_find(registrar->all, request);
    if (r && registration_is_active(r))
        snprintf(former, sizeof(former), "%s", registration_token(r));
    if (registrations_accept(registrar->all, request, registering->token, &grant, now_ms(), &r))
        log_error("registrar", "%s: out of memory, the registration is as it was", request->aor);
    if (!r)
        return;
    watch(registrar);
    keep(registrar, r, former);
    tell_accepted(f, r);
    if (registrar->regevents)
        regevents_follow(registrar->regevents, r);
}

static void settle(struct registrar *registrar, struct forward *f, struct registration *r,
                   const sip_t *sip)
{
    int status = sip->sip_status->st_status;
    if (status < 300)
        accept_grant(registrar, f, sip);
    else if (r && (status == 401 || status == 407))
        registration_challenge(r, f->registering->token, now_ms());
    else if (r)
        registration_refuse(r, f->registering->token);
}

enum reason registrar_response(struct registrar *registrar, struct forward *f,
                               const struct sip_facts *facts, msg_t *msg, sip_t *sip)
{
    struct registering *registering = f->registering;
    struct trace *trace = trace_of(f);
    struct register_edit edit = {msg, sip, note_change, trace};
    struct policy policy = {.cfg = f->proxy->cfg,
                            .way = POLICY_RESPONSE_TO_UE,
                            .initial = true,
                            .memory = &f->policy,
                            .changed = note_change,
                            .arg = trace};
    char *offer = security_server(f->proxy->cfg, &registering->facts);
    session_trace_message(trace, f->proxy->cfg, SIDE_CORE, true, facts, NULL, NULL);
    if (facts->status >= 200)
        settle(registrar, f, registrations_by_token(registrar->all, registering->token), sip);
    bool failed = !offer || policy_apply(&policy, msg, sip) ||
                  register_to_ue(&edit, &registering->facts, offer);
    free(offer);
    return failed ? REASON_INTERNAL : REASON_NONE;
}

void registrar_sent(struct forward *f, enum side to, const struct wire *wire)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    if (!f->registering || !trace_of(f))
        return;
    su_home_init(home);
    struct sip_facts facts = wire_facts(f->proxy, wire, home);
    session_trace_message(trace_of(f), f->proxy->cfg, to, false, &facts, NULL, NULL);
    su_home_deinit(home);
    if (to == SIDE_ACCESS)
        write_chart(f);
}

void registrar_unanswered(struct registrar *registrar, struct forward *f)
{
    struct registration *r = registrations_by_token(registrar->all, f->registering->token);
    session_trace_reason(trace_of(f), REASON_REGISTRAR_DOWN, "REGISTER");
    write_chart(f);
    if (r)
        registration_refuse(r, f->registering->token);
}

void registrar_forget(struct forward *f)
{
    if (!f->registering)
        return;
    registration_unref(f->registering->registration);
    su_home_unref(f->registering->home);
    f->registering = NULL;
}
