// SPDX-License-Identifier: GPL-3.0-or-later
// Request: recorded, carried out, what the AGW did recorded, reply recorded. A request the AGW
// refuses leaves the same three events with the reason in the reply, and is counted.
#include "alg/iq.h"

#include "alg/h248.h"
#include "common/clock.h"
#include "common/reason.h"

#include <stdlib.h>
#include <string.h>

enum procedure { RESERVE, CONFIGURE, RESERVE_AND_CONFIGURE };

struct procedure_text {
    const char *label;
    const char *reply_label;
    enum h248_command command;
    const char *keys[2][3]; // [termination] request, action, reply
};

#define KEYS(name)                                                                                 \
    {                                                                                              \
        {"iq." name ".T1.request", "iq." name ".T1.action", "iq." name ".T1.reply"},               \
        {                                                                                          \
            "iq." name ".T2.request", "iq." name ".T2.action", "iq." name ".T2.reply"              \
        }                                                                                          \
    }

static const struct procedure_text texts[] = {
    [RESERVE] = {"ADD.req (Reserve AGW Connection Point, T%d)", "ADD.resp", H248_ADD,
                 KEYS("reserve")},
    [CONFIGURE] = {"MOD.req (Configure AGW Connection Point, T%d)", "MOD.resp", H248_MODIFY,
                   KEYS("configure")},
    [RESERVE_AND_CONFIGURE] = {"ADD.req (Reserve and Configure AGW Connection Point, T%d)",
                               "ADD.resp", H248_ADD, KEYS("reserve_configure")},
};

static void tell(struct iq *iq, const struct trace_event *event)
{
    trace_add(iq->trace, event);
    tap_event(iq->tap, iq->call_id, event);
}

static void record(struct iq *iq, enum trace_kind kind, enum trace_party from, enum trace_party to,
                   const char *key, const char *label, struct strbuf *detail, const char *clause)
{
    char *text = detail ? strbuf_take(detail) : NULL;
    tell(iq, &(struct trace_event){.time_us = clock_now_us(),
                                   .kind = kind,
                                   .from = from,
                                   .to = to,
                                   .key = key,
                                   .label = label,
                                   .detail = text,
                                   .clause = clause});
    free(text);
}

static const char *latching_element(enum latching latching)
{
    static const char *const names[] = {"off", "first-packet", "after-dtls"};
    return names[latching];
}

static void put_setup_direction(struct strbuf *out, const struct agw_request *q)
{
    static const char *const names[] = {[AGW_TCP_UNDECIDED] = "not decided yet: listen",
                                        [AGW_TCP_SERVER] = "AGW is TCP server",
                                        [AGW_TCP_CLIENT] = "AGW is TCP client",
                                        [AGW_TCP_HOLD] = "no connection for now"};
    if (agw_transport_is_tcp(q->transport))
        strbuf_cat(out, "TCP setup direction: ", names[q->tcp_setup], "\n");
    if (q->msrp_local)
        strbuf_cat(out, "MSRP path of the AGW: ", q->msrp_local, "\n");
    if (q->msrp_remote)
        strbuf_cat(out, "MSRP path of the endpoint: ", q->msrp_remote, "\n");
}

// The key itself is nobody's business (REQ-112).
static void put_sdes(struct strbuf *out, const char *whose, const struct sdes_crypto *crypto)
{
    if (crypto->suite != SDES_NONE)
        strbuf_cat(out, whose, " cryptographic SDES attribute: tag ", strbuf_number(crypto->tag),
                   ", ", sdes_suite_name(crypto->suite), ", key present\n");
}

