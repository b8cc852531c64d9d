// SPDX-License-Identifier: GPL-3.0-or-later
// The DTLS of the reference user agent: two associations face to face, datagrams carried by hand.
#include "tests/ua/ua_dtls.h"
#include "tests/unit/suite.h"

#include <gnutls/x509.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define ON_THE_WAY 64
#define PAYLOAD_MAX 2048

struct end;

struct datagram {
    struct end *to;
    uint8_t bytes[PAYLOAD_MAX];
    size_t len;
};

// Everything between the two ends, in the order it was sent.
struct wire {
    struct datagram queue[ON_THE_WAY];
    size_t head, tail;
};

struct end {
    struct wire *wire;
    struct end *peer;
    struct cert *cert;
    struct dtls *dtls;
    bool shows_none;   // no certificate
    bool free_when_up; // in the callback itself
    unsigned established, failed, closed, renegotiated;
    char why[160];
    char heard[256]; // payloads, each followed by a blank
};

static void on_send(void *arg, const uint8_t *bytes, size_t len)
{
    struct end *e = arg;
    ck_assert_uint_lt(e->wire->tail, ON_THE_WAY);
    struct datagram *d = &e->wire->queue[e->wire->tail++];
    d->to = e->peer;
    memcpy(d->bytes, bytes, len);
    d->len = len;
}

static void on_established(void *arg, const struct dtls_facts *facts)
{
    struct end *e = arg;
    struct fingerprint shown;

    e->established++;
    cert_fingerprint(e->peer->cert, CERT_SHA256, &shown);
    ck_assert(fingerprint_equal(&shown, &facts->peer));
    if (e->free_when_up) {
        dtls_free(e->dtls);
        e->dtls = NULL;
    }
}

static void on_failed(void *arg, const char *why)
{
    struct end *e = arg;
    e->failed++;
    snprintf(e->why, sizeof(e->why), "%s", why);
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct end *e = arg;
    size_t at = strlen(e->heard);
    snprintf(e->heard + at, sizeof(e->heard) - at, "%.*s ", (int)len, (const char *)bytes);
}

static void on_closed(void *arg)
{
    ((struct end *)arg)->closed++;
}

static void on_renegotiation(void *arg, bool done)
{
    struct end *e = arg;
    ck_assert(!done);
    e->renegotiated++;
}

// --- the pair -----------------------------------------------------------------------------------

static struct wire wire;
static struct end client, server;

static struct fingerprints announced(const struct cert *cert, enum cert_hash hash)
{
    struct fingerprints f = {.count = 1};
    cert_fingerprint(cert, hash, &f.list[0]);
    return f;
}

static void open_end(struct end *e, bool is_server, const struct cert *expected)
{
    struct dtls_options options = {.server = is_server,
                                   .announced = announced(expected, CERT_SHA256),
                                   .cert = e->shows_none ? NULL : e->cert,
                                   .retransmit_ms = 50,
                                   .timeout_ms = 10000};
    struct dtls_user user = {e,       on_send,   on_established,  on_failed,
                             on_data, on_closed, on_renegotiation};

    e->dtls = dtls_open(&options, &user);
    ck_assert_ptr_nonnull(e->dtls);
}

static void make_ends(void)
{
    memset(&wire, 0, sizeof(wire));
    client = (struct end){.wire = &wire, .peer = &server, .cert = cert_new()};
    server = (struct end){.wire = &wire, .peer = &client, .cert = cert_new()};
    ck_assert_ptr_nonnull(client.cert);
    ck_assert_ptr_nonnull(server.cert);
}

static void open_pair(void)
{
    open_end(&client, false, server.cert);
    open_end(&server, true, client.cert);
}

static void close_pair(void)
{
    dtls_free(client.dtls);
    dtls_free(server.dtls);
    cert_free(client.cert);
    cert_free(server.cert);
}

