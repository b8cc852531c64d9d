// SPDX-License-Identifier: GPL-3.0-or-later
// A user registers -> SUBSCRIBE -> 2xx -> NOTIFYs with what becomes of his contacts -> the last
// registration ends, and the subscription with it.
//
// Failure paths: a SUBSCRIBE that is refused or never answered costs nothing but the knowledge; the
// next REGISTER of the user tries again. A NOTIFY is answered 200 even when its body is of no use.
#include "alg/regevent.h"

#include "alg/header.h"
#include "alg/index.h"
#include "alg/proxy_internal.h"
#include "alg/reginfo.h"
#include "alg/session_trace.h"
#include "alg/wheel.h"
#include "common/clock.h"
#include "common/fsm.h"
#include "common/log.h"
#include "common/random.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// Longer than any registration (TS 24.229 5.2.3).
#define EXPIRES_S 600000
// A shorter one is renewed that long before its end, or at its half (TS 24.229 5.1.1.3).
#define RENEW_S 600
#define CALL_ID_LEN 24
#define TAG_LEN 12

struct subscription {
    struct regevents *all;
    int state;
    char *user; // the identity that is subscribed to
    char *own;  // "sip:TOKEN@ADDR:PORT", the identity of this P-CSCF in its Path
    char *remote_tag, *target;
    char call_id[CALL_ID_LEN + 1], tag[TAG_LEN + 1];
    struct charging charging; // of its dialog
    uint32_t cseq, version;
    bool versioned; // version was seen
    struct wheel_entry wheel;
};

struct regevents {
    struct proxy *proxy;
    struct registrations *registrations;
    struct index *users, *dialogs; // by the identity, by Call-ID
    struct wheel wheel;
    struct reginfo info; // of the NOTIFY at hand
};

// --- the machine ------------------------------------------------------------------------------

enum state { IDLE, ASKED, ACTIVE, STATES };
enum event { SUBSCRIBE, ACCEPTED, REFUSED, NOTIFIED, TERMINATED, RENEW, EVENTS };

static void act_subscribe(void *object, void *argument);
static void act_renew(void *object, void *argument);
static void act_rest(void *object, void *argument);

static const struct fsm_row rows[] = {
    {IDLE, SUBSCRIBE, act_subscribe, ASKED},
    {IDLE, ACCEPTED, NULL, IDLE}, // late answers of a dialog that was given up
    {IDLE, REFUSED, NULL, IDLE},
    {IDLE, NOTIFIED, NULL, IDLE},
    {IDLE, TERMINATED, NULL, IDLE},
    {ASKED, SUBSCRIBE, NULL, ASKED},
    {ASKED, ACCEPTED, NULL, ACTIVE},
    {ASKED, REFUSED, act_rest, IDLE},
    {ASKED, NOTIFIED, NULL, ACTIVE}, // it may overtake the 2xx (RFC 6665 4.1.2.4)
    {ASKED, TERMINATED, act_rest, IDLE},
    {ACTIVE, SUBSCRIBE, NULL, ACTIVE},
    {ACTIVE, ACCEPTED, NULL, ACTIVE},
    {ACTIVE, REFUSED, act_rest, IDLE},
    {ACTIVE, NOTIFIED, NULL, ACTIVE},
    {ACTIVE, TERMINATED, act_rest, IDLE},
    {ACTIVE, RENEW, act_renew, ACTIVE},
};
static const char *const state_names[STATES] = {"idle", "asked", "active"};
static const char *const event_names[EVENTS] = {"subscribe", "accepted",   "refused",
                                                "notified",  "terminated", "renew"};
static const struct fsm machine = {"reg-event", rows, sizeof(rows) / sizeof(rows[0]), state_names,
                                   event_names};

static void feed(struct subscription *s, enum event event)
{
    (void)fsm_feed(&machine, &s->state, (int)event, s, NULL, s->user);
}

// --- SUBSCRIBE --------------------------------------------------------------------------------

static struct subscription *of_dialog(const struct regevents *all, const char *call_id)
{
    return index_get(all->dialogs, call_id, strlen(call_id));
}

