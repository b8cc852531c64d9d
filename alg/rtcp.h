// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_RTCP_H
#define ALG_RTCP_H
// The RTCP beside a stream of RTP: on the port above, where a=rtcp says (RFC 3605), or on the port
// of RTP itself (RFC 5761). What both ends agree on passes; addresses become those of the AGW.

#include "alg/medium.h"

// Reads where the sender of the body wants RTCP. Not set in peer: unknown, or an address that the
// stream cannot have.
void rtcp_read(struct medium_peer *peer, const struct sdp *sdp, size_t index);
// RTP and RTCP have one port: offered, and not refused by an answer.
bool rtcp_is_muxed(const struct medium *m);
// Rewrites a=rtcp for the other leg, where it stands. 0 or -ENOMEM.
int rtcp_write(const struct medium *m, const struct body *body, size_t index);

#endif
