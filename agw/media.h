// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_MEDIA_H
#define AGW_MEDIA_H
// What streams find at the worker that owns them. Touched by that worker's thread alone, except for
// what is const.

#include "agw/deadline.h"
#include "agw/dtls.h"
#include "agw/gather.h"
#include "agw/outbox.h"
#include "agw/savp.h"
#include "common/config.h"

#include <stdint.h>

// The longest datagram IP can carry, and one byte to see that nothing was cut.
#define MEDIA_DATAGRAM_MAX 65536
#define MEDIA_SEALED_MAX (MEDIA_DATAGRAM_MAX + SAVP_TRAILER_MAX)

struct ring;

struct media {
    const struct config *cfg;
    const struct dtls_profile *profile;
    const struct tls_profile *tls_profile;
    struct outbox notes;       // to the signalling thread
    int epoll;                 // watches the sockets
    uint8_t *buffer;           // MEDIA_DATAGRAM_MAX bytes for the datagram in hand
    uint8_t *sealed;           // room for it under SRTP: MEDIA_SEALED_MAX bytes
    struct relay_rooms *rooms; // for the bytes of a stream over TCP in hand
    struct ring *ring;         // to the capture; NULL: none runs
    struct deadlines deadlines;
    struct gather gather;

    uint64_t now_us;          // read once per turn
    uint32_t turn;            // counts those with events
    unsigned handshakes_left; // expensive steps of handshakes still allowed in this turn
    unsigned half_open;       // DTLS handshakes under way as server
};

#endif
