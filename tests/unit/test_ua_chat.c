// SPDX-License-Identifier: GPL-3.0-or-later
// Two MSRP sessions, and two ends of floor control, of the reference user agent against each other
// in memory; and one session against a peer that is played by hand.
#include "tests/ua/ua_chat.h"
#include "tests/ua/ua_event.h"
#include "tests/ua/ua_floor.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OWN "msrp://192.0.2.1:2855/own;tcp"
#define PEER "msrp://192.0.2.2:2855/peer;tcp"
#define TO_OWN "To-Path: " OWN "\r\nFrom-Path: " PEER "\r\n"

// One end, with what it sent and the other has not read yet.
struct end {
    struct ua_options options;
    struct talk *talk;
    struct medium line;
    char sent[1 << 20];
    size_t len;
    bool done, ok, full;
    const char *broken;
};

static void on_send(void *arg, const uint8_t *bytes, size_t len)
{
    struct end *e = arg;
    ck_assert_uint_le(e->len + len, sizeof(e->sent) - 1);
    memcpy(e->sent + e->len, bytes, len);
    e->len += len;
    e->sent[e->len] = '\0';
}

static bool on_full(void *arg)
{
    return ((struct end *)arg)->full;
}

static void on_middle(void *arg)
{
}

static void on_done(void *arg, bool ok)
{
    struct end *e = arg;
    ck_assert(!e->done);
    e->done = true;
    e->ok = ok;
}

static void on_broken(void *arg, const char *why)
{
    ((struct end *)arg)->broken = why;
}

static struct talk_user user_of(struct end *e)
{
    return (struct talk_user){e, on_send, on_full, on_middle, on_done, on_broken};
}

static struct end own, peer;

static void open_chat(struct end *e, const char *path)
{
    struct talk_user user = user_of(e);

    snprintf(e->line.path, sizeof(e->line.path), "%s", path);
    if (e->options.chunk == 0)
        e->options.chunk = 2048;
    e->talk = chat_open(&e->options, &user);
    ck_assert_ptr_nonnull(e->talk);
}

static void begin(struct end *e, const struct end *other, bool active)
{
    struct talk_terms terms = {&e->line, &other->line, active};
    e->talk->kind->begin(e->talk, &terms);
}

// Moves bytes in pieces of at most step until neither end has any left.
static void carry(struct end *a, struct end *b, size_t step)
{
    static char bytes[sizeof(a->sent)];

    while (a->len + b->len > 0) {
        struct end *from = a->len > 0 ? a : b, *to = from == a ? b : a;
        size_t len = from->len;
        memcpy(bytes, from->sent, len);
        from->len = 0;
        for (size_t at = 0; at < len; at += step)
            to->talk->kind->receive(to->talk, (uint8_t *)bytes + at,
                                    len - at < step ? len - at : step);
    }
}

static void close_ends(void)
{
    own.talk->kind->close(own.talk);
    if (peer.talk)
        peer.talk->kind->close(peer.talk);
}

// What own has to say to this text of a peer.
static void hear(const char *text)
{
    own.len = 0;
    own.sent[0] = '\0';
    own.talk->kind->receive(own.talk, (const uint8_t *)text, strlen(text));
}

static void open_alone(void)
{
    snprintf(peer.line.path, sizeof(peer.line.path), "%s", PEER);
    open_chat(&own, OWN);
    begin(&own, &peer, false);
}

// RFC 4975 5.4, 7: both sides' texts in chunks of a few bytes, whatever the split of the stream.
START_TEST(texts_cross_in_chunks)
{
    own.options = (struct ua_options){.say = {"a longer text", "two"},
                                      .say_count = 2,
                                      .expect_text = {"an answer"},
                                      .expect_count = 1,
                                      .chunk = 5};
    peer.options = (struct ua_options){.say = {"an answer"},
                                       .say_count = 1,
                                       .expect_text = {"two", "a longer text"},
                                       .expect_count = 2,
                                       .chunk = 1};
    open_chat(&own, OWN);
    open_chat(&peer, PEER);
    begin(&peer, &own, false);
    ck_assert_uint_eq(peer.len, 0); // the connected side waits
    begin(&own, &peer, true);
    ck_assert_ptr_eq(strstr(own.sent, "MSRP "), own.sent);
    carry(&own, &peer, 3);
    ck_assert(own.done && own.ok && peer.done && peer.ok);
    ck_assert_int_eq(event_status(), UA_OK);
    close_ends();
}
END_TEST

