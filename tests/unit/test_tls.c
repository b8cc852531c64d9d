// SPDX-License-Identifier: GPL-3.0-or-later
// A TLS session of the AGW in memory, against a bare GnuTLS session as the UE.
#include "agw/tls.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define TLS12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define FOR_VERSIONS(v) for (unsigned v = 0; v < 2; v++)
static const char *const versions[] = {TLS13, TLS12};

// --- the rig ------------------------------------------------------------------------------------

#define ROOM (1 << 20)

struct rig {
    struct config cfg;
    struct tls_profile *profile;
    struct certificate *own, *ue_certificate;
    struct fingerprints remote; // what the AGW is told of the UE
    struct tls *agw;
    gnutls_session_t ue;
    struct tls_room to_agw, to_ue, plain;
    size_t taken;  // of to_ue, by the UE
    size_t stride; // bytes handed to the AGW at a time
};

static struct rig rig;

static ssize_t ue_push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    struct tls_room *room = ptr;
    ck_assert_uint_le(room->len + len, room->size);
    memcpy(room->bytes + room->len, data, len);
    room->len += len;
    return (ssize_t)len;
}

static ssize_t ue_pull(gnutls_transport_ptr_t ptr, void *data, size_t len)
{
    size_t left = rig.to_ue.len - rig.taken;
    if (left == 0) {
        gnutls_transport_set_errno(rig.ue, EAGAIN);
        return -1;
    }
    len = left < len ? left : len;
    memcpy(data, rig.to_ue.bytes + rig.taken, len);
    rig.taken += len;
    return (ssize_t)len;
}

static int ue_pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    return rig.to_ue.len > rig.taken;
}

static struct tls_room new_room(size_t size)
{
    struct tls_room room = {.bytes = malloc(size), .size = size};
    ck_assert_ptr_nonnull(room.bytes);
    return room;
}

static void rig_open(void)
{
    config_defaults(&rig.cfg);
    ck_assert_int_eq(tls_profile_open(&rig.profile, &rig.cfg), 0);
    rig.own = certificate_create(CERTIFICATE_ECDSA);
    rig.ue_certificate = certificate_create(CERTIFICATE_ECDSA);
    rig.remote = *certificate_fingerprints(rig.ue_certificate);
    rig.to_agw = new_room(ROOM);
    rig.to_ue = new_room(ROOM);
    rig.plain = new_room(ROOM);
    rig.stride = ROOM;
}

static void rig_meet(bool server, const char *priority)
{
    rig.agw = tls_open(rig.profile, server, rig.own, &rig.remote);
    ck_assert_ptr_nonnull(rig.agw);
    rig.to_agw.len = rig.to_ue.len = rig.plain.len = rig.taken = 0;
    ck_assert_int_eq(
        gnutls_init(&rig.ue, (server ? GNUTLS_CLIENT : GNUTLS_SERVER) | GNUTLS_NONBLOCK), 0);
    ck_assert_int_eq(gnutls_priority_set_direct(rig.ue, priority, NULL), 0);
    gnutls_credentials_set(rig.ue, GNUTLS_CRD_CERTIFICATE,
                           certificate_credentials(rig.ue_certificate));
    if (!server)
        gnutls_certificate_server_set_request(rig.ue, GNUTLS_CERT_REQUIRE);
    gnutls_transport_set_ptr2(rig.ue, &rig, &rig.to_agw);
    gnutls_transport_set_push_function(rig.ue, ue_push);
    gnutls_transport_set_pull_function(rig.ue, ue_pull);
    gnutls_transport_set_pull_timeout_function(rig.ue, ue_pull_timeout);
    if (!server)
        tls_start(rig.agw, &rig.to_ue);
}

static void rig_part(void)
{
    tls_close(rig.agw);
    gnutls_deinit(rig.ue);
    rig.agw = NULL;
}

static void rig_close(void)
{
    certificate_free(rig.own);
    certificate_free(rig.ue_certificate);
    tls_profile_close(rig.profile);
    free(rig.to_agw.bytes);
    free(rig.to_ue.bytes);
    free(rig.plain.bytes);
}

