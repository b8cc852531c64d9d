// SPDX-License-Identifier: GPL-3.0-or-later
// The table of registrations: how one begins, moves, is renewed and ends, and by what it is found.
#include "alg/registration.h"
#include "alg/registration_json.h"
#include "tests/unit/suite.h"

#include "common/clock.h"
#include "common/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct registrations *all;
static unsigned ended;
static enum reason ended_for;

static void note_end(void *arg, struct registration *r, enum reason reason)
{
    ended++;
    ended_for = reason;
    ck_assert_int_eq(registration_state(r) == REGISTRATION_GONE ||
                         registration_state(r) == REGISTRATION_PENDING,
                     1);
}

static void setup(void)
{
    struct registrations_setup settings = {
        .max = 100, .traces = 2, .events = 20, .ended = note_end};
    all = registrations_open(&settings);
    ck_assert_ptr_nonnull(all);
}

static void teardown(void)
{
    registrations_close(all);
}

static struct flow flow_from(const char *address)
{
    struct flow flow = {.transport = FLOW_UDP};
    ck_assert_int_eq(addr_parse_hostport(&flow.remote, address), 0);
    return flow;
}

static struct registration_request request_from(const char *address)
{
    return (struct registration_request){.impi = "alice@home.example",
                                         .aor = "sip:alice@home.example",
                                         .contact = "sip:alice@192.0.2.1:5060",
                                         .flow = flow_from(address),
                                         .mediasec = MEDIASEC_MSRP_TLS,
                                         .sec_agree = true};
}

static const char *const uris[] = {"sip:alice@home.example", "tel:+1-555-1234"};
static const char *const route[] = {"<sip:scscf.home.example;lr>", "<sip:as.home.example;lr>"};
static const struct registration_grant granted = {
    .expires_s = 600, .uri = uris, .uri_count = 2, .route = route, .route_count = 2};

static struct registration *attempt(const struct registration_request *request, uint64_t now_ms,
                                    char token[static REGISTRATION_TOKEN_LEN + 1])
{
    struct registration *r = NULL;
    const char *path = NULL;
    ck_assert_int_eq(registrations_attempt(all, request, now_ms, &r, &path), REASON_NONE);
    snprintf(token, REGISTRATION_TOKEN_LEN + 1, "%s", path);
    return r;
}

static void accept_it(const struct registration_request *request, const char *token,
                      const struct registration_grant *grant, uint64_t now_ms)
{
    struct registration *r;
    ck_assert_int_eq(registrations_accept(all, request, token, grant, now_ms, &r), 0);
    ck_assert_int_eq(r != NULL, grant->expires_s > 0);
}

static struct registration *registered(const char *address,
                                       char token[static REGISTRATION_TOKEN_LEN + 1])
{
    struct registration_request request = request_from(address);
    struct registration *r = attempt(&request, 1000, token);
    accept_it(&request, token, &granted, 1000);
    return r;
}

#define TOKEN(name) char name[REGISTRATION_TOKEN_LEN + 1]

START_TEST(each_flow_has_a_token_that_no_other_has_PCSCF_001)
{
    TOKEN(first);
    TOKEN(second);
    struct registration *a = registered("192.0.2.1:5060", first);
    struct registration_request other = request_from("192.0.2.2:5060");
    other.contact = "sip:alice@192.0.2.2:5060";
    struct registration *b = attempt(&other, 1000, second);
    ck_assert_ptr_ne(a, b);
    ck_assert_str_ne(first, second);
    ck_assert_ptr_eq(registrations_by_token(all, first), a);
    ck_assert_ptr_eq(registrations_by_token(all, second), b);
    ck_assert_ptr_null(registrations_by_token(all, "guessed"));
}
END_TEST

