// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_DTLS_H
#define UA_DTLS_H
// One DTLS 1.2 association of the user agent (RFC 6347, RFC 7345, RFC 8842). No socket and no timer
// in here: datagrams and time come from the owner.

#include "common/addr.h"
#include "common/fingerprint.h"
#include "tests/ua/ua_cert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dtls;

struct dtls_facts {
    char suite[128];         // "(DTLS1.2)-(ECDHE-SECP256R1)-..."
    struct fingerprint peer; // SHA-256 of the certificate the peer showed
};

// Called from within the functions below. dtls_free is allowed in each of them.
struct dtls_user {
    void *arg;
    void (*send)(void *arg, const uint8_t *bytes, size_t len);
    void (*established)(void *arg, const struct dtls_facts *facts);
    // Before or after establishment; why is one word or a few for people.
    void (*failed)(void *arg, const char *why);
    void (*data)(void *arg, const uint8_t *bytes, size_t len);
    void (*closed)(void *arg);                   // the peer's close_notify
    void (*renegotiation)(void *arg, bool done); // what became of dtls_renegotiate
};

struct dtls_options {
    bool server;
    struct fingerprints announced; // by the peer's SDP; no association without a match
    struct cert *cert;             // NULL: none is shown (client) or no association at all (server)
    const char *priority;          // GnuTLS priority string; NULL: DTLS_PRIORITY
    unsigned retransmit_ms;        // first retransmission, doubled after (RFC 6347 4.2.4.1)
    unsigned timeout_ms;           // whole handshake
};

// Forward secrecy and AEAD only, as RFC 9325 4.2 asks.
#define DTLS_PRIORITY                                                                              \
    "SECURE128:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"                           \
    "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:%SAFE_RENEGOTIATION"

// NULL when GnuTLS refuses the options. A client starts with dtls_start, a server by the peer.
struct dtls *dtls_open(const struct dtls_options *options, const struct dtls_user *user);
void dtls_free(struct dtls *d); // without a word to the peer; NULL allowed

void dtls_start(struct dtls *d);
// A datagram of the peer; from feeds the cookie of a server (RFC 6347 4.2.1).
void dtls_receive(struct dtls *d, const uint8_t *bytes, size_t len, const struct addr *from);
// One record, one datagram. -ENOTCONN before establishment, -EIO when GnuTLS refuses.
int dtls_send(struct dtls *d, const uint8_t *bytes, size_t len);
// Asks the peer to negotiate anew; a P-CSCF of ours refuses.
void dtls_renegotiate(struct dtls *d);
void dtls_close(struct dtls *d); // close_notify

bool dtls_established(const struct dtls *d);
// Milliseconds until dtls_tick wants to be called; -1: not at all.
int dtls_due_ms(const struct dtls *d);
void dtls_tick(struct dtls *d);

#endif
