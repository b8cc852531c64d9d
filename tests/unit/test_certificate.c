// SPDX-License-Identifier: GPL-3.0-or-later
// Certificates and the pool that keeps them ready.
#include "agw/certificate.h"
#include "agw/certificate_make.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <dirent.h>
#include <gnutls/crypto.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

// --- a wall clock that can be set: it takes the place of the C library's in this program ---------

static time_t clock_offset;

time_t time(time_t *out);
time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += clock_offset;
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

// --- looking at a certificate --------------------------------------------------------------------

static gnutls_x509_crt_t crt_at(const struct certificate *certificate, unsigned index)
{
    gnutls_x509_crt_t *chain = NULL;
    unsigned count = 0;

    ck_assert_int_eq(gnutls_certificate_get_x509_crt(certificate_credentials(certificate), index,
                                                     &chain, &count),
                     0);
    ck_assert_uint_eq(count, 1);
    gnutls_x509_crt_t crt = chain[0];
    gnutls_free(chain);
    return crt;
}

struct facts {
    uint8_t serial[32];
    size_t serial_len;
    uint8_t key_id[32];
    char dn[128];
};

static struct facts facts_of(gnutls_x509_crt_t crt)
{
    struct facts facts = {.serial_len = sizeof(facts.serial)};
    size_t key_id_len = sizeof(facts.key_id), dn_len = sizeof(facts.dn);

    ck_assert_int_eq(gnutls_x509_crt_get_serial(crt, facts.serial, &facts.serial_len), 0);
    ck_assert_int_eq(
        gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, facts.key_id, &key_id_len), 0);
    ck_assert_int_eq(gnutls_x509_crt_get_dn(crt, facts.dn, &dn_len), 0);
    return facts;
}

static void check_signed_by_itself(gnutls_x509_crt_t crt)
{
    unsigned status = 0;
    gnutls_x509_crt_t copy = crt;

    ck_assert_int_eq(gnutls_x509_crt_get_signature_algorithm(crt) == GNUTLS_SIGN_RSA_SHA256 ||
                         gnutls_x509_crt_get_signature_algorithm(crt) == GNUTLS_SIGN_ECDSA_SHA256,
                     1);
    ck_assert_int_eq(gnutls_x509_crt_check_issuer(crt, crt), 1);
    gnutls_x509_crt_verify(crt, &copy, 1, GNUTLS_VERIFY_DISABLE_CA_SIGN, &status);
    ck_assert_uint_eq(status & GNUTLS_CERT_SIGNATURE_FAILURE, 0);
}

static void check_fingerprint(gnutls_x509_crt_t crt, const struct fingerprint *fp)
{
    gnutls_datum_t der;
    uint8_t digest[32];
    char text[FINGERPRINT_STRLEN];

    ck_assert_int_eq(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der), 0);
    ck_assert_int_eq(gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, digest), 0);
    gnutls_free(der.data);
    ck_assert_str_eq(fp->hash, "SHA-256");
    ck_assert_uint_eq(fp->len, sizeof(digest));
    ck_assert_mem_eq(fp->value, digest, sizeof(digest));
    for (const char *c = fingerprint_format(fp, text); *c; c++)
        ck_assert(*c < 'a' || *c > 'z');
}

// --- one certificate -----------------------------------------------------------------------------

