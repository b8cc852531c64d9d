// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_SOCKET_H
#define UA_SOCKET_H
// UDP sockets for media.

#include "common/addr.h"

// A non-blocking socket at the host of local and a free port. The descriptor, or a negative errno.
int socket_udp(const struct addr *local);

#endif
