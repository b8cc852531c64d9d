// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UNIT_AGW_UE_H
#define TESTS_UNIT_AGW_UE_H
// A UE with a DTLS association over a socket, for tests of the AGW.

#include "tests/unit/agw_lab.h"

// What the UE got, oldest first, as texts.
#define UE_INBOX 64

struct ue {
    struct peer peer;
    struct dtls_profile *profile;
    struct certificate *certificate;
    struct fingerprints agw; // to verify the AGW by
    struct dtls *dtls;
    bool join;          // datagrams are kept and leave as one, with ue_flush()
    bool mute;          // datagrams are kept and go nowhere
    uint8_t kept[4096]; // what was sent last
    size_t kept_len;
    unsigned received;
    char inbox[UE_INBOX][64];
};

static inline void ue_transmit(void *arg, const void *datagram, size_t len)
{
    struct ue *ue = arg;
    if (!ue->join)
        ue->kept_len = 0;
    ck_assert_uint_le(ue->kept_len + len, sizeof ue->kept);
    memcpy(ue->kept + ue->kept_len, datagram, len);
    ue->kept_len += len;
    if (!ue->join && !ue->mute)
        peer_send_bytes(&ue->peer, datagram, len);
}

// Sends what was kept, from wherever.
static inline void ue_flush(struct ue *ue, const struct peer *from)
{
    peer_send_bytes(from, ue->kept, ue->kept_len);
    ue->kept_len = 0;
}

static inline void ue_deliver(void *arg, const void *data, size_t len)
{
    struct ue *ue = arg;
    ck_assert_uint_lt(ue->received, UE_INBOX);
    snprintf(ue->inbox[ue->received++], sizeof ue->inbox[0], "%.*s", (int)len, (const char *)data);
}

static inline struct dtls_sink ue_sink(struct ue *ue)
{
    return (struct dtls_sink){ue_transmit, ue_deliver, ue};
}

// Timers of its own: a UE that is refused waits for nobody.
static inline void ue_open(struct ue *ue, const struct config *cfg)
{
    struct config own = *cfg;
    own.agw.handshake_timeout_ms = WAIT_MS;
    memset(ue, 0, sizeof *ue);
    ue->peer = peer_open(NULL);
    ck_assert_int_eq(dtls_profile_open(&ue->profile, &own), 0);
    ue->certificate = certificate_create(CERTIFICATE_ECDSA);
    ck_assert_ptr_nonnull(ue->certificate);
}

static inline void ue_close(struct ue *ue)
{
    dtls_close(ue->dtls);
    certificate_free(ue->certificate);
    dtls_profile_close(ue->profile);
    peer_close(&ue->peer);
}

// As DTLS client: the ClientHello leaves at once.
static inline void ue_connect(struct ue *ue)
{
    ue->dtls =
        dtls_open_client(ue->profile, ue->certificate, &ue->agw, ue_sink(ue), clock_now_us());
    ck_assert_ptr_nonnull(ue->dtls);
}

// As DTLS server: the first datagram must be a ClientHello; cookies are exchanged.
static inline void ue_take_hello(struct ue *ue, const uint8_t *datagram, size_t len)
{
    struct dtls_hello hello;
    uint8_t reply[DTLS_COOKIE_REPLY_MAX];
    size_t reply_len = 0;
    if (dtls_classify(datagram, len) != DTLS_CLASS_CLIENT_HELLO)
        return;
    if (!dtls_cookie_check(ue->profile, &ue->peer.agw.sa, ue->peer.agw.len, datagram, len, &hello,
                           reply, &reply_len)) {
        peer_send_bytes(&ue->peer, reply, reply_len);
        return;
    }
    ue->dtls = dtls_open_server(ue->profile, &hello, ue->certificate, &ue->agw, ue_sink(ue),
                                clock_now_us());
    ck_assert_ptr_nonnull(ue->dtls);
    dtls_receive(ue->dtls, datagram, len, clock_now_us());
}

// Waits up to ms for a datagram or for the DTLS timer and handles what comes. False: nothing came.
static inline bool ue_turn(struct ue *ue, int ms)
{
    uint8_t datagram[4096];
    uint64_t now = clock_now_us();
    uint64_t due = ue->dtls ? dtls_deadline(ue->dtls) : UINT64_MAX;
    if (due != UINT64_MAX && due < now + (uint64_t)ms * 1000)
        ms = due <= now ? 0 : (int)((due - now) / 1000 + 1);
    ssize_t n = peer_receive(&ue->peer, datagram, sizeof datagram, ms);
    if (n > 0 && ue->dtls)
        dtls_receive(ue->dtls, datagram, (size_t)n, clock_now_us());
    else if (n > 0)
        ue_take_hello(ue, datagram, (size_t)n);
    if (ue->dtls && dtls_deadline(ue->dtls) <= clock_now_us())
        dtls_tick(ue->dtls, clock_now_us());
    return n > 0;
}

static inline bool ue_in_state(const struct ue *ue, enum dtls_state state)
{
    return ue->dtls && dtls_state(ue->dtls) == state;
}

#define ue_expect_state(ue, state) ue_expect_state_at((ue), (state), __LINE__)
static inline void ue_expect_state_at(struct ue *ue, enum dtls_state state, int line)
{
    uint64_t end = clock_now_us() + WAIT_MS * 1000ull;
    while (!ue_in_state(ue, state)) {
        ck_assert_msg(clock_now_us() < end, "line %d: the UE does not get into state %d", line,
                      state);
        ue_turn(ue, 100);
    }
}

#define ue_send(ue, text) ck_assert_int_eq(dtls_send((ue)->dtls, (text), strlen(text)), 0)

#define ue_expect(ue, text) ue_expect_at((ue), (text), __LINE__)
static inline void ue_expect_at(struct ue *ue, const char *text, int line)
{
    uint64_t end = clock_now_us() + WAIT_MS * 1000ull;
    while (ue->received == 0) {
        ck_assert_msg(clock_now_us() < end, "line %d: \"%s\" does not arrive at the UE", line,
                      text);
        ue_turn(ue, 100);
    }
    ck_assert_msg(strcmp(ue->inbox[0], text) == 0, "line %d: \"%s\" in place of \"%s\"", line,
                  ue->inbox[0], text);
    ue->received--;
    memmove(ue->inbox[0], ue->inbox[1], ue->received * sizeof ue->inbox[0]);
}

static inline const struct fingerprints *ue_fingerprints(const struct ue *ue)
{
    return certificate_fingerprints(ue->certificate);
}

#endif
