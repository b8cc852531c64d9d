// SPDX-License-Identifier: GPL-3.0-or-later
// Media stream.
//
// Happy path: one socket, one association (or none), one remote address. Datagrams that come before
// the SDP answer made an association are held, a few of them, and played back then: a passive or
// actpass offerer may be spoken to early (RFC 8842 5.2).
// Renewal: a second socket or a second association stands beside the first; a datagram goes to the
// association whose remote address it comes from, else to the newest.
// Failure: a failing newest association is reported; a failing old one is nobody's loss any more.

#include "tests/ua/ua_stream.h"

#include "tests/ua/ua_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAM_MAX 2048 // UDPTL, RTP and DTLS with our MTU all stay below
#define EARLY_MAX 4       // a ClientHello and its repetitions
#define GUARD_EXTRA_MS 500
#define READS_PER_EVENT 32
#define JUNK_EVERY 5 // payloads between two junk datagrams
#define JUNK_MAX 120

struct port {
    uv_poll_t poll;
    int fd;
    struct stream *stream;
};

struct association {
    uv_timer_t timer; // of GnuTLS
    uv_timer_t guard; // a server that hears nothing has no session to time out
    unsigned open_timers;
    struct stream *stream;
    struct dtls *dtls;
    struct port *port;
    struct addr remote;
    bool server;
    bool waiting;               // a client whose hello is delayed
    uint8_t kept[DATAGRAM_MAX]; // for --misbehave=coalesce
    size_t kept_len;
};

struct early {
    uint8_t bytes[DATAGRAM_MAX];
    size_t len;
    struct addr from;
};

enum { NOW, BEFORE, OTHER = BEFORE, GENERATIONS };

struct stream {
    uv_loop_t *loop;
    struct addr local;
    struct addr remote;
    struct stream_user user;
    struct stream_fate fate;
    struct port *port[GENERATIONS];
    struct association *association[GENERATIONS];
    struct early early[EARLY_MAX];
    unsigned early_count;
    enum { LAST_FLIGHT_ARMED, LAST_FLIGHT_DROPPING, LAST_FLIGHT_DONE } last_flight;
    struct stream_counts counts;
    unsigned busy;
    bool dead;
};

// --- sockets ------------------------------------------------------------------------------------

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_port_closed(uv_handle_t *handle)
{
    struct port *p = handle->data;
    close(p->fd);
    free(p);
}

static void port_close(struct port *p)
{
    if (p)
        uv_close((uv_handle_t *)&p->poll, on_port_closed);
}

static int port_open(struct stream *s, struct port **out)
{
    struct port *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    p->stream = s;
    p->poll.data = p;
    p->fd = socket_udp(&s->local);
    int rc = p->fd < 0 ? p->fd : uv_poll_init(s->loop, &p->poll, p->fd);
    if (rc != 0) {
        if (p->fd >= 0)
            close(p->fd);
        free(p);
        return rc;
    }
    uv_poll_start(&p->poll, UV_READABLE, on_readable);
    *out = p;
    return 0;
}

static bool lose(struct stream *s)
{
    if (s->fate.loss_percent == 0 || arc4random_uniform(100) >= s->fate.loss_percent)
        return false;
    s->counts.lost++;
    return true;
}

static void transmit(struct stream *s, struct port *p, const struct addr *to, const uint8_t *bytes,
                     size_t len)
{
    if (!addr_is_set(to) || lose(s))
        return;
    // A full buffer or an ICMP refusal is a lost datagram, as anywhere on the way.
    sendto(p->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL, &to->sa, to->len);
}

// --- associations -------------------------------------------------------------------------------

static void enter(struct stream *s)
{
    s->busy++;
}

static void leave(struct stream *s)
{
    if (--s->busy == 0 && s->dead)
        free(s);
}

static void on_timer(uv_timer_t *timer);

