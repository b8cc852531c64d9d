// SPDX-License-Identifier: GPL-3.0-or-later
// A REGISTER and its 200 as messages: what is read from them, and how protected the P-CSCF says
// that a REGISTER was.
#include "alg/register.h"
#include "tests/unit/suite.h"

#include "common/strbuf.h"

#include <stdlib.h>
#include <string.h>

static msg_mclass_t *class;
static su_home_t home[1] = {SU_HOME_INIT(home)};
static msg_t *msg;

static void setup(void)
{
    class = message_class();
    ck_assert_ptr_nonnull(class);
    su_home_init(home);
}

static void teardown(void)
{
    msg_destroy(msg);
    free(class);
    su_home_deinit(home);
}

static sip_t *message(const char *start, const char *fields)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_printf(&text,
                  "%s\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-1\r\n"
                  "From: <sip:alice@home.example>;tag=a\r\nTo: <sip:alice@home.example>\r\n"
                  "Call-ID: c1\r\nCSeq: 1 REGISTER\r\n%sContent-Length: 0\r\n\r\n",
                  start, fields);
    msg = msg_make(class, 0, text.text, (ssize_t)text.len);
    strbuf_free(&text);
    ck_assert_ptr_nonnull(msg);
    return sip_object(msg);
}

static struct register_facts facts_of(const char *fields)
{
    struct register_facts facts;
    ck_assert(register_read(&facts, message("REGISTER sip:home.example SIP/2.0", fields), home));
    return facts;
}

#define CONTACT "Contact: <sip:alice@192.0.2.10:5060>"
#define DIGEST "Authorization: Digest username=\"alice\", realm=\"r\""
#define RESPONSE ", nonce=\"n\", response=\"0123\"\r\n"

static const struct protection {
    const char *fields;
    enum flow_transport transport;
    bool bound;
    const char *value;
} protections[] = {
    // TS 24.229 7.2A.2: SIP digest without TLS
    {CONTACT "\r\n" DIGEST RESPONSE, FLOW_UDP, false, "ip-assoc-pending"},
    {CONTACT "\r\n" DIGEST RESPONSE, FLOW_TCP, true, "ip-assoc-yes"},
    {CONTACT "\r\n" DIGEST ", response=\"\"\r\n", FLOW_UDP, false, "no"},
    // with TLS
    {CONTACT "\r\n" DIGEST RESPONSE, FLOW_TLS, false, "tls-pending"},
    {CONTACT "\r\n" DIGEST RESPONSE, FLOW_TLS, true, "tls-yes"},
    // IMS AKA outside of a security association
    {CONTACT "\r\n" DIGEST ", algorithm=AKAv1-MD5" RESPONSE, FLOW_UDP, true, "no"},
};

START_TEST(integrity_protected_follows_the_access_security_PCSCF_006)
{
    const struct protection *row = &protections[_i];
    struct register_facts facts = facts_of(row->fields);
    facts.request.flow.transport = row->transport;
    ck_assert_str_eq(register_integrity(&facts, row->bound), row->value);
}
END_TEST

START_TEST(a_contact_with_outbound_is_read)
{
    struct register_facts facts =
        facts_of(CONTACT ";reg-id=2;+sip.instance=\"<urn:uuid:x>\";expires=77\r\n"
                         "Supported: path, outbound\r\n" DIGEST RESPONSE);
    ck_assert_int_eq(facts.kind, REGISTER_BINDING);
    ck_assert_str_eq(facts.request.impi, "alice");
    ck_assert_str_eq(facts.request.aor, "sip:alice@home.example");
    ck_assert_str_eq(facts.request.contact, "sip:alice@192.0.2.10:5060");
    ck_assert_str_eq(facts.request.instance, "<urn:uuid:x>");
    ck_assert_uint_eq(facts.request.reg_id, 2);
    ck_assert(facts.request.outbound && !facts.request.emergency);
    ck_assert_uint_eq(facts.expires_s, 77);
}
END_TEST

static const struct {
    const char *fields, *contact;
    uint32_t expires_s;
    unsigned removed, others;
} several[] = {
    {"Contact: <sip:a@192.0.2.1>;expires=0, <sip:a@192.0.2.2>;expires=60\r\n", "sip:a@192.0.2.2",
     60, 1, 0},
    {"Contact: <sip:a@192.0.2.1>;expires=60\r\nContact: <sip:a@192.0.2.2>;expires=0\r\n",
     "sip:a@192.0.2.1", 60, 1, 0},
    {"Contact: <sip:a@192.0.2.1>, <sip:a@192.0.2.2>, <sip:a@192.0.2.3>\r\nExpires: 90\r\n",
     "sip:a@192.0.2.1", 90, 0, 2},
    {"Contact: <sip:a@192.0.2.1>, <sip:a@192.0.2.2>\r\nExpires: 0\r\n", "sip:a@192.0.2.1", 0, 1, 0},
};

