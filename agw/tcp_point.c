// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path as server: the port listens from Reserve on (REQ-126); a connection comes, is
// admitted, and is open at once or, with TLS, when its peer is verified. As client: a SYN leaves
// from the same port when it was ordered or when the other termination was connected to. At the end
// what waits goes out, then FIN, and the peer gets a while to end too.
//
// Failure paths: a connection from a wrong host, a second one, or too many in a second are refused
// with RST and counted. A connection that ends before anything came of it, and one of a stranger
// that fails, make room for another one while the attempt lasts. No connection in time, or one that
// is refused: the relay is told, tells the ALG, and closes both points. A connection that breaks
// later: the relay is told.

#include "agw/tcp_point.h"

#include "agw/deadline.h"
#include "agw/sniffer.h"
#include "agw/tcp.h"
#include "agw/tcp_point_private.h"
#include "common/fsm.h"
#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

// How long the peer may take to end its half of a connection that is closing, and to take each part
// of what waits for it.
#define TCP_POINT_LINGER_US (5 * 1000000ull)
// Reads that a closing connection may throw away per turn.
#define TCP_POINT_DRAINS 4

// --- watching -----------------------------------------------------------------------------------

static void log_unwatched(const struct tcp_point *p)
{
    char id[STREAM_ID_MAX];
    log_error(stream_id(tcp_point_stream(p), id), "a TCP socket cannot be watched: %s",
              strerror(errno));
}

static void watch_fd(struct tcp_point *p, int fd, struct watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    int epoll = tcp_point_media(p)->epoll;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 &&
        (errno != EEXIST || epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) < 0))
        log_unwatched(p);
}

static uint32_t wanted(const struct tcp_point *p)
{
    uint32_t events = sendqueue_waiting(&p->queue) > 0 ? EPOLLOUT : 0;
    switch (p->state) {
    case TCP_POINT_CONNECTING:
        return EPOLLOUT;
    case TCP_POINT_CONNECTED:
        return events | EPOLLIN;
    case TCP_POINT_HANDSHAKE:
        return events | (tls_wants_input(p->tls) ? EPOLLIN : 0u);
    case TCP_POINT_OPEN:
        return events | (relay_wants(p) ? EPOLLIN : 0u);
    case TCP_POINT_CLOSING:
        return events | (p->ended ? 0u : EPOLLIN);
    default:
        return events;
    }
}

void tcp_point_watch(struct tcp_point *p)
{
    if (p->fd < 0)
        return;
    uint32_t events = wanted(p);
    // Hang-ups are told even to those who want nothing; edge-triggered, they are told once.
    if (events == 0)
        events = EPOLLET;
    if (events == p->watched)
        return;
    p->watched = events;
    watch_fd(p, p->fd, &p->talking, events);
}

// --- a connection comes or is lost --------------------------------------------------------------

void tcp_point_begin(struct tcp_point *p, const struct addr *peer, bool outbound)
{
    p->peer = *peer;
    p->outbound = outbound;
    tcp_point_told_at(p)->remote = *peer;
    sniff_connected(p);
    stream_tell(
        tcp_point_told_at(p),
        &(struct telling){.event = AGW_TCP_CONNECTED, .outbound = outbound, .address = peer});
    tcp_point_feed(p, p->secured ? TCP_POINT_UP : TCP_POINT_READY);
    tcp_point_watch(p);
}

// Forgets the connection, whatever was on it.
static void drop_connection(struct tcp_point *p)
{
    if (p->fd >= 0)
        tcp_abort(p->fd);
    p->fd = -1;
    p->watched = 0;
    sendqueue_clear(&p->queue);
    tls_close(p->tls);
    p->tls = NULL;
    p->outbound = p->ended = p->finishing = p->finished = p->begun = false;
}

// --- events of the connection -------------------------------------------------------------------

