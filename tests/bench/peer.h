// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef BENCH_PEER_H
#define BENCH_PEER_H
// Other programs that bridge TLS and plain TCP, configured to do what the AGW does: one thread,
// mutual authentication, AES-128-GCM, P-256, no resumption.

#include "tests/bench/child.h"
#include "tests/bench/identity.h"

enum peer { PEER_HAPROXY, PEER_NGINX, PEER_STUNNEL, PEERS };

const char *peer_name(enum peer peer);
// Starts it for target (bench.h says where it takes TLS and connects to) with its own certificate;
// ue is the only one it lets in. Its files are written into folder. Returns 0, -ENOENT when it is
// not installed, or a negative errno.
int peer_start(struct child *child, enum peer peer, unsigned target, const char *folder,
               const struct identity *own, const struct identity *ue);

#endif
