// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_CERT_H
#define UA_CERT_H
// A self-signed certificate of the user agent and its fingerprints (RFC 8122 5).

#include "common/fingerprint.h"

#include <gnutls/gnutls.h>

struct cert;

enum cert_hash { CERT_SHA1, CERT_SHA256, CERT_SHA384, CERT_SHA512, CERT_MD5 };

// A fresh ECDSA P-256 key and certificate, signed with SHA-256, saying nothing about its owner.
// NULL when GnuTLS refuses. The holder releases it with cert_free; NULL is allowed there.
struct cert *cert_new(void);
void cert_free(struct cert *cert);

// Credentials for gnutls_credentials_set; they live as long as the certificate.
gnutls_certificate_credentials_t cert_credentials(struct cert *cert);
// Writes key and certificate in PEM form to a new file that nobody else reads. 0 or a negative
// errno.
int cert_write(const struct cert *cert, const char *path);
void cert_fingerprint(const struct cert *cert, enum cert_hash hash, struct fingerprint *out);

// The fingerprint of any DER certificate by the hash named in SDP. -ENOTSUP for a hash that must
// not be used for checking or is unknown.
int cert_digest(const gnutls_datum_t *der, const char *hash, struct fingerprint *out);
// True when der is one the peer announced: only values of the strongest hash count (RFC 8122 5.1).
bool cert_announced(const gnutls_datum_t *der, const struct fingerprints *announced);

#endif
