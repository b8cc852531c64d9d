// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_OPENSSL_H
#define TESTS_FLOWS_OPENSSL_H
// What tests with OpenSSL's own tools have in common.

#include "tests/flows/program.h"

// Makes cert.pem and key.pem in the folder of the flow. Returns the SHA-256 fingerprint.
const char *openssl_certificate(struct flow *f);
// A fingerprint that this one is not.
const char *openssl_wrong(struct flow *f, const char *fingerprint);
// "127.64.1.4:20002" out of c= and the m= line of that media type.
const char *openssl_peer(struct flow *f, const char *message, const char *type);

// s_client from the UE's port to `to`, or s_server at that port, with the certificate. version is
// the name of the option: "dtls1_2", "tls1_3".
struct program *openssl_client(struct flow *f, const char *version, const char *to, unsigned port);
struct program *openssl_server(struct flow *f, const char *version, unsigned port);

#endif
