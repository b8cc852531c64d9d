// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_TLS_PROFILE_H
#define AGW_TLS_PROFILE_H
// Private to the TLS room: what its files know about a profile. Nothing here changes after
// tls_profile_open(), so all workers read it without a lock.

#include "agw/suites.h"
#include "agw/tls.h"

struct tls_profile {
    struct suites suites;
};

#endif
