// SPDX-License-Identifier: GPL-3.0-or-later
// Reading: To, Contact, Authorization and Security-* become one registration_request. Editing: each
// function adds or changes single fields and tells of each change.
//
// Failure paths: fields that cannot be read count as absent; without memory the message must not
// be sent.
#include "alg/register.h"

#include "alg/header.h"
#include "common/strbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// --- credentials ------------------------------------------------------------------------------

// "Digest a=1, b=2" as scheme and elements.
static struct field credentials_of(const char *value, struct field *scheme)
{
    struct field whole = field_whole(value);
    size_t len = 0;
    while (len < whole.len && whole.at[len] != ' ' && whole.at[len] != '\t')
        len++;
    *scheme = (struct field){whole.at, len};
    return field_whole(whole.at + len);
}

static struct field name_of(struct field element)
{
    size_t len = 0;
    while (len < element.len && !strchr("= \t", element.at[len]))
        len++;
    return (struct field){element.at, len};
}

// Without its quotes.
static struct field value_of(struct field element)
{
    const char *equals = memchr(element.at, '=', element.len);
    if (!equals)
        return (struct field){"", 0};
    struct field value = {equals + 1, element.len - (size_t)(equals + 1 - element.at)};
    while (value.len > 0 && strchr(" \t\"", value.at[0])) {
        value.at++;
        value.len--;
    }
    while (value.len > 0 && strchr(" \t\"", value.at[value.len - 1]))
        value.len--;
    return value;
}

static bool find_credential(const char *value, const char *name, struct field *out)
{
    struct field scheme, rest = credentials_of(value, &scheme), element;
    while (field_is(scheme, "Digest") && field_next(&rest, &element)) {
        if (!field_is(name_of(element), name))
            continue;
        *out = value_of(element);
        return true;
    }
    return false;
}

static bool is_any(struct field name, const char *const *names)
{
    while (*names && !field_is(name, *names))
        names++;
    return *names != NULL;
}

// The value without these parameters, and with one more unless it is NULL. True: it has changed.
static bool edit_credentials(struct strbuf *out, const char *value, const char *const *names,
                             const char *more)
{
    struct field scheme, rest = credentials_of(value, &scheme), element;
    const char *comma = " ";
    bool changed = more != NULL;
    if (!field_is(scheme, "Digest"))
        return false;
    strbuf_add(out, scheme.at, scheme.len);
    while (field_next(&rest, &element)) {
        if (is_any(name_of(element), names)) {
            changed = true;
            continue;
        }
        strbuf_puts(out, comma);
        strbuf_add(out, element.at, element.len);
        comma = ", ";
    }
    if (more)
        strbuf_printf(out, "%s%s", comma, more);
    return changed;
}

// --- reading ----------------------------------------------------------------------------------

static char *text_of(su_home_t *home, struct field piece)
{
    return su_strndup(home, piece.at, (isize_t)piece.len);
}

static void read_security(struct secagree *out, const sip_t *sip, const char *name)
{
    sip_unknown_t *field = NULL;
    while ((field = header_find(sip, name, field)))
        secagree_read(out, field->un_value);
}

static void read_credentials(struct register_facts *out, const sip_t *sip, su_home_t *home)
{
    const char *value = header_value(sip, "Authorization");
    struct field found;
    if (!value)
        return;
    out->credentials = find_credential(value, "response", &found) && found.len > 0;
    out->aka = find_credential(value, "algorithm", &found) && found.len >= 3 &&
               strncasecmp(found.at, "AKA", 3) == 0;
    if (find_credential(value, "username", &found) && found.len > 0)
        out->request.impi = text_of(home, found);
}

static const char *instance_of(const sip_contact_t *contact, su_home_t *home)
{
    const char *value = msg_params_find(contact->m_params, "+sip.instance=");
    struct field piece = field_whole(value);
    if (!value)
        return NULL;
    if (piece.len >= 2 && piece.at[0] == '"')
        piece = (struct field){piece.at + 1, piece.len - 2};
    return text_of(home, piece);
}

static bool supports(const sip_t *sip, const char *tag)
{
    const sip_supported_t *s = sip->sip_supported;
    for (size_t i = 0; s && s->k_items && s->k_items[i]; i++)
        if (strcasecmp(s->k_items[i], tag) == 0)
            return true;
    return false;
}

