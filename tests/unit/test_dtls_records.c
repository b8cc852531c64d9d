// SPDX-License-Identifier: GPL-3.0-or-later
// The life of an established DTLS association: records, hostile datagrams, renegotiation, end.
#include "tests/unit/capture.h"
#include "tests/unit/dtls_rig.h"
#include "tests/unit/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ONLY_AES_128_GCM                                                                           \
    "NONE:+VERS-DTLS1.2:+ECDHE-ECDSA:+AES-128-GCM:+AEAD:+GROUP-ALL:+SIGN-ALL:+COMP-NULL:+CTYPE-"   \
    "X509"

// The datagram that carries text from the UE, taken off the wire.
static struct packet *record_from_ue(struct rig *rig, const char *text)
{
    raw_send(&rig->raw, text);
    struct packet *p = wire_take(&rig->to_agw);
    ck_assert_ptr_nonnull(p);
    ck_assert_ptr_null(rig->to_agw.first);
    return p;
}

static void check_alive(struct rig *rig)
{
    unsigned before = rig->delivered, heard = rig->raw.received;

    ck_assert_int_eq(dtls_state(rig->dtls), DTLS_ESTABLISHED);
    raw_send(&rig->raw, "still here");
    rig_pump(rig);
    ck_assert_uint_eq(rig->delivered, before + 1);
    ck_assert_mem_eq(rig->last, "still here", 10);
    ck_assert_int_eq(dtls_send(rig->dtls, "so am I", 7), 0);
    rig_pump(rig);
    ck_assert_uint_eq(rig->raw.received, heard + 1);
}

// REQ-070: one packet is one record in one datagram.
START_TEST(one_packet_is_one_record_in_one_datagram)
{
    struct rig rig;
    rig_establish(&rig, true);
    for (size_t len = 1; len <= 300; len += 13) {
        uint8_t media[300] = {0};
        unsigned sent = rig.to_ue.sent;
        ck_assert_int_eq(dtls_send(rig.dtls, media, len), 0);
        ck_assert_uint_eq(rig.to_ue.sent, sent + 1);
        struct packet *p = wire_take(&rig.to_ue);
        ck_assert_int_eq(p->bytes[0], 23);
        ck_assert_uint_eq(p->len, 13u + p->bytes[11] * 256u + p->bytes[12]);
        free(p);
    }
    ck_assert_int_eq(dtls_send(rig.dtls, "", 0), 0); // nothing to send, nothing sent
    ck_assert_ptr_null(rig.to_ue.first);
    rig_close(&rig);
}
END_TEST

// REQ-070, RFC 6347 4.1.1: every record of a datagram becomes a packet of its own, in order, also
// when something useless is between them.
START_TEST(several_records_in_a_datagram_are_several_packets)
{
    const char *const texts[] = {"first", "second one", "3"};
    struct rig rig;
    uint8_t datagram[1500];
    size_t len = 0;

    rig_establish(&rig, true);
    for (int i = 0; i < 3; i++) {
        struct packet *p = record_from_ue(&rig, texts[i]);
        memcpy(datagram + len, p->bytes, p->len);
        len += p->len;
        if (i == 1) { // a replay of it
            memcpy(datagram + len, p->bytes, p->len);
            len += p->len;
        }
        free(p);
    }
    rig_to_agw(&rig, datagram, len);
    ck_assert_uint_eq(rig.delivered, 3);
    ck_assert_uint_eq(rig.last_len, 1);
    ck_assert_mem_eq(rig.last, "3", 1);
    ck_assert_uint_eq(dtls_take_discarded(rig.dtls), 1);
    check_alive(&rig);
    rig_close(&rig);
}
END_TEST

// The UE's last flight and its first media may share a datagram: the media counts, for the peer is
// verified by then.
START_TEST(media_behind_the_finished_is_delivered)
{
    struct rig rig;
    uint8_t datagram[1500];
    size_t len = 0;

    rig_open(&rig, false); // as client, the AGW hears the last flight
    rig_start_agw(&rig);
    rig_start_raw(&rig, RAW_PRIORITY, rig.ue_certificate);
    while (!rig.raw.established) {
        rig_step_up(&rig);
        rig_step_down(&rig);
    }
    raw_send(&rig.raw, "media");
    for (struct packet *p; (p = wire_take(&rig.to_agw)) != NULL; free(p)) {
        memcpy(datagram + len, p->bytes, p->len);
        len += p->len;
    }
    rig_to_agw(&rig, datagram, len);
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
    ck_assert_uint_eq(rig.delivered, 1);
    ck_assert(rig.authenticated);
    check_alive(&rig);
    rig_close(&rig);
}
END_TEST

