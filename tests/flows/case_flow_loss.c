// SPDX-License-Identifier: GPL-3.0-or-later
// The connection of a UE closes while it has a call (PCSCF-081): what the core hears of it, and
// what happens when the UE comes back in time.
#include "tests/flows/agent.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

static const enum sip_over streams[] = {SIP_TCP, SIP_TLS};

// Longer than sip.return_s of these tests, which is a second.
#define LONGER_MS 1500

static const char *access_at(struct stage *s, enum sip_over over)
{
    return over == SIP_TLS ? pcscf_tls(s->p) : pcscf_access(s->p);
}

static struct stage open_stage(const char *name, enum sip_over over)
{
    struct stage s = {.f = flow_open(name)};

    s.p = pcscf_start(s.f, &(struct pcscf_options){.tls = "", .ues = "", .sip = "return_s: 1"});
    s.core = sip_open(s.f, HOST_CORE, pcscf_core(s.p));
    s.ue = sip_open_over(s.f, HOST_UE, access_at(&s, over), over, false);
    return s;
}

// The UE has another connection, from another port.
static void come_back(struct stage *s, enum sip_over over)
{
    const char *at = flow_text(s->f, "%s:%u", flow_host(s->f, HOST_UE), PORT_ELSEWHERE(s->f));

    s->ue = sip_open_at(s->f, at, access_at(s, over), over);
}

// REGISTER of one instance, whatever its address (RFC 5626 4.1), and the 200 of the core.
static void registers(struct stage *s)
{
    const char *contact = flow_text(s->f, "Contact: <sip:alice@%s%s>", sip_address(s->ue),
                                    sip_parameter(s->ue)),
               *own = flow_text(
                   s->f, "%s;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"",
                   contact),
               *text = sip_request(s->ue, "REGISTER", "sip:example.net", NULL, NULL);

    text = flow_replace(s->f, text, "To: <sip:example.net>", "To: <sip:alice@example.net>");
    sip_send(s->ue, flow_replace(s->f, text, contact, own));
    const char *got = sip_expect(s->core, "^REGISTER ");
    const char *answer = sip_response(s->core, got, "200 OK", "Expires: 600\n", NULL);
    sip_send(s->core,
             flow_replace(s->f, answer,
                          flow_text(s->f, "Contact: <sip:party@%s>", sip_address(s->core)), own));
    sip_expect(s->ue, "^SIP/2.0 200 ");
}

// The UE calls. Returns what the core gets.
static const char *call_out(struct stage *s)
{
    sip_send(s->ue, sip_request(s->ue, "INVITE", "sip:bob@example.net", NULL,
                                stage_plain_answer(s, 9000)));
    return sip_expect(s->core, "^INVITE ");
}

// The same, answered. Returns the dialog as the UE has it, and in *back as the core has it.
static struct sip_dialog call_up(struct stage *s, struct sip_dialog *back)
{
    const char *invite = call_out(s);

    sip_send(s->core, sip_response(s->core, invite, "200 OK", NULL, stage_plain_answer(s, 9002)));
    *back = sip_dialog_of_request(s->core, invite);
    return stage_acknowledge(s, sip_expect(s->ue, "^SIP/2.0 200 "));
}

// The core is called by nothing for longer than the P-CSCF waits.
static void stays_up(struct stage *s)
{
    uint64_t until = flow_now_ms() + LONGER_MS;

    while (programs_poll(s->f, -1, until))
        continue;
    stage_core_sees_nothing(s);
}

static void hang_up_from_core(struct stage *s, struct sip_dialog *back)
{
    sip_send(s->core, sip_dialog_request(back, "BYE", NULL, NULL));
    sip_send(s->ue, sip_response(s->ue, sip_expect(s->ue, "^BYE "), "200 OK", NULL, NULL));
    sip_expect(s->core, "^SIP/2.0 200 ");
}

// The UE is gone; it was counted that a session has ended for it.
static void leave(struct stage *s)
{
    sip_close(s->core);
    pcscf_stop(s->p);
    flow_check(s->f, pcscf_counter(s->p, "signalling_lost") == 1, "not counted");
    flow_close(s->f);
}

