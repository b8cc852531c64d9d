// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_DTLS_RECORD_H
#define AGW_DTLS_RECORD_H
// Private to the DTLS room: where things are in a record (RFC 6347 4.1) and in the ClientHello that
// it may hold (RFC 6347 4.2.2).
//
//   0        1          3        5            11       13
//   | type   | version  | epoch  | sequence   | length | fragment ...
//
//   13       14         17            19                22                25        27
//   | type   | length   | message_seq | fragment_offset | fragment_length | version | random ...

#include <stddef.h>
#include <stdint.h>

enum {
    RECORD_VERSION = 1,
    RECORD_EPOCH = 3,
    RECORD_SEQUENCE_LAST = 10, // its last byte
    RECORD_LENGTH = 11,
    RECORD_HEADER = 13,
    HANDSHAKE_FRAGMENT_OFFSET = 19,
    HANDSHAKE_BODY = 25,
    CLIENT_RANDOM = 27,
};

enum { CONTENT_CHANGE_CIPHER_SPEC = 20, CONTENT_ALERT = 21, CONTENT_HANDSHAKE = 22 };
enum { HANDSHAKE_CLIENT_HELLO = 1 };

#define CLIENT_RANDOM_BYTES 32

// Bytes of the first record in a datagram, header included; 0 when it is not there as a whole.
static inline size_t record_len(const uint8_t *datagram, size_t len)
{
    if (len < RECORD_HEADER)
        return 0;
    size_t total =
        RECORD_HEADER + ((size_t)datagram[RECORD_LENGTH] << 8) + datagram[RECORD_LENGTH + 1];
    return total <= len ? total : 0;
}

#endif
