// SPDX-License-Identifier: GPL-3.0-or-later
// The DTLS handshake of the AGW: roles, verification by fingerprint, profile.
#include "tests/unit/dtls_rig.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <time.h>

// Sends text both ways and expects it to arrive.
static void check_media_passes(struct rig *rig)
{
    unsigned before = rig->delivered;

    raw_send(&rig->raw, "from the UE");
    rig_pump(rig);
    ck_assert_uint_eq(rig->delivered, before + 1);
    ck_assert_uint_eq(rig->last_len, strlen("from the UE"));
    ck_assert_mem_eq(rig->last, "from the UE", rig->last_len);
    ck_assert(rig->authenticated);

    before = rig->raw.received;
    ck_assert_int_eq(dtls_send(rig->dtls, "to the UE", 9), 0);
    rig_pump(rig);
    ck_assert_uint_eq(rig->raw.received, before + 1);
    ck_assert_int_eq(rig->raw.last_len, 9);
    ck_assert_mem_eq(rig->raw.last, "to the UE", 9);
}

// The association failed for this reason, the UE heard of it (alert: -1 for nothing), and no media
// passes either way.
static void check_refused(struct rig *rig, enum reason reason, int alert)
{
    ck_assert_int_eq(dtls_state(rig->dtls), DTLS_FAILED);
    ck_assert_str_eq(reason_name(dtls_failure(rig->dtls)), reason_name(reason));
    ck_assert_int_eq(rig->to_ue.alert_description, alert);
    if (alert >= 0) {
        ck_assert_int_eq(rig->to_ue.alert_level, GNUTLS_AL_FATAL);
        ck_assert_int_eq(rig->raw.rc, GNUTLS_E_FATAL_ALERT_RECEIVED);
        ck_assert_int_eq(rig->raw.alert, alert);
    }
    ck_assert(!rig->raw.established);
    ck_assert_uint_eq(rig->delivered, 0);
    ck_assert_int_eq(dtls_send(rig->dtls, "x", 1), -ENOTCONN);
    ck_assert_uint_eq(dtls_deadline(rig->dtls), UINT64_MAX);
}

