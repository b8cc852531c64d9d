// SPDX-License-Identifier: GPL-3.0-or-later
// What goes wrong in a call: each failure ends in the SIP response or BYE that its reason names, on
// both sides; everything is released; reason, log, chart and counter say the same (REQ-100 to
// REQ-105, REQ-107).
#include "tests/flows/agent.h"
#include "tests/flows/socket.h"
#include "tests/flows/suite.h"

#include <signal.h>
#include <unistd.h>

#define REASON_488 "reason=.SIP;cause=488;text="
#define REASON_502 "reason=.SIP;cause=502;text="
#define REASON_503 "reason=.SIP;cause=503;text="
#define REASON_504 "reason=.SIP;cause=504;text="

// A failure and everything that must be seen of it.
struct failure {
    enum host caller;
    const char *ue, *core; // arguments
    const char *t38, *agw, *sip;
    bool no_fax;
    int ue_status, core_status;
    const char *ue_says, *core_says;
    const char *counter;
    const char *label; // of the reason, in the chart
};

// log: what the line of the session in the log begins with; NULL: it was not for us to explain.
static void check_failure(const struct failure *failure, const char *name, const char *log)
{
    struct flow *f = flow_open(name);
    struct pcscf_options options = {.t38 = failure->t38, .agw = failure->agw, .sip = failure->sip};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = failure->caller,
                        .ue = failure->ue,
                        .core = failure->core,
                        .no_fax = failure->no_fax,
                        .fails = true,
                        .ue_status = failure->ue_status,
                        .core_status = failure->core_status};

    call_run(p, &call);
    must_say(f, call_ue(&call), failure->ue_says);
    if (failure->core_says)
        must_say(f, call_core(&call), failure->core_says);
    struct chart chart = pcscf_chart(p);
    must_say(f, chart.mermaid, failure->label);
    pcscf_stop(p);
    unsigned count = pcscf_counter(p, failure->counter);
    flow_check(f, count == 1, "%s was counted %u times", failure->counter, count);
    if (log)
        must_say(f, program_text(pcscf_program(p)),
                 flow_text(f, " warn +session [A-Za-z0-9]+: %s", log));
    flow_close(f);
}

#define NEVER_CALLED "--timeout 1"

// --- offers and answers that cannot be used ----------------------------------------------------

static const struct failure offers[] = {
    {HOST_UE, "--misbehave=no-fingerprint", NEVER_CALLED, .ue_status = 3, .core_status = 7,
     .ue_says = "^refused status=488 ", .counter = "no_fingerprint", .label = "no fingerprint"},
    {HOST_UE, "--misbehave=md5-fingerprint", NEVER_CALLED, .ue_status = 3, .core_status = 7,
     .ue_says = "^refused status=488 ", .counter = "weak_fingerprint", .label = "weak fingerprint"},
    {HOST_UE, "--misbehave=holdconn", NEVER_CALLED, .ue_status = 3, .core_status = 7,
     .ue_says = "^refused status=488 ", .counter = "setup_holdconn", .label = "setup holdconn"},
    {HOST_UE, "--misbehave=bad-sdp", NEVER_CALLED, .ue_status = 3, .core_status = 7,
     .ue_says = "^refused status=400 ", .counter = "bad_sdp", .label = "malformed SDP"},
};

// An offer that cannot be used is refused; the other side never hears of it.
START_TEST(an_unusable_offer_is_refused)
{
    check_failure(&offers[_i], "bad-offer", "refused: ");
}
END_TEST