// REQ-065: media that overtakes the Finished is not delivered, nor is anything in clear.
START_TEST(nothing_is_delivered_before_establishment)
{
    const uint8_t clear_record[] = {23, 254, 253, 0, 0,   0,   0,   0,  0,
                                    0,  40,  0,   4, 'b', 'a', 'd', '!'};
    struct rig rig;
    struct packet *flight[16];
    unsigned count = 0;

    rig_open(&rig, false);
    rig_start_agw(&rig);
    rig_to_agw(&rig, clear_record, sizeof(clear_record));
    rig_start_raw(&rig, RAW_PRIORITY, rig.ue_certificate);
    while (!rig.raw.established) {
        rig_step_up(&rig);
        rig_step_down(&rig);
        rig_to_agw(&rig, clear_record, sizeof(clear_record));
    }
    while ((flight[count] = wire_take(&rig.to_agw)) != NULL)
        count++;
    struct packet *media = record_from_ue(&rig, "too early");
    rig_to_agw(&rig, media->bytes, media->len);
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_HANDSHAKE);
    ck_assert(!rig.authenticated);
    for (unsigned i = 0; i < count; i++) {
        rig_to_agw(&rig, flight[i]->bytes, flight[i]->len);
        free(flight[i]);
    }
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
    ck_assert_uint_eq(rig.delivered, 0);
    free(media);
    check_alive(&rig);
    rig_close(&rig);
}
END_TEST

// Builds a record of application data with the UE's own keys, which GnuTLS would not send: it may
// be empty. ahead is how far its sequence number is ahead of GnuTLS's. Returns its length.
static size_t seal(struct raw *raw, unsigned ahead, const char *text, uint8_t *record)
{
    const size_t len = strlen(text);
    gnutls_datum_t mac_key, iv, key;
    gnutls_aead_cipher_hd_t cipher;
    uint8_t sequence[8], nonce[12], additional[13];
    size_t sealed = len + 16;

    ck_assert_int_eq(gnutls_record_get_state(raw->session, 0, &mac_key, &iv, &key, sequence), 0);
    sequence[6] = (uint8_t)(sequence[6] + (ahead >> 8));
    sequence[7] = (uint8_t)ahead;
    memcpy(nonce, iv.data, 4); // RFC 5288 3: salt and explicit nonce
    memcpy(nonce + 4, sequence, 8);
    memcpy(additional, sequence, 8); // RFC 5246 6.2.3.3
    memcpy(additional + 8, (uint8_t[]){23, 254, 253, 0, (uint8_t)len}, 5);
    memcpy(record, (uint8_t[]){23, 254, 253}, 3);
    memcpy(record + 3, sequence, 8);
    memcpy(record + 11, (uint8_t[]){0, (uint8_t)(8 + sealed)}, 2);
    memcpy(record + 13, sequence, 8);
    ck_assert_int_eq(gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_128_GCM, &key), 0);
    ck_assert_int_eq(gnutls_aead_cipher_encrypt(cipher, nonce, sizeof(nonce), additional,
                                                sizeof(additional), 16, text, len, record + 21,
                                                &sealed),
                     0);
    gnutls_aead_cipher_deinit(cipher);
    return 21 + sealed;
}

// An empty record is no packet, and it is not the end either, however many come.
START_TEST(empty_records_are_ignored)
{
    struct rig rig;
    uint8_t record[64];

    rig_open(&rig, true);
    rig_handshake(&rig, ONLY_AES_128_GCM);
    for (unsigned i = 1; i <= 500; i++)
        rig_to_agw(&rig, record, seal(&rig.raw, i, "", record));
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
    ck_assert_uint_eq(rig.delivered, 0);
    rig_to_agw(&rig, record, seal(&rig.raw, 501, "not empty", record));
    ck_assert_uint_eq(rig.delivered, 1);
    ck_assert_mem_eq(rig.last, "not empty", 9);
    rig_close(&rig);
}
END_TEST

// --- hostile datagrams ---------------------------------------------------------------------------

// Feeds a datagram that must change nothing: not delivered, not answered, no proof of the peer.
static void check_ignored(struct rig *rig, const uint8_t *datagram, size_t len)
{
    unsigned delivered = rig->delivered, sent = rig->to_ue.sent;
    uint8_t *exact = malloc(len ? len : 1); // a sanitizer sees who reads past it

    memcpy(exact, datagram, len);
    rig_to_agw(rig, exact, len);
    free(exact);
    ck_assert_int_eq(dtls_state(rig->dtls), DTLS_ESTABLISHED);
    ck_assert_uint_eq(rig->delivered, delivered);
    ck_assert_uint_eq(rig->to_ue.sent, sent);
    ck_assert(!rig->authenticated);
}

