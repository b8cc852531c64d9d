// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_PROXY_INTERNAL_H
#define ALG_PROXY_INTERNAL_H
// Shared by the files of the proxy: listening points and routing (route.c), forwards (proxy.c),
// requests and responses on their way through (request.c, response.c), requests of our own
// (release.c).

#include "alg/accepted.h"
#include "alg/branch.h"
#include "alg/connection.h"
#include "alg/dialogs.h"
#include "alg/guests.h"
#include "alg/locate.h"
#include "alg/message.h"
#include "alg/policy.h"
#include "alg/proxy.h"
#include "alg/registrar.h"
#include "alg/session.h"
#include "alg/tap.h"

struct listen {
    enum side side;
    bool tls; // else UDP and TCP
    struct addr addr;
    char ident[32];             // Sofia's name for the transport
    char host[CONFIG_NAME_MAX]; // by which the others know it, IPv6 in brackets
    char port[8];
};

struct proxy {
    const struct config *cfg;
    uv_loop_t *loop;
    nta_agent_t *agent;
    msg_mclass_t *mclass;
    struct listen listen[3 * CONFIG_LISTEN_MAX]; // access, TLS, core
    unsigned listen_count;
    struct connections *connections;
    struct guests *guests;
    struct dns *dns;
    struct locator *locator;
    struct agw *agw;
    struct tap *tap; // NULL: nobody looks on
    struct sessions *sessions;
    struct registrar *registrar;
    struct accepted *accepted; // INVITEs that a 2xx has ended
    struct dialogs *dialogs;   // that are no sessions
    uint64_t loop_secret;      // of branch.h
    unsigned forward_count;
    struct forward *forwards; // all that are open
    unsigned own_requests;    // requests of ours still unanswered
    bool shutting_down;
};

// One forwarded request, or one of our own (irq NULL from the start).
struct forward {
    struct proxy *proxy;
    struct session *session; // NULL: outside any
    nta_incoming_t *irq;     // NULL once the final response went upstream
    nta_outgoing_t *orq;     // NULL once the final response came
    enum side from;
    struct flow flow;                  // of a request from the access side
    struct registration *registration; // of the UE that sent it or gets it; NULL: none
    struct registering *registering;   // a REGISTER; NULL: it is none
    struct exchange_request id;
    bool in_dialog;               // the request has a To tag
    bool opens_dialog;            // its 2xx makes or refreshes one
    struct policy_memory policy;  // outside any session
    char dialog[64];              // token of the dialog that is no session; "": none
    struct hop hop;               // where it went
    const struct listen *exit;    // from where
    uint64_t loop_hash;           // of branch.h
    bool answered;                // something came back
    struct locate_answer *places; // where else it may go; NULL: nowhere
    unsigned place;               // the one it went to
    struct parked *parked;        // it waits for the address of its next hop; NULL: it does not
    bool cancelled;
    char *cancel_line; // of a CANCEL that waits for a provisional response; NULL: none does
    struct own *own;   // a request of our own; NULL: it is none
    struct forward *prev, *next; // in proxy->forwards
};

// --- route.c ----------------------------------------------------------------------------------

// The listening point a message came in on; NULL: none of ours.
const struct listen *route_arrival(const struct proxy *proxy, msg_t *msg);
// The one for UDP and TCP to send from towards an address; NULL: no such family on that side.
const struct listen *route_departure(const struct proxy *proxy, enum side side,
                                     const struct addr *to);
// The one that a request of f leaves from, with to->connection set where there is one; NULL: it
// goes nowhere.
const struct listen *route_exit(const struct forward *f, struct hop *to);
// The same for a party of a session, on this side.
const struct listen *route_exit_to(const struct proxy *proxy, const struct party *party,
                                   enum side side, struct hop *to);
