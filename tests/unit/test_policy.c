// SPDX-License-Identifier: GPL-3.0-or-later
// The trust boundary: what of a message crosses it, what is changed on the way, and what the P-CSCF
// vouches for; and the small readers of header fields it stands on.
#include "alg/policy.h"
#include "tests/unit/suite.h"

#include "common/strbuf.h"

#include <stdlib.h>
#include <string.h>

// --- a message and its crossing ---------------------------------------------------------------

static msg_mclass_t *class;
static struct config cfg;
static struct policy_memory memory;
static struct strbuf changes;

static const char *const uris[] = {"sip:alice@home.example", "tel:+15551234",
                                   "sip:alice.work@home.example"};
static const struct identities alice = {uris, 3};

static void setup(void)
{
    config_defaults(&cfg);
    memory = (struct policy_memory){0};
    snprintf(memory.charging.icid, sizeof(memory.charging.icid), "icid1");
    class = message_class();
    ck_assert_ptr_nonnull(class);
}

static void teardown(void)
{
    free(class);
    strbuf_free(&changes);
}

static void note(void *arg, const char *before, const char *after, const char *clause)
{
    ck_assert(clause[0] != '\0');
    strbuf_printf(&changes, "-%s +%s\n", before ? before : "", after ? after : "");
}

#define REQUEST "INVITE sip:bob@home.example SIP/2.0\r\n"
#define RINGING "SIP/2.0 180 Ringing\r\n"
#define BUSY "SIP/2.0 486 Busy Here\r\n"
#define ALWAYS                                                                                     \
    "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-1\r\n"                                        \
    "From: <sip:alice.work@home.example>;tag=a\r\nTo: <sip:bob@home.example>\r\n"                  \
    "Call-ID: c1\r\nCSeq: 1 INVITE\r\n"

// Everything behind CSeq that left, one line each; to be freed.
static char *cross_with(const struct policy *policy, const char *start, const char *fields)
{
    struct strbuf whole = STRBUF_INIT;
    strbuf_printf(&whole, "%s" ALWAYS "%sContent-Length: 0\r\n\r\n", start, fields);
    msg_t *msg = msg_make(class, 0, whole.text, (ssize_t)whole.len);
    ck_assert_ptr_nonnull(msg);
    ck_assert_int_eq(policy_apply(policy, msg, sip_object(msg)), 0);
    su_home_t home[1] = {SU_HOME_INIT(home)};
    size_t len;
    const char *text = msg_as_string(home, msg, NULL, 0, &len);
    ck_assert_ptr_nonnull(text);
    struct strbuf kept = STRBUF_INIT;
    for (const char *at = strstr(text, "CSeq"); (at = strstr(at, "\r\n")) && at[2] != '\r';) {
        at += 2;
        if (strncmp(at, "Content-Length", 14) != 0)
            strbuf_printf(&kept, "%.*s\n", (int)strcspn(at, "\r"), at);
    }
    su_home_deinit(home);
    msg_destroy(msg);
    strbuf_free(&whole);
    return strbuf_take(&kept);
}

static struct policy crossing(enum policy_way way)
{
    return (struct policy){.cfg = &cfg,
                           .way = way,
                           .initial = true,
                           .dialog = true,
                           .memory = &memory,
                           .user = &alice,
                           .changed = note};
}

static void expect(const struct policy *policy, const char *start, const char *fields,
                   const char *leaves)
{
    char *got = cross_with(policy, start, fields);
    ck_assert_str_eq(got, leaves);
    free(got);
}

// --- from the UE ------------------------------------------------------------------------------

#define PAI "P-Asserted-Identity: "
#define PPI "P-Preferred-Identity: "
#define DEFAULT PAI "<sip:alice@home.example>\n"
#define PCV "P-Charging-Vector: icid-value=icid1;orig-ioi=visited.example\n"

