// SPDX-License-Identifier: GPL-3.0-or-later
// A call.
//
// Happy path, calling: START, PROVISIONAL, ANSWER, media, HANGUP, GONE. Happy path, called: INVITE,
// RING_OVER, ACK, media, BYE. In between either side may re-offer (re-INVITE, UPDATE).
// Failure paths: a refusal ends the call with UA_REFUSED, a BYE before media was through with
// UA_ENDED, an answer that is not legal with ACK and BYE (RFC 3261 13.2.2.4). A failed association
// is left to the P-CSCF to act on; only when it does not, this side hangs up.
// The call object lives until its owner frees it, which it is told to from a fresh turn of the
// loop.

#include "tests/ua/ua_call.h"

#include "common/fsm.h"
#include "tests/ua/ua_event.h"
#include "tests/ua/ua_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// After a failed association the P-CSCF is given this long to release the call itself.
#define RELEASE_WAIT_MS 5000
// The answer is that much later than a ClientHello which is to come before it: a busy machine is
// not that late, and DTLS does not repeat it before a second has passed.
#define EARLY_HELLO_MS 300
// Between the end of media and the BYE, so that the peer's media ends as well.
#define HANGUP_GRACE_MS 200
#define HOLD_MS 500
// Retry after 491 (RFC 3261 14.1): the owner of the Call-ID waits longer.
#define GLARE_OWNER_MIN_MS 2100
#define GLARE_OWNER_SPAN_MS 1900
#define GLARE_OTHER_SPAN_MS 2000

enum call_state {
    IDLE,
    CALLING,
    CANCELLING,
    OFFERED,  // an INVITE is here, unanswered
    ANSWERED, // our 200 waits for its ACK
    UP,
    REOFFERED,  // our re-INVITE or UPDATE is under way
    REANSWERED, // our 200 to a re-INVITE waits for its ACK
    LEAVING,    // our BYE is under way
    OVER,
    STATES
};

// Beyond the dialog's events.
enum call_event {
    CALL_START = DIALOG_EVENTS,
    CALL_RING_OVER, // time to answer
    CALL_REOFFER,   // time for what the plan says
    CALL_HANGUP,
    CALL_REFUSED_IT, // we answered an INVITE with an error
    CALL_EVENTS
};

enum { RING, PLAN, HANG, TIMERS };

struct call {
    struct call_env env;
    const struct ua_options *options;
    struct dialog *dialog;
    struct session *session;
    int state;
    bool caller;
    bool offer_was_ours;    // in the round under way
    bool answered;          // the first round is closed
    bool began, media_done; // of the lines that are not audio
    bool hangup_wanted;     // as soon as the ACK is here
    bool switched, reoffered;
    enum ua_reinvite plan;
    enum session_change plan_change; // CHANGE_FIRST: none
    bool plan_update;
    const char *answer; // ours, borrowed from the session
    uv_timer_t timers[TIMERS];
    unsigned open_timers;
    char why[SDP_WHY_MAX];
};

static const struct fsm call_fsm;

static void feed(struct call *c, int event_id, const struct dialog_message *m)
{
    // Actions only read the message; fsm_feed hands it through untouched.
    union {
        const struct dialog_message *in;
        void *out;
    } argument = {.in = m};
    fsm_feed(&call_fsm, &c->state, event_id, c, argument.out, dialog_call_id(c->dialog));
}

static void on_timer(uv_timer_t *timer)
{
    static const int events[TIMERS] = {CALL_RING_OVER, CALL_REOFFER, CALL_HANGUP};
    struct call *c = timer->data;

    if (c->state == OVER)
        c->env.over(c->env.arg, c);
    else
        feed(c, events[timer - c->timers], NULL);
}

static void after(struct call *c, int timer, unsigned ms)
{
    uv_timer_start(&c->timers[timer], on_timer, ms, 0);
}

// --- media --------------------------------------------------------------------------------------

static void on_media_began(void *arg)
{
    struct call *c = arg;
    const struct ua_options *o = c->options;

    c->began = session_has_work(c->session);
    bool wanted = o->update || (o->reinvite != REINVITE_NO && o->reinvite != REINVITE_REFUSE);
    if (!wanted || c->reoffered || !c->began)
        return;
    c->reoffered = true;
    c->plan_change = CHANGE_FIRST;
    c->plan = o->reinvite;
    c->plan_update = o->update;
    after(c, PLAN, o->reinvite_after_ms);
}

