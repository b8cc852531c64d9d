// SPDX-License-Identifier: GPL-3.0-or-later
// BFCP framing.
//
//   octet 0: version (3 bits, 1 over TCP), R, F, 3 reserved   1: primitive
//   2-3: payload length in words of 4 octets                  4-7: conference
//   8-9: transaction                                          10-11: user
// then attributes: type (7 bits) and M, length in octets with this header, value, padding to 4.
//
// Happy path: an attribute is written into its parent, whose length is set when it ends; reading
// walks down grouped attributes in the same way. Failure: a length that leaves its parent.

#include "tests/ua/ua_bfcp.h"

#include <errno.h>
#include <string.h>

#define HEADER 12
#define VERSION 1
#define MANDATORY 1 // the M bit
#define DEPTH_MAX 4 // grouped attributes inside grouped ones

// RFC 8855 5.2.
enum attribute {
    FLOOR_ID = 2,
    FLOOR_REQUEST_ID = 3,
    REQUEST_STATUS = 5,
    ERROR_CODE = 6,
    SUPPORTED_ATTRIBUTES = 10,
    SUPPORTED_PRIMITIVES = 11,
    FLOOR_REQUEST_INFORMATION = 15,
    FLOOR_REQUEST_STATUS = 17,
    OVERALL_REQUEST_STATUS = 18,
};

static void put16(uint8_t *at, unsigned n)
{
    at[0] = (uint8_t)(n >> 8);
    at[1] = (uint8_t)n;
}

static unsigned get16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

// --- writing ------------------------------------------------------------------------------------

struct writer {
    uint8_t *bytes;
    size_t len;
};

// Begins an attribute; returns where, for end_attribute.
static size_t begin_attribute(struct writer *w, enum attribute type)
{
    w->bytes[w->len] = (uint8_t)(type << 1 | MANDATORY);
    w->len += 2;
    return w->len - 2;
}

// The length does not count the padding (RFC 8855 5.2).
static void end_attribute(struct writer *w, size_t start)
{
    w->bytes[start + 1] = (uint8_t)(w->len - start);
    while (w->len % 4 != 0)
        w->bytes[w->len++] = 0;
}

static void put_value(struct writer *w, unsigned n)
{
    put16(w->bytes + w->len, n);
    w->len += 2;
}

static void put_attribute16(struct writer *w, enum attribute type, unsigned n)
{
    size_t start = begin_attribute(w, type);
    put_value(w, n);
    end_attribute(w, start);
}

static void put_status(struct writer *w, enum bfcp_status status)
{
    size_t start = begin_attribute(w, REQUEST_STATUS);
    w->bytes[w->len++] = (uint8_t)status;
    w->bytes[w->len++] = 0; // no place in a queue
    end_attribute(w, start);
}

static void put_list(struct writer *w, enum attribute type, const uint8_t *list, size_t count,
                     unsigned shift)
{
    size_t start = begin_attribute(w, type);
    for (size_t i = 0; i < count; i++)
        w->bytes[w->len++] = (uint8_t)(list[i] << shift);
    end_attribute(w, start);
}

// RFC 8855 5.2.15: the request, its overall status, its floors.
static void put_request_information(struct writer *w, const struct bfcp *m)
{
    size_t information = begin_attribute(w, FLOOR_REQUEST_INFORMATION);
    put_value(w, m->request);
    size_t overall = begin_attribute(w, OVERALL_REQUEST_STATUS);
    put_value(w, m->request);
    put_status(w, m->status);
    end_attribute(w, overall);
    size_t floor = begin_attribute(w, FLOOR_REQUEST_STATUS);
    put_value(w, m->floor);
    end_attribute(w, floor);
    end_attribute(w, information);
}

static void put_hello_ack(struct writer *w)
{
    static const uint8_t primitives[] = {
        BFCP_FLOOR_REQUEST, BFCP_FLOOR_RELEASE, BFCP_FLOOR_REQUEST_STATUS,
        BFCP_HELLO,         BFCP_HELLO_ACK,     BFCP_ERROR};
    static const uint8_t attributes[] = {FLOOR_ID,
                                         FLOOR_REQUEST_ID,
                                         REQUEST_STATUS,
                                         ERROR_CODE,
                                         SUPPORTED_ATTRIBUTES,
                                         SUPPORTED_PRIMITIVES,
                                         FLOOR_REQUEST_INFORMATION,
                                         FLOOR_REQUEST_STATUS,
                                         OVERALL_REQUEST_STATUS};

    put_list(w, SUPPORTED_PRIMITIVES, primitives, sizeof(primitives), 0);
    put_list(w, SUPPORTED_ATTRIBUTES, attributes, sizeof(attributes), 1);
}

