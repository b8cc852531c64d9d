// SPDX-License-Identifier: GPL-3.0-or-later
// Wires the process: configuration, loop, SIP, AGW, admin endpoint, signals; runs; and on the way
// down releases every session properly before anything closes.
//
// SIGTERM: no new calls; those that stand may end by themselves for sip.drain_s (draining), then
// they are released (BYE), then the process ends. Each further SIGTERM goes one step on at once.
// SIGHUP: the configuration is read again; what is wrong with it leaves all as it was.
//
// Exit status: 0 after SIGTERM or SIGINT, 1 for a bad configuration or command line, 2 for what the
// system refuses (address in use, no permission, no memory).
#include "alg/loop.h"
#include "alg/operator.h"
#include "alg/proxy.h"
#include "alg/session.h"
#include "alg/tap.h"
#include "common/admin/admin.h"
#include "common/clock.h"
#include "common/keep.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/reason.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <sofia-sip/su.h>
#include <sofia-sip/su_log.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXIT_BAD_CONFIG = 1, EXIT_SYSTEM = 2 };

// Read by the allocator when the process starts. Few arenas: signalling has one, the media workers
// and whoever makes certificates share the others. What was freed goes back to the kernel within a
// second, so that calls that have ended do not weigh on those that stand.
extern const char *malloc_conf __attribute__((visibility("default")));
const char *malloc_conf = "narenas:4,dirty_decay_ms:1000,muzzy_decay_ms:0,abort_conf:true";

// How long the last BYEs may take before the process ends without their answers.
#define SHUTDOWN_MS 3000

// How often it is looked whether the last call has gone.
#define DRAIN_LOOK_MS 50

// Signs of life within the time in which one is due: some may be late.
#define WATCHDOG_SHARE 3

struct process {
    const char *config; // the file; NULL: built-in configuration
    struct config cfg;
    struct loop *loop;
    struct proxy *proxy;
    struct agw *agw;
    struct tap *tap; // NULL: nobody looks on
    struct operator_desk desk;
    struct admin *admin; // NULL: off
    uv_signal_t signals[4];
    uv_timer_t drain, watchdog;
    uint64_t drain_until_us;
    unsigned stops; // how often it was told to end
};

static void usage(FILE *out)
{
    fprintf(out,
            "usage: pcscf [--config FILE] [--check-config] [--version] [--help]\n"
            "\n"
            "The all-in-one P-CSCF for IMS labs: SIP proxy, IMS-ALG and IMS-AGW in one process.\n"
            "\n"
            "  --config FILE   read this YAML file; without it built-in loopback defaults are\n"
            "                  used: UE side 127.0.0.1:5060, core side 127.0.0.1:5070, next hop\n"
            "                  127.0.0.1:5080\n"
            "  --check-config  read the configuration, say what is wrong with it, and end\n"
            "  --version       print the version and end\n"
            "  --help          print this text and end\n"
            "\n"
            "SIGTERM and SIGINT end the process: no new calls, those that stand may go on for\n"
            "sip.drain_s seconds and are then released; a second one releases them at once.\n"
            "SIGHUP reads the configuration again; what cannot change while it runs is named\n"
            "in the log. SIGUSR1 logs the counters of everything that was refused or dropped.\n"
            "Exit status: 0 ended as asked, 1 bad configuration, 2 the system refused.\n");
}

struct options {
    const char *config;
    bool check;
};

// Returns -1 to go on, else the exit status.
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"check-config", no_argument, NULL, 'k'},
                                          {"version", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
        switch (c) {
        case 'c':
            options->config = optarg;
            break;
        case 'k':
            options->check = true;
            break;
        case 'v':
            puts("pcscf " PCSCF_VERSION);
            return 0;
        case 'h':
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return EXIT_BAD_CONFIG;
        }
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "pcscf: unexpected argument '%s'; see --help\n", argv[optind]);
    return EXIT_BAD_CONFIG;
}

static int read_config(struct config *cfg, const struct options *options)
{
    char error[CONFIG_ERROR_MAX];
    config_defaults(cfg);
    if (options->config && config_load(cfg, options->config, error)) {
        fprintf(stderr, "pcscf: %s\n", error);
        return EXIT_BAD_CONFIG;
    }
    log_set_level(cfg->log_level);
    log_set_format(cfg->log_format);
    config_warn(cfg);
    if (!options->check)
        return -1;
    printf("%s: ok\n", options->config ? options->config : "built-in configuration");
    return 0;
}