static void on_media_done(void *arg, bool ok)
{
    struct call *c = arg;

    if (!session_is_through(c->session))
        return;
    c->media_done = true;
    if (c->options->hangup == HANGUP_AFTER_MEDIA)
        after(c, HANG, HANGUP_GRACE_MS);
}

static void on_dtls_failed(void *arg)
{
    struct call *c = arg;

    if (!c->media_done)
        after(c, HANG, RELEASE_WAIT_MS);
}

static void media_up(struct call *c)
{
    const struct ua_options *o = c->options;

    event("call-up", "media=%s",
          session_has_work(c->session) ? session_work_name(c->session)
          : session_alive(c->session)  ? "audio"
                                       : "none");
    if (o->hangup == HANGUP_AFTER_MS)
        after(c, HANG, o->hangup_after_ms);
    if (o->switch_to != SWITCH_NO && !c->switched && !session_has_work(c->session)) {
        c->switched = true;
        c->plan_change = o->switch_to == SWITCH_IN_PLACE ? CHANGE_IN_PLACE : CHANGE_SECOND_LINE;
        after(c, PLAN, o->switch_after_ms);
    }
    session_run(c->session);
}

// --- endings ------------------------------------------------------------------------------------

static void finish(struct call *c)
{
    for (int i = 0; i < TIMERS; i++)
        uv_timer_stop(&c->timers[i]);
    session_report(c->session);
    after(c, HANG, 0);
}

static void act_over(void *object, void *message)
{
    finish(object);
}

static void act_bye(void *object, void *message)
{
    struct call *c = object;
    const struct dialog_message *m = message;
    bool echoes = c->options->media == MEDIA_ECHO || c->options->audio == AUDIO_ECHO;
    bool through = c->media_done || (echoes && c->began);

    event("bye-received", "reason=%s", event_quote(m->reason));
    if (session_has_work(c->session) && !through && !c->options->expect_bye)
        event_fail(UA_ENDED);
    finish(c);
}

static void act_hang_up(void *object, void *message)
{
    struct call *c = object;

    event("bye-sent", "media-done=%s", c->media_done ? "yes" : "no");
    if (c->options->expect_bye)
        event_fail(UA_ENDED);
    dialog_bye(c->dialog);
}

static void act_want_hangup(void *object, void *message)
{
    ((struct call *)object)->hangup_wanted = true;
}

static void act_no_ack(void *object, void *message)
{
    struct call *c = object;

    event_plain("ack-missing");
    event_fail(UA_ENDED);
    act_hang_up(c, NULL);
}

static void give_up(struct call *c, const char *what)
{
    event(what, "reason=%s", event_quote(c->why));
    event_fail(UA_REFUSED);
}

// --- calling ------------------------------------------------------------------------------------

static void act_ringing(void *object, void *message)
{
    struct call *c = object;
    const struct dialog_message *m = message;

    event("ringing", "status=%d sdp=%s", m->status, m->body ? "yes" : "no");
    if (c->options->cancel_after_ringing) {
        feed(c, CALL_HANGUP, NULL);
    } else if (m->body && c->offer_was_ours && !c->answered) {
        // A bad answer shows again in the 2xx, where it can be acted on.
        c->answered = session_answered(c->session, m->body, m->body_len, c->why) == 0;
    }
}

static void act_cancel(void *object, void *message)
{
    struct call *c = object;

    event_plain("cancel-sent");
    dialog_cancel(c->dialog);
}

static void act_cancelled(void *object, void *message)
{
    struct call *c = object;
    const struct dialog_message *m = message;

    event("cancelled", "status=%d", m->status);
    finish(c);
}

static void act_late_answer(void *object, void *message)
{
    struct call *c = object;

    dialog_ack(c->dialog, NULL);
    event_plain("answer-after-cancel");
    event_fail(UA_ENDED);
    act_hang_up(c, NULL);
}

static void act_refused(void *object, void *message)
{
    struct call *c = object;
    const struct dialog_message *m = message;

    event("refused", "status=%d phrase=%s reason=%s", m->status, event_quote(m->phrase),
          event_quote(m->reason));
    event_fail(UA_REFUSED);
    finish(c);
}

