// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_SUITES_H
#define AGW_SUITES_H
// What the locally provisioned profiles of TLS and DTLS have in common (TS 33.210 6.2, RFC 9325):
// cipher suites, what they cost, and the key log.

#include "agw/certificate.h"
#include "common/config.h"

#include <gnutls/gnutls.h>

// Key exchange groups and signatures. RSA signatures are for peers that have only those; SHA-1 and
// MD5 are not among them.
#define SUITES_GROUPS "+GROUP-SECP256R1:+GROUP-X25519:+GROUP-SECP384R1:+GROUP-FFDHE2048"
#define SUITES_SIGNATURES                                                                          \
    "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512"        \
    ":+SIGN-RSA-SHA256:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512"

// What one protocol may use.
struct suites_policy {
    const char *protocol;        // "dtls", for the log
    const char *strict, *legacy; // priority strings; the second where agw.legacy_suites says so
    gnutls_protocol_t version;   // whose records are measured
};

// Nothing in it changes after suites_open(): all workers read it without a lock.
struct suites {
    gnutls_priority_t priority;
    unsigned overhead; // bytes the worst suite adds to a record: which one it will be is not known
                       // when bandwidth is adjusted (REQ-096)
    int keylog_fd;     // -1: no key log
};

// Fills in *suites. 0, or a negative errno that the log explains, and nothing stays open.
int suites_open(struct suites *suites, const struct suites_policy *policy,
                const struct config *cfg);
// Closes what suites_open() opened.
void suites_close(struct suites *suites);

// Prepares a new session: suites, our certificate (borrowed), and that the peer must present one. 0
// or a GnuTLS error.
int suites_apply(const struct suites *suites, gnutls_session_t session,
                 const struct certificate *certificate);

#endif
