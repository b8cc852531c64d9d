// SPDX-License-Identifier: GPL-3.0-or-later
// MSRP framing of the reference user agent: URIs, chunks out, any split of the stream in.
#include "tests/ua/ua_msrp.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TO "msrp://192.0.2.1:2855/abc;tcp"
#define FROM "msrp://192.0.2.2:9/xyz;tcp"
#define PATHS "To-Path: " TO "\r\nFrom-Path: " FROM "\r\n"

// What the parser told, as text: "SEND(tid)[body]$ ".
struct heard {
    char text[4096];
    struct msrp_head head; // the last one
    struct msrp_parser parser;
};

static void add(struct heard *h, const char *text, size_t len)
{
    size_t at = strlen(h->text);
    snprintf(h->text + at, sizeof(h->text) - at, "%.*s", (int)len, text);
}

static void on_head(void *arg, const struct msrp_head *head)
{
    struct heard *h = arg;
    char text[256];

    h->head = *head;
    if (*head->method)
        snprintf(text, sizeof(text), "%s(%s)[", head->method, head->tid);
    else
        snprintf(text, sizeof(text), "%u(%s)[", head->status, head->tid);
    add(h, text, strlen(text));
}

static void on_body(void *arg, const uint8_t *bytes, size_t len)
{
    add(arg, (const char *)bytes, len);
}

static void on_end(void *arg, const struct msrp_head *head, char flag)
{
    char text[] = {']', flag, ' '};
    add(arg, text, sizeof(text));
}

// Feeds the text in pieces of at most step bytes. Returns what the parser says.
static int hear(struct heard *h, const char *text, size_t step)
{
    struct msrp_user user = {h, on_head, on_body, on_end};
    size_t len = strlen(text);
    int rc = 0;

    h->text[0] = '\0';
    msrp_parser_init(&h->parser, &user);
    for (size_t at = 0; at < len && rc == 0; at += step)
        rc = msrp_feed(&h->parser, (const uint8_t *)text + at, len - at < step ? len - at : step);
    return rc;
}

// RFC 4975 6.1: what makes two URIs equal and what does not.
START_TEST(uris_compare_as_the_standard_says)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {TO, TO, true},
        {TO, "MSRP://192.0.2.1:2855/abc;TCP", true},
        {TO, "msrp://bob@192.0.2.1:2855/abc;tcp;x=y", true},
        {TO, "msrps://192.0.2.1:2855/abc;tcp", false},
        {TO, "msrp://192.0.2.1:2855/ABC;tcp", false},
        {TO, "msrp://192.0.2.1:2856/abc;tcp", false},
        {TO, "msrp://192.0.2.3:2855/abc;tcp", false},
        {TO, "msrp://192.0.2.1/abc;tcp", false},
        {TO, "msrp://192.0.2.1:2855;tcp", false},
        {TO, TO " " TO, false},
        {"msrp://[2001:db8::1]:9/a;tcp", "msrp://[2001:DB8:0::1]:9/a;tcp", true},
        {"msrp://host.example:9/a;tcp", "msrp://HOST.example:9/a;tcp", true},
        {"sip:a@b", "sip:a@b", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_msg(msrp_uri_equal(cases[i].a, cases[i].b) == cases[i].equal, "case %zu", i);
}
END_TEST

START_TEST(malformed_uris_are_refused)
{
    static const char *const bad[] = {
        "",
        "msrp://",
        "msrp://;tcp",
        "http://192.0.2.1:9/a;tcp",
        "msrp://192.0.2.1:9/a",
        "msrp://192.0.2.1:9/;tcp",
        "msrp://192.0.2.1:65536/a;tcp",
        "msrp://192.0.2.1:/a;tcp",
        "msrp://192.0.2.1:9x/a;tcp",
        "msrp://[2001:db8::1:9/a;tcp",
    };
    struct msrp_uri uri;
    struct addr at;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(msrp_uri_parse(&uri, bad[i]) == -EINVAL, "%s", bad[i]);
    ck_assert_int_eq(msrp_uri_parse(&uri, "msrp://192.0.2.1/a;tcp"), 0);
    ck_assert_int_eq(msrp_uri_addr(&uri, &at), -EINVAL);
}
END_TEST

// RFC 4975 7.1: a chunk as it leaves, byte for byte.
START_TEST(a_chunk_has_the_layout_of_the_standard)
{
    struct msrp_head h = {.tid = "a786hjs2",
                          .method = "SEND",
                          .to = TO,
                          .from = FROM,
                          .message_id = "87652491",
                          .content_type = "text/plain",
                          .has_range = true,
                          .first = 1,
                          .last = MSRP_UNKNOWN,
                          .total = 8,
                          .success_report = true};
    struct strbuf b = STRBUF_INIT;

    msrp_put_head(&b, &h);
    strbuf_puts(&b, "abcd");
    msrp_put_end(&b, h.tid, true, '+');
    ck_assert_str_eq(b.text, "MSRP a786hjs2 SEND\r\n" PATHS "Message-ID: 87652491\r\n"
                             "Byte-Range: 1-*/8\r\nSuccess-Report: yes\r\n"
                             "Content-Type: text/plain\r\n\r\nabcd\r\n-------a786hjs2+\r\n");
    strbuf_free(&b);
}
END_TEST

// RFC 4975 7.2: a response goes back to the nearest hop only.
START_TEST(a_response_answers_the_first_from_uri)
{
    struct msrp_head h = {.tid = "a786hjs2", .to = TO, .from = FROM " msrp://far:9/z;tcp"};
    struct strbuf b = STRBUF_INIT;

    msrp_put_response(&b, &h, 481, "No such session");
    ck_assert_str_eq(b.text, "MSRP a786hjs2 481 No such session\r\nTo-Path: " FROM
                             "\r\nFrom-Path: " TO "\r\n-------a786hjs2$\r\n");
    strbuf_free(&b);
}
END_TEST

