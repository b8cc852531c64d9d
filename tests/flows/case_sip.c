// SPDX-License-Identifier: GPL-3.0-or-later
// SIP messages by hand: what is malformed, what belongs nowhere, what must pass byte for byte.
// After each the P-CSCF still answers, and calls of others go on.
#include "tests/flows/agent.h"
#include "tests/flows/sip.h"
#include "tests/flows/suite.h"

#include <stdlib.h>
#include <string.h>

// A P-CSCF between two parties made by hand.
struct stage {
    struct flow *f;
    struct pcscf *p;
    struct sip *ue, *core;
};

static struct stage stage_open(const char *name, const struct pcscf_options *options)
{
    struct stage s = {.f = flow_open(name)};

    s.p = pcscf_start(s.f, options);
    s.ue = sip_open(s.f, HOST_UE, pcscf_access(s.p));
    s.core = sip_open(s.f, HOST_CORE, pcscf_core(s.p));
    return s;
}

// counter: what must have been counted once; NULL: nothing in particular.
static void stage_close(struct stage *s, const char *counter)
{
    sip_close(s->ue);
    sip_close(s->core);
    pcscf_stop(s->p);
    if (counter)
        flow_check(s->f, pcscf_counter(s->p, counter) == 1, "%s is %u", counter,
                   pcscf_counter(s->p, counter));
    flow_close(s->f);
}

// An OPTIONS to the P-CSCF itself is answered; whatever the party got before it is returned as the
// first line of the first message.
static const char *ping(struct stage *s, struct sip *party, const char *at)
{
    const char *options = sip_request(party, "OPTIONS", flow_text(s->f, "sip:%s", at), NULL, NULL);
    const char *call_id = sip_header(party, options, "Call-ID"), *first = NULL;

    sip_send(party, options);
    for (;;) {
        const char *answer = sip_next(party);
        const char *its = sip_header(party, answer, "Call-ID");
        if (its && strcmp(its, call_id) == 0) {
            must_say(s->f, answer, "^SIP/2.0 200 ");
            return first;
        }
        first = first ? first : flow_copy(s->f, answer, strcspn(answer, "\n"));
    }
}

// --- what is malformed ---------------------------------------------------------------------------

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
    const char *own = strstr(message, OWN);

    if (!own)
        return message;
    return flow_text(s->f, "%.*s%s%s", (int)(own - message), message, sip_address(s->ue),
                     with_address(s, own + strlen(OWN)));
}

// What SIP lets us answer is answered with 4xx or 505; the rest is passed over in silence; the core
// sees none of it (RFC 3261 8.2, 16.3).
START_TEST(malformed_messages_are_answered_or_ignored)
{
    struct stage s = stage_open("malformed", NULL);

    sip_send(s.ue, with_address(&s, malformed[_i].message));
    const char *answer = ping(&s, s.ue, pcscf_access(s.p));
    if (malformed[_i].answer)
        must_say(s.f, answer ? answer : "", malformed[_i].answer);
    else
        flow_check(s.f, !answer, "an answer to it: %s", answer);
    const char *seen = ping(&s, s.core, pcscf_core(s.p));
    flow_check(s.f, !seen, "the core saw %s", seen);
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

// A call is up and carries a fax while a third party sends hundreds of broken messages to both
// sides: the fax arrives, and the P-CSCF still answers.
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

// --- SDP that is malformed
// ------------------------------------------------------------------------

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
// tells why; the core never sees it.
START_TEST(malformed_sdp_is_refused)
{
    struct stage s = stage_open("bad-sdp", NULL);
    const char *invite =
        sip_request(s.ue, "INVITE", "sip:bob@example.net", bodies[_i].extra, bodies[_i].body);

    sip_send(s.ue, invite);
    const char *answer = sip_expect(s.ue, "^SIP/2.0 [2-6]");
    must_say(s.f, answer, bodies[_i].answer);
    must_say(s.f, answer, "^Warning: 399 ");
    const char *seen = ping(&s, s.core, pcscf_core(s.p));
    flow_check(s.f, !seen, "the core saw %s", seen);
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

// --- what belongs nowhere
// --------------------------------------------------------------------------

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
     "^To: ", "no_route"},
};

// Requests of unknown dialogs get 481, unknown proxy extensions 420, unreachable names 404; the
// core sees none of it.
START_TEST(what_belongs_nowhere_is_refused)
{
    struct pcscf_options options = {.next_hop = "request-uri"};
    struct stage s = stage_open("stray", &options);
    const char *request =
        sip_request(s.ue, strays[_i].method, strays[_i].uri, strays[_i].extra, NULL);

    if (strays[_i].tag) {
        const char *to = strstr(request, "\nTo: ") + 1, *end = strchr(to, '\n');
        request =
            flow_text(s.f, "%.*s;tag=%s%s", (int)(end - request), request, strays[_i].tag, end);
    }
    sip_send(s.ue, request);
    const char *answer = sip_expect(s.ue, "^SIP/2.0 [2-6]");
    must_say(s.f, answer, strays[_i].status);
    must_say(s.f, answer, strays[_i].also);
    const char *seen = ping(&s, s.core, pcscf_core(s.p));
    flow_check(s.f, !seen, "the core saw %s", seen);
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

// Max-Forwards 0 is 483; a request for a UE that nobody knows is 404.
START_TEST(max_forwards_zero_is_refused)
{
    struct stage s = stage_open("hops", NULL);
    const char *request = sip_request(s.ue, "MESSAGE", "sip:bob@example.net", NULL, NULL);
    const char *hops = strstr(request, "Max-Forwards: 70");

    sip_send(s.ue, flow_text(s.f, "%.*sMax-Forwards: 0%s", (int)(hops - request), request,
                             hops + strlen("Max-Forwards: 70")));
    sip_expect(s.ue, "^SIP/2.0 483 ");
    sip_send(s.core, sip_request(s.core, "MESSAGE", "sip:stranger@example.net", NULL, NULL));
    sip_expect(s.core, "^SIP/2.0 404 ");
    stage_close(&s, NULL);
}
END_TEST

// --- what must pass
// --------------------------------------------------------------------------------

static const char odd_headers[] = "X-Odd: a ,b;; =\"x\"  ;tail\n"
                                  "s: compact subject\n"
                                  "P-Asserted-Identity: <<not a URI\n"
                                  "Security-Client: tls;q=0.1 , digest;;\n"
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

// Requests that the P-CSCF has no part in pass both ways, known method or not: headers it does not
// know arrive byte for byte, in requests and in responses; one hop is counted, one Via added.
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
}