static const struct {
    const char *fields, *leaves;
} from_ue[] = {
    // PCSCF-031, TS 24.229 5.2.6.3.1: a registered identity that is preferred is asserted
    {PPI "\"Boss\" <sip:alice.work@HOME.example;x=y>\r\n",
     PAI "<sip:alice.work@home.example>\n" PCV},
    {PPI "sip:alice.work@home.example;x=y\r\n", PAI "<sip:alice.work@home.example>\n" PCV},
    {PPI "<tel:+1-555-1234>, <sip:alice.work@home.example>\r\n",
     PAI "<sip:alice.work@home.example>\n" PAI "<tel:+15551234>\n" PCV},
    {PPI "<sip:+1(555)1234@any.example;user=phone>\r\n", PAI "<tel:+15551234>\n" PCV},
    // one of each scheme at most (RFC 3325 9.1)
    {PPI "<sip:alice@home.example>\r\n" PPI "<sip:alice.work@home.example>\r\n", DEFAULT PCV},
    // an identity of somebody else, or none, becomes the default one
    {PPI "<sip:bob@home.example>\r\n", DEFAULT PCV},
    {PPI "<sip:alice@other.example>\r\n", DEFAULT PCV},
    {PPI "<<broken\r\n", DEFAULT PCV},
    {"", DEFAULT PCV},
    // PCSCF-032, RFC 3325 5: what the UE asserts itself never counts
    {PAI "<sip:bob@home.example>\r\n" PAI "<<broken\r\n", DEFAULT PCV},
    // PCSCF-036, PCSCF-018: the charging of a UE neither
    {"P-Charging-Vector: icid-value=forged;orig-ioi=evil\r\n"
     "P-Charging-Function-Addresses: ccf=192.0.2.1\r\n",
     DEFAULT PCV},
    // PCSCF-037, TS 24.229 5.2.1
    {"P-Access-Network-Info: IEEE-802.11;i-wlan-node-id=00\r\n",
     "P-Access-Network-Info: IEEE-802.11;i-wlan-node-id=00\n" DEFAULT PCV},
    {"P-Access-Network-Info: 3GPP-E-UTRAN-FDD;network-provided\r\n", DEFAULT PCV},
    {"P-Access-Network-Info: 3GPP-E-UTRAN-FDD;network-provided, IEEE-802.11\r\n",
     "P-Access-Network-Info: IEEE-802.11\n" DEFAULT PCV},
    // PCSCF-038, RFC 5009 8.3: a UE may say that it understands, not that it may
    {"P-Early-Media: supported\r\n", "P-Early-Media: supported\n" DEFAULT PCV},
    {"P-Early-Media: sendrecv, supported\r\n", "P-Early-Media: supported\n" DEFAULT PCV},
    {"P-Early-Media: sendrecv\r\n", DEFAULT PCV},
    // PCSCF-039, RFC 3325 7: privacy is for the far end, not for the core
    {"Privacy: id\r\n", "Privacy: id\n" DEFAULT PCV},
    // PCSCF-042, RFC 3329 2.3.1
    {"Security-Verify: tls;q=0.1\r\nSecurity-Client: udptl-dtls;mediasec\r\n"
     "Require: sec-agree, mediasec\r\nProxy-Require: mediasec\r\n",
     DEFAULT PCV},
    {"Require: 100rel, sec-agree\r\n", "Require: 100rel\n" DEFAULT PCV},
    // TS 24.229 5.2.1, RFC 6809
    {"Geolocation: <sip:a@b;x=y>;loc-src=h.example;p=1, <cid:1@c>\r\n",
     "Geolocation: <sip:a@b;x=y>;p=1, <cid:1@c>\n" DEFAULT PCV},
    {"Feature-Caps: *;+g.3gpp.atcf\r\nP-Served-User: <sip:a@b>\r\nP-Profile-Key: <sip:a@b>\r\n"
     "P-User-Database: <aaa://h>\r\nP-Called-Party-ID: <sip:a@b>\r\nP-Asserted-Service: urn:x\r\n"
     "P-Media-Authorization: 00\r\n",
     DEFAULT PCV},
    // what the table does not know passes as it came, in its order
    {"X-One: a ,b\r\nP-Preferred-Service: urn:x\r\nx-one: c\r\nHistory-Info: <sip:a@b>;index=1\r\n",
     "X-One: a ,b\nP-Preferred-Service: urn:x\nx-one: c\nHistory-Info: <sip:a@b>;index=1\n" DEFAULT
         PCV},
};

