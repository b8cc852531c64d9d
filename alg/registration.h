// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_REGISTRATION_H
#define ALG_REGISTRATION_H
// The registrations of this P-CSCF: one per flow of a UE (RFC 5626), that is per address of record
// with its instance and reg-id, or with its contact. Another identity of the same implicit set is
// the same registration. What a REGISTER asks for is pending until the 200; only then it takes the
// place of what was agreed before (TS 24.229 5.2.2).
//
// No SIP library, no clock: text and time come from outside. Times are monotonic milliseconds.

#include "alg/flow.h"
#include "alg/identity.h"
#include "common/reason.h"
#include "common/trace/trace.h"

#include <stddef.h>
#include <stdint.h>

// A token carries 119 bits: nobody guesses another UE's Path (RFC 3327 5.2).
#define REGISTRATION_TOKEN_LEN 20
// A UE has a handful of identities and a route of one or two entries; what is beyond is not kept.
#define REGISTRATION_URIS_MAX 16
#define REGISTRATION_ROUTES_MAX 8
// Longer identities, contacts and routes exist in no network. A registration stays below 8 KiB.
#define REGISTRATION_TEXT_MAX 512
#define REGISTRATION_TEXTS_MAX 4096

// reg-await-auth (TS 24.229 7.8): how long a REGISTER may stay unanswered or a challenge unmet.
#define REGISTRATION_PENDING_MS (4 * 60 * 1000)
// 64*T1: what the core still sends by the Path of the flow that was given up.
#define REGISTRATION_GRACE_MS 32000

enum registration_state {
    REGISTRATION_PENDING,    // never accepted so far
    REGISTRATION_REGISTERED, // accepted
    REGISTRATION_REFRESHING, // accepted, and another REGISTER is under way
    REGISTRATION_GONE,       // out of the table; whoever holds a reference still sees it
    REGISTRATION_STATES
};
const char *registration_state_name(enum registration_state state);

struct registration;
struct registrations;

// --- all registrations ------------------------------------------------------------------------

// At most max of them, pending ones included; the traces of the newest `traces` REGISTERs with
// `events` each. ended(arg, r, reason) is called once for each accepted registration that ends:
// with NONE when it was de-registered, else with the reason. NULL: nobody wants to know, or
// (result) no memory.
struct registrations_setup {
    unsigned max, traces, events;
    void (*ended)(void *arg, struct registration *r, enum reason reason);
    void *arg;
};
struct registrations *registrations_open(const struct registrations_setup *setup);
// Nobody may hold references any more. NULL is allowed.
void registrations_close(struct registrations *all);
unsigned registrations_count(const struct registrations *all); // pending ones included

// All look-ups take constant time and lend; registration_ref() keeps. NULL: there is none.

// By the token of a Path entry: of the current flow, of the one that is being registered, or within
// the grace time of the former one.
struct registration *registrations_by_token(const struct registrations *all, const char *token);
// By the source of a request: only those that were accepted. Of several on one flow the latest
// (a second IMPI, or an emergency registration).
struct registration *registrations_by_flow(const struct registrations *all,
                                           const struct flow *flow);
// By a registered public user identity, spelled as any identity_key() URI: the first of the
// contacts; registration_next_contact() gives the others.
struct registration *registrations_by_impu(const struct registrations *all, const char *uri);
struct registration *registration_next_contact(const struct registration *r, const char *uri);
// By the URI of a contact that was accepted, user and host alone.
struct registration *registrations_by_contact(const struct registrations *all, const char *uri);
// By address alone, for UEs that do not send from the port they registered from; NULL also when
// several users share it.
struct registration *registrations_by_host(const struct registrations *all, const struct addr *a);

// In no order, until visit returns false. visit may not change the table.
void registrations_foreach(const struct registrations *all,
                           bool (*visit)(void *arg, struct registration *r), void *arg);
// Ends what has expired; to be called once a second.
void registrations_expire(struct registrations *all, uint64_t now_ms);
// Those whose traces are kept, newest first, gone ones included, until visit returns false.
void registrations_recent(const struct registrations *all,
                          bool (*visit)(void *arg, struct registration *r), void *arg);

// --- a REGISTER and its answer ----------------------------------------------------------------

// What a REGISTER says. Text is borrowed.
struct registration_request {
    const char *impi;     // username of Authorization, else the AoR
    const char *aor;      // URI of To
    const char *contact;  // URI
    const char *instance; // +sip.instance without its quotes; NULL: none
    unsigned reg_id;      // 0: none
    bool outbound;        // RFC 5626 was asked for
    bool emergency;       // "sos" (TS 24.229 5.1.6): apart from the others
    struct flow flow;
    unsigned mediasec; // mechanisms of Security-Client, enum mediasec bits
    bool sec_agree;    // it had a Security-Client with media mechanisms
};
// The registration this REGISTER is about, as it is; NULL: none.
struct registration *registrations_find(const struct registrations *all,
                                        const struct registration_request *request);
