// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_LOAD_H
#define UA_LOAD_H
// What runs over a stream: a fax, counted datagrams, an echo, or nothing.

#include "tests/ua/ua_options.h"

#include <uv.h>

struct load;

// load_close is allowed in done.
struct load_user {
    void *arg;
    void (*packet)(void *arg, const uint8_t *bytes, size_t len);
    void (*middle)(void *arg); // once, when the transfer is well under way
    void (*done)(void *arg, bool ok);
};

// Returns 0, -ENOMEM, or -EIO when the fax engine refuses.
int load_open(struct load **out, uv_loop_t *loop, const struct ua_options *options,
              const struct load_user *user);
void load_start(struct load *l); // packets can be sent from now on
void load_pause(struct load *l, bool pause);
void load_receive(struct load *l, const uint8_t *bytes, size_t len);
void load_close(struct load *l); // NULL allowed

#endif