static void put_elements(struct strbuf *out, const struct agw_request *q, enum procedure procedure)
{
    char text[FINGERPRINT_STRLEN];
    strbuf_cat(out, "Stream: ", strbuf_number(q->stream),
               "\nTransport protocol: ", agw_transport_name(q->transport), "\n");
    if (procedure != CONFIGURE)
        strbuf_cat(out, "IP Realm Identifier: ", q->termination == AGW_T1 ? "access" : "core",
                   "\nLocal Connection Address Request\n");
    put_setup_direction(out, q);
    if (q->rtcp)
        strbuf_cat(out, "RTCP handling: ", q->rtcp_mux ? "on the port of RTP" : "on its own port",
                   "\n");
    put_sdes(out, "Local", &q->local_sdes);
    put_sdes(out, "Remote", &q->remote_sdes);
    if (addr_is_set(&q->remote))
        strbuf_cat(out, "Remote Connection Address: ", addr_format(&q->remote, text), "\n");
    if (q->latching != LATCHING_OFF)
        strbuf_cat(out, "Latching Requirement: ", latching_element(q->latching), "\n");
    if (q->peak_rate_kbps)
        strbuf_cat(out, "Peak Data Rate: ", strbuf_number(q->peak_rate_kbps), " kbit/s\n");
    for (unsigned i = 0; i < q->remote_fingerprints.count; i++)
        strbuf_cat(out, "Remote certificate fingerprint: ",
                   fingerprint_format(&q->remote_fingerprints.list[i], text), "\n");
    if (q->local_fingerprint_request)
        strbuf_puts(out, "Local certificate fingerprint Request\n");
    if (q->establish_tcp)
        strbuf_puts(out, "Establish TCP connection\n");
    if (q->tcp_trigger)
        strbuf_puts(out, "Incoming TCP connection request as trigger\n");
    if (q->notify_tcp_failure)
        strbuf_puts(out, "Notify TCP connection establishment Failure Event\n");
    if (q->establish_dtls)
        strbuf_puts(out, "Establish (D)TLS session\n");
    if (q->notify_dtls_failure)
        strbuf_puts(out, "Notify (D)TLS session establishment Failure Event\n");
}

// --- one procedure in three events --------------------------------------------------------------

enum part { REQUEST, ACTION, REPLY };

// An event of a procedure with what its texts are made from: they are seldom read.
struct procedure_event {
    struct trace_late late;
    enum part part;
    enum procedure procedure;
    unsigned transaction;
    struct agw_request request; // without keys
    struct agw_reply reply;
    bool has_reply;
    enum reason reason;
    char *msrp_local, *msrp_remote;
    struct strbuf text; // label, zero, detail
};

static void put_request(struct procedure_event *e)
{
    char label[80];
    snprintf(label, sizeof(label), texts[e->procedure].label,
             e->request.termination == AGW_T1 ? 1 : 2);
    strbuf_add(&e->text, label, strlen(label) + 1);
    put_elements(&e->text, &e->request, e->procedure);
    h248_request(&e->text, e->transaction, texts[e->procedure].command, &e->request);
}

static void put_action(struct procedure_event *e)
{
    const struct agw_request *q = &e->request;
    const char *keys = q->remote_sdes.suite != SDES_NONE ? ", takes the keys" : "";
    char local[ADDR_STRLEN];
    if (e->reason != REASON_NONE)
        strbuf_cat(&e->text, "cannot: ", reason_text(e->reason));
    else if (e->procedure == CONFIGURE)
        strbuf_cat(&e->text, "configures ", q->termination == AGW_T1 ? "T1" : "T2",
                   q->remote_fingerprints.count ? ", binds the fingerprint to the stream" : "",
                   keys);
    else
        strbuf_cat(&e->text, "reserves ", addr_format(&e->reply.local, local),
                   q->local_fingerprint_request ? ", selects a certificate for the stream" : "",
                   keys);
    strbuf_add(&e->text, "", 1);
}

static void put_reply(struct procedure_event *e)
{
    const struct procedure_text *names = &texts[e->procedure];
    const struct agw_reply *reply = e->has_reply ? &e->reply : NULL;
    char text[FINGERPRINT_STRLEN];
    strbuf_add(&e->text, names->reply_label, strlen(names->reply_label) + 1);
    if (e->reason != REASON_NONE) {
        strbuf_cat(&e->text, "refused: ", reason_label(e->reason), "\n");
    } else if (reply) {
        strbuf_cat(&e->text, "Local Connection Address: ", addr_format(&reply->local, text), "\n");
        for (unsigned i = 0; i < reply->local_fingerprints.count; i++)
            strbuf_cat(&e->text, "Local certificate fingerprint: ",
                       fingerprint_format(&reply->local_fingerprints.list[i], text), "\n");
    }
    h248_reply(&e->text, e->transaction, names->command, &e->request, reply, e->reason);
}

static void event_write(struct trace_late *late, struct trace_event *event)
{
    static void (*const put[])(struct procedure_event * e) = {
        [REQUEST] = put_request, [ACTION] = put_action, [REPLY] = put_reply};
    static const char *const clauses[] = {[RESERVE] = "TS 23.334 8.3",
                                          [CONFIGURE] = "TS 23.334 8.4",
                                          [RESERVE_AND_CONFIGURE] = "TS 23.334 8.2"};
    struct procedure_event *e = (struct procedure_event *)late;
    put[e->part](e);
    if (e->text.failed)
        return;
    event->label = e->text.text;
    event->detail = e->part == ACTION ? NULL : e->text.text + strlen(e->text.text) + 1;
    event->clause = e->part == REQUEST ? clauses[e->procedure] : NULL;
}

