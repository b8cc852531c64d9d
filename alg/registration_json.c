// SPDX-License-Identifier: GPL-3.0-or-later
// One object per registration. Its texts come from UEs and the core: text_json() makes JSON of
// whatever they are.
#include "alg/registration_json.h"

#include "alg/secagree.h"
#include "common/text_json.h"

struct listing {
    json_t *list;
    size_t skip, room;
    uint64_t now_ms;
};

static json_t *texts(const char *const *text, unsigned count)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, text_json(text[i]));
    return list;
}

static json_t *flow_json(const struct registration *r)
{
    const struct flow *flow = registration_flow(r);
    char remote[ADDR_STRLEN];
    return json_pack("{s:s,s:s,s:b}", "transport", flow_transport_name(flow->transport), "remote",
                     addr_format(&flow->remote, remote), "lost", registration_flow_lost(r));
}

static json_t *registration_json(const struct registration *r, uint64_t now_ms)
{
    struct identities identities = registration_identities(r);
    uint64_t expires_ms = registration_expires_ms(r);
    unsigned routes;
    const char *const *route = registration_service_route(r, &routes);
    char words[SECAGREE_WORDS_MAX];
    return json_pack(
        "{s:s,s:o,s:o,s:o,s:o,s:i,s:b,s:b,s:o,s:o,s:s,s:b,s:I,s:o}", "state",
        registration_state_name(registration_state(r)), "identity", text_json(registration_aor(r)),
        "impi", text_json(registration_impi(r)), "contact", text_json(registration_contact(r)),
        "instance", text_json(registration_instance(r)), "reg_id", (int)registration_reg_id(r),
        "outbound", registration_outbound(r), "emergency", registration_emergency(r), "identities",
        texts(identities.uri, identities.count), "service_route", texts(route, routes), "mediasec",
        secagree_words(registration_mediasec(r), words), "sec_agree", registration_sec_agree(r),
        "expires_s", (json_int_t)(expires_ms > now_ms ? (expires_ms - now_ms) / 1000 : 0), "flow",
        flow_json(r));
}

static bool put(void *arg, struct registration *r)
{
    struct listing *listing = arg;
    if (listing->skip > 0) {
        listing->skip--;
        return true;
    }
    if (listing->room == 0)
        return false;
    listing->room--;
    json_array_append_new(listing->list, registration_json(r, listing->now_ms));
    return true;
}

json_t *registrations_json(const struct registrations *all, size_t offset, size_t limit,
                           uint64_t now_ms)
{
    struct listing listing = {json_array(), offset, limit, now_ms};
    registrations_foreach(all, put, &listing);
    return json_pack("{s:i,s:o}", "total", (int)registrations_count(all), "registrations",
                     listing.list);
}