START_TEST(what_a_REGISTER_brings_counts_from_the_200_on_PCSCF_014)
{
    TOKEN(token);
    struct registration_request request = request_from("192.0.2.1:5060");
    struct registration *r = attempt(&request, 1000, token);
    ck_assert_int_eq(registration_state(r), REGISTRATION_PENDING);
    ck_assert_uint_eq(registration_mediasec(r), 0);
    ck_assert_ptr_null(registrations_by_flow(all, &request.flow));
    ck_assert_ptr_null(registrations_by_impu(all, "sip:alice@home.example"));
    registration_challenge(r, token, 2000);
    accept_it(&request, token, &granted, 3000);
    ck_assert_int_eq(registration_state(r), REGISTRATION_REGISTERED);
    ck_assert_uint_eq(registration_mediasec(r), MEDIASEC_MSRP_TLS);
    ck_assert_ptr_eq(registrations_by_flow(all, &request.flow), r);

    request.mediasec = 0; // withdrawn (TS 24.229 7.2A.7)
    attempt(&request, 4000, token);
    ck_assert_uint_eq(registration_mediasec(r), MEDIASEC_MSRP_TLS);
    accept_it(&request, token, &granted, 4000);
    ck_assert_uint_eq(registration_mediasec(r), 0);
}
END_TEST

START_TEST(identities_and_Service_Route_are_kept_in_order_PCSCF_017)
{
    TOKEN(token);
    struct registration *r = registered("192.0.2.1:5060", token);
    struct identities who = registration_identities(r);
    unsigned count;
    const char *const *stored = registration_service_route(r, &count);
    ck_assert_uint_eq(who.count, 2);
    ck_assert_str_eq(who.uri[0], uris[0]);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(stored[0], route[0]);
    ck_assert_str_eq(stored[1], route[1]);
    ck_assert_ptr_eq(registrations_by_impu(all, "tel:+15551234"), r);
    ck_assert_ptr_eq(registrations_by_impu(all, "sip:+15551234@any.example;user=phone"), r);
    ck_assert_ptr_eq(registrations_by_contact(all, "sip:alice@192.0.2.1:5060;x=y"), r);

    struct registration_grant none = {.expires_s = 600};
    struct registration_request again = request_from("192.0.2.1:5060");
    attempt(&again, 2000, token);
    accept_it(&again, token, &none, 2000);
    registration_service_route(r, &count);
    ck_assert_uint_eq(count, 0); // RFC 3608 6.1: the list of each 200 replaces the former one
    ck_assert_str_eq(registration_identities(r).uri[0], "sip:alice@home.example");
    ck_assert_ptr_null(registrations_by_impu(all, "tel:+15551234"));
}
END_TEST

START_TEST(without_an_identity_that_can_be_kept_the_registered_one_counts_PCSCF_017)
{
    static char longer[REGISTRATION_TEXT_MAX + 1];
    const char *uri[] = {longer};
    struct registration_grant grant = {.expires_s = 600, .uri = uri, .uri_count = 1};
    struct registration_request request = request_from("192.0.2.1:5060");
    TOKEN(token);
    memset(longer, 'a', sizeof(longer) - 1);
    struct registration *r = attempt(&request, 1000, token);
    accept_it(&request, token, &grant, 1000);
    ck_assert_uint_eq(registration_identities(r).count, 1);
    ck_assert_str_eq(registration_identities(r).uri[0], "sip:alice@home.example");
}
END_TEST

START_TEST(all_contacts_of_an_identity_are_found_by_it_PCSCF_017)
{
    // the first and the second are one identity when one is preferred, not when one is called
    static const char *const both[] = {"sip:+1555@home.example",
                                       "sip:+1555@home.example;user=phone"};
    struct registration_grant phone = {.expires_s = 600, .uri = both + 1, .uri_count = 1},
                              two = {.expires_s = 600, .uri = both, .uri_count = 2};
    TOKEN(token);
    struct registration_request request = request_from("192.0.2.1:5060");
    struct registration *r = attempt(&request, 1000, token);
    accept_it(&request, token, &phone, 1000);
    request = request_from("192.0.2.2:5060");
    request.contact = "sip:alice@192.0.2.2:5060";
    struct registration *other = attempt(&request, 2000, token);
    accept_it(&request, token, &two, 2000);

    ck_assert_ptr_eq(registrations_by_impu(all, "tel:+1555"), other);
    ck_assert_ptr_eq(registration_next_contact(other, both[1]), r);
    ck_assert_ptr_null(registration_next_contact(r, both[1]));
    ck_assert_ptr_null(registration_next_contact(other, both[0]));
}
END_TEST

