// SPDX-License-Identifier: GPL-3.0-or-later
// What a datagram is before anything is known of its sender, and the cookie that makes it known;
// and how a flight is put together.
#include "agw/dtls_cookie.h"
#include "agw/dtls_flight.h"
#include "tests/unit/dtls_rig.h"
#include "tests/unit/suite.h"

// --- classification ------------------------------------------------------------------------------

static enum dtls_class classify(const uint8_t *bytes, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1); // a sanitizer sees who reads past it
    memcpy(exact, bytes, len);
    enum dtls_class class = dtls_classify(exact, len);
    free(exact);
    return class;
}

// type(1) version(2) epoch(2) sequence(6) length(2) | type(1) length(3) seq(2) offset(3) length(3)
static const uint8_t client_hello[25] = {22, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12,
                                         1,  0,   0,   0, 0, 0, 0, 0, 0, 0, 0, 0};

static enum dtls_class classify_changed(size_t at, uint8_t value)
{
    uint8_t bytes[sizeof(client_hello)];
    memcpy(bytes, client_hello, sizeof(bytes));
    bytes[at] = value;
    return classify(bytes, sizeof(bytes));
}

// REQ-128: 20..63 with a DTLS version is a record; of these a ClientHello in clear that begins at
// its beginning is told apart.
START_TEST(records_and_client_hellos_are_told_apart)
{
    ck_assert_int_eq(classify(client_hello, sizeof(client_hello)), DTLS_CLASS_CLIENT_HELLO);
    ck_assert_int_eq(classify_changed(2, 253), DTLS_CLASS_CLIENT_HELLO);
    ck_assert_int_eq(classify_changed(2, 254), DTLS_CLASS_OTHER); // no such version
    ck_assert_int_eq(classify_changed(1, 3), DTLS_CLASS_OTHER);   // TLS
    ck_assert_int_eq(classify_changed(4, 1), DTLS_CLASS_RECORD);  // protected
    ck_assert_int_eq(classify_changed(13, 2), DTLS_CLASS_RECORD); // ServerHello
    ck_assert_int_eq(classify_changed(21, 1), DTLS_CLASS_RECORD); // a later fragment
    ck_assert_int_eq(classify_changed(0, 19), DTLS_CLASS_OTHER);
    ck_assert_int_eq(classify_changed(0, 20), DTLS_CLASS_RECORD);
    ck_assert_int_eq(classify_changed(0, 63), DTLS_CLASS_RECORD);
    ck_assert_int_eq(classify_changed(0, 64), DTLS_CLASS_OTHER);
    for (size_t len = 0; len < sizeof(client_hello); len++)
        ck_assert_int_eq(classify(client_hello, len),
                         len < 13 ? DTLS_CLASS_OTHER : DTLS_CLASS_RECORD);
}
END_TEST

// REQ-128, RFC 8489 5: 0..3 is STUN only with the magic cookie.
START_TEST(stun_has_its_magic_cookie)
{
    uint8_t binding[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 9, 9, 9};

    ck_assert_int_eq(classify(binding, sizeof(binding)), DTLS_CLASS_STUN);
    ck_assert_int_eq(classify(binding, sizeof(binding) - 1), DTLS_CLASS_OTHER);
    binding[0] = 3;
    ck_assert_int_eq(classify(binding, sizeof(binding)), DTLS_CLASS_STUN);
    binding[0] = 4;
    ck_assert_int_eq(classify(binding, sizeof(binding)), DTLS_CLASS_OTHER);
    binding[0] = 0;
    binding[7] ^= 1;
    ck_assert_int_eq(classify(binding, sizeof(binding)), DTLS_CLASS_OTHER);
}
END_TEST

// REQ-071: clear UDPTL is neither STUN nor DTLS, whatever its sequence number makes of the first
// byte; nor are RTP, ZRTP and TURN channels.
START_TEST(clear_udptl_is_never_taken_for_something_else)
{
    // sequence number, primary IFP of 2 bytes, redundancy: none
    uint8_t udptl[30] = {0, 0, 2, 0xc0, 0x01, 0, 0};

    for (unsigned sequence = 0; sequence <= 0xffff; sequence++) {
        udptl[0] = (uint8_t)(sequence >> 8);
        udptl[1] = (uint8_t)sequence;
        ck_assert_int_eq(classify(udptl, sizeof(udptl)), DTLS_CLASS_OTHER);
    }
}
END_TEST

// --- cookies -------------------------------------------------------------------------------------

struct hello {
    struct rig rig;
    uint8_t bytes[512];
    size_t len;
    uint8_t reply[DTLS_COOKIE_REPLY_MAX];
    size_t reply_len;
    struct dtls_hello proof;
    uint64_t now;
};

// The n-th ClientHello of a fresh GnuTLS client.
static void take_hello(struct hello *h)
{
    struct packet *p = wire_take(&h->rig.to_agw);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_le(p->len, sizeof(h->bytes));
    memcpy(h->bytes, p->bytes, p->len);
    h->len = p->len;
    free(p);
}