// The rules for a request of a UE, one by one.
START_TEST(requests_of_a_ue)
{
    struct policy policy = crossing(POLICY_REQUEST_FROM_UE);
    expect(&policy, REQUEST, from_ue[_i].fields, from_ue[_i].leaves);
}
END_TEST

// TS 24.229 5.2.6.3.1: From counts when it is told to, and only as a registered identity.
START_TEST(from_may_be_asserted)
{
    struct policy policy = crossing(POLICY_REQUEST_FROM_UE);
    cfg.network.assert_from = true;
    expect(&policy, REQUEST, "", PAI "<sip:alice.work@home.example>\n" PCV);
    expect(&policy, REQUEST, PPI "<tel:+15551234>\r\n", PAI "<tel:+15551234>\n" PCV);
    const struct identities bob = {uris + 1, 1};
    policy.user = &bob;
    expect(&policy, REQUEST, "", PAI "<tel:+15551234>\n" PCV);
}
END_TEST

// Nobody vouches for a UE that has not registered, and an in-dialog request asserts nothing anew.
START_TEST(nothing_is_asserted_without_registration)
{
    struct policy policy = crossing(POLICY_REQUEST_FROM_UE);
    policy.initial = false;
    expect(&policy, REQUEST, PPI "<sip:alice.work@home.example>\r\n", PCV);
    policy.initial = true;
    policy.user = NULL;
    expect(&policy, REQUEST, PPI "<sip:alice@home.example>\r\n" PAI "<sip:a@b>\r\n", PCV);
}
END_TEST

// PCSCF-037: the access network is named by the P-CSCF where it knows it.
START_TEST(the_access_network_is_provided)
{
    struct policy policy = crossing(POLICY_REQUEST_FROM_UE);
    policy.user = NULL;
    snprintf(cfg.network.access, sizeof(cfg.network.access), "IEEE-802.11");
    expect(&policy, REQUEST, "P-Access-Network-Info: IEEE-802.11;network-provided;x=1\r\n",
           "P-Access-Network-Info: IEEE-802.11;network-provided\n" PCV);
}
END_TEST

// PCSCF-036, RFC 7315 5.6: an icid is made once per dialog, and no two are alike.
START_TEST(an_icid_is_made_once)
{
    struct policy policy = crossing(POLICY_REQUEST_FROM_UE);
    policy.user = NULL;
    memory.charging.icid[0] = '\0';
    char *first = cross_with(&policy, REQUEST, ""), *again = cross_with(&policy, REQUEST, "");
    ck_assert_str_eq(first, again);
    ck_assert_ptr_nonnull(strstr(first, "icid-value="));
    memory.charging.icid[0] = '\0';
    char *other = cross_with(&policy, REQUEST, "");
    ck_assert_str_ne(first, other);
    free(first);
    free(again);
    free(other);
}
END_TEST

// --- responses of the UE ----------------------------------------------------------------------

#define ANSWER_PCV                                                                                 \
    "P-Charging-Vector: icid-value=\"of the "                                                      \
    "core\";orig-ioi=home.example;term-ioi=visited.example\n"

static void from_core(const char *fields)
{
    struct policy policy = crossing(POLICY_REQUEST_TO_UE);
    memory = (struct policy_memory){0};
    free(cross_with(&policy, REQUEST, fields));
}

#define CORE_PCV "P-Charging-Vector: icid-value=\"of the core\";orig-ioi=home.example;x=1\r\n"

