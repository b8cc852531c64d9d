// SPDX-License-Identifier: GPL-3.0-or-later
// TCP with or without TLS.
//
// Happy path: wire_open listens; wire_go says who opens, and the connection comes up, or is there
// already; TLS starts at once; ready. TCP role and TLS role are independent (BFCP needs both
// mixtures). The end: close_notify, then the own direction of TCP, then all of it.
// Failure paths: no connection or no TLS in time, an error of either, an end before ready: failed.
// An end after that is told as ended, clean when the peer said so (close_notify under TLS).

#include "tests/ua/ua_wire.h"

#include "tests/ua/ua_event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct wire {
    struct wire_user user;
    struct wire_fate fate;
    struct tcp *tcp;
    struct tls *tls; // NULL: plain, or not yet
    uv_timer_t timer;
    struct tls_options tls_options;
    struct addr remote;
    unsigned timeout_ms;
    bool going, active, secure, ready, over, peer_closed;
};

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void fail(struct wire *w, const char *name, const char *why)
{
    if (w->over)
        return;
    w->over = true;
    uv_timer_stop(&w->timer);
    event(name, "reason=%s", event_quote(why));
    event_fail(UA_DTLS);
    w->user.failed(w->user.arg);
}

static void on_timeout(uv_timer_t *timer)
{
    struct wire *w = timer->data;

    if (tcp_is_connected(w->tcp))
        fail(w, "tls-failed", "timeout");
    else
        fail(w, "tcp-failed", "timeout");
}

static void on_stall_over(uv_timer_t *timer)
{
    struct wire *w = timer->data;

    event_plain("reading-again");
    tcp_read(w->tcp);
}

static void stall(struct wire *w)
{
    event_plain("stalled");
    tcp_pause(w->tcp);
    if (w->fate.stall_ms > 0)
        uv_timer_start(&w->timer, on_stall_over, w->fate.stall_ms, 0);
}

static void set_ready(struct wire *w)
{
    w->ready = true;
    uv_timer_stop(&w->timer);
    if (w->fate.second && w->active)
        tcp_connect_again(w->tcp, &w->remote);
    if (w->fate.stalled)
        stall(w);
    w->user.ready(w->user.arg);
}

// --- TLS ----------------------------------------------------------------------------------------

static void on_tls_send(void *arg, const uint8_t *bytes, size_t len)
{
    struct wire *w = arg;
    tcp_send(w->tcp, bytes, len);
}

static void on_established(void *arg, const struct tls_facts *facts)
{
    struct wire *w = arg;
    char peer[FINGERPRINT_STRLEN];

    fingerprint_format(&facts->peer, peer);
    *strchr(peer, ' ') = ':';
    event("tls-established", "role=%s version=%s suite=%s peer=%s verified=yes",
          w->tls_options.server ? "server" : "client", facts->version, facts->suite, peer);
    // A client waits what becomes of it; a server's request may stay without an answer.
    if (w->fate.renegotiate && tls_renegotiate(w->tls) && !w->tls_options.server)
        return;
    set_ready(w);
}

static void on_tls_failed(void *arg, const char *why)
{
    fail(arg, "tls-failed", why);
}

static void on_tls_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct wire *w = arg;
    w->user.received(w->user.arg, bytes, len);
}

static void on_tls_closed(void *arg)
{
    struct wire *w = arg;

    w->peer_closed = true;
    event("tls-closed", "by=peer");
}

static void on_renegotiation(void *arg, bool done)
{
    struct wire *w = arg;

    event("renegotiation", "result=%s", done ? "done" : "refused");
    if (!w->ready)
        set_ready(w);
}

static void start_tls(struct wire *w)
{
    struct tls_user user = {w,           on_tls_send,   on_established,  on_tls_failed,
                            on_tls_data, on_tls_closed, on_renegotiation};

    w->tls = tls_open(&w->tls_options, &user);
    if (w->tls)
        tls_start(w->tls);
    else
        fail(w, "tls-failed", "GnuTLS refuses the options");
}

// --- TCP ----------------------------------------------------------------------------------------

// TCP is up and the roles are known.
static void go_on(struct wire *w)
{
    if (w->secure && w->fate.no_tls)
        return;
    tcp_read(w->tcp);
    if (w->secure && !w->fate.clear)
        start_tls(w);
    else
        set_ready(w);
}

