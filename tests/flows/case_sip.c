// SPDX-License-Identifier: GPL-3.0-or-later
// SIP messages by hand: what is malformed, what belongs nowhere, what must pass byte for byte.
// After each the P-CSCF still answers, and calls of others go on.
#include "tests/flows/agent.h"
#include "tests/flows/socket.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// --- what is malformed -------------------------------------------------------------------------

// OWN becomes the party's address.
#define OWN "127.0.0.1:9"
#define VIA "Via: SIP/2.0/UDP " OWN ";branch=z9hG4bK-mal-1\n"
#define FROM "From: <sip:alice@example.net>;tag=mal\n"
#define TO "To: <sip:bob@example.net>\n"
#define ID "Call-ID: malformed@example.net\n"
#define SEQ(method) "CSeq: 1 " method "\n"
#define CONTACT "Contact: <sip:alice@" OWN ">\n"
#define END "Content-Length: 0\n\n"

static const struct {
    const char *message;
    const char *answer; // of the first one; NULL: silence
} malformed[] = {
    {"hello\n\n", NULL},
    {"\n\n", NULL},
    {"\n", NULL},
    {"INVITE\n\n", NULL},
    {"MESSAGE sip:bob@example.net SIP/2.0\n" FROM TO ID SEQ("MESSAGE") END, NULL}, // no Via
    {"MESSAGE sip:bob@example.net SIP/2.0\nVia: nonsense\n" FROM TO ID SEQ("MESSAGE") END, NULL},
    {"MESSAGE sip:bob@example.net SIP/2.0\n" VIA FROM TO ID END, "^SIP/2.0 400 "},
    {"MESSAGE sip:bob@example.net SIP/2.0\n" VIA FROM TO ID "CSeq: x MESSAGE\n" END,
     "^SIP/2.0 400 "},
    {"MESSAGE sip:bob@example.net SIP/2.0\n" VIA FROM TO ID SEQ("INFO") END, "^SIP/2.0 400 "},
    {"MESSAGE sip:bob@example.net SIP/2.0\n" VIA FROM TO SEQ("MESSAGE") END, "^SIP/2.0 400 "},
    {"MESSAGE sip:bob@example.net SIP/2.0\n" VIA TO ID SEQ("MESSAGE") END, "^SIP/2.0 400 "},
    {"MESSAGE sip:bob@example.net SIP/2.0\n" VIA FROM ID SEQ("MESSAGE") END, "^SIP/2.0 400 "},
    {"MESSAGE sip:bob@example.net SIP/2.0\n" VIA FROM
     "From: <sip:eve@example.net>;tag=2\n" TO ID SEQ("MESSAGE") END,
     "^SIP/2.0 400 "},
    {"INVITE sip:bob@example.net SIP/2.0\n" VIA FROM TO ID SEQ("INVITE") "Contact: <<<\n" END,
     "^SIP/2.0 400 "},
    {"INVITE sip:bob@example.net SIP/2.0\n" VIA FROM TO ID SEQ("INVITE") CONTACT
     "Content-Type: application/sdp\nContent-Length: 5000\n\nv=0\n",
     "^SIP/2.0 400 "},
    {"MESSAGE sip:bob@example.net SIP/7.0\n" VIA FROM TO ID SEQ("MESSAGE") END, "^SIP/2.0 505 "},
    {"SIP/2.0 200 OK\n" VIA FROM TO ID SEQ("INVITE") END, NULL}, // an answer to nothing
    {"SIP/2.0 999 What\n" VIA FROM TO ID SEQ("INVITE") END, NULL},
    {"ACK sip:bob@example.net SIP/2.0\n" VIA FROM TO ID SEQ("ACK") END, NULL},
};

static const char *with_address(struct stage *s, const char *message)
{
    for (int twice = 0; twice < 2; twice++) // Via and Contact
        message = flow_replace(s->f, message, OWN, sip_address(s->ue));
    return message;
}

