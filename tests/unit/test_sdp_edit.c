// SPDX-License-Identifier: GPL-3.0-or-later
// Edits of single lines and the journal they leave. Whole bodies are in test_sdp_golden.c.
#include "tests/unit/sdp_body.h"

#include <errno.h>
#include <stdio.h>

#define WHY "TS 23.334 6.2.10.4.2"

static struct addr address(const char *text)
{
    struct addr addr;

    ck_assert_int_eq(addr_parse(&addr, text, 0), 0);
    return addr;
}

static void expect_edit(const struct sdp *sdp, size_t index, int section, const char *before,
                        const char *after)
{
    struct sdp_edit edit = sdp_edit_at(sdp, index);

    ck_assert_int_eq(edit.section, section);
    ck_assert_pstr_eq(edit.before, before);
    ck_assert_pstr_eq(edit.after, after);
    ck_assert_pstr_eq(edit.clause, WHY);
}

// The journal tells section, line before, line after and clause, in the order of the edits; an edit
// that changes nothing is not in it.
START_TEST(the_journal_tells_all)
{
    struct sdp *sdp = sdp_of(HEAD "c=IN IP4 192.0.2.10\r\n" FAX "b=AS:60\r\na=setup:actpass\r\n");
    struct addr core = address("198.51.100.1");

    ck_assert_int_eq(sdp_set_origin(sdp, "-", 9001, 1, &core, WHY), 0);
    ck_assert_int_eq(sdp_set_connection(sdp, SDP_SESSION, &core, WHY), 0);
    ck_assert_int_eq(sdp_set_media(sdp, 0, 20002, "udptl", WHY), 0);
    ck_assert_int_eq(sdp_set_bandwidth(sdp, 0, "AS", 50, WHY), 0);
    ck_assert_int_eq(sdp_add_attribute(sdp, 0, WHY, "x:%d", 1), 0);
    ck_assert_int_eq(sdp_drop_attribute(sdp, 0, "setup", WHY), 1);
    for (int again = 0; again < 2; again++) {
        ck_assert_uint_eq(sdp_edit_count(sdp), 6);
        expect_edit(sdp, 0, SDP_SESSION, "o=- 1 2 IN IP4 192.0.2.10",
                    "o=- 9001 1 IN IP4 198.51.100.1");
        expect_edit(sdp, 1, SDP_SESSION, "c=IN IP4 192.0.2.10", "c=IN IP4 198.51.100.1");
        expect_edit(sdp, 2, 0, "m=image 5004 UDP/TLS/UDPTL t38", "m=image 20002 udptl t38");
        expect_edit(sdp, 3, 0, "b=AS:60", "b=AS:50");
        expect_edit(sdp, 4, 0, NULL, "a=x:1");
        expect_edit(sdp, 5, 0, "a=setup:actpass", NULL);
        ck_assert_ptr_null(sdp_edit_at(sdp, 6).after);
        // the same once more: nothing left to do
        ck_assert_int_eq(sdp_set_origin(sdp, "-", 9001, 1, &core, WHY), 0);
        ck_assert_int_eq(sdp_set_connection(sdp, SDP_SESSION, &core, WHY), 0);
        ck_assert_int_eq(sdp_set_media(sdp, 0, 20002, NULL, WHY), 0);
        ck_assert_int_eq(sdp_set_bandwidth(sdp, 0, "AS", 50, WHY), 0);
        ck_assert_int_eq(sdp_set_attribute(sdp, 0, "x", "1", WHY), 0);
        ck_assert_int_eq(sdp_drop_attribute(sdp, 0, "setup", WHY), 0);
        ck_assert_int_eq(sdp_drop_bandwidth(sdp, 0, "CT", WHY), 0);
    }
    sdp_free(sdp);
}
END_TEST