static int replace(char **text, const char *with)
{
    char *copy = with ? strdup(with) : NULL;
    if (!copy)
        return -ENOMEM;
    free(*text);
    *text = copy;
    return 0;
}

static void learn_target(struct subscription *s, const sip_t *sip)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    su_home_init(home);
    const char *uri = sip->sip_contact ? url_as_string(home, sip->sip_contact->m_url) : NULL;
    if (uri)
        (void)replace(&s->target, uri); // the former one serves as well
    su_home_deinit(home);
}

static void plan_renewal(struct subscription *s, const sip_t *sip)
{
    const char *value = header_value(sip, "Expires");
    unsigned long granted = value ? strtoul(value, NULL, 10) : EXPIRES_S;
    unsigned long wait = granted > 2 * RENEW_S ? granted - RENEW_S : granted / 2;
    if (granted > 0)
        wheel_put(&s->all->wheel, &s->wheel, clock_now_us() / 1000 + (uint64_t)wait * 1000);
}

static void on_final(struct subscription *s, const sip_t *sip, int status)
{
    if (status >= 300 || !sip) {
        reason_count(REASON_SUBSCRIBE_REFUSED);
        log_warn("regevent", "%s: SUBSCRIBE ended with %d", s->user, status);
        feed(s, REFUSED);
        return;
    }
    if (sip->sip_to && sip->sip_to->a_tag)
        (void)replace(&s->remote_tag, sip->sip_to->a_tag);
    learn_target(s, sip);
    feed(s, ACCEPTED);
    if (s->state == ACTIVE)
        plan_renewal(s, sip);
}

static void on_response(struct proxy *proxy, const sip_t *request, const sip_t *response)
{
    const struct regevents *all = registrar_regevents(proxy->registrar);
    struct subscription *s =
        all && request->sip_call_id ? of_dialog(all, request->sip_call_id->i_id) : NULL;
    if (s)
        on_final(s, response, response ? response->sip_status->st_status : 408);
}

static int add_fields(struct subscription *s, msg_t *msg, sip_t *sip)
{
    char vector[CHARGING_STRLEN], identity[ROUTE_URI_MAX + 4], expires[16];
    if (!s->charging.icid[0])
        charging_new(&s->charging);
    charging_print(&s->charging, s->all->proxy->cfg->network.domain, NULL, vector);
    snprintf(identity, sizeof(identity), "<%s>", s->own);
    snprintf(expires, sizeof(expires), "%d", EXPIRES_S);
    return header_add(msg, sip, "Event", "reg") ||
                   header_add(msg, sip, "Accept", "application/reginfo+xml") ||
                   header_add(msg, sip, "Expires", expires) ||
                   header_add(msg, sip, "P-Asserted-Identity", identity) ||
                   header_add(msg, sip, "P-Charging-Vector", vector)
               ? -ENOMEM
               : 0;
}

static msg_t *build(struct subscription *s)
{
    msg_t *msg = nta_msg_create(s->all->proxy->agent, 0);
    if (!msg)
        return NULL;
    sip_t *sip = sip_object(msg);
    su_home_t *home = msg_home(msg);
    const char *target = s->target ? s->target : s->user;
    const char *from = su_sprintf(home, "<%s>;tag=%s", s->own, s->tag);
    const char *to = s->remote_tag ? su_sprintf(home, "<%s>;tag=%s", s->user, s->remote_tag)
                                   : su_sprintf(home, "<%s>", s->user);
    const char *contact = su_sprintf(home, "<%s>", s->own);
    sip_header_t *line = (sip_header_t *)sip_request_create(home, SIP_METHOD_SUBSCRIBE,
                                                            URL_STRING_MAKE(target), NULL);
    sip_header_t *count = (sip_header_t *)sip_cseq_create(home, ++s->cseq, SIP_METHOD_SUBSCRIBE);
    if (from && to && contact && line && count &&
        sip_add_tl(msg, sip, SIPTAG_FROM_STR(from), SIPTAG_TO_STR(to), SIPTAG_CONTACT_STR(contact),
                   SIPTAG_CALL_ID_STR(s->call_id), SIPTAG_MAX_FORWARDS_STR("70"), TAG_END()) >= 0 &&
        sip_header_insert(msg, sip, line) >= 0 && sip_header_insert(msg, sip, count) >= 0 &&
        add_fields(s, msg, sip) == 0)
        return msg;
    msg_destroy(msg);
    return NULL;
}