// PCSCF-107: what SIP lets us answer is answered with 4xx or 505; the rest is passed over in
// silence; the core sees none of it (RFC 3261 8.2, 16.3).
START_TEST(malformed_messages_are_answered_or_ignored)
{
    struct stage s = stage_open("malformed", NULL);

    sip_send(s.ue, with_address(&s, malformed[_i].message));
    const char *answer = stage_ping(&s, s.ue, pcscf_access(s.p));
    if (malformed[_i].answer)
        must_say(s.f, answer ? answer : "", malformed[_i].answer);
    else
        flow_check(s.f, !answer, "an answer to it: %s", answer);
    stage_core_sees_nothing(&s);
    stage_close(&s, NULL);
}
END_TEST

// The bytes of a message, broken in a way that repeats from run to run.
static size_t spoil(char *bytes, size_t len, unsigned round)
{
    srand(round);
    for (unsigned i = 0; i < 1 + round % 6; i++)
        bytes[(size_t)rand() % len] = (char)(rand() % 256);
    return round % 3 == 0 ? len - (size_t)rand() % (len / 2) : len;
}

#define SPOILED 400

// PCSCF-107: a call is up and carries a fax while a third party sends hundreds of broken messages
// to both sides: the fax arrives, and the P-CSCF still answers.
START_TEST(broken_messages_do_not_disturb_a_call)
{
    struct flow *f = flow_open("storm-of-sip");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE};
    struct sip *stranger = sip_open(f, HOST_OTHER, pcscf_access(p));

    call_start(p, &call);
    program_line(call.programs[HOST_UE], "^dtls-established ");
    for (unsigned round = 0; round < SPOILED; round++) {
        const char *message =
            sip_request(stranger, round % 2 ? "INVITE" : "MESSAGE", "sip:nobody@192.0.2.1",
                        "Route: <sip:192.0.2.1;lr>\n",
                        round % 4 == 1 ? "v=0\no=- 1 1 IN IP4 127.0.0.1\n" : NULL);
        size_t len = strlen(message);
        char *bytes = strdup(message);
        sip_send_raw(stranger, bytes, spoil(bytes, len, round));
        free(bytes);
    }
    call_finish(p, &call);
    sip_drain(stranger);
    sip_send(stranger,
             sip_request(stranger, "OPTIONS", flow_text(f, "sip:%s", pcscf_access(p)), NULL, NULL));
    sip_expect(stranger, "^SIP/2.0 200 ");
    sip_close(stranger);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// --- SDP that is malformed ---------------------------------------------------------------------

#define SDP_HEAD "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\n"
#define SDP_TAIL "t=0 0\nm=image 9000 udptl t38\n"

static const struct {
    const char *body;
    const char *extra;
    const char *answer;
} bodies[] = {
    {"this is no SDP\n", NULL, "^SIP/2.0 400 "},
    {"o=- 1 1 IN IP4 127.0.0.1\n" SDP_TAIL, NULL, "^SIP/2.0 400 "},
    {"v=0\ns=-\nt=0 0\nm=image 9000 udptl t38\n", NULL, "^SIP/2.0 400 "},
    {SDP_HEAD "t=0 0\nm=image nine udptl t38\n", NULL, "^SIP/2.0 400 "},
    {SDP_HEAD "t=0 0\nm=image 99999 udptl t38\n", NULL, "^SIP/2.0 400 "},
    {SDP_HEAD "t=0 0\nm=image\n", NULL, "^SIP/2.0 400 "},
    {SDP_HEAD "no line at all\n" SDP_TAIL, NULL, "^SIP/2.0 400 "},
    {SDP_HEAD "\n" SDP_TAIL, NULL, "^SIP/2.0 400 "},
    {SDP_HEAD "o=- 2 2 IN IP4 127.0.0.1\n" SDP_TAIL, NULL, "^SIP/2.0 400 "},
    {SDP_HEAD SDP_TAIL, "Content-Encoding: gzip\n", "^SIP/2.0 415 "},
};

