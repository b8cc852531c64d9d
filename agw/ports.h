// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_PORTS_H
#define AGW_PORTS_H
// The port range of one IP realm and address family, for UDP and TCP together.
//
// A port is used again as late as possible: what was freed goes to the end of the queue, and the
// queue starts in random order, so that late datagrams of a former call and guesses of strangers
// rarely meet a live one. Taking and giving back cost the same however large the range is.

#include "common/addr.h"
#include "common/reason.h"

#include <stdbool.h>
#include <stdint.h>

struct ports;

// local is the address of the realm, its port is ignored; min and max are part of the range.
// Returns 0 or a negative errno, *out untouched.
int ports_open(struct ports **out, const struct addr *local, uint16_t min, uint16_t max,
               bool dont_fragment);
void ports_close(struct ports *ports); // NULL is allowed

// Takes one port, or with pair an even port and the odd one above it (RFC 3550 11), and opens a
// bound socket for each: fd[0], and with pair fd[1]. The caller owns the descriptors. Ports that a
// foreign process holds are passed over. AGW_NO_PORT or AGW_NO_RESOURCE; outputs untouched then.
enum reason ports_take(struct ports *ports, bool pair, int fd[static 2], uint16_t *port);
// Takes one port for TCP: a bound socket that listens when listening says so.
enum reason ports_take_tcp(struct ports *ports, bool listening, int *fd, uint16_t *port);
// A bound socket for a UDP port that is taken and whose own was closed. AGW_NO_PORT (a foreign
// process has it) or AGW_NO_RESOURCE; *fd untouched then.
enum reason ports_open_again(const struct ports *ports, uint16_t port, int *fd);
// Gives back what ports_take() gave, after its sockets are closed.
void ports_give_back(struct ports *ports, uint16_t port, bool pair);

// True for the address of a connection point that is in use.
bool ports_holds(const struct ports *ports, const struct addr *address);

const struct addr *ports_local(const struct ports *ports);
unsigned ports_used(const struct ports *ports);
unsigned ports_total(const struct ports *ports);

#endif
