// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_REFUSAL_H
#define AGW_REFUSAL_H
// Why a handshake came to nothing, and which alert tells the peer: the same for DTLS and TLS.

#include "agw/verify.h"

// The peer has spoken last, or is gone: it is told nothing.
#define REFUSAL_SILENT (-1)

struct refusal {
    enum reason reason;
    int alert; // gnutls_alert_description_t, or REFUSAL_SILENT
};

// rc: what gnutls_handshake() returned. verdict: what verify_peer() said in it. RFC 8122 6.2 wants
// bad_certificate for a mismatch and for a missing certificate.
struct refusal refusal_of(gnutls_session_t session, bool server, int rc,
                          enum verify_result verdict);

#endif
