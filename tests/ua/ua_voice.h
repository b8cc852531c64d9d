// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_VOICE_H
#define UA_VOICE_H
// One audio line of a call, our side of it: RTP and RTCP, in clear or under SRTP with SDES keys
// (RFC 3550, 3711, 4568), and the counted packets that run over it.

#include "tests/ua/ua_media.h"

struct voice;

// The functions mean what those of ua_media.h mean.
int voice_open(struct voice **out, uv_loop_t *loop, const struct ua_options *options,
               const struct media_user *user);
void voice_close(struct voice *v);
void voice_offer(struct voice *v, enum ua_reinvite change, struct medium *out);
int voice_answered(struct voice *v, const struct medium *answer, const char **why);
int voice_answer(struct voice *v, const struct medium *offer, struct medium *out, const char **why);
void voice_commit(struct voice *v);
void voice_restore(struct voice *v);
void voice_run(struct voice *v);
void voice_report(const struct voice *v);

#endif
