// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UNIT_MADE_TRACE_H
#define TESTS_UNIT_MADE_TRACE_H
// Traces as an ALG would record them, and the comparison of their charts with files in
// tests/golden/chart; GOLDEN_WRITE=1 in the environment writes those anew, for eyes to judge.
#include "common/trace/trace.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- sessions, as an ALG would record them ----------------------------------------------

static uint64_t now;

static inline void sip(struct trace *t, enum trace_party from, enum trace_party to, const char *key,
                       const char *label, const char *message)
{
    now += 400;
    trace_add(t, &(struct trace_event){.time_us = now,
                                       .kind = TRACE_SIP,
                                       .from = from,
                                       .to = to,
                                       .key = key,
                                       .label = label,
                                       .detail = message,
                                       .message = message});
}

static inline void edit(struct trace *t, const char *label, const char *lines, const char *clause)
{
    trace_add(t, &(struct trace_event){now, TRACE_SDP_EDIT, PARTY_ALG, PARTY_ALG, NULL, label,
                                       lines, clause});
}

static inline void iq(struct trace *t, const char *const keys[3], const char *const labels[3],
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

static inline void happen(struct trace *t, uint64_t after_us, enum trace_kind kind,
                          enum trace_party from, enum trace_party to, const char *key,
                          const char *label, const char *detail, const char *clause)
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

static inline void orig_offer(struct trace *t, bool messages)
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

static inline void orig_answer(struct trace *t)
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

static inline void orig_media(struct trace *t)
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

static inline struct trace *orig(bool messages)
{
    struct trace *t = trace_open("Session 3f2a91", 200);

    ck_assert_ptr_nonnull(t);
    now = 1000000;
    trace_set_figure(t, FIGURE_T38_ORIG);
    orig_offer(t, messages);
    orig_answer(t);
    orig_media(t);
    return t;
}

static inline struct trace *term(void)
{
    struct trace *t = trace_open("Session 3f2a92", 200);

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

// What MSRP and BFCP have in common: TCP from both ends, TLS towards the UE.
static inline void tcp_bearer(struct trace *t, const char *media)
{
    happen(t, 800, TRACE_BEARER, PARTY_UE, PARTY_AGW, "tcp.connected.T1", "TCP SYN 192.0.2.10:4000",
           NULL, NULL);
    happen(t, 100, TRACE_BEARER, PARTY_AGW, PARTY_CORE, "tcp.connected.T2",
           "TCP SYN 203.0.113.20:4002", NULL, NULL);
    happen(t, 100, TRACE_BEARER, PARTY_UE, PARTY_AGW, "dtls.client_hello",
           "(D)TLS ClientHello 192.0.2.10:4000", NULL, NULL);
    happen(t, 900, TRACE_BEARER, PARTY_AGW, PARTY_UE, "dtls.established",
           "(D)TLS handshake complete", "server, TLS1.3, AES-128-GCM, SHA-256 56:D5.. matched",
           NULL);
    happen(t, 300, TRACE_MEDIA, PARTY_UE, PARTY_AGW, "media", media, NULL, NULL);
}

// An MSRP session from the UE.
static inline struct trace *msrp(void)
{
    struct trace *t = trace_open("Session 3f2a93", 200);

    ck_assert_ptr_nonnull(t);
    now = 7000000;
    trace_set_figure(t, FIGURE_MSRP_ORIG);
    sip(t, PARTY_UE, PARTY_ALG, "sip.offer.received", "INVITE (SDP offer)", NULL);
    iq(t, KEYS("reserve.T2"),
       LABELS("ADD.req (Reserve AGW Connection Point, T2)", "reserves 198.51.100.1:20006",
              "ADD.resp"),
       "Transport protocol: TCP\nTCP setup direction: not decided yet: listen\n\n"
       "Transaction=1 { Context=$ { Add=ip/core/$ } }",
       "Local Connection Address: 198.51.100.1:20006", "TS 23.334 8.3");
    edit(t, "edits SDP", "- m=message 4000 TCP/TLS/MSRP *\n+ m=message 20006 TCP/MSRP *",
         "TS 23.334 6.2.10.3.1");
    edit(t, "edits SDP",
         "- a=path:msrps://192.0.2.10:4000/u7;tcp\n+ a=path:msrp://198.51.100.1:20006/u7;tcp",
         "TS 23.334 5.11.2.2.2");
    sip(t, PARTY_ALG, PARTY_CORE, "sip.offer.sent", "INVITE (SDP offer)", NULL);
    sip(t, PARTY_CORE, PARTY_ALG, "sip.answer.received", "200 OK (SDP answer)", NULL);
    sip(t, PARTY_ALG, PARTY_UE, "sip.answer.sent", "200 OK (SDP answer)", NULL);
    tcp_bearer(t, "first media 192.0.2.10:4000");
    return t;
}

// A BFCP call towards the UE that fails: the UE shows another certificate than it promised.
static inline struct trace *bfcp(void)
{
    struct trace *t = trace_open("Session 3f2a94", 200);

    ck_assert_ptr_nonnull(t);
    now = 9000000;
    trace_set_figure(t, FIGURE_BFCP_TERM);
    sip(t, PARTY_CORE, PARTY_ALG, "sip.offer.received", "INVITE (SDP offer)", NULL);
    sip(t, PARTY_ALG, PARTY_UE, "sip.offer.sent", "INVITE (SDP offer)", NULL);
    sip(t, PARTY_UE, PARTY_ALG, "sip.answer.received", "200 OK (SDP answer)", NULL);
    sip(t, PARTY_ALG, PARTY_CORE, "sip.answer.sent", "200 OK (SDP answer)", NULL);
    happen(t, 800, TRACE_BEARER, PARTY_UE, PARTY_AGW, "tcp.connected.T1", "TCP SYN 192.0.2.10:4000",
           NULL, NULL);
    happen(t, 900, TRACE_IQ, PARTY_AGW, PARTY_ALG, "iq.notify",
           "NOTIFY ((D)TLS session establishment Failure: fingerprint mismatch)",
           "Stream: 1\n"
           "The certificate of the peer matches none of the fingerprints in its SDP\n\n"
           "Transaction=9 { Context=7 { Notify=* } }",
           "TS 23.334 5.11.2.2.1, RFC 8122 6.2");
    happen(t, 100, TRACE_DROP, PARTY_ALG, PARTY_ALG, "reason",
           "releases the session: fingerprint mismatch",
           "The certificate of the peer matches none of the fingerprints in its SDP",
           "TS 23.334 5.11.2.2.1, RFC 8122 6.2");
    sip(t, PARTY_ALG, PARTY_UE, NULL, "BYE", NULL);
    sip(t, PARTY_ALG, PARTY_CORE, NULL, "BYE", NULL);
    return t;
}

// What a peer can put into labels and details: ends of lines, control bytes, keywords, long words.
static inline struct trace *hostile(void)
{
    static char word[400];
    struct trace *t = trace_open("Session a;b#c\nend", 7);

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

// --- golden files ---------------------------------------------------------------------------

static inline char *read_file(const char *path)
{
    static char text[1 << 17];
    FILE *f = fopen(path, "r");
    size_t got;

    ck_assert_msg(f != NULL, "cannot open %s (run from the top folder)", path);
    got = fread(text, 1, sizeof(text) - 1, f);
    text[got] = '\0';
    fclose(f);
    return text;
}

static inline void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static inline void expect_golden(const struct trace *t,
                                 void (*print)(const struct trace *, struct strbuf *),
                                 const char *path)
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

#endif
