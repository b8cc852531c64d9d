// SPDX-License-Identifier: GPL-3.0-or-later
// Any text as rows of Security-Client and Security-Verify: nothing is read beyond it, what is
// printed for a client is what its own copy is verified as, and the order of rows does not matter.
#include "alg/secagree.h"

#include "common/config.h"
#include "tests/fuzz/fuzz.h"

#define OWN (MEDIASEC_SDES_SRTP | MEDIASEC_UDPTL_DTLS)

static void check_mirror(const struct secagree *client)
{
    struct strbuf out = STRBUF_INIT;
    struct secagree mirror = {0};
    secagree_print(&out, client, OWN, true);
    char *text = strbuf_take(&out);
    if (!text)
        return;
    secagree_read(&mirror, text);
    require(secagree_verify(&mirror, client, OWN, true) == SECAGREE_SAME,
            "what is sent is verified when it comes back");
    free(text);
}

static bool same(const struct secagree *a, const struct secagree *b)
{
    return a->present == b->present && a->media == b->media && a->mediasec == b->mediasec &&
           a->tls == b->tls && a->ipsec == b->ipsec && a->signalling == b->signalling &&
           a->other == b->other;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct secagree forward = {0}, backward = {0};
    char *text = fuzz_text(data, size), *second = strchr(text, '\n');
    if (second)
        *second++ = '\0';
    secagree_read(&forward, text);
    secagree_read(&forward, second ? second : "");
    secagree_read(&backward, second ? second : "");
    secagree_read(&backward, text);
    require(same(&forward, &backward), "fields have no order");
    check_mirror(&forward);
    free(text);
    return 0;
}
