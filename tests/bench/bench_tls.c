// SPDX-License-Identifier: GPL-3.0-or-later
// The AGW's TCP/TLS path beside a minimal bridge, beside other bridges as far as they are
// installed, and its application-aware MSRP mode beside the agnostic one.
//
//   bench_tls BUILD_DIRECTORY [TURNS]
//
// Happy path: all bridges take turns, load by load, so that each meets the same machine; then both
// MSRP modes; then 1000 idle MSRP streams, and one file through each mode, BENCH_FILE_MIB (default
// 256) long, compared by hash while memory is looked at. Tables are printed.
//
// Failure paths: a bridge that is not installed is left out and named. What does not start, connect
// or arrive ends the run with a sentence and status 1.

#include "tests/bench/bridge_paths.h"
#include "tests/bench/child.h"
#include "tests/bench/link.h"
#include "tests/bench/peer.h"
#include "tests/bench/report.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS_DEFAULT 5
#define PATH_SIZE 512
#define LINE_SIZE 64
#define LINKS 4
#define FIRST_TARGET 16
// New connections per turn and version.
#define OPENINGS 60
#define PINGS 1000
#define IDLE 1000
#define FILE_MIB_DEFAULT 256
#define START_MS 5000

enum subject_name {
    FLOOR,
    HAPROXY,
    NGINX,
    STUNNEL,
    OURS,
    BRIDGES,
    AWARE = BRIDGES,
    IDLERS,
    SUBJECTS
};
static const char *const names[BRIDGES] = {"floor", "haproxy", "nginx", "stunnel", "pcscf"};

// Something under measurement. Ours has a port per stream, each good for one connection.
struct subject {
    unsigned target;
    struct child child;
    FILE *output;
    int listener;
    unsigned streams, used;
    uint16_t (*ports)[2]; // of T1 and T2; NULL: one port for all
    uint16_t port[2];     // of the connection opened last
    struct link link[LINKS];
    uint16_t link_port[LINKS][2];
};

struct bench {
    const char *build;
    unsigned turns, file_mib;
    struct identity ue, own;
    struct subject subject[SUBJECTS];
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_tls: %s\n", what);
    exit(1);
}

// --- starting -----------------------------------------------------------------------------------

static void read_ports(struct subject *s)
{
    char line[LINE_SIZE];
    s->output = fdopen(dup(s->child.output), "r");
    s->ports = calloc(s->streams, sizeof(*s->ports));
    for (unsigned i = 0; i < s->streams; i++)
        if (!s->output || !s->ports || !fgets(line, sizeof(line), s->output) ||
            sscanf(line, "%hu %hu", &s->ports[i][0], &s->ports[i][1]) != 2)
            die("the AGW reserves no streams");
    if (!fgets(line, sizeof(line), s->output))
        die("the AGW does not start");
    child_settle(&s->child);
}

static void start_ours(const struct bench *b, struct subject *s, bool aware, unsigned streams)
{
    char program[PATH_SIZE], count[16], target[16];
    snprintf(program, sizeof(program), "%s/bench/bench_bridge", b->build);
    snprintf(count, sizeof(count), "%u", streams);
    snprintf(target, sizeof(target), "%u", s->target);
    char *argv[] = {program, aware ? "msrp" : "tls",    count,
                    target,  (char *)b->ue.fingerprint, NULL};
    if (child_start(&s->child, argv) < 0)
        die("the AGW does not start");
    s->streams = streams;
    read_ports(s);
}

// Whether something listens there now.
static bool listens(unsigned target)
{
    struct sockaddr_in to = bench_address(target, HOST_ACCESS, BENCH_PORT_TLS);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;
    close(fd);
    return yes;
}

static void wait_until_it_listens(const struct subject *s, const char *name)
{
    for (int ms = 0; !listens(s->target); ms++) {
        if (ms == START_MS || !child_alive(&s->child))
            die(name);
        usleep(1000);
    }
    child_settle(&s->child);
}

static void start_floor(const struct bench *b, struct subject *s)
{
    char program[PATH_SIZE], target[16];
    snprintf(program, sizeof(program), "%s/bench/bench_bridge_floor", b->build);
    snprintf(target, sizeof(target), "%u", s->target);
    char *argv[] = {program, target, NULL};
    if (child_start(&s->child, argv) < 0)
        die("the floor does not start");
    wait_until_it_listens(s, "the floor does not listen");
}

