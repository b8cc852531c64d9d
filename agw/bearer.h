// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_BEARER_H
#define AGW_BEARER_H
// What a UDP/DTLS connection point has and a plain one has not: the DTLS session towards the UE, as
// (D)TLS session establishment sees it. Several associations may live side by side: candidates that
// nobody has verified yet, the one in use, and the one before it, whose keys are kept for a while
// (RFC 6347 4.2.8, REQ-085, REQ-129, REQ-130).

#include "agw/certificate.h"
#include "agw/point.h"

struct bearer;

// Takes over the certificate. NULL: no memory (the certificate is freed).
struct bearer *bearer_create(struct point *point, struct certificate *certificate);
// close_notify, then frees (REQ-078). NULL is allowed.
void bearer_release(struct bearer *bearer);

// What Configure (or Reserve and Configure) says about the address and about (D)TLS.
void bearer_configure(struct bearer *bearer, const struct agw_request *request);

// A datagram from the network.
void bearer_datagram(struct bearer *bearer, const struct addr *source, const uint8_t *data,
                     size_t len);
// One datagram of media towards the UE, as one record (REQ-070). NONE or why it was dropped.
enum reason bearer_send(struct bearer *bearer, const void *data, size_t len);

// An association is verified and in use.
bool bearer_secured(const struct bearer *bearer);
// When bearer_due() wants to be called next; DEADLINE_NEVER: not at all.
uint64_t bearer_deadline(const struct bearer *bearer);
void bearer_due(struct bearer *bearer);

#endif
