// SPDX-License-Identifier: GPL-3.0-or-later
// Offers within a call: re-INVITE and UPDATE from either side while a fax is under way. Whatever
// becomes of the offer, the fax goes on and arrives.
#include "tests/flows/agent.h"
#include "tests/flows/suite.h"

#include <string.h>

// In the middle of a page.
#define SOON " --reinvite-after 1200"

// The value after `key` in the n-th line (from 1) that begins with word.
static const char *value_in(struct flow *f, const char *text, const char *word, unsigned n,
                            const char *key)
{
    unsigned seen = 0;

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, strlen(word)) == 0 && ++seen == n)
            return flow_value(f, line, word, key);
    }
    return NULL;
}

// The first two lines that begin with word say the same.
static bool same(struct flow *f, const char *text, const char *word, const char *key)
{
    const char *first = value_in(f, text, word, 1, key), *second = value_in(f, text, word, 2, key);

    flow_check(f, first && second, "no two lines of %s with %s", word, key);
    return strcmp(first, second) == 0;
}

static const struct {
    const char *change;
    bool new_association;
} ue_offers[] = {
    {"same", false},
    {"new-port", false}, // same identity, same fingerprints: RFC 8842 3.2
    {"new-id", true},
    {"new-fingerprint", true},
};

// The association is kept unless identity or fingerprint changed; then the AGW answers with a new
// identity on a new port, and the old association carries the fax until the new one is there
// (REQ-080, REQ-081, REQ-082, REQ-085).
START_TEST(an_offer_of_the_ue_keeps_or_renews_the_association)
{
    struct flow *f = flow_open("re-ue");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE,
                        .ue = flow_text(f, "--reinvite %s" SOON, ue_offers[_i].change)};
    bool renewed = ue_offers[_i].new_association;

    call_run(p, &call);
    must_say(f, call_ue(&call),
             flow_text(f, "^reoffer-answered change=%s status=200", ue_offers[_i].change));
    ck_assert(same(f, call_ue(&call), "answer-received", "address=") == !renewed);
    ck_assert(same(f, call_ue(&call), "answer-received", "identity=") == !renewed);
    ck_assert_uint_eq(text_count(call_ue(&call), "^dtls-established"), renewed ? 2 : 1);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const char *const core_offers[] = {"same", "new-port"};

// An offer of the core never forces a new association on the UE: it gets actpass, the old identity,
// the old port (REQ-083, REQ-084).
START_TEST(an_offer_of_the_core_keeps_the_association)
{
    struct flow *f = flow_open("re-core");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_CORE,
                        .core = flow_text(f, "--reinvite %s" SOON, core_offers[_i])};

    call_run(p, &call);
    must_say(f, call_core(&call),
             flow_text(f, "^reoffer-answered change=%s status=200", core_offers[_i]));
    ck_assert(same(f, call_ue(&call), "offer-received", "address="));
    ck_assert(same(f, call_ue(&call), "offer-received", "identity="));
    ck_assert_uint_eq(text_count(call_ue(&call), "^offer-received .* setup=actpass .*=applied "),
                      2);
    ck_assert_uint_eq(text_count(call_ue(&call), "^dtls-established"), 1);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    enum host by;
    const char *change;
} refused[] = {
    {HOST_UE, "same"},   {HOST_UE, "new-id"},     {HOST_UE, "new-fingerprint"},
    {HOST_CORE, "same"}, {HOST_CORE, "new-port"},
};

// A refused offer changes nothing: the fax goes on over what was agreed (REQ-086, RFC 3261 14.1).
START_TEST(a_refused_offer_leaves_the_fax_alone)
{
    struct flow *f = flow_open("re-refused");
    struct pcscf *p = pcscf_start(f, NULL);
    const char *offers = flow_text(f, "--reinvite %s" SOON, refused[_i].change);
    bool ue = refused[_i].by == HOST_UE;
    struct call call = {.caller = HOST_UE,
                        .ue = ue ? offers : "--reinvite refuse-this",
                        .core = ue ? "--reinvite refuse-this" : offers,
                        .ue_status = ue ? 3 : 0,
                        .core_status = ue ? 0 : 3};

    call_run(p, &call);
    must_say(f, ue ? call_ue(&call) : call_core(&call),
             flow_text(f, "^reoffer-refused change=%s status=488", refused[_i].change));
    ck_assert_uint_eq(text_count(call_ue(&call), "^dtls-established"), 1);
    must_say(f, call_ue(&call), "^fax-done ok=yes");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const enum host sides[] = {HOST_UE, HOST_CORE};

// Hold and resume change the direction only; the fax stands still and goes on (REQ-088).
START_TEST(hold_stops_the_fax_and_resume_goes_on)
{
    struct flow *f = flow_open("re-hold");
    struct pcscf *p = pcscf_start(f, NULL);
    bool ue = sides[_i] == HOST_UE;
    struct call call = {.caller = HOST_UE,
                        .ue = ue ? "--reinvite hold" SOON : NULL,
                        .core = ue ? NULL : "--reinvite hold" SOON};

    call_run(p, &call);
    const char *by = ue ? call_ue(&call) : call_core(&call);
    must_say(f, by, "^reoffer-answered change=hold status=200");
    must_say(f, by, "^reoffer-answered change=same status=200");
    ck_assert_uint_eq(text_count(call_ue(&call), "^dtls-established"), 1);
    struct chart chart = pcscf_chart(p);
    must_say(f, chart.text, "Mode=Inactive");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// UPDATE may carry an offer as well (RFC 3311).
START_TEST(an_update_keeps_the_association)
{
    struct flow *f = flow_open("update");
    struct pcscf *p = pcscf_start(f, NULL);
    bool ue = sides[_i] == HOST_UE;
    struct call call = {
        .caller = HOST_UE, .ue = ue ? "--update" SOON : NULL, .core = ue ? NULL : "--update" SOON};

    call_run(p, &call);
    must_say(f, ue ? call_ue(&call) : call_core(&call),
             "^reoffer-answered change=update status=200");
    ck_assert_uint_eq(text_count(call_ue(&call), "^dtls-established"), 1);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// A UE that shows no identity is judged by fingerprints, role and transport address: a moved one
// renews the association (REQ-127, RFC 8842 4).
START_TEST(without_identity_a_moved_port_renews_the_association)
{
    struct flow *f = flow_open("re-no-identity");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE, .ue = "--id-name none --reinvite new-port" SOON};

    call_run(p, &call);
    must_say(f, call_ue(&call), "^reoffer-answered change=new-port status=200");
    ck_assert_uint_eq(text_count(call_ue(&call), "^dtls-established"), 2);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

void suite_modification(struct suite *s)
{
    EACH(s, an_offer_of_the_ue_keeps_or_renews_the_association, ue_offers);
    EACH(s, an_offer_of_the_core_keeps_the_association, core_offers);
    EACH(s, a_refused_offer_leaves_the_fax_alone, refused);
    EACH(s, hold_stops_the_fax_and_resume_goes_on, sides);
    EACH(s, an_update_keeps_the_association, sides);
    ONCE(s, without_identity_a_moved_port_renews_the_association);
}