static void start_peer(const struct bench *b, struct subject *s, enum peer peer)
{
    char folder[PATH_SIZE];
    snprintf(folder, sizeof(folder), "%s/bench", b->build);
    if (peer_start(&s->child, peer, s->target, folder, &b->own, &b->ue) < 0)
        printf("%s is not installed: left out.\n", peer_name(peer));
    else
        wait_until_it_listens(s, peer_name(peer));
}

static void start_all(struct bench *b)
{
    unsigned streams = 2 * b->turns * OPENINGS + 2 * LINKS;
    for (unsigned i = 0; i < SUBJECTS; i++) {
        struct subject *s = &b->subject[i];
        s->target = FIRST_TARGET + i;
        s->listener = link_listen(s->target);
        if (s->listener < 0)
            die("no port for the core");
    }
    start_floor(b, &b->subject[FLOOR]);
    for (enum peer peer = PEER_HAPROXY; peer < PEERS; peer++)
        start_peer(b, &b->subject[HAPROXY + peer], peer);
    start_ours(b, &b->subject[OURS], false, streams);
    start_ours(b, &b->subject[AWARE], true, 2 * LINKS);
}

static void stop(struct subject *s)
{
    child_stop(&s->child);
    if (s->output)
        fclose(s->output);
    free(s->ports);
    s->output = NULL;
    s->ports = NULL;
}

// --- connections --------------------------------------------------------------------------------

static void open_link(const struct bench *b, struct subject *s, struct link *link,
                      enum link_version version)
{
    s->port[0] = BENCH_PORT_TLS;
    if (s->ports) {
        if (s->used == s->streams)
            die("no stream is left");
        memcpy(s->port, s->ports[s->used++], sizeof(s->port));
    }
    if (link_open(link, s->target, s->port[0], s->listener, &b->ue, version) < 0)
        die("a connection is not established");
}

static void open_links(const struct bench *b, struct subject *s)
{
    for (unsigned i = 0; i < LINKS; i++) {
        open_link(b, s, &s->link[i], LINK_TLS12);
        memcpy(s->link_port[i], s->port, sizeof(s->port));
    }
}

// --- rows ---------------------------------------------------------------------------------------

enum tls_load { BULK_UP, BULK_DOWN, RATE_UP, RATE_DOWN, OPEN_12, OPEN_13, PING_50, PING_99, LOADS };

struct tls_row {
    const char *what, *unit;
    unsigned against; // FLOOR: the best of the others; else this one
    double aim;       // highest ratio
    struct link_load load;
    struct series value[BRIDGES];
};

static uint8_t zeros[LINK_BLOCK_MAX];

#define TEXT(size)                                                                                 \
    {                                                                                              \
        {NULL, NULL, zeros, size, false}, {NULL, NULL, zeros, size, false},                        \
            {NULL, NULL, zeros, size, false},                                                      \
        {                                                                                          \
            NULL, NULL, zeros, size, false                                                         \
        }                                                                                          \
    }

static struct tls_row rows[LOADS] = {
    [BULK_UP] =
        {"bulk 64 KiB, TLS to plain", "us/MB", FLOOR, 1, {TEXT(65536), LINKS, false, 4000, 0}},
    [BULK_DOWN] =
        {"bulk 64 KiB, plain to TLS", "us/MB", FLOOR, 1, {TEXT(65536), LINKS, true, 4000, 0}},
    [RATE_UP] = {"2 KiB x 5000/s, TLS to plain",
                 "us/message",
                 FLOOR,
                 1,
                 {TEXT(2048), LINKS, false, 3000, 5000}},
    [RATE_DOWN] = {"2 KiB x 5000/s, plain to TLS",
                   "us/message",
                   FLOOR,
                   1,
                   {TEXT(2048), LINKS, true, 3000, 5000}},
    [OPEN_12] = {"new connection, mutual TLS 1.2", "us", HAPROXY, 0.85},
    [OPEN_13] = {"new connection, mutual TLS 1.3", "us", HAPROXY, 0.85},
    [PING_50] = {"round trip of 500 B, p50", "us wall"},
    [PING_99] = {"round trip of 500 B, p99", "us wall"},
};