// The SDP of a 2xx: an answer to our offer, or an offer that our ACK answers. 0 or -EINVAL.
static int take_2xx(struct call *c, const struct dialog_message *m, const char **ack_body)
{
    *ack_body = NULL;
    if (!m->body) {
        snprintf(c->why, sizeof(c->why), "a 2xx without SDP");
        return c->answered ? 0 : -EINVAL;
    }
    if (!c->offer_was_ours)
        return session_answer(c->session, m->body, m->body_len, ack_body, c->why);
    if (c->answered)
        return 0;
    return session_answered(c->session, m->body, m->body_len, c->why);
}

static void act_answered(void *object, void *message)
{
    struct call *c = object;
    const struct dialog_message *m = message;
    const char *ack_body;

    int rc = take_2xx(c, m, &ack_body);
    if (!(c->options->misbehave & MIS_NO_ACK))
        dialog_ack(c->dialog, ack_body);
    if (rc != 0) {
        give_up(c, "bad-answer");
        feed(c, CALL_HANGUP, NULL);
        return;
    }
    c->answered = true;
    if (ack_body)
        session_commit(c->session);
    media_up(c);
    if (!session_alive(c->session)) // printed line by line when the answer was read
        feed(c, CALL_HANGUP, NULL);
}

static void act_start(void *object, void *message)
{
    struct call *c = object;
    event("offer-sent", "to=%s sdp=%s", event_quote(c->options->call),
          c->offer_was_ours ? "yes" : "no");
}

// --- being called -------------------------------------------------------------------------------

static void refuse(struct call *c, int status, const char *phrase)
{
    dialog_reply(c->dialog, status, phrase, NULL, false);
    feed(c, CALL_REFUSED_IT, NULL);
}

// Our SDP for an INVITE: the answer to its offer, or an offer when it has none.
static int make_answer(struct call *c, const struct dialog_message *m, bool first)
{
    c->offer_was_ours = m->body == NULL;
    if (!m->body) {
        c->answer = first ? session_offer(c->session, CHANGE_FIRST)
                          : session_reoffer(c->session, REINVITE_NO);
        snprintf(c->why, sizeof(c->why), "no offer can be made");
        return c->answer ? 0 : -EIO;
    }
    return session_answer(c->session, m->body, m->body_len, &c->answer, c->why);
}

static void commit(struct call *c)
{
    if (!c->offer_was_ours && !c->answered)
        session_commit(c->session);
    c->answered = !c->offer_was_ours;
}

// Until the answer. A ClientHello that is to overtake it leaves when it rings.
static void ring(struct call *c)
{
    unsigned ms = c->options->ring_ms;

    if (c->options->misbehave & MIS_EARLY_HELLO) {
        commit(c);
        ms = ms > EARLY_HELLO_MS ? ms : EARLY_HELLO_MS;
    }
    after(c, RING, ms);
}

static void act_invited(void *object, void *message)
{
    struct call *c = object;
    const struct dialog_message *m = message;
    const struct ua_options *o = c->options;

    if (o->reject != 0) {
        event("rejected", "status=%u", o->reject);
        refuse(c, (int)o->reject, "Refused");
        return;
    }
    if (make_answer(c, m, true) != 0) {
        give_up(c, "bad-offer");
        refuse(c, 488, "Not Acceptable Here");
        return;
    }
    if (o->sip.reliable && m->supports_100rel && !c->offer_was_ours) {
        event("answer-sent", "status=183 reliable=yes");
        dialog_reply(c->dialog, 183, "Session Progress", c->answer, true);
        commit(c);
    } else {
        dialog_reply(c->dialog, 180, "Ringing", NULL, false);
        ring(c);
    }
}

static void act_pracked(void *object, void *message)
{
    struct call *c = object;

    event_plain("prack-received");
    dialog_reply(c->dialog, 180, "Ringing", NULL, false);
    ring(c);
}

static void answer_now(struct call *c)
{
    event("answer-sent", "status=200 sdp=%s", c->offer_was_ours ? "offer" : "answer");
    dialog_reply(c->dialog, 200, "OK", c->answer, false);
    commit(c);
}

static void act_accept(void *object, void *message)
{
    answer_now(object);
}

static void act_cancel_received(void *object, void *message)
{
    struct call *c = object;
    const struct dialog_message *m = message;

    event("cancel-received", "reason=%s", event_quote(m->reason));
    if (!c->options->expect_bye)
        event_fail(UA_ENDED);
    finish(c);
}

