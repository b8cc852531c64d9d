// SPDX-License-Identifier: GPL-3.0-or-later
// One DTLS association over GnuTLS.
//
// Happy path: datagrams are staged and pulled by GnuTLS one record at a time. In the handshake the
// verify callback compares the peer's certificate with the fingerprints of its SDP; when none is
// known yet it parks the handshake until dtls_set_fingerprints(). After the last Finished the
// comparison is made once more, then records pass both ways.
// Failure paths: the callback refuses, the peer has no certificate, no suite or version is common,
// the peer sends a fatal alert, or time runs out: FAILED, with the reason and, except in the last
// two cases, an alert that is sent again whenever the peer repeats its flight. close_notify or a
// fatal alert of the established peer: CLOSED. Records that do not authenticate are dropped and
// counted, whatever they are.
//
// Timers: GnuTLS measures the wall clock. It is told to repeat its flight whenever it is called
// without input (window 0) and never to give up; when to call it, and when to give up, is decided
// here by the caller's clock.

#include "agw/dtls.h"

#include "agw/dtls_flight.h"
#include "agw/dtls_profile.h"
#include "agw/dtls_record.h"
#include "agw/keylog.h"
#include "agw/refusal.h"
#include "common/fsm.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/dtls.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// RFC 6347 4.2.4.1: the retransmission timer is doubled up to 60 s.
#define RETRANSMIT_MAX_US (60 * 1000000ull)
// A flight of the peer comes as several datagrams; when it is repeated, ours (or our alert) is
// repeated once for all of those that arrive within this time.
#define REPEAT_MIN_US (50 * 1000ull)
// While parked, the rest of the peer's flight is kept: a client's is its certificate, a few hundred
// bytes of signatures and a Finished.
#define HELD_MAX 4096
// 24 days. GnuTLS computes what is left as a signed number of milliseconds and takes anything
// greater, GNUTLS_INDEFINITE_TIMEOUT too, as being over at once.
#define GNUTLS_NEVER INT_MAX
// Largest plaintext of a record (RFC 5246 6.2.1).
#define PLAINTEXT_MAX 16384

struct dtls {
    struct keylog_listener secrets;
    gnutls_session_t session;
    const struct dtls_profile *profile;
    struct dtls_sink sink;
    bool server;
    int state; // enum dtls_state, moved by the table below

    enum verify_result verdict; // what the verify callback last said
    bool parked;                // waiting in the verify callback for fingerprints

    enum reason failure;
    int alert; // fatal alert that was sent, or REFUSAL_SILENT

    // What came while the handshake was parked: two bytes of length before each datagram. NULL
    // until then.
    uint8_t *held;
    size_t held_len;

    // The datagram being received; what is left of it.
    const uint8_t *staged;
    size_t staged_len;

    // Where our flight is put together while GnuTLS is asked to receive. NULL: what leaves, leaves
    // at once.
    struct dtls_flight *flight;

    uint64_t now_us; // of the call that is running

    // Retransmission.
    uint64_t expires_us;    // end of the handshake timeout
    uint64_t retransmit_us; // when our flight is repeated
    uint64_t interval_us;
    uint64_t flight_us;   // when our last flight or alert left
    unsigned flight_name; // which flight that was
    bool repeated;        // it was repeated by the timer

    unsigned discarded_told; // by dtls_take_discarded()
    unsigned discarded_own;  // records that GnuTLS never saw

    // Large, and of no interest to media: at the end, so that what they need is close together.
    struct fingerprints remote;
    struct fingerprint matched;
};

// --- state table -------------------------------------------------------------------------------

enum event { EVENT_VERIFIED, EVENT_FAILURE, EVENT_CLOSE_NOTIFY, EVENT_FATAL_ALERT };

static void on_verified(void *object, void *argument)
{
    struct dtls *dtls = object;
    dtls->expires_us = UINT64_MAX;
    dtls->retransmit_us = UINT64_MAX;
    gnutls_dtls_set_mtu(dtls->session, dtls->profile->data_mtu);
}