bool route_is_own(const struct proxy *proxy, const url_t *url);
// Takes our own Route entries of one leg off the top. token gets their user part (empty: none).
void route_pop_own(const struct proxy *proxy, msg_t *msg, sip_t *sip, char *token, size_t size);
// Strict routers (RFC 3261 16.4, 16.6 item 6). undo: the Request-URI is one of our Record-Route
// entries; the last Route entry takes its place. do: the next one knows no loose routing; it
// becomes the Request-URI. 0 or -ENOMEM.
int route_undo_strict(const struct proxy *proxy, msg_t *msg, sip_t *sip);
int route_do_strict(msg_t *msg, sip_t *sip);
// The registration whose flow a request comes from; NULL: none.
struct registration *route_sender(const struct proxy *proxy, const struct flow *flow);
// The one that a request of the core outside of dialogs is for: by the token of its Path, else by
// the contact or identity in the Request-URI; NULL: none.
struct registration *route_target(const struct proxy *proxy, const char *token, const sip_t *sip);
// That of the UE in a session; NULL: none.
struct registration *route_party(const struct session *session);
// Why a UE whose flow is lost cannot be reached: FLOW_FAILED, if another flow may work, or NO_FLOW.
enum reason route_lost(const struct registration *r);
// Why a request of f has no exit.
enum reason route_missing(const struct forward *f, const struct hop *to);
// Where a request of f goes (RFC 3261 16.5, 16.6); not set: nowhere. With a host in question that
// has to be found first, and the hop is what is left when it cannot be.
struct hop route_next(const struct forward *f, const sip_t *sip, struct locate_question *question);
// The name in a URI as a question; no host: there is no name in it, or it is ours.
struct locate_question route_question(const struct proxy *proxy, const url_t *url);
// The way into the core that a request outside of dialogs takes; with a host in question as in
// route_next().
struct hop route_into_core(const struct proxy *proxy, const sip_t *sip,
                           struct locate_question *question);
// "sip:TOKEN@ADDR:PORT;lr" of a listening point. Returns buf.
#define ROUTE_URI_MAX (CONFIG_NAME_MAX + 96)
const char *route_own_uri(const struct listen *listen, const char *token, bool tcp,
                          char buf[static ROUTE_URI_MAX]);
// The same of the listening point where the core reaches this node: what Path says. Returns buf.
const char *route_path(const struct proxy *proxy, const char *token,
                       char buf[static ROUTE_URI_MAX]);
// What names the dialog of f in our Record-Route entries.
const char *route_dialog(const struct forward *f);
// The mechanisms agreed with the UE of a call: as configured for it by name, else as registered,
// else as configured for who has not registered.
unsigned route_mediasec(const struct forward *f, const sip_t *sip);

// --- admission.c ------------------------------------------------------------------------------

// A change to a request, for the trace: whole lines, NULL where there is none.
struct admission_change {
    const char *before, *after, *clause;
};

// May a connection stay that somebody has opened: NONE, or why not (guests.h).
enum reason admission_guest(void *proxy, const struct guest *guest);
// Before anything else is looked at: NONE, UNTRUSTED_SOURCE (PCSCF-108) or OVERLOAD.
enum reason admission_source(const struct proxy *proxy, enum side from,
                             const struct sip_facts *facts);
// A request within a dialog comes from a party of it: NONE or NOT_A_PARTY (PCSCF-040).
enum reason admission_party(const struct forward *f, const struct sip_facts *facts);
// Route of a registered UE is its Service-Route, and within a dialog the route set; where it is
// not, it becomes so or the request is refused, as registration.route says (PCSCF-033, PCSCF-034).
// What was changed is told by change, in home. NONE, ROUTE_MISMATCH or INTERNAL.
enum reason admission_route(const struct forward *f, const struct sip_facts *facts, msg_t *msg,
                            sip_t *sip, struct admission_change *change, su_home_t *home);
// urn:service:sos and what is below it.
bool admission_is_emergency(const sip_t *sip);
// An emergency request of a UE takes the way that is configured: NONE, EMERGENCY_REFUSED,
// EMERGENCY_ELSEWHERE or INTERNAL.
enum reason admission_emergency(const struct forward *f, msg_t *msg, sip_t *sip,
                                struct admission_change *change, su_home_t *home);
// The body of a 380: application/3gpp-ims+xml (TS 24.229 7.6).
extern const char admission_alternative[];

