// SPDX-License-Identifier: GPL-3.0-or-later
// What the views say about media lines of RTP: keys, RTCP, packet times.
#include "tests/unit/sdp_body.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>

#define KEY30 "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define AUDIO "c=IN IP4 192.0.2.10\r\nm=audio 5004 RTP/SAVP 0\r\n"

// Attributes come one by one, media level only; a refusal names the line and why, never the key
// (RFC 4568 5, REQ-112).
START_TEST(keys)
{
    struct sdp *sdp = sdp_of(HEAD "a=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "\r\n" AUDIO
                                  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "\r\n"
                                  "a=crypto:2 F8_128_HMAC_SHA1_80 inline:" KEY30 "\r\n"
                                  "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "x\r\n");
    struct sdes_crypto c;
    struct sdp_error error;

    ck_assert_int_eq(sdp_crypto(sdp, 0, 0, &c, &error), 0);
    ck_assert_uint_eq(c.tag, 1);
    ck_assert_int_eq(sdp_crypto(sdp, 0, 1, &c, &error), -ENOTSUP);
    ck_assert_str_eq(error.text, "line 9: a=crypto: the crypto suite is not served");
    ck_assert_int_eq(sdp_crypto(sdp, 0, 2, &c, &error), -EINVAL);
    ck_assert_str_eq(error.text,
                     "line 10: a=crypto: the key is not base64 of the length its suite needs");
    ck_assert_uint_eq(error.line, 10);
    ck_assert_uint_eq(c.tag, 1);
    ck_assert_int_eq(sdp_crypto(sdp, 0, 3, &c, &error), -ENOENT);
    sdp_free(sdp);
}
END_TEST

// RTCP is received at the port above, or where a=rtcp says (RFC 3550 11, RFC 3605 2.1).
START_TEST(rtcp)
{
    static const struct {
        const char *body;
        int rc;
        const char *where;
    } rows[] = {
        {AUDIO, 0, "192.0.2.10:5005"},
        {AUDIO "a=rtcp:53020\r\n", 0, "192.0.2.10:53020"},
        {AUDIO "a=rtcp:53020 IN IP4 192.0.2.11\r\n", 0, "192.0.2.11:53020"},
        {AUDIO "a=rtcp: 53020  IN IP6 2001:db8::1 \r\n", 0, "[2001:db8::1]:53020"},
        {AUDIO "a=rtcp:0\r\n", -EINVAL, ""},
        {AUDIO "a=rtcp:65536\r\n", -EINVAL, ""},
        {AUDIO "a=rtcp:\r\n", -EINVAL, ""},
        {AUDIO "a=rtcp:9 IN IP4 host.example.com\r\n", -EINVAL, ""},
        {"m=audio 5004 RTP/AVP 0\r\n", -ENOENT, ""},
        {"c=IN IP4 192.0.2.10\r\nm=audio 65535 RTP/AVP 0\r\n", -EINVAL, ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[512], text[ADDR_STRLEN];
        struct addr where;
        snprintf(body, sizeof(body), HEAD "%s", rows[i].body);
        struct sdp *sdp = sdp_of(body);
        ck_assert_msg(sdp_rtcp(sdp, 0, &where) == rows[i].rc, "row %zu", i);
        if (rows[i].rc == 0)
            ck_assert_str_eq(addr_format(&where, text), rows[i].where);
        ck_assert(!sdp_rtcp_mux(sdp, 0));
        sdp_free(sdp);
    }
    struct sdp *sdp = sdp_of(HEAD AUDIO "a=rtcp-mux\r\n");
    ck_assert(sdp_rtcp_mux(sdp, 0));
    sdp_free(sdp);
}
END_TEST

// a=ptime is a number of milliseconds (RFC 8866 6.4).
START_TEST(ptime)
{
    static const struct {
        const char *line;
        unsigned ms; // 0: none
    } rows[] = {
        {"a=ptime:20\r\n", 20},  {"a=ptime: 30 \r\n", 30}, {"a=ptime:0\r\n", 0},
        {"a=ptime:1001\r\n", 0}, {"a=ptime\r\n", 0},       {"a=maxptime:20\r\n", 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[512];
        unsigned ms = 0;
        snprintf(body, sizeof(body), HEAD AUDIO "%s", rows[i].line);
        struct sdp *sdp = sdp_of(body);
        ck_assert_int_eq(sdp_ptime(sdp, 0, &ms), rows[i].ms != 0);
        ck_assert_uint_eq(ms, rows[i].ms);
        sdp_free(sdp);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {keys, rtcp, ptime};

    return SUITE_RUN("sdp rtp", tests);
}
