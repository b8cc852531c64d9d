// SPDX-License-Identifier: GPL-3.0-or-later
// When two MSRP paths are the same (RFC 4975 6.1).
#include "agw/msrp_path.h"
#include "tests/unit/suite.h"

#include <string.h>

struct pair {
    const char *a, *b;
};

// A copy of its very size, so that a sanitizer sees a byte read behind it.
static struct msrp_text text(const char *bytes)
{
    size_t len = strlen(bytes);
    char *at = malloc(len > 0 ? len : 1);

    ck_assert_ptr_nonnull(at);
    for (size_t i = 0; i < len; i++)
        at[i] = bytes[i];
    return (struct msrp_text){at, len};
}

static void text_free(struct msrp_text t)
{
    free((char *)t.at);
}

// Both ways round, and each with itself.
static void expect(const struct pair *pairs, size_t count, bool equal)
{
    for (size_t i = 0; i < count; i++) {
        struct msrp_text a = text(pairs[i].a), b = text(pairs[i].b), again = text(pairs[i].a);
        ck_assert_msg(msrp_path_equal(a, b) == equal, "'%s' and '%s'", pairs[i].a, pairs[i].b);
        ck_assert_msg(msrp_path_equal(b, a) == equal, "'%s' and '%s'", pairs[i].b, pairs[i].a);
        ck_assert_msg(msrp_path_equal(a, again), "'%s' and itself", pairs[i].a);
        text_free(a);
        text_free(b);
        text_free(again);
    }
}

#define EXPECT(pairs, equal) expect((pairs), sizeof(pairs) / sizeof((pairs)[0]), (equal))

START_TEST(what_does_not_count)
{
    // The case of scheme, host and transport, the spelling of literals and ports, userinfo, further
    // parameters (RFC 4975 6.1).
    static const struct pair pairs[] = {
        {"msrp://host:1/s;tcp", "MSRP://host:1/s;tcp"},
        {"msrps://host:1/s;tcp", "mSrPs://host:1/s;tcp"},
        {"msrp://host.example.com:1/s;tcp", "msrp://HOST.Example.com:1/s;tcp"},
        {"msrp://host:1/s;tcp", "msrp://host:1/s;TCP"},
        {"msrp://host:1/s;tcp", "msrp://alice@host:1/s;tcp"},
        {"msrp://bob:pass;word@host:1/s;tcp", "msrp://alice@host:1/s;tcp"},
        {"msrp://a@b@host:1/s;tcp", "msrp://host:1/s;tcp"},
        {"msrp://host:1/s;tcp", "msrp://host:1/s;tcp;x=y;z"},
        {"msrp://host:1/s;tcp;a", "msrp://host:1/s;tcp;b"},
        {"msrp://host:2855/s;tcp", "msrp://host:02855/s;tcp"},
        {"msrp://[2001:db8::1]:1/s;tcp", "msrp://[2001:DB8:0:0:0:0:0:1]:1/s;tcp"},
        {"msrp://[::ffff:192.0.2.1]:1/s;tcp", "msrp://[::ffff:c000:201]:1/s;tcp"},
        {"msrp://[2001:db8::1]/s;tcp", "msrp://[2001:db8:0::1]/s;tcp"},
        {"msrp://[2001:db8::1];tcp", "msrp://[2001:db8:0::1];TCP"},
        {"msrp://host;tcp", "msrp://HOST;tcp"},
        {"msrp://host:1/a/b;tcp", "msrp://HOST:1/a/b;tcp"},
    };
    EXPECT(pairs, true);
}
END_TEST

START_TEST(what_does_count)
{
    // Scheme, host, port, session-id and transport; port and session-id also by being there at all.
    static const struct pair pairs[] = {
        {"msrp://host:1/s;tcp", "msrps://host:1/s;tcp"},
        {"msrp://host:1/s;tcp", "msrp://hosts:1/s;tcp"},
        {"msrp://192.0.2.1:1/s;tcp", "msrp://192.0.2.2:1/s;tcp"},
        {"msrp://192.0.2.1:1/s;tcp", "msrp://[::ffff:192.0.2.1]:1/s;tcp"},
        {"msrp://[2001:db8::1]:1/s;tcp", "msrp://[2001:db8::2]:1/s;tcp"},
        {"msrp://host:1/s;tcp", "msrp://host:2/s;tcp"},
        {"msrp://host:2855/s;tcp", "msrp://host/s;tcp"},
        {"msrp://[2001:db8::1]:1/s;tcp", "msrp://[2001:db8::1]/s;tcp"},
        {"msrp://host:1/s;tcp", "msrp://host:1/S;tcp"},
        {"msrp://host:1/s;tcp", "msrp://host:1/s2;tcp"},
        {"msrp://host:1/s;tcp", "msrp://host:1;tcp"},
        {"msrp://host:1/;tcp", "msrp://host:1;tcp"},
        {"msrp://host:1/a/b;tcp", "msrp://host:1/a%2fb;tcp"},
        {"msrp://host:1/a@b;tcp", "msrp://host:1/b;tcp"},
        {"msrp://host:1/s;tcp", "msrp://host:1/s;sctp"},
        {"msrp://host:1/s;tcp", "msrp://host:1/s;tcps"},
    };
    EXPECT(pairs, false);
}
END_TEST

