// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_OWN_H
#define UA_OWN_H
// What our own lines of any medium have in common, --misbehave included.

#include "tests/ua/ua_cert.h"
#include "tests/ua/ua_options.h"

// The fingerprints that stand in our SDP for this certificate.
void own_fingerprints(const struct ua_options *options, const struct cert *cert,
                      struct fingerprints *out);
// Puts into an a=setup value of ours what --misbehave asks for.
void own_spoil_offer(const struct ua_options *options, struct medium *out);
void own_spoil_answer(const struct ua_options *options, const struct medium *offer,
                      struct medium *out);
// RFC 3264 6.1.
enum sdp_direction own_answer_direction(enum sdp_direction offered);

#endif
