// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers go on from load to load, so that nothing looks like a replay. Failure: memory, or a key
// that libsrtp2 refuses, is told by NULL.

#include "tests/bench/voice.h"

#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

#define FILLER 0x55

size_t voice_fill(uint8_t *packet, uint64_t number)
{
    memset(packet, FILLER, BENCH_PAYLOAD);
    packet[0] = 0x80;
    packet[1] = 8;
    packet[2] = (uint8_t)(number >> 8);
    packet[3] = (uint8_t)number;
    memset(packet + 4, 0, 8); // time stamp, SSRC
    return BENCH_PAYLOAD;
}

// --- one key ------------------------------------------------------------------------------------

struct voice_key {
    srtp_t out, in;
};

static bool open_session(srtp_t *out, const struct sdes_crypto *key, srtp_ssrc_type_t type)
{
    srtp_policy_t policy = {.ssrc = {.type = type}, .key = (unsigned char *)key->key};
    if (key->suite == SDES_AEAD_AES_128_GCM) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_rtp_default(&policy.rtp);
        srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
    }
    return srtp_create(out, &policy) == srtp_err_status_ok;
}

struct voice_key *voice_key_open(const struct sdes_crypto *key)
{
    static bool ready;
    struct voice_key *k = calloc(1, sizeof(*k));
    ready = ready || srtp_init() == srtp_err_status_ok;
    if (k && ready && open_session(&k->out, key, ssrc_any_outbound) &&
        open_session(&k->in, key, ssrc_any_inbound))
        return k;
    voice_key_close(k);
    return NULL;
}

void voice_key_close(struct voice_key *k)
{
    if (!k)
        return;
    if (k->out)
        srtp_dealloc(k->out);
    if (k->in)
        srtp_dealloc(k->in);
    free(k);
}

bool voice_key_seal(struct voice_key *k, uint8_t *packet, size_t *len)
{
    int n = (int)*len;
    if (srtp_protect(k->out, packet, &n) != srtp_err_status_ok)
        return false;
    *len = (size_t)n;
    return true;
}

bool voice_key_open_packet(struct voice_key *k, uint8_t *packet, size_t *len)
{
    int n = (int)*len;
    if (srtp_unprotect(k->in, packet, &n) != srtp_err_status_ok)
        return false;
    *len = (size_t)n;
    return true;
}

// --- many calls ---------------------------------------------------------------------------------

struct session {
    struct voice_key *key;
    uint64_t sent[2]; // up, down
};

struct voice {
    unsigned count;
    struct session list[];
};

struct voice *voice_open(unsigned sessions)
{
    struct voice *v = calloc(1, sizeof(*v) + sessions * sizeof(v->list[0]));
    struct sdes_crypto key;
    const char *why;
    if (!v || sdes_parse(&key, BENCH_SRTP_KEY, strlen(BENCH_SRTP_KEY), &why) < 0) {
        free(v);
        return NULL;
    }
    for (; v->count < sessions; v->count++) {
        v->list[v->count].key = voice_key_open(&key);
        if (v->list[v->count].key)
            continue;
        voice_close(v);
        return NULL;
    }
    return v;
}

void voice_close(struct voice *v)
{
    if (!v)
        return;
    for (unsigned i = 0; i < v->count; i++)
        voice_key_close(v->list[i].key);
    free(v);
}

static size_t make(void *arg, unsigned session, bool down, uint8_t *packet)
{
    struct session *s = &((struct voice *)arg)->list[session];
    size_t len = voice_fill(packet, s->sent[down]++);
    return down || voice_key_seal(s->key, packet, &len) ? len : 0;
}

// At the UE's end the key is that of the other side, which nobody here knows: only the length
// tells.
static bool is_intact(void *arg, bool down, const uint8_t *packet, size_t len)
{
    return down ? len > BENCH_PAYLOAD : len == BENCH_PAYLOAD && packet[len - 1] == FILLER;
}

struct ends_packets voice_packets(struct voice *v)
{
    return (struct ends_packets){make, is_intact, v};
}