static int send_subscribe(struct subscription *s)
{
    struct proxy *proxy = s->all->proxy;
    struct own_way way = {.to = SIDE_CORE};
    msg_t *msg = build(s);
    if (!msg)
        return -ENOMEM;
    way.hop = route_into_core(proxy, sip_object(msg), &way.question);
    return own_send(proxy, NULL, msg, &way, on_response, NULL);
}

static void act_subscribe(void *object, void *argument)
{
    struct subscription *s = object;
    free(s->remote_tag);
    free(s->target);
    s->remote_tag = s->target = NULL;
    s->charging = (struct charging){0};
    s->versioned = false;
    if (send_subscribe(s) == 0)
        return;
    log_warn("regevent", "%s: no way to send a SUBSCRIBE", s->user);
    feed(s, REFUSED);
}

static void act_renew(void *object, void *argument)
{
    struct subscription *s = object;
    if (send_subscribe(s))
        feed(s, REFUSED);
}

static void act_rest(void *object, void *argument)
{
    struct subscription *s = object;
    wheel_remove(&s->all->wheel, &s->wheel);
}

// --- subscriptions ----------------------------------------------------------------------------

static void subscription_free(struct subscription *s)
{
    wheel_remove(&s->all->wheel, &s->wheel);
    index_remove(s->all->users, s->user, strlen(s->user));
    index_remove(s->all->dialogs, s->call_id, CALL_ID_LEN);
    free(s->user);
    free(s->own);
    free(s->remote_tag);
    free(s->target);
    free(s);
}

// The identity of a user that is subscribed to: his first one that is a SIP URI.
static const char *user_of(const struct registration *r)
{
    struct identities who = registration_identities(r);
    for (unsigned i = 0; i < who.count; i++)
        if (strncasecmp(who.uri[i], "sip:", 4) == 0)
            return who.uri[i];
    return NULL;
}

static struct subscription *subscription_make(struct regevents *all, const char *user,
                                              const struct registration *r)
{
    struct subscription *s = calloc(1, sizeof(*s));
    char own[ROUTE_URI_MAX];
    if (!s)
        return NULL;
    s->all = all;
    route_path(all->proxy, registration_token(r), own);
    own[strcspn(own, ";")] = '\0';
    random_alnum(s->call_id, sizeof(s->call_id));
    random_alnum(s->tag, sizeof(s->tag));
    if (replace(&s->user, user) == 0 && replace(&s->own, own) == 0 &&
        index_put(all->users, user, strlen(user), s) == 0) {
        if (index_put(all->dialogs, s->call_id, CALL_ID_LEN, s) == 0)
            return s;
        index_remove(all->users, user, strlen(user));
    }
    free(s->user);
    free(s->own);
    free(s);
    return NULL;
}

struct regevents *regevents_open(struct proxy *proxy, struct registrations *registrations)
{
    struct regevents *all = calloc(1, sizeof(*all));
    if (!all)
        return NULL;
    all->proxy = proxy;
    all->registrations = registrations;
    all->users = index_open();
    all->dialogs = index_open();
    if (all->users && all->dialogs)
        return all;
    regevents_close(all);
    return NULL;
}

static void drop(void *object, void *arg)
{
    subscription_free(object);
}

void regevents_close(struct regevents *all)
{
    if (!all)
        return;
    if (all->users && all->dialogs)
        index_each(all->users, drop, NULL);
    index_close(all->users);
    index_close(all->dialogs);
    free(all);
}

void regevents_follow(struct regevents *all, const struct registration *r)
{
    const char *user = registration_emergency(r) ? NULL : user_of(r);
    struct subscription *s = user ? index_get(all->users, user, strlen(user)) : NULL;
    if (user && !s)
        s = subscription_make(all, user, r);
    if (s)
        feed(s, SUBSCRIBE);
}