static void arm(struct association *a)
{
    int due = dtls_due_ms(a->dtls);

    if (a->waiting)
        return;
    if (due < 0)
        uv_timer_stop(&a->timer);
    else
        uv_timer_start(&a->timer, on_timer, (uint64_t)due, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct association *a = timer->data;
    struct stream *s = a->stream;

    enter(s);
    s->last_flight += s->last_flight == LAST_FLIGHT_DROPPING;
    if (a->waiting) {
        a->waiting = false;
        dtls_start(a->dtls);
    } else {
        dtls_tick(a->dtls);
    }
    if (!s->dead)
        arm(a);
    leave(s);
}

static void on_association_closed(uv_handle_t *handle)
{
    struct association *a = handle->data;
    if (--a->open_timers == 0)
        free(a);
}

static void association_close(struct association *a)
{
    if (!a)
        return;
    dtls_close(a->dtls);
    dtls_free(a->dtls);
    a->dtls = NULL;
    uv_close((uv_handle_t *)&a->timer, on_association_closed);
    uv_close((uv_handle_t *)&a->guard, on_association_closed);
}

// True for the datagrams of the flight that --misbehave=drop-last-flight swallows.
static bool in_dropped_flight(struct stream *s, const uint8_t *bytes, size_t len)
{
    enum { CHANGE_CIPHER_SPEC = 20 };

    if (!s->fate.drop_last_flight || len == 0)
        return false;
    if (s->last_flight == LAST_FLIGHT_ARMED && bytes[0] == CHANGE_CIPHER_SPEC)
        s->last_flight = LAST_FLIGHT_DROPPING;
    return s->last_flight == LAST_FLIGHT_DROPPING;
}

// Keeps every other record back and sends it in front of the next one (RFC 6347 4.1.1). True when
// nothing is left to do.
static bool coalesced(struct association *a, const uint8_t *bytes, size_t len)
{
    enum { APPLICATION_DATA = 23 };

    if (!a->stream->fate.coalesce || bytes[0] != APPLICATION_DATA ||
        a->kept_len + len > sizeof(a->kept))
        return false;
    bool second = a->kept_len > 0;
    memcpy(a->kept + a->kept_len, bytes, len);
    a->kept_len += len;
    if (second) {
        transmit(a->stream, a->port, &a->remote, a->kept, a->kept_len);
        a->kept_len = 0;
    }
    return true;
}

static void on_dtls_send(void *arg, const uint8_t *bytes, size_t len)
{
    struct association *a = arg;
    if (len == 0 || coalesced(a, bytes, len))
        return;
    if (!in_dropped_flight(a->stream, bytes, len))
        transmit(a->stream, a->port, &a->remote, bytes, len);
}

static void on_dtls_established(void *arg, const struct dtls_facts *facts)
{
    struct association *a = arg;
    uv_timer_stop(&a->guard);
    a->stream->user.secured(a->stream->user.arg, facts, a->server);
}

static void on_dtls_failed(void *arg, const char *why)
{
    struct association *a = arg;
    uv_timer_stop(&a->guard);
    if (a == a->stream->association[NOW])
        a->stream->user.failed(a->stream->user.arg, why);
}

static void on_dtls_closed(void *arg)
{
    on_dtls_failed(arg, "close_notify");
}

static void on_dtls_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct association *a = arg;
    a->stream->counts.received++;
    a->stream->user.payload(a->stream->user.arg, bytes, len);
}

static void on_dtls_renegotiation(void *arg, bool done)
{
    struct association *a = arg;
    a->stream->user.renegotiation(a->stream->user.arg, done);
}

static void on_guard(uv_timer_t *timer)
{
    struct association *a = timer->data;
    struct stream *s = a->stream;

    enter(s);
    on_dtls_failed(a, "timeout");
    leave(s);
}

static struct association *association_open(struct stream *s, const struct dtls_options *options)
{
    struct association *a = calloc(1, sizeof(*a));
    struct dtls_user user = {a,
                             on_dtls_send,
                             on_dtls_established,
                             on_dtls_failed,
                             on_dtls_data,
                             on_dtls_closed,
                             on_dtls_renegotiation};

