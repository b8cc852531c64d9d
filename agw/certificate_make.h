// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_CERTIFICATE_MAKE_H
#define AGW_CERTIFICATE_MAKE_H
// Private to the certificate room: how the pool has certificates made from keys it keeps.

#include "agw/certificate.h"

#include <gnutls/x509.h>
#include <stdbool.h>
#include <time.h>

// A certificate is valid from a day before it is made, because the clock of a UE may be behind, and
// for a month: long enough for a call and for waiting in the pool, short for anything else.
#define CERTIFICATE_BACKDATE_S (24 * 3600)
#define CERTIFICATE_LIFE_S (30 * 24 * 3600)

// RFC 9325 4.5: 2048 bits at least.
#define CERTIFICATE_RSA_BITS 2048

bool certificate_needs_rsa(enum certificate_set set);

// A new RSA key, which the caller deinits. Tens to hundreds of milliseconds. NULL on failure.
gnutls_x509_privkey_t certificate_rsa_key(void);

// Makes the certificates of a set; rsa is borrowed and only looked at when the set needs it.
// NULL: out of memory or randomness.
struct certificate *certificate_make(enum certificate_set set, gnutls_x509_privkey_t rsa);

// Certificates that are ready in the pool.
unsigned certificate_pool_ready(struct certificate_pool *pool);

// Wall-clock time at which it was made.
time_t certificate_made_at(const struct certificate *certificate);

#endif