// CPU microseconds per megabyte, or per message at a fixed rate.
static double carry(struct subject *s, const struct link_load *load)
{
    child_settle(&s->child);
    struct link_result r = link_run(s->link, load, &s->child);
    if (!r.whole)
        die("bytes are missing or damaged");
    double parts = load->rate > 0 ? load->blocks : (double)r.bytes / 1e6;
    return (double)r.cpu_ns / 1e3 / parts;
}

static double open_and_close(const struct bench *b, struct subject *s, enum link_version version)
{
    struct link link;
    child_settle(&s->child);
    uint64_t before = child_cpu_ns(&s->child);
    for (unsigned i = 0; i < OPENINGS; i++) {
        open_link(b, s, &link, version);
        link_close(&link);
    }
    child_settle(&s->child);
    return (double)(child_cpu_ns(&s->child) - before) / 1e3 / OPENINGS;
}

static void measure(const struct bench *b, struct subject *s, unsigned i)
{
    for (enum tls_load l = BULK_UP; l <= RATE_DOWN; l++)
        series_add(&rows[l].value[i], carry(s, &rows[l].load));
    series_add(&rows[OPEN_12].value[i], open_and_close(b, s, LINK_TLS12));
    series_add(&rows[OPEN_13].value[i], open_and_close(b, s, LINK_TLS13));
    struct link_latency latency = link_ping(&s->link[0], PINGS);
    if (!latency.whole)
        die("a round trip is not completed");
    series_add(&rows[PING_50].value[i], latency.p50_us);
    series_add(&rows[PING_99].value[i], latency.p99_us);
}

static void measure_bridges(struct bench *b)
{
    for (unsigned i = 0; i < BRIDGES; i++)
        if (b->subject[i].child.pid > 0)
            open_links(b, &b->subject[i]);
    for (unsigned turn = 0; turn < b->turns; turn++)
        for (unsigned i = 0; i < BRIDGES; i++)
            if (b->subject[i].child.pid > 0)
                measure(b, &b->subject[i], i);
}

// The best of the others in this row, or the one to be compared with; BRIDGES: not there.
static unsigned rival(const struct tls_row *row)
{
    unsigned best = BRIDGES;
    for (unsigned i = HAPROXY; i <= STUNNEL; i++)
        if (row->value[i].count > 0 && (row->against == FLOOR || row->against == i) &&
            (best == BRIDGES || series_median(&row->value[i]) < series_median(&row->value[best])))
            best = i;
    return best;
}

static struct series ratio(const struct tls_row *row, unsigned to)
{
    struct series out = {.count = 0};
    for (unsigned i = 0; i < row->value[OURS].count; i++)
        series_add(&out, row->value[OURS].value[i] / row->value[to].value[i]);
    return out;
}

static void print_row(const struct tls_row *row)
{
    unsigned best = rival(row);
    struct series floor = ratio(row, FLOOR);
    printf("| %s | %s |", row->what, row->unit);
    for (unsigned i = 0; i < BRIDGES; i++)
        if (row->value[i].count > 0)
            printf(" %.1f |", series_median(&row->value[i]));
        else
            printf(" - |");
    printf(" %.2f | %.0f |", series_median(&floor), series_spread_percent(&floor));
    if (best == BRIDGES) {
        puts(" - | | |");
        return;
    }
    struct series other = ratio(row, best);
    printf(" %.2f %s |", series_median(&other), names[best]);
    if (row->aim > 0)
        printf(" %.2f | %s |\n", row->aim, series_median(&other) <= row->aim ? "met" : "MISSED");
    else
        puts(" | |");
}

static void print_bridges(void)
{
    printf("\n| TLS bridge, CPU | unit |");
    for (unsigned i = 0; i < BRIDGES; i++)
        printf(" %s |", names[i]);
    puts(" x floor | spread % | x best other | aim | |\n"
         "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|");
    for (unsigned i = 0; i < LOADS; i++)
        print_row(&rows[i]);
}

// --- MSRP ---------------------------------------------------------------------------------------

