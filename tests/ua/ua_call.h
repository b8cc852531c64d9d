// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_CALL_H
#define UA_CALL_H
// One call: a state table over dialog, offers and answers, and media.

#include "tests/ua/ua_loop.h"
#include "tests/ua/ua_options.h"
#include "tests/ua/ua_sip.h"

struct call;

struct call_env {
    struct ua_loop *loop;
    struct sip *sip;
    const struct ua_options *options;
    void *arg;
    // The call is over, from the loop and from no call of ours; call_free follows from its owner.
    void (*over)(void *arg, struct call *call);
};

// Calls options->call. Returns 0, or a negative errno when nothing was sent.
int call_start(struct call **out, const struct call_env *env);
// Takes a dialog from sip_user.on_call; *user is filled for it. NULL: refuse.
struct call *call_incoming(const struct call_env *env, struct dialog *dialog, const char *from,
                           struct dialog_user *user);
// Cancels, refuses or hangs up, whatever fits.
void call_hangup(struct call *call);
void call_free(struct call *call);

#endif
