// SPDX-License-Identifier: GPL-3.0-or-later
// What a registration is made of: texts that are its own. Lists are blocks of texts with their
// pointers in front. Without memory it is as it was.
#include "alg/registration_internal.h"

#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// As many as the bounds allow, in order. NULL: no memory.
static struct texts *texts_make(const char *const *list, unsigned count, unsigned count_max)
{
    size_t bytes = 0;
    unsigned kept = 0;
    while (kept < count && kept < count_max && strlen(list[kept]) < REGISTRATION_TEXT_MAX &&
           bytes + strlen(list[kept]) < REGISTRATION_TEXTS_MAX)
        bytes += strlen(list[kept++]) + 1;
    if (kept < count)
        log_warn("registration", "only %u of %u entries are kept", kept, count);
    struct texts *texts = malloc(sizeof(*texts) + kept * sizeof(texts->text[0]) + bytes);
    if (!texts)
        return NULL;
    char *at = (char *)&texts->text[kept];
    texts->count = kept;
    texts->bytes = bytes;
    for (unsigned i = 0; i < kept; i++) {
        texts->text[i] = at;
        at = stpcpy(at, list[i]) + 1;
    }
    return texts;
}

// NULL stays NULL. False: no memory.
static bool copy_text(char **out, const char *text)
{
    *out = text ? strdup(text) : NULL;
    return !text || *out;
}

void parts_free(struct registration *r)
{
    free(r->impi);
    free(r->aor);
    free(r->contact);
    free(r->instance);
    free(r->uris);
    free(r->route);
    free(r->charging);
    free(r->term_ioi);
    free(r);
}

struct registration *parts_make(struct registrations *all, const struct registration_request *q)
{
    struct registration *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->all = all;
    r->refs = 1;
    r->reg_id = q->reg_id;
    r->emergency = q->emergency;
    if (!copy_text(&r->impi, q->impi) || !copy_text(&r->aor, q->aor) ||
        !copy_text(&r->contact, q->contact) || !copy_text(&r->instance, q->instance)) {
        parts_free(r);
        return NULL;
    }
    return r;
}

// What a later REGISTER may say otherwise. Without memory the former text stays.
void parts_follow(struct registration *r, const struct registration_request *q)
{
    char *impi = strcmp(r->impi, q->impi) != 0 ? strdup(q->impi) : NULL;
    char *contact = strcmp(r->contact, q->contact) != 0 ? strdup(q->contact) : NULL;
    if (impi) {
        free(r->impi);
        r->impi = impi;
    }
    if (contact) {
        free(r->contact);
        r->contact = contact;
    }
    r->outbound = q->outbound;
}

static void put_grant(struct registration *r, struct texts *uris, struct texts *route)
{
    table_remove_identities(r);
    free(r->uris);
    free(r->route);
    r->uris = uris;
    r->route = route;
}

// Where none is given, or none that can be kept, what was registered is the one.
static struct texts *identities_of(const struct registration *r,
                                   const struct registration_grant *grant)
{
    const char *aor[] = {r->aor};
    struct texts *uris = texts_make(grant->uri, grant->uri_count, REGISTRATION_URIS_MAX);
    if (!uris || uris->count > 0)
        return uris;
    free(uris);
    return texts_make(aor, 1, 1);
}

int parts_grant(struct registration *r, const struct registration_grant *grant)
{
    struct texts *uris = identities_of(r, grant);
    struct texts *route = texts_make(grant->route, grant->route_count, REGISTRATION_ROUTES_MAX);
    char *charging = NULL, *term_ioi = NULL;
    if (!uris || !route || !copy_text(&charging, grant->charging) ||
        !copy_text(&term_ioi, grant->term_ioi)) {
        free(uris);
        free(route);
        free(charging);
        return -ENOMEM;
    }
    put_grant(r, uris, route);
    free(r->charging);
    free(r->term_ioi);
    r->charging = charging;
    r->term_ioi = term_ioi;
    return 0;
}

int parts_add_identity(struct registration *r, const char *uri)
{
    const char *list[REGISTRATION_URIS_MAX];
    unsigned count = r->uris->count;
    if (count == REGISTRATION_URIS_MAX || strlen(uri) >= REGISTRATION_TEXT_MAX ||
        r->uris->bytes + strlen(uri) >= REGISTRATION_TEXTS_MAX)
        return -ENOSPC;
    for (unsigned i = 0; i < count; i++)
        list[i] = r->uris->text[i];
    list[count] = uri;
    struct texts *uris = texts_make(list, count + 1, REGISTRATION_URIS_MAX);
    if (!uris)
        return -ENOMEM;
    table_remove_identities(r);
    free(r->uris);
    r->uris = uris;
    return 0;
}
