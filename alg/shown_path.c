// SPDX-License-Identifier: GPL-3.0-or-later
// Everything up to the end of the authority is replaced, everything after it is kept. What is no
// MSRP URI yields NULL.
#include "alg/shown_path.h"

#include "common/strbuf.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

// What follows the authority: "/session-id;tcp...".
static const char *behind_authority(const char *uri)
{
    const char *start = strstr(uri, "://");
    if (!start || strncasecmp(uri, "msrp", 4) != 0)
        return NULL;
    return start + 3 + strcspn(start + 3, "/;");
}

char *shown_path_make(const char *endpoint, bool secure, bool active)
{
    const char *blank = strrchr(endpoint, ' ');
    const char *rest = behind_authority(blank ? blank + 1 : endpoint);
    if (!rest)
        return NULL;
    struct strbuf out = STRBUF_INIT;
    strbuf_printf(&out, "%s://%s%s", secure ? "msrps" : "msrp", active ? "$:9" : "$", rest);
    return strbuf_take(&out);
}

char *shown_path_resolve(const char *shown, const struct addr *local)
{
    const char *mark = strchr(shown, '$');
    char host[ADDR_STRLEN], whole[ADDR_STRLEN];
    struct strbuf out = STRBUF_INIT;
    addr_host(local, host);
    bool port_given = mark[1] == ':';
    strbuf_add(&out, shown, (size_t)(mark - shown));
    if (!port_given)
        strbuf_puts(&out, addr_format(local, whole));
    else if (addr_family(local) == AF_INET6)
        strbuf_printf(&out, "[%s]", host);
    else
        strbuf_puts(&out, host);
    strbuf_puts(&out, mark + 1);
    return strbuf_take(&out);
}