// REQ-013: a certificate is signed with SHA-256 by its own P-256 key and is announced by one
// upper-case SHA-256 value over its DER bytes.
START_TEST(a_certificate_is_p256_signed_with_sha256)
{
    struct certificate *certificate = certificate_create(CERTIFICATE_ECDSA);
    ck_assert_ptr_nonnull(certificate);
    gnutls_x509_crt_t crt = crt_at(certificate, 0);
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;

    ck_assert_int_eq(gnutls_x509_crt_get_version(crt), 3);
    ck_assert_int_eq(gnutls_x509_crt_get_pk_algorithm(crt, NULL), GNUTLS_PK_ECDSA);
    ck_assert_int_eq(gnutls_x509_crt_get_pk_ecc_raw(crt, &curve, NULL, NULL), 0);
    ck_assert_int_eq(curve, GNUTLS_ECC_CURVE_SECP256R1);
    check_signed_by_itself(crt);
    ck_assert_uint_eq(certificate_fingerprints(certificate)->count, 1);
    check_fingerprint(crt, &certificate_fingerprints(certificate)->list[0]);
    gnutls_x509_crt_deinit(crt);
    certificate_free(certificate);
}
END_TEST

// RFC 7345 5.1: nothing in a certificate tells whose it is; two have the same name and nothing
// else in common.
START_TEST(a_certificate_identifies_nobody)
{
    struct certificate *a = certificate_create(CERTIFICATE_ECDSA);
    struct certificate *b = certificate_create(CERTIFICATE_ECDSA);
    gnutls_x509_crt_t crt_a = crt_at(a, 0), crt_b = crt_at(b, 0);
    struct facts fa = facts_of(crt_a), fb = facts_of(crt_b);
    char san[64];
    size_t san_len = sizeof(san);

    ck_assert_str_eq(fa.dn, "CN=media");
    ck_assert_str_eq(fb.dn, fa.dn);
    ck_assert_int_eq(gnutls_x509_crt_get_subject_alt_name(crt_a, 0, san, &san_len, NULL),
                     GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
    ck_assert_mem_ne(fa.serial, fb.serial, fa.serial_len);
    ck_assert_mem_ne(fa.key_id, fb.key_id, sizeof(fa.key_id));
    ck_assert(!fingerprints_equal(certificate_fingerprints(a), certificate_fingerprints(b)));
    gnutls_x509_crt_deinit(crt_a);
    gnutls_x509_crt_deinit(crt_b);
    certificate_free(a);
    certificate_free(b);
}
END_TEST

// RFC 5280 4.1.2.2: a serial is positive and at most 20 octets, whatever the random bytes are.
START_TEST(serials_are_positive_and_short)
{
    for (int i = 0; i < 50; i++) {
        struct certificate *certificate = certificate_create(CERTIFICATE_ECDSA);
        gnutls_x509_crt_t crt = crt_at(certificate, 0);
        struct facts facts = facts_of(crt);
        ck_assert_uint_le(facts.serial_len, 20);
        ck_assert_uint_lt(facts.serial[0], 0x80);
        ck_assert_uint_gt(facts.serial[0], 0);
        gnutls_x509_crt_deinit(crt);
        certificate_free(certificate);
    }
}
END_TEST

// It is valid for a UE whose clock is almost a day behind, and for no longer than a month.
START_TEST(validity_is_short_and_starts_a_day_early)
{
    struct certificate *certificate = certificate_create(CERTIFICATE_ECDSA);
    gnutls_x509_crt_t crt = crt_at(certificate, 0);
    time_t now = time(NULL), day = 24 * 3600;

    ck_assert_int_le(gnutls_x509_crt_get_activation_time(crt), now - day + 60);
    ck_assert_int_ge(gnutls_x509_crt_get_activation_time(crt), now - day - 60);
    ck_assert_int_gt(gnutls_x509_crt_get_expiration_time(crt), now + 7 * day);
    ck_assert_int_lt(gnutls_x509_crt_get_expiration_time(crt), now + 31 * day);
    gnutls_x509_crt_deinit(crt);
    certificate_free(certificate);
}
END_TEST

static void check_member(const struct certificate *certificate, unsigned index,
                         gnutls_pk_algorithm_t algorithm)
{
    gnutls_x509_crt_t crt = crt_at(certificate, index);
    unsigned bits = 0;

    ck_assert_int_eq(gnutls_x509_crt_get_pk_algorithm(crt, &bits), (int)algorithm);
    ck_assert_uint_ge(bits, algorithm == GNUTLS_PK_RSA ? 2048 : 256);
    check_signed_by_itself(crt);
    check_fingerprint(crt, &certificate_fingerprints(certificate)->list[index]);
    gnutls_x509_crt_deinit(crt);
}

// REQ-061: each certificate of a set has a value of its own; the sets hold what their names say.
START_TEST(a_set_has_one_fingerprint_per_certificate)
{
    struct certificate *rsa = certificate_create(CERTIFICATE_RSA);
    ck_assert_uint_eq(certificate_fingerprints(rsa)->count, 1);
    check_member(rsa, 0, GNUTLS_PK_RSA);
    certificate_free(rsa);

    struct certificate *both = certificate_create(CERTIFICATE_ECDSA_RSA);
    ck_assert_uint_eq(certificate_fingerprints(both)->count, 2);
    check_member(both, 0, GNUTLS_PK_ECDSA);
    check_member(both, 1, GNUTLS_PK_RSA);
    certificate_free(both);
}
END_TEST

// --- the pool ------------------------------------------------------------------------------------

static void wait_until_ready(struct certificate_pool *pool, unsigned count)
{
    while (certificate_pool_ready(pool) != count)
        sched_yield(); // the time limit of the test ends a wait in vain
}

// Threads of this process that fill a pool; sanitizers have threads of their own.
static unsigned pool_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    unsigned count = 0;

    ck_assert_ptr_nonnull(tasks);
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        char path[300], name[32] = "";
        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
        FILE *comm = fopen(path, "r");
        if (!comm)
            continue;
        if (fgets(name, sizeof(name), comm))
            count += strcmp(name, "certificates\n") == 0;
        fclose(comm);
    }
    closedir(tasks);
    return count;
}

