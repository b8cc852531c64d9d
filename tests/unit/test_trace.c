// SPDX-License-Identifier: GPL-3.0-or-later
// Traces and their charts. The charts of both T.38 figures are compared with files in
// tests/golden/chart; GOLDEN_WRITE=1 in the environment writes them anew, for eyes to judge.
#include "common/reason.h"
#include "common/trace/trace.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- two sessions, as an ALG would record them ----------------------------------------------

static uint64_t now;

static void sip(struct trace *t, enum trace_party from, enum trace_party to, const char *key,
                const char *label, const char *message)
{
    now += 400;
    trace_add(t, &(struct trace_event){now, TRACE_SIP, from, to, key, label, message, NULL});
}

static void edit(struct trace *t, const char *label, const char *lines, const char *clause)
{
    trace_add(t, &(struct trace_event){now, TRACE_SDP_EDIT, PARTY_ALG, PARTY_ALG, NULL, label,
                                       lines, clause});
}

static void iq(struct trace *t, const char *const keys[3], const char *const labels[3],
               const char *request, const char *reply, const char *clause)
{
    now += 30;
    trace_add(t, &(struct trace_event){now, TRACE_IQ, PARTY_ALG, PARTY_AGW, keys[0], labels[0],
                                       request, clause});
    trace_add(t, &(struct trace_event){now + 20, TRACE_ACTION, PARTY_AGW, PARTY_AGW, keys[1],
                                       labels[1], NULL, NULL});
    now += 45;
    trace_add(t, &(struct trace_event){now, TRACE_IQ, PARTY_AGW, PARTY_ALG, keys[2], labels[2],
                                       reply, NULL});
}

static void happen(struct trace *t, uint64_t after_us, enum trace_kind kind, enum trace_party from,
                   enum trace_party to, const char *key, const char *label, const char *detail,
                   const char *clause)
{
    now += after_us;
    trace_add(t, &(struct trace_event){now, kind, from, to, key, label, detail, clause});
}

#define KEYS(name)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        "iq." name ".request", "iq." name ".action", "iq." name ".reply"                           \
    }
#define LABELS(...)                                                                                \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

#define UE_PRINT                                                                                   \
    "56:D5:46:0F:D8:43:79:C8:00:2D:73:9E:AD:DE:0B:10:AC:6E:D4:3E:98:60:2B:E6:3E:1F:A3:5E:D5:90:"   \
    "22:9F"
#define AGW_PRINT                                                                                  \
    "91:87:A8:AF:87:B7:89:E1:33:88:09:3E:D8:30:C0:10:E7:00:A1:A8:44:35:3D:4F:0F:48:B9:72:BA:EE:"   \
    "F3:E2"

static const char invite[] = "INVITE sip:fax@ims.example.com SIP/2.0\r\n"
                             "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKqp3hr8o1zq;rport\r\n"
                             "Record-Route: <sip:198.51.100.1:5070;lr>, <sip:192.0.2.1:5060;lr>\r\n"
                             "From: <sip:alice@ims.example.com>;tag=1x\r\n"
                             "To: <sip:fax@ims.example.com>\r\n"
                             "Call-ID: 7c5a1f@192.0.2.10\r\n"
                             "CSeq: 1 INVITE\r\n"
                             "Content-Type: application/sdp\r\n"
                             "Content-Length: 512\r\n"
                             "\r\n"
                             "v=0\r\n"
                             "m=image 5004 UDP/TLS/UDPTL t38\r\n"
                             "a=fingerprint:SHA-256 " UE_PRINT "\r\n";