// RFC 6347 4.1.2.6: a replay is dropped and counted.
START_TEST(a_replay_is_dropped_and_counted)
{
    struct rig rig;
    rig_establish(&rig, true);
    struct packet *p = record_from_ue(&rig, "once");
    rig_to_agw(&rig, p->bytes, p->len);
    ck_assert_uint_eq(rig.delivered, 1);
    for (int i = 0; i < 5; i++)
        check_ignored(&rig, p->bytes, p->len);
    ck_assert_uint_eq(dtls_take_discarded(rig.dtls), 5);
    ck_assert_uint_eq(dtls_take_discarded(rig.dtls), 0);
    free(p);
    check_alive(&rig);
    rig_close(&rig);
}
END_TEST

// RFC 6347 4.1.2.7, REQ-131: a record with any bit wrong, or cut anywhere, is dropped without an
// alert, and the record itself still counts afterwards.
START_TEST(broken_records_are_dropped_without_an_alert)
{
    for (int server = 0; server <= 1; server++) {
        struct rig rig;
        rig_establish(&rig, server);
        struct packet *p = record_from_ue(&rig, "intact");
        for (size_t i = 0; i < p->len; i++) {
            for (int bit = 0; bit < 8; bit++) {
                p->bytes[i] ^= (uint8_t)(1 << bit);
                check_ignored(&rig, p->bytes, p->len);
                p->bytes[i] ^= (uint8_t)(1 << bit);
            }
        }
        for (size_t len = 0; len < p->len; len++)
            check_ignored(&rig, p->bytes, len);
        rig_to_agw(&rig, p->bytes, p->len);
        ck_assert_uint_eq(rig.delivered, 1);
        free(p);
        check_alive(&rig);
        rig_close(&rig);
    }
}
END_TEST

// RFC 6347 4.1.2.7: alerts, handshake messages and media in clear do not touch an established
// association (REQ-130): anybody could have sent them.
START_TEST(clear_records_cannot_harm)
{
    const uint8_t fatal_alert[] = {21, 254, 253, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 2, 40};
    const uint8_t close_notify[] = {21, 254, 253, 0, 0, 0, 0, 0, 0, 1, 1, 0, 2, 1, 0};
    const uint8_t change_cipher[] = {20, 254, 253, 0, 0, 0, 0, 0, 0, 1, 2, 0, 1, 1};
    const uint8_t media[] = {23, 254, 253, 0, 0, 0, 0, 0, 0, 1, 3, 0, 3, 'b', 'a', 'd'};
    const uint8_t next_epoch[] = {23, 254, 253, 0, 2, 0, 0, 0, 0, 1, 3, 0, 3, 'b', 'a', 'd'};
    const uint8_t rtp[] = {0x80, 0, 0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3};
    uint8_t zeros[64] = {0};

    for (int server = 0; server <= 1; server++) {
        struct rig rig, other;
        rig_establish(&rig, server);
        check_ignored(&rig, fatal_alert, sizeof(fatal_alert));
        check_ignored(&rig, close_notify, sizeof(close_notify));
        check_ignored(&rig, change_cipher, sizeof(change_cipher));
        check_ignored(&rig, media, sizeof(media));
        check_ignored(&rig, next_epoch, sizeof(next_epoch));
        check_ignored(&rig, rtp, sizeof(rtp));
        check_ignored(&rig, zeros, sizeof(zeros));

        rig_open(&other, true); // somebody else's ClientHello
        rig_start_raw(&other, RAW_PRIORITY, other.ue_certificate);
        check_ignored(&rig, other.to_agw.first->bytes, other.to_agw.first->len);
        rig_close(&other);
        check_alive(&rig);
        rig_close(&rig);
    }
}
END_TEST

// The wall clock of GnuTLS must not decide about an old association: what it drops much later is
// dropped as quietly (GnuTLS answers GNUTLS_E_TIMEDOUT then).
START_TEST(junk_is_ignored_at_any_age)
{
    struct rig rig;
    rig_establish(&rig, true);
    for (int i = 0; i < 200; i++) {
        uint8_t junk[40];
        rig.now += 3600 * SECOND_US;
        gnutls_rnd(GNUTLS_RND_NONCE, junk, sizeof(junk));
        junk[0] = (uint8_t)(20 + i % 5);
        junk[1] = 254;
        junk[2] = 253;
        check_ignored(&rig, junk, sizeof(junk));
    }
    check_alive(&rig);
    rig_close(&rig);
}
END_TEST

