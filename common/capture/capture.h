// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_CAPTURE_CAPTURE_H
#define COMMON_CAPTURE_CAPTURE_H
// The capture: pcapng files that open in Wireshark without settings. SIP as it was on each side,
// protected packets with headers made up for them, and, each when asked for, the keys to them as
// decryption secrets and what is inside them as exported PDUs. Opt-in and said aloud (REQ-112).
//
// Threads record into rings of their own and never wait; one thread writes.

#include "common/capture/ring.h"
#include "common/config.h"

struct capture;

// Looks at the folder and starts the thread. 0 or a negative errno with a sentence in error. cfg is
// borrowed.
int capture_open(struct capture **out, const struct config *cfg,
                 char error[static CONFIG_ERROR_MAX]);
// Writes what is left. No thread may record any more; rings are gone. NULL is allowed.
void capture_close(struct capture *capture);

// A ring for one more thread, before it records first; the capture's own. NULL: no memory, or too
// many.
struct ring *capture_ring(struct capture *capture);

#endif
