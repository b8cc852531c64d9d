// SPDX-License-Identifier: GPL-3.0-or-later
// Each function prints one message in the text encoding of H.248 as media gateways log it. Running
// out of memory is remembered by the buffer.
#include "alg/h248.h"

static const char *command_name(enum h248_command command)
{
    return command == H248_ADD ? "Add" : "Modify";
}

static const char *realm(enum agw_termination t)
{
    return t == AGW_T1 ? "access" : "core";
}

static const char *mode_name(enum agw_mode mode)
{
    static const char *const names[] = {"SendReceive", "SendOnly", "ReceiveOnly", "Inactive"};
    return names[mode];
}

static void put_context(struct strbuf *out, uint32_t context)
{
    strbuf_cat(out, "Context=", context ? strbuf_number(context) : "$");
}

static void put_descriptor(struct strbuf *out, const char *name, const struct agw_request *request,
                           const struct addr *address)
{
    char host[ADDR_STRLEN];
    bool known = address && addr_is_set(address);
    int family = known ? addr_family(address) : request->family;
    strbuf_cat(out, "    ", name, " { v=0\n            c=IN ", family == AF_INET6 ? "IP6 " : "IP4 ",
               known ? addr_host(address, host) : "$", "\n            m=- ",
               known ? strbuf_number(addr_port(address)) : "$", " ",
               agw_transport_name(request->transport), " -\n");
}

// The TCP setup direction travels as a=setup of the local descriptor.
static void put_setup(struct strbuf *out, const struct agw_request *request)
{
    static const char *const names[] = {[AGW_TCP_UNDECIDED] = "actpass",
                                        [AGW_TCP_SERVER] = "passive",
                                        [AGW_TCP_CLIENT] = "active",
                                        [AGW_TCP_HOLD] = "holdconn"};
    if (agw_transport_is_tcp(request->transport))
        strbuf_cat(out, "            a=setup:", names[request->tcp_setup], "\n");
}

static void put_fingerprints(struct strbuf *out, const struct fingerprints *list)
{
    char text[FINGERPRINT_STRLEN];
    for (unsigned i = 0; i < list->count; i++)
        strbuf_cat(out, "            a=fingerprint:", fingerprint_format(&list->list[i], text),
                   "\n");
}

static void put_sdes(struct strbuf *out, const struct sdes_crypto *crypto)
{
    if (crypto->suite != SDES_NONE)
        strbuf_cat(out, "            a=crypto:", strbuf_number(crypto->tag), " ",
                   sdes_suite_name(crypto->suite), " inline:(present)\n");
}

// The members of one descriptor: a comma stands between them, and nothing is printed for none.
struct members {
    struct strbuf *out;
    const char *begin, *end;
    bool any;
};

static void put_member(struct members *m, const char *name, const char *parameter,
                       const char *value)
{
    strbuf_cat(m->out, m->any ? ", " : m->begin, name, " { ", parameter, "=", value, " }");
    m->any = true;
}

static void end_members(const struct members *m)
{
    if (m->any)
        strbuf_puts(m->out, m->end);
}

static void put_events(struct strbuf *out, const struct agw_request *request)
{
    const char *stream = strbuf_number(request->stream);
    struct members events = {out, "  Events=1 { ", " }\n", false};
    if (request->notify_dtls_failure)
        put_member(&events, "tlsbsc/BNCChange", "stream", stream);
    if (request->inactivity_s)
        put_member(&events, "adid/ipstop", "dt", strbuf_number(request->inactivity_s));
    if (request->notify_tcp_failure)
        put_member(&events, "tcpbcc/BNCChange", "stream", stream);
    end_members(&events);
}

static void put_signals(struct strbuf *out, const struct agw_request *request)
{
    const char *stream = strbuf_number(request->stream);
    struct members signals = {out, "  Signals { ", " }\n", false};
    if (request->establish_tcp)
        put_member(&signals, "tcpbcc/EstBNC", "stream", stream);
    if (request->tcp_trigger)
        put_member(&signals, "seplink/link", "stream", stream);
    if (request->latching != LATCHING_OFF)
        put_member(&signals, "ipnapt/latch", "napt", request->relatch ? "RELATCH" : "LATCH");
    if (request->establish_dtls)
        put_member(&signals, "tlsbsc/EstBNC", "stream", stream);
    end_members(&signals);
}