static bool check(struct hello *h, const char *peer)
{
    return dtls_cookie_check_at(h->rig.profile, h->now, peer, strlen(peer), h->bytes, h->len,
                                &h->proof, h->reply, &h->reply_len);
}

static void open_hello(struct hello *h)
{
    *h = (struct hello){.now = 1000 * COOKIE_PERIOD_US};
    rig_open(&h->rig, true);
    rig_start_raw(&h->rig, RAW_PRIORITY, h->rig.ue_certificate);
    take_hello(h);
}

// Sends the HelloVerifyRequest to the client and takes its answer.
static void answer_with_cookie(struct hello *h)
{
    struct packet *p = malloc(sizeof(*p) + h->reply_len);
    *p = (struct packet){.len = h->reply_len};
    memcpy(p->bytes, h->reply, h->reply_len);
    raw_receive(&h->rig.raw, p);
    free(p);
    take_hello(h);
}

// REQ-077, RFC 6347 4.2.1: a ClientHello without a cookie gets a HelloVerifyRequest with version
// {254,255} and the record sequence number of the ClientHello, shorter than the ClientHello; with
// the cookie it proves its address.
START_TEST(a_cookie_proves_the_address)
{
    struct hello h;

    open_hello(&h);
    h.bytes[10] = 5; // record sequence number
    ck_assert(!check(&h, "10.0.0.1:1000"));
    ck_assert_uint_gt(h.reply_len, 25);
    ck_assert_uint_lt(h.reply_len, h.len);
    ck_assert_int_eq(h.reply[0], 22);
    ck_assert_int_eq(h.reply[10], 5);
    ck_assert_int_eq(h.reply[13], 3);
    ck_assert_int_eq(h.reply[25], 254);
    ck_assert_int_eq(h.reply[26], 255);
    ck_assert_uint_eq(h.reply[27], h.reply_len - 28);

    answer_with_cookie(&h);
    ck_assert(check(&h, "10.0.0.1:1000"));
    ck_assert_uint_eq(h.reply_len, 0);
    rig_close(&h.rig);
}
END_TEST

// REQ-077: a cookie of somebody else, for another ClientHello, or with a bit wrong counts as none:
// there is a new HelloVerifyRequest, and nothing else.
START_TEST(a_bad_cookie_counts_as_none)
{
    struct hello h;

    open_hello(&h);
    ck_assert(!check(&h, "10.0.0.1:1000"));
    answer_with_cookie(&h);
    ck_assert(!check(&h, "10.0.0.1:1001"));
    ck_assert_uint_gt(h.reply_len, 0);
    ck_assert(!check(&h, "10.0.0.2:1000"));
    h.bytes[27] ^= 1; // the random
    ck_assert(!check(&h, "10.0.0.1:1000"));
    ck_assert_uint_gt(h.reply_len, 0);
    h.bytes[27] ^= 1;
    size_t cookie_at = 25 + 2 + 32 + 1 + h.bytes[59] + 1;
    ck_assert_uint_eq(h.bytes[cookie_at - 1], 16);
    for (size_t i = 0; i < 16; i++) {
        h.bytes[cookie_at + i] ^= 0x10;
        ck_assert(!check(&h, "10.0.0.1:1000"));
        ck_assert_uint_gt(h.reply_len, 0);
        h.bytes[cookie_at + i] ^= 0x10;
    }
    ck_assert(check(&h, "10.0.0.1:1000"));

    struct dtls_profile *other;
    ck_assert_int_eq(dtls_profile_open(&other, &h.rig.cfg), 0);
    ck_assert(!dtls_cookie_check_at(other, h.now, "10.0.0.1:1000", 13, h.bytes, h.len, &h.proof,
                                    h.reply, &h.reply_len));
    dtls_profile_close(other);
    rig_close(&h.rig);
}
END_TEST

// REQ-077: the secret changes with time, and the one before is accepted for a while.
START_TEST(the_secret_changes_and_the_previous_is_accepted)
{
    struct hello h;

    open_hello(&h);
    uint64_t start = h.now;
    ck_assert(!check(&h, "10.0.0.1:1000"));
    answer_with_cookie(&h);
    h.now = start + COOKIE_PERIOD_US - 1;
    ck_assert(check(&h, "10.0.0.1:1000"));
    h.now = start + COOKIE_PERIOD_US;
    ck_assert(check(&h, "10.0.0.1:1000"));
    h.now = start + 2 * COOKIE_PERIOD_US - 1;
    ck_assert(check(&h, "10.0.0.1:1000"));
    h.now = start + 2 * COOKIE_PERIOD_US;
    ck_assert(!check(&h, "10.0.0.1:1000"));
    ck_assert_uint_gt(h.reply_len, 0);
    h.now = start - 1; // from the future: not ours
    ck_assert(!check(&h, "10.0.0.1:1000"));
    rig_close(&h.rig);
}
END_TEST

