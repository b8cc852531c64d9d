// SPDX-License-Identifier: GPL-3.0-or-later
// Chats and floors that go wrong: whatever one end does, the other end learns of it in good order,
// the reason is in BYE, log, chart and counter, and nothing is held any longer.
#include "tests/flows/suite.h"
#include "tests/flows/talk.h"

// How long a handshake or a TCP connection may take, so that a test need not wait long.
#define SHORT "certificate_pool: 4, retransmit_ms: 100, handshake_timeout_ms: 800"
#define BYE(status) "^bye-received reason=.SIP;cause=" #status ";text="

// What one end does wrong, and everything that must be seen of it. Both ends expect BYE.
struct failure {
    enum host caller;
    const char *ue, *core; // arguments
    bool begins;           // the stream may have been up before, else TLS never was
    const char *bye;
    const char *counter;
    const char *label; // of the reason, in the chart
};

static const struct failure failures[] = {
    // the handshake (REQ-062, REQ-064, REQ-075, REQ-142), with the AGW as server and as client
    {HOST_UE, TLS_1_2 "--misbehave=wrong-fingerprint", "", false, BYE(488), "dtls_fingerprint",
     "fingerprint mismatch"},
    {HOST_CORE, TLS_1_2 "--misbehave=wrong-fingerprint", "", false, BYE(488), "dtls_fingerprint",
     "fingerprint mismatch"},
    {HOST_UE, TLS_1_2 "--misbehave=no-certificate", "", false, BYE(488), "dtls_no_certificate",
     "no certificate"},
    {HOST_UE, "--misbehave=tls-never", "", false, BYE(504), "dtls_timeout", "DTLS timeout"},
    {HOST_CORE, "--misbehave=tls-never", "", false, BYE(504), "dtls_timeout", "DTLS timeout"},
    {HOST_UE, "--misbehave=tls-clear", "", false, BYE(488), "plain_on_tls", "plain on TLS leg"},
    // TCP
    {HOST_UE, "--misbehave=tcp-never", "", false, BYE(504), "tcp_timeout", "TCP timeout"},
    {HOST_UE, "", "--misbehave=tcp-never", true, BYE(504), "tcp_connect", "TCP failed"},
    {HOST_UE, "--misbehave=reset", "", true, BYE(503), "bearer_released", "bearer released"},
    {HOST_UE, "", "--misbehave=reset", true, BYE(503), "bearer_released", "bearer released"},
};
#define FAILURES ((int)(sizeof(failures) / sizeof(failures[0])))

// Only an MSRP stream is looked into.
static const struct failure garbage[] = {
    {HOST_UE, "--misbehave=garbage-msrp", "", true, BYE(503), "msrp_framing", "broken MSRP"},
    {HOST_UE, "", "--misbehave=garbage-msrp", true, BYE(503), "msrp_framing", "broken MSRP"},
    {HOST_CORE, "--misbehave=garbage-msrp", "", true, BYE(503), "msrp_framing", "broken MSRP"},
};

// 0: BYE, as expected. 4, 6: it saw its handshake fail, or TCP end, before BYE came.
static void expect_end(struct flow *f, struct program *agent)
{
    int status = program_wait(agent);

    flow_check(f, status == 0 || status == 4 || status == 6, "the %s agent ended with status %d",
               program_label(agent), status);
}

static void check_failure(const struct failure *failure, const struct talk *talk)
{
    struct flow *f = flow_open("tcp-failure");
    // a lost floor is not waited for (REQ-144): the test need not wait either
    struct pcscf_options options = {.agw = SHORT, .bfcp = "reestablish_s: 0"};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call =
        talk_call(f, talk, failure->caller, flow_text(f, "--expect-bye %s", failure->ue),
                  flow_text(f, "--expect-bye %s", failure->core));

    call_start(p, &call);
    expect_end(f, call.programs[HOST_UE]);
    expect_end(f, call.programs[HOST_CORE]);
    must_say(f, call_ue(&call), failure->bye);
    must_say(f, call_core(&call), failure->bye);
    if (!failure->begins) {
        must_not_say(f, call_ue(&call), "^tls-established");
        must_not_say(f, call_core(&call), "^msrp-received|^bfcp-received");
    }
    struct chart chart = pcscf_chart(p);
    must_say(f, chart.mermaid, failure->label);
    pcscf_stop(p);
    unsigned count = pcscf_counter(p, failure->counter);
    flow_check(f, count == 1, "%s was counted %u times", failure->counter, count);
    must_say(f, program_text(pcscf_program(p)), " warn +session [A-Za-z0-9]+: session released: ");
    flow_close(f);
}

