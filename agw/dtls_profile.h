// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_DTLS_PROFILE_H
#define AGW_DTLS_PROFILE_H
// Private to the DTLS room: what its files know about a profile. Nothing here changes after
// dtls_profile_open(), so all workers read it without a lock.

#include "agw/dtls.h"
#include "agw/suites.h"

// SHA-256 block and digest size: no longer key makes HMAC-SHA-256 stronger.
#define COOKIE_MASTER_BYTES 32

struct dtls_profile {
    struct suites suites;
    unsigned handshake_mtu; // bytes of UDP payload
    unsigned data_mtu;      // the same for application data; larger when IP may fragment
    uint64_t handshake_timeout_us;
    uint64_t retransmit_us;
    uint8_t cookie_master[COOKIE_MASTER_BYTES];
};

#endif
