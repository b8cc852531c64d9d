// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_SNIFFER_H
#define AGW_SNIFFER_H
// What a stream shows to the capture. Streams have a sniffer when a capture runs; without one, each
// call below is one branch. Protected packets are always recorded, clear ones and what is inside
// the protected ones when the configuration says so.

#include "agw/relay.h"
#include "agw/stream.h"
#include "agw/tcp_point.h"

struct sniffer;

// On the worker of the stream. NULL: no capture, or no memory.
struct sniffer *sniffer_open(const struct media *media);
void sniffer_close(struct sniffer *sniffer); // NULL is allowed

// --- behind the branch --------------------------------------------------------------------------

void sniffer_take_datagram(const struct point *point, bool out, const struct addr *peer,
                           const void *data, size_t len);
void sniffer_take_media(const struct point *from, bool rtcp, const void *data, size_t len);
void sniffer_take_bytes(const struct tcp_point *point, bool out, const void *data, size_t len);
void sniffer_take_plain(const struct tcp_point *point, bool out, const void *data, size_t len);
void sniffer_take_connected(const struct tcp_point *point);
void sniffer_take_finished(const struct tcp_point *point, bool out);

static inline bool sniffer_on(const struct stream *stream)
{
    return __builtin_expect(stream->sniffer != NULL, 0);
}

// --- datagrams ----------------------------------------------------------------------------------

// A datagram that came from peer or went there.
static inline void sniff_datagram(const struct point *point, bool out, const struct addr *peer,
                                  const void *data, size_t len)
{
    if (sniffer_on(point->stream))
        sniffer_take_datagram(point, out, peer, data, len);
}
// Media that arrived at a point and passed, as they are without protection.
static inline void sniff_media(const struct point *from, bool rtcp, const void *data, size_t len)
{
    if (sniffer_on(from->stream))
        sniffer_take_media(from, rtcp, data, len);
}

// --- connections --------------------------------------------------------------------------------

static inline void sniff_connected(const struct tcp_point *point)
{
    if (sniffer_on(relay_stream(point->relay)))
        sniffer_take_connected(point);
}
// Bytes on the connection.
static inline void sniff_bytes(const struct tcp_point *point, bool out, const void *data,
                               size_t len)
{
    if (sniffer_on(relay_stream(point->relay)) && len > 0)
        sniffer_take_bytes(point, out, data, len);
}
// What TLS made of them, or is to make something of.
static inline void sniff_plain(const struct tcp_point *point, bool out, const void *data,
                               size_t len)
{
    if (sniffer_on(relay_stream(point->relay)) && len > 0)
        sniffer_take_plain(point, out, data, len);
}
// FIN.
static inline void sniff_finished(const struct tcp_point *point, bool out)
{
    if (sniffer_on(relay_stream(point->relay)))
        sniffer_take_finished(point, out);
}

// --- keys ---------------------------------------------------------------------------------------

// Whether the keys of a stream are recorded.
bool sniffer_wants_keys(const struct stream *stream);
// A line of a key log; stream is a struct stream. For dtls_tell_secrets() and tls_tell_secrets().
void sniffer_take_secret(void *stream, const char *line, size_t len);

#endif
