// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_CONNECTION_H
#define ALG_CONNECTION_H
// The connections that UEs have opened, over TCP or TLS. What goes to such a UE goes over its own
// connection; none is ever opened towards it, since nothing would answer (RFC 5626 5.3,
// TS 24.229 5.2.6.4.3).

#include "alg/flow.h"
#include "alg/sofia.h"

struct connections;

// A connection has closed; the flow is no longer in the table.
typedef void connection_closed_f(void *arg, const struct flow *flow);

// NULL: no memory.
struct connections *connections_open(connection_closed_f *closed, void *arg);
// Before the agent is gone. NULL is allowed.
void connections_close(struct connections *all);

// A message came on a connection: it is remembered until it closes. Constant time. Without memory
// it is not, and its UE cannot be called.
void connections_note(struct connections *all, tport_t *transport, const struct flow *flow);
// When the last message came on the connection with this far end, in milliseconds of the monotonic
// clock; 0: none has. touch: the connection is in use in another way.
uint64_t connections_heard_ms(const struct connections *all, const struct addr *remote);
void connections_touch(struct connections *all, const struct addr *remote);
// The open connection with this far end; NULL: there is none. flow may be NULL.
tport_t *connections_find(const struct connections *all, const struct addr *remote,
                          struct flow *flow);

#endif