static void event_drop(struct trace_late *late)
{
    struct procedure_event *e = (struct procedure_event *)late;
    strbuf_free(&e->text);
    free(e->msrp_local);
    free(e->msrp_remote);
    free(e);
}

// A key is nothing to keep.
static void keep_request(struct procedure_event *e, const struct agw_request *q)
{
    e->request = *q;
    e->request.local_sdes =
        (struct sdes_crypto){.suite = q->local_sdes.suite, .tag = q->local_sdes.tag};
    e->request.remote_sdes =
        (struct sdes_crypto){.suite = q->remote_sdes.suite, .tag = q->remote_sdes.tag};
    e->request.msrp_local = e->msrp_local = q->msrp_local ? strdup(q->msrp_local) : NULL;
    e->request.msrp_remote = e->msrp_remote = q->msrp_remote ? strdup(q->msrp_remote) : NULL;
}

// Without memory the event is missing.
static void record_part(struct iq *iq, enum part part, enum procedure procedure,
                        const struct agw_request *q, const struct agw_reply *reply,
                        enum reason reason)
{
    struct procedure_event *e = iq->trace || iq->tap ? calloc(1, sizeof(*e)) : NULL;
    if (!e)
        return;
    e->late = (struct trace_late){event_write, event_drop};
    e->part = part;
    e->procedure = procedure;
    e->transaction = iq->transaction;
    e->has_reply = reply != NULL;
    if (reply)
        e->reply = *reply;
    e->reason = reason;
    keep_request(e, q);
    struct trace_event event = {
        .time_us = clock_now_us(),
        .kind = part == ACTION ? TRACE_ACTION : TRACE_IQ,
        .from = part == REQUEST ? PARTY_ALG : PARTY_AGW,
        .to = part == REPLY ? PARTY_ALG : PARTY_AGW,
        .key = texts[procedure].keys[q->termination][part],
    };
    if (!iq->tap) {
        trace_add_late(iq->trace, &event, &e->late);
        return;
    }
    event_write(&e->late, &event);
    tell(iq, &event);
    event_drop(&e->late);
}

static enum reason run(struct iq *iq, enum procedure procedure, struct agw_request *request,
                       struct agw_reply *reply)
{
    request->context = iq->context;
    iq->transaction++;
    record_part(iq, REQUEST, procedure, request, NULL, REASON_NONE);
    enum reason reason = procedure == RESERVE ? agw_reserve(iq->agw, request, reply)
                         : procedure == CONFIGURE
                             ? agw_configure(iq->agw, request)
                             : agw_reserve_and_configure(iq->agw, request, reply);
    if (reason == REASON_NONE && reply)
        iq->context = reply->context;
    if (reason != REASON_NONE)
        reason_count(reason);
    record_part(iq, ACTION, procedure, request, reply, reason);
    record_part(iq, REPLY, procedure, request, reply, reason);
    return reason;
}

enum reason iq_reserve(struct iq *iq, struct agw_request *request, struct agw_reply *reply)
{
    return run(iq, RESERVE, request, reply);
}

enum reason iq_configure(struct iq *iq, struct agw_request *request)
{
    return run(iq, CONFIGURE, request, NULL);
}

enum reason iq_reserve_and_configure(struct iq *iq, struct agw_request *request,
                                     struct agw_reply *reply)
{
    return run(iq, RESERVE_AND_CONFIGURE, request, reply);
}

void iq_release(struct iq *iq, unsigned stream)
{
    if (!iq->context)
        return;
    iq->transaction++;
    struct strbuf detail = STRBUF_INIT;
    if (stream)
        strbuf_printf(&detail, "Stream: %u\n", stream);
    strbuf_printf(&detail, "\nTransaction=%u { Context=%u { Subtract=* } }\n", iq->transaction,
                  iq->context);
    record(iq, TRACE_IQ, PARTY_ALG, PARTY_AGW, "iq.release", "SUB.req (Release AGW Termination)",
           &detail, "TS 23.334 8.5");
    agw_release(iq->agw, iq->context, stream);
}

// --- notifications --------------------------------------------------------------------------

static enum trace_party peer_of(const struct agw_notification *n)
{
    return n->termination == AGW_T1 ? PARTY_UE : PARTY_CORE;
}

