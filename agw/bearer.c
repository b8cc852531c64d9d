// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path as server: Configure gives fingerprints and starts the clock of the attempt; a
// ClientHello from an admitted source proves its address by cookie, becomes a candidate, is
// verified, becomes the association in use; the latch closes on it. A ClientHello may come before
// Configure when latching was requested: its candidate is parked in the middle of the handshake
// until the fingerprints are there (NOTE 3 of TS 23.334 6.2.10.4.3). As client the bearer opens the
// candidate itself as soon as it knows the address.
//
// A later ClientHello or a new association by Configure makes a candidate beside the association in
// use, which only a verified one replaces (REQ-085, REQ-130).
//
// Failure paths: a candidate that fails at the signalled address (or as client) is the peer: the
// attempt has failed and the ALG is told at once; also when it failed before Configure said that
// this was the peer. One that fails elsewhere may be a stranger: the attempt goes on until its time
// is over, and the last failure is the reason given then. Nothing else counts as failure; what is
// not for us is dropped and counted.

#include "agw/bearer.h"

#include "agw/association.h"
#include "agw/stream.h"
#include "common/fsm.h"

#include <stdlib.h>
#include <string.h>

// Associations side by side: in use, old, and two candidates, so that a stranger who is first with
// a ClientHello cannot keep the peer out.
#define BEARER_ASSOCIATIONS_MAX 4
#define BEARER_CANDIDATES_MAX 2
// Handshakes that may begin per second and stream: each costs as much as two hundred media
// datagrams. The signalled address may begin as many again when strangers have used theirs up.
#define BEARER_OPENINGS_PER_S 4
#define RECORD_APPLICATION_DATA 23

enum bearer_state {
    BEARER_IDLE,     // no fingerprints yet
    BEARER_OPENING,  // (D)TLS session establishment under way
    BEARER_SECURED,  // an association is in use
    BEARER_RENEWING, // one is in use while another is being established
    BEARER_FAILED,   // the establishment failed and the ALG knows
    BEARER_CLOSED,   // the peer closed the association
};

enum bearer_event {
    BEARER_CONFIGURED,      // new fingerprints, role or association asked for
    BEARER_HAD_FAILED,      // the same, and the handshake of the peer has failed before
    BEARER_VERIFIED,        // a candidate is established
    BEARER_PEER_FAILED,     // the handshake of the peer failed
    BEARER_STRANGER_FAILED, // a handshake failed that may be anybody's
    BEARER_TIME_OVER,       // handshake_timeout_ms since BEARER_CONFIGURED
    BEARER_PEER_CLOSED,     // close_notify on the association in use
};

struct bearer {
    struct point *point;
    struct certificate *certificate;
    struct fingerprints *remote; // NULL: not known yet
    struct association *list[BEARER_ASSOCIATIONS_MAX];
    unsigned count;
    struct association *current; // in list, or NULL
    int state;                   // enum bearer_state
    bool client;                 // Establish (D)TLS session was asked for
    bool notify;                 // Notify (D)TLS session establishment Failure Event was asked for
    bool wants_client;           // ClientHello still to be sent
    enum reason failure;         // of the last candidate that failed
    uint64_t time_over_us;       // end of the attempt under way; DEADLINE_NEVER: none
    uint64_t openings_since_us;  // openings counts from here
    unsigned openings;
};

static const struct fingerprints no_fingerprints;

static struct media *media_of(const struct bearer *b)
{
    return b->point->stream->media;
}

static void feed(struct bearer *b, enum bearer_event event, struct association *a);

// --- the list of associations -------------------------------------------------------------------

static void remove_association(struct bearer *b, struct association *a)
{
    unsigned i = 0;
    while (b->list[i] != a)
        i++;
    b->count--;
    memmove(&b->list[i], &b->list[i + 1], (b->count - i) * sizeof b->list[0]);
    if (b->current == a)
        b->current = NULL;
    association_close(a);
}

