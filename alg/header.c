// SPDX-License-Identifier: GPL-3.0-or-later
// One list, looked through by name. Without memory a message stays as it was.
#include "alg/header.h"

#include <errno.h>
#include <strings.h>

sip_unknown_t *header_find(const sip_t *sip, const char *name, const sip_unknown_t *after)
{
    sip_unknown_t *u = after ? after->un_next : sip->sip_unknown;
    while (u && !(u->un_name && u->un_value && strcasecmp(u->un_name, name) == 0))
        u = u->un_next;
    return u;
}

const char *header_value(const sip_t *sip, const char *name)
{
    const sip_unknown_t *field = header_find(sip, name, NULL);
    return field ? field->un_value : NULL;
}

int header_add(msg_t *msg, sip_t *sip, const char *name, const char *value)
{
    sip_unknown_t *field = sip_unknown_format(msg_home(msg), "%s: %s", name, value);
    return field && sip_header_insert(msg, sip, (sip_header_t *)field) >= 0 ? 0 : -ENOMEM;
}

int header_set(msg_t *msg, sip_unknown_t *field, const char *value)
{
    char *kept = su_strdup(msg_home(msg), value);
    if (!kept)
        return -ENOMEM;
    field->un_value = kept;
    msg_fragment_clear(field->un_common); // or its old spelling would be sent
    return 0;
}

void header_remove(msg_t *msg, sip_t *sip, sip_unknown_t *field)
{
    sip_header_remove(msg, sip, (sip_header_t *)field);
}
