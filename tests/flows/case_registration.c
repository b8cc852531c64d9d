// SPDX-License-Identifier: GPL-3.0-or-later
// Registration in a whole process: what of a REGISTER and its answers reaches the other side, what
// a registration is good for while it lasts, and what is left when it has ended.
#include "tests/flows/agent.h"
#include "tests/flows/ctl.h"
#include "tests/flows/socket.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Nothing is known of a UE but what it has registered.
#define UNNAMED .ues = ""

static const char *const identities =
    "P-Associated-URI: <sip:alice@example.net>, <tel:+15551234>\n"
    "Service-Route: <sip:first@one.example.net;lr>, <sip:second@two.example.net;lr>\n";

// --- a REGISTER and its answers ----------------------------------------------------------------

// contact: what stands in the field; NULL: none. extra as for sip_request().
static const char *register_with(struct stage *s, struct sip *ue, const char *contact,
                                 const char *extra)
{
    static unsigned count;
    unsigned id = ++count;
    const char *field = contact ? flow_text(s->f, "Contact: %s\n", contact) : "";

    return flow_text(s->f,
                     "REGISTER sip:example.net SIP/2.0\n"
                     "Via: SIP/2.0/UDP %s;branch=z9hG4bK-r%u\nMax-Forwards: 70\n"
                     "From: <sip:alice@example.net>;tag=r%u\nTo: <sip:alice@example.net>\n"
                     "Call-ID: register-%u@%s\nCSeq: %u REGISTER\n%s%sContent-Length: 0\n\n",
                     sip_address(ue), id, id, id, sip_address(ue), id, field, extra ? extra : "");
}

static const char *own_contact(struct stage *s, struct sip *ue)
{
    return flow_text(s->f, "<sip:alice@%s>", sip_address(ue));
}

// What the core gets of it.
static const char *register_core(struct stage *s, struct sip *ue, const char *contact,
                                 const char *extra)
{
    sip_send(ue, register_with(s, ue, contact, extra));
    return sip_expect(s->core, "^REGISTER ");
}

// sip_response() writes a Contact of its own, which is none of a registrar's.
static const char *answer(struct stage *s, const char *request, const char *status,
                          const char *contact, const char *extra)
{
    const char *text = sip_response(s->core, request, status, extra, NULL);
    const char *own = flow_text(s->f, "Contact: <sip:party@%s>\n", sip_address(s->core));

    return flow_replace(s->f, text, own, contact ? flow_text(s->f, "Contact: %s\n", contact) : "");
}

static const char *token_of(struct stage *s, const char *request)
{
    const char *token = flow_value(s->f, request, "^Path: ", "<sip:");

    flow_check(s->f, token != NULL, "no Path in:\n%s", request);
    return flow_copy(s->f, token, strcspn(token, "@"));
}

// The chart of a registration as soon as it says this: it is written after the response is sent.
static const char *registration_chart(struct stage *s, const char *token, const char *said)
{
    const char *path = flow_path(s->f, flow_text(s->f, "charts/register-%s.mmd", token));
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();
    const char *chart = flow_read(s->f, path);

    while (!text_matches(chart, said)) {
        flow_check(s->f, flow_now_ms() < deadline, "never in %s: %s", path, said);
        programs_poll(s->f, -1, flow_now_ms() + 5);
        chart = flow_read(s->f, path);
    }
    return chart;
}

// Registers for that many seconds. Returns the token of the Path.
static const char *registered(struct stage *s, struct sip *ue, const char *extra, unsigned seconds)
{
    const char *contact = own_contact(s, ue), *got = register_core(s, ue, contact, extra);

    sip_send(s->core, answer(s, got, "200 OK", flow_text(s->f, "%s;expires=%u", contact, seconds),
                             identities));
    sip_expect(ue, "^SIP/2.0 200 ");
    return token_of(s, got);
}

static const char *path_route(struct stage *s, const char *token)
{
    return flow_text(s->f, "Route: <sip:%s@%s;lr>\n", token, pcscf_core(s->p));
}

// A MESSAGE of the core by that Path. The Request-URI leads nowhere.
static void message_by(struct stage *s, const char *token)
{
    sip_send(s->core, sip_request(s->core, "MESSAGE", "sip:alice@203.0.113.9:9",
                                  path_route(s, token), NULL));
}

static void reaches(struct stage *s, const char *token, struct sip *ue)
{
    message_by(s, token);
    const char *got = sip_expect(ue, "^MESSAGE sip:alice@203.0.113.9:9 ");
    ck_assert_uint_eq(text_count(got, "^Route:"), 0);
    sip_send(ue, sip_response(ue, got, "200 OK", NULL, NULL));
    sip_expect(s->core, "^SIP/2.0 200 ");
}

static void reaches_nobody(struct stage *s, const char *token, const char *status)
{
    message_by(s, token);
    sip_expect(s->core, flow_text(s->f, "^SIP/2.0 %s ", status));
}

// --- REGISTER towards the core -----------------------------------------------------------------

