// SPDX-License-Identifier: GPL-3.0-or-later
// BFCP framing of the reference user agent: layout, reading back, hostile lengths.
#include "tests/ua/ua_bfcp.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <string.h>

static void expect_bytes(const struct bfcp *m, const uint8_t *expected, size_t len)
{
    uint8_t bytes[BFCP_MESSAGE_MAX];

    ck_assert_uint_eq(bfcp_write(m, bytes), len);
    ck_assert_mem_eq(bytes, expected, len);
}

// RFC 8855 5.1, 5.3.1: common header and FLOOR-ID.
START_TEST(a_floor_request_has_the_layout_of_the_standard)
{
    static const struct bfcp m = {BFCP_FLOOR_REQUEST, .conference = 0x00011203,
                                  .transaction = 0x0102, .user = 0x001f, .floor = 0x0a0b};
    static const uint8_t expected[] = {
        0x20, 0x01, 0x00, 0x01, // version 1, FloorRequest, one word
        0x00, 0x01, 0x12, 0x03, // conference
        0x01, 0x02, 0x00, 0x1f, // transaction, user
        0x05, 0x04, 0x0a, 0x0b, // FLOOR-ID, mandatory, 4 octets
    };

    expect_bytes(&m, expected, sizeof(expected));
}
END_TEST

// RFC 8855 5.2.15, 5.2.17, 5.2.18: the status of a request stands in groups inside a group.
START_TEST(a_granted_status_has_the_layout_of_the_standard)
{
    static const struct bfcp m = {BFCP_FLOOR_REQUEST_STATUS,
                                  .conference = 1,
                                  .transaction = 2,
                                  .user = 3,
                                  .floor = 4,
                                  .request = 5,
                                  .status = BFCP_GRANTED};
    static const uint8_t expected[] = {
        0x20, 0x04, 0x00, 0x04, 0,    0,    0,    1, 0,
        2,    0,    3,    0x1f, 0x10, 0x00, 0x05, // FLOOR-REQUEST-INFORMATION, 16 octets, request 5
        0x25, 0x08, 0x00, 0x05,                   // OVERALL-REQUEST-STATUS, 8 octets, request 5
        0x0b, 0x04, 0x03, 0x00,                   // REQUEST-STATUS granted, no place in a queue
        0x23, 0x04, 0x00, 0x04,                   // FLOOR-REQUEST-STATUS of floor 4
    };

    expect_bytes(&m, expected, sizeof(expected));
}
END_TEST

// Everything written is read back, and no shorter piece of it is taken for a message.
START_TEST(written_messages_read_back)
{
    static const struct bfcp messages[] = {
        {BFCP_HELLO, .conference = 70125, .transaction = 1, .user = 31},
        {BFCP_HELLO_ACK, .conference = UINT32_MAX, .transaction = UINT16_MAX, .user = UINT16_MAX},
        {BFCP_FLOOR_REQUEST, .conference = 1, .transaction = 2, .user = 3, .floor = 4},
        {BFCP_FLOOR_RELEASE, .conference = 1, .transaction = 2, .user = 3, .request = 4},
        {BFCP_FLOOR_REQUEST_STATUS, .floor = 1, .request = 9, .status = BFCP_RELEASED},
        {BFCP_ERROR, .transaction = 7, .error = BFCP_ERROR_INVALID_FLOOR},
    };

    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        const struct bfcp *m = &messages[i];
        uint8_t bytes[BFCP_MESSAGE_MAX];
        struct bfcp read;
        size_t len = bfcp_write(m, bytes);

        ck_assert_uint_eq(len % 4, 0);
        for (size_t n = 0; n < len; n++)
            ck_assert_int_eq(bfcp_read(&read, bytes, n), 0);
        ck_assert_int_eq(bfcp_read(&read, bytes, len), (int)len);
        ck_assert_uint_eq(read.primitive, m->primitive);
        ck_assert_uint_eq(read.conference, m->conference);
        ck_assert_uint_eq(read.transaction, m->transaction);
        ck_assert_uint_eq(read.user, m->user);
        ck_assert_uint_eq(read.floor, m->floor);
        ck_assert_uint_eq(read.request, m->request);
        ck_assert_int_eq(read.status, m->status);
        ck_assert_uint_eq(read.error, m->error);
    }
}
END_TEST

// Attributes that are not for us are passed over, padding included.
START_TEST(unknown_attributes_are_skipped)
{
    static const uint8_t bytes[] = {
        0x20, 0x01, 0x00, 0x03, 0,   0,   0,   1, 0, 2,
        0,    3,    0x10, 0x05, 'a', 'b', 'c', 0, 0, 0, // PARTICIPANT-PROVIDED-INFO, padded
        0x05, 0x04, 0x00, 0x07,
    };
    struct bfcp m;

    ck_assert_int_eq(bfcp_read(&m, bytes, sizeof(bytes)), (int)sizeof(bytes));
    ck_assert_uint_eq(m.floor, 7);
}
END_TEST

// Lengths that leave their message, another version, a message that is too long.
START_TEST(hostile_messages_are_refused)
{
    static const uint8_t bad[][16] = {
        {0x40, 0x01, 0x00, 0x00},                                // version 2 is for UDP
        {0x20, 0x01, 0xff, 0xff},                                // 256 KiB
        {0x20, 0x01, 0x00, 0x01, [12] = 0x05, 0x00},             // shorter than itself
        {0x20, 0x01, 0x00, 0x01, [12] = 0x05, 0x08},             // past the message
        {0x20, 0x01, 0x00, 0x01, [12] = 0x05, 0x03},             // half a FLOOR-ID
        {0x20, 0x01, 0x00, 0x01, [12] = 0x1f, 0x03},             // half a group
        {0x20, 0x0d, 0x00, 0x01, [12] = 0x0d, 0x02, 0x00, 0x00}, // ERROR-CODE without code
        {0x20, 0x04, 0x00, 0x01, [12] = 0x0b, 0x02, 0x00, 0x00}, // REQUEST-STATUS without one
    };
    struct bfcp m = {.primitive = 99};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(bfcp_read(&m, bad[i], sizeof(bad[i])) == -EPROTO, "case %zu", i);
    ck_assert_uint_eq(m.primitive, 99);
}
END_TEST

// Groups inside groups end at a depth no real message has.
START_TEST(nesting_is_bounded)
{
    uint8_t bytes[BFCP_MESSAGE_MAX] = {0x20, 0x04, 0x00, 0x08};
    struct bfcp m;

    for (size_t i = 0; i < 8; i++) {
        bytes[12 + 4 * i] = 0x1f;
        bytes[13 + 4 * i] = (uint8_t)(32 - 4 * i);
    }
    ck_assert_int_eq(bfcp_read(&m, bytes, 44), -EPROTO);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_floor_request_has_the_layout_of_the_standard,
        a_granted_status_has_the_layout_of_the_standard,
        written_messages_read_back,
        unknown_attributes_are_skipped,
        hostile_messages_are_refused,
        nesting_is_bounded,
    };
    return SUITE_RUN("ua_bfcp", tests);
}
