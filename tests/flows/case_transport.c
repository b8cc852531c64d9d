// SPDX-License-Identifier: GPL-3.0-or-later
// Transports and addresses in a whole process: every mix of them, connections of UEs and their end,
// the certificate for TLS.
#include "tests/flows/agent.h"
#include "tests/flows/openssl.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

// --- ground ------------------------------------------------------------------------------------

#define CREDENTIALS                                                                                \
    "Authorization: Digest username=\"alice@example.net\", realm=\"example.net\", "                \
    "uri=\"sip:example.net\", response=\"0123\"\n"

// REGISTER, and the 200 of the core. Returns the user part of the Path.
static const char *registers(struct stage *s, const char *extra)
{
    const char *contact =
                   flow_text(s->f, "<sip:alice@%s%s>", sip_address(s->ue), sip_parameter(s->ue)),
               *own = flow_text(s->f, "Contact: %s\n", contact);
    const char *text = sip_request(s->ue, "REGISTER", "sip:example.net", extra, NULL);

    text = flow_replace(s->f, text, "To: <sip:example.net>", "To: <sip:alice@example.net>");
    sip_send(s->ue, text);
    const char *got = sip_expect(s->core, "^REGISTER ");
    const char *answer = sip_response(s->core, got, "200 OK", "Expires: 600\n", NULL);
    sip_send(s->core, flow_replace(s->f, answer,
                                   flow_text(s->f, "Contact: <sip:party@%s%s>\n",
                                             sip_address(s->core), sip_parameter(s->core)),
                                   own));
    sip_expect(s->ue, "^SIP/2.0 200 ");
    return got;
}

static const char *token_of(struct stage *s, const char *request)
{
    const char *token = flow_value(s->f, request, "^Path: ", "<sip:");

    flow_check(s->f, token != NULL, "no Path in:\n%s", request);
    return flow_copy(s->f, token, strcspn(token, "@"));
}

static void message_by(struct stage *s, const char *token)
{
    sip_send(s->core,
             sip_request(s->core, "MESSAGE", "sip:alice@192.0.2.99",
                         flow_text(s->f, "Route: <sip:%s@%s;lr>\n", token, pcscf_core(s->p)),
                         NULL));
}

static void reaches(struct stage *s, const char *token)
{
    message_by(s, token);
    sip_send(s->ue, sip_response(s->ue, sip_expect(s->ue, "^MESSAGE "), "200 OK", NULL, NULL));
    sip_expect(s->core, "^SIP/2.0 200 ");
}

static const char *body_of(struct stage *s, struct sip *party, const char *media)
{
    bool v6 = sip_address(party)[0] == '[';
    const char *host = v6 ? "IP6 ::1" : flow_text(s->f, "IP4 %s", flow_host(s->f, HOST_UE));

    return flow_text(s->f, "v=0\no=- 1 1 IN %s\ns=-\nc=IN %s\nt=0 0\n%s", host, host, media);
}

#define SECURED "Security-Client: udptl-dtls;mediasec\n"
#define FAX "m=image 9000 udptl t38\na=T38FaxVersion:0\n"

// --- every mix ---------------------------------------------------------------------------------

static const struct mix {
    enum sip_over access, core;
    bool access_v6, core_v6;
    const char *route;    // what follows the address in our entry on the access side
    const char *security; // integrity-protected of the first REGISTER
} mixes[] = {
    {SIP_UDP, SIP_UDP, false, false, ";lr", "ip-assoc-pending"},
    {SIP_UDP, SIP_LISTEN, false, false, ";lr", "ip-assoc-pending"},
    {SIP_TCP, SIP_UDP, false, false, ";transport=tcp;lr", "ip-assoc-pending"},
    {SIP_TCP, SIP_LISTEN, false, false, ";transport=tcp;lr", "ip-assoc-pending"},
    {SIP_TLS, SIP_UDP, false, false, ";transport=tls;lr", "tls-pending"},
    {SIP_TLS, SIP_LISTEN, false, false, ";transport=tls;lr", "tls-pending"},
    {SIP_UDP, SIP_UDP, true, false, ";lr", "ip-assoc-pending"},
    {SIP_TLS, SIP_UDP, true, true, ";transport=tls;lr", "tls-pending"},
    {SIP_TCP, SIP_LISTEN, false, true, ";transport=tcp;lr", "ip-assoc-pending"},
};

