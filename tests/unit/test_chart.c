// SPDX-License-Identifier: GPL-3.0-or-later
// Charts as picture, page and JSON. Those of both T.38 figures, of MSRP and of a BFCP call that
// fails are compared with files in tests/golden/chart; what strangers may write into them is tried
// character by character.
#include "common/reason.h"
#include "common/text_json.h"
#include "common/trace/event_json.h"
#include "common/trace/markup.h"
#include "common/utf8.h"
#include "common/web/asset.h"
#include "tests/unit/made_trace.h"
#include "tests/unit/suite.h"

#include <jansson.h>

// --- pictures, JSON ---------------------------------------------------------------------------

struct made {
    const char *name;
    struct trace *(*make)(void);
};

static struct trace *orig_whole(void)
{
    return orig(true);
}

static const struct made all[] = {
    {"t38-orig", orig_whole}, {"t38-term", term},   {"msrp-orig", msrp},
    {"bfcp-failed", bfcp},    {"hostile", hostile},
};
#define ALL (int)(sizeof(all) / sizeof(all[0]))

static void expect(const struct made *made, const char *ending,
                   void (*print)(const struct trace *, struct strbuf *))
{
    struct trace *t = made->make();
    char path[80];

    snprintf(path, sizeof(path), "tests/golden/chart/%s.%s", made->name, ending);
    expect_golden(t, print, path);
    trace_free(t);
}

// Adds a text without what stands between these marks: styles and scripts belong to the program.
static void put_without(struct strbuf *out, const char *text, const char *open, const char *close)
{
    const char *at;

    while ((at = strstr(text, open)) != NULL) {
        const char *end = strstr(at, close);
        ck_assert_ptr_nonnull(end);
        strbuf_add(out, text, (size_t)(at - text) + strlen(open));
        text = end;
    }
    strbuf_puts(out, text);
}

static void print_picture(const struct trace *t, struct strbuf *out)
{
    struct strbuf whole = STRBUF_INIT;

    trace_chart_svg(t, &whole);
    put_without(out, whole.text, "<style>", "</style>");
    strbuf_free(&whole);
}

// Each figure as a picture: its lifelines, its steps, answers dashed, drops crossed out (REQ-110).
START_TEST(pictures)
{
    expect(&all[_i], "svg", print_picture);
}
END_TEST

// The same as JSON, an event on a line, for programs (REQ-110).
START_TEST(lists)
{
    expect(&all[_i], "json", trace_chart_json);
}
END_TEST

// MSRP and BFCP as text and as a Mermaid diagram (REQ-110).
START_TEST(bearers_over_tcp_as_text)
{
    expect(&all[2], "txt", trace_chart_text);
    expect(&all[2], "mmd", trace_chart_mermaid);
    expect(&all[3], "txt", trace_chart_text);
    expect(&all[3], "mmd", trace_chart_mermaid);
}
END_TEST

static void print_page(const struct trace *t, struct strbuf *out)
{
    struct strbuf whole = STRBUF_INIT, styled = STRBUF_INIT, hashed = STRBUF_INIT;

    trace_chart_html(t, &whole);
    put_without(&styled, whole.text, "<style>", "</style>");
    put_without(&hashed, styled.text, "sha256-", "'\">");
    put_without(out, hashed.text, "<script>", "</script>");
    strbuf_free(&whole);
    strbuf_free(&styled);
    strbuf_free(&hashed);
}

// A page holds all that it needs: picture, events, style, script; the script is the only one that
// its policy lets run, and nothing in it points elsewhere.
START_TEST(pages)
{
    expect(&all[_i], "html", print_page);
}
END_TEST

START_TEST(a_page_is_whole)
{
    struct trace *t = orig(true);
    struct strbuf page = STRBUF_INIT;

    trace_chart_html(t, &page);
    ck_assert_ptr_nonnull(strstr(page.text, asset_find("chart.js")->text));
    ck_assert_ptr_nonnull(strstr(page.text, asset_find("style.css")->text));
    ck_assert_ptr_nonnull(strstr(page.text, asset_find("chart.css")->text));
    ck_assert_ptr_nonnull(strstr(page.text, asset_chart_js_hash));
    ck_assert_ptr_null(strstr(page.text, "src=\""));
    ck_assert_ptr_null(strstr(page.text, "href=\""));
    ck_assert_ptr_null(strstr(page.text, "url("));
    strbuf_free(&page);
    trace_free(t);
}
END_TEST

