// SPDX-License-Identifier: GPL-3.0-or-later
// Floor control.
//
// Happy path of the client: Hello, HelloAck, FloorRequest, status granted (pending and accepted may
// come before), --hold-ms, FloorRelease, status released: done. Of the server: it answers each of
// these and is done when the floor was released.
// Failure paths: an Error, a status other than those, a message that fits no state, other
// identifiers than those of the SDP: UA_FAX. What is no BFCP breaks the connection
// (RFC 8855 6.1).

#include "tests/ua/ua_floor.h"

#include "common/fsm.h"
#include "tests/ua/ua_bfcp.h"
#include "tests/ua/ua_event.h"

#include <stdlib.h>
#include <string.h>

struct floor {
    struct talk talk; // first
    const struct ua_options *options;
    struct talk_user user;
    bool server, paused, is_done;
    int state;
    struct floor_terms terms;
    uint16_t transaction; // of our last request
    uint16_t request;     // the floor request
    uv_timer_t timer;
    size_t len;
    uint8_t bytes[2 * BFCP_MESSAGE_MAX];
};

enum state { IDLE, GREETING, REQUESTING, HOLDING, RELEASING, FINISHED, STATES };

// Of the client, then of the server.
enum event_id {
    BEGIN,
    GREETED,
    WAITING, // pending or accepted
    GRANTED,
    RELEASED,
    HELD_ENOUGH,
    REFUSED, // Error, denied, revoked, cancelled
    ASKED,
    GIVEN_BACK,
    EVENTS
};

static const struct fsm client_fsm, server_fsm;

static void feed(struct floor *f, enum event_id e)
{
    if (fsm_feed(&client_fsm, &f->state, e, f, NULL, "floor") != 0)
        event_fail(UA_FAX);
}

static void send_message(struct floor *f, struct bfcp *m)
{
    uint8_t bytes[BFCP_MESSAGE_MAX];

    m->conference = f->terms.conference;
    size_t len = bfcp_write(m, bytes);
    event("bfcp-sent", "primitive=%s transaction=%u status=%s", bfcp_primitive_name(m->primitive),
          m->transaction, bfcp_status_name(m->status));
    f->user.send(f->user.arg, bytes, len);
}

static void finish(struct floor *f, bool ok)
{
    if (!ok)
        event_fail(UA_FAX);
    if (f->is_done)
        return;
    f->is_done = true;
    f->user.done(f->user.arg, ok);
}

// --- the client ---------------------------------------------------------------------------------

static void ask(struct floor *f, enum bfcp_primitive primitive)
{
    struct bfcp m = {.primitive = primitive,
                     .transaction = ++f->transaction,
                     .user = f->terms.user,
                     .floor = f->terms.floor,
                     .request = f->request};
    send_message(f, &m);
}

static void act_greet(void *object, void *argument)
{
    ask(object, BFCP_HELLO);
}

static void act_request(void *object, void *argument)
{
    ask(object, BFCP_FLOOR_REQUEST);
}

static void on_held(uv_timer_t *timer)
{
    struct floor *f = timer->data;

    if (f->paused)
        uv_timer_start(timer, on_held, f->options->hold_ms, 0);
    else
        feed(f, HELD_ENOUGH);
}

static void act_hold(void *object, void *argument)
{
    struct floor *f = object;

    event("floor", "granted=yes request=%u", f->request);
    uv_timer_start(&f->timer, on_held, f->options->hold_ms, 0);
    f->user.middle(f->user.arg);
}

static void act_release(void *object, void *argument)
{
    ask(object, BFCP_FLOOR_RELEASE);
}

static void act_finish(void *object, void *argument)
{
    event("floor", "released=yes request=%u", ((struct floor *)object)->request);
    finish(object, true);
}

static void act_refused(void *object, void *argument)
{
    event_plain("floor-refused");
    finish(object, false);
}

