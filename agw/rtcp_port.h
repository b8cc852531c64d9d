// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_RTCP_PORT_H
#define AGW_RTCP_PORT_H
// The connection points for RTCP that nothing can arrive at any more: once both ends of a stream
// have agreed on RTCP on the port of RTP (RFC 5761 5.1.1), the sockets on the ports above are
// closed. The ports stay taken, so that a later agreement can fall back.

#include "agw/context.h"

// To be called when a Reserve or Configure has changed line->end: after the order of a Reserve was
// posted, before that of a Configure. NONE, or why RTCP cannot have its ports back; then nothing
// has changed.
enum reason rtcp_port_follow(struct line *line, struct worker *worker);

#endif
