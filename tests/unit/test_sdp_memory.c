// SPDX-License-Identifier: GPL-3.0-or-later
// Out of memory at every single allocation: each call says -ENOMEM, changes nothing, leaks nothing,
// and succeeds when asked again. The sources are compiled in with an allocator that can fail.
#include "tests/unit/sdp_body.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

// How many allocations still succeed; negative: all.
static int allowance = -1;

static bool denied(void)
{
    return allowance >= 0 && allowance-- == 0;
}

static void *fragile_malloc(size_t size)
{
    return denied() ? NULL : malloc(size);
}

static void *fragile_calloc(size_t count, size_t size)
{
    return denied() ? NULL : calloc(count, size);
}

static void *fragile_realloc(void *old, size_t size)
{
    return denied() ? NULL : realloc(old, size);
}

#define malloc fragile_malloc
#define calloc fragile_calloc
#define realloc fragile_realloc
// NOLINTBEGIN(bugprone-suspicious-include)
#include "sdp/document.c"
#include "sdp/edit.c"
#include "sdp/parse.c"
#include "sdp/text.c"
#include "sdp/view.c"
// NOLINTEND(bugprone-suspicious-include)
#undef malloc
#undef calloc
#undef realloc

#define BODY HEAD "a=s\r\n" FAX "c=IN IP4 192.0.2.10\r\nc=IN IP4 192.0.2.11\r\nb=AS:60\r\na=x\r\n"
#define CLAUSE "clause"

// --- the edits, one of each kind ----------------------------------------------------------------

static struct addr address(void)
{
    struct addr addr;

    ck_assert_int_eq(addr_parse(&addr, "2001:db8::1", 0), 0);
    return addr;
}

static int set_media(struct sdp *sdp)
{
    return sdp_set_media(sdp, 0, 1, "udptl", CLAUSE);
}

static int set_origin(struct sdp *sdp)
{
    struct addr addr = address();

    return sdp_set_origin(sdp, "-", 1, 1, &addr, CLAUSE);
}

static int set_connection(struct sdp *sdp)
{
    struct addr addr = address();

    return sdp_set_connection(sdp, 0, &addr, CLAUSE);
}

static int insert_connection(struct sdp *sdp)
{
    struct addr addr = address();

    return sdp_set_connection(sdp, SDP_SESSION, &addr, CLAUSE);
}

static int set_bandwidth(struct sdp *sdp)
{
    return sdp_set_bandwidth(sdp, 0, "AS", 50, CLAUSE);
}

static int drop_bandwidth(struct sdp *sdp)
{
    return sdp_drop_bandwidth(sdp, 0, "AS", CLAUSE);
}

static int add_attribute(struct sdp *sdp)
{
    return sdp_add_attribute(sdp, 0, CLAUSE, "y");
}

static int set_attribute(struct sdp *sdp)
{
    return sdp_set_attribute(sdp, 0, "x", "z", CLAUSE);
}

static int drop_attribute(struct sdp *sdp)
{
    int rc = sdp_drop_attribute(sdp, 0, "x", CLAUSE);

    return rc == 1 ? 0 : rc;
}

static int (*const edits[])(struct sdp *sdp) = {
    set_media,      set_origin,    set_connection, insert_connection, set_bandwidth,
    drop_bandwidth, add_attribute, set_attribute,  drop_attribute,
};

// --- cases --------------------------------------------------------------------------------------

// Parsing, printing and cloning fail at each of their allocations and leave no trace.
START_TEST(documents)
{
    struct sdp *untouched = (struct sdp *)1;
    struct sdp_error error;
    size_t len = 99;
    int failures = 0;

    for (int n = 0;; n++) {
        struct sdp *sdp = untouched;
        allowance = n;
        int rc = sdp_parse(&sdp, BODY, strlen(BODY), &error);
        allowance = -1;
        if (rc == 0) {
            sdp_free(sdp);
            break;
        }
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_ptr_eq(sdp, untouched);
        failures++;
    }
    ck_assert_int_eq(failures, 3); // document, lines, text

    struct sdp *sdp = sdp_of(BODY);
    for (int n = 0; n < 4; n++) {
        allowance = n;
        ck_assert_ptr_null(sdp_clone(sdp));
    }
    allowance = 0;
    ck_assert_ptr_null(sdp_print(sdp, &len));
    allowance = -1;
    ck_assert_uint_eq(len, 99);
    expect_body(sdp, BODY);
    sdp_free(sdp);
}
END_TEST

// Uses up what room the document has, so that the next edit needs every kind of memory.
static struct sdp *full_document(void)
{
    struct sdp *sdp = sdp_of(BODY);

    while (sdp->line_count < sdp->line_room)
        ck_assert_int_eq(sdp_add_attribute(sdp, SDP_SESSION, CLAUSE, "fill"), 0);
    while (sdp->edit_count < sdp->edit_room)
        ck_assert_int_eq(sdp_set_bandwidth(sdp, 0, "AS", 100 + sdp->edit_count, CLAUSE), 0);
    sdp->texts->used = sdp->texts->size;
    return sdp;
}

// Each edit fails at each of its allocations, leaves body and journal as they were, and can be
// repeated.
START_TEST(every_edit)
{
    struct sdp *sdp = full_document();
    size_t count = sdp_edit_count(sdp);
    size_t len;
    char *before = sdp_print(sdp, &len);
    int failures = 0;

    for (int n = 0;; n++) {
        allowance = n;
        int rc = edits[_i](sdp);
        allowance = -1;
        if (rc == 0)
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        expect_body(sdp, before);
        ck_assert_uint_eq(sdp_edit_count(sdp), count);
        failures++;
    }
    ck_assert_int_ge(failures, 1);
    ck_assert_uint_gt(sdp_edit_count(sdp), count);
    free(before);
    sdp_free(sdp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sdp_memory");
    TCase *tc = tcase_create("memory");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tc, documents);
    tcase_add_loop_test(tc, every_edit, 0, (int)(sizeof(edits) / sizeof(edits[0])));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
