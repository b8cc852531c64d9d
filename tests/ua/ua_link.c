// SPDX-License-Identifier: GPL-3.0-or-later
// A connection-oriented line of ours.
//
// Happy path of an offer: link_offer listens and says so; link_answered knows who opens the
// connection (RFC 4145 4) and who is TLS client: for MSRP the side that opens it (RFC 8122 6.2),
// for BFCP the side that offered (RFC 8856 8). Happy path of an answer: link_answer, the response
// leaves, link_commit. An active side connects where the path says, or under CEMA where c= and m=
// say (RFC 6714 4). The call may not be up yet then; what was done before is told in link_run.
// A later round keeps the connection unless one side asks for another: a new port or fingerprint,
// for BFCP a=connection:new (RFC 4145 5), for MSRP another path.
// Failure paths: an illegal line is named and nothing is changed; a failed re-offer closes what was
// opened for it.

#include "tests/ua/ua_link.h"

#include "common/random.h"
#include "tests/ua/ua_chat.h"
#include "tests/ua/ua_event.h"
#include "tests/ua/ua_floor.h"
#include "tests/ua/ua_msrp.h"
#include "tests/ua/ua_own.h"
#include "tests/ua/ua_wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_ID_LEN 20 // RFC 4975 14.1 asks for 80 random bits
#define DISCARD_PORT 9    // of a side that does not listen (RFC 4145 4.1)

struct round {
    struct medium own, peer;
    bool active, offerer;
};

// A connection and the certificate it shows.
struct path {
    struct wire *wire; // NULL: none
    struct cert *cert;
    char session[SESSION_ID_LEN + 1]; // of the MSRP URI
};

struct link {
    uv_loop_t *loop;
    const struct ua_options *options;
    enum medium_kind kind;
    struct media_user user;
    struct talk *talk;
    struct path path, next_path; // next_path: opened by the round under way
    struct round now, next;
    bool has_round, fresh; // fresh: the round brings a new connection
    bool running, began;
    bool finished, done, done_ok; // finished: by the talk; done: not yet told
    unsigned long sent, received; // bytes
};

// --- the talk's and the wire's reports ----------------------------------------------------------

static void tell(struct link *l)
{
    if (!l->running)
        return;
    if (!l->began && wire_is_ready(l->path.wire)) {
        l->began = true;
        l->user.began(l->user.arg);
    }
    if (l->done && l->began) {
        l->done = false;
        l->user.done(l->user.arg, l->done_ok);
    }
}

static void on_talk_send(void *arg, const uint8_t *bytes, size_t len)
{
    struct link *l = arg;

    l->sent += len;
    wire_send(l->path.wire, bytes, len);
}

static bool on_talk_full(void *arg)
{
    struct link *l = arg;
    return !wire_is_ready(l->path.wire) || wire_is_full(l->path.wire);
}

static void on_talk_middle(void *arg)
{
    struct link *l = arg;

    if (l->options->misbehave & MIS_RESET)
        wire_reset(l->path.wire);
}

static void on_talk_done(void *arg, bool ok)
{
    struct link *l = arg;

    if (l->options->misbehave & MIS_HALF_CLOSE)
        wire_half_close(l->path.wire);
    l->finished = l->done = true;
    l->done_ok = ok;
    tell(l);
}

static void on_talk_broken(void *arg, const char *why)
{
    struct link *l = arg;

    event("protocol-error", "reason=%s", event_quote(why));
    wire_half_close(l->path.wire); // RFC 8855 6.1; an MSRP stream cannot be found again either
    l->user.dtls_failed(l->user.arg);
}

static void on_wire_ready(void *arg)
{
    static const char garbage[] = "This is neither MSRP nor BFCP.\r\n\r\nNor is this.\r\n";
    struct link *l = arg;
    struct talk_terms terms = {&l->now.own, &l->now.peer, l->now.active};

    if (l->options->misbehave & MIS_GARBAGE)
        wire_send(l->path.wire, (const uint8_t *)garbage, sizeof(garbage) - 1);
    else
        l->talk->kind->begin(l->talk, &terms);
    tell(l);
}

static void on_wire_received(void *arg, const uint8_t *bytes, size_t len)
{
    struct link *l = arg;

    l->received += len;
    if (!(l->options->misbehave & MIS_GARBAGE))
        l->talk->kind->receive(l->talk, bytes, len);
}

static void on_wire_drained(void *arg)
{
    struct link *l = arg;
    l->talk->kind->drained(l->talk);
}

static void on_wire_failed(void *arg)
{
    struct link *l = arg;
    l->user.dtls_failed(l->user.arg);
}

