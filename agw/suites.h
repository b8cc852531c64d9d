// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_SUITES_H
#define AGW_SUITES_H
// What the locally provisioned profiles of TLS and DTLS have in common (TS 33.210 6.2, RFC 9325).

#include <gnutls/gnutls.h>

// Key exchange groups and signatures. RSA signatures are for peers that have only those; SHA-1 and
// MD5 are not among them.
#define SUITES_GROUPS "+GROUP-SECP256R1:+GROUP-X25519:+GROUP-SECP384R1:+GROUP-FFDHE2048"
#define SUITES_SIGNATURES                                                                          \
    "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512"        \
    ":+SIGN-RSA-SHA256:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512"

// Bytes that the worst suite of the list adds to a record: which one it will be is not known when
// bandwidth is adjusted (REQ-096).
unsigned suites_worst_overhead(gnutls_priority_t priority, gnutls_protocol_t version);

#endif
