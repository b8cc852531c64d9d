// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: libmicrohttpd has an epoll set of its own, which libuv watches; when something stirs
// in it, or a time it has named has come, it runs for as long as it need not wait. A request whose
// head is complete is checked (guard.h), answered (api.h), and its answer leaves as fast as the
// client takes it, without anybody waiting.
//
// Failure paths: a client beyond the bound on connections waits in the kernel's queue; a request
// head that does not fit its memory is answered 431 by the library, a body beyond its bound 413; a
// request that is not complete, or an answer that is not taken, in the time there is for it has its
// connection shut, however busy it looks.
#include "common/admin/admin.h"

#include "common/admin/api.h"
#include "common/admin/follow.h"
#include "common/admin/guard.h"
#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

// A few people, a scraper, and browsers with several connections each.
#define CONNECTIONS_MAX 64
// Memory of one connection: request line and headers of a browser fit many times.
#define CONNECTION_BYTES (32 * 1024)
// What the kernel may hold of an answer that its client does not take.
#define SEND_BYTES (256 * 1024)
// A page of ours loads nothing from elsewhere, sends nothing there and stands in no frame.
#define CONTENT_POLICY                                                                             \
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "    \
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "              \
    "frame-ancestors 'none'"
// No request of ours has a body that means anything.
#define BODY_MAX 1024
// How much of one turn of the loop may go into answers before the next request has to wait for the
// next turn: a ladder of many long lists must not add up to a pause that SIP would notice.
#define TURN_US 4000
// How often the time of requests is looked at, as a part of what they may take.
#define SWEEPS 8

// One connection.
struct visitor {
    struct visitor *prev, *next;
    struct MHD_Connection *connection;
    int fd;
    bool waits;        // suspended until the next turn
    uint64_t since_ms; // when the present request, or the wait for it, began
    bool begun;        // a request has a head
    size_t body;       // bytes of it
    bool follows;      // its answer ends with the session
};

struct admin {
    struct admin_source source;
    struct addr address;
    bool loopback;
    unsigned request_ms;
    char token[CONFIG_NAME_MAX];
    struct MHD_Daemon *daemon;
    uv_loop_t *loop;
    uv_poll_t poll;
    uv_timer_t timeout, sweep, look;
    struct follows follows;
    unsigned handles;  // that are open
    uint64_t spent_us; // on answers in this run of the library
    bool parted;       // a connection has ended in this run of the library
    struct visitor *visitors;
};

// --- the loop ---------------------------------------------------------------------------------

static void on_timeout(uv_timer_t *timer);

// The requests that had no time in the last turn. True: there are some.
static bool wake_waiting(struct admin *a)
{
    bool any = false;
    struct visitor *v;
    DL_FOREACH(a->visitors, v)
    {
        if (!v->waits)
            continue;
        v->waits = false;
        MHD_resume_connection(v->connection);
        any = true;
    }
    return any;
}

// Lets the library do what it can, then waits for its descriptor or for the time it names.
static void run(struct admin *a)
{
    MHD_UNSIGNED_LONG_LONG ms;
    bool waiting = wake_waiting(a);
    a->parted = false;
    a->spent_us = 0;
    MHD_run(a->daemon);
    // Only its next run looks at connections that had no place so far, or no time. Never at once: a
    // timer of 0 that is started from its own callback runs again before anything else does.
    if (a->parted || waiting || a->spent_us >= TURN_US)
        uv_timer_start(&a->timeout, on_timeout, 1, 0);
    else if (MHD_get_timeout(a->daemon, &ms) == MHD_YES)
        uv_timer_start(&a->timeout, on_timeout, ms > 0 ? ms : 1, 0);
    else
        uv_timer_stop(&a->timeout);
}

static void on_timeout(uv_timer_t *timer)
{
    run(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    run(poll->data);
}

static void stir(void *arg)
{
    run(arg);
}

// Shuts what has taken too long. The library notices on its own.
static void on_sweep(uv_timer_t *timer)
{
    struct admin *a = timer->data;
    uint64_t now = uv_now(a->loop);
    struct visitor *v;
    DL_FOREACH(a->visitors, v)
    {
        if (!v->follows && now - v->since_ms >= a->request_ms) {
            log_debug("admin", "a connection is shut: its request took too long");
            shutdown(v->fd, SHUT_RDWR);
        }
    }
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct admin *a = cls;
    struct visitor *v = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        v = info ? calloc(1, sizeof(*v)) : NULL;
        if (!v)
            return; // every request of it is refused
        *v = (struct visitor){
            .connection = connection, .fd = info->connect_fd, .since_ms = uv_now(a->loop)};
        setsockopt(v->fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BYTES}, sizeof(int));
        if (!a->visitors)
            uv_timer_start(&a->sweep, on_sweep, a->request_ms / SWEEPS, a->request_ms / SWEEPS);
        DL_APPEND(a->visitors, v);
        *context = v;
    } else if (v) {
        DL_DELETE(a->visitors, v);
        free(v);
        a->parted = true;
        if (!a->visitors)
            uv_timer_stop(&a->sweep);
    }
}

