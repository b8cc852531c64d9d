// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: fork, exec; poll all pipes of the flow, whichever program is waited for, so that none
// blocks on a full pipe; a process descriptor tells the end. Failure: a deadline or an unexpected
// end fails the test. A child that outlives the test process is killed by the kernel.
#include "tests/flows/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 64
#define PROGRAMS_MAX 64
#define STATUS_NOT_FOUND 127

struct program {
    struct program *next;
    struct flow *flow;
    const char *label;
    pid_t pid;
    int pidfd;  // -1: it ended
    int output; // -1: closed
    int input;
    int status;
    struct strbuf text;
    size_t seen; // bytes of text that program_line has passed
};

// --- start -------------------------------------------------------------------------------------

static void become(struct flow *f, const char *const *argv, int in, int out, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(STATUS_NOT_FOUND);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    if (chdir(flow_folder(f)) == 0)
        execvp(argv[0], (char *const *)argv);
    dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
    _exit(STATUS_NOT_FOUND);
}

struct program *program_start(struct flow *f, const char *label, const char *const *argv)
{
    struct program *p = calloc(1, sizeof(*p));
    int in[2], out[2];

    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    pid_t parent = getpid(), pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        become(f, argv, in[0], out[1], parent);
    close(in[0]);
    close(out[1]);
    *p = (struct program){.next = *flow_programs(f),
                          .flow = f,
                          .label = label,
                          .pid = pid,
                          .pidfd = pidfd_open(pid, 0),
                          .output = out[0],
                          .input = in[1]};
    ck_assert_int_ge(p->pidfd, 0);
    ck_assert_int_eq(fcntl(p->output, F_SETFL, O_NONBLOCK), 0);
    *flow_programs(f) = p;
    return p;
}

struct program *program_run(struct flow *f, const char *label, const char *binary,
                            const char *arguments)
{
    const char *argv[ARGUMENTS_MAX] = {binary};
    size_t count = 1;

    for (const char *at = arguments; *at; at += at[strcspn(at, " ")] == ' ') {
        size_t len = strcspn(at, " ");
        ck_assert_uint_lt(count, ARGUMENTS_MAX - 1);
        if (len > 0)
            argv[count++] = flow_copy(f, at, len);
        at += len;
        if (!*at)
            break;
    }
    return program_start(f, label, argv);
}

// --- listening ---------------------------------------------------------------------------------

static void read_output(struct program *p)
{
    char part[4096];
    ssize_t got;

    while ((got = read(p->output, part, sizeof(part))) > 0)
        for (ssize_t i = 0; i < got; i++)
            strbuf_add(&p->text, part[i] ? &part[i] : "?", 1);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        close(p->output);
        p->output = -1;
    }
}

static void take_end(struct program *p)
{
    int status;

    ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
    p->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    close(p->pidfd);
    p->pidfd = -1;
    if (p->output >= 0)
        read_output(p);
}

bool programs_poll(struct flow *f, int fd, uint64_t deadline)
{
    struct pollfd fds[2 * PROGRAMS_MAX + 1] = {{.fd = fd, .events = POLLIN}};
    nfds_t count = 1;
    uint64_t now = flow_now_ms();

    for (struct program *p = *flow_programs(f); p; p = p->next) {
        ck_assert_uint_lt(count, 2 * PROGRAMS_MAX);
        fds[count++] = (struct pollfd){.fd = p->output, .events = POLLIN};
        fds[count++] = (struct pollfd){.fd = p->pidfd, .events = POLLIN};
    }
    int ready = poll(fds, count, now < deadline ? (int)(deadline - now) : 0);
    count = 1;
    for (struct program *p = *flow_programs(f); p; p = p->next, count += 2) {
        if (fds[count].revents)
            read_output(p);
        if (fds[count + 1].revents)
            take_end(p);
    }
    return ready > 0 || flow_now_ms() < deadline;
}

// The next whole line, or the last one of a program that ended; NULL: none yet.
static const char *next_line(struct program *p)
{
    const char *from = program_text(p) + p->seen;
    size_t len = strcspn(from, "\n");

    if (from[len] == '\0' && (p->output >= 0 || len == 0))
        return NULL;
    p->seen += len + (from[len] == '\n');
    return flow_copy(p->flow, from, len);
}

const char *program_line(struct program *p, const char *ere)
{
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();

    for (;;) {
        const char *line;
        while ((line = next_line(p)) != NULL)
            if (text_matches(line, ere))
                return line;
        flow_check(p->flow, p->output >= 0, "%s ended without saying: %s", p->label, ere);
        flow_check(p->flow, programs_poll(p->flow, -1, deadline), "%s did not say in time: %s",
                   p->label, ere);
    }
}

const char *program_text(const struct program *p)
{
    return p->text.text ? p->text.text : "";
}

// --- the end -----------------------------------------------------------------------------------

int program_wait(struct program *p)
{
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();

    while (p->pidfd >= 0)
        flow_check(p->flow, programs_poll(p->flow, -1, deadline), "%s does not end", p->label);
    return p->status;
}

bool program_ended(const struct program *p)
{
    return p->pidfd < 0;
}

void program_signal(struct program *p, int signum)
{
    if (p->pidfd >= 0)
        ck_assert_int_eq(kill(p->pid, signum), 0);
}

void program_write(struct program *p, const void *bytes, size_t len)
{
    ck_assert_int_eq(write(p->input, bytes, len), (ssize_t)len);
}

void programs_end(struct flow *f)
{
    while (*flow_programs(f)) {
        struct program *p = *flow_programs(f);
        program_signal(p, SIGKILL);
        program_wait(p);
        if (p->output >= 0)
            close(p->output);
        close(p->input);
        strbuf_free(&p->text);
        *flow_programs(f) = p->next;
        free(p);
    }
}

// --- names -------------------------------------------------------------------------------------

pid_t program_pid(const struct program *p)
{
    return p->pid;
}

const char *program_label(const struct program *p)
{
    return p->label;
}

struct flow *program_flow(const struct program *p)
{
    return p->flow;
}

struct program *program_next(const struct program *p)
{
    return p->next;
}
