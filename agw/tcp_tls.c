// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: TCP is up and the fingerprints of the peer are known. As server the session waits for
// the ClientHello, as client it sends its own, after the guard time if there is one (REQ-143). The
// peer is verified inside the handshake, the point is open.
//
// A ClientHello that comes before the fingerprints are known starts a handshake as server, which
// parks until they are.
//
// Failure paths: the peer is told by an alert and the relay by relay_failed(); a stranger that
// fails is counted and makes room for another connection. What is no TLS at all has a reason of its
// own (REQ-142). A connection that ends before its first byte is no failure of anybody.

#include "agw/sniffer.h"
#include "agw/tcp_point_private.h"
#include "common/reason.h"

#include <errno.h>
#include <sys/socket.h>

// Read at a time during a handshake: a flight, and not much of what comes behind it.
#define TCP_TLS_HANDSHAKE_READ 16384

static struct tls_room plain_room(const struct tcp_point *p)
{
    struct relay_rooms *rooms = tcp_point_media(p)->rooms;
    return (struct tls_room){.bytes = rooms->plain, .size = sizeof rooms->plain};
}

static struct tls_room wire_room(const struct tcp_point *p)
{
    struct relay_rooms *rooms = tcp_point_media(p)->rooms;
    return (struct tls_room){.bytes = rooms->wire, .size = sizeof rooms->wire};
}

static bool send_wire(struct tcp_point *p, const struct tls_room *wire)
{
    sniff_bytes(p, true, wire->bytes, wire->len);
    return wire->len == 0 || sendqueue_send(&p->queue, p->fd, wire->bytes, wire->len) == 0;
}

// --- what became of the handshake ---------------------------------------------------------------

static void describe(const struct tcp_point *p, char text[static 192])
{
    text[0] = '\0';
    if (p->tls)
        tls_describe(p->tls, text, 192);
}

static void stranger_failed(struct tcp_point *p, enum reason reason)
{
    reason_count(reason);
    p->stranger_failed = reason;
    stream_tell(tcp_point_told_at(p),
                &(struct telling){.event = AGW_DROPPED, .reason = reason, .address = &p->peer});
    tcp_point_feed(p, TCP_POINT_AGAIN);
}

static void failed(struct tcp_point *p, enum reason reason)
{
    char text[sizeof((struct agw_notification *)0)->text];
    if (!tcp_point_is_peer(p) && p->state != TCP_POINT_OPEN) {
        stranger_failed(p, reason);
        return;
    }
    describe(p, text);
    relay_failed(p, AGW_DTLS_FAILURE, reason, text);
}

static void established(struct tcp_point *p)
{
    char text[sizeof((struct agw_notification *)0)->text];
    describe(p, text);
    stream_tell(tcp_point_told_at(p), &(struct telling){.event = AGW_DTLS_ESTABLISHED,
                                                        .outbound = !tls_is_server(p->tls),
                                                        .address = &p->peer,
                                                        .text = text});
    tcp_point_feed(p, TCP_POINT_READY);
}

// To be called after everything that may have changed the session; what it had to say was sent.
static void look(struct tcp_point *p, const struct tls_room *plain)
{
    switch (tls_state(p->tls)) {
    case TLS_HANDSHAKE:
        return;
    case TLS_FAILED:
        failed(p, tls_failure(p->tls));
        return;
    case TLS_ESTABLISHED:
    case TLS_CLOSED:
        break;
    }
    enum tls_state state = tls_state(p->tls);
    established(p);
    sniff_plain(p, false, plain->bytes, plain->len);
    if (plain->len > 0)
        relay_receive(p, plain->bytes, plain->len);
    if (state == TLS_CLOSED)
        relay_gone(p);
}

// --- the handshake ------------------------------------------------------------------------------

void tcp_tls_open(struct tcp_point *p, bool server)
{
    static const struct fingerprints none;
    struct tls_room plain = plain_room(p), wire = wire_room(p);
    const struct fingerprints *remote = p->fingerprints ? p->fingerprints : &none;
    p->tls = tls_open(tcp_point_media(p)->tls_profile, server, p->certificate, remote);
    if (!p->tls) {
        relay_failed(p, AGW_DTLS_FAILURE, REASON_AGW_NO_RESOURCE, NULL);
        return;
    }
    if (sniffer_wants_keys(tcp_point_stream(p)))
        tls_tell_secrets(p->tls, sniffer_take_secret, tcp_point_stream(p));
    tcp_point_feed(p, TCP_POINT_SECURE);
    // Without fingerprints the peer is not who is waited for.
    tcp_point_set_due(p, p->fingerprints ? tcp_point_patience(p) : DEADLINE_NEVER);
    if (server)
        return;
    stream_tell(
        tcp_point_told_at(p),
        &(struct telling){.event = AGW_CLIENT_HELLO, .outbound = true, .address = &p->peer});
    tls_start(p->tls, &wire);
    (void)send_wire(p, &wire);
    look(p, &plain);
}

