// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as one direction of a stream that is captured: in pieces of any size the same messages
// come out, none is longer than its bound, and no byte is lost or made up.
#include "common/capture/pdu.h"
#include "tests/fuzz/fuzz.h"

struct result {
    const uint8_t *in; // what is to come out next
    size_t bytes;
    unsigned messages;
};

static void note(void *arg, const char *dissector, const uint8_t *pdu, size_t len)
{
    struct result *result = arg;
    require(len > 0 && len <= PDU_MAX && dissector[0], "messages have a size and a dissector");
    require(memcmp(pdu, result->in + result->bytes, len) == 0, "bytes come out as they went in");
    result->bytes += len;
    result->messages++;
}

static struct result follow(const uint8_t *data, size_t size, size_t step)
{
    struct pdu_stream stream = {NULL, 0};
    struct result result = {.in = data};
    for (size_t at = 0; at < size; at += step)
        pdu_take(&stream, data + at, step < size - at ? step : size - at, note, &result);
    require(result.bytes + stream.len == size, "what did not come out is held");
    require(stream.len < PDU_MAX, "no more than one message is held");
    pdu_clear(&stream);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole, pieces;
    if (size < 2)
        return 0;
    whole = follow(data + 1, size - 1, size - 1);
    pieces = follow(data + 1, size - 1, 1 + data[0] % 16);
    // what is neither MSRP nor BFCP comes out piece by piece
    require(whole.messages <= pieces.messages, "a message is not torn by its pieces");
    return 0;
}