static uint32_t expires_of(const sip_t *sip, const sip_contact_t *contact, uint32_t otherwise)
{
    const char *value = contact ? contact->m_expires : NULL;
    if (!value)
        value = header_value(sip, "Expires");
    if (!value || value[0] < '0' || value[0] > '9')
        return otherwise;
    unsigned long long seconds = strtoull(value, NULL, 10);
    return seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

// The one that makes the registration: the first that is to stay, else the first.
static const sip_contact_t *main_contact(const sip_t *sip)
{
    for (const sip_contact_t *c = sip->sip_contact; c; c = c->m_next)
        if (expires_of(sip, c, REGISTER_EXPIRES_S) > 0)
            return c;
    return sip->sip_contact;
}

static void read_others(struct register_facts *out, const sip_t *sip, const sip_contact_t *main,
                        su_home_t *home)
{
    for (const sip_contact_t *c = sip->sip_contact; c; c = c->m_next) {
        const char *uri = c != main ? url_as_string(home, c->m_url) : NULL;
        if (!uri)
            continue;
        if (expires_of(sip, c, REGISTER_EXPIRES_S) > 0)
            out->others++;
        else if (out->removed_count < REGISTER_REMOVED_MAX)
            out->removed[out->removed_count++] = uri;
    }
}

static void read_contact(struct register_facts *out, const sip_contact_t *contact, const sip_t *sip,
                         su_home_t *home)
{
    struct registration_request *request = &out->request;
    const char *reg_id = msg_params_find(contact->m_params, "reg-id=");
    request->contact = url_as_string(home, contact->m_url);
    request->instance = instance_of(contact, home);
    request->reg_id = reg_id && request->instance ? (unsigned)strtoul(reg_id, NULL, 10) : 0;
    request->outbound = request->reg_id > 0 && supports(sip, "outbound");
    request->emergency = url_has_param(contact->m_url, "sos");
}

bool register_read(struct register_facts *out, const sip_t *sip, su_home_t *home)
{
    const sip_contact_t *contact = main_contact(sip);
    *out = (struct register_facts){.kind = REGISTER_QUERY};
    out->request.aor = url_as_string(home, sip->sip_to->a_url);
    if (!out->request.aor || !out->request.aor[0])
        return false;
    read_credentials(out, sip, home);
    if (!out->request.impi) { // the private identity of a UE that has no other (TS 23.003 13.3)
        const char *colon = strchr(out->request.aor, ':');
        out->request.impi = colon ? colon + 1 : out->request.aor;
    }
    read_security(&out->client, sip, "Security-Client");
    read_security(&out->verify, sip, "Security-Verify");
    out->request.mediasec = out->client.mediasec;
    out->request.sec_agree = out->client.media;
    out->keep = sip->sip_via && msg_params_find(sip->sip_via->v_params, "keep") != NULL;
    out->expires_s = expires_of(sip, contact, REGISTER_EXPIRES_S);
    if (!contact)
        return true;
    out->kind = contact->m_url->url_type == url_any ? REGISTER_ALL : REGISTER_BINDING;
    if (out->kind == REGISTER_BINDING) {
        read_contact(out, contact, sip, home);
        read_others(out, sip, contact, home);
    }
    return out->kind == REGISTER_ALL || (out->request.contact && out->request.contact[0]);
}

// --- edits ------------------------------------------------------------------------------------

static void tell(const struct register_edit *edit, const char *before, const char *after,
                 const char *clause)
{
    if (edit->changed)
        edit->changed(edit->arg, before, after, clause);
}

static int add(const struct register_edit *edit, const char *name, const char *value,
               const char *clause)
{
    struct strbuf line = STRBUF_INIT;
    int err = header_add(edit->msg, edit->sip, name, value);
    strbuf_printf(&line, "%s: %s", name, value);
    char *text = strbuf_take(&line);
    if (!err && text)
        tell(edit, NULL, text, clause);
    free(text);
    return err;
}

static bool has_path_tag(const sip_t *sip)
{
    const sip_require_t *require = sip->sip_require;
    for (size_t i = 0; require && require->k_items && require->k_items[i]; i++)
        if (strcasecmp(require->k_items[i], "path") == 0)
            return true;
    return false;
}

static int require_path(const struct register_edit *edit)
{
    if (has_path_tag(edit->sip))
        return 0;
    if (sip_add_make(edit->msg, edit->sip, sip_require_class, "path") < 0)
        return -ENOMEM;
    tell(edit, NULL, "Require: path", "TS 24.229 5.2.2.1");
    return 0;
}

const char *register_integrity(const struct register_facts *facts, bool bound)
{
    bool tls = flow_is_secure(&facts->request.flow);
    if (facts->aka) // protected by IPsec security associations, which there are none of
        return "no";
    if (tls)
        return bound ? "tls-yes" : "tls-pending";
    if (!facts->credentials)
        return "no";
    return bound ? "ip-assoc-yes" : "ip-assoc-pending";
}

// What the response proves stays out of the trace.
static int protect(const struct register_edit *edit, const char *integrity)
{
    static const char *const drop[] = {"integrity-protected", NULL};
    char more[48], line[80];
    int err = 0;
    snprintf(more, sizeof(more), "integrity-protected=\"%s\"", integrity);
    snprintf(line, sizeof(line), "Authorization: ...,%s", more);
    sip_unknown_t *field = NULL;
    while (!err && (field = header_find(edit->sip, "Authorization", field))) {
        struct strbuf value = STRBUF_INIT;
        bool changed = edit_credentials(&value, field->un_value, drop, more);
        char *text = strbuf_take(&value);
        if (changed)
            err = text ? header_set(edit->msg, field, text) : -ENOMEM;
        if (changed && !err)
            tell(edit, NULL, line, "TS 24.229 7.2A.2");
        free(text);
    }
    return err;
}

int register_to_core(const struct register_edit *edit, const struct register_facts *facts,
                     const char *path, const char *integrity, const struct config *cfg)
{
    struct strbuf entry = STRBUF_INIT, network = STRBUF_INIT;
    strbuf_printf(&entry, "<%s%s>", path, facts->request.outbound ? ";ob" : "");
    strbuf_printf(&network, "\"%s\"", cfg->network.domain);
    char *entry_text = strbuf_take(&entry), *network_text = strbuf_take(&network);
    int err = entry_text && network_text ? 0 : -ENOMEM;
    sip_unknown_t *field;
    // a UE has no Path of its own, and nobody else has visited this network
    while (!err && (field = header_find(edit->sip, "Path", NULL)))
        header_remove(edit->msg, edit->sip, field);
    while (!err && (field = header_find(edit->sip, "P-Visited-Network-ID", NULL)))
        header_remove(edit->msg, edit->sip, field);
    if (!err)
        err = add(edit, "Path", entry_text, "TS 24.229 5.2.2.1");
    if (!err)
        err = require_path(edit);
    if (!err)
        err = add(edit, "P-Visited-Network-ID", network_text, "TS 24.229 5.2.2.1");
    if (!err)
        err = protect(edit, integrity);
    free(entry_text);
    free(network_text);
    return err;
}

static int hide_keys(const struct register_edit *edit)
{
    static const char *const drop[] = {"ck", "ik", NULL};
    int err = 0;
    sip_unknown_t *field = NULL;
    while (!err && (field = header_find(edit->sip, "WWW-Authenticate", field))) {
        struct strbuf value = STRBUF_INIT;
        bool changed = edit_credentials(&value, field->un_value, drop, NULL);
        char *text = strbuf_take(&value);
        if (changed)
            err = text ? header_set(edit->msg, field, text) : -ENOMEM;
        if (changed && !err)
            tell(edit, "WWW-Authenticate: ...,ck=...,ik=...", NULL, "TS 24.229 5.2.2.2");
        free(text);
    }
    return err;
}

// The UE's own Via is on top once ours is gone; it is the second one still.
static int answer_keep(const struct register_edit *edit)
{
    sip_via_t *via = edit->sip->sip_via ? edit->sip->sip_via->v_next : NULL;
    char *keep = via ? su_sprintf(msg_home(edit->msg), "keep=%d", REGISTER_KEEP_S) : NULL;
    if (!via)
        return 0;
    if (!keep || msg_header_replace_param(msg_home(edit->msg), via->v_common, keep) < 0)
        return -ENOMEM;
    msg_fragment_clear_chain((msg_header_t *)via); // others may stand in the same line
    return 0;
}

static int keep_alive(const struct register_edit *edit, const struct register_facts *facts)
{
    char seconds[16];
    snprintf(seconds, sizeof(seconds), "%d", REGISTER_KEEP_S);
    int err = facts->keep ? answer_keep(edit) : 0;
    if (!err && facts->request.outbound && !header_find(edit->sip, "Flow-Timer", NULL))
        err = add(edit, "Flow-Timer", seconds, "RFC 5626 5.4");
    return err;
}

static bool is_ours(const sip_contact_t *contact, const struct register_facts *facts,
                    su_home_t *home)
{
    const char *instance = instance_of(contact, home), *own = facts->request.instance;
    const char *reg_id = msg_params_find(contact->m_params, "reg-id=");
    if (instance && own)
        return strcasecmp(instance, own) == 0 &&
               (!reg_id || strtoul(reg_id, NULL, 10) == facts->request.reg_id);
    return url_cmp(contact->m_url,
                   (const url_t *)url_hdup(home, (const url_t *)facts->request.contact)) == 0;
}

bool register_is_behind_nat(const sip_t *sip, const struct addr *source)
{
    struct addr said;
    return sip->sip_via && addr_parse(&said, sip->sip_via->v_host, 0) == 0 &&
           !addr_equal_host(&said, source);
}

// The registration lasts as long as the core has granted; the UE comes sooner.
static int come_sooner(const struct register_edit *edit, const struct register_facts *facts)
{
    su_home_t *home = msg_home(edit->msg);
    bool kept = facts->keep || facts->request.outbound || facts->request.flow.transport != FLOW_UDP;
    unsigned seconds = kept ? 0 : facts->nat_expires_s;
    for (sip_contact_t *c = edit->sip->sip_contact; seconds && c; c = c->m_next) {
        if (!is_ours(c, facts, home) || expires_of(edit->sip, c, REGISTER_EXPIRES_S) <= seconds)
            continue;
        char *parameter = su_sprintf(home, "expires=%u", seconds);
        if (!parameter || msg_header_replace_param(home, c->m_common, parameter) < 0)
            return -ENOMEM;
        msg_fragment_clear_chain((msg_header_t *)c);
        tell(edit, NULL, parameter, "TS 24.229 F.4");
    }
    return 0;
}

int register_to_ue(const struct register_edit *edit, const struct register_facts *facts,
                   const char *security_server)
{
    int status = edit->sip->sip_status->st_status;
    int err = hide_keys(edit);
    if (!err && (status == 401 || status == 200) && security_server[0])
        err = add(edit, "Security-Server", security_server, "TS 24.229 7.2A.7");
    if (!err && status == 200 && facts->expires_s > 0)
        err = keep_alive(edit, facts);
    if (!err && status == 200 && facts->expires_s > 0)
        err = come_sooner(edit, facts);
    return err;
}

// --- what a 200 grants ------------------------------------------------------------------------

// The elements of all rows of a field, up to max. uris: their URIs alone.
static const char *const *read_list(const sip_t *sip, const char *name, unsigned max, bool uris,
                                    unsigned *count, su_home_t *home)
{
    const char **list = su_zalloc(home, (isize_t)(max * sizeof(*list)));
    sip_unknown_t *field = NULL;
    *count = 0;
    while (list && (field = header_find(sip, name, field))) {
        struct field rest = field_whole(field->un_value), element;
        while (*count < max && field_next(&rest, &element)) {
            char *text = text_of(home, uris ? field_uri(element) : element);
            if (text)
                list[(*count)++] = text;
        }
    }
    return list;
}

// A registrar that says nothing of our contact among others has removed it.
static uint32_t granted_for(const struct register_facts *facts, const sip_t *sip, su_home_t *home)
{
    const sip_contact_t *contact = sip->sip_contact;
    if (facts->expires_s == 0)
        return 0;
    if (!contact)
        return expires_of(sip, NULL, facts->expires_s);
    for (const sip_contact_t *c = contact; c; c = c->m_next)
        if (is_ours(c, facts, home))
            return expires_of(sip, c, facts->expires_s);
    return contact->m_next ? 0 : expires_of(sip, contact, facts->expires_s);
}

void register_grant(struct registration_grant *out, const struct register_facts *facts,
                    const sip_t *sip, su_home_t *home)
{
    const char *vector = header_value(sip, "P-Charging-Vector");
    const char *charging = header_value(sip, "P-Charging-Function-Addresses");
    struct field rest = field_whole(vector), name, value;
    *out = (struct registration_grant){.expires_s = granted_for(facts, sip, home),
                                       .charging = charging ? su_strdup(home, charging) : NULL};
    out->uri =
        read_list(sip, "P-Associated-URI", REGISTRATION_URIS_MAX, true, &out->uri_count, home);
    out->route =
        read_list(sip, "Service-Route", REGISTRATION_ROUTES_MAX, false, &out->route_count, home);
    while (field_next_param(&rest, &name, &value))
        if (field_is(name, "term-ioi"))
            out->term_ioi = text_of(home, value);
}
