// SPDX-License-Identifier: GPL-3.0-or-later
// Voice under SDES-SRTP beside a minimal relay on libsrtp2 (the floor): CPU per packet in both
// directions, CPU of a whole call, memory of a held one. What the transforms cost by themselves,
// beside libsrtp2 again.
//
//   bench_rtp BUILD_DIRECTORY [TURNS]
//
// Happy path: a floor and a P-CSCF get SESSIONS calls each and take turns, load by load; memory is
// read when the transactions of the set-up are gone. Failure paths: whatever cannot be started or
// called ends the run with a sentence and status 1; lost packets are counted and said.

#include "agw/savp.h"
#include "tests/bench/calls.h"
#include "tests/bench/process.h"
#include "tests/bench/report.h"
#include "tests/bench/voice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSIONS BENCH_SESSIONS_MAX
#define TURNS_DEFAULT 5
#define CALLS 400
#define CALLS_AT_ONCE 8
#define PACKETS 50000 // of one transform
// The transactions of a set-up are gone 64 * T1 = 32 s later (RFC 3261 17.1.1.2).
#define IDLE_AFTER_S 36
#define CONFIG "e2ae: {unregistered: [sdes-srtp], sdes_over_plain_sip: allow}\nues: []\n"

enum target { TARGET_OURS = 11, TARGET_CALLS, TARGET_FLOOR };

struct subject {
    enum target target;
    struct child child;
    struct ends *ends;
    struct voice *voice;
};

static const struct ends_load loads[] = {
    {"1 busy stream, up", 1, ENDS_UP, 0, 64, 30000},
    {"1000 busy streams, up", SESSIONS, ENDS_UP, 0, 1000, 30000},
    {"1000 busy streams, down", SESSIONS, ENDS_DOWN, 0, 1000, 30000},
    {"1000 streams x 50/s", SESSIONS, ENDS_BOTH, 50, 0, 50000},
};
#define LOADS (sizeof(loads) / sizeof(loads[0]))
enum { ROW_SEAL_CM = LOADS, ROW_OPEN_CM, ROW_SEAL_GCM, ROW_OPEN_GCM, ROW_CALL, ROW_PSS, ROWS };

