// SPDX-License-Identifier: GPL-3.0-or-later
// TCP.
//
// Happy path, passive: the listener takes one connection and tells it; its bytes wait in the kernel
// until tcp_read. Happy path, active: tcp_connect closes the listener and connects. Sent bytes are
// copied into write requests; drained is told when few of them are left.
// Failure paths: a refused, reset or broken connection is told by ended with the system's words. A
// second connection to the listener is accepted and closed at once. tcp_close lets queued bytes
// leave, ends the own direction and reads until the peer ends as well, so that no RST destroys what
// is under way; a peer that never ends is left after LINGER_MS.

#include "tests/ua/ua_tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TCP_QUEUE_LOW (64 * 1024)
#define READ_MAX (64 * 1024)
#define BACKLOG 8 // one connection is expected; the others show themselves to be refused
#define LINGER_MS 500
#define SMALL_ROOM (64 * 1024) // of a reader that stalls: the kernel shall not hide it for long

struct write {
    uv_write_t request;
    uint8_t bytes[];
};

struct tcp {
    uv_loop_t *loop;
    struct tcp_user user;
    struct addr local;
    uint16_t port;
    uv_tcp_t listener, conn, extra;
    uv_timer_t linger;
    uv_connect_t connecting, connecting_extra;
    uv_shutdown_t shutdown;
    bool listening, has_conn, connected, has_extra, ended, closing, half_closed;
    bool byte_by_byte, small_room;
    uint8_t *slow; // bytes waiting to be sent one by one
    size_t slow_len, slow_at;
    unsigned handles; // open ones; the struct goes with the last
    uint8_t in[READ_MAX];
};

static void on_handle_closed(uv_handle_t *handle)
{
    struct tcp *t = handle->data;

    if (--t->handles > 0)
        return;
    free(t->slow);
    free(t);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

static void init_tcp(struct tcp *t, uv_tcp_t *handle)
{
    uv_tcp_init(t->loop, handle);
    handle->data = t;
    t->handles++;
}

void tcp_stop_listening(struct tcp *t)
{
    if (!t->listening)
        return;
    t->listening = false;
    close_handle((uv_handle_t *)&t->listener);
}

static void drop_conn(struct tcp *t)
{
    if (t->has_conn)
        close_handle((uv_handle_t *)&t->conn);
    t->connected = false;
}

// The connection is over, whoever ended it.
static void end(struct tcp *t, const char *why)
{
    if (t->closing) {
        drop_conn(t);
        close_handle((uv_handle_t *)&t->linger);
        return;
    }
    if (t->ended)
        return;
    t->ended = true;
    t->user.ended(t->user.arg, why);
}

static struct addr peer_of(const uv_tcp_t *handle)
{
    struct sockaddr_storage name;
    int len = sizeof(name);

    if (uv_tcp_getpeername(handle, (struct sockaddr *)&name, &len) != 0)
        return (struct addr){.len = 0};
    return addr_from_sockaddr((struct sockaddr *)&name, (socklen_t)len);
}

static void tell_connected(struct tcp *t)
{
    struct addr peer = peer_of(&t->conn);

    t->connected = true;
    uv_tcp_nodelay(&t->conn, 1);
    t->user.connected(t->user.arg, &peer);
}

// --- the passive side ---------------------------------------------------------------------------

static void on_stranger_closed(uv_handle_t *handle)
{
    free(handle);
}

static void turn_away(struct tcp *t)
{
    uv_tcp_t *stranger = malloc(sizeof(*stranger));

    if (!stranger)
        return;
    uv_tcp_init(t->loop, stranger);
    struct addr peer = {.len = 0};
    if (uv_accept((uv_stream_t *)&t->listener, (uv_stream_t *)stranger) == 0)
        peer = peer_of(stranger);
    uv_close((uv_handle_t *)stranger, on_stranger_closed);
    t->user.refused(t->user.arg, &peer);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct tcp *t = listener->data;

    if (status != 0)
        return;
    if (t->has_conn) {
        turn_away(t);
        return;
    }
    init_tcp(t, &t->conn);
    t->has_conn = true;
    if (uv_accept(listener, (uv_stream_t *)&t->conn) == 0)
        tell_connected(t);
}

// What the listener is given its connections inherit.
static int bind_to_host(const struct tcp *t, uv_tcp_t *handle)
{
    struct addr at = t->local;
    int room = SMALL_ROOM;

    addr_set_port(&at, 0);
    int rc = uv_tcp_bind(handle, &at.sa, 0);
    if (rc == 0 && t->small_room)
        rc = uv_recv_buffer_size((uv_handle_t *)handle, &room);
    return rc;
}

static int start_listening(struct tcp *t)
{
    struct sockaddr_storage name;
    int len = sizeof(name);
    int rc = bind_to_host(t, &t->listener);

    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&t->listener, BACKLOG, on_connection);
    if (rc == 0)
        rc = uv_tcp_getsockname(&t->listener, (struct sockaddr *)&name, &len);
    if (rc != 0)
        return rc;
    struct addr at = addr_from_sockaddr((struct sockaddr *)&name, (socklen_t)len);
    t->port = addr_port(&at);
    return 0;
}