// RFC 3261 10.2.1, 10.2.2: of several contacts the first that is to stay makes the registration,
// those with expires=0 are taken back.
START_TEST(one_of_several_contacts_makes_the_registration)
{
    struct register_facts facts = facts_of(several[_i].fields);
    ck_assert_int_eq(facts.kind, REGISTER_BINDING);
    ck_assert_str_eq(facts.request.contact, several[_i].contact);
    ck_assert_uint_eq(facts.expires_s, several[_i].expires_s);
    ck_assert_uint_eq(facts.removed_count, several[_i].removed);
    ck_assert_uint_eq(facts.others, several[_i].others);
}
END_TEST

START_TEST(other_kinds_of_REGISTER_are_told_apart)
{
    struct register_facts facts = facts_of("Contact: *\r\nExpires: 0\r\n");
    ck_assert_int_eq(facts.kind, REGISTER_ALL);
    ck_assert_uint_eq(facts.expires_s, 0);
    ck_assert_str_eq(facts.request.impi, "alice@home.example");
    msg_destroy(msg);
    ck_assert_int_eq(facts_of("").kind, REGISTER_QUERY);
    msg_destroy(msg);
    facts = facts_of("Contact: <sip:alice@192.0.2.10;sos>\r\nExpires: 99999999999999999999\r\n");
    ck_assert(facts.request.emergency);
    ck_assert_uint_eq(facts.expires_s, UINT32_MAX);
}
END_TEST

static const struct granted {
    const char *request, *fields;
    uint32_t expires_s;
} granted[] = {
    {CONTACT "\r\n", CONTACT ";expires=60\r\nExpires: 70\r\n", 60},
    {CONTACT "\r\n", CONTACT "\r\nExpires: 70\r\n", 70},
    {CONTACT ";expires=50\r\n", CONTACT "\r\n", 50},
    {CONTACT "\r\n", "", REGISTER_EXPIRES_S},
    // of several contacts that of this UE, and none when it is not there any more
    {CONTACT "\r\n", "Contact: <sip:x@y>;expires=1, <sip:alice@192.0.2.10:5060>;expires=9\r\n", 9},
    {CONTACT "\r\n", "Contact: <sip:x@y>;expires=1, <sip:z@y>;expires=2\r\n", 0},
    {CONTACT ";expires=0\r\n", "Contact: <sip:x@y>;expires=1\r\n", 0},
    {CONTACT "\r\nExpires: 0\r\n", "", 0},
    {CONTACT ";+sip.instance=\"<urn:1>\"\r\n",
     "Contact: <sip:a@moved>;+sip.instance=\"<URN:1>\";expires=8, <sip:x@y>;expires=1\r\n", 8},
};

START_TEST(a_200_grants_the_time_of_our_contact)
{
    struct register_facts facts = facts_of(granted[_i].request);
    struct registration_grant grant;
    msg_destroy(msg);
    register_grant(&grant, &facts, message("SIP/2.0 200 OK", granted[_i].fields), home);
    ck_assert_uint_eq(grant.expires_s, granted[_i].expires_s);
}
END_TEST

START_TEST(a_200_brings_identities_route_and_charging_PCSCF_017)
{
    struct register_facts facts = facts_of(CONTACT "\r\n");
    struct registration_grant grant;
    msg_destroy(msg);
    register_grant(&grant, &facts,
                   message("SIP/2.0 200 OK",
                           "P-Associated-URI: \"Al, ice\" <sip:a@b;user=phone>;x, <tel:+1>\r\n"
                           "P-Associated-URI: <sip:c@d>\r\n"
                           "Service-Route: <sip:one;lr>, <sip:two;lr>\r\n"
                           "P-Charging-Function-Addresses: ccf=192.0.2.1\r\n"
                           "P-Charging-Vector: icid-value=x;term-ioi=home.example\r\n"),
                   home);
    ck_assert_uint_eq(grant.uri_count, 3);
    ck_assert_str_eq(grant.uri[0], "sip:a@b;user=phone");
    ck_assert_str_eq(grant.uri[1], "tel:+1");
    ck_assert_str_eq(grant.uri[2], "sip:c@d");
    ck_assert_uint_eq(grant.route_count, 2);
    ck_assert_str_eq(grant.route[1], "<sip:two;lr>");
    ck_assert_str_eq(grant.charging, "ccf=192.0.2.1");
    ck_assert_str_eq(grant.term_ioi, "home.example");
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("register");
    TCase *tc = tcase_create("register");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, integrity_protected_follows_the_access_security_PCSCF_006, 0,
                        ROWS(protections));
    tcase_add_test(tc, a_contact_with_outbound_is_read);
    tcase_add_test(tc, other_kinds_of_REGISTER_are_told_apart);
    tcase_add_loop_test(tc, one_of_several_contacts_makes_the_registration, 0, ROWS(several));
    tcase_add_loop_test(tc, a_200_grants_the_time_of_our_contact, 0, ROWS(granted));
    tcase_add_test(tc, a_200_brings_identities_route_and_charging_PCSCF_017);
    tcase_set_timeout(tc, SUITE_TIMEOUT);
    suite_add_tcase(suite, tc);
    return suite_finish(suite);
}
