// SPDX-License-Identifier: GPL-3.0-or-later
// SRTP of the AGW fed with anything: the bytes are a script that seals packets, mangles them, opens
// them, opens junk and changes keys. A packet that was changed never opens, one that was not opens
// once, and nothing is read or written beyond the packet and its room.
#include "agw/savp.h"
#include "tests/fuzz/fuzz.h"

#define HOLD_US 1000

struct cursor {
    const uint8_t *at;
    size_t left;
};

static struct savp *near, *far;
static struct sdes_crypto keys[4];
static uint64_t now_us;

static uint8_t next(struct cursor *c)
{
    if (c->left == 0)
        return 0;
    c->left--;
    return *c->at++;
}

// A copy of its own, so that a step beyond the end is seen. *len: of the packet.
static uint8_t *take_packet(struct cursor *c, size_t room, size_t *len)
{
    *len = next(c);
    *len = *len < c->left ? *len : c->left;
    uint8_t *packet = malloc(*len + room + 1);
    require(packet != NULL, "there is memory");
    memcpy(packet, c->at, *len);
    c->at += *len;
    c->left -= *len;
    return packet;
}

static void make_key(struct sdes_crypto *key, uint8_t what)
{
    *key = (struct sdes_crypto){.suite = (enum sdes_suite)(1 + what % (SDES_SUITES - 1)),
                                .tag = 1,
                                .lifetime = what & 0x80 ? what & 0x0f : 0};
    memset(key->key, what, sizeof(key->key));
}

static void open_junk(struct cursor *c, bool rtcp)
{
    bool newest;
    size_t len;
    uint8_t *packet = take_packet(c, 0, &len);
    enum reason reason = savp_open(far, rtcp, packet, &len, now_us, &newest);
    require(reason != REASON_NONE, "junk does not open");
    free(packet);
}

// Sealed, then opened twice; or changed in one byte on the way.
static void seal_and_open(struct cursor *c, bool rtcp)
{
    bool newest;
    size_t len, sealed;
    uint8_t at = next(c), mask = next(c);
    uint8_t *packet = take_packet(c, SAVP_TRAILER_MAX, &len);
    uint8_t before[256], again[256 + SAVP_TRAILER_MAX];
    memcpy(before, packet, len);
    sealed = len;
    if (savp_seal(near, rtcp, packet, &sealed) != REASON_NONE) {
        require(sealed == len && memcmp(before, packet, len) == 0, "a refused packet is untouched");
        free(packet);
        return;
    }
    require(sealed > len && sealed <= len + SAVP_TRAILER_MAX, "sealing adds a bounded trailer");
    packet[at % sealed] ^= mask;
    memcpy(again, packet, sealed);
    size_t opened = sealed;
    enum reason reason = savp_open(far, rtcp, packet, &opened, now_us, &newest);
    require(reason != REASON_NONE || mask == 0, "a changed packet does not open");
    if (reason == REASON_NONE) {
        require(opened == len && memcmp(before, packet, len) == 0, "it opens to what was sealed");
        opened = sealed;
        require(savp_open(far, rtcp, again, &opened, now_us, &newest) != REASON_NONE,
                "it opens once");
    } else {
        require(opened == sealed && memcmp(again, packet, sealed) == 0,
                "a packet that does not open is untouched");
    }
    free(packet);
}

static void configure(struct cursor *c)
{
    static const struct sdes_crypto none;
    const struct sdes_crypto *key = &keys[next(c) % 4];
    unsigned who = next(c);
    require(savp_configure(near, who & 1 ? key : &none, &none, now_us) == 0, "there is memory");
    require(savp_configure(far, &none, who & 2 ? key : &none, now_us) == 0, "there is memory");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = {data, size};
    near = savp_create(HOLD_US);
    far = savp_create(HOLD_US);
    now_us = HOLD_US;
    for (int i = 0; i < 4; i++)
        make_key(&keys[i], next(&c));
    while (c.left > 0) {
        uint8_t what = next(&c);
        now_us += what >> 4;
        if (what % 4 == 0)
            configure(&c);
        else if (what % 4 == 1)
            open_junk(&c, what & 4);
        else
            seal_and_open(&c, what & 4);
    }
    savp_release(near);
    savp_release(far);
    return 0;
}