static const struct fsm_row client_rows[] = {
    {IDLE, BEGIN, act_greet, GREETING},
    {GREETING, GREETED, act_request, REQUESTING},
    {GREETING, REFUSED, act_refused, FINISHED},
    {REQUESTING, WAITING, NULL, REQUESTING},
    {REQUESTING, GRANTED, act_hold, HOLDING},
    {REQUESTING, REFUSED, act_refused, FINISHED},
    {HOLDING, HELD_ENOUGH, act_release, RELEASING},
    {HOLDING, REFUSED, act_refused, FINISHED},
    {RELEASING, RELEASED, act_finish, FINISHED},
    {RELEASING, REFUSED, act_refused, FINISHED},
    {FINISHED, BEGIN, NULL, FINISHED},
    // A new connection: all begins anew.
    {GREETING, BEGIN, act_greet, GREETING},
    {REQUESTING, BEGIN, act_greet, GREETING},
    {HOLDING, BEGIN, act_greet, GREETING},
    {RELEASING, BEGIN, act_greet, GREETING},
};
static const char *const state_names[STATES] = {"idle",    "greeting",  "requesting",
                                                "holding", "releasing", "finished"};
static const char *const event_names[EVENTS] = {
    "begin",       "HelloAck", "waiting",      "granted",      "released",
    "held enough", "refused",  "FloorRequest", "FloorRelease",
};
static const struct fsm client_fsm = {
    .name = "floor client",
    .rows = client_rows,
    .row_count = sizeof(client_rows) / sizeof(client_rows[0]),
    .state_names = state_names,
    .event_names = event_names,
};

static enum event_id status_event(enum bfcp_status status)
{
    switch (status) {
    case BFCP_PENDING:
    case BFCP_ACCEPTED:
        return WAITING;
    case BFCP_GRANTED:
        return GRANTED;
    case BFCP_RELEASED:
        return RELEASED;
    default:
        return REFUSED;
    }
}

static void client_receive(struct floor *f, const struct bfcp *m)
{
    // Notifications of a server over TCP carry transaction 0 (RFC 8855 8.2).
    if (m->transaction != f->transaction && m->transaction != 0) {
        event("bfcp-unexpected", "transaction=%u", m->transaction);
        event_fail(UA_FAX);
        return;
    }
    if (m->primitive == BFCP_HELLO_ACK) {
        feed(f, GREETED);
    } else if (m->primitive == BFCP_FLOOR_REQUEST_STATUS) {
        f->request = m->request;
        feed(f, status_event(m->status));
    } else {
        feed(f, REFUSED);
    }
}

// --- the server ---------------------------------------------------------------------------------

static void answer(struct floor *f, const struct bfcp *request, struct bfcp *m)
{
    m->transaction = request->transaction;
    m->user = request->user;
    send_message(f, m);
}

static void answer_status(struct floor *f, const struct bfcp *m, enum bfcp_status status)
{
    struct bfcp out = {.primitive = BFCP_FLOOR_REQUEST_STATUS,
                       .floor = f->terms.floor,
                       .request = f->request,
                       .status = status};
    answer(f, m, &out);
}

static void answer_error(struct floor *f, const struct bfcp *m, enum bfcp_error error)
{
    struct bfcp out = {.primitive = BFCP_ERROR, .error = (uint8_t)error};

    answer(f, m, &out);
    event_fail(UA_FAX);
}

static void act_grant(void *object, void *message)
{
    struct floor *f = object;

    f->request++;
    answer_status(f, message, BFCP_GRANTED);
    event("floor", "granted=yes request=%u", f->request);
    f->user.middle(f->user.arg);
}

static void act_released(void *object, void *message)
{
    struct floor *f = object;

    answer_status(f, message, BFCP_RELEASED);
    event("floor", "released=yes request=%u", f->request);
    finish(f, true);
}

static const struct fsm_row server_rows[] = {
    {IDLE, BEGIN, NULL, IDLE},
    {HOLDING, BEGIN, NULL, IDLE}, // a new connection: nobody holds the floor any more
    {IDLE, ASKED, act_grant, HOLDING},
    {HOLDING, GIVEN_BACK, act_released, IDLE},
};
static const struct fsm server_fsm = {
    .name = "floor server",
    .rows = server_rows,
    .row_count = sizeof(server_rows) / sizeof(server_rows[0]),
    .state_names = state_names,
    .event_names = event_names,
};

