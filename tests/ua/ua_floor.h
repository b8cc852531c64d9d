// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_FLOOR_H
#define UA_FLOOR_H
// Floor control (RFC 8855): a participant that asks for one floor, holds it and releases it, or a
// small server that grants to one at a time.

#include "tests/ua/ua_talk.h"

#include <uv.h>

// What a floor control server of ours writes into its SDP (RFC 8856 5.2, 5.4).
#define FLOOR_CONFERENCE 70125
#define FLOOR_USER 31
#define FLOOR_FLOOR 1

// NULL: out of memory. server: which side of it we are.
struct talk *floor_open(uv_loop_t *loop, const struct ua_options *options, bool server,
                        const struct talk_user *user);

#endif
