// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: fork, pin, exec; the CPU clock of a process is had by its pid.
//
// Failure paths: exec fails: the child ends with status 127 and whoever waits for its services sees
// that it is gone. A child that ignores SIGTERM is killed.

#include "tests/bench/child.h"

#include "tests/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_MS 5000
#define SETTLE_MS 3000
// Idle: less than one part in a hundred of the time looked at.
#define SETTLE_LOOK_MS 50
#define SETTLE_CPU_NS 500000u

static int cpu_of_children = -1; // -1: wherever the kernel likes

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)cpu, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

void child_pin_caller(void)
{
    cpu_set_t set;
    int first = -1, last = -1;
    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET((unsigned)cpu, &set))
            continue;
        first = first < 0 ? cpu : first;
        last = cpu;
    }
    cpu_of_children = last;
    pin(first);
}

static _Noreturn void run(char *const argv[], int output)
{
    int nowhere = open("/dev/null", O_RDONLY);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (cpu_of_children >= 0)
        pin(cpu_of_children);
    dup2(nowhere, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    execv(argv[0], argv);
    perror(argv[0]);
    _exit(127);
}

int child_start(struct child *child, char *const argv[])
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0)
        run(argv, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return -errno;
    }
    *child = (struct child){.pid = pid, .output = ends[0]};
    return -clock_getcpuclockid(pid, &child->clock);
}

bool child_wait_ready(struct child *child)
{
    char byte;
    while (read(child->output, &byte, 1) == 1)
        if (byte == '\n')
            return true;
    return false;
}

bool child_alive(const struct child *child)
{
    return child->pid > 0 && waitpid(child->pid, NULL, WNOHANG) == 0;
}

void child_stop(struct child *child)
{
    if (child->pid == 0)
        return;
    kill(child->pid, SIGTERM);
    for (int ms = 0; child_alive(child); ms++) {
        if (ms == STOP_MS)
            kill(child->pid, SIGKILL);
        usleep(1000);
    }
    close(child->output);
    child->pid = 0;
}

uint64_t child_cpu_ns(const struct child *child)
{
    return bench_ns(child->clock);
}

void child_settle(const struct child *child)
{
    uint64_t before = child_cpu_ns(child);
    for (int ms = 0; ms < SETTLE_MS; ms += SETTLE_LOOK_MS) {
        usleep(SETTLE_LOOK_MS * 1000);
        uint64_t now = child_cpu_ns(child);
        if (now - before < SETTLE_CPU_NS)
            return;
        before = now;
    }
}

struct child_memory child_memory(const struct child *child)
{
    struct child_memory memory = {0};
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)child->pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        (void)sscanf(line, "Pss: %u", &memory.pss_kib);
        (void)sscanf(line, "Rss: %u", &memory.rss_kib);
    }
    if (f)
        fclose(f);
    return memory;
}