static void on_wire_ended(void *arg, bool clean)
{
    struct link *l = arg;

    if (l->finished)
        return;
    event_fail(UA_ENDED);
    l->user.dtls_failed(l->user.arg);
}

// --- birth and death ----------------------------------------------------------------------------

static int open_path(struct link *l, struct path *p)
{
    unsigned mis = l->options->misbehave;
    struct wire_user user = {
        l, on_wire_ready, on_wire_received, on_wire_drained, on_wire_failed, on_wire_ended};
    struct wire_fate fate = {
        .no_tcp = mis & MIS_TCP_NEVER,
        .no_tls = mis & MIS_NEVER_HELLO,
        .clear = mis & MIS_TLS_CLEAR,
        .byte_by_byte = mis & MIS_BYTE_BY_BYTE,
        .stalled = mis & MIS_STALLED,
        .stall_ms = l->options->stall_ms,
        .second = mis & MIS_SECOND_CONNECTION,
        .renegotiate = mis & MIS_RENEGOTIATE,
    };

    random_alnum(p->session, sizeof(p->session));
    p->cert = cert_new();
    if (!p->cert)
        return -ENOMEM;
    return wire_open(&p->wire, l->loop, &l->options->sip.listen, &fate, &user);
}

static void close_path(struct path *p)
{
    wire_close(p->wire);
    cert_free(p->cert);
    *p = (struct path){.wire = NULL};
}

static struct talk *open_talk(struct link *l)
{
    struct talk_user user = {
        l, on_talk_send, on_talk_full, on_talk_middle, on_talk_done, on_talk_broken};

    if (l->kind == MEDIUM_MSRP)
        return chat_open(l->options, &user);
    return floor_open(l->loop, l->options, l->options->floor == FLOOR_SERVER, &user);
}

int link_open(struct link **out, uv_loop_t *loop, const struct ua_options *options,
              enum medium_kind kind, const struct media_user *user)
{
    struct link *l = calloc(1, sizeof(*l));

    if (!l)
        return -ENOMEM;
    l->loop = loop;
    l->options = options;
    l->kind = kind;
    l->user = *user;
    int rc = open_path(l, &l->path);
    if (rc == 0 && !(l->talk = open_talk(l)))
        rc = -EIO;
    if (rc != 0) {
        link_close(l);
        return rc;
    }
    *out = l;
    return 0;
}

void link_close(struct link *l)
{
    if (!l)
        return;
    if (l->talk)
        l->talk->kind->close(l->talk);
    close_path(&l->path);
    close_path(&l->next_path);
    free(l);
}

// --- our line -----------------------------------------------------------------------------------

// Both sides of every copy are arrays of a size known here.
#define COPY(to, text) snprintf((to), sizeof(to), "%s", (text))

static void put_path(struct medium *out, const struct path *p)
{
    char at[ADDR_STRLEN];

    snprintf(out->path, sizeof(out->path), "%s://%s/%s;tcp", out->secure ? "msrps" : "msrp",
             addr_format(&out->at, at), p->session);
}

static void put_floor(const struct link *l, struct medium *out)
{
    bool server = l->options->floor == FLOOR_SERVER;

    COPY(out->floor.control, server ? "s-only" : "c-only");
    if (server)
        out->floor = (struct floor_terms){
            "s-only", true, FLOOR_CONFERENCE, FLOOR_USER, FLOOR_FLOOR,
        };
}

// Our line on this path, with a=setup as given.
static void put_line(const struct link *l, const struct path *p, bool secure, enum sdp_setup setup,
                     struct medium *out)
{
    bool msrp = l->kind == MEDIUM_MSRP;

    *out = (struct medium){.kind = l->kind, .secure = secure, .setup = setup};
    COPY(out->type, msrp ? "message" : "application");
    COPY(out->format, "*");
    snprintf(out->proto, sizeof(out->proto), "TCP/%s%s", secure ? "TLS/" : "",
             msrp ? "MSRP" : "BFCP");
    out->at = l->options->sip.listen;
    addr_set_port(&out->at, setup == SDP_SETUP_ACTIVE ? DISCARD_PORT : wire_port(p->wire));
    if (secure)
        own_fingerprints(l->options, p->cert, &out->fingerprints);
    if (msrp) {
        out->cema = l->options->cema;
        put_path(out, p);
    } else {
        out->connection = l->fresh ? CONNECTION_NEW : CONNECTION_EXISTING;
        put_floor(l, out);
    }
}

static const struct path *offered_path(const struct link *l)
{
    return l->next_path.wire ? &l->next_path : &l->path;
}

