// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: the header is read, the packet index estimated from the sequence number and what the
// source sent before (RFC 3711 3.3.1), the replay window asked, the transform applied, and only
// then is the source's state moved on.
//
// Failure paths: no key yet; not RTP; an index that was there already or is too old; a tag that
// does not match, first under the key in use, then under the one before; too many sources; a key
// that has protected as many packets as it may. Nothing of a packet that is not genuine changes any
// state.

#include "agw/savp.h"

#include "agw/transform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RTP_HEAD_LEN 12
#define RTCP_HEAD_LEN 8
#define RTP_SSRC_AT 8
#define RTCP_SSRC_AT 4
#define WORD_LEN 4
#define ENCRYPTED 0x80000000U // the E-bit of SRTCP
// RFC 3711 3.3.2: at least 64.
#define WINDOW 64

// Highest index so far and which of those before it were there.
struct window {
    uint64_t highest;
    uint64_t mask; // bit i: highest - i was there; 0: nothing yet
};

struct source {
    uint32_t ssrc;
    struct window rtp, rtcp;
};

// One master key and all that was done with it.
struct key {
    struct sdes_crypto crypto;
    struct transform *rtp, *rtcp;
    uint64_t rtp_left, rtcp_left; // packets
    unsigned count, last;         // sources; the one that spoke last
    struct source source[SAVP_SOURCES_MAX];
};

enum direction { SEAL, OPEN };

struct savp {
    uint64_t hold_us;
    struct key *now[2], *before[2]; // per direction; NULL: none
    uint64_t changed_us;            // when now[OPEN] came
};

// --- keys ---------------------------------------------------------------------------------------

static void key_close(struct key *k)
{
    if (!k)
        return;
    transform_close(k->rtp);
    transform_close(k->rtcp);
    explicit_bzero(k, sizeof *k);
    free(k);
}

static struct key *key_open(const struct sdes_crypto *crypto)
{
    // 2^48 packets of SRTP, 2^31 of SRTCP (RFC 3711 9.2)
    static const uint64_t rtp_max = UINT64_C(1) << 48, rtcp_max = UINT64_C(1) << 31;
    struct key *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    uint64_t given = crypto->lifetime > 0 ? crypto->lifetime : rtp_max;
    k->crypto = *crypto;
    k->rtp_left = given;
    k->rtcp_left = given < rtcp_max ? given : rtcp_max;
    k->rtp = transform_open(crypto, false);
    k->rtcp = transform_open(crypto, true);
    if (k->rtp && k->rtcp)
        return k;
    key_close(k);
    return NULL;
}

struct savp *savp_create(uint64_t hold_us)
{
    struct savp *s = calloc(1, sizeof *s);
    if (s)
        s->hold_us = hold_us;
    return s;
}

void savp_release(struct savp *s)
{
    if (!s)
        return;
    for (int d = SEAL; d <= OPEN; d++) {
        key_close(s->now[d]);
        key_close(s->before[d]);
    }
    free(s);
}

static bool holds(const struct key *k, const struct sdes_crypto *crypto)
{
    return k && sdes_same_key(&k->crypto, crypto);
}

static int set_key(struct savp *s, enum direction d, const struct sdes_crypto *crypto)
{
    struct key *old = s->now[d], *next = s->before[d];
    if (crypto->suite == SDES_NONE || holds(old, crypto))
        return 0;
    if (!holds(next, crypto)) {
        next = key_open(crypto);
        if (!next)
            return -ENOMEM;
        key_close(s->before[d]);
    }
    s->now[d] = next;
    s->before[d] = old;
    return 0;
}

int savp_configure(struct savp *s, const struct sdes_crypto *local,
                   const struct sdes_crypto *remote, uint64_t now_us)
{
    const struct key *before = s->now[OPEN];
    int seal = set_key(s, SEAL, local), open = set_key(s, OPEN, remote);
    if (s->now[OPEN] != before)
        s->changed_us = now_us;
    return seal ? seal : open;
}

// --- sources and indexes ------------------------------------------------------------------------

static struct source *find_source(struct key *k, uint32_t ssrc)
{
    if (k->count > 0 && k->source[k->last].ssrc == ssrc)
        return &k->source[k->last];
    for (unsigned i = 0; i < k->count; i++) {
        if (k->source[i].ssrc != ssrc)
            continue;
        k->last = i;
        return &k->source[i];
    }
    return NULL;
}

