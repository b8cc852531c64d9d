// SPDX-License-Identifier: GPL-3.0-or-later
// The twelve bytes of the common header are gathered, they give the size of the message, and the
// rest of it is counted past.
//
// Failure: another version than 1. Then nobody can say where the next message begins, so every
// further call is refused as well: the first byte of a refused message stays in the header.
#include "agw/bfcp_frame.h"

#include <errno.h>
#include <string.h>

// RFC 8855 5.1: 1 on reliable transports, 2 on unreliable ones.
#define VERSION_RELIABLE 1
#define VERSION_SHIFT 5

enum {
    AT_PRIMITIVE = 1,
    AT_LENGTH = 2,
    AT_CONFERENCE = 4,
    AT_TRANSACTION = 8,
    AT_USER = 10,
};

// The payload length counts words (RFC 8855 5.1).
#define WORD 4

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

// Takes header bytes. Returns how many.
static size_t gather(struct bfcp_frame *f, const uint8_t *bytes, size_t len)
{
    size_t more = least(len, BFCP_HEADER - f->seen);

    memcpy(f->header + f->seen, bytes, more);
    f->seen += (uint32_t)more;
    if (f->seen == BFCP_HEADER)
        f->size = BFCP_HEADER + WORD * (uint32_t)get16(f->header + AT_LENGTH);
    return more;
}

static struct bfcp_message describe(const struct bfcp_frame *f)
{
    return (struct bfcp_message){
        .primitive = f->header[AT_PRIMITIVE],
        .transaction = get16(f->header + AT_TRANSACTION),
        .user = get16(f->header + AT_USER),
        .conference = get32(f->header + AT_CONFERENCE),
        .size = f->size,
    };
}

int bfcp_frame_next(struct bfcp_frame *f, const uint8_t *bytes, size_t len, size_t *consumed,
                    struct bfcp_message *message)
{
    size_t at = 0;

    *consumed = 0;
    if (len == 0)
        return 0;
    if (f->size == 0)
        at = gather(f, bytes, len);
    if (f->header[0] >> VERSION_SHIFT != VERSION_RELIABLE)
        return -EPROTO;
    if (f->size > 0) {
        size_t more = least(len - at, f->size - f->seen);
        f->seen += (uint32_t)more;
        at += more;
    }
    *consumed = at;
    if (f->size == 0 || f->seen < f->size)
        return 0;
    *message = describe(f);
    f->seen = f->size = 0;
    return 1;
}

const char *bfcp_primitive_name(uint8_t primitive)
{
    static const char *const names[] = {
        [1] = "FloorRequest",
        [2] = "FloorRelease",
        [3] = "FloorRequestQuery",
        [4] = "FloorRequestStatus",
        [5] = "UserQuery",
        [6] = "UserStatus",
        [7] = "FloorQuery",
        [8] = "FloorStatus",
        [9] = "ChairAction",
        [10] = "ChairActionAck",
        [11] = "Hello",
        [12] = "HelloAck",
        [13] = "Error",
        [14] = "FloorRequestStatusAck",
        [15] = "FloorStatusAck",
        [16] = "Goodbye",
        [17] = "GoodbyeAck",
    };

    if (primitive >= sizeof(names) / sizeof(names[0]) || names[primitive] == NULL)
        return "unknown primitive";
    return names[primitive];
}
