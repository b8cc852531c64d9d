// SPDX-License-Identifier: GPL-3.0-or-later
// Names on the way into the core, with a name server of the test: what is asked, what becomes of
// requests meanwhile, and where they go when a place or a server does not answer.
#include "tests/dns_server.h"
#include "tests/flows/agent.h"
#include "tests/flows/socket.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

#include <signal.h>
#include <string.h>

#define LINES_MAX 8
#define NAME_SERVER_PORT 5353
// Of one question; each is asked twice.
#define TIMEOUT_MS 100

struct names {
    struct stage s;
    const char *zone[LINES_MAX + 1];
    unsigned lines;
    struct addr at;
    pid_t server;
    const char *sip, *registration; // keys of the configuration
};

static void line(struct names *n, const char *text)
{
    ck_assert_uint_lt(n->lines, LINES_MAX);
    n->zone[n->lines++] = text;
}

static void serve(struct names *n)
{
    ck_assert_int_eq(addr_parse(&n->at, flow_host(n->s.f, HOST_OTHER), NAME_SERVER_PORT), 0);
    n->server = dns_server_start(&n->at, n->zone);
    ck_assert_int_gt(n->server, 0);
}

static struct names names_open(const char *name)
{
    return (struct names){.s = {.f = flow_open(name)}};
}

// A P-CSCF with this next hop, that asks the name server; the core is at HOST_CORE.
static void names_start(struct names *n, const char *next_hop)
{
    struct flow *f = n->s.f;

    serve(n);
    n->s = stage_open_on(
        f, &(struct pcscf_options){.ues = "",
                                   .next_hop = next_hop,
                                   .sip = n->sip,
                                   .registration = n->registration,
                                   .dns = flow_text(f, "servers: [\"%s:%d\"], timeout_ms: %d",
                                                    flow_host(f, HOST_OTHER), NAME_SERVER_PORT,
                                                    TIMEOUT_MS)});
}

static void names_close(struct names *n, const char *counter)
{
    stage_close(&n->s, counter);
    dns_server_stop(n->server);
}

// "NAME 60 SRV PRIORITY 0 PORT HOST"
static const char *service(struct names *n, const char *name, unsigned priority, enum host host)
{
    static const char *const hosts[] = {"p", "u", "core.example", "other.example"};

    return flow_text(n->s.f, "%s 60 SRV %u 0 %u %s", name, priority, flow_port(n->s.f, host),
                     hosts[host]);
}

static const char *address(struct names *n, const char *name, enum host host)
{
    return flow_text(n->s.f, "%s 60 A %s", name, flow_host(n->s.f, host));
}

static void asks(struct stage *s, const char *method)
{
    sip_send(s->ue, sip_request(s->ue, method, "sip:bob@example.net", NULL, NULL));
}

static void answers(struct stage *s, const char *method)
{
    const char *got = sip_expect(s->core, flow_text(s->f, "^%s ", method));

    sip_send(s->core, sip_response(s->core, got, "200 OK", NULL, NULL));
    sip_expect(s->ue, "^SIP/2.0 200 ");
}

// RFC 3263 4.1, TS 24.229 5.2.2.1: a next hop by name is found by NAPTR and SRV; a call and a
// request that come while it is asked for wait, and both arrive.
START_TEST(a_next_hop_is_found_by_its_name)
{
    struct names n = names_open("dns-name");

    line(&n, "icscf.example 60 NAPTR 1 1 s SIP+D2U _sip._udp.icscf.example");
    line(&n, service(&n, "_sip._udp.icscf.example", 1, HOST_CORE));
    line(&n, address(&n, "core.example", HOST_CORE));
    names_start(&n, "icscf.example");
    asks(&n.s, "MESSAGE");
    asks(&n.s, "OPTIONS");
    answers(&n.s, "MESSAGE");
    answers(&n.s, "OPTIONS");
    struct sip_dialog dialog = stage_call_core(&n.s);
    stage_hang_up(&n.s, &dialog);
    names_close(&n, NULL);
}
END_TEST

// A call whose far end has a name in its Contact.
static struct sip_dialog call_by_name(struct names *n)
{
    struct stage *s = &n->s;
    const char *invite = stage_invite_core(s);
    const char *own = flow_text(s->f, "Contact: <sip:party@%s>", sip_address(s->core));
    const char *named =
        flow_text(s->f, "Contact: <sip:party@scscf.example:%u>", flow_port(s->f, HOST_CORE));
    const char *ok = sip_response(s->core, invite, "200 OK", NULL, stage_plain_answer(s, 9000));

