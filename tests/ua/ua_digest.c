// SPDX-License-Identifier: GPL-3.0-or-later
// Three hashes over texts (RFC 2617 3.2.2). Failure: a library that was told to know no MD5.
#include "tests/ua/ua_digest.h"

#include "common/strbuf.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool hash_of(struct strbuf *text, char out[static DIGEST_LEN + 1])
{
    unsigned char bytes[DIGEST_LEN / 2];
    char *whole = strbuf_take(text);
    bool ok = whole && gnutls_hash_fast(GNUTLS_DIG_MD5, whole, strlen(whole), bytes) == 0;

    for (unsigned i = 0; ok && i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    free(whole);
    return ok;
}

bool digest_response(const struct digest *d, char out[static DIGEST_LEN + 1])
{
    char secret[DIGEST_LEN + 1], request[DIGEST_LEN + 1];
    struct strbuf text = STRBUF_INIT;

    strbuf_printf(&text, "%s:%s:%s", d->user, d->realm, d->password);
    if (!hash_of(&text, secret))
        return false;
    strbuf_printf(&text, "%s:%s", d->method, d->uri);
    if (!hash_of(&text, request))
        return false;
    if (d->qop && d->qop[0])
        strbuf_printf(&text, "%s:%s:%s:%s:%s:%s", secret, d->nonce, d->nc, d->cnonce, d->qop,
                      request);
    else
        strbuf_printf(&text, "%s:%s:%s", secret, d->nonce, request);
    return hash_of(&text, out);
}
