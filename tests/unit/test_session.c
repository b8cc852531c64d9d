// SPDX-License-Identifier: GPL-3.0-or-later
// Sessions without a SIP stack: told facts, they say what the body becomes and what they want sent.
#include "alg/session.h"
#include "tests/unit/fake_agw.h"
#include "tests/unit/suite.h"

#include <stdlib.h>

#define UE_OFFER                                                                                   \
    "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"                  \
    "m=image 5004 UDP/TLS/UDPTL t38\r\na=3ge2ae:requested\r\na=setup:actpass\r\n"                  \
    "a=fingerprint:SHA-1 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB\r\n"
#define UE_IDENTIFIED(id) UE_OFFER "a=dtls-id:" id "ABCDEFGHIJKLMNOPQRST\r\n"
#define UE_AND_AUDIO UE_OFFER "m=audio 5010 RTP/AVP 8\r\n"
#define CORE_ANSWER                                                                                \
    "v=0\r\no=- 2 1 IN IP4 203.0.113.20\r\ns=-\r\nc=IN IP4 203.0.113.20\r\nt=0 0\r\n"              \
    "m=image 6056 udptl t38\r\n"
#define OTHER_ANSWER                                                                               \
    "v=0\r\no=- 3 1 IN IP4 203.0.113.30\r\ns=-\r\nc=IN IP4 203.0.113.30\r\nt=0 0\r\n"              \
    "m=image 6070 udptl t38\r\n"

// --- a session and what it does -----------------------------------------------------------------

static struct strbuf sent;
static uv_loop_t loop;
static struct config cfg;
static struct sessions *all;
static struct session *session;
static struct exchange_request invite_id;
static struct exchange_verdict verdict;

static void note_bye(void *arg, struct session *s, enum side to, enum reason reason)
{
    strbuf_printf(&sent, "BYE %s %s\n", side_name(to), reason_name(reason));
}

static void note_fail_early(void *arg, struct session *s, enum reason reason)
{
    strbuf_printf(&sent, "early %s\n", reason_name(reason));
}

static bool own_route(void *arg, const char *uri)
{
    return strstr(uri, "pcscf") != NULL;
}

static void expect_sent(const char *text)
{
    char *got = strbuf_take(&sent);
    ck_assert_str_eq(got, text);
    free(got);
}

static void expect_asked(const char *text)
{
    char *got = strbuf_take(&asked);
    ck_assert_str_eq(got, text);
    free(got);
}

static void forget_asked(void)
{
    strbuf_free(&asked);
}

static bool is_reachable(void *arg, const struct session *s)
{
    return false;
}

static const struct addr nowhere;

static struct sip_facts facts(enum sip_kind kind, int status, const char *to_tag, const char *sdp)
{
    static const char *const names[] = {"INVITE", "ACK",    "BYE", "CANCEL",
                                        "PRACK",  "UPDATE", "INFO"};
    struct sip_facts f = {.kind = kind,
                          .method = names[kind],
                          .status = status,
                          .phrase = "phrase",
                          .cseq = 1,
                          .call_id = "call-1",
                          .from = "<sip:ue@example.com>;tag=a",
                          .to = to_tag ? "<sip:core@example.com>;tag=b" : "<sip:core@example.com>",
                          .from_tag = "a",
                          .to_tag = to_tag,
                          .contact = status ? "sip:core@203.0.113.20" : "sip:ue@192.0.2.10",
                          .body = sdp,
                          .body_len = sdp ? strlen(sdp) : 0};
    return f;
}

static void setup(void)
{
    struct session_ops ops = {note_bye, note_fail_early, own_route, is_reachable, NULL};
    config_defaults(&cfg);
    cfg.agw.media_guard_ms = 0;
    cfg.sip.return_s = 0;
    log_set_level(LOG_ERROR);
    uv_loop_init(&loop);
    all = sessions_open(&cfg, NULL, &loop, ops);
    ck_assert_ptr_nonnull(all);
}

static void teardown(void)
{
    free(verdict.body);
    verdict.body = NULL;
    if (session)
        session_unref(session);
    sessions_close(all);
    uv_run(&loop, UV_RUN_DEFAULT); // closes cancelled timers; none may be left running
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    strbuf_free(&asked);
    strbuf_free(&sent);
}

