// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_IDENTITY_H
#define ALG_IDENTITY_H
// Which public user identity the P-CSCF asserts for a UE (RFC 3325 5, TS 24.229 5.2.6.3.1): one
// that the UE prefers and has registered, else its default one. Texts only: no SIP library.

#include "alg/fields.h"

// The registered identities of one user that are not barred. uri[0] is the default identity.
struct identities {
    const char *const *uri; // borrowed
    unsigned count;
};

// The same public user identity: sip and sips by user and host (RFC 3261 19.1.4 as far as an
// identity goes), tel by its digits, and a tel URI and the sip URI with user=phone of its number.
bool identity_same(struct field a, struct field b);
// A text to find an identity by: that of its user and host, or of its number alone. Its length; 0:
// it does not fit.
size_t identity_key(struct field uri, char *buf, size_t size);
// The registered identity that this URI is; NULL: none of them.
const char *identity_find(const struct identities *user, struct field uri);

// At most one sip or sips identity and one tel identity are asserted (RFC 3325 9.1).
struct identity_choice {
    const char *sip, *tel; // registered spelling; NULL: none
};
// Looks through one P-Preferred-Identity field; the first of each scheme that is registered wins.
void identity_prefer(struct identity_choice *choice, const struct identities *user,
                     const char *value);
// Nothing that was preferred is registered: the default identity. With from not NULL a From URI
// that is registered comes before it (network.assert_from).
void identity_default(struct identity_choice *choice, const struct identities *user,
                      const char *from);

#endif