static const struct failure answers[] = {
    {HOST_CORE, "--expect-bye --misbehave=no-fingerprint", "", .core_status = 3,
     .ue_says = "^bye-received " REASON_488, .core_says = "^refused status=488 ",
     .counter = "no_fingerprint", .label = "no fingerprint"},
    {HOST_CORE, "--expect-bye --misbehave=md5-fingerprint", "", .core_status = 3,
     .ue_says = "^bye-received " REASON_488, .core_says = "^refused status=488 ",
     .counter = "weak_fingerprint", .label = "weak fingerprint"},
    {HOST_CORE, "--expect-bye --misbehave=holdconn", "", .core_status = 3,
     .ue_says = "^bye-received " REASON_488, .core_says = "^refused status=488 ",
     .counter = "setup_holdconn", .label = "setup holdconn"},
    {HOST_CORE, "--expect-bye --misbehave=actpass-answer", "", .core_status = 3,
     .ue_says = "^bye-received " REASON_502, .core_says = "^refused status=502 ",
     .counter = "setup_in_answer", .label = "illegal setup"},
    {HOST_CORE, "--expect-bye --misbehave=same-role", "", .t38 = "setup_offer: active",
     .core_status = 3, .ue_says = "^bye-received " REASON_502, .core_says = "^refused status=502 ",
     .counter = "setup_in_answer", .label = "illegal setup"},
    {HOST_CORE, "--expect-bye --misbehave=plain-answer", "", .core_status = 3,
     .ue_says = "^bye-received " REASON_502, .core_says = "^refused status=502 ",
     .counter = "proto_changed", .label = "proto changed"},
    {HOST_CORE, "--expect-bye --misbehave=bad-sdp", "", .core_status = 3,
     .ue_says = "^bye-received " REASON_502, .core_says = "^refused status=502 ",
     .counter = "bad_sdp_answer", .label = "malformed answer"},
    {HOST_UE, "", "--expect-bye --misbehave=bad-sdp", .ue_status = 3,
     .ue_says = "^refused status=502 ", .core_says = "^bye-received " REASON_502,
     .counter = "bad_sdp_answer", .label = "malformed answer"},
};

// A 2xx with an answer that cannot be used is acknowledged and ended by BYE; the caller gets the
// error; nothing ever falls back to clear media (REQ-101, REQ-102, RFC 3261 13.2.2.4).
START_TEST(an_unusable_answer_ends_the_call)
{
    check_failure(&answers[_i], "bad-answer", "refused: ");
}
END_TEST

// --- associations that fail --------------------------------------------------------------------

#define SHORT "certificate_pool: 4, retransmit_ms: 100, handshake_timeout_ms: 800"

static const struct failure handshakes[] = {
    {HOST_UE, "--expect-bye --misbehave=wrong-fingerprint", "--expect-bye", .ue_status = 4,
     .ue_says = "^bye-received " REASON_488, .core_says = "^bye-received " REASON_488,
     .counter = "dtls_fingerprint", .label = "fingerprint mismatch"},
    {HOST_UE, "--expect-bye --misbehave=wrong-fingerprint --setup passive", "--expect-bye",
     .ue_status = 4, .ue_says = "^bye-received " REASON_488,
     .core_says = "^bye-received " REASON_488, .counter = "dtls_fingerprint",
     .label = "fingerprint mismatch"},
    {HOST_CORE, "--expect-bye --misbehave=wrong-fingerprint", "--expect-bye", .ue_status = 4,
     .ue_says = "^bye-received " REASON_488, .core_says = "^bye-received " REASON_488,
     .counter = "dtls_fingerprint", .label = "fingerprint mismatch"},
    {HOST_CORE, "--expect-bye --misbehave=wrong-fingerprint --answer-setup passive", "--expect-bye",
     .ue_status = 4, .ue_says = "^bye-received " REASON_488,
     .core_says = "^bye-received " REASON_488, .counter = "dtls_fingerprint",
     .label = "fingerprint mismatch"},
    {HOST_UE, "--expect-bye --misbehave=no-certificate", "--expect-bye", .ue_status = 4,
     .ue_says = "^bye-received " REASON_488, .core_says = "^bye-received " REASON_488,
     .counter = "dtls_no_certificate", .label = "no certificate"},
    {HOST_CORE, "--expect-bye --misbehave=no-certificate", "--expect-bye", .ue_status = 4,
     .ue_says = "^bye-received " REASON_488, .core_says = "^bye-received " REASON_488,
     .counter = "dtls_no_certificate", .label = "no certificate"},
    {HOST_UE, "--expect-bye --misbehave=never-hello", "--expect-bye", .agw = SHORT,
     .ue_says = "^bye-received " REASON_504, .core_says = "^bye-received " REASON_504,
     .counter = "dtls_timeout", .label = "DTLS timeout"},
    {HOST_UE, "--expect-bye --misbehave=never-hello --setup passive", "--expect-bye", .agw = SHORT,
     .ue_says = "^bye-received " REASON_504, .core_says = "^bye-received " REASON_504,
     .counter = "dtls_timeout", .label = "DTLS timeout"},
    {HOST_CORE, "--expect-bye --misbehave=never-hello", "--expect-bye", .agw = SHORT,
     .ue_says = "^bye-received " REASON_504, .core_says = "^bye-received " REASON_504,
     .counter = "dtls_timeout", .label = "DTLS timeout"},
    {HOST_UE,
     "--expect-bye --priority "
     "NONE:+VERS-DTLS1.2:+ECDHE-ECDSA:+AES-128-CBC:+SHA1:+SIGN-ALL:+GROUP-ALL:+COMP-NULL:"
     "+CTYPE-X509",
     "--expect-bye", .ue_status = 4, .ue_says = "^bye-received " REASON_488,
     .core_says = "^bye-received " REASON_488, .counter = "dtls_handshake", .label = "DTLS failed"},
};

