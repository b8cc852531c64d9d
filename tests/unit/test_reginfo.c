// SPDX-License-Identifier: GPL-3.0-or-later
// Documents of the reg event package: what is read from them, and what is refused.
#include "alg/reginfo.h"
#include "tests/unit/suite.h"

#include "common/strbuf.h"

#include <errno.h>
#include <string.h>

#define OPEN "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"3\" state=\"full\">"
#define SHUT "</reginfo>"

static struct reginfo info;

static int parse(const char *text)
{
    return reginfo_parse(&info, text, strlen(text));
}

START_TEST(contacts_and_bare_identities_are_read_RFC_3680_5)
{
    const char *text =
        "<?xml version=\"1.0\"?>\n" OPEN
        "<registration aor=\"sip:alice@home.example\" id=\"a\" state=\"active\">"
        "<contact id=\"1\" state=\"active\" event=\"shortened\" expires=\"60\" q=\"0.8\">"
        "<uri>\n sip:alice@192.0.2.1 </uri><display-name>A</display-name>"
        "<x:extra xmlns:x=\"urn:x\"><x:uri>sip:not@this</x:uri></x:extra></contact>"
        "<contact id=\"2\" state=\"terminated\" event=\"deactivated\"><uri>sip:b@c</uri></contact>"
        "</registration><registration aor=\"tel:+1\" id=\"b\" state=\"terminated\"/>" SHUT;
    ck_assert_int_eq(parse(text), 0);
    ck_assert_uint_eq(info.version, 3);
    ck_assert(info.full);
    ck_assert_uint_eq(info.count, 3);
    ck_assert_str_eq(info.entry[0].uri, "sip:alice@192.0.2.1");
    ck_assert_int_eq(info.entry[0].event, REGINFO_SHORTENED);
    ck_assert_uint_eq(info.entry[0].expires_s, 60);
    ck_assert(info.entry[1].contact_terminated && !info.entry[1].registration_terminated);
    ck_assert_int_eq(info.entry[1].event, REGINFO_DEACTIVATED);
    ck_assert_str_eq(info.entry[1].aor, "sip:alice@home.example");
    ck_assert_str_eq(info.entry[2].aor, "tel:+1");
    ck_assert_str_eq(info.entry[2].uri, "");
    ck_assert(info.entry[2].registration_terminated);
}
END_TEST

static const char *const broken[] = {
    "",
    "hello",
    OPEN,
    "<reginfo version=\"1\" state=\"full\"/>", // another namespace
    "<other xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"1\" state=\"full\"/>",
    "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" state=\"full\"/>",
    OPEN "<registration id=\"a\"/>" SHUT,
    "<!DOCTYPE reginfo [<!ENTITY a \"aaaa\">]>" OPEN SHUT,
};

START_TEST(what_is_no_such_document_is_refused)
{
    ck_assert_int_eq(parse(broken[_i]), -EINVAL);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    struct strbuf many = STRBUF_INIT, longer = STRBUF_INIT;
    strbuf_puts(&many, OPEN "<registration aor=\"sip:a@b\" state=\"active\">");
    for (unsigned i = 0; i <= REGINFO_ENTRIES_MAX; i++)
        strbuf_puts(&many, "<contact state=\"active\"><uri>sip:x@y</uri></contact>");
    strbuf_puts(&many, "</registration>" SHUT);
    ck_assert_int_eq(parse(many.text), -E2BIG);
    strbuf_puts(&longer, OPEN "<registration aor=\"sip:a@b\" state=\"active\"><contact><uri>");
    for (unsigned i = 0; i < REGINFO_URI_MAX; i++)
        strbuf_puts(&longer, "x");
    strbuf_puts(&longer, "</uri></contact></registration>" SHUT);
    ck_assert_int_eq(parse(longer.text), -E2BIG);
    strbuf_free(&many);
    strbuf_free(&longer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reginfo");
    TCase *tc = tcase_create("reginfo");
    tcase_add_test(tc, contacts_and_bare_identities_are_read_RFC_3680_5);
    tcase_add_loop_test(tc, what_is_no_such_document_is_refused, 0,
                        (int)(sizeof(broken) / sizeof(broken[0])));
    tcase_add_test(tc, what_does_not_fit_is_refused);
    tcase_set_timeout(tc, SUITE_TIMEOUT);
    suite_add_tcase(suite, tc);
    return suite_finish(suite);
}
