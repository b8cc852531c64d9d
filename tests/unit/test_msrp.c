// SPDX-License-Identifier: GPL-3.0-or-later
// What the rewriter of MSRP refuses, what it bounds, when paths change, what it counts. Whole
// transcripts are in test_msrp_golden.c.
#include "tests/unit/msrp_feed.h"
#include "tests/unit/suite.h"

#define T1_OWN "msrps://192.0.2.1:10014/UMLCWMpv0boh85yQ;tcp"
#define T2_REMOTE "msrp://203.0.113.20:7394/UMLCWMpv0boh85yQ;tcp"
#define T1_REMOTE "msrps://192.0.2.10:2855/ezxne8Ms50qtBDww;tcp"
#define T2_OWN "msrp://198.51.100.1:20014/ezxne8Ms50qtBDww;tcp"

#define START "MSRP k3Vd81qz SEND\r\n"
#define PATHS "To-Path: " T1_OWN "\r\nFrom-Path: " T1_REMOTE "\r\n"
#define PATHS_OUT "To-Path: " T2_REMOTE "\r\nFrom-Path: " T2_OWN "\r\n"
#define END "-------k3Vd81qz$\r\n"
#define BODY "Content-Type: text/plain\r\n\r\n"

static const struct msrp_paths ue_to_core = {T1_OWN, T2_REMOTE, T1_REMOTE, T2_OWN};
static const struct feed_pieces whole = {.in = FEED_ALL, .out = FEED_ALL};
static const struct feed_pieces bytes = {.in = 1, .out = 1};

// --- helpers ------------------------------------------------------------------------------------

static struct msrp_rewriter *open_rewriter(void)
{
    struct msrp_rewriter *r = msrp_rewriter_open(&ue_to_core);

    ck_assert_ptr_nonnull(r);
    return r;
}

static void expect_text(struct feed_result got, int rc, const char *text)
{
    ck_assert_int_eq(got.rc, rc);
    ck_assert_msg(got.len == strlen(text) && memcmp(got.out, text, got.len) == 0,
                  "expected '%s', got '%.*s'", text, (int)got.len, (const char *)got.out);
    free(got.out);
}

// Feeds one text, as a whole or byte by byte, to a rewriter that goes on living.
static void pass(struct msrp_rewriter *r, const char *in, const char *out,
                 struct feed_pieces pieces)
{
    expect_text(feed(r, (const uint8_t *)in, strlen(in), pieces), 0, out);
}

// The same answer and output whatever the split.
static void refuse(const char *in, size_t len, const char *out)
{
    expect_text(feed_new(&ue_to_core, (const uint8_t *)in, len, whole), -EPROTO, out);
    expect_text(feed_new(&ue_to_core, (const uint8_t *)in, len, bytes), -EPROTO, out);
    for (size_t first = 1; first < len; first++) {
        struct feed_pieces pieces = {.first = first, .in = FEED_ALL, .out = FEED_ALL};
        expect_text(feed_new(&ue_to_core, (const uint8_t *)in, len, pieces), -EPROTO, out);
    }
}

// --- broken framing -----------------------------------------------------------------------------

