// SPDX-License-Identifier: GPL-3.0-or-later
// Where BFCP messages begin and end on TCP (RFC 8855 5.1).
#include "agw/bfcp_frame.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <string.h>

// --- samples ------------------------------------------------------------------------------------

// A floor participant asks for a floor, the server answers, and says so again on its own
// initiative.
static const uint8_t conversation[] = {
    // Hello: version 1, no payload
    0x20, 11, 0x00, 0x00,   // Ver R F Res, Primitive, Length
    0x00, 0x00, 0x10, 0xe1, // Conference ID 4321
    0x00, 0x01, 0x00, 0xea, // Transaction ID 1, User ID 234
    // FloorRequest with FLOOR-ID 543: one word
    0x20, 1, 0x00, 0x01,    //
    0x00, 0x00, 0x10, 0xe1, //
    0x00, 0x7b, 0x00, 0xea, // Transaction ID 123
    0x05, 0x04, 0x02, 0x1f, // FLOOR-ID, mandatory, 4 bytes, 543
    // FloorRequestStatus, from the server on its own: two words that look like a header; R, F and
    // reserved bits set, which TCP ignores
    0x3f, 4, 0x00, 0x03,    //
    0xff, 0xff, 0xff, 0xff, // Conference ID 4294967295
    0x00, 0x00, 0xff, 0xff, // Transaction ID 0, User ID 65535
    0x40, 99, 0xff, 0xff,   //
    0x00, 0x00, 0x00, 0x00, //
    0x00, 0x00, 0x00, 0x00, //
    // a primitive that does not exist yet
    0x20, 200, 0x00, 0x00,  //
    0x00, 0x00, 0x00, 0x00, //
    0x00, 0x00, 0x00, 0x00, //
};

static const struct {
    struct bfcp_message message;
    const char *name;
} expected[] = {
    {{.primitive = 11, .transaction = 1, .user = 234, .conference = 4321, .size = 12}, "Hello"},
    {{.primitive = 1, .transaction = 123, .user = 234, .conference = 4321, .size = 16},
     "FloorRequest"},
    {{.primitive = 4, .transaction = 0, .user = 65535, .conference = UINT32_MAX, .size = 24},
     "FloorRequestStatus"},
    {{.primitive = 200, .size = 12}, "unknown primitive"},
};

#define MESSAGES (sizeof(expected) / sizeof(expected[0]))

// --- helpers ------------------------------------------------------------------------------------

// Follows bytes and compares each message with the next one expected, from *count on. Returns the
// last answer.
static int follow(struct bfcp_frame *f, const uint8_t *bytes, size_t len, size_t *count)
{
    int rc;

    do {
        struct bfcp_message got = {0};
        size_t consumed;
        rc = bfcp_frame_next(f, bytes, len, &consumed, &got);
        ck_assert_uint_le(consumed, len);
        ck_assert(rc != 0 || consumed == len);
        bytes += consumed;
        len -= consumed;
        if (rc <= 0)
            break;
        ck_assert_uint_lt(*count, MESSAGES);
        const struct bfcp_message *want = &expected[*count].message;
        ck_assert_uint_eq(got.primitive, want->primitive);
        ck_assert_uint_eq(got.transaction, want->transaction);
        ck_assert_uint_eq(got.user, want->user);
        ck_assert_uint_eq(got.conference, want->conference);
        ck_assert_uint_eq(got.size, want->size);
        ck_assert_str_eq(bfcp_primitive_name(got.primitive), expected[*count].name);
        ++*count;
    } while (len > 0);
    return rc;
}

// --- cases --------------------------------------------------------------------------------------

START_TEST(messages_in_one_piece)
{
    // 12 bytes and 4 times the payload length, whatever R, F and reserved bits say (RFC 8855 5.1).
    struct bfcp_frame f = {.seen = 0};
    size_t count = 0;

    ck_assert_int_eq(follow(&f, conversation, sizeof(conversation), &count), 1);
    ck_assert_uint_eq(count, MESSAGES);
}
END_TEST

START_TEST(messages_in_pieces)
{
    // TCP may divide them anywhere: in two at every place, and byte by byte.
    for (size_t at = 0; at <= sizeof(conversation); at++) {
        struct bfcp_frame f = {.seen = 0};
        size_t count = 0;
        follow(&f, conversation, at, &count);
        follow(&f, conversation + at, sizeof(conversation) - at, &count);
        ck_assert_uint_eq(count, MESSAGES);
    }
    struct bfcp_frame f = {.seen = 0};
    size_t count = 0;
    for (size_t i = 0; i < sizeof(conversation); i++)
        ck_assert_int_ge(follow(&f, conversation + i, 1, &count), 0);
    ck_assert_uint_eq(count, MESSAGES);
}
END_TEST