static void log_counters(void)
{
    for (int r = 1; r < REASON_COUNT; r++)
        if (reason_total((enum reason)r))
            log_info("counters", "%-24s %" PRIu64 "  %s", reason_name((enum reason)r),
                     reason_total((enum reason)r), reason_text((enum reason)r));
}

// --- while it runs ----------------------------------------------------------------------------

static void kept(void *arg, const char *key)
{
    log_warn("config", "%s: %s has changed: it stays as it is until the next start",
             (const char *)arg, key);
}

// The manager of the service shows it until something else happens.
static void tell_reloaded(const char *error)
{
    char state[CONFIG_ERROR_MAX + 64];
    snprintf(state, sizeof(state), "READY=1\nSTATUS=Serving%s%s",
             error[0] ? "; the configuration that was read again is refused: " : "", error);
    notify_service(state);
}

static void reload(struct process *process)
{
    char error[CONFIG_ERROR_MAX] = "";
    struct config *fresh = calloc(1, sizeof(*fresh));
    if (!process->config || !fresh) {
        log_warn("config", "there is no configuration file to read again");
        free(fresh);
        return;
    }
    notify_service("RELOADING=1\nSTATUS=Reading the configuration again");
    config_defaults(fresh);
    if (config_load(fresh, process->config, error)) {
        log_error("config", "all stays as it was: %s", error);
    } else {
        config_reload(&process->cfg, fresh, kept, (void *)process->config);
        log_set_level(process->cfg.log_level);
        log_set_format(process->cfg.log_format);
        if (process->admin)
            admin_set_token(process->admin, process->cfg.admin_token);
        log_info("config", "%s was read again", process->config);
    }
    tell_reloaded(error);
    free(fresh);
}

static void on_drain(uv_timer_t *timer)
{
    struct process *process = timer->data;
    if (sessions_count(proxy_sessions(process->proxy)) == 0 ||
        clock_now_us() >= process->drain_until_us)
        loop_stop(process->loop);
}

static void drain(struct process *process)
{
    unsigned count = sessions_count(proxy_sessions(process->proxy));
    proxy_drain(process->proxy);
    log_info("pcscf", "no new calls; %u sessions have %u s to end", count,
             process->cfg.sip.drain_s);
    notify_service("STOPPING=1\nSTATUS=Draining: no new calls");
    process->drain_until_us = clock_now_us() + process->cfg.sip.drain_s * UINT64_C(1000000);
    uv_timer_start(&process->drain, on_drain, DRAIN_LOOK_MS, DRAIN_LOOK_MS);
}

