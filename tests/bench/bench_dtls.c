// SPDX-License-Identifier: GPL-3.0-or-later
// What certificates and DTLS associations cost by themselves, in memory, beside bare GnuTLS in the
// same run: certificates made and taken, CPU of a handshake on each side, CPU of a record, memory
// of an association. Prints a table. It shares the machine with whoever uses it: compare within one
// run only.
#include "agw/certificate.h"
#include "agw/dtls.h"
#include "agw/verify.h"
#include "tests/bench/bench.h"

#include <errno.h>
#include <gnutls/dtls.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDSHAKES 400
#define RECORDS 200000
#define ASSOCIATIONS 2000
#define CERTIFICATES 400
// Measurements are taken in turns, and the fastest of each counts: noise only ever adds.
#define TURNS 5

static void must(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench_dtls: %s failed\n", what);
        exit(1);
    }
}

static uint64_t cpu_ns(void)
{
    return bench_ns(CLOCK_THREAD_CPUTIME_ID);
}

// --- a wire of at most a few datagrams -----------------------------------------------------------

#define DEPTH 32

struct end {
    struct dtls *dtls;
    gnutls_session_t bare;
    bool bare_done;
    struct end *peer;
    uint64_t ns; // CPU spent in this end
    unsigned first, count;
    size_t len[DEPTH];
    uint8_t bytes[DEPTH][2048];
    const uint8_t *staged; // bare: what pull() hands out
    size_t staged_len;
};

static struct config cfg;
static struct dtls_profile *profile;
static struct certificate *certificates[2];
static gnutls_priority_t bare_priority;
static unsigned delivered;

static void transmit(void *arg, const void *datagram, size_t len)
{
    struct end *to = ((struct end *)arg)->peer;
    unsigned at = (to->first + to->count++) % DEPTH;
    must(to->count <= DEPTH && len <= sizeof(to->bytes[0]), "wire");
    memcpy(to->bytes[at], datagram, len);
    to->len[at] = len;
}

static void deliver(void *arg, const void *data, size_t len)
{
    delivered++;
}

static ssize_t bare_push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    transmit(ptr, data, len);
    return (ssize_t)len;
}

static ssize_t bare_pull(gnutls_transport_ptr_t ptr, void *data, size_t size)
{
    struct end *end = ptr;
    size_t len = end->staged_len;
    if (len == 0) {
        gnutls_transport_set_errno(end->bare, EAGAIN);
        return -1;
    }
    memcpy(data, end->staged, len);
    end->staged_len = 0;
    return (ssize_t)len;
}

static int bare_pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    return ((struct end *)ptr)->staged_len > 0;
}

// The least that is secure: the same comparison as ours.
static int bare_verify(gnutls_session_t session)
{
    struct end *end = gnutls_session_get_ptr(session);
    struct fingerprint matched;
    bool is_server = end < end->peer;
    return verify_peer(session, certificate_fingerprints(certificates[is_server]), &matched) ==
                   VERIFY_MATCH
               ? 0
               : -1;
}