// A body that cannot be read is refused with 400, one that is encoded with 415, and a Warning that
// tells why, as one quoted-string though it quotes the body (RFC 3261 25.1); the core never sees
// it.
START_TEST(malformed_sdp_is_refused)
{
    struct stage s = stage_open("bad-sdp", NULL);
    const char *invite =
        sip_request(s.ue, "INVITE", "sip:bob@example.net", bodies[_i].extra, bodies[_i].body);

    sip_send(s.ue, invite);
    const char *answer = sip_expect(s.ue, "^SIP/2.0 [2-6]");
    must_say(s.f, answer, bodies[_i].answer);
    must_say(s.f, answer, "^Warning: 399 pcscf \"([^\"\\]|\\\\.)*\"$");
    stage_core_sees_nothing(&s);
    stage_close(&s, NULL);
}
END_TEST

// More media lines than configured are refused as a whole.
START_TEST(too_many_media_lines_are_refused)
{
    struct pcscf_options options = {.sip = "media_lines_max: 4"};
    struct stage s = stage_open("many-lines", &options);
    const char *body = SDP_HEAD "c=IN IP4 127.0.0.1\nt=0 0\n";

    for (int i = 0; i < 5; i++)
        body = flow_text(s.f, "%sm=image 9000 udptl t38\n", body);
    sip_send(s.ue, sip_request(s.ue, "INVITE", "sip:bob@example.net", NULL, body));
    must_say(s.f, sip_expect(s.ue, "^SIP/2.0 [2-6]"), "^SIP/2.0 400 ");
    stage_close(&s, NULL);
}
END_TEST

// --- what belongs nowhere ----------------------------------------------------------------------

static const struct {
    const char *method, *uri, *extra;
    const char *tag; // in To
    const char *status, *also;
    const char *counter;
} strays[] = {
    {"BYE", "sip:bob@example.net", "", "gone", "^SIP/2.0 481 ", "^To: .*tag=gone", "no_dialog"},
    {"UPDATE", "sip:bob@example.net", "", "gone", "^SIP/2.0 481 ", "^To: ", "no_dialog"},
    {"PRACK", "sip:bob@example.net", "RAck: 1 1 INVITE\n", "gone", "^SIP/2.0 481 ",
     "^To: ", "no_dialog"},
    {"INVITE", "sip:bob@example.net", "", "gone", "^SIP/2.0 481 ", "^To: ", "no_dialog"},
    {"MESSAGE", "sip:bob@example.net", "Proxy-Require: time-travel\n", NULL, "^SIP/2.0 420 ",
     "^Unsupported: time-travel$", "bad_extension"},
    {"MESSAGE", "sip:bob@example.net", "Route: <sip:nowhere.invalid;lr>\n", NULL, "^SIP/2.0 404 ",
     "^To: ", "name_unknown"},
};

// PCSCF-040, PCSCF-041: requests of unknown dialogs get 481, unknown proxy extensions 420,
// unreachable names 404; the core sees none of it.
START_TEST(what_belongs_nowhere_is_refused)
{
    struct pcscf_options options = {.next_hop = "request-uri"};
    struct stage s = stage_open("stray", &options);
    const char *request =
        sip_request(s.ue, strays[_i].method, strays[_i].uri, strays[_i].extra, NULL);

    if (strays[_i].tag)
        request =
            flow_replace(s.f, request, "\nTo: <sip:bob@example.net>",
                         flow_text(s.f, "\nTo: <sip:bob@example.net>;tag=%s", strays[_i].tag));
    sip_send(s.ue, request);
    const char *answer = sip_expect(s.ue, "^SIP/2.0 [2-6]");
    must_say(s.f, answer, strays[_i].status);
    must_say(s.f, answer, strays[_i].also);
    stage_core_sees_nothing(&s);
    stage_close(&s, strays[_i].counter);
}
END_TEST