static void orig_offer(struct trace *t, bool messages)
{
    sip(t, PARTY_UE, PARTY_ALG, "sip.offer.received", "INVITE (SDP offer)",
        messages ? invite : NULL);
    iq(t, KEYS("reserve.T2"),
       LABELS("ADD.req (Reserve AGW Connection Point)", "reserve 198.51.100.1:20002", "ADD.resp"),
       "Context Request: new\n"
       "Bearer Termination Request: T2\n"
       "IP Realm Identifier: core\n"
       "Transport protocol: UDP\n"
       "\n"
       "Transaction=101 { Context=$ { Add=ip/core/$ {\n"
       "  Media { Stream=1 {\n"
       "    LocalControl { Mode=SendReceive, ipdc/realm=\"core\" },\n"
       "    Local { v=0\n"
       "            c=IN IP4 $\n"
       "            m=image $ UDP - } } } } } }",
       "Context: 7\nLocal Connection Address: 198.51.100.1:20002", "TS 23.334 8.3");
    edit(t, "SDP offer for the IMS core network", "- c=IN IP4 192.0.2.10\n+ c=IN IP4 198.51.100.1",
         "TS 23.334 5.2");
    edit(t, "SDP offer for the IMS core network",
         "- m=image 5004 UDP/TLS/UDPTL t38\n+ m=image 20002 udptl t38", "TS 23.334 6.2.10.4.2");
    edit(t, "SDP offer for the IMS core network", "- b=AS:60\n+ b=AS:50", "TS 23.334 5.11.2.3.1");
    edit(t, "SDP offer for the IMS core network", "- a=fingerprint:SHA-256 " UE_PRINT,
         "TS 24.229 6.7.2");
    sip(t, PARTY_ALG, PARTY_CORE, "sip.offer.sent", "INVITE (SDP offer)", NULL);
}

static void orig_answer(struct trace *t)
{
    sip(t, PARTY_CORE, PARTY_ALG, NULL, "180 Ringing", NULL);
    sip(t, PARTY_ALG, PARTY_UE, NULL, "180 Ringing", NULL);
    now += 3000000;
    sip(t, PARTY_CORE, PARTY_ALG, "sip.answer.received", "200 OK (SDP answer)", NULL);
    iq(t, KEYS("configure.T2"),
       LABELS("MOD.req (Configure AGW Connection Point)", "configure", "MOD.resp"),
       "Context: 7\nBearer Termination: T2\nRemote Connection Address: 203.0.113.20:6056", NULL,
       "TS 23.334 8.4");
    iq(t, KEYS("reserve_configure.T1"),
       LABELS("ADD.req (Reserve and Configure AGW Connection Point)",
              "reserve 192.0.2.1:10004, select certificate, bind it to the stream", "ADD.resp"),
       "Context: 7\n"
       "Bearer Termination Request: T1\n"
       "Transport protocol: UDP/DTLS\n"
       "Remote Connection Address: 192.0.2.10:5004\n"
       "Remote certificate fingerprint: SHA-256 " UE_PRINT "\n"
       "Local certificate fingerprint Request\n"
       "Notify (D)TLS session establishment Failure Event",
       "Local Connection Address: 192.0.2.1:10004\n"
       "Local certificate fingerprint: SHA-256 " AGW_PRINT,
       "TS 23.334 8.2");
    edit(t, "SDP answer for the IMS UE",
         "- m=image 6056 udptl t38\n+ m=image 10004 UDP/TLS/UDPTL t38", "TS 23.334 6.2.10.4.2");
    edit(t, "SDP answer for the IMS UE", "+ a=setup:passive", "TS 23.334 6.2.10.4.2");
    sip(t, PARTY_ALG, PARTY_UE, "sip.answer.sent", "200 OK (SDP answer)", NULL);
    sip(t, PARTY_UE, PARTY_ALG, NULL, "ACK", NULL);
    sip(t, PARTY_ALG, PARTY_CORE, NULL, "ACK", NULL);
}

static void orig_media(struct trace *t)
{
    happen(t, 900, TRACE_DROP, PARTY_UE, PARTY_AGW, NULL, "STUN", "192.0.2.10:5004", "RFC 7983 7");
    happen(t, 1500, TRACE_BEARER, PARTY_UE, PARTY_AGW, "dtls.client_hello", "DTLS ClientHello",
           NULL, NULL);
    happen(t, 1200, TRACE_BEARER, PARTY_UE, PARTY_AGW, "dtls.established", "DTLS established",
           "AGW is server, DTLS1.2, ECDHE-ECDSA-AES-128-GCM", NULL);
    happen(t, 200, TRACE_MEDIA, PARTY_UE, PARTY_CORE, "media", "first UDPTL datagram", NULL, NULL);
    happen(t, 9000, TRACE_MEDIA, PARTY_CORE, PARTY_UE, "media", "first UDPTL datagram", NULL, NULL);
    happen(t, 163000000, TRACE_SIP, PARTY_UE, PARTY_ALG, NULL, "BYE", NULL, NULL);
    happen(t, 300, TRACE_SIP, PARTY_ALG, PARTY_CORE, NULL, "BYE", NULL, NULL);
    iq(t, KEYS("release"), LABELS("SUB.req (Release AGW Termination)", "close_notify", "SUB.resp"),
       NULL, NULL, "TS 23.334 8.5");
    happen(t, 300, TRACE_NOTE, PARTY_ALG, PARTY_ALG, NULL, "session ended by the IMS UE", NULL,
           NULL);
}

