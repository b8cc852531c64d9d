// SPDX-License-Identifier: GPL-3.0-or-later
// UDPTL framing of the reference user agent: redundancy out, recovery in, hostile packets.
#include "tests/ua/ua_udptl.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// What the receiver delivered, as "seq:first byte/len ".
struct heard {
    char text[512];
    struct udptl_receiver receiver;
};

static void on_ifp(void *arg, const uint8_t *ifp, size_t len, uint16_t seq)
{
    struct heard *h = arg;
    size_t at = strlen(h->text);
    snprintf(h->text + at, sizeof(h->text) - at, "%u:%c/%zu ", seq, len > 0 ? ifp[0] : '-', len);
}

static void listen_from(struct heard *h)
{
    memset(h, 0, sizeof(*h));
    udptl_receiver_init(&h->receiver, on_ifp, h);
}

struct packet {
    uint8_t bytes[UDPTL_PACKET_MAX];
    size_t len;
};

// The n-th IFP is n+1 times the n-th letter.
static struct packet next_packet(struct udptl_sender *s, unsigned n)
{
    struct packet p;
    uint8_t ifp[UDPTL_IFP_MAX];

    memset(ifp, 'a' + (int)n, sizeof(ifp));
    int len = udptl_frame(s, ifp, n + 1, p.bytes);
    ck_assert_int_gt(len, 0);
    p.len = (size_t)len;
    return p;
}

static void hear(struct heard *h, const struct packet *p)
{
    ck_assert_int_eq(udptl_receive(&h->receiver, p->bytes, p->len), 0);
}

// T.38 9.1: sequence number, primary IFP, then the repeated IFPs, newest first.
START_TEST(packet_has_the_layout_of_t38)
{
    struct udptl_sender s;
    udptl_sender_init(&s, 2);
    next_packet(&s, 0);
    next_packet(&s, 1);
    struct packet p = next_packet(&s, 2);
    static const uint8_t expected[] = {
        0, 2,                  // sequence number
        3, 'c', 'c', 'c',      // primary IFP
        0, 2,                  // redundancy, two IFPs
        2, 'b', 'b', 1,   'a', // newest first
    };

    ck_assert_uint_eq(p.len, sizeof(expected));
    ck_assert_mem_eq(p.bytes, expected, sizeof(expected));
}
END_TEST

// X.691 10.9: a length from 128 on takes two bytes, the first with its top bit set.
START_TEST(long_ifp_has_a_two_byte_length)
{
    struct udptl_sender s;
    uint8_t ifp[200] = {'x'}, out[UDPTL_PACKET_MAX];
    struct heard h;

    udptl_sender_init(&s, 3);
    listen_from(&h);
    int len = udptl_frame(&s, ifp, sizeof(ifp), out);
    ck_assert_int_eq(len, 2 + 2 + 200 + 2);
    ck_assert_uint_eq(out[2], 0x80);
    ck_assert_uint_eq(out[3], 200);
    ck_assert_int_eq(udptl_receive(&h.receiver, out, (size_t)len), 0);
    ck_assert_str_eq(h.text, "0:x/200 ");
}
END_TEST

// What cannot be framed is refused and takes no sequence number.
START_TEST(sender_refuses_what_it_cannot_frame)
{
    struct udptl_sender s;
    uint8_t ifp[UDPTL_IFP_MAX + 1] = {0}, out[UDPTL_PACKET_MAX];

    udptl_sender_init(&s, 3);
    ck_assert_int_eq(udptl_frame(&s, ifp, 0, out), -EMSGSIZE);
    ck_assert_int_eq(udptl_frame(&s, ifp, sizeof(ifp), out), -EMSGSIZE);
    ck_assert_uint_eq(s.next_seq, 0);
}
END_TEST

// The largest packet fits the buffer the header asks for.
START_TEST(largest_packet_fits)
{
    struct udptl_sender s;
    uint8_t ifp[UDPTL_IFP_MAX] = {'z'}, out[UDPTL_PACKET_MAX];
    int len = 0;

    udptl_sender_init(&s, 99); // cut at UDPTL_REDUNDANCY_MAX
    for (int i = 0; i < 10; i++)
        len = udptl_frame(&s, ifp, sizeof(ifp), out);
    ck_assert_int_eq(len, UDPTL_PACKET_MAX);
}
END_TEST

// In order, nothing lost: each IFP comes once, redundancy or not.
START_TEST(in_order_each_ifp_comes_once)
{
    struct udptl_sender s;
    struct heard h;

    udptl_sender_init(&s, 3);
    listen_from(&h);
    for (unsigned i = 0; i < 5; i++) {
        struct packet p = next_packet(&s, i);
        hear(&h, &p);
    }
    ck_assert_str_eq(h.text, "0:a/1 1:b/2 2:c/3 3:d/4 4:e/5 ");
    ck_assert_uint_eq(h.receiver.recovered + h.receiver.lost + h.receiver.repeated, 0);
}
END_TEST

// Of packets 0 to 4 only the first and the last arrive.
static void hear_first_and_last(struct heard *h, unsigned redundancy)
{
    struct udptl_sender s;

    udptl_sender_init(&s, redundancy);
    listen_from(h);
    for (unsigned i = 0; i < 5; i++) {
        struct packet p = next_packet(&s, i);
        if (i == 0 || i == 4)
            hear(h, &p);
    }
}

