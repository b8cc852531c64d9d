// SPDX-License-Identifier: GPL-3.0-or-later
// The rules of a proxy (RFC 3261 16 and what came after it), one by one, with parties made by hand.
#include "tests/flows/agent.h"
#include "tests/flows/socket.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Transactions linger for T4 = 0.5 s and are given up after 3.2 s.
#define FAST "t1_ms: 50"

static void answer_bye(struct stage *s, struct sip *from, struct sip *to)
{
    const char *bye = sip_expect(to, "^BYE ");

    sip_send(to, sip_response(to, bye, "200 OK", NULL, NULL));
    sip_expect(from, "^SIP/2.0 200 ");
}

// Pings until so much time has passed: what else arrives meanwhile is an error.
static void quiet_for(struct stage *s, struct sip *party, const char *at, unsigned ms)
{
    uint64_t end = flow_now_ms() + ms;

    while (flow_now_ms() < end) {
        const char *seen = stage_ping(s, party, at);
        flow_check(s->f, !seen, "unexpected: %s", seen);
        usleep(20 * 1000);
    }
}

// --- transactions ------------------------------------------------------------------------------

// PCSCF-090: an INVITE is answered with 100 at once, long before the core says anything.
START_TEST(an_invite_is_tried_at_once)
{
    struct stage s = stage_open("trying", NULL);
    uint64_t begin = flow_now_ms();

    sip_send(s.ue, sip_request(s.ue, "INVITE", "sip:bob@example.net", NULL, NULL));
    must_say(s.f, sip_next(s.ue), "^SIP/2.0 100 ");
    flow_check(s.f, flow_now_ms() - begin < 200u * flow_scale(), "too late");
    const char *invite = sip_expect(s.core, "^INVITE ");
    sip_send(s.core, sip_response(s.core, invite, "486 Busy", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 486 ");
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-091: Max-Forwards is 70 where there was none, else one less.
START_TEST(hops_are_counted)
{
    struct stage s = stage_open("hops-count", NULL);
    const char *request = sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL);

    sip_send(s.ue, flow_replace(s.f, request, "Max-Forwards: 70\n", ""));
    const char *got = sip_expect(s.core, "^MESSAGE ");
    must_say(s.f, got, "^Max-Forwards: 70$");
    sip_send(s.core, sip_response(s.core, got, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    request = sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL);
    sip_send(s.ue, flow_replace(s.f, request, "Max-Forwards: 70\n", "Max-Forwards: 12\n"));
    got = sip_expect(s.core, "^MESSAGE ");
    must_say(s.f, got, "^Max-Forwards: 11$");
    sip_send(s.core, sip_response(s.core, got, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    stage_close(&s, NULL);
}
END_TEST

// A request that passed through us comes in again from a third party, with its Via on top.
static const char *again_from(struct stage *s, struct sip *other, const char *request)
{
    size_t line = strcspn(request, "\n") + 1;

    return flow_text(s->f, "%sVia: SIP/2.0/UDP %s;branch=z9hG4bK-again-%d\n%s",
                     flow_copy(s->f, request, line), sip_address(other), getpid(), request + line);
}

// PCSCF-092: a request that comes back as it was is a loop, 482; with another Request-URI it is a
// spiral and goes on.
START_TEST(loops_end_and_spirals_pass)
{
    struct stage s = stage_open("loop", NULL);
    struct sip *other = sip_open(s.f, HOST_OTHER, pcscf_access(s.p));

    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL));
    const char *first = sip_expect(s.core, "^MESSAGE ");
    sip_send(other, again_from(&s, other, first));
    sip_expect(other, "^SIP/2.0 482 ");
    const char *turned = flow_replace(s.f, first, "MESSAGE sip:bob@", "MESSAGE sip:carol@");
    sip_send(other,
             flow_replace(s.f, again_from(&s, other, turned), "z9hG4bK-again", "z9hG4bK-turned"));
    const char *second = sip_expect(s.core, "^MESSAGE sip:carol@");
    sip_send(s.core, sip_response(s.core, second, "200 OK", NULL, NULL));
    sip_expect(other, "^SIP/2.0 200 ");
    sip_send(s.core, sip_response(s.core, first, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    sip_close(other);
    stage_close(&s, "loop");
}
END_TEST

// PCSCF-093: our Via is on top of what we send and gone from what we pass back; a response with
// somebody else's on top is dropped.
START_TEST(foreign_responses_are_dropped)
{
    struct stage s = stage_open("via", NULL);

    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL));
    const char *got = sip_expect(s.core, "^MESSAGE ");
    must_say(s.f, sip_header(s.core, got, "Via"),
             flow_text(s.f, "^SIP/2.0/UDP %s;", pcscf_core(s.p)));
    const char *answer = sip_response(s.core, got, "200 OK", NULL, NULL);
    sip_send(s.core, flow_replace(s.f, answer, "branch=z9hG4bK", "branch=z9hG4bKforeign"));
    quiet_for(&s, s.ue, pcscf_access(s.p), 1);
    sip_send(s.core, answer);
    const char *passed = sip_expect(s.ue, "^SIP/2.0 200 ");
    ck_assert_uint_eq(text_count(passed, "^Via: "), 1);
    must_say(s.f, sip_header(s.ue, passed, "Via"), flow_text(s.f, "%s", sip_address(s.ue)));
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-099: a 503 of the next hop reaches the UE as 500: it says nothing of us.
START_TEST(a_503_becomes_a_500)
{
    struct stage s = stage_open("503", NULL);
    const char *invite = stage_invite_core(&s);

    sip_send(s.core, sip_response(s.core, invite, "503 Overloaded", "X-Kept: as it is\n", NULL));
    const char *answer = sip_expect(s.ue, "^SIP/2.0 [2-6]");
    must_say(s.f, answer, "^SIP/2.0 500 ");
    must_say(s.f, answer, "^X-Kept: as it is$");
    stage_close(&s, "callee_refused");
}
END_TEST

// PCSCF-100: a request that nobody answers ends without a 408 (RFC 4320 4.2).
START_TEST(silence_is_passed_on_as_silence)
{
    struct pcscf_options options = {.sip = FAST};
    struct stage s = stage_open("no-408", &options);

    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL));
    sip_expect(s.core, "^MESSAGE ");
    quiet_for(&s, s.ue, pcscf_access(s.p), 3600 * flow_scale());
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-098: a callee that rings for longer than Timer C is cancelled and the caller gets 408; a
// provisional response starts Timer C anew.
START_TEST(timer_c_ends_what_rings_for_ever)
{
    struct pcscf_options options = {.sip = FAST ", timer_c_s: 1"};
    struct stage s = stage_open("timer-c", &options);
    const char *invite = stage_invite_core(&s);
    const char *ringing = sip_response(s.core, invite, "180 Ringing", NULL, NULL);
    uint64_t begin = flow_now_ms();

    sip_send(s.core, ringing);
    sip_expect(s.ue, "^SIP/2.0 180 ");
    usleep(700 * 1000);
    sip_send(s.core, ringing);
    sip_expect(s.ue, "^SIP/2.0 180 ");
    const char *cancel = sip_expect(s.core, "^CANCEL ");
    flow_check(s.f, flow_now_ms() - begin >= 1700, "cancelled too soon");
    sip_send(s.core, sip_response(s.core, cancel, "200 OK", NULL, NULL));
    sip_send(s.core, sip_response(s.core, invite, "487 Terminated", NULL, NULL));
    must_say(s.f, sip_expect(s.ue, "^SIP/2.0 [2-6]"), "^SIP/2.0 (408|487) ");
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-077: CANCEL is answered at once, waits for a provisional response, carries the Reason of
// the caller, and the 487 of the far end goes back; nothing is left of the call.
START_TEST(a_cancel_waits_and_carries_its_reason)
{
    struct stage s = stage_open("cancel", NULL);
    const char *offer = stage_secured_offer(&s);
    const char *invite = sip_request(s.ue, "INVITE", "sip:bob@example.net", NULL, offer);
    const char *reason = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\n";

    sip_send(s.ue, invite);
    const char *got = sip_expect(s.core, "^INVITE ");
    sip_send(s.ue, sip_cancel(s.ue, invite, reason));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    const char *seen = stage_ping(&s, s.core, pcscf_core(s.p));
    flow_check(s.f, !seen, "before a provisional response the core saw %s", seen);
    sip_send(s.core, sip_response(s.core, got, "180 Ringing", NULL, NULL));
    const char *cancel = sip_expect(s.core, "^CANCEL ");
    must_say(s.f, cancel, "^Reason: SIP;cause=200;text=\"Call completed elsewhere\"$");
    sip_send(s.core, sip_response(s.core, cancel, "200 OK", NULL, NULL));
    sip_send(s.core, sip_response(s.core, got, "487 Terminated by us", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 487 Terminated by us$");
    stage_close(&s, "caller_cancelled");
}
END_TEST

// PCSCF-097: an INVITE that comes again when its transaction is long over, even after the call, is
// no second call (RFC 6026 7.1).
START_TEST(a_late_invite_is_no_second_call)
{
    struct pcscf_options options = {.sip = FAST};
    struct stage s = stage_open("late-invite", &options);
    const char *invite =
        sip_request(s.ue, "INVITE", "sip:bob@example.net", NULL, stage_secured_offer(&s));

    sip_send(s.ue, invite);
    const char *got = sip_expect(s.core, "^INVITE ");
    sip_send(s.core, sip_response(s.core, got, "200 OK", NULL, stage_plain_answer(&s, 9000)));
    struct sip_dialog dialog = stage_acknowledge(&s, sip_expect(s.ue, "^SIP/2.0 200 "));
    quiet_for(&s, s.core, pcscf_core(s.p), 800);
    sip_send(s.ue, invite);
    quiet_for(&s, s.core, pcscf_core(s.p), 50);
    stage_hang_up(&s, &dialog);
    sip_send(s.ue, invite);
    quiet_for(&s, s.core, pcscf_core(s.p), 50);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-096: the 2xx of a second branch, never heard of before, is passed on as well when the
// transaction is over, with the SDP that the UE has; hanging up on it leaves the first call alone
// (RFC 3261 13.2.2.4).
START_TEST(a_second_answer_is_passed_on)
{
    struct stage s = stage_open("second-2xx", NULL);
    const char *invite = stage_invite_core(&s);

    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, stage_plain_answer(&s, 9000)));
    const char *one = sip_expect(s.ue, "^SIP/2.0 200 ");
    struct sip_dialog first = stage_acknowledge(&s, one);
    const char *late = sip_response(s.core, invite, "200 OK", NULL, stage_plain_answer(&s, 9002));
    sip_send(s.core, flow_replace(s.f, late, ";tag=t1", ";tag=t2"));
    const char *two = sip_expect(s.ue, "^SIP/2.0 200 ");
    must_say(s.f, two, "^To: .*;tag=t2$");
    ck_assert_str_eq(sip_body(one), sip_body(two));
    struct sip_dialog second = stage_acknowledge(&s, two);
    sip_send(s.ue, sip_dialog_request(&second, "BYE", NULL, NULL));
    answer_bye(&s, s.ue, s.core);
    sip_send(s.ue, sip_dialog_request(&first, "INFO", NULL, NULL));
    const char *info = sip_expect(s.core, "^INFO ");
    must_say(s.f, info, "^To: .*;tag=t1$");
    sip_send(s.core, sip_response(s.core, info, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    stage_hang_up(&s, &first);
    stage_close(&s, NULL);
}
END_TEST

// --- routing -----------------------------------------------------------------------------------

// PCSCF-035, PCSCF-094: two Record-Route entries, that of the side it leaves by on top, both with
// lr; requests within the dialog reach the far end from either side, and no Route is left on them.
START_TEST(both_record_routes_are_used_up)
{
    struct stage s = stage_open("record-route", NULL);
    const char *invite = stage_invite_core(&s);

    ck_assert_uint_eq(text_count(invite, "^Record-Route: "), 2);
    must_say(s.f, sip_header(s.core, invite, "Record-Route"),
             flow_text(s.f, "^<sip:[A-Za-z0-9]+@%s;lr>$", pcscf_core(s.p)));
    must_say(s.f, invite,
             flow_text(s.f, "^Record-Route: <sip:[A-Za-z0-9]+@%s;lr>$", pcscf_access(s.p)));
    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, stage_plain_answer(&s, 9000)));
    struct sip_dialog ue = stage_acknowledge(&s, sip_expect(s.ue, "^SIP/2.0 200 "));
    struct sip_dialog core = sip_dialog_of_request(s.core, invite);
    sip_send(s.core, sip_dialog_request(&core, "INFO", NULL, NULL));
    const char *info = sip_expect(s.ue, "^INFO ");
    ck_assert_uint_eq(text_count(info, "^Route: "), 0);
    sip_send(s.ue, sip_response(s.ue, info, "200 OK", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 200 ");
    sip_send(s.ue, sip_dialog_request(&ue, "INFO", NULL, NULL));
    info = sip_expect(s.core, "^INFO ");
    ck_assert_uint_eq(text_count(info, "^Route: "), 0);
    sip_send(s.core, sip_response(s.core, info, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    stage_hang_up(&s, &ue);
    stage_close(&s, NULL);
}
END_TEST

// RFC 3261 7.3.1: entries of a list may share a line, and a field may be spelled in many ways. What
// is taken off or added leaves the others whole; what nobody has to change goes on byte for byte.
START_TEST(lists_in_one_line_stay_whole)
{
    static const char odd[] = "s :  an   odd\tsubject ";
    struct stage s = stage_open("one-line", NULL);
    const char *far = flow_text(s.f, "<sip:%s;lr>", sip_address(s.core));
    const char *request =
        sip_request(s.ue, "MESSAGE", "sip:bob@example.net",
                    flow_text(s.f, "Route: <sip:%s;lr>, %s , <sip:last.example;lr>\n%s\n",
                              pcscf_access(s.p), far, odd),
                    NULL);
    const char *via = sip_header(s.ue, request, "Via");

    sip_send(s.ue, flow_replace(s.f, request, via,
                                flow_text(s.f,
                                          "%s, SIP/2.0/UDP below.example;branch=z9hG4bK-below,"
                                          "SIP/2.0/TCP lowest.example;branch=z9hG4bK-lowest",
                                          via)));
    const char *got = sip_expect(s.core, "^MESSAGE ");
    ck_assert_uint_eq(text_count(got, "sip:last.example;lr"), 1);
    ck_assert_uint_eq(text_count(got, flow_text(s.f, "^Route: %s", far)), 1);
    must_say(s.f, got, flow_text(s.f, "^%s$", odd));
    must_say(s.f, got, "^Via: .*below.example;branch=z9hG4bK-below");
    sip_send(s.core, sip_response(s.core, got, "200 OK", flow_text(s.f, "%s\n", odd), NULL));
    const char *answer = sip_expect(s.ue, "^SIP/2.0 200 ");
    must_say(s.f, sip_header(s.ue, answer, "Via"), "branch=z9hG4bK-");
    ck_assert_uint_eq(text_count(answer, "below.example;branch=z9hG4bK-below"), 1);
    ck_assert_uint_eq(text_count(answer, "lowest.example;branch=z9hG4bK-lowest"), 1);
    must_say(s.f, answer, flow_text(s.f, "^%s$", odd));
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-095: a next hop without lr becomes the Request-URI, and the old one the last Route.
START_TEST(a_strict_router_gets_its_own_uri)
{
    struct stage s = stage_open("strict", NULL);
    const char *route = flow_text(s.f, "Route: <sip:strict@%s>\nRoute: <sip:far.example;lr>\n",
                                  sip_address(s.core));

    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", route, NULL));
    const char *got = sip_expect(s.core, "^MESSAGE ");
    must_say(s.f, got, flow_text(s.f, "^MESSAGE sip:strict@%s SIP/2.0$", sip_address(s.core)));
    must_say(s.f, sip_header(s.core, got, "Route"), "^<sip:far.example;lr>");
    must_say(s.f, got, "^Route: .*<sip:bob@example.net>$");
    sip_send(s.core, sip_response(s.core, got, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-095: a strict router before us puts our entry into the Request-URI; what it displaced
// stands last in Route and comes back (RFC 3261 16.4).
START_TEST(a_request_from_a_strict_router_is_mended)
{
    struct stage s = stage_open("strict-before", NULL);
    struct sip_dialog dialog = stage_call_core(&s);
    const char *first = strchr(dialog.routes, '<') + 1;
    const char *own = flow_copy(s.f, first, strcspn(first, ">"));
    const char *rest = strchr(dialog.routes, '\n') + 1;
    struct sip_dialog strict = dialog;

    strict.routes = flow_text(s.f, "%sRoute: <%s>\n", rest, dialog.target);
    strict.target = own;
    sip_send(s.ue, sip_dialog_request(&strict, "INFO", NULL, NULL));
    const char *info = sip_expect(s.core, "^INFO ");
    must_say(s.f, info, flow_text(s.f, "^INFO %s SIP/2.0$", dialog.target));
    ck_assert_uint_eq(text_count(info, "^Route: "), 0);
    sip_send(s.core, sip_response(s.core, info, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    dialog.cseq = strict.cseq;
    stage_hang_up(&s, &dialog);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-105: a response goes where the request came from, whatever its Via claims (RFC 3581).
START_TEST(responses_go_to_the_source)
{
    struct stage s = stage_open("rport", NULL);
    const char *request = sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL);

    request = flow_replace(s.f, request, flow_text(s.f, "UDP %s;", sip_address(s.ue)),
                           "UDP 192.0.2.9:5999;rport;");
    sip_send(s.ue, request);
    const char *got = sip_expect(s.core, "^MESSAGE ");
    must_say(s.f, got,
             flow_text(s.f, "^Via: .*192.0.2.9:5999.*received=%s", flow_host(s.f, HOST_UE)));
    must_say(s.f, got, flow_text(s.f, "^Via: .*rport=%u", flow_port(s.f, HOST_UE)));
    sip_send(s.core, sip_response(s.core, got, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-108: a source that is not on the list is refused on the core side; the access side and the
// answers of the core are not concerned (TS 33.210).
START_TEST(strangers_in_the_core_are_refused)
{
    struct pcscf_options options = {.core = "trusted: [\"192.0.2.0/24\", \"2001:db8::/32\"]"};
    struct stage s = stage_open("trusted", &options);

    sip_send(s.core, sip_request(s.core, "MESSAGE", "sip:" UE_USER "@example.net", NULL, NULL));
    must_say(s.f, sip_expect(s.core, "^SIP/2.0 403 "), "^Warning: 399 ");
    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL));
    const char *got = sip_expect(s.core, "^MESSAGE ");
    sip_send(s.core, sip_response(s.core, got, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    stage_close(&s, "untrusted_source");
}
END_TEST

// PCSCF-108: one that is on it is served.
START_TEST(nodes_of_the_core_are_served)
{
    struct pcscf_options options = {.core = "trusted: [\"192.0.2.0/24\", \"127.0.0.0/8\"]"};
    struct stage s = stage_open("trusts", &options);

    sip_send(s.core, sip_request(s.core, "MESSAGE", "sip:" UE_USER "@example.net", NULL, NULL));
    const char *got = sip_expect(s.ue, "^MESSAGE ");
    sip_send(s.ue, sip_response(s.ue, got, "200 OK", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 200 ");
    stage_close(&s, NULL);
}
END_TEST

// Too many requests under way: new ones get 503 and are told when to try again; what belongs to a
// dialog that stands is served (RFC 3261 21.5.4).
START_TEST(overload_is_told)
{
    struct pcscf_options options = {.sip = "requests_max: 1"};
    struct stage s = stage_open("overload", &options);
    struct sip_dialog dialog = stage_call_core(&s);

    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL));
    const char *open = sip_expect(s.core, "^MESSAGE ");
    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL));
    must_say(s.f, sip_expect(s.ue, "^SIP/2.0 503 "), "^Retry-After: [0-9]+$");
    stage_hang_up(&s, &dialog);
    sip_send(s.core, sip_response(s.core, open, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    stage_close(&s, "overload");
}
END_TEST

// Anybody can write a To tag: requests within dialogs have a bound of their own, twice the other.
START_TEST(requests_within_dialogs_are_bounded_too)
{
    struct pcscf_options options = {.sip = "requests_max: 1"};
    struct stage s = stage_open("dialog-overload", &options);
    struct sip_dialog dialog = stage_call_core(&s);
    const char *open[2];

    for (int i = 0; i < 2; i++) {
        sip_send(s.ue, sip_dialog_request(&dialog, "INFO", NULL, NULL));
        open[i] = sip_expect(s.core, "^INFO ");
    }
    sip_send(s.ue, sip_dialog_request(&dialog, "INFO", NULL, NULL));
    must_say(s.f, sip_expect(s.ue, "^SIP/2.0 503 "), "^Retry-After: [0-9]+$");
    for (int i = 0; i < 2; i++) {
        sip_send(s.core, sip_response(s.core, open[i], "200 OK", NULL, NULL));
        sip_expect(s.ue, "^SIP/2.0 200 ");
    }
    stage_hang_up(&s, &dialog);
    stage_close(&s, "overload");
}
END_TEST

static const struct {
    const char *from, *to; // what the UE does to a Record-Route line
} alterations[] = {
    {"\nRecord-Route: <sip:one.example;lr>", ""},
    {"<sip:two.example;lr>", "<sip:evil.example;lr>"},
    {"\nRecord-Route: <sip:one", "\nRecord-Route: <sip:more.example;lr>\nRecord-Route: <sip:one"},
};

// PCSCF-055: whatever a UE makes of Record-Route in its answer, the core gets back what it sent,
// and the route set of the call is that.
START_TEST(an_altered_record_route_is_restored)
{
    struct stage s = stage_open("altered", NULL);
    const char *routes = "Record-Route: <sip:one.example;lr>\nRecord-Route: <sip:two.example;lr>\n";

    sip_send(s.core, sip_request(s.core, "INVITE", "sip:" UE_USER "@example.net", routes, NULL));
    const char *invite = sip_expect(s.ue, "^INVITE ");
    const char *right = sip_response(s.ue, invite, "180 Ringing", NULL, NULL);
    sip_send(s.ue, flow_replace(s.f, right, alterations[_i].from, alterations[_i].to));
    const char *passed = sip_expect(s.core, "^SIP/2.0 180 ");
    flow_check(s.f, !strstr(passed, "evil") && !strstr(passed, "more"), "got:\n%s", passed);
    struct sip_dialog sent = sip_dialog_of_response(s.ue, right);
    struct sip_dialog back = sip_dialog_of_response(s.core, passed);
    ck_assert_str_eq(back.routes, sent.routes);
    sip_send(s.ue, sip_response(s.ue, invite, "486 Busy", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 486 ");
    stage_close(&s, NULL);
}
END_TEST

// --- both users here ---------------------------------------------------------------------------

// A core that is a proxy without a Record-Route of its own.
static void core_turns_round(struct stage *s, const char *request)
{
    sip_send(s->core, again_from(s, s->core, request));
}

static void core_passes_back(struct stage *s, const char *response)
{
    const char *via = strstr(response, "\nVia: "), *rest = strchr(via + 1, '\n');

    sip_send(s->core, flow_text(s->f, "%.*s%s", (int)(via - response), response, rest));
}

static const char *audio(struct stage *s, const char *direction)
{
    return flow_text(s->f,
                     "v=0\no=- 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\n"
                     "m=audio 9000 RTP/AVP 0\na=%s\n",
                     flow_host(s->f, HOST_UE), flow_host(s->f, HOST_UE), direction);
}

// A request within the dialog goes from one UE to the other through both legs, and back.
static void between_ues(struct stage *s, struct sip_dialog *from, struct sip *to,
                        const char *method, const char *body, const char *answer)
{
    sip_send(from->sip, sip_dialog_request(from, method, NULL, body));
    const char *got = sip_expect(to, flow_text(s->f, "^%s ", method));
    sip_send(to, sip_response(to, got, "200 OK", NULL, answer));
    sip_expect(from->sip, "^SIP/2.0 200 ");
}

// PCSCF-056: a call between two UEs of this P-CSCF passes it twice with one Call-ID and one pair of
// tags: set up, held, resumed, and ended from either side.
START_TEST(both_users_may_be_here)
{
    struct flow *f = flow_open("spiral");
    struct pcscf_options options = {
        .ues = flow_text(f, "{user: alice, contact: \"%s\"}, {user: bob, contact: \"%s\"}",
                         flow_at(f, HOST_UE), flow_at(f, HOST_OTHER)),
        .e2ae = "mechanisms: []"};
    struct stage s = stage_open_on(f, &options);
    struct sip *bob_party = sip_open(f, HOST_OTHER, pcscf_access(s.p));

    sip_send(s.ue, sip_request(s.ue, "INVITE", "sip:bob@example.net", NULL, audio(&s, "sendrecv")));
    core_turns_round(&s, sip_expect(s.core, "^INVITE "));
    const char *invite = sip_expect(bob_party, "^INVITE ");
    ck_assert_uint_eq(text_count(invite, "^Record-Route: "), 4);
    sip_send(bob_party, sip_response(bob_party, invite, "200 OK", NULL, audio(&s, "sendrecv")));
    core_passes_back(&s, sip_expect(s.core, "^SIP/2.0 200 "));
    struct sip_dialog alice = sip_dialog_of_response(s.ue, sip_expect(s.ue, "^SIP/2.0 200 "));
    struct sip_dialog bob = sip_dialog_of_request(bob_party, invite);
    sip_send(s.ue, sip_dialog_request(&alice, "ACK", NULL, NULL));
    sip_expect(bob_party, "^ACK ");
    between_ues(&s, &alice, bob_party, "INVITE", audio(&s, "sendonly"), audio(&s, "recvonly"));
    sip_send(s.ue, sip_dialog_request(&alice, "ACK", NULL, NULL));
    sip_expect(bob_party, "^ACK ");
    between_ues(&s, &bob, s.ue, "UPDATE", audio(&s, "sendrecv"), audio(&s, "sendrecv"));
    if (_i)
        between_ues(&s, &alice, bob_party, "BYE", NULL, NULL);
    else
        between_ues(&s, &bob, s.ue, "BYE", NULL, NULL);
    pcscf_chart(s.p);
    pcscf_chart(s.p); // one session each
    sip_close(bob_party);
    stage_close(&s, NULL);
}
END_TEST

static const int who_ends[] = {0, 1};

// --- what passes as it is ----------------------------------------------------------------------

// PCSCF-074: a reliable provisional response and its PRACK pass with RSeq, RAck and option tags as
// they came (RFC 3262, RFC 3312).
START_TEST(reliable_responses_pass_unchanged)
{
    struct stage s = stage_open("reliable", NULL);
    const char *tags = "Supported: 100rel, precondition\nRequire: precondition\n";

    sip_send(s.ue,
             sip_request(s.ue, "INVITE", "sip:bob@example.net", tags, stage_secured_offer(&s)));
    const char *invite = sip_expect(s.core, "^INVITE ");
    must_say(s.f, invite, "^Supported: 100rel, precondition$");
    must_say(s.f, invite, "^Require: precondition$");
    sip_send(s.core, sip_response(s.core, invite, "183 Session Progress",
                                  "Require: 100rel, precondition\nRSeq: 4711\n",
                                  stage_plain_answer(&s, 9000)));
    const char *progress = sip_expect(s.ue, "^SIP/2.0 183 ");
    must_say(s.f, progress, "^RSeq: 4711$");
    must_say(s.f, progress, "^Require: 100rel, precondition$");
    struct sip_dialog dialog = sip_dialog_of_response(s.ue, progress);
    sip_send(s.ue, sip_dialog_request(&dialog, "PRACK", "RAck: 4711 1 INVITE\n", NULL));
    const char *prack = sip_expect(s.core, "^PRACK ");
    must_say(s.f, prack, "^RAck: 4711 1 INVITE$");
    sip_send(s.core, sip_response(s.core, prack, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    sip_send(s.core, sip_response(s.core, invite, "603 Decline", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 603 ");
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-102: From, To, Call-ID and CSeq leave as they came, in requests and responses.
START_TEST(what_names_a_dialog_is_not_touched)
{
    static const char *const names[] = {"From", "Call-ID", "CSeq"};
    struct stage s = stage_open("names", NULL);
    const char *request = sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL);

    request = flow_replace(s.f, request, "From: <", "From: \"A, B; \\\"C\\\"\" <");
    sip_send(s.ue, request);
    const char *got = sip_expect(s.core, "^MESSAGE ");
    const char *answer = sip_response(s.core, got, "200 OK", NULL, NULL);
    sip_send(s.core, answer);
    const char *passed = sip_expect(s.ue, "^SIP/2.0 200 ");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *sent = sip_header(s.ue, request, names[i]);
        ck_assert_str_eq(sip_header(s.core, got, names[i]), sent);
        ck_assert_str_eq(sip_header(s.ue, passed, names[i]), sent);
    }
    ck_assert_str_eq(sip_header(s.core, got, "To"), sip_header(s.ue, request, "To"));
    ck_assert_str_eq(sip_header(s.ue, passed, "To"), sip_header(s.core, answer, "To"));
    stage_close(&s, NULL);
}
END_TEST

static const size_t sizes[] = {1200, 1400, 20000, 55000};

// PCSCF-103, PCSCF-107: large messages pass over UDP both ways and change no transport.
START_TEST(large_messages_stay_on_udp)
{
    struct stage s = stage_open("large", NULL);
    char *body = malloc(sizes[_i] + 1);

    memset(body, 'x', sizes[_i]);
    body[sizes[_i]] = '\0';
    const char *type = "Content-Type: text/plain\n";
    sip_send(s.ue, sip_request(s.ue, "MESSAGE", "sip:bob@example.net", type, body));
    const char *got = sip_expect(s.core, "^MESSAGE ");
    ck_assert_str_eq(sip_body(got), body);
    must_say(s.f, sip_header(s.core, got, "Via"), "^SIP/2.0/UDP ");
    sip_send(s.core, sip_response(s.core, got, "200 OK", type, body));
    ck_assert_str_eq(sip_body(sip_expect(s.ue, "^SIP/2.0 200 ")), body);
    sip_send(s.core, sip_request(s.core, "MESSAGE", "sip:" UE_USER "@example.net", type, body));
    got = sip_expect(s.ue, "^MESSAGE ");
    ck_assert_str_eq(sip_body(got), body);
    sip_send(s.ue, sip_response(s.ue, got, "200 OK", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 200 ");
    free(body);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-107: what is cut off anywhere costs its sender an answer at most; the next request is
// served and nothing is left behind.
START_TEST(cut_messages_do_no_harm)
{
    struct stage s = stage_open("cut", NULL);
    const char *whole = sip_request(s.ue, "MESSAGE", "sip:bob@example.net",
                                    "Content-Type: text/plain\n", "Hello, this is cut off.");

    for (size_t len = 1; len < strlen(whole); len += 7)
        sip_send(s.ue, flow_copy(s.f, whole, len));
    stage_ping(&s, s.ue, pcscf_access(s.p)); // what was cut between two lines may have passed
    stage_ping(&s, s.core, pcscf_core(s.p));
    stage_close(&s, NULL);
}
END_TEST

void suite_proxy(struct suite *s)
{
    ONCE(s, an_invite_is_tried_at_once);
    ONCE(s, hops_are_counted);
    ONCE(s, loops_end_and_spirals_pass);
    ONCE(s, foreign_responses_are_dropped);
    ONCE(s, a_503_becomes_a_500);
    ONCE(s, silence_is_passed_on_as_silence);
    ONCE(s, timer_c_ends_what_rings_for_ever);
    ONCE(s, a_cancel_waits_and_carries_its_reason);
    ONCE(s, a_late_invite_is_no_second_call);
    ONCE(s, a_second_answer_is_passed_on);
    ONCE(s, both_record_routes_are_used_up);
    ONCE(s, lists_in_one_line_stay_whole);
    ONCE(s, a_strict_router_gets_its_own_uri);
    ONCE(s, a_request_from_a_strict_router_is_mended);
    ONCE(s, responses_go_to_the_source);
    ONCE(s, strangers_in_the_core_are_refused);
    ONCE(s, nodes_of_the_core_are_served);
    ONCE(s, overload_is_told);
    ONCE(s, requests_within_dialogs_are_bounded_too);
    EACH(s, an_altered_record_route_is_restored, alterations);
    EACH(s, both_users_may_be_here, who_ends);
    ONCE(s, reliable_responses_pass_unchanged);
    ONCE(s, cut_messages_do_no_harm);
    ONCE(s, what_names_a_dialog_is_not_touched);
    EACH(s, large_messages_stay_on_udp, sizes);
}