static void on_connected(void *arg, const struct addr *peer)
{
    struct wire *w = arg;
    char at[ADDR_STRLEN];

    event("tcp-connected", "role=%s peer=%s", w->going && w->active ? "client" : "server",
          addr_format(peer, at));
    if (w->going)
        go_on(w);
}

static void on_received(void *arg, const uint8_t *bytes, size_t len)
{
    struct wire *w = arg;

    if (w->over)
        return;
    if (w->tls)
        tls_receive(w->tls, bytes, len);
    else
        w->user.received(w->user.arg, bytes, len);
}

static void on_drained(void *arg)
{
    struct wire *w = arg;

    if (w->ready && !w->over)
        w->user.drained(w->user.arg);
}

static void on_ended(void *arg, const char *why)
{
    struct wire *w = arg;
    bool clean = !why && (!w->tls || w->peer_closed);

    if (w->over)
        return;
    if (!w->ready) {
        fail(w, tcp_is_connected(w->tcp) && w->secure ? "tls-failed" : "tcp-failed",
             why ? why : "the peer closed TCP");
        return;
    }
    w->over = true;
    event("tcp-closed", "by=peer clean=%s reason=%s", clean ? "yes" : "no", event_quote(why));
    w->user.ended(w->user.arg, clean);
}

static void on_refused(void *arg, const struct addr *peer)
{
    struct wire *w = arg;
    char at[ADDR_STRLEN];

    event("second-connection", "%s peer=%s", w->active ? "refused-by=peer" : "refused-by=us",
          addr_is_set(peer) ? addr_format(peer, at) : "-");
}

// --- life ---------------------------------------------------------------------------------------

int wire_open(struct wire **out, uv_loop_t *loop, const struct addr *local,
              const struct wire_fate *fate, const struct wire_user *user)
{
    struct wire *w = calloc(1, sizeof(*w));

    if (!w)
        return -ENOMEM;
    w->user = *user;
    w->fate = *fate;
    struct tcp_user on_tcp = {w, on_connected, on_received, on_drained, on_ended, on_refused};
    struct tcp_fate tcp_fate = {fate->byte_by_byte, fate->stalled};
    int rc = tcp_open(&w->tcp, loop, local, &tcp_fate, &on_tcp);
    if (rc != 0) {
        free(w);
        return rc;
    }
    if (fate->no_tcp)
        tcp_stop_listening(w->tcp);
    uv_timer_init(loop, &w->timer);
    w->timer.data = w;
    *out = w;
    return 0;
}

uint16_t wire_port(const struct wire *w)
{
    return tcp_port(w->tcp);
}

void wire_go(struct wire *w, const struct wire_terms *terms)
{
    if (w->going || w->over)
        return;
    w->going = true;
    w->active = terms->active;
    w->remote = terms->remote;
    w->secure = terms->tls != NULL;
    if (terms->tls)
        w->tls_options = *terms->tls;
    w->timeout_ms = terms->timeout_ms;
    uv_timer_start(&w->timer, on_timeout, w->timeout_ms, 0);
    if (!w->active && tcp_is_connected(w->tcp)) {
        go_on(w);
    } else if (w->active && !w->fate.no_tcp) {
        int rc = tcp_connect(w->tcp, &w->remote);
        if (rc != 0)
            fail(w, "tcp-failed", uv_strerror(rc));
    }
}

bool wire_is_ready(const struct wire *w)
{
    return w->ready && !w->over;
}

bool wire_authenticated(const struct wire *w)
{
    return w->ready && w->tls;
}

void wire_send(struct wire *w, const uint8_t *bytes, size_t len)
{
    if (!wire_is_ready(w))
        return;
    if (!w->tls)
        tcp_send(w->tcp, bytes, len);
    else if (tls_send(w->tls, bytes, len) != 0)
        fail(w, "tls-failed", "sending is refused");
}

bool wire_is_full(const struct wire *w)
{
    return tcp_queued(w->tcp) >= TCP_QUEUE_HIGH;
}

void wire_half_close(struct wire *w)
{
    event_plain("half-closed");
    if (w->tls)
        tls_close(w->tls);
    tcp_half_close(w->tcp);
}

void wire_reset(struct wire *w)
{
    event_plain("reset-sent");
    w->over = true;
    tcp_reset(w->tcp);
}

void wire_close(struct wire *w)
{
    if (!w)
        return;
    if (w->tls && !w->over)
        tls_close(w->tls);
    w->over = true;
    tls_free(w->tls);
    w->tls = NULL;
    tcp_close(w->tcp);
    uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}
