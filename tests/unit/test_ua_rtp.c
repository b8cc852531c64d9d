// SPDX-License-Identifier: GPL-3.0-or-later
// The counted packets of the user agent: what arrives unchanged and in order counts as that, what
// does not is seen (RFC 3550 5.1, RFC 5761 4).
#include "tests/ua/ua_rtp.h"
#include "tests/ua/ua_srtp.h"
#include "tests/unit/suite.h"

#include <string.h>

static struct rtp_line sender, receiver;

static void set_up(void)
{
    rtp_line_init(&sender);
    rtp_line_init(&receiver);
}

// A hundred packets, whose sequence numbers wrap, are all received in order.
START_TEST(what_arrives_in_order_is_counted)
{
    uint8_t packet[RTP_PACKET_LEN];

    set_up();
    for (int i = 0; i < 100; i++) {
        rtp_line_next(&sender, packet);
        ck_assert(rtp_line_receive(&receiver, packet, sizeof(packet)));
    }
    ck_assert_uint_eq(receiver.received, 100);
    ck_assert_uint_eq(receiver.different + receiver.disorder, 0);
    ck_assert_uint_lt(sender.seq, 100);
}
END_TEST

// A packet that comes twice or late is out of order; one byte changed or cut off is seen.
START_TEST(what_goes_wrong_is_seen)
{
    uint8_t packet[3][RTP_PACKET_LEN];

    set_up();
    for (int i = 0; i < 3; i++)
        rtp_line_next(&sender, packet[i]);
    rtp_line_receive(&receiver, packet[1], RTP_PACKET_LEN);
    rtp_line_receive(&receiver, packet[1], RTP_PACKET_LEN);
    rtp_line_receive(&receiver, packet[0], RTP_PACKET_LEN);
    ck_assert_uint_eq(receiver.disorder, 2);
    packet[2][100] ^= 1;
    rtp_line_receive(&receiver, packet[2], RTP_PACKET_LEN);
    ck_assert_uint_eq(receiver.different, 1);
    rtp_line_receive(&receiver, packet[2], RTP_PACKET_LEN - 1);
    ck_assert_uint_eq(receiver.different, 2);
}
END_TEST

// An echo carries the payload of what came in packets of its own; RTCP and junk are no RTP.
START_TEST(echo_and_what_is_no_rtp)
{
    uint8_t packet[RTP_PACKET_LEN], echo[RTP_PACKET_LEN], report[RTCP_PACKET_LEN];
    struct rtp_line other;

    set_up();
    rtp_line_init(&other);
    rtp_line_next(&sender, packet);
    rtp_line_echo(&other, packet, echo);
    ck_assert(memcmp(packet + 8, echo + 8, 4) != 0);
    ck_assert(rtp_line_receive(&receiver, echo, sizeof(echo)));
    ck_assert_uint_eq(receiver.different, 0);
    rtp_line_report(&sender, report);
    ck_assert(rtp_is_rtcp(report, sizeof(report)) && !rtp_is_rtcp(packet, sizeof(packet)));
    ck_assert(!rtp_line_receive(&receiver, report, sizeof(report)));
    ck_assert(!rtp_line_receive(&receiver, packet, 11));
}
END_TEST

// A direction goes on as long as its key is the same, and without a key nothing passes.
START_TEST(keys_are_kept_while_they_are_the_same)
{
    struct srtp_pair ue = {0}, far = {0};
    struct sdes_crypto a, b;
    _Alignas(uint32_t) uint8_t packet[RTP_PACKET_LEN + SRTP_ROOM];
    size_t len;

    set_up();
    sdes_generate(&a, SDES_AES_CM_128_HMAC_SHA1_80, 1);
    sdes_generate(&b, SDES_AEAD_AES_128_GCM, 1);
    rtp_line_next(&sender, packet);
    len = RTP_PACKET_LEN;
    ck_assert(!srtp_pair_protect(&ue, false, packet, &len));
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(srtp_pair_set(&ue, &a, &b), 0);
        ck_assert_int_eq(srtp_pair_set(&far, &b, &a), 0);
        rtp_line_next(&sender, packet);
        len = RTP_PACKET_LEN;
        ck_assert(srtp_pair_protect(&ue, false, packet, &len));
        ck_assert(srtp_pair_open(&far, false, packet, &len));
        ck_assert(rtp_line_receive(&receiver, packet, len));
    }
    ck_assert_uint_eq(receiver.received, 100);
    ck_assert_uint_eq(receiver.different, 0);
    srtp_pair_clear(&ue);
    srtp_pair_clear(&far);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_arrives_in_order_is_counted,
        what_goes_wrong_is_seen,
        echo_and_what_is_no_rtp,
        keys_are_kept_while_they_are_the_same,
    };

    return SUITE_RUN("ua_rtp", tests);
}