static void act_decline(void *object, void *message)
{
    struct call *c = object;

    dialog_reply(c->dialog, 480, "Temporarily Unavailable", NULL, false);
    finish(c);
}

// The ACK brings the answer when the offer stood in our 200.
static bool take_ack(struct call *c, const struct dialog_message *m)
{
    if (!c->offer_was_ours)
        return true;
    snprintf(c->why, sizeof(c->why), "an ACK without SDP");
    c->answered = m->body && session_answered(c->session, m->body, m->body_len, c->why) == 0;
    if (c->answered)
        return true;
    give_up(c, "bad-answer");
    feed(c, CALL_HANGUP, NULL);
    return false;
}

static void act_acked(void *object, void *message)
{
    struct call *c = object;

    if (!take_ack(c, message))
        return;
    media_up(c);
    if (c->hangup_wanted)
        feed(c, CALL_HANGUP, NULL);
}

// --- later offers -------------------------------------------------------------------------------

static void act_reinvited(void *object, void *message)
{
    struct call *c = object;

    if (c->options->reinvite == REINVITE_REFUSE) {
        event("offer-refused", "status=488");
        refuse(c, 488, "Not Acceptable Here");
        return;
    }
    c->answered = false;
    if (make_answer(c, message, false) != 0) {
        event("bad-offer", "reason=%s", event_quote(c->why));
        refuse(c, 488, "Not Acceptable Here");
        return;
    }
    answer_now(c);
}

static void act_reacked(void *object, void *message)
{
    struct call *c = object;

    if (take_ack(c, message) && c->hangup_wanted)
        feed(c, CALL_HANGUP, NULL);
}

static void act_reinvite_cancelled(void *object, void *message)
{
    struct call *c = object;
    session_restore(c->session);
}

static void act_updated(void *object, void *message)
{
    struct call *c = object;
    const struct dialog_message *m = message;
    const char *answer = NULL;

    if (m->body && session_answer(c->session, m->body, m->body_len, &answer, c->why) != 0) {
        event("bad-offer", "reason=%s", event_quote(c->why));
        dialog_reply_update(c->dialog, 488, "Not Acceptable Here", NULL);
        return;
    }
    event("answer-sent", "status=200 method=UPDATE");
    dialog_reply_update(c->dialog, 200, "OK", answer);
    if (answer)
        session_commit(c->session);
}

static void act_update_glare(void *object, void *message)
{
    struct call *c = object;
    dialog_reply_update(c->dialog, 491, "Request Pending", NULL);
}

static const char *plan_name(const struct call *c)
{
    static const char *const names[] = {"",         "same", "new-id", "new-fingerprint",
                                        "new-port", "hold"};
    if (c->plan_change != CHANGE_FIRST)
        return c->plan_change == CHANGE_IN_PLACE ? "in-place" : "second-line";
    return c->plan_update ? "update" : names[c->plan];
}

static void act_reoffer(void *object, void *message)
{
    struct call *c = object;
    const char *body = c->plan_change != CHANGE_FIRST ? session_offer(c->session, c->plan_change)
                                                      : session_reoffer(c->session, c->plan);

    c->offer_was_ours = true;
    c->answered = false;
    int rc = !body            ? -EIO
             : c->plan_update ? dialog_update(c->dialog, body)
                              : dialog_reinvite(c->dialog, body);
    event("reoffer-sent", "change=%s", plan_name(c));
    if (rc == 0)
        return;
    event_fail(UA_SYSTEM);
    feed(c, CALL_HANGUP, NULL);
}

static void plan_resume(struct call *c)
{
    if (c->plan != REINVITE_HOLD)
        return;
    c->plan = REINVITE_SAME;
    after(c, PLAN, HOLD_MS);
}

static void act_reoffer_answered(void *object, void *message)
{
    struct call *c = object;
    const struct dialog_message *m = message;
    const char *ack_body;
    bool by_update = c->plan_update;

    int rc = take_2xx(c, m, &ack_body);
    if (!by_update)
        dialog_ack(c->dialog, NULL);
    c->answered = true;
    c->plan_update = false;
    event("reoffer-answered", "change=%s status=%d", by_update ? "update" : plan_name(c),
          m->status);
    if (rc != 0) {
        give_up(c, "bad-answer");
        feed(c, CALL_HANGUP, NULL);
        return;
    }
    c->plan_change = CHANGE_FIRST;
    plan_resume(c);
}