// A chat that cannot be, or be continued, ends on both sides.
START_TEST(a_chat_that_fails_ends_on_both_sides)
{
    check_failure(&failures[_i], &chat);
}
END_TEST

// The same of a floor request.
START_TEST(a_floor_request_that_fails_ends_on_both_sides)
{
    check_failure(&failures[_i], &floor_request);
}
END_TEST

// REQ-144: what was reset comes back by a re-INVITE with a new connection; reset again and not
// offered anew, it is waited for and then the call ends.
START_TEST(a_lost_floor_comes_back_by_a_new_offer)
{
    struct flow *f = flow_open("floor-returns");
    struct pcscf_options options = {.bfcp = "reestablish_s: 1"};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = talk_call(f, &floor_request, HOST_UE,
                                 "--misbehave=reset --reinvite=new-port --reinvite-after 100 "
                                 "--expect-bye",
                                 "--expect-bye");

    call_start(p, &call);
    expect_end(f, call.programs[HOST_UE]);
    expect_end(f, call.programs[HOST_CORE]);
    flow_check(f, text_count(call_ue(&call), "^tls-established ") == 2, "not established twice");
    must_say(f, call_ue(&call), "^reoffer-answered change=new-port status=200");
    must_say(f, call_ue(&call), BYE(503));
    struct chart chart = pcscf_chart(p);
    must_say(f, chart.mermaid, "may be offered anew within 1 s");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// What is no MSRP closes the connection (RFC 4975 7.1).
START_TEST(what_is_no_msrp_ends_the_call)
{
    check_failure(&garbage[_i], &chat);
}
END_TEST

// With TLS 1.3 the AGW as server learns of a wrong certificate when the UE believes that all is
// well already: nothing of it reaches the core (REQ-065).
START_TEST(a_late_refusal_is_a_failure_of_the_handshake)
{
    struct flow *f = flow_open("tls13-late");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = talk_call(f, &chat, HOST_UE,
                                 _i == 0 ? "--misbehave=wrong-fingerprint --timeout 5"
                                         : "--misbehave=no-certificate --timeout 5",
                                 "--expect-bye");

    call_start(p, &call);
    expect_end(f, call.programs[HOST_CORE]);
    expect_end(f, call.programs[HOST_UE]);
    must_say(f, call_ue(&call), BYE(488));
    must_say(f, call_core(&call), "^media kind=message sent=0 received=0");
    pcscf_stop(p);
    ck_assert_uint_eq(pcscf_counter(p, _i == 0 ? "dtls_fingerprint" : "dtls_no_certificate"), 1);
    flow_close(f);
}
END_TEST

// --- what does not hurt ------------------------------------------------------------------------

static const struct {
    enum host caller;
    const char *ue, *core;
    const char *says; // the one who misbehaves
    const char *counter;
} storms[] = {
    {HOST_UE, "--misbehave=byte-by-byte", ""},
    {HOST_UE, "", "--misbehave=byte-by-byte"},
    {HOST_CORE, "--misbehave=byte-by-byte", ""},
    // one connection per stream (TS 23.334 5.11.2.2.1)
    {HOST_UE, "--misbehave=second-connection", "", .counter = "tcp_refused"},
    {HOST_UE, "", "--misbehave=second-connection --answer-tcp active", .counter = "tcp_refused"},
    {HOST_CORE, "--misbehave=second-connection --answer-tcp active", "", .counter = "tcp_refused"},
    // renegotiation is refused, the session lives (REQ-068)
    {HOST_UE, TLS_1_2 "--misbehave=renegotiate", "", "^renegotiation result=refused"},
    {HOST_CORE, TLS_1_2 "--misbehave=renegotiate", "", "^renegotiation result=refused"},
};
#define STORMS ((int)(sizeof(storms) / sizeof(storms[0])))

// The messages arrive all the same; what was refused is counted.
START_TEST(a_stream_survives)
{
    struct flow *f = flow_open("tcp-storm");
    struct pcscf *p = pcscf_start(f, NULL);
    unsigned row = (unsigned)_i % STORMS;
    struct call call = talk_call(f, _i < STORMS ? &chat : &floor_request, storms[row].caller,
                                 storms[row].ue, storms[row].core);

    call_run(p, &call);
    if (storms[row].says)
        must_say(f, call_ue(&call), storms[row].says);
    pcscf_stop(p);
    if (storms[row].counter)
        ck_assert_uint_eq(pcscf_counter(p, storms[row].counter), 1);
    flow_close(f);
}
END_TEST

static const struct {
    const struct talk *talk;
    const char *ue, *core;
} halves[] = {
    {&chat, "--misbehave=half-close", ""},
    {&chat, "", "--misbehave=half-close"},
    {&floor_request, "--misbehave=half-close", ""},
    {&floor_request, "", "--misbehave=half-close"},
};

// Who has said all closes its direction; what is under way still arrives, and both end well.
START_TEST(a_half_closed_stream_ends_well)
{
    struct flow *f = flow_open("tcp-half");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = talk_call(f, halves[_i].talk, HOST_UE, halves[_i].ue, halves[_i].core);

    const char *all =
        halves[_i].talk == &chat ? "^msrp-report .* status=200" : "^floor released=yes";

    call_start(p, &call);
    expect_end(f, call.programs[HOST_UE]); // 6: BYE overtook the ACK
    expect_end(f, call.programs[HOST_CORE]);
    must_say(f, call_ue(&call), all);
    must_say(f, call_core(&call), all);
    must_say(f, halves[_i].ue[0] ? call_ue(&call) : call_core(&call), "^half-closed");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// A UE that never reads again: the caller hangs up, and all of it is released (REQ-105).
START_TEST(a_reader_that_stops_forever_is_released)
{
    struct flow *f = flow_open("tcp-stalled");
    struct pcscf *p = pcscf_start(f, NULL);
    bool ue = _i == 0;
    const char *stalls = "--misbehave=stalled --expect-bye";
    const char *sends = "--send-file " FILE_SENT " --hangup-after 700";
    struct call call =
        talk_call(f, &chat, ue ? HOST_CORE : HOST_UE, ue ? stalls : sends, ue ? sends : stalls);

    file_make(f, 8); // more than all buffers on the way
    call_start(p, &call);
    program_wait(call.programs[HOST_UE]);
    program_wait(call.programs[HOST_CORE]);
    must_say(f, ue ? call_ue(&call) : call_core(&call), "^bye-received");
    must_not_say(f, ue ? call_core(&call) : call_ue(&call), "^msrp-report .* bytes=8388608");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

void suite_tcp_failure(struct suite *s)
{
    suite_add(s, a_chat_that_fails_ends_on_both_sides, FAILURES);
    suite_add(s, a_floor_request_that_fails_ends_on_both_sides, FAILURES);
    suite_add(s, a_lost_floor_comes_back_by_a_new_offer, 1);
    EACH(s, what_is_no_msrp_ends_the_call, garbage);
    suite_add(s, a_late_refusal_is_a_failure_of_the_handshake, 2);
    suite_add(s, a_stream_survives, 2 * STORMS);
    EACH(s, a_half_closed_stream_ends_well, halves);
    suite_add(s, a_reader_that_stops_forever_is_released, 2);
}