int tcp_open(struct tcp **out, uv_loop_t *loop, const struct addr *local,
             const struct tcp_fate *fate, const struct tcp_user *user)
{
    struct tcp *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    t->loop = loop;
    t->user = *user;
    t->local = *local;
    t->byte_by_byte = fate->byte_by_byte;
    t->small_room = fate->small_room;
    uv_timer_init(loop, &t->linger);
    t->linger.data = t;
    t->handles = 1;
    init_tcp(t, &t->listener);
    t->listening = true;
    int rc = start_listening(t);
    if (rc != 0) {
        tcp_close(t);
        return rc;
    }
    *out = t;
    return 0;
}

uint16_t tcp_port(const struct tcp *t)
{
    return t->port;
}

// --- the active side ----------------------------------------------------------------------------

static void on_connect(uv_connect_t *request, int status)
{
    struct tcp *t = request->data;

    if (status == UV_ECANCELED)
        return;
    if (status != 0)
        end(t, uv_strerror(status));
    else if (!t->closing)
        tell_connected(t);
}

int tcp_connect(struct tcp *t, const struct addr *remote)
{
    tcp_stop_listening(t);
    if (t->has_conn)
        return -EISCONN;
    init_tcp(t, &t->conn);
    t->has_conn = true;
    t->connecting.data = t;
    int rc = bind_to_host(t, &t->conn);
    return rc != 0 ? rc : uv_tcp_connect(&t->connecting, &t->conn, &remote->sa, on_connect);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct tcp *t = handle->data;
    *buf = uv_buf_init((char *)t->in, sizeof(t->in));
}

static void on_extra_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct tcp *t = stream->data;

    if (n >= 0)
        return;
    struct addr peer = peer_of(&t->extra);
    close_handle((uv_handle_t *)stream);
    if (!t->closing)
        t->user.refused(t->user.arg, &peer);
}

static void on_extra_connect(uv_connect_t *request, int status)
{
    struct tcp *t = request->data;

    if (status == UV_ECANCELED)
        return;
    if (status == 0)
        uv_read_start((uv_stream_t *)&t->extra, on_alloc, on_extra_read);
    else
        on_extra_read((uv_stream_t *)&t->extra, status, NULL);
}

void tcp_connect_again(struct tcp *t, const struct addr *remote)
{
    if (t->has_extra)
        return;
    t->has_extra = true;
    init_tcp(t, &t->extra);
    t->connecting_extra.data = t;
    if (bind_to_host(t, &t->extra) == 0)
        uv_tcp_connect(&t->connecting_extra, &t->extra, &remote->sa, on_extra_connect);
}

bool tcp_is_connected(const struct tcp *t)
{
    return t->connected;
}

// --- bytes --------------------------------------------------------------------------------------

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct tcp *t = stream->data;

    if (n > 0 && !t->closing)
        t->user.received(t->user.arg, (const uint8_t *)buf->base, (size_t)n);
    if (n >= 0)
        return;
    uv_read_stop(stream);
    end(t, n == UV_EOF ? NULL : uv_strerror((int)n));
}

