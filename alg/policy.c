// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: one walk over the fields the SIP library does not know; the table says which of them
// are dropped, cut down or remembered. Then what the P-CSCF vouches for is added.
//
// Failure paths: a field that cannot be read is treated as what it must not be and dropped; without
// memory the message is not sent at all.
#include "alg/policy.h"

#include "alg/header.h"
#include "common/strbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct walk {
    const struct policy *p;
    msg_t *msg;
    sip_t *sip;
    struct identity_choice choice; // registered identities that the UE prefers
    bool asserted;                 // the message has a P-Asserted-Identity
    bool private_id;               // and Privacy: id
};

struct row {
    const char *name;
    size_t len;
    unsigned ways; // enum policy_way bits
    int (*rule)(struct walk *w, sip_unknown_t *field, const struct row *row);
    const char *clause;
};

// --- changes ----------------------------------------------------------------------------------

static char *line(const char *name, const char *value)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_printf(&text, "%s: %s", name, value ? value : "");
    return strbuf_take(&text);
}

static void tell(const struct walk *w, const char *name, const char *before, const char *after,
                 const char *clause)
{
    if (!w->p->changed)
        return;
    char *old = before ? line(name, before) : NULL, *new = after ? line(name, after) : NULL;
    w->p->changed(w->p->arg, old, new, clause);
    free(old);
    free(new);
}

static int drop(struct walk *w, sip_unknown_t *field, const struct row *row)
{
    tell(w, row->name, field->un_value, NULL, row->clause);
    header_remove(w->msg, w->sip, field);
    return 0;
}

static int add(struct walk *w, const char *name, const char *value, const char *clause)
{
    int err = header_add(w->msg, w->sip, name, value);
    if (!err)
        tell(w, name, NULL, value, clause);
    return err;
}

// Gives a field another value where it stands, so that the order of its kind stays (RFC
// 3261 7.3.1); an empty one goes.
static int put(struct walk *w, sip_unknown_t *field, const struct row *row, struct strbuf *value)
{
    char *text = strbuf_take(value);
    if (!text)
        return -ENOMEM;
    int err = 0;
    if (!text[0]) {
        drop(w, field, row);
    } else if (strcmp(text, field->un_value) != 0) {
        tell(w, row->name, field->un_value, text, row->clause);
        err = header_set(w->msg, field, text);
    }
    free(text);
    return err;
}

static void put_element(struct strbuf *out, struct field element)
{
    strbuf_puts(out, out->len ? ", " : "");
    strbuf_add(out, element.at, element.len);
}

// --- rules ------------------------------------------------------------------------------------

static int remember_preferred(struct walk *w, sip_unknown_t *field, const struct row *row)
{
    if (w->p->user)
        identity_prefer(&w->choice, w->p->user, field->un_value);
    return drop(w, field, row);
}

static int note_asserted(struct walk *w, sip_unknown_t *field, const struct row *row)
{
    w->asserted = true; // whether it may pass is known when all fields were seen
    return 0;
}

static int note_privacy(struct walk *w, sip_unknown_t *field, const struct row *row)
{
    struct field rest = field_whole(field->un_value), value, unused;
    while (field_next_param(&rest, &value, &unused)) // "id;critical"
        w->private_id = w->private_id || field_is(value, "id");
    return 0;
}

static int remember_charging(struct walk *w, sip_unknown_t *field, const struct row *row)
{
    charging_read(&w->p->memory->charging, field->un_value);
    return drop(w, field, row);
}

static int remember_called(struct walk *w, sip_unknown_t *field, const struct row *row)
{
    struct field uri = field_uri(field_whole(field->un_value));
    char *called = w->p->memory->called;
    if (w->p->initial && uri.len < POLICY_CALLED_MAX) {
        memcpy(called, uri.at, uri.len);
        called[uri.len] = '\0';
    }
    return 0;
}

static int drop_provided(struct walk *w, sip_unknown_t *field, const struct row *row)
{
    struct field rest = field_whole(field->un_value), element, value;
    struct strbuf kept = STRBUF_INIT;
    while (field_next(&rest, &element))
        if (!field_param(element, "network-provided", &value))
            put_element(&kept, element);
    return put(w, field, row, &kept);
}

static int keep_supported(struct walk *w, sip_unknown_t *field, const struct row *row)
{
    struct field rest = field_whole(field->un_value), element;
    struct strbuf kept = STRBUF_INIT;
    while (field_next(&rest, &element))
        if (field_is(field_head(element), "supported"))
            put_element(&kept, element);
    return put(w, field, row, &kept);
}

static void put_without(struct strbuf *out, struct field element, const char *name)
{
    struct field params = field_params(element), found, value;
    put_element(out, field_head(element));
    while (field_next_param(&params, &found, &value))
        if (!field_is(found, name))
            strbuf_printf(out, value.len ? ";%.*s=%.*s" : ";%.*s", (int)found.len, found.at,
                          (int)value.len, value.at);
}

