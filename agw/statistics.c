// SPDX-License-Identifier: GPL-3.0-or-later
// Addresses and (D)TLS facts come with notifications, counts from the worker's own counters.
#include "agw/statistics.h"

#include <stdio.h>

static void learn_dtls(struct line *line, enum agw_dtls_state state, const char *text)
{
    line->dtls.state = state;
    snprintf(line->dtls.text, sizeof(line->dtls.text), "%s", text);
}

void statistics_learn(struct line *line, const struct agw_notification *n)
{
    switch (n->event) {
    case AGW_LATCHED:
    case AGW_TCP_CONNECTED:
        line->end[n->termination].latched = n->address;
        break;
    case AGW_CLIENT_HELLO:
        line->dtls.client = n->outbound;
        if (line->dtls.state != AGW_DTLS_UP) // else the session in use goes on meanwhile
            learn_dtls(line, AGW_DTLS_HANDSHAKE, "");
        break;
    case AGW_DTLS_ESTABLISHED:
        learn_dtls(line, AGW_DTLS_UP, n->text);
        break;
    case AGW_DTLS_FAILURE:
        learn_dtls(line, AGW_DTLS_FAILED, reason_text(n->reason));
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