static struct trace *orig(bool messages)
{
    struct trace *t = trace_open("3f2a91", 200);

    ck_assert_ptr_nonnull(t);
    now = 1000000;
    trace_set_figure(t, FIGURE_T38_ORIG);
    orig_offer(t, messages);
    orig_answer(t);
    orig_media(t);
    return t;
}

static struct trace *term(void)
{
    struct trace *t = trace_open("3f2a92", 200);

    ck_assert_ptr_nonnull(t);
    now = 5000000;
    trace_set_figure(t, FIGURE_T38_TERM);
    sip(t, PARTY_CORE, PARTY_ALG, "sip.offer.received", "INVITE (SDP offer)", NULL);
    iq(t, KEYS("reserve.T1"),
       LABELS("ADD.req (Reserve AGW Connection Point)",
              "reserve 192.0.2.1:10006, select certificate", "ADD.resp"),
       "Transport protocol: UDP/DTLS\nLocal certificate fingerprint Request\nLatching Requirement",
       "Local Connection Address: 192.0.2.1:10006\n"
       "Local certificate fingerprint: SHA-256 " AGW_PRINT,
       "TS 23.334 8.3");
    iq(t, KEYS("reserve_configure.T2"),
       LABELS("ADD.req (Reserve and Configure AGW Connection Point)", "reserve 198.51.100.1:20004",
              "ADD.resp"),
       "Transport protocol: UDP\nRemote Connection Address: 203.0.113.20:6058",
       "Local Connection Address: 198.51.100.1:20004", "TS 23.334 8.2");
    edit(t, "SDP offer for the IMS UE", "+ a=3ge2ae:applied", "TS 23.334 6.2.10.4.3");
    edit(t, "SDP offer for the IMS UE", "+ a=setup:actpass", "TS 23.334 6.2.10.4.3");
    sip(t, PARTY_ALG, PARTY_UE, "sip.offer.sent", "INVITE (SDP offer)", NULL);
    sip(t, PARTY_UE, PARTY_ALG, "sip.answer.received", "183 Session Progress (SDP answer)", NULL);
    happen(t, 100, TRACE_BEARER, PARTY_UE, PARTY_AGW, "dtls.client_hello", "DTLS ClientHello", NULL,
           "TS 23.334 6.2.10.4.3 NOTE 3");
    iq(t, KEYS("configure.T1"),
       LABELS("MOD.req (Configure AGW Connection Point)", "configure, bind fingerprint",
              "MOD.resp"),
       "Remote certificate fingerprint: SHA-256 " UE_PRINT, NULL, "TS 23.334 8.4");
    sip(t, PARTY_ALG, PARTY_CORE, "sip.answer.sent", "183 Session Progress (SDP answer)", NULL);
    sip(t, PARTY_UE, PARTY_ALG, "sip.answer.received", "200 OK (SDP answer)", NULL);
    sip(t, PARTY_ALG, PARTY_CORE, "sip.answer.sent", "200 OK (SDP answer)", NULL);
    happen(t, 900, TRACE_BEARER, PARTY_UE, PARTY_AGW, "dtls.established", "DTLS established", NULL,
           NULL);
    happen(t, 100, TRACE_MEDIA, PARTY_CORE, PARTY_AGW, "media", "first UDPTL datagram", NULL, NULL);
    return t;
}

// --- golden charts --------------------------------------------------------------------------

