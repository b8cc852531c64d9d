// SPDX-License-Identifier: GPL-3.0-or-later
// The security agreement: what a Security-Client says, what Security-Server answers, and when a
// Security-Verify is the copy that it must be.
#include "alg/secagree.h"
#include "tests/unit/suite.h"

#include "common/config.h"

#include <string.h>

#define ALL (MEDIASEC_SDES_SRTP | MEDIASEC_MSRP_TLS | MEDIASEC_BFCP_TLS | MEDIASEC_UDPTL_DTLS)

static struct secagree said(const char *value)
{
    struct secagree s = {0};
    secagree_read(&s, value);
    return s;
}

static void check_offer(const char *client, unsigned own, const char *expected)
{
    struct secagree s = said(client);
    struct strbuf out = STRBUF_INIT;
    secagree_print(&out, &s, own, true);
    char *text = strbuf_take(&out);
    ck_assert_str_eq(text, expected);
    free(text);
}

// REQ-001: the set of a UE is what its rows name.
START_TEST(one_row_several_rows_preferences_and_unknown_tokens_give_the_same_set_PCSCF_012)
{
    struct secagree rows = {0};
    secagree_read(&rows, "sdes-srtp;mediasec");
    secagree_read(&rows, "udptl-dtls ; mediasec");
    const char *const same[] = {
        "sdes-srtp;mediasec, udptl-dtls;mediasec",
        "UDPTL-DTLS;MediaSec,SDES-SRTP;mediasec",
        "udptl-dtls;q=0.3;mediasec, sdes-srtp;mediasec;q=0.1",
        "dtls-srtp;mediasec, sdes-srtp;mediasec, x;y=\"a,b\", udptl-dtls;mediasec",
        ",, sdes-srtp;mediasec,, udptl-dtls;mediasec,",
    };
    ck_assert_uint_eq(rows.mediasec, MEDIASEC_SDES_SRTP | MEDIASEC_UDPTL_DTLS);
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        ck_assert_uint_eq(said(same[i]).mediasec, rows.mediasec);
        ck_assert(said(same[i]).media);
    }
}
END_TEST

// REQ-003: neither plane takes an entry of the other.
START_TEST(a_mechanism_without_mediasec_is_none_for_media_7_2A_7)
{
    struct secagree s = said("sdes-srtp, ipsec-3gpp;alg=hmac-sha-1-96;spi-c=1;spi-s=2, tls");
    ck_assert_uint_eq(s.mediasec, 0);
    ck_assert(!s.media && s.signalling && s.ipsec && s.tls);
    s = said("tls;mediasec");
    ck_assert(s.media && !s.tls && !s.signalling);
    ck_assert_uint_eq(s.mediasec, 0);
}
END_TEST

// REQ-002: all of the node's own, whatever the UE has and whatever protects signalling.
START_TEST(Security_Server_has_all_own_media_mechanisms_PCSCF_010)
{
    check_offer("udptl-dtls;mediasec", ALL,
                "sdes-srtp;mediasec, msrp-tls;mediasec, bfcp-tls;mediasec, udptl-dtls;mediasec");
    check_offer("tls, udptl-dtls;mediasec", ALL,
                "tls, sdes-srtp;mediasec, msrp-tls;mediasec, bfcp-tls;mediasec, "
                "udptl-dtls;mediasec");
    check_offer("tls, dtls-srtp;mediasec", MEDIASEC_MSRP_TLS, "tls, msrp-tls;mediasec");
}
END_TEST

START_TEST(who_sent_no_media_mechanism_is_told_none_PCSCF_011)
{
    check_offer("ipsec-3gpp;alg=hmac-sha-1-96", ALL, "");
    check_offer("tls", ALL, "tls");
    check_offer("", ALL, "");
}
END_TEST

static enum secagree_verdict verdict(const char *verify, const char *client)
{
    struct secagree v = said(verify), c = said(client);
    return secagree_verify(&v, &c, MEDIASEC_MSRP_TLS | MEDIASEC_UDPTL_DTLS, true);
}

// REQ-124: names and parameters count; order says nothing where all may be used.
START_TEST(Security_Verify_is_compared_entry_by_entry_in_any_order_PCSCF_015)
{
    const char *client = "sdes-srtp;mediasec, udptl-dtls;mediasec";
    ck_assert_int_eq(verdict("udptl-dtls;mediasec, msrp-tls;mediasec", client), SECAGREE_SAME);
    ck_assert_int_eq(verdict("msrp-tls;mediasec", client), SECAGREE_MEDIA_DIFFERS);
    ck_assert_int_eq(verdict("", client), SECAGREE_MEDIA_DIFFERS);
    ck_assert_int_eq(verdict("msrp-tls;mediasec;q=1, udptl-dtls;mediasec", client),
                     SECAGREE_MEDIA_DIFFERS);
    ck_assert_int_eq(verdict("msrp-tls;mediasec, udptl-dtls;mediasec, x;mediasec", client),
                     SECAGREE_MEDIA_DIFFERS);
}
END_TEST

START_TEST(a_difference_in_what_protects_signalling_is_never_overlooked_PCSCF_015)
{
    const char *client = "tls, udptl-dtls;mediasec";
    ck_assert_int_eq(verdict("tls, msrp-tls;mediasec, udptl-dtls;mediasec", client), SECAGREE_SAME);
    ck_assert_int_eq(verdict("msrp-tls;mediasec, udptl-dtls;mediasec", client), SECAGREE_DIFFERS);
    ck_assert_int_eq(verdict("tls", "udptl-dtls;mediasec"), SECAGREE_DIFFERS);
    ck_assert_int_eq(verdict("tls;x, msrp-tls;mediasec, udptl-dtls;mediasec", client),
                     SECAGREE_DIFFERS);
    ck_assert_int_eq(verdict("ipsec-3gpp;spi-c=1", "udptl-dtls;mediasec"), SECAGREE_DIFFERS);
}
END_TEST

START_TEST(sets_have_words)
{
    char words[SECAGREE_WORDS_MAX];
    ck_assert_str_eq(secagree_words(0, words), "none");
    ck_assert_str_eq(secagree_words(ALL, words), "sdes-srtp msrp-tls bfcp-tls udptl-dtls");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_row_several_rows_preferences_and_unknown_tokens_give_the_same_set_PCSCF_012,
        a_mechanism_without_mediasec_is_none_for_media_7_2A_7,
        Security_Server_has_all_own_media_mechanisms_PCSCF_010,
        who_sent_no_media_mechanism_is_told_none_PCSCF_011,
        Security_Verify_is_compared_entry_by_entry_in_any_order_PCSCF_015,
        a_difference_in_what_protects_signalling_is_never_overlooked_PCSCF_015,
        sets_have_words,
    };
    return SUITE_RUN("secagree", tests);
}