    if (!a)
        return NULL;
    a->dtls = dtls_open(options, &user);
    if (!a->dtls) {
        free(a);
        return NULL;
    }
    a->stream = s;
    a->server = options->server;
    a->port = s->port[NOW];
    a->remote = s->remote;
    uv_timer_init(s->loop, &a->timer);
    uv_timer_init(s->loop, &a->guard);
    a->timer.data = a->guard.data = a;
    a->open_timers = 2;
    // A client's own timeout comes first.
    uv_timer_start(&a->guard, on_guard, options->timeout_ms + GUARD_EXTRA_MS, 0);
    return a;
}

// --- receiving ----------------------------------------------------------------------------------

static bool speaks_there(const struct association *a, const struct port *p, const struct addr *from)
{
    return a->port == p && addr_equal(&a->remote, from);
}

static struct association *whose(struct stream *s, const struct port *p, const struct addr *from)
{
    struct association *old = s->association[BEFORE], *now = s->association[NOW];
    return old && speaks_there(old, p, from) && !speaks_there(now, p, from) ? old : now;
}

static void hold_early(struct stream *s, const uint8_t *bytes, size_t len, const struct addr *from)
{
    if (s->early_count == EARLY_MAX)
        return;
    struct early *e = &s->early[s->early_count++];
    memcpy(e->bytes, bytes, len);
    e->len = len;
    e->from = *from;
}

// RFC 7983 7, and the version behind it: what is shorter or else never reaches GnuTLS, which would
// keep the bytes of a short datagram and spoil the next one with them.
static bool is_record(const uint8_t *bytes, size_t len)
{
    enum { RECORD_HEADER = 13, DTLS_MAJOR = 0xfe };
    return len >= RECORD_HEADER && bytes[0] >= 20 && bytes[0] <= 63 && bytes[1] == DTLS_MAJOR;
}

static void take_record(struct stream *s, const struct port *p, const uint8_t *bytes, size_t len,
                        const struct addr *from)
{
    struct association *a = whose(s, p, from);

    if (s->fate.no_hello)
        return;
    dtls_receive(a->dtls, bytes, len, from);
    if (!s->dead)
        arm(a);
}