// A gap within the redundancy is filled, oldest first.
START_TEST(gap_is_filled_from_redundancy)
{
    struct heard h;

    hear_first_and_last(&h, 3);
    ck_assert_str_eq(h.text, "0:a/1 1:b/2 2:c/3 3:d/4 4:e/5 ");
    ck_assert_uint_eq(h.receiver.recovered, 3);
    ck_assert_uint_eq(h.receiver.lost, 0);
}
END_TEST

// A gap deeper than the redundancy: what it does not reach is counted as lost.
START_TEST(deep_gap_is_counted_as_lost)
{
    struct heard h;

    hear_first_and_last(&h, 1);
    ck_assert_str_eq(h.text, "0:a/1 3:d/4 4:e/5 ");
    ck_assert_uint_eq(h.receiver.recovered, 1);
    ck_assert_uint_eq(h.receiver.lost, 2);
}
END_TEST

// Repeated and late packets are counted and not delivered again.
START_TEST(repeated_and_late_packets_are_dropped)
{
    struct udptl_sender s;
    struct heard h;

    udptl_sender_init(&s, 3);
    listen_from(&h);
    struct packet first = next_packet(&s, 0), second = next_packet(&s, 1);
    hear(&h, &first);
    hear(&h, &first);
    hear(&h, &second);
    hear(&h, &first);
    ck_assert_str_eq(h.text, "0:a/1 1:b/2 ");
    ck_assert_uint_eq(h.receiver.repeated, 2);
}
END_TEST

// Sequence numbers go round after 65535 as if nothing were.
START_TEST(sequence_number_wraps)
{
    struct udptl_sender s;
    struct heard h;

    udptl_sender_init(&s, 2);
    listen_from(&h);
    s.next_seq = 65534;
    h.receiver.expected = 65534;
    for (unsigned i = 0; i < 4; i++) {
        struct packet p = next_packet(&s, i);
        if (i != 2) // number 0 is lost and comes back from the next
            hear(&h, &p);
    }
    ck_assert_str_eq(h.text, "65534:a/1 65535:b/2 0:c/3 1:d/4 ");
}
END_TEST

// Parity FEC instead of redundancy: the primary IFP is used, the rest is left alone.
START_TEST(parity_packet_yields_its_primary)
{
    static const uint8_t packet[] = {0, 0, 2, 'p', 'q', 0x80, 1, 3, 1, 2, 0xde, 0xad};
    struct heard h;

    listen_from(&h);
    ck_assert_int_eq(udptl_receive(&h.receiver, packet, sizeof(packet)), 0);
    ck_assert_str_eq(h.text, "0:p/2 ");
    ck_assert_uint_eq(h.receiver.parity, 1);
}
END_TEST

// Each beginning of a good packet is a malformed one: refused whole, nothing is delivered.
START_TEST(every_cut_packet_is_refused)
{
    struct udptl_sender s;
    struct heard h;

    udptl_sender_init(&s, 2);
    next_packet(&s, 0);
    next_packet(&s, 1);
    struct packet p = next_packet(&s, 2);
    listen_from(&h);
    for (size_t len = 0; len < p.len; len++) {
        // A copy of exactly that length, so that a read beyond it is seen by the sanitizer.
        uint8_t *cut = malloc(len + 1);
        ck_assert_ptr_nonnull(cut);
        memcpy(cut, p.bytes, len);
        ck_assert_int_eq(udptl_receive(&h.receiver, cut, len), -EBADMSG);
        free(cut);
    }
    ck_assert_str_eq(h.text, "");
    ck_assert_uint_eq(h.receiver.malformed, p.len);
    ck_assert_uint_eq(h.receiver.expected, 0);
}
END_TEST

// Lengths that leave the packet, an empty primary, the fragmented form: refused.
START_TEST(lying_lengths_are_refused)
{
    static const struct {
        uint8_t bytes[8];
        size_t len;
    } bad[] = {
        {{0, 0, 5, 'a', 0, 0}, 6},          // primary longer than the packet
        {{0, 0, 0, 0, 0}, 5},               // empty primary
        {{0, 0, 0xc1, 'a', 0, 0}, 6},       // fragmented form
        {{0, 0, 0xbf, 0xff, 'a', 0, 0}, 7}, // 16383 bytes in a packet of 7
        {{0, 0, 1, 'a', 0, 2, 1, 'b'}, 8},  // two repeated IFPs announced, one there
        {{0, 0, 1, 'a', 0, 255, 0, 0}, 8},  // 255 announced
    };
    struct heard h;

    listen_from(&h);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(udptl_receive(&h.receiver, bad[i].bytes, bad[i].len), -EBADMSG);
    ck_assert_str_eq(h.text, "");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        packet_has_the_layout_of_t38,
        long_ifp_has_a_two_byte_length,
        sender_refuses_what_it_cannot_frame,
        largest_packet_fits,
        in_order_each_ifp_comes_once,
        gap_is_filled_from_redundancy,
        deep_gap_is_counted_as_lost,
        repeated_and_late_packets_are_dropped,
        sequence_number_wraps,
        parity_packet_yields_its_primary,
        every_cut_packet_is_refused,
        lying_lengths_are_refused,
    };
    return SUITE_RUN("ua_udptl", tests);
}
