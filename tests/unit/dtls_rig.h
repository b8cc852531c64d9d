// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UNIT_DTLS_RIG_H
#define TESTS_UNIT_DTLS_RIG_H
// A wire in memory between the association under test (the AGW's) and a UE, which is either a bare
// GnuTLS session, free to misbehave, or an association of ours. No socket, no clock: time is
// rig.now.

#include "agw/certificate.h"
#include "agw/dtls.h"

#include <check.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/dtls.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US 1000000ull

// --- one direction of the wire ------------------------------------------------------------------

struct packet {
    struct packet *next;
    size_t len;
    uint8_t bytes[]; // exactly len, so that a sanitizer sees who reads past it
};

struct wire {
    struct packet *first, **last;
    unsigned sent; // also those that were lost
    size_t longest;
    unsigned alerts; // plaintext alerts that passed, and what the last of them said
    int alert_level, alert_description;
    bool (*lose)(void *arg, const uint8_t *datagram, size_t len); // NULL: nothing is lost
    void *lose_arg;
};

static inline void wire_open(struct wire *w)
{
    *w = (struct wire){.alert_description = -1};
    w->last = &w->first;
}

static inline void wire_note(struct wire *w, const uint8_t *datagram, size_t len)
{
    w->sent++;
    if (len > w->longest)
        w->longest = len;
    if (len == 15 && datagram[0] == 21) {
        w->alerts++;
        w->alert_level = datagram[13];
        w->alert_description = datagram[14];
    }
}

static inline void wire_put(struct wire *w, const void *datagram, size_t len)
{
    struct packet *p = malloc(sizeof(*p) + len);
    ck_assert_ptr_nonnull(p);
    *p = (struct packet){.len = len};
    memcpy(p->bytes, datagram, len);
    *w->last = p;
    w->last = &p->next;
}

static inline void wire_transmit(void *arg, const void *datagram, size_t len)
{
    struct wire *w = arg;
    wire_note(w, datagram, len);
    if (!w->lose || !w->lose(w->lose_arg, datagram, len))
        wire_put(w, datagram, len);
}

// The caller frees the packet. NULL: nothing is under way.
static inline struct packet *wire_take(struct wire *w)
{
    struct packet *p = w->first;
    if (p) {
        w->first = p->next;
        if (!w->first)
            w->last = &w->first;
    }
    return p;
}

static inline void wire_drop_all(struct wire *w)
{
    struct packet *p;
    while ((p = wire_take(w)) != NULL)
        free(p);
}

// --- a bare GnuTLS session as the UE ------------------------------------------------------------

struct raw {
    gnutls_session_t session;
    struct wire *out;
    const struct packet *in; // the datagram to be read; NULL: none
    int rc;                  // of the last gnutls_handshake()
    bool established;
    int alert; // last alert received, -1: none
    unsigned received;
    uint8_t last[2048];
    ssize_t last_len;
};

static inline ssize_t raw_push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    struct raw *raw = ptr;
    wire_transmit(raw->out, data, len);
    return (ssize_t)len;
}

static inline ssize_t raw_pull(gnutls_transport_ptr_t ptr, void *data, size_t size)
{
    struct raw *raw = ptr;
    if (!raw->in) {
        gnutls_transport_set_errno(raw->session, EAGAIN);
        return -1;
    }
    size_t len = raw->in->len < size ? raw->in->len : size;
    memcpy(data, raw->in->bytes, len);
    raw->in = NULL;
    return (ssize_t)len;
}

static inline int raw_pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    const struct raw *raw = ptr;
    return raw->in != NULL;
}

static inline int raw_accept(gnutls_session_t session)
{
    return 0;
}

static inline void raw_step(struct raw *raw)
{
    raw->rc = gnutls_handshake(raw->session);
    raw->established = raw->rc == 0;
    if (raw->rc == GNUTLS_E_FATAL_ALERT_RECEIVED || raw->rc == GNUTLS_E_WARNING_ALERT_RECEIVED)
        raw->alert = (int)gnutls_alert_get(raw->session);
}

