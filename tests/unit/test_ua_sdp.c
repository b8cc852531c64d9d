// SPDX-License-Identifier: GPL-3.0-or-later
// Offers and answers of the reference user agent, written and read.
#include "tests/ua/ua_sdp.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct description fax_description(bool secure)
{
    struct description d = {.session_id = 7, .version = 3, .count = 1};
    struct medium *m = &d.media[0];

    addr_parse(&d.origin, "192.0.2.10", 0);
    *m = (struct medium){.kind = MEDIUM_FAX, .secure = secure};
    snprintf(m->type, sizeof(m->type), "image");
    snprintf(m->format, sizeof(m->format), "t38");
    snprintf(m->proto, sizeof(m->proto), secure ? "UDP/TLS/UDPTL" : "udptl");
    addr_parse(&m->at, "192.0.2.10", 5004);
    if (!secure)
        return d;
    m->e2ae = SDP_3GE2AE_REQUESTED;
    m->setup = SDP_SETUP_ACTPASS;
    m->identity_name = "dtls-id";
    snprintf(m->identity, sizeof(m->identity), "Zk3vT0xq8mW1sLr7uYb2");
    m->fingerprints.count = 1;
    ck_assert_int_eq(fingerprint_parse(&m->fingerprints.list[0],
                                       "SHA-1 4A:AD:B9:B1:3F:82:18:3B:54:02:"
                                       "12:DF:3E:5D:49:6B:19:E5:7C:AB",
                                       65),
                     0);
    return d;
}

#define T38_LINES                                                                                  \
    "a=T38FaxVersion:0\r\n"                                                                        \
    "a=T38MaxBitRate:14400\r\n"                                                                    \
    "a=T38FaxRateManagement:transferredTCF\r\n"                                                    \
    "a=T38FaxMaxBuffer:1024\r\n"                                                                   \
    "a=T38FaxMaxDatagram:400\r\n"                                                                  \
    "a=T38FaxUdpEC:t38UDPRedundancy\r\n"

static void expect_body(const struct description *d, const struct sdp_extras *extras,
                        const char *expected)
{
    char *body = description_write(d, extras);
    ck_assert_str_eq(body, expected);
    free(body);
}

// The offer of a secured UE carries what TS 23.334 6.2.10.4.2 expects of it.
START_TEST(secured_offer_has_all_attributes)
{
    struct description d = fax_description(true);
    struct sdp_extras extras = {
        .bandwidth_count = 2, .bandwidth = {"AS:60", "session:AS:80"}, .maxprate = "33.3"};

    expect_body(&d, &extras,
                "v=0\r\n"
                "o=- 7 3 IN IP4 192.0.2.10\r\n"
                "s=-\r\n"
                "c=IN IP4 192.0.2.10\r\n"
                "b=AS:80\r\n"
                "t=0 0\r\n"
                "m=image 5004 UDP/TLS/UDPTL t38\r\n"
                "c=IN IP4 192.0.2.10\r\n"
                "b=AS:60\r\n"
                "a=3ge2ae:requested\r\n"
                "a=setup:actpass\r\n"
                "a=dtls-id:Zk3vT0xq8mW1sLr7uYb2\r\n"
                "a=fingerprint:SHA-1 "
                "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n" T38_LINES
                "a=maxprate:33.3\r\n");
}
END_TEST

// The plain one carries none of them.
START_TEST(plain_offer_has_no_security)
{
    struct description d = fax_description(false);
    struct sdp_extras extras = {0};

    expect_body(&d, &extras,
                "v=0\r\n"
                "o=- 7 3 IN IP4 192.0.2.10\r\n"
                "s=-\r\n"
                "c=IN IP4 192.0.2.10\r\n"
                "t=0 0\r\n"
                "m=image 5004 udptl t38\r\n"
                "c=IN IP4 192.0.2.10\r\n" T38_LINES);
}
END_TEST

// A refused line keeps its proto and has port 0 and nothing else (RFC 3264 6).
START_TEST(refused_line_is_bare)
{
    struct description d = fax_description(true);
    struct sdp_extras extras = {.bandwidth_count = 1, .bandwidth = {"AS:60"}};

    addr_set_port(&d.media[0].at, 0);
    expect_body(&d, &extras,
                "v=0\r\n"
                "o=- 7 3 IN IP4 192.0.2.10\r\n"
                "s=-\r\n"
                "c=IN IP4 192.0.2.10\r\n"
                "t=0 0\r\n"
                "m=image 0 UDP/TLS/UDPTL t38\r\n");
}
END_TEST

// What is written is read back as it was.
START_TEST(written_description_reads_back)
{
    struct description d = fax_description(true), read;
    struct sdp_extras extras = {.bandwidth_count = 2, .bandwidth = {"AS:60", "session:CT:99"}};
    char why[SDP_WHY_MAX];

    d.media[0].direction = SDP_INACTIVE;
    char *body = description_write(&d, &extras);
    ck_assert_int_eq(description_read(&read, body, strlen(body), why), 0);
    free(body);
    const struct medium *m = &read.media[0];
    ck_assert_uint_eq(read.count, 1);
    ck_assert_uint_eq(read.session_id, 7);
    ck_assert_uint_eq(read.version, 3);
    ck_assert_str_eq(read.session_bandwidth, "CT:99");
    ck_assert_int_eq(m->kind, MEDIUM_FAX);
    ck_assert(m->secure);
    ck_assert(addr_equal(&m->at, &d.media[0].at));
    ck_assert_int_eq(m->setup, SDP_SETUP_ACTPASS);
    ck_assert_int_eq(m->e2ae, SDP_3GE2AE_REQUESTED);
    ck_assert_int_eq(m->direction, SDP_INACTIVE);
    ck_assert_str_eq(m->identity_name, "dtls-id");
    ck_assert_str_eq(m->identity, "Zk3vT0xq8mW1sLr7uYb2");
    ck_assert(fingerprints_equal(&m->fingerprints, &d.media[0].fingerprints));
    ck_assert_str_eq(m->bandwidth, "AS:60");
}
END_TEST

