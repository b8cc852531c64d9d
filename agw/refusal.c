// SPDX-License-Identifier: GPL-3.0-or-later
// One table of what GnuTLS returns. An alert of the peer is a refusal by it, except where it stands
// for a missing certificate's place: GnuTLS calls both the same.
#include "agw/refusal.h"

// A refusal before the ServerHello says that there is nothing in common; a later one is about us.
static enum reason reason_of_alert(gnutls_session_t session, bool server)
{
    gnutls_handshake_description_t last = gnutls_handshake_get_last_in(session);
    bool before_server_hello = !server && (last == GNUTLS_HANDSHAKE_HELLO_VERIFY_REQUEST ||
                                           last == (gnutls_handshake_description_t)-1);
    switch (gnutls_alert_get(session)) {
    case GNUTLS_A_PROTOCOL_VERSION:
    case GNUTLS_A_INSUFFICIENT_SECURITY:
    case GNUTLS_A_HANDSHAKE_FAILURE:
        return before_server_hello ? REASON_DTLS_HANDSHAKE : REASON_DTLS_REFUSED;
    default:
        return REASON_DTLS_REFUSED;
    }
}

static struct refusal unexpected(int rc)
{
    int level;
    return (struct refusal){REASON_DTLS_HANDSHAKE, gnutls_error_to_alert(rc, &level)};
}

struct refusal refusal_of(gnutls_session_t session, bool server, int rc, enum verify_result verdict)
{
    static const struct refusal no_certificate = {REASON_DTLS_NO_CERTIFICATE,
                                                  GNUTLS_A_BAD_CERTIFICATE};
    switch (rc) {
    case GNUTLS_E_CERTIFICATE_ERROR:
        if (verdict == VERIFY_MATCH || verdict == VERIFY_UNDECIDED)
            return unexpected(rc);
        return (struct refusal){verify_reason(verdict), GNUTLS_A_BAD_CERTIFICATE};
    case GNUTLS_E_NO_CERTIFICATE_FOUND:
        if (gnutls_alert_get(session) == GNUTLS_A_CLOSE_NOTIFY) // which is also "no alert yet"
            return no_certificate;
        return (struct refusal){reason_of_alert(session, server), REFUSAL_SILENT};
    case GNUTLS_E_CERTIFICATE_REQUIRED:
        return no_certificate;
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
        return (struct refusal){reason_of_alert(session, server), REFUSAL_SILENT};
    case GNUTLS_E_SESSION_EOF:
    case GNUTLS_E_PREMATURE_TERMINATION:
        return (struct refusal){REASON_DTLS_REFUSED, REFUSAL_SILENT};
    case GNUTLS_E_MEMORY_ERROR:
        return (struct refusal){REASON_AGW_NO_RESOURCE, GNUTLS_A_INTERNAL_ERROR};
    default:
        return unexpected(rc);
    }
}