static const int ue; // whose registration it is

static void call(const char *offer)
{
    struct session_setup s = {.caller = SIDE_ACCESS, .mediasec = MEDIASEC_UDPTL_DTLS, .ue = &ue};
    struct sip_facts invite = facts(SIP_INVITE, 0, NULL, offer);
    addr_parse(&s.hop[SIDE_ACCESS], "192.0.2.10", 5060);
    addr_parse(&s.hop[SIDE_CORE], "203.0.113.20", 5060);
    session = session_open(all, &s, &invite);
    ck_assert_ptr_nonnull(session);
    session_request(session, SIDE_ACCESS, &invite, &invite_id, &verdict);
}

static void respond(int status, const char *tag, const char *sdp)
{
    struct sip_facts response = facts(SIP_INVITE, status, tag, sdp);
    free(verdict.body);
    session_response(session, &invite_id, &response, &verdict);
}

// A 2xx that comes when its transaction is over.
static void late(const char *tag, const char *sdp)
{
    struct sip_facts answer = facts(SIP_INVITE, 200, tag, sdp);
    free(verdict.body);
    session_late_answer(session, &answer, &verdict);
}

// BYE of the caller to one branch, and its 200.
static void end_branch(const char *tag, struct exchange_request *id)
{
    struct sip_facts bye = facts(SIP_BYE, 0, tag, NULL), ok = facts(SIP_BYE, 200, tag, NULL);
    free(verdict.body);
    session_request(session, SIDE_ACCESS, &bye, id, &verdict);
    session_response(session, id, &ok, &verdict);
}

static void request(enum sip_kind kind, enum side from, const char *sdp,
                    struct exchange_request *id)
{
    struct sip_facts f = facts(kind, 0, "b", sdp);
    struct exchange_request unused;
    f.cseq = kind == SIP_ACK ? 1 : 2;
    free(verdict.body);
    session_request(session, from, &f, id ? id : &unused, &verdict);
}

static void establish(const char *offer, const char *answer)
{
    call(offer);
    respond(200, "b", answer);
    request(SIP_ACK, SIDE_ACCESS, NULL, NULL);
    ck_assert_int_eq(verdict.reason, REASON_NONE);
    forget_asked();
}

static void report(enum agw_event event, unsigned stream, enum reason reason)
{
    struct agw_notification n = {
        .event = event, .context = 7, .stream = stream, .reason = reason, .time_us = 1};
    sessions_notification(all, &n);
}

// --- cases --------------------------------------------------------------------------------------

// INVITE, 200, ACK, BYE, 200: released once, and gone when the AGW has said its last word.
START_TEST(a_call_from_invite_to_bye)
{
    struct exchange_request bye;
    establish(UE_OFFER, CORE_ANSWER);
    request(SIP_BYE, SIDE_CORE, NULL, &bye);
    expect_asked("");
    struct sip_facts ok = facts(SIP_BYE, 200, "b", NULL);
    session_response(session, &bye, &ok, &verdict);
    expect_asked("release\n");
    ck_assert(session_ended(session));
    ck_assert_uint_eq(sessions_count(all), 1);
    report(AGW_STREAM_RELEASED, 1, REASON_NONE);
    ck_assert_uint_eq(sessions_count(all), 0);
    expect_sent("");
}
END_TEST

// A peer that drops all media and brings new ones, again and again, leaves no contexts behind.
START_TEST(a_context_without_streams_is_forgotten)
{
    establish(UE_OFFER, CORE_ANSWER);
    uint64_t before = reason_total(REASON_LATE_NOTIFICATION);
    report(AGW_STREAM_RELEASED, 1, REASON_NONE);
    ck_assert_uint_eq(reason_total(REASON_LATE_NOTIFICATION), before);
    report(AGW_STREAM_RELEASED, 1, REASON_NONE);
    ck_assert_uint_eq(reason_total(REASON_LATE_NOTIFICATION), before + 1);
    ck_assert_uint_eq(sessions_count(all), 1);
    session_fail(session, REASON_OPERATOR);
    ck_assert_uint_eq(sessions_count(all), 0);
}
END_TEST

