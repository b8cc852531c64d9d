// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_SHOWN_PATH_H
#define ALG_SHOWN_PATH_H
// The a=path of MSRP (RFC 4975 6) as an application-aware ALG shows it in the place of an
// endpoint's: the authority of the AGW, the session-id of the endpoint (REQ-138).

#include "common/addr.h"

#include <stdbool.h>

// From an endpoint's a=path (one URI, or several divided by blanks: the last one names the
// session), the path to show, with "$" for the authority of the AGW: "msrps://$/session-id;tcp".
// active: the AGW does not listen there and shows port 9, "$:9". malloc'ed; NULL: no MSRP URI, or
// no memory.
char *shown_path_make(const char *endpoint, bool secure, bool active);
// Puts an address for the "$". malloc'ed; NULL: no memory.
char *shown_path_resolve(const char *shown, const struct addr *local);

#endif
