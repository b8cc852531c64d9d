// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_PROGRAM_H
#define TESTS_FLOWS_PROGRAM_H
// A program that a flow test runs: started with pipes, read line by line, awaited with a deadline,
// never outliving the test.

#include "tests/flows/flow.h"

#include <sys/types.h>

// Starts argv[0] (a path, or a name of the PATH) in the folder of the flow. Standard output and
// error arrive together. label names it in what a failing test shows.
struct program *program_start(struct flow *f, const char *label, const char *const *argv);
// The same with arguments separated by single blanks.
struct program *program_run(struct flow *f, const char *label, const char *binary,
                            const char *arguments);

// Waits for the next line that matches, behind the one this gave last. The test fails when the
// program ends or the patience does. The line lives as long as the flow.
const char *program_line(struct program *p, const char *ere);
// Everything it said so far, without waiting. Borrowed until the next call of this module.
const char *program_text(const struct program *p);
// Waits for its end. Returns the exit status, or 128 and the number of the signal.
int program_wait(struct program *p);
bool program_ended(const struct program *p);
void program_signal(struct program *p, int signum);
// Writes to its standard input.
void program_write(struct program *p, const void *bytes, size_t len);

pid_t program_pid(const struct program *p);
const char *program_label(const struct program *p);
struct flow *program_flow(const struct program *p);
struct program *program_next(const struct program *p);

// Reads what programs say, and returns when one of them said something or ended, when fd (-1: none)
// is readable, or at the deadline (flow_now_ms()). Returns false at the deadline only.
bool programs_poll(struct flow *f, int fd, uint64_t deadline);
// Kills and forgets what is left.
void programs_end(struct flow *f);

#endif