// Hands what the UE has sent to the AGW, stride bytes at a time.
static void carry(void)
{
    for (size_t at = 0; at < rig.to_agw.len;) {
        size_t len = rig.to_agw.len - at < rig.stride ? rig.to_agw.len - at : rig.stride;
        tls_receive(rig.agw, rig.to_agw.bytes + at, len, &rig.plain, &rig.to_ue);
        at += len;
    }
    rig.to_agw.len = 0;
}

// Both go on until neither has anything to say. Returns what the UE's handshake said last.
static int shake(void)
{
    int rc = GNUTLS_E_AGAIN;
    for (int i = 0; i < 10; i++) {
        if (rc == GNUTLS_E_AGAIN)
            rc = gnutls_handshake(rig.ue);
        carry();
    }
    return rc;
}

static void expect_state(enum tls_state state)
{
    ck_assert_int_eq(tls_state(rig.agw), state);
}

static void expect_failure(enum reason reason)
{
    expect_state(TLS_FAILED);
    ck_assert_msg(tls_failure(rig.agw) == reason, "%s", reason_name(tls_failure(rig.agw)));
    ck_assert_uint_eq(rig.plain.len, 0);
}

static void ue_say(const char *text)
{
    ck_assert_int_eq(gnutls_record_send(rig.ue, text, strlen(text)), (ssize_t)strlen(text));
    carry();
}

#define expect_plain(text)                                                                         \
    do {                                                                                           \
        ck_assert_uint_eq(rig.plain.len, strlen(text));                                            \
        ck_assert_mem_eq(rig.plain.bytes, (text), rig.plain.len);                                  \
        rig.plain.len = 0;                                                                         \
    } while (0)

static ssize_t ue_hear(char *buf, size_t size)
{
    ssize_t n;
    do {
        n = gnutls_record_recv(rig.ue, buf, size);
    } while (n == GNUTLS_E_AGAIN && rig.to_ue.len > rig.taken);
    return n;
}

static void expect_talk(void)
{
    char buf[64];
    ue_say("from the UE");
    expect_plain("from the UE");
    ck_assert_int_eq(tls_send(rig.agw, (const uint8_t *)"from the core", 13, &rig.to_ue), 0);
    ck_assert_int_eq(ue_hear(buf, sizeof buf), 13);
    ck_assert_mem_eq(buf, "from the core", 13);
}

// The next thing the UE gets is this fatal alert.
static void expect_alert(gnutls_alert_description_t alert)
{
    char buf[16];
    ssize_t rc = gnutls_alert_get(rig.ue) == alert ? GNUTLS_E_FATAL_ALERT_RECEIVED
                                                   : ue_hear(buf, sizeof buf);
    ck_assert_int_eq(rc, GNUTLS_E_FATAL_ALERT_RECEIVED);
    ck_assert_int_eq(gnutls_alert_get(rig.ue), alert);
}

// --- it works -----------------------------------------------------------------------------------

START_TEST(both_roles_and_versions)
{
    // REQ-066, REQ-067, RFC 8122 6.2.
    rig_open();
    for (unsigned i = 0; i < 4; i++) {
        char text[192];
        rig_meet(i & 2, versions[i & 1]);
        ck_assert_int_eq(shake(), 0);
        expect_state(TLS_ESTABLISHED);
        expect_talk();
        ck_assert(tls_is_server(rig.agw) == !!(i & 2));
        tls_describe(rig.agw, text, sizeof text);
        ck_assert_ptr_nonnull(strstr(text, i & 2 ? "server, " : "client, "));
        ck_assert_ptr_nonnull(strstr(text, i & 1 ? "TLS1.2" : "TLS1.3"));
        ck_assert_ptr_nonnull(strstr(text, "SHA-256"));
        rig_part();
    }
    rig_close();
}
END_TEST