static inline void raw_read(struct raw *raw)
{
    do {
        ssize_t rc = gnutls_record_recv(raw->session, raw->last, sizeof(raw->last));
        if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED || rc == GNUTLS_E_WARNING_ALERT_RECEIVED)
            raw->alert = (int)gnutls_alert_get(raw->session);
        if (rc >= 0) {
            raw->received++;
            raw->last_len = rc;
        }
        if (rc <= 0 && rc != GNUTLS_E_WARNING_ALERT_RECEIVED)
            return;
    } while (1);
}

// As an application does whose socket stays readable: GnuTLS is called until it has read.
static inline void raw_receive(struct raw *raw, const struct packet *p)
{
    raw->in = p;
    for (int i = 0; i < 20 && raw->in; i++) {
        if (!raw->established && !gnutls_error_is_fatal(raw->rc))
            raw_step(raw);
        if (raw->established)
            raw_read(raw);
    }
    raw->in = NULL;
}

// Priorities of a modern UE.
#define RAW_PRIORITY "NORMAL:-VERS-ALL:+VERS-DTLS1.2"

// certificate may be NULL: the UE then has none to show. A client does not start by itself.
static inline void raw_open(struct raw *raw, bool server, const char *priority,
                            const struct certificate *certificate, struct wire *out)
{
    static gnutls_certificate_credentials_t empty;
    *raw = (struct raw){.out = out, .alert = -1, .last_len = -1};
    if (!empty)
        ck_assert_int_eq(gnutls_certificate_allocate_credentials(&empty), 0);
    ck_assert_int_eq(gnutls_init(&raw->session, (server ? GNUTLS_SERVER : GNUTLS_CLIENT) |
                                                    GNUTLS_DATAGRAM | GNUTLS_NONBLOCK),
                     0);
    ck_assert_int_eq(gnutls_priority_set_direct(raw->session, priority, NULL), 0);
    ck_assert_int_eq(
        gnutls_credentials_set(raw->session, GNUTLS_CRD_CERTIFICATE,
                               certificate ? certificate_credentials(certificate) : empty),
        0);
    gnutls_certificate_server_set_request(raw->session, GNUTLS_CERT_REQUEST);
    gnutls_session_set_verify_function(raw->session, raw_accept);
    gnutls_transport_set_ptr(raw->session, raw);
    gnutls_transport_set_push_function(raw->session, raw_push);
    gnutls_transport_set_pull_function(raw->session, raw_pull);
    gnutls_transport_set_pull_timeout_function(raw->session, raw_pull_timeout);
    gnutls_dtls_set_mtu(raw->session, 1400);
}

static inline void raw_send(struct raw *raw, const char *text)
{
    ck_assert_int_eq(gnutls_record_send(raw->session, text, strlen(text)), (int)strlen(text));
}

// --- fingerprints -------------------------------------------------------------------------------

// Adds the value of the index-th certificate of a set under a hash.
static inline void add_fingerprint(struct fingerprints *list, const struct certificate *certificate,
                                   unsigned index, const char *hash,
                                   gnutls_digest_algorithm_t algorithm)
{
    gnutls_x509_crt_t *chain = NULL;
    unsigned count = 0;
    gnutls_datum_t der;
    struct fingerprint *fp = &list->list[list->count++];

    ck_assert_int_eq(gnutls_certificate_get_x509_crt(certificate_credentials(certificate), index,
                                                     &chain, &count),
                     0);
    ck_assert_int_eq(gnutls_x509_crt_export2(chain[0], GNUTLS_X509_FMT_DER, &der), 0);
    *fp = (struct fingerprint){.len = (uint8_t)gnutls_hash_get_len(algorithm)};
    snprintf(fp->hash, sizeof(fp->hash), "%s", hash);
    ck_assert_int_eq(gnutls_hash_fast(algorithm, der.data, der.size, fp->value), 0);
    gnutls_free(der.data);
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
}

// --- AGW, wire and UE together ------------------------------------------------------------------