    sip_send(s->core, flow_replace(s->f, ok, own, named));
    return stage_acknowledge(s, sip_expect(s->ue, "^SIP/2.0 200 "));
}

// RFC 3261 16.6: names in Route and Contact of the core lead the requests of a dialog.
START_TEST(a_dialog_follows_names)
{
    struct names n = names_open("dns-dialog");

    line(&n, address(&n, "scscf.example", HOST_CORE));
    names_start(&n, flow_at(n.s.f, HOST_CORE));
    struct sip_dialog dialog = call_by_name(&n);
    stage_hang_up(&n.s, &dialog);
    names_close(&n, NULL);
}
END_TEST

// RFC 3263 4.3: a place that does not answer, or answers 503, is passed over.
START_TEST(the_next_place_is_tried)
{
    struct names n = names_open("dns-failover");

    line(&n, service(&n, "_sip._udp.icscf.example", 1, HOST_OTHER));
    line(&n, service(&n, "_sip._udp.icscf.example", 2, HOST_CORE));
    line(&n, address(&n, "core.example", HOST_CORE));
    line(&n, address(&n, "other.example", HOST_OTHER));
    names_start(&n, "icscf.example");
    asks(&n.s, "MESSAGE"); // nobody is there
    answers(&n.s, "MESSAGE");
    struct sip *other = sip_open(n.s.f, HOST_OTHER, pcscf_core(n.s.p));
    sip_send(n.s.ue,
             sip_request(n.s.ue, "INVITE", "sip:bob@example.net", NULL, stage_secured_offer(&n.s)));
    const char *refused = sip_expect(other, "^INVITE ");
    sip_send(other, sip_response(other, refused, "503 Service Unavailable", NULL, NULL));
    sip_expect(other, "^ACK ");
    const char *invite = sip_expect(n.s.core, "^INVITE ");
    ck_assert_str_ne(sip_header(n.s.core, invite, "Via"), sip_header(other, refused, "Via"));
    ck_assert_uint_eq(text_count(invite, "^Record-Route:"), text_count(refused, "^Record-Route:"));
    sip_send(n.s.core,
             sip_response(n.s.core, invite, "200 OK", NULL, stage_plain_answer(&n.s, 9000)));
    struct sip_dialog dialog = stage_acknowledge(&n.s, sip_expect(n.s.ue, "^SIP/2.0 200 "));
    stage_hang_up(&n.s, &dialog);
    sip_close(other);
    names_close(&n, NULL);
}
END_TEST

// RFC 3263 4.3, RFC 3261 17.1.1.2, 17.1.2.2: a place that takes requests and says nothing is passed
// over when Timer B or F fires: 64 * T1.
START_TEST(a_place_that_swallows_requests_is_passed_over)
{
    struct names n = names_open("dns-swallow");

    line(&n, service(&n, "_sip._udp.icscf.example", 1, HOST_OTHER));
    line(&n, service(&n, "_sip._udp.icscf.example", 2, HOST_CORE));
    line(&n, address(&n, "core.example", HOST_CORE));
    line(&n, address(&n, "other.example", HOST_OTHER));
    n.sip = "t1_ms: 50";
    struct sip *silent = sip_open(n.s.f, HOST_OTHER, flow_at(n.s.f, HOST_PCSCF));
    names_start(&n, "icscf.example");
    asks(&n.s, "MESSAGE");
    sip_send(n.s.ue,
             sip_request(n.s.ue, "INVITE", "sip:bob@example.net", NULL, stage_secured_offer(&n.s)));
    sip_expect(silent, "^MESSAGE ");
    sip_expect(silent, "^INVITE ");
    const char *first = sip_next(n.s.core), *second = sip_next(n.s.core);
    bool in_order = text_matches(first, "^MESSAGE ");
    const char *message = in_order ? first : second, *invite = in_order ? second : first;
    sip_send(n.s.core, sip_response(n.s.core, message, "200 OK", NULL, NULL));
    sip_send(n.s.core,
             sip_response(n.s.core, invite, "200 OK", NULL, stage_plain_answer(&n.s, 9000)));
    const char *ok = sip_expect(n.s.ue, "^SIP/2.0 200 ");
    if (!strstr(ok, " INVITE\n"))
        ok = sip_expect(n.s.ue, "^SIP/2.0 200 ");
    struct sip_dialog dialog = stage_acknowledge(&n.s, ok);
    stage_hang_up(&n.s, &dialog);
    sip_close(silent);
    names_close(&n, NULL);
}
END_TEST

