// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_DTLS_FLIGHT_H
#define AGW_DTLS_FLIGHT_H
// Private to the DTLS room: the handshake flight that leaves during one call of GnuTLS.
//
// GnuTLS sends each message of a flight in a datagram of its own. Here they are put together into
// as few as fit the path, for a flight is lost with any of them. GnuTLS, told to repeat its flight
// whenever it has nothing else to do, may also send it twice in one call: it leaves once.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The room for one datagram: an Ethernet frame over IPv6 and UDP. Larger paths are not made use of.
#define DTLS_FLIGHT_ROOM (1500 - 48)
// Content type and handshake header without what follows: enough to know a message again.
#define DTLS_FLIGHT_MARK 13

struct dtls_flight {
    void (*transmit)(void *arg, const void *datagram, size_t len);
    void *arg;
    size_t mtu;        // bytes of UDP payload; more than DTLS_FLIGHT_ROOM are not made use of
    unsigned unwanted; // name of a flight that is to be swallowed, 0 for none
    unsigned apart;    // name of a flight whose messages are not put together, 0 for none

    // private: set by dtls_flight_open()
    unsigned name; // of the flight that was added to last
    bool left;     // something was not swallowed
    bool again;    // the flight has begun a second time
    size_t mark_len;
    size_t len;
    uint8_t mark[DTLS_FLIGHT_MARK]; // of its first record
    uint8_t room[DTLS_FLIGHT_ROOM];
};

// Begins a call. The caller has filled in the first group of fields.
void dtls_flight_open(struct dtls_flight *flight);
// Adds a record of the flight called name (not 0).
void dtls_flight_add(struct dtls_flight *flight, unsigned name, const uint8_t *record, size_t len);
// Sends what is left. True when anything was sent since dtls_flight_open().
bool dtls_flight_close(struct dtls_flight *flight);

#endif
