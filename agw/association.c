// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: opened by a ClientHello or as client, fed with datagrams, hands out plaintext to the
// stream and datagrams to the peer's address.
//
// Failure paths are the bearer's: it looks at dtls_state() after each call.

#include "agw/association.h"

#include "agw/sniffer.h"
#include "agw/stream.h"

#include <errno.h>
#include <stdlib.h>

// Record header, handshake header, client_version and the clock half of the random value (RFC 6347
// 4.1, 4.2.2; RFC 5246 7.4.1.2): where the unpredictable bytes of a ClientHello begin.
#define HELLO_RANDOM_OFFSET (13 + 12 + 2 + 4)
// Epoch and sequence number in the record header.
#define RECORD_SEQUENCE_OFFSET 3

static uint64_t read_u64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

uint64_t association_hello_random(const uint8_t *datagram, size_t len)
{
    return len < HELLO_RANDOM_OFFSET + 8 ? 0 : read_u64(datagram + HELLO_RANDOM_OFFSET);
}

bool association_is_clear(const uint8_t *datagram, size_t len)
{
    return len >= RECORD_SEQUENCE_OFFSET + 2 && datagram[RECORD_SEQUENCE_OFFSET] == 0 &&
           datagram[RECORD_SEQUENCE_OFFSET + 1] == 0;
}

static void transmit(void *arg, const void *datagram, size_t len)
{
    struct association *a = arg;
    a->unsent = point_send_to(a->point, &a->peer, datagram, len);
}

static void deliver(void *arg, const void *data, size_t len)
{
    struct association *a = arg;
    // Policed after authentication, so that nobody else can use up the peer's rate; counted as it
    // was on the wire (REQ-098).
    if (!point_conforms(a->point, len + dtls_profile_overhead(a->point->stream->media->profile)))
        stream_drop(a->point, REASON_DROP_RATE, &a->peer);
    else if (len > 0)
        stream_pass(a->point, data, len);
}

static struct association *create(struct point *point, const struct addr *peer)
{
    struct association *a = calloc(1, sizeof *a);
    if (a) {
        a->point = point;
        a->peer = *peer;
    }
    return a;
}

// Gives up what could not be opened.
static struct association *opened(struct association *a)
{
    struct stream *stream = a->point->stream;
    if (a->dtls && sniffer_wants_keys(stream))
        dtls_tell_secrets(a->dtls, sniffer_take_secret, stream);
    if (a->dtls)
        return a;
    free(a);
    return NULL;
}

struct association *association_open_server(struct point *point, const struct addr *peer,
                                            const struct dtls_hello *hello, uint64_t random,
                                            const struct certificate *certificate,
                                            const struct fingerprints *remote)
{
    struct media *media = point->stream->media;
    struct association *a = create(point, peer);
    if (!a)
        return NULL;
    a->random = random;
    a->knows = remote->count > 0;
    a->dtls = dtls_open_server(media->profile, hello, certificate, remote,
                               (struct dtls_sink){transmit, deliver, a}, media->now_us);
    if (a->dtls) {
        a->half_open = true;
        media->half_open++;
    }
    return opened(a);
}

struct association *association_open_client(struct point *point, const struct addr *peer,
                                            const struct certificate *certificate,
                                            const struct fingerprints *remote)
{
    struct media *media = point->stream->media;
    struct association *a = create(point, peer);
    if (!a)
        return NULL;
    a->knows = true;
    a->dtls = dtls_open_client(media->profile, certificate, remote,
                               (struct dtls_sink){transmit, deliver, a}, media->now_us);
    return opened(a);
}

void association_settled(struct association *a)
{
    if (a->half_open)
        a->point->stream->media->half_open--;
    a->half_open = false;
}

void association_close(struct association *a)
{
    association_settled(a);
    dtls_close(a->dtls);
    free(a);
}

bool association_is_newer(const struct association *a, const uint8_t *datagram, size_t len)
{
    return len >= RECORD_SEQUENCE_OFFSET + 8 &&
           read_u64(datagram + RECORD_SEQUENCE_OFFSET) > a->newest;
}

bool association_receive(struct association *a, const uint8_t *datagram, size_t len)
{
    bool newer = association_is_newer(a, datagram, len);
    bool authentic = dtls_receive(a->dtls, datagram, len, a->point->stream->media->now_us);
    if (authentic && newer)
        a->newest = read_u64(datagram + RECORD_SEQUENCE_OFFSET);
    return authentic;
}

enum reason association_send(struct association *a, const void *data, size_t len)
{
    int rc = dtls_send(a->dtls, data, len);
    if (rc == 0)
        return a->unsent;
    if (rc == -EMSGSIZE)
        return REASON_DROP_OVERSIZE;
    return rc == -ENOTCONN ? REASON_DROP_UNVERIFIED : REASON_DROP_SEND;
}

uint64_t association_deadline(const struct association *a)
{
    uint64_t due = dtls_deadline(a->dtls);
    if (a->stage == ASSOCIATION_OLD && a->hold_until_us < due)
        due = a->hold_until_us;
    return due;
}
