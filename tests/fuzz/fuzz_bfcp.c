// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as one direction of a BFCP connection. Byte by byte or as a whole, the same messages
// are found; their sizes add up to what was consumed.
#include "agw/bfcp_frame.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>

struct result {
    int rc;
    unsigned messages;
    size_t bytes;    // of complete messages
    uint64_t digest; // of what the messages say
};

static void note(struct result *result, const struct bfcp_message *message)
{
    require(message->size >= BFCP_HEADER && message->size % 4 == 0, "sizes are whole words");
    require(bfcp_primitive_name(message->primitive)[0] != '\0', "every primitive has a name");
    result->messages++;
    result->bytes += message->size;
    const uint32_t says[] = {message->primitive, message->transaction, message->user,
                             message->conference, message->size};
    for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
        result->digest = (result->digest ^ says[i]) * 1099511628211U;
}

// In pieces of at most step bytes, each in a block of its size.
static struct result follow(const uint8_t *data, size_t size, size_t step)
{
    struct bfcp_frame frame = {.seen = 0};
    struct result result = {.rc = 0};
    size_t at = 0;

    while (at < size && result.rc >= 0) {
        struct bfcp_message message;
        size_t consumed, len = step < size - at ? step : size - at;
        uint8_t *piece = malloc(len);
        require(piece != NULL, "there is memory");
        memcpy(piece, data + at, len);
        result.rc = bfcp_frame_next(&frame, piece, len, &consumed, &message);
        free(piece);
        require(consumed <= len, "no more is taken than was given");
        require(result.rc != 0 || consumed == len, "it asks for more when it has all");
        require(result.rc == -EPROTO || result.rc == 0 || result.rc == 1,
                "answers are these three");
        at += consumed;
        if (result.rc > 0)
            note(&result, &message);
        require(result.bytes <= at, "complete messages were consumed");
        require(result.rc <= 0 || result.bytes == at, "a message ends where the next begins");
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole = follow(data, size, size);
    struct result bytes = follow(data, size, 1);

    require((whole.rc < 0) == (bytes.rc < 0), "the answer does not depend on the split");
    require(whole.messages == bytes.messages && whole.bytes == bytes.bytes &&
                whole.digest == bytes.digest,
            "nor do the messages");
    return 0;
}