// REQ-100, REQ-105: a refused offer leaves nothing behind.
START_TEST(a_refused_offer_ends_the_session)
{
    call("v=0\r\nthis is no SDP\r\n");
    ck_assert_int_eq(verdict.reason, REASON_BAD_SDP);
    ck_assert_ptr_nonnull(strstr(verdict.error, "line"));
    ck_assert_uint_eq(sessions_count(all), 0);
    expect_asked("");
}
END_TEST

// REQ-122, PCSCF-073: every 18x and the 2xx of one dialog carry the identical answer, made once.
START_TEST(provisional_and_final_answers_are_identical)
{
    call(UE_OFFER);
    respond(183, "b", CORE_ANSWER);
    char *first = strdup(verdict.body);
    forget_asked();
    respond(180, "b", CORE_ANSWER);
    ck_assert_str_eq(verdict.body, first);
    respond(200, "b", CORE_ANSWER);
    ck_assert_str_eq(verdict.body, first);
    expect_asked("");
    late("b", CORE_ANSWER);
    ck_assert_str_eq(verdict.body, first);
    free(first);
}
END_TEST

// 6.1, RFC 3261 13.2.1: the 2xx decides which branch's answer the AGW has.
START_TEST(the_winning_fork_gets_its_answer_back)
{
    call(UE_OFFER);
    respond(183, "b", CORE_ANSWER);
    respond(183, "c", OTHER_ANSWER);
    forget_asked();
    respond(200, "b", NULL);
    expect_asked("configure T2 stream 1 UDP remote 203.0.113.20:6056\n");
    ck_assert_int_eq(verdict.reason, REASON_NONE);
}
END_TEST

// PCSCF-080, REQ-104, TS 24.229 5.2.8.1.1: before the answer, an error upstream and CANCEL
// downstream.
START_TEST(a_failure_before_the_answer_ends_early)
{
    call(UE_OFFER);
    respond(183, "b", CORE_ANSWER);
    forget_asked();
    report(AGW_DTLS_FAILURE, 1, REASON_DTLS_FINGERPRINT);
    expect_sent("early dtls_fingerprint\n");
    ck_assert(session_ended(session));
    report(AGW_STREAM_RELEASED, 1, REASON_NONE);
    ck_assert_uint_eq(sessions_count(all), 0);
}
END_TEST

// PCSCF-079, TS 24.229 5.2.8.1.2: an established session is released towards both parties.
START_TEST(a_failure_of_an_established_call_is_a_bye_both_ways)
{
    establish(UE_OFFER, CORE_ANSWER);
    report(AGW_DTLS_FAILURE, 1, REASON_DTLS_NO_CERTIFICATE);
    expect_sent("BYE core dtls_no_certificate\nBYE access dtls_no_certificate\n");
    expect_asked("release stream 1\n");
}
END_TEST

// RFC 3261 15: the BYE to the caller waits for its ACK.
START_TEST(a_failure_between_answer_and_ack_waits_for_the_ack)
{
    call(UE_OFFER);
    respond(200, "b", CORE_ANSWER);
    report(AGW_DTLS_FAILURE, 1, REASON_DTLS_FINGERPRINT);
    expect_sent("BYE core dtls_fingerprint\n");
    request(SIP_ACK, SIDE_ACCESS, NULL, NULL);
    expect_sent("BYE access dtls_fingerprint\n");
    ck_assert(session_ended(session));
}
END_TEST

// RFC 3261 13.3.1.4: an answer that is never acknowledged ends the session.
START_TEST(no_ack_ends_the_session)
{
    cfg.sip.t1_ms = 1; // 64 ms
    call(UE_OFFER);
    respond(200, "b", CORE_ANSWER);
    uv_run(&loop, UV_RUN_DEFAULT);
    expect_sent("BYE core ack_missing\nBYE access ack_missing\n");
}
END_TEST

// REQ-104: the failure of one stream leaves the other media alone.
START_TEST(one_failed_stream_does_not_end_the_others)
{
    establish(UE_AND_AUDIO, CORE_ANSWER "m=audio 6060 RTP/AVP 8\r\n");
    report(AGW_DTLS_FAILURE, 1, REASON_DTLS_TIMEOUT);
    expect_sent("");
    expect_asked("release stream 1\n");
    ck_assert(!session_ended(session));
    report(AGW_MEDIA_INACTIVE, 2, REASON_MEDIA_INACTIVE);
    expect_sent("BYE core media_inactive\nBYE access media_inactive\n");
}
END_TEST