static void take_connect_result(struct tcp_point *p)
{
    int rc = tcp_connect_result(p->fd);
    if (rc == -EINPROGRESS)
        return;
    if (rc < 0) {
        tcp_point_fail(p, REASON_TCP_CONNECT);
        return;
    }
    tcp_point_begin(p, &p->remote, true);
}

// True when what waits went out as far as the kernel takes it; else the point is gone.
static bool flush(struct tcp_point *p)
{
    int n = sendqueue_flush(&p->queue, p->fd);
    if (n < 0) {
        if (p->state == TCP_POINT_CLOSING)
            tcp_point_feed(p, TCP_POINT_GONE);
        else
            relay_gone(p);
        return false;
    }
    if (n > 0 && p->state == TCP_POINT_CLOSING)
        tcp_point_set_due(p, tcp_point_media(p)->now_us + TCP_POINT_LINGER_US);
    if (p->finishing && !p->finished && sendqueue_waiting(&p->queue) == 0) {
        (void)shutdown(p->fd, SHUT_WR);
        sniff_finished(p, true);
        p->finished = true;
    }
    return true;
}

// Throws away what comes on a closing connection, so that close() does not answer it with RST,
// which would destroy what is still on its way to the peer.
static void drain(struct tcp_point *p)
{
    uint8_t *rubbish = tcp_point_media(p)->rooms->read;
    ssize_t n = 1;
    for (int i = 0; i < TCP_POINT_DRAINS && n > 0 && !p->ended; i++)
        n = recv(p->fd, rubbish, RELAY_READ, 0);
    if (n == 0)
        p->ended = true;
    if ((n < 0 && errno != EAGAIN) || (p->ended && p->finished))
        tcp_point_feed(p, TCP_POINT_GONE);
}

static void closing_ready(struct tcp_point *p)
{
    if (flush(p))
        drain(p);
}

static void open_ready(struct tcp_point *p, uint32_t events)
{
    if (events & EPOLLOUT) {
        if (!flush(p))
            return;
        relay_writable(p);
    }
    if (p->state == TCP_POINT_OPEN && events & ~(uint32_t)EPOLLOUT) {
        // Broken while nobody reads it: reading would tell.
        if (events & EPOLLERR && !relay_wants(p))
            relay_gone(p);
        else
            relay_readable(p);
    }
}

static void on_talking(struct watch *watch, uint32_t events)
{
    struct tcp_point *p = (struct tcp_point *)((char *)watch - offsetof(struct tcp_point, talking));
    if (p->fd < 0)
        return;
    switch (p->state) {
    case TCP_POINT_CONNECTING:
        take_connect_result(p);
        break;
    case TCP_POINT_CONNECTED:
    case TCP_POINT_HANDSHAKE:
        // A peer that refuses may have closed already; what it said is still to be read.
        if (sendqueue_flush(&p->queue, p->fd) < 0)
            sendqueue_clear(&p->queue);
        if (events & ~(uint32_t)EPOLLOUT)
            tcp_tls_readable(p);
        break;
    case TCP_POINT_OPEN:
        open_ready(p, events);
        break;
    case TCP_POINT_CLOSING:
        closing_ready(p);
        break;
    default:
        break;
    }
    tcp_point_watch(p);
}

// --- actions of the state table -----------------------------------------------------------------

static void start_listening(void *object, void *argument)
{
    struct tcp_point *p = object;
    int rc = tcp_listen(p->listener);
    if (rc < 0) {
        tcp_point_fail(p, REASON_AGW_NO_RESOURCE);
        return;
    }
    watch_fd(p, p->listener, &p->listening, EPOLLIN);
    tcp_point_set_due(p, p->attempt_until_us);
}

// The port stays ours. A socket that neither listens nor is connected would be told of for ever.
static void unlisten(struct tcp_point *p)
{
    (void)epoll_ctl(tcp_point_media(p)->epoll, EPOLL_CTL_DEL, p->listener, NULL);
    tcp_unlisten(p->listener);
}