static void start_round(struct link *l, bool offerer)
{
    close_path(&l->next_path);
    l->next = l->now;
    l->next.offerer = offerer;
    l->fresh = !l->has_round;
}

// The round needs a connection beside the present one. Failing to listen shows as the present port.
static void renew(struct link *l)
{
    if (l->fresh)
        return;
    l->fresh = true;
    if (open_path(l, &l->next_path) != 0)
        close_path(&l->next_path);
}

void link_offer(struct link *l, enum ua_reinvite change, struct medium *out)
{
    bool secure = l->options->side == SIDE_UE;

    start_round(l, true);
    if (change == REINVITE_NEW_PORT || change == REINVITE_NEW_FINGERPRINT)
        renew(l);
    put_line(l, offered_path(l), secure, l->options->tcp_role, out);
    if (!l->fresh)
        out->at = l->now.own.at;
    if (!l->fresh && l->kind == MEDIUM_MSRP)
        put_path(out, &l->path);
    if (change == REINVITE_HOLD)
        out->direction = SDP_INACTIVE;
    if (secure && !l->options->no_3ge2ae)
        out->e2ae = SDP_3GE2AE_REQUESTED;
    own_spoil_offer(l->options, out);
    l->next.own = *out;
}

// --- the round closes ---------------------------------------------------------------------------

// RFC 6714 4.4.
static bool path_matches(const struct medium *m)
{
    struct msrp_uri uri;
    struct addr at;

    return msrp_uri_parse(&uri, m->path) == 0 && msrp_uri_addr(&uri, &at) == 0 &&
           addr_equal(&at, &m->at);
}

static void remote_of(const struct link *l, struct addr *out)
{
    struct msrp_uri uri;

    *out = l->now.peer.at;
    if (l->kind == MEDIUM_MSRP && !l->now.own.cema && msrp_uri_parse(&uri, l->now.peer.path) == 0)
        msrp_uri_addr(&uri, out);
}

static void go(struct link *l)
{
    bool secure = l->now.own.secure && l->now.peer.secure;
    struct tls_options tls = {
        .server = l->kind == MEDIUM_MSRP ? !l->now.active : !l->now.offerer,
        .announced = l->now.peer.fingerprints,
        .cert = l->options->misbehave & MIS_NO_CERTIFICATE ? NULL : l->path.cert,
        .priority = l->options->priority,
    };
    struct wire_terms terms = {
        .active = l->now.active,
        .tls = secure ? &tls : NULL,
        .timeout_ms = l->options->handshake_ms,
    };

    remote_of(l, &terms.remote);
    wire_go(l->path.wire, &terms);
}

static bool is_held(const struct round *r)
{
    return r->own.direction != SDP_SENDRECV || r->peer.direction != SDP_SENDRECV;
}

static bool has_holdconn(const struct link *l)
{
    return l->kind == MEDIUM_BFCP &&
           (l->next.own.setup == SDP_SETUP_HOLDCONN || l->next.peer.setup == SDP_SETUP_HOLDCONN);
}

static void close_round(struct link *l)
{
    bool stay_down = has_holdconn(l);

    if (l->next_path.wire) {
        close_path(&l->path);
        l->path = l->next_path;
        l->next_path = (struct path){.wire = NULL};
    }
    if (!l->fresh) { // roles belong to the connection
        l->next.active = l->now.active;
        l->next.offerer = l->now.offerer;
    }
    l->now = l->next;
    l->has_round = true;
    l->talk->kind->pause(l->talk, is_held(&l->now));
    if (l->fresh && !stay_down)
        go(l);
}

// What is wrong with a line of the peer whoever offered.
static const char *bad_line(const struct link *l, const struct medium *peer)
{
    struct msrp_uri uri;

    if (peer->secure && !fingerprints_usable(&peer->fingerprints))
        return "no usable fingerprint";
    if (l->kind == MEDIUM_MSRP && msrp_uri_parse(&uri, peer->path) != 0)
        return "no usable path";
    return NULL;
}

// RFC 6135 4.2.1: holdconn does not exist for MSRP.
static enum sdp_setup setup_of(const struct link *l, const struct medium *m)
{
    return l->kind == MEDIUM_MSRP && m->setup == SDP_SETUP_HOLDCONN ? SDP_SETUP_NONE : m->setup;
}

// RFC 8856 5.1: without a=floorctrl the offerer is the client.
static bool is_floor_server(const struct medium *m, bool offerer)
{
    if (!*m->floor.control)
        return !offerer;
    return strcmp(m->floor.control, "c-only") != 0;
}

