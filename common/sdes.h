// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_SDES_H
#define COMMON_SDES_H
// A cryptographic SDES attribute as SDP and the Iq interface carry it (RFC 4568): crypto suite, and
// the master key and salt of what its sender sends.

#include "common/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// In order of preference. AES_CM_128_HMAC_SHA1_80 is the one that every IMS UE has (TS 33.328).
enum sdes_suite {
    SDES_NONE,                    // no attribute
    SDES_AES_CM_128_HMAC_SHA1_80, // RFC 4568 6.2.1
    SDES_AES_CM_128_HMAC_SHA1_32, // RFC 4568 6.2.2
    SDES_AEAD_AES_128_GCM,        // RFC 7714 14.2
    SDES_AEAD_AES_256_GCM,
    SDES_SUITES
};

// 256 bits of key and 96 bits of salt.
#define SDES_KEY_MAX 44
// RFC 4568 6.1 allows 128 bytes; MKIs in use are one to four.
#define SDES_MKI_MAX 4
// "999999999 AES_CM_128_HMAC_SHA1_80 inline:" and 60 characters of base64.
#define SDES_STRLEN 112

struct sdes_crypto {
    enum sdes_suite suite;
    uint32_t tag;              // ties an answer to a line of the offer
    uint8_t key[SDES_KEY_MAX]; // master key, then master salt
    uint64_t lifetime;         // packets the key may protect; 0: as many as the suite allows
    uint8_t mki_len;           // 0: packets carry no MKI
    uint8_t mki[SDES_MKI_MAX]; // in network byte order
};

// What a suite is made of; all 0 or "none" for SDES_NONE.
const char *sdes_suite_name(enum sdes_suite suite);
unsigned sdes_key_len(enum sdes_suite suite);  // bytes of the master key
unsigned sdes_salt_len(enum sdes_suite suite); // bytes of the master salt
unsigned sdes_tag_len(enum sdes_suite suite);  // bytes of authentication that SRTP adds to a packet

// Parses the value of a=crypto, strictly: the key must be as long as the suite says. One key with
// lifetime and MKI is taken, WSH is read over. -EINVAL: malformed. -ENOTSUP: well formed but not to
// be served: another suite, several keys, a long MKI, weakened or unknown session parameters (RFC
// 4568 6.3.7). Then *why (static text) says it and *out is untouched.
int sdes_parse(struct sdes_crypto *out, const char *text, size_t len, const char **why);

// Writes "TAG SUITE inline:KEY". Returns buf, which holds a secret.
const char *sdes_format(const struct sdes_crypto *crypto, char buf[static SDES_STRLEN]);

// A fresh key for a suite.
void sdes_generate(struct sdes_crypto *out, enum sdes_suite suite, uint32_t tag);

// The same key used in the same way, whatever the tag: nothing changes for the media.
bool sdes_same_key(const struct sdes_crypto *a, const struct sdes_crypto *b);

// Appends one line of SDP without the keys that stand in it: a=crypto, also inside a=acap, k= and
// a=key-mgmt (REQ-112).
void sdes_put_redacted(struct strbuf *out, const char *line, size_t len);
// The same for a whole message of len bytes, in place: each byte of a secret becomes '*', so that
// lengths stay what the message says they are.
void sdes_mask(char *text, size_t len);

#endif