// A CANCEL of a transaction that nobody knows is passed on, for the core to refuse (RFC
// 3261 16.10).
START_TEST(a_stray_cancel_is_passed_on)
{
    struct stage s = stage_open("stray-cancel", NULL);

    sip_send(s.ue, sip_request(s.ue, "CANCEL", "sip:bob@example.net", NULL, NULL));
    const char *cancel = sip_expect(s.core, "^CANCEL ");
    sip_send(s.core, sip_response(s.core, cancel, "481 Unknown", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 481 Unknown$");
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-091: Max-Forwards 0 is 483; a request for a UE that nobody knows is 404.
START_TEST(max_forwards_zero_is_refused)
{
    struct stage s = stage_open("hops", NULL);
    const char *request = sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL);

    sip_send(s.ue, flow_replace(s.f, request, "Max-Forwards: 70", "Max-Forwards: 0"));
    sip_expect(s.ue, "^SIP/2.0 483 ");
    sip_send(s.core, sip_request(s.core, "MESSAGE", "sip:stranger@example.net", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 404 ");
    stage_close(&s, NULL);
}
END_TEST

// --- what must pass ----------------------------------------------------------------------------

static const char odd_headers[] = "X-Odd: a ,b;; =\"x\"  ;tail\n"
                                  "s: compact subject\n"
                                  "Accept-Contact: <<not a URI\n"
                                  "Authorization: tls;q=0.1 , digest;;\n"
                                  "Content-Type: text/plain\n"
                                  "Reason: what ever\n";

static const struct {
    const char *method;
    bool from_core;
} passing[] = {
    {"MESSAGE", false},    {"MESSAGE", true},    {"INFO", false},      {"INFO", true},
    {"FROBNICATE", false}, {"FROBNICATE", true}, {"SUBSCRIBE", false}, {"PUBLISH", true},
};

// Every header line of `lines` stands in the message, byte for byte.
static void must_hold_lines(struct flow *f, const char *message, const char *lines)
{
    for (const char *line = lines; *line; line += strcspn(line, "\n") + 1) {
        const char *whole = flow_text(f, "\n%.*s\n", (int)strcspn(line, "\n"), line);
        flow_check(f, strstr(message, whole) != NULL, "missing:%sin:\n%s", whole, message);
    }
}

// PCSCF-101: requests that the P-CSCF has no part in pass both ways, known method or not: headers
// it does not know arrive byte for byte, in requests and in responses; one hop is counted, one Via
// added.
START_TEST(unknown_methods_and_headers_pass)
{
    struct stage s = stage_open("passing", NULL);
    struct sip *from = passing[_i].from_core ? s.core : s.ue;
    struct sip *to = passing[_i].from_core ? s.ue : s.core;
    const char *body = "Hello, \x01\x7f and \xc3\xa9\n\nbye";

    sip_send(from, sip_request(from, passing[_i].method, "sip:" UE_USER "@example.net", odd_headers,
                               body));
    const char *got = sip_expect(to, flow_text(s.f, "^%s ", passing[_i].method));
    must_hold_lines(s.f, got, odd_headers);
    must_say(s.f, got, "^Max-Forwards: 69$");
    ck_assert_uint_eq(text_count(got, "^Via: "), 2);
    ck_assert_str_eq(sip_body(got), body);
    sip_send(to, sip_response(to, got, "202 Fine", odd_headers, "thanks"));
    const char *answer = sip_expect(from, "^SIP/2.0 202 Fine$");
    must_hold_lines(s.f, answer, odd_headers);
    ck_assert_uint_eq(text_count(answer, "^Via: "), 1);
    ck_assert_str_eq(sip_body(answer), "thanks");
    stage_close(&s, NULL);
}
END_TEST

// --- answers -----------------------------------------------------------------------------------

// PCSCF-073: the 18x and the 2xx of a dialog, and the 2xx that comes again, carry the identical SDP
// to the UE (REQ-122, RFC 3261 13.2.1).
START_TEST(a_repeated_answer_stays_the_same)
{
    struct stage s = stage_open("repeated", NULL);

    const char *invite = stage_invite_core(&s);
    const char *body = stage_plain_answer(&s, 9000);
    sip_send(s.core, sip_response(s.core, invite, "183 Session Progress", NULL, body));
    const char *early = sip_expect(s.ue, "^SIP/2.0 183 ");
    const char *ok = sip_response(s.core, invite, "200 OK", NULL, body);
    sip_send(s.core, ok);
    const char *answer = sip_expect(s.ue, "^SIP/2.0 200 ");
    sip_send(s.core, ok); // the ACK is late
    const char *again = sip_expect(s.ue, "^SIP/2.0 200 ");
    must_say(s.f, sip_body(early), "^m=image [0-9]+ UDP/TLS/UDPTL t38$");
    ck_assert_str_eq(sip_body(early), sip_body(answer));
    ck_assert_str_eq(sip_body(answer), sip_body(again));
    struct sip_dialog dialog = stage_acknowledge(&s, answer);
    stage_hang_up(&s, &dialog);
    stage_close(&s, NULL);
}
END_TEST

static const struct {
    const char *lines; // of the answer of the core, behind t=
    const char *status, *counter;
} core_answers[] = {
    {"m=image 9000 UDP/TLS/UDPTL t38\n", "^SIP/2.0 502 ", "proto_changed"},
    {"m=image 9000 RTP/AVP 0\n", "^SIP/2.0 502 ", "proto_changed"},
    {"m=image 9000 udptl t38\nm=audio 9002 RTP/AVP 0\n", "^SIP/2.0 502 ", "media_count"},
    {"", "^SIP/2.0 502 ", "media_count"},
};

// A 200 of the core with nothing usable in it is acknowledged and ended by BYE; the UE gets 502.
START_TEST(an_answer_of_the_core_without_use_ends_the_call)
{
    struct stage s = stage_open("core-answer", NULL);
    const char *invite = stage_invite_core(&s);
    const char *body =
        flow_text(s.f, "v=0\no=- 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\n%s",
                  flow_host(s.f, HOST_CORE), flow_host(s.f, HOST_CORE), core_answers[_i].lines);

    const char *charging = sip_header(s.core, invite, "P-Charging-Vector");
    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, body));
    const char *ack = sip_expect(s.core, "^ACK "), *bye = sip_expect(s.core, "^BYE ");
    ck_assert_str_eq(sip_header(s.core, ack, "P-Charging-Vector"), charging); // PCSCF-036
    ck_assert_str_eq(sip_header(s.core, bye, "P-Charging-Vector"), charging);
    must_say(s.f, bye, "^Reason: SIP;cause=502;text=");
    sip_send(s.core, sip_response(s.core, bye, "200 OK", NULL, NULL));
    must_say(s.f, sip_expect(s.ue, "^SIP/2.0 [2-6]"), core_answers[_i].status);
    stage_close(&s, core_answers[_i].counter);
}
END_TEST

// PCSCF-070: two branches behind the core answer: the UE sees two dialogs with one port and one
// fingerprint (RFC 3261 13.2.1, RFC 8842 8), and media go to the one that wins.
START_TEST(the_winner_of_a_fork_gets_the_media)
{
    struct stage s = stage_open("fork", NULL);

    const char *invite = stage_invite_core(&s);
    const char *first =
        sip_response(s.core, invite, "183 Session Progress", NULL, stage_plain_answer(&s, 9000));
    const char *second =
        sip_response(s.core, invite, "183 Session Progress", NULL, stage_plain_answer(&s, 9002));
    second = flow_replace(s.f, second, ";tag=t1", ";tag=t2");
    sip_send(s.core, first);
    const char *one = sip_expect(s.ue, "^SIP/2.0 183 ");
    sip_send(s.core, second);
    const char *two = sip_expect(s.ue, "^SIP/2.0 183 ");
    must_say(s.f, two, "^To: .*;tag=t2$");
    ck_assert_str_eq(flow_value(s.f, one, "^m=image", "m=image "),
                     flow_value(s.f, two, "^m=image", "m=image "));
    ck_assert_str_eq(flow_value(s.f, one, "^a=fingerprint", "SHA-256 "),
                     flow_value(s.f, two, "^a=fingerprint", "SHA-256 "));
    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, stage_plain_answer(&s, 9000)));
    struct sip_dialog dialog = stage_acknowledge(&s, sip_expect(s.ue, "^SIP/2.0 200 "));
    stage_hang_up(&s, &dialog);
    struct chart chart = pcscf_chart(s.p);
    // the answer that won is the last that the AGW was told
    const char *last = NULL;
    for (const char *at = chart.mermaid; (at = strstr(at, "Remote Connection Address: ")); at++)
        last = strstr(at, flow_host(s.f, HOST_CORE)) ? at : last;
    must_say(s.f, last ? last : "", flow_text(s.f, "%s:9000<br/>", flow_host(s.f, HOST_CORE)));
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-035: requests within the dialog pass both ways along the route set.
START_TEST(requests_within_a_dialog_pass_both_ways)
{
    struct stage s = stage_open("in-dialog", NULL);

    const char *invite = stage_invite_core(&s);
    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, stage_plain_answer(&s, 9000)));
    struct sip_dialog ue = stage_acknowledge(&s, sip_expect(s.ue, "^SIP/2.0 200 "));
    struct sip_dialog core = sip_dialog_of_request(s.core, invite);
    sip_send(s.ue, sip_dialog_request(&ue, "INFO", odd_headers, "up"));
    const char *info = sip_expect(s.core, "^INFO ");
    must_hold_lines(s.f, info, odd_headers);
    sip_send(s.core, sip_response(s.core, info, "200 OK", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 200 ");
    sip_send(s.core, sip_dialog_request(&core, "INFO", odd_headers, "down"));
    info = sip_expect(s.ue, "^INFO ");
    must_hold_lines(s.f, info, odd_headers);
    sip_send(s.ue, sip_response(s.ue, info, "200 OK", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 200 ");
    stage_hang_up(&s, &ue);
    stage_close(&s, NULL);
}
END_TEST

// PCSCF-072: an offer that meets an open one of the other side is refused with 491; the open one
// goes on (RFC 3261 14.2).
START_TEST(an_offer_that_crosses_another_is_refused)
{
    struct stage s = stage_open("glare", NULL);
    const char *invite = stage_invite_core(&s);

    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, stage_plain_answer(&s, 9000)));
    struct sip_dialog ue = stage_acknowledge(&s, sip_expect(s.ue, "^SIP/2.0 200 "));
    struct sip_dialog core = sip_dialog_of_request(s.core, invite);
    sip_send(s.ue, sip_dialog_request(&ue, "INVITE", NULL, stage_secured_offer(&s)));
    const char *open = sip_expect(s.core, "^INVITE ");
    const char *crossing = sip_dialog_request(&core, "INVITE", NULL, stage_plain_answer(&s, 9000));
    sip_send(s.core, crossing);
    const char *refusal = sip_expect(s.core, "^SIP/2.0 491 ");
    sip_send(s.core, sip_ack_refusal(s.core, crossing, refusal));
    sip_send(s.core, sip_response(s.core, open, "200 OK", NULL, stage_plain_answer(&s, 9000)));
    const char *answer = sip_expect(s.ue, "^SIP/2.0 200 ");
    must_say(s.f, sip_body(answer), "^m=image [0-9]+ UDP/TLS/UDPTL t38$");
    sip_send(s.ue, sip_dialog_request(&ue, "ACK", NULL, NULL));
    sip_expect(s.core, "^ACK ");
    stage_hang_up(&s, &ue);
    stage_close(&s, "glare");
}
END_TEST

// One session more than configured is refused with 503 and told when to try again; when the first
// has ended, the next is served.
START_TEST(one_session_too_many_is_refused)
{
    struct pcscf_options options = {.sip = "sessions_max: 1"};
    struct stage s = stage_open("sessions", &options);
    const char *invite = stage_invite_core(&s);

    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, stage_plain_answer(&s, 9000)));
    struct sip_dialog dialog = stage_acknowledge(&s, sip_expect(s.ue, "^SIP/2.0 200 "));
    sip_send(s.ue,
             sip_request(s.ue, "INVITE", "sip:bob@example.net", NULL, stage_secured_offer(&s)));
    must_say(s.f, sip_expect(s.ue, "^SIP/2.0 503 "), "^Retry-After: [0-9]+$");
    stage_hang_up(&s, &dialog);
    pcscf_chart(s.p); // the last that is heard of a session
    invite = stage_invite_core(&s);
    sip_send(s.core, sip_response(s.core, invite, "200 OK", NULL, stage_plain_answer(&s, 9000)));
    dialog = stage_acknowledge(&s, sip_expect(s.ue, "^SIP/2.0 200 "));
    stage_hang_up(&s, &dialog);
    stage_close(&s, "session_limit");
}
END_TEST

