// SPDX-License-Identifier: GPL-3.0-or-later
// What a session waits for while nothing is said: that the parties refresh it (RFC 4028), that
// media come back after a silence, or by a new offer after a loss, and that its trace may be
// packed.
//
// Failure paths: a session that nobody refreshes is forgotten without a BYE, which is for the
// parties to send (RFC 4028 8.3); a call without a session timer that lasts longer than it may is
// released; a stream that stays silent for the guard time is lost.
#include "alg/session_internal.h"

#include "common/log.h"

// A BYE of the parties may take this long after the expiry: 64 * T1 (RFC 3261 17.1.2.2).
#define EXPIRY_GRACE_T1 64

// What was recorded is packed when nothing was added for a while: a short call is over before, and
// for a longer one packing costs far less than its media.
#define QUIET_MS 5000

static void stop(struct timer **timer)
{
    timer_cancel(*timer);
    *timer = NULL;
}

static void on_expired(void *arg)
{
    struct session *s = arg;
    s->expiry_timer = NULL;
    s->reason = REASON_SESSION_EXPIRED;
    reason_count(s->reason);
    session_feed(s, FORGET);
}

void session_watch_expiry(struct session *s, uint32_t expires_s)
{
    uint64_t grace_ms = (uint64_t)EXPIRY_GRACE_T1 * s->all->cfg->sip.t1_ms;
    stop(&s->expiry_timer);
    if (expires_s > 0)
        s->expiry_timer = timer_start(s->all->loop, expires_s * 1000ull + grace_ms, on_expired, s);
}

static void on_life(void *arg)
{
    struct session *s = arg;
    s->life_timer = NULL;
    if (s->expiry_timer) // the parties see to it, for the time being
        session_watch_life(s);
    else
        session_fail(s, REASON_CALL_TOO_LONG);
}

void session_watch_life(struct session *s)
{
    unsigned seconds = s->all->cfg->sip.call_max_s;
    stop(&s->life_timer);
    if (seconds > 0)
        s->life_timer = timer_start(s->all->loop, seconds * UINT64_C(1000), on_life, s);
}

static uint64_t bit_of(unsigned stream)
{
    return 1ull << (stream - 1) % 64;
}

// One after the other: the last one may take the session along, which stops the watch.
static void on_guard(void *arg)
{
    struct session *s = arg;
    s->guard_timer = NULL;
    session_ref(s);
    for (unsigned stream = 1; s->silent; stream++) {
        bool silent = s->silent & bit_of(stream);
        s->silent &= ~bit_of(stream);
        if (silent)
            session_stream_lost(s, stream, REASON_MEDIA_INACTIVE);
    }
    session_unref(s);
}

void session_watch_silence(struct session *s, unsigned stream, bool silent)
{
    uint64_t bit = bit_of(stream);
    unsigned guard_ms = s->all->cfg->agw.media_guard_ms;
    if (silent && guard_ms == 0) {
        session_stream_lost(s, stream, REASON_MEDIA_INACTIVE);
        return;
    }
    s->silent = silent ? s->silent | bit : s->silent & ~bit;
    if (!s->silent)
        stop(&s->guard_timer);
    else if (!s->guard_timer)
        s->guard_timer = timer_start(s->all->loop, guard_ms, on_guard, s);
}

static void on_return_timeout(void *arg)
{
    struct session *s = arg;
    s->return_timer = NULL;
    if (!negotiation_lives(exchange_negotiation(s->exchange)))
        session_fails(s, REASON_BEARER_RELEASED);
}

bool session_watch_return(struct session *s)
{
    unsigned seconds = s->all->cfg->bfcp.reestablish_s;
    if (s->state != UP || !seconds || !negotiation_may_return(exchange_negotiation(s->exchange)))
        return false;
    stop(&s->return_timer);
    s->return_timer = timer_start(s->all->loop, seconds * UINT64_C(1000), on_return_timeout, s);
    session_trace_note(s->trace, "RFC 8855 6.1", "lost; may be offered anew within %u s", seconds);
    return s->return_timer != NULL;
}

void session_watch_again(struct session *s)
{
    s->silent = 0;
    stop(&s->guard_timer);
}

static void on_quiet(void *arg)
{
    struct session *s = arg;
    s->quiet_timer = NULL;
    trace_settle(s->trace);
}

void session_watch_quiet(struct session *s)
{
    stop(&s->quiet_timer);
    if (s->state == ENDED || !s->trace)
        return;
    s->quiet_timer = timer_start(s->all->loop, QUIET_MS, on_quiet, s);
    timer_in_background(s->quiet_timer);
}

void session_watch_stop(struct session *s)
{
    stop(&s->quiet_timer);
    stop(&s->expiry_timer);
    stop(&s->life_timer);
    stop(&s->return_timer);
    stop(&s->lost_timer);
    session_watch_again(s);
}
