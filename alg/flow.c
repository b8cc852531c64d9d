// SPDX-License-Identifier: GPL-3.0-or-later
// Comparisons and names; nothing can fail.
#include "alg/flow.h"

bool flow_same(const struct flow *a, const struct flow *b)
{
    return a->transport == b->transport && addr_equal(&a->remote, &b->remote);
}

bool flow_is_secure(const struct flow *flow)
{
    return flow->transport == FLOW_TLS;
}

const char *flow_transport_name(enum flow_transport transport)
{
    static const char *const names[] = {"udp", "tcp", "tls"};
    return names[transport];
}