START_TEST(broken_framing_is_refused)
{
    // The grammar of RFC 4975 9, as far as framing and paths stand on it. What came before the
    // broken line was put out and nothing of the line itself.
    static const struct {
        const char *in, *out;
    } broken[] = {
        // start line
        {"SIP/2.0 200 OK\r\n", ""},
        {"msrp k3Vd81qz SEND\r\n", ""},
        {"MSRP\r\n", ""},
        {"MSRP \r\n", ""},
        {"MSRP  k3Vd81qz SEND\r\n", ""},
        {"MSRP\tk3Vd81qz SEND\r\n", ""},
        {"MSRP k3Vd81qz\r\n", ""},
        {"MSRP k3Vd81qz \r\n", ""},
        {"MSRP k3Vd81qz send\r\n", ""},
        {"MSRP k3Vd81qz SEND \r\n", ""},
        {"MSRP k3Vd81qz SEND NOW\r\n", ""},
        {"MSRP k3Vd81qz 20\r\n", ""},
        {"MSRP k3Vd81qz 2000\r\n", ""},
        {"MSRP k3Vd81qz 2x0\r\n", ""},
        {"MSRP k3V SEND\r\n", ""},
        {"MSRP 0123456789abcdef0123456789abcdefg SEND\r\n", ""},
        {"MSRP -3Vd81qz SEND\r\n", ""},
        {"MSRP k3Vd81_qz SEND\r\n", ""},
        {"MSRP k3Vd81qz SEND\n", ""},
        {"MSRP k3Vd81qz 200 O\x01K\r\n", ""},
        {"\r\n" START, ""},
        // paths
        {START "From-Path: " T1_REMOTE "\r\nTo-Path: " T1_OWN "\r\n" END, START},
        {START "Message-ID: 1234\r\n" PATHS END, START},
        {START "To-Path : " T1_OWN "\r\n", START},
        {START "To-Path:\r\n", START},
        {START "To-Path: \t \r\n", START},
        {START "\r\n", START},
        {START END, START},
        {START "To-Path: " T1_OWN "\r\n" END, START "To-Path: " T2_REMOTE "\r\n"},
        {START "To-Path: " T1_OWN "\r\n\r\nbody\r\n" END, START "To-Path: " T2_REMOTE "\r\n"},
        {START "To-Path: " T1_OWN "\r\nMessage-ID: 1234\r\n", START "To-Path: " T2_REMOTE "\r\n"},
        {START "To-Path: " T1_OWN "\nFrom-Path: " T1_REMOTE "\r\n" END, START},
        // header fields and end-line
        {START PATHS "no colon\r\n", START PATHS_OUT},
        {START PATHS ": no name\r\n", START PATHS_OUT},
        {START PATHS " folded: line\r\n", START PATHS_OUT},
        {START PATHS "two words: x\r\n", START PATHS_OUT},
        {START PATHS "1st: x\r\n", START PATHS_OUT},
        {START PATHS "Message-ID: 1\n23\r\n", START PATHS_OUT},
        {START PATHS "Message-ID: 1\r23\r\n", START PATHS_OUT},
        {START PATHS "Message-ID: 1\x7f\r\n", START PATHS_OUT},
        {START PATHS "\n", START PATHS_OUT},
        {START PATHS "-------k3Vd81qz\r\n", START PATHS_OUT},
        {START PATHS "-------k3Vd81qz!\r\n", START PATHS_OUT},
        {START PATHS "-------k3Vd81q$\r\n", START PATHS_OUT},
        {START PATHS "-------k3Vd81qzz$\r\n", START PATHS_OUT},
        {START PATHS "-------K3Vd81qz$\r\n", START PATHS_OUT},
        {START PATHS "-------k3Vd81qz$ \r\n", START PATHS_OUT},
        {START PATHS "------k3Vd81qz$\r\n", START PATHS_OUT},
        {START PATHS "-------k3Vd81qz$\n", START PATHS_OUT},
        // what follows a message
        {START PATHS END "\r\n", START PATHS_OUT END},
        {START PATHS BODY "x\r\n" END "x", START PATHS_OUT BODY "x\r\n" END},
        {START PATHS END "MSRP !", START PATHS_OUT END},
    };

    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        refuse(broken[i].in, strlen(broken[i].in), broken[i].out);
    refuse(START PATHS "Message-ID: \0\r\n", sizeof(START PATHS "Message-ID: \0\r\n") - 1,
           START PATHS_OUT);
}
END_TEST

START_TEST(control_bytes_are_refused_wherever_they_stand)
{
    // Header fields are UTF-8 text, tabs among it (RFC 4975 9).
    char in[] = START PATHS "X: 0123456789abcdefghijklmnopq\r\n" END;
    char out[] = START PATHS_OUT "X: 0123456789abcdefghijklmnopq\r\n" END;
    const size_t begin = strlen(START PATHS "X:"), end = sizeof(in) - sizeof("\r\n" END);
    const size_t shift = strlen(PATHS_OUT) - strlen(PATHS);

    for (size_t at = begin; at < end; at++) {
        const char kept = in[at];
        for (unsigned c = 0; c < 256; c++) {
            bool text = c == '\t' || (c >= ' ' && c != 0x7f);
            in[at] = out[at + shift] = (char)c;
            expect_text(feed_new(&ue_to_core, (const uint8_t *)in, strlen(END) + end + 2, whole),
                        text ? 0 : -EPROTO, text ? out : START PATHS_OUT);
        }
        in[at] = out[at + shift] = kept;
    }
}
END_TEST

