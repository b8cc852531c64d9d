// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_TLS_PROFILE_H
#define AGW_TLS_PROFILE_H
// Private to the TLS room: what its files know about a profile. Nothing here changes after
// tls_profile_open(), so all workers read it without a lock.

#include "agw/tls.h"

#include <gnutls/gnutls.h>

struct tls_profile {
    gnutls_priority_t priority;
    unsigned overhead;
    int keylog_fd; // -1: no key log
};

#endif
