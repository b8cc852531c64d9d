// SPDX-License-Identifier: GPL-3.0-or-later
// A DTLS association.
//
// Happy path, client: dtls_start sends the ClientHello; each datagram drives the handshake until it
// is done; from then on each record is one payload. Happy path, server: a ClientHello without
// cookie is answered statelessly, one with a valid cookie makes the session. The certificate is
// compared with the announced fingerprints inside the handshake.
//
// Failure paths: the certificate does not match, or there is none: bad_certificate (RFC 8122 6.2).
// No answer: GnuTLS gives up after timeout_ms. A record that is broken or repeated: dropped unseen.
// A user callback may free the association: freeing waits until the call that led there returns.

#include "tests/ua/ua_dtls.h"

#include <errno.h>
#include <gnutls/dtls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DTLS_MTU 1200        // of one datagram; the same the P-CSCF assumes for a radio path
#define DTLS_RECORD_MAX 2048 // largest payload taken; UDPTL and test datagrams stay below
// GnuTLS may report 0 for a long time while nothing is due.
#define TICK_MIN_MS 20

enum state { FRESH, HANDSHAKE, ESTABLISHED, RENEGOTIATING, FAILED, CLOSED };

struct dtls {
    enum state state;
    struct dtls_options options;
    struct dtls_user user;
    gnutls_session_t session;                     // NULL: a server that has seen no valid cookie
    gnutls_certificate_credentials_t credentials; // an empty set, when there is no certificate
    gnutls_datum_t cookie_key;
    const uint8_t *staged; // the datagram being processed
    size_t staged_len;
    bool verified;
    unsigned busy; // calls of ours on the stack
    bool dead;     // dtls_free was called meanwhile
};

// --- transport under GnuTLS ---------------------------------------------------------------------

static ssize_t on_push(gnutls_transport_ptr_t ptr, const void *bytes, size_t len)
{
    struct dtls *d = ptr;
    d->user.send(d->user.arg, bytes, len);
    return (ssize_t)len;
}

static ssize_t on_pull(gnutls_transport_ptr_t ptr, void *bytes, size_t room)
{
    struct dtls *d = ptr;

    if (!d->staged) {
        gnutls_transport_set_errno(d->session, EAGAIN);
        return -1;
    }
    size_t len = d->staged_len < room ? d->staged_len : room;
    memcpy(bytes, d->staged, len);
    d->staged = NULL;
    return (ssize_t)len;
}

static int on_pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    struct dtls *d = ptr;
    return d->staged ? 1 : 0;
}

static int on_verify(gnutls_session_t session)
{
    struct dtls *d = gnutls_session_get_ptr(session);
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);

    if (!chain || count == 0)
        return GNUTLS_E_CERTIFICATE_ERROR;
    if (!cert_announced(&chain[0], &d->options.announced))
        return GNUTLS_E_CERTIFICATE_ERROR;
    d->verified = true;
    return 0;
}

// --- life ---------------------------------------------------------------------------------------

static void enter(struct dtls *d)
{
    d->busy++;
}

static void leave(struct dtls *d)
{
    if (--d->busy > 0 || !d->dead)
        return;
    if (d->session)
        gnutls_deinit(d->session);
    if (d->credentials)
        gnutls_certificate_free_credentials(d->credentials);
    gnutls_free(d->cookie_key.data);
    free(d);
}

static int set_credentials(struct dtls *d)
{
    gnutls_certificate_credentials_t use = NULL;
    int rc = 0;

    if (d->options.cert)
        use = cert_credentials(d->options.cert);
    else if ((rc = gnutls_certificate_allocate_credentials(&d->credentials)) == 0)
        use = d->credentials;
    return rc != 0 ? rc : gnutls_credentials_set(d->session, GNUTLS_CRD_CERTIFICATE, use);
}

