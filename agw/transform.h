// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_TRANSFORM_H
#define AGW_TRANSFORM_H
// What the session keys of SRTP or SRTCP do to one packet (RFC 3711 4, RFC 7714): derived from a
// master key and salt, they encrypt and authenticate. Knows no sequence numbers and no layout.

#include "common/sdes.h"

// The longest authentication tag of a suite.
#define TRANSFORM_TAG_MAX 16

struct transform;

// Derives the session keys (RFC 3711 4.3, key derivation rate 0). NULL: no memory.
struct transform *transform_open(const struct sdes_crypto *crypto, bool rtcp);
// Wipes the keys and frees. NULL is allowed.
void transform_close(struct transform *transform);

// Bytes of the tag, and whether it is part of the ciphertext and thus stands before an MKI and the
// word of SRTCP (RFC 7714 8.2, 9.2), or at the very end (RFC 3711 3.1, 3.4).
unsigned transform_tag_len(const struct transform *transform);
bool transform_is_aead(const struct transform *transform);

// One packet of len bytes, of which the first head bytes stay readable. index: 48 bits of SRTP, 31
// of SRTCP. word: what is authenticated beside the packet, rollover counter or E-bit and index of
// SRTCP.
struct transform_packet {
    uint8_t *bytes;
    size_t head, len;
    uint32_t ssrc;
    uint64_t index;
    uint8_t word[4];
};
// Encrypts in place and computes the tag.
void transform_seal(struct transform *transform, const struct transform_packet *packet,
                    uint8_t tag[static TRANSFORM_TAG_MAX]);
// Checks the tag and decrypts in place. False: not genuine, and the packet is as it came.
bool transform_unseal(struct transform *transform, const struct transform_packet *packet,
                      const uint8_t *tag);

#endif
