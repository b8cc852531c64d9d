// SPDX-License-Identifier: GPL-3.0-or-later
// One TLS session over GnuTLS.
//
// Happy path: bytes that were handed in are staged and pulled by GnuTLS; what it pushes goes into
// the caller's room. In the handshake the verify callback compares the peer's certificate with the
// fingerprints of its SDP; when none is known yet it parks the handshake, and what the peer sends
// is kept, until tls_set_fingerprints(). After the last Finished the comparison is made once more,
// then records pass both ways.
//
// Failure paths: the callback refuses, the peer has no certificate, no suite or version is common,
// the peer sends a fatal alert, or speaks no TLS at all: FAILED, with the reason and, where the
// peer is not the one that ended it, an alert. A TLS 1.3 client is done before the server has
// judged its certificate: an alert, or the end of the stream, in place of the server's first data
// is a failure of the establishment too. close_notify, a fatal alert, a broken record or the end of
// the stream later: CLOSED. Renegotiation is refused and the session lives on (RFC 5746 4.4,
// REQ-068).

#include "agw/tls.h"

#include "agw/keylog.h"
#include "agw/refusal.h"
#include "agw/tls_profile.h"
#include "common/fsm.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Content types of records (RFC 8446 5.1).
#define CONTENT_FIRST 20
#define CONTENT_ALERT 21
#define CONTENT_LAST 23
#define RECORD_HEADER 5
#define ALERT_BYTES 2

struct tls {
    struct keylog_listener secrets;
    gnutls_session_t session;
    const struct tls_profile *profile;
    bool server;
    bool finished;      // close_notify was sent
    bool begun;         // the first byte has come
    bool heard;         // the established peer has sent something
    bool hello_refused; // GnuTLS has a ClientHello left over that it will complain of next
    int state;          // enum tls_state, moved by the table below

    struct fingerprints remote;
    struct fingerprint matched;
    enum verify_result verdict; // what the verify callback last said
    bool parked;                // waiting in the verify callback for fingerprints
    enum reason failure;

    // What was handed in and not taken yet.
    const uint8_t *staged;
    size_t staged_len;
    uint8_t header[RECORD_HEADER]; // of the record that GnuTLS took last
    uint8_t *held;                 // the same between two calls; NULL: nothing
    size_t held_len;

    struct tls_room *wire; // of the call that is running
    bool overflow;         // it was too small
};

// --- state table --------------------------------------------------------------------------------

enum event { EVENT_VERIFIED, EVENT_FAILURE, EVENT_END };

static const struct fsm_row rows[] = {
    {TLS_HANDSHAKE, EVENT_VERIFIED, NULL, TLS_ESTABLISHED},
    {TLS_HANDSHAKE, EVENT_FAILURE, NULL, TLS_FAILED},
    {TLS_ESTABLISHED, EVENT_FAILURE, NULL, TLS_FAILED}, // TLS 1.3: refused afterwards
    {TLS_ESTABLISHED, EVENT_END, NULL, TLS_CLOSED},
};
static const char *const state_names[] = {"HANDSHAKE", "ESTABLISHED", "CLOSED", "FAILED"};
static const char *const event_names[] = {"verified", "failure", "end"};
static const struct fsm fsm = {
    .name = "tls",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .state_names = state_names,
    .event_names = event_names,
};

static void feed(struct tls *tls, enum event event)
{
    fsm_feed(&fsm, &tls->state, event, tls, NULL, "tls session");
}

static void fail(struct tls *tls, enum reason reason, int alert)
{
    tls->failure = reason;
    feed(tls, EVENT_FAILURE);
    if (alert != REFUSAL_SILENT)
        gnutls_alert_send(tls->session, GNUTLS_AL_FATAL, (gnutls_alert_description_t)alert);
}

// --- what GnuTLS calls --------------------------------------------------------------------------

static ssize_t pull(gnutls_transport_ptr_t ptr, void *buf, size_t size)
{
    struct tls *tls = ptr;
    size_t len = tls->staged_len < size ? tls->staged_len : size;
    if (len == 0) {
        gnutls_transport_set_errno(tls->session, EAGAIN);
        return -1;
    }
    memcpy(buf, tls->staged, len);
    if (len == RECORD_HEADER) // GnuTLS asks for the header alone, then for what it announces
        memcpy(tls->header, tls->staged, len);
    tls->staged += len;
    tls->staged_len -= len;
    return (ssize_t)len;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    const struct tls *tls = ptr;
    return tls->staged_len > 0;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    struct tls *tls = ptr;
    struct tls_room *wire = tls->wire;
    if (!wire || wire->size - wire->len < len) {
        tls->overflow = true;
        gnutls_transport_set_errno(tls->session, EMSGSIZE);
        return -1;
    }
    memcpy(wire->bytes + wire->len, data, len);
    wire->len += len;
    return (ssize_t)len;
}

