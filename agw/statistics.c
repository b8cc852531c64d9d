// SPDX-License-Identifier: GPL-3.0-or-later
// Addresses and (D)TLS facts come with notifications, counts from the worker's own counters, which
// are read as they stand: a stream that ends leaves its last count with the totals, so that sums
// never go back.
#include "agw/statistics.h"

#include <stdio.h>

static void learn_dtls(struct line *line, enum agw_dtls_state state, const char *text)
{
    line->dtls.state = state;
    snprintf(line->dtls.text, sizeof(line->dtls.text), "%s", text);
}

static void hello(struct line *line, const struct agw_notification *n)
{
    line->dtls.client = n->outbound;
    line->dtls.hello_us = n->time_us;
    if (line->dtls.state != AGW_DTLS_UP) // else the session in use goes on meanwhile
        learn_dtls(line, AGW_DTLS_HANDSHAKE, "");
}

static void handshake_over(struct line *line, const struct agw_notification *n, bool established,
                           struct agw_totals *totals)
{
    static const double bounds[] = AGW_HANDSHAKE_BOUNDS;
    uint64_t begun = line->dtls.hello_us;
    double seconds = n->time_us > begun ? (double)(n->time_us - begun) / 1e6 : 0;
    unsigned i = 0;
    totals->handshakes[line->dtls.client][established]++;
    line->dtls.hello_us = 0;
    if (!established || begun == 0)
        return;
    while (i < AGW_HANDSHAKE_BOUND_COUNT && seconds > bounds[i])
        i++;
    totals->handshake_times[i]++;
    totals->handshake_seconds += seconds;
}

static void add_carried(const struct line *line, const struct agw_stream_stats *carried,
                        struct agw_totals *totals)
{
    for (int t = AGW_T1; t <= AGW_T2; t++) {
        totals->packets[t][line->end[t].transport] += carried->packets[t];
        totals->bytes[t][line->end[t].transport] += carried->bytes[t];
    }
}

void statistics_learn(struct line *line, const struct agw_notification *n,
                      struct agw_totals *totals)
{
    switch (n->event) {
    case AGW_LATCHED:
    case AGW_TCP_CONNECTED:
        line->end[n->termination].latched = n->address;
        break;
    case AGW_CLIENT_HELLO:
        hello(line, n);
        break;
    case AGW_DTLS_ESTABLISHED:
        learn_dtls(line, AGW_DTLS_UP, n->text);
        handshake_over(line, n, true, totals);
        break;
    case AGW_DTLS_FAILURE:
        learn_dtls(line, AGW_DTLS_FAILED, reason_text(n->reason));
        handshake_over(line, n, false, totals);
        break;
    case AGW_STREAM_RELEASED:
        add_carried(line, &n->stats, totals);
        break;
    default:
        break;
    }
}

void statistics_read(const struct line *line, struct agw_statistics *out)
{
    *out = (struct agw_statistics){.carried = stream_carried(line->stream),
                                   .last_media_us = stream_last_media(line->stream),
                                   .dtls = line->dtls.state,
                                   .dtls_client = line->dtls.client};
    snprintf(out->dtls_text, sizeof(out->dtls_text), "%s", line->dtls.text);
    for (int t = AGW_T1; t <= AGW_T2; t++) {
        const struct line_end *end = &line->end[t];
        if (!end->ports)
            continue;
        out->transport[t] = end->transport;
        out->local[t] = *ports_local(end->ports);
        addr_set_port(&out->local[t], end->port);
        out->remote[t] = end->remote;
        out->latched[t] = end->latched;
    }
}

void statistics_add(const struct line *line, void *arg)
{
    struct agw_totals *totals = arg;
    struct agw_stream_stats carried = stream_carried(line->stream);
    totals->streams++;
    add_carried(line, &carried, totals);
}
