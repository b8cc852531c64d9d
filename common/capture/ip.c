// SPDX-License-Identifier: GPL-3.0-or-later
// Headers are built in a small array in front of the data; the checksum runs over the pseudo header
// and both.
//
// Failures: memory; the buffer remembers it.
#include "common/capture/ip.h"

#include "common/bytes.h"

#include <string.h>

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8
#define TCP_HEADER 20
#define HOP_LIMIT 64
#define TCP_WINDOW 65535

// Adds to a sum of 16-bit words (RFC 1071); only the last part may have an odd length.
static uint32_t add_words(uint32_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    if (len % 2)
        sum += (uint32_t)bytes[len - 1] << 8;
    return (sum & 0xffff) + (sum >> 16);
}

static uint16_t finish_sum(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

struct ends {
    const uint8_t *from, *to;
    size_t len;
};

static struct ends ends_of(const struct addr *from, const struct addr *to)
{
    if (addr_family(from) == AF_INET6)
        return (struct ends){from->v6.sin6_addr.s6_addr, to->v6.sin6_addr.s6_addr, 16};
    return (struct ends){(const uint8_t *)&from->v4.sin_addr, (const uint8_t *)&to->v4.sin_addr, 4};
}

static size_t put_ip(uint8_t *header, const struct ends *ends, unsigned protocol, size_t payload)
{
    memset(header, 0, IPV6_HEADER);
    if (ends->len == 16) {
        header[0] = 6 << 4;
        bytes_put_be(header + 4, payload, 2);
        header[6] = (uint8_t)protocol;
        header[7] = HOP_LIMIT;
        memcpy(header + 8, ends->from, 16);
        memcpy(header + 24, ends->to, 16);
        return IPV6_HEADER;
    }
    header[0] = 4 << 4 | IPV4_HEADER / 4;
    bytes_put_be(header + 2, IPV4_HEADER + payload, 2);
    header[8] = HOP_LIMIT;
    header[9] = (uint8_t)protocol;
    memcpy(header + 12, ends->from, 4);
    memcpy(header + 16, ends->to, 4);
    bytes_put_be(header + 10, finish_sum(add_words(0, header, IPV4_HEADER)), 2);
    return IPV4_HEADER;
}

static uint32_t pseudo_sum(const struct ends *ends, unsigned protocol, size_t payload)
{
    uint32_t sum = add_words(0, ends->from, ends->len);

    return add_words(sum, ends->to, ends->len) + protocol + (uint32_t)payload;
}

// header: that of the transport, its checksum 0 and at this place.
static void put_packet(struct strbuf *out, const struct ends *ends, unsigned protocol,
                       uint8_t *header, size_t header_len, size_t sum_at, const void *data,
                       size_t len)
{
    uint8_t ip[IPV6_HEADER];
    size_t payload = header_len + len;
    uint32_t sum = pseudo_sum(ends, protocol, payload);

    sum = add_words(sum, header, header_len);
    bytes_put_be(header + sum_at, finish_sum(add_words(sum, data, len)), 2);
    strbuf_add(out, (const char *)ip, put_ip(ip, ends, protocol, payload));
    strbuf_add(out, (const char *)header, header_len);
    strbuf_add(out, data, len);
}

void ip_put_udp(struct strbuf *out, const struct addr *from, const struct addr *to,
                const void *data, size_t len)
{
    struct ends ends = ends_of(from, to);
    uint8_t header[UDP_HEADER] = {0};

    bytes_put_be(header, addr_port(from), 2);
    bytes_put_be(header + 2, addr_port(to), 2);
    bytes_put_be(header + 4, UDP_HEADER + len, 2);
    put_packet(out, &ends, IPPROTO_UDP, header, sizeof(header), 6, data, len);
}

void ip_put_tcp(struct strbuf *out, const struct addr *from, const struct addr *to,
                struct tcp_numbers numbers, unsigned flags, const void *data, size_t len)
{
    struct ends ends = ends_of(from, to);
    uint8_t header[TCP_HEADER] = {0};

    bytes_put_be(header, addr_port(from), 2);
    bytes_put_be(header + 2, addr_port(to), 2);
    bytes_put_be(header + 4, numbers.sequence, 4);
    bytes_put_be(header + 8, flags & TCP_ACK ? numbers.acknowledged : 0, 4);
    header[12] = TCP_HEADER / 4 << 4;
    header[13] = (uint8_t)flags;
    bytes_put_be(header + 14, TCP_WINDOW, 2);
    put_packet(out, &ends, IPPROTO_TCP, header, sizeof(header), 16, data, len);
}