// The first association at this stage and, when peer is given, at this address; NULL: none.
static struct association *find(const struct bearer *b, enum association_stage stage,
                                const struct addr *peer)
{
    for (unsigned i = 0; i < b->count; i++)
        if (b->list[i]->stage == stage && (!peer || addr_equal(&b->list[i]->peer, peer)))
            return b->list[i];
    return NULL;
}

static void remove_all(struct bearer *b, enum association_stage stage)
{
    struct association *a;
    while ((a = find(b, stage, NULL)))
        remove_association(b, a);
}

static unsigned candidates(const struct bearer *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < b->count; i++)
        n += b->list[i]->stage == ASSOCIATION_CANDIDATE || b->list[i]->stage == ASSOCIATION_FAILED;
    return n;
}

// --- what became of an association --------------------------------------------------------------

static bool is_peer(const struct bearer *b, const struct association *a)
{
    return addr_equal(&a->peer, &b->point->signalled);
}

static enum reason failure_of(const struct association *a)
{
    return dtls_state(a->dtls) == DTLS_FAILED ? dtls_failure(a->dtls) : REASON_DTLS_REFUSED;
}

static void candidate_failed(struct bearer *b, struct association *a, enum reason reason)
{
    association_settled(a);
    a->stage = ASSOCIATION_FAILED;
    b->failure = reason;
    // A handshake of the UE that merely stopped may be begun again while the attempt lasts.
    bool peer = b->client || (is_peer(b, a) && reason != REASON_DTLS_TIMEOUT);
    if (reason == REASON_DTLS_TIMEOUT) {
        remove_association(b, a);
        a = NULL;
    }
    feed(b, peer ? BEARER_PEER_FAILED : BEARER_STRANGER_FAILED, a);
}

// To be called after everything that may have changed the state of a; a may be gone afterwards.
static void look_at(struct bearer *b, struct association *a)
{
    enum dtls_state state = dtls_state(a->dtls);
    if (state == DTLS_HANDSHAKE || a->stage == ASSOCIATION_FAILED)
        return;
    if (a->stage == ASSOCIATION_CANDIDATE) {
        if (state == DTLS_ESTABLISHED)
            feed(b, BEARER_VERIFIED, a);
        else
            candidate_failed(b, a, failure_of(a));
        return;
    }
    if (state == DTLS_ESTABLISHED)
        return;
    bool current = a == b->current;
    remove_association(b, a);
    if (current)
        feed(b, BEARER_PEER_CLOSED, NULL);
}

// --- actions of the state table -----------------------------------------------------------------

static void tell(struct bearer *b, const struct telling *telling)
{
    stream_tell(b->point, telling);
}

static struct association *find_parked(const struct bearer *b)
{
    for (unsigned i = 0; i < b->count; i++)
        if (b->list[i]->stage == ASSOCIATION_CANDIDATE && !b->list[i]->knows)
            return b->list[i];
    return NULL;
}

// Fingerprints have become known: parked candidates go on, and may be verified at once.
static void hand_over_fingerprints(struct bearer *b)
{
    struct association *a;
    while ((a = find_parked(b))) {
        a->knows = true;
        dtls_set_fingerprints(a->dtls, b->remote, media_of(b)->now_us);
        look_at(b, a);
    }
}

static void open_client(struct bearer *b)
{
    const struct addr *peer = &b->point->remote;
    if (!b->wants_client || !addr_is_set(peer))
        return;
    b->wants_client = false;
    tell(b, &(struct telling){.event = AGW_CLIENT_HELLO, .outbound = true, .address = peer});
    struct association *a = association_open_client(b->point, peer, b->certificate, b->remote);
    if (!a) {
        b->failure = REASON_AGW_NO_RESOURCE;
        feed(b, BEARER_PEER_FAILED, NULL);
        return;
    }
    b->list[b->count++] = a;
    look_at(b, a);
}

