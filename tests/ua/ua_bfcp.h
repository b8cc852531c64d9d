// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_BFCP_H
#define UA_BFCP_H
// BFCP messages over TCP (RFC 8855 5): the primitives a floor request needs, written and read. No
// socket, no clock.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BFCP_MESSAGE_MAX 1024 // longest one written or taken; real ones stay below 200

enum bfcp_primitive {
    BFCP_FLOOR_REQUEST = 1,
    BFCP_FLOOR_RELEASE = 2,
    BFCP_FLOOR_REQUEST_STATUS = 4,
    BFCP_HELLO = 11,
    BFCP_HELLO_ACK = 12,
    BFCP_ERROR = 13,
};

// RFC 8855 5.2.5.
enum bfcp_status {
    BFCP_STATUS_NONE, // no REQUEST-STATUS attribute
    BFCP_PENDING,
    BFCP_ACCEPTED,
    BFCP_GRANTED,
    BFCP_DENIED,
    BFCP_CANCELLED,
    BFCP_RELEASED,
    BFCP_REVOKED,
};

// RFC 8855 5.2.6.
enum bfcp_error {
    BFCP_ERROR_UNKNOWN_PRIMITIVE = 3,
    BFCP_ERROR_INVALID_FLOOR = 6,
    BFCP_ERROR_UNKNOWN_REQUEST = 7,
    BFCP_ERROR_ALREADY_REACHED = 8, // "You have already reached the maximum number of ... requests"
};

// One message; an identifier of 0 stands for an attribute that is not there.
struct bfcp {
    unsigned primitive; // enum bfcp_primitive, or another number that was read
    uint32_t conference;
    uint16_t transaction, user;
    uint16_t floor;   // FLOOR-ID
    uint16_t request; // FLOOR-REQUEST-ID
    enum bfcp_status status;
    uint8_t error; // ERROR-CODE
};

// Writes the message with the attributes its primitive asks for (RFC 8855 5.3). Returns its length.
size_t bfcp_write(const struct bfcp *m, uint8_t out[static BFCP_MESSAGE_MAX]);
// Reads the message at the front of len bytes. Returns its length, 0 when more bytes are needed, or
// -EPROTO: not version 1, too long, or attributes that do not fit in it.
int bfcp_read(struct bfcp *m, const uint8_t *bytes, size_t len);
const char *bfcp_primitive_name(unsigned primitive);   // "FloorRequest"; "other"
const char *bfcp_status_name(enum bfcp_status status); // "granted"

#endif