// A file without a place on disk, and a name to open it by.
static int memory_file(char name[static 64])
{
    int fd = memfd_create("ua_chat", 0);

    ck_assert_int_ge(fd, 0);
    snprintf(name, 64, "/proc/self/fd/%d", fd);
    return fd;
}

// A file arrives as it was, also when the sender had to wait for room in between.
START_TEST(a_file_crosses_and_is_checked)
{
    char from[64], to[64];
    static char content[10001], got[10002];
    int fd = memory_file(from), out = memory_file(to);

    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (char)(i * 7 + i / 256);
    ck_assert_int_eq(write(fd, content, sizeof(content)), sizeof(content));
    own.options = (struct ua_options){.send_file = from, .chunk = 4096};
    peer.options = (struct ua_options){.receive_file = to};
    open_chat(&own, OWN);
    open_chat(&peer, PEER);
    begin(&peer, &own, false);
    own.full = true;
    begin(&own, &peer, true);
    carry(&own, &peer, 1000);
    ck_assert(!own.done);
    own.full = false;
    own.talk->kind->drained(own.talk);
    carry(&own, &peer, 1000);
    ck_assert(own.done && own.ok && peer.done && peer.ok);
    close_ends();
    ck_assert_int_eq(read(out, got, sizeof(got)), sizeof(content));
    ck_assert_mem_eq(got, content, sizeof(content));
    close(fd);
    close(out);
}
END_TEST

// A received file with another hash than announced by --expect-sha256 is no success.
START_TEST(a_wrong_file_is_seen)
{
    own.options = (struct ua_options){.expect_sha256 = "00"};
    open_alone();
    hear("MSRP abcd SEND\r\n" TO_OWN
         "Message-ID: 1\r\nContent-Type: a/b\r\n\r\nx\r\n-------abcd$\r\n");
    ck_assert_int_eq(event_status(), UA_FAX);
    close_ends();
}
END_TEST

// RFC 4975 7.3: paths that are not exactly those of the session get 481, and nothing is delivered.
START_TEST(strange_paths_get_481)
{
    static const char *const strange[] = {
        "To-Path: msrps://192.0.2.1:2855/own;tcp\r\nFrom-Path: " PEER "\r\n",
        "To-Path: msrp://192.0.2.9:2855/own;tcp\r\nFrom-Path: " PEER "\r\n",
        "To-Path: " OWN "\r\nFrom-Path: msrp://192.0.2.2:2856/peer;tcp\r\n",
        "To-Path: " OWN " " PEER "\r\nFrom-Path: " PEER "\r\n",
    };
    char text[512];

    own.options = (struct ua_options){.expect_text = {"x"}, .expect_count = 1};
    open_alone();
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        snprintf(text, sizeof(text),
                 "MSRP abcd SEND\r\n%sMessage-ID: 1\r\nContent-Type: text/plain\r\n\r\nx\r\n"
                 "-------abcd$\r\n",
                 strange[i]);
        hear(text);
        ck_assert_msg(strncmp(own.sent, "MSRP abcd 481 ", 14) == 0, "case %zu: %s", i, own.sent);
    }
    ck_assert(!own.done);
    close_ends();
}
END_TEST

