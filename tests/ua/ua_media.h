// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_MEDIA_H
#define UA_MEDIA_H
// One fax line of a call, our side of it: its stream, its security and what runs over it. It
// says what goes into our offers and answers and learns from the peer's.

#include "tests/ua/ua_options.h"

#include <uv.h>

struct media;

struct media_user {
    void *arg;
    void (*began)(void *arg);         // payload can flow, for the first time
    void (*done)(void *arg, bool ok); // what was to be sent or received is through, or failed
    void (*dtls_failed)(void *arg);   // already printed
};

// Returns 0 or a negative errno.
int media_open(struct media **out, uv_loop_t *loop, const struct ua_options *options,
               enum medium_kind kind, const struct media_user *user);
void media_close(struct media *m); // NULL allowed; also from within media_user callbacks

enum medium_kind media_kind(const struct media *m);

// Our line in an offer. change says what a re-offer shall ask for; REINVITE_NO: nothing new.
void media_offer(struct media *m, enum ua_reinvite change, struct medium *out);
// The peer answered that offer: sets remote address, role, association. -EINVAL with a word in *why
// when the answer is not legal for what was offered.
int media_answered(struct media *m, const struct medium *answer, const char **why);
// The peer offers; *out becomes our answer. The same for -EINVAL.
int media_answer(struct media *m, const struct medium *offer, struct medium *out, const char **why);
// Our answer is on its way: now the association may begin.
void media_commit(struct media *m);
// The re-offer failed: everything stays as it was (RFC 3261 14.1).
void media_restore(struct media *m);

// The call is up: what runs over the stream begins as soon as the stream is ready.
void media_run(struct media *m);
// Prints the counters.
void media_report(const struct media *m);

#endif
