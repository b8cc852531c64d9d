// SPDX-License-Identifier: GPL-3.0-or-later
// Ciphers and hashes are Nettle's, on which GnuTLS stands too: its contexts are plain memory, so
// that a packet costs neither allocation nor lock.
//
// Failure path: a tag that does not match. GCM has decrypted by then: the same keystream is put on
// once more, since the packet may belong to the key before this one.

#include "agw/transform.h"

#include <nettle/aes.h>
#include <nettle/ctr.h>
#include <nettle/gcm.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdlib.h>
#include <string.h>

// RFC 3711 4.3.2; those of SRTCP are 3 higher.
enum label { LABEL_ENCRYPTION, LABEL_AUTHENTICATION, LABEL_SALT, LABEL_SRTCP };

#define SALT_LEN 14
#define CM_AUTH_LEN 20
#define GCM_IV_LEN 12
#define SRTCP_TAG_LEN 10 // of every suite with HMAC-SHA1 (RFC 4568 6.2.2)
#define SRTCP_HEAD_LEN 8

struct cm {
    struct aes128_ctx cipher;
    struct hmac_sha1_ctx auth;
};

struct transform {
    enum sdes_suite suite;
    bool rtcp;
    uint8_t tag_len;
    uint8_t salt[SALT_LEN];
    size_t size; // of all of it
    union {
        struct cm cm;
        struct gcm_aes128_ctx gcm128;
        struct gcm_aes256_ctx gcm256;
    };
};

// --- keys ---------------------------------------------------------------------------------------

