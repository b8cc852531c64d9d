// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_SAVP_H
#define AGW_SAVP_H
// The SRTP and SRTCP of one stream towards the UE (RFC 3711): what leaves is protected under the
// Local cryptographic SDES attribute, what arrives is opened under the Remote one. It owns no
// socket and no clock. The media path neither allocates nor locks.
//
// A key that is replaced is kept, with its packet indexes, until the next one is: packets still on
// their way open under it for a while, and a refused re-INVITE gives it back (RFC 3261 14.1).

#include "common/reason.h"
#include "common/sdes.h"

struct savp;

// Sources (SSRC) per direction and key. A call has one or two, and another one each time the far
// end changes. Not less than what is bounded may be forgotten: a source that began anew under the
// same key would use its keystream twice (RFC 3711 9.1).
#define SAVP_SOURCES_MAX 16
// What protection adds to a packet at most: tag and the word of SRTCP.
#define SAVP_TRAILER_MAX 20

// hold_us: how long packets may come under the key before. NULL: no memory.
struct savp *savp_create(uint64_t hold_us);
// Wipes all keys. NULL is allowed.
void savp_release(struct savp *savp);

// Local and Remote cryptographic SDES attribute; one with SDES_NONE leaves what there is. The key
// in use changes nothing, the one before it comes back with its indexes. 0, or -ENOMEM: a direction
// without memory keeps what it had.
int savp_configure(struct savp *savp, const struct sdes_crypto *local,
                   const struct sdes_crypto *remote, uint64_t now_us);

// Protects an RTP or RTCP packet in place; there is room for SAVP_TRAILER_MAX bytes behind it. NONE
// or why it must not be sent; then the packet is untouched.
enum reason savp_seal(struct savp *savp, bool rtcp, uint8_t *packet, size_t *len);
// Opens an SRTP or SRTCP packet in place. *newest: no packet of its source came after it, which is
// what lets a latch move. NONE or why it is dropped; then the packet is untouched.
enum reason savp_open(struct savp *savp, bool rtcp, uint8_t *packet, size_t *len, uint64_t now_us,
                      bool *newest);

#endif
