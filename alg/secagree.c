// SPDX-License-Identifier: GPL-3.0-or-later
// Each entry of a list is a mechanism with parameters; the parameter mediasec says which plane it
// is for. The two planes never mix: a media mechanism is none for signalling, whatever its name.
//
// Failure: an entry that cannot be read is one that nobody knows.
#include "alg/secagree.h"

#include "alg/fields.h"
#include "common/config.h"

#include <stdio.h>
#include <string.h>

static const struct {
    unsigned bit;
    const char *word;
} mechanisms[] = {
    {MEDIASEC_SDES_SRTP, "sdes-srtp"},
    {MEDIASEC_MSRP_TLS, "msrp-tls"},
    {MEDIASEC_BFCP_TLS, "bfcp-tls"},
    {MEDIASEC_UDPTL_DTLS, "udptl-dtls"},
};
#define MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

static unsigned bit_of(struct field word)
{
    for (size_t i = 0; i < MECHANISMS; i++)
        if (field_is(word, mechanisms[i].word))
            return mechanisms[i].bit;
    return 0;
}

static bool has_more(struct field entry, bool media)
{
    struct field params = field_params(entry), name, value;
    while (field_next_param(&params, &name, &value))
        if (!media || !field_is(name, "mediasec"))
            return true;
    return false;
}

void secagree_read(struct secagree *out, const char *value)
{
    struct field rest = field_whole(value), entry, unused;
    out->present = true;
    while (field_next(&rest, &entry)) {
        struct field word = field_head(entry);
        bool media = field_param(entry, "mediasec", &unused);
        if (media) {
            out->media = true;
            out->mediasec |= bit_of(word);
        } else {
            out->signalling = true;
            out->tls = out->tls || field_is(word, "tls");
            out->ipsec = out->ipsec || field_is(word, "ipsec-3gpp");
        }
        if (has_more(entry, media) || (media ? !bit_of(word) : !field_is(word, "tls")))
            out->other = true;
    }
}

void secagree_print(struct strbuf *out, const struct secagree *client, unsigned own, bool own_tls)
{
    const char *comma = "";
    if (client->tls && own_tls) {
        strbuf_puts(out, "tls");
        comma = ", ";
    }
    for (size_t i = 0; client->media && i < MECHANISMS; i++) {
        if (!(own & mechanisms[i].bit))
            continue;
        strbuf_printf(out, "%s%s;mediasec", comma, mechanisms[i].word);
        comma = ", ";
    }
}

enum secagree_verdict secagree_verify(const struct secagree *verify, const struct secagree *client,
                                      unsigned own, bool own_tls)
{
    bool sent_tls = client->tls && own_tls;
    unsigned sent = client->media ? own : 0;
    if (verify->tls != sent_tls || verify->ipsec)
        return SECAGREE_DIFFERS;
    if (verify->mediasec == sent && !verify->other)
        return SECAGREE_SAME;
    return verify->signalling ? SECAGREE_DIFFERS : SECAGREE_MEDIA_DIFFERS;
}

const char *secagree_words(unsigned mediasec, char buf[static SECAGREE_WORDS_MAX])
{
    size_t len = 0;
    snprintf(buf, SECAGREE_WORDS_MAX, "none");
    for (size_t i = 0; i < MECHANISMS; i++)
        if (mediasec & mechanisms[i].bit)
            len += (size_t)snprintf(buf + len, SECAGREE_WORDS_MAX - len, "%s%s", len ? " " : "",
                                    mechanisms[i].word);
    return buf;
}
