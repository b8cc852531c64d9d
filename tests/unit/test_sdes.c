// SPDX-License-Identifier: GPL-3.0-or-later
// Cryptographic SDES attributes (RFC 4568): what is taken, what is refused and why, and what a
// trace may show of them.
#include "common/sdes.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <errno.h>
#include <string.h>

// The key of the example in RFC 4568 4.2.
#define KEY30 "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define KEY28 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="
#define KEY44 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="
#define CM80 "AES_CM_128_HMAC_SHA1_80 "

static struct sdes_crypto taken(const char *text)
{
    struct sdes_crypto c;
    const char *why = "";

    ck_assert_msg(sdes_parse(&c, text, strlen(text), &why) == 0, "%s: %s", text, why);
    return c;
}

// The example of RFC 4568 4.2: tag, suite, the 30 bytes of key and salt, lifetime and MKI.
START_TEST(an_attribute_says_suite_key_lifetime_and_mki)
{
    struct sdes_crypto c = taken("1 " CM80 "inline:" KEY30 "|2^20|1:4");

    ck_assert_uint_eq(c.tag, 1);
    ck_assert_int_eq(c.suite, SDES_AES_CM_128_HMAC_SHA1_80);
    ck_assert_mem_eq(c.key, "YS___semctl () {\t220;}\n}\nunles", 30);
    ck_assert_uint_eq(c.lifetime, 1 << 20);
    ck_assert_uint_eq(c.mki_len, 4);
    ck_assert_mem_eq(c.mki, "\0\0\0\1", 4);
}
END_TEST

