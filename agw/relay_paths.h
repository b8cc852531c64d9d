// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_RELAY_PATHS_H
#define AGW_RELAY_PATHS_H
// The MSRP paths of both terminations of a stream: what is shown there and whom it is shown to.

#include "agw/agw.h"
#include "agw/msrp.h"

#include <stdbool.h>

struct relay_paths {
    char *local[2];  // the path shown on the termination, its address filled in
    char *remote[2]; // the path of the endpoint there
};

// Takes what the request gives; local is the Local Connection Address, which stands for "$". 0, or
// -ENOMEM with nothing changed.
int relay_paths_set(struct relay_paths *paths, enum agw_termination termination,
                    const struct addr *local, const struct agw_request *request);
// All four are known: before that no message could be shown as its receiver must see it.
bool relay_paths_complete(const struct relay_paths *paths);
// How the paths of what arrives on this termination change: what was addressed to the AGW goes to
// the endpoint beyond, what came from the endpoint here comes from the AGW there (REQ-055).
struct msrp_paths relay_paths_of(const struct relay_paths *paths, enum agw_termination from);
void relay_paths_clear(struct relay_paths *paths);

#endif
