// SPDX-License-Identifier: GPL-3.0-or-later
// The whole process beside the floor: media both plain and secured, handshakes, calls, memory.
//
//   bench_pcscf BUILD_DIRECTORY [TURNS]
//
// Happy path: two floors and two P-CSCFs (with and without gathering) each get SESSIONS plain and
// SESSIONS secured calls; then all take turns, load by load, so that each meets the same machine. A
// third P-CSCF holds secured calls that say nothing: its memory is read at the end. A fourth is
// there for whole calls. One table is printed.
//
// Failure paths: whatever cannot be started, called or secured ends the run with a sentence and
// status 1; lost datagrams are counted and said. The measured processes die with this one.

#include "tests/bench/calls.h"
#include "tests/bench/child.h"
#include "tests/bench/ends.h"
#include "tests/bench/process.h"
#include "tests/bench/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSIONS BENCH_SESSIONS_MAX
#define TURNS_DEFAULT 5
#define PATH_SIZE 512

// Handshakes per turn.
#define HANDSHAKES 100
// Whole calls per turn, and how many of them are under way at a time.
#define CALLS 400
#define CALLS_AT_ONCE 8
// The cost of set-up is looked at over the first and the last few blocks of calls.
#define BLOCK 100
#define BLOCKS 3
// A trace is packed 5 s after its last event.
#define PACKED_AFTER_S 6
// The transactions of a set-up are gone 64 * T1 = 32 s later (RFC 3261 17.1.1.2): idle from there.
#define IDLE_AFTER_S 36

enum target { TARGET_OURS = 1, TARGET_GATHER, TARGET_IDLE, TARGET_CALLS, TARGET_FLOOR };
enum kind { KIND_UDP, KIND_DTLS, KINDS };

static const uint16_t bases[KINDS] = {BENCH_PORT_UDP, BENCH_PORT_DTLS};

// Something under measurement with the ends of its sessions.
struct subject {
    enum target target;
    struct child child[KINDS]; // a P-CSCF is one child for both kinds
    struct ends *ends[KINDS];
    unsigned shaken; // sessions whose handshake is done
};

#define MEDIA_ROWS 13
enum {
    ROW_HANDSHAKE = MEDIA_ROWS, // the rows before are media_rows below
    ROW_CALL,
    ROW_PLAIN_CALL,
    ROW_CALL_RATE,
    ROW_SET_UP,
    ROW_PSS,
    ROW_IDLE_PSS,
    ROW_IDLE_RSS,
    ROWS
};