// PCSCF-053, PCSCF-054, TS 24.229 5.2.6.4.4: the identity that was called, when it is registered,
// else the default one; the icid and orig-ioi of the request with our term-ioi.
START_TEST(responses_of_a_ue)
{
    struct policy policy = crossing(POLICY_RESPONSE_FROM_UE);
    from_core(CORE_PCV "P-Called-Party-ID: <sip:alice.work@home.example>;x\r\n");
    expect(&policy, RINGING, PPI "<sip:eve@home.example>\r\n" PAI "<sip:eve@home.example>\r\n",
           PAI "<sip:alice.work@home.example>\n" ANSWER_PCV);
    from_core(CORE_PCV "P-Called-Party-ID: <sip:bob@home.example>\r\n");
    expect(&policy, RINGING, "P-Charging-Vector: icid-value=x\r\n", DEFAULT ANSWER_PCV);
    expect(&policy, BUSY, PAI "<sip:eve@home.example>\r\n", ANSWER_PCV);
    policy.dialog = false; // 5.2.6.4.8: any response to a standalone request
    expect(&policy, BUSY, "", DEFAULT ANSWER_PCV);
    policy.initial = false;
    expect(&policy, RINGING, "", ANSWER_PCV);
}
END_TEST

// PCSCF-054: an icid too long to be kept is not cut, but one of our own is used.
START_TEST(a_monstrous_icid_is_replaced)
{
    struct policy policy = crossing(POLICY_RESPONSE_FROM_UE);
    char fields[400];
    snprintf(fields, sizeof(fields), "P-Charging-Vector: icid-value=%0300d\r\n", 0);
    from_core(fields);
    char *got = cross_with(&policy, BUSY, "");
    ck_assert_ptr_nonnull(strstr(got, "icid-value="));
    ck_assert_ptr_null(strstr(got, "00000000000000000000"));
    free(got);
}
END_TEST

// --- to the UE --------------------------------------------------------------------------------

static const struct {
    const char *fields, *leaves;
} to_ue[] = {
    // PCSCF-052, RFC 3325 5
    {PAI "<sip:bob@home.example>\r\n", PAI "<sip:bob@home.example>\n"},
    {PAI "<sip:bob@home.example>\r\nPrivacy: none\r\n" PAI "<tel:+1>\r\n",
     PAI "<sip:bob@home.example>\nPrivacy: none\n" PAI "<tel:+1>\n"},
    {PAI "<sip:bob@home.example>\r\nPrivacy: header;id;critical\r\n" PAI "<tel:+1>\r\n",
     "Privacy: header;id;critical\n"},
    {"Privacy: ID\r\np-asserted-identity: <sip:bob@home.example>\r\n", "Privacy: ID\n"},
    // PCSCF-018, TS 24.229 5.2.1
    {"P-Charging-Vector: icid-value=1\r\nP-Charging-Function-Addresses: ccf=192.0.2.1\r\n"
     "P-User-Database: <aaa://h>\r\nP-Served-User: <sip:a@b>\r\nP-Profile-Key: <sip:a@b>\r\n"
     "Security-Client: tls\r\nGeolocation: <sip:a@b>;loc-src=h\r\n",
     "Geolocation: <sip:a@b>\n"},
    // RFC 5009, RFC 6809, TS 24.229 5.2.6.4.3: these are for the UE
    {"P-Early-Media: sendrecv\r\nFeature-Caps: *;+g.x\r\nP-Called-Party-ID: <sip:a@b>\r\n"
     "P-Asserted-Service: urn:x\r\n",
     "P-Early-Media: sendrecv\nFeature-Caps: *;+g.x\nP-Called-Party-ID: <sip:a@b>\n"
     "P-Asserted-Service: urn:x\n"},
};

// The same rules for requests and responses towards the UE.
START_TEST(messages_to_a_ue)
{
    struct policy policy = crossing(POLICY_REQUEST_TO_UE);
    expect(&policy, REQUEST, to_ue[_i].fields, to_ue[_i].leaves);
    policy = crossing(POLICY_RESPONSE_TO_UE);
    const char *response = strstr(to_ue[_i].leaves, "P-Called-Party-ID") ? RINGING : BUSY;
    expect(&policy, response, to_ue[_i].fields, to_ue[_i].leaves);
}
END_TEST