static const char transcript[] =
    "MSRP d93kswow SEND\r\n" PATHS "Message-ID: 12339sdqwer\r\n-------d93kswow$\r\n"
    "MSRP dkei38sd SEND\r\n" PATHS "Message-ID: 456so39s\r\nByte-Range: 1-2/4\r\n"
    "Content-Type: text/plain\r\n\r\nab\r\n-------dkei38sd+\r\n"
    "MSRP dkei38ia SEND\r\n" PATHS "Message-ID: 456so39s\r\nByte-Range: 3-*/4\r\n"
    "Content-Type: text/plain\r\n\r\n\r\n-------dkei38ib$\r\n-------dkei38ia!\r\n"
    "\r\n-------dkei38ia$\r\r\n-------dkei38ia#\r\n"
    "MSRP d93kswow 200 OK\r\n" PATHS "-------d93kswow$\r\n"
    "MSRP f00d REPORT\r\n" PATHS "Message-ID: 456so39s\r\nByte-Range: 1-4/4\r\n"
    "Status: 000 200 OK\r\n-------f00d$\r\n"
    "MSRP e0000 SEND\r\n" PATHS "Content-Type: text/plain\r\n\r\n\r\n-------e0000$\r\n";

// Every split gives the same: bodies that look like end-lines, an interrupted chunk, an empty body.
START_TEST(any_split_of_the_stream_is_the_same)
{
    static const char expected[] = "SEND(d93kswow)[]$ SEND(dkei38sd)[ab]+ "
                                   "SEND(dkei38ia)[\r\n-------dkei38ib$\r\n-------dkei38ia!\r\n"
                                   "\r\n-------dkei38ia$\r]# "
                                   "200(d93kswow)[]$ REPORT(f00d)[]$ SEND(e0000)[]$ ";
    struct heard h;

    for (size_t step = 1; step <= sizeof(transcript); step++) {
        ck_assert_int_eq(hear(&h, transcript, step), 0);
        ck_assert_str_eq(h.text, expected);
    }
}
END_TEST

START_TEST(header_fields_are_understood)
{
    struct heard h;

    ck_assert_int_eq(hear(&h,
                          "MSRP abcd SEND\r\n" PATHS "Message-ID: m1\r\nByte-Range: 2049-*/*\r\n"
                          "Success-Report: yes\r\nFailure-Report: no\r\nX-Other: thing\r\n"
                          "-------abcd$\r\n",
                          999),
                     0);
    ck_assert_str_eq(h.head.to, TO);
    ck_assert_str_eq(h.head.from, FROM);
    ck_assert_str_eq(h.head.message_id, "m1");
    ck_assert(h.head.has_range && h.head.success_report && h.head.no_failure_report);
    ck_assert_uint_eq(h.head.first, 2049);
    ck_assert(h.head.last == MSRP_UNKNOWN && h.head.total == MSRP_UNKNOWN);
}
END_TEST

// What a relay might bend is refused, and nothing that follows is believed (RFC 4975 9).
START_TEST(what_is_no_msrp_ends_the_stream)
{
    static char endless[2 * MSRP_HEAD_MAX];
    static const char *const bad[] = {
        "HTTP/1.1 200 OK\r\n",
        "MSRP ab SEND\r\n",
        "MSRP abcd send\r\n",
        "MSRP abcd SEND now\r\n",
        "MSRP abcd SEND\r\nFrom-Path: " FROM "\r\n",
        "MSRP abcd SEND\r\nTo-Path: " TO "\r\nMessage-ID: 1\r\n",
        "MSRP abcd SEND\r\n-------abcd$\r\n",
        "MSRP abcd SEND\r\n" PATHS "\r\nbody",
        "MSRP abcd SEND\r\n" PATHS "Content-Type: text/plain\r\n-------abcd$\r\n",
        "MSRP abcd SEND\r\n" PATHS "Byte-Range: 0-1/1\r\n",
        "MSRP abcd SEND\r\n" PATHS "Byte-Range: 1-1\r\n",
        "MSRP abcd SEND\r\n" PATHS "no colon\r\n",
        "MSRP abcd SEND\r\n" PATHS "To-Path: " TO "\r\n",
        "MSRP abcd SEND\nTo-Path: " TO "\r\n",
        endless,
    };
    struct heard h;

    memset(endless, 'a', sizeof(endless) - 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(hear(&h, bad[i], 7) == -EPROTO, "case %zu", i);
        ck_assert_ptr_nonnull(h.parser.error);
        ck_assert_int_eq(msrp_feed(&h.parser, (const uint8_t *)"MSRP", 4), -EPROTO);
    }
}
END_TEST

// RFC 4975 7.1: a sender may not use a tid whose end-line its body holds.
START_TEST(a_tid_that_stands_in_the_body_is_seen)
{
    static const uint8_t body[] = "text\r\n-------abcd$\r\n";

    ck_assert(msrp_collides("abcd", body, sizeof(body) - 1));
    ck_assert(!msrp_collides("abce", body, sizeof(body) - 1));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        uris_compare_as_the_standard_says,      malformed_uris_are_refused,
        a_chunk_has_the_layout_of_the_standard, a_response_answers_the_first_from_uri,
        any_split_of_the_stream_is_the_same,    header_fields_are_understood,
        what_is_no_msrp_ends_the_stream,        a_tid_that_stands_in_the_body_is_seen,
    };
    return SUITE_RUN("ua_msrp", tests);
}