START_TEST(a_REGISTER_from_elsewhere_moves_the_flow_and_the_old_token_works_for_a_while_PCSCF_021)
{
    TOKEN(first);
    TOKEN(second);
    struct registration *r = registered("192.0.2.1:5060", first);
    struct registration_request moved = request_from("192.0.2.1:7777");
    ck_assert_ptr_eq(attempt(&moved, 5000, second), r);
    ck_assert_str_ne(first, second);
    ck_assert_ptr_eq(registrations_by_token(all, second), r);
    ck_assert_uint_eq(addr_port(&registration_flow_of(r, first)->remote), 5060);
    ck_assert_uint_eq(addr_port(&registration_flow_of(r, second)->remote), 7777);
    accept_it(&moved, second, &granted, 5000);
    ck_assert_str_eq(registration_token(r), second);
    ck_assert_uint_eq(addr_port(&registration_flow_of(r, first)->remote), 7777);
    struct flow old = flow_from("192.0.2.1:5060");
    ck_assert_ptr_null(registrations_by_flow(all, &old));
    registrations_expire(all, 5000 + REGISTRATION_GRACE_MS - 1000);
    ck_assert_ptr_eq(registrations_by_token(all, first), r);
    registrations_expire(all, 5000 + REGISTRATION_GRACE_MS + 1000);
    ck_assert_ptr_null(registrations_by_token(all, first));
    ck_assert_ptr_eq(registrations_by_token(all, second), r);
}
END_TEST

START_TEST(the_token_of_a_flow_that_stays_stays_too)
{
    TOKEN(first);
    TOKEN(second);
    struct registration *r = registered("192.0.2.1:5060", first);
    struct registration_request again = request_from("192.0.2.1:5060");
    ck_assert_ptr_eq(attempt(&again, 5000, second), r);
    ck_assert_str_eq(first, second);
    registration_refuse(r, second);
    ck_assert_ptr_eq(registrations_by_token(all, first), r);
}
END_TEST

START_TEST(a_refused_REGISTER_leaves_the_registration_in_force_PCSCF_022)
{
    TOKEN(first);
    TOKEN(second);
    struct registration *r = registered("192.0.2.1:5060", first);
    struct registration_request moved = request_from("192.0.2.1:7777");
    moved.mediasec = 0;
    attempt(&moved, 5000, second);
    registration_refuse(r, second);
    ck_assert_int_eq(registration_state(r), REGISTRATION_REGISTERED);
    ck_assert_ptr_null(registrations_by_token(all, second));
    ck_assert_ptr_eq(registrations_by_token(all, first), r);
    ck_assert_uint_eq(registration_mediasec(r), MEDIASEC_MSRP_TLS);
    ck_assert_uint_eq(ended, 0);
}
END_TEST

// Nobody but the registrar says who a REGISTER is from: what another sender asks for in between,
// with the same identity and contact, neither moves the flow nor changes what it has agreed on.
START_TEST(a_REGISTER_of_somebody_else_cannot_take_a_registration_over_PCSCF_014)
{
    TOKEN(own);
    TOKEN(again);
    TOKEN(foreign);
    struct registration *r = registered("192.0.2.1:5060", own);
    struct registration_request mine = request_from("192.0.2.1:5060");
    struct registration_request theirs = request_from("192.0.2.66:5060");
    theirs.impi = "mallory";
    theirs.mediasec = 0;
    attempt(&mine, 2000, again);
    attempt(&theirs, 2000, foreign);
    accept_it(&mine, again, &granted, 2000);
    ck_assert_str_eq(registration_token(r), own);
    ck_assert_uint_eq(addr_port(&registration_flow(r)->remote), 5060);
    ck_assert_ptr_eq(registrations_by_flow(all, &mine.flow), r);
    ck_assert_ptr_null(registrations_by_flow(all, &theirs.flow));
    ck_assert_uint_eq(registration_mediasec(r), MEDIASEC_MSRP_TLS);
    ck_assert_str_eq(registration_impi(r), "alice@home.example");
    registration_refuse(r, foreign);
    ck_assert_ptr_null(registrations_by_token(all, foreign));
    ck_assert_int_eq(registration_state(r), REGISTRATION_REGISTERED);
}
END_TEST