void regevents_leave(struct regevents *all, const struct registration *r)
{
    const char *user = user_of(r);
    struct subscription *s = user ? index_get(all->users, user, strlen(user)) : NULL;
    if (s && !registrations_by_impu(all->registrations, user))
        subscription_free(s);
}

static void on_due(struct wheel_entry *entry, void *arg)
{
    feed((struct subscription *)((char *)entry - offsetof(struct subscription, wheel)), RENEW);
}

void regevents_tick(struct regevents *all, uint64_t now_ms)
{
    wheel_advance(&all->wheel, now_ms, on_due, NULL);
}

// --- NOTIFY -----------------------------------------------------------------------------------

static bool is_deregistration(const struct reginfo_entry *entry)
{
    return entry->contact_terminated && entry->event >= REGINFO_DEACTIVATED;
}

static struct registration *contact_at(struct regevents *all, const char *aor, const char *uri)
{
    struct registration *r = registrations_by_impu(all->registrations, aor);
    while (r && !identity_same(field_whole(registration_contact(r)), field_whole(uri)))
        r = registration_next_contact(r, aor);
    return r;
}

// An identity that the network has registered implicitly, on a contact of this user: it may be
// asserted, and requests for it find their way (TS 24.229 5.2.3, RFC 3680 5.3).
static void learn_identity(struct subscription *s, const struct reginfo_entry *entry)
{
    if (!entry->uri[0] || entry->contact_terminated || entry->registration_terminated ||
        identity_same(field_whole(entry->aor), field_whole(s->user)))
        return;
    struct registration *r = contact_at(s->all, s->user, entry->uri);
    int err = r ? registration_add_identity(r, entry->aor) : 0;
    if (err)
        log_warn("regevent", "%s: %s is not kept: %s", s->user, entry->aor, strerror(-err));
}

static void apply(struct regevents *all, const struct reginfo_entry *entry)
{
    if (entry->registration_terminated) {
        registrations_end_user(all->registrations, entry->aor, REASON_NETWORK_DEREGISTERED);
        return;
    }
    struct registration *r = contact_at(all, entry->aor, entry->uri);
    if (r && is_deregistration(entry))
        registration_end(r, REASON_NETWORK_DEREGISTERED);
    else if (r && entry->event == REGINFO_SHORTENED && entry->expires_s > 0)
        registration_shorten(r, entry->expires_s, clock_now_us() / 1000);
}

// Is this document the next one (RFC 3680 5.2)? A gap asks for the full state again.
static bool take_version(struct subscription *s, const struct reginfo *info)
{
    bool gap = !info->full && (!s->versioned || info->version > s->version + 1);
    if (s->versioned && info->version <= s->version)
        return false;
    s->version = info->version;
    s->versioned = true;
    if (gap && s->state == ACTIVE)
        feed(s, RENEW);
    return true;
}

static bool is_over(const sip_t *sip)
{
    struct field state = field_head(field_whole(header_value(sip, "Subscription-State")));
    return field_is(state, "terminated");
}

bool regevents_notify(struct regevents *all, struct forward *f, const sip_t *sip)
{
    struct subscription *s = sip->sip_call_id ? of_dialog(all, sip->sip_call_id->i_id) : NULL;
    const char *tag = sip->sip_to ? sip->sip_to->a_tag : NULL;
    if (!s || !tag || strcmp(tag, s->tag) != 0)
        return false;
    proxy_answer(f, 200, NULL, NULL);
    const sip_payload_t *body = sip->sip_payload;
    int err = body ? reginfo_parse(&all->info, body->pl_data, body->pl_len) : 0;
    bool news = body && !err && take_version(s, &all->info);
    if (err) {
        reason_count(REASON_REGINFO);
        log_warn("regevent", "%s: the body of a NOTIFY is of no use: %s", s->user, strerror(-err));
    }
    for (unsigned i = 0; news && i < all->info.count; i++)
        learn_identity(s, &all->info.entry[i]);
    learn_target(s, sip);
    feed(s, is_over(sip) ? TERMINATED : NOTIFIED);
    for (unsigned i = 0; news && i < all->info.count; i++)
        apply(all, &all->info.entry[i]); // s may be gone with the last registration
    return true;
}