struct failure {
    enum reason reason;
    int alert;
};

static void send_alert(struct dtls *dtls)
{
    if (dtls->alert == REFUSAL_SILENT)
        return;
    dtls->flight_us = dtls->now_us;
    gnutls_alert_send(dtls->session, GNUTLS_AL_FATAL, (gnutls_alert_description_t)dtls->alert);
}

static void on_failure(void *object, void *argument)
{
    struct dtls *dtls = object;
    const struct failure *failure = argument;
    dtls->failure = failure->reason;
    dtls->alert = failure->alert;
    dtls->expires_us = UINT64_MAX;
    dtls->retransmit_us = UINT64_MAX;
    send_alert(dtls);
}

// RFC 5246 7.2.1: a close_notify is answered with one.
static void on_close_notify(void *object, void *argument)
{
    struct dtls *dtls = object;
    gnutls_bye(dtls->session, GNUTLS_SHUT_WR);
}

static const struct fsm_row rows[] = {
    {DTLS_HANDSHAKE, EVENT_VERIFIED, on_verified, DTLS_ESTABLISHED},
    {DTLS_HANDSHAKE, EVENT_FAILURE, on_failure, DTLS_FAILED},
    {DTLS_ESTABLISHED, EVENT_CLOSE_NOTIFY, on_close_notify, DTLS_CLOSED},
    {DTLS_ESTABLISHED, EVENT_FATAL_ALERT, NULL, DTLS_CLOSED},
};
static const char *const state_names[] = {"HANDSHAKE", "ESTABLISHED", "CLOSED", "FAILED"};
static const char *const event_names[] = {"verified", "failure", "close_notify", "fatal alert"};
static const struct fsm fsm = {
    .name = "dtls",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .state_names = state_names,
    .event_names = event_names,
};

static void feed(struct dtls *dtls, enum event event, void *argument)
{
    fsm_feed(&fsm, &dtls->state, event, dtls, argument, "dtls association");
}

static void fail(struct dtls *dtls, enum reason reason, int alert)
{
    struct failure failure = {reason, alert};
    feed(dtls, EVENT_FAILURE, &failure);
}

// --- what GnuTLS calls -------------------------------------------------------------------------

// Bytes of the record that is to be read next, 0 for none. A record that is cut off is thrown away:
// GnuTLS would wait for its rest and take the next datagram for it.
static size_t next_record(struct dtls *dtls)
{
    size_t len = record_len(dtls->staged, dtls->staged_len);
    if (len == 0 && dtls->staged_len > 0) {
        dtls->discarded_own++;
        dtls->staged_len = 0;
    }
    return len;
}

// Hands out one record as if it were a datagram, so that GnuTLS never keeps a rest which the timer
// functions do not know of.
static ssize_t pull(gnutls_transport_ptr_t ptr, void *buf, size_t size)
{
    struct dtls *dtls = ptr;
    size_t len = next_record(dtls);
    if (len == 0) {
        gnutls_transport_set_errno(dtls->session, EAGAIN);
        return -1;
    }
    size_t copied = len < size ? len : size;
    memcpy(buf, dtls->staged, copied);
    dtls->staged += len;
    dtls->staged_len -= len;
    return (ssize_t)copied;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    return next_record(ptr) > 0;
}

// Names the flight that is being sent: it is a new one when we have written or read a message since
// the last.
static unsigned name_flight(const struct dtls *dtls)
{
    return gnutls_handshake_get_last_out(dtls->session) << 8 |
           gnutls_handshake_get_last_in(dtls->session);
}

static ssize_t push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    struct dtls *dtls = ptr;
    if (dtls->flight)
        dtls_flight_add(dtls->flight, name_flight(dtls), data, len);
    else
        dtls->sink.transmit(dtls->sink.arg, data, len);
    return (ssize_t)len;
}