// PCSCF-079: an association that is not established ends the call with BYE to both sides, and a
// Reason that names it (REQ-064, REQ-075, REQ-104).
START_TEST(a_failed_association_ends_the_call)
{
    check_failure(&handshakes[_i], "bad-dtls", "session released: ");
}
END_TEST

// --- calls that are refused, cancelled, or never answered --------------------------------------

static const struct failure refusals[] = {
    {HOST_UE, "", "--reject 486", .ue_status = 3, .ue_says = "^refused status=486 ",
     .counter = "callee_refused", .label = "486 "},
    {HOST_UE, "", "--reject 603", .ue_status = 3, .ue_says = "^refused status=603 ",
     .counter = "callee_refused", .label = "603 "},
    {HOST_CORE, "--reject 480", "", .core_status = 3, .ue_says = "^rejected status=480",
     .core_says = "^refused status=480 ", .counter = "callee_refused", .label = "480 "},
    {HOST_UE, "--cancel-after-ringing", "--ring 20000 --expect-bye",
     .ue_says = "^cancelled status=487", .core_says = "^cancel-received ",
     .counter = "caller_cancelled", .label = "the caller cancels"},
    {HOST_CORE, "--ring 20000 --expect-bye", "--cancel-after-ringing",
     .ue_says = "^cancel-received ", .core_says = "^cancelled status=487",
     .counter = "caller_cancelled", .label = "the caller cancels"},
    {HOST_UE, "--cancel-after-ringing --reliable", "--ring 20000 --expect-bye --reliable",
     .ue_says = "^cancelled status=487", .core_says = "^cancel-received ",
     .counter = "caller_cancelled", .label = "the caller cancels"},
};

// PCSCF-077, PCSCF-078: a refusal passes with its status; a CANCEL of the early dialog reaches the
// callee; both leave nothing behind (REQ-105).
START_TEST(a_refused_or_cancelled_call_leaves_nothing)
{
    check_failure(&refusals[_i], "refused", NULL);
}
END_TEST

static const struct failure unacknowledged[] = {
    {HOST_UE, "--media echo --expect-bye --misbehave=no-ack", "--media echo --expect-bye",
     .no_fax = true, .sip = "t1_ms: 50", .ue_says = "^bye-received ", .core_says = "^bye-received ",
     .counter = "ack_missing", .label = "no ACK"},
};

// An answer that is never acknowledged ends the call on both sides (RFC 3261 13.3.1.4).
START_TEST(a_missing_ack_ends_the_call)
{
    check_failure(&unacknowledged[_i], "no-ack", "session released: ");
}
END_TEST

// --- resources and partners that are not there -------------------------------------------------

#define FEW_PORTS 4

// Takes ports of the P-CSCF's media address away before it can.
static void occupy(struct flow *f, unsigned first, int fds[static FEW_PORTS])
{
    for (unsigned i = 0; i < FEW_PORTS; i++)
        fds[i] = socket_bind(f, HOST_PCSCF, (uint16_t)(first + i));
}

static void vacate(const int fds[static FEW_PORTS])
{
    for (unsigned i = 0; i < FEW_PORTS; i++)
        close(fds[i]);
}

static const struct {
    enum host caller;
    unsigned ports; // of the side that has none left
    const char *core, *core_says;
    int core_status;
} used_up[] = {
    {HOST_UE, ACCESS_PORTS, "--expect-bye", "^bye-received " REASON_503, 0},
    {HOST_UE, CORE_PORTS, NEVER_CALLED, "^ready ", 7},
};