static void stop(struct process *process, int number)
{
    process->stops++;
    if (process->stops == 1 && process->cfg.sip.drain_s > 0) {
        drain(process);
        return;
    }
    log_info("pcscf", "%s: releasing all sessions", strsignal(number));
    loop_stop(process->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct process *process = handle->data;
    if (number == SIGUSR1)
        log_counters();
    else if (number == SIGHUP)
        reload(process);
    else
        stop(process, number);
}

static void on_watchdog(uv_timer_t *timer)
{
    notify_service("WATCHDOG=1");
}

// A loop that hangs serves nobody: the manager of the service ends and starts it.
static void start_watchdog(struct process *process)
{
    uint64_t period = notify_watchdog_ms() / WATCHDOG_SHARE;
    uv_timer_init(loop_uv(process->loop), &process->watchdog);
    if (period > 0)
        uv_timer_start(&process->watchdog, on_watchdog, period, period);
}

static void listen_to_signals(struct process *process)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uv_signal_init(loop_uv(process->loop), &process->signals[i]);
        process->signals[i].data = process;
        uv_signal_start(&process->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(loop_uv(process->loop), &process->drain);
    process->drain.data = process;
}

// --- up and down ------------------------------------------------------------------------------

// What the SIP stack has to say about itself is for those who look for it.
static void on_sofia_log(void *stream, const char *fmt, va_list ap)
{
    char line[256];
    vsnprintf(line, sizeof(line), fmt, ap);
    log_debug("sofia", "%.*s", (int)strcspn(line, "\n"), line);
}

static int open_admin(struct process *process, char error[static CONFIG_ERROR_MAX])
{
    process->desk = (struct operator_desk){.cfg = &process->cfg,
                                           .proxy = process->proxy,
                                           .agw = process->agw,
                                           .started = (double)time(NULL),
                                           .started_us = clock_now_us()};
    struct admin_source source = operator_source(&process->desk);
    if (!addr_is_set(&process->cfg.admin))
        return 0;
    struct admin_settings settings = {.address = process->cfg.admin,
                                      .token = process->cfg.admin_token};
    return admin_open(&process->admin, &settings, &source, loop_uv(process->loop), error);
}

// What the AGW still has to say when the proxy is gone concerns nobody.
static void on_notification(void *arg, const struct agw_notification *notification)
{
    struct process *process = arg;
    if (process->proxy)
        proxy_agw_notification(process->proxy, notification);
}

static int open_all(struct process *process)
{
    char error[CONFIG_ERROR_MAX] = "the event loops cannot start";
    int err = loop_open(&process->loop);
    if (!err)
        err = tap_open(&process->tap, &process->cfg, error);
    if (!err)
        err = proxy_open(&process->proxy, &process->cfg, loop_root(process->loop),
                         loop_uv(process->loop), error);
    if (!err)
        err = agw_open(&process->agw, &process->cfg, loop_uv(process->loop), on_notification,
                       process, error);
    struct capture *capture = tap_capture(process->tap);
    if (!err && capture && (err = agw_record(process->agw, capture)))
        snprintf(error, sizeof(error), "capture: out of memory");
    if (!err && (err = proxy_attach_agw(process->proxy, process->agw, process->tap)))
        snprintf(error, sizeof(error), "out of memory");
    if (!err)
        err = open_admin(process, error);
    if (err)
        fprintf(stderr, "pcscf: %s\n", error);
    return err;
}

static void announce(const struct config *cfg)
{
    char text[ADDR_STRLEN];
    for (size_t i = 0; i < cfg->access.listen_count; i++)
        log_info("pcscf", "access side (Gm): %s", addr_format(&cfg->access.listen[i], text));
    for (size_t i = 0; i < cfg->access_tls.listen_count; i++)
        log_info("pcscf", "access side (Gm), TLS: %s",
                 addr_format(&cfg->access_tls.listen[i], text));
    for (size_t i = 0; i < cfg->core.listen_count; i++)
        log_info("pcscf", "core side (Mw): %s", addr_format(&cfg->core.listen[i], text));
    if (addr_is_set(&cfg->next_hop))
        log_info("pcscf", "next hop: %s", addr_format(&cfg->next_hop, text));
    if (cfg->next_hop_name[0])
        log_info("pcscf", "next hop: %s", cfg->next_hop_name);
    if (addr_is_set(&cfg->admin))
        log_info("pcscf", "admin: http://%s/", addr_format(&cfg->admin, text));
    keep_tidy();
    log_info("pcscf", "ready");
    notify_service("READY=1\nSTATUS=Serving");
}

// BYEs for the sessions that stand; whatever is left after the bound, or when it is told to end
// once more, is dropped.
static void shut_down(struct process *process)
{
    uint64_t end = clock_now_us() + SHUTDOWN_MS * UINT64_C(1000);
    unsigned stops = process->stops;
    uv_timer_stop(&process->drain);
    notify_service("STOPPING=1\nSTATUS=Releasing all sessions");
    proxy_shut_down(process->proxy);
    while (proxy_busy(process->proxy) && clock_now_us() < end && process->stops == stops)
        loop_turn(process->loop, 50);
}

// A session that is dropped releases what it has of the AGW.
static void close_all(struct process *process)
{
    admin_close(process->admin);
    proxy_close(process->proxy);
    process->proxy = NULL;
    agw_close(process->agw);
    tap_close(process->tap);
    loop_close(process->loop);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct process process = {0};
    int status = read_options(argc, argv, &options);
    if (status < 0)
        status = read_config(&process.cfg, &options);
    if (status >= 0)
        return status;
    process.config = options.config;
    su_init();
    su_log_redirect(NULL, on_sofia_log, NULL);
    status = open_all(&process) ? EXIT_SYSTEM : 0;
    if (status == 0) {
        listen_to_signals(&process);
        start_watchdog(&process);
        announce(&process.cfg);
        loop_run(process.loop);
        shut_down(&process);
        log_counters();
    }
    close_all(&process);
    su_deinit();
    return status;
}
