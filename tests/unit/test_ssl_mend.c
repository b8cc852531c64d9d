// SPDX-License-Identifier: GPL-3.0-or-later
// Connections are freed once, whether their owner frees them or, as Sofia-SIP 1.12.11, does not.
#include "common/ssl_mend.h"

#include <check.h>
#include <openssl/ssl.h>
#include <stdlib.h>

static int alive;

static void on_free(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    alive--;
}

static SSL_CTX *ctx;

static void setup(void)
{
    ck_assert_int_eq(ssl_mend_start(), 0);
    ck_assert_int_ge(SSL_get_ex_new_index(0, NULL, NULL, NULL, on_free), 0);
    ctx = SSL_CTX_new(TLS_method());
    ck_assert_ptr_nonnull(ctx);
}

static void teardown(void)
{
    SSL_CTX_free(ctx);
}

static SSL *connection(BIO **bio)
{
    SSL *ssl = SSL_new(ctx);

    *bio = BIO_new(BIO_s_mem());
    ck_assert(ssl && *bio);
    SSL_set_bio(ssl, *bio, *bio);
    alive++;
    return ssl;
}

// What tls_free() of Sofia-SIP does to a connection.
static void forget(SSL *ssl, BIO *bio)
{
    SSL_shutdown(ssl);
    SSL_CTX_free(ctx);
    BIO_free(bio);
}

// Of connections that nobody frees, one at most is kept; their context stands.
START_TEST(what_nobody_frees_is_freed_with_the_next)
{
    BIO *bio;

    for (int i = 0; i < 100; i++) {
        SSL *ssl = connection(&bio);
        forget(ssl, bio);
        ck_assert_int_eq(alive, 1);
    }
    SSL_free(connection(&bio));
    ck_assert_int_eq(alive, 1);
}
END_TEST

// A connection whose owner frees it is freed then, and not again.
START_TEST(what_is_freed_is_freed_once)
{
    BIO *bio;

    for (int i = 0; i < 100; i++) {
        SSL *ssl = connection(&bio);
        SSL_shutdown(ssl);
        SSL_free(ssl);
        ck_assert_int_eq(alive, 0);
    }
}
END_TEST

// Shut down twice, as SSL_shutdown(3) has it for both directions, a connection is still there.
START_TEST(a_second_shutdown_frees_nothing)
{
    BIO *bio;
    SSL *ssl = connection(&bio);

    SSL_shutdown(ssl);
    SSL_shutdown(ssl);
    ck_assert_int_eq(alive, 1);
    SSL_free(ssl);
    SSL_free(NULL);
    ck_assert_int_eq(alive, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ssl_mend");
    TCase *tc = tcase_create("ssl_mend");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_nobody_frees_is_freed_with_the_next);
    tcase_add_test(tc, what_is_freed_is_freed_once);
    tcase_add_test(tc, a_second_shutdown_frees_nothing);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