// A side without a free port refuses the call with 503; when ports are free again, calls are served
// again (REQ-107).
START_TEST(used_up_ports_refuse_the_call)
{
    struct flow *f = flow_open("ports");
    struct pcscf_options options = {.media_ports = FEW_PORTS};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = used_up[_i].caller,
                        .core = used_up[_i].core,
                        .fails = true,
                        .ue_status = 3,
                        .core_status = used_up[_i].core_status};
    struct call again = {.caller = HOST_UE};
    int fds[FEW_PORTS];

    occupy(f, used_up[_i].ports, fds);
    call_run(p, &call);
    must_say(f, call_ue(&call), "^refused status=503 ");
    must_say(f, call_core(&call), used_up[_i].core_says);
    struct chart chart = pcscf_chart(p);
    must_say(f, chart.mermaid, "no port left");
    vacate(fds);
    call_run(p, &again);
    pcscf_stop(p);
    ck_assert_uint_ge(pcscf_counter(p, "agw_no_port"), 1);
    flow_close(f);
}
END_TEST

// A next hop that refuses datagrams is known at once: 500 (RFC 3261 16.9).
START_TEST(a_next_hop_that_is_down_is_an_error)
{
    struct flow *f = flow_open("down");
    struct pcscf *p = pcscf_start(f, NULL);
    struct program *ue = agent_start(
        f, HOST_UE,
        flow_text(f, "--proxy %s --call sip:core@%s", pcscf_access(p), flow_at(f, HOST_CORE)));

    ck_assert_int_eq(program_wait(ue), 3);
    must_say(f, program_text(ue), "^refused status=500 ");
    pcscf_stop(p);
    ck_assert_uint_eq(pcscf_counter(p, "next_hop_down"), 1);
    flow_close(f);
}
END_TEST

// A next hop that never answers is given up after 64 * T1: 408 (RFC 3261 16.8, 17.1.1.2).
START_TEST(a_silent_next_hop_is_given_up)
{
    struct flow *f = flow_open("silent");
    struct pcscf_options options = {.sip = "t1_ms: 50"};
    struct pcscf *p = pcscf_start(f, &options);
    int silent = socket_bind(f, HOST_CORE, flow_port(f, HOST_CORE));
    struct program *ue = agent_start(
        f, HOST_UE,
        flow_text(f, "--proxy %s --call sip:core@%s", pcscf_access(p), flow_at(f, HOST_CORE)));

    ck_assert_int_eq(program_wait(ue), 3);
    must_say(f, program_text(ue), "^refused status=408 ");
    close(silent);
    pcscf_stop(p);
    ck_assert_uint_eq(pcscf_counter(p, "no_answer"), 1);
    flow_close(f);
}
END_TEST

static const struct {
    enum host caller;
    const char *sees; // of the answer
} port_zero[] = {
    {HOST_UE, "^answer-received .* proto=UDP/TLS/UDPTL address=[^ ]*:0 "},
    {HOST_CORE, "^answer-received .* proto=udptl address=[^ ]*:0 "},
};

// Port 0 refuses the media line: the offerer sees it under the transport that it offered (REQ-103,
// RFC 3264 6), and the AGW keeps nothing while the call stands.
START_TEST(a_refused_media_line_has_the_transport_of_its_side)
{
    struct flow *f = flow_open("port-zero");
    struct pcscf *p = pcscf_start(f, NULL);
    const char *refuses = "--media echo --port-zero", *calls = "--media echo --hangup-after 1500";
    bool ue_calls = port_zero[_i].caller == HOST_UE;
    struct call call = {.caller = port_zero[_i].caller,
                        .ue = ue_calls ? calls : refuses,
                        .core = ue_calls ? refuses : calls,
                        .no_fax = true,
                        .ue_status = ue_calls ? 3 : 0,
                        .core_status = ue_calls ? 0 : 3};

    call_start(p, &call);
    program_line(call.programs[call.caller], port_zero[_i].sees);
    program_line(call.programs[call.caller], "^media-refused line=1");
    pcscf_await_idle(p);
    call_finish(p, &call);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// A UE that is gone without a word is noticed by its silence: BYE to the core, and to nobody else
// who would answer (Media Inactivity Notification of TS 23.334 8).
START_TEST(silence_ends_the_call)
{
    struct flow *f = flow_open("silence");
    struct pcscf_options options = {
        .agw = "certificate_pool: 4, media_timeout_s: 1, media_guard_ms: 100", .sip = "t1_ms: 50"};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = HOST_UE,
                        .ue = "--media count --datagrams 5 --hangup-after 60000",
                        .core = "--media echo --expect-bye",
                        .no_fax = true};

    call_start(p, &call);
    program_line(call.programs[HOST_UE], "^count-done ");
    program_signal(call.programs[HOST_UE], SIGKILL);
    program_line(call.programs[HOST_CORE], "^bye-received " REASON_503);
    ck_assert_int_eq(program_wait(call.programs[HOST_CORE]), 0);
    struct chart chart = pcscf_chart(p);
    must_say(f, chart.mermaid, "NOTIFY .Media Inactivity: media inactive");
    pcscf_stop(p);
    ck_assert_uint_eq(pcscf_counter(p, "media_inactive"), 1);
    flow_close(f);
}
END_TEST

