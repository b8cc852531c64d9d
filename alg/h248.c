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
    if (context)
        strbuf_printf(out, "Context=%u", context);
    else
        strbuf_puts(out, "Context=$");
}

static void put_descriptor(struct strbuf *out, const char *name, const struct agw_request *request,
                           const struct addr *address)
{
    char host[ADDR_STRLEN];
    int family = address && addr_is_set(address) ? addr_family(address) : request->family;
    strbuf_printf(out, "    %s { v=0\n            c=IN %s %s\n            m=- ", name,
                  family == AF_INET6 ? "IP6" : "IP4",
                  address && addr_is_set(address) ? addr_host(address, host) : "$");
    if (address && addr_is_set(address))
        strbuf_printf(out, "%u", addr_port(address));
    else
        strbuf_puts(out, "$");
    strbuf_printf(out, " %s -\n", agw_transport_name(request->transport));
}

// The TCP setup direction travels as a=setup of the local descriptor.
static void put_setup(struct strbuf *out, const struct agw_request *request)
{
    static const char *const names[] = {[AGW_TCP_UNDECIDED] = "actpass",
                                        [AGW_TCP_SERVER] = "passive",
                                        [AGW_TCP_CLIENT] = "active",
                                        [AGW_TCP_HOLD] = "holdconn"};
    if (agw_transport_is_tcp(request->transport))
        strbuf_printf(out, "            a=setup:%s\n", names[request->tcp_setup]);
}

static void put_fingerprints(struct strbuf *out, const struct fingerprints *list)
{
    char text[FINGERPRINT_STRLEN];
    for (unsigned i = 0; i < list->count; i++)
        strbuf_printf(out, "            a=fingerprint:%s\n",
                      fingerprint_format(&list->list[i], text));
}

static void put_sdes(struct strbuf *out, const struct sdes_crypto *crypto)
{
    if (crypto->suite != SDES_NONE)
        strbuf_printf(out, "            a=crypto:%u %s inline:(present)\n", crypto->tag,
                      sdes_suite_name(crypto->suite));
}

static void put_events(struct strbuf *out, const struct agw_request *request)
{
    if (request->notify_dtls_failure)
        strbuf_printf(out, "  Events=1 { tlsbsc/BNCChange { stream=%u } }\n", request->stream);
    if (request->inactivity_s)
        strbuf_printf(out, "  Events=2 { adid/ipstop { dt=%u } }\n", request->inactivity_s);
    if (request->notify_tcp_failure)
        strbuf_printf(out, "  Events=3 { tcpbcc/BNCChange { stream=%u } }\n", request->stream);
    if (request->establish_tcp)
        strbuf_printf(out, "  Signals { tcpbcc/EstBNC { stream=%u } }\n", request->stream);
    if (request->tcp_trigger)
        strbuf_printf(out, "  Signals { seplink/link { stream=%u } }\n", request->stream);
    if (request->latching != LATCHING_OFF)
        strbuf_printf(out, "  Signals { ipnapt/latch { napt=%s } }\n",
                      request->relatch ? "RELATCH" : "LATCH");
    if (request->establish_dtls)
        strbuf_printf(out, "  Signals { tlsbsc/EstBNC { stream=%u } }\n", request->stream);
}

void h248_request(struct strbuf *out, unsigned transaction, enum h248_command command,
                  const struct agw_request *request)
{
    strbuf_printf(out, "\nTransaction=%u { ", transaction);
    put_context(out, request->context);
    strbuf_printf(out, " { %s=ip/%s/%s {\n", command_name(command), realm(request->termination),
                  command == H248_ADD ? "$" : realm(request->termination));
    strbuf_printf(out, "  Media { Stream=%u {\n    LocalControl { Mode=%s, ipdc/realm=\"%s\"",
                  request->stream, mode_name(request->mode), realm(request->termination));
    if (request->peak_rate_kbps)
        strbuf_printf(out, ", tman/pol=ON, tman/pdr=%u", request->peak_rate_kbps * 125);
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
    strbuf_puts(out, "} } }\n");
}

void h248_reply(struct strbuf *out, unsigned transaction, enum h248_command command,
                const struct agw_request *request, const struct agw_reply *reply,
                enum reason reason)
{
    strbuf_printf(out, "\nReply=%u { ", transaction);
    put_context(out, reply ? reply->context : request->context);
    if (reason != REASON_NONE) {
        strbuf_printf(out, " { Error=510 { \"%s\" } } }\n", reason_text(reason));
        return;
    }
    strbuf_printf(out, " { %s=ip/%s/%u", command_name(command), realm(request->termination),
                  request->stream);
    if (!reply) {
        strbuf_puts(out, " } }\n");
        return;
    }
    strbuf_printf(out, " {\n  Media { Stream=%u {\n", request->stream);
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
