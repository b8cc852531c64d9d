// SPDX-License-Identifier: GPL-3.0-or-later
// A media line of ours.
//
// Happy path of an offer: media_offer, the peer's line, media_answered: role, remote address and
// fingerprints are known, the association is made. Happy path of an answer: media_answer, the
// response leaves, media_commit: the same from the other end.
// A later round keeps the association unless role, fingerprints or identity changed; a new one
// stands beside the old (RFC 8842 3.1, 5.5). Without identity on one side a moved transport address
// changes it as well (RFC 8842 4).
// Failure paths: an illegal answer is named and nothing is changed; a failed re-offer is forgotten.
// What --misbehave asks for is put into the lines last, so that the honest code stays in one piece.

#include "tests/ua/ua_media.h"

#include "common/random.h"
#include "tests/ua/ua_event.h"
#include "tests/ua/ua_load.h"
#include "tests/ua/ua_own.h"
#include "tests/ua/ua_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_IDENTITY_LEN 32 // RFC 8842 4 asks for 120 random bits in 20 to 255 characters
#define CERTS_MAX 8         // re-offers with a new certificate in one call

// One side's line and the other's, as they stand after a round.
struct round {
    struct medium own, peer;
    bool server;
};

struct media {
    uv_loop_t *loop;
    const struct ua_options *options;
    enum medium_kind kind;
    struct media_user user;
    struct stream *stream;
    struct load *load; // what runs over the stream
    struct cert *certs[CERTS_MAX];
    unsigned cert_count; // the last one is in use
    const char *identity_name;
    char identity[OWN_IDENTITY_LEN + 1];
    bool has_round;
    struct round now;
    struct round next;   // being negotiated
    bool next_port;      // next uses the second socket
    unsigned next_certs; // cert_count before the round, to go back to
    char old_identity[OWN_IDENTITY_LEN + 1];
    bool associated;
    bool running, began;
};

static void on_load_middle(void *arg);

// --- the stream's reports -----------------------------------------------------------------------

static void begin_if_ready(struct media *m)
{
    if (!m->running || m->began || !stream_is_ready(m->stream))
        return;
    m->began = true;
    m->user.began(m->user.arg);
    load_start(m->load);
}

static void on_payload(void *arg, const uint8_t *bytes, size_t len)
{
    struct media *m = arg;
    load_receive(m->load, bytes, len);
}

static void on_secured(void *arg, const struct dtls_facts *facts, bool server)
{
    struct media *m = arg;
    char peer[FINGERPRINT_STRLEN];

    fingerprint_format(&facts->peer, peer);
    *strchr(peer, ' ') = ':';
    event("dtls-established", "role=%s suite=%s peer=%s verified=yes", server ? "server" : "client",
          facts->suite, peer);
    if (m->options->misbehave & MIS_RENEGOTIATE)
        stream_renegotiate(m->stream);
    begin_if_ready(m);
}

static void on_failed(void *arg, const char *why)
{
    struct media *m = arg;

    if (strcmp(why, "close_notify") == 0) {
        event("dtls-closed", "by=peer");
        return;
    }
    event("dtls-failed", "reason=%s", event_quote(why));
    event_fail(UA_DTLS);
    m->user.dtls_failed(m->user.arg);
}

static void on_renegotiation(void *arg, bool done)
{
    event("renegotiation", "result=%s", done ? "done" : "refused");
}

static void on_load_packet(void *arg, const uint8_t *bytes, size_t len)
{
    struct media *m = arg;
    stream_send(m->stream, bytes, len);
}

static void on_load_done(void *arg, bool ok)
{
    struct media *m = arg;
    m->user.done(m->user.arg, ok);
}

// --- birth and death ----------------------------------------------------------------------------

static struct stream_fate fate_of(const struct ua_options *o)
{
    unsigned mis = o->misbehave;
    return (struct stream_fate){
        .loss_percent = mis & MIS_LOSSY ? o->loss_percent : 0,
        .hello_delay_ms = mis & MIS_LATE_HELLO ? o->late_ms : 0,
        .no_hello = mis & MIS_NEVER_HELLO,
        .drop_last_flight = mis & MIS_DROP_LAST_FLIGHT,
        .clear_too = mis & MIS_CLEAR_UDPTL,
        .coalesce = mis & MIS_COALESCE,
        .junk = mis & MIS_JUNK,
    };
}

static int new_cert(struct media *m)
{
    if (m->cert_count == CERTS_MAX)
        return -ENOSPC;
    struct cert *cert = cert_new();
    if (!cert)
        return -ENOMEM;
    m->certs[m->cert_count++] = cert;
    return 0;
}

int media_open(struct media **out, uv_loop_t *loop, const struct ua_options *options,
               enum medium_kind kind, const struct media_user *user)
{
    struct media *m = calloc(1, sizeof(*m));
    struct stream_user on_stream = {m, on_payload, on_secured, on_failed, on_renegotiation};
    struct load_user on_load = {m, on_load_packet, on_load_middle, on_load_done};
    struct stream_fate fate = fate_of(options);

