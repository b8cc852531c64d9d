// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_PARTY_H
#define ALG_PARTY_H
// One end of a dialog as the P-CSCF must know it to speak in the other end's name: when it releases
// the session it sends each party the BYE that the other one would send (TS 24.229 5.2.8.1.2).

#include "alg/facts.h"

struct party {
    char *name;                  // From or To value this party goes by, with its tag
    char *contact;               // remote target; NULL until known
    char *route[SIP_ROUTES_MAX]; // from us towards it, nearest first
    unsigned route_count;
    struct addr hop; // where requests to it are sent first when there is no route
    bool tcp;
    unsigned listen; // number of the listening point it is reached from
    uint32_t cseq;   // the highest CSeq it has used
};

// All return 0 or -ENOMEM and leave the party as it was on failure.

// The party that sent or will receive requests under this From or To value.
int party_set_name(struct party *p, const char *value);
int party_set_contact(struct party *p, const char *uri);
// The caller, from its INVITE: Record-Route as received, nearest first already.
int party_route_from_request(struct party *p, const struct sip_facts *facts);
// The callee, from its response: what stands above our own entries, turned round (RFC 3261 12.1.2).
// own tells whether a URI is one of ours.
int party_route_from_response(struct party *p, const struct sip_facts *facts,
                              bool (*own)(void *arg, const char *uri), void *arg);
void party_clear(struct party *p);

#endif