// REQ-066: both roles reach a verified association that carries data both ways.
START_TEST(both_roles_establish)
{
    for (int server = 0; server <= 1; server++) {
        struct rig rig;
        char text[192];
        rig_establish(&rig, server);
        check_media_passes(&rig);
        dtls_describe(rig.dtls, text, sizeof(text));
        ck_assert_ptr_nonnull(strstr(text, server ? "server, DTLS1.2, " : "client, DTLS1.2, "));
        ck_assert_ptr_nonnull(strstr(text, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, SHA-256 "));
        ck_assert_ptr_nonnull(strstr(text, " matched"));
        ck_assert_uint_eq(dtls_deadline(rig.dtls), UINT64_MAX);
        rig_close(&rig);
    }
}
END_TEST

// REQ-062: as server the AGW asks for a certificate, and what the UE sees of ours is what was
// announced (REQ-061).
START_TEST(the_presented_certificate_is_the_announced_one)
{
    for (int server = 0; server <= 1; server++) {
        struct rig rig;
        unsigned count = 0;
        uint8_t digest[32];
        rig_establish(&rig, server);
        const gnutls_datum_t *chain = gnutls_certificate_get_peers(rig.raw.session, &count);
        ck_assert_uint_eq(count, 1);
        gnutls_hash_fast(GNUTLS_DIG_SHA256, chain[0].data, chain[0].size, digest);
        ck_assert_mem_eq(digest, certificate_fingerprints(rig.certificate)->list[0].value, 32);
        if (server)
            ck_assert_int_eq(gnutls_certificate_client_get_request_status(rig.raw.session), 1);
        rig_close(&rig);
    }
}
END_TEST

// --- verification --------------------------------------------------------------------------------

// REQ-064: a certificate that is not in the SDP ends the handshake with a fatal bad_certificate in
// both roles.
START_TEST(a_wrong_fingerprint_is_bad_certificate)
{
    for (int server = 0; server <= 1; server++) {
        struct rig rig;
        rig_open(&rig, server);
        rig.remote = *certificate_fingerprints(rig.certificate);
        rig_handshake(&rig, RAW_PRIORITY);
        check_refused(&rig, REASON_DTLS_FINGERPRINT, GNUTLS_A_BAD_CERTIFICATE);
        rig_close(&rig);
    }
}
END_TEST

// One value of the UE's SDP: of the UE's own certificate, or of another one.
struct value {
    bool right;
    const char *hash;
    gnutls_digest_algorithm_t algorithm;
};

#define RIGHT(hash, algorithm)                                                                     \
    {                                                                                              \
        true, hash, GNUTLS_DIG_##algorithm                                                         \
    }
#define WRONG(hash, algorithm)                                                                     \
    {                                                                                              \
        false, hash, GNUTLS_DIG_##algorithm                                                        \
    }

// Runs a handshake in both roles with these values (hash NULL at the end), which must end so.
static void check_values(const struct value *values, enum reason expected)
{
    for (int server = 0; server <= 1; server++) {
        struct rig rig;
        rig_open(&rig, server);
        rig.remote.count = 0;
        for (const struct value *v = values; v->hash; v++)
            add_fingerprint(&rig.remote, v->right ? rig.ue_certificate : rig.certificate, 0,
                            v->hash, v->algorithm);
        rig_handshake(&rig, RAW_PRIORITY);
        if (expected == REASON_NONE) {
            ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
            check_media_passes(&rig);
        } else {
            check_refused(&rig, expected, GNUTLS_A_BAD_CERTIFICATE);
        }
        rig_close(&rig);
    }
}

#define CHECK_VALUES(expected, ...)                                                                \
    check_values((const struct value[]){__VA_ARGS__, {false, NULL, GNUTLS_DIG_NULL}}, (expected))

// REQ-063: several values of a hash may belong to several certificates; one match suffices.
START_TEST(one_right_value_among_several_suffices)
{
    CHECK_VALUES(REASON_NONE, WRONG("SHA-256", SHA256), RIGHT("SHA-256", SHA256));
    CHECK_VALUES(REASON_NONE, RIGHT("SHA-256", SHA256), WRONG("SHA-256", SHA256));
    CHECK_VALUES(REASON_DTLS_FINGERPRINT, WRONG("SHA-256", SHA256), WRONG("SHA-256", SHA256));
}
END_TEST

// RFC 8122 5: every hash it names is computed, except those it forbids.
START_TEST(every_allowed_hash_is_checked)
{
    CHECK_VALUES(REASON_NONE, RIGHT("SHA-1", SHA1));
    CHECK_VALUES(REASON_NONE, RIGHT("SHA-224", SHA224));
    CHECK_VALUES(REASON_NONE, RIGHT("SHA-384", SHA384));
    CHECK_VALUES(REASON_NONE, RIGHT("SHA-512", SHA512));
    CHECK_VALUES(REASON_DTLS_FINGERPRINT, WRONG("SHA-1", SHA1));
    CHECK_VALUES(REASON_DTLS_FINGERPRINT, WRONG("SHA-512", SHA512));
}
END_TEST

// REQ-063: only the values of the most preferred hash count, in both directions of the rule.
START_TEST(only_the_strongest_hash_counts)
{
    CHECK_VALUES(REASON_DTLS_FINGERPRINT, RIGHT("SHA-256", SHA256), WRONG("SHA-512", SHA512),
                 RIGHT("SHA-1", SHA1));
    CHECK_VALUES(REASON_NONE, WRONG("SHA-1", SHA1), RIGHT("SHA-384", SHA384),
                 WRONG("SHA-256", SHA256));
}
END_TEST

// REQ-148: MD5 and unknown hashes are never used; alone they are a failure, not a licence.
START_TEST(forbidden_and_unknown_hashes_are_not_used)
{
    CHECK_VALUES(REASON_WEAK_FINGERPRINT, RIGHT("MD5", MD5));
    CHECK_VALUES(REASON_WEAK_FINGERPRINT, RIGHT("SHA-999", SHA256));
    CHECK_VALUES(REASON_NONE, RIGHT("MD5", MD5), WRONG("SHA-999", SHA256),
                 RIGHT("SHA-256", SHA256));
}
END_TEST

struct chain {
    gnutls_x509_crt_t leaf, second;
    gnutls_x509_privkey_t key;
    gnutls_certificate_credentials_t credentials;
};

// A certificate with a name. Signed by issuer when there is one.
static gnutls_x509_crt_t make_crt(const char *dn, gnutls_x509_privkey_t key,
                                  gnutls_x509_crt_t issuer)
{
    gnutls_x509_crt_t crt;

    gnutls_x509_crt_init(&crt);
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, "\1", 1);
    gnutls_x509_crt_set_dn(crt, dn, NULL);
    gnutls_x509_crt_set_activation_time(crt, time(NULL));
    gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 3600);
    gnutls_x509_crt_set_key(crt, key);
    if (issuer) {
        gnutls_datum_t der;
        ck_assert_int_eq(gnutls_x509_crt_sign2(crt, issuer, key, GNUTLS_DIG_SHA256, 0), 0);
        // GnuTLS knows who issued a certificate only when it has read it.
        gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der);
        gnutls_x509_crt_deinit(crt);
        gnutls_x509_crt_init(&crt);
        ck_assert_int_eq(gnutls_x509_crt_import(crt, &der, GNUTLS_X509_FMT_DER), 0);
        gnutls_free(der.data);
    }
    return crt;
}