static const char *bad_answer(const struct link *l, const struct medium *own,
                              const struct medium *peer)
{
    enum sdp_setup setup = setup_of(l, peer);

    if (own->secure != peer->secure || own->kind != peer->kind)
        return "proto changed";
    if (setup == SDP_SETUP_ACTPASS || setup == SDP_SETUP_UNKNOWN ||
        (setup == own->setup && setup != SDP_SETUP_NONE))
        return "illegal setup";
    if (l->kind == MEDIUM_BFCP &&
        is_floor_server(peer, false) == (l->options->floor == FLOOR_SERVER))
        return "both sides have the same floor role";
    // RFC 6714 4.2: then the session is offered again without CEMA, which we do not do.
    if (own->cema && !peer->cema && setup == SDP_SETUP_ACTIVE && !path_matches(peer))
        return "CEMA is needed and not supported";
    return bad_line(l, peer);
}

static bool peer_moved(const struct link *l)
{
    const struct medium *was = &l->now.peer, *is = &l->next.peer;

    return !fingerprints_equal(&was->fingerprints, &is->fingerprints) ||
           (l->kind == MEDIUM_MSRP && strcmp(was->path, is->path) != 0);
}

int link_answered(struct link *l, const struct medium *answer, const char **why)
{
    *why = bad_answer(l, &l->next.own, answer);
    if (*why)
        return -EINVAL;
    l->next.peer = *answer;
    // No a=setup in an answer means passive (RFC 4145 4.1).
    l->next.active = setup_of(l, answer) != SDP_SETUP_ACTIVE;
    if (!l->fresh && (peer_moved(l) || answer->connection == CONNECTION_NEW)) {
        *why = "a new connection in an answer to an offer that kept the old one";
        if (!l->next.active)
            return -EINVAL;
        renew(l);
    }
    close_round(l);
    return 0;
}

static const char *bad_offer(const struct link *l, const struct medium *offer)
{
    if (offer->secure && l->options->side == SIDE_CORE)
        return "secured line towards the core";
    if (offer->setup == SDP_SETUP_UNKNOWN)
        return "illegal setup";
    if (l->kind == MEDIUM_BFCP &&
        is_floor_server(offer, true) == (l->options->floor == FLOOR_SERVER))
        return "both sides have the same floor role";
    // RFC 6714 4.3: somebody in between moved the peer and does not speak of it.
    if (l->kind == MEDIUM_MSRP && l->options->cema && !offer->cema && !path_matches(offer))
        return "path differs from c= and m= without msrp-cema";
    return bad_line(l, offer);
}

static enum sdp_setup answer_role(const struct link *l, enum sdp_setup offered)
{
    if (offered == SDP_SETUP_HOLDCONN || offered == SDP_SETUP_PASSIVE)
        return offered == SDP_SETUP_PASSIVE ? SDP_SETUP_ACTIVE : SDP_SETUP_HOLDCONN;
    if (offered != SDP_SETUP_ACTPASS) // RFC 4145 4.1: none means active
        return SDP_SETUP_PASSIVE;
    if (!l->fresh)
        return l->now.active ? SDP_SETUP_ACTIVE : SDP_SETUP_PASSIVE;
    return l->options->answer_tcp;
}

int link_answer(struct link *l, const struct medium *offer, struct medium *out, const char **why)
{
    bool secure = offer->secure && !(l->options->misbehave & MIS_PLAIN_ANSWER);

    *why = bad_offer(l, offer);
    if (*why)
        return -EINVAL;
    start_round(l, false);
    l->next.peer = *offer;
    if (peer_moved(l) || (l->kind == MEDIUM_BFCP && offer->connection != CONNECTION_EXISTING))
        renew(l);
    enum sdp_setup role = answer_role(l, setup_of(l, offer));
    put_line(l, offered_path(l), secure, role, out);
    if (!l->fresh) {
        out->at = l->now.own.at;
        COPY(out->path, l->now.own.path);
    }
    out->direction = own_answer_direction(offer->direction);
    l->next.active = role == SDP_SETUP_ACTIVE;
    l->next.own = *out;
    own_spoil_answer(l->options, offer, out);
    return 0;
}

void link_commit(struct link *l)
{
    close_round(l);
}

void link_restore(struct link *l)
{
    close_path(&l->next_path);
    l->fresh = false;
}

void link_run(struct link *l)
{
    l->running = true;
    tell(l);
}

void link_report(const struct link *l)
{
    event("media", "kind=%s sent=%lu received=%lu",
          l->kind == MEDIUM_MSRP ? "message" : "application", l->sent, l->received);
}