static struct visitor *visitor_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct admin *a = cls;
    struct visitor *v = visitor_of(connection);
    if (!v)
        return;
    v->begun = false;
    v->follows = false;
    v->body = 0;
    v->since_ms = uv_now(a->loop);
}

// --- a request --------------------------------------------------------------------------------

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static const char *argument(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *last_event(const struct request *request)
{
    return header(request->connection, "Last-Event-ID");
}

// As a program presents it, or as a browser does that has asked its user for a password: a viewer
// cannot add header fields to what it loads.
static bool bears_token(const struct admin *a, struct MHD_Connection *connection)
{
    char *password = NULL, *user = NULL;
    if (guard_token(header(connection, "Authorization"), a->token))
        return true;
    user = MHD_basic_auth_get_username_password(connection, &password);
    bool same = guard_secret(password, a->token);
    MHD_free(user);
    MHD_free(password);
    return same;
}

// False: the request is not to be answered with what it wants, and the answer says why.
static bool admitted(struct admin *a, struct MHD_Connection *connection, const char *method,
                     struct answer *answer)
{
    const char *host = header(connection, "Host");
    if (a->loopback && !guard_host(host))
        api_fail(answer, 403, "the Host of the request is not a loopback address or localhost");
    else if (a->token[0] && !bears_token(a, connection))
        api_fail(answer, 401,
                 "a token is needed: as a bearer token, or as the password of any user");
    else if (strcmp(method, "POST") == 0 && !guard_origin(header(connection, "Origin"), host))
        api_fail(answer, 403, "a page from elsewhere may not do this");
    else
        return true;
    return false;
}

static void add_headers(struct MHD_Response *response, const struct answer *answer)
{
    static const char *const always[][2] = {{"Cache-Control", "no-store"},
                                            {"X-Content-Type-Options", "nosniff"},
                                            {"X-Frame-Options", "DENY"},
                                            {"Referrer-Policy", "no-referrer"},
                                            {"Content-Security-Policy", CONTENT_POLICY}};
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        MHD_add_response_header(response, always[i][0], always[i][1]);
    MHD_add_response_header(response, "Content-Type", answer->type);
    if (answer->policy)
        MHD_add_response_header(response, "Content-Security-Policy", answer->policy);
    if (answer->allow)
        MHD_add_response_header(response, "Allow", answer->allow);
    if (answer->status == 401) {
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"pcscf\"");
        MHD_add_response_header(response, "WWW-Authenticate", "Basic realm=\"pcscf\"");
    }
}

static struct MHD_Response *response_for(struct admin *a, struct MHD_Connection *connection,
                                         struct visitor *v, struct answer *answer)
{
    struct MHD_Response *response =
        answer->follow
            ? follow_open(&a->follows, connection, answer->follow_id, answer->follow_from)
            : NULL;
    v->follows = response != NULL;
    if (answer->follow && !response)
        api_fail(answer, 503, "only %d clients may follow a session at a time", FOLLOWS_MAX);
    if (response || !answer->body)
        return response;
    response = MHD_create_response_from_buffer_with_free_callback(answer->len, answer->body, free);
    if (!response)
        free(answer->body);
    return response;
}