static void open_bare(struct end *end, bool server)
{
    gnutls_init(&end->bare, (server ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_DATAGRAM |
                                GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS);
    gnutls_priority_set(end->bare, bare_priority);
    gnutls_credentials_set(end->bare, GNUTLS_CRD_CERTIFICATE,
                           certificate_credentials(certificates[!server]));
    gnutls_certificate_server_set_request(end->bare, GNUTLS_CERT_REQUIRE);
    gnutls_session_set_ptr(end->bare, end);
    gnutls_session_set_verify_function(end->bare, bare_verify);
    gnutls_transport_set_ptr(end->bare, end);
    gnutls_transport_set_push_function(end->bare, bare_push);
    gnutls_transport_set_pull_function(end->bare, bare_pull);
    gnutls_transport_set_pull_timeout_function(end->bare, bare_pull_timeout);
    gnutls_dtls_set_mtu(end->bare, 1452);
}

static void receive_bare(struct end *end, const uint8_t *datagram, size_t len)
{
    end->staged = datagram;
    end->staged_len = len;
    if (!end->bare_done)
        end->bare_done = gnutls_handshake(end->bare) == 0;
}

// --- a pair --------------------------------------------------------------------------------------

struct pair {
    struct end end[2]; // server, client
};

static struct dtls_sink sink_of(struct end *end)
{
    return (struct dtls_sink){transmit, deliver, end};
}

// One datagram at the server of ours: cookie first, then the association.
static void receive_server(struct end *end, const uint8_t *datagram, size_t len)
{
    uint8_t reply[DTLS_COOKIE_REPLY_MAX];
    size_t reply_len;
    struct dtls_hello hello;
    if (!end->dtls) {
        if (!dtls_cookie_check(profile, "peer", 4, datagram, len, &hello, reply, &reply_len)) {
            transmit(end, reply, reply_len);
            return;
        }
        end->dtls = dtls_open_server(profile, &hello, certificates[0],
                                     certificate_fingerprints(certificates[1]), sink_of(end), 0);
    }
    dtls_receive(end->dtls, datagram, len, 0);
}

static void receive(struct pair *pair, unsigned side)
{
    struct end *end = &pair->end[side];
    while (end->count > 0) {
        unsigned at = end->first;
        end->first = (at + 1) % DEPTH;
        end->count--;
        uint64_t start = cpu_ns();
        if (end->bare)
            receive_bare(end, end->bytes[at], end->len[at]);
        else if (side == 0)
            receive_server(end, end->bytes[at], end->len[at]);
        else
            dtls_receive(end->dtls, end->bytes[at], end->len[at], 0);
        end->ns += cpu_ns() - start;
    }
}

static void handshake(struct pair *pair, bool bare)
{
    memset(pair, 0, sizeof(*pair));
    pair->end[0].peer = &pair->end[1];
    pair->end[1].peer = &pair->end[0];
    uint64_t start = cpu_ns();
    if (bare) {
        open_bare(&pair->end[1], false);
        gnutls_handshake(pair->end[1].bare);
    } else {
        pair->end[1].dtls =
            dtls_open_client(profile, certificates[1], certificate_fingerprints(certificates[0]),
                             sink_of(&pair->end[1]), 0);
    }
    pair->end[1].ns += cpu_ns() - start;
    start = cpu_ns();
    if (bare)
        open_bare(&pair->end[0], true);
    pair->end[0].ns += cpu_ns() - start;
    for (int i = 0; i < 10; i++) {
        receive(pair, 0);
        receive(pair, 1);
    }
    if (bare)
        must(pair->end[0].bare_done && pair->end[1].bare_done, "bare handshake");
    else
        must(dtls_state(pair->end[0].dtls) == DTLS_ESTABLISHED, "handshake");
}

static void close_pair(struct pair *pair)
{
    for (int i = 1; i >= 0; i--) {
        if (pair->end[i].bare)
            gnutls_deinit(pair->end[i].bare);
        dtls_close(pair->end[i].dtls);
    }
}

// --- measurements --------------------------------------------------------------------------------

static void keep_least(double *least, double value)
{
    if (*least == 0 || value < *least)
        *least = value;
}

static void measure_handshakes(bool bare, double us[2])
{
    static struct pair pair;
    double sum[2] = {0};
    for (int i = 0; i < HANDSHAKES; i++) {
        handshake(&pair, bare);
        for (int side = 0; side < 2; side++)
            sum[side] += (double)pair.end[side].ns / 1000;
        close_pair(&pair);
    }
    for (int side = 0; side < 2; side++)
        keep_least(&us[side], sum[side] / HANDSHAKES);
}

static void one_record(struct pair *pair, bool bare, const uint8_t *media)
{
    static uint8_t plaintext[16384];
    struct end *from = &pair->end[1], *to = &pair->end[0];
    if (bare)
        gnutls_record_send(from->bare, media, BENCH_PAYLOAD);
    else
        dtls_send(from->dtls, media, BENCH_PAYLOAD);
    unsigned at = to->first;
    to->first = (at + 1) % DEPTH;
    to->count--;
    if (bare) {
        to->staged = to->bytes[at];
        to->staged_len = to->len[at];
        delivered += gnutls_record_recv(to->bare, plaintext, sizeof(plaintext)) == BENCH_PAYLOAD;
    } else {
        dtls_receive(to->dtls, to->bytes[at], to->len[at], 0);
    }
}

// Both ends of one record.
static void measure_records(bool bare, double *ns)
{
    static struct pair pair;
    static const uint8_t media[BENCH_PAYLOAD];
    handshake(&pair, bare);
    delivered = 0;
    uint64_t start = cpu_ns();
    for (int i = 0; i < RECORDS; i++)
        one_record(&pair, bare, media);
    keep_least(ns, (double)(cpu_ns() - start) / RECORDS);
    must(delivered == RECORDS, "records");
    close_pair(&pair);
}

static double measure_memory(bool bare)
{
    static struct pair *pairs[ASSOCIATIONS / 2];
    for (int i = 0; i < ASSOCIATIONS / 2; i++)
        must((pairs[i] = malloc(sizeof(struct pair))) != NULL, "memory");
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < ASSOCIATIONS / 2; i++)
        handshake(pairs[i], bare);
    size_t after = mallinfo2().uordblks;
    for (int i = 0; i < ASSOCIATIONS / 2; i++) {
        close_pair(pairs[i]);
        free(pairs[i]);
    }
    return (double)(after - before) / ASSOCIATIONS;
}

