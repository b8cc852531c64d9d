// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UNIT_SRTP_UE_H
#define TESTS_UNIT_SRTP_UE_H
// The SRTP of a UE, by libsrtp2, which shares no code with the AGW, and packets to send.

#include "common/sdes.h"

#include <check.h>
#include <srtp2/srtp.h>
#include <string.h>

#define ROOM 2048

static inline srtp_t ue_session(const struct sdes_crypto *c, srtp_ssrc_type_t type)
{
    static const srtp_profile_t profiles[SDES_SUITES] = {
        [SDES_AES_CM_128_HMAC_SHA1_80] = srtp_profile_aes128_cm_sha1_80,
        [SDES_AES_CM_128_HMAC_SHA1_32] = srtp_profile_aes128_cm_sha1_32,
        [SDES_AEAD_AES_128_GCM] = srtp_profile_aead_aes_128_gcm,
        [SDES_AEAD_AES_256_GCM] = srtp_profile_aead_aes_256_gcm,
    };
    srtp_policy_t policy = {.ssrc = {.type = type}};
    srtp_master_key_t key = {(uint8_t *)c->key, (uint8_t *)c->mki, c->mki_len};
    srtp_master_key_t *keys[] = {&key};
    srtp_t session;

    ck_assert_int_eq(srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profiles[c->suite]),
                     0);
    ck_assert_int_eq(srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profiles[c->suite]),
                     0);
    policy.keys = keys;
    policy.num_master_keys = 1;
    ck_assert_int_eq(srtp_create(&session, &policy), 0);
    return session;
}

struct packet {
    uint8_t bytes[ROOM];
    size_t len;
};

// An RTP packet with csrcs and, when extension is set, eight bytes of header extension.
static inline struct packet rtp_like(uint16_t seq, uint32_t ssrc, unsigned csrcs, bool extension,
                                     size_t payload)
{
    struct packet p = {.len = 12 + 4 * csrcs};

    p.bytes[0] = (uint8_t)(0x80 | (extension ? 0x10 : 0) | csrcs);
    p.bytes[2] = (uint8_t)(seq >> 8);
    p.bytes[3] = (uint8_t)seq;
    for (int i = 0; i < 4; i++)
        p.bytes[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
    if (extension) {
        memcpy(p.bytes + p.len, "\xbe\xde\x00\x01\x10\x55\x00\x00", 8);
        p.len += 8;
    }
    for (size_t i = 0; i < payload; i++)
        p.bytes[p.len++] = (uint8_t)(seq + i);
    return p;
}

// A receiver report with one block.
static inline struct packet rtcp(uint8_t mark)
{
    struct packet p = {.len = 32};

    memcpy(p.bytes, "\x81\xc9\x00\x07\x11\x22\x33\x44", 8);
    memset(p.bytes + 8, mark, 24);
    return p;
}

#endif
