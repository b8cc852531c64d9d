// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: Reserve and Configure tell the points their roles; a connection that comes on one
// point starts the one on the other, when that was asked for; once both are open, and all paths
// known where MSRP is rewritten, bytes flow. Each event moves what one read gives: read, decrypt,
// rewrite (MSRP), encrypt, send. What the other side does not take waits, and its source is not
// read meanwhile.
//
// An end of the stream travels like its last byte: FIN on one side becomes close_notify and FIN on
// the other behind what waits, and the other direction goes on until it ends too or has been silent
// for RELAY_HALF_CLOSED_US. The end of TLS is the end of both directions, whatever the version
// (RFC 5246 7.2.1, REQ-069): TLS 1.2 knows no half-closed session. With RST nothing more can be
// said to that side. When all is said the ALG is told, once.
//
// Failure paths: a point that cannot be established, TLS where there should be none or the other
// way round, broken MSRP: counted, told once, both points closed. From then on nothing happens
// before the ALG orders a new connection or releases the stream.

#include "agw/relay.h"

#include "agw/deadline.h"
#include "agw/msrp.h"
#include "agw/relay_paths.h"
#include "agw/stream.h"
#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Reads per event and direction: a quarter of a megabyte, some 200 us, the longest that others have
// to wait for.
#define RELAY_ROUNDS 4
// How long the second direction may be silent when the first has ended.
#define RELAY_HALF_CLOSED_US (30 * 1000000ull)

// What comes in on one termination, towards the other.
struct flow {
    struct msrp_rewriter *rewriter; // NULL: bytes pass as they are
    uint8_t *held;                  // plaintext that could not be passed on; NULL: none
    size_t held_at, held_len;
    bool ended; // its source has no more to say
};

struct relay {
    struct stream *stream;
    struct tcp_point point[2];
    struct flow flow[2];
    struct relay_paths paths;
    bool aware;
    bool flowing;
    bool over;       // the ALG knows, or nobody is to know
    bool renewed[2]; // began anew for the sake of the other point: its own order is to come
    bool end_seen;   // one direction has ended
    enum agw_termination end_at; // ... that of this termination was first
    uint64_t progress_us;        // when something moved last
    uint64_t due_us;             // half-closed for too long
};

static uint64_t now(const struct relay *r)
{
    return r->stream->media->now_us;
}

static int index_of(const struct tcp_point *p)
{
    return p->termination;
}

static void watch_both(struct relay *r)
{
    tcp_point_watch(&r->point[AGW_T1]);
    tcp_point_watch(&r->point[AGW_T2]);
}

// --- telling ------------------------------------------------------------------------------------

static void clear_flows(struct relay *r)
{
    for (int t = AGW_T1; t <= AGW_T2; t++) {
        msrp_rewriter_close(r->flow[t].rewriter);
        free(r->flow[t].held);
        r->flow[t] = (struct flow){0};
    }
}

static void close_both(struct relay *r)
{
    r->flowing = false;
    r->due_us = DEADLINE_NEVER;
    clear_flows(r);
    tcp_point_close(&r->point[AGW_T1]);
    tcp_point_close(&r->point[AGW_T2]);
}

static bool is_wanted(const struct tcp_point *p, enum agw_event event)
{
    return event == AGW_TCP_FAILURE    ? p->notify_tcp
           : event == AGW_DTLS_FAILURE ? p->notify_dtls
                                       : true;
}

void relay_failed(struct tcp_point *p, enum agw_event event, enum reason reason, const char *text)
{
    struct relay *r = p->relay;
    if (r->over)
        return;
    r->over = true;
    reason_count(reason);
    stream_tell(&r->stream->point[p->termination][0],
                &(struct telling){.event = is_wanted(p, event) ? event : AGW_DROPPED,
                                  .reason = reason,
                                  .address = addr_is_set(&p->peer) ? &p->peer : &p->remote,
                                  .text = text});
    close_both(r);
}

// --- ends ---------------------------------------------------------------------------------------

static bool is_done(const struct flow *f)
{
    return f->ended && !f->held;
}