struct rig {
    struct config cfg;
    struct dtls_profile *profile;
    uint64_t now;
    struct wire to_ue, to_agw;

    // the side under test
    bool server;
    struct certificate *certificate;
    struct fingerprints remote; // what it knows of the UE
    struct dtls *dtls;          // a server comes into being with the first valid cookie
    unsigned delivered;
    uint8_t last[20000];
    size_t last_len;
    bool authenticated; // what dtls_receive() last said

    // the UE
    struct certificate *ue_certificate;
    struct raw raw;
    struct dtls *ue; // instead of raw
    unsigned ue_delivered;
};

static inline void rig_deliver(void *arg, const void *data, size_t len)
{
    struct rig *rig = arg;
    ck_assert_uint_le(len, sizeof(rig->last));
    ck_assert_int_eq(dtls_state(rig->dtls), DTLS_ESTABLISHED);
    memcpy(rig->last, data, len);
    rig->last_len = len;
    rig->delivered++;
}

static inline void rig_ue_deliver(void *arg, const void *data, size_t len)
{
    struct rig *rig = arg;
    rig->ue_delivered++;
}

static inline void rig_transmit(void *arg, const void *datagram, size_t len)
{
    struct rig *rig = arg;
    wire_transmit(&rig->to_ue, datagram, len);
}

static inline void rig_ue_transmit(void *arg, const void *datagram, size_t len)
{
    struct rig *rig = arg;
    wire_transmit(&rig->to_agw, datagram, len);
}

static inline struct dtls_sink rig_sink(struct rig *rig)
{
    return (struct dtls_sink){.transmit = rig_transmit, .deliver = rig_deliver, .arg = rig};
}

// Certificates for both sides; the AGW knows the UE's fingerprint. rig->cfg may be changed before.
static inline void rig_open_sets(struct rig *rig, bool server, enum certificate_set set,
                                 enum certificate_set ue_set)
{
    rig->now = 1000 * SECOND_US;
    rig->server = server;
    wire_open(&rig->to_ue);
    wire_open(&rig->to_agw);
    ck_assert_int_eq(dtls_profile_open(&rig->profile, &rig->cfg), 0);
    rig->certificate = certificate_create(set);
    rig->ue_certificate = certificate_create(ue_set);
    ck_assert(rig->certificate && rig->ue_certificate);
    rig->remote = *certificate_fingerprints(rig->ue_certificate);
}

static inline void rig_configure(struct rig *rig)
{
    *rig = (struct rig){0};
    config_defaults(&rig->cfg);
    rig->cfg.agw.handshake_timeout_ms = 10000;
    rig->cfg.agw.retransmit_ms = 1000;
    rig->cfg.agw.mtu = 1500;
    rig->cfg.agw.drop_oversize = true;
}

static inline void rig_open(struct rig *rig, bool server)
{
    rig_configure(rig);
    rig_open_sets(rig, server, CERTIFICATE_ECDSA, CERTIFICATE_ECDSA);
}

// The AGW starts as client, or waits for a ClientHello as server.
static inline void rig_start_agw(struct rig *rig)
{
    if (rig->server)
        return;
    rig->dtls =
        dtls_open_client(rig->profile, rig->certificate, &rig->remote, rig_sink(rig), rig->now);
    ck_assert_ptr_nonnull(rig->dtls);
}

static inline void rig_start_raw(struct rig *rig, const char *priority,
                                 const struct certificate *certificate)
{
    raw_open(&rig->raw, !rig->server, priority, certificate, &rig->to_agw);
    if (rig->server)
        raw_step(&rig->raw);
}

// The UE as an association of ours, client of an AGW that is server.
static inline void rig_start_own_ue(struct rig *rig)
{
    rig->ue = dtls_open_client(
        rig->profile, rig->ue_certificate, certificate_fingerprints(rig->certificate),
        (struct dtls_sink){.transmit = rig_ue_transmit, .deliver = rig_ue_deliver, .arg = rig},
        rig->now);
    ck_assert_ptr_nonnull(rig->ue);
}

static const char rig_peer[] = "192.0.2.7:40000";

