// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_SRTP_H
#define UA_SRTP_H
// SRTP and SRTCP in both directions, by libsrtp2: the P-CSCF stands on another implementation.

#include "common/sdes.h"

#include <srtp2/srtp.h>

// Room that protection may need behind a packet.
#define SRTP_ROOM SRTP_MAX_TRAILER_LEN

struct srtp_pair {
    srtp_t out, in;
    struct sdes_crypto own, peer; // what they were made of; SDES_NONE: nothing
};

// Uses these keys from now on; a direction whose key is the same goes on. 0, or -EIO when libsrtp2
// refuses.
int srtp_pair_set(struct srtp_pair *pair, const struct sdes_crypto *own,
                  const struct sdes_crypto *peer);
void srtp_pair_clear(struct srtp_pair *pair);
// In place. False: not sent, or not genuine.
bool srtp_pair_protect(struct srtp_pair *pair, bool rtcp, uint8_t *packet, size_t *len);
bool srtp_pair_open(struct srtp_pair *pair, bool rtcp, uint8_t *packet, size_t *len);

#endif