// Nor can it keep a first registration from being accepted.
START_TEST(a_REGISTER_of_somebody_else_cannot_displace_a_pending_one)
{
    TOKEN(own);
    TOKEN(foreign);
    struct registration_request mine = request_from("192.0.2.1:5060");
    struct registration_request theirs = request_from("192.0.2.66:5060");
    attempt(&mine, 1000, own);
    attempt(&theirs, 1000, foreign);
    accept_it(&mine, own, &granted, 1000);
    struct registration *r = registrations_by_token(all, own);
    ck_assert_ptr_nonnull(r);
    ck_assert_ptr_eq(registrations_by_flow(all, &mine.flow), r);
    registrations_expire(all, 1000 + REGISTRATION_PENDING_MS + 1000); // theirs lapses
    ck_assert_ptr_null(registrations_by_token(all, foreign));
    ck_assert_int_eq(registration_state(r), REGISTRATION_REGISTERED);
}
END_TEST

START_TEST(a_first_REGISTER_that_is_refused_or_forgotten_leaves_nothing)
{
    TOKEN(token);
    struct registration_request request = request_from("192.0.2.1:5060");
    registration_refuse(attempt(&request, 1000, token), token);
    ck_assert_uint_eq(registrations_count(all), 0);
    attempt(&request, 1000, token);
    registrations_expire(all, 1000 + REGISTRATION_PENDING_MS + 1000);
    ck_assert_uint_eq(registrations_count(all), 0);
    ck_assert_ptr_null(registrations_by_token(all, token));
    ck_assert_uint_eq(ended, 0); // it never began
}
END_TEST

START_TEST(expiry_takes_token_flow_and_capability_away_PCSCF_020)
{
    TOKEN(token);
    struct registration *r = registered("192.0.2.1:5060", token);
    struct flow flow = flow_from("192.0.2.1:5060");
    registration_ref(r);
    registrations_expire(all, 600 * 1000);
    ck_assert_uint_eq(ended, 0);
    registrations_expire(all, 602 * 1000);
    ck_assert_uint_eq(ended, 1);
    ck_assert_int_eq(ended_for, REASON_REGISTRATION_EXPIRED);
    ck_assert_ptr_null(registrations_by_token(all, token));
    ck_assert_ptr_null(registrations_by_flow(all, &flow));
    ck_assert_ptr_null(registrations_by_impu(all, "sip:alice@home.example"));
    ck_assert_uint_eq(registration_mediasec(r), 0);
    registration_unref(r);
}
END_TEST

START_TEST(a_200_that_crosses_the_expiry_still_registers)
{
    TOKEN(token);
    struct registration *r = registered("192.0.2.1:5060", token);
    struct registration_request again = request_from("192.0.2.1:5060");
    attempt(&again, 600 * 1000, token);
    registrations_expire(all, 602 * 1000);
    ck_assert_uint_eq(ended, 1);
    ck_assert_int_eq(registration_state(r), REGISTRATION_PENDING);
    ck_assert_ptr_eq(registrations_by_token(all, token), r);
    accept_it(&again, token, &granted, 602 * 1000);
    ck_assert_ptr_eq(registrations_by_flow(all, &again.flow), r);
    ck_assert_ptr_eq(registrations_by_token(all, token), r);
}
END_TEST

START_TEST(expires_0_and_Contact_star_end_it_PCSCF_019)
{
    TOKEN(token);
    registered("192.0.2.1:5060", token);
    struct registration_request again = request_from("192.0.2.1:5060");
    struct registration_grant none = {0};
    attempt(&again, 2000, token);
    accept_it(&again, token, &none, 2000);
    ck_assert_uint_eq(registrations_count(all), 0);
    ck_assert_uint_eq(ended, 1);
    ck_assert_int_eq(ended_for, REASON_NONE);

    registered("192.0.2.1:5060", token);
    struct registration_request other = request_from("192.0.2.9:5060");
    other.contact = "sip:alice@192.0.2.9";
    attempt(&other, 1000, token);
    accept_it(&other, token, &granted, 1000);
    ck_assert_uint_eq(registrations_count(all), 2);
    registrations_end_user(all, "tel:+15551234", REASON_NONE); // another identity of the set
    ck_assert_uint_eq(registrations_count(all), 0);
    ck_assert_uint_eq(ended, 3);
}
END_TEST