// A joined thread stays in /proc for a moment.
static void wait_until_thread_gone(void)
{
    while (pool_threads() > 0)
        sched_yield();
}

// The thread fills the pool to its size, fills it again when one is taken, and is gone after close.
START_TEST(the_pool_keeps_itself_full)
{
    struct certificate_pool *pool;

    ck_assert_int_eq(certificate_pool_open(&pool, CERTIFICATE_ECDSA, 5), 0);
    for (int i = 0; i < 20; i++) {
        wait_until_ready(pool, 5);
        certificate_free(certificate_take(pool));
        ck_assert_uint_le(certificate_pool_ready(pool), 5);
    }
    wait_until_ready(pool, 5);
    ck_assert_uint_eq(pool_threads(), 1);
    certificate_pool_close(pool);
    wait_until_thread_gone();
}
END_TEST

// An empty pool makes one at once: a call never fails for a slow thread.
START_TEST(an_empty_pool_makes_one_at_once)
{
    const enum certificate_set sets[] = {CERTIFICATE_ECDSA, CERTIFICATE_RSA, CERTIFICATE_ECDSA_RSA};

    for (unsigned i = 0; i < 3; i++) {
        struct certificate_pool *pool;
        ck_assert_int_eq(certificate_pool_open(&pool, sets[i], 0), 0);
        struct certificate *certificate = certificate_take(pool);
        ck_assert_ptr_nonnull(certificate);
        ck_assert_uint_eq(certificate_fingerprints(certificate)->count, i == 2 ? 2 : 1);
        certificate_free(certificate);
        certificate_pool_close(pool);
    }
}
END_TEST

#define MANY 300

static int compare_fingerprints(const void *a, const void *b)
{
    const struct fingerprint *fa = a, *fb = b;
    return memcmp(fa->value, fb->value, fa->len);
}