static void stop_listening(void *object, void *argument)
{
    struct tcp_point *p = object;
    unlisten(p);
    tcp_point_set_due(p, DEADLINE_NEVER);
}

static void start_connecting(void *object, void *argument)
{
    struct tcp_point *p = object;
    p->fd = p->listener;
    p->listener = -1;
    p->outbound = true;
    tcp_point_set_due(p, tcp_point_patience(p));
    int rc = tcp_connect(p->fd, &p->remote);
    if (rc == 0)
        tcp_point_begin(p, &p->remote, true);
    else if (rc != -EINPROGRESS)
        tcp_point_fail(p, REASON_TCP_CONNECT);
    tcp_point_watch(p);
}

static void on_up(void *object, void *argument)
{
    struct tcp_point *p = object;
    tcp_point_set_due(p, DEADLINE_NEVER);
    relay_changed(p->relay);
    tcp_tls_begin(p);
}

static void on_ready(void *object, void *argument)
{
    struct tcp_point *p = object;
    tcp_point_set_due(p, DEADLINE_NEVER);
    relay_ready(p);
}

static void listen_on(void *object, void *argument)
{
    struct tcp_point *p = object;
    drop_connection(p);
    tcp_point_set_due(p, p->attempt_until_us);
}

static void release_sockets(void *object, void *argument)
{
    struct tcp_point *p = object;
    drop_connection(p);
    if (p->listener >= 0)
        close(p->listener);
    p->listener = -1;
    tcp_point_set_due(p, DEADLINE_NEVER);
}

static void begin_closing(void *object, void *argument)
{
    struct tcp_point *p = object;
    if (p->listener >= 0)
        close(p->listener);
    p->listener = -1;
    tcp_point_set_due(p, tcp_point_media(p)->now_us + TCP_POINT_LINGER_US);
    tcp_point_finish(p);
    closing_ready(p);
    tcp_point_watch(p);
}

// Everything has been said on both sides: no RST.
static void end_closing(void *object, void *argument)
{
    struct tcp_point *p = object;
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    release_sockets(p, NULL);
}

// Says goodbye as far as the kernel takes it, and does not wait for an answer.
static void end_at_once(struct tcp_point *p)
{
    if (p->fd < 0)
        return;
    if (p->tls && !p->finishing)
        tcp_tls_finish(p);
    (void)sendqueue_flush(&p->queue, p->fd);
    (void)shutdown(p->fd, SHUT_WR);
    uint8_t *rubbish = tcp_point_media(p)->rooms->read;
    for (int i = 0; i < TCP_POINT_DRAINS; i++)
        if (recv(p->fd, rubbish, RELAY_READ, 0) <= 0)
            break;
    close(p->fd);
    p->fd = -1;
}

static void begin_anew(void *object, void *argument)
{
    struct tcp_point *p = object;
    end_at_once(p);
    drop_connection(p);
    tcp_point_set_due(p, DEADLINE_NEVER);
    p->attempt_until_us = DEADLINE_NEVER;
    p->stranger_failed = REASON_TCP_TIMEOUT;
    p->refused_told = false;
    if (p->listener >= 0) {
        unlisten(p);
        return;
    }
    int rc = tcp_open(&p->local);
    p->listener = rc < 0 ? -1 : rc;
    if (rc < 0)
        tcp_point_fail(p, REASON_AGW_NO_RESOURCE);
}