// What the name server says from now on.
static void rename_to(struct names *n, const char *text)
{
    dns_server_stop(n->server);
    n->zone[0] = text;
    serve(n);
}

// Longer than the record "NAME 1 A ADDRESS" is kept.
static void let_it_expire(struct names *n)
{
    uint64_t until = flow_now_ms() + 1100;

    while (programs_poll(n->s.f, -1, until))
        continue;
}

// RFC 3263 4, TS 24.229 5.2.8.1.2: the BYE of the P-CSCF asks for the name of its next hop, as any
// request does, when what was known of it is over.
START_TEST(a_BYE_of_the_P_CSCF_asks_for_its_next_hop)
{
    struct names n = names_open("dns-bye");

    line(&n, flow_text(n.s.f, "scscf.example 1 A %s", flow_host(n.s.f, HOST_CORE)));
    names_start(&n, flow_at(n.s.f, HOST_CORE));
    struct sip *other = sip_open_at(
        n.s.f, flow_text(n.s.f, "%s:%u", flow_host(n.s.f, HOST_OTHER), flow_port(n.s.f, HOST_CORE)),
        pcscf_core(n.s.p), SIP_UDP);
    call_by_name(&n);
    let_it_expire(&n);
    rename_to(&n, flow_text(n.s.f, "scscf.example 1 A %s", flow_host(n.s.f, HOST_OTHER)));
    program_signal(pcscf_program(n.s.p), SIGTERM);
    sip_send(other, sip_response(other, sip_expect(other, "^BYE "), "200 OK", NULL, NULL));
    sip_send(n.s.ue, sip_response(n.s.ue, sip_expect(n.s.ue, "^BYE "), "200 OK", NULL, NULL));
    ck_assert_int_eq(program_wait(pcscf_program(n.s.p)), 0);
    sip_close(other);
    sip_close(n.s.ue);
    sip_close(n.s.core);
    dns_server_stop(n.server);
    flow_close(n.s.f);
}
END_TEST

// TS 24.229 5.2.3: a subscription to the registration of a user is renewed where the next hop is by
// then.
START_TEST(a_SUBSCRIBE_of_the_P_CSCF_asks_for_its_next_hop)
{
    struct names n = names_open("dns-subscribe");
    unsigned port = flow_port(n.s.f, HOST_CORE);

    n.registration = "reg_event: true";
    line(&n, flow_text(n.s.f, "icscf.example 1 A %s", flow_host(n.s.f, HOST_CORE)));
    names_start(&n, flow_text(n.s.f, "icscf.example:%u", port));
    struct sip *other =
        sip_open_at(n.s.f, flow_text(n.s.f, "%s:%u", flow_host(n.s.f, HOST_OTHER), port),
                    pcscf_core(n.s.p), SIP_UDP);
    stage_register(&n.s, n.s.ue, NULL);
    sip_send(n.s.core, sip_response(n.s.core, sip_expect(n.s.core, "^SUBSCRIBE "), "200 OK",
                                    "Expires: 4\n", NULL));
    rename_to(&n, flow_text(n.s.f, "icscf.example 60 A %s", flow_host(n.s.f, HOST_OTHER)));
    sip_send(other, sip_response(other, sip_expect(other, "^SUBSCRIBE "), "200 OK",
                                 "Expires: 6000\n", NULL));
    sip_close(other);
    names_close(&n, NULL);
}
END_TEST

static const struct missing {
    const char *line, *method, *status, *counter;
} missing[] = {
    {"icscf.example 0 SILENT", "MESSAGE", "504", "name_timeout"},
    {"icscf.example 0 GARBAGE", "MESSAGE", "(404|504)", NULL},
    {"other.example 60 A 127.0.0.1", "MESSAGE", "404", "name_unknown"},
    {"icscf.example 0 SILENT", "REGISTER", "504", "registrar_down"},
    {"other.example 60 A 127.0.0.1", "REGISTER", "504", "registrar_down"},
};

