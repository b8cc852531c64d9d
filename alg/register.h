// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_REGISTER_H
#define ALG_REGISTER_H
// A REGISTER and its responses as messages: what they say, and what the P-CSCF changes in them on
// top of what the trust boundary (policy.h) does for every message (TS 24.229 5.2.2).

#include "alg/message.h"
#include "alg/registration.h"
#include "alg/secagree.h"
#include "common/config.h"

// What a registration lasts when nobody says (RFC 3261 10.2.1.1).
#define REGISTER_EXPIRES_S 3600
// Within it the UE sends a keep-alive on its flow (RFC 5626 4.4, RFC 6223 4).
#define REGISTER_KEEP_S 120

enum register_kind {
    REGISTER_BINDING, // one contact
    REGISTER_ALL,     // "Contact: *"
    REGISTER_QUERY,   // no contact: asks what there is (RFC 3261 10.2.3)
};

// Contacts that one REGISTER may take back beside the one it binds; a UE has changed its address
// once or twice since the last one.
#define REGISTER_REMOVED_MAX 8

// Of several contacts the first that is to stay makes the registration: they share one flow, and
// the token of its Path reaches them all (RFC 3261 10.2.1, RFC 3327 5.3).
struct register_facts {
    enum register_kind kind;
    struct registration_request request;       // flow is the caller's
    uint32_t expires_s;                        // asked for
    const char *removed[REGISTER_REMOVED_MAX]; // URIs of other contacts with expires=0
    unsigned removed_count;
    unsigned others;        // contacts that are to stay beside it
    bool credentials;       // an Authorization with a response
    bool aka;               // of IMS AKA, else SIP digest
    bool keep;              // Via asks for keep-alives (RFC 6223)
    unsigned nat_expires_s; // what a UE behind a NAT is told; 0: what the core says. The caller's
    struct secagree client, verify;
};
// Via names another host than the packet came from (TS 24.229 F.2, PCSCF-025).
bool register_is_behind_nat(const sip_t *sip, const struct addr *source);
// Texts are put into home. False: To or Contact has no usable URI.
bool register_read(struct register_facts *out, const sip_t *sip, su_home_t *home);

// An edit in progress; changed as in struct policy.
struct register_edit {
    msg_t *msg;
    sip_t *sip;
    void (*changed)(void *arg, const char *before, const char *after, const char *clause);
    void *arg;
};

// The value of integrity-protected (TS 24.229 7.2A.2) for a request on a flow. bound: the source is
// that of a registration of the same private identity.
const char *register_integrity(const struct register_facts *facts, bool bound);
// Path with this URI, Require: path, P-Visited-Network-ID, integrity-protected. 0 or -ENOMEM.
int register_to_core(const struct register_edit *edit, const struct register_facts *facts,
                     const char *path, const char *integrity, const struct config *cfg);

// Takes ck and ik away; adds Security-Server to 401 and 200 and what keeps the flow alive to a 200:
// keep-alives, or without them on UDP behind a NAT a short expiry (TS 24.229 F.4).
// 0 or -ENOMEM.
int register_to_ue(const struct register_edit *edit, const struct register_facts *facts,
                   const char *security_server);
// What a 200 grants to the contact that was asked for. Before policy.h takes fields away. Texts and
// lists are put into home.
void register_grant(struct registration_grant *out, const struct register_facts *facts,
                    const sip_t *sip, su_home_t *home);

#endif
