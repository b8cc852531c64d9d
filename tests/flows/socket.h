// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_SOCKET_H
#define TESTS_FLOWS_SOCKET_H
// Sockets of the test itself, bound to one of its addresses.

#include "tests/flows/flow.h"

// A datagram socket at the host's address; port 0: a free one. The test fails when it cannot be.
int socket_bind(struct flow *f, enum host host, uint16_t port);
// The same at "IP:PORT".
int socket_bind_at(struct flow *f, const char *at);
uint16_t socket_port(int fd);
// Waits until some program has bound a UDP or listening TCP socket to it.
void socket_await(struct flow *f, enum host host, uint16_t port);
void socket_send(int fd, const char *to, const void *bytes, size_t len);
// Waits for a datagram. Returns its length; the test fails when none comes in time.
size_t socket_receive(struct flow *f, int fd, void *bytes, size_t size);

// Listens at a free TCP port of the host.
int socket_listen(struct flow *f, enum host host);
// Waits for a connection.
int socket_accept(struct flow *f, int listener);
// A TCP connection from the host's address.
int socket_connect(struct flow *f, enum host from, const char *to);
void socket_write(int fd, const char *text);
// Waits for bytes. Returns them as a text; the test fails when none come, or the end.
const char *socket_read(struct flow *f, int fd);
// Reads until the other end has closed. Returns what came, as a text; the test fails when it does
// not close.
const char *socket_await_end(struct flow *f, int fd);

#endif