// Inside the handshake, once the peer's certificate is there (RFC 8122 6.2).
static int verify(gnutls_session_t session)
{
    struct tls *tls = gnutls_session_get_ptr(session);
    tls->verdict = verify_peer(session, &tls->remote, &tls->matched);
    tls->parked = tls->verdict == VERIFY_UNDECIDED;
    if (tls->parked)
        return GNUTLS_E_AGAIN;
    return tls->verdict == VERIFY_MATCH ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

static int write_keylog(gnutls_session_t session, const char *label, const gnutls_datum_t *secret)
{
    const struct tls *tls = gnutls_session_get_ptr(session);
    keylog_put(tls->profile->suites.keylog_fd, &tls->secrets, session, label, secret);
    return 0;
}

// --- handshake ----------------------------------------------------------------------------------

// A TLS 1.3 client that refuses our certificate may not have switched to its keys yet (OpenSSL) and
// says so in the clear, where GnuTLS knows nothing but ciphertext.
static bool is_clear_alert(const struct tls *tls, int rc)
{
    return rc == GNUTLS_E_DECRYPTION_FAILED && tls->header[0] == CONTENT_ALERT &&
           tls->header[3] == 0 && tls->header[4] == ALERT_BYTES;
}

static void fail_handshake(struct tls *tls, int rc)
{
    if (tls->overflow || is_clear_alert(tls, rc)) {
        fail(tls, tls->overflow ? REASON_AGW_NO_RESOURCE : REASON_DTLS_REFUSED, REFUSAL_SILENT);
        return;
    }
    struct refusal refusal = refusal_of(tls->session, tls->server, rc, tls->verdict);
    fail(tls, refusal.reason, refusal.alert);
}

// The fingerprints may have changed since the callback ran, and nothing may depend on GnuTLS having
// called it at all.
static void finish_handshake(struct tls *tls)
{
    tls->verdict = verify_peer(tls->session, &tls->remote, &tls->matched);
    if (tls->verdict == VERIFY_MATCH)
        feed(tls, EVENT_VERIFIED);
    else
        fail_handshake(tls, GNUTLS_E_CERTIFICATE_ERROR);
}

// Asks GnuTLS to go on with the handshake as far as it can. Warnings are no reason to stop.
static void step_handshake(struct tls *tls)
{
    int rc;
    do {
        rc = gnutls_handshake(tls->session);
    } while (rc < 0 && rc != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(rc));
    if (rc == 0)
        finish_handshake(tls);
    else if (rc != GNUTLS_E_AGAIN)
        fail_handshake(tls, rc);
}

// --- records ------------------------------------------------------------------------------------

static bool may_be_refused_yet(const struct tls *tls)
{
    return !tls->server && !tls->heard &&
           gnutls_protocol_get_version(tls->session) == GNUTLS_TLS1_3;
}

static void end(struct tls *tls)
{
    if (may_be_refused_yet(tls))
        fail(tls, REASON_DTLS_REFUSED, REFUSAL_SILENT);
    else
        feed(tls, EVENT_END);
}

// Whatever cannot be read ends the session; the peer is told why.
static void end_with_error(struct tls *tls, int rc)
{
    gnutls_alert_send_appropriate(tls->session, rc);
    tls->finished = true;
    feed(tls, EVENT_END);
}

// Everything but application data.
static void handle_other(struct tls *tls, ssize_t rc)
{
    switch (rc) {
    case GNUTLS_E_AGAIN: // nothing there, or a message of TLS 1.3 that was dealt with
    case GNUTLS_E_INTERRUPTED:
    case GNUTLS_E_WARNING_ALERT_RECEIVED:
        return;
    case 0:
        feed(tls, EVENT_END);
        return;
    case GNUTLS_E_REHANDSHAKE:
        reason_count(REASON_DTLS_RENEGOTIATION);
        gnutls_alert_send(tls->session, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
        tls->hello_refused = tls->server;
        return;
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
        tls->finished = true; // there is nobody to say goodbye to
        end(tls);
        return;
    default:
        break;
    }
    if (rc != GNUTLS_E_UNEXPECTED_PACKET || !tls->hello_refused)
        end_with_error(tls, (int)rc);
    tls->hello_refused = false;
}

// One record. False: nothing can be read now.
static bool receive_record(struct tls *tls, struct tls_room *plain)
{
    size_t before = tls->staged_len;
    ssize_t rc =
        gnutls_record_recv(tls->session, plain->bytes + plain->len, plain->size - plain->len);
    if (rc <= 0) {
        handle_other(tls, rc);
        return rc != GNUTLS_E_AGAIN || tls->staged_len < before;
    }
    tls->heard = true;
    plain->len += (size_t)rc;
    return true;
}

static void receive_records(struct tls *tls, struct tls_room *plain)
{
    bool more = true;
    while (more && tls->state == TLS_ESTABLISHED && plain->len < plain->size)
        more = receive_record(tls, plain);
}

// --- bytes in -----------------------------------------------------------------------------------

// Keeps what was handed in and could not be taken: it waits for the fingerprints, or for room.
static void hold_rest(struct tls *tls)
{
    uint8_t *rest = NULL;
    if (tls->staged_len > 0 && tls->state <= TLS_ESTABLISHED) {
        rest = malloc(tls->staged_len);
        if (!rest)
            fail(tls, REASON_AGW_NO_RESOURCE, GNUTLS_A_INTERNAL_ERROR);
        else
            memcpy(rest, tls->staged, tls->staged_len);
    }
    free(tls->held);
    tls->held = rest;
    tls->held_len = rest ? tls->staged_len : 0;
    tls->staged_len = 0;
}

static void take_staged(struct tls *tls, struct tls_room *plain, struct tls_room *wire)
{
    tls->wire = wire;
    if (tls->state == TLS_HANDSHAKE && !tls->parked)
        step_handshake(tls);
    if (tls->state == TLS_ESTABLISHED)
        receive_records(tls, plain);
    if (tls->overflow && tls->state <= TLS_ESTABLISHED) {
        tls->failure = REASON_AGW_NO_RESOURCE;
        feed(tls, EVENT_FAILURE);
    }
    hold_rest(tls);
    tls->wire = NULL;
}

// What was held goes before what comes.
static bool stage(struct tls *tls, const uint8_t *in, size_t len)
{
    tls->staged = in;
    tls->staged_len = len;
    if (!tls->held)
        return true;
    uint8_t *both = realloc(tls->held, tls->held_len + len);
    if (!both)
        return false;
    if (len > 0)
        memcpy(both + tls->held_len, in, len);
    tls->held = both;
    tls->staged = both;
    tls->staged_len = tls->held_len + len;
    return true;
}

// Clear text where TLS must be has a name of its own (REQ-142).
static bool is_no_tls(const uint8_t *in, size_t len)
{
    return in[0] < CONTENT_FIRST || in[0] > CONTENT_LAST || (len > 1 && in[1] != 3);
}

void tls_receive(struct tls *tls, const uint8_t *in, size_t len, struct tls_room *plain,
                 struct tls_room *wire)
{
    if (tls->state > TLS_ESTABLISHED || len == 0)
        return;
    if (!tls->begun && is_no_tls(in, len)) {
        fail(tls, REASON_PLAIN_ON_TLS, REFUSAL_SILENT);
        return;
    }
    tls->begun = true;
    if (stage(tls, in, len))
        take_staged(tls, plain, wire);
    else
        fail(tls, REASON_AGW_NO_RESOURCE, REFUSAL_SILENT);
}

void tls_set_fingerprints(struct tls *tls, const struct fingerprints *remote,
                          struct tls_room *plain, struct tls_room *wire)
{
    if (tls->state != TLS_HANDSHAKE)
        return;
    fingerprints_set(&tls->remote, remote);
    if (!tls->parked || remote->count == 0)
        return;
    tls->parked = false;
    tls->staged_len = 0;
    if (stage(tls, NULL, 0))
        take_staged(tls, plain, wire);
}

void tls_stream_ended(struct tls *tls)
{
    if (tls->state == TLS_HANDSHAKE)
        fail(tls, REASON_DTLS_REFUSED, REFUSAL_SILENT);
    else if (tls->state == TLS_ESTABLISHED)
        end(tls);
}

// --- bytes out ----------------------------------------------------------------------------------

void tls_start(struct tls *tls, struct tls_room *wire)
{
    tls->wire = wire;
    step_handshake(tls);
    tls->wire = NULL;
}

int tls_send(struct tls *tls, const uint8_t *data, size_t len, struct tls_room *wire)
{
    if (tls->state != TLS_ESTABLISHED || tls->finished)
        return -ENOTCONN;
    tls->wire = wire;
    size_t at = 0;
    while (at < len) {
        ssize_t n = gnutls_record_send(tls->session, data + at, len - at);
        if (n < 0)
            break;
        at += (size_t)n;
    }
    tls->wire = NULL;
    return at == len ? 0 : -ENOTCONN;
}

void tls_finish(struct tls *tls, struct tls_room *wire)
{
    if (tls->finished || (tls->state != TLS_ESTABLISHED && tls->state != TLS_CLOSED))
        return;
    tls->finished = true;
    tls->wire = wire;
    gnutls_bye(tls->session, GNUTLS_SHUT_WR);
    tls->wire = NULL;
}

// --- opening and closing ------------------------------------------------------------------------

static int set_up_session(struct tls *tls, const struct certificate *certificate)
{
    gnutls_session_t session = tls->session;
    int rc = suites_apply(&tls->profile->suites, session, certificate);
    if (rc < 0)
        return rc;
    gnutls_handshake_set_timeout(session, 0); // the caller's clock decides
    gnutls_session_set_ptr(session, tls);
    gnutls_session_set_verify_function(session, verify);
    gnutls_transport_set_ptr(session, tls);
    gnutls_transport_set_push_function(session, push);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_pull_timeout_function(session, pull_timeout);
    if (tls->profile->suites.keylog_fd >= 0)
        gnutls_session_set_keylog_function(session, write_keylog);
    return 0;
}

struct tls *tls_open(const struct tls_profile *profile, bool server,
                     const struct certificate *certificate, const struct fingerprints *remote)
{
    // A resumed session would carry no certificate to check, hence no tickets (REQ-068).
    const unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS;
    struct tls *tls = calloc(1, sizeof(*tls));
    if (!tls)
        return NULL;
    tls->profile = profile;
    tls->server = server;
    fingerprints_set(&tls->remote, remote);
    tls->state = TLS_HANDSHAKE;
    tls->verdict = VERIFY_UNDECIDED;
    if (gnutls_init(&tls->session, flags | (server ? GNUTLS_SERVER : GNUTLS_CLIENT)) < 0) {
        free(tls);
        return NULL;
    }
    if (set_up_session(tls, certificate) < 0) {
        tls_close(tls);
        return NULL;
    }
    return tls;
}

void tls_close(struct tls *tls)
{
    if (!tls)
        return;
    gnutls_deinit(tls->session);
    free(tls->held);
    free(tls);
}

// --- asking -------------------------------------------------------------------------------------

enum tls_state tls_state(const struct tls *tls)
{
    return (enum tls_state)tls->state;
}

bool tls_wants_input(const struct tls *tls)
{
    return !tls->parked;
}

bool tls_is_server(const struct tls *tls)
{
    return tls->server;
}

enum reason tls_failure(const struct tls *tls)
{
    return tls->failure;
}

void tls_describe(const struct tls *tls, char *buf, size_t size)
{
    const char *role = tls->server ? "server" : "client";
    if (tls->state == TLS_FAILED) {
        snprintf(buf, size, "%s, failed: %s", role, reason_text(tls->failure));
    } else if (tls->state == TLS_HANDSHAKE) {
        snprintf(buf, size, "%s, %s", role,
                 tls->parked ? "waiting for the fingerprint of the peer" : "handshake");
    } else {
        snprintf(buf, size, "%s, %s, %s, %s %02X:%02X.. matched", role,
                 gnutls_protocol_get_name(gnutls_protocol_get_version(tls->session)),
                 gnutls_ciphersuite_get(tls->session), tls->matched.hash, tls->matched.value[0],
                 tls->matched.value[1]);
    }
}

void tls_tell_secrets(struct tls *tls, void (*tell)(void *arg, const char *line, size_t len),
                      void *arg)
{
    tls->secrets = (struct keylog_listener){tell, arg};
    gnutls_session_set_keylog_function(tls->session, write_keylog);
}
