// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_SESSION_H
#define ALG_SESSION_H
// One session: an INVITE dialog through the P-CSCF with its offers and answers, its AGW context and
// its trace. It knows nothing of the SIP library: it is told facts and says what the body becomes;
// what it wants sent goes out through struct session_ops.

#include "agw/agw.h"
#include "alg/exchange.h"
#include "alg/party.h"
#include "alg/policy_memory.h"
#include "alg/recent.h"
#include "alg/record.h"
#include "alg/side.h"
#include "alg/tap.h"
#include "common/config.h"
#include "common/reason.h"

#include <uv.h>

struct session;
struct sessions;

// The hands of a session. All are called with the session still whole.
struct session_ops {
    // A BYE to the party on this side, in the name of the other one, with a Reason header field.
    void (*send_bye)(void *arg, struct session *s, enum side to, enum reason reason);
    // The INVITE is still open: final answer upstream, CANCEL downstream (TS 24.229 5.2.8.1.1).
    void (*fail_early)(void *arg, struct session *s, enum reason reason);
    // Is this Record-Route URI one of ours?
    bool (*own_route)(void *arg, const char *uri);
    // The UE has a connection again, or never needed one.
    bool (*reachable)(void *arg, const struct session *s);
    void *arg;
};

// --- all sessions -----------------------------------------------------------------------------

// cfg, agw and loop are borrowed and outlive the table. NULL: no memory.
struct sessions *sessions_open(const struct config *cfg, struct agw *agw, uv_loop_t *loop,
                               struct session_ops ops);
// Who looks on from outside, borrowed. None until then.
void sessions_set_tap(struct sessions *all, struct tap *tap);
// All sessions must have ended, or are dropped without a word. NULL is allowed.
void sessions_close(struct sessions *all);
unsigned sessions_count(const struct sessions *all);
// How many there ever were.
struct sessions_totals {
    uint64_t opened[2];           // by the side of the caller
    uint64_t ended[REASON_COUNT]; // by why; NONE: a party released it
};
const struct sessions_totals *sessions_totals(const struct sessions *all);
// visit may not end sessions.
void sessions_each(const struct sessions *all, void (*visit)(void *session, void *arg), void *arg);
// Those that ended lately.
const struct recent *sessions_recent(const struct sessions *all);
// By the token of our Record-Route entries. NULL: unknown.
struct session *sessions_find(struct sessions *all, const char *token);
// Some session that has not ended is that of a UE at this address, over TCP or TLS. Looks at all.
bool sessions_any_at(const struct sessions *all, const struct addr *remote);
// Hand-over of what the AGW reports; unknown contexts are counted (REQ-106).
void sessions_notification(struct sessions *all, const struct agw_notification *notification);
// The connection of the UE at this address has closed (PCSCF-081): of its sessions those that are
// being set up end, towards the core only (TS 24.229 5.2.8.1.1); the others are released so when
// the UE has not come back after sip.return_s (TS 24.229 5.2.8.1.2). ue: whose registration is on
// that connection; NULL: nobody's.
void sessions_flow_closed(struct sessions *all, const void *ue, const struct addr *remote);
// The registration of the UE is gone: nobody expects a BYE (TS 24.229 5.2.8.1.4).
void sessions_forget(struct sessions *all, const void *ue, enum reason reason);
// Ends every session (REASON_SHUTDOWN on the way down).
void sessions_end_all(struct sessions *all, enum reason reason);

// --- one session ------------------------------------------------------------------------------

struct session_setup {
    enum side caller;   // the side the INVITE came from
    unsigned mediasec;  // mechanisms agreed with the UE
    bool confidential;  // nobody reads the SIP of the UE on its way
    const void *ue;     // whose registration it is, to end it with; NULL: none
    struct addr hop[2]; // next hop of each side: SIP source of the caller, next hop of the callee
    bool tcp[2];
    unsigned listen[2]; // numbers of the listening points
};

// A new INVITE. The caller of this function holds a reference. NULL: no memory, or sessions_max.
struct session *session_open(struct sessions *all, const struct session_setup *setup,
                             const struct sip_facts *invite);
void session_ref(struct session *s);
void session_unref(struct session *s);

const char *session_token(const struct session *s);
const void *session_ue(const struct session *s); // as in its setup; valid while it has not ended
const char *session_call_id(const struct session *s);
// What the owner of the ops ties to the session: the forward of the INVITE while it is open.
void session_set_user(struct session *s, void *user);
void *session_user(const struct session *s);
const struct party *session_party(const struct session *s, enum side side);
enum side session_caller(const struct session *s);
// What the trust boundary keeps of this dialog.
struct policy_memory *session_policy(struct session *s);
bool session_ended(const struct session *s);
// The dialog that was answered, and none of another branch.
bool session_in_dialog(const struct session *s, const struct sip_facts *facts);
// The request that opened it went on to another place on this side.
void session_set_hop(struct session *s, enum side side, const struct addr *hop, bool tcp);

// A request within its dialog came from the UE over TCP or TLS, from this address at this listening
// point: that is where it is from now on. ue: whose registration is there now; NULL: nobody's.
void session_moved(struct session *s, const void *ue, const struct addr *source, unsigned listen);

// What is to be known of it now. The caller's; NULL: no memory.
struct record *session_record(const struct session *s);
double session_started(const struct session *s); // as in a record
const struct trace *session_trace(const struct session *s);

// A request of this session came in from `from`. id->offered is filled.
void session_request(struct session *s, enum side from, const struct sip_facts *facts,
                     struct exchange_request *id, struct exchange_verdict *verdict);
// A response to request id came in from the other side. With a reason the response must not be
// forwarded: the session has already been told to fail (fail_early, or BYEs).
void session_response(struct session *s, const struct exchange_request *id,
                      const struct sip_facts *facts, struct exchange_verdict *verdict);
// A 2xx to the INVITE came outside its transaction: again, or of another branch, which is kept in
// mind (RFC 3261 13.2.2.4). Gives the body to send; "" where it has none.
void session_late_answer(struct session *s, const struct sip_facts *facts,
                         struct exchange_verdict *verdict);
// A header field that was changed at the trust boundary, for the trace: whole lines or NULL.
void session_field_changed(struct session *s, const char *before, const char *after,
                           const char *clause);
// What went out, for the trace.
void session_sent(struct session *s, enum side to, const struct sip_facts *facts, const char *note);
// The caller cancelled.
void session_cancelled(struct session *s);
// A request could not be forwarded, or a final response came without one from the far end.
void session_local_final(struct session *s, const struct exchange_request *id, int status);
// Ends it for a reason of our own.
void session_fail(struct session *s, enum reason reason);

#endif
