// SPDX-License-Identifier: GPL-3.0-or-later
// Any text as rows of Security-Client and Security-Verify: nothing is read beyond it, what is
// printed for a client is what its own copy is verified as, and the order of rows does not matter.
#include "alg/secagree.h"

#include "common/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define OWN (MEDIASEC_SDES_SRTP | MEDIASEC_UDPTL_DTLS)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_mirror(const struct secagree *client)
{
    struct strbuf out = STRBUF_INIT;
    struct secagree mirror = {0};
    secagree_print(&out, client, OWN, true);
    char *text = strbuf_take(&out);
    if (!text)
        return;
    secagree_read(&mirror, text);
    if (secagree_verify(&mirror, client, OWN, true) != SECAGREE_SAME)
        abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    struct secagree forward, backward;
    memset(&forward, 0, sizeof(forward)); // they are compared as bytes
    memset(&backward, 0, sizeof(backward));
    char *second = strchr(text, '\n');
    if (second)
        *second++ = '\0';
    secagree_read(&forward, text);
    secagree_read(&forward, second ? second : "");
    secagree_read(&backward, second ? second : "");
    secagree_read(&backward, text);
    if (memcmp(&forward, &backward, sizeof(forward)) != 0)
        abort();
    check_mirror(&forward);
    free(text);
    return 0;
}
