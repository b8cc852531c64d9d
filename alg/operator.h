// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_OPERATOR_H
#define ALG_OPERATOR_H
// What an operator may see and do: the answers behind the admin endpoint (common/admin/source.h).

#include "agw/agw.h"
#include "alg/proxy.h"
#include "common/admin/source.h"
#include "common/config.h"

struct operator_desk {
    const struct config *cfg;
    struct proxy *proxy;
    struct agw *agw;
    double started;      // wall clock, in seconds
    uint64_t started_us; // monotonic
};

// All on the desk is borrowed, and so is the desk.
struct admin_source operator_source(struct operator_desk *desk);

#endif
