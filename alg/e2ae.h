// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_E2AE_H
#define ALG_E2AE_H
// What the media lines of all e2ae media have in common on the access leg: fingerprints, the
// indicator, and what must not pass to the core.

#include "alg/medium.h"

// Reads the fingerprints of the UE. NONE, NO_FINGERPRINT or WEAK_FINGERPRINT (REQ-011, REQ-012).
enum reason e2ae_read_fingerprints(struct medium *m, const struct body *body, size_t index);

// Reads the association identity of the UE, a=dtls-id or a=tls-id; none is allowed.
void e2ae_read_identity(struct medium *m, const struct body *body, size_t index);

// The (D)TLS elements of T1. Before the UE was asked (its side of m is not seen) only a certificate
// is wanted; the failure event is asked for exactly once, with the Configure when deferred
// (6.2.10.4.3 NOTE 1, REQ-031).
void e2ae_elements(const struct medium *m, bool configure, bool notify_deferred,
                   struct agw_request *request);

// Takes off a media line what belongs to the access leg only: a=3ge2ae, a=fingerprint, identities,
// and capability negotiation that nobody here carried out (REQ-007, REQ-123). 0 or -ENOMEM.
int e2ae_drop_attributes(struct sdp *sdp, size_t index);
// Adds the fingerprints of the AGW (REQ-013). 0 or -ENOMEM.
int e2ae_add_fingerprints(const struct medium *m, struct sdp *sdp, size_t index,
                          const char *clause);

#endif