START_TEST(an_instance_has_one_contact_per_reg_id_RFC_5626)
{
    TOKEN(token);
    struct registration_request request = request_from("192.0.2.1:5060");
    request.instance = "<urn:uuid:1>";
    struct registration *r = attempt(&request, 1000, token);
    accept_it(&request, token, &granted, 1000);
    request.contact = "sip:alice@192.0.2.77";
    request.flow = flow_from("192.0.2.77:5060");
    ck_assert_ptr_eq(attempt(&request, 1000, token), r); // superseded
    request.reg_id = 2;
    ck_assert_ptr_ne(attempt(&request, 1000, token), r); // a second flow beside it
}
END_TEST

START_TEST(another_identity_of_the_set_is_the_same_registration_5_2_5_1)
{
    TOKEN(token);
    struct registration *r = registered("192.0.2.1:5060", token);
    struct registration_request request = request_from("192.0.2.1:5060");
    request.aor = "tel:+15551234";
    ck_assert_ptr_eq(attempt(&request, 2000, token), r);
    request.aor = "sip:bob@home.example";
    ck_assert_ptr_ne(attempt(&request, 2000, token), r);
    request.aor = "sip:alice@home.example";
    request.emergency = true; // TS 24.229 5.1.6: apart
    ck_assert_ptr_ne(attempt(&request, 2000, token), r);
}
END_TEST

START_TEST(all_contacts_of_an_identity_are_found)
{
    TOKEN(token);
    struct registration *a = registered("192.0.2.1:5060", token);
    struct registration_request other = request_from("192.0.2.9:5060");
    other.contact = "sip:alice@192.0.2.9";
    struct registration *b = attempt(&other, 1000, token);
    accept_it(&other, token, &granted, 1000);
    ck_assert_ptr_eq(registrations_by_impu(all, "sip:alice@HOME.example"), b);
    ck_assert_ptr_eq(registration_next_contact(b, "sip:alice@home.example"), a);
    ck_assert_ptr_null(registration_next_contact(a, "sip:alice@home.example"));
    struct addr host = other.flow.remote;
    addr_set_port(&host, 1);
    ck_assert_ptr_eq(registrations_by_host(all, &host), b);
}
END_TEST

START_TEST(an_identity_that_is_added_is_found_until_the_next_200)
{
    TOKEN(token);
    struct registration *r = registered("192.0.2.1:5060", token);
    unsigned count = registration_identities(r).count;
    char uri[64];
    ck_assert_ptr_null(registrations_by_impu(all, "sip:office@example.net"));
    ck_assert_int_eq(registration_add_identity(r, "sip:office@example.net"), 0);
    ck_assert_int_eq(registration_add_identity(r, "sip:office@example.net"), 0); // once
    ck_assert_ptr_eq(registrations_by_impu(all, "sip:office@example.net"), r);
    ck_assert_ptr_eq(registrations_by_impu(all, registration_identities(r).uri[0]), r);
    ck_assert_uint_eq(registration_identities(r).count, count + 1);
    for (unsigned i = count + 1; i < REGISTRATION_URIS_MAX; i++) {
        snprintf(uri, sizeof(uri), "sip:%u@example.net", i);
        ck_assert_int_eq(registration_add_identity(r, uri), 0);
    }
    ck_assert_int_eq(registration_add_identity(r, "sip:more@example.net"), -ENOSPC);
    ck_assert_uint_eq(registration_identities(r).count, REGISTRATION_URIS_MAX);
    registered("192.0.2.1:5060", token);
    ck_assert_ptr_null(registrations_by_impu(all, "sip:office@example.net"));
}
END_TEST