// PCSCF-026, RFC 3261 21.5.5: a name that nobody answers for, or that does not exist, is said so;
// a REGISTER gets 504. The next request asks again.
START_TEST(a_name_that_is_not_found_is_an_answer)
{
    const struct missing *m = &missing[_i];
    struct names n = names_open("dns-missing");
    const char *status = flow_text(n.s.f, "^SIP/2.0 %s ", m->status);

    line(&n, m->line);
    names_start(&n, flow_text(n.s.f, "icscf.example:%u", flow_port(n.s.f, HOST_CORE)));
    asks(&n.s, m->method);
    sip_expect(n.s.ue, status);
    dns_server_stop(n.server);
    n.zone[0] = address(&n, "icscf.example", HOST_CORE);
    serve(&n);
    asks(&n.s, m->method);
    answers(&n.s, m->method);
    names_close(&n, m->counter);
}
END_TEST

// RFC 3261 16.10: a call that still waits for the address of its next hop can be cancelled.
START_TEST(a_call_that_waits_for_a_name_can_be_cancelled)
{
    struct names n = names_open("dns-cancel");

    line(&n, "icscf.example 0 SILENT");
    names_start(&n, "icscf.example");
    const char *invite =
        sip_request(n.s.ue, "INVITE", "sip:bob@example.net", NULL, stage_secured_offer(&n.s));
    sip_send(n.s.ue, invite);
    sip_expect(n.s.ue, "^SIP/2.0 100 ");
    sip_send(n.s.ue, sip_cancel(n.s.ue, invite, NULL));
    const char *refusal = sip_expect(n.s.ue, "^SIP/2.0 487 ");
    sip_send(n.s.ue, sip_ack_refusal(n.s.ue, invite, refusal));
    stage_core_sees_nothing(&n.s);
    names_close(&n, NULL);
}
END_TEST

// A Route whose name has no address does not end a request where another way is known.
START_TEST(a_route_that_is_not_found_is_passed_by)
{
    struct names n = names_open("dns-bypass");

    line(&n, address(&n, "core.example", HOST_CORE));
    names_start(&n, flow_at(n.s.f, HOST_CORE));
    sip_send(n.s.ue, sip_request(n.s.ue, "MESSAGE", "sip:bob@example.net",
                                 "Route: <sip:scscf.example;lr>\n", NULL));
    const char *got = sip_expect(n.s.core, "^MESSAGE ");
    must_say(n.s.f, got, "^Route: <sip:scscf.example;lr>$");
    sip_send(n.s.core, sip_response(n.s.core, got, "200 OK", NULL, NULL));
    sip_expect(n.s.ue, "^SIP/2.0 200 ");
    names_close(&n, "name_bypassed");
}
END_TEST

// PCSCF-026: a core that comes and goes is tried anew by each request.
START_TEST(a_core_that_comes_back_is_found_again)
{
    struct names n = names_open("dns-back");

    line(&n, address(&n, "icscf.example", HOST_CORE));
    names_start(&n, flow_text(n.s.f, "sip:icscf.example:%u", flow_port(n.s.f, HOST_CORE)));
    sip_close(n.s.core);
    asks(&n.s, "REGISTER");
    sip_expect(n.s.ue, "^SIP/2.0 504 ");
    n.s.core = sip_open(n.s.f, HOST_CORE, pcscf_core(n.s.p));
    asks(&n.s, "REGISTER");
    answers(&n.s, "REGISTER");
    names_close(&n, "registrar_down");
}
END_TEST

void suite_dns(struct suite *s)
{
    ONCE(s, a_next_hop_is_found_by_its_name);
    ONCE(s, a_dialog_follows_names);
    ONCE(s, the_next_place_is_tried);
    ONCE(s, a_place_that_swallows_requests_is_passed_over);
    ONCE(s, a_BYE_of_the_P_CSCF_asks_for_its_next_hop);
    ONCE(s, a_SUBSCRIBE_of_the_P_CSCF_asks_for_its_next_hop);
    EACH(s, a_name_that_is_not_found_is_an_answer, missing);
    ONCE(s, a_call_that_waits_for_a_name_can_be_cancelled);
    ONCE(s, a_route_that_is_not_found_is_passed_by);
    ONCE(s, a_core_that_comes_back_is_found_again);
}
