// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef BENCH_VOICE_H
#define BENCH_VOICE_H
// The RTP of many voice calls, under SRTP at the UE's end: packets for ends.h, and libsrtp2 by
// itself.

#include "common/sdes.h"
#include "tests/bench/ends.h"

// Room that protection may need behind a packet.
#define VOICE_ROOM 148

// A packet of BENCH_PAYLOAD bytes with this number. Returns its length.
size_t voice_fill(uint8_t *packet, uint64_t number);

// --- one key, by libsrtp2 -----------------------------------------------------------------------

struct voice_key;
struct voice_key *voice_key_open(const struct sdes_crypto *key); // NULL: libsrtp2 refuses
void voice_key_close(struct voice_key *key);                     // NULL is allowed
bool voice_key_seal(struct voice_key *key, uint8_t *packet, size_t *len);
bool voice_key_open_packet(struct voice_key *key, uint8_t *packet, size_t *len);

// --- many calls ---------------------------------------------------------------------------------

struct voice;
// Every UE has the key of bench.h. NULL: no memory.
struct voice *voice_open(unsigned sessions);
void voice_close(struct voice *voice); // NULL is allowed
// Borrows voice.
struct ends_packets voice_packets(struct voice *voice);

#endif