#define MSRP_BODY 2048
#define MSRP_MESSAGE_MAX (MSRP_BODY + 512)
#define END_LINE "\r\n-------a786hjs2$\r\n"

// The head of a SEND request with a body of this length, as the end of link i says it.
static size_t msrp_head(char *head, size_t size, const struct subject *s, unsigned i, bool down,
                        unsigned long body)
{
    char to[BENCH_PATH_MAX], from[BENCH_PATH_MAX];
    const uint16_t *port = s->link_port[i];
    bench_path(to, s->target, down ? HOST_CORE : HOST_ACCESS, down ? port[1] : port[0]);
    bench_path(from, s->target, down ? HOST_FAR : HOST_UE, down ? BENCH_PORT_FAR : BENCH_PORT_TLS);
    int n =
        snprintf(head, size,
                 "MSRP a786hjs2 SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: 87652491\r\n"
                 "Byte-Range: 1-%lu/%lu\r\nContent-Type: application/octet-stream\r\n\r\n",
                 to, from, body, body);
    return (size_t)n;
}

// A message per block.
static double carry_messages(struct subject *s, bool down, unsigned count, unsigned rate)
{
    static char message[LINKS][MSRP_MESSAGE_MAX];
    struct link_load load = {.links = LINKS, .down = down, .blocks = count, .rate = rate};
    for (unsigned i = 0; i < LINKS; i++) {
        size_t head = msrp_head(message[i], sizeof(message[i]), s, i, down, MSRP_BODY);
        memset(message[i] + head, 'x', MSRP_BODY);
        memcpy(message[i] + head + MSRP_BODY, END_LINE, strlen(END_LINE));
        load.text[i].block = (const uint8_t *)message[i];
        load.text[i].block_len = head + MSRP_BODY + strlen(END_LINE);
    }
    return carry(s, &load);
}

// One chunk of mib megabytes through the first link, compared by hash.
static double carry_file(struct subject *s, bool down, unsigned mib)
{
    char head[MSRP_MESSAGE_MAX];
    struct link_load load = {.links = 1, .down = down, .blocks = mib * 16};
    (void)msrp_head(head, sizeof(head), s, 0, down, mib * 1048576ul);
    load.text[0] = (struct link_text){.head = head,
                                      .tail = END_LINE,
                                      .block = zeros,
                                      .block_len = LINK_BLOCK_MAX,
                                      .stamped = true};
    return carry(s, &load);
}

static unsigned high_water_kib(const struct child *child)
{
    char path[64], line[256];
    unsigned kib = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)child->pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        (void)sscanf(line, "VmHWM: %u", &kib);
    if (f)
        fclose(f);
    return kib;
}

enum msrp_row { FILE_UP, FILE_DOWN, MESSAGES_UP, MESSAGES_DOWN, PACED_UP, GROWTH, HEAP, MSRP_ROWS };

static struct row msrp[MSRP_ROWS] = {
    [FILE_UP] = {"MSRP", "file in one chunk, TLS to plain, aware beside agnostic", "us/MB",
                 .aim = 1.25, .rates = true},
    [FILE_DOWN] = {"MSRP", "file in one chunk, plain to TLS, aware beside agnostic", "us/MB",
                   .aim = 1.25, .rates = true},
    [MESSAGES_UP] = {"MSRP", "2 KiB chunks, TLS to plain, aware beside agnostic", "us/MB",
                     .aim = 1.25, .rates = true},
    [MESSAGES_DOWN] = {"MSRP", "2 KiB chunks, plain to TLS, aware beside agnostic", "us/MB",
                       .aim = 1.25, .rates = true},
    [PACED_UP] = {"MSRP", "2 KiB chunks x 5000/s, TLS to plain, aware beside agnostic",
                  "us/message", .aim = 1.25},
    [GROWTH] = {"memory", "growth over a file in both directions, aware beside agnostic",
                "KiB RSS"},
    [HEAP] = {"memory", "idle aware MSRP stream over TLS, 1000 of them", "KiB heap", .aim = 32},
};

