// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_NEGOTIATION_INTERNAL_H
#define ALG_NEGOTIATION_INTERNAL_H
// Private to the negotiation: its state, and its streams at the AGW (negotiation_agw.c).

#include "alg/negotiation.h"
#include "alg/profile.h"
#include "alg/rewrite.h"

struct media {
    struct medium *list;
    size_t count;
};

struct negotiation {
    const struct config *cfg;
    struct iq *iq;
    unsigned mediasec;
    int family[2];
    struct rewrite_origin origin[2];
    bool confidential; // SIP towards the UE
    bool sdes_told;    // that keys travel in clear

    bool pending;
    enum side offerer;
    struct media agreed;
    struct media proposed;

    uint64_t stream_ids; // bit i: id i + 1 is taken
    unsigned last_id;
    unsigned held;          // streams at the AGW
    unsigned opened;        // streams that ever were there
    struct stream *retired; // list: replaced, and released after the hold time
};

// A stream for the medium, with a number and, under SRTP, a key for each enabled suite. NULL: no
// number or no memory left.
struct stream *negotiation_stream_open(struct negotiation *n, const struct medium *m, bool rtcp);
// Ends the terminations of a stream at the AGW, once.
void negotiation_stream_release(struct negotiation *n, const struct stream *s);
// Lets go of one use; the last one releases the terminations. NULL is allowed.
void negotiation_stream_leave(struct negotiation *n, struct stream *s);
// It has a stream that works, and is not refused.
bool negotiation_is_live(const struct medium *m);

// T1 of the stream verifies against these fingerprints.
bool negotiation_is_bound(const struct stream *s, const struct fingerprints *ue);

const struct config_realm *negotiation_realm(const struct negotiation *n, enum side side);
// Reserve, or Reserve and Configure when the remote side is known. NONE when that was done before.
enum reason negotiation_reserve(struct negotiation *n, struct medium *m, enum side side);
// Configure, unless the AGW has it all.
enum reason negotiation_configure(struct negotiation *n, struct medium *m, enum side side);
// The one of the two that is due.
enum reason negotiation_settle(struct negotiation *n, struct medium *m, enum side side);

#endif