START_TEST(the_bounds_hold)
{
    TOKEN(token);
    char contact[64], longer[REGISTRATION_TEXT_MAX + 8] = "sip:";
    struct registration_request request = request_from("192.0.2.1:5060");
    struct registration *r;
    const char *path;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(contact, sizeof(contact), "sip:c%u@192.0.2.1", i);
        request.contact = contact;
        attempt(&request, 1000, token);
    }
    request.contact = "sip:one-more@192.0.2.1";
    ck_assert_int_eq(registrations_attempt(all, &request, 1000, &r, &path),
                     REASON_REGISTRATION_LIMIT);
    memset(longer + 4, 'x', sizeof(longer) - 5);
    request.contact = longer;
    ck_assert_int_eq(registrations_attempt(all, &request, 1000, &r, &path), REASON_BAD_REQUEST);
}
END_TEST

static bool count_traces(void *arg, struct registration *r)
{
    ck_assert_ptr_nonnull(registration_trace(r));
    ++*(unsigned *)arg;
    return true;
}

START_TEST(the_newest_traces_stay_even_of_what_is_gone)
{
    TOKEN(token);
    unsigned kept = 0;
    struct registration_request request = request_from("192.0.2.1:5060");
    request.contact = "sip:a@192.0.2.1";
    registration_refuse(attempt(&request, 1000, token), token);
    request.contact = "sip:b@192.0.2.1";
    registration_refuse(attempt(&request, 1000, token), token);
    request.contact = "sip:c@192.0.2.1";
    registration_refuse(attempt(&request, 1000, token), token);
    registrations_recent(all, count_traces, &kept);
    ck_assert_uint_eq(kept, 2);
    ck_assert_uint_eq(registrations_count(all), 0);
}
END_TEST

START_TEST(a_registration_can_be_put_back_and_shortened)
{
    struct registration_request request = request_from("192.0.2.1:5060");
    ck_assert_int_eq(registrations_restore(all, &request, "tokenoftheformerlife", &granted, 1000),
                     0);
    ck_assert_int_eq(registrations_restore(all, &request, "tokenoftheformerlife", &granted, 1000),
                     -EEXIST);
    struct registration *r = registrations_by_token(all, "tokenoftheformerlife");
    ck_assert_ptr_nonnull(r);
    ck_assert_int_eq(registration_state(r), REGISTRATION_REGISTERED);
    ck_assert_uint_eq(registration_mediasec(r), MEDIASEC_MSRP_TLS);
    registration_shorten(r, 10, 1000);
    registrations_expire(all, 13000);
    ck_assert_uint_eq(ended, 1);
}
END_TEST

// As many as a node may hold. What is asserted is a bound that only a mistake breaks: linear work
// per REGISTER would take minutes.
#define MANY 50000

// An operator sees who is registered, from where and for how long; the token of Path stays hidden,
// and what is no UTF-8 hides nothing else.
START_TEST(they_are_shown_without_their_tokens)
{
    TOKEN(token);
    struct registration *r = registered("192.0.2.1:5060", token);
    struct registration_request other = request_from("192.0.2.2:5060");
    other.impi = "b\xff"
                 "b@home.example";
    other.aor = "sip:bob@home.example";
    other.contact = "sip:bob@192.0.2.2";
    TOKEN(pending);
    attempt(&other, 1000, pending);
    json_t *page = registrations_json(all, 0, 10, 31000), *shown = NULL, *each;
    ck_assert_ptr_nonnull(page);
    ck_assert_int_eq(json_integer_value(json_object_get(page, "total")), 2);
    size_t i;
    json_array_foreach(json_object_get(page, "registrations"), i, each)
    {
        if (strcmp(json_string_value(json_object_get(each, "state")), "registered") == 0)
            shown = each;
    }
    ck_assert_ptr_nonnull(shown);
    ck_assert_str_eq(json_string_value(json_object_get(shown, "identity")), registration_aor(r));
    ck_assert_str_eq(json_string_value(json_object_get(shown, "mediasec")), "msrp-tls");
    ck_assert_int_eq(json_integer_value(json_object_get(shown, "expires_s")), 570);
    ck_assert_uint_eq(json_array_size(json_object_get(shown, "identities")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(shown, "service_route")), 2);
    char *text = json_dumps(page, JSON_ENSURE_ASCII);
    ck_assert_ptr_nonnull(strstr(text, "b\\uFFFDb@home.example"));
    ck_assert_ptr_null(strstr(text, token));
    ck_assert_ptr_null(strstr(text, pending));
    free(text);
    json_decref(page);
    page = registrations_json(all, 1, 10, 31000);
    ck_assert_uint_eq(json_array_size(json_object_get(page, "registrations")), 1);
    json_decref(page);
}
END_TEST

