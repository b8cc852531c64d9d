// SPDX-License-Identifier: GPL-3.0-or-later
// One set of self-signed certificates and the credentials object that presents it.
//
// Happy path: for each kind of key in the set, a key is made (ECDSA P-256) or lent (RSA-2048), a
// certificate with a random serial is signed with SHA-256 by that key, its SHA-256 fingerprint is
// kept, and both go into one credentials object.
// Failure paths: GnuTLS has no memory or no randomness; everything made so far is freed and the
// caller gets NULL.

#include "agw/certificate_make.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

// The same for every certificate of everybody: an anonymous call must stay anonymous (RFC 7345
// 5.1).
#define COMMON_NAME "media"

// RFC 5280 4.1.2.2 allows 20 octets; the first one is kept positive and not zero.
#define SERIAL_BYTES 16

struct certificate {
    gnutls_certificate_credentials_t credentials;
    struct fingerprints fingerprints;
    time_t made_at;
};

static gnutls_x509_privkey_t new_key(gnutls_pk_algorithm_t algorithm, unsigned bits)
{
    gnutls_x509_privkey_t key;
    if (gnutls_x509_privkey_init(&key) < 0)
        return NULL;
    if (gnutls_x509_privkey_generate(key, algorithm, bits, 0) < 0) {
        gnutls_x509_privkey_deinit(key);
        return NULL;
    }
    return key;
}

gnutls_x509_privkey_t certificate_rsa_key(void)
{
    return new_key(GNUTLS_PK_RSA, CERTIFICATE_RSA_BITS);
}

static gnutls_x509_privkey_t new_ecdsa_key(void)
{
    return new_key(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
}

bool certificate_needs_rsa(enum certificate_set set)
{
    return set == CERTIFICATE_RSA || set == CERTIFICATE_ECDSA_RSA;
}

// Fills in an initialised certificate and signs it with its own key. 0 or a GnuTLS error.
static int fill_and_sign(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, time_t now)
{
    uint8_t serial[SERIAL_BYTES];
    int rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
    serial[0] = (serial[0] & 0x7f) | 0x40;

    if (rc >= 0)
        rc = gnutls_x509_crt_set_version(crt, 3);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
    if (rc >= 0)
        rc = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, COMMON_NAME,
                                           sizeof(COMMON_NAME) - 1);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_activation_time(crt, now - CERTIFICATE_BACKDATE_S);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_expiration_time(crt, now + CERTIFICATE_LIFE_S);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key(crt, key);
    if (rc >= 0)
        rc = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
    return rc;
}

static int add_fingerprint(struct fingerprints *list, gnutls_x509_crt_t crt)
{
    struct fingerprint *fp = &list->list[list->count];
    size_t len = sizeof(fp->value);
    int rc = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, fp->value, &len);
    if (rc < 0)
        return rc;
    memcpy(fp->hash, "SHA-256", sizeof("SHA-256"));
    fp->len = (uint8_t)len;
    list->count++;
    return 0;
}

// Adds a certificate over key to the set. The credentials copy both. 0 or a GnuTLS error.
static int add_certificate(struct certificate *certificate, gnutls_x509_privkey_t key)
{
    gnutls_x509_crt_t crt;
    int rc = gnutls_x509_crt_init(&crt);
    if (rc < 0)
        return rc;
    rc = fill_and_sign(crt, key, certificate->made_at);
    if (rc >= 0)
        rc = gnutls_certificate_set_x509_key(certificate->credentials, &crt, 1, key);
    if (rc >= 0)
        rc = add_fingerprint(&certificate->fingerprints, crt);
    gnutls_x509_crt_deinit(crt);
    return rc;
}

static int add_ecdsa(struct certificate *certificate)
{
    gnutls_x509_privkey_t key = new_ecdsa_key();
    if (!key)
        return GNUTLS_E_MEMORY_ERROR;
    int rc = add_certificate(certificate, key);
    gnutls_x509_privkey_deinit(key);
    return rc;
}

static int add_rsa(struct certificate *certificate, gnutls_x509_privkey_t key)
{
    int rc = add_certificate(certificate, key);
    // DHE_RSA for peers that know no FFDHE groups of RFC 7919 (RFC 7345 4.1, REQ-132).
    if (rc >= 0)
        rc = gnutls_certificate_set_known_dh_params(certificate->credentials,
                                                    GNUTLS_SEC_PARAM_MEDIUM);
    return rc;
}

// GnuTLS gives every credentials object a table of trusted issuers, six KiB in which nobody looks
// anything up: peers are known by their fingerprints. The smallest one takes its place.
static int without_issuers(gnutls_certificate_credentials_t credentials)
{
    gnutls_x509_trust_list_t list;
    int rc = gnutls_x509_trust_list_init(&list, 1);
    if (rc >= 0)
        gnutls_certificate_set_trust_list(credentials, list, 0); // which owns it from here
    return rc;
}

struct certificate *certificate_make(enum certificate_set set, gnutls_x509_privkey_t rsa)
{
    struct certificate *certificate = calloc(1, sizeof(*certificate));
    if (!certificate)
        return NULL;
    certificate->made_at = time(NULL);
    int rc = gnutls_certificate_allocate_credentials(&certificate->credentials);
    if (rc >= 0) {
        // that key and certificate belong together need not be proved by signing and verifying
        gnutls_certificate_set_flags(certificate->credentials,
                                     GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
        rc = without_issuers(certificate->credentials);
    }
    if (rc >= 0 && set != CERTIFICATE_RSA)
        rc = add_ecdsa(certificate);
    if (rc >= 0 && certificate_needs_rsa(set))
        rc = add_rsa(certificate, rsa);
    if (rc < 0) {
        certificate_free(certificate);
        return NULL;
    }
    return certificate;
}

struct certificate *certificate_create(enum certificate_set set)
{
    gnutls_x509_privkey_t rsa = NULL;
    if (certificate_needs_rsa(set)) {
        rsa = certificate_rsa_key();
        if (!rsa)
            return NULL;
    }
    struct certificate *certificate = certificate_make(set, rsa);
    if (rsa)
        gnutls_x509_privkey_deinit(rsa);
    return certificate;
}

void certificate_free(struct certificate *certificate)
{
    if (!certificate)
        return;
    if (certificate->credentials)
        gnutls_certificate_free_credentials(certificate->credentials);
    free(certificate);
}

time_t certificate_made_at(const struct certificate *certificate)
{
    return certificate->made_at;
}

const struct fingerprints *certificate_fingerprints(const struct certificate *certificate)
{
    return &certificate->fingerprints;
}

gnutls_certificate_credentials_t certificate_credentials(const struct certificate *certificate)
{
    return certificate->credentials;
}
