// SPDX-License-Identifier: GPL-3.0-or-later
// When a worker pauses before it looks again, and when it must not.
#include "agw/gather.h"
#include "tests/unit/suite.h"

#define PAUSE_US 500
#define SOCKETS_MAX 2000

static struct gather gather;

// A second of traffic: each socket gets rate datagrams per second, evenly spread over time and
// sockets. Returns how many of the last hundred turns wanted a pause.
static unsigned traffic(unsigned sockets, unsigned rate)
{
    static uint32_t seen[SOCKETS_MAX];
    uint64_t total = (uint64_t)sockets * rate, sent = 0, start = gather.since_us;
    unsigned pauses = 0;
    for (unsigned turn = 0; turn < 1000; turn++) {
        uint64_t now = start + turn * 1000ull;
        for (; sent < total * (turn + 1) / 1000; sent++)
            gather_count(&gather, &seen[sent % sockets]);
        unsigned us = gather_pause(&gather, now);
        ck_assert(us == 0 || us == gather.pause_us);
        pauses += us > 0 && turn >= 900;
    }
    return pauses;
}

static void set_up(unsigned pause_us)
{
    gather_init(&gather, pause_us, 1000000);
}

START_TEST(many_paced_streams_are_gathered)
{
    // 200 streams of 50 datagrams a second and more: one wake-up serves several.
    set_up(PAUSE_US);
    ck_assert_uint_eq(traffic(200, 50), 100);
    ck_assert_uint_eq(traffic(1000, 50), 100);
    ck_assert_uint_eq(traffic(100, 100), 100);
}
END_TEST

START_TEST(a_lone_stream_is_never_slowed_down)
{
    // One socket, however fast: its next datagram may be the answer to our last.
    set_up(PAUSE_US);
    ck_assert_uint_eq(traffic(1, 50), 0);
    ck_assert_uint_eq(traffic(1, 20000), 0);
    ck_assert_uint_eq(traffic(2, 20000), 0);
}
END_TEST

START_TEST(streams_in_a_hurry_are_not_slowed_down)
{
    // Several streams that answer as fast as they can: many datagrams per socket and window.
    set_up(PAUSE_US);
    ck_assert_uint_eq(traffic(20, 5000), 0);
    ck_assert_uint_eq(traffic(100, 1000), 0);
}
END_TEST

START_TEST(little_traffic_is_not_gathered)
{
    // A pause that serves one datagram only delays it.
    set_up(PAUSE_US);
    ck_assert_uint_eq(traffic(20, 50), 0);
    ck_assert_uint_eq(traffic(1000, 1), 0);
}
END_TEST

START_TEST(it_ends_with_the_traffic)
{
    // One window later the worker blocks again.
    set_up(PAUSE_US);
    ck_assert_uint_eq(traffic(200, 50), 100);
    ck_assert_uint_eq(traffic(1, 50), 0);
}
END_TEST

START_TEST(a_pause_of_zero_is_off)
{
    // gather_us 0 in the configuration.
    set_up(0);
    ck_assert_uint_eq(traffic(1000, 50), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        many_paced_streams_are_gathered,
        a_lone_stream_is_never_slowed_down,
        streams_in_a_hurry_are_not_slowed_down,
        little_traffic_is_not_gathered,
        it_ends_with_the_traffic,
        a_pause_of_zero_is_off,
    };
    return SUITE_RUN("gather", tests);
}