#define UE_FLOOR                                                                                   \
    "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"                  \
    "m=application 6000 TCP/BFCP *\r\na=setup:actpass\r\n"
#define CORE_FLOOR                                                                                 \
    "v=0\r\no=- 1 1 IN IP4 203.0.113.20\r\ns=-\r\nc=IN IP4 203.0.113.20\r\nt=0 0\r\n"              \
    "m=application 7000 TCP/BFCP *\r\na=setup:active\r\n"

// REQ-144: a lost BFCP connection ends the session only when nobody offers it anew in time.
START_TEST(a_lost_floor_is_waited_for)
{
    cfg.bfcp.reestablish_s = 1;
    establish(UE_FLOOR, CORE_FLOOR);
    report(AGW_BEARER_RELEASED, 1, REASON_BEARER_RELEASED);
    expect_sent("");
    ck_assert(!session_ended(session));
    uv_run(&loop, UV_RUN_DEFAULT);
    expect_sent("BYE core bearer_released\nBYE access bearer_released\n");
}
END_TEST

// REQ-144: offered anew, it lives, and the session with it.
START_TEST(a_lost_floor_that_comes_back_keeps_the_session)
{
    struct exchange_request id;
    cfg.bfcp.reestablish_s = 1;
    establish(UE_FLOOR, CORE_FLOOR);
    report(AGW_BEARER_RELEASED, 1, REASON_BEARER_RELEASED);
    request(SIP_INVITE, SIDE_ACCESS, UE_FLOOR "a=connection:new\r\n", &id);
    ck_assert_int_eq(verdict.reason, REASON_NONE);
    invite_id = id;
    respond(200, "b", CORE_FLOOR "a=connection:new\r\n");
    request(SIP_ACK, SIDE_ACCESS, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    expect_sent("");
    ck_assert(!session_ended(session));
}
END_TEST

// A loss before the call is up, or where waiting is switched off, ends it at once.
START_TEST(a_lost_floor_is_not_waited_for_when_switched_off)
{
    cfg.bfcp.reestablish_s = 0;
    establish(UE_FLOOR, CORE_FLOOR);
    report(AGW_BEARER_RELEASED, 1, REASON_BEARER_RELEASED);
    expect_sent("BYE core bearer_released\nBYE access bearer_released\n");
}
END_TEST

// REQ-106: what is reported of a context nobody has any more is counted and nothing else.
START_TEST(late_notifications_are_counted)
{
    uint64_t before = reason_total(REASON_LATE_NOTIFICATION);
    report(AGW_DTLS_FAILURE, 1, REASON_DTLS_TIMEOUT);
    ck_assert_uint_eq(reason_total(REASON_LATE_NOTIFICATION), before + 1);
    expect_sent("");
}
END_TEST

// RFC 3261 9: cancelled, refused with 487, released.
START_TEST(a_cancelled_call_is_released)
{
    call(UE_OFFER);
    session_cancelled(session);
    respond(487, "b", NULL);
    ck_assert_int_eq(verdict.reason, REASON_NONE);
    ck_assert(session_ended(session));
    report(AGW_STREAM_RELEASED, 1, REASON_NONE);
    ck_assert_uint_eq(sessions_count(all), 0);
}
END_TEST

// REQ-101: an unusable 2xx is not passed on; the session is over.
START_TEST(an_unusable_answer_ends_the_call)
{
    call(UE_OFFER);
    respond(200, "b", "v=0\r\no=- 2 1 IN IP4 203.0.113.20\r\ns=-\r\nt=0 0\r\n");
    ck_assert_int_eq(verdict.reason, REASON_MEDIA_COUNT);
    ck_assert(session_ended(session));
    ck_assert_str_eq(session_party(session, SIDE_CORE)->contact, "sip:core@203.0.113.20");
}
END_TEST

// PCSCF-071, REQ-086, RFC 3261 14.1: a refused re-INVITE changes nothing.
START_TEST(a_refused_reinvite_is_rolled_back)
{
    struct exchange_request id;
    establish(UE_OFFER, CORE_ANSWER);
    request(SIP_INVITE, SIDE_CORE, OTHER_ANSWER, &id);
    ck_assert(id.offered);
    ck_assert(!id.initial);
    struct sip_facts refused = facts(SIP_INVITE, 488, "b", NULL);
    refused.cseq = 2;
    free(verdict.body);
    session_response(session, &id, &refused, &verdict);
    expect_asked("");
    request(SIP_INVITE, SIDE_CORE, OTHER_ANSWER, &id);
    ck_assert_int_eq(verdict.reason, REASON_NONE);
}
END_TEST

// PCSCF-072, RFC 3261 14.2: a second offer while one is open gets 491.
START_TEST(crossing_offers_are_refused)
{
    establish(UE_OFFER, CORE_ANSWER);
    request(SIP_INVITE, SIDE_CORE, CORE_ANSWER, NULL);
    request(SIP_UPDATE, SIDE_ACCESS, UE_OFFER, NULL);
    ck_assert_int_eq(verdict.reason, REASON_GLARE);
    ck_assert_int_eq(reason_status(verdict.reason), 491);
}
END_TEST

// An offer in the 2xx that the ACK leaves unanswered is void, and the next one is served.
START_TEST(an_unanswered_offer_in_a_2xx_is_void)
{
    call(NULL);
    respond(200, "b", CORE_ANSWER);
    ck_assert_ptr_nonnull(strstr(verdict.body, "a=3ge2ae:applied"));
    request(SIP_ACK, SIDE_ACCESS, NULL, NULL);
    request(SIP_INVITE, SIDE_CORE, CORE_ANSWER, NULL);
    ck_assert_int_eq(verdict.reason, REASON_NONE);
}
END_TEST

// The identity that is shown to the UE; to be freed.
static char *shown_identity(void)
{
    const char *line = strstr(verdict.body, "a=dtls-id:");
    ck_assert_ptr_nonnull(line);
    return strndup(line, strcspn(line, "\r"));
}

// The core asks for an offer within the call; the UE makes this one, the core answers it.
static void offer_when_asked(const char *offer)
{
    struct exchange_request asked_for, unused;
    request(SIP_INVITE, SIDE_CORE, NULL, &asked_for);
    struct sip_facts ok = facts(SIP_INVITE, 200, "b", offer);
    struct sip_facts ack = facts(SIP_ACK, 0, "b", CORE_ANSWER);
    ok.cseq = ack.cseq = 2;
    free(verdict.body);
    session_response(session, &asked_for, &ok, &verdict);
    ck_assert_int_eq(verdict.reason, REASON_NONE);
    ck_assert_ptr_nonnull(strstr(verdict.body, "udptl t38"));
    free(verdict.body);
    session_request(session, SIDE_CORE, &ack, &unused, &verdict);
    ck_assert_int_eq(verdict.reason, REASON_NONE);
}

// REQ-089, RFC 8842 8: an INVITE without an offer within the call: the UE that offers its old
// identity keeps the association, and the AGW is asked for nothing.
START_TEST(an_offer_that_was_asked_for_keeps_the_association)
{
    call(UE_IDENTIFIED("a"));
    respond(200, "b", CORE_ANSWER);
    char *before = shown_identity();
    request(SIP_ACK, SIDE_ACCESS, NULL, NULL);
    forget_asked();
    offer_when_asked(UE_IDENTIFIED("a"));
    char *after = shown_identity();
    ck_assert_str_eq(after, before);
    expect_asked("");
    free(after);
    free(before);
}
END_TEST

// REQ-146, RFC 3264 8.3.1: a new identity brings new ports; the old ones are kept for
// agw.rekey_hold_ms, since media may still come there; then they go, and the call does not.
START_TEST(replaced_ports_stay_open_for_the_hold_time)
{
    cfg.agw.rekey_hold_ms = 20;
    call(UE_IDENTIFIED("a"));
    respond(200, "b", CORE_ANSWER);
    request(SIP_ACK, SIDE_ACCESS, NULL, NULL);
    forget_asked();
    offer_when_asked(UE_IDENTIFIED("b"));
    ck_assert_ptr_nonnull(strstr(asked.text, "T1 stream 2 "));
    ck_assert_ptr_null(strstr(asked.text, "release"));
    forget_asked();
    uv_run(&loop, UV_RUN_DEFAULT);
    expect_asked("release stream 1\n");
    ck_assert(!session_ended(session));
}
END_TEST

// 503 above the configured number.
START_TEST(the_number_of_sessions_is_bounded)
{
    cfg.sip.sessions_max = 1;
    call(UE_OFFER);
    struct session_setup s = {.caller = SIDE_CORE};
    struct sip_facts invite = facts(SIP_INVITE, 0, NULL, CORE_ANSWER);
    ck_assert_ptr_null(session_open(all, &s, &invite));
}
END_TEST

// RFC 3261 12.1.2: the route set towards the callee is what stands above our entries, turned round.
START_TEST(the_route_set_of_the_callee_is_learnt)
{
    call(UE_OFFER);
    struct sip_facts ok = facts(SIP_INVITE, 200, "b", CORE_ANSWER);
    ok.record_route[0] = "sip:far;lr";
    ok.record_route[1] = "sip:near;lr";
    ok.record_route[2] = "sip:t@pcscf-core;lr";
    ok.record_route[3] = "sip:t@pcscf-access;lr";
    ok.record_route_count = 4;
    free(verdict.body);
    session_response(session, &invite_id, &ok, &verdict);
    const struct party *callee = session_party(session, SIDE_CORE);
    ck_assert_uint_eq(callee->route_count, 2);
    ck_assert_str_eq(callee->route[0], "sip:near;lr");
    ck_assert_str_eq(callee->route[1], "sip:far;lr");
}
END_TEST

// PCSCF-081, TS 24.229 5.2.8.1.1: a UE that is lost before the answer ends the set-up.
START_TEST(a_lost_ue_ends_the_early_session)
{
    call(UE_OFFER);
    respond(183, "b", CORE_ANSWER);
    sessions_flow_closed(all, &cfg, &nowhere); // somebody else
    expect_sent("");
    sessions_flow_closed(all, &ue, &nowhere);
    expect_sent("early signalling_lost\n");
    ck_assert(session_ended(session));
}
END_TEST

// TS 24.229 5.2.8.1.2: a UE that is lost during the call is not told; the core is.
START_TEST(a_lost_ue_is_sent_no_bye)
{
    establish(UE_OFFER, CORE_ANSWER);
    sessions_flow_closed(all, &ue, &nowhere);
    expect_sent("BYE core signalling_lost\n");
    expect_asked("release\n");
}
END_TEST

// PCSCF-020, TS 24.229 5.2.8.1.4: with its registration a UE loses its sessions without a word.
START_TEST(a_lost_registration_takes_the_sessions_along)
{
    establish(UE_OFFER, CORE_ANSWER);
    sessions_forget(all, &ue, REASON_SIGNALLING_LOST);
    expect_sent("");
    expect_asked("release\n");
    ck_assert(session_ended(session));
}
END_TEST

static void answer_with_expiry(enum sip_kind kind, uint32_t expires)
{
    struct exchange_request id = {.kind = kind, .cseq = 2};
    struct sip_facts ok = facts(kind, 200, "b", NULL);
    ok.session_expires = expires;
    free(verdict.body);
    session_response(session, &id, &ok, &verdict);
}

// PCSCF-076, RFC 4028 8.3: a session that nobody refreshes is freed after its expiry and the time a
// BYE may take, without a BYE of ours; each refresh starts anew, and a 2xx without it ends the
// watch.
START_TEST(a_session_expires)
{
    cfg.sip.t1_ms = 1; // 64 ms of grace
    establish(UE_OFFER, CORE_ANSWER);
    answer_with_expiry(SIP_UPDATE, 1);
    answer_with_expiry(SIP_UPDATE, 0);
    answer_with_expiry(SIP_UPDATE, 1);
    uint64_t before = reason_total(REASON_SESSION_EXPIRED);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert(session_ended(session));
    ck_assert_uint_eq(reason_total(REASON_SESSION_EXPIRED), before + 1);
    expect_sent("");
    expect_asked("release\n");
}
END_TEST

// TS 24.229 5.2.8.1.2: a call without a session timer is released when it has lasted as long as
// the configuration lets it.
START_TEST(a_call_ends_when_it_has_lasted_too_long)
{
    cfg.sip.call_max_s = 1;
    establish(UE_OFFER, CORE_ANSWER);
    uv_run(&loop, UV_RUN_DEFAULT);
    expect_sent("BYE core call_too_long\nBYE access call_too_long\n");
    ck_assert(session_ended(session));
}
END_TEST

// RFC 4028 8.3: with a session timer it is for the parties to end it.
START_TEST(a_call_with_a_session_timer_may_last)
{
    cfg.sip.call_max_s = 1;
    cfg.sip.t1_ms = 5; // 320 ms of grace
    establish(UE_OFFER, CORE_ANSWER);
    answer_with_expiry(SIP_UPDATE, 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    expect_sent(""); // it has expired, later than the longest that a call may last
    ck_assert(session_ended(session));
}
END_TEST

// PCSCF-082: silence ends a session only when it lasts for the guard time.
START_TEST(silence_waits_for_the_guard_time)
{
    cfg.agw.media_guard_ms = 20;
    establish(UE_OFFER, CORE_ANSWER);
    report(AGW_MEDIA_INACTIVE, 1, REASON_MEDIA_INACTIVE);
    expect_sent("");
    uv_run(&loop, UV_RUN_DEFAULT);
    expect_sent("BYE core media_inactive\nBYE access media_inactive\n");
}
END_TEST

// PCSCF-082: media that come back, and media that are agreed anew, cancel it.
START_TEST(media_that_come_back_are_no_loss)
{
    cfg.agw.media_guard_ms = 20;
    establish(UE_OFFER, CORE_ANSWER);
    report(AGW_MEDIA_INACTIVE, 1, REASON_MEDIA_INACTIVE);
    report(AGW_MEDIA_AGAIN, 1, REASON_NONE);
    report(AGW_MEDIA_INACTIVE, 1, REASON_MEDIA_INACTIVE);
    request(SIP_INVITE, SIDE_CORE, CORE_ANSWER, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    expect_sent("");
    ck_assert(!session_ended(session));
}
END_TEST

// PCSCF-096, RFC 3261 13.2.2.4: the BYE of a branch that answered second ends nothing but itself.
START_TEST(the_second_branch_is_apart)
{
    struct exchange_request id;
    establish(UE_OFFER, CORE_ANSWER);
    late("c", OTHER_ANSWER);
    ck_assert_ptr_nonnull(strstr(verdict.body, "UDP/TLS/UDPTL"));
    end_branch("c", &id);
    ck_assert(id.other);
    ck_assert(!session_ended(session));
    expect_asked("");
    end_branch("b", &id);
    ck_assert(!id.other);
    ck_assert(session_ended(session));
}
END_TEST

// RFC 3261 13.2.2.4: hanging up on the first branch leaves the second, and media follow it; a BYE
// of ours goes there.
START_TEST(media_follow_the_branch_that_is_kept)
{
    struct exchange_request id;
    establish(UE_OFFER, CORE_ANSWER);
    late("c", OTHER_ANSWER);
    expect_asked(""); // shown only
    struct sip_facts ack = facts(SIP_ACK, 0, "c", NULL);
    free(verdict.body);
    session_request(session, SIDE_ACCESS, &ack, &id, &verdict);
    end_branch("b", &id);
    ck_assert(id.other);
    ck_assert(!session_ended(session));
    expect_asked("configure T2 stream 1 UDP remote 203.0.113.30:6070\n");
    struct sip_facts within = facts(SIP_OTHER, 0, "c", NULL);
    ck_assert(session_in_dialog(session, &within));
    end_branch("c", &id);
    ck_assert(!id.other);
    ck_assert(session_ended(session));
    expect_asked("release\n");
}
END_TEST

// RFC 3261 13.2.2.4: a second branch whose answer cannot be read is shown the first one's and has
// no media of its own: with the first the session is over.
START_TEST(a_second_branch_without_a_usable_answer_is_not_kept)
{
    struct exchange_request id;
    establish(UE_OFFER, CORE_ANSWER);
    late("c", CORE_ANSWER "m=audio 6060 RTP/AVP 8\r\n");
    ck_assert_ptr_nonnull(strstr(verdict.body, "UDP/TLS/UDPTL"));
    end_branch("b", &id);
    ck_assert(session_ended(session));
    expect_sent("");
}
END_TEST

// RFC 3261 13.2.2.4: a caller that has not acknowledged the second branch does not keep it: the
// session ends with the first.
START_TEST(a_second_branch_without_an_ACK_is_not_kept)
{
    struct exchange_request id;
    establish(UE_OFFER, CORE_ANSWER);
    late("c", OTHER_ANSWER);
    end_branch("b", &id);
    ck_assert(!id.other);
    ck_assert(session_ended(session));
    expect_asked("release\n");
}
END_TEST

// RFC 6228 4: a 199 ends one early dialog; the AGW goes back to the one that is left.
START_TEST(an_early_dialog_ends_alone)
{
    call(UE_OFFER);
    respond(183, "b", CORE_ANSWER);
    respond(183, "c", OTHER_ANSWER);
    forget_asked();
    respond(199, "b", NULL);
    expect_asked(""); // the AGW has the other one
    respond(183, "d", CORE_ANSWER);
    forget_asked();
    respond(199, "d", NULL);
    expect_asked("configure T2 stream 1 UDP remote 203.0.113.30:6070\n");
    respond(200, "c", NULL);
    expect_asked("");
    ck_assert(!session_ended(session));
}
END_TEST

// RFC 3261 15: the caller may hang up on one early dialog of several; the call goes on.
START_TEST(a_bye_to_an_early_dialog_ends_it_alone)
{
    struct exchange_request id;
    call(UE_OFFER);
    respond(183, "b", CORE_ANSWER);
    respond(183, "c", OTHER_ANSWER);
    forget_asked();
    end_branch("c", &id);
    expect_asked("configure T2 stream 1 UDP remote 203.0.113.20:6056\n");
    respond(200, "b", CORE_ANSWER);
    request(SIP_ACK, SIDE_ACCESS, NULL, NULL);
    ck_assert(!session_ended(session));
    end_branch("b", &id);
    ck_assert(session_ended(session));
}
END_TEST

// On the way down every session ends properly, whatever its state.
START_TEST(ending_all_sessions)
{
    establish(UE_OFFER, CORE_ANSWER);
    sessions_end_all(all, REASON_SHUTDOWN);
    expect_sent("BYE core shutdown\nBYE access shutdown\n");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_call_from_invite_to_bye,
        a_context_without_streams_is_forgotten,
        a_refused_offer_ends_the_session,
        provisional_and_final_answers_are_identical,
        the_winning_fork_gets_its_answer_back,
        a_failure_before_the_answer_ends_early,
        a_failure_of_an_established_call_is_a_bye_both_ways,
        a_failure_between_answer_and_ack_waits_for_the_ack,
        no_ack_ends_the_session,
        one_failed_stream_does_not_end_the_others,
        late_notifications_are_counted,
        a_lost_floor_is_waited_for,
        a_lost_floor_that_comes_back_keeps_the_session,
        a_lost_floor_is_not_waited_for_when_switched_off,
        a_cancelled_call_is_released,
        an_unusable_answer_ends_the_call,
        a_refused_reinvite_is_rolled_back,
        crossing_offers_are_refused,
        an_unanswered_offer_in_a_2xx_is_void,
        an_offer_that_was_asked_for_keeps_the_association,
        replaced_ports_stay_open_for_the_hold_time,
        the_number_of_sessions_is_bounded,
        the_route_set_of_the_callee_is_learnt,
        a_lost_ue_ends_the_early_session,
        a_lost_ue_is_sent_no_bye,
        a_lost_registration_takes_the_sessions_along,
        a_session_expires,
        a_call_ends_when_it_has_lasted_too_long,
        a_call_with_a_session_timer_may_last,
        silence_waits_for_the_guard_time,
        media_that_come_back_are_no_loss,
        the_second_branch_is_apart,
        media_follow_the_branch_that_is_kept,
        a_second_branch_without_a_usable_answer_is_not_kept,
        a_second_branch_without_an_ACK_is_not_kept,
        an_early_dialog_ends_alone,
        a_bye_to_an_early_dialog_ends_it_alone,
        ending_all_sessions,
    };
    Suite *suite = suite_create("session");
    TCase *tcase = tcase_create("session");
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite_finish(suite);
}
