// SPDX-License-Identifier: GPL-3.0-or-later
// Copies what is borrowed from messages; a failed copy leaves the old value standing.
#include "alg/party.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int replace(char **slot, const char *value)
{
    if (*slot && value && strcmp(*slot, value) == 0)
        return 0;
    char *copy = value ? strdup(value) : NULL;
    if (value && !copy)
        return -ENOMEM;
    free(*slot);
    *slot = copy;
    return 0;
}

int party_set_name(struct party *p, const char *value)
{
    return replace(&p->name, value);
}

int party_set_contact(struct party *p, const char *uri)
{
    return uri ? replace(&p->contact, uri) : 0;
}

static void routes_clear(struct party *p)
{
    while (p->route_count > 0)
        free(p->route[--p->route_count]);
}

static int route_add(struct party *p, const char *uri)
{
    char *copy = strdup(uri);
    if (!copy)
        return -ENOMEM;
    p->route[p->route_count++] = copy;
    return 0;
}

int party_route_from_request(struct party *p, const struct sip_facts *facts)
{
    routes_clear(p);
    for (unsigned i = 0; i < facts->record_route_count; i++)
        if (route_add(p, facts->record_route[i]))
            return -ENOMEM;
    return 0;
}

int party_route_from_response(struct party *p, const struct sip_facts *facts,
                              bool (*own)(void *arg, const char *uri), void *arg)
{
    unsigned above = 0;
    while (above < facts->record_route_count && !own(arg, facts->record_route[above]))
        above++;
    routes_clear(p);
    if (above == facts->record_route_count)
        return 0; // the callee dropped our entry: nothing beyond us is known
    while (above > 0)
        if (route_add(p, facts->record_route[--above]))
            return -ENOMEM;
    return 0;
}

void party_clear(struct party *p)
{
    routes_clear(p);
    free(p->name);
    free(p->contact);
    *p = (struct party){0};
}