static void put_attributes(struct writer *w, const struct bfcp *m)
{
    switch (m->primitive) {
    case BFCP_FLOOR_REQUEST:
        put_attribute16(w, FLOOR_ID, m->floor);
        break;
    case BFCP_FLOOR_RELEASE:
        put_attribute16(w, FLOOR_REQUEST_ID, m->request);
        break;
    case BFCP_FLOOR_REQUEST_STATUS:
        put_request_information(w, m);
        break;
    case BFCP_HELLO_ACK:
        put_hello_ack(w);
        break;
    case BFCP_ERROR:
        put_list(w, ERROR_CODE, &m->error, 1, 0);
        break;
    default:
        break;
    }
}

size_t bfcp_write(const struct bfcp *m, uint8_t out[static BFCP_MESSAGE_MAX])
{
    struct writer w = {out, HEADER};

    memset(out, 0, HEADER);
    out[0] = VERSION << 5;
    out[1] = (uint8_t)m->primitive;
    put16(out + 4, m->conference >> 16);
    put16(out + 6, m->conference & 0xffff);
    put16(out + 8, m->transaction);
    put16(out + 10, m->user);
    put_attributes(&w, m);
    put16(out + 2, (unsigned)((w.len - HEADER) / 4));
    return w.len;
}

// --- reading ------------------------------------------------------------------------------------

static int read_attributes(struct bfcp *m, const uint8_t *bytes, size_t len, unsigned depth);

static int read_group(struct bfcp *m, const uint8_t *value, size_t len, unsigned depth)
{
    if (len < 2 || depth == DEPTH_MAX)
        return -EPROTO;
    return read_attributes(m, value + 2, len - 2, depth + 1);
}

static int read_attribute(struct bfcp *m, unsigned type, const uint8_t *value, size_t len,
                          unsigned depth)
{
    bool known = type == FLOOR_ID || type == FLOOR_REQUEST_ID || type == REQUEST_STATUS;

    if ((known && len != 2) || (type == ERROR_CODE && len < 1))
        return -EPROTO;
    switch (type) {
    case FLOOR_ID:
        m->floor = (uint16_t)get16(value);
        break;
    case FLOOR_REQUEST_ID:
        m->request = (uint16_t)get16(value);
        break;
    case REQUEST_STATUS:
        m->status = value[0] <= BFCP_REVOKED ? (enum bfcp_status)value[0] : BFCP_STATUS_NONE;
        break;
    case ERROR_CODE:
        m->error = value[0];
        break;
    case FLOOR_REQUEST_INFORMATION:
        m->request = len >= 2 ? (uint16_t)get16(value) : 0;
        return read_group(m, value, len, depth);
    case FLOOR_REQUEST_STATUS:
        m->floor = len >= 2 ? (uint16_t)get16(value) : 0;
        return read_group(m, value, len, depth);
    case OVERALL_REQUEST_STATUS:
        return read_group(m, value, len, depth);
    default: // not for us
        break;
    }
    return 0;
}

static int read_attributes(struct bfcp *m, const uint8_t *bytes, size_t len, unsigned depth)
{
    while (len > 0) {
        size_t n = len >= 2 ? bytes[1] : 0;
        size_t padded = (n + 3) / 4 * 4;
        if (n < 2 || n > len)
            return -EPROTO;
        int rc = read_attribute(m, bytes[0] >> 1, bytes + 2, n - 2, depth);
        if (rc != 0)
            return rc;
        padded = padded < len ? padded : len;
        bytes += padded;
        len -= padded;
    }
    return 0;
}

int bfcp_read(struct bfcp *m, const uint8_t *bytes, size_t len)
{
    struct bfcp read = {0};

    if (len > 0 && bytes[0] >> 5 != VERSION)
        return -EPROTO;
    if (len < HEADER)
        return 0;
    size_t total = HEADER + 4 * (size_t)get16(bytes + 2);
    if (total > BFCP_MESSAGE_MAX)
        return -EPROTO;
    if (len < total)
        return 0;
    read.primitive = bytes[1];
    read.conference = (uint32_t)get16(bytes + 4) << 16 | get16(bytes + 6);
    read.transaction = (uint16_t)get16(bytes + 8);
    read.user = (uint16_t)get16(bytes + 10);
    if (read_attributes(&read, bytes + HEADER, total - HEADER, 0) != 0)
        return -EPROTO;
    *m = read;
    return (int)total;
}

const char *bfcp_primitive_name(unsigned primitive)
{
    static const char *const names[] = {
        [BFCP_FLOOR_REQUEST] = "FloorRequest",
        [BFCP_FLOOR_RELEASE] = "FloorRelease",
        [BFCP_FLOOR_REQUEST_STATUS] = "FloorRequestStatus",
        [BFCP_HELLO] = "Hello",
        [BFCP_HELLO_ACK] = "HelloAck",
        [BFCP_ERROR] = "Error",
    };
    bool known = primitive < sizeof(names) / sizeof(names[0]) && names[primitive];
    return known ? names[primitive] : "other";
}

const char *bfcp_status_name(enum bfcp_status status)
{
    static const char *const names[] = {"none",   "pending",   "accepted", "granted",
                                        "denied", "cancelled", "released", "revoked"};
    return names[status];
}