static struct stage open_mix(const struct mix *m, unsigned number)
{
    char name[16];
    snprintf(name, sizeof(name), "mix-%u", number);
    struct stage s = {.f = flow_open(name)};
    const char *core = m->core_v6 ? flow_text(s.f, "[::1]:%u", flow_port(s.f, HOST_CORE))
                                  : flow_at(s.f, HOST_CORE);

    s.p = pcscf_start(
        s.f, &(struct pcscf_options){.ues = "",
                                     .core = m->core == SIP_LISTEN ? "next_hop_tcp: true" : NULL,
                                     .access_v6 = m->access_v6,
                                     .core_v6 = m->core_v6,
                                     .next_hop = core,
                                     .tls = m->access == SIP_TLS ? "" : NULL});
    s.core = sip_open_over(s.f, HOST_CORE, pcscf_core(s.p), m->core, m->core_v6);
    s.ue = sip_open_over(s.f, HOST_UE, m->access == SIP_TLS ? pcscf_tls(s.p) : pcscf_access(s.p),
                         m->access, m->access_v6);
    return s;
}

// PCSCF-104, PCSCF-094, PCSCF-050, PCSCF-006: a UE registers, calls and is called over every mix of
// transports and address families; our Record-Route entries say how each side is reached; nothing
// but its own connection is used towards a UE.
START_TEST(any_transport_meets_any_other)
{
    const struct mix *m = &mixes[_i];
    struct stage s = open_mix(m, (unsigned)_i);
    const char *at = m->access == SIP_TLS ? pcscf_tls(s.p) : pcscf_access(s.p);
    const char *got = registers(&s, CREDENTIALS);

    must_say(s.f, got, flow_text(s.f, "integrity-protected=\"%s\"", m->security));
    reaches(&s, token_of(&s, got));

    sip_send(s.ue,
             sip_request(s.ue, "INVITE", "sip:bob@example.net", NULL, body_of(&s, s.ue, FAX)));
    const char *invite = sip_expect(s.core, "^INVITE ");
    const char *entry = flow_text(s.f, "@%s%s>", at, m->route);
    flow_check(s.f, strstr(invite, entry) != NULL, "no %s in:\n%s", entry, invite);
    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, body_of(&s, s.core, FAX)));
    stage_acknowledge(&s, sip_expect(s.ue, "^SIP/2.0 200 "));
    struct sip_dialog back = sip_dialog_of_request(s.core, invite);
    sip_send(s.core, sip_dialog_request(&back, "BYE", NULL, NULL));
    sip_send(s.ue, sip_response(s.ue, sip_expect(s.ue, "^BYE "), "200 OK", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 200 ");
    stage_close(&s, NULL);
}
END_TEST

// --- registration over TLS, and behind a NAT ---------------------------------------------------

// The UE and the P-CSCF agree on TLS (RFC 3329, TS 33.203 Annex O): a challenge with
// Security-Server, then credentials and Security-Verify; what is protected is said each time
// (TS 24.229 7.2A.2).
START_TEST(a_UE_agrees_on_TLS_for_its_signalling)
{
    struct stage s = open_mix(&mixes[4], 102);
    const char *client = "Security-Client: tls, udptl-dtls;mediasec\n",
               *text = sip_request(s.ue, "REGISTER", "sip:example.net", client, NULL);

    text = flow_replace(s.f, text, "To: <sip:example.net>", "To: <sip:alice@example.net>");
    sip_send(s.ue, text);
    sip_send(s.core,
             sip_response(s.core, sip_expect(s.core, "^REGISTER "), "401 Unauthorized",
                          "WWW-Authenticate: Digest realm=\"example.net\", nonce=\"1\"\n", NULL));
    const char *server = sip_header(s.ue, sip_expect(s.ue, "^SIP/2.0 401 "), "Security-Server");
    flow_check(s.f, server && text_matches(server, "^tls\\b"), "Security-Server: %s", server);
    const char *verified = flow_text(s.f, CREDENTIALS "%sSecurity-Verify: %s\n", client, server);
    must_say(s.f, registers(&s, verified), "integrity-protected=\"tls-pending\"");
    const char *got = registers(&s, verified);
    must_say(s.f, got, "integrity-protected=\"tls-yes\"");
    flow_check(s.f, !sip_header(s.core, got, "Security-Verify"), "Security-Verify went on");

    text = sip_request(s.ue, "REGISTER", "sip:example.net",
                       flow_text(s.f, CREDENTIALS "%sSecurity-Verify: ipsec-3gpp\n", client), NULL);
    sip_send(s.ue, flow_replace(s.f, text, "To: <sip:", "To: <sip:alice@"));
    sip_expect(s.ue, "^SIP/2.0 494 ");
    stage_close(&s, "security_not_agreed");
}
END_TEST

// TS 24.229 F.4, PCSCF-025: a UE whose Via is not where it sends from registers anew before a NAT
// forgets its UDP binding; one that sends keep-alives, and one that is not behind a NAT, when the
// core says.
START_TEST(a_UE_behind_a_NAT_registers_anew_in_time)
{
    static const struct {
        const char *host, *keep, *expires;
    } rows[] = {{"192.168.1.5", "", "110"}, {"192.168.1.5", ";keep", "600"}, {NULL, "", "600"}};
    struct stage s = stage_open("nat", &(struct pcscf_options){.ues = ""});

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *own = flow_text(s.f, "Contact: <sip:alice@%s>", sip_address(s.ue)),
                   *text = sip_request(s.ue, "REGISTER", "sip:example.net", NULL, NULL);
        text = flow_replace(s.f, text, "To: <sip:example.net>", "To: <sip:alice@example.net>");
        if (rows[i].host)
            text = flow_replace(s.f, text, flow_text(s.f, "UDP %s", sip_address(s.ue)),
                                flow_text(s.f, "UDP %s:5062%s", rows[i].host, rows[i].keep));
        sip_send(s.ue, text);
        const char *answer =
            sip_response(s.core, sip_expect(s.core, "^REGISTER "), "200 OK", NULL, NULL);
        sip_send(s.core,
                 flow_replace(s.f, answer,
                              flow_text(s.f, "Contact: <sip:party@%s>", sip_address(s.core)),
                              flow_text(s.f, "%s;expires=600", own)));
        must_say(s.f, sip_expect(s.ue, "^SIP/2.0 200 "),
                 flow_text(s.f, "^Contact: .*;expires=%s$", rows[i].expires));
    }
    stage_close(&s, NULL);
}
END_TEST