START_TEST(fifty_thousand_are_held_below_8_KiB_each_without_slowing)
{
    struct registrations_setup settings = {.max = MANY, .traces = 100, .events = 20};
    struct registrations *many = registrations_open(&settings);
    char aor[64], contact[64];
    uint64_t begin = clock_now_us(), half = 0;
    for (unsigned i = 0; i < MANY; i++) {
        struct registration_request request = request_from("192.0.2.1:5060");
        struct registration *r;
        const char *token;
        snprintf(aor, sizeof(aor), "sip:user%u@home.example", i);
        snprintf(contact, sizeof(contact), "sip:user%u@192.0.2.1:5060", i);
        const char *const own[] = {aor, "tel:+15551234"};
        struct registration_grant grant = granted;
        grant.uri = own;
        request.aor = request.impi = aor;
        request.contact = contact;
        addr_set_port(&request.flow.remote, (uint16_t)(i + 1));
        ck_assert_int_eq(registrations_attempt(many, &request, 1000, &r, &token), REASON_NONE);
        ck_assert_int_eq(registrations_accept(many, &request, token, &grant, 1000 + i, &r), 0);
        ck_assert_uint_lt(registration_bytes(r), 8192);
        if (i == MANY / 2)
            half = clock_now_us() - begin;
    }
    uint64_t whole = clock_now_us() - begin;
    ck_assert_uint_eq(registrations_count(many), MANY);
    ck_assert_uint_lt(whole, 8 * half);
    ck_assert_ptr_nonnull(registrations_by_impu(many, "sip:user49999@home.example"));
    registrations_expire(many, 700 * 1000);
    ck_assert_uint_eq(registrations_count(many), 0);
    registrations_close(many);
}
END_TEST

int main(void)
{
    static const TTest *const *const tests[] = {
        &each_flow_has_a_token_that_no_other_has_PCSCF_001,
        &what_a_REGISTER_brings_counts_from_the_200_on_PCSCF_014,
        &identities_and_Service_Route_are_kept_in_order_PCSCF_017,
        &all_contacts_of_an_identity_are_found_by_it_PCSCF_017,
        &without_an_identity_that_can_be_kept_the_registered_one_counts_PCSCF_017,
        &a_REGISTER_from_elsewhere_moves_the_flow_and_the_old_token_works_for_a_while_PCSCF_021,
        &the_token_of_a_flow_that_stays_stays_too,
        &a_refused_REGISTER_leaves_the_registration_in_force_PCSCF_022,
        &a_REGISTER_of_somebody_else_cannot_take_a_registration_over_PCSCF_014,
        &a_REGISTER_of_somebody_else_cannot_displace_a_pending_one,
        &a_first_REGISTER_that_is_refused_or_forgotten_leaves_nothing,
        &expiry_takes_token_flow_and_capability_away_PCSCF_020,
        &a_200_that_crosses_the_expiry_still_registers,
        &expires_0_and_Contact_star_end_it_PCSCF_019,
        &an_instance_has_one_contact_per_reg_id_RFC_5626,
        &another_identity_of_the_set_is_the_same_registration_5_2_5_1,
        &all_contacts_of_an_identity_are_found,
        &an_identity_that_is_added_is_found_until_the_next_200,
        &the_bounds_hold,
        &the_newest_traces_stay_even_of_what_is_gone,
        &a_registration_can_be_put_back_and_shortened,
        &they_are_shown_without_their_tokens,
        &fifty_thousand_are_held_below_8_KiB_each_without_slowing,
    };
    Suite *suite = suite_create("registration");
    TCase *tc = tcase_create("registration");
    tcase_add_checked_fixture(tc, setup, teardown);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tc, *tests[i]);
    tcase_set_timeout(tc, SUITE_TIMEOUT);
    suite_add_tcase(suite, tc);
    return suite_finish(suite);
}
