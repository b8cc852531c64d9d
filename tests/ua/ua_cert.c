// SPDX-License-Identifier: GPL-3.0-or-later
// Certificates.
//
// Happy path: key, certificate with random serial, credentials, all made in well under a
// millisecond. Failure: any GnuTLS error frees what was made and yields NULL.

#include "tests/ua/ua_cert.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SERIAL_BYTES 16
#define VALID_SECONDS (24 * 3600) // a call is over long before
#define CLOCK_SKEW_SECONDS 3600   // the peer does not check, but tools that look do

struct cert {
    gnutls_certificate_credentials_t credentials;
    gnutls_datum_t der;
};

static int sign(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
    uint8_t serial[SERIAL_BYTES];
    time_t now = time(NULL);
    int rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));

    serial[0] &= 0x7f; // positive
    if (rc == 0)
        rc = gnutls_x509_crt_set_version(crt, 3);
    if (rc == 0)
        rc = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
    if (rc == 0)
        rc = gnutls_x509_crt_set_activation_time(crt, now - CLOCK_SKEW_SECONDS);
    if (rc == 0)
        rc = gnutls_x509_crt_set_expiration_time(crt, now + VALID_SECONDS);
    if (rc == 0)
        rc = gnutls_x509_crt_set_dn(crt, "CN=ue", NULL);
    if (rc == 0)
        rc = gnutls_x509_crt_set_key(crt, key);
    if (rc == 0)
        rc = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
    return rc;
}

static int fill(struct cert *cert, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
    int rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                          GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (rc == 0)
        rc = sign(crt, key);
    if (rc == 0)
        rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &cert->der);
    if (rc == 0)
        rc = gnutls_certificate_allocate_credentials(&cert->credentials);
    if (rc == 0)
        rc = gnutls_certificate_set_x509_key(cert->credentials, &crt, 1, key);
    return rc < 0 ? rc : 0;
}

struct cert *cert_new(void)
{
    struct cert *cert = calloc(1, sizeof(*cert));
    gnutls_x509_crt_t crt = NULL;
    gnutls_x509_privkey_t key = NULL;
    int rc = cert ? gnutls_x509_crt_init(&crt) : -1;

    if (rc == 0)
        rc = gnutls_x509_privkey_init(&key);
    if (rc == 0)
        rc = fill(cert, crt, key);
    if (crt)
        gnutls_x509_crt_deinit(crt);
    if (key)
        gnutls_x509_privkey_deinit(key);
    if (rc != 0) {
        cert_free(cert);
        cert = NULL;
    }
    return cert;
}

void cert_free(struct cert *cert)
{
    if (!cert)
        return;
    if (cert->credentials)
        gnutls_certificate_free_credentials(cert->credentials);
    gnutls_free(cert->der.data);
    free(cert);
}

gnutls_certificate_credentials_t cert_credentials(struct cert *cert)
{
    return cert->credentials;
}

static int write_texts(const char *path, const gnutls_datum_t *key, const gnutls_datum_t *crt)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (!file)
        return -errno;
    fwrite(key->data, 1, key->size, file);
    fwrite(crt->data, 1, crt->size, file);
    return fclose(file) == 0 ? 0 : -errno;
}

int cert_write(const struct cert *cert, const char *path)
{
    gnutls_datum_t key_text = {.size = 0}, crt_text = {.size = 0};
    gnutls_x509_privkey_t key = NULL;
    int rc = gnutls_certificate_get_x509_key(cert->credentials, 0, &key);

    if (rc >= 0)
        rc = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &key_text);
    if (rc >= 0)
        rc = gnutls_pem_base64_encode2("CERTIFICATE", &cert->der, &crt_text);
    rc = rc >= 0 ? write_texts(path, &key_text, &crt_text) : -EIO;
    if (key)
        gnutls_x509_privkey_deinit(key);
    gnutls_free(key_text.data);
    gnutls_free(crt_text.data);
    return rc;
}

static const struct {
    const char *name;
    gnutls_digest_algorithm_t algorithm;
} hashes[] = {
    [CERT_SHA1] = {"SHA-1", GNUTLS_DIG_SHA1},       [CERT_SHA256] = {"SHA-256", GNUTLS_DIG_SHA256},
    [CERT_SHA384] = {"SHA-384", GNUTLS_DIG_SHA384}, [CERT_SHA512] = {"SHA-512", GNUTLS_DIG_SHA512},
    [CERT_MD5] = {"MD5", GNUTLS_DIG_MD5},
};

static void digest(const gnutls_datum_t *der, enum cert_hash hash, struct fingerprint *out)
{
    memset(out, 0, sizeof(*out));
    snprintf(out->hash, sizeof(out->hash), "%s", hashes[hash].name);
    out->len = (uint8_t)gnutls_hash_get_len(hashes[hash].algorithm);
    gnutls_hash_fast(hashes[hash].algorithm, der->data, der->size, out->value);
}

void cert_fingerprint(const struct cert *cert, enum cert_hash hash, struct fingerprint *out)
{
    digest(&cert->der, hash, out);
}

int cert_digest(const gnutls_datum_t *der, const char *hash, struct fingerprint *out)
{
    for (unsigned i = 0; i < CERT_MD5; i++) {
        if (strcasecmp(hashes[i].name, hash) != 0)
            continue;
        digest(der, (enum cert_hash)i, out);
        return 0;
    }
    return -ENOTSUP;
}

bool cert_announced(const gnutls_datum_t *der, const struct fingerprints *announced)
{
    int strongest = 0;

    for (unsigned i = 0; i < announced->count; i++) {
        struct fingerprint seen;
        int strength = fingerprint_strength(&announced->list[i]);
        if (strength > strongest && cert_digest(der, announced->list[i].hash, &seen) == 0)
            strongest = strength;
    }
    for (unsigned i = 0; i < announced->count && strongest > 0; i++) {
        struct fingerprint seen;
        if (fingerprint_strength(&announced->list[i]) == strongest &&
            cert_digest(der, announced->list[i].hash, &seen) == 0 &&
            fingerprint_equal(&seen, &announced->list[i]))
            return true;
    }
    return false;
}
