// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_FLOW_H
#define ALG_FLOW_H
// A flow: the one way on which a UE is reached and from which its requests come (RFC 5626 3). A UDP
// flow is a pair of addresses, one over TCP or TLS is a connection.

#include "common/addr.h"

#include <stdbool.h>

enum flow_transport { FLOW_UDP, FLOW_TCP, FLOW_TLS };

struct flow {
    enum flow_transport transport;
    unsigned listen;    // index of the listening point of the access side
    struct addr remote; // the source of its packets, whatever Via or Contact say
};

// The source is the same: a port is not used by two connections at a time.
bool flow_same(const struct flow *a, const struct flow *b);
// What passes on it can neither be read nor changed on the way.
bool flow_is_secure(const struct flow *flow);
const char *flow_transport_name(enum flow_transport transport); // "udp", "tcp", "tls"

#endif
