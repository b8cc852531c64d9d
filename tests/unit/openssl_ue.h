// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UNIT_OPENSSL_UE_H
#define TESTS_UNIT_OPENSSL_UE_H
// A UE that is the openssl program: a stack that shares nothing with ours, with a certificate and
// fingerprints of its own making.

#include "common/fingerprint.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// Whatever is waited for comes within this time, on a busy machine too.
#define PATIENCE_US (30 * 1000000ull)

// --- the openssl program -------------------------------------------------------------------------

struct program {
    pid_t pid;
    int in, out; // its standard input; its standard output and error together
    char text[65536];
    size_t len;
};

// Starts openssl with arguments (NULL at the end). It dies with this process, come what may.
static inline void program_start(struct program *program, const char *directory,
                                 const char *const arguments[])
{
    int in[2], out[2];

    *program = (struct program){0};
    ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    program->pid = fork();
    ck_assert_int_ge(program->pid, 0);
    if (program->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0 || dup2(out[1], 2) < 0 ||
            chdir(directory) < 0)
            _exit(126);
        execvp("openssl", (char *const *)arguments);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    program->in = in[1];
    program->out = out[0];
    ck_assert_int_eq(fcntl(program->out, F_SETFL, O_NONBLOCK), 0);
}

// Takes what it has said. False: it says no more.
static inline bool program_read(struct program *program)
{
    for (;;) {
        ck_assert_uint_lt(program->len, sizeof(program->text) - 1);
        ssize_t rc = read(program->out, program->text + program->len,
                          sizeof(program->text) - 1 - program->len);
        if (rc <= 0)
            return rc < 0 && errno == EAGAIN;
        program->len += (size_t)rc;
        program->text[program->len] = '\0';
    }
}

static inline bool program_said(struct program *program, const char *text)
{
    program_read(program);
    return strstr(program->text, text) != NULL;
}

static inline void program_say(struct program *program, const char *line)
{
    ck_assert_int_eq(write(program->in, line, strlen(line)), (ssize_t)strlen(line));
}

static inline void program_end(struct program *program)
{
    kill(program->pid, SIGKILL);
    waitpid(program->pid, NULL, 0);
    close(program->in);
    close(program->out);
}

// Runs it to its end, which must be a good one; what it says is kept.
static inline void program_run(struct program *program, const char *directory,
                               const char *const arguments[])
{
    int status;

    program_start(program, directory, arguments);
    close(program->in);
    do {
        struct pollfd fd = {.fd = program->out, .events = POLLIN};
        ck_assert_int_ge(poll(&fd, 1, PATIENCE_US / 1000), 1);
    } while (program_read(program));
    ck_assert_int_eq(waitpid(program->pid, &status, 0), program->pid);
    ck_assert_msg(status == 0, "openssl %s: %s", arguments[1], program->text);
    close(program->out);
}

// --- the UE's certificate ------------------------------------------------------------------------

struct ue {
    char directory[64];
    struct fingerprints fingerprints;
};

static inline void ue_open(struct ue *ue, bool rsa)
{
    static struct program program;
    const char *const ecdsa_arguments[] = {
        "openssl", "req",      "-x509",  "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes",  "-subj",    "/CN=ue", "-days",   "2",  "-keyout",  "key.pem",
        "-out",    "cert.pem", NULL};
    const char *const rsa_arguments[] = {"openssl", "req",     "-x509",  "-newkey",  "rsa:2048",
                                         "-nodes",  "-subj",   "/CN=ue", "-days",    "2",
                                         "-keyout", "key.pem", "-out",   "cert.pem", NULL};

    *ue = (struct ue){.directory = P_tmpdir "/openssl-ue-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(ue->directory));
    program_run(&program, ue->directory, rsa ? rsa_arguments : ecdsa_arguments);
}

// Adds what openssl says the fingerprint is under a hash.
static inline void ue_add_fingerprint(struct ue *ue, const char *option, const char *hash)
{
    static struct program program;
    const char *const arguments[] = {"openssl", "x509",         "-in",  "cert.pem",
                                     "-noout",  "-fingerprint", option, NULL};
    char value[FINGERPRINT_STRLEN + 2];

    program_run(&program, ue->directory, arguments);
    const char *digest = strchr(program.text, '=');
    ck_assert_ptr_nonnull(digest);
    snprintf(value, sizeof(value), "%s %.*s", hash, (int)strcspn(digest + 1, "\n"), digest + 1);
    ck_assert_int_eq(
        fingerprint_parse(&ue->fingerprints.list[ue->fingerprints.count++], value, strlen(value)),
        0);
}

static inline void ue_close(struct ue *ue)
{
    char path[128];
    const char *const files[] = {"key.pem", "cert.pem"};

    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", ue->directory, files[i]);
        unlink(path);
    }
    rmdir(ue->directory);
}

#endif
