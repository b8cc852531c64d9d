// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_REGISTRATION_JSON_H
#define ALG_REGISTRATION_JSON_H
// Registrations as the admin endpoint shows them. Tokens of Path are not shown: who knows one is
// taken for the core.

#include "alg/registration.h"

#include <jansson.h>

// {"total", "registrations": [...]}, those from offset on, at most limit, in no order; now_ms as
// for registrations_expire(). The caller's; NULL: no memory.
json_t *registrations_json(const struct registrations *all, size_t offset, size_t limit,
                           uint64_t now_ms);

#endif
