// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_REWRITE_H
#define ALG_REWRITE_H
// The part of SDP rewriting that is the same for every medium: addresses, ports, origin, and what
// stands at session level for all media descriptions.

#include "alg/medium.h"

// The o= line of what the ALG sends on one leg (REQ-121).
struct rewrite_origin {
    uint64_t session_id;
    uint64_t version; // 0: nothing was sent yet
    char *sent;       // the last body sent there
};

// Before media are written: gives media descriptions that keep the session-level c=, a=setup or
// a=fingerprint their own copy, and takes off the session level what must not pass (REQ-120).
// media[] has sdp_media_count() entries. 0 or -ENOMEM.
int rewrite_session_level(const struct body *body, const struct medium *media);

// After media are written: c= and port of every anchored medium, port 0 of dead ones. 0 or -ENOMEM.
int rewrite_addresses(const struct body *body, const struct medium *media);

// Bandwidth at session level: sum over live e2ae media (REQ-093, REQ-147). 0 or -ENOMEM.
int rewrite_bandwidth(const struct body *body, const struct medium *media);

// Last: the o= line. Its version grows by one iff the body differs from the last one sent on the
// leg (RFC 3264 8). address is ours on that leg. 0 or -ENOMEM.
int rewrite_origin(struct sdp *sdp, struct rewrite_origin *origin, const struct addr *address);

#endif