// Carries what is on the way until nothing moves any more.
static void carry(void)
{
    struct addr from;
    addr_parse_hostport(&from, "192.0.2.1:4000");
    while (wire.head < wire.tail) {
        struct datagram d = wire.queue[wire.head++];
        if (d.to->dtls)
            dtls_receive(d.to->dtls, d.bytes, d.len, &from);
    }
    wire.head = wire.tail = 0;
}

static void say(struct end *e, const char *text)
{
    ck_assert_int_eq(dtls_send(e->dtls, (const uint8_t *)text, strlen(text)), 0);
}

static void bring_up(void)
{
    make_ends();
    open_pair();
    dtls_start(client.dtls);
    carry();
    ck_assert(dtls_established(client.dtls));
    ck_assert(dtls_established(server.dtls));
}

// --- the cases ----------------------------------------------------------------------------------

// Both certificates match: both ends stand, each payload is one record and arrives as one
// (RFC 7345 3).
START_TEST(matching_certificates_make_an_association)
{
    bring_up();
    say(&client, "one");
    say(&client, "two");
    say(&server, "three");
    ck_assert_uint_eq(wire.tail, 3);
    carry();
    ck_assert_str_eq(server.heard, "one two ");
    ck_assert_str_eq(client.heard, "three ");
    close_pair();
}
END_TEST

// A certificate that was not announced: bad_certificate, no association on either end
// (RFC 8122 6.2).
static void refuse_other_certificate(struct end *judge)
{
    struct cert *other = cert_new();

    make_ends();
    struct end *judged = judge->peer;
    open_end(judge, judge == &server, other);
    open_end(judged, judged == &server, judge->cert);
    dtls_start(client.dtls);
    carry();
    ck_assert_str_eq(judge->why, "certificate does not match the fingerprint");
    ck_assert_str_eq(judged->why, "alert received: Certificate is bad");
    ck_assert_uint_eq(client.established + server.established, 0);
    close_pair();
    cert_free(other);
}

START_TEST(other_certificate_is_refused_by_the_server)
{
    refuse_other_certificate(&server);
}
END_TEST

START_TEST(other_certificate_is_refused_by_the_client)
{
    refuse_other_certificate(&client);
}
END_TEST

// A client without certificate is refused with bad_certificate (RFC 8122 6.2).
START_TEST(missing_certificate_is_refused)
{
    make_ends();
    client.shows_none = true;
    open_pair();
    dtls_start(client.dtls);
    carry();
    ck_assert_str_eq(server.why, "no certificate");
    ck_assert_str_eq(client.why, "alert received: Certificate is bad");
    close_pair();
}
END_TEST

// Only values of the strongest hash count: a right SHA-1 beside a wrong SHA-256 is a mismatch, a
// wrong SHA-1 beside a right SHA-256 is none (RFC 8122 5.1).
START_TEST(strongest_hash_decides)
{
    struct cert *right = cert_new(), *other = cert_new();
    struct fingerprints f = announced(right, CERT_SHA1);
    struct fingerprint sha256;

    ck_assert_ptr_nonnull(right);
    ck_assert_ptr_nonnull(other);
    gnutls_x509_crt_t *list = NULL;
    unsigned count = 0;
    ck_assert_int_eq(gnutls_certificate_get_x509_crt(cert_credentials(right), 0, &list, &count), 0);
    gnutls_datum_t der;
    ck_assert_int_eq(gnutls_x509_crt_export2(list[0], GNUTLS_X509_FMT_DER, &der), 0);

    ck_assert(cert_announced(&der, &f));
    cert_fingerprint(other, CERT_SHA256, &sha256);
    f.list[f.count++] = sha256;
    ck_assert(!cert_announced(&der, &f));
    cert_fingerprint(right, CERT_SHA256, &sha256);
    f.list[f.count++] = sha256;
    f.list[0].value[0] ^= 1;
    ck_assert(cert_announced(&der, &f));

    struct fingerprints md5 = announced(right, CERT_MD5); // never used for checking (RFC 8122 5)
    ck_assert(!cert_announced(&der, &md5));

    gnutls_free(der.data);
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(list[i]);
    gnutls_free(list);
    cert_free(right);
    cert_free(other);
}
END_TEST

