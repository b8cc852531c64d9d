// SPDX-License-Identifier: GPL-3.0-or-later
// A packet is "HEP3", its length, and chunks: vendor 0, type, length with these six bytes, value;
// all in network order.
//
// Failures: a packet that is too large, a full socket buffer, nobody at the other end: the packet
// is lost, counted as HEP_LOST, and said once in the log until the next one gets through.
#include "common/trace/hep.h"

#include "common/bytes.h"
#include "common/log.h"
#include "common/reason.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Chunk types.
enum {
    IP_FAMILY = 0x01,
    IP_PROTOCOL = 0x02,
    IPV4_SOURCE = 0x03,
    IPV4_DESTINATION = 0x04,
    IPV6_SOURCE = 0x05,
    IPV6_DESTINATION = 0x06,
    SOURCE_PORT = 0x07,
    DESTINATION_PORT = 0x08,
    SECONDS = 0x09,
    MICROSECONDS = 0x0a,
    PAYLOAD_TYPE = 0x0b,
    CAPTURE_ID = 0x0c,
    PAYLOAD = 0x0f,
    CORRELATION_ID = 0x11,
};

// "HEP3"
#define HEP3 0x48455033u
// HEP numbers families as BSD does.
#define FAMILY_IPV4 2
#define FAMILY_IPV6 10
#define CHUNK_HEAD 6
#define PACKET_HEAD 6
// Which of several agents of a collector this one is: there is one.
#define OWN_CAPTURE_ID 1

struct hep {
    int fd;
    bool lost; // the last packet was
    uint8_t packet[HEP_PACKET_MAX];
};

// Where the next chunk goes; once something did not fit, nothing does.
struct room {
    uint8_t *at;
    size_t left;
    bool full;
};

static void put_bytes(struct room *r, unsigned type, const void *value, size_t len)
{
    if (r->full || len > UINT16_MAX - CHUNK_HEAD || r->left < CHUNK_HEAD + len) {
        r->full = true;
        return;
    }
    bytes_put_be(r->at, 0, 2);
    bytes_put_be(r->at + 2, type, 2);
    bytes_put_be(r->at + 4, CHUNK_HEAD + len, 2);
    memcpy(r->at + CHUNK_HEAD, value, len);
    r->at += CHUNK_HEAD + len;
    r->left -= CHUNK_HEAD + len;
}

static void put_value(struct room *r, unsigned type, uint64_t value, size_t bytes)
{
    uint8_t text[8];

    bytes_put_be(text, value, bytes);
    put_bytes(r, type, text, bytes);
}

static void put_addresses(struct room *r, const struct addr *from, const struct addr *to)
{
    if (addr_family(from) == AF_INET6) {
        put_bytes(r, IPV6_SOURCE, &from->v6.sin6_addr, sizeof(from->v6.sin6_addr));
        put_bytes(r, IPV6_DESTINATION, &to->v6.sin6_addr, sizeof(to->v6.sin6_addr));
    } else {
        put_bytes(r, IPV4_SOURCE, &from->v4.sin_addr, sizeof(from->v4.sin_addr));
        put_bytes(r, IPV4_DESTINATION, &to->v4.sin_addr, sizeof(to->v4.sin_addr));
    }
    put_value(r, SOURCE_PORT, addr_port(from), 2);
    put_value(r, DESTINATION_PORT, addr_port(to), 2);
}

size_t hep_encode(const struct hep_packet *p, uint8_t *to, size_t size)
{
    struct room r = {to + PACKET_HEAD, size - PACKET_HEAD, size < PACKET_HEAD};
    size_t len;

    put_value(&r, IP_FAMILY, addr_family(&p->from) == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4, 1);
    put_value(&r, IP_PROTOCOL, p->tcp ? IPPROTO_TCP : IPPROTO_UDP, 1);
    put_addresses(&r, &p->from, &p->to);
    put_value(&r, SECONDS, p->wall_us / 1000000, 4);
    put_value(&r, MICROSECONDS, p->wall_us % 1000000, 4);
    put_value(&r, PAYLOAD_TYPE, p->type, 1);
    put_value(&r, CAPTURE_ID, OWN_CAPTURE_ID, 4);
    if (p->correlation != NULL)
        put_bytes(&r, CORRELATION_ID, p->correlation, strlen(p->correlation));
    put_bytes(&r, PAYLOAD, p->payload, p->len);
    len = (size_t)(r.at - to);
    if (r.full || len > UINT16_MAX)
        return 0;
    bytes_put_be(to, HEP3, 4);
    bytes_put_be(to + 4, len, 2);
    return len;
}

int hep_open(struct hep **out, const struct addr *collector)
{
    struct hep *h = malloc(sizeof(*h));
    int rc = -ENOMEM;

    if (h == NULL)
        return rc;
    h->lost = false;
    h->fd = socket(addr_family(collector), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (h->fd >= 0 && connect(h->fd, &collector->sa, collector->len) == 0) {
        *out = h;
        return 0;
    }
    rc = -errno;
    hep_close(h);
    return rc;
}

void hep_close(struct hep *h)
{
    if (h == NULL)
        return;
    if (h->fd >= 0)
        close(h->fd);
    free(h);
}

static void lose(struct hep *h, const char *why)
{
    reason_count(REASON_HEP_LOST);
    if (!h->lost)
        log_warn("hep", "a packet is lost, others may be: %s", why);
    h->lost = true;
}

void hep_send(struct hep *h, const struct hep_packet *packet)
{
    size_t len = hep_encode(packet, h->packet, sizeof(h->packet));
    ssize_t n;

    if (len == 0) {
        lose(h, "it is too large");
        return;
    }
    n = send(h->fd, h->packet, len, MSG_NOSIGNAL);
    // What an earlier packet met is reported in place of sending this one.
    if (n < 0 && errno == ECONNREFUSED)
        n = send(h->fd, h->packet, len, MSG_NOSIGNAL);
    if (n < 0)
        lose(h, strerror(errno));
    else
        h->lost = false;
}