void tcp_tls_begin(struct tcp_point *p)
{
    if (p->state != TCP_POINT_CONNECTED || !p->fingerprints)
        return;
    if (!p->tls_client)
        tcp_tls_open(p, true);
    else if (p->guard_ms == 0)
        tcp_tls_open(p, false);
    else if (p->due_us == DEADLINE_NEVER)
        tcp_point_set_due(p, tcp_point_media(p)->now_us + p->guard_ms * 1000ull);
}

// The ClientHello came before the ALG said who is client. By the strict rule the peer was wrong
// (RFC 8856 8), with a guard time it may be right (RFC 8856 10.2, REQ-143).
void tcp_tls_configure(struct tcp_point *p)
{
    struct tls_room plain = plain_room(p), wire = wire_room(p);
    if (!p->fingerprints || p->due_us != DEADLINE_NEVER)
        return;
    if (p->tls_client && p->guard_ms == 0) {
        failed(p, REASON_DTLS_HANDSHAKE);
        return;
    }
    tcp_point_set_due(p, tcp_point_patience(p));
    tls_set_fingerprints(p->tls, p->fingerprints, &plain, &wire);
    (void)send_wire(p, &wire);
    look(p, &plain);
}

// The peer spoke first: it must be a ClientHello.
static void take_first_byte(struct tcp_point *p)
{
    uint8_t first;
    ssize_t n = recv(p->fd, &first, 1, MSG_PEEK);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        relay_gone(p);
    else if (tls_begins_with(&first, 1))
        tcp_tls_open(p, true);
    else
        failed(p, REASON_PLAIN_ON_TLS);
}

static void take_flight(struct tcp_point *p)
{
    struct media *media = tcp_point_media(p);
    if (media->handshakes_left == 0)
        return; // it is still there in the next turn
    media->handshakes_left--;
    struct tls_room plain = plain_room(p), wire = wire_room(p);
    ssize_t n = recv(p->fd, media->rooms->read, TCP_TLS_HANDSHAKE_READ, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 && !p->begun && !p->outbound) {
        relay_gone(p);
        return;
    }
    if (n <= 0)
        tls_stream_ended(p->tls);
    else if (!p->begun && tls_is_server(p->tls) && tls_begins_with(media->rooms->read, (size_t)n))
        stream_tell(tcp_point_told_at(p),
                    &(struct telling){.event = AGW_CLIENT_HELLO, .address = &p->peer});
    p->begun = true;
    if (n > 0)
        sniff_bytes(p, false, media->rooms->read, (size_t)n);
    if (n > 0)
        tls_receive(p->tls, media->rooms->read, (size_t)n, &plain, &wire);
    (void)send_wire(p, &wire);
    look(p, &plain);
}

void tcp_tls_readable(struct tcp_point *p)
{
    if (p->state == TCP_POINT_CONNECTED)
        take_first_byte(p);
    if (p->state == TCP_POINT_HANDSHAKE)
        take_flight(p);
}

void tcp_tls_due(struct tcp_point *p)
{
    if (p->state == TCP_POINT_CONNECTED)
        tcp_tls_open(p, false); // the guard time is over
    else
        failed(p, REASON_DTLS_TIMEOUT);
}

// --- bytes --------------------------------------------------------------------------------------

// How to go on after the session was handed something; failures are told.
static enum tcp_read outcome(struct tcp_point *p, enum tcp_read otherwise)
{
    if (tls_state(p->tls) == TLS_ESTABLISHED)
        return otherwise;
    if (tls_state(p->tls) == TLS_FAILED)
        failed(p, tls_failure(p->tls));
    return TCP_READ_GONE;
}

enum tcp_read tcp_tls_read(struct tcp_point *p, const uint8_t *in, size_t in_len,
                           const uint8_t **data, size_t *len)
{
    struct tls_room plain = plain_room(p), wire = wire_room(p);
    tls_receive(p->tls, in, in_len, &plain, &wire);
    if (!send_wire(p, &wire))
        return TCP_READ_GONE;
    *data = plain.bytes;
    *len = plain.len;
    sniff_plain(p, false, plain.bytes, plain.len);
    return outcome(p, in_len < RELAY_READ ? TCP_READ_DRAINED : TCP_READ_MORE);
}

enum tcp_read tcp_tls_stream_ended(struct tcp_point *p)
{
    tls_stream_ended(p->tls);
    return outcome(p, TCP_READ_GONE);
}

bool tcp_tls_write(struct tcp_point *p, const uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        struct tls_room wire = wire_room(p);
        size_t piece = len - at < RELAY_READ ? len - at : RELAY_READ;
        sniff_plain(p, true, data + at, piece);
        if (tls_send(p->tls, data + at, piece, &wire) < 0 || !send_wire(p, &wire))
            return false;
        at += piece;
    }
    return true;
}

void tcp_tls_finish(struct tcp_point *p)
{
    struct tls_room wire = wire_room(p);
    tls_finish(p->tls, &wire);
    (void)send_wire(p, &wire);
}
