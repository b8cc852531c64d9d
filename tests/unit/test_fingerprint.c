// SPDX-License-Identifier: GPL-3.0-or-later
// Fingerprints as SDP carries them (RFC 8122 5).
#include "common/fingerprint.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// "HASH AB:AB:...": a value of the given number of bytes.
static const char *value(char *buf, const char *hash, unsigned bytes)
{
    char *at = buf + sprintf(buf, "%s ", hash);

    for (unsigned i = 0; i < bytes; i++)
        at += sprintf(at, "%s%02x", i == 0 ? "" : ":", (i * 7 + 0xa0) & 0xff);
    return buf;
}

static struct fingerprint parsed(const char *hash, unsigned bytes)
{
    struct fingerprint fp;
    char buf[512];

    value(buf, hash, bytes);
    ck_assert_int_eq(fingerprint_parse(&fp, buf, strlen(buf)), 0);
    return fp;
}

// Any hex case, any hash-name case and one blank after the colon are read (REQ-148); what is
// written is upper case (RFC 8122 5).
START_TEST(tolerant_in_strict_out)
{
    static const char *const spellings[] = {
        "sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB",
        "SHA-1 4a:ad:b9:b1:3f:82:18:3b:54:02:12:df:3e:5d:49:6b:19:e5:7c:ab",
        " Sha-1 4a:AD:b9:B1:3f:82:18:3b:54:02:12:df:3e:5d:49:6b:19:e5:7c:ab",
    };
    struct fingerprint fp;
    char buf[FINGERPRINT_STRLEN];

    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        ck_assert_int_eq(fingerprint_parse(&fp, spellings[i], strlen(spellings[i])), 0);
        ck_assert_str_eq(fingerprint_format(&fp, buf),
                         "SHA-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB");
    }
}
END_TEST

// Malformed values and digests of the wrong length are -EINVAL and leave the result alone.
START_TEST(malformed_values_are_refused)
{
    static const char *const bad[] = {
        "",
        " ",
        "SHA-1",
        "SHA-1 ",
        " SHA-1",
        "SHA-1  4A",
        "X 4",
        "X 4A:",
        "X :4A",
        "X 4A:B",
        "X 4A-B9",
        "X 4A:G9",
        "X 4A:+9",
        "X 4A:B9 ",
        "X\t4A:B9",
        "  X 4A:B9",
        "ABCDEFGHIJKLMNOP 4A",
        "SHA-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C",
        "SHA-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:CD",
        "SHA-256 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB",
        "MD5 4A",
    };
    struct fingerprint before = parsed("SHA-256", 32), after = before;
    char buf[512];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(fingerprint_parse(&after, bad[i], strlen(bad[i])) == -EINVAL,
                      "accepted \"%s\"", bad[i]);
        ck_assert_msg(fingerprint_equal(&before, &after), "\"%s\" changed the result", bad[i]);
    }
    value(buf, "UNKNOWN", FINGERPRINT_BYTES_MAX + 1);
    ck_assert_int_eq(fingerprint_parse(&after, buf, strlen(buf)), -EINVAL);
}
END_TEST

// The length given ends the value: text need not be terminated there.
START_TEST(the_length_ends_the_value)
{
    struct fingerprint fp;

    ck_assert_int_eq(fingerprint_parse(&fp, "X 4A:B9:77", 7), 0);
    ck_assert_uint_eq(fp.len, 2);
    ck_assert_str_eq(fp.hash, "X");
}
END_TEST

// SHA-512 before SHA-384, SHA-256, SHA-224, SHA-1; MD5, MD2 and unknown ones must not be used for
// checking (RFC 8122 5, REQ-063, REQ-148).
START_TEST(hashes_have_an_order)
{
    static const struct {
        const char *hash;
        unsigned bytes;
    } falling[] = {
        {"sha-512", 64}, {"sha-384", 48}, {"sha-256", 32}, {"sha-224", 28}, {"sha-1", 20}};
    int last = 1000;

    for (size_t i = 0; i < sizeof(falling) / sizeof(falling[0]); i++) {
        struct fingerprint fp = parsed(falling[i].hash, falling[i].bytes);
        int strength = fingerprint_strength(&fp);
        ck_assert_int_lt(strength, last);
        ck_assert_int_gt(strength, 0);
        last = strength;
    }
    ck_assert_int_eq(fingerprint_strength(&(struct fingerprint[]){parsed("md5", 16)}[0]), 0);
    ck_assert_int_eq(fingerprint_strength(&(struct fingerprint[]){parsed("md2", 16)}[0]), 0);
    ck_assert_int_eq(fingerprint_strength(&(struct fingerprint[]){parsed("sha3-256", 32)}[0]), 0);
}
END_TEST