static int open_session(struct dtls *d)
{
    unsigned role = d->options.server ? GNUTLS_SERVER : GNUTLS_CLIENT;
    const char *priority = d->options.priority ? d->options.priority : DTLS_PRIORITY;
    int rc = gnutls_init(&d->session, role | GNUTLS_DATAGRAM | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL |
                                          GNUTLS_NO_TICKETS);
    if (rc == 0)
        rc = gnutls_priority_set_direct(d->session, priority, NULL);
    if (rc == 0)
        rc = set_credentials(d);
    if (rc != 0)
        return rc;
    gnutls_session_set_ptr(d->session, d);
    gnutls_session_set_verify_function(d->session, on_verify);
    // Not GNUTLS_CERT_REQUIRE: an empty list shall reach on_verify, which answers bad_certificate.
    gnutls_certificate_server_set_request(d->session, GNUTLS_CERT_REQUEST);
    gnutls_transport_set_ptr(d->session, d);
    gnutls_transport_set_push_function(d->session, on_push);
    gnutls_transport_set_pull_function(d->session, on_pull);
    gnutls_transport_set_pull_timeout_function(d->session, on_pull_timeout);
    gnutls_dtls_set_mtu(d->session, DTLS_MTU);
    gnutls_dtls_set_timeouts(d->session, d->options.retransmit_ms, d->options.timeout_ms);
    return 0;
}

struct dtls *dtls_open(const struct dtls_options *options, const struct dtls_user *user)
{
    struct dtls *d = calloc(1, sizeof(*d));
    int rc;

    if (!d)
        return NULL;
    d->options = *options;
    d->user = *user;
    if (options->server)
        rc = gnutls_key_generate(&d->cookie_key, GNUTLS_COOKIE_KEY_SIZE);
    else
        rc = open_session(d);
    if (rc != 0) {
        dtls_free(d);
        return NULL;
    }
    return d;
}

void dtls_free(struct dtls *d)
{
    if (!d)
        return;
    enter(d);
    d->dead = true;
    leave(d);
}

// --- handshake ----------------------------------------------------------------------------------

static void fail(struct dtls *d, const char *why)
{
    if (d->state == FAILED || d->state == CLOSED)
        return;
    d->state = FAILED;
    d->user.failed(d->user.arg, why);
}

static void fail_with(struct dtls *d, int rc)
{
    char why[160];

    if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED) {
        snprintf(why, sizeof(why), "alert received: %s",
                 gnutls_alert_get_name(gnutls_alert_get(d->session)));
    } else if (rc == GNUTLS_E_CERTIFICATE_ERROR || rc == GNUTLS_E_NO_CERTIFICATE_FOUND) {
        unsigned count = 0;
        gnutls_certificate_get_peers(d->session, &count);
        gnutls_alert_send(d->session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
        snprintf(why, sizeof(why), "%s",
                 count > 0 ? "certificate does not match the fingerprint" : "no certificate");
    } else if (rc == GNUTLS_E_TIMEDOUT) {
        snprintf(why, sizeof(why), "timeout");
    } else {
        gnutls_alert_send_appropriate(d->session, rc);
        snprintf(why, sizeof(why), "%s", gnutls_strerror(rc));
    }
    fail(d, why);
}

static void tell_established(struct dtls *d)
{
    struct dtls_facts facts = {0};
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(d->session, &count);
    char *suite = gnutls_session_get_desc(d->session);

    if (!chain || count == 0 || !d->verified) {
        gnutls_free(suite);
        fail_with(d, GNUTLS_E_CERTIFICATE_ERROR);
        return;
    }
    snprintf(facts.suite, sizeof(facts.suite), "%s", suite ? suite : "-");
    gnutls_free(suite);
    cert_digest(&chain[0], "SHA-256", &facts.peer);
    d->state = ESTABLISHED;
    d->user.established(d->user.arg, &facts);
}

static void drive_handshake(struct dtls *d)
{
    int rc = gnutls_handshake(d->session);

    while (rc < 0 && rc != GNUTLS_E_AGAIN && rc != GNUTLS_E_INTERRUPTED &&
           !gnutls_error_is_fatal(rc))
        rc = gnutls_handshake(d->session);
    if (rc == 0)
        tell_established(d);
    else if (gnutls_error_is_fatal(rc))
        fail_with(d, rc);
}

// A second handshake inside the association: data and the refusal arrive in between.
static void drive_renegotiation(struct dtls *d)
{
    int rc = gnutls_handshake(d->session);

    if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED)
        return;
    if (rc < 0 && gnutls_error_is_fatal(rc) && rc != GNUTLS_E_GOT_APPLICATION_DATA) {
        fail_with(d, rc);
        return;
    }
    d->state = ESTABLISHED;
    if (rc != GNUTLS_E_GOT_APPLICATION_DATA)
        d->user.renegotiation(d->user.arg, rc == 0);
}

void dtls_start(struct dtls *d)
{
    if (d->state != FRESH || d->options.server)
        return;
    enter(d);
    d->state = HANDSHAKE;
    drive_handshake(d);
    leave(d);
}

