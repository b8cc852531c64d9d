// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_FLOW_H
#define TESTS_FLOWS_FLOW_H
// The ground a flow test stands on: a folder, addresses of its own, texts, and a clock to be
// patient by. A flow test is one process that starts others and looks at what they say and do.

#include "common/strbuf.h"

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;
struct program;

// Makes BUILD/flows/NAME-PID and becomes the test of that name. Never NULL.
struct flow *flow_open(const char *name);
// Ends programs that are left and frees everything. The folder goes with a test that passed.
void flow_close(struct flow *f);

// Zeroed memory that lives as long as the flow.
void *flow_alloc(struct flow *f, size_t size);

// --- where -------------------------------------------------------------------------------------

// The whole of 127/8 is local: each test process has four addresses of its own, derived from its
// process id, so that ports can be fixed and tests can run side by side.
enum host { HOST_PCSCF, HOST_UE, HOST_CORE, HOST_OTHER };

// "127.64.1.4"
const char *flow_host(struct flow *f, enum host host);
// The SIP port of each of them; IPv6 has one loopback address only, so they differ per process.
uint16_t flow_port(const struct flow *f, enum host host);
#define PORT_CORE_SIDE(f) (flow_port((f), HOST_PCSCF) + 4u) // of the P-CSCF's other listening point
#define PORT_TLS(f) (flow_port((f), HOST_PCSCF) + 5u)       // of the one for TLS
#define PORT_ELSEWHERE(f) (flow_port((f), HOST_UE) + 6u)    // of a UE that has moved
// "127.64.1.4:12340"
const char *flow_at(struct flow *f, enum host host);

// The folder, absolute; programs run in it, so that file names can be short.
const char *flow_folder(const struct flow *f);
// An absolute path of a file in it.
const char *flow_path(struct flow *f, const char *file);
// The absolute path of a file of the source tree, whose top the tests are run from.
const char *flow_source(struct flow *f, const char *path);
// The absolute path of a program of the build under test.
const char *flow_binary(struct flow *f, const char *name);

// --- texts -------------------------------------------------------------------------------------
// All live as long as the flow.

__attribute__((format(printf, 2, 3))) const char *flow_text(struct flow *f, const char *fmt, ...);
const char *flow_take(struct flow *f, struct strbuf *b);
const char *flow_copy(struct flow *f, const char *text, size_t len);
// text with the first `from` replaced, or as it is.
const char *flow_replace(struct flow *f, const char *text, const char *from, const char *to);
// The content of a file; the test fails when it cannot be read.
const char *flow_read(struct flow *f, const char *path);
void flow_write(struct flow *f, const char *file, const char *text);

// Extended regular expressions, case-sensitive. A pattern that is none fails the test.
bool text_matches(const char *text, const char *ere);
// How many lines match.
unsigned text_count(const char *text, const char *ere);
// What stands between `before` and the next blank or end of line, from the first line that matches;
// NULL: no such line. ("address=" in "answer-received .. address=127.0.0.1:5 ..")
const char *flow_value(struct flow *f, const char *text, const char *ere, const char *before);

// --- patience ----------------------------------------------------------------------------------

// Sanitizers slow everything down: times of patience are multiplied by this.
unsigned flow_scale(void);
// How long the test waits for what must happen, in milliseconds.
int flow_patience(void);
uint64_t flow_now_ms(void);

// Fails the test when cond does not hold, after showing what every program said.
#define flow_check(f, cond, ...)                                                                   \
    do {                                                                                           \
        if (!(cond))                                                                               \
            flow_fail((f), __VA_ARGS__);                                                           \
    } while (0)
// Cuts a long text: the test library ends the test without a word when a message is too long for
// it.
__attribute__((format(printf, 2, 3), noreturn)) void flow_fail(struct flow *f, const char *fmt,
                                                               ...);
// Prints the end of what each program said, and keeps all of it in the folder.
void flow_show(struct flow *f);

// For program.c: the programs of a flow, newest first.
struct program **flow_programs(struct flow *f);

#endif