// A leaf and its issuer, neither signed by itself: GnuTLS would not send what follows such a one.
static void chain_open(struct chain *chain)
{
    gnutls_x509_crt_t root, both[2];

    gnutls_x509_privkey_init(&chain->key);
    gnutls_x509_privkey_generate(chain->key, GNUTLS_PK_ECDSA,
                                 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    root = make_crt("CN=root", chain->key, NULL);
    chain->second = make_crt("CN=second", chain->key, root);
    chain->leaf = make_crt("CN=leaf", chain->key, chain->second);
    gnutls_x509_crt_deinit(root);
    both[0] = chain->leaf;
    both[1] = chain->second;
    gnutls_certificate_allocate_credentials(&chain->credentials);
    ck_assert_int_ge(gnutls_certificate_set_x509_key(chain->credentials, both, 2, chain->key), 0);
}

static void chain_close(struct chain *chain)
{
    gnutls_certificate_free_credentials(chain->credentials);
    gnutls_x509_privkey_deinit(chain->key);
    gnutls_x509_crt_deinit(chain->leaf);
    gnutls_x509_crt_deinit(chain->second);
}

// RFC 8122 6.1: dates, names and issuers are not looked at; it is the leaf that counts and not what
// follows it in the chain.
START_TEST(only_the_leaf_of_a_chain_counts)
{
    for (int leaf_is_right = 0; leaf_is_right <= 1; leaf_is_right++) {
        struct rig rig;
        struct chain chain;
        struct fingerprint *fp = &rig.remote.list[0];
        size_t len = sizeof(fp->value);

        rig_open(&rig, true);
        chain_open(&chain);
        gnutls_x509_crt_get_fingerprint(leaf_is_right ? chain.leaf : chain.second,
                                        GNUTLS_DIG_SHA256, fp->value, &len);
        raw_open(&rig.raw, false, RAW_PRIORITY, rig.ue_certificate, &rig.to_agw);
        gnutls_credentials_set(rig.raw.session, GNUTLS_CRD_CERTIFICATE, chain.credentials);
        raw_step(&rig.raw);
        rig_pump(&rig);
        ck_assert_uint_gt(rig.to_agw.longest, 500); // both were presented
        if (leaf_is_right)
            ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
        else
            check_refused(&rig, REASON_DTLS_FINGERPRINT, GNUTLS_A_BAD_CERTIFICATE);
        rig_close(&rig);
        chain_close(&chain);
    }
}
END_TEST

// REQ-062: a UE client without a certificate is ended with bad_certificate.
START_TEST(no_client_certificate_is_bad_certificate)
{
    struct rig rig;
    rig_open(&rig, true);
    rig_start_raw(&rig, RAW_PRIORITY, NULL);
    rig_pump(&rig);
    check_refused(&rig, REASON_DTLS_NO_CERTIFICATE, GNUTLS_A_BAD_CERTIFICATE);
    rig_close(&rig);
}
END_TEST

// REQ-062: the same holds while no fingerprint is known yet: there is nothing to wait for.
START_TEST(no_client_certificate_fails_before_the_fingerprint_is_known)
{
    struct rig rig;
    rig_open(&rig, true);
    rig.remote.count = 0;
    rig_start_raw(&rig, RAW_PRIORITY, NULL);
    rig_pump(&rig);
    check_refused(&rig, REASON_DTLS_NO_CERTIFICATE, GNUTLS_A_BAD_CERTIFICATE);
    rig_close(&rig);
}
END_TEST

// --- the fingerprint comes later -----------------------------------------------------------------

static void open_parked(struct rig *rig, bool server)
{
    rig_open(rig, server);
    rig->remote.count = 0;
    rig_handshake(rig, RAW_PRIORITY);
    ck_assert_int_eq(dtls_state(rig->dtls), DTLS_HANDSHAKE);
    ck_assert_int_eq(dtls_send(rig->dtls, "x", 1), -ENOTCONN);
    ck_assert(!rig->raw.established);
}

// REQ-065, REQ-072 (NOTE 3 of 6.2.10.4.3): the handshake waits for the SDP answer and then goes on
// by itself; the UE need not repeat anything.
START_TEST(the_handshake_parks_until_the_fingerprints_come)
{
    for (int server = 0; server <= 1; server++) {
        struct rig rig;
        open_parked(&rig, server);
        unsigned sent = rig.to_agw.sent;
        dtls_set_fingerprints(rig.dtls, certificate_fingerprints(rig.ue_certificate), rig.now);
        if (server) {
            ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
            ck_assert_uint_eq(rig.to_agw.sent, sent);
        }
        rig_pump(&rig);
        ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
        check_media_passes(&rig);
        rig_close(&rig);
    }
}
END_TEST

// REQ-064: a fingerprint that comes later and does not fit is as fatal as one known before.
START_TEST(a_parked_handshake_fails_on_a_wrong_fingerprint)
{
    for (int server = 0; server <= 1; server++) {
        struct rig rig;
        open_parked(&rig, server);
        dtls_set_fingerprints(rig.dtls, certificate_fingerprints(rig.certificate), rig.now);
        rig_pump(&rig);
        check_refused(&rig, REASON_DTLS_FINGERPRINT, GNUTLS_A_BAD_CERTIFICATE);
        rig_close(&rig);
    }
}
END_TEST

// What is not a fingerprint at all does not wake a parked handshake; what arrives meanwhile is kept
// within bounds.
START_TEST(a_parked_handshake_keeps_a_bounded_rest)
{
    struct rig rig;
    uint8_t junk[1200] = {22, 254, 253};
    open_parked(&rig, true);
    dtls_set_fingerprints(rig.dtls, &(struct fingerprints){0}, rig.now);
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_HANDSHAKE);
    for (int i = 0; i < 100; i++)
        rig_to_agw(&rig, junk, sizeof(junk));
    ck_assert_uint_ge(dtls_take_discarded(rig.dtls), 90);
    ck_assert_uint_eq(dtls_take_discarded(rig.dtls), 0);
    dtls_set_fingerprints(rig.dtls, certificate_fingerprints(rig.ue_certificate), rig.now);
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
    rig_close(&rig);
}
END_TEST

