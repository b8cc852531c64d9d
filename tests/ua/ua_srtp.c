// SPDX-License-Identifier: GPL-3.0-or-later
// Keys.
//
// Happy path: one session per direction, for any SSRC. Failure: what libsrtp2 refuses is told as
// false, or as -EIO where a key is no key.

#include "tests/ua/ua_srtp.h"

#include <errno.h>
#include <string.h>

static const srtp_profile_t profiles[SDES_SUITES] = {
    [SDES_AES_CM_128_HMAC_SHA1_80] = srtp_profile_aes128_cm_sha1_80,
    [SDES_AES_CM_128_HMAC_SHA1_32] = srtp_profile_aes128_cm_sha1_32,
    [SDES_AEAD_AES_128_GCM] = srtp_profile_aead_aes_128_gcm,
    [SDES_AEAD_AES_256_GCM] = srtp_profile_aead_aes_256_gcm,
};

static void end_session(srtp_t *session)
{
    if (*session)
        srtp_dealloc(*session);
    *session = NULL;
}

static int set_one(srtp_t *session, struct sdes_crypto *now, const struct sdes_crypto *key,
                   srtp_ssrc_type_t type)
{
    srtp_policy_t policy = {.ssrc = {.type = type}, .key = (unsigned char *)key->key};

    if (sdes_same_key(now, key))
        return 0;
    end_session(session);
    *now = (struct sdes_crypto){0};
    if (key->suite == SDES_NONE)
        return 0;
    if (srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profiles[key->suite]) != 0 ||
        srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profiles[key->suite]) != 0 ||
        srtp_create(session, &policy) != 0)
        return -EIO;
    *now = *key;
    return 0;
}

int srtp_pair_set(struct srtp_pair *pair, const struct sdes_crypto *own,
                  const struct sdes_crypto *peer)
{
    static bool ready; // the library is made ready once

    ready = ready || srtp_init() == srtp_err_status_ok;
    if (!ready)
        return -EIO;
    int rc = set_one(&pair->out, &pair->own, own, ssrc_any_outbound);
    if (rc == 0)
        rc = set_one(&pair->in, &pair->peer, peer, ssrc_any_inbound);
    return rc;
}

void srtp_pair_clear(struct srtp_pair *pair)
{
    end_session(&pair->out);
    end_session(&pair->in);
    memset(pair, 0, sizeof(*pair));
}

bool srtp_pair_protect(struct srtp_pair *pair, bool rtcp, uint8_t *packet, size_t *len)
{
    int n = (int)*len;
    bool ok = pair->out && (rtcp ? srtp_protect_rtcp(pair->out, packet, &n)
                                 : srtp_protect(pair->out, packet, &n)) == srtp_err_status_ok;

    *len = ok ? (size_t)n : *len;
    return ok;
}

bool srtp_pair_open(struct srtp_pair *pair, bool rtcp, uint8_t *packet, size_t *len)
{
    int n = (int)*len;
    bool ok = pair->in && (rtcp ? srtp_unprotect_rtcp(pair->in, packet, &n)
                                : srtp_unprotect(pair->in, packet, &n)) == srtp_err_status_ok;

    *len = ok ? (size_t)n : *len;
    return ok;
}
