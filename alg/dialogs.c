// SPDX-License-Identifier: GPL-3.0-or-later
// An index by token, and a list in order of use, the latest last: what is one too many stands at
// its front.
#include "alg/dialogs.h"

#include "alg/index.h"
#include "common/random.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct kept {
    struct kept *prev, *next; // in order of use
    struct policy_memory memory;
    char token[];
};

struct dialogs {
    struct index *by_token;
    struct kept *list;
};

struct dialogs *dialogs_open(void)
{
    struct dialogs *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->by_token = index_open();
    if (d->by_token)
        return d;
    free(d);
    return NULL;
}

static void forget(struct dialogs *d, struct kept *k)
{
    index_remove(d->by_token, k->token, strlen(k->token));
    DL_DELETE(d->list, k);
    free(k);
}

void dialogs_close(struct dialogs *d)
{
    if (!d)
        return;
    while (d->list)
        forget(d, d->list);
    index_close(d->by_token);
    free(d);
}

void dialogs_token(char token[static DIALOG_TOKEN_LEN + 1])
{
    random_alnum(token, DIALOG_TOKEN_LEN + 1);
}

bool dialogs_recall(struct dialogs *d, const char *token, struct policy_memory *memory)
{
    struct kept *k = index_get(d->by_token, token, strlen(token));
    if (!k)
        return false;
    DL_DELETE(d->list, k);
    DL_APPEND(d->list, k);
    *memory = k->memory;
    return true;
}

static struct kept *add(struct dialogs *d, const char *token)
{
    size_t len = strlen(token);
    if (index_count(d->by_token) >= DIALOGS_MAX)
        forget(d, d->list);
    struct kept *k = calloc(1, sizeof(*k) + len + 1);
    if (!k || index_put(d->by_token, token, len, k)) {
        free(k);
        return NULL;
    }
    memcpy(k->token, token, len + 1);
    DL_APPEND(d->list, k);
    return k;
}

void dialogs_keep(struct dialogs *d, const char *token, const struct policy_memory *memory)
{
    struct kept *k = index_get(d->by_token, token, strlen(token));
    if (!k && token[0])
        k = add(d, token);
    if (k)
        k->memory = *memory;
}

unsigned dialogs_count(const struct dialogs *d)
{
    return index_count(d->by_token);
}