START_TEST(what_is_no_msrp_is_refused_at_its_first_byte)
{
    // A ClientHello on a plain connection, or any other protocol, is not waited for (REQ-142).
    static const struct {
        const char *text;
        size_t wrong; // where
    } begins[] = {{"\x16\x03\x01", 0}, {"GET", 0},       {"\r\n", 0},
                  {"MSRQ x", 3},       {"MSRP\nx", 4},   {"MSRP k3\rx", 7},
                  {"MSRP k3 x", 7},    {"MSRP -3Vd", 5}, {"MSRP k3V!d", 8}};

    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        const uint8_t *text = (const uint8_t *)begins[i].text;
        struct feed_result got = feed_new(&ue_to_core, text, strlen(begins[i].text), bytes);
        ck_assert_uint_eq(got.consumed, begins[i].wrong + (text[begins[i].wrong] != '\n'));
        expect_text(got, -EPROTO, "");
    }
    for (unsigned c = 0; c < 256; c++) {
        const uint8_t first = (uint8_t)c;
        expect_text(feed_new(&ue_to_core, &first, 1, whole), c == 'M' ? 0 : -EPROTO, "");
    }
}
END_TEST

START_TEST(broken_stays_broken)
{
    // Nobody can say where the next message begins: nothing is taken any more.
    struct msrp_rewriter *r = open_rewriter();

    expect_text(feed(r, (const uint8_t *)"x", 1, whole), -EPROTO, "");
    struct feed_result got = feed(r, (const uint8_t *)START, strlen(START), whole);
    ck_assert_uint_eq(got.consumed, 0);
    expect_text(got, -EPROTO, "");
    msrp_rewriter_close(r);
}
END_TEST

// --- bounds -------------------------------------------------------------------------------------

// A message whose header, all that stands before its first body byte, has len bytes.
static char *message_with_header(size_t len, bool body)
{
    const char *head = START PATHS "X: ", *tail = body ? "\r\n\r\nx\r\n" END : "\r\n" END;
    size_t counted = strlen(head) + (body ? strlen("\r\n\r\n") : strlen(tail));
    char *message = malloc(len + 64);

    ck_assert_ptr_nonnull(message);
    snprintf(message, len + 64, "%s%0*d%s", head, (int)(len - counted), 0, tail);
    return message;
}

static int header_of(size_t len, bool body, struct feed_pieces pieces)
{
    char *message = message_with_header(len, body);
    struct feed_result got =
        feed_new(&ue_to_core, (const uint8_t *)message, strlen(message), pieces);

    free(got.out);
    free(message);
    return got.rc;
}

START_TEST(headers_are_bounded)
{
    // MSRP_HEADER_MAX bytes of header pass, one more is refused: with and without a body.
    for (int body = 0; body < 2; body++) {
        ck_assert_int_eq(header_of(MSRP_HEADER_MAX, body, whole), 0);
        ck_assert_int_eq(header_of(MSRP_HEADER_MAX, body, bytes), 0);
        ck_assert_int_eq(header_of(MSRP_HEADER_MAX + 1, body, whole), -EPROTO);
        ck_assert_int_eq(header_of(MSRP_HEADER_MAX + 1, body, bytes), -EPROTO);
    }
}
END_TEST

START_TEST(the_bound_is_on_one_message)
{
    // A connection may carry any number of headers, with and without bodies.
    struct msrp_rewriter *r = open_rewriter();

    for (size_t sum = 0; sum < 2 * MSRP_HEADER_MAX; sum += strlen(START PATHS))
        pass(r, START PATHS END, START PATHS_OUT END, whole);
    for (size_t sum = 0; sum < 2 * MSRP_HEADER_MAX; sum += strlen(START PATHS))
        pass(r, START PATHS BODY "x\r\n" END, START PATHS_OUT BODY "x\r\n" END, whole);
    msrp_rewriter_close(r);
}
END_TEST

