// SPDX-License-Identifier: GPL-3.0-or-later
// What can be asked of one registration. Nothing here changes it but the mark of a lost flow.
#include "alg/registration_internal.h"

#include <string.h>

enum registration_state registration_state(const struct registration *r)
{
    return (enum registration_state)r->state;
}

bool registration_is_active(const struct registration *r)
{
    return r->state == REGISTRATION_REGISTERED || r->state == REGISTRATION_REFRESHING;
}

const char *registration_impi(const struct registration *r)
{
    return r->impi;
}

const char *registration_aor(const struct registration *r)
{
    return r->aor;
}

const char *registration_contact(const struct registration *r)
{
    return r->contact;
}

const char *registration_instance(const struct registration *r)
{
    return r->instance;
}

unsigned registration_reg_id(const struct registration *r)
{
    return r->reg_id;
}

bool registration_outbound(const struct registration *r)
{
    return r->outbound;
}

bool registration_emergency(const struct registration *r)
{
    return r->emergency;
}

static const struct reach *latest(const struct registration *r)
{
    return r->current.token[0] ? &r->current : &r->pending;
}

const char *registration_token(const struct registration *r)
{
    return latest(r)->token;
}

const struct flow *registration_flow(const struct registration *r)
{
    return &latest(r)->flow;
}

// Through the former token too the UE is reached where it is now: its old address may be dead.
const struct flow *registration_flow_of(const struct registration *r, const char *token)
{
    return strcmp(r->pending.token, token) == 0 ? &r->pending.flow : registration_flow(r);
}

void registration_lose_flow(struct registration *r, bool lost)
{
    r->flow_lost = lost;
}

bool registration_flow_lost(const struct registration *r)
{
    return r->flow_lost;
}

struct identities registration_identities(const struct registration *r)
{
    if (!r->uris)
        return (struct identities){0};
    return (struct identities){r->uris->text, r->uris->count};
}

const char *const *registration_service_route(const struct registration *r, unsigned *count)
{
    *count = r->route ? r->route->count : 0;
    return r->route ? r->route->text : NULL;
}

unsigned registration_mediasec(const struct registration *r)
{
    return registration_is_active(r) ? r->current.mediasec : 0;
}

bool registration_sec_agree(const struct registration *r)
{
    return latest(r)->sec_agree;
}

const char *registration_charging(const struct registration *r)
{
    return r->charging ? r->charging : "";
}

const char *registration_term_ioi(const struct registration *r)
{
    return r->term_ioi ? r->term_ioi : "";
}

uint64_t registration_expires_ms(const struct registration *r)
{
    return r->expires_ms;
}

static size_t text_bytes(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

size_t registration_bytes(const struct registration *r)
{
    size_t bytes = sizeof(*r) + r->impu_count * sizeof(r->by_impu[0]);
    bytes += text_bytes(r->impi) + text_bytes(r->aor) + text_bytes(r->contact);
    bytes += text_bytes(r->instance) + text_bytes(r->charging) + text_bytes(r->term_ioi);
    bytes += r->uris ? r->uris->bytes : 0;
    return bytes + (r->route ? r->route->bytes : 0);
}
