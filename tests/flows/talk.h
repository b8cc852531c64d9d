// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_TALK_H
#define TESTS_FLOWS_TALK_H
// Calls whose media run over TCP: what both agents are told, and files to send.

#include "tests/flows/agent.h"

// What both do in such a call beside what a test adds.
struct talk {
    const char *caller, *callee;
};

// One message in each direction (MSRP), each reported as received.
extern const struct talk chat;
// A floor is asked for, granted and released (BFCP); the caller is the floor control client.
extern const struct talk floor_request;

// A call of this kind; ue and core are arguments of a test's own.
struct call talk_call(struct flow *f, const struct talk *talk, enum host caller, const char *ue,
                      const char *core);

// TLS 1.2 and nothing else: what fails there fails inside the handshake, for both.
#define TLS_1_2 " --priority NORMAL:-VERS-TLS-ALL:+VERS-TLS1.2 "

#define FILE_SENT "sent.bin"
#define FILE_GOT "got.bin"
// Writes FILE_SENT, bytes that do not repeat, into the folder of the flow.
void file_make(struct flow *f, unsigned mebibytes);
// What arrived as FILE_GOT is FILE_SENT, byte by byte.
void file_check(struct flow *f);

#endif