// A change of mind between verification and the end of the handshake counts: what is established is
// verified against what is known then.
START_TEST(fingerprints_that_change_during_the_handshake_count)
{
    struct rig rig;
    rig_open(&rig, false);
    rig_start_agw(&rig);
    rig_start_raw(&rig, RAW_PRIORITY, rig.ue_certificate);
    // The AGW has verified and sent its Finished; the UE's last flight is under way.
    while (!rig.raw.established) {
        rig_step_up(&rig);
        rig_step_down(&rig);
    }
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_HANDSHAKE);
    dtls_set_fingerprints(rig.dtls, certificate_fingerprints(rig.certificate), rig.now);
    rig_pump(&rig);
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_FAILED);
    ck_assert_int_eq(dtls_failure(rig.dtls), REASON_DTLS_FINGERPRINT);
    ck_assert_int_eq(rig.raw.alert, GNUTLS_A_BAD_CERTIFICATE);
    rig_close(&rig);
}
END_TEST

// --- alerts --------------------------------------------------------------------------------------

// REQ-131, RFC 6347 4.2.7: alerts are not retransmitted, so a repeated flight is answered with the
// alert again, as long as the association is there; nothing else is answered.
START_TEST(a_repeated_flight_gets_the_alert_again)
{
    struct rig rig;
    rig_open(&rig, true);
    rig.remote = *certificate_fingerprints(rig.certificate);
    rig_start_own_ue(&rig);
    rig_pump(&rig);
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_FAILED);
    unsigned alerts = rig.to_ue.alerts;
    ck_assert_uint_eq(alerts, 1);

    const uint8_t handshake[] = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 16};
    const uint8_t media[] = {23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 16};
    for (unsigned i = 1; i <= 3; i++) {
        rig.now += SECOND_US;
        rig_to_agw(&rig, media, sizeof(media));
        for (unsigned k = 0; k < 5; k++) // the datagrams of one flight
            rig_to_agw(&rig, handshake, sizeof(handshake));
        ck_assert_uint_eq(rig.to_ue.alerts, alerts + i);
    }
    ck_assert_int_eq(rig.to_ue.alert_description, GNUTLS_A_BAD_CERTIFICATE);
    rig_close(&rig);
}
END_TEST

