// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_SECAGREE_H
#define ALG_SECAGREE_H
// The security agreement between a UE and the P-CSCF (RFC 3329) with its extension for the media
// plane, the parameter "mediasec" (TS 24.229 7.2A.7). Texts only: no SIP library.

#include "common/strbuf.h"

#include <stdbool.h>

// What one Security-Client or Security-Verify says, from all its rows.
struct secagree {
    bool present;      // there is such a field
    bool media;        // an entry with "mediasec"
    unsigned mediasec; // enum mediasec bits of the entries that are known
    bool tls;          // signalling: "tls"
    bool ipsec;        // signalling: "ipsec-3gpp"
    bool signalling;   // any entry without "mediasec"
    bool other;        // an entry that no Security-Server of ours contains
};

// Takes one row in; out is zeroed before the first. Preference, order, case, unknown mechanisms and
// parameters do not matter to what a UE can do (RFC 3329 2.2).
void secagree_read(struct secagree *out, const char *value);

// What the P-CSCF offers to a UE that sent this Security-Client: tls when it has it too, and all of
// its own media mechanisms (TS 24.229 7.2A.7). Appends nothing when there is nothing to say.
void secagree_print(struct strbuf *out, const struct secagree *client, unsigned own, bool own_tls);

enum secagree_verdict {
    SECAGREE_SAME,
    SECAGREE_MEDIA_DIFFERS, // media entries only: nothing that protects signalling is in question
    SECAGREE_DIFFERS,
};
// Is Security-Verify what secagree_print() gave for this client (RFC 3329 2.3.1)? A UE that was
// offered media mechanisms only mirrors these.
enum secagree_verdict secagree_verify(const struct secagree *verify, const struct secagree *client,
                                      unsigned own, bool own_tls);

// The words of a set of mechanisms, "udptl-dtls msrp-tls"; "none". Returns buf.
#define SECAGREE_WORDS_MAX 96
const char *secagree_words(unsigned mediasec, char buf[static SECAGREE_WORDS_MAX]);

#endif
