// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_WORKER_H
#define AGW_WORKER_H
// A media worker: one thread with all that its streams need.

#include "agw/media.h"

struct worker;

// What the control side wants done, in the order of posting. Embedded at the head of the sender's
// own structure; run() owns it.
struct order {
    struct letter letter;
    void (*run)(struct order *order, struct media *media);
};

// Starts the thread. cfg, profiles and notes are borrowed. Returns 0 or a negative errno.
int worker_open(struct worker **out, const struct config *cfg, const struct dtls_profile *profile,
                const struct tls_profile *tls_profile, struct mailbox *notes);
// Signalling thread.
void worker_post(struct worker *worker, struct order *order);
// Carries out what was posted before, then ends the thread. NULL is allowed.
void worker_close(struct worker *worker);

#endif