// REQ-131 end to end: the first alert is lost, the UE repeats its flight, and then it knows.
START_TEST(a_lost_alert_reaches_the_ue_after_all)
{
    struct rig rig;
    rig_open(&rig, true);
    rig.remote = *certificate_fingerprints(rig.certificate);
    rig_start_own_ue(&rig);
    for (int i = 0; i < 20 && !(rig.dtls && dtls_state(rig.dtls) == DTLS_FAILED); i++) {
        if (!rig_step_up(&rig))
            rig_step_down(&rig);
    }
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_FAILED);
    wire_drop_all(&rig.to_ue); // the alert is lost
    wire_drop_all(&rig.to_agw);
    ck_assert_int_eq(dtls_state(rig.ue), DTLS_HANDSHAKE);
    ck_assert(rig_advance(&rig));
    rig_pump(&rig);
    ck_assert_int_eq(dtls_state(rig.ue), DTLS_FAILED);
    ck_assert_int_eq(dtls_failure(rig.ue), REASON_DTLS_REFUSED);
    rig_close(&rig);
}
END_TEST

static int raw_refuse(gnutls_session_t session)
{
    return GNUTLS_E_CERTIFICATE_ERROR;
}

// A fatal alert of the UE during the handshake is its refusal; it is not answered.
START_TEST(an_alert_of_the_ue_is_a_refusal)
{
    for (int server = 0; server <= 1; server++) {
        struct rig rig;
        rig_open(&rig, server);
        rig_start_agw(&rig);
        raw_open(&rig.raw, !server, RAW_PRIORITY, rig.ue_certificate, &rig.to_agw);
        gnutls_session_set_verify_function(rig.raw.session, raw_refuse);
        if (server)
            raw_step(&rig.raw);
        rig_pump(&rig);
        ck_assert_int_eq(rig.raw.rc, GNUTLS_E_CERTIFICATE_ERROR);
        gnutls_alert_send_appropriate(rig.raw.session, rig.raw.rc);
        rig_pump(&rig);
        ck_assert_int_eq(dtls_state(rig.dtls), DTLS_FAILED);
        ck_assert_int_eq(dtls_failure(rig.dtls), REASON_DTLS_REFUSED);
        ck_assert_uint_eq(rig.to_ue.alerts, 0);
        rig_close(&rig);
    }
}
END_TEST

// --- profile -------------------------------------------------------------------------------------

struct suite {
    const char *priority;
    const char *name; // as it is negotiated; NULL: must not be
    enum certificate_set set, ue_set;
    bool legacy;
    bool as_client_too;
};

#define GROUPS ":+GROUP-ALL:+SIGN-ALL:+COMP-NULL:+CTYPE-X509"
#define ONLY(kx, cipher, mac) "NONE:+VERS-DTLS1.2:+" kx ":+" cipher ":+" mac GROUPS