// Returns true when the datagram carried a valid cookie and the session now exists.
static bool accept_cookie(struct dtls *d, const struct addr *from)
{
    gnutls_dtls_prestate_st prestate = {0};
    union { // GnuTLS wants what it only reads without const
        const void *in;
        void *out;
    } key = {.in = from}, datagram = {.in = d->staged};

    int rc = gnutls_dtls_cookie_verify(&d->cookie_key, key.out, from->len, datagram.out,
                                       d->staged_len, &prestate);
    if (rc < 0) {
        gnutls_dtls_cookie_send(&d->cookie_key, key.out, from->len, &prestate, d, on_push);
        return false;
    }
    rc = open_session(d);
    if (rc != 0) {
        fail(d, gnutls_strerror(rc));
        return false;
    }
    gnutls_dtls_prestate_set(d->session, &prestate);
    d->state = HANDSHAKE;
    return true;
}

// --- records ------------------------------------------------------------------------------------

static void on_record_error(struct dtls *d, ssize_t rc)
{
    if (rc == 0) {
        d->state = CLOSED;
        gnutls_bye(d->session, GNUTLS_SHUT_WR);
        d->user.closed(d->user.arg);
    } else if (rc == GNUTLS_E_REHANDSHAKE) {
        gnutls_alert_send(d->session, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
        d->user.renegotiation(d->user.arg, false);
    } else if (rc == GNUTLS_E_WARNING_ALERT_RECEIVED) {
        if (gnutls_alert_get(d->session) == GNUTLS_A_NO_RENEGOTIATION)
            d->user.renegotiation(d->user.arg, false);
    } else if (gnutls_error_is_fatal((int)rc)) {
        fail_with(d, (int)rc);
    }
}

static void read_records(struct dtls *d)
{
    uint8_t payload[DTLS_RECORD_MAX];

    while (d->state == ESTABLISHED && !d->dead) {
        ssize_t n = gnutls_record_recv(d->session, payload, sizeof(payload));
        if (n > 0) {
            d->user.data(d->user.arg, payload, (size_t)n);
            continue;
        }
        if (n != GNUTLS_E_AGAIN && n != GNUTLS_E_INTERRUPTED)
            on_record_error(d, n);
        if (n == 0 || n == GNUTLS_E_AGAIN || gnutls_error_is_fatal((int)n))
            return;
    }
}

void dtls_receive(struct dtls *d, const uint8_t *bytes, size_t len, const struct addr *from)
{
    if (len == 0 || d->state == FAILED || d->state == CLOSED)
        return;
    enter(d);
    d->staged = bytes;
    d->staged_len = len;
    if (d->session || accept_cookie(d, from)) {
        if (d->state == HANDSHAKE || d->state == FRESH)
            drive_handshake(d);
        if (d->state == RENEGOTIATING)
            drive_renegotiation(d);
        read_records(d);
    }
    d->staged = NULL;
    leave(d);
}

int dtls_send(struct dtls *d, const uint8_t *bytes, size_t len)
{
    if (d->state != ESTABLISHED && d->state != RENEGOTIATING)
        return -ENOTCONN;
    ssize_t n = gnutls_record_send(d->session, bytes, len);
    return n == (ssize_t)len ? 0 : -EIO;
}

void dtls_renegotiate(struct dtls *d)
{
    if (d->state != ESTABLISHED)
        return;
    enter(d);
    if (d->options.server) {
        gnutls_rehandshake(d->session);
    } else {
        d->state = RENEGOTIATING;
        drive_renegotiation(d);
    }
    leave(d);
}

void dtls_close(struct dtls *d)
{
    if (d->state != ESTABLISHED && d->state != RENEGOTIATING)
        return;
    d->state = CLOSED;
    gnutls_bye(d->session, GNUTLS_SHUT_WR);
}

bool dtls_established(const struct dtls *d)
{
    return d->state == ESTABLISHED || d->state == RENEGOTIATING;
}

int dtls_due_ms(const struct dtls *d)
{
    if (!d->session || (d->state != HANDSHAKE && d->state != RENEGOTIATING))
        return -1;
    unsigned ms = gnutls_dtls_get_timeout(d->session);
    return (int)(ms > TICK_MIN_MS ? ms : TICK_MIN_MS);
}

void dtls_tick(struct dtls *d)
{
    enter(d);
    if (d->state == HANDSHAKE && d->session)
        drive_handshake(d);
    else if (d->state == RENEGOTIATING)
        drive_renegotiation(d);
    leave(d);
}