struct bench {
    const char *build;
    unsigned turns;
    struct subject floor, ours, calls;
    struct child_memory before; // of ours, without sessions
    uint64_t held_since_ns, sent, lost, damaged;
    struct row rows[ROWS];
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

// --- sessions -----------------------------------------------------------------------------------

static void open_ends(struct subject *s)
{
    s->ends = ends_open(s->target, BENCH_PORT_UDP, SESSIONS, NULL);
    s->voice = voice_open(SESSIONS);
    if (!s->ends || !s->voice)
        die("no ends of sessions");
    struct ends_packets packets = voice_packets(s->voice);
    ends_use_packets(s->ends, &packets);
}

static struct calls *open_calls(const struct subject *s)
{
    struct calls *calls = calls_open(s->target, BENCH_PORT_UDP, CALLS_VOICE, BENCH_SRTP_KEY);
    if (!calls)
        die("no calls");
    return calls;
}

static void fill_ours(struct bench *b)
{
    struct calls *calls = open_calls(&b->ours);
    open_ends(&b->ours);
    if (calls_run(calls, CALLS_WHOLE, 0, 1, 1) < 1)
        die("calls fail");
    b->before = child_memory(&b->ours.child);
    if (calls_run(calls, CALLS_SET_UP, 0, SESSIONS, CALLS_AT_ONCE) < SESSIONS)
        die("calls cannot be set up");
    b->held_since_ns = bench_ns(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct ends_route route = calls_route(calls, i);
        if (ends_connect(b->ours.ends, i, &route) < 0)
            die("a media address cannot be used");
    }
    calls_close(calls);
}

static void fill_floor(struct bench *b)
{
    open_ends(&b->floor);
    for (unsigned i = 0; i < SESSIONS; i++) {
        uint16_t port = (uint16_t)(BENCH_PORT_UDP + i);
        struct ends_route route = {bench_address(TARGET_FLOOR, HOST_ACCESS, port),
                                   bench_address(TARGET_FLOOR, HOST_CORE, port)};
        if (ends_connect(b->floor.ends, i, &route) < 0)
            die("a media address cannot be used");
    }
}

static void start_floor(struct bench *b)
{
    char program[512], count[16], target[16];
    snprintf(program, sizeof(program), "%s/bench/bench_floor", b->build);
    snprintf(count, sizeof(count), "%u", SESSIONS);
    snprintf(target, sizeof(target), "%u", TARGET_FLOOR);
    char *argv[] = {program, "srtp", count, target, NULL};
    if (child_start(&b->floor.child, argv) < 0 || !child_wait_ready(&b->floor.child))
        die("the floor does not start");
}

static void start_all(struct bench *b)
{
    start_floor(b);
    if (process_start_pcscf(&b->ours.child, b->build, TARGET_OURS, 0, CONFIG) < 0 ||
        process_start_pcscf(&b->calls.child, b->build, TARGET_CALLS, 500, CONFIG) < 0)
        die("pcscf does not start");
    fill_floor(b);
    fill_ours(b);
}

static void stop(struct subject *s)
{
    child_stop(&s->child);
    ends_close(s->ends);
    voice_close(s->voice);
}

// --- measurements -------------------------------------------------------------------------------

static double carry(struct bench *b, struct subject *s, const struct ends_load *load)
{
    struct ends_result r = ends_run(s->ends, load, &s->child);
    b->sent += load->count;
    b->lost += r.lost;
    b->damaged += r.damaged;
    return r.arrived > 0 ? (double)r.cpu_ns / 1e3 / (double)r.arrived : 0;
}

static void measure_media(struct bench *b)
{
    for (unsigned turn = 0; turn < b->turns; turn++)
        for (size_t i = 0; i < LOADS; i++) {
            series_add(&b->rows[i].floor, carry(b, &b->floor, &loads[i]));
            series_add(&b->rows[i].ours, carry(b, &b->ours, &loads[i]));
        }
}

static double us_each(uint64_t since_ns)
{
    return (double)(bench_ns(CLOCK_THREAD_CPUTIME_ID) - since_ns) / 1e3 / PACKETS;
}

// Seals and opens PACKETS packets with ours, then with libsrtp2: which is the peer of the other.
static void measure_transform(struct bench *b, enum sdes_suite suite, struct row *seal,
                              struct row *open)
{
    static uint8_t packets[PACKETS][BENCH_PAYLOAD + VOICE_ROOM];
    static size_t lens[PACKETS];
    struct sdes_crypto key;
    bool newest;
    sdes_generate(&key, suite, 1);
    for (int theirs = 0; theirs < 2; theirs++) {
        struct savp *ours = savp_create(0);
        struct voice_key *other = voice_key_open(&key);
        if (!ours || !other || savp_configure(ours, &key, &key, 0) < 0)
            die("no keys");
        for (unsigned i = 0; i < PACKETS; i++)
            lens[i] = voice_fill(packets[i], i);
        uint64_t from = bench_ns(CLOCK_THREAD_CPUTIME_ID);
        for (unsigned i = 0; i < PACKETS; i++)
            if (theirs ? !voice_key_seal(other, packets[i], &lens[i])
                       : savp_seal(ours, false, packets[i], &lens[i]) != REASON_NONE)
                die("a packet cannot be sealed");
        series_add(theirs ? &seal->floor : &seal->ours, us_each(from));
        from = bench_ns(CLOCK_THREAD_CPUTIME_ID);
        for (unsigned i = 0; i < PACKETS; i++)
            if (theirs ? !voice_key_open_packet(other, packets[i], &lens[i])
                       : savp_open(ours, false, packets[i], &lens[i], 0, &newest) != REASON_NONE)
                die("a packet cannot be opened");
        series_add(theirs ? &open->floor : &open->ours, us_each(from));
        savp_release(ours);
        voice_key_close(other);
    }
}

static void measure_calls(struct bench *b)
{
    struct calls *calls = open_calls(&b->calls);
    (void)calls_run(calls, CALLS_WHOLE, 0, CALLS, CALLS_AT_ONCE);
    for (unsigned turn = 0; turn < b->turns; turn++) {
        child_settle(&b->calls.child);
        uint64_t before = child_cpu_ns(&b->calls.child);
        if (calls_run(calls, CALLS_WHOLE, 0, CALLS, CALLS_AT_ONCE) < CALLS)
            die("calls fail");
        child_settle(&b->calls.child);
        series_add(&b->rows[ROW_CALL].ours,
                   (double)(child_cpu_ns(&b->calls.child) - before) / 1e3 / CALLS);
    }
    calls_close(calls);
}

static void read_memory(struct bench *b)
{
    while (bench_ns(CLOCK_MONOTONIC) - b->held_since_ns < IDLE_AFTER_S * 1000000000ull)
        usleep(100000);
    struct child_memory now = child_memory(&b->ours.child);
    series_add(&b->rows[ROW_PSS].ours, (double)(now.pss_kib - b->before.pss_kib) / SESSIONS);
}

static void name_rows(struct row rows[static ROWS])
{
    for (size_t i = 0; i < LOADS; i++)
        rows[i] = (struct row){"SRTP", loads[i].name, "us/packet", .aim = 1.2, .rates = true};
    rows[ROW_SEAL_CM] =
        (struct row){"SRTP", "seal, AES-CM + HMAC, without sockets", "us", .aim = 1, .rates = true};
    rows[ROW_OPEN_CM] =
        (struct row){"SRTP", "open, AES-CM + HMAC, without sockets", "us", .aim = 1, .rates = true};
    rows[ROW_SEAL_GCM] =
        (struct row){"SRTP", "seal, AES-128-GCM, without sockets", "us", .aim = 1, .rates = true};
    rows[ROW_OPEN_GCM] =
        (struct row){"SRTP", "open, AES-128-GCM, without sockets", "us", .aim = 1, .rates = true};
    rows[ROW_CALL] = (struct row){"calls", "whole voice call, secured", "us", .rates = true};
    rows[ROW_PSS] = (struct row){"memory", "held voice session, secured", "KiB PSS", .aim = 32};
}

int main(int argc, char **argv)
{
    static struct bench b = {.floor = {.target = TARGET_FLOOR},
                             .ours = {.target = TARGET_OURS},
                             .calls = {.target = TARGET_CALLS}};
    if (argc < 2) {
        fprintf(stderr, "usage: bench_rtp BUILD_DIRECTORY [TURNS]\n");
        return 2;
    }
    b.build = argv[1];
    b.turns = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : TURNS_DEFAULT;
    if (b.turns < 1 || b.turns > REPORT_TURNS_MAX)
        die("1 to 25 turns");
    name_rows(b.rows);
    process_raise_descriptors();
    child_pin_caller();
    start_all(&b);
    measure_media(&b);
    for (unsigned turn = 0; turn < b.turns; turn++) {
        measure_transform(&b, SDES_AES_CM_128_HMAC_SHA1_80, &b.rows[ROW_SEAL_CM],
                          &b.rows[ROW_OPEN_CM]);
        measure_transform(&b, SDES_AEAD_AES_128_GCM, &b.rows[ROW_SEAL_GCM], &b.rows[ROW_OPEN_GCM]);
    }
    measure_calls(&b);
    read_memory(&b);
    report_head();
    for (size_t i = 0; i < ROWS; i++)
        report_row(&b.rows[i]);
    printf("\n%u turns; of %llu packets %llu were lost and %llu damaged.\n", b.turns,
           (unsigned long long)b.sent, (unsigned long long)b.lost, (unsigned long long)b.damaged);
    stop(&b.floor);
    stop(&b.ours);
    stop(&b.calls);
    return b.damaged > 0;
}