// What the AGW does with a datagram before there is an association.
static inline void rig_listen(struct rig *rig, const uint8_t *datagram, size_t len)
{
    uint8_t reply[DTLS_COOKIE_REPLY_MAX];
    size_t reply_len;
    struct dtls_hello hello;

    if (dtls_classify(datagram, len) != DTLS_CLASS_CLIENT_HELLO)
        return;
    if (!dtls_cookie_check(rig->profile, rig_peer, sizeof(rig_peer), datagram, len, &hello, reply,
                           &reply_len)) {
        if (reply_len > 0)
            rig_transmit(rig, reply, reply_len);
        return;
    }
    rig->dtls = dtls_open_server(rig->profile, &hello, rig->certificate, &rig->remote,
                                 rig_sink(rig), rig->now);
    ck_assert_ptr_nonnull(rig->dtls);
}

static inline void rig_to_agw(struct rig *rig, const uint8_t *datagram, size_t len)
{
    if (!rig->dtls && rig->server)
        rig_listen(rig, datagram, len);
    if (rig->dtls)
        rig->authenticated = dtls_receive(rig->dtls, datagram, len, rig->now);
}

static inline void rig_to_ue(struct rig *rig, const struct packet *p)
{
    if (rig->ue)
        dtls_receive(rig->ue, p->bytes, p->len, rig->now);
    else if (rig->raw.session)
        raw_receive(&rig->raw, p);
}

// One datagram arrives at the AGW, or at the UE. False: none is under way.
static inline bool rig_step_up(struct rig *rig)
{
    struct packet *p = wire_take(&rig->to_agw);
    if (p)
        rig_to_agw(rig, p->bytes, p->len);
    free(p);
    return p != NULL;
}

static inline bool rig_step_down(struct rig *rig)
{
    struct packet *p = wire_take(&rig->to_ue);
    if (p)
        rig_to_ue(rig, p);
    free(p);
    return p != NULL;
}

// Brings what is on the wire to its end, and what that causes, until the wire is quiet.
static inline void rig_pump(struct rig *rig)
{
    for (unsigned i = 0; i < 1000; i++) {
        bool up = rig_step_up(rig);
        bool down = rig_step_down(rig);
        if (!up && !down)
            return;
    }
    ck_abort_msg("the wire never comes to rest");
}

// Moves time to the next deadline of either side and ticks both. False: nobody waits for anything.
static inline bool rig_advance(struct rig *rig)
{
    uint64_t agw = rig->dtls ? dtls_deadline(rig->dtls) : UINT64_MAX;
    uint64_t ue = rig->ue ? dtls_deadline(rig->ue) : UINT64_MAX;
    uint64_t next = agw < ue ? agw : ue;
    if (next == UINT64_MAX)
        return false;
    ck_assert_uint_gt(next, rig->now); // a deadline in the past would spin
    rig->now = next;
    if (rig->dtls)
        dtls_tick(rig->dtls, rig->now);
    if (rig->ue)
        dtls_tick(rig->ue, rig->now);
    return true;
}

// A handshake with a bare GnuTLS UE that has a certificate, until nothing moves any more.
static inline void rig_handshake(struct rig *rig, const char *priority)
{
    rig_start_agw(rig);
    rig_start_raw(rig, priority, rig->ue_certificate);
    rig_pump(rig);
}

static inline void rig_establish(struct rig *rig, bool server)
{
    rig_open(rig, server);
    rig_handshake(rig, RAW_PRIORITY);
    ck_assert_int_eq(dtls_state(rig->dtls), DTLS_ESTABLISHED);
    ck_assert(rig->raw.established);
}

static inline void rig_close(struct rig *rig)
{
    dtls_close(rig->dtls);
    dtls_close(rig->ue);
    if (rig->raw.session)
        gnutls_deinit(rig->raw.session);
    wire_drop_all(&rig->to_ue);
    wire_drop_all(&rig->to_agw);
    certificate_free(rig->certificate);
    certificate_free(rig->ue_certificate);
    dtls_profile_close(rig->profile);
}

#endif