static void record_procedure(struct iq *iq, const struct agw_notification *n)
{
    static const char *const labels[] = {
        [AGW_DTLS_FAILURE] = "NOTIFY ((D)TLS session establishment Failure: %s)",
        [AGW_TCP_FAILURE] = "NOTIFY (TCP connection establishment Failure: %s)",
        [AGW_BEARER_RELEASED] = "NOTIFY (IP Bearer Released: %s)",
        [AGW_MEDIA_INACTIVE] = "NOTIFY (Media Inactivity: %s)",
    };
    struct strbuf detail = STRBUF_INIT;
    strbuf_printf(&detail, "Stream: %u\n%s\n", n->stream, reason_text(n->reason));
    if (n->text[0])
        strbuf_printf(&detail, "%s\n", n->text);
    h248_notify(&detail, ++iq->transaction, n);
    char label[128];
    snprintf(label, sizeof(label), labels[n->event], reason_label(n->reason));
    char *text = strbuf_take(&detail);
    tell(iq, &(struct trace_event){.time_us = n->time_us,
                                   .kind = TRACE_IQ,
                                   .from = PARTY_AGW,
                                   .to = PARTY_ALG,
                                   .key = "iq.notify",
                                   .label = label,
                                   .detail = text,
                                   .clause = reason_clause(n->reason)});
    free(text);
}

struct milestone {
    enum trace_kind kind;
    const char *key;
    const char *label;
    enum { PEER_TO_AGW, AGW_TO_PEER, AT_AGW } arrow;
};

static struct milestone milestone(const struct agw_notification *n)
{
    switch (n->event) {
    case AGW_TCP_CONNECTED:
        return (struct milestone){
            TRACE_BEARER, n->termination == AGW_T1 ? "tcp.connected.T1" : "tcp.connected.T2",
            "TCP SYN", n->outbound ? AGW_TO_PEER : PEER_TO_AGW};
    case AGW_CLIENT_HELLO:
        return (struct milestone){TRACE_BEARER, "dtls.client_hello", "(D)TLS ClientHello",
                                  n->outbound ? AGW_TO_PEER : PEER_TO_AGW};
    case AGW_DTLS_ESTABLISHED:
        return (struct milestone){TRACE_BEARER, "dtls.established", "(D)TLS handshake complete",
                                  AGW_TO_PEER};
    case AGW_LATCHED:
        return (struct milestone){TRACE_ACTION, "latched", "latches onto", AT_AGW};
    case AGW_FIRST_MEDIA:
        return (struct milestone){TRACE_MEDIA, "media", "first media", PEER_TO_AGW};
    case AGW_MEDIA_AGAIN:
        return (struct milestone){TRACE_NOTE, "media.again", "media flow again", AT_AGW};
    case AGW_DROPPED:
        return (struct milestone){TRACE_DROP, "drop", reason_label(n->reason), PEER_TO_AGW};
    default:
        return (struct milestone){TRACE_NOTE, "iq.released", "stream released", AT_AGW};
    }
}

static void put_milestone_detail(struct strbuf *out, const struct agw_notification *n)
{
    if (n->event == AGW_DROPPED)
        strbuf_printf(out, "%s\n", reason_text(n->reason));
    if (n->event == AGW_STREAM_RELEASED)
        strbuf_printf(out,
                      "stream %u: from UE %llu datagrams (%llu bytes), from core %llu datagrams "
                      "(%llu bytes), dropped %llu\n",
                      n->stream, (unsigned long long)n->stats.packets[AGW_T1],
                      (unsigned long long)n->stats.bytes[AGW_T1],
                      (unsigned long long)n->stats.packets[AGW_T2],
                      (unsigned long long)n->stats.bytes[AGW_T2],
                      (unsigned long long)n->stats.drops);
    if (n->text[0])
        strbuf_printf(out, "%s\n", n->text);
}

static void record_milestone(struct iq *iq, const struct agw_notification *n)
{
    struct milestone m = milestone(n);
    char label[128], address[ADDR_STRLEN];
    if (addr_is_set(&n->address))
        snprintf(label, sizeof(label), "%s %s", m.label, addr_format(&n->address, address));
    else
        snprintf(label, sizeof(label), "%s", m.label);
    struct strbuf detail = STRBUF_INIT;
    put_milestone_detail(&detail, n);
    char *text = strbuf_take(&detail);
    tell(iq, &(struct trace_event){.time_us = n->time_us,
                                   .kind = m.kind,
                                   .from = m.arrow == PEER_TO_AGW ? peer_of(n) : PARTY_AGW,
                                   .to = m.arrow == AGW_TO_PEER ? peer_of(n) : PARTY_AGW,
                                   .key = m.key,
                                   .label = label,
                                   .detail = text,
                                   .passing = n->event != AGW_STREAM_RELEASED,
                                   .clause =
                                       n->event == AGW_DROPPED ? reason_clause(n->reason) : NULL});
    free(text);
}

void iq_notification(struct iq *iq, const struct agw_notification *n)
{
    if (agw_event_is_procedure(n->event))
        record_procedure(iq, n);
    else
        record_milestone(iq, n);
}