// PCSCF-001, PCSCF-002, PCSCF-003, PCSCF-004, PCSCF-005, PCSCF-006, PCSCF-007, PCSCF-008: what the
// P-CSCF adds to a REGISTER, and what of the UE's own words does not pass.
START_TEST(a_REGISTER_reaches_the_core_with_what_the_P_CSCF_vouches_for)
{
    struct stage s = stage_open("register", &(struct pcscf_options){UNNAMED});
    const char *extra =
        flow_text(s.f,
                  "Route: <sip:%s;lr>\nPath: <sip:forged@192.0.2.66;lr>\n"
                  "P-Visited-Network-ID: forged.example\n"
                  "P-Charging-Vector: icid-value=forged;orig-ioi=evil;term-ioi=evil\n"
                  "Require: sec-agree, mediasec\nProxy-Require: sec-agree, mediasec\n"
                  "Security-Client: udptl-dtls;mediasec\nSecurity-Client: msrp-tls;mediasec\n"
                  "Authorization: Digest username=\"alice@example.net\", realm=\"example.net\", "
                  "integrity-protected=\"yes\", uri=\"sip:example.net\", response=\"0123\"\n",
                  pcscf_access(s.p));
    const char *got = register_core(&s, s.ue, own_contact(&s, s.ue), extra);

    must_say(s.f, got, flow_text(s.f, "^Path: <sip:[A-Za-z0-9]{20}@%s;lr>$", pcscf_core(s.p)));
    ck_assert_uint_eq(text_count(got, "^Path:"), 1);
    must_say(s.f, got, "^Require: path$");
    must_say(s.f, got, "^P-Visited-Network-ID: \"visited.example\"$");
    must_say(s.f, got, "^P-Charging-Vector: icid-value=[^;]+;orig-ioi=visited.example$");
    must_say(s.f, got, "integrity-protected=\"ip-assoc-pending\"");
    must_say(s.f, got, flow_text(s.f, "^Contact: <sip:alice@%s>$", sip_address(s.ue)));
    ck_assert_uint_eq(text_count(got, "forged|evil|mediasec|sec-agree|protected=\"yes\""), 0);
    ck_assert_uint_eq(text_count(got, "^(Proxy-Require|Security-|Record-Route|Route)"), 0);
    sip_send(s.core, answer(&s, got, "403 Forbidden", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 403 ");
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-001, PCSCF-004: another flow has another token, each REGISTER an icid of its own.
START_TEST(tokens_and_icids_are_never_the_same)
{
    struct stage s = stage_open("tokens", &(struct pcscf_options){UNNAMED});
    struct sip *other = sip_open(s.f, HOST_OTHER, pcscf_access(s.p));
    const char *first = register_core(&s, s.ue, own_contact(&s, s.ue), NULL);
    const char *second = register_core(&s, other, own_contact(&s, other), NULL);

    ck_assert_str_ne(token_of(&s, first), token_of(&s, second));
    ck_assert_str_ne(sip_header(s.core, first, "P-Charging-Vector"),
                     sip_header(s.core, second, "P-Charging-Vector"));
    sip_send(s.core, answer(&s, first, "403 Forbidden", NULL, NULL));
    sip_send(s.core, answer(&s, second, "403 Forbidden", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 403 ");
    sip_expect(other, "^SIP/2.0 403 ");
    sip_close(other);
    stage_close(&s, NULL);
}
END_TEST

// --- answers towards the UE --------------------------------------------------------------------

// PCSCF-009, PCSCF-010, PCSCF-013, PCSCF-017, PCSCF-018: challenge and acceptance, with the
// security agreement in both, without keys and charging.
START_TEST(a_challenge_and_a_200_carry_the_security_agreement_and_no_secrets)
{
    struct stage s = stage_open("challenge", &(struct pcscf_options){UNNAMED});
    const char *offer = "Security-Client: sdes-srtp;mediasec, udptl-dtls;mediasec\n"
                        "Require: mediasec\nProxy-Require: mediasec\n";
    const char *mine = "^Security-Server: sdes-srtp;mediasec, msrp-tls;mediasec, "
                       "bfcp-tls;mediasec, udptl-dtls;mediasec$";
    const char *got = register_core(&s, s.ue, own_contact(&s, s.ue), offer);

    sip_send(s.core, answer(&s, got, "401 Unauthorized", NULL,
                            "WWW-Authenticate: Digest realm=\"example.net\", nonce=\"n\", "
                            "algorithm=AKAv1-MD5, ck=\"c0ffee\", ik=\"beef\"\n"));
    const char *challenge = sip_expect(s.ue, "^SIP/2.0 401 ");
    must_say(s.f, challenge, mine);
    must_say(s.f, challenge, "^WWW-Authenticate: Digest realm=\"example.net\", nonce=\"n\"");
    ck_assert_uint_eq(text_count(challenge, "c0ffee|beef|[ci]k="), 0);

    const char *verify = flow_text(s.f, "%sSecurity-Verify: %s\n", offer,
                                   sip_header(s.ue, challenge, "Security-Server"));
    got = register_core(&s, s.ue, own_contact(&s, s.ue), verify);
    sip_send(s.core, answer(&s, got, "200 OK", own_contact(&s, s.ue),
                            flow_text(s.f,
                                      "%sP-Charging-Function-Addresses: ccf=192.0.2.1\n"
                                      "P-Charging-Vector: icid-value=x;term-ioi=home\n",
                                      identities)));
    const char *ok = sip_expect(s.ue, "^SIP/2.0 200 ");
    must_say(s.f, ok, mine);
    must_say(s.f, ok,
             "^Service-Route: <sip:first@one.example.net;lr>, <sip:second@two.example.net;lr>$");
    must_say(s.f, ok, "^P-Associated-URI: <sip:alice@example.net>, <tel:.15551234>$");
    ck_assert_uint_eq(text_count(ok, "^P-Charging"), 0);
    const char *chart = registration_chart(&s, token_of(&s, got), "mechanisms of the UE");
    must_say(s.f, chart,
             "mechanisms of the UE: sdes-srtp udptl-dtls.*agreed: sdes-srtp udptl-dtls");
    must_say(s.f, chart, "Path: ");
    must_say(s.f, chart, "[+] P-Charging-Vector: .*TS 24.229 5.2.2.1");
    must_not_say(s.f, chart, "5.2.6.3.3");
    ck_assert_uint_eq(text_count(chart, "c0ffee|beef"), 0);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-011: who did not ask for media security is told of none.
START_TEST(who_offers_no_mechanism_gets_no_Security_Server)
{
    struct stage s = stage_open("no-mediasec", &(struct pcscf_options){UNNAMED});
    const char *contact = own_contact(&s, s.ue), *got = register_core(&s, s.ue, contact, NULL);

    sip_send(s.core, answer(&s, got, "200 OK", contact, identities));
    ck_assert_uint_eq(text_count(sip_expect(s.ue, "^SIP/2.0 200 "), "^Security-"), 0);
    stage_close(&s, NULL);
}
END_TEST

// RFC 5626 5.1, 5.4, RFC 6223: a flow that is to be kept says so, and how often.
START_TEST(outbound_is_in_the_Path_and_the_flow_has_a_timer)
{
    struct stage s = stage_open("outbound", &(struct pcscf_options){UNNAMED});
    const char *contact =
        flow_text(s.f, "%s;reg-id=1;+sip.instance=\"<urn:uuid:1>\"", own_contact(&s, s.ue));
    const char *text = register_with(&s, s.ue, contact, "Supported: path, outbound\n");

    sip_send(s.ue, flow_replace(s.f, text, ";branch", ";keep;branch"));
    const char *got = sip_expect(s.core, "^REGISTER ");
    must_say(s.f, got, "^Path: <sip:.*;lr;ob>$");
    sip_send(s.core, answer(&s, got, "200 OK", contact, "Require: outbound\n"));
    const char *ok = sip_expect(s.ue, "^SIP/2.0 200 ");
    must_say(s.f, ok, "^Flow-Timer: 120$");
    must_say(s.f, ok, "^Via: .*;keep=120");
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-025: a UE behind NAT is answered where its packets come from, and reached there.
START_TEST(a_UE_behind_NAT_is_reached_where_its_packets_come_from)
{
    struct stage s = stage_open("nat", &(struct pcscf_options){UNNAMED});
    const char *inside = "<sip:alice@192.168.1.2:5060>";
    const char *text = register_with(&s, s.ue, inside, NULL);
    const char *via = flow_text(s.f, "UDP %s;", sip_address(s.ue));

    sip_send(s.ue, flow_replace(s.f, text, via, "UDP 192.168.1.2:5060;rport;"));
    const char *got = sip_expect(s.core, "^REGISTER ");
    must_say(s.f, got, flow_text(s.f, ";received=%s", flow_host(s.f, HOST_UE)));
    must_say(s.f, got, flow_text(s.f, ";rport=%u", flow_port(s.f, HOST_UE)));
    sip_send(s.core, answer(&s, got, "200 OK", inside, identities));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    reaches(&s, token_of(&s, got), s.ue);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-026: without a core a REGISTER gets 504.
START_TEST(a_core_that_cannot_be_reached_is_504)
{
    struct flow *f = flow_open("no-core");
    struct pcscf *p = pcscf_start(f, &(struct pcscf_options){UNNAMED});
    struct stage s = {f, p, sip_open(f, HOST_UE, pcscf_access(p)),
                      sip_open(f, HOST_OTHER, pcscf_core(p))};

    sip_send(s.ue, register_with(&s, s.ue, own_contact(&s, s.ue), NULL));
    sip_expect(s.ue, "^SIP/2.0 504 ");
    stage_close(&s, "registrar_down");
}
END_TEST

// --- what the security agreement decides -------------------------------------------------------

static void secured_call_gets(struct stage *s, const char *status)
{
    sip_send(s->ue,
             sip_request(s->ue, "INVITE", "sip:bob@example.net", NULL, stage_secured_offer(s)));
    if (strcmp(status, "200") == 0) {
        const char *invite = sip_expect(s->core, "^INVITE ");
        sip_send(s->core,
                 sip_response(s->core, invite, "200 OK", NULL, stage_plain_answer(s, 9000)));
        struct sip_dialog dialog = stage_acknowledge(s, sip_expect(s->ue, "^SIP/2.0 200 "));
        stage_hang_up(s, &dialog);
    } else {
        sip_expect(s->ue, flow_text(s->f, "^SIP/2.0 %s ", status));
    }
}

// REQ-001, PCSCF-014: e2ae media security is served to a flow that has agreed on it, until it
// withdraws it.
START_TEST(the_capability_set_of_a_flow_gates_its_calls)
{
    struct stage s = stage_open("capability", &(struct pcscf_options){UNNAMED});

    registered(&s, s.ue, "Security-Client: msrp-tls;mediasec\n", 600);
    secured_call_gets(&s, "488");
    registered(&s, s.ue, "Security-Client: msrp-tls;mediasec, udptl-dtls;mediasec\n", 600);
    secured_call_gets(&s, "200");
    registered(&s, s.ue, NULL, 600);
    secured_call_gets(&s, "488");
    stage_close(&s, NULL);
}
END_TEST

static const char *voice_offer(struct stage *s, const char *address, bool secured)
{
    return flow_text(s->f,
                     "v=0\no=- 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\nm=audio 9000 RTP/%s 8\n%s",
                     address, address, secured ? "SAVP" : "AVP",
                     secured ? "a=3ge2ae:requested\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"
                               "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\n"
                             : "");
}

static const struct {
    const char *client; // Security-Client; NULL: the UE never registers
    bool secured;
} asked[] = {
    {"Security-Client: sdes-srtp;mediasec\n", true},
    {"Security-Client: udptl-dtls;mediasec\n", false},
    {"", false},
    {NULL, false},
};

// REQ-001, PCSCF-014: out of the box voice is secured by SDES, both ways, for a UE that asked for
// it when it registered, and for nobody else: it is called in clear, and its secured offer is 488.
START_TEST(by_default_SDES_is_for_who_asked_for_it)
{
    struct stage s = stage_open("default-sdes", &(struct pcscf_options){UNNAMED});
    bool secured = asked[_i].secured;
    const char *core = flow_host(s.f, HOST_CORE), *route = NULL;

    if (asked[_i].client)
        route = path_route(&s, registered(&s, s.ue, asked[_i].client, 600));
    sip_send(s.core,
             sip_request(s.core, "INVITE", flow_text(s.f, "sip:alice@%s", sip_address(s.ue)), route,
                         voice_offer(&s, core, false)));
    const char *invite = sip_expect(s.ue, "^INVITE ");
    must_say(s.f, invite, secured ? "^m=audio [0-9]+ RTP/SAVP 8" : "^m=audio [0-9]+ RTP/AVP 8");
    ck_assert_uint_eq(text_count(invite, "^a=3ge2ae:applied$"), secured);
    ck_assert_uint_eq(text_count(invite, "^a=crypto:"), secured ? 4 : 0);
    sip_send(s.ue, sip_response(s.ue, invite, "486 Busy Here", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 486 ");
    sip_send(s.ue, sip_request(s.ue, "INVITE", "sip:bob@example.net", NULL,
                               voice_offer(&s, flow_host(s.f, HOST_UE), true)));
    if (secured) {
        invite = sip_expect(s.core, "^INVITE ");
        must_say(s.f, invite, "^m=audio [0-9]+ RTP/AVP 8");
        ck_assert_uint_eq(text_count(invite, "^a=(crypto|3ge2ae)"), 0);
        sip_send(s.core, sip_response(s.core, invite, "486 Busy Here", NULL, NULL));
    }
    sip_expect(s.ue, secured ? "^SIP/2.0 486 " : "^SIP/2.0 488 ");
    stage_close(&s, secured ? NULL : "e2ae_not_capable");
}
END_TEST

#define FOREIGN "Security-Client: udptl-dtls;mediasec\nSecurity-Verify: sdes-srtp;mediasec\n"

#define MIRRORED                                                                                   \
    "Security-Client: udptl-dtls;mediasec\nSecurity-Verify: sdes-srtp;mediasec, "                  \
    "msrp-tls;mediasec, bfcp-tls;mediasec, udptl-dtls;mediasec\n"

// PCSCF-015, REQ-124: by default a Security-Verify with other media mechanisms is noted and leaves
// the UE without media security until it mirrors the right ones; one that speaks of signalling is
// refused with 494 and the right list.
START_TEST(another_list_of_media_mechanisms_is_noted)
{
    struct stage s = stage_open("verify-log", &(struct pcscf_options){UNNAMED});

    registered(&s, s.ue, FOREIGN, 600);
    secured_call_gets(&s, "488");
    registered(&s, s.ue, MIRRORED, 600);
    secured_call_gets(&s, "200");
    sip_send(s.ue, register_with(&s, s.ue, own_contact(&s, s.ue),
                                 "Security-Client: udptl-dtls;mediasec\n"
                                 "Security-Verify: ipsec-3gpp;spi-c=1, udptl-dtls;mediasec\n"));
    must_say(s.f, sip_expect(s.ue, "^SIP/2.0 494 "), "^Security-Server: sdes-srtp;mediasec");
    stage_close(&s, "security_differs");
}
END_TEST

// PCSCF-015: with the strict policy it is 494 as well, and nothing reaches the core.
START_TEST(another_list_of_media_mechanisms_is_refused_where_the_policy_says_so)
{
    struct stage s = stage_open("verify-refuse",
                                &(struct pcscf_options){UNNAMED, .registration = "verify: refuse"});

    sip_send(s.ue, register_with(&s, s.ue, own_contact(&s, s.ue), FOREIGN));
    must_say(s.f, sip_expect(s.ue, "^SIP/2.0 494 "),
             "^Security-Server: sdes-srtp;mediasec, msrp-tls;mediasec, bfcp-tls;mediasec, "
             "udptl-dtls;mediasec$");
    stage_core_sees_nothing(&s);
    stage_close(&s, "security_not_agreed");
}
END_TEST

// PCSCF-016: a policy that wants IPsec answers a REGISTER without it with 421.
START_TEST(a_policy_that_wants_ipsec_answers_421)
{
    struct stage s = stage_open(
        "wanted", &(struct pcscf_options){UNNAMED, .registration = "wanted: ipsec-3gpp"});

    sip_send(s.ue, register_with(&s, s.ue, own_contact(&s, s.ue),
                                 "Security-Client: udptl-dtls;mediasec\n"));
    must_say(s.f, sip_expect(s.ue, "^SIP/2.0 421 "), "^Require: sec-agree$");
    stage_core_sees_nothing(&s);
    stage_close(&s, "security_required");
}
END_TEST

// --- reaching a UE -----------------------------------------------------------------------------

// PCSCF-050: the token of the Path leads to the UE whatever the Request-URI says, and each of two
// contacts has its own.
START_TEST(the_Path_leads_to_the_flow)
{
    struct stage s = stage_open("path", &(struct pcscf_options){UNNAMED});
    struct sip *other = sip_open(s.f, HOST_OTHER, pcscf_access(s.p));
    const char *first = registered(&s, s.ue, NULL, 600), *second = registered(&s, other, NULL, 600);

    reaches(&s, first, s.ue);
    reaches(&s, second, other);
    sip_send(s.core, sip_request(s.core, "MESSAGE",
                                 flow_text(s.f, "sip:alice@%s", sip_address(s.ue)), NULL, NULL));
    sip_expect(s.ue, "^MESSAGE "); // no Path: by its contact
    sip_close(other);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-051: a Path that nobody has registered leads nowhere.
START_TEST(an_unknown_token_is_480)
{
    struct stage s = stage_open("unknown-token", &(struct pcscf_options){UNNAMED});

    reaches_nobody(&s, "abcdefghijklmnopqrst", "480");
    stage_close(&s, "path_unknown");
}
END_TEST

static const struct lost {
    const char *name, *contact, *supported, *status;
} lost[] = {
    {"lost-480", "", "", "480"},
    {"lost-430", ";reg-id=1;+sip.instance=\"<urn:uuid:9>\"", "Supported: outbound\n", "430"},
};

// PCSCF-051: a flow over TCP whose connection has closed is lost: 480, or 430 with outbound, so
// that another flow is tried.
START_TEST(a_closed_connection_is_a_lost_flow)
{
    struct stage s = stage_open(lost[_i].name, &(struct pcscf_options){UNNAMED});
    int fd = socket_connect(s.f, HOST_UE, pcscf_access(s.p));
    const char *contact = flow_text(s.f, "<sip:alice@192.0.2.7;transport=tcp>%s", lost[_i].contact);
    const char *text = register_with(&s, s.ue, contact, lost[_i].supported);
    struct strbuf wire = STRBUF_INIT;

    text = flow_replace(s.f, text, "SIP/2.0/UDP", "SIP/2.0/TCP");
    for (const char *c = text; *c; c++)
        strbuf_add(&wire, *c == '\n' ? "\r\n" : c, *c == '\n' ? 2 : 1);
    socket_write(fd, flow_take(s.f, &wire));
    const char *got = sip_expect(s.core, "^REGISTER ");
    sip_send(s.core, answer(&s, got, "200 OK", contact, identities));
    must_say(s.f, socket_read(s.f, fd), "^SIP/2.0 200 ");
    message_by(&s, token_of(&s, got));
    must_say(s.f, socket_read(s.f, fd), "^MESSAGE ");
    close(fd); // nobody will answer it
    sip_expect(s.core, flow_text(s.f, "^SIP/2.0 %s ", lost[_i].status));
    pcscf_await_idle(s.p);
    reaches_nobody(&s, token_of(&s, got), lost[_i].status);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-021: a REGISTER from another address moves the flow; the core may use the old Path a while.
START_TEST(a_UE_that_has_moved_is_reached_by_both_tokens)
{
    struct stage s = stage_open("moved", &(struct pcscf_options){UNNAMED});
    struct sip *other = sip_open(s.f, HOST_OTHER, pcscf_access(s.p));
    const char *contact = own_contact(&s, s.ue), *old = registered(&s, s.ue, NULL, 600);
    const char *got = register_core(&s, other, contact, NULL);

    ck_assert_str_ne(token_of(&s, got), old);
    reaches(&s, old, s.ue); // it is not accepted yet
    sip_send(s.core, answer(&s, got, "200 OK", contact, identities));
    sip_expect(other, "^SIP/2.0 200 ");
    reaches(&s, token_of(&s, got), other);
    reaches(&s, old, other);
    sip_close(other);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-022: a refused re-REGISTER changes nothing.
START_TEST(a_refused_REGISTER_leaves_the_former_registration)
{
    struct stage s = stage_open("refused", &(struct pcscf_options){UNNAMED});
    const char *token = registered(&s, s.ue, "Security-Client: udptl-dtls;mediasec\n", 600);
    const char *got = register_core(&s, s.ue, own_contact(&s, s.ue), NULL);

    sip_send(s.core, answer(&s, got, "403 Forbidden", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 403 ");
    reaches(&s, token, s.ue);
    secured_call_gets(&s, "200");
    stage_close(&s, NULL);
}
END_TEST

// --- the end of a registration -----------------------------------------------------------------

static const struct ending {
    const char *name, *contact, *extra;
} endings[] = {
    {"expires-0", "<sip:alice@%s>", "Expires: 0\n"},
    {"contact-0", "<sip:alice@%s>;expires=0", NULL},
    {"star", "*", "Expires: 0\n"},
};

// PCSCF-019: every form of de-registration ends it, once the 200 has come back on the old way.
START_TEST(every_form_of_deregistration_ends_it)
{
    struct stage s = stage_open(endings[_i].name, &(struct pcscf_options){UNNAMED});
    const char *token = registered(&s, s.ue, NULL, 600);
    const char *contact = flow_replace(s.f, endings[_i].contact, "%s", sip_address(s.ue));
    const char *got = register_core(&s, s.ue, contact, endings[_i].extra);

    reaches(&s, token, s.ue);
    sip_send(s.core, answer(&s, got, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    reaches_nobody(&s, token, "480");
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-020: expiry ends the registration with its sessions, and nobody is sent a BYE.
START_TEST(expiry_ends_registration_and_sessions_silently)
{
    struct stage s = stage_open("expiry", &(struct pcscf_options){UNNAMED});
    const char *token = registered(&s, s.ue, "Security-Client: udptl-dtls;mediasec\n", 1);
    struct sip_dialog dialog = stage_call_core(&s);

    pcscf_await_idle(s.p);
    ck_assert_ptr_null(stage_ping(&s, s.ue, pcscf_access(s.p)));
    stage_core_sees_nothing(&s);
    sip_send(s.ue, sip_dialog_request(&dialog, "BYE", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 481 ");
    reaches_nobody(&s, token, "480");
    stage_close(&s, "registration_expired");
}
END_TEST

// --- restart -----------------------------------------------------------------------------------

// Restart: who was registered is reached by the same Path and keeps his capability, who has left
// meanwhile is not.
START_TEST(registrations_survive_a_restart)
{
    const struct pcscf_options options = {UNNAMED, .registration = "store: \"regs\""};
    struct stage s = stage_open("restart", &options);
    struct sip *other = sip_open(s.f, HOST_OTHER, pcscf_access(s.p));
    const char *token = registered(&s, s.ue, "Security-Client: udptl-dtls;mediasec\n", 600);
    const char *gone = registered(&s, other, NULL, 600);
    const char *got = register_core(&s, other, own_contact(&s, other), "Expires: 0\n");

    sip_send(s.core, answer(&s, got, "200 OK", NULL, NULL));
    sip_expect(other, "^SIP/2.0 200 ");
    pcscf_stop(s.p);
    s.p = pcscf_start(s.f, &options);
    reaches(&s, token, s.ue);
    reaches_nobody(&s, gone, "480");
    secured_call_gets(&s, "200");
    sip_close(other);
    stage_close(&s, NULL);
}
END_TEST

// Restart: a file that is damaged does not keep the P-CSCF from starting, and is kept for people.
START_TEST(a_damaged_store_is_set_aside)
{
    struct flow *f = flow_open("damaged");

    flow_write(f, "regs", "SQLite format 3, but no more of it");
    struct pcscf *p =
        pcscf_start(f, &(struct pcscf_options){UNNAMED, .registration = "store: \"regs\"",
                                               .error = " regstore: .* set aside"});
    struct stage s = {f, p, sip_open(f, HOST_UE, pcscf_access(p)),
                      sip_open(f, HOST_CORE, pcscf_core(p))};
    must_say(f, flow_read(f, flow_path(f, "regs.damaged-1")), "but no more of it");
    reaches(&s, registered(&s, s.ue, NULL, 600), s.ue);
    stage_close(&s, "store_damaged");
}
END_TEST

// --- what the network does to a registration ---------------------------------------------------

static const char *reginfo(struct stage *s, unsigned version, const char *contact)
{
    return flow_text(s->f,
                     "<?xml version=\"1.0\"?>\n"
                     "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"%u\" "
                     "state=\"full\">\n"
                     "<registration aor=\"sip:alice@example.net\" id=\"a\" state=\"active\">\n"
                     "<contact id=\"c\" %s><uri>sip:alice@%s</uri></contact>\n"
                     "</registration></reginfo>\n",
                     version, contact, sip_address(s->ue));
}

// A NOTIFY in the dialog of that SUBSCRIBE; it must be answered 200.
static void notify(struct stage *s, const char *subscribe, unsigned cseq, const char *body)
{
    const char *own = flow_value(s->f, subscribe, "^Contact: ", "<");

    sip_send(s->core,
             flow_text(s->f,
                       "NOTIFY %s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-n%u\n"
                       "Max-Forwards: 70\nFrom: %s;tag=t1\nTo: %s\nCall-ID: %s\n"
                       "CSeq: %u NOTIFY\nContact: <sip:scscf@%s>\nEvent: reg\n"
                       "Subscription-State: active;expires=600000\n"
                       "Content-Type: application/reginfo+xml\nContent-Length: %zu\n\n%s",
                       flow_copy(s->f, own, strcspn(own, ">")), sip_address(s->core), cseq,
                       sip_header(s->core, subscribe, "To"), sip_header(s->core, subscribe, "From"),
                       sip_header(s->core, subscribe, "Call-ID"), cseq, sip_address(s->core),
                       strlen(body) + text_count(body, "$") - 1, body));
    sip_expect(s->core, "^SIP/2.0 200 ");
}

// PCSCF-023, PCSCF-024: one SUBSCRIBE per new user, in the name of the Path; a NOTIFY that is old
// is answered and ignored, one that ends his contact ends the registration.
START_TEST(the_network_can_end_a_registration)
{
    struct stage s = stage_open(
        "reg-event", &(struct pcscf_options){UNNAMED, .registration = "reg_event: true"});
    const char *token = registered(&s, s.ue, NULL, 600);
    const char *subscribe = sip_expect(s.core, "^SUBSCRIBE sip:alice@example.net ");
    const char *own = flow_text(s.f, "<sip:%s@%s>", token, pcscf_core(s.p));

    must_say(s.f, subscribe, "^Event: reg$");
    must_say(s.f, subscribe, "^Expires: 600000$");
    must_say(s.f, subscribe, "^Accept: application/reginfo.xml$");
    must_say(s.f, subscribe, "^P-Charging-Vector: icid-value=[^;]+;orig-ioi=visited.example$");
    ck_assert_str_eq(sip_header(s.core, subscribe, "P-Asserted-Identity"), own);
    sip_send(s.core, sip_response(s.core, subscribe, "200 OK", "Expires: 600000\n", NULL));
    notify(&s, subscribe, 1, reginfo(&s, 5, "state=\"active\" event=\"registered\""));
    notify(&s, subscribe, 2, reginfo(&s, 4, "state=\"terminated\" event=\"deactivated\""));
    registered(&s, s.ue, NULL, 600); // no second SUBSCRIBE:
    reaches(&s, token, s.ue);
    notify(&s, subscribe, 3, reginfo(&s, 6, "state=\"terminated\" event=\"deactivated\""));
    reaches_nobody(&s, token, "480");
    stage_close(&s, NULL);
}
END_TEST

static const char *reginfo_of(struct stage *s, const char *aor, unsigned version)
{
    return flow_replace(s->f, reginfo(s, version, "state=\"active\" event=\"created\""),
                        "sip:alice@example.net", aor);
}

// TS 24.229 5.2.3, RFC 3680 5.3: an identity that the network registers later is asserted where the
// UE prefers it, and finds the UE; one on somebody else's contact does not.
START_TEST(an_identity_that_the_network_registers_is_known)
{
    struct stage s = stage_open(
        "reg-event-created", &(struct pcscf_options){UNNAMED, .registration = "reg_event: true"});
    const char *preferred = "P-Preferred-Identity: <sip:%s@example.net>\n";

    registered(&s, s.ue, NULL, 600);
    const char *subscribe = sip_expect(s.core, "^SUBSCRIBE sip:alice@example.net ");
    sip_send(s.core, sip_response(s.core, subscribe, "200 OK", "Expires: 600000\n", NULL));
    notify(&s, subscribe, 1, reginfo_of(&s, "sip:office@example.net", 0));
    const char *foreign = reginfo_of(&s, "sip:eve@example.net", 1);
    notify(&s, subscribe, 2, flow_replace(s.f, foreign, "<uri>sip:alice@", "<uri>sip:eve@"));
    for (int i = 0; i < 2; i++) {
        const char *fields = flow_text(s.f, preferred, i ? "eve" : "office");
        sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", fields, NULL));
        const char *got = sip_expect(s.core, "^MESSAGE ");
        must_say(
            s.f, got,
            flow_text(s.f, "^P-Asserted-Identity: <sip:%s@example.net>$", i ? "alice" : "office"));
        sip_send(s.core, sip_response(s.core, got, "200 OK", NULL, NULL));
        sip_expect(s.ue, "^SIP/2.0 200 ");
    }
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-023: a core that refuses the subscription serves the user all the same; the next REGISTER
// asks again.
START_TEST(a_refused_subscription_is_tried_again_with_the_next_REGISTER)
{
    struct stage s = stage_open(
        "reg-event-489", &(struct pcscf_options){UNNAMED, .registration = "reg_event: true"});
    const char *token = registered(&s, s.ue, NULL, 600);
    const char *subscribe = sip_expect(s.core, "^SUBSCRIBE ");

    sip_send(s.core, sip_response(s.core, subscribe, "489 Bad Event", NULL, NULL));
    reaches(&s, token, s.ue);
    registered(&s, s.ue, NULL, 600);
    subscribe = sip_expect(s.core, "^SUBSCRIBE ");
    sip_send(s.core, sip_response(s.core, subscribe, "200 OK", NULL, NULL));
    stage_close(&s, "subscribe_refused");
}
END_TEST

// RFC 6665 4.1.2.2, RFC 3680 5.2: a subscription is renewed in its dialog before it ends, and when
// a document is missing the full state is asked for.
START_TEST(a_subscription_is_renewed)
{
    struct stage s = stage_open(
        "reg-event-renewed", &(struct pcscf_options){UNNAMED, .registration = "reg_event: true"});
    registered(&s, s.ue, NULL, 600);
    const char *subscribe = sip_expect(s.core, "^SUBSCRIBE sip:alice@example.net ");

    sip_send(s.core, sip_response(s.core, subscribe, "200 OK", "Expires: 2\n", NULL));
    const char *renewal = sip_expect(s.core, "^SUBSCRIBE sip:party@");
    must_say(s.f, renewal, "^To: <sip:alice@example.net>;tag=t1$");
    must_say(s.f, renewal, "^CSeq: 2 SUBSCRIBE$");
    ck_assert_str_eq(sip_header(s.core, renewal, "Call-ID"),
                     sip_header(s.core, subscribe, "Call-ID"));
    sip_send(s.core, sip_response(s.core, renewal, "200 OK", "Expires: 600000\n", NULL));
    notify(&s, subscribe, 1, reginfo(&s, 5, "state=\"active\" event=\"registered\""));
    const char *partial = reginfo(&s, 9, "state=\"active\" event=\"refreshed\"");
    notify(&s, subscribe, 2, flow_replace(s.f, partial, "\"full\"", "\"partial\""));
    must_say(s.f, sip_expect(s.core, "^SUBSCRIBE "), "^CSeq: 3 SUBSCRIBE$");
    stage_close(&s, NULL);
}
END_TEST

// --- who may send ------------------------------------------------------------------------------

// RFC 3261 10.2.1, RFC 3327 5.3: contacts that a UE registers together share its flow: the Path
// reaches each of them; one that it takes back in the same REGISTER is gone, and no other.
START_TEST(several_contacts_share_a_flow)
{
    struct stage s = stage_open("contacts", &(struct pcscf_options){UNNAMED});
    struct sip *old = sip_open(s.f, HOST_OTHER, pcscf_access(s.p));
    const char *first = own_contact(&s, old), *second = own_contact(&s, s.ue);
    const char *third = "<sip:alice@192.0.2.9>", *got, *former, *token;

    got = register_core(&s, old, first, NULL);
    former = token_of(&s, got);
    sip_send(s.core, answer(&s, got, "200 OK", flow_text(s.f, "%s;expires=600", first), NULL));
    sip_expect(old, "^SIP/2.0 200 ");
    got =
        register_core(&s, s.ue, flow_text(s.f, "%s;expires=0, %s, %s", first, second, third), NULL);
    token = token_of(&s, got);
    sip_send(s.core, answer(&s, got, "200 OK",
                            flow_text(s.f, "%s;expires=600, %s;expires=600", second, third), NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    sip_send(s.core,
             sip_request(s.core, "MESSAGE", "sip:alice@192.0.2.9",
                         flow_text(s.f, "Route: <sip:%s@%s;lr>\n", token, pcscf_core(s.p)), NULL));
    got = sip_expect(s.ue, "^MESSAGE sip:alice@192.0.2.9 ");
    sip_send(s.ue, sip_response(s.ue, got, "200 OK", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 200 ");
    sip_send(s.core,
             sip_request(s.core, "MESSAGE", "sip:alice@example.net",
                         flow_text(s.f, "Route: <sip:%s@%s;lr>\n", former, pcscf_core(s.p)), NULL));
    sip_expect(s.core, "^SIP/2.0 480 ");
    sip_close(old);
    stage_close(&s, "path_unknown");
}
END_TEST

// PCSCF-030: with registration.required nobody else is served, but for an emergency.
START_TEST(who_is_not_registered_is_refused_where_it_is_required)
{
    struct flow *f = flow_open("required");
    const char *psap = flow_text(f, "psap: \"sip:112@%s\"", flow_at(f, HOST_CORE));
    struct stage s = stage_open_on(
        f, &(struct pcscf_options){UNNAMED, .registration = "required: true", .emergency = psap});

    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 403 ");
    stage_core_sees_nothing(&s);
    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "urn:service:sos.fire", NULL, NULL));
    const char *sos = sip_expect(s.core, "^MESSAGE urn:service:sos.fire ");
    sip_send(s.core, sip_response(s.core, sos, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    registered(&s, s.ue, NULL, 600);
    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL));
    const char *got = sip_expect(s.core, "^MESSAGE sip:bob@example.net ");
    must_say(s.f, got, "^P-Asserted-Identity: <sip:alice@example.net>$"); // PCSCF-031
    sip_send(s.core, sip_response(s.core, got, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    stage_close(&s, "not_registered");
}
END_TEST

// An operator sees who is registered, with what the UE can do and for how long, until it has gone;
// the token of the Path is nobody's business.
START_TEST(a_registration_is_shown)
{
    struct stage s = stage_open("shown", &(struct pcscf_options){UNNAMED, .admin = true});
    const char *token =
        registered(&s, s.ue, "Security-Client: udptl-dtls;mediasec\nRequire: mediasec\n", 600);
    const char *said = ctl_says(s.p, 0, "regs");
    must_say(s.f, said,
             flow_text(s.f,
                       "^registered +sip:alice@example.net +sip:alice@%s +(600|59.) +"
                       "udptl-dtls$",
                       sip_address(s.ue)));
    said = ctl_says(s.p, 0, "regs --json");
    must_say(s.f, said, "tel:.15551234");
    must_not_say(s.f, said, token);
    must_say(s.f, ctl_says(s.p, 0, ""), "^registrations +1$");
    must_say(s.f, ctl_says(s.p, 0, "counters"), "^pcscf_registrations +1$");
    registered(&s, s.ue, NULL, 0);
    must_say(s.f, ctl_says(s.p, 0, "regs --json"), "\"total\": 0");
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-030: with registration.by_host a UE is known on another port of its address, too.
START_TEST(a_UE_may_be_known_by_its_address)
{
    struct stage s = stage_open(
        "by-host",
        &(struct pcscf_options){UNNAMED, .registration = "required: true, by_host: true"});
    const char *text = sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL);
    struct strbuf wire = STRBUF_INIT;

    registered(&s, s.ue, NULL, 600);
    for (const char *c = text; *c; c++)
        strbuf_add(&wire, *c == '\n' ? "\r\n" : c, *c == '\n' ? 2 : 1);
    int fd = socket_bind(s.f, HOST_UE, 0);
    socket_send(fd, pcscf_access(s.p), wire.text, wire.len);
    strbuf_free(&wire);
    const char *got = sip_expect(s.core, "^MESSAGE ");
    must_say(s.f, got, "^P-Asserted-Identity: <sip:alice@example.net>$");
    sip_send(s.core, sip_response(s.core, got, "200 OK", NULL, NULL));
    char byte;
    socket_receive(s.f, fd, &byte, sizeof(byte));
    close(fd);
    stage_close(&s, NULL);
}
END_TEST

static const char *const odd[] = {
    "<>",
    "*;expires=0, <sip:a@b>",
    "sip:",
    ";;;",
    "<sip:alice@%s>;reg-id=99999999999;+sip.instance",
    "<sip:alice@%s>;+sip.instance=\"",
    "<tel:+1>;expires=-5",
    "\"",
    "<sip:alice@%s;sos",
};

// RFC 3261 16.3: whatever stands in Contact, the REGISTER is answered or passed on, and the next
// one is served.
START_TEST(odd_contacts_harm_nobody)
{
    struct stage s = stage_open("odd", &(struct pcscf_options){UNNAMED});
    const char *contact = flow_replace(s.f, odd[_i], "%s", sip_address(s.ue));

    sip_send(s.ue,
             register_with(&s, s.ue, contact,
                           "Security-Client: ;;=,\"x;mediasec,,\nAuthorization: Digest ,=,\"\n"
                           "Expires: x\n"));
    stage_ping(&s, s.ue, pcscf_access(s.p));
    sip_drain(s.core);
    reaches(&s, registered(&s, s.ue, NULL, 600), s.ue);
    stage_close(&s, NULL);
}
END_TEST

void suite_registration(struct suite *s)
{
    ONCE(s, a_REGISTER_reaches_the_core_with_what_the_P_CSCF_vouches_for);
    ONCE(s, a_registration_is_shown);
    ONCE(s, tokens_and_icids_are_never_the_same);
    ONCE(s, a_challenge_and_a_200_carry_the_security_agreement_and_no_secrets);
    ONCE(s, who_offers_no_mechanism_gets_no_Security_Server);
    ONCE(s, outbound_is_in_the_Path_and_the_flow_has_a_timer);
    ONCE(s, a_UE_behind_NAT_is_reached_where_its_packets_come_from);
    ONCE(s, a_core_that_cannot_be_reached_is_504);
    ONCE(s, the_capability_set_of_a_flow_gates_its_calls);
    EACH(s, by_default_SDES_is_for_who_asked_for_it, asked);
    ONCE(s, another_list_of_media_mechanisms_is_noted);
    ONCE(s, another_list_of_media_mechanisms_is_refused_where_the_policy_says_so);
    ONCE(s, a_policy_that_wants_ipsec_answers_421);
    ONCE(s, the_Path_leads_to_the_flow);
    ONCE(s, an_unknown_token_is_480);
    EACH(s, a_closed_connection_is_a_lost_flow, lost);
    ONCE(s, a_UE_that_has_moved_is_reached_by_both_tokens);
    ONCE(s, a_refused_REGISTER_leaves_the_former_registration);
    EACH(s, every_form_of_deregistration_ends_it, endings);
    ONCE(s, expiry_ends_registration_and_sessions_silently);
    ONCE(s, registrations_survive_a_restart);
    ONCE(s, a_damaged_store_is_set_aside);
    ONCE(s, the_network_can_end_a_registration);
    ONCE(s, an_identity_that_the_network_registers_is_known);
    ONCE(s, a_subscription_is_renewed);
    ONCE(s, a_refused_subscription_is_tried_again_with_the_next_REGISTER);
    ONCE(s, a_UE_may_be_known_by_its_address);
    EACH(s, odd_contacts_harm_nobody, odd);
    ONCE(s, several_contacts_share_a_flow);
    ONCE(s, who_is_not_registered_is_refused_where_it_is_required);
}
