// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_TCP_H
#define AGW_TCP_H
// TCP sockets as connection points use them: non-blocking, closed on exec, without Nagle's delay.

#include "common/addr.h"

// A socket bound to local. A port that older connections still linger on may be bound again.
// Returns the descriptor, which the caller owns, or a negative errno.
int tcp_open(const struct addr *local);

// Listens. Returns 0 or a negative errno.
int tcp_listen(int fd);
// Listens no more but keeps the port; connections that nobody took are reset. tcp_listen() and
// tcp_connect() may follow.
void tcp_unlisten(int fd);
// Takes one connection. Returns its descriptor, -EAGAIN when there is none, or a negative errno.
int tcp_accept(int fd, struct addr *peer);

// Sends a SYN from the bound address. Returns 0, -EINPROGRESS or a negative errno.
int tcp_connect(int fd, const struct addr *remote);
// What became of it: 0, -EINPROGRESS or a negative errno.
int tcp_connect_result(int fd);

// Closes with RST: whoever is at the other end learns that nothing more will come.
void tcp_abort(int fd);

#endif
