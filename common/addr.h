// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_ADDR_H
#define COMMON_ADDR_H
// A transport address: IPv4 or IPv6 literal and port. Names are never resolved here.

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t len; // 0: no address
};

// Room for "[IPv6]:65535" and its terminating zero.
#define ADDR_STRLEN 56

// Parses an IP literal (IPv6 with or without brackets) and takes the port as given.
// Returns 0, or -EINVAL with *out untouched.
int addr_parse(struct addr *out, const char *host, uint16_t port);

// Parses "192.0.2.1:5060" or "[2001:db8::1]:5060". Returns 0 or -EINVAL, *out untouched.
int addr_parse_hostport(struct addr *out, const char *text);

// Takes what recvfrom() or getsockname() gave.
struct addr addr_from_sockaddr(const struct sockaddr *sa, socklen_t len);

bool addr_is_set(const struct addr *a);
int addr_family(const struct addr *a); // AF_INET, AF_INET6, or AF_UNSPEC when not set
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);

// 0.0.0.0 or ::, the old way to say hold (RFC 3264 8.4).
bool addr_is_any(const struct addr *a);
// 127.0.0.0/8 or ::1.
bool addr_is_loopback(const struct addr *a);
bool addr_equal(const struct addr *a, const struct addr *b);      // host and port
bool addr_equal_host(const struct addr *a, const struct addr *b); // host only

// A block of addresses: "192.0.2.0/24", "2001:db8::/32"; without a length, one address.
struct addr_prefix {
    struct addr addr;
    unsigned bits;
};
// Returns 0 or -EINVAL, *out untouched.
int addr_prefix_parse(struct addr_prefix *out, const char *text);
// Ports do not matter.
bool addr_in_prefix(const struct addr *a, const struct addr_prefix *prefix);

// Writes the host without brackets, as SDP's c= wants it; "-" when not set. Returns buf.
const char *addr_host(const struct addr *a, char buf[static ADDR_STRLEN]);
// Writes "host:port", IPv6 in brackets. Returns buf.
const char *addr_format(const struct addr *a, char buf[static ADDR_STRLEN]);

#endif
