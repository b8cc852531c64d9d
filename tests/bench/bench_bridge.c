// SPDX-License-Identifier: GPL-3.0-or-later
// The AGW as a bridge from TLS to plain TCP, set up through agw.h.
//
//   bench_bridge tls|msrp COUNT TARGET FINGERPRINT
//
// Reserves COUNT streams (msrp: application-aware), each a TCP and TLS server for the UE that
// presents FINGERPRINT (SHA-256) and, triggered by it, a TCP client of the core's one port (bench.h
// says where they are). Prints one line "T1_PORT T2_PORT" per stream and "ready", then relays.
// SIGUSR1: prints the bytes of heap in use. SIGTERM ends it. A stream that ends is released.
//
// Failure paths: a stream that cannot be reserved ends it with a sentence.

#include "agw/agw.h"
#include "tests/bench/bench.h"
#include "tests/bench/bridge_paths.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORTS_MIN 20000
#define PORTS_MAX 23999

struct bridge {
    uv_loop_t loop;
    struct agw *agw;
    struct config cfg;
    struct fingerprints ue;
    unsigned target;
    bool aware;
};

static void notify(void *arg, const struct agw_notification *n)
{
    struct bridge *b = arg;
    if (n->event == AGW_TCP_FAILURE || n->event == AGW_DTLS_FAILURE)
        fprintf(stderr, "context %u: %s %s\n", n->context, reason_text(n->reason), n->text);
    if (n->event == AGW_BEARER_RELEASED)
        agw_release(b->agw, n->context, 0);
}

static struct addr address(const struct bridge *b, enum bench_host host, uint16_t port)
{
    return (struct addr){.v4 = bench_address(b->target, host, port),
                         .len = sizeof(struct sockaddr_in)};
}

static void configure(struct bridge *b)
{
    struct config *cfg = &b->cfg;
    config_defaults(cfg);
    cfg->access.realm.media_v4 = address(b, HOST_ACCESS, 0);
    cfg->core.realm.media_v4 = address(b, HOST_CORE, 0);
    cfg->access.realm.port_min = cfg->core.realm.port_min = PORTS_MIN;
    cfg->access.realm.port_max = cfg->core.realm.port_max = PORTS_MAX;
    cfg->agw.workers = 1;
    cfg->agw.media_timeout_s = 0;
    cfg->agw.handshake_timeout_ms = 600000; // streams wait for their turn
}

static struct agw_request access_side(const struct bridge *b)
{
    return (struct agw_request){.termination = AGW_T1,
                                .stream = 1,
                                .family = AF_INET,
                                .transport = b->aware ? AGW_TCP_TLS_MSRP : AGW_TCP_TLS,
                                .remote = address(b, HOST_UE, BENCH_PORT_TLS),
                                .local_fingerprint_request = true,
                                .remote_fingerprints = b->ue,
                                .notify_dtls_failure = true,
                                .notify_tcp_failure = true,
                                .tcp_setup = AGW_TCP_SERVER,
                                .tcp_trigger = true};
}

static struct agw_request core_side(const struct bridge *b)
{
    return (struct agw_request){.termination = AGW_T2,
                                .stream = 1,
                                .family = AF_INET,
                                .transport = b->aware ? AGW_TCP_MSRP : AGW_TCP,
                                .remote = address(b, HOST_FAR, BENCH_PORT_FAR),
                                .notify_tcp_failure = true,
                                .tcp_setup = AGW_TCP_CLIENT};
}

static enum reason open_stream(struct bridge *b)
{
    char ue[BENCH_PATH_MAX], far[BENCH_PATH_MAX];
    struct agw_reply t1, t2;
    struct agw_request r1 = access_side(b), r2 = core_side(b);
    if (b->aware) {
        bench_path(ue, b->target, HOST_UE, BENCH_PORT_TLS);
        bench_path(far, b->target, HOST_FAR, BENCH_PORT_FAR);
        r1.msrp_local = BENCH_PATH_ACCESS("$");
        r1.msrp_remote = ue;
        r2.msrp_local = BENCH_PATH_CORE("$");
        r2.msrp_remote = far;
    }
    enum reason reason = agw_reserve_and_configure(b->agw, &r1, &t1);
    if (reason != REASON_NONE)
        return reason;
    r2.context = t1.context;
    reason = agw_reserve_and_configure(b->agw, &r2, &t2);
    if (reason != REASON_NONE)
        return reason;
    printf("%u %u\n", addr_port(&t1.local), addr_port(&t2.local));
    return REASON_NONE;
}

static void on_signal(uv_signal_t *signal, int number)
{
    if (number != SIGUSR1) {
        uv_stop(signal->loop);
        return;
    }
    struct mallinfo2 heap = mallinfo2();
    printf("%zu\n", heap.uordblks + heap.hblkhd);
    fflush(stdout);
}

static void serve(struct bridge *b)
{
    uv_signal_t signals[2];
    const int numbers[] = {SIGTERM, SIGUSR1};
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&b->loop, &signals[i]);
        uv_signal_start(&signals[i], on_signal, numbers[i]);
    }
    puts("ready");
    fflush(stdout);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&signals[i], NULL);
    agw_close(b->agw);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    uv_loop_close(&b->loop);
}

static int take_fingerprint(struct bridge *b, const char *value)
{
    char text[FINGERPRINT_STRLEN];
    b->ue.count = 1;
    snprintf(text, sizeof(text), "SHA-256 %s", value);
    return fingerprint_parse(&b->ue.list[0], text, strlen(text));
}

int main(int argc, char **argv)
{
    static struct bridge b;
    char error[CONFIG_ERROR_MAX];
    if (argc != 5 || take_fingerprint(&b, argv[4]) != 0) {
        fprintf(stderr, "usage: bench_bridge tls|msrp COUNT TARGET FINGERPRINT\n");
        return 2;
    }
    b.aware = strcmp(argv[1], "msrp") == 0;
    b.target = (unsigned)strtoul(argv[3], NULL, 10);
    configure(&b);
    uv_loop_init(&b.loop);
    if (agw_open(&b.agw, &b.cfg, &b.loop, notify, &b, error) < 0) {
        fprintf(stderr, "%s\n", error);
        return 2;
    }
    unsigned count = (unsigned)strtoul(argv[2], NULL, 10);
    for (unsigned i = 0; i < count; i++) {
        enum reason reason = open_stream(&b);
        if (reason != REASON_NONE) {
            fprintf(stderr, "stream %u: %s\n", i, reason_text(reason));
            return 2;
        }
    }
    serve(&b);
    return 0;
}
