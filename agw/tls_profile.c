// SPDX-License-Identifier: GPL-3.0-or-later
// The locally provisioned profile of all TLS sessions (TS 33.210 6.2, RFC 9325). Failure paths:
// those of the suites; nothing stays open.

#include "agw/tls_profile.h"

#include <errno.h>
#include <stdlib.h>

// TLS 1.3 and 1.2 (TS 33.210 6.2.1, REQ-067) with the four suites of RFC 9325 4.2, which in TLS 1.3
// are the first two. A peer without the signal of RFC 5746 is refused (RFC 9325 3.5, REQ-133).
static const char strict_suites[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+COMP-NULL:+CTYPE-X509"
    ":+ECDHE-ECDSA:+ECDHE-RSA:+AES-128-GCM:+AES-256-GCM:+AEAD"
    ":" SUITES_GROUPS ":" SUITES_SIGNATURES ":%SAFE_RENEGOTIATION:%SERVER_PRECEDENCE";

// What strict readers of RFC 4975 14.2 and RFC 8855 7 may still need: CBC, static RSA, and an
// initial handshake without the signal of RFC 5746. Renegotiation is refused all the same.
static const char legacy_suites[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+COMP-NULL:+CTYPE-X509"
    ":+ECDHE-ECDSA:+ECDHE-RSA:+DHE-RSA:+RSA:+AES-128-GCM:+AES-256-GCM:+AES-128-CBC"
    ":+AEAD:+SHA256:+SHA1"
    ":" SUITES_GROUPS ":" SUITES_SIGNATURES ":%PARTIAL_RENEGOTIATION:%SERVER_PRECEDENCE";

int tls_profile_open(struct tls_profile **out, const struct config *cfg)
{
    static const struct suites_policy policy = {"tls", strict_suites, legacy_suites, GNUTLS_TLS1_2};
    struct tls_profile *profile = calloc(1, sizeof(*profile));
    if (!profile)
        return -ENOMEM;
    int rc = suites_open(&profile->suites, &policy, cfg);
    if (rc == 0)
        *out = profile;
    else
        free(profile);
    return rc;
}

void tls_profile_close(struct tls_profile *profile)
{
    if (!profile)
        return;
    suites_close(&profile->suites);
    free(profile);
}

unsigned tls_profile_overhead(const struct tls_profile *profile)
{
    return profile->suites.overhead;
}
