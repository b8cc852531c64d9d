// SPDX-License-Identifier: GPL-3.0-or-later
// Each event becomes a record in the ring of the worker, which publishes the ring at the end of its
// turn. The local address of a socket is asked for once.
//
// Failures: a full ring; the record is lost and counted, media go on.
#include "agw/sniffer.h"

#include "common/capture/ring.h"

#include <stdlib.h>

struct sniffer {
    struct ring *ring;
    bool plaintext;
    bool keys;
    struct addr local[2][2]; // of datagram sockets, per termination: media, RTCP; set when known
};

struct sniffer *sniffer_open(const struct media *media)
{
    struct sniffer *s = media->ring ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    s->ring = media->ring;
    s->plaintext = media->cfg->capture.plaintext;
    s->keys = media->cfg->capture.keys;
    return s;
}

void sniffer_close(struct sniffer *s)
{
    free(s);
}

// --- recording ----------------------------------------------------------------------------------

static struct record record_of(const struct stream *s, enum record_kind kind,
                               enum agw_termination termination, bool out)
{
    return (struct record){.kind = kind,
                           .time_us = s->media->now_us,
                           .context = s->context,
                           .stream = (uint16_t)s->number,
                           .side = termination == AGW_T2,
                           .out = out};
}

static void put(const struct stream *s, struct record *r, const struct addr *local,
                const struct addr *peer, const void *data, size_t len)
{
    if (addr_family(local) != addr_family(peer))
        return;
    r->from = r->out ? *local : *peer;
    r->to = r->out ? *peer : *local;
    r->data = data;
    r->len = (uint32_t)len;
    ring_put(s->sniffer->ring, r);
}

// --- datagrams ----------------------------------------------------------------------------------

static const struct addr *local_of(const struct point *p)
{
    struct addr *local = &p->stream->sniffer->local[p->termination][p->rtcp];
    if (addr_is_set(local))
        return local;
    local->len = sizeof local->v6;
    if (getsockname(p->fd, &local->sa, &local->len) < 0)
        local->len = 0;
    return local;
}

static bool is_protected(const struct point *p)
{
    return p->bearer || p->savp;
}

void sniffer_take_datagram(const struct point *p, bool out, const struct addr *peer,
                           const void *data, size_t len)
{
    struct record r = record_of(p->stream, RECORD_DATAGRAM, p->termination, out);
    if (is_protected(p) || p->stream->sniffer->plaintext)
        put(p->stream, &r, local_of(p), peer, data, len);
}

void sniffer_take_media(const struct point *from, bool rtcp, const void *data, size_t len)
{
    const struct stream *s = from->stream;
    const struct point *p = from->termination == AGW_T1 ? from : from->other;
    struct record r = record_of(s, RECORD_PLAIN, AGW_T1, p != from);
    if (!is_protected(p) || !s->sniffer->plaintext)
        return;
    r.protocol = p->bearer ? PROTOCOL_UDPTL : rtcp ? PROTOCOL_RTCP : PROTOCOL_RTP;
    put(s, &r, local_of(p), &p->remote, data, len);
}

// --- connections --------------------------------------------------------------------------------

static void take(const struct tcp_point *p, struct record *r, const void *data, size_t len)
{
    put(relay_stream(p->relay), r, &p->local, &p->peer, data, len);
}

static bool is_wanted(const struct tcp_point *p)
{
    return p->secured || relay_stream(p->relay)->sniffer->plaintext;
}

// A record has at most half of a ring: what one read gives is far below.
void sniffer_take_bytes(const struct tcp_point *p, bool out, const void *data, size_t len)
{
    struct record r = record_of(relay_stream(p->relay), RECORD_BYTES, p->termination, out);
    if (is_wanted(p))
        take(p, &r, data, len);
}

void sniffer_take_plain(const struct tcp_point *p, bool out, const void *data, size_t len)
{
    const struct stream *s = relay_stream(p->relay);
    struct record r = record_of(s, RECORD_PLAIN, p->termination, out);
    r.tcp = true;
    r.protocol = PROTOCOL_STREAM;
    if (s->sniffer->plaintext)
        take(p, &r, data, len);
}

void sniffer_take_connected(const struct tcp_point *p)
{
    struct record r =
        record_of(relay_stream(p->relay), RECORD_CONNECTED, p->termination, p->outbound);
    if (is_wanted(p))
        take(p, &r, NULL, 0);
}

void sniffer_take_finished(const struct tcp_point *p, bool out)
{
    struct record r = record_of(relay_stream(p->relay), RECORD_FINISHED, p->termination, out);
    if (is_wanted(p))
        take(p, &r, NULL, 0);
}

// --- keys ---------------------------------------------------------------------------------------

bool sniffer_wants_keys(const struct stream *s)
{
    return s->sniffer && s->sniffer->keys;
}

void sniffer_take_secret(void *stream, const char *line, size_t len)
{
    const struct stream *s = stream;
    struct record r = record_of(s, RECORD_SECRET, AGW_T1, false);
    r.data = line;
    r.len = (uint32_t)len;
    ring_put(s->sniffer->ring, &r);
}
