// SPDX-License-Identifier: GPL-3.0-or-later
// Parts of our lines.
//
// Happy path: one fingerprint of the certificate in use. What goes wrong on purpose is put in last.

#include "tests/ua/ua_own.h"

void own_fingerprints(const struct ua_options *options, const struct cert *cert,
                      struct fingerprints *out)
{
    static const enum cert_hash hashes[] = {CERT_SHA1, CERT_SHA256, CERT_SHA384, CERT_SHA512};
    unsigned mis = options->misbehave;
    enum cert_hash hash = mis & MIS_MD5_FINGERPRINT ? CERT_MD5 : hashes[options->hash];

    out->count = 0;
    if (mis & MIS_NO_FINGERPRINT)
        return;
    struct fingerprint *right = &out->list[options->extra_fingerprint ? 1 : 0];
    cert_fingerprint(cert, hash, right);
    out->count = options->extra_fingerprint ? 2 : 1;
    if (options->extra_fingerprint) {
        out->list[0] = *right;
        out->list[0].value[0] ^= 0xff;
    }
    if (mis & MIS_WRONG_FINGERPRINT)
        right->value[right->len - 1] ^= 0xff;
}

void own_spoil_offer(const struct ua_options *options, struct medium *out)
{
    if (options->misbehave & MIS_HOLDCONN)
        out->setup = SDP_SETUP_HOLDCONN;
    if (options->misbehave & MIS_NO_SETUP)
        out->setup = SDP_SETUP_NONE;
}

void own_spoil_answer(const struct ua_options *options, const struct medium *offer,
                      struct medium *out)
{
    unsigned mis = options->misbehave;

    if (mis & MIS_ACTPASS_ANSWER)
        out->setup = SDP_SETUP_ACTPASS;
    if (mis & MIS_SAME_ROLE)
        out->setup = offer->setup;
    own_spoil_offer(options, out);
}

enum sdp_direction own_answer_direction(enum sdp_direction offered)
{
    static const enum sdp_direction mirror[] = {
        [SDP_SENDRECV] = SDP_SENDRECV,
        [SDP_SENDONLY] = SDP_RECVONLY,
        [SDP_RECVONLY] = SDP_SENDONLY,
        [SDP_INACTIVE] = SDP_INACTIVE,
    };
    return mirror[offered];
}
