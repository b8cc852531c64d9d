// SPDX-License-Identifier: GPL-3.0-or-later
// The admin endpoint over real sockets with a source made up here: what it answers, whom it
// refuses, and that nobody makes its loop wait. Client and server share one thread: whoever blocks
// blocks the test.
#include "common/admin/admin.h"
#include "common/admin/guard.h"
#include "common/clock.h"
#include "common/reason.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX 65536
#define TOKEN "0123456789abcdef-token"
// Of a turn of the loop, whatever clients do: the time after which SIP begins to repeat (T1).
#define TURN_MAX_US 500000

// --- the source -------------------------------------------------------------------------------

static const char *hung_up;
static struct trace *made_up;
static bool alive = true;
static char big[2 * 1024 * 1024];

static json_t *show(void *arg)
{
    return json_pack("{s:s}", "version", "made up");
}

static json_t *calls(void *arg, enum admin_calls which, size_t offset, size_t limit)
{
    return json_pack("{s:i,s:i,s:i}", "which", (int)which, "offset", (int)offset, "limit",
                     (int)limit);
}

static int resolve(void *arg, const char *prefix, char id[static ADMIN_ID_MAX])
{
    if (strcmp(prefix, "a") == 0)
        return -EEXIST;
    if (strncmp(prefix, "abc", strlen(prefix)) != 0)
        return -ENOENT;
    snprintf(id, ADMIN_ID_MAX, "abc");
    return 0;
}

static json_t *call(void *arg, const char *id)
{
    return json_pack("{s:s}", "id", id);
}

static const struct trace *trace(void *arg, const char *id, bool *live)
{
    *live = alive;
    return made_up;
}

static bool hangup(void *arg, const char *id)
{
    bool first = hung_up == NULL;
    hung_up = "abc";
    return first;
}

static json_t *regs(void *arg, size_t offset, size_t limit)
{
    return json_pack("[i,i]", (int)offset, (int)limit);
}

static json_t *ports(void *arg)
{
    memset(big, 'x', sizeof(big) - 1);
    return json_pack("{s:s}", "big", big);
}

static void measure(void *arg, struct metrics *m)
{
    static const double bounds[] = {0.1, 1};
    static const uint64_t counts[] = {2, 3, 1};
    metrics_put_count(m, METRIC_SESSIONS, "", UINT64_C(9007199254740993));
    metrics_put_count(m, METRIC_PORTS, "side=\"access\"", 8);
    metrics_put_count(m, METRIC_PORTS, "side=\"core\"", 9);
    metrics_put_histogram(m, METRIC_HANDSHAKE_SECONDS, bounds, counts, 2, 4.5);
}

static const struct admin_source source = {.show = show,
                                           .calls = calls,
                                           .resolve = resolve,
                                           .call = call,
                                           .trace = trace,
                                           .hangup = hangup,
                                           .regs = regs,
                                           .ports = ports,
                                           .measure = measure};

// --- the rig ----------------------------------------------------------------------------------

struct rig {
    uv_loop_t loop;
    uv_timer_t alive; // without a handle of its own a loop never waits
    struct admin *admin;
    char answer[ANSWER_MAX];
};

static void on_alive(uv_timer_t *timer)
{
}

static void rig_open(struct rig *r, const char *token, unsigned request_ms)
{
    struct admin_settings settings = {.token = token, .request_ms = request_ms};
    char error[CONFIG_ERROR_MAX];
    addr_parse(&settings.address, "127.0.0.1", 0);
    uv_loop_init(&r->loop);
    uv_timer_init(&r->loop, &r->alive);
    uv_timer_start(&r->alive, on_alive, 2, 2);
    ck_assert_int_eq(admin_open(&r->admin, &settings, &source, &r->loop, error), 0);
}

static void rig_close(struct rig *r)
{
    admin_close(r->admin);
    uv_close((uv_handle_t *)&r->alive, NULL);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&r->loop), 0);
}

// What a machine does meanwhile for others does not count.
static uint64_t own_time_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void turn(struct rig *r)
{
    uint64_t begun = own_time_us();
    uv_run(&r->loop, UV_RUN_NOWAIT);
    ck_assert_uint_lt(own_time_us() - begun, TURN_MAX_US);
}

static int dial(struct rig *r)
{
    const struct addr *to = admin_address(r->admin);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, &to->sa, to->len), 0);
    return fd;
}