static char *read_file(const char *path)
{
    static char text[1 << 16];
    FILE *f = fopen(path, "r");
    size_t got;

    ck_assert_msg(f != NULL, "cannot open %s (run from the top folder)", path);
    got = fread(text, 1, sizeof(text) - 1, f);
    text[got] = '\0';
    fclose(f);
    return text;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static void expect_golden(const struct trace *t,
                          void (*print)(const struct trace *, struct strbuf *), const char *path)
{
    struct strbuf b = STRBUF_INIT;
    char *text;

    print(t, &b);
    text = strbuf_take(&b);
    ck_assert_ptr_nonnull(text);
    if (getenv("GOLDEN_WRITE") != NULL)
        write_file(path, text);
    ck_assert_msg(strcmp(text, read_file(path)) == 0, "%s differs from:\n%s", path, text);
    free(text);
}

// The chart of figure 6.2.10.4.2.1 as text, whole SIP messages below it (REQ-110, REQ-111).
START_TEST(orig_as_text)
{
    struct trace *t = orig(true);

    expect_golden(t, trace_chart_text, "tests/golden/chart/t38-orig.txt");
    trace_free(t);
}
END_TEST

// The same as a Mermaid diagram, without the messages.
START_TEST(orig_as_mermaid)
{
    struct trace *t = orig(true);

    expect_golden(t, trace_chart_mermaid, "tests/golden/chart/t38-orig.mmd");
    trace_free(t);
}
END_TEST

// The chart of figure 6.2.10.4.3.1 as text.
START_TEST(term_as_text)
{
    struct trace *t = term();

    expect_golden(t, trace_chart_text, "tests/golden/chart/t38-term.txt");
    trace_free(t);
}
END_TEST

// The same as a Mermaid diagram.
START_TEST(term_as_mermaid)
{
    struct trace *t = term();

    expect_golden(t, trace_chart_mermaid, "tests/golden/chart/t38-term.mmd");
    trace_free(t);
}
END_TEST

// What a peer can put into labels and details: ends of lines, control bytes, keywords, long words.
static struct trace *hostile(void)
{
    static char word[400];
    struct trace *t = trace_open("a;b#c\nend", 7);

    ck_assert_ptr_nonnull(t);
    memset(word, 'w', sizeof(word) - 1);
    now = 0;
    sip(t, PARTY_UE, PARTY_ALG, NULL, "INFO; end #1 %%{init}", "X: \033[2J\r\n\tend\r\n\r\n\r\nq");
    sip(t, PARTY_ALG, PARTY_CORE, NULL, word, word);
    happen(t, 1, TRACE_NOTE, PARTY_CORE, PARTY_CORE, NULL, word, word, word);
    happen(t, 1, TRACE_NOTE, PARTY_UE, PARTY_UE, NULL, "<b>bend end</b>\n&amp; \"x\"", "", "");
    happen(t, 1, TRACE_DROP, PARTY_AGW, PARTY_CORE, NULL, "",
           "  a: b, c; classDef\n\n not in the diagram", NULL);
    happen(t, 1, TRACE_IQ, PARTY_AGW, PARTY_UE, "iq.x.reply", "style \303\244", "\n", NULL);
    happen(t, 1, TRACE_MEDIA, PARTY_AGW, PARTY_CORE, NULL, "a label too long for its gap", NULL,
           "c");
    happen(t, 1, TRACE_NOTE, PARTY_ALG, PARTY_ALG, NULL, "too many", NULL, NULL);
    return t;
}

// Hostile text reaches a chart as harmless text, and what is too much is told.
START_TEST(hostile_text_is_tamed)
{
    struct trace *t = hostile();

    expect_golden(t, trace_chart_text, "tests/golden/chart/hostile.txt");
    expect_golden(t, trace_chart_mermaid, "tests/golden/chart/hostile.mmd");
    trace_free(t);
}
END_TEST

// A text chart fits 120 columns and is plain ASCII.
START_TEST(text_fits_the_terminal)
{
    struct trace *traces[] = {orig(true), term(), hostile()};

    for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
        struct strbuf b = STRBUF_INIT;
        size_t column = 0;
        trace_chart_text(traces[i], &b);
        for (size_t k = 0; k < b.len; k++) {
            column = b.text[k] == '\n' ? 0 : column + 1;
            ck_assert_uint_le(column, 120);
            ck_assert(b.text[k] == '\n' || (b.text[k] >= ' ' && b.text[k] < 0x7f));
        }
        strbuf_free(&b);
        trace_free(traces[i]);
    }
}
END_TEST

// An empty trace has a chart too; no trace has none.
START_TEST(empty_charts)
{
    struct trace *t = trace_open("empty", 5);
    struct strbuf b = STRBUF_INIT;

    trace_chart_text(NULL, &b);
    trace_chart_mermaid(NULL, &b);
    ck_assert_uint_eq(b.len, 0);
    trace_chart_text(t, &b);
    ck_assert_ptr_nonnull(strstr(b.text, "Session empty\n\n"));
    strbuf_free(&b);
    trace_chart_mermaid(t, &b);
    ck_assert_ptr_nonnull(strstr(b.text, "participant CORE as IMS core network\n"));
    strbuf_free(&b);
    trace_free(t);
}
END_TEST

