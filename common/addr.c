// SPDX-License-Identifier: GPL-3.0-or-later
// Text is tried as IPv4, then as IPv6; a bracketed host must be IPv6, an IPv6 host with a port must
// be bracketed, so that no reading is ever a guess.
//
// Failures: whatever is not a literal (names, zone ids, blanks, signs) is -EINVAL and leaves the
// result alone. An address that is not set compares equal only to another that is not set.
#include "common/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int parse_v4(struct addr *out, const char *host, uint16_t port)
{
    struct addr a = {.len = sizeof(a.v4)};

    if (inet_pton(AF_INET, host, &a.v4.sin_addr) != 1)
        return -EINVAL;
    a.v4.sin_family = AF_INET;
    a.v4.sin_port = htons(port);
    *out = a;
    return 0;
}

static int parse_v6(struct addr *out, const char *host, uint16_t port)
{
    struct addr a = {.len = sizeof(a.v6)};

    if (inet_pton(AF_INET6, host, &a.v6.sin6_addr) != 1)
        return -EINVAL;
    a.v6.sin6_family = AF_INET6;
    a.v6.sin6_port = htons(port);
    *out = a;
    return 0;
}

int addr_parse(struct addr *out, const char *host, uint16_t port)
{
    char bare[INET6_ADDRSTRLEN];
    size_t len = strlen(host);

    if (host[0] != '[')
        return parse_v4(out, host, port) == 0 ? 0 : parse_v6(out, host, port);
    if (len < 2 || host[len - 1] != ']' || len - 2 >= sizeof(bare))
        return -EINVAL;
    memcpy(bare, host + 1, len - 2);
    bare[len - 2] = '\0';
    return parse_v6(out, bare, port);
}

// Digits only: strtoul() would let blanks and signs pass.
static int parse_port(uint16_t *out, const char *text)
{
    unsigned long value = 0;
    size_t i;

    for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 5; i++)
        value = value * 10 + (unsigned long)(text[i] - '0');
    if (i == 0 || text[i] != '\0' || value > UINT16_MAX)
        return -EINVAL;
    *out = (uint16_t)value;
    return 0;
}

int addr_parse_hostport(struct addr *out, const char *text)
{
    char host[ADDR_STRLEN];
    const char *colon = strrchr(text, ':');
    uint16_t port;

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
        return -EINVAL;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (parse_port(&port, colon + 1) != 0)
        return -EINVAL;
    return host[0] == '[' ? addr_parse(out, host, port) : parse_v4(out, host, port);
}

struct addr addr_from_sockaddr(const struct sockaddr *sa, socklen_t len)
{
    struct addr a = {.len = 0};
    socklen_t need = sa->sa_family == AF_INET    ? sizeof(a.v4)
                     : sa->sa_family == AF_INET6 ? sizeof(a.v6)
                                                 : 0;

    if (need == 0 || len < need)
        return a;
    memcpy(&a.sa, sa, need);
    a.len = need;
    return a;
}

bool addr_is_set(const struct addr *a)
{
    return a->len != 0;
}

int addr_family(const struct addr *a)
{
    return a->len == 0 ? AF_UNSPEC : a->sa.sa_family;
}

uint16_t addr_port(const struct addr *a)
{
    switch (addr_family(a)) {
    case AF_INET:
        return ntohs(a->v4.sin_port);
    case AF_INET6:
        return ntohs(a->v6.sin6_port);
    default:
        return 0;
    }
}

void addr_set_port(struct addr *a, uint16_t port)
{
    if (addr_family(a) == AF_INET)
        a->v4.sin_port = htons(port);
    else if (addr_family(a) == AF_INET6)
        a->v6.sin6_port = htons(port);
}

bool addr_is_any(const struct addr *a)
{
    switch (addr_family(a)) {
    case AF_INET:
        return a->v4.sin_addr.s_addr == htonl(INADDR_ANY);
    case AF_INET6:
        return IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
    default:
        return false;
    }
}

bool addr_is_loopback(const struct addr *a)
{
    if (addr_family(a) == AF_INET)
        return ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return addr_family(a) == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return addr_equal_host(a, b) && addr_port(a) == addr_port(b);
}

bool addr_equal_host(const struct addr *a, const struct addr *b)
{
    if (addr_family(a) != addr_family(b))
        return false;
    switch (addr_family(a)) {
    case AF_INET:
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    case AF_INET6: // fe80::1 on two links is two hosts
        return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr) &&
               a->v6.sin6_scope_id == b->v6.sin6_scope_id;
    default:
        return true;
    }
}

static const uint8_t *host_bytes(const struct addr *a)
{
    return addr_family(a) == AF_INET ? (const uint8_t *)&a->v4.sin_addr
                                     : (const uint8_t *)&a->v6.sin6_addr;
}

int addr_prefix_parse(struct addr_prefix *out, const char *text)
{
    struct addr_prefix p = {.bits = 0};
    char host[ADDR_STRLEN];
    size_t len = strcspn(text, "/");
    uint16_t bits = 0;

    if (len >= sizeof(host))
        return -EINVAL;
    memcpy(host, text, len);
    host[len] = '\0';
    if (addr_parse(&p.addr, host, 0) != 0)
        return -EINVAL;
    p.bits = addr_family(&p.addr) == AF_INET ? 32 : 128;
    if (text[len] == '/' && (parse_port(&bits, text + len + 1) != 0 || bits > p.bits))
        return -EINVAL;
    if (text[len] == '/')
        p.bits = bits;
    *out = p;
    return 0;
}

bool addr_in_prefix(const struct addr *a, const struct addr_prefix *prefix)
{
    unsigned bytes = prefix->bits / 8, rest = prefix->bits % 8;

    if (addr_family(a) != addr_family(&prefix->addr) || !addr_is_set(a))
        return false;
    const uint8_t *x = host_bytes(a), *y = host_bytes(&prefix->addr);
    return memcmp(x, y, bytes) == 0 && (rest == 0 || (x[bytes] ^ y[bytes]) >> (8 - rest) == 0);
}

const char *addr_host(const struct addr *a, char buf[static ADDR_STRLEN])
{
    const char *text = NULL;

    if (addr_family(a) == AF_INET)
        text = inet_ntop(AF_INET, &a->v4.sin_addr, buf, ADDR_STRLEN);
    else if (addr_family(a) == AF_INET6)
        text = inet_ntop(AF_INET6, &a->v6.sin6_addr, buf, ADDR_STRLEN);
    if (text == NULL)
        snprintf(buf, ADDR_STRLEN, "-");
    return buf;
}

const char *addr_format(const struct addr *a, char buf[static ADDR_STRLEN])
{
    char host[ADDR_STRLEN];
    const char *pattern = addr_family(a) == AF_INET6 ? "[%.45s]:%u" : "%.45s:%u";

    addr_host(a, host);
    if (!addr_is_set(a))
        snprintf(buf, ADDR_STRLEN, "-");
    else
        snprintf(buf, ADDR_STRLEN, pattern, host, addr_port(a));
    return buf;
}