// m= keeps what is not named: blanks, media and format; a number of ports goes.
START_TEST(media_line)
{
    struct sdp *sdp = sdp_of(HEAD "m=image  5004/2\tUDP/TLS/UDPTL  t38 x \r\n");

    ck_assert_int_eq(sdp_set_media(sdp, 0, 65535, "udptl", WHY), 0);
    expect_body(sdp, HEAD "m=image  65535\tudptl  t38 x \r\n");
    ck_assert_int_eq(sdp_set_media(sdp, 0, 0, NULL, WHY), 0);
    expect_body(sdp, HEAD "m=image  0\tudptl  t38 x \r\n");
    ck_assert_int_eq(sdp_set_media(sdp, 1, 1, NULL, WHY), -ENOENT);
    ck_assert_int_eq(sdp_set_media(sdp, 0, 1, "", WHY), -EINVAL);
    ck_assert_int_eq(sdp_set_media(sdp, 0, 1, "a b", WHY), -EINVAL);
    ck_assert_int_eq(sdp_set_media(sdp, 0, 1, "a\r\nb", WHY), -EINVAL);
    ck_assert_uint_eq(sdp_edit_count(sdp), 2);
    sdp_free(sdp);
}
END_TEST

// Inserted attributes stand before the received ones in the order of insertion, replacing one of
// either kind keeps it there, and a clone takes all of them as received.
START_TEST(attributes_have_their_order)
{
    struct sdp *sdp = sdp_of(HEAD FAX "a=received\r\nb=AS:1\r\n" FAX "c=IN IP4 192.0.2.10\r\n");

    ck_assert_int_eq(sdp_add_attribute(sdp, 0, WHY, "one"), 0);
    ck_assert_int_eq(sdp_add_attribute(sdp, 1, WHY, "other"), 0);
    ck_assert_int_eq(sdp_add_attribute(sdp, 0, WHY, "two"), 0);
    ck_assert_int_eq(sdp_set_attribute(sdp, 0, "received", "still", WHY), 0);
    ck_assert_int_eq(sdp_set_attribute(sdp, 0, "one", "1", WHY), 0);
    ck_assert_int_eq(sdp_add_attribute(sdp, 0, WHY, "three"), 0);
    ck_assert_int_eq(sdp_add_attribute(sdp, SDP_SESSION, WHY, "session"), 0);
    expect_body(sdp, HEAD "a=session\r\n" FAX "a=one:1\r\na=two\r\na=three\r\na=received:still\r\n"
                          "b=AS:1\r\n" FAX "c=IN IP4 192.0.2.10\r\na=other\r\n");
    struct sdp *clone = sdp_clone(sdp);
    ck_assert_uint_eq(sdp_edit_count(clone), 0);
    ck_assert_int_eq(sdp_add_attribute(clone, 0, WHY, "zero"), 0);
    expect_body(clone,
                HEAD "a=session\r\n" FAX "a=zero\r\na=one:1\r\na=two\r\na=three\r\n"
                     "a=received:still\r\nb=AS:1\r\n" FAX "c=IN IP4 192.0.2.10\r\na=other\r\n");
    ck_assert_uint_eq(sdp_edit_count(sdp), 7);
    sdp_free(clone);
    sdp_free(sdp);
}
END_TEST

// Replacing a T.38 attribute keeps the spelling of its name; dropping goes by the same names as the
// views (RFC 5347 2.5.2).
START_TEST(names_keep_their_spelling)
{
    struct sdp *sdp = sdp_of(HEAD FAX "a=t38FaxMaxDatagram:400\r\na=Setup:x\r\na=setup\r\n"
                                      "a=setup:y\r\na=setups\r\n");

    ck_assert_int_eq(sdp_set_attribute(sdp, 0, "T38FaxMaxDatagram", "200", WHY), 0);
    ck_assert_int_eq(sdp_set_attribute(sdp, 0, "SETUP", "z", WHY), -ENOENT);
    ck_assert_int_eq(sdp_drop_attribute(sdp, 0, "setup", WHY), 2);
    expect_body(sdp, HEAD FAX "a=t38FaxMaxDatagram:200\r\na=Setup:x\r\na=setups\r\n");
    ck_assert_int_eq(sdp_drop_attribute(sdp, 0, "T38faxMAXdatagram", WHY), 1);
    expect_body(sdp, HEAD FAX "a=Setup:x\r\na=setups\r\n");
    sdp_free(sdp);
}
END_TEST