static int drop_location_source(struct walk *w, sip_unknown_t *field, const struct row *row)
{
    struct field rest = field_whole(field->un_value), element, value;
    struct strbuf kept = STRBUF_INIT;
    while (field_next(&rest, &element)) {
        if (field_param(element, "loc-src", &value))
            put_without(&kept, element, "loc-src");
        else
            put_element(&kept, element);
    }
    return put(w, field, row, &kept);
}

// --- the table --------------------------------------------------------------------------------

#define FROM_UE (POLICY_REQUEST_FROM_UE | POLICY_RESPONSE_FROM_UE)
#define TO_UE (POLICY_REQUEST_TO_UE | POLICY_RESPONSE_TO_UE)
#define BOTH (FROM_UE | TO_UE)
#define NAME(name) name, sizeof(name) - 1

static const struct row rows[] = {
    {NAME("P-Asserted-Identity"), FROM_UE, drop, "RFC 3325 5"},
    {NAME("P-Asserted-Identity"), TO_UE, note_asserted, "RFC 3325 5"},
    {NAME("P-Preferred-Identity"), FROM_UE, remember_preferred, "TS 24.229 5.2.6.3.1"},
    {NAME("Privacy"), TO_UE, note_privacy, "RFC 3325 7"},
    {NAME("P-Charging-Vector"), FROM_UE, drop, "TS 24.229 5.2.1"},
    {NAME("P-Charging-Vector"), POLICY_REQUEST_TO_UE, remember_charging, "TS 24.229 5.2.1"},
    {NAME("P-Charging-Vector"), POLICY_RESPONSE_TO_UE, drop, "TS 24.229 5.2.1"},
    {NAME("P-Charging-Function-Addresses"), BOTH, drop, "TS 24.229 5.2.1"},
    {NAME("P-Media-Authorization"), FROM_UE, drop, "TS 24.229 5.2.1"},
    {NAME("P-Access-Network-Info"), FROM_UE, drop_provided, "TS 24.229 5.2.1"},
    {NAME("P-Early-Media"), FROM_UE, keep_supported, "RFC 5009 8.3"},
    {NAME("P-Called-Party-ID"), FROM_UE, drop, "TS 24.229 5.2.1"},
    {NAME("P-Called-Party-ID"), POLICY_REQUEST_TO_UE, remember_called, "TS 24.229 5.2.6.4.3"},
    {NAME("P-Asserted-Service"), FROM_UE, drop, "RFC 6050 5"},
    {NAME("P-User-Database"), BOTH, drop, "RFC 4457 4"},
    {NAME("P-Served-User"), BOTH, drop, "RFC 5502 6"},
    {NAME("P-Profile-Key"), BOTH, drop, "RFC 5002 5"},
    {NAME("Feature-Caps"), FROM_UE, drop, "RFC 6809 4.2"},
    {NAME("Geolocation"), BOTH, drop_location_source, "TS 24.229 5.2.1"},
    {NAME("Security-Client"), BOTH, drop, "RFC 3329 2.3.1"},
    {NAME("Security-Server"), BOTH, drop, "RFC 3329 2.3.1"},
    {NAME("Security-Verify"), BOTH, drop, "RFC 3329 2.3.1"},
};