// A lost last flight is repeated when the peer repeats its own (RFC 6347 4.2.4).
START_TEST(lost_last_flight_is_repeated)
{
    struct addr from;

    make_ends();
    open_pair();
    addr_parse_hostport(&from, "192.0.2.1:4000");
    dtls_start(client.dtls);
    while (wire.head < wire.tail && !server.established) {
        struct datagram d = wire.queue[wire.head++];
        dtls_receive(d.to->dtls, d.bytes, d.len, &from);
    }
    ck_assert_uint_eq(server.established, 1);
    wire.head = wire.tail = 0; // the server's last flight never arrives
    ck_assert_int_gt(dtls_due_ms(client.dtls), 0);
    for (int i = 0; i < 200 && !client.established; i++) {
        poll(NULL, 0, dtls_due_ms(client.dtls)); // GnuTLS looks at the clock itself
        dtls_tick(client.dtls);
        carry();
    }
    ck_assert_uint_eq(client.established, 1);
    close_pair();
}
END_TEST

// Renegotiation is refused by either end and the association lives on.
static void refuse_renegotiation(struct end *asking)
{
    bring_up();
    dtls_renegotiate(asking->dtls);
    carry();
    say(&client, "still");
    carry();
    say(&server, "here");
    carry();
    ck_assert_str_eq(server.heard, "still ");
    ck_assert_str_eq(client.heard, "here ");
    ck_assert_uint_ge(client.renegotiated + server.renegotiated, 1);
    close_pair();
}

START_TEST(renegotiation_of_the_client_is_refused)
{
    refuse_renegotiation(&client);
}
END_TEST

START_TEST(renegotiation_of_the_server_is_refused)
{
    refuse_renegotiation(&server);
}
END_TEST

// Forged, broken and repeated records are dropped without a word (RFC 6347 4.1.2.7).
START_TEST(bad_records_are_dropped)
{
    struct addr from;
    uint8_t alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 42};
    uint8_t noise[40] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 27, 1, 2, 3};

    addr_parse_hostport(&from, "192.0.2.1:4000");
    bring_up();
    say(&client, "once");
    struct datagram repeated = wire.queue[0];
    carry();
    dtls_receive(server.dtls, repeated.bytes, repeated.len, &from);
    dtls_receive(server.dtls, alert, sizeof(alert), &from);
    dtls_receive(server.dtls, noise, sizeof(noise), &from);
    say(&client, "more");
    carry();
    ck_assert_str_eq(server.heard, "once more ");
    ck_assert_uint_eq(server.failed + server.closed, 0);
    close_pair();
}
END_TEST

// close_notify is reported once; nothing can be sent after it.
START_TEST(close_notify_ends_both_ends)
{
    bring_up();
    dtls_close(client.dtls);
    carry();
    ck_assert_uint_eq(server.closed, 1);
    ck_assert_int_ne(dtls_send(client.dtls, (const uint8_t *)"x", 1), 0);
    ck_assert_int_ne(dtls_send(server.dtls, (const uint8_t *)"x", 1), 0);
    close_pair();
}
END_TEST

// An owner may free the association from within its callback.
START_TEST(free_in_a_callback_is_safe)
{
    make_ends();
    client.free_when_up = server.free_when_up = true;
    open_pair();
    dtls_start(client.dtls);
    carry();
    ck_assert_uint_eq(client.established, 1);
    ck_assert_uint_eq(server.established, 1);
    ck_assert_ptr_null(client.dtls);
    close_pair();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        matching_certificates_make_an_association,
        other_certificate_is_refused_by_the_server,
        other_certificate_is_refused_by_the_client,
        missing_certificate_is_refused,
        strongest_hash_decides,
        lost_last_flight_is_repeated,
        renegotiation_of_the_client_is_refused,
        renegotiation_of_the_server_is_refused,
        bad_records_are_dropped,
        close_notify_ends_both_ends,
        free_in_a_callback_is_safe,
    };
    return SUITE_RUN("ua_dtls", tests);
}
