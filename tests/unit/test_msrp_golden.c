// SPDX-License-Identifier: GPL-3.0-or-later
// Recorded transcripts of one direction of a connection, before and after the rewriter, compared
// byte for byte. A case is three files of tests/golden/msrp: NAME.paths (to_match, to_value,
// from_match and from_value, a line each), NAME.in, NAME.out.
#include "tests/unit/msrp_feed.h"

#include <check.h>
#include <glob.h>

#define GOLDEN "tests/golden/msrp/"
#define FILE_MAX 16384
#define RANDOM_ROUNDS 200

static glob_t names;

// The case in hand.
static const char *name;
static uint8_t in[FILE_MAX], want[FILE_MAX];
static size_t in_len, want_len;
static char lines[FILE_MAX];
static struct msrp_paths paths;

// --- files --------------------------------------------------------------------------------------

static size_t load(void *bytes, const char *ending)
{
    char path[256];

    snprintf(path, sizeof(path), "%.*s%s", (int)(strlen(name) - strlen(".paths")), name, ending);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot read %s", path);
    size_t len = fread(bytes, 1, FILE_MAX, file);
    ck_assert_msg(len > 0 && len < FILE_MAX, "%s is empty or too long", path);
    fclose(file);
    return len;
}

static void load_case(int number)
{
    name = names.gl_pathv[number];
    in_len = load(in, ".in");
    want_len = load(want, ".out");
    lines[load(lines, ".paths")] = '\0';
    char *rest = lines;
    paths.to_match = strsep(&rest, "\n");
    paths.to_value = strsep(&rest, "\n");
    paths.from_match = strsep(&rest, "\n");
    paths.from_value = strsep(&rest, "\n");
    ck_assert_msg(rest != NULL && *rest == '\0', "%s: expected four lines", name);
}

// --- comparison ---------------------------------------------------------------------------------

static void expect(const char *what, const uint8_t *expected, size_t len, struct feed_result got)
{
    size_t same = 0;

    while (same < len && same < got.len && expected[same] == got.out[same])
        same++;
    ck_assert_msg(got.rc == 0, "%s, %s: refused behind byte %zu", name, what, got.consumed);
    ck_assert_msg(got.consumed == in_len, "%s, %s: input is left", name, what);
    ck_assert_msg(len == got.len && same == len,
                  "%s, %s: %zu bytes, expected %zu; differs at %zu: got '%.*s', expected '%.*s'",
                  name, what, got.len, len, same, (int)(got.len - same),
                  (const char *)got.out + same, (int)(len - same), (const char *)expected + same);
    free(got.out);
}

static void expect_golden(const char *what, struct feed_pieces pieces)
{
    expect(what, want, want_len, feed_new(&paths, in, in_len, pieces));
}

// --- cases --------------------------------------------------------------------------------------

// To-Path and From-Path of every request, report and response change, nothing else (REQ-055,
// REQ-056, REQ-140, RFC 4975 6.1, 7.1, 7.2).
START_TEST(whole_transcripts)
{
    load_case(_i);
    expect_golden("whole", (struct feed_pieces){.in = FEED_ALL, .out = FEED_ALL});
}
END_TEST

// Where one segment of TCP ends and the next begins makes no difference: each place is tried.
START_TEST(every_split_in_two)
{
    load_case(_i);
    for (size_t first = 1; first < in_len; first++) {
        struct feed_pieces pieces = {.first = first, .in = FEED_ALL, .out = FEED_ALL};
        expect_golden("split in two", pieces);
        pieces.out = 7;
        expect_golden("split in two, little room", pieces);
    }
}
END_TEST

// Nor do segments of one byte, nor room for one byte.
START_TEST(byte_by_byte)
{
    load_case(_i);
    expect_golden("bytes in", (struct feed_pieces){.in = 1, .out = FEED_ALL});
    expect_golden("bytes out", (struct feed_pieces){.in = FEED_ALL, .out = 1});
    expect_golden("bytes in and out", (struct feed_pieces){.in = 1, .out = 1});
}
END_TEST

// Nor do segments and room of random sizes.
START_TEST(random_splits)
{
    load_case(_i);
    for (uint32_t seed = 1; seed <= RANDOM_ROUNDS; seed++) {
        size_t most = 2 + seed % 97;
        expect_golden("random", (struct feed_pieces){.in = most, .out = 131 - most, .seed = seed});
    }
}
END_TEST

// With paths that become themselves the rewriter is a wire.
START_TEST(same_paths_change_nothing)
{
    load_case(_i);
    const struct msrp_paths same = {paths.to_match, paths.to_match, paths.from_match,
                                    paths.from_match};
    const struct feed_pieces whole = {.in = FEED_ALL, .out = FEED_ALL};
    expect("same paths", in, in_len, feed_new(&same, in, in_len, whole));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {whole_transcripts, every_split_in_two, byte_by_byte,
                                  random_splits, same_paths_change_nothing};
    Suite *suite = suite_create("msrp_golden");
    TCase *tc = tcase_create("transcripts");

    if (glob(GOLDEN "*.paths", 0, NULL, &names) != 0) {
        fprintf(stderr, "no cases in " GOLDEN "\n");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_loop_test(tc, tests[i], 0, (int)names.gl_pathc);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    globfree(&names);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