static const struct row *row_for(const char *name, enum policy_way way)
{
    size_t len = name ? strlen(name) : 0;
    for (size_t i = 0; len > 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].len == len && (rows[i].ways & way) && strcasecmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static int walk_fields(struct walk *w)
{
    sip_unknown_t *next;
    for (sip_unknown_t *u = w->sip->sip_unknown; u; u = next) {
        next = u->un_next;
        const struct row *row = row_for(u->un_name, w->p->way);
        int err = row ? row->rule(w, u, row) : 0;
        if (err)
            return err;
    }
    return 0;
}

// --- what depends on more than one field ------------------------------------------------------

static void hide_identity(struct walk *w)
{
    static const struct row row = {NAME("P-Asserted-Identity"), TO_UE, drop, "RFC 3325 5"};
    sip_unknown_t *field;
    while ((field = header_find(w->sip, row.name, NULL)))
        drop(w, field, &row);
}

// Option tags that are agreed with the P-CSCF and with nobody behind it.
static bool is_hop_tag(const char *tag)
{
    return strcasecmp(tag, "sec-agree") == 0 || strcasecmp(tag, "mediasec") == 0;
}

static char *other_tags(const msg_list_t *list)
{
    struct strbuf kept = STRBUF_INIT;
    for (size_t i = 0; list->k_items && list->k_items[i]; i++)
        if (!is_hop_tag(list->k_items[i]))
            put_element(&kept, field_whole(list->k_items[i]));
    return strbuf_take(&kept);
}

static int consume_tags(struct walk *w, const char *name, msg_hclass_t *class, msg_list_t *list)
{
    bool any = false;
    for (size_t i = 0; list && list->k_items && list->k_items[i]; i++)
        any = any || is_hop_tag(list->k_items[i]);
    if (!any)
        return 0;
    char *kept = other_tags(list), *before = sip_header_as_string(msg_home(w->msg), (void *)list);
    int err = -ENOMEM;
    if (kept && before) {
        err = 0;
        tell(w, name, before, kept[0] ? kept : NULL, "RFC 3329 2.3.1");
        sip_header_remove(w->msg, w->sip, (sip_header_t *)list);
        if (kept[0] && sip_add_make(w->msg, w->sip, class, kept) < 0)
            err = -ENOMEM;
    }
    free(kept);
    return err;
}

// --- what the P-CSCF vouches for --------------------------------------------------------------

static int add_identity(struct walk *w, const char *uri, const char *clause)
{
    struct strbuf value = STRBUF_INIT;
    strbuf_printf(&value, "<%s>", uri);
    char *text = strbuf_take(&value);
    int err = text ? add(w, "P-Asserted-Identity", text, clause) : -ENOMEM;
    free(text);
    return err;
}

static int vouch_for(struct walk *w, const char *clause)
{
    int err = w->choice.sip ? add_identity(w, w->choice.sip, clause) : 0;
    return !err && w->choice.tel ? add_identity(w, w->choice.tel, clause) : err;
}

static int identify_caller(struct walk *w)
{
    const struct policy *p = w->p;
    if (!p->user || !p->initial)
        return 0;
    const char *from = NULL;
    if (p->cfg->network.assert_from && w->sip->sip_from)
        from = url_as_string(msg_home(w->msg), w->sip->sip_from->a_url);
    identity_default(&w->choice, p->user, from);
    return vouch_for(w, "TS 24.229 5.2.6.3.1");
}

// In 1xx and 2xx of a dialog, in any response to a standalone request (TS 24.229 5.2.6.4.4,
// 5.2.6.4.8).
static int identify_callee(struct walk *w)
{
    const struct policy *p = w->p;
    int status = w->sip->sip_status->st_status;
    if (!p->user || !p->initial || status == 100 || (p->dialog && status >= 300))
        return 0;
    w->choice = (struct identity_choice){0};
    identity_default(&w->choice, p->user, p->memory->called);
    return vouch_for(w, "TS 24.229 5.2.6.4.4");
}

static int correlate(struct walk *w, const char *orig_ioi, const char *term_ioi, const char *clause)
{
    struct charging *charging = &w->p->memory->charging;
    char text[CHARGING_STRLEN];
    if (!charging->icid[0])
        charging_new(charging);
    charging_print(charging, orig_ioi, term_ioi, text);
    return add(w, "P-Charging-Vector", text, clause);
}

static const char *charging_clause(const struct walk *w)
{
    if (w->sip->sip_cseq->cs_method == sip_method_register)
        return "TS 24.229 5.2.2.1";
    if (!w->p->initial)
        return "TS 24.229 5.2.6.3.9";
    return w->p->dialog ? "TS 24.229 5.2.6.3.3" : "TS 24.229 5.2.6.3.7";
}

static int provide_access(struct walk *w)
{
    const char *access = w->p->cfg->network.access;
    char text[CONFIG_NAME_MAX + 24];
    if (!access[0])
        return 0;
    snprintf(text, sizeof(text), "%s;network-provided", access);
    return add(w, "P-Access-Network-Info", text, "TS 24.229 5.2.1");
}

static int complete(struct walk *w)
{
    const char *own = w->p->cfg->network.domain;
    int err = 0;
    switch (w->p->way) {
    case POLICY_REQUEST_FROM_UE:
        err = consume_tags(w, "Require", sip_require_class, w->sip->sip_require);
        if (!err)
            err = consume_tags(w, "Proxy-Require", sip_proxy_require_class,
                               w->sip->sip_proxy_require);
        err = err ? err : identify_caller(w);
        err = err ? err : provide_access(w);
        if (err)
            return err;
        return correlate(w, own, NULL, charging_clause(w));
    case POLICY_RESPONSE_FROM_UE:
        err = identify_callee(w);
        err = err ? err : provide_access(w);
        if (err)
            return err;
        return correlate(w, w->p->memory->charging.orig_ioi, own, "TS 24.229 5.2.6.4.4");
    default:
        if (w->asserted && w->private_id)
            hide_identity(w);
        return 0;
    }
}

int policy_apply(const struct policy *policy, msg_t *msg, sip_t *sip)
{
    struct walk w = {.p = policy, .msg = msg, .sip = sip};
    int err = walk_fields(&w);
    return err ? err : complete(&w);
}
