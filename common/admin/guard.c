// SPDX-License-Identifier: GPL-3.0-or-later
// Everything absent (NULL) is judged like everything wrong, but for Origin: programs that are no
// browsers send none.
#include "common/admin/guard.h"

#include "common/addr.h"

#include <string.h>
#include <strings.h>

#define BEARER "Bearer "
// Longer than "[IPv6]" or any name we know.
#define HOST_MAX 64

// The length of a host without its port; brackets belong to an IPv6 address.
static size_t host_length(const char *host)
{
    const char *end = host[0] == '[' ? strchr(host, ']') : NULL;
    return end ? (size_t)(end + 1 - host) : strcspn(host, ":");
}

bool guard_host(const char *host)
{
    char name[HOST_MAX];
    struct addr address;
    size_t len = host ? host_length(host) : 0;
    if (len == 0 || len >= sizeof(name))
        return false;
    memcpy(name, host, len);
    name[len] = '\0';
    if (strcasecmp(name, "localhost") == 0)
        return true;
    return addr_parse(&address, name, 0) == 0 && addr_is_loopback(&address);
}

bool guard_origin(const char *origin, const char *host)
{
    static const char scheme[] = "http://";
    if (!origin)
        return true;
    return host && strncasecmp(origin, scheme, strlen(scheme)) == 0 &&
           strcasecmp(origin + strlen(scheme), host) == 0;
}

bool guard_secret(const char *given, const char *token)
{
    size_t len = given ? strlen(given) : 0, wanted = strlen(token);
    unsigned difference = len != wanted || len == 0;
    for (size_t i = 0; i < wanted && len > 0; i++) // never shorter for a better guess
        difference |= (unsigned char)(token[i] ^ given[i % len]);
    return difference == 0;
}

bool guard_token(const char *authorization, const char *token)
{
    bool bearer = authorization && strncasecmp(authorization, BEARER, strlen(BEARER)) == 0;
    return guard_secret(bearer ? authorization + strlen(BEARER) : NULL, token);
}