START_TEST(every_split_of_the_bytes)
{
    // A stream has no boundaries: 1, 2, 3, 5, 8 ... bytes at a time.
    rig_open();
    for (unsigned i = 0; i < 4; i++)
        for (rig.stride = 1; rig.stride < 100; rig.stride += rig.stride / 2 + 1) {
            rig_meet(i & 2, versions[i & 1]);
            ck_assert_int_eq(shake(), 0);
            expect_talk();
            rig_part();
        }
    rig_close();
}
END_TEST

START_TEST(the_rooms_suffice)
{
    // 64 KiB of plaintext fits TLS_WIRE_ROOM; 64 KiB from the network fit TLS_PLAIN_ROOM.
    static uint8_t bytes[65536];
    struct tls_room wire = new_room(TLS_WIRE_ROOM(sizeof bytes));
    struct tls_room plain = new_room(TLS_PLAIN_ROOM(sizeof bytes));
    rig_open();
    FOR_VERSIONS(v)
    {
        rig_meet(true, versions[v]);
        ck_assert_int_eq(shake(), 0);
        wire.len = 0;
        ck_assert_int_eq(tls_send(rig.agw, bytes, sizeof bytes, &wire), 0);
        for (int i = 0; i < 8; i++)
            ck_assert_int_gt(gnutls_record_send(rig.ue, bytes, 16384), 0);
        size_t got = 0;
        for (size_t at = 0; at < rig.to_agw.len;) {
            size_t len = rig.to_agw.len - at < sizeof bytes ? rig.to_agw.len - at : sizeof bytes;
            plain.len = 0;
            tls_receive(rig.agw, rig.to_agw.bytes + at, len, &plain, &rig.to_ue);
            got += plain.len;
            at += len;
        }
        ck_assert_uint_eq(got, 8 * 16384);
        rig_part();
    }
    free(wire.bytes);
    free(plain.bytes);
    rig_close();
}
END_TEST

START_TEST(a_room_that_is_too_small_loses_nothing_silently)
{
    // Plaintext waits inside; what must go to the peer cannot, so the session fails.
    uint8_t bytes[8];
    struct tls_room small = {.bytes = bytes, .size = sizeof bytes};
    rig_open();
    rig_meet(true, TLS13);
    ck_assert_int_eq(shake(), 0);
    ck_assert_int_eq(gnutls_record_send(rig.ue, "from the UE", 11), 11);
    tls_receive(rig.agw, rig.to_agw.bytes, rig.to_agw.len, &small, &rig.to_ue);
    ck_assert_uint_eq(small.len, 8);
    rig.to_agw.len = 0;
    ue_say("!");
    expect_plain(" UE!");
    rig_part();
    rig_meet(true, TLS13);
    (void)gnutls_handshake(rig.ue);
    small.len = 0;
    tls_receive(rig.agw, rig.to_agw.bytes, rig.to_agw.len, &rig.plain, &small);
    expect_failure(REASON_AGW_NO_RESOURCE);
    rig_part();
    rig_close();
}
END_TEST

START_TEST(the_overhead_is_that_of_the_worst_suite)
{
    // REQ-096: 5 + 8 + 16 bytes with AES-GCM in TLS 1.2; CBC takes more.
    rig_open();
    ck_assert_uint_eq(tls_profile_overhead(rig.profile), 29);
    tls_profile_close(rig.profile);
    rig.cfg.agw.legacy_suites = true;
    ck_assert_int_eq(tls_profile_open(&rig.profile, &rig.cfg), 0);
    ck_assert_uint_gt(tls_profile_overhead(rig.profile), 29);
    ck_assert_uint_le(tls_profile_overhead(rig.profile), TLS_RECORD_OVERHEAD_MAX);
    rig_close();
}
END_TEST

START_TEST(keys_are_logged_when_asked_for)
{
    // REQ-112: opt-in, a line per secret.
    char path[] = P_tmpdir "/test-tls-XXXXXX", line[64] = "";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    config_defaults(&rig.cfg);
    rig_open();
    tls_profile_close(rig.profile);
    snprintf(rig.cfg.agw.keylog, sizeof rig.cfg.agw.keylog, "%s", path);
    ck_assert_int_eq(tls_profile_open(&rig.profile, &rig.cfg), 0);
    rig_meet(true, TLS12);
    ck_assert_int_eq(shake(), 0);
    ck_assert_int_gt(read(fd, line, sizeof line - 1), 0);
    ck_assert_int_eq(strncmp(line, "CLIENT_RANDOM ", 14), 0);
    close(fd);
    unlink(path);
    rig_part();
    rig_close();
}
END_TEST

