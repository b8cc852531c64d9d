// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_MSRP_PATH_H
#define AGW_MSRP_PATH_H
// MSRP paths, the values of To-Path, From-Path and a=path: one URI, or several divided by spaces,
// the next hop first (RFC 4975 7.1, 8.2).

#include <stdbool.h>
#include <stddef.h>

// A piece of somebody else's text.
struct msrp_text {
    const char *at;
    size_t len;
};

// As many URIs in both, and each is equivalent to its counterpart (RFC 4975 6.1): scheme, host and
// transport in any case, IP literals by value, port and session-id present in both or in neither;
// userinfo and URI parameters do not count. What is no MSRP URI equals its own spelling only.
bool msrp_path_equal(struct msrp_text a, struct msrp_text b);

// The leftmost URI; empty when there is none.
struct msrp_text msrp_path_first(struct msrp_text path);

#endif
