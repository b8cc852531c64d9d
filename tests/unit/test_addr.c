// SPDX-License-Identifier: GPL-3.0-or-later
// Address literals: what is read, what is refused, what is written.
#include "common/addr.h"
#include "tests/unit/suite.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void expect_hostport(const char *text, const char *written)
{
    char buf[ADDR_STRLEN];
    struct addr a;

    ck_assert_int_eq(addr_parse_hostport(&a, text), 0);
    ck_assert_str_eq(addr_format(&a, buf), written);
}

// A literal with a port is read and written back; IPv6 in its shortest form (RFC 5952 4).
START_TEST(hostport_is_read_and_written)
{
    expect_hostport("192.0.2.1:5060", "192.0.2.1:5060");
    expect_hostport("127.0.0.1:0", "127.0.0.1:0");
    expect_hostport("[2001:DB8:0::1]:65535", "[2001:db8::1]:65535");
    expect_hostport("[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.1]:1");
}
END_TEST

// Names, missing or silly ports, IPv6 without brackets: -EINVAL, and the result is left alone.
START_TEST(hostport_refuses_what_is_no_literal)
{
    static const char *const bad[] = {
        "",
        ":",
        ":5060",
        "localhost:5060",
        "192.0.2.1",
        "192.0.2.1:",
        "192.0.2.1:65536",
        "192.0.2.1:-1",
        "192.0.2.1:+1",
        "192.0.2.1: 1",
        "192.0.2.1:1 ",
        "192.0.2.1:000001",
        "192.0.2:5060",
        "192.0.2.256:5060",
        " 192.0.2.1:5060",
        "::1:5060",
        "[::1]",
        "[::1]:",
        "[::1:5060",
        "::1]:5060",
        "[192.0.2.1]:5060",
        "[fe80::1%eth0]:5060",
        "[2001:0db8:0000:0000:0000:0000:0000:0001:0002:0003:0004]:5060",
        "11111111111111111111111111111111111111111111111111111111111111111111:5060",
    };
    struct addr before, after;

    ck_assert_int_eq(addr_parse(&before, "192.0.2.77", 7), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        after = before;
        ck_assert_msg(addr_parse_hostport(&after, bad[i]) == -EINVAL, "accepted \"%s\"", bad[i]);
        ck_assert_msg(addr_equal(&before, &after), "\"%s\" changed the result", bad[i]);
    }
}
END_TEST

// A host alone may be IPv6 with or without brackets, as c= and URIs have it.
START_TEST(host_is_read_with_and_without_brackets)
{
    char buf[ADDR_STRLEN];
    struct addr bare, bracketed;

    ck_assert_int_eq(addr_parse(&bare, "2001:db8::7", 4000), 0);
    ck_assert_int_eq(addr_parse(&bracketed, "[2001:db8::7]", 4000), 0);
    ck_assert(addr_equal(&bare, &bracketed));
    ck_assert_str_eq(addr_host(&bare, buf), "2001:db8::7");
    ck_assert_int_eq(addr_family(&bare), AF_INET6);
    ck_assert_int_eq(addr_parse(&bare, "[]", 1), -EINVAL);
    ck_assert_int_eq(addr_parse(&bare, "[", 1), -EINVAL);
    ck_assert_int_eq(addr_parse(&bare, "", 1), -EINVAL);
}
END_TEST

// What was never set has no family, no port, prints "-" and equals only its like.
START_TEST(an_address_may_be_not_set)
{
    struct addr none = {.len = 0}, other = {.len = 0}, some;
    char buf[ADDR_STRLEN];

    ck_assert(!addr_is_set(&none));
    ck_assert_int_eq(addr_family(&none), AF_UNSPEC);
    ck_assert_uint_eq(addr_port(&none), 0);
    ck_assert(!addr_is_any(&none));
    ck_assert_str_eq(addr_format(&none, buf), "-");
    ck_assert_str_eq(addr_host(&none, buf), "-");
    ck_assert(addr_equal(&none, &other));
    ck_assert_int_eq(addr_parse(&some, "192.0.2.1", 1), 0);
    ck_assert(!addr_equal_host(&none, &some));
    addr_set_port(&none, 5060);
    ck_assert_uint_eq(addr_port(&none), 0);
}
END_TEST

