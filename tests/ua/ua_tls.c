// SPDX-License-Identifier: GPL-3.0-or-later
// TLS.
//
// Happy path: received bytes are staged, GnuTLS takes from them what it needs, first for the
// handshake, then record by record until nothing is left; what it produces goes out by send.
// Failure paths: a certificate that was not announced, or none, is refused with bad_certificate
// inside the handshake; an alert of the peer is told with its name, also when it comes after a
// handshake that had succeeded on this side (TLS 1.3). Freeing waits until the call that led to a
// callback returns.

#include "tests/ua/ua_tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_MAX 16384 // RFC 8446 5.1

enum state { FRESH, HANDSHAKE, OPEN, RENEGOTIATING, OVER };

struct tls {
    enum state state;
    struct tls_user user;
    struct fingerprints announced;
    bool server, verified, said_bye;
    bool refused_hello; // a ClientHello of the peer that was answered with no_renegotiation
    gnutls_session_t session;
    gnutls_certificate_credentials_t nothing; // shown when there is no certificate
    const uint8_t *staged;
    size_t staged_len;
    unsigned busy; // calls of ours on the stack
    bool dead;
};

// --- under GnuTLS -------------------------------------------------------------------------------

static ssize_t push(gnutls_transport_ptr_t ptr, const void *bytes, size_t len)
{
    struct tls *t = ptr;
    t->user.send(t->user.arg, bytes, len);
    return (ssize_t)len;
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *bytes, size_t room)
{
    struct tls *t = ptr;
    size_t take = t->staged_len < room ? t->staged_len : room;

    if (take == 0) {
        gnutls_transport_set_errno(t->session, EAGAIN);
        return -1;
    }
    memcpy(bytes, t->staged, take);
    t->staged += take;
    t->staged_len -= take;
    return (ssize_t)take;
}

static const gnutls_datum_t *shown(gnutls_session_t session)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    return count > 0 ? chain : NULL;
}

static int check_certificate(gnutls_session_t session)
{
    struct tls *t = gnutls_session_get_ptr(session);
    const gnutls_datum_t *leaf = shown(session);

    t->verified = leaf && cert_announced(leaf, &t->announced);
    return t->verified ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

// --- life ---------------------------------------------------------------------------------------

static void destroy(struct tls *t)
{
    if (t->session)
        gnutls_deinit(t->session);
    if (t->nothing)
        gnutls_certificate_free_credentials(t->nothing);
    free(t);
}

static void unless_dead(struct tls *t)
{
    t->busy--;
    if (t->busy == 0 && t->dead)
        destroy(t);
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    t->busy++;
    t->dead = true;
    unless_dead(t);
}

static int prepare(struct tls *t, const struct tls_options *o)
{
    unsigned flags = (o->server ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_NONBLOCK |
                     GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS;
    int rc = gnutls_init(&t->session, flags);

    if (rc == 0)
        rc = gnutls_priority_set_direct(t->session, o->priority ? o->priority : TLS_PRIORITY, NULL);
    if (rc == 0 && !o->cert)
        rc = gnutls_certificate_allocate_credentials(&t->nothing);
    if (rc == 0)
        rc = gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE,
                                    o->cert ? cert_credentials(o->cert) : t->nothing);
    return rc;
}

struct tls *tls_open(const struct tls_options *options, const struct tls_user *user)
{
    struct tls *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->user = *user;
    t->announced = options->announced;
    t->server = options->server;
    if (prepare(t, options) != 0) {
        destroy(t);
        return NULL;
    }
    gnutls_session_set_ptr(t->session, t);
    gnutls_session_set_verify_function(t->session, check_certificate);
    // Only asked for: an empty list shall reach check_certificate.
    gnutls_certificate_server_set_request(t->session, GNUTLS_CERT_REQUEST);
    gnutls_transport_set_ptr(t->session, t);
    gnutls_transport_set_push_function(t->session, push);
    gnutls_transport_set_pull_function(t->session, pull);
    return t;
}

// --- handshake ----------------------------------------------------------------------------------

static const char *reason_of(struct tls *t, int rc)
{
    gnutls_alert_description_t alert = gnutls_alert_get(t->session);

    if (rc == GNUTLS_E_CERTIFICATE_ERROR)
        return shown(t->session) ? "certificate does not match the fingerprint" : "no certificate";
    if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED)
        return gnutls_alert_get_name(alert);
    // A GnuTLS server whose client refused it says that it got no certificate; the alert knows why.
    if (rc == GNUTLS_E_NO_CERTIFICATE_FOUND && alert == GNUTLS_A_BAD_CERTIFICATE)
        return gnutls_alert_get_name(alert);
    return gnutls_strerror(rc);
}