static void take(struct stream *s, const struct port *p, const uint8_t *bytes, size_t len,
                 const struct addr *from)
{
    s->last_flight += s->last_flight == LAST_FLIGHT_DROPPING;
    if (s->association[NOW] && is_record(bytes, len)) {
        take_record(s, p, bytes, len, from);
    } else if (s->association[NOW]) {
        s->counts.stray++;
    } else if (is_record(bytes, len)) {
        hold_early(s, bytes, len, from);
    } else {
        s->counts.received++;
        s->user.payload(s->user.arg, bytes, len);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct port *p = poll->data;
    struct stream *s = p->stream;
    uint8_t bytes[DATAGRAM_MAX];

    enter(s);
    for (int i = 0; i < READS_PER_EVENT && !s->dead; i++) {
        struct sockaddr_storage from;
        socklen_t from_len = sizeof(from);
        ssize_t n = recvfrom(p->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n < 0 || lose(s)) // an ICMP refusal of something sent, or bad luck on purpose
            continue;
        struct addr source = addr_from_sockaddr((struct sockaddr *)&from, from_len);
        take(s, p, bytes, (size_t)n, &source);
    }
    leave(s);
}

// --- the stream ---------------------------------------------------------------------------------

int stream_open(struct stream **out, uv_loop_t *loop, const struct addr *local,
                const struct stream_user *user, const struct stream_fate *fate)
{
    struct stream *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->local = *local;
    s->user = *user;
    s->fate = *fate;
    int rc = port_open(s, &s->port[NOW]);
    if (rc != 0) {
        free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void stream_close(struct stream *s)
{
    if (!s)
        return;
    enter(s);
    s->dead = true;
    for (int i = 0; i < GENERATIONS; i++) {
        association_close(s->association[i]);
        port_close(s->port[i]);
    }
    leave(s);
}

static uint16_t port_number(const struct port *p)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);

    if (getsockname(p->fd, (struct sockaddr *)&at, &len) != 0)
        return 0;
    struct addr local = addr_from_sockaddr((struct sockaddr *)&at, len);
    return addr_port(&local);
}

uint16_t stream_port(const struct stream *s)
{
    return port_number(s->port[NOW]);
}

int stream_prepare_port(struct stream *s, uint16_t *port)
{
    struct port *fresh;
    int rc = port_open(s, &fresh);

    if (rc != 0)
        return rc;
    if (s->association[BEFORE] && s->association[BEFORE]->port == s->port[OTHER]) {
        association_close(s->association[BEFORE]);
        s->association[BEFORE] = NULL;
    }
    port_close(s->port[OTHER]);
    s->port[OTHER] = fresh;
    *port = port_number(fresh);
    return 0;
}

void stream_take_port(struct stream *s, bool move)
{
    struct port *fresh = s->port[OTHER];

    s->port[OTHER] = s->port[NOW];
    s->port[NOW] = fresh;
    if (move && s->association[NOW])
        s->association[NOW]->port = fresh;
}

void stream_set_remote(struct stream *s, const struct addr *remote)
{
    s->remote = *remote;
    if (s->association[NOW])
        s->association[NOW]->remote = *remote;
}

void stream_set_next_remote(struct stream *s, const struct addr *remote)
{
    s->remote = *remote;
}

static void play_early(struct stream *s)
{
    enter(s);
    for (unsigned i = 0; i < s->early_count && !s->dead; i++)
        take(s, s->port[NOW], s->early[i].bytes, s->early[i].len, &s->early[i].from);
    s->early_count = 0;
    leave(s);
}

int stream_secure(struct stream *s, const struct dtls_options *options)
{
    struct association *a = association_open(s, options);

    if (!a)
        return -EIO;
    association_close(s->association[BEFORE]);
    s->association[BEFORE] = s->association[NOW];
    s->association[NOW] = a;
    if (!options->server && !s->fate.no_hello) {
        a->waiting = true;
        uv_timer_start(&a->timer, on_timer, s->fate.hello_delay_ms, 0);
    }
    play_early(s);
    return 0;
}

bool stream_is_secure(const struct stream *s)
{
    return s->association[NOW] != NULL;
}

static struct association *usable(const struct stream *s)
{
    for (int i = 0; i < GENERATIONS; i++)
        if (s->association[i] && dtls_established(s->association[i]->dtls))
            return s->association[i];
    return NULL;
}

bool stream_is_ready(const struct stream *s)
{
    return stream_is_secure(s) ? usable(s) != NULL : addr_is_set(&s->remote);
}

static void send_junk(struct stream *s)
{
    uint8_t bytes[JUNK_MAX];
    size_t len = 1 + arc4random_uniform(JUNK_MAX);

    arc4random_buf(bytes, len);
    transmit(s, s->port[NOW], &s->remote, bytes, len);
}

int stream_send(struct stream *s, const uint8_t *bytes, size_t len)
{
    struct association *a = usable(s);

    if (!stream_is_ready(s))
        return -ENOTCONN;
    if (a) {
        int rc = dtls_send(a->dtls, bytes, len);
        if (rc != 0)
            return rc;
    }
    if (!a || s->fate.clear_too)
        transmit(s, s->port[NOW], &s->remote, bytes, len);
    s->counts.sent++;
    if (s->fate.junk && s->counts.sent % JUNK_EVERY == 0)
        send_junk(s);
    return 0;
}

void stream_renegotiate(struct stream *s)
{
    struct association *a = s->association[NOW];

    if (!a)
        return;
    enter(s);
    dtls_renegotiate(a->dtls);
    if (!s->dead)
        arm(a);
    leave(s);
}

struct stream_counts stream_counts(const struct stream *s)
{
    return s->counts;
}