static enum MHD_Result send_answer(struct admin *a, struct MHD_Connection *connection,
                                   struct visitor *v, struct answer *answer)
{
    struct MHD_Response *response = response_for(a, connection, v, answer);
    if (!response)
        return MHD_NO; // no memory: the connection is closed
    add_headers(response, answer);
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_request(struct admin *a, struct visitor *v, const char *url,
                                      const char *method)
{
    struct request request = {method, url, argument, last_event, v->connection};
    struct answer answer = {0};
    uint64_t begun = clock_now_us();
    if (v->body > BODY_MAX)
        api_fail(&answer, 413, "a body of more than %d bytes is not read", BODY_MAX);
    else if (admitted(a, v->connection, method, &answer))
        api_answer(&a->source, &request, &answer);
    enum MHD_Result result = send_answer(a, v->connection, v, &answer);
    a->spent_us += clock_now_us() - begun;
    return result;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_len, void **context)
{
    struct admin *a = cls;
    struct visitor *v = visitor_of(connection);
    if (!v)
        return MHD_NO;
    if (!v->begun) {
        v->begun = true;
        return MHD_YES;
    }
    if (*data_len > 0 && v->body <= BODY_MAX) {
        v->body += *data_len;
        *data_len = 0;
        return MHD_YES;
    }
    if (a->spent_us >= TURN_US && *data_len == 0) {
        v->waits = true;
        MHD_suspend_connection(connection);
        return MHD_YES;
    }
    *data_len = 0;
    return answer_request(a, v, url, method);
}

static void on_log(void *cls, const char *fmt, va_list ap)
{
    char line[200];
    vsnprintf(line, sizeof(line), fmt, ap);
    log_debug("admin", "%.*s", (int)strcspn(line, "\n"), line);
}

// --- life -------------------------------------------------------------------------------------

// A listening socket, and in *address where it is. Returns a descriptor or a negative errno.
static int listen_at(struct addr *address)
{
    int yes = 1, rc;
    int fd = socket(addr_family(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (addr_family(address) == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
    if (bind(fd, &address->sa, address->len) || listen(fd, CONNECTIONS_MAX) ||
        getsockname(fd, &address->sa, &address->len)) {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

static struct MHD_Daemon *start_daemon(struct admin *a, int fd)
{
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL,
                            NULL, on_request, a, MHD_OPTION_EXTERNAL_LOGGER, on_log, a,
                            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
                            a->request_ms / 1000 + 1, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
                            a, MHD_OPTION_NOTIFY_COMPLETED, on_completed, a, MHD_OPTION_END);
}

static int open_server(struct admin *a)
{
    int fd = listen_at(&a->address);
    if (fd < 0)
        return fd;
    a->daemon = start_daemon(a, fd);
    if (!a->daemon) {
        close(fd);
        return -ENOMEM;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(a->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    int rc = uv_poll_init(a->loop, &a->poll, info->epoll_fd);
    if (rc < 0)
        return rc;
    uv_timer_init(a->loop, &a->timeout);
    uv_timer_init(a->loop, &a->sweep);
    uv_timer_init(a->loop, &a->look);
    a->follows = (struct follows){.source = &a->source, .timer = &a->look, .stir = stir, .arg = a};
    a->timeout.data = a->sweep.data = a->look.data = a->poll.data = a;
    return uv_poll_start(&a->poll, UV_READABLE, on_poll);
}

int admin_open(struct admin **out, const struct admin_settings *settings,
               const struct admin_source *source, uv_loop_t *loop,
               char error[static CONFIG_ERROR_MAX])
{
    char text[ADDR_STRLEN];
    struct admin *a = calloc(1, sizeof(*a));
    int rc = a ? 0 : -ENOMEM;
    if (a) {
        *a = (struct admin){.source = *source, .address = settings->address, .loop = loop};
        a->loopback = addr_is_loopback(&a->address);
        a->request_ms = settings->request_ms ? settings->request_ms : ADMIN_REQUEST_MS;
        admin_set_token(a, settings->token ? settings->token : "");
        rc = a->loopback || a->token[0] ? open_server(a) : -EACCES;
    }
    if (rc == 0) {
        *out = a;
        return 0;
    }
    snprintf(error, CONFIG_ERROR_MAX, "admin.listen: cannot listen on %s: %s",
             addr_format(&settings->address, text),
             rc == -EACCES ? "beyond loopback admin.token is needed" : strerror(-rc));
    admin_close(a);
    return rc;
}

const struct addr *admin_address(const struct admin *a)
{
    return &a->address;
}

void admin_set_token(struct admin *a, const char *token)
{
    if (token[0] || a->loopback) // beyond loopback there is always one
        snprintf(a->token, sizeof(a->token), "%s", token);
}

static void on_closed(uv_handle_t *handle)
{
    struct admin *a = handle->data;
    if (--a->handles == 0)
        free(a);
}

void admin_close(struct admin *a)
{
    if (!a)
        return;
    if (a->poll.data)
        uv_poll_stop(&a->poll);
    follow_end_all(&a->follows);
    wake_waiting(a);
    if (a->daemon)
        MHD_stop_daemon(a->daemon);
    if (!a->poll.data) {
        free(a);
        return;
    }
    a->handles = 4;
    a->look.data = a; // it was the follows'
    uv_close((uv_handle_t *)&a->look, on_closed);
    uv_close((uv_handle_t *)&a->poll, on_closed);
    uv_close((uv_handle_t *)&a->sweep, on_closed);
    uv_close((uv_handle_t *)&a->timeout, on_closed);
}
