// SPDX-License-Identifier: GPL-3.0-or-later
// The locally provisioned profile of all associations (TS 33.210 6.2, RFC 9325).
//
// Happy path: limits are taken from the configuration, the cookie secret is drawn, the suites are
// opened. Failure paths: those of the suites; nothing stays open.

#include "agw/dtls_profile.h"

#include "common/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
static const char strict_suites[] =
    "NONE:+VERS-DTLS1.2:+COMP-NULL:+CTYPE-X509"
    ":+ECDHE-ECDSA:+ECDHE-RSA:+DHE-RSA:+AES-128-GCM:+AES-256-GCM:+AEAD"
    ":" SUITES_GROUPS ":" SUITES_SIGNATURES ":%SAFE_RENEGOTIATION:%SERVER_PRECEDENCE";

// What strict readers of RFC 7345, RFC 4975 and RFC 8855 may still need: CBC, static RSA, and an
// initial handshake without the signal of RFC 5746. Renegotiation is refused all the same.
static const char legacy_suites[] =
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
    static const struct suites_policy policy = {"dtls", strict_suites, legacy_suites,
                                                GNUTLS_DTLS1_2};
    struct dtls_profile *profile = calloc(1, sizeof(*profile));
    if (!profile)
        return -ENOMEM;
    take_limits(profile, cfg);
    random_bytes(profile->cookie_master, sizeof(profile->cookie_master));
    int rc = suites_open(&profile->suites, &policy, cfg);
    if (rc == 0)
        *out = profile;
    else
        dtls_profile_close(profile);
    return rc;
}

void dtls_profile_close(struct dtls_profile *profile)
{
    if (!profile)
        return;
    suites_close(&profile->suites);
    explicit_bzero(profile->cookie_master, sizeof(profile->cookie_master));
    free(profile);
}

unsigned dtls_profile_overhead(const struct dtls_profile *profile)
{
    return profile->suites.overhead;
}