// --- boundary.c -------------------------------------------------------------------------------

// A request or response of f crosses the trust boundary, coming from this side (policy.h). NONE or
// INTERNAL: it must not be sent.
enum reason boundary_cross(struct forward *f, enum side from, msg_t *msg, sip_t *sip);
// The same for a 2xx to the INVITE of a session that comes when its forward is gone.
enum reason boundary_cross_again(struct proxy *proxy, struct session *s, enum side from, msg_t *msg,
                                 sip_t *sip);

// --- cancel.c ---------------------------------------------------------------------------------

// CANCELs the INVITE of f downstream, once; line is a header line more, or NULL.
void cancel_downstream(struct forward *f, const char *line);
// A provisional response came, 100 too: a CANCEL that waited for it leaves.
void cancel_may_leave(struct forward *f);

// --- place.c ----------------------------------------------------------------------------------

// The first place of a name, with the others kept for f. False: nothing is known of it now.
bool place_find(struct forward *f, const struct locate_question *question, struct hop *hop);
// The same without a forward.
bool place_known(const struct proxy *proxy, const struct locate_question *question,
                 struct hop *hop);
// The next hop has failed before it answered anything: the request goes to the next place. False:
// there is none.
bool place_try_next(struct forward *f);

// --- own.c ------------------------------------------------------------------------------------

// The way of a request of our own: where it goes, or, with a host in question, what has to be found
// first; then hop is what is left when it cannot be.
struct own_way {
    enum side to;
    struct hop hop;
    struct locate_question question;
};
// The final response has come; NULL: none has, or the request could not be sent.
typedef void own_done_f(struct proxy *proxy, const sip_t *request, const sip_t *response);
// Sends a request within a session, or NULL, and takes it over. done and note, for the trace, may
// be NULL. 0; or, without a call of done, -ENOMEM or -EHOSTUNREACH.
int own_send(struct proxy *proxy, struct session *s, msg_t *msg, const struct own_way *way,
             own_done_f *done, const char *note);
// Lets go of what f keeps of a request of our own, if it is one.
void own_forget(struct forward *f);

// --- release.c --------------------------------------------------------------------------------

// struct session_ops of the proxy.
void release_send_bye(void *arg, struct session *s, enum side to, enum reason reason);
void release_fail_early(void *arg, struct session *s, enum reason reason);
// CANCELs the INVITE of f for a reason of ours.
void release_cancel(struct forward *f, enum reason reason);
// ACK to a 2xx that is not passed on (RFC 3261 13.2.2.4); then comes the BYE.
void release_ack(struct proxy *proxy, struct session *s, enum side to, uint32_t cseq);

// --- proxy.c ----------------------------------------------------------------------------------

// Answers the server transaction of f for a reason, with a Warning for people, and lets go of it.
void proxy_refuse(struct forward *f, enum reason reason, const char *text);
struct forward *proxy_forward_open(struct proxy *proxy, struct session *session);
// Frees f when neither transaction needs it any more.
void proxy_forward_settle(struct forward *f);
// The stack lets a transaction linger by itself once we are done with it.
void proxy_done_upstream(struct forward *f);
void proxy_done_downstream(struct forward *f);
// The final answer of our own; warning and one more header line may be NULL.
void proxy_answer(struct forward *f, int status, const char *warning, const char *extra);
// The same with a body and its type.
void proxy_answer_with(struct forward *f, int status, const char *warning, const char *extra,
                       const char *type, const char *body);

// Hands a request of f to the stack. False: it did not take it.
bool proxy_send(struct forward *f, msg_t *msg, const struct hop *hop, const struct listen *out);

// --- request.c, response.c --------------------------------------------------------------------

// Both take the message over.
void request_received(struct proxy *proxy, msg_t *msg, sip_t *sip);
// f no longer waits for an address. Nothing when it does not.
void request_unpark(struct forward *f);
void response_stray(struct proxy *proxy, msg_t *msg, sip_t *sip);
// Callback of the client transaction of a forward.
int response_received(struct forward *f, nta_outgoing_t *orq, sip_t const *sip);

#endif