struct bench {
    const char *build;
    unsigned turns;
    struct identity identity; // of all UEs
    struct subject floor, ours, gather, idle, calls;
    uint64_t lost, damaged, sent;
    struct child_memory before; // of idle, without sessions
    uint64_t idle_since_ns;     // all its sessions are there
    struct row rows[ROWS];
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

// --- starting -----------------------------------------------------------------------------------

static void start_pcscf(const struct bench *b, struct subject *s, unsigned gather_us)
{
    if (process_start_pcscf(&s->child[KIND_UDP], b->build, s->target, gather_us, "") < 0)
        die("pcscf does not start");
    s->child[KIND_DTLS] = s->child[KIND_UDP];
}

static void start_floor(const struct bench *b, struct subject *s, enum kind kind)
{
    char program[PATH_SIZE], count[16], target[16];
    snprintf(program, sizeof(program), "%s/bench/bench_floor", b->build);
    snprintf(count, sizeof(count), "%u", SESSIONS);
    snprintf(target, sizeof(target), "%u", s->target);
    char *argv[] = {program, kind == KIND_DTLS ? "dtls" : "udp", count, target, NULL};
    if (child_start(&s->child[kind], argv) < 0 || !child_wait_ready(&s->child[kind]))
        die("the floor does not start");
}

static void stop(struct subject *s)
{
    bool one = s->child[KIND_UDP].pid == s->child[KIND_DTLS].pid;
    child_stop(&s->child[KIND_UDP]);
    if (!one)
        child_stop(&s->child[KIND_DTLS]);
    ends_close(s->ends[KIND_UDP]);
    ends_close(s->ends[KIND_DTLS]);
}

// --- sessions -----------------------------------------------------------------------------------

static void open_ends(const struct bench *b, struct subject *s, enum kind kind)
{
    s->ends[kind] =
        ends_open(s->target, bases[kind], SESSIONS, kind == KIND_DTLS ? &b->identity : NULL);
    if (!s->ends[kind])
        die("no sockets for the ends");
}

static struct calls *open_calls(const struct bench *b, const struct subject *s, enum kind kind)
{
    struct calls *calls = calls_open(s->target, bases[kind], CALLS_T38,
                                     kind == KIND_DTLS ? b->identity.fingerprint : NULL);
    if (!calls)
        die("no calls");
    return calls;
}

static void set_up(struct subject *s, struct calls *calls, enum kind kind, unsigned first,
                   unsigned count, unsigned at_once)
{
    if (calls_run(calls, CALLS_SET_UP, first, count, at_once) < count)
        die("calls cannot be set up");
    for (unsigned i = first; i < first + count; i++) {
        struct ends_route route = calls_route(calls, i);
        if (ends_connect(s->ends[kind], i, &route) < 0)
            die("a media address cannot be used");
    }
}

static void fill_pcscf(const struct bench *b, struct subject *s, enum kind kind)
{
    struct calls *calls = open_calls(b, s, kind);
    open_ends(b, s, kind);
    set_up(s, calls, kind, 0, SESSIONS, CALLS_AT_ONCE);
    calls_close(calls);
}

static void fill_floor(const struct bench *b, struct subject *s, enum kind kind)
{
    open_ends(b, s, kind);
    for (unsigned i = 0; i < SESSIONS; i++) {
        uint16_t port = (uint16_t)(bases[kind] + i);
        struct ends_route route = {bench_address(s->target, HOST_ACCESS, port),
                                   bench_address(s->target, HOST_CORE, port)};
        if (ends_connect(s->ends[kind], i, &route) < 0)
            die("a media address cannot be used");
    }
}

// Returns the CPU time of one handshake in microseconds.
static double shake_hands(struct subject *s, unsigned count)
{
    const struct child *child = &s->child[KIND_DTLS];
    child_settle(child);
    uint64_t before = child_cpu_ns(child);
    if (ends_shake_hands(s->ends[KIND_DTLS], s->shaken, count) < count)
        die("handshakes are not completed");
    child_settle(child);
    s->shaken += count;
    return (double)(child_cpu_ns(child) - before) / 1e3 / count;
}

// --- media --------------------------------------------------------------------------------------

struct media_row {
    enum kind kind;
    bool gather; // the P-CSCF that gathers is measured, not the other
    double aim;
    struct ends_load load;
};

// Aims: policy, latching and statistics may cost a fifth; where most turns would carry a datagram
// or two, gathering must more than pay for them.
static const struct media_row media_rows[] = {
    {KIND_UDP, false, 1.2, {"1 busy stream", 1, ENDS_UP, 0, 128, 60000}},
    {KIND_UDP, false, 1.2, {"1000 busy streams", 1000, ENDS_UP, 0, 2000, 60000}},
    {KIND_UDP, false, 1.2, {"1000 streams x 50/s", 1000, ENDS_UP, 50, 0, 50000}},
    {KIND_UDP, true, 1.2, {"1000 streams x 50/s, gathering", 1000, ENDS_UP, 50, 0, 50000}},
    {KIND_UDP, false, 1.2, {"200 streams x 50/s", 200, ENDS_UP, 50, 0, 10000}},
    {KIND_UDP, true, 1.0, {"200 streams x 50/s, gathering", 200, ENDS_UP, 50, 0, 10000}},
    {KIND_DTLS, false, 1.2, {"1 busy stream, up", 1, ENDS_UP, 0, 128, 60000}},
    {KIND_DTLS, false, 1.2, {"1 busy stream, down", 1, ENDS_DOWN, 0, 128, 60000}},
    {KIND_DTLS, false, 1.2, {"1000 busy streams", 1000, ENDS_BOTH, 0, 2000, 60000}},
    {KIND_DTLS, false, 1.2, {"1000 streams x 50/s", 1000, ENDS_BOTH, 50, 0, 50000}},
    {KIND_DTLS, true, 1.2, {"1000 streams x 50/s, gathering", 1000, ENDS_BOTH, 50, 0, 50000}},
    {KIND_DTLS, false, 1.2, {"200 streams x 50/s", 200, ENDS_BOTH, 50, 0, 10000}},
    {KIND_DTLS, true, 1.0, {"200 streams x 50/s, gathering", 200, ENDS_BOTH, 50, 0, 10000}},
};
_Static_assert(sizeof(media_rows) / sizeof(media_rows[0]) == MEDIA_ROWS, "MEDIA_ROWS counts them");

// Returns the CPU time of one datagram in microseconds.
static double carry(struct bench *b, struct subject *s, enum kind kind,
                    const struct ends_load *load)
{
    struct ends_result r = ends_run(s->ends[kind], load, &s->child[kind]);
    b->sent += load->count;
    b->lost += r.lost;
    b->damaged += r.damaged;
    return r.arrived > 0 ? (double)r.cpu_ns / 1e3 / (double)r.arrived : 0;
}

static void measure_media(struct bench *b)
{
    for (unsigned turn = 0; turn < b->turns; turn++) {
        for (size_t i = 0; i < MEDIA_ROWS; i++) {
            const struct media_row *m = &media_rows[i];
            struct subject *ours = m->gather ? &b->gather : &b->ours;
            struct row *row = &b->rows[i];
            // who begins changes, so that nobody always finds the machine as the other left it
            if (turn & 1)
                series_add(&row->ours, carry(b, ours, m->kind, &m->load));
            series_add(&row->floor, carry(b, &b->floor, m->kind, &m->load));
            if (!(turn & 1))
                series_add(&row->ours, carry(b, ours, m->kind, &m->load));
        }
    }
}

// --- handshakes, calls, memory ------------------------------------------------------------------

static void measure_handshakes(struct bench *b)
{
    struct row *row = &b->rows[ROW_HANDSHAKE];
    for (unsigned turn = 0; turn < b->turns; turn++) {
        series_add(&row->floor, shake_hands(&b->floor, HANDSHAKES));
        series_add(&row->ours, shake_hands(&b->ours, HANDSHAKES));
    }
    shake_hands(&b->floor, SESSIONS - b->floor.shaken);
    shake_hands(&b->ours, SESSIONS - b->ours.shaken);
    shake_hands(&b->gather, SESSIONS);
}

// rate may be NULL.
static void measure_calls(struct bench *b, enum kind kind, struct row *cpu, struct row *rate)
{
    struct calls *calls = open_calls(b, &b->calls, kind);
    const struct child *child = &b->calls.child[KIND_UDP];
    (void)calls_run(calls, CALLS_WHOLE, 0, CALLS, CALLS_AT_ONCE);
    for (unsigned turn = 0; turn < b->turns; turn++) {
        child_settle(child);
        uint64_t before = child_cpu_ns(child), from = bench_ns(CLOCK_MONOTONIC);
        if (calls_run(calls, CALLS_WHOLE, 0, CALLS, CALLS_AT_ONCE) < CALLS)
            die("calls fail");
        uint64_t taken = bench_ns(CLOCK_MONOTONIC) - from;
        child_settle(child);
        series_add(&cpu->ours, (double)(child_cpu_ns(child) - before) / 1e3 / CALLS);
        if (rate)
            series_add(&rate->ours, CALLS * 1e9 / (double)taken);
    }
    calls_close(calls);
}

// What is recorded of a session is packed a little later: that belongs to its set-up too.
static double set_up_cost(struct subject *s, struct calls *calls, unsigned first)
{
    const struct child *child = &s->child[KIND_DTLS];
    sleep(PACKED_AFTER_S);
    child_settle(child);
    uint64_t before = child_cpu_ns(child);
    set_up(s, calls, KIND_DTLS, first, BLOCK, 1);
    sleep(PACKED_AFTER_S);
    child_settle(child);
    return (double)(child_cpu_ns(child) - before) / 1e3 / BLOCK;
}

// The sessions that stay idle: the first blocks, the rest, the last blocks, then all handshakes.
static void fill_idle(struct bench *b)
{
    struct subject *s = &b->idle;
    struct row *row = &b->rows[ROW_SET_UP];
    struct calls *calls = open_calls(b, s, KIND_DTLS);
    open_ends(b, s, KIND_DTLS);
    if (calls_run(calls, CALLS_WHOLE, 0, 1, 1) < 1)
        die("calls fail");
    b->before = child_memory(&s->child[KIND_DTLS]);
    for (unsigned i = 0; i < BLOCKS; i++)
        series_add(&row->floor, set_up_cost(s, calls, i * BLOCK));
    set_up(s, calls, KIND_DTLS, BLOCKS * BLOCK, SESSIONS - 2 * BLOCKS * BLOCK, CALLS_AT_ONCE);
    for (unsigned i = 0; i < BLOCKS; i++)
        series_add(&row->ours, set_up_cost(s, calls, SESSIONS - (BLOCKS - i) * BLOCK));
    calls_close(calls);
    shake_hands(s, SESSIONS);
    b->idle_since_ns = bench_ns(CLOCK_MONOTONIC);
    struct child_memory now = child_memory(&s->child[KIND_DTLS]);
    series_add(&b->rows[ROW_PSS].ours, (double)(now.pss_kib - b->before.pss_kib) / SESSIONS);
}

static void read_idle(struct bench *b)
{
    while (bench_ns(CLOCK_MONOTONIC) - b->idle_since_ns < IDLE_AFTER_S * 1000000000ull)
        usleep(100000);
    struct child_memory now = child_memory(&b->idle.child[KIND_DTLS]);
    series_add(&b->rows[ROW_IDLE_PSS].ours, (double)(now.pss_kib - b->before.pss_kib) / SESSIONS);
    series_add(&b->rows[ROW_IDLE_RSS].ours, (double)(now.rss_kib - b->before.rss_kib) / SESSIONS);
}

// --- all of it ----------------------------------------------------------------------------------

static void start_all(struct bench *b)
{
    start_floor(b, &b->floor, KIND_UDP);
    start_floor(b, &b->floor, KIND_DTLS);
    start_pcscf(b, &b->ours, 0);
    start_pcscf(b, &b->gather, 500);
    start_pcscf(b, &b->idle, 500);
    start_pcscf(b, &b->calls, 500);
    for (enum kind kind = KIND_UDP; kind < KINDS; kind++) {
        fill_floor(b, &b->floor, kind);
        fill_pcscf(b, &b->ours, kind);
        fill_pcscf(b, &b->gather, kind);
    }
}

static void stop_all(struct bench *b)
{
    stop(&b->floor);
    stop(&b->ours);
    stop(&b->gather);
    stop(&b->idle);
    stop(&b->calls);
    identity_free(&b->identity);
}

static void name_rows(struct row rows[static ROWS])
{
    for (size_t i = 0; i < MEDIA_ROWS; i++)
        rows[i] = (struct row){.group = media_rows[i].kind == KIND_DTLS ? "DTLS" : "UDP",
                               .what = media_rows[i].load.name,
                               .unit = "us/datagram",
                               .aim = media_rows[i].aim,
                               .rates = true};
    rows[ROW_HANDSHAKE] =
        (struct row){"DTLS", "handshake, mutual P-256", "us", .aim = 1.15, .rates = true};
    rows[ROW_CALL] = (struct row){"calls", "whole call, secured", "us", .rates = true};
    rows[ROW_PLAIN_CALL] = (struct row){"calls", "whole call, plain", "us", .rates = true};
    rows[ROW_CALL_RATE] = (struct row){"calls", "secured, 8 at once", "calls/s"};
    rows[ROW_SET_UP] = (struct row){"calls", "set-up, the last 300 of 1000 beside the first 300",
                                    "us", .aim = 1.15};
    rows[ROW_PSS] = (struct row){"memory", "secured session, just set up", "KiB PSS"};
    rows[ROW_IDLE_PSS] = (struct row){"memory", "secured session, idle", "KiB PSS", .aim = 40};
    rows[ROW_IDLE_RSS] = (struct row){"memory", "secured session, idle", "KiB RSS"};
}

static void measure(struct bench *b)
{
    fill_idle(b);
    measure_handshakes(b);
    measure_media(b);
    measure_calls(b, KIND_DTLS, &b->rows[ROW_CALL], &b->rows[ROW_CALL_RATE]);
    measure_calls(b, KIND_UDP, &b->rows[ROW_PLAIN_CALL], NULL);
    read_idle(b);
}

static void report(const struct bench *b)
{
    report_head();
    for (size_t i = 0; i < ROWS; i++)
        report_row(&b->rows[i]);
    printf("\n%u turns; of %llu datagrams %llu were lost and %llu damaged.\n", b->turns,
           (unsigned long long)b->sent, (unsigned long long)b->lost,
           (unsigned long long)b->damaged);
}

int main(int argc, char **argv)
{
    static struct bench b = {.floor = {.target = TARGET_FLOOR},
                             .ours = {.target = TARGET_OURS},
                             .gather = {.target = TARGET_GATHER},
                             .idle = {.target = TARGET_IDLE},
                             .calls = {.target = TARGET_CALLS}};
    if (argc < 2) {
        fprintf(stderr, "usage: bench_pcscf BUILD_DIRECTORY [TURNS]\n");
        return 2;
    }
    b.build = argv[1];
    b.turns = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : TURNS_DEFAULT;
    if (b.turns < 1 || b.turns * HANDSHAKES > SESSIONS)
        die("1 to 10 turns");
    name_rows(b.rows);
    process_raise_descriptors();
    child_pin_caller();
    if (identity_create(&b.identity) < 0)
        die("no certificate");
    start_all(&b);
    measure(&b);
    report(&b);
    stop_all(&b);
    return b.damaged > 0;
}
