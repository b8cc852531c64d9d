// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_VERIFY_H
#define AGW_VERIFY_H
// Does the certificate that the peer presents belong to the SDP of the served user? (TS 23.334
// 5.11.2.2.1, RFC 8122 5.1 and 6.2.) The same question for DTLS and TLS, in both roles.

#include "common/fingerprint.h"
#include "common/reason.h"

#include <gnutls/gnutls.h>

enum verify_result {
    VERIFY_MATCH,
    VERIFY_UNDECIDED,      // no fingerprint of the peer is known yet: ask again later (NOTE 3)
    VERIFY_MISMATCH,       // none of the values that count is the certificate's
    VERIFY_NO_CERTIFICATE, // the peer presented none
    VERIFY_UNUSABLE,       // fingerprints are known, but no hash among them may be checked
};

// Looks at the leaf of what the peer presented in this handshake, and at nothing else: names,
// issuers and dates mean nothing here (RFC 8122 6.1). Only the values of the strongest hash in
// remote are consulted; one of them must match (REQ-063). *matched is filled on VERIFY_MATCH only.
enum verify_result verify_peer(gnutls_session_t session, const struct fingerprints *remote,
                               struct fingerprint *matched);

// Why the session establishment failed, for everything but VERIFY_MATCH and VERIFY_UNDECIDED.
enum reason verify_reason(enum verify_result result);

#endif