    if (!m)
        return -ENOMEM;
    *m = (struct media){.loop = loop, .options = options, .kind = kind, .user = *user};
    int rc = stream_open(&m->stream, loop, &options->sip.listen, &on_stream, &fate);
    if (rc == 0)
        rc = new_cert(m);
    if (rc == 0)
        rc = load_open(&m->load, loop, options, &on_load);
    if (rc != 0) {
        media_close(m);
        return rc;
    }
    static const char *const names[] = {"dtls-id", "tls-id", NULL};
    m->identity_name = names[options->id_name];
    random_alnum(m->identity, sizeof(m->identity));
    *out = m;
    return 0;
}

void media_close(struct media *m)
{
    if (!m)
        return;
    load_close(m->load);
    stream_close(m->stream);
    for (unsigned i = 0; i < m->cert_count; i++)
        cert_free(m->certs[i]);
    free(m);
}

enum medium_kind media_kind(const struct media *m)
{
    return m->kind;
}

// --- our line -----------------------------------------------------------------------------------

// Both sides of every copy are arrays of a size known here.
#define COPY(to, text) snprintf((to), sizeof(to), "%s", (text))

static void common_line(struct media *m, struct medium *out, bool secure)
{
    *out = (struct medium){.kind = m->kind, .secure = secure};
    COPY(out->type, "image");
    COPY(out->format, "t38");
    COPY(out->proto, secure ? "UDP/TLS/UDPTL" : "udptl");
    out->at = m->options->sip.listen;
    addr_set_port(&out->at, stream_port(m->stream));
}

static void security_lines(struct media *m, struct medium *out, const char *identity_name)
{
    own_fingerprints(m->options, m->certs[m->cert_count - 1], &out->fingerprints);
    out->identity_name = identity_name;
    COPY(out->identity, m->identity);
    if (m->options->misbehave & MIS_CHANGED_ID)
        random_alnum(out->identity, OWN_IDENTITY_LEN + 1);
}

static void start_round(struct media *m)
{
    m->next = m->now;
    m->next_port = false;
    m->next_certs = m->cert_count;
    COPY(m->old_identity, m->identity);
}

static void move_next_port(struct media *m, struct medium *out)
{
    uint16_t port;

    if (stream_prepare_port(m->stream, &port) != 0)
        return;
    m->next_port = true;
    addr_set_port(&out->at, port);
}

void media_offer(struct media *m, enum ua_reinvite change, struct medium *out)
{
    bool secure = m->options->side == SIDE_UE;

    start_round(m);
    if (change == REINVITE_NEW_ID)
        random_alnum(m->identity, sizeof(m->identity));
    if (change == REINVITE_NEW_FINGERPRINT)
        new_cert(m);
    common_line(m, out, secure);
    if (change == REINVITE_NEW_PORT)
        move_next_port(m, out);
    if (change == REINVITE_HOLD)
        out->direction = SDP_INACTIVE;
    if (secure) {
        security_lines(m, out, m->identity_name);
        out->setup = m->options->setup;
        out->e2ae = m->options->no_3ge2ae ? SDP_3GE2AE_NONE : SDP_3GE2AE_REQUESTED;
        own_spoil_offer(m->options, out);
    }
    m->next.own = *out;
}

// --- the round closes ---------------------------------------------------------------------------

static bool same_identity(const struct medium *a, const struct medium *b)
{
    return strcmp(a->identity_name ? a->identity : "", b->identity_name ? b->identity : "") == 0;
}

// RFC 8842 3.1 and 4: does the round that is closing ask for a new association?
static bool needs_association(const struct media *m)
{
    const struct round *was = &m->now, *is = &m->next;

    if (!m->associated || was->server != is->server)
        return true;
    if (!fingerprints_equal(&was->own.fingerprints, &is->own.fingerprints) ||
        !fingerprints_equal(&was->peer.fingerprints, &is->peer.fingerprints))
        return true;
    if (m->options->misbehave & MIS_CHANGED_ID)
        return false;
    if (!same_identity(&was->own, &is->own) || !same_identity(&was->peer, &is->peer))
        return true;
    bool named = is->own.identity_name && is->peer.identity_name;
    return !named &&
           (!addr_equal(&was->own.at, &is->own.at) || !addr_equal(&was->peer.at, &is->peer.at));
}

static void associate(struct media *m)
{
    unsigned mis = m->options->misbehave;
    struct dtls_options options = {
        .server = m->next.server,
        .announced = m->next.peer.fingerprints,
        .cert = mis & MIS_NO_CERTIFICATE ? NULL : m->certs[m->cert_count - 1],
        .priority = m->options->priority,
        .retransmit_ms = m->options->retransmit_ms,
        .timeout_ms = m->options->handshake_ms,
    };

    if (stream_secure(m->stream, &options) != 0) {
        on_failed(m, "GnuTLS refuses the options");
        return;
    }
    m->associated = true;
}

