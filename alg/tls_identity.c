// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: certificate and key are read (or made), looked at together, and written into a new
// folder of mode 0700 as agent.pem (key and certificate) and cafile.pem (the certificate with those
// that lead to its root, which the TLS library sends along).
//
// Failure paths: each file that is missing, unreadable or not what it should be is named; a folder
// that was begun is removed.
#include "alg/tls_identity.h"

#include "common/log.h"
#include "common/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// What a UE is shown that expects no particular name.
#define SELF_NAME "pcscf"
// The clock of a UE may be behind; a lab is forgotten for a year.
#define SELF_BACKDATE_S (24 * 3600)
#define SELF_LIFE_S (365 * 24 * 3600)
// RFC 5280 4.1.2.2 allows 20 octets; the first one is kept positive and not zero.
#define SERIAL_BYTES 16
#define SHA256_BYTES 32

static const char *const files[] = {"agent.pem", "cafile.pem"};

// PEM texts; both are GnuTLS's memory.
struct pair {
    gnutls_datum_t certificate, key;
};

static void pair_free(struct pair *pair)
{
    if (pair->key.data)
        gnutls_memset(pair->key.data, 0, pair->key.size);
    gnutls_free(pair->key.data);
    gnutls_free(pair->certificate.data);
}

// --- from files -------------------------------------------------------------------------------

static int read_pem(gnutls_datum_t *out, const char *what, const char *path, char *error)
{
    errno = 0;
    if (gnutls_load_file(path, out) == 0)
        return 0;
    int err = errno ? errno : EIO;
    snprintf(error, CONFIG_ERROR_MAX, "access.tls.%s: %s cannot be read: %s", what, path,
             strerror(err));
    return -err;
}

static int looks_like(int rc, const char *what, const char *path, char *error)
{
    if (rc >= 0)
        return 0;
    snprintf(error, CONFIG_ERROR_MAX, "access.tls.%s: %s holds none in PEM form: %s", what, path,
             gnutls_strerror(rc));
    return -EINVAL;
}

static int check_certificate(const struct pair *pair, const struct config_tls *cfg, char *error)
{
    gnutls_x509_crt_t crt;
    if (gnutls_x509_crt_init(&crt) < 0)
        return -ENOMEM;
    int rc = gnutls_x509_crt_import(crt, &pair->certificate, GNUTLS_X509_FMT_PEM);
    gnutls_x509_crt_deinit(crt);
    return looks_like(rc, "certificate", cfg->certificate, error);
}

static int check_key(const struct pair *pair, const struct config_tls *cfg, char *error)
{
    gnutls_x509_privkey_t key;
    if (gnutls_x509_privkey_init(&key) < 0)
        return -ENOMEM;
    int rc = gnutls_x509_privkey_import2(key, &pair->key, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_x509_privkey_deinit(key);
    return looks_like(rc, "key", cfg->key, error);
}

static int check_together(const struct pair *pair, const struct config_tls *cfg, char *error)
{
    gnutls_certificate_credentials_t credentials;
    if (gnutls_certificate_allocate_credentials(&credentials) < 0)
        return -ENOMEM;
    int rc = gnutls_certificate_set_x509_key_mem(credentials, &pair->certificate, &pair->key,
                                                 GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(credentials);
    if (rc >= 0)
        return 0;
    snprintf(error, CONFIG_ERROR_MAX, "access.tls.key: %s does not belong to %s: %s", cfg->key,
             cfg->certificate, gnutls_strerror(rc));
    return -EINVAL;
}

static int read_pair(struct pair *pair, const struct config_tls *cfg, char *error)
{
    int err = read_pem(&pair->certificate, "certificate", cfg->certificate, error);
    if (!err)
        err = read_pem(&pair->key, "key", cfg->key, error);
    if (!err)
        err = check_certificate(pair, cfg, error);
    if (!err)
        err = check_key(pair, cfg, error);
    return err ? err : check_together(pair, cfg, error);
}

// --- made on the spot -------------------------------------------------------------------------

static int sign(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, time_t now)
{
    unsigned char serial[SERIAL_BYTES];
    int rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
    serial[0] = (serial[0] & 0x7f) | 0x40;
    if (rc >= 0)
        rc = gnutls_x509_crt_set_version(crt, 3);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
    if (rc >= 0)
        rc = gnutls_x509_crt_set_dn(crt, "CN=" SELF_NAME, NULL);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_activation_time(crt, now - SELF_BACKDATE_S);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_expiration_time(crt, now + SELF_LIFE_S);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key(crt, key);
    return rc >= 0 ? gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0) : rc;
}

static int make_pair(struct pair *pair, char *error)
{
    gnutls_x509_crt_t crt = NULL;
    gnutls_x509_privkey_t key = NULL;
    int rc = gnutls_x509_crt_init(&crt);
    if (rc >= 0)
        rc = gnutls_x509_privkey_init(&key);
    if (rc >= 0)
        rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                          GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (rc >= 0)
        rc = sign(crt, key, time(NULL));
    if (rc >= 0)
        rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pair->certificate);
    if (rc >= 0)
        rc = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pair->key);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
    if (rc >= 0)
        return 0;
    snprintf(error, CONFIG_ERROR_MAX, "access.tls: no certificate can be made: %s",
             gnutls_strerror(rc));
    return -EIO;
}

