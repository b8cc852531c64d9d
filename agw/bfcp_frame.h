// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_BFCP_FRAME_H
#define AGW_BFCP_FRAME_H
// Where BFCP messages begin and end in one direction of a TCP connection, for the trace and for
// sanity: the bytes themselves are relayed as they are (REQ-057). Pure, nothing is held but a
// header.
//
//   0        1         2          4                 8               10        12 (RFC 8855 5.1)
//   |Ver|R|F| Primitive| Length   | Conference ID   | Transaction ID| User ID | Length * 4 bytes

#include <stddef.h>
#include <stdint.h>

#define BFCP_HEADER 12

// What the common header of a message says.
struct bfcp_message {
    uint8_t primitive;
    uint16_t transaction; // 0: the server's own initiative (RFC 8855 8.2)
    uint16_t user;
    uint32_t conference;
    uint32_t size; // bytes, header included
};

// All zero at the beginning of a connection.
struct bfcp_frame {
    // private
    uint8_t header[BFCP_HEADER];
    uint32_t seen; // bytes of the present message
    uint32_t size; // of the present message; 0 until its header is there
};

// Follows the bytes up to the end of the next message; *consumed says how many. Returns 1 with
// *message filled when that message is complete (call again with the rest), 0 when all bytes belong
// to one that is not, or -EPROTO, at its first byte, when a message is not of version 1, the one of
// reliable transports: the connection is to be closed (RFC 8855 6.1). R and F are not looked at on
// TCP, nor is anything behind the header. *message is untouched unless 1 is returned.
int bfcp_frame_next(struct bfcp_frame *frame, const uint8_t *bytes, size_t len, size_t *consumed,
                    struct bfcp_message *message);

// "FloorRequest", ...; "unknown primitive" for a value that RFC 8855 5.1 does not list.
const char *bfcp_primitive_name(uint8_t primitive);

#endif