// Each change is told with the line before and after.
START_TEST(changes_are_told)
{
    struct policy policy = crossing(POLICY_REQUEST_FROM_UE);
    free(cross_with(&policy, REQUEST,
                    PAI "<sip:x@y>\r\nP-Early-Media: sendrecv, supported\r\n"
                        "Require: sec-agree, 100rel\r\n"));
    char *told = strbuf_take(&changes);
    ck_assert_str_eq(told, "-P-Asserted-Identity: <sip:x@y> +\n"
                           "-P-Early-Media: sendrecv, supported +P-Early-Media: supported\n"
                           "-Require: sec-agree, 100rel +Require: 100rel\n"
                           "- +P-Asserted-Identity: <sip:alice@home.example>\n"
                           "- +P-Charging-Vector: icid-value=icid1;orig-ioi=visited.example\n");
    free(told);
}
END_TEST

// --- readers ----------------------------------------------------------------------------------

static const struct {
    const char *a, *b;
    bool same;
} pairs[] = {
    {"sip:alice@home.example", "SIP:alice@HOME.example;transport=tcp", true},
    {"sip:alice@home.example", "sips:alice@home.example", true},
    {"sip:alice@home.example", "sip:Alice@home.example", false},
    {"sip:alice@home.example", "sip:alice@home.example:5060", false},
    {"sip:home.example", "sip:alice@home.example", false},
    {"tel:+1-555", "tel:+1(5)55;phone-context=x", true},
    {"tel:+1555", "tel:+15551", false},
    {"tel:+1555", "sip:+1555@home.example;user=phone", true},
    {"tel:+1555", "sip:+1555@home.example", false},
    {"urn:service:sos", "urn:service:sos", true},
    {"urn:service:sos", "urn:service:sos.fire", false},
};

// RFC 3261 19.1.4, RFC 3966 4: when two URIs are one identity.
START_TEST(identities_are_compared)
{
    struct field a = field_whole(pairs[_i].a), b = field_whole(pairs[_i].b);
    ck_assert_int_eq(identity_same(a, b), pairs[_i].same);
    ck_assert_int_eq(identity_same(b, a), pairs[_i].same);
}
END_TEST

static const struct {
    const char *value, *pieces; // head|uri|value of p
} lists[] = {
    {"a;p=1, b", "a|a|1 b|b| "},
    {" \"x, <y>; z\" <sip:a,b;c@d>;q=1;p=\"2;3\" ,,",
     "\"x, <y>; z\" <sip:a,b;c@d>|sip:a,b;c@d|\"2;3\" "},
    {"<sip:a@b", "<sip:a@b|sip:a@b| "},
    {"\"open", "\"open|\"open| "},
    {"<>", "<>|| "},
    {"\"\\", "\"\\|\"\\| "},
    {";p=7", "||7 "},
    {"", ""},
};

// RFC 3261 25.1: quotes and brackets hide commas and semicolons; broken input stays in its bounds.
START_TEST(lists_are_cut)
{
    struct field rest = field_whole(lists[_i].value), element, p;
    struct strbuf got = STRBUF_INIT;
    while (field_next(&rest, &element)) {
        struct field head = field_head(element), uri = field_uri(element);
        if (!field_param(element, "P", &p))
            p.len = 0;
        strbuf_printf(&got, "%.*s|%.*s|%.*s ", (int)head.len, head.at, (int)uri.len, uri.at,
                      (int)p.len, p.at);
    }
    char *text = strbuf_take(&got);
    ck_assert_str_eq(text, lists[_i].pieces);
    free(text);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *tcase = tcase_create("policy");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, requests_of_a_ue, 0, ROWS(from_ue));
    tcase_add_test(tcase, from_may_be_asserted);
    tcase_add_test(tcase, nothing_is_asserted_without_registration);
    tcase_add_test(tcase, the_access_network_is_provided);
    tcase_add_test(tcase, an_icid_is_made_once);
    tcase_add_test(tcase, responses_of_a_ue);
    tcase_add_test(tcase, a_monstrous_icid_is_replaced);
    tcase_add_loop_test(tcase, messages_to_a_ue, 0, ROWS(to_ue));
    tcase_add_test(tcase, changes_are_told);
    tcase_add_loop_test(tcase, identities_are_compared, 0, ROWS(pairs));
    tcase_add_loop_test(tcase, lists_are_cut, 0, ROWS(lists));
    suite_add_tcase(suite, tcase);
    return suite_finish(suite);
}