// The longest value there is survives a round trip.
START_TEST(the_longest_value_fits)
{
    struct fingerprint a = parsed("SHA-512", 64), b;
    char buf[FINGERPRINT_STRLEN];

    fingerprint_format(&a, buf);
    ck_assert_int_eq(fingerprint_parse(&b, buf, strlen(buf)), 0);
    ck_assert(fingerprint_equal(&a, &b));
    a = parsed("FIFTEEN-LETTERS", 64);
    fingerprint_format(&a, buf);
    ck_assert_int_eq(fingerprint_parse(&b, buf, strlen(buf)), 0);
    ck_assert(fingerprint_equal(&a, &b));
}
END_TEST

// Sets are equal whatever their order; one value more or another digest makes them differ
// (RFC 8842 3.1).
START_TEST(sets_compare_without_order)
{
    struct fingerprint sha1 = parsed("SHA-1", 20), sha256 = parsed("SHA-256", 32), other = sha256;
    struct fingerprints a = {2, {sha1, sha256}}, b = {2, {sha256, sha1}}, c = {1, {sha256}};
    struct fingerprints twice = {2, {sha256, sha256}}, none = {0, {{"", 0, {0}}}};

    other.value[31] ^= 1;
    ck_assert(fingerprints_equal(&a, &b));
    ck_assert(!fingerprints_equal(&a, &c));
    ck_assert(!fingerprints_equal(&c, &a));
    ck_assert(fingerprints_equal(&c, &twice));
    ck_assert(fingerprints_equal(&none, &none));
    ck_assert(!fingerprints_equal(&none, &c));
    b.list[0] = other;
    ck_assert(!fingerprints_equal(&a, &b));
}
END_TEST

// A set is usable when at least one value may be checked (RFC 8122 5).
START_TEST(a_set_needs_one_value_that_counts)
{
    struct fingerprints f = {.count = 0};

    ck_assert(!fingerprints_usable(&f));
    f.list[f.count++] = parsed("MD5", 16);
    f.list[f.count++] = parsed("SHA3-512", 64);
    ck_assert(!fingerprints_usable(&f));
    f.list[f.count++] = parsed("SHA-1", 20);
    ck_assert(fingerprints_usable(&f));
}
END_TEST

// RFC 8842 3.1: another set is another association, the same one in another order is not.
START_TEST(what_a_peer_says_is_learnt_once)
{
    struct fingerprints none = {.count = 0}, said = {.count = 2}, turned = {.count = 2};
    struct fingerprints *kept = NULL;

    said.list[0] = turned.list[1] = parsed("SHA-1", 20);
    said.list[1] = turned.list[0] = parsed("SHA-256", 32);
    ck_assert(!fingerprints_learn(&kept, &none));
    ck_assert_ptr_null(kept);
    ck_assert(fingerprints_learn(&kept, &said));
    ck_assert(fingerprints_equal(kept, &said));
    ck_assert(!fingerprints_learn(&kept, &turned));
    ck_assert(!fingerprints_learn(&kept, &none));
    said.count = 1;
    ck_assert(fingerprints_learn(&kept, &said));
    ck_assert_uint_eq(kept->count, 1);
    free(kept);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        tolerant_in_strict_out,
        malformed_values_are_refused,
        the_length_ends_the_value,
        hashes_have_an_order,
        the_longest_value_fits,
        sets_compare_without_order,
        a_set_needs_one_value_that_counts,
        what_a_peer_says_is_learnt_once,
    };

    return SUITE_RUN("fingerprint", tests);
}
