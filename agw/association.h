// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_ASSOCIATION_H
#define AGW_ASSOCIATION_H
// One DTLS association of a bearer together with what DTLS itself does not know: the address of its
// peer, how it began, and how far along it is from stranger to peer.

#include "agw/dtls.h"
#include "agw/point.h"

enum association_stage {
    ASSOCIATION_CANDIDATE, // not verified yet
    ASSOCIATION_CURRENT,   // verified and in use
    ASSOCIATION_OLD,       // replaced; its keys still open late records (REQ-129)
    ASSOCIATION_FAILED,    // answers repeated flights with its alert (REQ-131)
};

struct association {
    struct dtls *dtls;
    struct point *point;
    struct addr peer;
    enum association_stage stage;
    bool half_open;         // counted in media.half_open
    bool knows;             // the fingerprints were handed to it
    enum reason unsent;     // what became of the last datagram it transmitted
    uint64_t random;        // of the ClientHello: tells a repeat from a new handshake
    uint64_t newest;        // highest epoch and sequence number that authenticated
    uint64_t hold_until_us; // ASSOCIATION_OLD: when it goes
};

// The part of a ClientHello that differs with every handshake and is the same in every repeat of it
// (RFC 6347 4.2.1); 0 when the datagram is too short for one.
uint64_t association_hello_random(const uint8_t *datagram, size_t len);

// True for a record of epoch 0, which nothing protects.
bool association_is_clear(const uint8_t *datagram, size_t len);

// Opens the association of a ClientHello with a valid cookie. remote may be empty (NOTE 3 of TS
// 23.334 6.2.10.4.3). NULL: no memory.
struct association *association_open_server(struct point *point, const struct addr *peer,
                                            const struct dtls_hello *hello, uint64_t random,
                                            const struct certificate *certificate,
                                            const struct fingerprints *remote);
// Opens one as client; its ClientHello leaves at once. NULL: no memory.
struct association *association_open_client(struct point *point, const struct addr *peer,
                                            const struct certificate *certificate,
                                            const struct fingerprints *remote);
// close_notify when established, then frees.
void association_close(struct association *association);

// No longer under way as server: leaves the bound on half-open handshakes.
void association_settled(struct association *association);

// Takes a datagram from source. True when a record of it authenticated.
bool association_receive(struct association *association, const uint8_t *datagram, size_t len);
// True when the datagram, if genuine, is newer than all that authenticated so far: only such a one
// may move the peer to another address, a copy that was held back may not.
bool association_is_newer(const struct association *association, const uint8_t *datagram,
                          size_t len);

// One datagram of media as one record. NONE or why it was dropped.
enum reason association_send(struct association *association, const void *data, size_t len);

// When association_due() has something to do; DEADLINE_NEVER: not at all.
uint64_t association_deadline(const struct association *association);

#endif