static void measure_certificates(void)
{
    static struct certificate *made[CERTIFICATES];
    struct certificate_pool *pool;
    size_t before = mallinfo2().uordblks;
    uint64_t start = cpu_ns();
    for (int i = 0; i < CERTIFICATES; i++)
        must((made[i] = certificate_create(CERTIFICATE_ECDSA)) != NULL, "certificate");
    double us = (double)(cpu_ns() - start) / 1000 / CERTIFICATES;
    double bytes = (double)(mallinfo2().uordblks - before) / CERTIFICATES;
    for (int i = 0; i < CERTIFICATES; i++)
        certificate_free(made[i]);
    printf("certificate made           %8.0f us   %6.1f KiB each\n", us, bytes / 1024);

    must(certificate_pool_open(&pool, CERTIFICATE_ECDSA, 64) == 0, "pool");
    struct timespec second = {1, 0};
    nanosleep(&second, NULL); // the thread fills it
    start = cpu_ns();
    for (int i = 0; i < 32; i++)
        made[i] = certificate_take(pool);
    printf("certificate taken          %8.2f us\n", (double)(cpu_ns() - start) / 1000 / 32);
    for (int i = 0; i < 32; i++)
        certificate_free(made[i]);
    certificate_pool_close(pool);
}

int main(void)
{
    double ours[2] = {0}, bare[2] = {0}, our_record = 0, bare_record = 0;

    config_defaults(&cfg);
    must(dtls_profile_open(&profile, &cfg) == 0, "profile");
    must(gnutls_priority_init(&bare_priority,
                              "NONE:+VERS-DTLS1.2:+ECDHE-ECDSA:+AES-128-GCM:+AEAD:+COMP-NULL:"
                              "+CTYPE-X509:+SIGN-ECDSA-SHA256:+GROUP-SECP256R1",
                              NULL) == 0,
         "priority");
    for (int i = 0; i < 2; i++)
        certificates[i] = certificate_create(CERTIFICATE_ECDSA);
    measure_certificates();
    for (int i = 0; i < TURNS; i++) {
        measure_handshakes(false, ours);
        measure_handshakes(true, bare);
        measure_records(false, &our_record);
        measure_records(true, &bare_record);
    }
    printf("                               ours       bare GnuTLS\n");
    printf("handshake, server side     %8.0f us  %8.0f us (no cookie)\n", ours[0], bare[0]);
    printf("handshake, client side     %8.0f us  %8.0f us\n", ours[1], bare[1]);
    printf("record sent and received   %8.0f ns  %8.0f ns  (%d bytes)\n", our_record, bare_record,
           BENCH_PAYLOAD);
    printf("memory per association     %8.1f KiB %8.1f KiB\n", measure_memory(false) / 1024,
           measure_memory(true) / 1024);
    for (int i = 0; i < 2; i++)
        certificate_free(certificates[i]);
    gnutls_priority_deinit(bare_priority);
    dtls_profile_close(profile);
    return 0;
}