// Finds the registration this REGISTER is about or makes a pending one. *token is what goes into
// Path: that of the flow if it stays, else a new one. NONE, or REGISTRATION_LIMIT, INTERNAL.
enum reason registrations_attempt(struct registrations *all,
                                  const struct registration_request *request, uint64_t now_ms,
                                  struct registration **out, const char **token);

// What a 200 says. Text is borrowed.
struct registration_grant {
    uint32_t expires_s;       // of this contact; 0: it is de-registered
    const char *const *uri;   // of P-Associated-URI, in order
    unsigned uri_count;       // 0: the AoR alone
    const char *const *route; // Service-Route, in order, whole entries
    unsigned route_count;     // 0: none is stored (RFC 3608 6.1)
    const char *charging;     // value of P-Charging-Function-Addresses; NULL: none
    const char *term_ioi;     // NULL: none
    uint32_t flow_timer_s;    // 0: none
};
// The 200 to this request, which carried this token: what it said counts from now on, whatever
// other REGISTERs have said meanwhile. *out: the registration; NULL when it has ended (expires_s
// 0). 0, or -ENOMEM: then what was agreed before stays.
int registrations_accept(struct registrations *all, const struct registration_request *request,
                         const char *token, const struct registration_grant *grant, uint64_t now_ms,
                         struct registration **out);
// A challenge to the REGISTER with this token: the UE has REGISTRATION_PENDING_MS for the next one.
void registration_challenge(struct registration *r, const char *token, uint64_t now_ms);
// Any other final response: an earlier registration stays in force (TS 24.229 5.2.2). r may be
// gone.
void registration_refuse(struct registration *r, const char *token);
// Ends it: NONE when the UE or the network de-registered it.
void registration_end(struct registration *r, enum reason reason);
// The network has changed the expiry (RFC 3680 5.3: shortened).
void registration_shorten(struct registration *r, uint32_t expires_s, uint64_t now_ms);
// The network has registered one more public user identity of the set (RFC 3680 5.3: created); the
// next 200 says anew which there are. 0, also when it is there already; -ENOSPC: as many as are
// kept; -ENOMEM: it may be found by none until that 200.
int registration_add_identity(struct registration *r, const char *uri);
// All contacts of a public user identity, as "Contact: *" has it (RFC 3261 10.2.2).
void registrations_end_user(struct registrations *all, const char *aor, enum reason reason);

// --- one registration -------------------------------------------------------------------------

void registration_ref(struct registration *r);
void registration_unref(struct registration *r); // NULL is allowed

enum registration_state registration_state(const struct registration *r);
bool registration_is_active(const struct registration *r); // accepted and not gone
const char *registration_impi(const struct registration *r);
const char *registration_aor(const struct registration *r);
const char *registration_contact(const struct registration *r);
const char *registration_instance(const struct registration *r); // NULL: none
unsigned registration_reg_id(const struct registration *r);      // 0: none
bool registration_outbound(const struct registration *r);        // "ob" is in its Path
bool registration_emergency(const struct registration *r);
// Of the flow that was accepted, or of the pending one where none was yet.
const char *registration_token(const struct registration *r);
const struct flow *registration_flow(const struct registration *r);
// The flow behind a token that registrations_by_token() found.
const struct flow *registration_flow_of(const struct registration *r, const char *token);
// The connection of its flow has closed: the UE cannot be reached until it registers anew or sends
// something on it.
void registration_lose_flow(struct registration *r, bool lost);
bool registration_flow_lost(const struct registration *r);
// Registered, not barred; uri[0] is the default identity. Empty while pending.
struct identities registration_identities(const struct registration *r);
// Service-Route, first hop first, whole entries ("<sip:...;lr>").
const char *const *registration_service_route(const struct registration *r, unsigned *count);
// Agreed by the UE and kept with the flow; the caller cuts it down to what it can do itself.
unsigned registration_mediasec(const struct registration *r);
bool registration_sec_agree(const struct registration *r);       // it asked for media mechanisms
const char *registration_charging(const struct registration *r); // "": none
const char *registration_term_ioi(const struct registration *r); // "": none
uint64_t registration_expires_ms(const struct registration *r);  // 0: pending
// Of its latest REGISTERs; NULL: not kept (any more).
struct trace *registration_trace(const struct registration *r);
// What it takes, for the bound.
size_t registration_bytes(const struct registration *r);

// --- persistence ------------------------------------------------------------------------------

// Puts one back that was accepted in another life of the process. 0, -EEXIST (token or binding is
// there already), -ENOSPC or -ENOMEM.
int registrations_restore(struct registrations *all, const struct registration_request *request,
                          const char *token, const struct registration_grant *grant,
                          uint64_t now_ms);

#endif