// Everything of this direction was handed to the other point: that hears of the end.
static void hand_over_end(struct relay *r, int t)
{
    if (!is_done(&r->flow[t]) || r->over)
        return;
    if (is_done(&r->flow[!t]))
        relay_failed(&r->point[r->end_at], AGW_BEARER_RELEASED, REASON_BEARER_RELEASED, NULL);
    else
        tcp_point_finish(&r->point[!t]);
}

static void end_flow(struct relay *r, int t)
{
    if (r->flow[t].ended)
        return;
    if (!r->end_seen)
        r->end_at = (enum agw_termination)t;
    r->end_seen = true;
    r->flow[t].ended = true;
    r->progress_us = now(r);
    r->due_us = r->progress_us + RELAY_HALF_CLOSED_US;
    stream_rearm(r->stream);
}

// Nothing can be said to that side any more, so nothing needs to be heard for it.
void relay_gone(struct tcp_point *p)
{
    struct relay *r = p->relay;
    int t = index_of(p);
    if (r->over)
        return;
    if (!r->flowing && !p->outbound) {
        tcp_point_again(p);
        return;
    }
    end_flow(r, t);
    end_flow(r, !t);
    free(r->flow[!t].held);
    r->flow[!t].held = NULL;
    hand_over_end(r, t);
    if (!r->over)
        tcp_point_close(p);
}

// --- bytes --------------------------------------------------------------------------------------

// The connection towards the reader is broken. With TLS 1.3 what the peer said before may be that
// it refuses us.
static void broken(struct tcp_point *p)
{
    const uint8_t *data;
    size_t len;
    if (p->secured)
        (void)tcp_point_read(p, &data, &len);
    relay_gone(p);
}

// Puts bytes of direction t into the shape of the other side and sends them until something waits
// there. Returns how many are dealt with: all of them when the stream has ended over it.
static size_t put_rewritten(struct relay *r, int t, const uint8_t *data, size_t len)
{
    struct tcp_point *to = &r->point[!t];
    uint8_t *text = r->stream->media->rooms->text;
    size_t at = 0;
    while (at < len && !tcp_point_blocked(to)) {
        size_t consumed, produced;
        int rc = msrp_rewrite(r->flow[t].rewriter, data + at, len - at, &consumed, text, RELAY_READ,
                              &produced);
        at += consumed;
        if (produced > 0 && !tcp_point_write(to, text, produced)) {
            broken(to);
            return len;
        }
        if (rc < 0) {
            relay_failed(&r->point[t], AGW_BEARER_RELEASED,
                         rc == -ENOMEM ? REASON_AGW_NO_RESOURCE : REASON_MSRP_FRAMING, NULL);
            return len;
        }
    }
    return at;
}

static size_t put_as_it_is(struct relay *r, int t, const uint8_t *data, size_t len)
{
    struct tcp_point *to = &r->point[!t];
    if (!tcp_point_write(to, data, len))
        broken(to);
    return len;
}

static size_t put(struct relay *r, int t, const uint8_t *data, size_t len)
{
    if (!r->flowing || tcp_point_blocked(&r->point[!t]))
        return 0;
    r->progress_us = now(r);
    size_t done =
        r->flow[t].rewriter ? put_rewritten(r, t, data, len) : put_as_it_is(r, t, data, len);
    if (!r->over)
        stream_passed(&r->stream->point[t][0], done);
    return done;
}

static void hold(struct relay *r, int t, const uint8_t *data, size_t len)
{
    struct flow *f = &r->flow[t];
    f->held = malloc(len);
    if (!f->held) {
        relay_failed(&r->point[t], AGW_BEARER_RELEASED, REASON_AGW_NO_RESOURCE, NULL);
        return;
    }
    memcpy(f->held, data, len);
    f->held_at = 0;
    f->held_len = len;
}

static void pass(struct relay *r, int t, const uint8_t *data, size_t len)
{
    size_t done = put(r, t, data, len);
    if (done < len)
        hold(r, t, data + done, len - done);
}

static void pass_held(struct relay *r, int t)
{
    struct flow *f = &r->flow[t];
    if (!f->held)
        return;
    size_t done = put(r, t, f->held + f->held_at, f->held_len - f->held_at);
    if (!f->held)
        return; // the stream has ended over it
    f->held_at += done;
    if (f->held_at < f->held_len)
        return;
    free(f->held);
    f->held = NULL;
    hand_over_end(r, t);
}

