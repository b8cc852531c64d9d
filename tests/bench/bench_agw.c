// SPDX-License-Identifier: GPL-3.0-or-later
// Sets up many streams through agw.h, so that a load generator can measure what the media path
// costs. Prints one line per stream:
//
//   UE_IP UE_PORT AGW_IP T1_PORT CORE_IP CORE_PORT AGW_IP T2_PORT
//
// then "ready", and relays until it gets SIGTERM or SIGINT. Stream i expects its UE on port BASE+2i
// and its core peer on BASE+2i+1.
//
// Fails with a sentence when a stream cannot be reserved.

#include "agw/agw.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Lies outside the ports of the generator and of what it is compared with.
#define PORTS_MIN 40000
#define PORTS_MAX 65535

struct bench {
    uv_loop_t loop;
    struct agw *agw;
    struct config cfg;
    struct addr peer;
    unsigned base;
    bool dtls;
    struct fingerprints ue; // of every UE
};

static int usage(void)
{
    fprintf(stderr, "usage: bench_agw plain|dtls STREAMS AGW_IP PEER_IP BASE [GATHER_US [SHA-256 "
                    "fingerprint of the UEs]]\n");
    return 2;
}

static void notify(void *arg, const struct agw_notification *notification)
{
    if (notification->event == AGW_DTLS_FAILURE)
        fprintf(stderr, "context %u: %s\n", notification->context,
                reason_text(notification->reason));
}

static void realm(struct config_realm *r, const struct addr *media, uint16_t min, uint16_t max)
{
    r->media_v4 = *media;
    r->port_min = min;
    r->port_max = max;
}

static void configure(struct bench *b, const struct addr *media, unsigned gather_us)
{
    struct config *cfg = &b->cfg;
    realm(&cfg->access.realm, media, PORTS_MIN, (PORTS_MIN + PORTS_MAX) / 2);
    realm(&cfg->core.realm, media, (PORTS_MIN + PORTS_MAX) / 2 + 1, PORTS_MAX);
    cfg->sip.sessions_max = 10000;
    cfg->agw.workers = 1;
    cfg->agw.certificate_pool = 16;
    cfg->agw.mtu = 1500;
    cfg->agw.handshake_timeout_ms = 600000;
    cfg->agw.retransmit_ms = 1000;
    cfg->agw.half_open_max = 4096;
    cfg->agw.rekey_hold_ms = 100;
    cfg->agw.gather_us = gather_us;
}

static struct addr peer_at(const struct bench *b, unsigned port)
{
    struct addr a = b->peer;
    addr_set_port(&a, (uint16_t)port);
    return a;
}

static void print_end(const struct addr *peer, const struct addr *local, char after)
{
    char a[ADDR_STRLEN], b[ADDR_STRLEN];
    printf("%s %u %s %u%c", addr_host(peer, a), addr_port(peer), addr_host(local, b),
           addr_port(local), after);
}

static enum reason open_stream(struct bench *b, unsigned i)
{
    struct agw_reply t1, t2;
    struct agw_request r = {.termination = AGW_T1, .stream = 1, .family = AF_INET};
    r.remote = peer_at(b, b->base + 2 * i);
    if (b->dtls) {
        r.transport = AGW_UDP_DTLS;
        r.local_fingerprint_request = true;
        r.notify_dtls_failure = true;
        r.remote_fingerprints = b->ue;
        r.latching = LATCHING_AFTER_DTLS;
    }
    enum reason reason = agw_reserve_and_configure(b->agw, &r, &t1);
    if (reason != REASON_NONE)
        return reason;
    struct addr ue = r.remote;
    r = (struct agw_request){
        .context = t1.context, .termination = AGW_T2, .stream = 1, .family = AF_INET};
    r.remote = peer_at(b, b->base + 2 * i + 1);
    reason = agw_reserve_and_configure(b->agw, &r, &t2);
    if (reason != REASON_NONE)
        return reason;
    print_end(&ue, &t1.local, ' ');
    print_end(&r.remote, &t2.local, '\n');
    return REASON_NONE;
}

static void on_signal(uv_signal_t *signal, int number)
{
    uv_stop(signal->loop);
}

// Relays until a signal comes.
static void serve(struct bench *b)
{
    uv_signal_t signals[2];
    const int numbers[] = {SIGTERM, SIGINT};
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&b->loop, &signals[i]);
        uv_signal_start(&signals[i], on_signal, numbers[i]);
    }
    printf("ready\n");
    fflush(stdout);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&signals[i], NULL);
    agw_close(b->agw);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    uv_loop_close(&b->loop);
}

static int parse(struct bench *b, int argc, char **argv, struct addr *media)
{
    if (argc < 6 || (strcmp(argv[1], "plain") != 0 && strcmp(argv[1], "dtls") != 0) ||
        addr_parse(media, argv[3], 0) != 0 || addr_parse(&b->peer, argv[4], 0) != 0)
        return -1;
    b->dtls = strcmp(argv[1], "dtls") == 0;
    b->base = (unsigned)strtoul(argv[5], NULL, 10);
    if (!b->dtls)
        return 0;
    char text[FINGERPRINT_STRLEN];
    b->ue.count = 1;
    snprintf(text, sizeof text, "SHA-256 %s", argc > 7 ? argv[7] : "");
    return fingerprint_parse(&b->ue.list[0], text, strlen(text));
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct addr media;
    char error[CONFIG_ERROR_MAX];
    if (parse(&b, argc, argv, &media) != 0)
        return usage();
    configure(&b, &media, argc > 6 ? (unsigned)strtoul(argv[6], NULL, 10) : 0);
    uv_loop_init(&b.loop);
    if (agw_open(&b.agw, &b.cfg, &b.loop, notify, &b, error) < 0) {
        fprintf(stderr, "%s\n", error);
        return 2;
    }
    unsigned streams = (unsigned)strtoul(argv[2], NULL, 10);
    for (unsigned i = 0; i < streams; i++) {
        enum reason reason = open_stream(&b, i);
        if (reason != REASON_NONE) {
            fprintf(stderr, "stream %u: %s\n", i, reason_text(reason));
            return 2;
        }
    }
    serve(&b);
    return 0;
}