static void start_attempt(void *object, void *argument)
{
    struct bearer *b = object;
    b->failure = REASON_DTLS_TIMEOUT; // unless a candidate fails for a better reason
    b->time_over_us = media_of(b)->now_us + media_of(b)->cfg->agw.handshake_timeout_ms * 1000ull;
    remove_all(b, ASSOCIATION_FAILED);
    b->wants_client = b->client;
    if (b->client)
        remove_all(b, ASSOCIATION_CANDIDATE);
    else
        hand_over_fingerprints(b);
    open_client(b);
}

static void hold(struct bearer *b, struct association *a)
{
    remove_all(b, ASSOCIATION_OLD);
    a->stage = ASSOCIATION_OLD;
    a->hold_until_us = media_of(b)->now_us + media_of(b)->cfg->agw.rekey_hold_ms * 1000ull;
}

// A candidate is verified: it is the peer from now on.
static void promote(void *object, void *argument)
{
    struct bearer *b = object;
    struct association *a = argument;
    char text[sizeof((struct agw_notification *)0)->text];
    if (b->current)
        hold(b, b->current);
    association_settled(a);
    a->stage = ASSOCIATION_CURRENT;
    b->current = a;
    b->time_over_us = DEADLINE_NEVER;
    remove_all(b, ASSOCIATION_CANDIDATE);
    remove_all(b, ASSOCIATION_FAILED);
    if (b->point->latching != LATCHING_OFF)
        point_latch(b->point, &a->peer);
    dtls_describe(a->dtls, text, sizeof text);
    tell(b, &(struct telling){.event = AGW_DTLS_ESTABLISHED,
                              .outbound = b->client,
                              .address = &a->peer,
                              .text = text});
}

// The attempt is over without success (REQ-064, REQ-075): told once.
static void tell_failure(void *object, void *argument)
{
    struct bearer *b = object;
    const struct association *a = argument;
    char text[sizeof((struct agw_notification *)0)->text] = "";
    b->time_over_us = DEADLINE_NEVER;
    b->wants_client = false;
    if (a)
        dtls_describe(a->dtls, text, sizeof text);
    tell(b, &(struct telling){.event = b->notify ? AGW_DTLS_FAILURE : AGW_DROPPED,
                              .reason = b->failure,
                              .address = a ? &a->peer : &b->point->remote,
                              .text = text});
    remove_all(b, ASSOCIATION_CANDIDATE);
}

static void give_up(void *object, void *argument)
{
    struct bearer *b = object;
    reason_count(b->failure);
    tell_failure(b, argument);
}

// A handshake failed that decides nothing.
static void note_stranger(void *object, void *argument)
{
    struct bearer *b = object;
    const struct association *a = argument;
    reason_count(b->failure);
    tell(b, &(struct telling){
                .event = AGW_DROPPED, .reason = b->failure, .address = a ? &a->peer : NULL});
    // It had latched by its ClientHello: the next source may.
    if (b->point->latching == LATCHING_FIRST_PACKET && !b->current)
        point_unlatch(b->point);
}

static void report_closed(void *object, void *argument)
{
    struct bearer *b = object;
    reason_count(REASON_BEARER_RELEASED);
    tell(b, &(struct telling){.event = AGW_BEARER_RELEASED,
                              .reason = REASON_BEARER_RELEASED,
                              .address = &b->point->remote});
}

