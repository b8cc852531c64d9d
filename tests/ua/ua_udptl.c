// SPDX-License-Identifier: GPL-3.0-or-later
// UDPTL framing.
//
//    0        2         3 or 4           n
//   +--------+---------+----------------+------+-------+---------+-----+---------+-----+
//   | seq no | length  | primary IFP    | 0x00 | count | length  | IFP | length  | IFP | ...
//   +--------+---------+----------------+------+-------+---------+-----+---------+-----+
//                                         |              newest repeated IFP first
//                                         0x80: parity FEC follows instead
//
// A length below 128 takes one byte, else two with the top bit set (PER open type; the fragmented
// form from 16384 on is never sent and is refused).
//
// Happy path: every packet brings its primary IFP, in order. A gap is filled from the repeated
// IFPs of the packet behind it, oldest first; what they do not reach is counted as lost and the
// T.38 engine sees the jump in the sequence number. Failure: a length that leaves the packet
// refuses the packet as a whole before anything was delivered.

#include "tests/ua/ua_udptl.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define PARITY_FEC 0x80

void udptl_sender_init(struct udptl_sender *s, unsigned redundancy)
{
    memset(s, 0, sizeof(*s));
    s->redundancy = redundancy < UDPTL_REDUNDANCY_MAX ? redundancy : UDPTL_REDUNDANCY_MAX;
}

static size_t put_open_type(uint8_t *out, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    if (len >= 0x80)
        out[at++] = (uint8_t)(0x80 | (len >> 8));
    out[at++] = (uint8_t)len;
    memcpy(out + at, bytes, len);
    return at + len;
}

static void remember(struct udptl_sender *s, const uint8_t *ifp, size_t len)
{
    if (s->redundancy == 0)
        return;
    memmove(&s->history[1], &s->history[0], (s->redundancy - 1) * sizeof(s->history[0]));
    memcpy(s->history[0].bytes, ifp, len);
    s->history[0].len = len;
    if (s->held < s->redundancy)
        s->held++;
}

int udptl_frame(struct udptl_sender *s, const uint8_t *ifp, size_t len,
                uint8_t out[static UDPTL_PACKET_MAX])
{
    size_t at = 0;

    if (len == 0 || len > UDPTL_IFP_MAX)
        return -EMSGSIZE;
    out[at++] = (uint8_t)(s->next_seq >> 8);
    out[at++] = (uint8_t)s->next_seq;
    at += put_open_type(out + at, ifp, len);
    out[at++] = 0;
    out[at++] = (uint8_t)s->held;
    for (unsigned i = 0; i < s->held; i++)
        at += put_open_type(out + at, s->history[i].bytes, s->history[i].len);
    s->next_seq++;
    remember(s, ifp, len);
    return (int)at;
}

void udptl_receiver_init(struct udptl_receiver *r, udptl_ifp_cb *on_ifp, void *arg)
{
    memset(r, 0, sizeof(*r));
    r->on_ifp = on_ifp;
    r->arg = arg;
}

struct reader {
    const uint8_t *at;
    size_t left;
    bool bad;
};

struct piece {
    const uint8_t *bytes;
    size_t len;
};

static unsigned get_byte(struct reader *in)
{
    if (in->left == 0) {
        in->bad = true;
        return 0;
    }
    in->left--;
    return *in->at++;
}

static struct piece get_open_type(struct reader *in)
{
    struct piece p = {0};
    size_t len = get_byte(in);

    if (len & 0x40 && len & 0x80)
        in->bad = true; // fragmented form
    else if (len & 0x80)
        len = (len & 0x3f) << 8 | get_byte(in);
    if (in->bad || len > in->left) {
        in->bad = true;
        return p;
    }
    p = (struct piece){in->at, len};
    in->at += len;
    in->left -= len;
    return p;
}

// What one packet holds. A count beyond our table is legal; older IFPs than it keeps cannot be of
// use any more.
#define PIECES_MAX 32
struct packet {
    uint16_t seq;
    struct piece primary;
    struct piece repeated[PIECES_MAX];
    unsigned count;
    bool parity;
};

static int parse(struct packet *p, const uint8_t *bytes, size_t len)
{
    struct reader in = {.at = bytes, .left = len};

    memset(p, 0, sizeof(*p));
    p->seq = (uint16_t)(get_byte(&in) << 8);
    p->seq |= (uint16_t)get_byte(&in);
    p->primary = get_open_type(&in);
    p->parity = (get_byte(&in) & PARITY_FEC) != 0;
    if (in.bad || p->primary.len == 0)
        return -EBADMSG;
    if (p->parity)
        return 0;
    for (unsigned n = get_byte(&in), i = 0; i < n && !in.bad; i++) {
        struct piece ifp = get_open_type(&in);
        if (i < PIECES_MAX)
            p->repeated[p->count++] = ifp;
    }
    return in.bad ? -EBADMSG : 0;
}

// Fills the gap before packet p as far as its repeated IFPs reach.
static void recover(struct udptl_receiver *r, const struct packet *p, unsigned gap)
{
    for (unsigned back = gap; back > 0; back--) {
        if (back > p->count || p->repeated[back - 1].len == 0) {
            r->lost++;
            continue;
        }
        r->recovered++;
        r->on_ifp(r->arg, p->repeated[back - 1].bytes, p->repeated[back - 1].len,
                  (uint16_t)(p->seq - back));
    }
}

int udptl_receive(struct udptl_receiver *r, const uint8_t *packet, size_t len)
{
    struct packet p;

    if (parse(&p, packet, len) != 0) {
        r->malformed++;
        return -EBADMSG;
    }
    r->packets++;
    r->parity += p.parity;
    int16_t ahead = (int16_t)(p.seq - r->expected);
    if (ahead < 0) {
        r->repeated++;
        return 0;
    }
    recover(r, &p, (unsigned)ahead);
    r->on_ifp(r->arg, p.primary.bytes, p.primary.len, p.seq);
    r->expected = (uint16_t)(p.seq + 1);
    return 0;
}