static void fail(struct tls *t, int rc)
{
    char why[160];

    if (t->state == OVER)
        return;
    t->state = OVER;
    snprintf(why, sizeof(why), "%s%s",
             rc == GNUTLS_E_FATAL_ALERT_RECEIVED ? "alert received: " : "", reason_of(t, rc));
    if (rc == GNUTLS_E_CERTIFICATE_ERROR)
        gnutls_alert_send(t->session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
    else if (rc != GNUTLS_E_FATAL_ALERT_RECEIVED)
        gnutls_alert_send_appropriate(t->session, rc);
    t->user.failed(t->user.arg, why);
}

static void succeed(struct tls *t)
{
    struct tls_facts facts = {0};
    const gnutls_datum_t *leaf = shown(t->session);

    // GnuTLS asks nobody about a list that did not come.
    if (!leaf || !t->verified) {
        fail(t, GNUTLS_E_CERTIFICATE_ERROR);
        return;
    }
    char *suite = gnutls_session_get_desc(t->session);
    snprintf(facts.suite, sizeof(facts.suite), "%s", suite ? suite : "-");
    gnutls_free(suite);
    snprintf(facts.version, sizeof(facts.version), "%s",
             gnutls_protocol_get_name(gnutls_protocol_get_version(t->session)));
    cert_digest(leaf, "SHA-256", &facts.peer);
    t->state = OPEN;
    t->user.established(t->user.arg, &facts);
}

// False: more bytes are needed, or it is over.
static bool shake_hands(struct tls *t)
{
    bool again = t->state == RENEGOTIATING;
    int rc = gnutls_handshake(t->session);

    while (rc < 0 && rc != GNUTLS_E_AGAIN && rc != GNUTLS_E_INTERRUPTED &&
           !gnutls_error_is_fatal(rc) && !again)
        rc = gnutls_handshake(t->session);
    if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED)
        return false;
    if (again && (rc == 0 || !gnutls_error_is_fatal(rc) || rc == GNUTLS_E_GOT_APPLICATION_DATA)) {
        t->state = OPEN;
        if (rc != GNUTLS_E_GOT_APPLICATION_DATA)
            t->user.renegotiation(t->user.arg, rc == 0);
    } else if (rc == 0) {
        succeed(t);
    } else {
        fail(t, rc);
    }
    return t->state == OPEN;
}

void tls_start(struct tls *t)
{
    if (t->state != FRESH)
        return;
    t->busy++;
    t->state = HANDSHAKE;
    shake_hands(t);
    unless_dead(t);
}

// --- records ------------------------------------------------------------------------------------

static void on_no_data(struct tls *t, ssize_t rc)
{
    if (rc == 0) {
        t->state = OVER;
        t->user.closed(t->user.arg);
    } else if (rc == GNUTLS_E_UNEXPECTED_PACKET && t->refused_hello) {
        t->refused_hello = false; // GnuTLS still had it
    } else if (rc == GNUTLS_E_REHANDSHAKE) {
        t->refused_hello = true;
        gnutls_alert_send(t->session, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
    } else if (rc == GNUTLS_E_WARNING_ALERT_RECEIVED) {
        if (gnutls_alert_get(t->session) == GNUTLS_A_NO_RENEGOTIATION)
            t->user.renegotiation(t->user.arg, false);
    } else if (gnutls_error_is_fatal((int)rc)) {
        fail(t, (int)rc);
    }
}

static void read_records(struct tls *t)
{
    uint8_t record[RECORD_MAX];

    while (t->state == OPEN && !t->dead) {
        ssize_t n = gnutls_record_recv(t->session, record, sizeof(record));
        if (n > 0)
            t->user.data(t->user.arg, record, (size_t)n);
        else if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
            return;
        else
            on_no_data(t, n);
    }
}

void tls_receive(struct tls *t, const uint8_t *bytes, size_t len)
{
    t->busy++;
    t->staged = bytes;
    t->staged_len = len;
    if (t->state == OPEN ||
        ((t->state == HANDSHAKE || t->state == RENEGOTIATING) && shake_hands(t)))
        read_records(t);
    t->staged = NULL;
    t->staged_len = 0;
    unless_dead(t);
}

int tls_send(struct tls *t, const uint8_t *bytes, size_t len)
{
    if (!tls_established(t))
        return -ENOTCONN;
    while (len > 0) {
        ssize_t n = gnutls_record_send(t->session, bytes, len);
        if (n <= 0)
            return -EIO;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

bool tls_renegotiate(struct tls *t)
{
    if (t->state != OPEN || gnutls_protocol_get_version(t->session) != GNUTLS_TLS1_2)
        return false;
    t->busy++;
    if (t->server) {
        gnutls_rehandshake(t->session);
    } else {
        t->state = RENEGOTIATING;
        shake_hands(t);
    }
    unless_dead(t);
    return true;
}

void tls_close(struct tls *t)
{
    if (!tls_established(t))
        return;
    t->said_bye = true;
    gnutls_bye(t->session, GNUTLS_SHUT_WR);
}

bool tls_established(const struct tls *t)
{
    return (t->state == OPEN || t->state == RENEGOTIATING) && !t->said_bye;
}