// NONE when index is new in the window, or not before the window begins.
static enum reason check_window(const struct window *w, uint64_t index)
{
    if (w->mask == 0 || index > w->highest)
        return REASON_NONE;
    uint64_t behind = w->highest - index;
    return behind >= WINDOW || (w->mask >> behind & 1) ? REASON_DROP_SRTP_REPLAY : REASON_NONE;
}

// True when index is the highest now.
static bool move_window(struct window *w, uint64_t index)
{
    bool newest = w->mask == 0 || index > w->highest;
    if (!newest) {
        w->mask |= UINT64_C(1) << (w->highest - index);
        return false;
    }
    uint64_t step = index - w->highest;
    w->mask = w->mask == 0 || step >= WINDOW ? 1 : w->mask << step | 1;
    w->highest = index;
    return true;
}

// The index of 48 bits that sequence number seq stands for: that nearest to the highest so far (RFC
// 3711 3.3.1, appendix A).
static uint64_t estimate(const struct window *w, uint16_t seq)
{
    if (w->mask == 0)
        return seq;
    uint64_t rollover = w->highest >> 16;
    uint16_t highest = (uint16_t)w->highest;
    if (highest < 32768 && seq - highest > 32768 && rollover > 0)
        rollover--;
    else if (highest >= 32768 && highest - 32768 > seq)
        rollover++;
    return rollover << 16 | seq;
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

// Takes a packet into the state of its source, which perhaps begins with it. True when it is the
// newest of the source.
static bool account(struct key *k, bool rtcp, const struct transform_packet *p)
{
    struct source *source = find_source(k, p->ssrc);
    if (!source) {
        k->last = k->count++;
        source = &k->source[k->last];
        *source = (struct source){.ssrc = p->ssrc};
    }
    if (rtcp)
        k->rtcp_left--;
    else
        k->rtp_left--;
    return move_window(rtcp ? &source->rtcp : &source->rtp, p->index);
}

static bool is_spent(const struct key *k, bool rtcp, uint64_t index)
{
    return (rtcp ? k->rtcp_left : k->rtp_left) == 0 || index >> 48 != 0;
}

// --- layout -------------------------------------------------------------------------------------

// Bytes of an RTP packet before its payload; 0: it is no RTP packet (RFC 3550 5.1, 5.3.1).
static size_t rtp_head(const uint8_t *packet, size_t len)
{
    if (len < RTP_HEAD_LEN || packet[0] >> 6 != 2)
        return 0;
    size_t head = RTP_HEAD_LEN + 4 * (size_t)(packet[0] & 0x0f);
    if (packet[0] & 0x10) {
        if (len < head + 4)
            return 0;
        head += 4 + 4 * ((size_t)packet[head + 2] << 8 | packet[head + 3]);
    }
    return head <= len ? head : 0;
}

static size_t head_of(bool rtcp, const uint8_t *packet, size_t len)
{
    if (!rtcp)
        return rtp_head(packet, len);
    return len >= RTCP_HEAD_LEN && packet[0] >> 6 == 2 ? RTCP_HEAD_LEN : 0;
}

// What the transform needs to know. word: that of a received SRTCP packet, which names its index;
// NULL: the next one.
static void describe(struct transform_packet *p, bool rtcp, const struct source *source,
                     const uint8_t *word)
{
    if (!rtcp) {
        p->index = estimate(&source->rtp, (uint16_t)(p->bytes[2] << 8 | p->bytes[3]));
        put32(p->word, (uint32_t)(p->index >> 16));
        return;
    }
    uint32_t next = (uint32_t)(source->rtcp.mask ? source->rtcp.highest + 1 : 0);
    put32(p->word, word ? get32(word) : ENCRYPTED | next);
    p->index = get32(p->word) & ~ENCRYPTED;
}

// Fills in *p from its first len bytes, under key k. NONE, or why it cannot be sealed or opened.
static enum reason prepare(struct key *k, bool rtcp, const uint8_t *word,
                           struct transform_packet *p)
{
    p->head = head_of(rtcp, p->bytes, p->len);
    if (p->head == 0)
        return REASON_DROP_NOT_RTP;
    p->ssrc = get32(p->bytes + (rtcp ? RTCP_SSRC_AT : RTP_SSRC_AT));
    struct source none = {.ssrc = p->ssrc}, *source = find_source(k, p->ssrc);
    if (!source && k->count == SAVP_SOURCES_MAX)
        return REASON_DROP_SRTP_SOURCES;
    source = source ? source : &none;
    describe(p, rtcp, source, word);
    enum reason reason = check_window(rtcp ? &source->rtcp : &source->rtp, p->index);
    return reason == REASON_NONE && is_spent(k, rtcp, p->index) ? REASON_DROP_KEY_SPENT : reason;
}

// --- sealing ------------------------------------------------------------------------------------

// Puts tag and, for SRTCP, its word behind the packet. Returns the new length.
static size_t put_trailer(const struct transform *t, bool rtcp, const struct transform_packet *p,
                          const uint8_t *tag)
{
    uint8_t *at = p->bytes + p->len;
    bool tag_first = transform_is_aead(t);
    if (tag_first)
        at = mempcpy(at, tag, transform_tag_len(t));
    if (rtcp)
        at = mempcpy(at, p->word, WORD_LEN);
    if (!tag_first)
        at = mempcpy(at, tag, transform_tag_len(t));
    return (size_t)(at - p->bytes);
}

enum reason savp_seal(struct savp *s, bool rtcp, uint8_t *packet, size_t *len)
{
    struct key *k = s->now[SEAL];
    struct transform_packet p = {.bytes = packet, .len = *len};
    enum reason reason = k ? prepare(k, rtcp, NULL, &p) : REASON_DROP_NO_KEY;
    if (reason != REASON_NONE)
        return reason;
    uint8_t tag[TRANSFORM_TAG_MAX];
    struct transform *t = rtcp ? k->rtcp : k->rtp;
    transform_seal(t, &p, tag);
    account(k, rtcp, &p);
    *len = put_trailer(t, rtcp, &p, tag);
    return REASON_NONE;
}

// --- opening ------------------------------------------------------------------------------------

struct parts {
    size_t body; // what was sealed
    const uint8_t *tag, *word;
};

// False: the packet is too short for its parts, or has another MKI.
static bool take_apart(const struct key *k, bool rtcp, const uint8_t *packet, size_t len,
                       struct parts *out)
{
    const struct transform *t = rtcp ? k->rtcp : k->rtp;
    size_t tag = transform_tag_len(t), mki = k->crypto.mki_len, word = rtcp ? WORD_LEN : 0;
    size_t head = rtcp ? RTCP_HEAD_LEN : RTP_HEAD_LEN;
    if (len < head + tag + mki + word)
        return false;
    const uint8_t *at = packet + len - tag - mki - word;
    out->body = (size_t)(at - packet);
    bool tag_first = transform_is_aead(t);
    out->tag = tag_first ? at : packet + len - tag;
    out->word = tag_first ? at + tag : at;
    const uint8_t *id = tag_first ? packet + len - mki : packet + len - tag - mki;
    return memcmp(id, k->crypto.mki, mki) == 0;
}

static enum reason open_with(struct key *k, bool rtcp, uint8_t *packet, size_t *len, bool *newest)
{
    struct parts parts;
    if (!take_apart(k, rtcp, packet, *len, &parts))
        return REASON_DROP_SRTP_AUTH;
    struct transform_packet p = {.bytes = packet, .len = parts.body};
    enum reason reason = prepare(k, rtcp, parts.word, &p);
    if (reason != REASON_NONE)
        return reason;
    if (rtcp && !(p.word[0] & ENCRYPTED >> 24)) // UNENCRYPTED_SRTCP was not agreed
        return REASON_DROP_SRTP_AUTH;
    if (!transform_unseal(rtcp ? k->rtcp : k->rtp, &p, parts.tag))
        return REASON_DROP_SRTP_AUTH;
    *newest = account(k, rtcp, &p);
    *len = parts.body;
    return REASON_NONE;
}

enum reason savp_open(struct savp *s, bool rtcp, uint8_t *packet, size_t *len, uint64_t now_us,
                      bool *newest)
{
    struct key *now = s->now[OPEN], *before = s->before[OPEN];
    if (!now)
        return REASON_DROP_NO_KEY;
    enum reason reason = open_with(now, rtcp, packet, len, newest);
    bool late = before && now_us - s->changed_us < s->hold_us;
    if (reason != REASON_NONE && late &&
        open_with(before, rtcp, packet, len, newest) == REASON_NONE)
        return REASON_NONE;
    return reason;
}
