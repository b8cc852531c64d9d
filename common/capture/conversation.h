// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_CAPTURE_CONVERSATION_H
#define COMMON_CAPTURE_CONVERSATION_H
// Sequence numbers of TCP connections that are known by their bytes only.

#include "common/capture/ip.h"

struct conversations;

struct conversations *conversations_open(void);      // NULL: no memory
void conversations_close(struct conversations *all); // NULL is allowed

// A connection begins: what was known of these two ends is forgotten.
void conversation_begin(struct conversations *all, const struct addr *from, const struct addr *to);
// The numbers of a segment of this length; SYN and FIN count as one. A connection whose beginning
// was not seen begins at 1.
struct tcp_numbers conversation_step(struct conversations *all, const struct addr *from,
                                     const struct addr *to, uint32_t len);

#endif
