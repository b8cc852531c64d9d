// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UNIT_SDP_BODY_H
#define TESTS_UNIT_SDP_BODY_H
// Bodies as tests write them, and what they become.

#include "sdp/sdp.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

// What every body needs before the lines a test is about.
#define HEAD "v=0\r\no=- 1 2 IN IP4 192.0.2.10\r\ns=-\r\nt=0 0\r\n"
#define FAX "m=image 5004 UDP/TLS/UDPTL t38\r\n"

static inline struct sdp *sdp_of(const char *body)
{
    struct sdp_error error;
    struct sdp *sdp = NULL;

    ck_assert_msg(sdp_parse(&sdp, body, strlen(body), &error) == 0, "%s", error.text);
    return sdp;
}

static inline void expect_body(const struct sdp *sdp, const char *want)
{
    size_t len;
    char *got = sdp_print(sdp, &len);

    ck_assert_str_eq(got, want);
    ck_assert_uint_eq(len, strlen(want));
    free(got);
}

#define expect_text(text, want) ck_assert_str_eq(strndupa((text).at, (text).len), (want))

#endif