START_TEST(lines_without_end_are_refused)
{
    // Nothing is held for a line that does not end: no more than MSRP_HEADER_MAX bytes are taken.
    static const char *const begins[] = {
        START, START "To-Path: ", START PATHS "X: ", "MSRP k3Vd81qz 200 "};
    char *text = malloc(2 * MSRP_HEADER_MAX);

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        memset(text, 'x', 2 * MSRP_HEADER_MAX);
        memcpy(text, begins[i], strlen(begins[i]));
        struct feed_result got =
            feed_new(&ue_to_core, (const uint8_t *)text, 2 * MSRP_HEADER_MAX, bytes);
        ck_assert_int_eq(got.rc, -EPROTO);
        ck_assert_uint_le(got.consumed, MSRP_HEADER_MAX);
        free(got.out);
    }
    free(text);
}
END_TEST

START_TEST(bodies_are_not_held)
{
    // A body of any length passes, each byte when it comes, also what may begin the end-line
    // (RFC 4975 14.5: nothing here depends on Byte-Range).
    static const char *const parts[] = {"text", "\r", "\n-------", "k3Vd81qz", "$", "\r", "text"};
    struct msrp_rewriter *r = open_rewriter();
    char *block = malloc(100000);

    ck_assert_ptr_nonnull(block);
    memset(block, '-', 99999);
    block[99999] = '\0';
    pass(r, START PATHS BODY, START PATHS_OUT BODY, whole);
    for (int i = 0; i < 20; i++)
        pass(r, block, block, whole);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        pass(r, parts[i], parts[i], whole);
    pass(r, "\r\n" END START, "\r\n" END START, whole);
    free(block);
    msrp_rewriter_close(r);
}
END_TEST

START_TEST(without_room_nothing_is_lost)
{
    // The line feed of a line that is not out yet stays with the caller, as body bytes do.
    static const char in[] = START PATHS END;
    struct msrp_rewriter *r = open_rewriter();
    size_t consumed, produced;
    uint8_t out[4], start[64];

    ck_assert_int_eq(msrp_rewrite(r, (const uint8_t *)in, strlen(in), &consumed, out, 0, &produced),
                     0);
    ck_assert_uint_eq(consumed, strlen(START) - 1);
    ck_assert_uint_eq(produced, 0);
    size_t at = consumed;
    ck_assert_int_eq(msrp_rewrite(r, NULL, 0, &consumed, start, sizeof(start), &produced), 0);
    ck_assert_uint_eq(consumed, 0);
    ck_assert_uint_eq(produced, strlen(START));
    ck_assert_mem_eq(start, START, produced);
    pass(r, in + at, PATHS_OUT END, (struct feed_pieces){.in = FEED_ALL, .out = 3});
    pass(r, START PATHS BODY, START PATHS_OUT BODY, whole);
    ck_assert_int_eq(msrp_rewrite(r, (const uint8_t *)"12345", 5, &consumed, out, 4, &produced), 0);
    ck_assert_uint_eq(consumed, 4);
    ck_assert_uint_eq(produced, 4);
    ck_assert_mem_eq(out, "1234", 4);
    msrp_rewriter_close(r);
}
END_TEST

// --- paths --------------------------------------------------------------------------------------

START_TEST(new_paths_begin_with_the_next_message)
{
    // A later offer/answer may give other paths (RFC 4975 8.4): the message under way keeps the old
    // ones, also when only its start line or only a piece of it is there yet; the last word wins.
    static const struct msrp_paths second = {T1_OWN, "msrp://b:2/b;tcp", T1_REMOTE,
                                             "msrp://c:2/c;tcp"};
    static const struct msrp_paths third = {T1_OWN, "msrp://b:3/b;tcp", T1_REMOTE,
                                            "msrp://c:3/c;tcp"};
    static const char second_out[] =
        START "To-Path: msrp://b:2/b;tcp\r\nFrom-Path: msrp://c:2/c;tcp\r\n" END;
    static const char third_out[] =
        START "To-Path: msrp://b:3/b;tcp\r\nFrom-Path: msrp://c:3/c;tcp\r\n" END;
    static const char message[] = START PATHS END;

    for (size_t at = 1; at < strlen(message); at++) {
        struct msrp_rewriter *r = open_rewriter();
        struct feed_result one = feed(r, (const uint8_t *)message, at, whole);
        ck_assert_int_eq(msrp_rewriter_set_paths(r, &third), 0);
        ck_assert_int_eq(msrp_rewriter_set_paths(r, &second), 0);
        struct feed_result two =
            feed(r, (const uint8_t *)message + at, strlen(message) - at, bytes);
        ck_assert_uint_eq(one.len + two.len, strlen(START PATHS_OUT END));
        ck_assert_mem_eq(one.out, START PATHS_OUT END, one.len);
        ck_assert_mem_eq(two.out, START PATHS_OUT END + one.len, two.len);
        free(one.out);
        free(two.out);
        pass(r, message, second_out, whole);
        ck_assert_int_eq(msrp_rewriter_set_paths(r, &third), 0);
        pass(r, message, third_out, bytes);
        pass(r, message, third_out, whole);
        msrp_rewriter_close(r);
    }
}
END_TEST