START_TEST(the_largest_message)
{
    // 65535 words of payload are counted past, none of them is held.
    static const uint8_t header[BFCP_HEADER] = {0x20, 8, 0xff, 0xff};
    static const uint8_t payload[65535 * 4];
    struct bfcp_frame f = {.seen = 0};
    struct bfcp_message message = {0};
    size_t consumed;

    ck_assert_int_eq(bfcp_frame_next(&f, header, sizeof(header), &consumed, &message), 0);
    ck_assert_uint_eq(consumed, sizeof(header));
    ck_assert_int_eq(bfcp_frame_next(&f, payload, sizeof(payload) - 1, &consumed, &message), 0);
    ck_assert_uint_eq(message.size, 0);
    ck_assert_int_eq(bfcp_frame_next(&f, payload, 2, &consumed, &message), 1);
    ck_assert_uint_eq(consumed, 1);
    ck_assert_uint_eq(message.size, 262152);
}
END_TEST

START_TEST(other_versions_are_refused)
{
    // Version 1 is that of reliable transports (RFC 8855 5.1); 0 is what TLS and text look like, 2
    // is that of UDP. Refused at the first byte, and from then on.
    for (unsigned first = 0; first < 256; first++) {
        const uint8_t bytes[BFCP_HEADER] = {(uint8_t)first};
        struct bfcp_message message = {.size = 77};
        struct bfcp_frame f = {.seen = 0};
        size_t consumed;
        int want = first >> 5 == 1 ? 0 : -EPROTO;
        ck_assert_int_eq(bfcp_frame_next(&f, bytes, 1, &consumed, &message), want);
        if (want == 0)
            continue;
        ck_assert_uint_eq(consumed, 0);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(
                bfcp_frame_next(&f, conversation, sizeof(conversation), &consumed, &message), want);
        ck_assert_uint_eq(consumed, 0);
        ck_assert_uint_eq(message.size, 77);
    }
}
END_TEST

START_TEST(a_later_message_of_another_version_is_refused)
{
    // What came before it is told.
    uint8_t bytes[sizeof(conversation)];
    struct bfcp_frame f = {.seen = 0};
    size_t count = 0;

    memcpy(bytes, conversation, sizeof(bytes));
    bytes[12 + 16] = 0x40;
    ck_assert_int_eq(follow(&f, bytes, sizeof(bytes), &count), -EPROTO);
    ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(no_bytes_are_no_news)
{
    // Neither at the beginning nor within a message.
    struct bfcp_frame f = {.seen = 0};
    struct bfcp_message message;
    size_t consumed = 1, count = 0;

    ck_assert_int_eq(bfcp_frame_next(&f, NULL, 0, &consumed, &message), 0);
    ck_assert_uint_eq(consumed, 0);
    ck_assert_int_eq(follow(&f, conversation, 14, &count), 0);
    ck_assert_int_eq(bfcp_frame_next(&f, NULL, 0, &consumed, &message), 0);
    follow(&f, conversation + 14, sizeof(conversation) - 14, &count);
    ck_assert_uint_eq(count, MESSAGES);
}
END_TEST

START_TEST(every_primitive_has_its_name)
{
    // The seventeen of RFC 8855 5.1, table 1.
    static const char *const names[] = {
        "unknown primitive",
        "FloorRequest",
        "FloorRelease",
        "FloorRequestQuery",
        "FloorRequestStatus",
        "UserQuery",
        "UserStatus",
        "FloorQuery",
        "FloorStatus",
        "ChairAction",
        "ChairActionAck",
        "Hello",
        "HelloAck",
        "Error",
        "FloorRequestStatusAck",
        "FloorStatusAck",
        "Goodbye",
        "GoodbyeAck",
        "unknown primitive",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ck_assert_str_eq(bfcp_primitive_name((uint8_t)i), names[i]);
    ck_assert_str_eq(bfcp_primitive_name(255), "unknown primitive");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        messages_in_one_piece,
        messages_in_pieces,
        the_largest_message,
        other_versions_are_refused,
        a_later_message_of_another_version_is_refused,
        no_bytes_are_no_news,
        every_primitive_has_its_name,
    };
    return SUITE_RUN("bfcp_frame", tests);
}