static void cm_iv(const uint8_t salt[static SALT_LEN], uint32_t ssrc, uint64_t index,
                  uint8_t iv[static AES_BLOCK_SIZE])
{
    memcpy(iv, salt, SALT_LEN);
    iv[14] = iv[15] = 0;
    for (int i = 0; i < 4; i++)
        iv[4 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
    for (int i = 0; i < 6; i++)
        iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

// The AES-CM PRF (RFC 3711 4.3.3). A salt of 96 bits is filled up with zeros (RFC 7714 11).
static void derive(const struct sdes_crypto *crypto, unsigned label, uint8_t *out, size_t len)
{
    uint8_t salt[SALT_LEN] = {0}, iv[AES_BLOCK_SIZE];
    union {
        struct aes128_ctx aes128;
        struct aes256_ctx aes256;
    } master;
    memcpy(salt, crypto->key + sdes_key_len(crypto->suite), sdes_salt_len(crypto->suite));
    salt[7] ^= (uint8_t)label;
    cm_iv(salt, 0, 0, iv);
    memset(out, 0, len);
    if (sdes_key_len(crypto->suite) == AES256_KEY_SIZE) {
        aes256_set_encrypt_key(&master.aes256, crypto->key);
        ctr_crypt(&master, (nettle_cipher_func *)aes256_encrypt, sizeof iv, iv, len, out, out);
    } else {
        aes128_set_encrypt_key(&master.aes128, crypto->key);
        ctr_crypt(&master, (nettle_cipher_func *)aes128_encrypt, sizeof iv, iv, len, out, out);
    }
    explicit_bzero(&master, sizeof master);
    explicit_bzero(salt, sizeof salt);
}

static size_t size_of(enum sdes_suite suite)
{
    size_t head = offsetof(struct transform, cm);
    switch (suite) {
    case SDES_AEAD_AES_128_GCM:
        return head + sizeof(struct gcm_aes128_ctx);
    case SDES_AEAD_AES_256_GCM:
        return head + sizeof(struct gcm_aes256_ctx);
    default:
        return head + sizeof(struct cm);
    }
}

static void set_keys(struct transform *t, const struct sdes_crypto *crypto)
{
    unsigned base = t->rtcp ? LABEL_SRTCP : 0;
    uint8_t key[AES256_KEY_SIZE], auth[CM_AUTH_LEN];
    derive(crypto, base + LABEL_ENCRYPTION, key, sdes_key_len(t->suite));
    derive(crypto, base + LABEL_SALT, t->salt, sdes_salt_len(t->suite));
    if (t->suite == SDES_AEAD_AES_128_GCM) {
        gcm_aes128_set_key(&t->gcm128, key);
    } else if (t->suite == SDES_AEAD_AES_256_GCM) {
        gcm_aes256_set_key(&t->gcm256, key);
    } else {
        derive(crypto, base + LABEL_AUTHENTICATION, auth, sizeof auth);
        aes128_set_encrypt_key(&t->cm.cipher, key);
        hmac_sha1_set_key(&t->cm.auth, sizeof auth, auth);
        explicit_bzero(auth, sizeof auth);
    }
    explicit_bzero(key, sizeof key);
}

struct transform *transform_open(const struct sdes_crypto *crypto, bool rtcp)
{
    size_t size = size_of(crypto->suite);
    struct transform *t = calloc(1, size);
    if (!t)
        return NULL;
    t->suite = crypto->suite;
    t->rtcp = rtcp;
    t->size = size;
    t->tag_len = (uint8_t)sdes_tag_len(t->suite);
    if (rtcp && !transform_is_aead(t))
        t->tag_len = SRTCP_TAG_LEN;
    set_keys(t, crypto);
    return t;
}

void transform_close(struct transform *t)
{
    if (!t)
        return;
    explicit_bzero(t, t->size);
    free(t);
}

unsigned transform_tag_len(const struct transform *t)
{
    return t->tag_len;
}

bool transform_is_aead(const struct transform *t)
{
    return t->suite == SDES_AEAD_AES_128_GCM || t->suite == SDES_AEAD_AES_256_GCM;
}

// --- AES in counter mode with HMAC-SHA1 (RFC 3711 4.1.1, 4.2.1) ---------------------------------

static void cm_crypt(const struct transform *t, const struct transform_packet *p)
{
    uint8_t iv[AES_BLOCK_SIZE];
    cm_iv(t->salt, p->ssrc, p->index, iv);
    ctr_crypt(&t->cm.cipher, (nettle_cipher_func *)aes128_encrypt, sizeof iv, iv, p->len - p->head,
              p->bytes + p->head, p->bytes + p->head);
}

static void cm_tag(struct transform *t, const struct transform_packet *p, uint8_t *tag)
{
    hmac_sha1_update(&t->cm.auth, p->len, p->bytes);
    hmac_sha1_update(&t->cm.auth, sizeof p->word, p->word);
    hmac_sha1_digest(&t->cm.auth, t->tag_len, tag);
}

// --- AES-GCM (RFC 7714 8, 9) --------------------------------------------------------------------

static void gcm_iv(const struct transform *t, const struct transform_packet *p,
                   uint8_t iv[static GCM_IV_LEN])
{
    memcpy(iv, t->salt, GCM_IV_LEN);
    for (int i = 0; i < 4; i++)
        iv[2 + i] ^= (uint8_t)(p->ssrc >> (24 - 8 * i));
    for (int i = 0; i < 6; i++)
        iv[6 + i] ^= (uint8_t)(p->index >> (40 - 8 * i));
}

// Nettle has one set of functions per key length, with the same shapes.
#define GCM_CRYPT(bits, context, crypt)                                                            \
    do {                                                                                           \
        gcm_aes##bits##_set_iv(context, sizeof iv, iv);                                            \
        gcm_aes##bits##_update(context, aad_len, aad);                                             \
        gcm_aes##bits##_##crypt(context, len, body, body);                                         \
        gcm_aes##bits##_digest(context, TRANSFORM_TAG_MAX, tag);                                   \
    } while (0)

static void gcm_crypt(struct transform *t, const struct transform_packet *p, bool seal,
                      uint8_t tag[static TRANSFORM_TAG_MAX])
{
    uint8_t iv[GCM_IV_LEN], with_word[SRTCP_HEAD_LEN + sizeof p->word];
    uint8_t *body = p->bytes + p->head;
    const uint8_t *aad = p->bytes;
    size_t aad_len = p->head, len = p->len - p->head;
    if (t->rtcp) {
        memcpy(with_word, p->bytes, SRTCP_HEAD_LEN);
        memcpy(with_word + SRTCP_HEAD_LEN, p->word, sizeof p->word);
        aad = with_word;
        aad_len = sizeof with_word;
    }
    gcm_iv(t, p, iv);
    if (t->suite == SDES_AEAD_AES_128_GCM && seal)
        GCM_CRYPT(128, &t->gcm128, encrypt);
    else if (t->suite == SDES_AEAD_AES_128_GCM)
        GCM_CRYPT(128, &t->gcm128, decrypt);
    else if (seal)
        GCM_CRYPT(256, &t->gcm256, encrypt);
    else
        GCM_CRYPT(256, &t->gcm256, decrypt);
}

// --- both ---------------------------------------------------------------------------------------

void transform_seal(struct transform *t, const struct transform_packet *p,
                    uint8_t tag[static TRANSFORM_TAG_MAX])
{
    if (transform_is_aead(t)) {
        gcm_crypt(t, p, true, tag);
        return;
    }
    cm_crypt(t, p);
    cm_tag(t, p, tag);
}

bool transform_unseal(struct transform *t, const struct transform_packet *p, const uint8_t *tag)
{
    uint8_t own[TRANSFORM_TAG_MAX];
    if (!transform_is_aead(t)) {
        cm_tag(t, p, own);
        if (!memeql_sec(own, tag, t->tag_len))
            return false;
        cm_crypt(t, p);
        return true;
    }
    gcm_crypt(t, p, false, own);
    if (memeql_sec(own, tag, t->tag_len))
        return true;
    gcm_crypt(t, p, false, own);
    return false;
}