// --- verification -------------------------------------------------------------------------------

START_TEST(a_wrong_fingerprint)
{
    // REQ-064: bad_certificate in both roles and versions; no plaintext.
    rig_open();
    rig.remote.list[0].value[0] ^= 1;
    for (unsigned i = 0; i < 4; i++) {
        rig_meet(i & 2, versions[i & 1]);
        if (shake() == 0)
            (void)gnutls_record_send(rig.ue, "secret", 6);
        carry();
        expect_failure(REASON_DTLS_FINGERPRINT);
        expect_alert(GNUTLS_A_BAD_CERTIFICATE);
        ck_assert_int_eq(tls_send(rig.agw, (const uint8_t *)"x", 1, &rig.to_ue), -ENOTCONN);
        rig_part();
    }
    rig_close();
}
END_TEST

START_TEST(only_the_strongest_hash_counts)
{
    // REQ-063, RFC 8122 5.1: a right SHA-256 value does not help a wrong SHA-512 one.
    rig_open();
    struct fingerprint *second = &rig.remote.list[rig.remote.count++];
    *second = (struct fingerprint){.hash = "SHA-512", .len = 64};
    rig_meet(true, TLS13);
    (void)shake();
    expect_failure(REASON_DTLS_FINGERPRINT);
    rig_part();
    rig_close();
}
END_TEST

START_TEST(no_certificate)
{
    // REQ-062: bad_certificate.
    gnutls_certificate_credentials_t nothing;
    gnutls_certificate_allocate_credentials(&nothing);
    rig_open();
    FOR_VERSIONS(v)
    {
        rig_meet(true, versions[v]);
        gnutls_credentials_set(rig.ue, GNUTLS_CRD_CERTIFICATE, nothing);
        (void)shake();
        expect_failure(REASON_DTLS_NO_CERTIFICATE);
        expect_alert(GNUTLS_A_BAD_CERTIFICATE);
        rig_part();
    }
    gnutls_certificate_free_credentials(nothing);
    rig_close();
}
END_TEST

START_TEST(fingerprints_that_come_late)
{
    // NOTE 3 of TS 23.334 6.2.10.4.3: the handshake parks; what the UE sends behind it is kept and
    // comes out when the fingerprints are there, or never.
    rig_open();
    struct fingerprints known = rig.remote, none = {0};
    for (unsigned i = 0; i < 4; i++) {
        bool right = i & 2;
        rig.remote = none;
        rig.stride = i & 1 ? 7 : ROOM;
        rig_meet(true, versions[i & 1]);
        int rc = shake();
        expect_state(TLS_HANDSHAKE);
        ck_assert(!tls_wants_input(rig.agw));
        if (rc == 0) { // TLS 1.3
            ck_assert_int_eq(gnutls_record_send(rig.ue, "early", 5), 5);
            carry();
        }
        ck_assert_uint_eq(rig.plain.len, 0);
        tls_set_fingerprints(rig.agw, &none, &rig.plain, &rig.to_ue); // nothing new
        ck_assert(!tls_wants_input(rig.agw));
        rig.remote = known;
        if (!right)
            rig.remote.list[0].value[5] ^= 1;
        tls_set_fingerprints(rig.agw, &rig.remote, &rig.plain, &rig.to_ue);
        if (rc != 0)
            rc = shake();
        if (!right) {
            expect_failure(REASON_DTLS_FINGERPRINT);
        } else {
            ck_assert_int_eq(rc, 0);
            expect_state(TLS_ESTABLISHED);
            if (rig.plain.len > 0)
                expect_plain("early");
            expect_talk();
        }
        rig_part();
    }
    rig_close();
}
END_TEST

// --- it fails -----------------------------------------------------------------------------------