static const struct fsm_row rows[] = {
    {TCP_POINT_IDLE, TCP_POINT_LISTEN, start_listening, TCP_POINT_LISTENING},
    {TCP_POINT_IDLE, TCP_POINT_HOLD, NULL, TCP_POINT_IDLE},
    {TCP_POINT_IDLE, TCP_POINT_CONNECT, start_connecting, TCP_POINT_CONNECTING},
    {TCP_POINT_IDLE, TCP_POINT_CLOSE, release_sockets, TCP_POINT_CLOSED},

    {TCP_POINT_LISTENING, TCP_POINT_LISTEN, NULL, TCP_POINT_LISTENING},
    {TCP_POINT_LISTENING, TCP_POINT_HOLD, stop_listening, TCP_POINT_IDLE},
    {TCP_POINT_LISTENING, TCP_POINT_UP, on_up, TCP_POINT_CONNECTED},
    {TCP_POINT_LISTENING, TCP_POINT_READY, on_ready, TCP_POINT_OPEN},
    {TCP_POINT_LISTENING, TCP_POINT_CLOSE, release_sockets, TCP_POINT_CLOSED},

    {TCP_POINT_CONNECTING, TCP_POINT_UP, on_up, TCP_POINT_CONNECTED},
    {TCP_POINT_CONNECTING, TCP_POINT_READY, on_ready, TCP_POINT_OPEN},
    {TCP_POINT_CONNECTING, TCP_POINT_CLOSE, release_sockets, TCP_POINT_CLOSED},

    {TCP_POINT_CONNECTED, TCP_POINT_SECURE, NULL, TCP_POINT_HANDSHAKE},
    {TCP_POINT_CONNECTED, TCP_POINT_AGAIN, listen_on, TCP_POINT_LISTENING},
    {TCP_POINT_CONNECTED, TCP_POINT_CLOSE, begin_closing, TCP_POINT_CLOSING},

    {TCP_POINT_HANDSHAKE, TCP_POINT_READY, on_ready, TCP_POINT_OPEN},
    {TCP_POINT_HANDSHAKE, TCP_POINT_AGAIN, listen_on, TCP_POINT_LISTENING},
    {TCP_POINT_HANDSHAKE, TCP_POINT_CLOSE, begin_closing, TCP_POINT_CLOSING},

    {TCP_POINT_OPEN, TCP_POINT_AGAIN, listen_on, TCP_POINT_LISTENING},
    {TCP_POINT_OPEN, TCP_POINT_CLOSE, begin_closing, TCP_POINT_CLOSING},

    {TCP_POINT_CLOSING, TCP_POINT_CLOSE, NULL, TCP_POINT_CLOSING},
    {TCP_POINT_CLOSING, TCP_POINT_GONE, end_closing, TCP_POINT_CLOSED},

    {TCP_POINT_CLOSED, TCP_POINT_CLOSE, NULL, TCP_POINT_CLOSED},

    // a=connection:new comes whenever it likes
    {TCP_POINT_IDLE, TCP_POINT_RENEW, begin_anew, TCP_POINT_IDLE},
    {TCP_POINT_LISTENING, TCP_POINT_RENEW, begin_anew, TCP_POINT_IDLE},
    {TCP_POINT_CONNECTING, TCP_POINT_RENEW, begin_anew, TCP_POINT_IDLE},
    {TCP_POINT_CONNECTED, TCP_POINT_RENEW, begin_anew, TCP_POINT_IDLE},
    {TCP_POINT_HANDSHAKE, TCP_POINT_RENEW, begin_anew, TCP_POINT_IDLE},
    {TCP_POINT_OPEN, TCP_POINT_RENEW, begin_anew, TCP_POINT_IDLE},
    {TCP_POINT_CLOSING, TCP_POINT_RENEW, begin_anew, TCP_POINT_IDLE},
    {TCP_POINT_CLOSED, TCP_POINT_RENEW, begin_anew, TCP_POINT_IDLE},
};

static const char *const state_names[] = {"idle",      "listening", "connecting", "connected",
                                          "handshake", "open",      "closing",    "closed"};
static const char *const event_names[] = {"listen", "hold",  "connect", "up",   "secure",
                                          "ready",  "again", "close",   "gone", "renew"};

static const struct fsm fsm = {.name = "TCP point",
                               .rows = rows,
                               .row_count = sizeof rows / sizeof rows[0],
                               .state_names = state_names,
                               .event_names = event_names};