// What is too short to hold a cookie is not answered at all.
START_TEST(a_cut_off_client_hello_is_not_answered)
{
    struct hello h;
    static const char longest[129] = {'x'};

    open_hello(&h);
    size_t len = h.len;
    for (h.len = 0; h.len < 61; h.len++) {
        ck_assert(!check(&h, "10.0.0.1:1000"));
        ck_assert_uint_eq(h.reply_len, 0);
    }
    h.len = len;
    h.bytes[59] = 33; // longer than a session id can be
    ck_assert(!check(&h, "10.0.0.1:1000"));
    ck_assert_uint_eq(h.reply_len, 0);
    h.bytes[59] = 0;
    ck_assert(!dtls_cookie_check_at(h.rig.profile, h.now, longest, sizeof(longest), h.bytes, h.len,
                                    &h.proof, h.reply, &h.reply_len));
    ck_assert_uint_eq(h.reply_len, 0);
    rig_close(&h.rig);
}
END_TEST

// In the first minute of the clock there is no period before.
START_TEST(cookies_work_at_the_beginning_of_time)
{
    struct hello h;

    open_hello(&h);
    h.now = 0;
    ck_assert(!check(&h, "10.0.0.1:1000"));
    answer_with_cookie(&h);
    ck_assert(check(&h, "10.0.0.1:1000"));
    rig_close(&h.rig);
}
END_TEST

// --- flights -------------------------------------------------------------------------------------

static void add_record(struct dtls_flight *flight, unsigned name, uint8_t message, size_t len)
{
    static uint8_t record[4096];
    static uint8_t sequence;

    memset(record, message, sizeof(record));
    record[0] = 22;
    record[10] = sequence++;
    dtls_flight_add(flight, name, record, len);
}

static struct dtls_flight open_flight(struct wire *wire)
{
    wire_open(wire);
    struct dtls_flight flight = {.transmit = wire_transmit, .arg = wire, .mtu = 1000};
    dtls_flight_open(&flight);
    return flight;
}

static void check_sizes(struct wire *wire, const size_t *sizes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct packet *p = wire_take(wire);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq(p->len, sizes[i]);
        free(p);
    }
    ck_assert_ptr_null(wire->first);
}

// RFC 6347 4.2.3: records share a datagram up to the MTU and keep their order; one that is larger
// leaves by itself.
START_TEST(a_flight_fills_datagrams)
{
    struct wire wire;
    struct dtls_flight flight = open_flight(&wire);

    add_record(&flight, 1, 1, 400);
    add_record(&flight, 1, 2, 600);
    add_record(&flight, 1, 3, 1);
    add_record(&flight, 1, 4, 1200);
    add_record(&flight, 1, 5, 20);
    ck_assert(dtls_flight_close(&flight));
    check_sizes(&wire, (const size_t[]){1000, 1, 1200, 20}, 4);

    flight = open_flight(&wire);
    ck_assert(!dtls_flight_close(&flight));
    check_sizes(&wire, NULL, 0);
}
END_TEST

// A flight that begins a second time in the same call leaves once; the next flight is another.
START_TEST(a_flight_leaves_once)
{
    struct wire wire;
    struct dtls_flight flight = open_flight(&wire);

    for (int times = 0; times < 3; times++) {
        add_record(&flight, 1, 1, 100);
        add_record(&flight, 1, 2, 100);
    }
    add_record(&flight, 2, 1, 50);
    ck_assert(dtls_flight_close(&flight));
    ck_assert_uint_eq(flight.name, 2);
    check_sizes(&wire, (const size_t[]){250}, 1);
}
END_TEST

// A flight that is unwanted is swallowed, another one is not; one that is to be kept apart has a
// datagram for each message.
START_TEST(a_flight_can_be_unwanted_or_apart)
{
    struct wire wire;
    struct dtls_flight flight = open_flight(&wire);

    flight.unwanted = 1;
    add_record(&flight, 1, 1, 100);
    add_record(&flight, 1, 2, 100);
    ck_assert(!dtls_flight_close(&flight));
    check_sizes(&wire, NULL, 0);
    add_record(&flight, 2, 3, 70);
    ck_assert(dtls_flight_close(&flight));
    check_sizes(&wire, (const size_t[]){70}, 1);

    flight = open_flight(&wire);
    flight.apart = 1;
    add_record(&flight, 1, 1, 100);
    add_record(&flight, 1, 2, 101);
    add_record(&flight, 1, 3, 102);
    ck_assert(dtls_flight_close(&flight));
    check_sizes(&wire, (const size_t[]){100, 101, 102}, 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        records_and_client_hellos_are_told_apart,
        stun_has_its_magic_cookie,
        clear_udptl_is_never_taken_for_something_else,
        a_cookie_proves_the_address,
        a_bad_cookie_counts_as_none,
        the_secret_changes_and_the_previous_is_accepted,
        a_cut_off_client_hello_is_not_answered,
        cookies_work_at_the_beginning_of_time,
        a_flight_fills_datagrams,
        a_flight_leaves_once,
        a_flight_can_be_unwanted_or_apart,
    };

    return SUITE_RUN("dtls cookie", tests);
}
