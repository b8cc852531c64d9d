// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_SESSION_H
#define UA_SESSION_H
// The offer/answer state of one call (RFC 3264): which m= lines there are, what was said last.

#include "tests/ua/ua_line.h"

struct session;

// Returns 0 or -ENOMEM.
int session_open(struct session **out, uv_loop_t *loop, const struct ua_options *options,
                 const struct media_user *user);
void session_close(struct session *s); // NULL allowed

enum session_change {
    CHANGE_FIRST,      // the first offer of a call
    CHANGE_IN_PLACE,   // the audio line becomes a fax line
    CHANGE_SECOND_LINE // the audio line ends, a fax line follows
};

// Our offer, owned by the session until the next offer or answer. NULL: the system refuses.
const char *session_offer(struct session *s, enum session_change change);
// A later offer about the lines there are.
const char *session_reoffer(struct session *s, enum ua_reinvite change);
// The peer's answer to it. -EINVAL with a sentence in why: it is no legal answer.
int session_answered(struct session *s, const char *body, size_t len, char why[static SDP_WHY_MAX]);
// The peer refused it: back to what was.
void session_restore(struct session *s);

// The peer's offer; *answer is ours, owned as above. -EINVAL with a sentence in why: answer 488.
int session_answer(struct session *s, const char *body, size_t len, const char **answer,
                   char why[static SDP_WHY_MAX]);
// The answer leaves: media goes on under the new terms.
void session_commit(struct session *s);

void session_run(struct session *s);
bool session_has_work(const struct session *s);         // a line that the call is about
const char *session_work_name(const struct session *s); // of the first of them: "image"
bool session_is_through(const struct session *s);       // nothing is left to be done
bool session_alive(const struct session *s);            // at least one line is not refused
void session_report(const struct session *s);

#endif