void tcp_point_feed(struct tcp_point *p, enum tcp_point_event event)
{
    char id[STREAM_ID_MAX];
    fsm_feed(&fsm, &p->state, event, p, NULL, stream_id(tcp_point_stream(p), id));
}

// --- control ------------------------------------------------------------------------------------

void tcp_point_init(struct tcp_point *p, struct relay *relay, enum agw_termination termination)
{
    *p = (struct tcp_point){.listening = {tcp_point_incoming},
                            .talking = {on_talking},
                            .relay = relay,
                            .termination = termination,
                            .listener = -1,
                            .fd = -1,
                            .due_us = DEADLINE_NEVER,
                            .attempt_until_us = DEADLINE_NEVER,
                            .stranger_failed = REASON_TCP_TIMEOUT};
}

void tcp_point_reserve(struct tcp_point *p, const struct agw_request *request, int fd,
                       struct certificate *certificate)
{
    p->reserved = true;
    p->secured = agw_transport_is_secured(request->transport);
    p->latching = request->latching;
    p->listener = fd;
    p->certificate = certificate;
    p->local.len = sizeof p->local.v6;
    (void)getsockname(fd, &p->local.sa, &p->local.len);
}

void tcp_point_configure(struct tcp_point *p, const struct agw_request *request)
{
    // 0.0.0.0 means hold, not an address (RFC 3264 8.4).
    if (addr_is_set(&request->remote) && !addr_is_any(&request->remote))
        p->remote = request->remote;
    p->role = request->tcp_setup;
    p->ordered = p->ordered || request->establish_tcp;
    p->trigger = p->trigger || request->tcp_trigger;
    p->notify_tcp = p->notify_tcp || request->notify_tcp_failure;
    p->notify_dtls = p->notify_dtls || request->notify_dtls_failure;
    p->guard_ms = request->role_guard_ms > 0 ? request->role_guard_ms : p->guard_ms;
    bool fresh = fingerprints_learn(&p->fingerprints, &request->remote_fingerprints);
    if (fresh || request->new_connection)
        p->tls_client = request->establish_dtls;
    else
        p->tls_client = p->tls_client || request->establish_dtls;
    if (!relay_is_flowing(p->relay))
        tcp_point_check_early(p);
}

static void follow_role(struct tcp_point *p)
{
    bool listens = p->role == AGW_TCP_SERVER || p->role == AGW_TCP_UNDECIDED;
    if (p->state == TCP_POINT_IDLE || p->state == TCP_POINT_LISTENING)
        tcp_point_feed(p, listens ? TCP_POINT_LISTEN : TCP_POINT_HOLD);
}

void tcp_point_proceed(struct tcp_point *p, bool connect)
{
    if (!p->reserved)
        return;
    follow_role(p);
    if (connect && p->state == TCP_POINT_IDLE && p->role == AGW_TCP_CLIENT &&
        addr_is_set(&p->remote))
        tcp_point_feed(p, TCP_POINT_CONNECT);
    if (p->state == TCP_POINT_CONNECTED)
        tcp_tls_begin(p);
    else if (p->state == TCP_POINT_HANDSHAKE)
        tcp_tls_configure(p);
    tcp_point_watch(p);
}

void tcp_point_limit(struct tcp_point *p)
{
    if (p->attempt_until_us != DEADLINE_NEVER)
        return;
    p->attempt_until_us = tcp_point_patience(p);
    if (p->state == TCP_POINT_LISTENING)
        tcp_point_set_due(p, p->attempt_until_us);
}

void tcp_point_renew(struct tcp_point *p)
{
    if (p->reserved)
        tcp_point_feed(p, TCP_POINT_RENEW);
}

void tcp_point_finish(struct tcp_point *p)
{
    if (p->finishing)
        return;
    p->finishing = true;
    if (p->tls)
        tcp_tls_finish(p);
    if (p->state == TCP_POINT_OPEN)
        (void)flush(p);
}