static const struct suite suites[] = {
    {ONLY("ECDHE-ECDSA", "AES-128-GCM", "AEAD"), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
     CERTIFICATE_ECDSA, CERTIFICATE_ECDSA, false, true},
    {ONLY("ECDHE-ECDSA", "AES-256-GCM", "AEAD"), "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
     CERTIFICATE_ECDSA, CERTIFICATE_ECDSA, false, true},
    {ONLY("ECDHE-RSA", "AES-128-GCM", "AEAD"), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
     CERTIFICATE_RSA, CERTIFICATE_RSA, false, true},
    {ONLY("ECDHE-RSA", "AES-256-GCM", "AEAD"), "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
     CERTIFICATE_ECDSA_RSA, CERTIFICATE_RSA, false, true},
    {ONLY("DHE-RSA", "AES-128-GCM", "AEAD"), "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
     CERTIFICATE_ECDSA_RSA, CERTIFICATE_RSA, false, false},
    // DHE with a UE that knows no named groups
    {"NONE:+VERS-DTLS1.2:+DHE-RSA:+AES-128-GCM:+AEAD:+SIGN-ALL:+COMP-NULL:+CTYPE-X509",
     "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", CERTIFICATE_RSA, CERTIFICATE_RSA, false, false},
    // an RSA UE and an AGW that has only ECDSA
    {ONLY("ECDHE-RSA", "AES-128-GCM", "AEAD"), NULL, CERTIFICATE_ECDSA, CERTIFICATE_RSA, false,
     false},
    // the legacy switch
    {ONLY("RSA", "AES-128-CBC", "SHA1"), NULL, CERTIFICATE_RSA, CERTIFICATE_RSA, false, true},
    {ONLY("RSA", "AES-128-CBC", "SHA1"), "TLS_RSA_WITH_AES_128_CBC_SHA", CERTIFICATE_RSA,
     CERTIFICATE_RSA, true, true},
    {ONLY("RSA", "AES-128-CBC", "SHA1"), "TLS_RSA_WITH_AES_128_CBC_SHA", CERTIFICATE_ECDSA_RSA,
     CERTIFICATE_RSA, true, false},
    {ONLY("DHE-RSA", "AES-128-CBC", "SHA256"), "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
     CERTIFICATE_RSA, CERTIFICATE_RSA, true, false},
    {ONLY("ECDHE-ECDSA", "AES-128-CBC", "SHA1"), "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
     CERTIFICATE_ECDSA, CERTIFICATE_ECDSA, true, true},
    {ONLY("ECDHE-ECDSA", "AES-128-CBC", "SHA1"), NULL, CERTIFICATE_ECDSA, CERTIFICATE_ECDSA, false,
     true},
    // never: no authentication, no encryption, 64-bit blocks, RC4
    {ONLY("ANON-ECDH", "AES-128-GCM", "AEAD"), NULL, CERTIFICATE_ECDSA, CERTIFICATE_ECDSA, true,
     false},
    {ONLY("ECDHE-ECDSA", "NULL", "SHA1"), NULL, CERTIFICATE_ECDSA, CERTIFICATE_ECDSA, true, false},
    {ONLY("ECDHE-ECDSA", "3DES-CBC", "SHA1"), NULL, CERTIFICATE_ECDSA, CERTIFICATE_ECDSA, true,
     false},
    // never: an old version (REQ-067)
    {"NONE:+VERS-DTLS1.0:+ECDHE-ECDSA:+AES-128-CBC:+SHA1" GROUPS, NULL, CERTIFICATE_ECDSA,
     CERTIFICATE_ECDSA, true, true},
};

// The overhead of one datagram on the wire does not exceed what bandwidth is adjusted by (REQ-096).
static void check_overhead(struct rig *rig)
{
    static uint8_t media[1200];
    for (size_t len = 1; len < sizeof(media); len += 77) {
        rig->to_ue.longest = 0;
        ck_assert_int_eq(dtls_send(rig->dtls, media, len), 0);
        ck_assert_uint_le(rig->to_ue.longest, len + dtls_profile_overhead(rig->profile));
    }
    wire_drop_all(&rig->to_ue);
}

static void check_suite(const struct suite *suite, bool server)
{
    struct rig rig;
    rig_configure(&rig);
    rig.cfg.agw.legacy_suites = suite->legacy;
    rig_open_sets(&rig, server, suite->set, suite->ue_set);
    rig_handshake(&rig, suite->priority);
    if (suite->name) {
        ck_assert_msg(rig.dtls && dtls_state(rig.dtls) == DTLS_ESTABLISHED, "%s", suite->priority);
        ck_assert_str_eq(gnutls_ciphersuite_get(rig.raw.session), suite->name);
        check_media_passes(&rig);
        check_overhead(&rig);
    } else {
        ck_assert(!rig.raw.established);
        ck_assert_msg(dtls_state(rig.dtls) == DTLS_FAILED, "%s", suite->priority);
        if (server) // a UE that is server may not even say why
            ck_assert_str_eq(reason_name(dtls_failure(rig.dtls)),
                             reason_name(REASON_DTLS_HANDSHAKE));
    }
    rig_close(&rig);
}