// What does not fit the state is answered with this error.
static void serve(struct floor *f, enum event_id e, struct bfcp *m, enum bfcp_error error)
{
    if (fsm_feed(&server_fsm, &f->state, e, f, m, "floor") != 0)
        answer_error(f, m, error);
}

static void server_receive(struct floor *f, struct bfcp *m)
{
    struct bfcp ack = {.primitive = BFCP_HELLO_ACK};

    if (m->primitive == BFCP_HELLO)
        answer(f, m, &ack);
    else if (m->primitive == BFCP_FLOOR_REQUEST && m->floor != f->terms.floor)
        answer_error(f, m, BFCP_ERROR_INVALID_FLOOR);
    else if (m->primitive == BFCP_FLOOR_REQUEST)
        serve(f, ASKED, m, BFCP_ERROR_ALREADY_REACHED);
    else if (m->primitive == BFCP_FLOOR_RELEASE && m->request == f->request)
        serve(f, GIVEN_BACK, m, BFCP_ERROR_UNKNOWN_REQUEST);
    else if (m->primitive == BFCP_FLOOR_RELEASE)
        answer_error(f, m, BFCP_ERROR_UNKNOWN_REQUEST);
    else
        answer_error(f, m, BFCP_ERROR_UNKNOWN_PRIMITIVE);
}

// --- the kind -----------------------------------------------------------------------------------

static void floor_begin(struct talk *t, const struct talk_terms *terms)
{
    struct floor *f = (struct floor *)t;

    f->terms = f->server ? terms->own->floor : terms->peer->floor;
    f->len = 0;
    fsm_feed(f->server ? &server_fsm : &client_fsm, &f->state, BEGIN, f, NULL, "floor");
}

static void take_message(struct floor *f, struct bfcp *m)
{
    event("bfcp-received", "primitive=%s transaction=%u status=%s",
          bfcp_primitive_name(m->primitive), m->transaction, bfcp_status_name(m->status));
    if (m->conference != f->terms.conference || m->user != f->terms.user) {
        event("bfcp-unexpected", "conference=%u user=%u", m->conference, m->user);
        event_fail(UA_FAX);
    } else if (f->server) {
        server_receive(f, m);
    } else {
        client_receive(f, m);
    }
}

// Messages as far as they are complete. Returns false when what is there is no BFCP.
static bool take_messages(struct floor *f)
{
    struct bfcp m;
    int n;

    while ((n = bfcp_read(&m, f->bytes, f->len)) > 0) {
        f->len -= (size_t)n;
        memmove(f->bytes, f->bytes + n, f->len);
        take_message(f, &m);
    }
    return n == 0;
}

static void floor_receive(struct talk *t, const uint8_t *bytes, size_t len)
{
    struct floor *f = (struct floor *)t;

    while (len > 0) {
        size_t room = sizeof(f->bytes) - f->len;
        size_t n = len < room ? len : room;
        memcpy(f->bytes + f->len, bytes, n);
        f->len += n;
        bytes += n;
        len -= n;
        if (take_messages(f))
            continue;
        event_fail(UA_FAX);
        f->user.broken(f->user.arg, "no BFCP message");
        return;
    }
}

static void floor_drained(struct talk *t)
{
}

static void floor_pause(struct talk *t, bool pause)
{
    ((struct floor *)t)->paused = pause;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void floor_close(struct talk *t)
{
    uv_close((uv_handle_t *)&((struct floor *)t)->timer, on_closed);
}

static const struct talk_kind kind = {floor_begin, floor_receive, floor_drained, floor_pause,
                                      floor_close};

struct talk *floor_open(uv_loop_t *loop, const struct ua_options *options, bool server,
                        const struct talk_user *user)
{
    struct floor *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    f->talk.kind = &kind;
    f->options = options;
    f->user = *user;
    f->server = server;
    uv_timer_init(loop, &f->timer);
    f->timer.data = f;
    return &f->talk;
}
