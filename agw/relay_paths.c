// SPDX-License-Identifier: GPL-3.0-or-later
// Text is copied, "$" resolved. No memory: the old paths stay.

#include "agw/relay_paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// "msrps://$/id;tcp" or, with the port given, "msrps://$:9/id;tcp". NULL: no memory.
static char *resolve(const char *shown, const struct addr *local)
{
    char text[ADDR_STRLEN];
    const char *mark = strchr(shown, '$');
    if (!mark)
        return strdup(shown);
    addr_format(local, text);
    if (mark[1] == ':')
        *strrchr(text, ':') = '\0';
    char *path = NULL;
    if (asprintf(&path, "%.*s%s%s", (int)(mark - shown), shown, text, mark + 1) < 0)
        return NULL;
    return path;
}

static void replace(char **at, char *with)
{
    if (!with)
        return;
    free(*at);
    *at = with;
}

int relay_paths_set(struct relay_paths *paths, enum agw_termination termination,
                    const struct addr *local, const struct agw_request *request)
{
    char *shown = request->msrp_local ? resolve(request->msrp_local, local) : NULL;
    char *remote = request->msrp_remote ? strdup(request->msrp_remote) : NULL;
    if ((request->msrp_local && !shown) || (request->msrp_remote && !remote)) {
        free(shown);
        free(remote);
        return -ENOMEM;
    }
    replace(&paths->local[termination], shown);
    replace(&paths->remote[termination], remote);
    return 0;
}

bool relay_paths_complete(const struct relay_paths *paths)
{
    return paths->local[AGW_T1] && paths->local[AGW_T2] && paths->remote[AGW_T1] &&
           paths->remote[AGW_T2];
}

struct msrp_paths relay_paths_of(const struct relay_paths *paths, enum agw_termination from)
{
    return (struct msrp_paths){.to_match = paths->local[from],
                               .to_value = paths->remote[!from],
                               .from_match = paths->remote[from],
                               .from_value = paths->local[!from]};
}

void relay_paths_clear(struct relay_paths *paths)
{
    for (int t = AGW_T1; t <= AGW_T2; t++) {
        free(paths->local[t]);
        free(paths->remote[t]);
    }
    *paths = (struct relay_paths){0};
}