// REQ-067, REQ-132: what is negotiated with a UE that has just one suite, with and without the
// legacy switch.
START_TEST(the_profile_decides_about_suites)
{
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        check_suite(&suites[i], true);
        if (suites[i].as_client_too && suites[i].name)
            check_suite(&suites[i], false);
    }
}
END_TEST

// No common ground as client: the server's refusal of our ClientHello is not a refusal of us.
START_TEST(no_common_suite_as_client_is_a_failed_handshake)
{
    struct rig rig;
    rig_open(&rig, false);
    rig_start_agw(&rig);
    rig_start_raw(&rig, ONLY("ECDHE-ECDSA", "AES-128-CCM", "AEAD"), rig.ue_certificate);
    rig_pump(&rig);
    ck_assert_int_lt(rig.raw.rc, 0);
    gnutls_alert_send_appropriate(rig.raw.session, rig.raw.rc);
    rig_pump(&rig);
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_FAILED);
    ck_assert_str_eq(reason_name(dtls_failure(rig.dtls)), reason_name(REASON_DTLS_HANDSHAKE));
    rig_close(&rig);
}
END_TEST

// REQ-096: 37 bytes for AES-GCM, and the worst CBC suite with the legacy switch.
START_TEST(the_overhead_is_that_of_the_worst_suite)
{
    struct config cfg;
    struct dtls_profile *profile;
    config_defaults(&cfg);
    cfg.agw.legacy_suites = false;
    ck_assert_int_eq(dtls_profile_open(&profile, &cfg), 0);
    ck_assert_uint_eq(dtls_profile_overhead(profile), 37);
    dtls_profile_close(profile);
    cfg.agw.legacy_suites = true;
    ck_assert_int_eq(dtls_profile_open(&profile, &cfg), 0);
    ck_assert_uint_eq(dtls_profile_overhead(profile), 77);
    dtls_profile_close(profile);
    dtls_profile_close(NULL);
}
END_TEST

// REQ-068: no tickets and no resumption; extended master secret and secure renegotiation are on.
START_TEST(nothing_is_resumed)
{
    struct rig rig;
    gnutls_datum_t first = {0};
    rig_establish(&rig, true);
    ck_assert_uint_eq(gnutls_session_ext_master_secret_status(rig.raw.session), 1);
    ck_assert_int_eq(gnutls_safe_renegotiation_status(rig.raw.session), 1);
    ck_assert_uint_eq(gnutls_session_get_flags(rig.raw.session) & GNUTLS_SFLAGS_SESSION_TICKET, 0);
    ck_assert_int_eq(gnutls_session_get_data2(rig.raw.session, &first), 0);
    dtls_close(rig.dtls);
    rig.dtls = NULL;
    gnutls_deinit(rig.raw.session);
    wire_drop_all(&rig.to_ue);

    raw_open(&rig.raw, false, RAW_PRIORITY, rig.ue_certificate, &rig.to_agw);
    ck_assert_int_eq(gnutls_session_set_data(rig.raw.session, first.data, first.size), 0);
    raw_step(&rig.raw);
    rig_pump(&rig);
    ck_assert(rig.raw.established);
    ck_assert_int_eq(gnutls_session_is_resumed(rig.raw.session), 0);
    gnutls_free(first.data);
    rig_close(&rig);
}
END_TEST

// True when the ClientHello in this datagram has an extension.
static bool hello_has(const struct packet *p, unsigned type)
{
    size_t at = 25 + 34;                              // record, handshake header, version, random
    at += 1 + p->bytes[at];                           // session id
    at += 1 + p->bytes[at];                           // cookie
    at += 2 + p->bytes[at] * 256u + p->bytes[at + 1]; // suites
    at += 1 + p->bytes[at];                           // compression methods
    at += 2;
    while (at + 4 <= p->len) {
        if (p->bytes[at] * 256u + p->bytes[at + 1] == type)
            return true;
        at += 4 + p->bytes[at + 2] * 256u + p->bytes[at + 3];
    }
    return false;
}