// Lines of other kinds keep what an answer has to repeat.
START_TEST(other_media_are_kept)
{
    static const char body[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n"
                               "t=0 0\r\nm=video 4000 RTP/SAVP 96 97\r\nm=audio 0 RTP/AVP 8\r\n";
    struct description d;
    char why[SDP_WHY_MAX];

    ck_assert_int_eq(description_read(&d, body, strlen(body), why), 0);
    ck_assert_uint_eq(d.count, 2);
    ck_assert_int_eq(d.media[0].kind, MEDIUM_OTHER);
    ck_assert_str_eq(d.media[0].type, "video");
    ck_assert_str_eq(d.media[0].proto, "RTP/SAVP");
    ck_assert_str_eq(d.media[0].format, "96 97");
    ck_assert_int_eq(d.media[1].kind, MEDIUM_AUDIO);
    ck_assert_uint_eq(addr_port(&d.media[1].at), 0);
}
END_TEST

// MSRP and BFCP lines carry what RFC 4975 8, RFC 6714 5.2 and RFC 8856 5 ask for, and read back.
START_TEST(stream_lines_are_written_and_read)
{
    struct description d = {.session_id = 1, .version = 1, .count = 2}, read;
    struct sdp_extras extras = {0};
    char why[SDP_WHY_MAX];

    addr_parse(&d.origin, "192.0.2.10", 0);
    d.media[0] = (struct medium){.kind = MEDIUM_MSRP,
                                 .type = "message",
                                 .format = "*",
                                 .proto = "TCP/MSRP",
                                 .setup = SDP_SETUP_ACTPASS,
                                 .cema = true,
                                 .path = "msrp://192.0.2.10:2855/abc;tcp"};
    d.media[1] = (struct medium){.kind = MEDIUM_BFCP,
                                 .type = "application",
                                 .format = "*",
                                 .proto = "TCP/TLS/BFCP",
                                 .secure = true,
                                 .setup = SDP_SETUP_ACTIVE,
                                 .connection = CONNECTION_EXISTING,
                                 .floor = {"s-only", true, 70125, 31, 1}};
    addr_parse(&d.media[0].at, "192.0.2.10", 2855);
    addr_parse(&d.media[1].at, "192.0.2.10", 9);
    expect_body(&d, &extras,
                "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
                "m=message 2855 TCP/MSRP *\r\nc=IN IP4 192.0.2.10\r\na=setup:actpass\r\n"
                "a=msrp-cema\r\na=path:msrp://192.0.2.10:2855/abc;tcp\r\n"
                "a=accept-types:text/plain application/octet-stream\r\n"
                "m=application 9 TCP/TLS/BFCP *\r\nc=IN IP4 192.0.2.10\r\na=setup:active\r\n"
                "a=connection:existing\r\na=floorctrl:s-only\r\na=confid:70125\r\n"
                "a=userid:31\r\na=floorid:1\r\na=bfcpver:1\r\n");
    char *body = description_write(&d, &extras);
    ck_assert_int_eq(description_read(&read, body, strlen(body), why), 0);
    free(body);
    ck_assert_uint_eq(read.count, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(read.media[i].kind, d.media[i].kind);
        ck_assert_int_eq(read.media[i].secure, d.media[i].secure);
        ck_assert_int_eq(read.media[i].cema, d.media[i].cema);
        ck_assert_int_eq(read.media[i].connection, d.media[i].connection);
        ck_assert_str_eq(read.media[i].path, d.media[i].path);
        ck_assert_str_eq(read.media[i].floor.control, d.media[i].floor.control);
    }
    ck_assert(read.media[1].floor.has_ids);
    ck_assert_uint_eq(read.media[1].floor.conference, 70125);
    ck_assert_uint_eq(read.media[1].floor.user, 31);
    ck_assert_uint_eq(read.media[1].floor.floor, 1);
}
END_TEST

// A body that is none, a line without address, too many lines: a sentence, and nothing else.
START_TEST(unusable_bodies_are_refused)
{
    char many[2048] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
    const char *const bad[] = {
        "",
        "v=0\r\nthis is no SDP\r\n",
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=image 5004 udptl t38\r\n",
        many,
    };
    struct description d = {.count = 99};
    char why[SDP_WHY_MAX];

    for (int i = 0; i <= MEDIA_MAX; i++) {
        size_t at = strlen(many);
        snprintf(many + at, sizeof(many) - at, "m=image 5004 udptl t38\r\n");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why[0] = '\0';
        ck_assert_int_eq(description_read(&d, bad[i], strlen(bad[i]), why), -EINVAL);
        ck_assert_str_ne(why, "");
        ck_assert_uint_eq(d.count, 99);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        secured_offer_has_all_attributes, plain_offer_has_no_security,       refused_line_is_bare,
        written_description_reads_back,   stream_lines_are_written_and_read, other_media_are_kept,
        unusable_bodies_are_refused,
    };
    return SUITE_RUN("ua_sdp", tests);
}