static void pump(struct relay *r, int t)
{
    struct tcp_point *from = &r->point[t];
    for (int i = 0; i < RELAY_ROUNDS && relay_wants(from); i++) {
        const uint8_t *data;
        size_t len;
        enum tcp_read rc = tcp_point_read(from, &data, &len);
        if (len > 0 && !r->over)
            pass(r, t, data, len);
        if (rc == TCP_READ_MORE)
            continue;
        if (rc == TCP_READ_END) {
            end_flow(r, t);
            hand_over_end(r, t);
        } else if (rc == TCP_READ_GONE) {
            relay_gone(from);
        }
        return;
    }
}

bool relay_wants(const struct tcp_point *p)
{
    const struct relay *r = p->relay;
    const struct flow *f = &r->flow[index_of(p)];
    const struct tcp_point *to = &r->point[!index_of(p)];
    if (r->over)
        return false;
    if (!r->flowing)
        return !p->secured && !p->begun;
    return !f->ended && !f->held && !tcp_point_blocked(to) &&
           sendqueue_waiting(&p->queue) <= RELAY_ANSWERS_MAX;
}

bool relay_passes_tls(const struct tcp_point *p)
{
    const struct tcp_point *to = &p->relay->point[!index_of(p)];
    return !p->relay->aware && !p->secured && to->reserved && !to->secured;
}

void relay_readable(struct tcp_point *p)
{
    struct relay *r = p->relay;
    if (r->flowing)
        pump(r, index_of(p));
    else if (!r->over)
        tcp_point_peek(p);
    watch_both(r);
}

void relay_writable(struct tcp_point *p)
{
    struct relay *r = p->relay;
    int t = !index_of(p);
    r->progress_us = now(r);
    pass_held(r, t);
    if (r->flowing)
        pump(r, t);
    watch_both(r);
}

void relay_receive(struct tcp_point *p, const uint8_t *data, size_t len)
{
    struct relay *r = p->relay;
    if (!r->over)
        pass(r, index_of(p), data, len);
    watch_both(r);
}

// --- both points --------------------------------------------------------------------------------

static void open_rewriter(struct relay *r, int t)
{
    struct msrp_paths paths = relay_paths_of(&r->paths, t);
    r->flow[t].rewriter = msrp_rewriter_open(&paths);
    if (!r->flow[t].rewriter)
        relay_failed(&r->point[t], AGW_BEARER_RELEASED, REASON_AGW_NO_RESOURCE, NULL);
}

static void begin_flow(struct relay *r)
{
    r->renewed[AGW_T1] = r->renewed[AGW_T2] = false;
    for (int t = AGW_T1; r->aware && t <= AGW_T2 && !r->over; t++)
        open_rewriter(r, t);
    r->flowing = !r->over;
    r->progress_us = now(r);
    for (int t = AGW_T1; t <= AGW_T2; t++)
        pass_held(r, t);
}

// An answer configures one termination after the other, and a peer need not wait for the second.
static bool can_flow(const struct relay *r)
{
    return r->point[AGW_T1].state == TCP_POINT_OPEN && r->point[AGW_T2].state == TCP_POINT_OPEN &&
           (!r->aware || relay_paths_complete(&r->paths));
}

static bool has_role(const struct tcp_point *p)
{
    return p->reserved && (p->role == AGW_TCP_SERVER || p->role == AGW_TCP_CLIENT);
}

// Explicit start, or the trigger (REQ-045).
static bool is_to_connect(const struct relay *r, int t)
{
    const struct tcp_point *other = &r->point[!t];
    return r->point[t].ordered || (other->trigger && tcp_point_connected(other));
}

void relay_changed(struct relay *r)
{
    const struct tcp_point *points = r->point;
    for (int t = AGW_T1; t <= AGW_T2 && !r->over; t++)
        tcp_point_proceed(&r->point[t], is_to_connect(r, t));
    // The roles are settled: connections have to come now.
    for (int t = AGW_T1; t <= AGW_T2 && !r->over && has_role(&points[0]) && has_role(&points[1]);
         t++)
        tcp_point_limit(&r->point[t]);
    if (!r->over && !r->flowing && can_flow(r))
        begin_flow(r);
    watch_both(r);
}