// RFC 4975 7.3.1: an unknown method gets 501; Failure-Report: no asks for silence.
START_TEST(other_requests_are_answered)
{
    open_alone();
    hear("MSRP abcd DANCE\r\n" TO_OWN "-------abcd$\r\n");
    ck_assert_int_eq(strncmp(own.sent, "MSRP abcd 501 ", 14), 0);
    hear("MSRP abce SEND\r\n" TO_OWN "Message-ID: 1\r\nFailure-Report: no\r\n-------abce$\r\n");
    ck_assert_uint_eq(own.len, 0);
    close_ends();
}
END_TEST

// A chunk that is missing, a message given up, one that is too short, bytes that are no MSRP.
START_TEST(broken_messages_are_seen)
{
    static const struct {
        const char *range, *flag;
    } cases[] = {{"2-2/2", "$"}, {"1-1/1", "#"}, {"1-1/9", "$"}};
    char text[512];

    size_t i = (size_t)_i;
    open_alone();
    snprintf(text, sizeof(text),
             "MSRP abcd SEND\r\n" TO_OWN "Message-ID: 1\r\nByte-Range: %s\r\n"
             "Content-Type: text/plain\r\n\r\nx\r\n-------abcd%s\r\n",
             i < 3 ? cases[i].range : "1-1/1", i < 3 ? cases[i].flag : "$");
    hear(i < 3 ? text : "GET / HTTP/1.1\r\n");
    ck_assert_int_eq(event_status(), UA_FAX);
    ck_assert((own.broken != NULL) == (i == 3));
    close_ends();
}
END_TEST

// A response to nothing, and one that refuses.
START_TEST(wrong_responses_are_seen)
{
    char text[256], tid[64];

    snprintf(peer.line.path, sizeof(peer.line.path), "%s", PEER);
    open_chat(&own, OWN);
    begin(&own, &peer, true);
    ck_assert_int_eq(sscanf(own.sent, "MSRP %63s ", tid), 1);
    snprintf(text, sizeof(text), "MSRP %s %s\r\n" TO_OWN "-------%s$\r\n", _i ? tid : "abcd",
             _i ? "413 Stop" : "200 OK", _i ? tid : "abcd");
    hear(text);
    ck_assert_int_eq(event_status(), UA_FAX);
    close_ends();
}
END_TEST

static void open_floor(struct end *e, uv_loop_t *loop, bool server)
{
    struct talk_user user = user_of(e);

    if (server)
        e->line.floor =
            (struct floor_terms){"s-only", true, FLOOR_CONFERENCE, FLOOR_USER, FLOOR_FLOOR};
    e->talk = floor_open(loop, &e->options, server, &user);
    ck_assert_ptr_nonnull(e->talk);
}

// RFC 8855 10 to 13: Hello, FloorRequest, granted, FloorRelease, released, byte by byte.
START_TEST(a_floor_is_asked_for_and_given_back)
{
    uv_loop_t loop;

    uv_loop_init(&loop);
    own.options.hold_ms = 1;
    open_floor(&own, &loop, false);
    open_floor(&peer, &loop, true);
    begin(&peer, &own, false);
    begin(&own, &peer, true);
    carry(&own, &peer, 1);
    ck_assert(!own.done);
    uv_run(&loop, UV_RUN_DEFAULT); // until the floor was held long enough
    carry(&own, &peer, 1);
    ck_assert(own.done && own.ok && peer.done && peer.ok);
    ck_assert_int_eq(event_status(), UA_OK);
    close_ends();
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        texts_cross_in_chunks, a_file_crosses_and_is_checked, a_wrong_file_is_seen,
        strange_paths_get_481, other_requests_are_answered,   a_floor_is_asked_for_and_given_back,
    };
    Suite *suite = suite_create("ua_chat");
    TCase *tc = tcase_create("ua_chat");
    SRunner *runner = srunner_create(suite);

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tc, tests[i]);
    tcase_add_loop_test(tc, broken_messages_are_seen, 0, 4);
    tcase_add_loop_test(tc, wrong_responses_are_seen, 0, 2);
    tcase_set_timeout(tc, SUITE_TIMEOUT);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
