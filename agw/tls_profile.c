// SPDX-License-Identifier: GPL-3.0-or-later
// The locally provisioned profile of all TLS sessions (TS 33.210 6.2, RFC 9325).
//
// Happy path: the priority string becomes a shared priority cache, the worst suite in it gives the
// overhead that bandwidth is adjusted by, the key log is opened if the configuration asks for one.
// Failure paths: GnuTLS refuses the string, the key log cannot be opened: a negative errno, nothing
// stays open.

#include "agw/tls_profile.h"

#include "agw/keylog.h"
#include "agw/suites.h"
#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// TLS 1.3 and 1.2 (TS 33.210 6.2.1, REQ-067) with the four suites of RFC 9325 4.2, which in TLS 1.3
// are the first two. A peer without the signal of RFC 5746 is refused (RFC 9325 3.5, REQ-133).
static const char strict_profile[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+COMP-NULL:+CTYPE-X509"
    ":+ECDHE-ECDSA:+ECDHE-RSA:+AES-128-GCM:+AES-256-GCM:+AEAD"
    ":" SUITES_GROUPS ":" SUITES_SIGNATURES ":%SAFE_RENEGOTIATION:%SERVER_PRECEDENCE";

// What strict readers of RFC 4975 14.2 and RFC 8855 7 may still need: CBC, static RSA, and an
// initial handshake without the signal of RFC 5746. Renegotiation is refused all the same.
static const char legacy_profile[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+COMP-NULL:+CTYPE-X509"
    ":+ECDHE-ECDSA:+ECDHE-RSA:+DHE-RSA:+RSA:+AES-128-GCM:+AES-256-GCM:+AES-128-CBC"
    ":+AEAD:+SHA256:+SHA1"
    ":" SUITES_GROUPS ":" SUITES_SIGNATURES ":%PARTIAL_RENEGOTIATION:%SERVER_PRECEDENCE";

int tls_profile_open(struct tls_profile **out, const struct config *cfg)
{
    struct tls_profile *profile = calloc(1, sizeof(*profile));
    if (!profile)
        return -ENOMEM;
    profile->keylog_fd = -1;
    const char *suites = cfg->agw.legacy_suites ? legacy_profile : strict_profile;
    int rc = gnutls_priority_init2(&profile->priority, suites, NULL, 0);
    if (rc < 0) {
        log_error("tls", "no profile: %s", gnutls_strerror(rc));
        rc = -EINVAL;
        goto out;
    }
    profile->overhead = suites_worst_overhead(profile->priority, GNUTLS_TLS1_2);
    if (cfg->agw.keylog[0]) {
        rc = keylog_open(cfg->agw.keylog);
        if (rc < 0) {
            log_error("tls", "key log %s: %s", cfg->agw.keylog, strerror(-rc));
            goto out;
        }
        profile->keylog_fd = rc;
    }
    *out = profile;
    return 0;
out:
    tls_profile_close(profile);
    return rc;
}

void tls_profile_close(struct tls_profile *profile)
{
    if (!profile)
        return;
    if (profile->priority)
        gnutls_priority_deinit(profile->priority);
    if (profile->keylog_fd >= 0)
        close(profile->keylog_fd);
    free(profile);
}

unsigned tls_profile_overhead(const struct tls_profile *profile)
{
    return profile->overhead;
}