// An empty trace has charts too; no trace has none.
START_TEST(empty_charts)
{
    void (*const prints[])(const struct trace *,
                           struct strbuf *) = {trace_chart_svg, trace_chart_html, trace_chart_json};
    struct trace *t = trace_open("Session empty", 5);

    for (size_t i = 0; i < 3; i++) {
        struct strbuf b = STRBUF_INIT;
        prints[i](NULL, &b);
        ck_assert_uint_eq(b.len, 0);
        prints[i](t, &b);
        ck_assert(!b.failed);
        ck_assert_ptr_nonnull(strstr(b.text, "empty"));
        strbuf_free(&b);
    }
    trace_free(t);
}
END_TEST

// --- an event ---------------------------------------------------------------------------------

static json_t *event_of(enum trace_kind kind, const char *label, const char *detail)
{
    struct trace *t = trace_open("x", 5);
    json_t *o;

    trace_add(t, &(struct trace_event){.kind = kind, .label = label, .detail = detail});
    o = trace_event_json(t, 0);
    ck_assert_ptr_nonnull(o);
    ck_assert_ptr_null(trace_event_json(t, 1));
    trace_free(t);
    return o;
}

static void expect_string(json_t *o, const char *name, const char *value)
{
    json_t *member = json_object_get(o, name);

    if (value == NULL)
        ck_assert_msg(json_is_null(member), "%s is there", name);
    else
        ck_assert_str_eq(json_string_value(member), value);
}

// An edit says what stood there before and what stands there now, or that there was none.
START_TEST(edits_have_two_sides)
{
    json_t *o = event_of(TRACE_SDP_EDIT, "edits SDP", "- b=AS:60\n+ b=AS:50\n");
    expect_string(o, "old", "b=AS:60");
    expect_string(o, "new", "b=AS:50");
    json_decref(o);
    o = event_of(TRACE_SDP_EDIT, "edits SDP", "+ a=setup:passive");
    expect_string(o, "old", NULL);
    expect_string(o, "new", "a=setup:passive");
    json_decref(o);
    o = event_of(TRACE_SDP_EDIT, "edits SDP", NULL);
    expect_string(o, "old", NULL);
    expect_string(o, "new", NULL);
    json_decref(o);
}
END_TEST

// An Iq procedure has its information elements and its H.248 rendering apart.
START_TEST(iq_has_two_parts)
{
    json_t *o = event_of(TRACE_IQ, "ADD.req", "Stream: 1\nTransport protocol: UDP\n\nAdd=$ {\n}");
    expect_string(o, "elements", "Stream: 1\nTransport protocol: UDP");
    expect_string(o, "h248", "Add=$ {\n}");
    json_decref(o);
    o = event_of(TRACE_IQ, "ADD.resp", "Stream: 1");
    expect_string(o, "elements", "Stream: 1");
    expect_string(o, "h248", NULL);
    json_decref(o);
}
END_TEST

// Each reason is found by what is recorded of it, so that it can be explained.
START_TEST(failures_name_their_reason)
{
    for (int r = REASON_NONE + 1; r < REASON_COUNT; r++) {
        char refused[160];
        json_t *o = event_of(TRACE_DROP, "x", reason_text((enum reason)r));
        expect_string(o, "reason", reason_name((enum reason)r));
        json_decref(o);
        snprintf(refused, sizeof(refused), "refused: %s\n", reason_label((enum reason)r));
        o = event_of(TRACE_IQ, "ADD.resp", refused);
        ck_assert(json_is_string(json_object_get(o, "reason")));
        json_decref(o);
    }
    json_t *none = event_of(TRACE_DROP, "x", "the weather");
    ck_assert_ptr_null(json_object_get(none, "reason"));
    json_decref(none);
}
END_TEST

// --- text of strangers ------------------------------------------------------------------------

#define BAD "\xef\xbf\xbd"

