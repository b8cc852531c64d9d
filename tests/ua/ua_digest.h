// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_DIGEST_H
#define UA_DIGEST_H
// SIP digest with MD5 (RFC 2617 as RFC 3261 22 uses it), for both ends of a REGISTER.

#include <stdbool.h>

struct digest {
    const char *user, *realm, *password, *nonce;
    const char *method, *uri;
    const char *qop; // NULL or "": none
    const char *cnonce, *nc;
};

#define DIGEST_LEN 32
// Writes the response as lower-case hex. False: there is no MD5 on this machine.
bool digest_response(const struct digest *d, char out[static DIGEST_LEN + 1]);

#endif