// --- the folder -------------------------------------------------------------------------------

static int write_pem(const struct tls_identity *id, const char *file, const gnutls_datum_t *first,
                     const gnutls_datum_t *second)
{
    char path[CONFIG_NAME_MAX + 16];
    snprintf(path, sizeof(path), "%s/%s", id->folder, file);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out)
        return -errno;
    fwrite(first->data, 1, first->size, out);
    if (second)
        fprintf(out, "\n%.*s", (int)second->size, (const char *)second->data);
    return fclose(out) == 0 ? 0 : -errno;
}

// Where the service manager or the login has room for it, else where everybody has.
static const char *runtime_folder(void)
{
    const char *folder = getenv("RUNTIME_DIRECTORY");
    if (!folder)
        folder = getenv("XDG_RUNTIME_DIR");
    return folder && access(folder, W_OK) == 0 ? folder : P_tmpdir;
}

static int write_folder(struct tls_identity *id, const struct pair *pair, char *error)
{
    int len = snprintf(id->folder, sizeof(id->folder), "%s/pcscf-tls-XXXXXX", runtime_folder());
    int err = len < (int)sizeof(id->folder) && mkdtemp(id->folder) ? 0 : -errno;
    if (err)
        id->folder[0] = '\0';
    if (!err)
        err = write_pem(id, files[0], &pair->key, &pair->certificate);
    if (!err)
        err = write_pem(id, files[1], &pair->certificate, NULL);
    if (!err)
        return 0;
    snprintf(error, CONFIG_ERROR_MAX, "access.tls: no room for the certificate in %s: %s",
             runtime_folder(), strerror(-err));
    return err;
}

// --- all of it --------------------------------------------------------------------------------

static void tell(const struct pair *pair, const struct config_tls *cfg)
{
    unsigned char print[SHA256_BYTES];
    size_t len = sizeof(print);
    struct strbuf text = STRBUF_INIT;
    gnutls_datum_t der;
    if (gnutls_pem_base64_decode2("CERTIFICATE", &pair->certificate, &der) < 0)
        return;
    if (gnutls_fingerprint(GNUTLS_DIG_SHA256, &der, print, &len) < 0)
        len = 0;
    gnutls_free(der.data);
    for (size_t i = 0; i < len; i++)
        strbuf_printf(&text, "%s%02X", i ? ":" : "", print[i]);
    char *fingerprint = strbuf_take(&text);
    if (cfg->certificate[0])
        log_info("pcscf", "TLS certificate %s, SHA-256 %s", cfg->certificate, fingerprint);
    else
        log_warn("pcscf",
                 "access.tls.certificate is not set: UEs are shown a self-signed certificate made "
                 "for this run, SHA-256 %s",
                 fingerprint);
    free(fingerprint);
}

int tls_identity_make(struct tls_identity *id, const struct config_tls *cfg,
                      char error[static CONFIG_ERROR_MAX])
{
    struct pair pair = {.certificate = {.size = 0}};
    snprintf(error, CONFIG_ERROR_MAX, "access.tls: out of memory");
    int err = cfg->certificate[0] ? read_pair(&pair, cfg, error) : make_pair(&pair, error);
    if (!err)
        err = write_folder(id, &pair, error);
    if (!err)
        tell(&pair, cfg);
    else
        tls_identity_remove(id);
    pair_free(&pair);
    return err;
}

void tls_identity_remove(struct tls_identity *id)
{
    char path[CONFIG_NAME_MAX + 16];
    for (size_t i = 0; id->folder[0] && i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", id->folder, files[i]);
        unlink(path);
    }
    if (id->folder[0])
        rmdir(id->folder);
    id->folder[0] = '\0';
}
