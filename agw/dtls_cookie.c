// SPDX-License-Identifier: GPL-3.0-or-later
// What happens to a datagram before anything is remembered about its sender.
//
// Happy path: a datagram is classified by its first bytes; a ClientHello with the cookie that was
// computed for its source address and its random proves that the source is reachable.
// Failure paths: a ClientHello without a cookie, with a stale one or one of somebody else gets a
// HelloVerifyRequest (RFC 6347 4.2.1: a bad cookie counts as none), smaller than itself; one that
// is cut off gets nothing.
//
// The secret is a function of a master secret and the current period, so that it changes with time
// although nothing shared is ever written.

#include "agw/dtls_cookie.h"

#include "agw/dtls_profile.h"
#include "agw/dtls_record.h"
#include "common/clock.h"

#include <assert.h>
#include <gnutls/crypto.h>
#include <gnutls/dtls.h>
#include <string.h>

#define STUN_HEADER 20
#define STUN_COOKIE_AT 4
// A sockaddr_storage is the largest address anybody has.
#define PEER_MAX 128

static_assert(sizeof(gnutls_dtls_prestate_st) <= sizeof(struct dtls_hello),
              "dtls_hello must hold the prestate");

static bool is_stun(const uint8_t *datagram, size_t len)
{
    static const uint8_t magic[] = {0x21, 0x12, 0xa4, 0x42}; // RFC 8489 5
    return len >= STUN_HEADER && datagram[0] <= 3 &&
           memcmp(datagram + STUN_COOKIE_AT, magic, sizeof(magic)) == 0;
}

// {254,253} is DTLS 1.2; {254,255} stands on the first ClientHello of many clients (RFC
// 6347 4.2.1).
static bool is_record(const uint8_t *datagram, size_t len)
{
    return len >= RECORD_HEADER && datagram[0] >= 20 && datagram[0] <= 63 &&
           datagram[RECORD_VERSION] == 254 &&
           (datagram[RECORD_VERSION + 1] == 253 || datagram[RECORD_VERSION + 1] == 255);
}

static bool is_client_hello(const uint8_t *record, size_t len)
{
    static const uint8_t zero[3];
    return len >= HANDSHAKE_BODY && record[0] == CONTENT_HANDSHAKE &&
           memcmp(record + RECORD_EPOCH, zero, 2) == 0 &&
           record[RECORD_HEADER] == HANDSHAKE_CLIENT_HELLO &&
           memcmp(record + HANDSHAKE_FRAGMENT_OFFSET, zero, 3) == 0;
}

enum dtls_class dtls_classify(const uint8_t *datagram, size_t len)
{
    if (is_stun(datagram, len))
        return DTLS_CLASS_STUN;
    if (!is_record(datagram, len))
        return DTLS_CLASS_OTHER;
    return is_client_hello(datagram, len) ? DTLS_CLASS_CLIENT_HELLO : DTLS_CLASS_RECORD;
}

struct secret {
    uint8_t bytes[32]; // HMAC-SHA-256 of the period
};

static bool secret_of_period(const struct dtls_profile *profile, uint64_t period,
                             struct secret *secret)
{
    return gnutls_hmac_fast(GNUTLS_MAC_SHA256, profile->cookie_master,
                            sizeof(profile->cookie_master), &period, sizeof(period),
                            secret->bytes) == 0;
}

struct reply {
    uint8_t *bytes;
    size_t len;
};

static ssize_t keep_reply(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    struct reply *reply = ptr;
    if (len > DTLS_COOKIE_REPLY_MAX)
        return -1;
    memcpy(reply->bytes, data, len);
    reply->len = len;
    return (ssize_t)len;
}

bool dtls_cookie_check_at(const struct dtls_profile *profile, uint64_t now_us, const void *peer,
                          size_t peer_len, const uint8_t *datagram, size_t len,
                          struct dtls_hello *hello, uint8_t reply[static DTLS_COOKIE_REPLY_MAX],
                          size_t *reply_len)
{
    *reply_len = 0;
    if (peer_len > PEER_MAX || len < CLIENT_RANDOM + CLIENT_RANDOM_BYTES)
        return false;
    // Address and random together: a cookie serves the handshake it was made for, no other.
    uint8_t client[PEER_MAX + CLIENT_RANDOM_BYTES];
    memcpy(client, peer, peer_len);
    memcpy(client + peer_len, datagram + CLIENT_RANDOM, CLIENT_RANDOM_BYTES);
    size_t client_len = peer_len + CLIENT_RANDOM_BYTES;

    uint64_t period = now_us / COOKIE_PERIOD_US;
    struct secret secret;
    gnutls_datum_t key = {secret.bytes, sizeof(secret.bytes)};
    for (uint64_t age = 0; age <= 1 && age <= period; age++) {
        gnutls_dtls_prestate_st prestate = {0};
        if (!secret_of_period(profile, period - age, &secret))
            return false;
        int rc =
            gnutls_dtls_cookie_verify(&key, client, client_len, (void *)datagram, len, &prestate);
        if (rc == GNUTLS_E_UNEXPECTED_PACKET_LENGTH)
            return false;
        if (rc == 0) {
            memcpy(hello, &prestate, sizeof(prestate));
            return true;
        }
    }
    if (!secret_of_period(profile, period, &secret))
        return false;
    struct reply out = {.bytes = reply};
    gnutls_dtls_prestate_st prestate = {.record_seq = datagram[RECORD_SEQUENCE_LAST]};
    if (gnutls_dtls_cookie_send(&key, client, client_len, &prestate, &out, keep_reply) > 0)
        *reply_len = out.len;
    return false;
}

bool dtls_cookie_check(const struct dtls_profile *profile, const void *peer, size_t peer_len,
                       const uint8_t *datagram, size_t len, struct dtls_hello *hello,
                       uint8_t reply[static DTLS_COOKIE_REPLY_MAX], size_t *reply_len)
{
    return dtls_cookie_check_at(profile, clock_now_us(), peer, peer_len, datagram, len, hello,
                                reply, reply_len);
}
