// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_CERTIFICATE_H
#define AGW_CERTIFICATE_H
// Self-signed certificates, one set per media stream (TS 23.334 5.11.2.2.1, REQ-060), taken from a
// pool that a background thread keeps full so that a call set-up never waits for a key.

#include "common/config.h"
#include "common/fingerprint.h"

#include <gnutls/gnutls.h>

// The certificates of one stream with their private keys. Never shared between live streams.
struct certificate;
struct certificate_pool;

// Starts the background thread. Returns 0 or a negative errno.
int certificate_pool_open(struct certificate_pool **out, enum certificate_set set, unsigned size);
void certificate_pool_close(struct certificate_pool *pool); // NULL is allowed

// Takes a ready certificate, or makes one at once when the pool is empty. The caller owns it.
// NULL: out of memory or randomness. Signalling thread.
struct certificate *certificate_take(struct certificate_pool *pool);
// Makes one without a pool (tests).
struct certificate *certificate_create(enum certificate_set set);
void certificate_free(struct certificate *certificate);

// One upper-case SHA-256 value per certificate of the set (REQ-013, RFC 8122 5.1).
const struct fingerprints *certificate_fingerprints(const struct certificate *certificate);
// For gnutls_credentials_set(); lives as long as the certificate.
gnutls_certificate_credentials_t certificate_credentials(const struct certificate *certificate);

#endif
