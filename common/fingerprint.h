// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_FINGERPRINT_H
#define COMMON_FINGERPRINT_H
// A certificate fingerprint as SDP carries it (RFC 8122 5): hash function and digest.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// SHA-512 is the longest digest RFC 8122 5 names.
#define FINGERPRINT_BYTES_MAX 64
// Values one m-line may carry; more than any set of certificates and hashes needs.
#define FINGERPRINTS_MAX 8
// "SHA-512 " and 64 times "AB:".
#define FINGERPRINT_STRLEN (16 + 3 * FINGERPRINT_BYTES_MAX)

struct fingerprint {
    char hash[16]; // upper case, e.g. "SHA-256"; unknown names are kept
    uint8_t len;
    uint8_t value[FINGERPRINT_BYTES_MAX];
};

struct fingerprints {
    unsigned count;
    struct fingerprint list[FINGERPRINTS_MAX];
};

// Parses the value of a=fingerprint: "SHA-256 4A:AD:...". Any hex case, any hash-name case and one
// blank after the colon are accepted (REQ-148). -EINVAL when malformed or when the byte count does
// not fit a known hash; *out untouched.
int fingerprint_parse(struct fingerprint *out, const char *text, size_t len);

// Writes "SHA-256 4A:AD:..." in upper case (RFC 8122 5). Returns buf.
const char *fingerprint_format(const struct fingerprint *fp, char buf[static FINGERPRINT_STRLEN]);

// Order of preference, SHA-512 highest; 0 for a hash that must not be used for checking: MD5, MD2,
// unknown (RFC 8122 5, REQ-063, REQ-148).
int fingerprint_strength(const struct fingerprint *fp);

bool fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b);
// The same set, whatever the order (decides whether an association is kept, RFC 8842 3.1).
bool fingerprints_equal(const struct fingerprints *a, const struct fingerprints *b);
// Makes *to the values of from, of which there may be no more than it counts (see below).
void fingerprints_set(struct fingerprints *to, const struct fingerprints *from);
// Keeps a copy of what a peer has said in *kept, in place of what it said before (NULL: nothing
// yet); whoever holds it frees it. The copy has just the values there are: only list[0] to
// list[count - 1] may be looked at. True when they differ from those before. No values say nothing;
// without memory they count as not said, so that an attempt ends in a timeout and never unverified.
bool fingerprints_learn(struct fingerprints **kept, const struct fingerprints *said);
// At least one value can be checked.
bool fingerprints_usable(const struct fingerprints *f);

#endif
