// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_SOCKET_H
#define TESTS_FLOWS_SOCKET_H
// UDP sockets of the test itself, bound to one of its addresses.

#include "tests/flows/flow.h"

// A datagram socket at the host's address; port 0: a free one. The test fails when it cannot be.
int socket_bind(struct flow *f, enum host host, uint16_t port);
uint16_t socket_port(int fd);
void socket_send(int fd, const char *to, const void *bytes, size_t len);
// Waits for a datagram. Returns its length; the test fails when none comes in time.
size_t socket_receive(struct flow *f, int fd, void *bytes, size_t size);

#endif