// --- renegotiation -------------------------------------------------------------------------------

// REQ-068, RFC 5746 4.4: a renegotiation that the UE asks for is refused with the warning
// no_renegotiation and counted; the association lives on.
START_TEST(renegotiation_by_a_client_is_refused)
{
    struct rig rig;
    rig_establish(&rig, true);
    uint64_t counted = reason_total(REASON_DTLS_RENEGOTIATION);
    for (int i = 1; i <= 3; i++) {
        rig.raw.established = false;
        raw_step(&rig.raw);
        rig_pump(&rig);
        ck_assert_int_eq(rig.raw.alert, GNUTLS_A_NO_RENEGOTIATION);
        ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
        ck_assert_uint_ge(reason_total(REASON_DTLS_RENEGOTIATION), counted + 1);
    }
    ck_assert_int_eq(dtls_send(rig.dtls, "alive", 5), 0);
    rig_close(&rig);
}
END_TEST

START_TEST(renegotiation_by_a_server_is_refused)
{
    struct rig rig;
    rig_establish(&rig, false);
    uint64_t counted = reason_total(REASON_DTLS_RENEGOTIATION);
    ck_assert(!gnutls_error_is_fatal(gnutls_rehandshake(rig.raw.session)));
    rig_pump(&rig);
    ck_assert_int_eq(rig.raw.alert, GNUTLS_A_NO_RENEGOTIATION);
    ck_assert_uint_eq(reason_total(REASON_DTLS_RENEGOTIATION), counted + 1);
    check_alive(&rig);
    rig_close(&rig);
}
END_TEST

// --- the end -------------------------------------------------------------------------------------

// A close_notify of the UE ends the association and is answered with one (RFC 5246 7.2.1).
START_TEST(close_notify_of_the_ue_closes)
{
    for (int server = 0; server <= 1; server++) {
        struct rig rig;
        rig_establish(&rig, server);
        gnutls_bye(rig.raw.session, GNUTLS_SHUT_WR);
        unsigned sent = rig.to_ue.sent;
        rig_pump(&rig);
        ck_assert_int_eq(dtls_state(rig.dtls), DTLS_CLOSED);
        ck_assert_uint_eq(rig.to_ue.sent, sent + 1);
        ck_assert_int_eq(rig.raw.last_len, 0);
        ck_assert_int_eq(dtls_send(rig.dtls, "x", 1), -ENOTCONN);
        ck_assert_uint_eq(dtls_deadline(rig.dtls), UINT64_MAX);
        sent = rig.to_ue.sent;
        dtls_tick(rig.dtls, rig.now + SECOND_US);
        rig_close(&rig); // sends nothing more
        ck_assert_uint_eq(rig.to_ue.sent, sent);
    }
}
END_TEST

// REQ-078: closing tells the UE.
START_TEST(closing_sends_close_notify)
{
    for (int server = 0; server <= 1; server++) {
        struct rig rig;
        rig_establish(&rig, server);
        dtls_close(rig.dtls);
        rig.dtls = NULL;
        rig.server = false; // nobody listens any more
        rig_pump(&rig);
        ck_assert_int_eq(rig.raw.last_len, 0);
        rig_close(&rig);
    }
    dtls_close(NULL);
}
END_TEST

// A fatal alert under the keys of the association ends it like a close_notify: the bearer is gone.
START_TEST(a_fatal_alert_after_establishment_closes)
{
    struct rig rig;
    rig_establish(&rig, true);
    gnutls_alert_send(rig.raw.session, GNUTLS_AL_WARNING, GNUTLS_A_USER_CANCELED);
    rig_pump(&rig);
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
    gnutls_alert_send(rig.raw.session, GNUTLS_AL_FATAL, GNUTLS_A_INTERNAL_ERROR);
    rig_pump(&rig);
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_CLOSED);
    ck_assert_int_eq(dtls_send(rig.dtls, "x", 1), -ENOTCONN);
    rig_close(&rig);
}
END_TEST

// --- sizes ---------------------------------------------------------------------------------------