// b= is replaced where it is and never created (REQ-091); others keep their values (REQ-095).
START_TEST(bandwidth)
{
    struct sdp *sdp =
        sdp_of(HEAD "b=TIAS:1\r\n" FAX "b=RS:0\r\nb=AS:60\r\nb=AS:70\r\nb=TIAS:2\r\n");

    ck_assert_int_eq(sdp_set_bandwidth(sdp, 0, "AS", UINT64_MAX, WHY), 0);
    ck_assert_int_eq(sdp_set_bandwidth(sdp, 0, "CT", 1, WHY), -ENOENT);
    ck_assert_int_eq(sdp_set_bandwidth(sdp, SDP_SESSION, "AS", 1, WHY), -ENOENT);
    ck_assert_int_eq(sdp_drop_bandwidth(sdp, SDP_SESSION, "TIAS", WHY), 0);
    expect_body(sdp, HEAD FAX "b=RS:0\r\nb=AS:18446744073709551615\r\nb=AS:70\r\nb=TIAS:2\r\n");
    ck_assert_int_eq(sdp_drop_bandwidth(sdp, 0, "AS", WHY), 0);
    expect_body(sdp, HEAD FAX "b=RS:0\r\nb=TIAS:2\r\n");
    ck_assert_uint_eq(sdp_edit_count(sdp), 4);
    sdp_free(sdp);
}
END_TEST

// Lines that come and go in one section leave the media lines of the others in their place
// (REQ-009).
START_TEST(sections_move_with_their_lines)
{
    struct sdp *sdp = sdp_of(HEAD "a=s\r\n" FAX "a=x\r\na=x\r\n" FAX "a=y\r\n" FAX "a=z\r\n");
    struct addr any = address("::");

    ck_assert_int_eq(sdp_set_connection(sdp, SDP_SESSION, &any, WHY), 0);
    ck_assert_int_eq(sdp_drop_attribute(sdp, SDP_SESSION, "s", WHY), 1);
    ck_assert_int_eq(sdp_drop_attribute(sdp, 0, "x", WHY), 2);
    ck_assert_int_eq(sdp_set_connection(sdp, 1, &any, WHY), 0);
    ck_assert_int_eq(sdp_set_media(sdp, 2, 1, "udptl", WHY), 0);
    ck_assert(sdp_attribute(sdp, 1, "y", NULL));
    ck_assert(sdp_attribute(sdp, 2, "z", NULL));
    expect_body(sdp, "v=0\r\no=- 1 2 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP6 ::\r\nt=0 0\r\n" FAX FAX
                     "c=IN IP6 ::\r\na=y\r\nm=image 1 udptl t38\r\na=z\r\n");
    sdp_free(sdp);
}
END_TEST

