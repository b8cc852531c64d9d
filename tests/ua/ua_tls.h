// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_TLS_H
#define UA_TLS_H
// TLS over a stream of bytes that somebody else carries (RFC 8446, RFC 5246), with the peer's
// certificate checked against the fingerprints of its SDP inside the handshake (RFC 8122 5, 6.2).

#include "common/fingerprint.h"
#include "tests/ua/ua_cert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls;

struct tls_facts {
    char version[16]; // "TLS1.3"
    char suite[128];
    struct fingerprint peer; // SHA-256
};

// Called from within the functions below. tls_free is allowed in each of them but send.
struct tls_user {
    void *arg;
    void (*send)(void *arg, const uint8_t *bytes, size_t len);
    void (*established)(void *arg, const struct tls_facts *facts);
    // Before establishment or after: a TLS 1.3 client learns late that it was refused.
    void (*failed)(void *arg, const char *why);
    void (*data)(void *arg, const uint8_t *bytes, size_t len);
    void (*closed)(void *arg); // the peer's close_notify
    void (*renegotiation)(void *arg, bool done);
};

struct tls_options {
    bool server;
    struct fingerprints announced; // by the peer's SDP
    struct cert *cert;             // NULL: none is shown
    const char *priority;          // GnuTLS priority string; NULL: TLS_PRIORITY
};

// Forward secrecy and AEAD only, TLS 1.3 before 1.2, as RFC 9325 4.2 asks.
#define TLS_PRIORITY                                                                               \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"               \
    "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:%SAFE_RENEGOTIATION"

// NULL when GnuTLS refuses the options.
struct tls *tls_open(const struct tls_options *options, const struct tls_user *user);
void tls_free(struct tls *t); // without a word to the peer; NULL allowed
void tls_start(struct tls *t);
void tls_receive(struct tls *t, const uint8_t *bytes, size_t len);
// -ENOTCONN before establishment, -EIO when GnuTLS refuses.
int tls_send(struct tls *t, const uint8_t *bytes, size_t len);
bool tls_renegotiate(struct tls *t); // false: not TLS 1.2, which alone knows it
void tls_close(struct tls *t);       // close_notify; what the peer sends is still read
bool tls_established(const struct tls *t);

#endif