void tcp_point_close(struct tcp_point *p)
{
    if (p->reserved)
        tcp_point_feed(p, TCP_POINT_CLOSE);
}

void tcp_point_again(struct tcp_point *p)
{
    tcp_point_feed(p, TCP_POINT_AGAIN);
}

void tcp_point_release(struct tcp_point *p)
{
    end_at_once(p);
    drop_connection(p);
    if (p->listener >= 0)
        close(p->listener);
    p->listener = -1;
    certificate_free(p->certificate);
    free(p->fingerprints);
}

// --- asking -------------------------------------------------------------------------------------

bool tcp_point_connected(const struct tcp_point *p)
{
    return p->state == TCP_POINT_CONNECTED || p->state == TCP_POINT_HANDSHAKE ||
           p->state == TCP_POINT_OPEN;
}

uint64_t tcp_point_deadline(const struct tcp_point *p)
{
    return p->due_us;
}

void tcp_point_due(struct tcp_point *p)
{
    if (p->due_us > tcp_point_media(p)->now_us)
        return;
    p->due_us = DEADLINE_NEVER;
    switch (p->state) {
    case TCP_POINT_LISTENING:
        if (p->stranger_failed == REASON_TCP_TIMEOUT)
            tcp_point_fail(p, REASON_TCP_TIMEOUT);
        else
            relay_failed(p, AGW_DTLS_FAILURE, p->stranger_failed, NULL);
        break;
    case TCP_POINT_CONNECTING:
        tcp_point_fail(p, REASON_TCP_TIMEOUT);
        break;
    case TCP_POINT_CONNECTED:
    case TCP_POINT_HANDSHAKE:
        tcp_tls_due(p);
        break;
    case TCP_POINT_CLOSING:
        drop_connection(p);
        tcp_point_feed(p, TCP_POINT_GONE);
        break;
    default:
        break;
    }
    tcp_point_watch(p);
}

// --- bytes --------------------------------------------------------------------------------------

static enum tcp_read read_clear(struct tcp_point *p, const uint8_t *data, size_t len)
{
    if (!p->begun && tls_begins_with(data, len) && !relay_passes_tls(p)) {
        relay_failed(p, AGW_TCP_FAILURE, REASON_TLS_ON_PLAIN, NULL);
        return TCP_READ_GONE;
    }
    p->begun = true;
    return len < RELAY_READ ? TCP_READ_DRAINED : TCP_READ_MORE;
}

enum tcp_read tcp_point_read(struct tcp_point *p, const uint8_t **data, size_t *len)
{
    uint8_t *room = tcp_point_media(p)->rooms->read;
    *len = 0;
    ssize_t n = recv(p->fd, room, RELAY_READ, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? TCP_READ_DRAINED : TCP_READ_GONE;
    if (n == 0) {
        p->ended = true;
        sniff_finished(p, false);
        return p->secured ? tcp_tls_stream_ended(p) : TCP_READ_END;
    }
    sniff_bytes(p, false, room, (size_t)n);
    if (p->secured)
        return tcp_tls_read(p, room, (size_t)n, data, len);
    enum tcp_read rc = read_clear(p, room, (size_t)n);
    if (rc != TCP_READ_GONE) {
        *data = room;
        *len = (size_t)n;
    }
    return rc;
}

void tcp_point_peek(struct tcp_point *p)
{
    uint8_t first[2];
    ssize_t n = recv(p->fd, first, sizeof first, MSG_PEEK);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        relay_gone(p);
    else
        (void)read_clear(p, first, (size_t)n);
}

bool tcp_point_write(struct tcp_point *p, const uint8_t *data, size_t len)
{
    if (p->secured)
        return tcp_tls_write(p, data, len);
    sniff_bytes(p, true, data, len);
    return sendqueue_send(&p->queue, p->fd, data, len) == 0;
}

bool tcp_point_blocked(const struct tcp_point *p)
{
    return sendqueue_waiting(&p->queue) > 0;
}
