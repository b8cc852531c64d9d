// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_OPENSSL_H
#define TESTS_FLOWS_OPENSSL_H
// What tests with OpenSSL's own tools have in common.

#include "tests/flows/flow.h"

// Makes cert.pem and key.pem in the folder of the flow. Returns the SHA-256 fingerprint.
const char *openssl_certificate(struct flow *f);
// A fingerprint that this one is not.
const char *openssl_wrong(struct flow *f, const char *fingerprint);
// "127.64.1.4:20002" out of c= and the m= line of that media type.
const char *openssl_peer(struct flow *f, const char *message, const char *type);

#endif