// Characters are taken whole; what is none is taken byte by byte (RFC 3629 3).
START_TEST(utf8_is_read_strictly)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa0z", "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa0z"},
        {"\xc0\xaf", BAD BAD},                 // overlong
        {"\xe0\x9f\xbf", BAD BAD BAD},         // overlong
        {"\xf0\x8f\xbf\xbf", BAD BAD BAD BAD}, // overlong
        {"\xed\xa0\x80", BAD BAD BAD},         // a surrogate
        {"\xf4\x90\x80\x80", BAD BAD BAD BAD}, // beyond the last
        {"\xe2\x82", BAD BAD},                 // cut short
        {"\x80x\xff", BAD "x" BAD},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *text = cases[i].in, *end = text + strlen(text);
        struct strbuf b = STRBUF_INIT;
        while (text < end)
            utf8_put(&b, utf8_next(&text, end));
        ck_assert_str_eq(b.text, cases[i].out);
        strbuf_free(&b);
        json_t *json = text_json(cases[i].in);
        ck_assert_str_eq(json_string_value(json), cases[i].out);
        json_decref(json);
    }
}
END_TEST

// No byte a peer sends is markup, a control character, or turns the writing around.
START_TEST(markup_is_text)
{
    static const char in[] = "</text><script>\"x\"&'\n\t\x01\x7f\xe2\x80\xae\xc3\xa4\xff";
    struct strbuf b = STRBUF_INIT;

    markup_puts(&b, in);
    ck_assert_str_eq(b.text, "&#60;/text&#62;&#60;script&#62;&#34;x&#34;&#38;&#39;  " BAD BAD BAD
                             "\xc3\xa4" BAD);
    strbuf_free(&b);
    ck_assert_uint_eq(markup_length("\xc3\xa4z\xff", 4), 3);
    ck_assert_uint_eq(markup_cut("\xc3\xa4z\xff", 4, 1), 2);
    ck_assert_uint_eq(markup_cut("ab", 2, 9), 2);
}
END_TEST

// Whatever bytes an event has: its picture and its page keep their elements, no script but ours
// appears, and its JSON can be read.
START_TEST(nothing_escapes)
{
    static const char *const texts[] = {"</script><script>alert(1)</script>", "<!--<script>",
                                        "]]></style><img src=x onerror=alert(1)>",
                                        "\xff\xfe\xc0\x80\xed\xa0\x80", "\"' onload='x"};
    static const char *const own[] = {"<script", "</script", "<img", "<style", "<!--"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct trace *t = trace_open(texts[i], 20), *calm = trace_open("calm", 20);
        for (int kind = TRACE_SIP; kind <= TRACE_NOTE; kind++) {
            happen(t, 1, (enum trace_kind)kind, PARTY_UE, PARTY_ALG, NULL, texts[i], texts[i],
                   NULL);
            happen(calm, 1, (enum trace_kind)kind, PARTY_UE, PARTY_ALG, NULL, "x", "x", NULL);
        }
        struct strbuf page = STRBUF_INIT, other = STRBUF_INIT, json = STRBUF_INIT;
        trace_chart_html(t, &page);
        trace_chart_html(calm, &other);
        for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++) {
            unsigned found = 0, expected = 0;
            for (const char *p = page.text; (p = strstr(p, own[k])) != NULL; p++)
                found++;
            for (const char *p = other.text; (p = strstr(p, own[k])) != NULL; p++)
                expected++;
            ck_assert_msg(found == expected, "%s: %s", texts[i], own[k]);
        }
        trace_chart_json(t, &json);
        json_t *read = json_loads(json.text, 0, NULL);
        ck_assert_ptr_nonnull(read);
        json_decref(read);
        strbuf_free(&page);
        strbuf_free(&other);
        strbuf_free(&json);
        trace_free(t);
        trace_free(calm);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chart");
    TCase *tc = tcase_create("chart");
    const TTest *const tests[] = {
        bearers_over_tcp_as_text, a_page_is_whole,  empty_charts,
        edits_have_two_sides,     iq_has_two_parts, failures_name_their_reason,
        utf8_is_read_strictly,    markup_is_text,   nothing_escapes,
    };

    tcase_add_loop_test(tc, pictures, 0, ALL);
    tcase_add_loop_test(tc, lists, 0, ALL);
    tcase_add_loop_test(tc, pages, 0, ALL);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    return suite_finish(suite);
}