// A UE that ends its association ends the call (IP Bearer Released of TS 23.334 8).
START_TEST(an_association_that_the_ue_closes_ends_the_call)
{
    struct flow *f = flow_open("closed");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE,
                        .ue = "--media echo --hangup-after 60000",
                        .core = "--media count --datagrams 0 --expect-bye",
                        .no_fax = true};

    call_start(p, &call);
    program_line(call.programs[HOST_UE], "^dtls-established ");
    program_signal(call.programs[HOST_UE], SIGTERM); // BYE and close_notify
    ck_assert_int_eq(program_wait(call.programs[HOST_UE]), 0);
    ck_assert_int_eq(program_wait(call.programs[HOST_CORE]), 0);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// --- the way down ------------------------------------------------------------------------------

static const enum host callers[] = {HOST_UE, HOST_CORE};

// SIGTERM releases a call that is up: BYE to both sides with a Reason, status 0 (TS 24.229
// 5.2.8.1.2).
START_TEST(sigterm_releases_a_call_that_is_up)
{
    struct flow *f = flow_open("sigterm");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = callers[_i],
                        .ue = "--media echo --expect-bye --hangup-after 60000",
                        .core = "--media count --datagrams 0 --expect-bye --hangup-after 60000",
                        .no_fax = true};

    call_start(p, &call);
    program_line(call.programs[HOST_UE], "^dtls-established ");
    program_line(call.programs[HOST_CORE], "^call-up ");
    pcscf_stop_at_once(p);
    call_finish(p, &call);
    must_say(f, call_ue(&call), "^bye-received " REASON_503 ".The P-CSCF is shutting down");
    must_say(f, call_core(&call), "^bye-received " REASON_503 ".The P-CSCF is shutting down");
    struct chart chart = pcscf_chart(p);
    must_say(f, chart.mermaid, "shutting down");
    flow_close(f);
}
END_TEST

// SIGTERM while the callee rings: 503 to the caller, CANCEL to the callee.
START_TEST(sigterm_ends_a_call_that_rings)
{
    struct flow *f = flow_open("sigterm-early");
    struct pcscf *p = pcscf_start(f, NULL);
    bool ue_calls = callers[_i] == HOST_UE;
    struct call call = {.caller = callers[_i],
                        .ue = ue_calls ? "" : "--ring 60000 --expect-bye",
                        .core = ue_calls ? "--ring 60000 --expect-bye" : "",
                        .fails = true,
                        .ue_status = ue_calls ? 3 : 0,
                        .core_status = ue_calls ? 0 : 3};

    call_start(p, &call);
    program_line(call.programs[callers[_i]], "^ringing ");
    pcscf_stop_at_once(p);
    call_finish(p, &call);
    must_say(f, ue_calls ? call_ue(&call) : call_core(&call), "^refused status=503 ");
    must_say(f, ue_calls ? call_core(&call) : call_ue(&call), "^cancel-received " REASON_503);
    flow_close(f);
}
END_TEST

void suite_failure(struct suite *s)
{
    EACH(s, an_unusable_offer_is_refused, offers);
    EACH(s, an_unusable_answer_ends_the_call, answers);
    EACH(s, a_failed_association_ends_the_call, handshakes);
    EACH(s, a_refused_or_cancelled_call_leaves_nothing, refusals);
    EACH(s, a_missing_ack_ends_the_call, unacknowledged);
    EACH(s, used_up_ports_refuse_the_call, used_up);
    ONCE(s, a_next_hop_that_is_down_is_an_error);
    ONCE(s, a_silent_next_hop_is_given_up);
    EACH(s, a_refused_media_line_has_the_transport_of_its_side, port_zero);
    ONCE(s, silence_ends_the_call);
    ONCE(s, an_association_that_the_ue_closes_ends_the_call);
    EACH(s, sigterm_releases_a_call_that_is_up, callers);
    EACH(s, sigterm_ends_a_call_that_rings, callers);
}
