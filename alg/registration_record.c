// SPDX-License-Identifier: GPL-3.0-or-later
// A record is one JSON object. Mechanisms are written in their own words, so that a later version
// reads them as they were meant.
//
// Failure: a record that lacks what makes a registration is none.
#include "alg/registration_record.h"

#include "alg/secagree.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *list_of(const char *const *texts, unsigned count)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

static json_t *mechanisms_of(const struct registration *r)
{
    struct secagree all = {.media = true};
    struct strbuf words = STRBUF_INIT;
    secagree_print(&words, &all, registration_mediasec(r), false);
    char *text = strbuf_take(&words);
    json_t *value = json_string(text ? text : "");
    free(text);
    return value;
}

char *registration_to_record(const struct registration *r, const struct addr *local)
{
    char remote[ADDR_STRLEN], at[ADDR_STRLEN];
    unsigned routes;
    const char *const *route = registration_service_route(r, &routes);
    struct identities who = registration_identities(r);
    const struct flow *flow = registration_flow(r);
    json_t *record = json_pack(
        "{s:s, s:s, s:s, s:s?, s:i, s:b, s:b, s:s, s:s, s:s, s:o, s:b, s:o, s:o, s:s, s:s}", "impi",
        registration_impi(r), "aor", registration_aor(r), "contact", registration_contact(r),
        "instance", registration_instance(r), "reg_id", (int)registration_reg_id(r), "outbound",
        registration_outbound(r), "emergency", registration_emergency(r), "transport",
        flow_transport_name(flow->transport), "remote", addr_format(&flow->remote, remote), "local",
        addr_format(local, at), "mechanisms", mechanisms_of(r), "sec_agree",
        registration_sec_agree(r), "identities", list_of(who.uri, who.count), "route",
        list_of(route, routes), "charging", registration_charging(r), "term_ioi",
        registration_term_ioi(r));
    char *text = record ? json_dumps(record, JSON_COMPACT) : NULL;
    json_decref(record);
    return text;
}

// --- back -------------------------------------------------------------------------------------

static const char *text_at(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));
    return text && text[0] ? text : NULL;
}

static bool read_transport(const json_t *record, enum flow_transport *out)
{
    const char *name = text_at(record, "transport");
    for (unsigned t = FLOW_UDP; name && t <= FLOW_TLS; t++) {
        if (strcmp(name, flow_transport_name((enum flow_transport)t)) != 0)
            continue;
        *out = (enum flow_transport)t;
        return true;
    }
    return false;
}

static bool read_request(const json_t *record, struct registration_request *out)
{
    const char *remote = text_at(record, "remote"), *mechanisms = text_at(record, "mechanisms");
    struct secagree agreed = {0};
    *out = (struct registration_request){
        .impi = text_at(record, "impi"),
        .aor = text_at(record, "aor"),
        .contact = text_at(record, "contact"),
        .instance = text_at(record, "instance"),
        .reg_id = (unsigned)json_integer_value(json_object_get(record, "reg_id")),
        .outbound = json_is_true(json_object_get(record, "outbound")),
        .emergency = json_is_true(json_object_get(record, "emergency")),
        .sec_agree = json_is_true(json_object_get(record, "sec_agree"))};
    if (mechanisms)
        secagree_read(&agreed, mechanisms);
    out->mediasec = agreed.mediasec;
    return out->impi && out->aor && out->contact && remote &&
           read_transport(record, &out->flow.transport) &&
           addr_parse_hostport(&out->flow.remote, remote) == 0;
}

static unsigned read_list(const json_t *record, const char *key, const char **out, unsigned max)
{
    const json_t *list = json_object_get(record, key);
    unsigned count = 0;
    for (size_t i = 0; i < json_array_size(list) && count < max; i++)
        if (json_is_string(json_array_get(list, i)))
            out[count++] = json_string_value(json_array_get(list, i));
    return count;
}

static int restore(struct registrations *all, const char *token, const json_t *record,
                   const struct registration_request *request, uint32_t expires_s, uint64_t now_ms)
{
    const char *uris[REGISTRATION_URIS_MAX], *routes[REGISTRATION_ROUTES_MAX];
    struct registration_grant grant = {
        .expires_s = expires_s,
        .uri = uris,
        .uri_count = read_list(record, "identities", uris, REGISTRATION_URIS_MAX),
        .route = routes,
        .route_count = read_list(record, "route", routes, REGISTRATION_ROUTES_MAX),
        .charging = text_at(record, "charging"),
        .term_ioi = text_at(record, "term_ioi")};
    int err = registrations_restore(all, request, token, &grant, now_ms);
    if (!err && request->flow.transport != FLOW_UDP)
        registration_lose_flow(registrations_by_token(all, token), true);
    return err;
}

int registration_from_record(struct registrations *all, const char *token, const char *text,
                             uint32_t expires_s, uint64_t now_ms, registration_find_listen *find,
                             void *arg)
{
    struct registration_request request;
    struct addr at;
    json_t *record = json_loads(text, 0, NULL);
    const char *local = record ? text_at(record, "local") : NULL;
    int err = -EINVAL;
    if (!local || expires_s == 0 || strlen(token) != REGISTRATION_TOKEN_LEN ||
        addr_parse_hostport(&at, local) || !read_request(record, &request))
        goto out;
    err = find(arg, &at, &request.flow.listen)
              ? restore(all, token, record, &request, expires_s, now_ms)
              : -ENOENT;
out:
    json_decref(record);
    return err;
}
