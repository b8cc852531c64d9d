// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_ADMIN_GUARD_H
#define COMMON_ADMIN_GUARD_H
// Who may ask: decided from the head of a request alone.

#include <stdbool.h>

// The Host of a request names this machine by a loopback address or as localhost: a page from
// elsewhere whose name was turned to 127.0.0.1 (DNS rebinding) does not.
bool guard_host(const char *host);
// A page of ours asks, or no page at all: an Origin, when there is one, is that of the Host.
bool guard_origin(const char *origin, const char *host);
// What was given is the token; NULL is not. Takes the same time whatever is wrong with it.
bool guard_secret(const char *given, const char *token);
// The value of Authorization is "Bearer TOKEN" with this token (RFC 6750 2.1).
bool guard_token(const char *authorization, const char *token);

#endif
