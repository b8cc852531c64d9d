// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_SESSION_INTERNAL_H
#define ALG_SESSION_INTERNAL_H
// Shared by the files of the sessions: their life (session.c), the messages of their dialogs
// (session_dialog.c), their branches (session_fork.c), what they wait for (session_watch.c), and
// their UE (session_ue.c).

#include "alg/index.h"
#include "alg/session.h"
#include "alg/session_trace.h"
#include "alg/timer.h"

enum session_state { EARLY, ANSWERED, UP, DEFERRED, CLOSING, ENDED };
enum session_event {
    ANSWER,
    ACKED,
    REFUSED,
    CLOSE,
    CLOSED,
    FAIL,
    ACK_TIMEOUT,
    LOST,   // signalling towards the UE
    FORGET, // nobody expects a BYE
};

// 119 bits: nobody guesses his way into another leg.
#define TOKEN_LEN 20
struct sessions {
    const struct config *cfg;
    struct agw *agw;
    uv_loop_t *loop;
    struct session_ops ops;
    struct tap *tap; // NULL: nobody looks on
    struct index *by_token;
    struct index *by_context;
    struct recent *recent;
    struct sessions_totals totals;
};

struct session {
    struct sessions *all;
    unsigned refs;
    char token[TOKEN_LEN + 1];
    char id[TOKEN_LEN + 16]; // for the log
    int state;               // enum session_state
    enum side caller;
    enum reason reason;    // why it ended
    double started, ended; // wall clock, in seconds
    struct record *record; // made when it ended, while the AGW still knew its streams
    char *call_id;
    struct party party[2];
    struct policy_memory policy;
    char *dialog;         // the tag of the callee whose 2xx came first or is kept; NULL: none yet
    struct rival *rivals; // branches that answered as well, in their order
    const void *ue;       // as in session_setup
    void *user;
    struct iq iq;
    // AGW contexts it is found by: one, and another when all its media had gone and new ones came
    uint32_t *contexts;
    unsigned context_count;
    struct exchange *exchange;
    unsigned released; // streams the AGW has reported released
    bool listed;       // in the table by token

    struct timer *ack_timer;
    struct timer *retire_timer;
    struct timer *return_timer; // lost media may come back until then
    struct timer *expiry_timer; // session timer (RFC 4028)
    struct timer *lost_timer;   // the UE may come back until then
    struct timer *life_timer;   // the longest that a call without one may last
    struct timer *guard_timer;  // some stream is silent
    struct timer *quiet_timer;  // its trace is to be packed then
    uint64_t silent;            // streams, as bits: a context has 64 at most
    struct trace *trace;
};

// --- session.c --------------------------------------------------------------------------------

void session_feed(struct session *s, enum session_event event);
// As session_fail(), for what has been counted already.
void session_fails(struct session *s, enum reason reason);
// The AGW context of the session may be a new one: it will be found by its number. 0 or -ENOMEM.
int session_own_context(struct session *s);
// A stream is gone for the session; the last one takes it along.
void session_stream_lost(struct session *s, unsigned stream, enum reason reason);

// --- session_fork.c ---------------------------------------------------------------------------

// An early dialog has ended by a 199 (RFC 6228).
void session_fork_ended(struct session *s, const struct sip_facts *facts);
// A request came; other: it is not of the dialog of the session. Returns whether it is of another
// one now: a BYE may end one branch of several, and make another one the session.
bool session_fork_request(struct session *s, const struct sip_facts *facts, bool other);
void session_fork_clear(struct session *s);

// --- session_watch.c --------------------------------------------------------------------------

// What a 2xx to INVITE or UPDATE says of the session timer; 0: there is none.
void session_watch_expiry(struct session *s, uint32_t expires_s);
// The call has been answered: its life is bounded where sip.call_max_s says so.
void session_watch_life(struct session *s);
// The AGW says that a stream is silent, or that it no longer is.
void session_watch_silence(struct session *s, unsigned stream, bool silent);
// All media are lost, but some may be offered anew (REQ-144): then the session waits. False:
// nothing can come back, or the session is not the one to wait.
bool session_watch_return(struct session *s);
// New media were agreed: silence counts anew.
void session_watch_again(struct session *s);
// Something was recorded, and perhaps no more for a while.
void session_watch_quiet(struct session *s);
void session_watch_stop(struct session *s);

#endif
