// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_LINE_H
#define UA_LINE_H
// One media line of a call, whatever carries it: datagrams (ua_media.h), a connection (ua_link.h)
// or RTP (ua_voice.h).

#include "tests/ua/ua_media.h"

struct line;

// The functions mean what those of ua_media.h mean.
int line_open(struct line **out, uv_loop_t *loop, const struct ua_options *options,
              enum medium_kind kind, const struct media_user *user);
void line_close(struct line *l);
enum medium_kind line_kind(const struct line *l);
// Nothing is left to be done on it. True of audio from the beginning, unless it is counted.
bool line_is_through(const struct line *l);
// The call is about it; a mere tone is only there.
bool line_is_work(const struct line *l);
void line_offer(struct line *l, enum ua_reinvite change, struct medium *out);
int line_answered(struct line *l, const struct medium *answer, const char **why);
int line_answer(struct line *l, const struct medium *offer, struct medium *out, const char **why);
void line_commit(struct line *l);
void line_restore(struct line *l);
void line_run(struct line *l);
void line_report(const struct line *l);

#endif