static const struct fsm_row bearer_rows[] = {
    {BEARER_IDLE, BEARER_CONFIGURED, start_attempt, BEARER_OPENING},
    {BEARER_IDLE, BEARER_HAD_FAILED, tell_failure, BEARER_FAILED}, // counted when it failed
    {BEARER_IDLE, BEARER_STRANGER_FAILED, note_stranger, BEARER_IDLE},
    {BEARER_IDLE, BEARER_PEER_FAILED, note_stranger, BEARER_IDLE},

    {BEARER_OPENING, BEARER_CONFIGURED, start_attempt, BEARER_OPENING},
    {BEARER_OPENING, BEARER_VERIFIED, promote, BEARER_SECURED},
    {BEARER_OPENING, BEARER_PEER_FAILED, give_up, BEARER_FAILED},
    {BEARER_OPENING, BEARER_STRANGER_FAILED, note_stranger, BEARER_OPENING},
    {BEARER_OPENING, BEARER_TIME_OVER, give_up, BEARER_FAILED},

    // a peer that starts anew is let in by the fingerprints that are known (RFC 6347 4.2.8)
    {BEARER_SECURED, BEARER_CONFIGURED, start_attempt, BEARER_RENEWING},
    {BEARER_SECURED, BEARER_VERIFIED, promote, BEARER_SECURED},
    {BEARER_SECURED, BEARER_PEER_FAILED, note_stranger, BEARER_SECURED},
    {BEARER_SECURED, BEARER_STRANGER_FAILED, note_stranger, BEARER_SECURED},
    {BEARER_SECURED, BEARER_PEER_CLOSED, report_closed, BEARER_CLOSED},

    // the old association outlives the failure of the new one (REQ-085)
    {BEARER_RENEWING, BEARER_CONFIGURED, start_attempt, BEARER_RENEWING},
    {BEARER_RENEWING, BEARER_VERIFIED, promote, BEARER_SECURED},
    {BEARER_RENEWING, BEARER_PEER_FAILED, give_up, BEARER_SECURED},
    {BEARER_RENEWING, BEARER_STRANGER_FAILED, note_stranger, BEARER_RENEWING},
    {BEARER_RENEWING, BEARER_TIME_OVER, give_up, BEARER_SECURED},
    {BEARER_RENEWING, BEARER_PEER_CLOSED, NULL, BEARER_OPENING},

    {BEARER_FAILED, BEARER_CONFIGURED, start_attempt, BEARER_OPENING},

    {BEARER_CLOSED, BEARER_CONFIGURED, start_attempt, BEARER_OPENING},
    {BEARER_CLOSED, BEARER_VERIFIED, promote, BEARER_SECURED},
    {BEARER_CLOSED, BEARER_PEER_FAILED, note_stranger, BEARER_CLOSED},
    {BEARER_CLOSED, BEARER_STRANGER_FAILED, note_stranger, BEARER_CLOSED},
};

static const char *const bearer_state_names[] = {"idle",     "opening", "secured",
                                                 "renewing", "failed",  "closed"};
static const char *const bearer_event_names[] = {"configured",  "had failed",      "verified",
                                                 "peer failed", "stranger failed", "time over",
                                                 "peer closed"};

static const struct fsm bearer_fsm = {.name = "bearer",
                                      .rows = bearer_rows,
                                      .row_count = sizeof bearer_rows / sizeof bearer_rows[0],
                                      .state_names = bearer_state_names,
                                      .event_names = bearer_event_names};

static void feed(struct bearer *b, enum bearer_event event, struct association *a)
{
    char id[STREAM_ID_MAX];
    fsm_feed(&bearer_fsm, &b->state, event, b, a, stream_id(b->point->stream, id));
}

// --- ClientHello --------------------------------------------------------------------------------

// A step of a handshake that costs public-key arithmetic was done in this turn.
static void count_step(struct bearer *b)
{
    if (media_of(b)->handshakes_left > 0)
        media_of(b)->handshakes_left--;
}

// While an association is in use and no other was asked for, only a restarted UE begins another
// one: it has the host address of before, if not the port.
static bool at_home(const struct bearer *b, const struct addr *source)
{
    return addr_equal_host(source, &b->current->peer) ||
           addr_equal_host(source, &b->point->signalled);
}

// NONE, or why a ClientHello from source is not looked at.
static enum reason admit_hello(const struct bearer *b, const struct addr *source)
{
    const struct point *p = b->point;
    if (b->client)
        return REASON_DROP_BAD_RECORD;
    switch (p->latching) {
    case LATCHING_OFF:
        if (!addr_is_set(&p->signalled))
            return REASON_DROP_EARLY_HELLO;
        return addr_equal(&p->signalled, source) ? REASON_NONE : REASON_DROP_WRONG_SOURCE;
    case LATCHING_FIRST_PACKET:
        if (p->latched && !p->relatch && !addr_equal(&p->remote, source))
            return REASON_DROP_WRONG_SOURCE;
        return REASON_NONE;
    case LATCHING_AFTER_DTLS:
        break;
    }
    return b->state == BEARER_SECURED && !at_home(b, source) ? REASON_DROP_WRONG_SOURCE
                                                             : REASON_NONE;
}

