// SPDX-License-Identifier: GPL-3.0-or-later
// Whole bodies before and after a sequence of edits, compared byte for byte. A case is three files
// of tests/golden/sdp: NAME.in, NAME.edits, NAME.out. An edit is one line, section is "session" or
// a number counted from 0:
//
//   origin USER SESSION-ID VERSION ADDRESS       media NUMBER PORT [PROTO]
//   connection SECTION ADDRESS                   bandwidth SECTION TYPE VALUE
//   add SECTION TEXT                             set SECTION NAME VALUE
//   drop SECTION NAME                            # a comment
#include "sdp/sdp.h"

#include <check.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "tests/golden/sdp/"
#define CLAUSE "golden"

static glob_t cases;

// --- edits as text ------------------------------------------------------------------------------

// Cuts the next word off *rest.
static char *word(char **rest)
{
    char *at = strsep(rest, " ");

    return at ? at : "";
}

static int section(const char *text)
{
    return strcmp(text, "session") == 0 ? SDP_SESSION : atoi(text);
}

static struct addr address(const char *text)
{
    struct addr addr;

    ck_assert_msg(addr_parse(&addr, text, 0) == 0, "no address: %s", text);
    return addr;
}

static int edit_origin(struct sdp *sdp, char *rest)
{
    const char *user = word(&rest);
    uint64_t id = strtoull(word(&rest), NULL, 10);
    uint64_t version = strtoull(word(&rest), NULL, 10);
    struct addr addr = address(word(&rest));

    return sdp_set_origin(sdp, user, id, version, &addr, CLAUSE);
}

static int edit_media(struct sdp *sdp, char *rest)
{
    size_t media = strtoul(word(&rest), NULL, 10);
    unsigned long port = strtoul(word(&rest), NULL, 10);

    return sdp_set_media(sdp, media, (uint16_t)port, rest, CLAUSE);
}

static int edit_connection(struct sdp *sdp, char *rest)
{
    int where = section(word(&rest));
    struct addr addr = address(word(&rest));

    return sdp_set_connection(sdp, where, &addr, CLAUSE);
}

static int edit_bandwidth(struct sdp *sdp, char *rest)
{
    int where = section(word(&rest));
    const char *type = word(&rest);

    return sdp_set_bandwidth(sdp, where, type, strtoull(word(&rest), NULL, 10), CLAUSE);
}

static int edit_add(struct sdp *sdp, char *rest)
{
    int where = section(word(&rest));

    return sdp_add_attribute(sdp, where, CLAUSE, "%s", rest);
}

static int edit_set(struct sdp *sdp, char *rest)
{
    int where = section(word(&rest));
    const char *name = word(&rest);

    return sdp_set_attribute(sdp, where, name, rest, CLAUSE);
}

static int edit_drop(struct sdp *sdp, char *rest)
{
    int where = section(word(&rest));

    return sdp_drop_attribute(sdp, where, word(&rest), CLAUSE) > 0 ? 0 : -1;
}

static const struct {
    const char *word;
    int (*edit)(struct sdp *sdp, char *rest);
} edits[] = {
    {"origin", edit_origin},       {"media", edit_media}, {"connection", edit_connection},
    {"bandwidth", edit_bandwidth}, {"add", edit_add},     {"set", edit_set},
    {"drop", edit_drop},
};

static void apply(struct sdp *sdp, char *line)
{
    char whole[512];
    char *rest = line;

    snprintf(whole, sizeof(whole), "%s", line);
    const char *name = word(&rest);
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        if (strcmp(name, edits[i].word) == 0) {
            ck_assert_msg(edits[i].edit(sdp, rest) == 0, "failed: %s", whole);
            return;
        }
    }
    ck_abort_msg("no such edit: %s", whole);
}

// --- files --------------------------------------------------------------------------------------

// NAME.in with another ending. Room for the paths of this folder.
static char *file_read(const char *in, const char *ending, size_t *len)
{
    char path[256];
    int base = (int)(strlen(in) - strlen(".in"));

    snprintf(path, sizeof(path), "%.*s%s", base, in, ending);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot read %s", path);
    char *text = calloc(1, 65536);
    *len = fread(text, 1, 65535, file);
    fclose(file);
    return text;
}

// Makes line ends visible.
static void show(const char *title, const char *text, size_t len)
{
    printf("--- %s\n", title);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\r')
            fputs("\\r", stdout);
        else
            putchar(text[i]);
    }
    fflush(stdout); // the process of a failing case ends without doing so
}

static void compare(const char *path, const char *got, size_t got_len)
{
    size_t len;
    char *want = file_read(path, ".out", &len);

    if (len != got_len || memcmp(want, got, len) != 0) {
        show("expected", want, len);
        show("got", got, got_len);
        ck_abort_msg("%s: bodies differ", path);
    }
    free(want);
}

// --- cases --------------------------------------------------------------------------------------

// After the edits of NAME.edits, NAME.in is NAME.out to the byte (REQ-009, REQ-010, REQ-094).
START_TEST(edits_change_what_they_name_and_nothing_else)
{
    const char *path = cases.gl_pathv[_i];
    struct sdp_error error;
    struct sdp *sdp;
    size_t len;
    char *in = file_read(path, ".in", &len);
    ck_assert_msg(sdp_parse(&sdp, in, len, &error) == 0, "%s: %s", path, error.text);

    size_t edits_len;
    char *script = file_read(path, ".edits", &edits_len);
    char *rest = script;
    char *line;
    while ((line = strsep(&rest, "\n"))) {
        if (*line != '#' && *line != '\0')
            apply(sdp, line);
    }
    char *out = sdp_print(sdp, &len);
    compare(path, out, len);

    free(out);
    free(script);
    free(in);
    sdp_free(sdp);
}
END_TEST

// The four bodies of TS 23.334 6.2.10.4.2 and 6.2.10.4.3 are among the cases.
START_TEST(the_four_t38_bodies_are_there)
{
    static const char *const names[] = {"t38-orig-offer", "t38-orig-answer", "t38-term-offer",
                                        "t38-term-answer"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[64];
        bool found = false;

        snprintf(path, sizeof(path), GOLDEN "%s.in", names[i]);
        for (size_t k = 0; k < cases.gl_pathc && !found; k++)
            found = strcmp(cases.gl_pathv[k], path) == 0;
        ck_assert_msg(found, "%s is missing", path);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sdp_golden");
    TCase *tc = tcase_create("golden");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (glob(GOLDEN "*.in", 0, NULL, &cases) != 0) {
        fputs("no cases in " GOLDEN ": run from the top of the tree\n", stderr);
        return EXIT_FAILURE;
    }
    tcase_add_loop_test(tc, edits_change_what_they_name_and_nothing_else, 0, (int)cases.gl_pathc);
    tcase_add_test(tc, the_four_t38_bodies_are_there);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    globfree(&cases);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