// --- connections -------------------------------------------------------------------------------

// PCSCF-051, TS 24.229 5.2.6.4.3: when the connection of a UE has closed nobody connects to it,
// though it listens; when it has come back from where it was it is reached again.
START_TEST(a_UE_is_reached_on_the_connection_it_opened_or_not_at_all)
{
    struct stage s = {.f = flow_open("connection")};
    s.p = pcscf_start(s.f, &(struct pcscf_options){.ues = ""});
    s.core = sip_open(s.f, HOST_CORE, pcscf_core(s.p));
    s.ue = sip_open_over(s.f, HOST_UE, pcscf_access(s.p), SIP_TCP, false);
    const char *token = token_of(&s, registers(&s, NULL));

    reaches(&s, token);
    sip_close(s.ue);
    pcscf_await_idle(s.p);
    s.ue = sip_open_over(s.f, HOST_UE, pcscf_access(s.p), SIP_LISTEN, false);
    message_by(&s, token);
    sip_expect(s.core, "^SIP/2.0 480 ");
    flow_check(s.f, !sip_has_peer(s.ue), "the P-CSCF has connected to the UE");
    sip_close(s.ue);
    s.ue = sip_open_over(s.f, HOST_UE, pcscf_access(s.p), SIP_TCP, false);
    stage_ping(&s, s.ue, pcscf_access(s.p));
    reaches(&s, token);
    stage_close(&s, "no_flow");
}
END_TEST

