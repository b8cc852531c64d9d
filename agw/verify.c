// SPDX-License-Identifier: GPL-3.0-or-later
// Comparing the peer's leaf certificate with the fingerprints of its SDP.
//
// Happy path: the strongest hash among the given values is found, the DER bytes of the leaf are
// hashed with it once, and one of the values of that hash is equal.
// Failure paths: no certificate; no value whose hash may be used; no value that is equal, even
// when a value of a weaker hash would be (RFC 8122 5.1).

#include "agw/verify.h"

#include <gnutls/crypto.h>
#include <string.h>

static const struct {
    const char *name;
    gnutls_digest_algorithm_t algorithm;
} hashes[] = {
    {"SHA-512", GNUTLS_DIG_SHA512}, {"SHA-384", GNUTLS_DIG_SHA384}, {"SHA-256", GNUTLS_DIG_SHA256},
    {"SHA-224", GNUTLS_DIG_SHA224}, {"SHA-1", GNUTLS_DIG_SHA1},
};

// The value with the most preferred hash that can be computed here; NULL when there is none.
static const struct fingerprint *strongest(const struct fingerprints *remote)
{
    const struct fingerprint *best = NULL;
    for (unsigned i = 0; i < remote->count; i++) {
        const struct fingerprint *fp = &remote->list[i];
        int strength = fingerprint_strength(fp);
        if (strength > 0 && (!best || strength > fingerprint_strength(best)))
            best = fp;
    }
    return best;
}

// Hashes the certificate with the hash that like names. 0 or a GnuTLS error.
static int fingerprint_of(const gnutls_datum_t *der, const struct fingerprint *like,
                          struct fingerprint *out)
{
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        if (strcmp(like->hash, hashes[i].name) != 0)
            continue;
        *out = *like;
        out->len = (uint8_t)gnutls_hash_get_len(hashes[i].algorithm);
        return gnutls_hash_fast(hashes[i].algorithm, der->data, der->size, out->value);
    }
    return GNUTLS_E_UNKNOWN_HASH_ALGORITHM;
}

enum verify_result verify_peer(gnutls_session_t session, const struct fingerprints *remote,
                               struct fingerprint *matched)
{
    unsigned chain_len = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &chain_len);
    if (!chain || chain_len == 0)
        return VERIFY_NO_CERTIFICATE;
    if (remote->count == 0)
        return VERIFY_UNDECIDED;
    const struct fingerprint *best = strongest(remote);
    struct fingerprint presented;
    if (!best || fingerprint_of(&chain[0], best, &presented) < 0)
        return VERIFY_UNUSABLE;
    for (unsigned i = 0; i < remote->count; i++) {
        if (fingerprint_equal(&remote->list[i], &presented)) {
            *matched = presented;
            return VERIFY_MATCH;
        }
    }
    return VERIFY_MISMATCH;
}

enum reason verify_reason(enum verify_result result)
{
    switch (result) {
    case VERIFY_NO_CERTIFICATE:
        return REASON_DTLS_NO_CERTIFICATE;
    case VERIFY_UNUSABLE:
        return REASON_WEAK_FINGERPRINT;
    case VERIFY_MISMATCH:
        return REASON_DTLS_FINGERPRINT;
    case VERIFY_MATCH:
    case VERIFY_UNDECIDED:
        break;
    }
    return REASON_INTERNAL;
}