static void measure_mode(struct bench *b, struct subject *s, bool aware)
{
    const double values[] = {
        [FILE_UP] = carry_file(s, false, 64),
        [FILE_DOWN] = carry_file(s, true, 64),
        [MESSAGES_UP] = carry_messages(s, false, 40000, 0),
        [MESSAGES_DOWN] = carry_messages(s, true, 40000, 0),
        [PACED_UP] = carry_messages(s, false, 3000, 5000),
    };
    for (unsigned i = FILE_UP; i <= PACED_UP; i++)
        series_add(aware ? &msrp[i].ours : &msrp[i].floor, values[i]);
}

static void measure_growth(const struct bench *b, struct subject *s, struct series *growth)
{
    unsigned before = high_water_kib(&s->child);
    (void)carry_file(s, false, b->file_mib);
    (void)carry_file(s, true, b->file_mib);
    series_add(growth, high_water_kib(&s->child) - before);
}

static void measure_modes(struct bench *b)
{
    open_links(b, &b->subject[AWARE]);
    for (unsigned turn = 0; turn < b->turns; turn++) {
        measure_mode(b, &b->subject[OURS], false);
        measure_mode(b, &b->subject[AWARE], true);
    }
    measure_growth(b, &b->subject[OURS], &msrp[GROWTH].floor);
    measure_growth(b, &b->subject[AWARE], &msrp[GROWTH].ours);
}

static double heap_of(const struct subject *s)
{
    char line[LINE_SIZE];
    kill(s->child.pid, SIGUSR1);
    if (!fgets(line, sizeof(line), s->output))
        die("the AGW tells nothing of its heap");
    return strtod(line, NULL);
}

// What 1000 streams with a connection on both sides and one message behind them take.
static void measure_idle(struct bench *b)
{
    static struct link links[IDLE];
    struct subject *s = &b->subject[IDLERS];
    uint8_t message[MSRP_MESSAGE_MAX];
    start_ours(b, s, true, 1);
    double empty = heap_of(s);
    stop(s);
    start_ours(b, s, true, IDLE);
    for (unsigned i = 0; i < IDLE; i++) {
        open_link(b, s, &links[i], LINK_TLS12);
        memcpy(s->link_port[0], s->port, sizeof(s->port));
        size_t head = msrp_head((char *)message, sizeof(message), s, 0, false, 1);
        int n = snprintf((char *)message + head, sizeof(message) - head, "x%s", END_LINE);
        struct link_load load = {.links = 1, .blocks = 1};
        load.text[0] = (struct link_text){.block = message, .block_len = head + (size_t)n};
        if (!link_run(&links[i], &load, &s->child).whole)
            die("an MSRP message does not arrive");
    }
    child_settle(&s->child);
    series_add(&msrp[HEAP].ours, (heap_of(s) - empty) / 1024 / IDLE);
}

// --- all of it ----------------------------------------------------------------------------------

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void stop_all(struct bench *b)
{
    for (unsigned i = 0; i < SUBJECTS; i++) {
        struct subject *s = &b->subject[i];
        for (unsigned l = 0; l < LINKS; l++)
            link_close(&s->link[l]);
        stop(s);
        close(s->listener);
    }
    identity_free(&b->ue);
    identity_free(&b->own);
}

int main(int argc, char **argv)
{
    static struct bench b;
    const char *mib = getenv("BENCH_FILE_MIB");
    if (argc < 2) {
        fprintf(stderr, "usage: bench_tls BUILD_DIRECTORY [TURNS]\n");
        return 2;
    }
    b.build = argv[1];
    b.turns = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : TURNS_DEFAULT;
    b.file_mib = mib ? (unsigned)strtoul(mib, NULL, 10) : FILE_MIB_DEFAULT;
    raise_descriptor_limit();
    child_pin_caller();
    if (identity_create(&b.ue) < 0 || identity_create(&b.own) < 0)
        die("no certificate");
    start_all(&b);
    measure_bridges(&b);
    print_bridges();
    measure_modes(&b);
    measure_idle(&b);
    puts("");
    report_head();
    for (unsigned i = 0; i < MSRP_ROWS; i++)
        report_row(&msrp[i]);
    printf("\n%u turns; %u MiB through each mode and direction arrived bit-exact.\n", b.turns,
           b.file_mib);
    stop_all(&b);
    return 0;
}