// No edit can make two lines of one, or a line that is too long (a value may come from a peer).
START_TEST(an_edit_is_one_line)
{
    struct sdp *sdp = sdp_of(HEAD FAX "a=x\r\n");
    static char longest[SDP_LINE_MAX - 2 + 1];
    struct addr unset = {.len = 0}, set = address("192.0.2.1");

    memset(longest, 'y', sizeof(longest) - 1);
    ck_assert_int_eq(sdp_add_attribute(sdp, 0, WHY, "%sz", longest), -EINVAL);
    ck_assert_int_eq(sdp_add_attribute(sdp, 0, WHY, "x\na=y"), -EINVAL);
    ck_assert_int_eq(sdp_add_attribute(sdp, 0, WHY, "x\r"), -EINVAL);
    ck_assert_int_eq(sdp_set_attribute(sdp, 0, "x", "\n", WHY), -EINVAL);
    ck_assert_int_eq(sdp_set_attribute(sdp, 0, "x", longest, WHY), -EINVAL);
    ck_assert_int_eq(sdp_set_origin(sdp, "-\r\n", 1, 1, &set, WHY), -EINVAL);
    ck_assert_int_eq(sdp_set_origin(sdp, "-", 1, 1, &unset, WHY), -EINVAL);
    ck_assert_int_eq(sdp_set_connection(sdp, 0, &unset, WHY), -EINVAL);
    ck_assert_uint_eq(sdp_edit_count(sdp), 0);
    expect_body(sdp, HEAD FAX "a=x\r\n");
    ck_assert_int_eq(sdp_add_attribute(sdp, 0, WHY, "%s", longest), 0);
    ck_assert_uint_eq(strlen(sdp_edit_at(sdp, 0).after), SDP_LINE_MAX);
    sdp_free(sdp);
}
END_TEST

// A section that does not exist is not edited.
START_TEST(no_such_section)
{
    struct sdp *sdp = sdp_of(HEAD FAX);
    struct addr set = address("192.0.2.1");

    ck_assert_int_eq(sdp_add_attribute(sdp, 1, WHY, "x"), -ENOENT);
    ck_assert_int_eq(sdp_add_attribute(sdp, -2, WHY, "x"), -ENOENT);
    ck_assert_int_eq(sdp_set_connection(sdp, 1, &set, WHY), -ENOENT);
    ck_assert_int_eq(sdp_set_attribute(sdp, 1, "x", "y", WHY), -ENOENT);
    ck_assert_int_eq(sdp_drop_attribute(sdp, 1, "x", WHY), 0);
    ck_assert_uint_eq(sdp_edit_count(sdp), 0);
    sdp_free(sdp);
}
END_TEST

// Edits keep to the bound on lines, so that whatever is printed parses again.
START_TEST(lines_are_bounded)
{
    struct sdp *sdp = sdp_of(HEAD FAX);
    struct addr set = address("192.0.2.1");
    struct sdp_error error;
    struct sdp *again = NULL;
    size_t len;

    for (unsigned i = 5; i < SDP_LINES_MAX; i++)
        ck_assert_int_eq(sdp_add_attribute(sdp, 0, WHY, "x%u", i), 0);
    ck_assert_int_eq(sdp_add_attribute(sdp, 0, WHY, "x"), -ENOSPC);
    ck_assert_int_eq(sdp_set_connection(sdp, 0, &set, WHY), -ENOSPC);
    ck_assert_uint_eq(sdp_edit_count(sdp), SDP_LINES_MAX - 5);
    char *body = sdp_print(sdp, &len);
    ck_assert_int_eq(sdp_parse(&again, body, len, &error), 0);
    expect_body(again, body);
    sdp_free(again);
    free(body);
    sdp_free(sdp);
}
END_TEST

// A clone is a document of its own.
START_TEST(clones_are_independent)
{
    struct sdp *sdp = sdp_of(HEAD FAX "a=x");
    struct sdp *clone = sdp_clone(sdp);

    ck_assert_int_eq(sdp_drop_attribute(sdp, 0, "x", WHY), 1);
    expect_body(sdp, HEAD FAX);
    sdp_free(sdp);
    expect_body(clone, HEAD FAX "a=x");
    sdp_free(clone);
    sdp_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sdp_edit");
    TCase *tc = tcase_create("edit");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tc, the_journal_tells_all);
    tcase_add_test(tc, media_line);
    tcase_add_test(tc, attributes_have_their_order);
    tcase_add_test(tc, names_keep_their_spelling);
    tcase_add_test(tc, bandwidth);
    tcase_add_test(tc, sections_move_with_their_lines);
    tcase_add_test(tc, an_edit_is_one_line);
    tcase_add_test(tc, no_such_section);
    tcase_add_test(tc, lines_are_bounded);
    tcase_add_test(tc, clones_are_independent);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