// REQ-068, REQ-133: the ClientHello of the AGW has the renegotiation signal and extended master
// secret, no session ticket and no compression.
START_TEST(the_client_hello_says_what_it_should)
{
    enum { EXTENDED_MASTER_SECRET = 23, SESSION_TICKET = 35, RENEGOTIATION_INFO = 0xff01 };
    struct rig rig;

    rig_open(&rig, false);
    rig_start_agw(&rig);
    const struct packet *hello = rig.to_ue.first;
    ck_assert(hello_has(hello, RENEGOTIATION_INFO));
    ck_assert(hello_has(hello, EXTENDED_MASTER_SECRET));
    ck_assert(!hello_has(hello, SESSION_TICKET));
    size_t suites_at = 25 + 34 + 2;
    size_t compression_at = suites_at + 2 + hello->bytes[suites_at + 1];
    ck_assert_uint_eq(hello->bytes[compression_at], 1);
    ck_assert_uint_eq(hello->bytes[compression_at + 1], 0);
    rig_close(&rig);
}
END_TEST

// REQ-133, RFC 5746: a UE without the renegotiation signal is let in with the legacy switch only;
// what it is refused with is handshake_failure.
START_TEST(a_ue_without_rfc_5746_needs_the_legacy_switch)
{
    for (int legacy = 0; legacy <= 1; legacy++) {
        for (int server = 0; server <= 1; server++) {
            struct rig rig;
            rig_configure(&rig);
            rig.cfg.agw.legacy_suites = legacy;
            rig_open_sets(&rig, server, CERTIFICATE_ECDSA, CERTIFICATE_ECDSA);
            rig_handshake(&rig, RAW_PRIORITY ":%DISABLE_SAFE_RENEGOTIATION");
            if (legacy)
                ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
            else
                check_refused(&rig, REASON_DTLS_HANDSHAKE, GNUTLS_A_HANDSHAKE_FAILURE);
            rig_close(&rig);
        }
    }
}
END_TEST

// RFC 7345 5.3, REQ-096: a handshake never sends a datagram that is longer than the path allows,
// however small that is, and large certificates are put together from fragments.
START_TEST(the_handshake_keeps_to_the_mtu)
{
    for (int server = 0; server <= 1; server++) {
        struct rig rig;
        rig_configure(&rig);
        rig.cfg.agw.mtu = 300;
        rig_open_sets(&rig, server, CERTIFICATE_RSA, CERTIFICATE_RSA);
        rig_start_agw(&rig);
        raw_open(&rig.raw, !server, RAW_PRIORITY, rig.ue_certificate, &rig.to_agw);
        gnutls_dtls_set_mtu(rig.raw.session, 252);
        if (server)
            raw_step(&rig.raw);
        rig_pump(&rig);
        ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
        ck_assert_uint_le(rig.to_ue.longest, 300 - 48);
        ck_assert_uint_gt(rig.to_ue.longest, 200);
        rig_close(&rig);
    }
}
END_TEST

// RFC 6347 4.2.3: the messages of a flight share datagrams where they fit, and each is sent once.
START_TEST(a_flight_is_one_datagram)
{
    struct rig rig;

    rig_establish(&rig, true);
    ck_assert_uint_eq(rig.to_ue.sent, 3); // HelloVerifyRequest, ServerHello.., Finished
    rig_close(&rig);
    rig_establish(&rig, false);
    ck_assert_uint_eq(rig.to_ue.sent, 2); // ClientHello, Certificate..Finished
    ck_assert_uint_le(rig.to_ue.longest, 700);
    rig_close(&rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        both_roles_establish,
        the_presented_certificate_is_the_announced_one,
        a_wrong_fingerprint_is_bad_certificate,
        one_right_value_among_several_suffices,
        every_allowed_hash_is_checked,
        only_the_strongest_hash_counts,
        forbidden_and_unknown_hashes_are_not_used,
        only_the_leaf_of_a_chain_counts,
        no_client_certificate_is_bad_certificate,
        no_client_certificate_fails_before_the_fingerprint_is_known,
        the_handshake_parks_until_the_fingerprints_come,
        a_parked_handshake_fails_on_a_wrong_fingerprint,
        a_parked_handshake_keeps_a_bounded_rest,
        fingerprints_that_change_during_the_handshake_count,
        a_repeated_flight_gets_the_alert_again,
        a_lost_alert_reaches_the_ue_after_all,
        an_alert_of_the_ue_is_a_refusal,
        the_profile_decides_about_suites,
        no_common_suite_as_client_is_a_failed_handshake,
        the_overhead_is_that_of_the_worst_suite,
        nothing_is_resumed,
        the_client_hello_says_what_it_should,
        a_ue_without_rfc_5746_needs_the_legacy_switch,
        the_handshake_keeps_to_the_mtu,
        a_flight_is_one_datagram,
    };

    return SUITE_RUN("dtls", tests);
}
