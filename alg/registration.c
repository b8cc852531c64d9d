// SPDX-License-Identifier: GPL-3.0-or-later
// A REGISTER makes a registration pending (or refreshing), the 200 makes what was pending current.
// When the flow has moved, the token of the former one stays good for the grace time. The table
// below is all that can happen; deadlines wait in a wheel.
//
// Failure paths: what is refused or never answered leaves what was accepted before; without memory
// nothing is accepted and nothing is lost.
#include "alg/registration_internal.h"

#include "common/log.h"
#include "common/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

// --- life and death ---------------------------------------------------------------------------

struct registrations *registrations_open(const struct registrations_setup *setup)
{
    struct registrations *all = calloc(1, sizeof(*all));
    if (!all)
        return NULL;
    all->setup = *setup;
    all->tokens = index_open();
    all->bindings = multi_open();
    all->contacts = multi_open();
    all->flows = multi_open();
    all->hosts = multi_open();
    all->impus = multi_open();
    if (all->tokens && all->bindings && all->contacts && all->flows && all->hosts && all->impus)
        return all;
    registrations_close(all);
    return NULL;
}

void registration_ref(struct registration *r)
{
    r->refs++;
}

void registration_unref(struct registration *r)
{
    if (r && --r->refs == 0)
        parts_free(r);
}

static void forget(struct registrations *all, struct reach *reach)
{
    table_remove_token(all, reach->token);
    reach->token[0] = '\0';
}

// Out of every index, and the table's reference with it.
static void take_out(struct registration *r)
{
    struct registrations *all = r->all;
    wheel_remove(&all->wheel, &r->wheel);
    for (struct reach *reach = &r->current; reach; reach = reach == &r->current   ? &r->pending
                                                           : reach == &r->pending ? &r->former
                                                                                  : NULL)
        table_remove_token(all, reach->token);
    table_remove_flow(r);
    table_remove_identities(r);
    multi_remove(all->bindings, &r->by_binding);
    DL_DELETE(all->list, r);
    all->count--;
    registration_unref(r);
}

void registrations_close(struct registrations *all)
{
    if (!all)
        return;
    kept_trace_drop_all(all);
    while (all->list)
        take_out(all->list);
    index_close(all->tokens);
    multi_close(all->bindings);
    multi_close(all->contacts);
    multi_close(all->flows);
    multi_close(all->hosts);
    multi_close(all->impus);
    free(all);
}

unsigned registrations_count(const struct registrations *all)
{
    return all->count;
}

// --- deadlines --------------------------------------------------------------------------------

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a; // 0: never
}

static void plan(struct registration *r)
{
    uint64_t due = earlier(earlier(r->expires_ms, r->pending_until_ms), r->former_until_ms);
    if (due > 0)
        wheel_put(&r->all->wheel, &r->wheel, due);
    else
        wheel_remove(&r->all->wheel, &r->wheel);
}

// --- the machine ------------------------------------------------------------------------------

enum event {
    EVENT_ATTEMPT,   // a REGISTER came
    EVENT_CHALLENGE, // 401 or 407
    EVENT_ACCEPT,    // 200
    EVENT_REFUSE,    // any other final response
    EVENT_LAPSE,     // nothing came for the time a REGISTER may be under way
    EVENT_EXPIRE,
    EVENT_END, // de-registration, or an end from outside
    EVENTS
};

struct event_data {
    const struct registration_request *request;
    const struct registration_grant *grant;
    const char *token;
    uint64_t now_ms;
    enum reason reason;
    int err;
};

static void end(struct registration *r, enum reason reason)
{
    struct registrations *all = r->all;
    if (all->setup.ended)
        all->setup.ended(all->setup.arg, r, reason);
}