// --- the list of events ---------------------------------------------------------------------

static void add(struct trace *t, uint64_t time_us, const char *key)
{
    trace_add(t, &(struct trace_event){.time_us = time_us, .kind = TRACE_NOTE, .key = key});
}

static unsigned step_at(const struct trace *t, unsigned index)
{
    struct trace_event e;
    unsigned step = 99;

    ck_assert(trace_at(t, index, &e, &step));
    return step;
}

// Events stand in time order, those of one time in the order they came.
START_TEST(events_are_in_time_order)
{
    static const uint64_t times[] = {50, 10, 30, 30, 70, 5, 30};
    static const char *const keys[] = {"f", "b", "c", "d", "g", "a", "e"};
    struct trace *t = trace_open("x", 100);
    struct trace_event e;
    unsigned step;

    for (size_t i = 0; i < 7; i++)
        add(t, times[i], keys[i]);
    for (unsigned i = 0; i < 7; i++) {
        ck_assert(trace_at(t, i, &e, &step));
        ck_assert_int_eq(e.key[0], 'a' + (int)i);
    }
    ck_assert(!trace_at(t, 7, &e, &step));
    trace_free(t);
}
END_TEST

// A step of the figure is matched once, in the earliest event with that key: 18x and 200 may both
// carry the answer. The last figure wins (REQ-111).
START_TEST(a_step_is_matched_once)
{
    struct trace *t = trace_open("x", 100);

    trace_set_figure(t, FIGURE_T38_ORIG);
    add(t, 10, "sip.offer.received");
    add(t, 40, "sip.answer.received");
    add(t, 50, "sip.answer.received");
    add(t, 60, NULL);
    add(t, 70, "no.such.key");
    add(t, 30, "sip.answer.received"); // told late, happened first
    ck_assert_uint_eq(step_at(t, 0), 1);
    ck_assert_uint_eq(step_at(t, 1), 6);
    for (unsigned i = 2; i < 6; i++)
        ck_assert_uint_eq(step_at(t, i), 0);
    trace_set_figure(t, FIGURE_T38_TERM);
    ck_assert_uint_eq(step_at(t, 0), 1);
    ck_assert_uint_eq(step_at(t, 1), 9);
    ck_assert_uint_eq(step_at(t, 2), 0);
    trace_set_figure(t, FIGURE_NONE);
    ck_assert_uint_eq(step_at(t, 1), 0);
    trace_free(t);
}
END_TEST

// Both figures have all their sixteen steps, each once; for the call towards the UE NOTE 3 pins 2,
// 10 and 13 (REQ-111, TS 23.334 6.2.10.4.3).
START_TEST(all_steps_are_found)
{
    struct trace *traces[] = {orig(false), term()};

    for (size_t i = 0; i < 2; i++) {
        unsigned seen[17] = {0}, step, last = 0;
        struct trace_event e;
        for (unsigned k = 0; trace_at(traces[i], k, &e, &step); k++) {
            ck_assert_uint_le(step, 16);
            seen[step]++;
            if (step != 0)
                ck_assert_uint_eq(step, ++last);
            if (i == 1 && step == 2)
                ck_assert_ptr_nonnull(strstr(e.detail, "Latching Requirement"));
            if (i == 1 && step == 10)
                ck_assert_str_eq(e.key, "dtls.client_hello");
            if (i == 1 && step == 13)
                ck_assert_str_eq(e.key, "iq.configure.T1.reply");
        }
        for (unsigned k = 1; k <= 16; k++)
            ck_assert_uint_eq(seen[k], 1);
        trace_free(traces[i]);
    }
}
END_TEST