static void act_reoffer_refused(void *object, void *message)
{
    struct call *c = object;
    const struct dialog_message *m = message;

    session_restore(c->session);
    c->answered = true;
    if (m->status == 491) {
        unsigned wait = c->caller ? GLARE_OWNER_MIN_MS + arc4random_uniform(GLARE_OWNER_SPAN_MS)
                                  : arc4random_uniform(GLARE_OTHER_SPAN_MS);
        event("glare", "retry-ms=%u", wait);
        after(c, PLAN, wait);
        return;
    }
    event("reoffer-refused", "change=%s status=%d", plan_name(c), m->status);
    event_fail(UA_REFUSED);
    if (m->status == 481 || m->status == 408) // the dialog is gone (RFC 3261 14.1)
        feed(c, CALL_HANGUP, NULL);
}

static void act_reoffer_later(void *object, void *message)
{
    after(object, PLAN, 1 + arc4random_uniform(GLARE_OTHER_SPAN_MS));
}

// --- the table ----------------------------------------------------------------------------------

static const struct fsm_row rows[] = {
    {IDLE, CALL_START, act_start, CALLING},
    {IDLE, DIALOG_INVITE, act_invited, OFFERED},

    {CALLING, DIALOG_PROVISIONAL, act_ringing, CALLING},
    {CALLING, DIALOG_ANSWER, act_answered, UP},
    {CALLING, DIALOG_REFUSAL, act_refused, OVER},
    {CALLING, DIALOG_UPDATE, act_update_glare, CALLING},
    {CALLING, DIALOG_BYE, act_bye, OVER},
    {CALLING, CALL_HANGUP, act_cancel, CANCELLING},
    {CANCELLING, DIALOG_PROVISIONAL, NULL, CANCELLING},
    {CANCELLING, DIALOG_REFUSAL, act_cancelled, OVER},
    {CANCELLING, DIALOG_ANSWER, act_late_answer, LEAVING},
    {CANCELLING, CALL_HANGUP, NULL, CANCELLING},

    {OFFERED, DIALOG_PRACK, act_pracked, OFFERED},
    {OFFERED, CALL_RING_OVER, act_accept, ANSWERED},
    {OFFERED, DIALOG_CANCEL, act_cancel_received, OVER},
    {OFFERED, DIALOG_NO_ACK, act_decline, OVER},
    {OFFERED, DIALOG_BYE, act_bye, OVER},
    {OFFERED, CALL_HANGUP, act_decline, OVER},
    {OFFERED, CALL_REFUSED_IT, act_over, OVER},
    {ANSWERED, DIALOG_ACK, act_acked, UP},
    {ANSWERED, DIALOG_NO_ACK, act_no_ack, LEAVING},
    {ANSWERED, DIALOG_CANCEL, NULL, ANSWERED}, // it crossed our 200
    {ANSWERED, DIALOG_BYE, act_bye, OVER},
    {ANSWERED, CALL_HANGUP, act_want_hangup, ANSWERED},

    {UP, DIALOG_ANSWER, NULL, UP}, // repeated because of --misbehave=no-ack
    {UP, DIALOG_INVITE, act_reinvited, REANSWERED},
    {UP, DIALOG_UPDATE, act_updated, UP},
    {UP, DIALOG_BYE, act_bye, OVER},
    {UP, CALL_REOFFER, act_reoffer, REOFFERED},
    {UP, CALL_HANGUP, act_hang_up, LEAVING},

    {REOFFERED, DIALOG_PROVISIONAL, NULL, REOFFERED},
    {REOFFERED, DIALOG_ANSWER, act_reoffer_answered, UP},
    {REOFFERED, DIALOG_REFUSAL, act_reoffer_refused, UP},
    {REOFFERED, DIALOG_UPDATE_ANSWER, act_reoffer_answered, UP},
    {REOFFERED, DIALOG_UPDATE_REFUSAL, act_reoffer_refused, UP},
    {REOFFERED, DIALOG_UPDATE, act_update_glare, REOFFERED},
    {REOFFERED, DIALOG_BYE, act_bye, OVER},
    {REOFFERED, CALL_HANGUP, act_hang_up, LEAVING},

    {REANSWERED, DIALOG_ACK, act_reacked, UP},
    {REANSWERED, DIALOG_NO_ACK, act_no_ack, LEAVING},
    {REANSWERED, DIALOG_CANCEL, act_reinvite_cancelled, UP},
    {REANSWERED, DIALOG_UPDATE, act_update_glare, REANSWERED},
    {REANSWERED, DIALOG_BYE, act_bye, OVER},
    {REANSWERED, CALL_REOFFER, act_reoffer_later, REANSWERED},
    {REANSWERED, CALL_HANGUP, act_want_hangup, REANSWERED},
    {REANSWERED, CALL_REFUSED_IT, NULL, UP},

    {LEAVING, DIALOG_GONE, act_over, OVER},
    {LEAVING, DIALOG_BYE, NULL, LEAVING}, // both hang up at once
    {LEAVING, DIALOG_ACK, NULL, LEAVING},
    {LEAVING, DIALOG_NO_ACK, NULL, LEAVING},
    {LEAVING, DIALOG_REFUSAL, NULL, LEAVING},
    {LEAVING, DIALOG_UPDATE_REFUSAL, NULL, LEAVING},
    {LEAVING, CALL_HANGUP, NULL, LEAVING},

    {OVER, DIALOG_ACK, NULL, OVER},
    {OVER, DIALOG_NO_ACK, NULL, OVER},
    {OVER, DIALOG_REFUSAL, NULL, OVER},
    {OVER, DIALOG_BYE, NULL, OVER},
    {OVER, CALL_HANGUP, NULL, OVER},
};