void relay_ready(struct tcp_point *p)
{
    struct tcp_point *other = &p->relay->point[!index_of(p)];
    if (other->state == TCP_POINT_OPEN && !other->outbound)
        tcp_point_peek(other);
    relay_changed(p->relay);
}

// --- control ------------------------------------------------------------------------------------

struct relay *relay_create(struct stream *stream, bool aware)
{
    struct relay *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->stream = stream;
    r->aware = aware;
    r->due_us = DEADLINE_NEVER;
    tcp_point_init(&r->point[AGW_T1], r, AGW_T1);
    tcp_point_init(&r->point[AGW_T2], r, AGW_T2);
    return r;
}

void relay_release(struct relay *r)
{
    if (!r)
        return;
    tcp_point_release(&r->point[AGW_T1]);
    tcp_point_release(&r->point[AGW_T2]);
    clear_flows(r);
    relay_paths_clear(&r->paths);
    free(r);
}

struct stream *relay_stream(const struct relay *r)
{
    return r->stream;
}

bool relay_is_flowing(const struct relay *r)
{
    return r->flowing;
}

static void renew_both(struct relay *r)
{
    r->over = r->flowing = r->end_seen = false;
    r->due_us = DEADLINE_NEVER;
    clear_flows(r);
    tcp_point_renew(&r->point[AGW_T1]);
    tcp_point_renew(&r->point[AGW_T2]);
}

// a=connection:new is ordered at both points, one after the other: the first order begins anew on
// both, the second finds that done (RFC 4145 5, REQ-052).
static void order_new_connection(struct relay *r, int t)
{
    r->point[t].ordered = r->point[t].trigger = false;
    if (r->renewed[t]) {
        r->renewed[t] = false;
        return;
    }
    r->renewed[!t] = true;
    r->point[!t].ordered = r->point[!t].trigger = false;
    renew_both(r);
}

static bool brings_other_fingerprints(const struct tcp_point *p, const struct agw_request *request)
{
    return p->fingerprints && request->remote_fingerprints.count > 0 &&
           !fingerprints_equal(p->fingerprints, &request->remote_fingerprints);
}

static void take_paths(struct relay *r, const struct agw_request *request)
{
    char id[STREAM_ID_MAX];
    int t = request->termination;
    if (!r->aware)
        return;
    int rc = relay_paths_set(&r->paths, t, &r->point[t].local, request);
    for (int d = AGW_T1; d <= AGW_T2 && rc == 0; d++) {
        struct msrp_paths paths = relay_paths_of(&r->paths, d);
        if (r->flow[d].rewriter)
            rc = msrp_rewriter_set_paths(r->flow[d].rewriter, &paths);
    }
    if (rc < 0)
        log_error(stream_id(r->stream, id), "no memory for MSRP paths: the old ones stay");
}

static void take(struct relay *r, const struct agw_request *request)
{
    take_paths(r, request);
    tcp_point_configure(&r->point[request->termination], request);
    relay_changed(r);
}

void relay_reserve(struct relay *r, const struct agw_request *request, int fd,
                   struct certificate *certificate)
{
    tcp_point_reserve(&r->point[request->termination], request, fd, certificate);
    take(r, request);
}

void relay_configure(struct relay *r, const struct agw_request *request)
{
    int t = request->termination;
    if (request->new_connection)
        order_new_connection(r, t);
    else if (brings_other_fingerprints(&r->point[t], request))
        renew_both(r);
    take(r, request);
}

uint64_t relay_deadline(const struct relay *r)
{
    uint64_t due = r->due_us;
    for (int t = AGW_T1; t <= AGW_T2; t++)
        if (tcp_point_deadline(&r->point[t]) < due)
            due = tcp_point_deadline(&r->point[t]);
    return due;
}

void relay_due(struct relay *r)
{
    tcp_point_due(&r->point[AGW_T1]);
    tcp_point_due(&r->point[AGW_T2]);
    if (r->due_us > now(r))
        return;
    r->due_us = r->progress_us + RELAY_HALF_CLOSED_US;
    if (r->due_us <= now(r))
        relay_failed(&r->point[r->end_at], AGW_BEARER_RELEASED, REASON_BEARER_RELEASED, NULL);
}