// PCSCF-081, TS 24.229 5.2.8.1.1: the caller is lost before the answer: CANCEL towards the core.
START_TEST(a_lost_caller_is_cancelled_towards_the_core)
{
    struct stage s = open_stage("lost-caller", streams[_i]);

    stage_register(&s, s.ue, NULL);
    const char *invite = call_out(&s);
    sip_send(s.core, sip_response(s.core, invite, "180 Ringing", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 180 ");
    sip_close(s.ue);
    const char *cancel = sip_expect(s.core, "^CANCEL ");
    must_say(s.f, cancel, "^Reason: SIP;cause=503;");
    sip_send(s.core, sip_response(s.core, cancel, "200 OK", NULL, NULL));
    sip_send(s.core, sip_response(s.core, invite, "487 Request Terminated", NULL, NULL));
    sip_expect(s.core, "^ACK ");
    leave(&s);
}
END_TEST

// PCSCF-081, TS 24.229 5.2.8.1.1: the called UE is lost while it rings: 500 towards the core.
START_TEST(a_lost_callee_is_answered_for_with_500)
{
    struct stage s = open_stage("lost-callee", streams[_i]);

    stage_register(&s, s.ue, NULL);
    const char *call =
        sip_request(s.core, "INVITE", flow_text(s.f, "sip:alice@%s", sip_address(s.ue)), NULL,
                    stage_plain_answer(&s, 9000));
    sip_send(s.core, call);
    const char *invite = sip_expect(s.ue, "^INVITE ");
    sip_send(s.ue, sip_response(s.ue, invite, "180 Ringing", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 180 ");
    sip_close(s.ue);
    sip_send(s.core, sip_ack_refusal(s.core, call, sip_expect(s.core, "^SIP/2.0 500 ")));
    leave(&s);
}
END_TEST

// PCSCF-081, TS 24.229 5.2.8.1.2: the UE is lost during the call and does not come back: BYE
// towards the core alone.
START_TEST(a_UE_that_does_not_come_back_is_released_towards_the_core)
{
    struct stage s = open_stage("lost", streams[_i]);
    struct sip_dialog back;

    stage_register(&s, s.ue, NULL);
    call_up(&s, &back);
    uint64_t lost_ms = flow_now_ms();
    sip_close(s.ue);
    const char *bye = sip_expect(s.core, "^BYE ");
    flow_check(s.f, flow_now_ms() >= lost_ms + 900, "the UE had no time to come back");
    must_say(s.f, bye, "^Reason: SIP;cause=500;");
    sip_send(s.core, sip_response(s.core, bye, "200 OK", NULL, NULL));
    leave(&s);
}
END_TEST

// PCSCF-081, RFC 5626 4.5: a UE that registers on another connection in time has its call still,
// and is reached there.
START_TEST(a_UE_that_registers_anew_keeps_its_call)
{
    struct stage s = open_stage("back", streams[_i]);
    struct sip_dialog back;

    registers(&s);
    call_up(&s, &back);
    sip_close(s.ue);
    come_back(&s, streams[_i]);
    registers(&s);
    stays_up(&s);
    hang_up_from_core(&s, &back);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-081, RFC 5626 4.5: the same for a UE that has no registration, or another one by now: what
// it sends within the dialog tells where it is.
START_TEST(a_UE_is_where_it_speaks_from)
{
    struct stage s = open_stage("moved", streams[_i / 2]);
    struct sip_dialog back, dialog;

    if (_i % 2)
        stage_register(&s, s.ue, NULL);
    dialog = call_up(&s, &back);
    sip_close(s.ue);
    come_back(&s, streams[_i / 2]);
    if (_i % 2)
        stage_register(&s, s.ue, NULL);
    dialog.sip = s.ue;
    sip_send(s.ue, sip_dialog_request(&dialog, "INFO", NULL, NULL));
    sip_send(s.core, sip_response(s.core, sip_expect(s.core, "^INFO "), "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    stays_up(&s);
    hang_up_from_core(&s, &back);
    stage_close(&s, NULL);
}
END_TEST

void suite_flow_loss(struct suite *s)
{
    static const int both[4]; // transports, with and without registration

    EACH(s, a_lost_caller_is_cancelled_towards_the_core, streams);
    EACH(s, a_lost_callee_is_answered_for_with_500, streams);
    EACH(s, a_UE_that_does_not_come_back_is_released_towards_the_core, streams);
    EACH(s, a_UE_that_registers_anew_keeps_its_call, streams);
    EACH(s, a_UE_is_where_it_speaks_from, both);
}
