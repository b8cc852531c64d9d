// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: the certificate has the expected fingerprint, and the stack goes on. Failure: it has
// another one, which is told, and the stack ends the connection before it sends anything.
#include "tests/ua/ua_pin.h"

#include "common/log.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>

static struct {
    struct fingerprint expected; // len 0: any will do
    void (*on_other)(void *arg);
    void *arg;
} pin;

void pin_set(const struct fingerprint *expected, void (*on_other)(void *arg), void *arg)
{
    pin.expected = *expected;
    pin.on_other = on_other;
    pin.arg = arg;
}

static bool is_expected(const struct fingerprint *shown)
{
    char text[FINGERPRINT_STRLEN];

    if (fingerprint_equal(shown, &pin.expected))
        return true;
    log_error("tls", "the certificate of the SIP peer is %s, not that of --tls-fingerprint",
              fingerprint_format(shown, text));
    pin.on_other(pin.arg);
    return false;
}

// The dynamic linker prefers it to the one of the TLS library, for the SIP stack too.
__attribute__((visibility("default"))) long SSL_get_verify_result(const SSL *ssl)
{
    struct fingerprint shown = {.hash = "SHA-256"};
    unsigned len = 0;
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    bool read = certificate && X509_digest(certificate, EVP_sha256(), shown.value, &len) == 1;

    X509_free(certificate);
    shown.len = (uint8_t)len;
    return pin.expected.len == 0 || (read && is_expected(&shown))
               ? X509_V_OK
               : X509_V_ERR_APPLICATION_VERIFICATION;
}