// Inside the handshake, once the peer's certificate is there (RFC 8122 6.2).
static int verify(gnutls_session_t session)
{
    struct dtls *dtls = gnutls_session_get_ptr(session);
    dtls->verdict = verify_peer(session, &dtls->remote, &dtls->matched);
    dtls->parked = dtls->verdict == VERIFY_UNDECIDED;
    if (dtls->parked)
        return GNUTLS_E_AGAIN;
    return dtls->verdict == VERIFY_MATCH ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

static int write_keylog(gnutls_session_t session, const char *label, const gnutls_datum_t *secret)
{
    const struct dtls *dtls = gnutls_session_get_ptr(session);
    keylog_put(dtls->profile->suites.keylog_fd, &dtls->secrets, session, label, secret);
    return 0;
}

// --- handshake ---------------------------------------------------------------------------------

static void fail_handshake(struct dtls *dtls, int rc)
{
    struct refusal refusal = refusal_of(dtls->session, dtls->server, rc, dtls->verdict);
    fail(dtls, refusal.reason, refusal.alert);
}

// The fingerprints may have changed since the callback ran, and nothing may depend on GnuTLS having
// called it at all.
static void finish_handshake(struct dtls *dtls)
{
    dtls->verdict = verify_peer(dtls->session, &dtls->remote, &dtls->matched);
    if (dtls->verdict == VERIFY_MATCH)
        feed(dtls, EVENT_VERIFIED, NULL);
    else
        fail_handshake(dtls, GNUTLS_E_CERTIFICATE_ERROR);
}

// Before GnuTLS is asked to receive: it answers a repeated flight of the peer with ours. That is
// wanted once for all datagrams that the peer's consists of.
// When a client repeats its flight, the server may be established already and wait for no more than
// the Finished; one made with GnuTLS then reads a single record of each datagram that comes.
static void begin_flight(struct dtls *dtls, struct dtls_flight *flight)
{
    uint64_t min = dtls->interval_us < REPEAT_MIN_US ? dtls->interval_us : REPEAT_MIN_US;
    bool too_soon = dtls->now_us - dtls->flight_us < min;
    flight->transmit = dtls->sink.transmit;
    flight->arg = dtls->sink.arg;
    flight->mtu = dtls->profile->handshake_mtu;
    flight->unwanted = too_soon ? dtls->flight_name : 0;
    flight->apart = dtls->server ? 0 : dtls->flight_name;
    dtls_flight_open(flight);
    dtls->flight = flight;
}

// When is the flight that left to be repeated? The interval goes back to its first value only after
// an exchange without loss (RFC 6347 4.2.4.1).
static void end_flight(struct dtls *dtls)
{
    struct dtls_flight *flight = dtls->flight;
    dtls->flight = NULL;
    if (!dtls_flight_close(flight))
        return;
    if (flight->name != dtls->flight_name) {
        if (!dtls->repeated)
            dtls->interval_us = dtls->profile->retransmit_us;
        dtls->repeated = false;
        dtls->flight_name = flight->name;
    }
    dtls->flight_us = dtls->now_us;
    if (dtls->state == DTLS_HANDSHAKE)
        dtls->retransmit_us = dtls->now_us + dtls->interval_us;
}

// The wall clock was stepped back: GnuTLS believes that 24 days have passed, or returns a negative
// number of milliseconds for an error. Our clock decides about time.
static bool is_clock_error(int rc)
{
    return rc == GNUTLS_E_TIMEDOUT || rc < GNUTLS_E_APPLICATION_ERROR_MIN;
}

// Asks GnuTLS to go on with the handshake and deals with the outcome.
static void step_handshake(struct dtls *dtls)
{
    struct dtls_flight flight;
    begin_flight(dtls, &flight);
    int rc = gnutls_handshake(dtls->session);
    end_flight(dtls);
    if (rc == 0)
        finish_handshake(dtls);
    else if (gnutls_error_is_fatal(rc) && !is_clock_error(rc))
        fail_handshake(dtls, rc);
}

// Takes the staged records one by one until the handshake ends or parks.
static void receive_handshake(struct dtls *dtls)
{
    while (dtls->state == DTLS_HANDSHAKE && !dtls->parked && dtls->staged_len > 0) {
        size_t before = dtls->staged_len;
        step_handshake(dtls);
        if (dtls->staged_len == before)
            return;
    }
}

// --- records -----------------------------------------------------------------------------------

// Renegotiation is refused, secured or not (RFC 5746 4.4, REQ-068); the association lives on.
static void refuse_renegotiation(struct dtls *dtls)
{
    reason_count(REASON_DTLS_RENEGOTIATION);
    gnutls_alert_send(dtls->session, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
}

// Everything but application data. True when it authenticated.
static bool handle_other_record(struct dtls *dtls, ssize_t rc)
{
    switch (rc) {
    case 0:
        feed(dtls, EVENT_CLOSE_NOTIFY, NULL);
        return true;
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
        feed(dtls, EVENT_FATAL_ALERT, NULL);
        return true;
    case GNUTLS_E_REHANDSHAKE:
        refuse_renegotiation(dtls);
        return true;
    case GNUTLS_E_WARNING_ALERT_RECEIVED:
        return true;
    default:
        return false; // dropped and counted by GnuTLS
    }
}

static bool receive_record(struct dtls *dtls)
{
    uint8_t plaintext[PLAINTEXT_MAX];
    struct dtls_flight flight;
    begin_flight(dtls, &flight);
    ssize_t rc = gnutls_record_recv(dtls->session, plaintext, sizeof(plaintext));
    end_flight(dtls);
    if (rc <= 0)
        return handle_other_record(dtls, rc);
    dtls->sink.deliver(dtls->sink.arg, plaintext, (size_t)rc);
    return true;
}

static bool receive_records(struct dtls *dtls)
{
    bool authenticated = false;
    while (dtls->state == DTLS_ESTABLISHED && dtls->staged_len > 0)
        authenticated |= receive_record(dtls);
    return authenticated;
}

// Alerts are not repeated by the protocol: the peer may have missed ours when it repeats its flight
// (RFC 6347 4.2.7, REQ-131).
static void answer_repeated_flight(struct dtls *dtls)
{
    bool handshake = dtls->staged_len > 0 && dtls->staged[0] == CONTENT_HANDSHAKE;
    if (handshake && dtls->now_us - dtls->flight_us >= REPEAT_MIN_US)
        send_alert(dtls);
}

// --- waiting for the fingerprints --------------------------------------------------------------

// Keeps what a parked handshake has not read for the time when the fingerprints are known, so that
// the peer need not repeat its flight then. What does not fit is dropped: it will be repeated.
static void hold_rest(struct dtls *dtls)
{
    size_t len = dtls->staged_len;
    if (!dtls->parked || len == 0)
        return;
    if (!dtls->held)
        dtls->held = malloc(HELD_MAX);
    if (!dtls->held || dtls->held_len + 2 + len > HELD_MAX) {
        dtls->discarded_own++;
        return;
    }
    uint8_t *at = dtls->held + dtls->held_len;
    at[0] = (uint8_t)(len >> 8);
    at[1] = (uint8_t)len;
    memcpy(at + 2, dtls->staged, len);
    dtls->held_len += 2 + len;
}

static void receive(struct dtls *dtls, const uint8_t *datagram, size_t len)
{
    dtls->staged = datagram;
    dtls->staged_len = len;
    receive_handshake(dtls);
    receive_records(dtls);
    dtls->staged_len = 0;
}

static void receive_held(struct dtls *dtls)
{
    for (size_t at = 0; at < dtls->held_len && !dtls->parked;) {
        size_t len = (size_t)dtls->held[at] << 8 | dtls->held[at + 1];
        receive(dtls, dtls->held + at + 2, len);
        at += 2 + len;
    }
    free(dtls->held);
    dtls->held = NULL;
    dtls->held_len = 0;
}

bool dtls_receive(struct dtls *dtls, const uint8_t *datagram, size_t len, uint64_t now_us)
{
    bool authenticated = false;
    dtls->now_us = now_us;
    dtls->staged = datagram;
    dtls->staged_len = len;
    switch (dtls->state) {
    case DTLS_HANDSHAKE:
        receive_handshake(dtls);
        hold_rest(dtls);
        authenticated = receive_records(dtls);
        break;
    case DTLS_ESTABLISHED:
        authenticated = receive_records(dtls);
        break;
    case DTLS_FAILED:
        answer_repeated_flight(dtls);
        break;
    default:
        break;
    }
    dtls->staged_len = 0;
    return authenticated;
}

int dtls_send(struct dtls *dtls, const void *data, size_t len)
{
    if (dtls->state != DTLS_ESTABLISHED)
        return -ENOTCONN;
    if (len == 0)
        return 0;
    ssize_t rc = gnutls_record_send(dtls->session, data, len);
    if (rc == (ssize_t)len)
        return 0;
    return rc == GNUTLS_E_LARGE_PACKET ? -EMSGSIZE : -ENOTCONN;
}

// --- opening and closing -----------------------------------------------------------------------

static int set_up_session(struct dtls *dtls, const struct certificate *certificate)
{
    const struct dtls_profile *profile = dtls->profile;
    gnutls_session_t session = dtls->session;
    int rc = suites_apply(&profile->suites, session, certificate);
    if (rc < 0)
        return rc;
    gnutls_session_set_ptr(session, dtls);
    gnutls_session_set_verify_function(session, verify);
    gnutls_transport_set_ptr(session, dtls);
    gnutls_transport_set_push_function(session, push);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_pull_timeout_function(session, pull_timeout);
    gnutls_dtls_set_mtu(session, profile->handshake_mtu);
    gnutls_dtls_set_timeouts(session, 0, GNUTLS_NEVER);
    if (profile->suites.keylog_fd >= 0)
        gnutls_session_set_keylog_function(session, write_keylog);
    return 0;
}

static struct dtls *open_association(const struct dtls_profile *profile, bool server,
                                     const struct certificate *certificate,
                                     const struct fingerprints *remote, struct dtls_sink sink,
                                     uint64_t now_us)
{
    // A resumed session would carry no certificate to check, hence no tickets (REQ-068).
    const unsigned flags = GNUTLS_DATAGRAM | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS;
    struct dtls *dtls = calloc(1, sizeof(*dtls));
    if (!dtls)
        return NULL;
    dtls->profile = profile;
    dtls->server = server;
    dtls->sink = sink;
    fingerprints_set(&dtls->remote, remote);
    dtls->state = DTLS_HANDSHAKE;
    dtls->verdict = VERIFY_UNDECIDED;
    dtls->alert = REFUSAL_SILENT;
    dtls->interval_us = profile->retransmit_us;
    dtls->now_us = now_us;
    dtls->expires_us = now_us + profile->handshake_timeout_us;
    dtls->retransmit_us = UINT64_MAX;
    if (gnutls_init(&dtls->session, flags | (server ? GNUTLS_SERVER : GNUTLS_CLIENT)) < 0) {
        free(dtls);
        return NULL;
    }
    if (set_up_session(dtls, certificate) < 0) {
        dtls_close(dtls);
        return NULL;
    }
    return dtls;
}

struct dtls *dtls_open_server(const struct dtls_profile *profile, const struct dtls_hello *hello,
                              const struct certificate *certificate,
                              const struct fingerprints *remote, struct dtls_sink sink,
                              uint64_t now_us)
{
    struct dtls *dtls = open_association(profile, true, certificate, remote, sink, now_us);
    if (dtls) {
        gnutls_dtls_prestate_st prestate;
        memcpy(&prestate, hello, sizeof(prestate));
        gnutls_dtls_prestate_set(dtls->session, &prestate);
    }
    return dtls;
}

struct dtls *dtls_open_client(const struct dtls_profile *profile,
                              const struct certificate *certificate,
                              const struct fingerprints *remote, struct dtls_sink sink,
                              uint64_t now_us)
{
    struct dtls *dtls = open_association(profile, false, certificate, remote, sink, now_us);
    if (dtls)
        step_handshake(dtls);
    return dtls;
}

void dtls_set_fingerprints(struct dtls *dtls, const struct fingerprints *remote, uint64_t now_us)
{
    if (dtls->state != DTLS_HANDSHAKE)
        return;
    fingerprints_set(&dtls->remote, remote);
    if (!dtls->parked || remote->count == 0)
        return;
    // What was waited for so far was the SDP answer, not the peer.
    dtls->expires_us = now_us + dtls->profile->handshake_timeout_us;
    dtls->parked = false;
    dtls->now_us = now_us;
    step_handshake(dtls);
    receive_held(dtls);
}

void dtls_close(struct dtls *dtls)
{
    if (!dtls)
        return;
    if (dtls->state == DTLS_ESTABLISHED)
        gnutls_bye(dtls->session, GNUTLS_SHUT_WR);
    gnutls_deinit(dtls->session);
    free(dtls->held);
    free(dtls);
}

// --- timers ------------------------------------------------------------------------------------

uint64_t dtls_deadline(const struct dtls *dtls)
{
    if (dtls->parked || dtls->expires_us < dtls->retransmit_us)
        return dtls->expires_us;
    return dtls->retransmit_us;
}

// GnuTLS repeats the flight when it is called without input, unless it has part of the peer's next
// flight already: then the peer will repeat that.
static void repeat_flight(struct dtls *dtls)
{
    dtls->interval_us *= 2;
    if (dtls->interval_us > RETRANSMIT_MAX_US)
        dtls->interval_us = RETRANSMIT_MAX_US;
    dtls->repeated = true;
    dtls->retransmit_us = dtls->now_us + dtls->interval_us;
    step_handshake(dtls);
}

void dtls_tick(struct dtls *dtls, uint64_t now_us)
{
    if (dtls->state != DTLS_HANDSHAKE)
        return;
    dtls->now_us = now_us;
    if (now_us >= dtls->expires_us)
        fail(dtls, REASON_DTLS_TIMEOUT, REFUSAL_SILENT);
    else if (!dtls->parked && now_us >= dtls->retransmit_us)
        repeat_flight(dtls);
}

// --- asking ------------------------------------------------------------------------------------

enum dtls_state dtls_state(const struct dtls *dtls)
{
    return (enum dtls_state)dtls->state;
}

enum reason dtls_failure(const struct dtls *dtls)
{
    return dtls->failure;
}

void dtls_describe(const struct dtls *dtls, char *buf, size_t size)
{
    const char *role = dtls->server ? "server" : "client";
    if (dtls->state == DTLS_FAILED) {
        snprintf(buf, size, "%s, failed: %s", role, reason_text(dtls->failure));
    } else if (dtls->state == DTLS_HANDSHAKE) {
        snprintf(buf, size, "%s, %s", role,
                 dtls->parked ? "waiting for the fingerprint of the peer" : "handshake");
    } else {
        snprintf(buf, size, "%s, %s, %s, %s %02X:%02X.. matched", role,
                 gnutls_protocol_get_name(gnutls_protocol_get_version(dtls->session)),
                 gnutls_ciphersuite_get(dtls->session), dtls->matched.hash, dtls->matched.value[0],
                 dtls->matched.value[1]);
    }
}

unsigned dtls_take_discarded(struct dtls *dtls)
{
    unsigned total = gnutls_record_get_discarded(dtls->session) + dtls->discarded_own;
    unsigned fresh = total - dtls->discarded_told;
    dtls->discarded_told = total;
    return fresh;
}

void dtls_tell_secrets(struct dtls *dtls, void (*tell)(void *arg, const char *line, size_t len),
                       void *arg)
{
    dtls->secrets = (struct keylog_listener){tell, arg};
    gnutls_session_set_keylog_function(dtls->session, write_keylog);
}
