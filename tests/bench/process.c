// SPDX-License-Identifier: GPL-3.0-or-later
// A configuration is written, the daemon started with it. Failure: a file that cannot be written, a
// program that cannot be started.

#include "tests/bench/process.h"

#include "tests/bench/bench.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

#define PATH_SIZE 512

static int write_config(const char *path, unsigned target, unsigned gather_us, const char *more)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return -errno;
    fprintf(f,
            "access:\n  listen: [\"127.4.%u.%u:%u\"]\n  media: [\"127.4.%u.%u\"]\n"
            "  ports: {min: 20000, max: 22999}\n",
            target, HOST_ACCESS, BENCH_PORT_SIP, target, HOST_ACCESS);
    fprintf(f,
            "core:\n  listen: [\"127.4.%u.%u:%u\"]\n  media: [\"127.4.%u.%u\"]\n"
            "  ports: {min: 20000, max: 22999}\n  next_hop: \"127.4.%u.%u:%u\"\n",
            target, HOST_CORE, BENCH_PORT_SIP, target, HOST_CORE, target, HOST_FAR, BENCH_PORT_SIP);
    // sessions wait for their turn with the handshake
    fprintf(f, "agw: {workers: 1, gather_us: %u, handshake_timeout_ms: 120000}\n", gather_us);
    fprintf(f, "log: {level: error}\nadmin: {listen: off}\n%s", more);
    return fclose(f) == 0 ? 0 : -errno;
}

int process_start_pcscf(struct child *child, const char *build, unsigned target, unsigned gather_us,
                        const char *more)
{
    char program[PATH_SIZE], config[PATH_SIZE];
    snprintf(program, sizeof(program), "%s/pcscf", build);
    snprintf(config, sizeof(config), "%s/bench/pcscf-%u.yaml", build, target);
    int rc = write_config(config, target, gather_us, more);
    char *argv[] = {program, "--config", config, NULL};
    return rc < 0 ? rc : child_start(child, argv);
}

void process_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}