// Host and port are compared apart; the port can be changed alone.
START_TEST(hosts_and_ports_compare)
{
    struct addr a, b, c, d;

    ck_assert_int_eq(addr_parse(&a, "192.0.2.1", 1000), 0);
    ck_assert_int_eq(addr_parse(&b, "192.0.2.1", 1001), 0);
    ck_assert_int_eq(addr_parse(&c, "192.0.2.2", 1000), 0);
    ck_assert_int_eq(addr_parse(&d, "::ffff:192.0.2.1", 1000), 0);
    ck_assert(addr_equal_host(&a, &b));
    ck_assert(!addr_equal(&a, &b));
    ck_assert(!addr_equal_host(&a, &c));
    ck_assert(!addr_equal_host(&a, &d));
    addr_set_port(&b, 1000);
    ck_assert(addr_equal(&a, &b));
    addr_set_port(&d, 2);
    ck_assert_uint_eq(addr_port(&d), 2);
}
END_TEST

// The unspecified address of either family says hold (RFC 3264 8.4).
START_TEST(unspecified_addresses_are_known)
{
    struct addr a;

    ck_assert_int_eq(addr_parse(&a, "0.0.0.0", 5004), 0);
    ck_assert(addr_is_any(&a));
    ck_assert_int_eq(addr_parse(&a, "::", 5004), 0);
    ck_assert(addr_is_any(&a));
    ck_assert_int_eq(addr_parse(&a, "::1", 5004), 0);
    ck_assert(!addr_is_any(&a));
}
END_TEST

// A socket address is taken as the kernel gave it; other families and cut ones are not set.
START_TEST(socket_addresses_are_taken)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(4000)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(4001)};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct addr a;

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a = addr_from_sockaddr((struct sockaddr *)&in, sizeof(in));
    ck_assert_uint_eq(addr_port(&a), 4000);
    a = addr_from_sockaddr((struct sockaddr *)&in6, sizeof(in6));
    ck_assert_uint_eq(addr_port(&a), 4001);
    ck_assert_int_eq((int)a.len, (int)sizeof(in6));
    a = addr_from_sockaddr(&other, sizeof(other));
    ck_assert(!addr_is_set(&a));
    a = addr_from_sockaddr((struct sockaddr *)&in6, sizeof(in));
    ck_assert(!addr_is_set(&a));
}
END_TEST

static const struct {
    const char *prefix, *in, *out; // in, out: NULL: none; prefix is none when both are
} prefixes[] = {
    {"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
    {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
    {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
    {"0.0.0.0/0", "203.0.113.1", "::1"},
    {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
    {"[::1]/128", "::1", "::2"},
    {"192.0.2.0/33", NULL, NULL},
    {"192.0.2.0/", NULL, NULL},
    {"192.0.2.0/-1", NULL, NULL},
    {"name/8", NULL, NULL},
    {"", NULL, NULL},
};

// A block holds the addresses that begin like it, of its own family.
START_TEST(prefixes_hold_addresses)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        struct addr_prefix p;
        struct addr in, out;
        int rc = addr_prefix_parse(&p, prefixes[i].prefix);
        ck_assert_int_eq(rc, prefixes[i].in ? 0 : -EINVAL);
        if (rc != 0)
            continue;
        addr_parse(&in, prefixes[i].in, 1);
        addr_parse(&out, prefixes[i].out, 2);
        ck_assert_msg(addr_in_prefix(&in, &p), "%s", prefixes[i].prefix);
        ck_assert_msg(!addr_in_prefix(&out, &p), "%s", prefixes[i].prefix);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        hostport_is_read_and_written,
        hostport_refuses_what_is_no_literal,
        host_is_read_with_and_without_brackets,
        an_address_may_be_not_set,
        hosts_and_ports_compare,
        unspecified_addresses_are_known,
        socket_addresses_are_taken,
        prefixes_hold_addresses,
    };

    return SUITE_RUN("addr", tests);
}