void tcp_read(struct tcp *t)
{
    if (t->connected)
        uv_read_start((uv_stream_t *)&t->conn, on_alloc, on_read);
}

void tcp_pause(struct tcp *t)
{
    if (t->connected)
        uv_read_stop((uv_stream_t *)&t->conn);
}

static void send_slowly(struct tcp *t);
static void shut_down(struct tcp *t);

static void on_written(uv_write_t *request, int status)
{
    struct tcp *t = request->data;

    free(request);
    if (status == UV_ECANCELED)
        return;
    if (status != 0)
        end(t, uv_strerror(status));
    else if (t->slow_at < t->slow_len)
        send_slowly(t);
    else if (t->half_closed && t->byte_by_byte)
        shut_down(t);
    else if (!t->closing && tcp_queued(t) <= TCP_QUEUE_LOW)
        t->user.drained(t->user.arg);
}

static void write_out(struct tcp *t, const uint8_t *bytes, size_t len)
{
    struct write *w = malloc(sizeof(*w) + len);

    if (!w)
        abort(); // a test tool without memory has nothing to tell
    memcpy(w->bytes, bytes, len);
    w->request.data = t;
    uv_buf_t buf = uv_buf_init((char *)w->bytes, (unsigned)len);
    if (uv_write(&w->request, (uv_stream_t *)&t->conn, &buf, 1, on_written) != 0)
        free(w);
}

static void send_slowly(struct tcp *t)
{
    write_out(t, t->slow + t->slow_at++, 1);
    if (t->slow_at == t->slow_len)
        t->slow_at = t->slow_len = 0;
}

static void queue_slowly(struct tcp *t, const uint8_t *bytes, size_t len)
{
    bool idle = t->slow_len == 0 && uv_stream_get_write_queue_size((uv_stream_t *)&t->conn) == 0;
    uint8_t *grown = realloc(t->slow, t->slow_len + len);

    if (!grown)
        abort();
    t->slow = grown;
    memcpy(t->slow + t->slow_len, bytes, len);
    t->slow_len += len;
    if (idle)
        send_slowly(t);
}

void tcp_send(struct tcp *t, const uint8_t *bytes, size_t len)
{
    if (!t->connected || t->half_closed || len == 0)
        return;
    if (t->byte_by_byte)
        queue_slowly(t, bytes, len);
    else
        write_out(t, bytes, len);
}

size_t tcp_queued(const struct tcp *t)
{
    if (!t->connected)
        return 0;
    return uv_stream_get_write_queue_size((const uv_stream_t *)&t->conn) + t->slow_len - t->slow_at;
}

// --- the end ------------------------------------------------------------------------------------

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct tcp *t = request->data;

    if (status != 0 && status != UV_ECANCELED && t->closing)
        end(t, NULL);
}

static void shut_down(struct tcp *t)
{
    if (t->shutdown.data)
        return;
    t->shutdown.data = t;
    uv_shutdown(&t->shutdown, (uv_stream_t *)&t->conn, on_shutdown);
}

void tcp_half_close(struct tcp *t)
{
    if (!t->connected || t->half_closed)
        return;
    t->half_closed = true;
    if (t->slow_len == 0)
        shut_down(t);
}

void tcp_reset(struct tcp *t)
{
    if (!t->connected)
        return;
    t->connected = false;
    t->ended = true;
    uv_tcp_close_reset(&t->conn, on_handle_closed);
}

static void on_lingered(uv_timer_t *timer)
{
    end(timer->data, NULL);
}

void tcp_close(struct tcp *t)
{
    if (!t || t->closing)
        return;
    t->closing = true;
    tcp_stop_listening(t);
    if (t->has_extra)
        close_handle((uv_handle_t *)&t->extra);
    if (!t->connected || t->ended) {
        end(t, NULL);
        return;
    }
    tcp_half_close(t);
    tcp_read(t);
    uv_timer_start(&t->linger, on_lingered, LINGER_MS, 0);
}