// --- streams -----------------------------------------------------------------------------------

// Sends the parts one by one, and reads until `count` messages with status 200 are there.
static void over_tcp(struct flow *f, struct pcscf *p, const char *const *parts, unsigned count)
{
    int fd = socket_connect(f, HOST_OTHER, pcscf_access(p));
    const char *got = "";

    for (; *parts; parts++)
        socket_write(fd, *parts);
    while (text_count(got, "^SIP/2.0 200 ") < count)
        got = flow_text(f, "%s%s", got, socket_read(f, fd));
    close(fd);
}

// Messages over TCP may come in pieces, or several in one; what is none hurts its own connection at
// most.
START_TEST(tcp_streams_are_cut_into_messages)
{
    struct flow *f = flow_open("tcp");
    struct pcscf *p = pcscf_start(f, NULL);
    const char *options = flow_text(f,
                                    "OPTIONS sip:%s SIP/2.0\r\n"
                                    "Via: SIP/2.0/TCP %s;branch=z9hG4bK-tcp\r\n"
                                    "From: <sip:a@example.net>;tag=1\r\nTo: <sip:b@example.net>\r\n"
                                    "Call-ID: over-tcp\r\nCSeq: 1 OPTIONS\r\n"
                                    "Content-Length: 0\r\n\r\n",
                                    pcscf_access(p), flow_at(f, HOST_OTHER));
    const char *other =
        flow_replace(f, flow_replace(f, options, "-tcp", "-two"), "over-tcp", "two");
    const char *pieces[] = {flow_copy(f, options, 10), flow_copy(f, options + 10, 50), options + 60,
                            NULL};
    const char *pipelined[] = {flow_text(f, "\r\n\r\n%s%s", options, other), NULL};
    const char *garbage[] = {"GET / HTTP/1.0\r\n\r\n", "\x16\x03\x01 and so on\r\n", NULL};

    over_tcp(f, p, pieces, 1);
    over_tcp(f, p, pipelined, 2);
    over_tcp(f, p, garbage, 0);
    over_tcp(f, p, pieces, 1);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

void suite_sip(struct suite *s)
{
    EACH(s, malformed_messages_are_answered_or_ignored, malformed);
    ONCE(s, broken_messages_do_not_disturb_a_call);
    EACH(s, malformed_sdp_is_refused, bodies);
    ONCE(s, too_many_media_lines_are_refused);
    EACH(s, what_belongs_nowhere_is_refused, strays);
    ONCE(s, a_stray_cancel_is_passed_on);
    ONCE(s, max_forwards_zero_is_refused);
    EACH(s, unknown_methods_and_headers_pass, passing);
    ONCE(s, a_repeated_answer_stays_the_same);
    EACH(s, an_answer_of_the_core_without_use_ends_the_call, core_answers);
    ONCE(s, the_winner_of_a_fork_gets_the_media);
    ONCE(s, an_offer_that_crosses_another_is_refused);
    ONCE(s, one_session_too_many_is_refused);
    ONCE(s, requests_within_a_dialog_pass_both_ways);
    ONCE(s, tcp_streams_are_cut_into_messages);
}