static void on_attempt(void *object, void *argument)
{
    struct registration *r = object;
    struct event_data *data = argument;
    const struct registration_request *q = data->request;
    struct reach reach = {.flow = q->flow, .mediasec = q->mediasec, .sec_agree = q->sec_agree};
    const struct reach *same =
        r->current.token[0] && flow_same(&r->current.flow, &q->flow)   ? &r->current
        : r->pending.token[0] && flow_same(&r->pending.flow, &q->flow) ? &r->pending
                                                                       : NULL;
    if (same)
        memcpy(reach.token, same->token, sizeof(reach.token));
    else
        random_alnum(reach.token, sizeof(reach.token));
    if (!same && table_put_token(r, reach.token)) {
        data->err = -ENOMEM;
        return;
    }
    if (strcmp(r->pending.token, reach.token) != 0 &&
        strcmp(r->pending.token, r->current.token) != 0)
        forget(r->all, &r->pending);
    r->pending = reach;
    r->pending_until_ms = data->now_ms + REGISTRATION_PENDING_MS;
    plan(r);
}

static void on_challenge(void *object, void *argument)
{
    struct registration *r = object;
    const struct event_data *data = argument;
    r->pending_until_ms = data->now_ms + REGISTRATION_PENDING_MS;
    plan(r);
}

// The pending flow is given up; the token is not when it is also that of the current one.
static void drop_pending(struct registration *r)
{
    if (strcmp(r->pending.token, r->current.token) != 0)
        forget(r->all, &r->pending);
    r->pending = (struct reach){0};
    r->pending_until_ms = 0;
}

static void on_refuse(void *object, void *argument)
{
    struct registration *r = object;
    drop_pending(r);
    plan(r);
}

// What was granted becomes current; the flow before it, if it was another one, stays for a while.
// Another REGISTER that is pending meanwhile has no say in it.
static void settle(struct registration *r, const struct event_data *data)
{
    const struct registration_request *q = data->request;
    struct reach granted = {.flow = q->flow, .mediasec = q->mediasec, .sec_agree = q->sec_agree};
    snprintf(granted.token, sizeof(granted.token), "%s", data->token);
    if (strcmp(r->pending.token, data->token) == 0) {
        r->pending = (struct reach){0};
        r->pending_until_ms = 0;
    }
    if (r->current.token[0] && strcmp(r->current.token, data->token) != 0) {
        forget(r->all, &r->former);
        r->former = r->current;
        r->former_until_ms = data->now_ms + REGISTRATION_GRACE_MS;
    }
    table_remove_flow(r);
    r->current = granted;
    r->flow_lost = false;
    parts_follow(r, q);
}

static void on_accept(void *object, void *argument)
{
    struct registration *r = object;
    const struct event_data *data = argument;
    settle(r, data);
    r->expires_ms = data->now_ms + (uint64_t)data->grant->expires_s * 1000;
    plan(r);
}

static void on_gone(void *object, void *argument)
{
    struct registration *r = object;
    const struct event_data *data = argument;
    registration_ref(r);
    take_out(r);
    if (r->expires_ms > 0) // it had been accepted
        end(r, data->reason);
    registration_unref(r);
}

// Its time is over while another REGISTER is under way: that one may still be accepted.
static void on_expire_refreshing(void *object, void *argument)
{
    struct registration *r = object;
    const struct event_data *data = argument;
    if (strcmp(r->pending.token, r->current.token) == 0)
        r->current.token[0] = '\0';
    forget(r->all, &r->current);
    forget(r->all, &r->former);
    table_remove_flow(r);
    table_remove_identities(r);
    r->expires_ms = r->former_until_ms = 0;
    plan(r);
    end(r, data->reason);
}

static const char *const state_names[REGISTRATION_STATES] = {"pending", "registered", "refreshing",
                                                             "gone"};
static const char *const event_names[EVENTS] = {"attempt", "challenge", "accept", "refuse",
                                                "lapse",   "expire",    "end"};