// Label and detail are copied, and cut at their bounds; key and clause are kept as they are.
START_TEST(texts_are_copied_and_bounded)
{
    static char label[5000], detail[100000];
    struct trace *t = trace_open("x", 10);
    struct trace_event e;
    unsigned step;

    memset(label, 'l', sizeof(label) - 1);
    memset(detail, 'd', sizeof(detail) - 1);
    trace_add(t,
              &(struct trace_event){.label = label, .detail = detail, .clause = "c", .key = "k"});
    label[0] = detail[0] = 'X';
    ck_assert(trace_at(t, 0, &e, &step));
    ck_assert_uint_eq(strlen(e.label), 240);
    ck_assert_int_eq(e.label[0], 'l');
    ck_assert_uint_eq(strlen(e.detail), 8192 + 6);
    ck_assert_int_eq(e.detail[0], 'd');
    ck_assert_str_eq(e.detail + 8192, "\n[...]");
    ck_assert_str_eq(e.clause, "c");
    trace_free(t);
}
END_TEST

// Beyond the bound events are counted, not kept.
// A SIP event keeps the message beside its detail, cut at its bound, through packing.
START_TEST(messages_are_kept_whole)
{
    struct trace *t = trace_open("t", 10);
    struct trace_event e;
    unsigned step;
    char *longer = malloc(10001);

    memset(longer, 'm', 10000);
    longer[10000] = '\0';
    trace_add(t, &(struct trace_event){.label = "INVITE", .message = "INVITE sip:a@b SIP/2.0\r\n"});
    trace_add(t, &(struct trace_event){.label = "BYE", .detail = "why", .message = longer});
    trace_add(t, &(struct trace_event){.label = "ACK", .detail = "v=0"});
    for (int packed = 0; packed < 2; packed++) {
        ck_assert(trace_at(t, 0, &e, &step));
        ck_assert_ptr_null(e.detail);
        ck_assert_str_eq(e.message, "INVITE sip:a@b SIP/2.0\r\n");
        ck_assert(trace_at(t, 1, &e, &step));
        ck_assert_str_eq(e.detail, "why");
        ck_assert_uint_eq(strlen(e.message), 8192 + strlen("\n[...]"));
        ck_assert_str_eq(e.message + 8192, "\n[...]");
        ck_assert(trace_at(t, 2, &e, &step));
        ck_assert_ptr_null(e.message);
        trace_settle(t);
    }
    free(longer);
    trace_free(t);
}
END_TEST

START_TEST(the_list_is_bounded)
{
    struct trace *t = trace_open("x", 3);
    uint64_t before = reason_total(REASON_TRACE_FULL);
    struct strbuf b = STRBUF_INIT;
    struct trace_event e;
    unsigned step;

    for (unsigned i = 0; i < 10; i++)
        add(t, i, NULL);
    ck_assert(trace_at(t, 2, &e, &step));
    ck_assert(!trace_at(t, 3, &e, &step));
    ck_assert_uint_eq(reason_total(REASON_TRACE_FULL), before + 7);
    trace_chart_text(t, &b);
    ck_assert_ptr_nonnull(strstr(b.text, "\n7 more events came after the trace was full.\n"));
    strbuf_free(&b);
    trace_free(t);
}
END_TEST

// No trace is a trace that takes everything and keeps nothing.
START_TEST(no_trace_is_allowed)
{
    struct trace_event e;
    unsigned step;

    trace_add(NULL, &(struct trace_event){.label = "x"});
    trace_set_figure(NULL, FIGURE_T38_ORIG);
    ck_assert(!trace_at(NULL, 0, &e, &step));
    trace_free(NULL);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// A typical call without its messages is small: thousands of sessions live at once.
START_TEST(a_typical_call_is_small)
{
    size_t before, used;
    struct trace *t;

    trace_free(orig(false)); // first use of the heap
    before = mallinfo2().uordblks;
    if (before == 0)
        return; // under valgrind, whose malloc() does not count here
    t = orig(false);
    used = mallinfo2().uordblks - before;
    ck_assert_uint_gt(used, 1000);
    ck_assert_uint_lt(used, 8192);
    trace_free(t);
}
END_TEST
#endif

int main(void)
{
    const TTest *const tests[] = {
        orig_as_text,
        orig_as_mermaid,
        term_as_text,
        term_as_mermaid,
        hostile_text_is_tamed,
        text_fits_the_terminal,
        empty_charts,
        events_are_in_time_order,
        a_step_is_matched_once,
        all_steps_are_found,
        texts_are_copied_and_bounded,
        messages_are_kept_whole,
        the_list_is_bounded,
        no_trace_is_allowed,
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        a_typical_call_is_small,
#endif
    };

    return SUITE_RUN("trace", tests);
}