static const char *const state_names[STATES] = {
    "idle", "calling",   "cancelling", "offered", "answered",
    "up",   "reoffered", "reanswered", "leaving", "over",
};

static const char *const event_names[CALL_EVENTS] = {
    "INVITE",    "18x",     "2xx",           "refusal",        "ACK", "no ACK",   "CANCEL",
    "PRACK",     "UPDATE",  "2xx to UPDATE", "UPDATE refused", "BYE", "BYE done", "start",
    "ring over", "reoffer", "hangup",        "refused it",
};

static const struct fsm call_fsm = {
    .name = "call",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .state_names = state_names,
    .event_names = event_names,
};

// --- birth and death ----------------------------------------------------------------------------

static void on_dialog_event(void *arg, enum dialog_event event_id, const struct dialog_message *m)
{
    feed(arg, (int)event_id, m);
}

static struct call *new_call(const struct call_env *env, bool caller)
{
    struct call *c = calloc(1, sizeof(*c));
    struct media_user user = {c, on_media_began, on_media_done, on_dtls_failed};

    if (!c || session_open(&c->session, &env->loop->uv, env->options, &user) != 0) {
        free(c);
        return NULL;
    }
    c->env = *env;
    c->options = env->options;
    c->caller = caller;
    for (; c->open_timers < TIMERS; c->open_timers++) {
        uv_timer_init(&env->loop->uv, &c->timers[c->open_timers]);
        c->timers[c->open_timers].data = c;
    }
    return c;
}

int call_start(struct call **out, const struct call_env *env)
{
    struct call *c = new_call(env, true);
    struct dialog_user user = {c, on_dialog_event};
    const char *body = NULL;
    int rc = 0;

    if (!c)
        return -ENOMEM;
    c->offer_was_ours = !env->options->offerless;
    if (c->offer_was_ours && !(body = session_offer(c->session, CHANGE_FIRST)))
        rc = -EIO;
    if (rc == 0)
        rc = dialog_call(&c->dialog, env->sip, env->options->call, &user, body);
    if (rc != 0) {
        call_free(c);
        return rc;
    }
    *out = c;
    feed(c, CALL_START, NULL);
    return 0;
}

struct call *call_incoming(const struct call_env *env, struct dialog *dialog, const char *from,
                           struct dialog_user *user)
{
    struct call *c = new_call(env, false);

    if (!c)
        return NULL;
    c->dialog = dialog;
    *user = (struct dialog_user){c, on_dialog_event};
    event("call-received", "from=%s", event_quote(from));
    return c;
}

void call_hangup(struct call *call)
{
    feed(call, CALL_HANGUP, NULL);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct call *c = handle->data;
    if (--c->open_timers == 0)
        free(c);
}

void call_free(struct call *call)
{
    if (!call)
        return;
    session_close(call->session);
    dialog_free(call->dialog);
    for (int i = 0; i < TIMERS; i++)
        uv_close((uv_handle_t *)&call->timers[i], on_timer_closed);
}
