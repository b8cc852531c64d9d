// SPDX-License-Identifier: GPL-3.0-or-later
// The overhead of e2ae security in bandwidth modifiers; whole bodies are in test_negotiation.c.
#include "alg/bandwidth.h"
#include "tests/unit/suite.h"

#include <string.h>

static struct sdp *body(const char *lines)
{
    char text[512];
    struct sdp *sdp = NULL;
    struct sdp_error error;
    snprintf(text, sizeof(text),
             "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
             "m=image 5004 udptl t38\r\n%s",
             lines);
    ck_assert_int_eq(sdp_parse(&sdp, text, strlen(text), &error), 0);
    return sdp;
}

// The table of media-plane 10.3: overhead by record size and packet interval, rounded up.
START_TEST(overhead_follows_the_table)
{
    static const struct {
        unsigned bytes, interval_ms, kbps;
    } rows[] = {{29, 20, 12}, {29, 30, 8},  {29, 40, 6},  {37, 20, 15}, {37, 30, 10},
                {37, 40, 8},  {65, 30, 18}, {65, 40, 13}, {77, 30, 21}, {77, 40, 16}};
    struct sdp *sdp = body("");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_uint_eq(bandwidth_overhead(sdp, 0, rows[i].bytes, rows[i].interval_ms).kbps,
                          rows[i].kbps);
    sdp_free(sdp);
}
END_TEST

// REQ-096: a=maxprate, with a decimal fraction, takes the place of the interval.
START_TEST(maxprate_gives_the_rate)
{
    struct sdp *sdp = body("a=maxprate:12.5\r\n");
    struct bandwidth_overhead oh = bandwidth_overhead(sdp, 0, 37, 30);
    ck_assert_double_eq(oh.pps, 12.5);
    ck_assert_uint_eq(oh.kbps, 4);
    sdp_free(sdp);
}
END_TEST

// REQ-092: never negative, zero only where zero was.
START_TEST(never_zero_unless_it_was)
{
    ck_assert_uint_eq(bandwidth_adjust(0, 10, SIDE_ACCESS), 0);
    ck_assert_uint_eq(bandwidth_adjust(0, 10, SIDE_CORE), 0);
    ck_assert_uint_eq(bandwidth_adjust(10, 10, SIDE_ACCESS), 1);
    ck_assert_uint_eq(bandwidth_adjust(3, 10, SIDE_ACCESS), 1);
    ck_assert_uint_eq(bandwidth_adjust(11, 10, SIDE_ACCESS), 1);
    ck_assert_uint_eq(bandwidth_adjust(12, 10, SIDE_ACCESS), 2);
}
END_TEST

// media-plane 10.3: what is added on the way to the UE comes off on the way back.
START_TEST(adding_then_subtracting_returns_the_value)
{
    for (uint64_t value = 1; value < 2000; value++)
        ck_assert_uint_eq(bandwidth_adjust(bandwidth_adjust(value, 10, SIDE_CORE), 10, SIDE_ACCESS),
                          value);
}
END_TEST

// REQ-095: RS, RR, TIAS and unknown modifiers are not touched, and nothing is journalled for them.
START_TEST(other_modifiers_stay)
{
    struct sdp *sdp = body("b=RS:800\r\nb=RR:800\r\nb=TIAS:9000\r\nb=X-A:7\r\n");
    struct bandwidth_overhead oh = bandwidth_overhead(sdp, 0, 37, 30);
    ck_assert_int_eq(bandwidth_edit_media(sdp, 0, &oh, SIDE_CORE, false), 0);
    ck_assert_int_eq(bandwidth_edit_session(sdp, 10, SIDE_CORE), 0);
    ck_assert_uint_eq(sdp_edit_count(sdp), 0);
    sdp_free(sdp);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        overhead_follows_the_table, maxprate_gives_the_rate,
        never_zero_unless_it_was,   adding_then_subtracting_returns_the_value,
        other_modifiers_stay,
    };

    return SUITE_RUN("bandwidth", tests);
}