static bool opening_allowed(struct bearer *b, bool signalled)
{
    unsigned limit = signalled ? 2 * BEARER_OPENINGS_PER_S : BEARER_OPENINGS_PER_S;
    uint64_t now = media_of(b)->now_us;
    if (now - b->openings_since_us >= 1000000) {
        b->openings_since_us = now;
        b->openings = 0;
    }
    if (b->openings >= limit)
        return false;
    b->openings++;
    return true;
}

// Makes room for a candidate at source. False: it has to wait.
static bool make_room(struct bearer *b, const struct addr *source)
{
    bool signalled = addr_equal(&b->point->signalled, source);
    struct association *own = find(b, ASSOCIATION_CANDIDATE, source);
    if (media_of(b)->half_open >= media_of(b)->cfg->agw.half_open_max && !own)
        return false;
    if (!opening_allowed(b, signalled))
        return false;
    if (!own)
        own = find(b, ASSOCIATION_FAILED, source);
    if (own) {
        remove_association(b, own);
        return true;
    }
    if (candidates(b) < BEARER_CANDIDATES_MAX)
        return true;
    struct association *weakest = find(b, ASSOCIATION_FAILED, NULL);
    if (!weakest && signalled)
        weakest = find(b, ASSOCIATION_CANDIDATE, NULL);
    if (weakest)
        remove_association(b, weakest);
    return weakest != NULL;
}

static void open_server(struct bearer *b, const struct addr *source, const struct dtls_hello *hello,
                        const uint8_t *data, size_t len)
{
    if (!make_room(b, source)) {
        stream_drop(b->point, REASON_DROP_HALF_OPEN, source);
        return;
    }
    struct association *a =
        association_open_server(b->point, source, hello, association_hello_random(data, len),
                                b->certificate, b->remote ? b->remote : &no_fingerprints);
    if (!a) {
        stream_drop(b->point, REASON_DROP_HALF_OPEN, source);
        return;
    }
    b->list[b->count++] = a;
    count_step(b);
    tell(b, &(struct telling){.event = AGW_CLIENT_HELLO, .address = source});
    if (b->point->latching == LATCHING_FIRST_PACKET)
        point_latch(b->point, source);
    association_receive(a, data, len);
    look_at(b, a);
}

// The association that this ClientHello already began.
static struct association *find_repeated(const struct bearer *b, const struct addr *source,
                                         const uint8_t *data, size_t len)
{
    uint64_t random = association_hello_random(data, len);
    for (unsigned i = 0; i < b->count; i++)
        if (b->list[i]->random == random && addr_equal(&b->list[i]->peer, source))
            return b->list[i];
    return NULL;
}

static void take_hello(struct bearer *b, const struct addr *source, const uint8_t *data, size_t len)
{
    struct dtls_hello hello;
    uint8_t reply[DTLS_COOKIE_REPLY_MAX];
    size_t reply_len = 0;
    enum reason refused = admit_hello(b, source);
    if (refused != REASON_NONE) {
        stream_drop(b->point, refused, source);
        return;
    }
    struct association *a = find_repeated(b, source, data, len);
    if (!a && b->state == BEARER_FAILED)
        a = find(b, ASSOCIATION_FAILED, source);
    if (a) {
        association_receive(a, data, len);
        look_at(b, a);
    } else if (b->state == BEARER_FAILED) {
        stream_drop(b->point, REASON_DROP_UNVERIFIED, source);
    } else if (dtls_cookie_check(media_of(b)->profile, &source->sa, source->len, data, len, &hello,
                                 reply, &reply_len)) {
        open_server(b, source, &hello, data, len);
    } else {
        reason_count(REASON_DROP_NO_COOKIE); // every handshake begins so: nothing to tell
        if (reply_len > 0)
            (void)point_send_to(b->point, source, reply, reply_len);
    }
}