void h248_request(struct strbuf *out, unsigned transaction, enum h248_command command,
                  const struct agw_request *request)
{
    const char *side = realm(request->termination);
    strbuf_cat(out, "\nTransaction=", strbuf_number(transaction), " { ");
    put_context(out, request->context);
    strbuf_cat(
        out, " { ", command_name(command), "=ip/", side, "/", command == H248_ADD ? "$" : side,
        " {\n  Media { Stream=", strbuf_number(request->stream),
        " {\n    LocalControl { Mode=", mode_name(request->mode), ", ipdc/realm=\"", side, "\"");
    if (request->peak_rate_kbps)
        strbuf_cat(out, ", tman/pol=ON, tman/pdr=", strbuf_number(request->peak_rate_kbps * 125));
    strbuf_puts(out, " }\n");
    if (command == H248_ADD) {
        put_descriptor(out, "Local", request, NULL);
        put_setup(out, request);
        if (request->local_fingerprint_request)
            strbuf_puts(out, "            a=fingerprint:SHA-256 $\n");
        put_sdes(out, &request->local_sdes);
        strbuf_puts(out, "    }\n");
    }
    if (command == H248_MODIFY && request->local_sdes.suite != SDES_NONE) {
        put_descriptor(out, "Local", request, NULL);
        put_sdes(out, &request->local_sdes);
        strbuf_puts(out, "    }\n");
    }
    if (addr_is_set(&request->remote) || request->remote_fingerprints.count ||
        request->remote_sdes.suite != SDES_NONE) {
        put_descriptor(out, "Remote", request, &request->remote);
        put_fingerprints(out, &request->remote_fingerprints);
        put_sdes(out, &request->remote_sdes);
        strbuf_puts(out, "    }\n");
    }
    strbuf_puts(out, "  } }\n");
    put_events(out, request);
    put_signals(out, request);
    strbuf_puts(out, "} } }\n");
}

void h248_reply(struct strbuf *out, unsigned transaction, enum h248_command command,
                const struct agw_request *request, const struct agw_reply *reply,
                enum reason reason)
{
    strbuf_cat(out, "\nReply=", strbuf_number(transaction), " { ");
    put_context(out, reply ? reply->context : request->context);
    if (reason != REASON_NONE) {
        strbuf_cat(out, " { Error=510 { \"", reason_text(reason), "\" } } }\n");
        return;
    }
    strbuf_cat(out, " { ", command_name(command), "=ip/", realm(request->termination), "/",
               strbuf_number(request->stream));
    if (!reply) {
        strbuf_puts(out, " } }\n");
        return;
    }
    strbuf_cat(out, " {\n  Media { Stream=", strbuf_number(request->stream), " {\n");
    put_descriptor(out, "Local", request, &reply->local);
    put_fingerprints(out, &reply->local_fingerprints);
    strbuf_puts(out, "    }\n  } } } } }\n");
}

void h248_notify(struct strbuf *out, unsigned transaction,
                 const struct agw_notification *notification)
{
    static const char *const events[] = {
        [AGW_DTLS_FAILURE] = "tlsbsc/BNCChange { stream=%u, type=Failed }",
        [AGW_TCP_FAILURE] = "tcpbcc/BNCChange { stream=%u, type=Failed }",
        [AGW_BEARER_RELEASED] = "g/cause { stream=%u, generalcause=\"NR\" }",
        [AGW_MEDIA_INACTIVE] = "adid/ipstop { stream=%u }",
    };
    strbuf_printf(out, "\nTransaction=%u { Context=%u { Notify=ip/%s/%u {\n  ObservedEvents=1 { ",
                  transaction, notification->context, realm(notification->termination),
                  notification->stream);
    char text[96];
    if (notification->event <= AGW_MEDIA_INACTIVE) {
        snprintf(text, sizeof(text), events[notification->event], notification->stream);
        strbuf_puts(out, text);
    }
    strbuf_puts(out, " } } } }\n");
}
