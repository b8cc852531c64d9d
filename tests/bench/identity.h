// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef BENCH_IDENTITY_H
#define BENCH_IDENTITY_H
// A self-signed ECDSA P-256 certificate for one end, and the one suite everybody here speaks.

#include <gnutls/gnutls.h>

#define IDENTITY_PRIORITY                                                                          \
    "NONE:+VERS-DTLS1.2:+ECDHE-ECDSA:+AES-128-GCM:+AEAD:+SIGN-ECDSA-SHA256"                        \
    ":+SIGN-ECDSA-SECP256R1-SHA256:+GROUP-SECP256R1:+COMP-NULL:+CTYPE-X509:%SAFE_RENEGOTIATION"

struct identity {
    gnutls_certificate_credentials_t credentials;
    char fingerprint[3 * 32]; // "4A:AD:...", zero-terminated
};

// 0 or a GnuTLS error.
int identity_create(struct identity *identity);
void identity_free(struct identity *identity);

#endif
