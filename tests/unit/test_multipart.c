// SPDX-License-Identifier: GPL-3.0-or-later
// The SDP in a multipart body (RFC 2046 5.1, RFC 5621, PCSCF-075).
#include "alg/multipart.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define SDP "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n"

static const char *content_of(const char *boundary, const char *body)
{
    static char text[512];
    struct multipart_part part;

    if (!multipart_find_sdp(boundary, body, strlen(body), &part))
        return NULL;
    ck_assert_uint_le(part.at + part.len, strlen(body));
    ck_assert(part.whole < part.at && part.at + part.len <= part.next);
    snprintf(text, sizeof(text), "%.*s", (int)part.len, body + part.at);
    return text;
}

// The part is found wherever it stands, in any case and with parameters, with CRLF or LF; what
// stands before and behind the parts does not matter.
START_TEST(the_sdp_part_is_found)
{
    static const char *const bodies[] = {
        "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n--b--\r\n",
        "preamble\r\n--b \r\nContent-Type: text/plain\r\n\r\nv=1\r\n--b\r\n"
        "content-type:Application/SDP; charset=utf-8\r\nContent-Disposition: session\r\n\r\n" SDP
        "\r\n--b\r\n\r\nx\r\n--b--\r\nepilogue",
        "--b\r\nContent-Disposition: early-session\r\nContent-Type: application/sdp\r\n\r\nno\r\n"
        "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n--b--",
        "--b\nContent-Type: application/sdp\n\n" SDP "\n--b--",
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        ck_assert_str_eq(content_of(i % 2 ? "\"b\"" : "b", bodies[i]), SDP);
}
END_TEST

// No such part, no end, or no boundary: nothing is found, and nothing beyond the body is read.
START_TEST(what_is_not_there_is_not_found)
{
    static const char *const bodies[] = {
        "",
        "--b",
        "--b\r\n",
        "--b--\r\n",
        "--b\r\n--b--",
        "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP,
        "--b\r\nContent-Type: application/sdpx\r\n\r\n" SDP "\r\n--b--",
        "--bc\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n--bc--",
    };
    struct multipart_part part;
    char many[MULTIPART_PARTS_MAX * 8 + 128];

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        for (size_t len = 0; len <= strlen(bodies[i]); len++) {
            char *copy = malloc(len ? len : 1); // so that a read beyond the end is seen
            memcpy(copy, bodies[i], len);
            ck_assert_msg(!multipart_find_sdp("b", copy, len, &part), "body %zu", i);
            free(copy);
        }
    ck_assert(!content_of("", "--\r\nContent-Type: application/sdp\r\n\r\nv\r\n----"));
    size_t used = 0;
    for (int i = 0; i < MULTIPART_PARTS_MAX; i++)
        used += (size_t)snprintf(many + used, sizeof(many) - used, "--b\r\n\r\n");
    snprintf(many + used, sizeof(many) - used,
             "--b\r\nContent-Type: application/sdp\r\n\r\nv\r\n--b--");
    ck_assert(!content_of("b", many));
}
END_TEST

// A part that is encoded is told as that.
START_TEST(an_encoded_part_is_told)
{
    static const char body[] = "--b\r\nContent-Type: application/sdp\r\n"
                               "Content-Transfer-Encoding: base64\r\n\r\ndj0w\r\n--b--";
    struct multipart_part part;

    ck_assert(multipart_find_sdp("b", body, strlen(body), &part));
    ck_assert(part.encoded);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_sdp_part_is_found,
        what_is_not_there_is_not_found,
        an_encoded_part_is_told,
    };

    return SUITE_RUN("multipart", tests);
}
