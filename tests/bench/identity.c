// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: key, certificate signed with it, credentials, fingerprint. Failure path: GnuTLS says
// no; what was made so far is freed.

#include "tests/bench/identity.h"

#include <gnutls/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define DAY_S 86400

static int sign(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
    time_t now = time(NULL);
    int rc = gnutls_x509_crt_set_version(crt, 3);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_serial(crt, "\x01", 1);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_activation_time(crt, now - DAY_S);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_expiration_time(crt, now + DAY_S);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key(crt, key);
    return rc < 0 ? rc : gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
}

static int take_fingerprint(struct identity *identity, gnutls_x509_crt_t crt)
{
    uint8_t digest[32];
    size_t size = sizeof(digest);
    int rc = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, digest, &size);
    for (size_t i = 0; rc >= 0 && i < size; i++)
        snprintf(identity->fingerprint + 3 * i, 4, "%02X%s", digest[i], i + 1 < size ? ":" : "");
    return rc;
}

int identity_create(struct identity *identity)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t crt = NULL;
    *identity = (struct identity){0};
    int rc = gnutls_x509_privkey_init(&key);
    if (rc >= 0)
        rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                          GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (rc >= 0)
        rc = gnutls_x509_crt_init(&crt);
    if (rc >= 0)
        rc = sign(crt, key);
    if (rc >= 0)
        rc = gnutls_certificate_allocate_credentials(&identity->credentials);
    if (rc >= 0)
        rc = gnutls_certificate_set_x509_key(identity->credentials, &crt, 1, key);
    if (rc >= 0)
        rc = take_fingerprint(identity, crt);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
    if (rc < 0)
        identity_free(identity);
    return rc < 0 ? rc : 0;
}

void identity_free(struct identity *identity)
{
    if (identity->credentials)
        gnutls_certificate_free_credentials(identity->credentials);
    identity->credentials = NULL;
}