static const struct fsm_row rows[] = {
    {REGISTRATION_PENDING, EVENT_ATTEMPT, on_attempt, REGISTRATION_PENDING},
    {REGISTRATION_PENDING, EVENT_CHALLENGE, on_challenge, REGISTRATION_PENDING},
    {REGISTRATION_PENDING, EVENT_ACCEPT, on_accept, REGISTRATION_REGISTERED},
    {REGISTRATION_PENDING, EVENT_REFUSE, on_gone, REGISTRATION_GONE},
    {REGISTRATION_PENDING, EVENT_LAPSE, on_gone, REGISTRATION_GONE},
    {REGISTRATION_PENDING, EVENT_END, on_gone, REGISTRATION_GONE},

    {REGISTRATION_REGISTERED, EVENT_ATTEMPT, on_attempt, REGISTRATION_REFRESHING},
    // a REGISTER that was still pending when another one was accepted
    {REGISTRATION_REGISTERED, EVENT_CHALLENGE, on_challenge, REGISTRATION_REGISTERED},
    {REGISTRATION_REGISTERED, EVENT_ACCEPT, on_accept, REGISTRATION_REGISTERED},
    {REGISTRATION_REGISTERED, EVENT_REFUSE, on_refuse, REGISTRATION_REGISTERED},
    {REGISTRATION_REGISTERED, EVENT_LAPSE, on_refuse, REGISTRATION_REGISTERED},
    {REGISTRATION_REGISTERED, EVENT_EXPIRE, on_gone, REGISTRATION_GONE},
    {REGISTRATION_REGISTERED, EVENT_END, on_gone, REGISTRATION_GONE},

    {REGISTRATION_REFRESHING, EVENT_ATTEMPT, on_attempt, REGISTRATION_REFRESHING},
    {REGISTRATION_REFRESHING, EVENT_CHALLENGE, on_challenge, REGISTRATION_REFRESHING},
    {REGISTRATION_REFRESHING, EVENT_ACCEPT, on_accept, REGISTRATION_REGISTERED},
    {REGISTRATION_REFRESHING, EVENT_REFUSE, on_refuse, REGISTRATION_REGISTERED},
    {REGISTRATION_REFRESHING, EVENT_LAPSE, on_refuse, REGISTRATION_REGISTERED},
    {REGISTRATION_REFRESHING, EVENT_EXPIRE, on_expire_refreshing, REGISTRATION_PENDING},
    {REGISTRATION_REFRESHING, EVENT_END, on_gone, REGISTRATION_GONE},
};

static const struct fsm machine = {
    .name = "registration",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .state_names = state_names,
    .event_names = event_names,
};

static void feed(struct registration *r, enum event event, struct event_data *data)
{
    registration_ref(r);
    (void)fsm_feed(&machine, &r->state, (int)event, r, data, r->aor);
    registration_unref(r);
}

const char *registration_state_name(enum registration_state state)
{
    return state_names[state];
}

// --- what happens to it -----------------------------------------------------------------------

static bool too_long(const char *text)
{
    return text && strlen(text) >= REGISTRATION_TEXT_MAX;
}

static struct registration *make(struct registrations *all, const struct registration_request *q)
{
    struct registration *r = parts_make(all, q);
    if (!r)
        return NULL;
    if (table_put_binding(r)) {
        parts_free(r);
        return NULL;
    }
    DL_APPEND(all->list, r);
    all->count++;
    return r;
}

enum reason registrations_attempt(struct registrations *all,
                                  const struct registration_request *request, uint64_t now_ms,
                                  struct registration **out, const char **token)
{
    struct event_data data = {.request = request, .now_ms = now_ms};
    if (too_long(request->impi) || too_long(request->aor) || too_long(request->contact) ||
        too_long(request->instance))
        return REASON_BAD_REQUEST;
    struct registration *r = registrations_find(all, request);
    if (!r && all->count >= all->setup.max)
        return REASON_REGISTRATION_LIMIT;
    if (!r && !(r = make(all, request)))
        return REASON_INTERNAL;
    if (!r->pending.token[0])
        kept_trace_start(r);
    feed(r, EVENT_ATTEMPT, &data);
    if (data.err) {
        feed(r, EVENT_REFUSE, &data);
        return REASON_INTERNAL;
    }
    *out = r;
    *token = r->pending.token;
    return REASON_NONE;
}

static int own_token(struct registration *r, const char *token)
{
    const struct registration *owner = registrations_by_token(r->all, token);
    if (!owner)
        return table_put_token(r, token);
    return owner == r ? 0 : -EEXIST;
}