START_TEST(a_peer_that_refuses)
{
    // An alert ends the handshake; with TLS 1.3 as client it may come when the AGW is done, and so
    // may the mere end of the stream.
    rig_open();
    for (unsigned i = 0; i < 4; i++) {
        rig_meet(i & 2, versions[i & 1]);
        (void)gnutls_handshake(rig.ue);
        carry();
        gnutls_alert_send(rig.ue, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
        carry();
        expect_failure(REASON_DTLS_REFUSED);
        rig_part();
    }
    for (int heard = 0; heard < 2; heard++) {
        rig_meet(false, TLS13);
        ck_assert_int_eq(shake(), 0);
        expect_state(TLS_ESTABLISHED);
        if (heard)
            ue_say("welcome");
        rig.plain.len = 0;
        gnutls_alert_send(rig.ue, GNUTLS_AL_FATAL, GNUTLS_A_UNKNOWN_CA);
        carry();
        if (heard)
            expect_state(TLS_CLOSED);
        else
            expect_failure(REASON_DTLS_REFUSED);
        rig_part();
    }
    rig_close();
}
END_TEST

START_TEST(the_stream_ends)
{
    // Without a word of TLS: in the handshake a failure, later the end of the session, and for a
    // TLS 1.3 client that has heard nothing yet a failure.
    rig_open();
    for (unsigned i = 0; i < 4; i++) {
        rig_meet(i & 2, versions[i & 1]);
        (void)gnutls_handshake(rig.ue);
        tls_stream_ended(rig.agw);
        expect_failure(REASON_DTLS_REFUSED);
        rig_part();
        rig_meet(i & 2, versions[i & 1]);
        ck_assert_int_eq(shake(), 0);
        tls_stream_ended(rig.agw);
        if (i == 0)
            expect_failure(REASON_DTLS_REFUSED);
        else
            expect_state(TLS_CLOSED);
        rig_part();
    }
    rig_close();
}
END_TEST

START_TEST(nothing_in_common)
{
    // REQ-067: versions before TLS 1.2.
    rig_open();
    rig_meet(true, "NORMAL:-VERS-ALL:+VERS-TLS1.1");
    (void)shake();
    expect_failure(REASON_DTLS_HANDSHAKE);
    rig_part();
    rig_meet(false, "NORMAL:-VERS-ALL:+VERS-TLS1.1");
    (void)shake();
    gnutls_alert_send_appropriate(rig.ue, GNUTLS_E_UNSUPPORTED_VERSION_PACKET);
    carry();
    expect_failure(REASON_DTLS_HANDSHAKE);
    rig_part();
    rig_close();
}
END_TEST

static void feed(const void *bytes, size_t len)
{
    tls_receive(rig.agw, bytes, len, &rig.plain, &rig.to_ue);
}

START_TEST(no_tls_at_all)
{
    // REQ-142: clear text is told from broken TLS, at its first byte.
    rig_open();
    for (int server = 0; server < 2; server++) {
        rig_meet(server, TLS13);
        feed("MSRP", 4);
        expect_failure(REASON_PLAIN_ON_TLS);
        feed("MSRP", 4); // for ever
        expect_failure(REASON_PLAIN_ON_TLS);
        rig_part();
        rig_meet(server, TLS13);
        feed("\x20\x01", 2); // BFCP
        expect_failure(REASON_PLAIN_ON_TLS);
        rig_part();
        rig_meet(server, TLS13);
        feed("\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9); // an empty ClientHello
        expect_failure(REASON_DTLS_HANDSHAKE);
        rig_part();
    }
    rig_close();
}
END_TEST

START_TEST(a_broken_record)
{
    // RFC 5246 7.2.2: a fatal alert, nothing of it comes out, and what came before does.
    rig_open();
    FOR_VERSIONS(v)
    {
        static const uint8_t record[] = {23, 3, 3, 0, 40, [44] = 0};
        rig_meet(true, versions[v]);
        ck_assert_int_eq(shake(), 0);
        ck_assert_int_gt(gnutls_record_send(rig.ue, "good", 4), 0);
        ue_push(&rig.to_agw, record, sizeof record);
        carry();
        expect_state(TLS_CLOSED);
        expect_plain("good");
        expect_alert(GNUTLS_A_BAD_RECORD_MAC);
        rig_part();
    }
    rig_close();
}
END_TEST

// --- renegotiation and the end ------------------------------------------------------------------

START_TEST(renegotiation)
{
    // RFC 5746 4.4, REQ-068: no_renegotiation in both roles, counted, and data go on behind it.
    rig_open();
    for (int server = 0; server < 2; server++) {
        char buf[16];
        uint64_t before = reason_total(REASON_DTLS_RENEGOTIATION);
        rig_meet(server, TLS12);
        ck_assert_int_eq(shake(), 0);
        if (server)
            (void)gnutls_handshake(rig.ue);
        else
            ck_assert_int_eq(gnutls_rehandshake(rig.ue), 0);
        carry();
        expect_state(TLS_ESTABLISHED);
        ck_assert_uint_eq(reason_total(REASON_DTLS_RENEGOTIATION) - before, 1);
        ssize_t rc = server ? gnutls_handshake(rig.ue) : ue_hear(buf, sizeof buf);
        ck_assert_int_eq(rc, GNUTLS_E_WARNING_ALERT_RECEIVED);
        ck_assert_int_eq(gnutls_alert_get(rig.ue), GNUTLS_A_NO_RENEGOTIATION);
        ue_say("still here");
        expect_plain("still here");
        rig_part();
    }
    rig_close();
}
END_TEST

START_TEST(key_updates_with_data_behind)
{
    // RFC 8446 4.6.3: several messages and data in one piece.
    rig_open();
    rig_meet(true, TLS13);
    ck_assert_int_eq(shake(), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(gnutls_session_key_update(rig.ue, GNUTLS_KU_PEER), 0);
    ue_say("behind");
    expect_plain("behind");
    expect_talk();
    rig_part();
    rig_close();
}
END_TEST

START_TEST(close_notify)
{
    // RFC 5246 7.2.1: sent once, answered once; nothing is sent behind it.
    rig_open();
    for (unsigned i = 0; i < 4; i++) {
        char buf[16];
        rig_meet(i & 2, versions[i & 1]);
        ck_assert_int_eq(shake(), 0);
        ck_assert_int_gt(gnutls_record_send(rig.ue, "last", 4), 0);
        gnutls_bye(rig.ue, GNUTLS_SHUT_WR);
        carry();
        expect_state(TLS_CLOSED);
        expect_plain("last");
        tls_finish(rig.agw, &rig.to_ue);
        size_t len = rig.to_ue.len;
        tls_finish(rig.agw, &rig.to_ue);
        ck_assert_uint_eq(rig.to_ue.len, len);
        ck_assert_int_eq(ue_hear(buf, sizeof buf), 0);
        ck_assert_int_eq(tls_send(rig.agw, (const uint8_t *)"x", 1, &rig.to_ue), -ENOTCONN);
        rig_part();
        rig_meet(i & 2, versions[i & 1]);
        ck_assert_int_eq(shake(), 0);
        tls_finish(rig.agw, &rig.to_ue);
        ck_assert_int_eq(ue_hear(buf, sizeof buf), 0);
        ue_say("you first"); // the UE may finish what it has to say
        expect_plain("you first");
        rig_part();
    }
    rig_close();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        both_roles_and_versions,
        every_split_of_the_bytes,
        the_rooms_suffice,
        a_room_that_is_too_small_loses_nothing_silently,
        the_overhead_is_that_of_the_worst_suite,
        keys_are_logged_when_asked_for,
        a_wrong_fingerprint,
        only_the_strongest_hash_counts,
        no_certificate,
        fingerprints_that_come_late,
        a_peer_that_refuses,
        the_stream_ends,
        nothing_in_common,
        no_tls_at_all,
        a_broken_record,
        renegotiation,
        key_updates_with_data_behind,
        close_notify,
    };
    return SUITE_RUN("tls", tests);
}