static void on_load_middle(void *arg)
{
    struct media *m = arg;
    uint16_t port;

    if (m->options->misbehave & MIS_RESTART && m->associated) {
        event_plain("dtls-restart");
        associate(m);
    }
    if (m->options->misbehave & MIS_REBIND && stream_prepare_port(m->stream, &port) == 0) {
        stream_take_port(m->stream, true);
        event("rebind", "port=%u", port);
    }
}

static void close_round(struct media *m)
{
    bool secure = m->next.own.secure && m->next.peer.secure;
    bool fresh = secure && needs_association(m);
    bool hold = m->next.own.direction != SDP_SENDRECV || m->next.peer.direction != SDP_SENDRECV;

    if (m->next_port)
        stream_take_port(m->stream, !fresh);
    if (fresh)
        stream_set_next_remote(m->stream, &m->next.peer.at);
    else
        stream_set_remote(m->stream, &m->next.peer.at);
    if (fresh)
        associate(m);
    m->now = m->next;
    m->has_round = true;
    m->next_port = false;
    load_pause(m->load, hold);
    begin_if_ready(m);
}

static const char *bad_answer(const struct medium *own, const struct medium *peer)
{
    if (own->secure != peer->secure || own->kind != peer->kind)
        return "proto changed";
    if (!own->secure)
        return NULL;
    if (!fingerprints_usable(&peer->fingerprints))
        return "no usable fingerprint";
    if (peer->setup == SDP_SETUP_ACTPASS || peer->setup == SDP_SETUP_HOLDCONN ||
        peer->setup == SDP_SETUP_UNKNOWN || peer->setup == own->setup)
        return "illegal setup";
    if (peer->identity_name && !own->identity_name)
        return "identity in the answer, none in the offer";
    return NULL;
}

int media_answered(struct media *m, const struct medium *answer, const char **why)
{
    *why = bad_answer(&m->next.own, answer);
    if (*why)
        return -EINVAL;
    m->next.peer = *answer;
    // No a=setup in an answer means passive (RFC 4145 4.1).
    m->next.server = answer->setup == SDP_SETUP_ACTIVE;
    close_round(m);
    return 0;
}

static const char *bad_offer(const struct media *m, const struct medium *offer)
{
    if (!offer->secure)
        return NULL;
    if (m->options->side == SIDE_CORE)
        return "secured line towards the core";
    if (!fingerprints_usable(&offer->fingerprints))
        return "no usable fingerprint";
    if (offer->setup == SDP_SETUP_HOLDCONN || offer->setup == SDP_SETUP_UNKNOWN)
        return "illegal setup";
    return NULL;
}

static enum sdp_setup answer_role(const struct media *m, enum sdp_setup offered)
{
    if (offered == SDP_SETUP_PASSIVE)
        return SDP_SETUP_ACTIVE;
    if (offered == SDP_SETUP_ACTIVE || offered == SDP_SETUP_NONE) // RFC 4145 4.1: default active
        return SDP_SETUP_PASSIVE;
    if (m->associated)
        return m->now.server ? SDP_SETUP_PASSIVE : SDP_SETUP_ACTIVE;
    return m->options->answer_setup;
}

// The offer asks for a new association: new identity of ours, and a new port when the peer kept its
// own (RFC 8842 5.1, 5.3).
static void renew_for_answer(struct media *m, struct medium *out)
{
    if (!m->associated || !needs_association(m))
        return;
    random_alnum(m->identity, sizeof(m->identity));
    if (out->identity_name && !(m->options->misbehave & MIS_CHANGED_ID))
        COPY(out->identity, m->identity);
    if (addr_equal(&m->now.peer.at, &m->next.peer.at))
        move_next_port(m, out);
}

int media_answer(struct media *m, const struct medium *offer, struct medium *out, const char **why)
{
    bool secure = offer->secure && !(m->options->misbehave & MIS_PLAIN_ANSWER);

    *why = bad_offer(m, offer);
    if (*why)
        return -EINVAL;
    start_round(m);
    common_line(m, out, secure);
    if (!offer->secure)
        COPY(out->proto, offer->proto);
    out->direction = own_answer_direction(offer->direction);
    m->next.peer = *offer;
    if (secure) {
        security_lines(m, out, offer->identity_name);
        out->setup = answer_role(m, offer->setup);
        m->next.server = out->setup == SDP_SETUP_PASSIVE;
        m->next.own = *out;
        renew_for_answer(m, out);
    }
    m->next.own = *out;
    if (secure)
        own_spoil_answer(m->options, offer, out);
    return 0;
}

void media_commit(struct media *m)
{
    close_round(m);
}

void media_restore(struct media *m)
{
    COPY(m->identity, m->old_identity);
    while (m->cert_count > m->next_certs)
        cert_free(m->certs[--m->cert_count]);
    m->next_port = false;
}

void media_run(struct media *m)
{
    m->running = true;
    begin_if_ready(m);
}

void media_report(const struct media *m)
{
    struct stream_counts c = stream_counts(m->stream);
    event("media", "kind=image sent=%lu received=%lu stray=%lu lost=%lu", c.sent, c.received,
          c.stray, c.lost);
}
