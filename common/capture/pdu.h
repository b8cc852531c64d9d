// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_CAPTURE_PDU_H
#define COMMON_CAPTURE_PDU_H
// Messages of a byte stream, for dissectors that want one at a time: MSRP ends with its end-line
// (RFC 4975 7.1), BFCP says its length (RFC 8855 5.1). Pure.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A message that is longer is handed out in pieces; MSRP chunks are 2 KiB where their sender
// follows RFC 4975 7.1.1, BFCP messages at most 256 KiB and in fact some dozens of bytes.
#define PDU_MAX 65536

// One direction of one stream. All zero at the beginning.
struct pdu_stream {
    uint8_t *held; // NULL: nothing is
    size_t len;
};

// Takes bytes in; those of complete messages go to put, one message at a time, with the name of
// their dissector ("msrp", "bfcp", "data" for what is neither). Without memory the bytes are lost.
void pdu_take(struct pdu_stream *stream, const uint8_t *bytes, size_t len,
              void (*put)(void *arg, const char *dissector, const uint8_t *pdu, size_t len),
              void *arg);
void pdu_clear(struct pdu_stream *stream);

#endif
