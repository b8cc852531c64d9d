// SPDX-License-Identifier: GPL-3.0-or-later
// A block is its type, its length, its body padded to four bytes, and its length again. Options are
// code, length, value padded to four bytes; code 0 ends them.
//
// Failures: memory; the buffer remembers it.
#include "common/capture/pcapng.h"

#include "common/bytes.h"

#include <string.h>

enum block { INTERFACE = 1, ENHANCED_PACKET = 6, SECRETS = 10, SECTION_HEADER = 0x0a0d0d0a };
enum option { OPTION_END = 0, OPTION_COMMENT = 1, OPTION_NAME = 2, OPTION_APPLICATION = 4 };

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_RAW 101
#define LINKTYPE_EXPORTED_PDU 252
#define TLS_KEY_LOG 0x544c534bu
// Type, length, and the length at the end.
#define BLOCK_FRAME 12
#define OPTION_HEAD 4

// Tags of an exported PDU.
enum tag {
    TAG_END = 0,
    TAG_DISSECTOR = 12,
    TAG_IPV4_SOURCE = 20,
    TAG_IPV4_DESTINATION = 21,
    TAG_IPV6_SOURCE = 22,
    TAG_IPV6_DESTINATION = 23,
    TAG_PORT_TYPE = 24,
    TAG_SOURCE_PORT = 25,
    TAG_DESTINATION_PORT = 26,
};
// A dissector remembers what it saw between two ends and takes every later packet between them,
// also the protected ones of the same socket, and what SDP said of the protected packets would be
// said of these. Another kind of port, the same addresses and numbers: nothing is mixed up.
#define PORT_TYPE_SCTP 1
#define PORT_TYPE_DCCP 4

static void put_le(struct strbuf *out, uint64_t value, size_t bytes)
{
    uint8_t text[8];

    bytes_put_le(text, value, bytes);
    strbuf_add(out, (const char *)text, bytes);
}

static void put_be(struct strbuf *out, uint64_t value, size_t bytes)
{
    uint8_t text[8];

    bytes_put_be(text, value, bytes);
    strbuf_add(out, (const char *)text, bytes);
}

static size_t padded(size_t len)
{
    return (len + 3) / 4 * 4;
}

static void put_padded(struct strbuf *out, const void *data, size_t len)
{
    strbuf_add(out, data, len);
    strbuf_add(out, "\0\0\0", padded(len) - len);
}

static void open_block(struct strbuf *out, enum block type, size_t body)
{
    put_le(out, type, 4);
    put_le(out, body + BLOCK_FRAME, 4);
}

static void close_block(struct strbuf *out, size_t body)
{
    put_le(out, body + BLOCK_FRAME, 4);
}

// An option and the end of options; nothing for an empty text.
static size_t option_size(const char *text)
{
    return text[0] == '\0' ? 0 : OPTION_HEAD + padded(strlen(text)) + OPTION_HEAD;
}

static void put_option(struct strbuf *out, enum option code, const char *text)
{
    size_t len = strlen(text);

    if (len == 0)
        return;
    put_le(out, code, 2);
    put_le(out, len, 2);
    put_padded(out, text, len);
    put_le(out, OPTION_END, 4);
}

static void put_interface(struct strbuf *out, unsigned link_type, const char *name)
{
    size_t body = 8 + option_size(name);

    open_block(out, INTERFACE, body);
    put_le(out, link_type, 4);
    put_le(out, 0, 4); // no limit on the length of a packet
    put_option(out, OPTION_NAME, name);
    close_block(out, body);
}

void pcapng_put_head(struct strbuf *out)
{
    static const char application[] = "pcscf " PCSCF_VERSION;
    size_t body = 16 + option_size(application);

    open_block(out, SECTION_HEADER, body);
    put_le(out, BYTE_ORDER_MAGIC, 4);
    put_le(out, 1, 4);          // version 1.0
    put_le(out, UINT64_MAX, 8); // length of the section: not told
    put_option(out, OPTION_APPLICATION, application);
    close_block(out, body);
    put_interface(out, LINKTYPE_RAW, "wire");
    put_interface(out, LINKTYPE_EXPORTED_PDU, "plaintext");
}

void pcapng_put_packet(struct strbuf *out, enum pcapng_interface interface, uint64_t wall_us,
                       const void *data, size_t len, const char *comment)
{
    size_t body = 20 + padded(len) + option_size(comment);
    const uint32_t head[] = {ENHANCED_PACKET,   (uint32_t)body + BLOCK_FRAME,
                             interface,         (uint32_t)(wall_us >> 32),
                             (uint32_t)wall_us, (uint32_t)len,
                             (uint32_t)len};
    uint8_t bytes[sizeof(head)];

    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
        bytes_put_le(bytes + 4 * i, head[i], 4);
    strbuf_add(out, (const char *)bytes, sizeof(bytes));
    put_padded(out, data, len);
    put_option(out, OPTION_COMMENT, comment);
    close_block(out, body);
}

void pcapng_put_secrets(struct strbuf *out, const void *lines, size_t len)
{
    size_t body = 8 + padded(len);

    open_block(out, SECRETS, body);
    put_le(out, TLS_KEY_LOG, 4);
    put_le(out, len, 4);
    put_padded(out, lines, len);
    close_block(out, body);
}

// --- exported PDUs: tags in network order -------------------------------------------------------

static void put_tag(struct strbuf *out, enum tag tag, const void *value, size_t len)
{
    put_be(out, tag, 2);
    put_be(out, padded(len), 2);
    put_padded(out, value, len);
}

static void put_number_tag(struct strbuf *out, enum tag tag, uint32_t value)
{
    put_be(out, tag, 2);
    put_be(out, 4, 2);
    put_be(out, value, 4);
}

void pcapng_put_pdu_head(struct strbuf *out, const char *dissector, bool tcp,
                         const struct addr *from, const struct addr *to)
{
    put_tag(out, TAG_DISSECTOR, dissector, strlen(dissector));
    if (addr_family(from) == AF_INET6) {
        put_tag(out, TAG_IPV6_SOURCE, &from->v6.sin6_addr, sizeof(from->v6.sin6_addr));
        put_tag(out, TAG_IPV6_DESTINATION, &to->v6.sin6_addr, sizeof(to->v6.sin6_addr));
    } else {
        put_tag(out, TAG_IPV4_SOURCE, &from->v4.sin_addr, sizeof(from->v4.sin_addr));
        put_tag(out, TAG_IPV4_DESTINATION, &to->v4.sin_addr, sizeof(to->v4.sin_addr));
    }
    put_number_tag(out, TAG_PORT_TYPE, tcp ? PORT_TYPE_SCTP : PORT_TYPE_DCCP);
    put_number_tag(out, TAG_SOURCE_PORT, addr_port(from));
    put_number_tag(out, TAG_DESTINATION_PORT, addr_port(to));
    put_be(out, TAG_END, 4);
}