static void put(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

// Runs the loop until the other end closes. Returns what came until then.
static const char *until_closed(struct rig *r, int fd)
{
    size_t len = 0;
    for (;;) {
        turn(r);
        ssize_t n = recv(fd, r->answer + len, ANSWER_MAX - 1 - len, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
        ck_assert_uint_lt(len, ANSWER_MAX - 1);
    }
    r->answer[len] = '\0';
    close(fd);
    return r->answer;
}

static const char *say(struct rig *r, const char *request)
{
    int fd = dial(r);
    put(fd, request);
    return until_closed(r, fd);
}

#define LAST "Connection: close\r\n\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: 127.0.0.1\r\n" LAST
#define POST(path) "POST " path " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n" LAST

static void must(const char *answer, int status, const char *part)
{
    ck_assert_msg(strncmp(answer, "HTTP/1.1 ", 9) == 0 && atoi(answer + 9) == status,
                  "expected %d, got: %.300s", status, answer);
    ck_assert_msg(strstr(answer, part) != NULL, "no %s in: %.600s", part, answer);
}

// --- answers ----------------------------------------------------------------------------------

static const struct {
    const char *request;
    int status;
    const char *part;
} answers[] = {
    {GET("/"), 200, "Content-Security-Policy: default-src 'none'; script-src 'self'"},
    {GET("/static/style.css"), 200, "Content-Type: text/css"},
    {GET("/static/nothing"), 404, "no file is called nothing"},
    {GET("/static/../pcscf"), 404, "nothing is here"},
    {GET("/api/v1/show"), 200, "{\"version\":\"made up\"}"},
    {GET("/api/v1/calls"), 200, "{\"which\":0,\"offset\":0,\"limit\":100}"},
    {GET("/api/v1/calls?state=all&offset=7&limit=3"), 200,
     "{\"which\":2,\"offset\":7,\"limit\":3}"},
    {GET("/api/v1/calls?limit=99999"), 200, "\"limit\":100}"},
    {GET("/api/v1/calls?limit=-1"), 400, "limit: expected a number"},
    {GET("/api/v1/calls?offset=9999999999"), 400, "offset: expected a number"},
    {GET("/api/v1/calls?state=dead"), 400, "expected live, recent or all"},
    {GET("/api/v1/calls/ab"), 200, "{\"id\":\"abc\"}"},
    {GET("/api/v1/calls/a"), 409, "several sessions begin with a"},
    {GET("/api/v1/calls/x%22y"), 404, "no session begins with x\\\"y"},
    {GET("/api/v1/calls/"), 404, "error"},
    {GET("/api/v1/calls/abc/chart?format=gif"), 400, "format: expected"},
    {GET("/api/v1/calls/abc/nothing"), 404, "nothing is here"},
    {GET("/api/v1/regs?offset=3"), 200, "[3,100]"},
    {GET("/api/v1/reasons/dtls_fingerprint"), 200, "RFC 8122 6.2"},
    {GET("/api/v1/reasons/none"), 404, "no reason is called none"},
    {GET("/api/v1/reasons"), 200, "\"name\":\"trace_full\""},
    {GET("/api/v1/log?level=debug"), 405, "Allow: POST"},
    {POST("/api/v1/show"), 405, "Allow: GET"},
    {POST("/api/v1/log?level=loud"), 400, "level: expected error"},
    {POST("/api/v1/log?level=warn"), 200, "{\"log_level\":\"warn\"}"},
    {GET("/etc/passwd"), 404, "nothing is here"},
    {GET("/../../etc/passwd"), 404, "nothing is here"},
    {"PUT /api/v1/show HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n" LAST, 405,
     "Allow: GET"},
    {"DELETE / HTTP/1.1\r\nHost: 127.0.0.1\r\n" LAST, 405, "Allow: GET"},
};

// Each path answers what it is for; a wrong method, number or word is named.
START_TEST(requests_are_answered)
{
    struct rig r;
    rig_open(&r, "", 0);
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        must(say(&r, answers[i].request), answers[i].status, answers[i].part);
    ck_assert_int_eq(log_get_level(), LOG_WARN);
    rig_close(&r);
}
END_TEST

// A session is ended once; the second time it has ended already.
START_TEST(hangup_happens_once)
{
    struct rig r;
    rig_open(&r, "", 0);
    must(say(&r, POST("/api/v1/calls/abc/hangup")), 200, "\"ended\":true");
    must(say(&r, POST("/api/v1/calls/abc/hangup")), 409, "has ended already");
    rig_close(&r);
}
END_TEST

// Events come that were added after the mark asked for, whenever they happened; text of a peer that
// is no UTF-8 does not hide the rest.
START_TEST(events_are_listed)
{
    char path[160];
    struct rig r;
    rig_open(&r, "", 0);
    made_up = trace_open("abc", 10);
    trace_add(made_up, &(struct trace_event){.time_us = 1, .label = "INVITE"});
    must(say(&r, GET("/api/v1/calls/abc/events")), 200, "INVITE");
    const char *next = strstr(r.answer, "\"next\":");
    ck_assert_ptr_nonnull(next);
    snprintf(path, sizeof(path), GET("/api/v1/calls/abc/events?from=%d"), atoi(next + 7));
    trace_add(made_up, &(struct trace_event){.time_us = 0, .label = "caf\xe9 latin"}); // late
    must(say(&r, path), 200, "caf\\uFFFD latin");
    ck_assert_ptr_null(strstr(r.answer, "INVITE"));
    must(say(&r, GET("/api/v1/calls/abc/events?from=99999")), 200, "\"events\":[]");
    must(say(&r, GET("/api/v1/calls/abc/chart")), 200, "INVITE");
    must(say(&r, GET("/api/v1/calls/abc/chart?format=mermaid")), 200, "sequenceDiagram");
    trace_free(made_up);
    rig_close(&r);
}
END_TEST

// Every metric of the table stands there with its help, type and values; histograms are cumulative.
START_TEST(metrics_are_printed)
{
    static const char *const lines[] = {
        "# HELP pcscf_sessions Sessions at this moment\n# TYPE pcscf_sessions gauge\n"
        "pcscf_sessions 9007199254740993\n",
        "pcscf_ports{side=\"access\"} 8\npcscf_ports{side=\"core\"} 9\n",
        "pcscf_handshake_seconds_bucket{le=\"0.1\"} 2\n"
        "pcscf_handshake_seconds_bucket{le=\"1\"} 5\n"
        "pcscf_handshake_seconds_bucket{le=\"+Inf\"} 6\n"
        "pcscf_handshake_seconds_sum 4.5\npcscf_handshake_seconds_count 6\n",
        "pcscf_failures_total{reason=\"dtls_fingerprint\"} 1\n",
        "pcscf_dropped_packets_total{reason=\"stun\"} 0\n",
        "pcscf_build_info{version="};
    struct rig r;
    rig_open(&r, "", 0);
    reason_count(REASON_DTLS_FINGERPRINT);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        must(say(&r, GET("/metrics")), 200, lines[i]);
#define X(id, name, type, help)                                                                    \
    ck_assert_ptr_nonnull(strstr(r.answer, "# HELP pcscf_" name " " help "\n"));
    METRIC_TABLE(X)
#undef X
    must(say(&r, GET("/api/v1/counters")), 200, "{\"name\":\"pcscf_ports\",\"type\":\"gauge\",");
    rig_close(&r);
}
END_TEST

// Runs the loop until the text has come.
static void until_said(struct rig *r, int fd, const char *text)
{
    size_t len = 0;
    do {
        turn(r);
        ssize_t n = recv(fd, r->answer + len, ANSWER_MAX - 1 - len, MSG_DONTWAIT);
        ck_assert_int_ne(n, 0);
        len += n > 0 ? (size_t)n : 0;
        r->answer[len] = '\0';
    } while (!strstr(r->answer, text));
}

static void happens(const char *label)
{
    trace_add(made_up, &(struct trace_event){.time_us = clock_now_us(), .label = label});
}

#define FOLLOW(path, more) "GET " path " HTTP/1.1\r\nHost: 127.0.0.1\r\n" more "\r\n"
// From an event until it is seen, in time of this thread, which never waits.
#define SEEN_MAX_US 200000

// What happens is told at once, until the session has ended and the stream with it; a browser that
// comes again goes on where it was.
START_TEST(a_session_is_followed)
{
    struct rig r;
    rig_open(&r, "", 100); // following is no request that takes too long
    made_up = trace_open("abc", 10);
    happens("first");
    int fd = dial(&r);
    put(fd, FOLLOW("/api/v1/calls/abc/stream", ""));
    until_said(&r, fd, "first");
    ck_assert_ptr_nonnull(strstr(r.answer, "text/event-stream"));
    for (int i = 0; i < 100; i++) {
        turn(&r);
        usleep(2000);
    }
    uint64_t begun = own_time_us();
    happens("second");
    until_said(&r, fd, "second");
    ck_assert_uint_lt(own_time_us() - begun, SEEN_MAX_US);
    ck_assert_ptr_null(strstr(r.answer, "first"));
    char again[200];
    snprintf(again, sizeof(again), FOLLOW("/api/v1/calls/abc/stream", "Last-Event-ID: %d\r\n"),
             atoi(strstr(r.answer, "id: ") + 4));
    happens("third");
    alive = false;
    until_closed(&r, fd);
    ck_assert_ptr_nonnull(strstr(r.answer, "third"));
    ck_assert_ptr_nonnull(strstr(r.answer, "event: end"));
    must(say(&r, again), 200, "third");
    ck_assert_ptr_null(strstr(r.answer, "second"));
    trace_free(made_up);
    rig_close(&r);
}
END_TEST

// Only so many follow at a time; one who leaves makes room; the end of the endpoint ends all.
START_TEST(followers_are_bounded)
{
    enum { CROWD = 16 };
    int crowd[CROWD];
    struct rig r;
    rig_open(&r, "", 0);
    made_up = trace_open("abc", 10);
    happens("first");
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = dial(&r);
        put(crowd[i], FOLLOW("/api/v1/calls/abc/stream", ""));
        until_said(&r, crowd[i], "first");
    }
    must(say(&r, FOLLOW("/api/v1/calls/abc/stream", "Connection: close\r\n")), 503, "only 16");
    close(crowd[0]);
    for (int i = 0; i < 100; i++) {
        turn(&r);
        usleep(2000);
    }
    crowd[0] = dial(&r);
    put(crowd[0], FOLLOW("/api/v1/calls/abc/stream", ""));
    until_said(&r, crowd[0], "first");
    rig_close(&r);
    trace_free(made_up);
    for (int i = 0; i < CROWD; i++)
        close(crowd[i]);
}
END_TEST

// --- who may ask ------------------------------------------------------------------------------

static const struct {
    const char *host;
    bool good;
} hosts[] = {
    {"127.0.0.1", true},
    {"127.0.0.1:8060", true},
    {"localhost:8060", true},
    {"LOCALHOST", true},
    {"[::1]:8060", true},
    {"127.9.9.9", true},
    {"evil.example", false},
    {"127.0.0.1.evil.example", false},
    {"", false},
    {"192.0.2.1", false},
    {"[::2]", false},
    {"localhost.evil.example:80", false},
};

// A name that leads to loopback only by DNS is not believed (DNS rebinding).
START_TEST(only_loopback_names_are_hosts)
{
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        ck_assert_msg(guard_host(hosts[i].host) == hosts[i].good, "%s", hosts[i].host);
    ck_assert(!guard_host(NULL));
    struct rig r;
    rig_open(&r, "", 0);
    must(say(&r, "GET /api/v1/show HTTP/1.1\r\nHost: evil.example\r\n" LAST), 403, "Host");
    rig_close(&r);
}
END_TEST

// A page from elsewhere cannot hang up: browsers say where a POST comes from.
START_TEST(foreign_pages_cannot_post)
{
    struct rig r;
    rig_open(&r, "", 0);
    must(say(&r, "POST /api/v1/calls/abc/hangup HTTP/1.1\r\nHost: 127.0.0.1:8060\r\n"
                 "Origin: http://evil.example\r\nContent-Length: 0\r\n" LAST),
         403, "elsewhere");
    must(say(&r, "POST /api/v1/calls/abc/hangup HTTP/1.1\r\nHost: 127.0.0.1:8060\r\n"
                 "Origin: null\r\nContent-Length: 0\r\n" LAST),
         403, "elsewhere");
    ck_assert_ptr_null(hung_up);
    must(say(&r, "POST /api/v1/calls/abc/hangup HTTP/1.1\r\nHost: 127.0.0.1:8060\r\n"
                 "Origin: http://127.0.0.1:8060\r\nContent-Length: 0\r\n" LAST),
         200, "ended");
    rig_close(&r);
}
END_TEST

#define BEARING(token)                                                                             \
    "GET /api/v1/show HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: " token "\r\n" LAST

// With a token configured every request needs exactly it (RFC 6750 2.1).
START_TEST(the_token_is_needed)
{
    static const char *const wrong[] = {GET("/api/v1/show"),
                                        GET("/"),
                                        GET("/nothing"),
                                        BEARING("Bearer "),
                                        BEARING("Bearer 0123456789abcdef"),
                                        BEARING("Bearer " TOKEN "x"),
                                        BEARING("Basic " TOKEN),
                                        BEARING(TOKEN)};
    struct rig r;
    rig_open(&r, TOKEN, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        must(say(&r, wrong[i]), 401, "WWW-Authenticate: Bearer");
    must(say(&r, BEARING("Bearer " TOKEN)), 200, "made up");
    // a browser asks for a user and a password: "any:" and the token, "any:" and another
    must(say(&r, BEARING("Basic YW55OjAxMjM0NTY3ODlhYmNkZWYtdG9rZW4=")), 200, "made up");
    must(say(&r, BEARING("Basic YW55OjAxMjM0NTY3ODlhYmNkZWYtdG9rZW4h")), 401, "error");
    must(say(&r, BEARING("Basic !!!")), 401, "error");
    admin_set_token(r.admin, "another-token-altogether");
    must(say(&r, BEARING("Bearer " TOKEN)), 401, "error");
    rig_close(&r);
}
END_TEST

// Beyond loopback nothing is served without a token.
START_TEST(no_token_no_network)
{
    struct admin_settings settings = {.token = ""};
    struct admin *admin = NULL;
    char error[CONFIG_ERROR_MAX];
    uv_loop_t loop;
    addr_parse(&settings.address, "192.0.2.1", 8060);
    uv_loop_init(&loop);
    ck_assert_int_eq(admin_open(&admin, &settings, &source, &loop, error), -EACCES);
    ck_assert_ptr_nonnull(strstr(error, "admin.token is needed"));
    ck_assert_ptr_null(admin);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

// An address in use is named with what the system says.
START_TEST(an_address_in_use_is_named)
{
    struct rig r;
    struct admin *second = NULL;
    char error[CONFIG_ERROR_MAX];
    rig_open(&r, "", 0);
    struct admin_settings settings = {.address = *admin_address(r.admin)};
    ck_assert_int_eq(admin_open(&second, &settings, &source, &r.loop, error), -EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(error, "in use"));
    rig_close(&r);
}
END_TEST

// --- abuse ------------------------------------------------------------------------------------

// What is no HTTP, or too much of it, is answered or ended; the next client is served.
START_TEST(nonsense_is_survived)
{
    static char long_line[80000], long_header[80000], many_headers[80000];
    snprintf(long_line, sizeof(long_line), "GET /%0*d HTTP/1.1\r\nHost: localhost\r\n\r\n", 70000,
             1);
    snprintf(long_header, sizeof(long_header),
             "GET / HTTP/1.1\r\nHost: localhost\r\nX: %0*d\r\n\r\n", 70000, 1);
    size_t len = (size_t)snprintf(many_headers, sizeof(many_headers), "GET / HTTP/1.1\r\n");
    while (len < sizeof(many_headers) - 20)
        len += (size_t)snprintf(many_headers + len, sizeof(many_headers) - len, "A: b\r\n");
    const char *const nonsense[] = {
        "\r\n\r\n\r\n\r\n",
        "hello\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\x16\x03\x01\x02\x01\x01\xfc\x03\x03 a ClientHello\r\n\r\n",
        "GET / HTTP/1.1\r\n: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /x%00%ff%2e HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        long_line,
        long_header,
        many_headers};
    struct rig r;
    rig_open(&r, "", 400);
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        int fd = dial(&r);
        (void)!send(fd, nonsense[i], strlen(nonsense[i]), MSG_NOSIGNAL | MSG_DONTWAIT);
        shutdown(fd, SHUT_WR);
        until_closed(&r, fd);
        ck_assert_msg(strncmp(r.answer, "HTTP/1.1 2", 10) != 0, "%zu: %.80s", i, r.answer);
        must(say(&r, GET("/api/v1/show")), 200, "made up");
    }
    rig_close(&r);
}
END_TEST

// A body has nothing to say to us: a long one is not even read.
START_TEST(a_long_body_is_refused)
{
    static char request[6000];
    struct rig r;
    rig_open(&r, "", 0);
    snprintf(request, sizeof(request),
             "POST /api/v1/log?level=debug HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n"
             "Connection: close\r\n\r\n%05000d",
             1);
    must(say(&r, request), 413, "is not read");
    rig_close(&r);
}
END_TEST

// A request that never ends, though bytes keep coming, has its connection shut in time.
START_TEST(half_requests_are_ended)
{
    struct rig r;
    rig_open(&r, "", 300);
    int fd = dial(&r);
    uint64_t begun = clock_now_us();
    put(fd, "GET /api/v1/show HTTP/1.1\r\n");
    ssize_t n = -1;
    while (n < 0) { // a header a turn, for ever
        turn(&r);
        usleep(5000);
        (void)!send(fd, "X: y\r\n", 6, MSG_NOSIGNAL | MSG_DONTWAIT);
        n = recv(fd, r.answer, ANSWER_MAX, MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            n = 0;
    }
    ck_assert_uint_ge(clock_now_us() - begun, 250000);
    close(fd);
    rig_close(&r);
}
END_TEST

// Many silent connections, more than are taken: the loop goes on, and the next client is served
// once their time is over.
START_TEST(silent_crowds_pass)
{
    enum { CROWD = 120 };
    int crowd[CROWD];
    struct rig r;
    rig_open(&r, "", 300);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = dial(&r);
        turn(&r);
    }
    must(say(&r, GET("/api/v1/show")), 200, "made up");
    for (int i = 0; i < CROWD; i++)
        close(crowd[i]);
    rig_close(&r);
}
END_TEST

// Who does not take a large answer keeps nobody waiting, and loses his connection.
START_TEST(slow_readers_wait_alone)
{
    struct rig r;
    int small = 4096;
    rig_open(&r, "", 500);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    ck_assert_int_eq(connect(fd, &admin_address(r.admin)->sa, admin_address(r.admin)->len), 0);
    put(fd, GET("/api/v1/ports"));
    for (int i = 0; i < 5; i++)
        must(say(&r, GET("/api/v1/show")), 200, "made up");
    size_t taken = 0;
    ssize_t n = -1;
    uint64_t begun = clock_now_us();
    while (n != 0) { // a second far slower than it could be, then what is left
        bool slow = clock_now_us() - begun < 1000000;
        turn(&r);
        usleep(slow ? 1000 : 0);
        n = recv(fd, r.answer, slow ? 64 : ANSWER_MAX, MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            n = 0;
        taken += n > 0 ? (size_t)n : 0;
    }
    ck_assert_uint_lt(taken, sizeof(big) / 2);
    close(fd);
    rig_close(&r);
}
END_TEST

// Many who ask for much at once: all are answered, and between any two of them the loop has turned.
START_TEST(greedy_crowds_take_turns)
{
    enum { CROWD = 20 };
    int crowd[CROWD], open = CROWD;
    struct rig r;
    size_t got = 0;
    rig_open(&r, "", 0);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = dial(&r);
        put(crowd[i], GET("/api/v1/ports"));
    }
    unsigned turns = 0;
    while (open > 0) {
        turn(&r);
        turns++;
        for (int i = 0; i < CROWD; i++) {
            ssize_t n = crowd[i] < 0 ? -1 : recv(crowd[i], r.answer, ANSWER_MAX, MSG_DONTWAIT);
            got += n > 0 ? (size_t)n : 0;
            if (n != 0)
                continue;
            close(crowd[i]);
            crowd[i] = -1;
            open--;
        }
    }
    ck_assert_uint_gt(got, CROWD * (sizeof(big) - 1));
    ck_assert_uint_ge(turns, CROWD / 2);
    rig_close(&r);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {requests_are_answered,
                                  hangup_happens_once,
                                  events_are_listed,
                                  metrics_are_printed,
                                  a_session_is_followed,
                                  followers_are_bounded,
                                  only_loopback_names_are_hosts,
                                  foreign_pages_cannot_post,
                                  the_token_is_needed,
                                  no_token_no_network,
                                  an_address_in_use_is_named,
                                  nonsense_is_survived,
                                  a_long_body_is_refused,
                                  half_requests_are_ended,
                                  greedy_crowds_take_turns,
                                  silent_crowds_pass,
                                  slow_readers_wait_alone};
    return SUITE_RUN("admin", tests);
}