// RFC 3261 9.1, PCSCF-077: what follows an INVITE to a UE over TLS (CANCEL, the ACK to its refusal)
// goes over the same connection.
START_TEST(a_call_to_a_UE_over_TLS_is_cancelled_on_its_connection)
{
    struct stage s = open_mix(&mixes[4], 100);
    const char *token = token_of(&s, registers(&s, NULL));
    const char *route = flow_text(s.f, "Route: <sip:%s@%s;lr>\n", token, pcscf_core(s.p));
    const char *call =
        sip_request(s.core, "INVITE", "sip:alice@192.0.2.99", route, body_of(&s, s.core, FAX));

    sip_send(s.core, call);
    const char *invite = sip_expect(s.ue, "^INVITE ");
    must_say(s.f, invite, "^Via: SIP/2.0/TLS ");
    sip_send(s.ue, sip_response(s.ue, invite, "180 Ringing", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 180 ");
    sip_send(s.core, sip_cancel(s.core, call, NULL));
    sip_send(s.ue, sip_response(s.ue, sip_expect(s.ue, "^CANCEL "), "200 OK", NULL, NULL));
    sip_send(s.ue, sip_response(s.ue, invite, "487 Request Terminated", NULL, NULL));
    sip_expect(s.ue, "^ACK ");
    sip_send(s.core, sip_ack_refusal(s.core, call, sip_expect(s.core, "^SIP/2.0 487 ")));
    stage_close(&s, NULL);
}
END_TEST

// TS 24.229 5.2.8.1.2: the BYE of the P-CSCF reaches a UE over TLS on its connection.
START_TEST(a_call_over_TLS_is_released_on_its_connection)
{
    struct stage s = open_mix(&mixes[4], 101);

    registers(&s, NULL);
    sip_send(s.ue,
             sip_request(s.ue, "INVITE", "sip:bob@example.net", NULL, body_of(&s, s.ue, FAX)));
    const char *invite = sip_expect(s.core, "^INVITE ");
    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, body_of(&s, s.core, FAX)));
    stage_acknowledge(&s, sip_expect(s.ue, "^SIP/2.0 200 "));
    program_signal(pcscf_program(s.p), SIGTERM);
    sip_send(s.core, sip_response(s.core, sip_expect(s.core, "^BYE "), "200 OK", NULL, NULL));
    const char *bye = sip_expect(s.ue, "^BYE ");
    must_say(s.f, bye, "^Via: SIP/2.0/TLS ");
    sip_send(s.ue, sip_response(s.ue, bye, "200 OK", NULL, NULL));
    ck_assert_int_eq(program_wait(pcscf_program(s.p)), 0);
    sip_close(s.ue);
    sip_close(s.core);
    flow_close(s.f);
}
END_TEST

// TS 24.229 5.2.8.1.2: a call that was answered and never acknowledged waits for the ACK before the
// caller gets its BYE; a second signal ends that, and the process whole.
START_TEST(a_call_without_ACK_is_dropped_at_the_end)
{
    struct stage s = stage_open("no-ack", &(struct pcscf_options){.ues = ""});
    const char *invite = stage_invite_core(&s);

    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, stage_plain_answer(&s, 9000)));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    program_signal(pcscf_program(s.p), SIGTERM);
    sip_send(s.core, sip_response(s.core, sip_expect(s.core, "^BYE "), "200 OK", NULL, NULL));
    program_signal(pcscf_program(s.p), SIGTERM);
    ck_assert_int_eq(program_wait(pcscf_program(s.p)), 0);
    sip_close(s.ue);
    sip_close(s.core);
    flow_close(s.f);
}
END_TEST

// --- addresses ---------------------------------------------------------------------------------