START_TEST(paths_not_known_yet_match_nothing)
{
    // Before the answer there is no path of the far end; what arrives is left as it is.
    static const struct msrp_paths none = {NULL, NULL, NULL, NULL};
    static const struct msrp_paths half = {T1_OWN, NULL, T1_REMOTE, T2_OWN};
    struct msrp_rewriter *r = msrp_rewriter_open(&none);

    ck_assert_ptr_nonnull(r);
    pass(r, START PATHS END, START PATHS END, whole);
    ck_assert_uint_eq(msrp_rewriter_counts(r)->unmatched, 2);
    ck_assert_int_eq(msrp_rewriter_set_paths(r, &half), 0);
    pass(r, START PATHS END, START "To-Path: " T1_OWN "\r\nFrom-Path: " T2_OWN "\r\n" END, bytes);
    ck_assert_uint_eq(msrp_rewriter_counts(r)->unmatched, 3);
    msrp_rewriter_close(r);
}
END_TEST

START_TEST(there_and_back_is_where_it_began)
{
    // The other direction undoes the change, so that each strict endpoint reads its own URI.
    static const struct msrp_paths back = {T2_REMOTE, T1_OWN, T2_OWN, T1_REMOTE};
    struct msrp_rewriter *r = msrp_rewriter_open(&back);

    ck_assert_ptr_nonnull(r);
    pass(r, START PATHS_OUT BODY "x\r\n" END, START PATHS BODY "x\r\n" END, bytes);
    msrp_rewriter_close(r);
}
END_TEST

START_TEST(messages_and_strange_paths_are_counted)
{
    // Requests, responses, and each path that was not ours.
    static const char strange[] = "MSRP a786hjs2 200 OK\r\nTo-Path: " T1_REMOTE
                                  "\r\nFrom-Path: " T1_OWN "\r\n-------a786hjs2$\r\n";
    struct msrp_rewriter *r = open_rewriter();
    const struct msrp_counts *counts = msrp_rewriter_counts(r);

    pass(r, START PATHS END START PATHS BODY "MSRP 1234 SEND\r\n\r\n" END,
         START PATHS_OUT END START PATHS_OUT BODY "MSRP 1234 SEND\r\n\r\n" END, whole);
    ck_assert_uint_eq(counts->requests, 2);
    ck_assert_uint_eq(counts->responses, 0);
    ck_assert_uint_eq(counts->unmatched, 0);
    pass(r, strange, strange, bytes);
    ck_assert_uint_eq(counts->requests, 2);
    ck_assert_uint_eq(counts->responses, 1);
    ck_assert_uint_eq(counts->unmatched, 2);
    msrp_rewriter_close(r);
    msrp_rewriter_close(NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        broken_framing_is_refused,
        control_bytes_are_refused_wherever_they_stand,
        what_is_no_msrp_is_refused_at_its_first_byte,
        broken_stays_broken,
        headers_are_bounded,
        the_bound_is_on_one_message,
        lines_without_end_are_refused,
        bodies_are_not_held,
        without_room_nothing_is_lost,
        new_paths_begin_with_the_next_message,
        paths_not_known_yet_match_nothing,
        there_and_back_is_where_it_began,
        messages_and_strange_paths_are_counted,
    };
    return SUITE_RUN("msrp", tests);
}