// REQ-060: no two certificates that were taken are the same one.
START_TEST(nothing_is_given_out_twice)
{
    static struct certificate *taken[MANY];
    static struct fingerprint values[MANY];
    struct certificate_pool *pool;

    ck_assert_int_eq(certificate_pool_open(&pool, CERTIFICATE_ECDSA, 8), 0);
    for (int i = 0; i < MANY; i++) {
        taken[i] = certificate_take(pool);
        ck_assert_ptr_nonnull(taken[i]);
        values[i] = certificate_fingerprints(taken[i])->list[0];
    }
    qsort(values, MANY, sizeof(values[0]), compare_fingerprints);
    for (int i = 1; i < MANY; i++)
        ck_assert(!fingerprint_equal(&values[i - 1], &values[i]));
    for (int i = 0; i < MANY; i++)
        certificate_free(taken[i]);
    certificate_pool_close(pool);
}
END_TEST

// RSA certificates of different streams may share a key, but each has its own serial and so its own
// fingerprint.
START_TEST(rsa_certificates_share_few_keys_and_no_fingerprint)
{
    enum { TAKEN = 12 };
    struct facts facts[TAKEN];
    struct fingerprint values[TAKEN];
    struct certificate_pool *pool;
    unsigned keys = 0;

    ck_assert_int_eq(certificate_pool_open(&pool, CERTIFICATE_RSA, 4), 0);
    for (int i = 0; i < TAKEN; i++) {
        wait_until_ready(pool, 4);
        struct certificate *certificate = certificate_take(pool);
        gnutls_x509_crt_t crt = crt_at(certificate, 0);
        facts[i] = facts_of(crt);
        values[i] = certificate_fingerprints(certificate)->list[0];
        bool seen = false;
        for (int k = 0; k < i; k++) {
            ck_assert(!fingerprint_equal(&values[k], &values[i]));
            ck_assert_mem_ne(facts[k].serial, facts[i].serial, facts[i].serial_len);
            seen |= memcmp(facts[k].key_id, facts[i].key_id, sizeof(facts[i].key_id)) == 0;
        }
        keys += !seen;
        gnutls_x509_crt_deinit(crt);
        certificate_free(certificate);
    }
    ck_assert_uint_ge(keys, 2);
    ck_assert_uint_le(keys, 4);
    certificate_pool_close(pool);
}
END_TEST

// What waited so long that it might expire during a call is not given out any more.
START_TEST(a_stale_certificate_is_replaced)
{
    struct certificate_pool *pool;

    ck_assert_int_eq(certificate_pool_open(&pool, CERTIFICATE_ECDSA, 3), 0);
    wait_until_ready(pool, 3);
    clock_offset = 29 * 24 * 3600;
    struct certificate *certificate = certificate_take(pool);
    gnutls_x509_crt_t crt = crt_at(certificate, 0);
    ck_assert_int_gt(gnutls_x509_crt_get_expiration_time(crt), time(NULL) + 24 * 3600);
    gnutls_x509_crt_deinit(crt);
    certificate_free(certificate);
    certificate_pool_close(pool);
}
END_TEST

// A pool that is closed while its thread is in the middle of its work ends all the same.
START_TEST(closing_at_any_time_is_allowed)
{
    for (int i = 0; i < 20; i++) {
        struct certificate_pool *pool;
        ck_assert_int_eq(certificate_pool_open(&pool, CERTIFICATE_ECDSA, 1000), 0);
        for (int k = 0; k < i; k++)
            sched_yield();
        certificate_pool_close(pool);
    }
    certificate_pool_close(NULL);
    certificate_free(NULL);
    wait_until_thread_gone();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_certificate_is_p256_signed_with_sha256,
        a_certificate_identifies_nobody,
        serials_are_positive_and_short,
        validity_is_short_and_starts_a_day_early,
        a_set_has_one_fingerprint_per_certificate,
        the_pool_keeps_itself_full,
        an_empty_pool_makes_one_at_once,
        nothing_is_given_out_twice,
        rsa_certificates_share_few_keys_and_no_fingerprint,
        a_stale_certificate_is_replaced,
        closing_at_any_time_is_allowed,
    };

    return SUITE_RUN("certificate", tests);
}