// TS 24.229 5.2.2.1, 5.2.6.3.3: in a container the P-CSCF is known by other addresses than those it
// listens at: they stand in Via, Record-Route, Path and SDP, and come back to it in Route.
START_TEST(advertised_addresses_are_shown_and_known)
{
    struct stage s = stage_open(
        "advertised",
        &(struct pcscf_options){
            .ues = "",
            .access = "advertise: \"pcscf.example\", media_advertise: [\"192.0.2.10\"]",
            .core = "advertise: \"192.0.2.20:5999\", media_advertise: [\"192.0.2.20\"]"});
    const char *near = flow_text(s.f, "pcscf.example:%u", flow_port(s.f, HOST_PCSCF));
    const char *got = registers(&s, SECURED);

    must_say(s.f, got, "^Path: <sip:[^@]+@192.0.2.20:5999;lr>$");
    must_say(s.f, got, "^Via: SIP/2.0/UDP 192.0.2.20:5999;");
    const char *token = token_of(&s, got);
    sip_send(s.core,
             sip_request(s.core, "MESSAGE", "sip:alice@192.0.2.99",
                         flow_text(s.f, "Route: <sip:%s@192.0.2.20:5999;lr>\n", token), NULL));
    got = sip_expect(s.ue, "^MESSAGE ");
    must_say(s.f, got, flow_text(s.f, "^Via: SIP/2.0/UDP %s;", near));
    sip_send(s.ue, sip_response(s.ue, got, "200 OK", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 200 ");

    const char *invite = stage_invite_core(&s);
    must_say(s.f, invite, "^Record-Route: <sip:[^@]+@192.0.2.20:5999;lr>");
    must_say(s.f, invite, flow_text(s.f, "^(Record-Route: |.*, )<sip:[^@]+@%s;lr>", near));
    must_say(s.f, invite, "^c=IN IP4 192.0.2.20$");
    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, stage_plain_answer(&s, 9000)));
    const char *answer = sip_expect(s.ue, "^SIP/2.0 200 ");
    must_say(s.f, answer, "^c=IN IP4 192.0.2.10$");
    struct sip_dialog dialog = stage_acknowledge(&s, answer);
    sip_send(s.ue, sip_request(s.ue, "OPTIONS", flow_text(s.f, "sip:%s", near), NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    stage_hang_up(&s, &dialog);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-105, PCSCF-050: of several listening points a UE hears from the one it has registered at,
// whoever asks.
START_TEST(a_UE_hears_from_where_it_has_registered)
{
    struct flow *f = flow_open("several");
    unsigned second = flow_port(f, HOST_PCSCF) + 6U;
    const char *more = flow_text(f, "%s:%u", flow_host(f, HOST_PCSCF), second);
    struct stage s = {.f = f};

    s.p = pcscf_start(f, &(struct pcscf_options){.ues = "", .second = more});
    s.core = sip_open(f, HOST_CORE, pcscf_core(s.p));
    s.ue = sip_open(f, HOST_UE, more);
    const char *token = token_of(&s, registers(&s, SECURED));
    message_by(&s, token);
    const char *got = sip_expect(s.ue, "^MESSAGE ");
    must_say(f, got, flow_text(f, "^Via: SIP/2.0/UDP %s;", more));
    sip_send(s.ue, sip_response(s.ue, got, "200 OK", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 200 ");
    const char *invite = stage_invite_core(&s);
    must_say(f, invite, flow_text(f, "@%s;lr>", more));
    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, stage_plain_answer(&s, 9000)));
    stage_acknowledge(&s, sip_expect(s.ue, "^SIP/2.0 200 "));
    struct sip_dialog back = sip_dialog_of_request(s.core, invite);
    sip_send(s.core, sip_dialog_request(&back, "BYE", NULL, NULL));
    got = sip_expect(s.ue, "^BYE ");
    must_say(f, got, flow_text(f, "^Via: SIP/2.0/UDP %s;", more));
    sip_send(s.ue, sip_response(s.ue, got, "200 OK", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 200 ");
    stage_close(&s, NULL);
}
END_TEST

// --- size --------------------------------------------------------------------------------------

// PCSCF-103, RFC 3261 18.1.1: a message over 1300 bytes goes to a UE over the UDP flow it has
// registered on; its Via says so, and nobody connects to the UE.
START_TEST(a_large_message_stays_on_its_flow)
{
    struct stage s = stage_open("large", &(struct pcscf_options){.ues = ""});
    const char *token = token_of(&s, registers(&s, NULL)), *filler = "0123456789";
    struct sip *tcp = sip_open_over(s.f, HOST_UE, NULL, SIP_LISTEN, false);

    for (int i = 0; i < 9; i++)
        filler = flow_text(s.f, "%s%s", filler, filler);
    sip_send(s.core, sip_request(s.core, "MESSAGE", "sip:alice@192.0.2.99",
                                 flow_text(s.f, "Route: <sip:%s@%s;lr>\nContent-Type: text/plain\n",
                                           token, pcscf_core(s.p)),
                                 filler));
    const char *got = sip_expect(s.ue, "^MESSAGE ");
    ck_assert_str_eq(sip_body(got), filler);
    must_say(s.f, got, "^Via: SIP/2.0/UDP ");
    ck_assert(!sip_has_peer(tcp));
    sip_send(s.ue, sip_response(s.ue, got, "200 OK", "Content-Type: text/plain\n", filler));
    ck_assert_str_eq(sip_body(sip_expect(s.core, "^SIP/2.0 200 ")), filler);
    sip_close(tcp);
    stage_close(&s, NULL);
}
END_TEST

// --- the certificate ---------------------------------------------------------------------------

// TS 33.203 Annex O: without a certificate of its own the P-CSCF makes one and says which; with
// one, that is what a UE is shown. Its private folder is gone once it runs.
START_TEST(a_UE_is_shown_the_certificate_that_the_log_names)
{
    static const char *const keys[] = {"", "certificate: cert.pem, key: key.pem"};
    struct flow *f = flow_open(_i ? "certificate" : "self-signed");
    const char *print = _i ? openssl_certificate(f) : NULL;
    struct pcscf *p = pcscf_start(f, &(struct pcscf_options){.tls = keys[_i]});
    const char *said = flow_value(f, program_text(pcscf_program(p)), "SHA-256 ", "SHA-256 ");

    flow_check(f, said != NULL, "no fingerprint in the log");
    must_say(f, program_text(pcscf_program(p)),
             _i ? " info  pcscf: TLS certificate" : " warn .*self");
    ck_assert(!print || strcmp(print, said) == 0);
    struct program *client = program_run(f, "s_client", "openssl",
                                         flow_text(f, "s_client -brief -connect %s", pcscf_tls(p)));
    program_line(client, "Peer certificate: CN = (ue|pcscf)");
    program_signal(client, SIGTERM);
    program_wait(client);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct bad_identity {
    const char *keys, *complaint;
} bad_identities[] = {
    {"certificate: none.pem, key: key.pem",
     "access.tls.certificate: none.pem cannot be read: No such"},
    {"certificate: cert.pem, key: none.pem", "access.tls.key: none.pem cannot be read: No such"},
    {"certificate: key.pem, key: key.pem",
     "access.tls.certificate: key.pem holds none in PEM form"},
    {"certificate: cert.pem, key: cert.pem", "access.tls.key: cert.pem holds none in PEM form"},
    {"certificate: cert.pem, key: other.pem",
     "access.tls.key: other.pem does not belong to cert.pem"},
};

// A certificate that cannot be used is named when the P-CSCF starts, with what is wrong with it.
START_TEST(a_certificate_that_cannot_be_used_is_named)
{
    struct flow *f = flow_open("bad-certificate");

    openssl_certificate(f);
    rename(flow_path(f, "key.pem"), flow_path(f, "other.pem"));
    openssl_certificate(f);
    flow_write(f, "pcscf.yaml",
               flow_text(f, "access: {listen: [\"%s\"], tls: {listen: [\"%s:%u\"], %s}}\n",
                         flow_at(f, HOST_PCSCF), flow_host(f, HOST_PCSCF), PORT_TLS(f),
                         bad_identities[_i].keys));
    struct program *p = program_run(f, "pcscf", flow_binary(f, "pcscf"), "--config pcscf.yaml");
    ck_assert_int_eq(program_wait(p), 2);
    must_say(f, program_text(p), bad_identities[_i].complaint);
    flow_close(f);
}
END_TEST

// --- the reference user agent ------------------------------------------------------------------

static const struct tls_call {
    const char *name, *ue, *core, *carried;
    bool voice;
} tls_calls[] = {
    {"tls-fax", "", "", "^answer-received .*proto=UDP/TLS/UDPTL ", false},
    {"tls-voice",
     "--offer audio --srtp --audio count --datagrams 100 --datagram-ms 2 --hangup-after media",
     "--audio echo", "^voice-done sent=100 received=100 different=0 disorder=0 ", true},
};

// PCSCF-104, TS 33.328 5.4: over TLS keys may travel where they are refused on plain SIP; the call
// is secured as over any transport.
START_TEST(a_UE_calls_over_TLS_with_its_media_secured)
{
    struct flow *f = flow_open(tls_calls[_i].name);
    struct pcscf *p =
        pcscf_start(f, &(struct pcscf_options){.tls = "", .e2ae = "sdes_over_plain_sip: refuse"});
    struct call call = {.caller = HOST_UE,
                        .no_fax = tls_calls[_i].voice,
                        .ue = flow_text(f,
                                        "--transport tls --register --proxy %s "
                                        "--mediasec udptl-dtls;mediasec,sdes-srtp;mediasec %s",
                                        pcscf_tls(p), tls_calls[_i].ue),
                        .core = flow_text(f, "--registrar %s", tls_calls[_i].core)};

    call_run(p, &call);
    must_say(f, call_ue(&call), "^ready .*transport=tls");
    must_say(f, call_ue(&call), tls_calls[_i].carried);
    must_say(f, program_text(pcscf_program(p)), "registered from .*/tls, ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// e2ae-ua --tls-fingerprint: the UE goes on with the P-CSCF whose certificate it was told of, and
// says nothing to any other.
START_TEST(the_UE_knows_its_P_CSCF_by_fingerprint)
{
    struct flow *f = flow_open(_i ? "pinned" : "pinned-wrong");
    struct pcscf *p = pcscf_start(f, &(struct pcscf_options){.tls = ""});
    const char *right = flow_value(f, program_text(pcscf_program(p)), "SHA-256 ", "SHA-256 "),
               *wrong = flow_replace(f, openssl_wrong(f, right), "SHA-256 ", "");
    struct sip *core = sip_open(f, HOST_CORE, pcscf_core(p));
    struct program *ue =
        program_run(f, "ue", flow_binary(f, "e2ae-ua"),
                    flow_text(f, "--transport tls --register --proxy %s --tls-fingerprint %s",
                              pcscf_tls(p), _i ? right : wrong));

    if (_i) {
        const char *got = sip_expect(core, "^REGISTER ");
        sip_send(core, sip_response(core, got, "403 Forbidden", NULL, NULL));
    }
    ck_assert_int_ne(program_wait(ue), 0);
    must_say(f, program_text(ue), _i ? "^registered status=403" : "^tls-failed reason=fingerprint");
    struct stage s = {.f = f, .p = p, .core = core};
    stage_core_sees_nothing(&s);
    sip_close(core);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

void suite_transport(struct suite *s)
{
    static const int both[2];

    ONCE(s, a_UE_is_reached_on_the_connection_it_opened_or_not_at_all);
    ONCE(s, a_call_to_a_UE_over_TLS_is_cancelled_on_its_connection);
    ONCE(s, a_call_over_TLS_is_released_on_its_connection);
    ONCE(s, a_call_without_ACK_is_dropped_at_the_end);
    ONCE(s, advertised_addresses_are_shown_and_known);
    ONCE(s, a_UE_hears_from_where_it_has_registered);
    ONCE(s, a_large_message_stays_on_its_flow);
    ONCE(s, a_UE_agrees_on_TLS_for_its_signalling);
    ONCE(s, a_UE_behind_a_NAT_registers_anew_in_time);
    EACH(s, a_UE_calls_over_TLS_with_its_media_secured, tls_calls);
    EACH(s, a_UE_is_shown_the_certificate_that_the_log_names, both);
    EACH(s, the_UE_knows_its_P_CSCF_by_fingerprint, both);
    EACH(s, a_certificate_that_cannot_be_used_is_named, bad_identities);
    EACH(s, any_transport_meets_any_other, mixes);
}