static int grant_to(struct registration *r, struct event_data *data)
{
    int err = own_token(r, data->token);
    if (!err)
        err = parts_grant(r, data->grant);
    if (err)
        return err;
    feed(r, EVENT_ACCEPT, data);
    if (table_put_flow(r) == 0 && table_put_identities(r) == 0)
        return 0;
    data->reason = REASON_INTERNAL;
    feed(r, EVENT_END, data);
    return -ENOMEM;
}

int registrations_accept(struct registrations *all, const struct registration_request *request,
                         const char *token, const struct registration_grant *grant, uint64_t now_ms,
                         struct registration **out)
{
    struct event_data data = {.request = request, .token = token, .grant = grant, .now_ms = now_ms};
    struct registration *r = registrations_find(all, request);
    *out = NULL;
    if (grant->expires_s == 0) {
        if (r)
            feed(r, EVENT_END, &data);
        return 0;
    }
    bool made = !r;
    if (made && !(r = make(all, request)))
        return -ENOMEM;
    int err = grant_to(r, &data);
    if (!err)
        *out = r;
    else if (made && r->state == REGISTRATION_PENDING)
        feed(r, EVENT_END, &data);
    return err;
}

void registration_challenge(struct registration *r, const char *token, uint64_t now_ms)
{
    struct event_data data = {.now_ms = now_ms};
    if (strcmp(r->pending.token, token) == 0)
        feed(r, EVENT_CHALLENGE, &data);
}

void registration_refuse(struct registration *r, const char *token)
{
    struct event_data data = {.reason = REASON_NONE};
    if (strcmp(r->pending.token, token) == 0)
        feed(r, EVENT_REFUSE, &data);
}

void registration_end(struct registration *r, enum reason reason)
{
    struct event_data data = {.reason = reason};
    feed(r, EVENT_END, &data);
}

void registration_shorten(struct registration *r, uint32_t expires_s, uint64_t now_ms)
{
    uint64_t due = now_ms + (uint64_t)expires_s * 1000;
    if (r->expires_ms == 0 || due >= r->expires_ms)
        return;
    r->expires_ms = due;
    plan(r);
}

int registration_add_identity(struct registration *r, const char *uri)
{
    struct identities known = registration_identities(r);
    if (identity_find(&known, field_whole(uri)))
        return 0;
    int err = registration_is_active(r) ? parts_add_identity(r, uri) : -ENOSPC;
    return err ? err : table_put_identities(r);
}

void registrations_end_user(struct registrations *all, const char *aor, enum reason reason)
{
    struct registration *r;
    while ((r = registrations_by_impu(all, aor)))
        registration_end(r, reason);
}

static void on_due(struct wheel_entry *entry, void *arg)
{
    struct registration *r =
        (struct registration *)((char *)entry - offsetof(struct registration, wheel));
    uint64_t now_ms = *(const uint64_t *)arg;
    struct event_data data = {.now_ms = now_ms, .reason = REASON_REGISTRATION_EXPIRED};
    registration_ref(r);
    if (r->former_until_ms > 0 && r->former_until_ms <= now_ms) {
        forget(r->all, &r->former);
        r->former_until_ms = 0;
    }
    if (r->pending_until_ms > 0 && r->pending_until_ms <= now_ms)
        feed(r, EVENT_LAPSE, &data);
    if (r->expires_ms > 0 && r->expires_ms <= now_ms && r->state != REGISTRATION_GONE)
        feed(r, EVENT_EXPIRE, &data);
    if (r->state != REGISTRATION_GONE)
        plan(r);
    registration_unref(r);
}

void registrations_expire(struct registrations *all, uint64_t now_ms)
{
    wheel_advance(&all->wheel, now_ms, on_due, &now_ms);
}

int registrations_restore(struct registrations *all, const struct registration_request *request,
                          const char *token, const struct registration_grant *grant,
                          uint64_t now_ms)
{
    struct registration *r;
    if (registrations_find(all, request) || registrations_by_token(all, token))
        return -EEXIST;
    if (all->count >= all->setup.max)
        return -ENOSPC;
    return registrations_accept(all, request, token, grant, now_ms, &r);
}
