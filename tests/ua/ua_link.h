// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_LINK_H
#define UA_LINK_H
// One connection-oriented media line of a call, our side of it (MSRP: RFC 4975, 6135, 6714; BFCP:
// RFC 8855, 8856): its TCP connection, its TLS and what is spoken over it.

#include "tests/ua/ua_media.h"

struct link;

// The functions mean what those of ua_media.h mean; link_close is not allowed within user
// callbacks.
int link_open(struct link **out, uv_loop_t *loop, const struct ua_options *options,
              enum medium_kind kind, const struct media_user *user);
void link_close(struct link *l);
void link_offer(struct link *l, enum ua_reinvite change, struct medium *out);
int link_answered(struct link *l, const struct medium *answer, const char **why);
int link_answer(struct link *l, const struct medium *offer, struct medium *out, const char **why);
void link_commit(struct link *l);
void link_restore(struct link *l);
void link_run(struct link *l);
void link_report(const struct link *l);

#endif