// REQ-079: with drop_oversize a packet that does not fit the path after protection is refused, one
// byte less is not; without it IP may fragment and the packet passes.
START_TEST(oversize_follows_the_configuration)
{
    static const uint8_t media[16000];
    const size_t fits = 1500 - 48 - 37;

    for (int drop = 0; drop <= 1; drop++) {
        struct rig rig;
        rig_configure(&rig);
        rig.cfg.agw.drop_oversize = drop;
        rig_open_sets(&rig, true, CERTIFICATE_ECDSA, CERTIFICATE_ECDSA);
        rig_handshake(&rig, RAW_PRIORITY);
        ck_assert_int_eq(dtls_send(rig.dtls, media, fits), 0);
        ck_assert_uint_eq(rig.to_ue.longest, 1500 - 48);
        ck_assert_int_eq(dtls_send(rig.dtls, media, fits + 1), drop ? -EMSGSIZE : 0);
        ck_assert_int_eq(dtls_send(rig.dtls, media, 16000), drop ? -EMSGSIZE : 0);
        ck_assert_int_eq(dtls_send(rig.dtls, media, 17000 - 1), -EMSGSIZE);
        ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
        rig_close(&rig);
    }
}
END_TEST

// The largest record there is arrives as one packet.
START_TEST(a_large_record_is_one_packet)
{
    static uint8_t media[16000];
    struct rig rig;

    rig_establish(&rig, true);
    gnutls_dtls_set_mtu(rig.raw.session, 16384);
    memset(media, 7, sizeof(media));
    ck_assert_int_eq(gnutls_record_send(rig.raw.session, media, sizeof(media)), sizeof(media));
    rig_pump(&rig);
    ck_assert_uint_eq(rig.delivered, 1);
    ck_assert_uint_eq(rig.last_len, sizeof(media));
    ck_assert_mem_eq(rig.last, media, sizeof(media));
    rig_close(&rig);
}
END_TEST

// --- key log -------------------------------------------------------------------------------------

static void check_keylog_line(const char *path)
{
    char label[32], random[128], secret[128];
    FILE *file = fopen(path, "r");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%31s %127s %127s", label, random, secret), 3);
    fclose(file);
    ck_assert_str_eq(label, "CLIENT_RANDOM");
    ck_assert_uint_eq(strlen(random), 64);
    ck_assert_uint_eq(strlen(secret), 96);
}

// REQ-112: the key log exists only when it is asked for, is announced, and is readable by its owner
// alone even when it was not before; a symbolic link is refused.
START_TEST(the_key_log_is_private_and_announced)
{
    char directory[] = P_tmpdir "/dtls-keylog-XXXXXX", path[64], link_path[64];
    struct capture capture;
    struct stat st;
    struct rig rig;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/keys", directory);
    snprintf(link_path, sizeof(link_path), "%s/link", directory);
    int fd = open(path, O_CREAT | O_WRONLY, 0644);
    ck_assert_int_ge(fd, 0);
    close(fd);

    rig_configure(&rig);
    snprintf(rig.cfg.agw.keylog, sizeof(rig.cfg.agw.keylog), "%s", path);
    capture_start(&capture);
    rig_open_sets(&rig, true, CERTIFICATE_ECDSA, CERTIFICATE_ECDSA);
    const char *said = capture_end(&capture);
    ck_assert_ptr_nonnull(strstr(said, "warn  key log: "));
    ck_assert_ptr_nonnull(strstr(said, path));
    rig_handshake(&rig, RAW_PRIORITY);
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
    rig_close(&rig);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    check_keylog_line(path);

    struct dtls_profile *profile = NULL;
    ck_assert_int_eq(symlink(path, link_path), 0);
    snprintf(rig.cfg.agw.keylog, sizeof(rig.cfg.agw.keylog), "%s", link_path);
    capture_start(&capture);
    int rc = dtls_profile_open(&profile, &rig.cfg);
    said = capture_end(&capture);
    ck_assert_int_eq(rc, -ELOOP);
    ck_assert_ptr_nonnull(strstr(said, link_path));
    ck_assert_ptr_null(profile);
    unlink(link_path);
    unlink(path);
    rmdir(directory);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_packet_is_one_record_in_one_datagram,
        several_records_in_a_datagram_are_several_packets,
        media_behind_the_finished_is_delivered,
        nothing_is_delivered_before_establishment,
        empty_records_are_ignored,
        a_replay_is_dropped_and_counted,
        broken_records_are_dropped_without_an_alert,
        clear_records_cannot_harm,
        junk_is_ignored_at_any_age,
        renegotiation_by_a_client_is_refused,
        renegotiation_by_a_server_is_refused,
        close_notify_of_the_ue_closes,
        closing_sends_close_notify,
        a_fatal_alert_after_establishment_closes,
        oversize_follows_the_configuration,
        a_large_record_is_one_packet,
        the_key_log_is_private_and_announced,
    };

    return SUITE_RUN("dtls records", tests);
}