// --- other records ------------------------------------------------------------------------------

// Offers the datagram to one association. True when it was for it: a record authenticated; or it is
// part of a handshake and nothing in it was broken; or it repeats the flight that completed the
// association, because the peer missed our answer (REQ-131).
static bool offer(struct bearer *b, struct association *a, const uint8_t *data, size_t len)
{
    bool handshake = data[0] != RECORD_APPLICATION_DATA;
    bool repeat = a->stage == ASSOCIATION_CURRENT && association_is_clear(data, len);
    (void)dtls_take_discarded(a->dtls);
    if (a->stage == ASSOCIATION_CANDIDATE)
        count_step(b);
    bool taken = association_receive(a, data, len);
    taken = taken || repeat || (handshake && dtls_take_discarded(a->dtls) == 0);
    look_at(b, a);
    return taken;
}

// The peer of the association in use speaks from another address (NAT rebinding). It moves the
// latch with a record that is genuine and newer than all before.
static bool offer_moved(struct bearer *b, const struct addr *source, const uint8_t *data,
                        size_t len)
{
    struct association *a = b->current;
    if (!a || b->point->latching == LATCHING_OFF || !association_is_newer(a, data, len) ||
        !association_receive(a, data, len))
        return false;
    a->peer = *source;
    point_latch(b->point, source);
    look_at(b, a);
    return true;
}

static enum reason why_dropped(const struct bearer *b, const struct addr *source, bool application)
{
    for (unsigned i = 0; i < b->count; i++) {
        const struct association *a = b->list[i];
        if (!addr_equal(&a->peer, source))
            continue;
        bool verified = a->stage == ASSOCIATION_CURRENT || a->stage == ASSOCIATION_OLD;
        return application && !verified ? REASON_DROP_UNVERIFIED : REASON_DROP_BAD_RECORD;
    }
    if (b->current)
        return REASON_DROP_WRONG_SOURCE;
    return application ? REASON_DROP_UNVERIFIED : REASON_DROP_BAD_RECORD;
}

// Whose record is it? Handshake records are for a candidate first, data for what is in use. Data
// for a candidate are not looked at: nothing crosses before verification (REQ-065).
static void take_record(struct bearer *b, const struct addr *source, const uint8_t *data,
                        size_t len)
{
    static const enum association_stage for_handshake[] = {
        ASSOCIATION_CANDIDATE, ASSOCIATION_FAILED, ASSOCIATION_CURRENT, ASSOCIATION_OLD};
    static const enum association_stage for_data[] = {ASSOCIATION_CURRENT, ASSOCIATION_OLD};
    bool application = data[0] == RECORD_APPLICATION_DATA;
    const enum association_stage *stages = application ? for_data : for_handshake;
    for (int i = 0; i < (application ? 2 : 4); i++) {
        struct association *a = find(b, stages[i], source);
        if (a && offer(b, a, data, len))
            return;
    }
    if (!find(b, ASSOCIATION_CURRENT, source) && offer_moved(b, source, data, len))
        return;
    stream_drop(b->point, why_dropped(b, source, application), source);
}

// The short way for nearly everything that ever comes: data of the peer while nothing else goes on.
// False: to be looked at more closely; nothing has been done with it.
static bool take_data(struct bearer *b, const struct addr *source, const uint8_t *data, size_t len)
{
    struct association *a = b->current;
    if (!a || b->count > 1 || data[0] != RECORD_APPLICATION_DATA || !addr_equal(&a->peer, source))
        return false;
    if (!association_receive(a, data, len))
        stream_drop(b->point, REASON_DROP_BAD_RECORD, source);
    if (dtls_state(a->dtls) != DTLS_ESTABLISHED)
        look_at(b, a);
    return true;
}