START_TEST(what_is_no_uri)
{
    // Text that lacks a part is like nothing but its own spelling.
    static const struct pair pairs[] = {
        {"msrp://host:1/s;tcp", ""},
        {"", "msrp"},
        {"msrp:", "MSRP:"},
        {"msrp:/", "MSRP:/"},
        {"msrp:/host;tcp", "MSRP:/host;tcp"},
        {"msrp:", "MSRP://"},
        {"://host:1/s;tcp", "://HOST:1/s;tcp"},
        {"msrp://:1/s;tcp", "MSRP://:1/s;tcp"},
        {"msrp:///s;tcp", "MSRP:///s;tcp"},
        {"msrp://a@:1/s;tcp", "MSRP://a@:1/s;tcp"},
        {"msrp://host:1/s", "MSRP://host:1/s"},
        {"msrp://host:1/s;", "MSRP://host:1/s;"},
        {"msrp://host:1/s;;", "MSRP://host:1/s;;"},
        {"msrp://host:/s;tcp", "MSRP://host:/s;tcp"},
        {"msrp://host:x/s;tcp", "MSRP://host:x/s;tcp"},
        {"msrp://host:1x/s;tcp", "MSRP://host:1x/s;tcp"},
        {"msrp://host:65536/s;tcp", "MSRP://host:65536/s;tcp"},
        {"msrp://host:99999999999999999999999/s;tcp", "MSRP://host:99999999999999999999999/s;tcp"},
        {"msrp://[2001:db8::1:1/s;tcp", "MSRP://[2001:db8::1:1/s;tcp"},
        {"msrp://[2001:db8::1]x:1/s;tcp", "MSRP://[2001:db8::1]x:1/s;tcp"},
        {"msrp://[", "MSRP://["},
        {"sip:alice@host;tcp", "SIP:alice@host;tcp"},
    };
    EXPECT(pairs, false);
}
END_TEST

START_TEST(paths_of_several_uris)
{
    // As many, each like its counterpart, in their order (RFC 4975 8.2, REQ-140); more spaces
    // than one do not count.
    static const struct pair equal[] = {
        {"", ""},
        {"", "  "},
        {"msrp://r:1/a;tcp msrp://p:2/b;tcp", "MSRP://r:1/a;tcp   msrp://P:2/b;tcp "},
        {" msrp://r:1/a;tcp", "msrp://R:1/a;tcp"},
    };
    static const struct pair different[] = {
        {"msrp://r:1/a;tcp msrp://p:2/b;tcp", "msrp://p:2/b;tcp msrp://r:1/a;tcp"},
        {"msrp://r:1/a;tcp msrp://p:2/b;tcp", "msrp://r:1/a;tcp"},
        {"msrp://r:1/a;tcp msrp://p:2/b;tcp", "msrp://p:2/b;tcp"},
        {"msrp://r:1/a;tcp msrp://r:1/a;tcp", "msrp://r:1/a;tcp"},
    };
    EXPECT(equal, true);
    EXPECT(different, false);
}
END_TEST

START_TEST(first_of_a_path)
{
    // The leftmost URI is the next hop (RFC 4975 8.2).
    static const struct pair firsts[] = {
        {"msrp://r:1/a;tcp msrp://p:2/b;tcp", "msrp://r:1/a;tcp"},
        {"  msrp://r:1/a;tcp x", "msrp://r:1/a;tcp"},
        {"msrp://r:1/a;tcp", "msrp://r:1/a;tcp"},
        {"  ", ""},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        struct msrp_text path = text(firsts[i].a);
        struct msrp_text first = msrp_path_first(path);
        ck_assert_uint_eq(first.len, strlen(firsts[i].b));
        ck_assert_mem_eq(first.at, firsts[i].b, first.len);
        text_free(path);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_does_not_count,   what_does_count, what_is_no_uri,
        paths_of_several_uris, first_of_a_path,
    };
    return SUITE_RUN("msrp_path", tests);
}
