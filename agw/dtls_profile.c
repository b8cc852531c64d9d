// SPDX-License-Identifier: GPL-3.0-or-later
// The locally provisioned profile of all associations (TS 33.210 6.2, RFC 9325).
//
// Happy path: the priority string becomes a shared priority cache, the worst suite in it gives the
// overhead that bandwidth is adjusted by, the cookie secret is drawn, the key log is opened if the
// configuration asks for one.
// Failure paths: GnuTLS refuses the string, no randomness, the key log cannot be opened: a negative
// errno, nothing stays open.

#include "agw/dtls_profile.h"

#include "agw/keylog.h"
#include "agw/suites.h"
#include "common/log.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/dtls.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define US_PER_MS 1000u
// IPv6 and UDP headers, the worse of the two families.
#define IP_UDP_HEADERS 48
// With less than this a flight would be more headers than content.
#define MTU_MIN 228
// Largest plaintext of a record (RFC 5246 6.2.1).
#define RECORD_MAX 16384
// Below this a repetition would race the peer's answer even on one host, and a timer would spin.
#define RETRANSMIT_MIN_MS 20

// The four suites of RFC 9325 4.2 in its order, then DHE_RSA, which RFC 7345 4.1 made mandatory
// (REQ-132). A peer without the signal of RFC 5746 is refused: DTLS 1.2 is younger than that
// signal, so only a stack that switched it off lacks it (RFC 9325 3.5, REQ-133).
static const char strict_profile[] =
    "NONE:+VERS-DTLS1.2:+COMP-NULL:+CTYPE-X509"
    ":+ECDHE-ECDSA:+ECDHE-RSA:+DHE-RSA:+AES-128-GCM:+AES-256-GCM:+AEAD"
    ":" SUITES_GROUPS ":" SUITES_SIGNATURES ":%SAFE_RENEGOTIATION:%SERVER_PRECEDENCE";

// What strict readers of RFC 7345, RFC 4975 and RFC 8855 may still need: CBC, static RSA, and an
// initial handshake without the signal of RFC 5746. Renegotiation is refused all the same.
static const char legacy_profile[] =
    "NONE:+VERS-DTLS1.2:+COMP-NULL:+CTYPE-X509"
    ":+ECDHE-ECDSA:+ECDHE-RSA:+DHE-RSA:+RSA:+AES-128-GCM:+AES-256-GCM:+AES-128-CBC"
    ":+AEAD:+SHA256:+SHA1"
    ":" SUITES_GROUPS ":" SUITES_SIGNATURES ":%PARTIAL_RENEGOTIATION:%SERVER_PRECEDENCE";

static void take_limits(struct dtls_profile *profile, const struct config *cfg)
{
    unsigned mtu =
        cfg->agw.mtu > MTU_MIN + IP_UDP_HEADERS ? cfg->agw.mtu - IP_UDP_HEADERS : MTU_MIN;
    profile->handshake_mtu = mtu < RECORD_MAX ? mtu : RECORD_MAX;
    profile->data_mtu = cfg->agw.drop_oversize ? profile->handshake_mtu : RECORD_MAX;
    unsigned retransmit_ms = cfg->agw.retransmit_ms;
    if (retransmit_ms < RETRANSMIT_MIN_MS)
        retransmit_ms = RETRANSMIT_MIN_MS;
    profile->retransmit_us = (uint64_t)retransmit_ms * US_PER_MS;
    profile->handshake_timeout_us = (uint64_t)cfg->agw.handshake_timeout_ms * US_PER_MS;
}

int dtls_profile_open(struct dtls_profile **out, const struct config *cfg)
{
    struct dtls_profile *profile = calloc(1, sizeof(*profile));
    if (!profile)
        return -ENOMEM;
    profile->keylog_fd = -1;
    take_limits(profile, cfg);

    int rc = gnutls_priority_init2(
        &profile->priority, cfg->agw.legacy_suites ? legacy_profile : strict_profile, NULL, 0);
    if (rc >= 0)
        rc = gnutls_rnd(GNUTLS_RND_KEY, profile->cookie_master, sizeof(profile->cookie_master));
    if (rc < 0) {
        log_error("dtls", "no profile: %s", gnutls_strerror(rc));
        rc = -EINVAL;
        goto out;
    }
    profile->overhead = suites_worst_overhead(profile->priority, GNUTLS_DTLS1_2);
    if (cfg->agw.keylog[0]) {
        rc = keylog_open(cfg->agw.keylog);
        if (rc < 0) {
            log_error("dtls", "key log %s: %s", cfg->agw.keylog, strerror(-rc));
            goto out;
        }
        profile->keylog_fd = rc;
    }
    *out = profile;
    return 0;
out:
    dtls_profile_close(profile);
    return rc;
}

void dtls_profile_close(struct dtls_profile *profile)
{
    if (!profile)
        return;
    if (profile->priority)
        gnutls_priority_deinit(profile->priority);
    if (profile->keylog_fd >= 0)
        close(profile->keylog_fd);
    gnutls_memset(profile->cookie_master, 0, sizeof(profile->cookie_master));
    free(profile);
}

unsigned dtls_profile_overhead(const struct dtls_profile *profile)
{
    return profile->overhead;
}