void bearer_datagram(struct bearer *b, const struct addr *source, const uint8_t *data, size_t len)
{
    switch (dtls_classify(data, len)) {
    case DTLS_CLASS_STUN:
        stream_drop(b->point, REASON_DROP_STUN, source);
        return;
    case DTLS_CLASS_OTHER:
        if (len > 0) // empty: keeps a NAT binding alive
            stream_drop(b->point, REASON_DROP_CLEAR_ON_DTLS, source);
        return;
    case DTLS_CLASS_CLIENT_HELLO:
        take_hello(b, source, data, len);
        stream_rearm(b->point->stream);
        return;
    case DTLS_CLASS_RECORD:
        break;
    }
    if (take_data(b, source, data, len))
        return;
    take_record(b, source, data, len);
    stream_rearm(b->point->stream);
}

enum reason bearer_send(struct bearer *b, const void *data, size_t len)
{
    if (!b->current)
        return REASON_DROP_UNVERIFIED;
    enum reason reason = point_fits(b->point, len + dtls_profile_overhead(media_of(b)->profile));
    return reason != REASON_NONE ? reason : association_send(b->current, data, len);
}

// --- control ------------------------------------------------------------------------------------

struct bearer *bearer_create(struct point *point, struct certificate *certificate)
{
    struct bearer *b = calloc(1, sizeof *b);
    if (!b) {
        certificate_free(certificate);
        return NULL;
    }
    b->point = point;
    b->certificate = certificate;
    b->time_over_us = DEADLINE_NEVER;
    return b;
}

void bearer_release(struct bearer *b)
{
    if (!b)
        return;
    while (b->count > 0)
        remove_association(b, b->list[0]);
    certificate_free(b->certificate);
    free(b->remote);
    free(b);
}

// The signalled address moved and the associations stay (RFC 8842 3.2).
static void follow_address(struct bearer *b, const struct agw_request *request)
{
    struct addr before = b->point->remote;
    point_signal(b->point, &request->remote, request->relatch);
    for (unsigned i = 0; i < b->count; i++)
        if (addr_equal(&b->list[i]->peer, &before))
            b->list[i]->peer = b->point->remote;
}

static void begin_attempt(struct bearer *b)
{
    bool first = b->state == BEARER_IDLE && !b->client;
    struct association *failed = first ? find(b, ASSOCIATION_FAILED, &b->point->signalled) : NULL;
    if (failed)
        b->failure = failure_of(failed);
    feed(b, failed ? BEARER_HAD_FAILED : BEARER_CONFIGURED, failed);
}

void bearer_configure(struct bearer *b, const struct agw_request *request)
{
    follow_address(b, request);
    b->notify = b->notify || request->notify_dtls_failure;
    bool start = fingerprints_learn(&b->remote, &request->remote_fingerprints);
    start = start || (b->remote && request->new_association);
    start = start || (b->remote && request->establish_dtls && !b->client);
    if (start) {
        b->client = request->establish_dtls;
        begin_attempt(b);
    }
    open_client(b);
}

bool bearer_secured(const struct bearer *b)
{
    return b->current != NULL;
}

uint64_t bearer_deadline(const struct bearer *b)
{
    uint64_t due = b->time_over_us;
    for (unsigned i = 0; i < b->count; i++) {
        uint64_t own = association_deadline(b->list[i]);
        due = own < due ? own : due;
    }
    return due;
}

// One association that has something to do; NULL: none.
static struct association *find_due(const struct bearer *b, uint64_t now)
{
    for (unsigned i = 0; i < b->count; i++)
        if (association_deadline(b->list[i]) <= now)
            return b->list[i];
    return NULL;
}

void bearer_due(struct bearer *b)
{
    uint64_t now = media_of(b)->now_us;
    struct association *a;
    // As many as there are: one whose deadline stays in the past waits for the next call.
    for (unsigned i = 0; i < BEARER_ASSOCIATIONS_MAX && (a = find_due(b, now)); i++) {
        if (a->stage == ASSOCIATION_OLD && a->hold_until_us <= now) {
            remove_association(b, a);
            continue;
        }
        dtls_tick(a->dtls, now);
        look_at(b, a);
    }
    if (b->time_over_us <= now)
        feed(b, BEARER_TIME_OVER, NULL);
}
