// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UNIT_FAKE_AGW_H
#define TESTS_UNIT_FAKE_AGW_H
// An AGW that writes down what it is asked and answers with addresses and certificates one can
// foresee. The functions of agw.h are defined here: the linker never looks for the real ones.

#include "agw/agw.h"
#include "common/strbuf.h"

#include <string.h>

static struct strbuf asked;
static bool agw_is_full;
static unsigned ports_given;
static unsigned certificates_given;

// The key of the UE by its first letters, which scripts choose; ours is random.
static void put_sdes(const char *whose, const struct sdes_crypto *c)
{
    if (c->suite == SDES_NONE)
        return;
    strbuf_printf(&asked, " %s %u %s", whose, c->tag, sdes_suite_name(c->suite));
    if (strcmp(whose, "remote-key") == 0)
        strbuf_printf(&asked, " %.5s", (const char *)c->key);
}

static void put_request(const char *procedure, const struct agw_request *q)
{
    static const char *const latching[] = {"off", "first-packet", "after-dtls"};
    static const char *const modes[] = {"", " send-only", " receive-only", " inactive"};
    static const char *const setups[] = {" undecided", " server", " client", " hold"};
    char text[ADDR_STRLEN];
    strbuf_printf(&asked, "%s T%d stream %u %s", procedure, q->termination == AGW_T1 ? 1 : 2,
                  q->stream, agw_transport_name(q->transport));
    if (addr_is_set(&q->remote))
        strbuf_printf(&asked, " remote %s", addr_format(&q->remote, text));
    if (addr_is_set(&q->remote_rtcp))
        strbuf_printf(&asked, " rtcp %s", addr_format(&q->remote_rtcp, text));
    if (q->latching != LATCHING_OFF)
        strbuf_printf(&asked, " latching %s", latching[q->latching]);
    if (agw_transport_is_tcp(q->transport))
        strbuf_puts(&asked, setups[q->tcp_setup]);
    strbuf_puts(&asked, q->establish_tcp ? " connect" : "");
    strbuf_puts(&asked, q->tcp_trigger ? " trigger" : "");
    strbuf_puts(&asked, q->new_connection ? " new-connection" : "");
    strbuf_puts(&asked, q->notify_tcp_failure ? " notify-tcp-failure" : "");
    if (q->msrp_local)
        strbuf_printf(&asked, " local-path %s", q->msrp_local);
    if (q->msrp_remote)
        strbuf_printf(&asked, " remote-path %s", q->msrp_remote);
    strbuf_puts(&asked, modes[q->mode]);
    if (q->peak_rate_kbps)
        strbuf_printf(&asked, " rate %u", q->peak_rate_kbps);
    if (q->remote_fingerprints.count)
        strbuf_printf(&asked, " fingerprints %u", q->remote_fingerprints.count);
    strbuf_puts(&asked, q->local_fingerprint_request ? " local-fingerprint" : "");
    put_sdes("local-key", &q->local_sdes);
    put_sdes("remote-key", &q->remote_sdes);
    strbuf_puts(&asked, q->rtcp_mux ? " rtcp-mux" : "");
    strbuf_puts(&asked, q->establish_dtls ? " establish" : "");
    strbuf_puts(&asked, q->notify_dtls_failure ? " notify-failure" : "");
    strbuf_puts(&asked, q->new_association ? " new-association" : "");
    strbuf_puts(&asked, "\n");
}

static void give_fingerprint(struct fingerprints *list)
{
    struct fingerprint *fp = &list->list[list->count++];
    *fp = (struct fingerprint){.hash = "SHA-256", .len = 32};
    memset(fp->value, (int)++certificates_given, fp->len);
}

static enum reason give(const char *procedure, const struct agw_request *q, struct agw_reply *reply)
{
    put_request(procedure, q);
    if (agw_is_full)
        return REASON_AGW_NO_PORT;
    const char *host = q->termination == AGW_T1
                           ? q->family == AF_INET6 ? "2001:db8::1" : "192.0.2.1"
                       : q->family == AF_INET6 ? "2001:db8:c::1"
                                               : "198.51.100.1";
    uint16_t port = (uint16_t)((q->termination == AGW_T1 ? 10000 : 20000) + 2 * ports_given++);
    reply->context = 7;
    addr_parse(&reply->local, host, port);
    addr_parse(&reply->local_rtcp, host, (uint16_t)(port + 1));
    if (q->local_fingerprint_request)
        give_fingerprint(&reply->local_fingerprints);
    return REASON_NONE;
}

enum reason agw_reserve(struct agw *agw, const struct agw_request *q, struct agw_reply *reply)
{
    return give("reserve", q, reply);
}

enum reason agw_reserve_and_configure(struct agw *agw, const struct agw_request *q,
                                      struct agw_reply *reply)
{
    return give("reserve-and-configure", q, reply);
}

enum reason agw_configure(struct agw *agw, const struct agw_request *q)
{
    put_request("configure", q);
    return REASON_NONE;
}

void agw_release(struct agw *agw, uint32_t context, unsigned stream)
{
    if (stream)
        strbuf_printf(&asked, "release stream %u\n", stream);
    else
        strbuf_puts(&asked, "release\n");
}

enum reason agw_statistics(const struct agw *agw, uint32_t context, unsigned stream,
                           struct agw_statistics *out)
{
    return REASON_AGW_NO_CONTEXT;
}

unsigned agw_dtls_overhead(const struct agw *agw)
{
    return 37;
}

unsigned agw_tls_overhead(const struct agw *agw)
{
    return 29;
}

#endif
