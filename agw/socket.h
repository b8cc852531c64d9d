// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_SOCKET_H
#define AGW_SOCKET_H
// A datagram socket as connection points use it.

#include "common/addr.h"

#include <stdbool.h>

// Opens a non-blocking UDP socket and binds it to local, with a large receive buffer (best effort).
// dont_fragment: a datagram above the path MTU is refused with EMSGSIZE; else IP fragments it
// (REQ-079). Returns the descriptor, which the caller owns, or a negative errno.
int socket_open(const struct addr *local, bool dont_fragment);

#endif