// Spellings that mean the same: parts may be missing, a lifetime may be a plain number, names come
// in any case, a window size hint and "-" parameters are read over (RFC 4568 6.1, 6.3, 9.2).
START_TEST(spellings_that_are_taken)
{
    static const char *const good[] = {
        "1 " CM80 "inline:" KEY30,
        "999999999  " CM80 " inline:" KEY30 " ",
        "1 aes_cm_128_hmac_sha1_80 INLINE:" KEY30 "|1048576",
        "1 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "|2^48",
        "1 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "|255:1",
        "1 AEAD_AES_128_GCM inline:" KEY28 " WSH=64",
        "1 AEAD_AES_256_GCM inline:" KEY44 " -NEW=1 WSH=128",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        taken(good[i]);
}
END_TEST

// What is malformed and what is not served are told apart, each with its reason; nothing is taken
// (RFC 4568 6.1, 6.3.7: a line with an unknown session parameter is invalid).
START_TEST(refusals_say_why)
{
    static const struct {
        const char *text;
        int rc;
        const char *why;
    } rows[] = {
        {"", -EINVAL, "the tag"},
        {"x " CM80 "inline:" KEY30, -EINVAL, "the tag"},
        {"1234567890 " CM80 "inline:" KEY30, -EINVAL, "the tag"},
        {"1", -EINVAL, "expected TAG SUITE"},
        {"1 " CM80, -EINVAL, "expected TAG SUITE"},
        {"1 F8_128_HMAC_SHA1_80 inline:" KEY30, -ENOTSUP, "the crypto suite"},
        {"1 NULL inline:" KEY30, -ENOTSUP, "the crypto suite"},
        {"1 none inline:", -ENOTSUP, "the crypto suite"},
        {"1 " CM80 KEY30, -EINVAL, "the key is not \"inline:\""},
        {"1 " CM80 "inline:", -EINVAL, "the key is not base64"},
        {"1 " CM80 "inline:" KEY28, -EINVAL, "the key is not base64"},
        {"1 " CM80 "inline:" KEY30 "AA==", -EINVAL, "the key is not base64"},
        {"1 " CM80 "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubG.z", -EINVAL,
         "the key is not base64"},
        {"1 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw", -EINVAL,
         "the key is not base64"},
        {"1 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGx==", -EINVAL,
         "the key is not base64"},
        {"1 " CM80 "inline:" KEY30 "|0", -EINVAL, "the lifetime"},
        {"1 " CM80 "inline:" KEY30 "|", -EINVAL, "the lifetime"},
        {"1 " CM80 "inline:" KEY30 "|2^49", -EINVAL, "the lifetime"},
        {"1 " CM80 "inline:" KEY30 "|2^20|1", -EINVAL, "an MKI"},
        {"1 " CM80 "inline:" KEY30 "|1:0", -EINVAL, "an MKI"},
        {"1 " CM80 "inline:" KEY30 "|256:1", -EINVAL, "an MKI"},
        {"1 " CM80 "inline:" KEY30 "|1:129", -EINVAL, "an MKI"},
        {"1 " CM80 "inline:" KEY30 "|1:8", -ENOTSUP, "an MKI of more than 4"},
        {"1 " CM80 "inline:" KEY30 "|1:4;inline:" KEY30 "|2:4", -ENOTSUP, "several keys"},
        {"1 " CM80 "inline:" KEY30 " UNENCRYPTED_SRTP", -ENOTSUP, "a session parameter"},
        {"1 " CM80 "inline:" KEY30 " WSH=64 KDR=1", -ENOTSUP, "a session parameter"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sdes_crypto c, before;
        const char *why = "";
        memset(&before, 0x5a, sizeof(before));
        c = before;
        ck_assert_msg(sdes_parse(&c, rows[i].text, strlen(rows[i].text), &why) == rows[i].rc,
                      "%s: %s", rows[i].text, why);
        ck_assert_msg(strncmp(why, rows[i].why, strlen(rows[i].why)) == 0, "%s: %s", rows[i].text,
                      why);
        ck_assert_mem_eq(&c, &before, sizeof(c));
    }
}
END_TEST

// A fresh key of each suite is written with the padding its length needs and reads as the same key;
// two keys are never the same (RFC 4568 6.1).
START_TEST(fresh_keys_are_written_and_read)
{
    for (enum sdes_suite suite = SDES_NONE + 1; suite < SDES_SUITES; suite++) {
        struct sdes_crypto c, other, again;
        char text[SDES_STRLEN];
        sdes_generate(&c, suite, 7);
        sdes_generate(&other, suite, 7);
        again = taken(sdes_format(&c, text));
        ck_assert(sdes_same_key(&c, &again) && !sdes_same_key(&c, &other));
        ck_assert_uint_eq(again.tag, 7);
        again.mki_len = 1;
        ck_assert(!sdes_same_key(&c, &again));
    }
    ck_assert_uint_eq(strlen(sdes_suite_name(SDES_AES_CM_128_HMAC_SHA1_80)), 23);
    ck_assert_uint_eq(sdes_tag_len(SDES_AES_CM_128_HMAC_SHA1_32), 4);
}
END_TEST

// No key passes into what people may read, however the line is spelt (REQ-112).
START_TEST(keys_are_not_shown)
{
    static const char *const rows[][2] = {
        {"a=crypto:1 " CM80 "inline:" KEY30 "|2^20", "a=crypto:1 " CM80 "inline:(present)"},
        {"a=crypto:" KEY30, "a=crypto:inline:(present)"},
        {"a=crypto:1 " KEY30, "a=crypto:1 inline:(present)"},
        {"a=acap:1 crypto:1 " CM80 "inline:" KEY30, "a=acap:1 crypto:1 " CM80 "inline:(present)"},
        {"k=base64:" KEY30, "k=(present)"},
        {"a=key-mgmt:mikey " KEY30, "a=key-mgmt:(present)"},
        {"a=crypto:1 " CM80, "a=crypto:1 " CM80},
        {"a=rtpmap:0 PCMU/8000", "a=rtpmap:0 PCMU/8000"},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct strbuf out = STRBUF_INIT;
        sdes_put_redacted(&out, rows[i][0], strlen(rows[i][0]));
        char *text = strbuf_take(&out);
        ck_assert_str_eq(text, rows[i][1]);
        free(text);
    }
}
END_TEST

// The same in a whole message: bytes become stars, and nothing moves (REQ-112).
START_TEST(keys_in_a_message_are_masked_in_place)
{
    char text[] = "INVITE sip:a@b SIP/2.0\r\nSubject: crypto\r\n\r\nm=audio 1 RTP/SAVP 0\r\n"
                  "a=crypto:1 " CM80 "inline:" KEY30 "|2^20\r\nk=clear:abc\na=sendrecv";
    char before[sizeof(text)];

    memcpy(before, text, sizeof(text));
    sdes_mask(text, strlen(text));
    ck_assert_uint_eq(strlen(text), strlen(before));
    ck_assert_ptr_null(strstr(text, KEY30));
    ck_assert_ptr_null(strstr(text, "abc"));
    ck_assert_ptr_nonnull(strstr(text, "a=crypto:1 " CM80 "***"));
    ck_assert_ptr_nonnull(strstr(text, "***\r\nk=*********\na=sendrecv"));
    ck_assert_ptr_nonnull(strstr(text, "Subject: crypto\r\n\r\nm=audio 1 RTP/SAVP 0\r\n"));
    sdes_mask(text, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_attribute_says_suite_key_lifetime_and_mki,
        spellings_that_are_taken,
        refusals_say_why,
        fresh_keys_are_written_and_read,
        keys_are_not_shown,
        keys_in_a_message_are_masked_in_place,
    };

    return SUITE_RUN("sdes", tests);
}
