// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: the UE's INVITE goes to the target; what comes out at the core is answered with 200
// and SDP; the ACK goes back along the Record-Route; then, or later, BYE and its 200. Each message
// is found by the number in its Call-ID.
//
// Failure paths: a final response that is not 200 fails its call; nothing at all for SILENCE_MS
// fails all that are under way. Repeated messages are answered again and otherwise change nothing.

#include "tests/bench/calls.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLS_MAX BENCH_SESSIONS_MAX
#define MESSAGE_MAX 8192
#define ROUTES_MAX 512
#define SOCKET_BUFFER (4 << 20)
#define SILENCE_MS 3000
// Runs of one struct calls before its Call-IDs could meet those of another with a higher base.
#define GENERATIONS 20
#define LISTEN_MS 10000

enum state { IDLE, INVITED, UP, ENDING, DONE, FAILED };

struct call {
    enum state state;
    unsigned serial; // in the Call-ID; a number is used once
    char routes[ROUTES_MAX];
    struct ends_route route;
};

struct calls {
    int ue, far;
    char ue_text[INET_ADDRSTRLEN], far_text[INET_ADDRSTRLEN];
    uint16_t base;
    enum calls_media media;
    const char *secret; // fingerprint, or key; NULL: plain
    struct call list[CALLS_MAX];
    unsigned generation; // of serial numbers: CALLS_MAX to each
    enum calls_part part;
    unsigned started, ended, good;
};

struct text {
    char at[MESSAGE_MAX];
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(out->at + out->len, sizeof(out->at) - out->len, fmt, ap);
    va_end(ap);
    if (n > 0 && (size_t)n < sizeof(out->at) - out->len)
        out->len += (size_t)n;
}

// --- bodies -------------------------------------------------------------------------------------

static void put_t38(struct text *out, const char *host, uint16_t port, const char *proto)
{
    put(out,
        "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=image %u %s t38\r\n"
        "a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\n"
        "a=T38FaxMaxBuffer:1800\r\na=T38FaxMaxDatagram:400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n",
        host, host, port, proto);
}

static void put_voice(struct text *out, const char *host, uint16_t port, const char *proto)
{
    put(out,
        "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %u %s 8\r\n"
        "a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n",
        host, host, port, proto);
}

static void put_offer(struct text *out, const struct calls *calls, unsigned i)
{
    uint16_t port = (uint16_t)(calls->base + i);
    bool secured = calls->secret != NULL;
    if (calls->media == CALLS_VOICE) {
        put_voice(out, calls->ue_text, port, secured ? "RTP/SAVP" : "RTP/AVP");
        if (secured)
            put(out, "a=3ge2ae:requested\r\na=crypto:%s\r\n", calls->secret);
        return;
    }
    put_t38(out, calls->ue_text, port, secured ? "UDP/TLS/UDPTL" : "udptl");
    if (secured)
        put(out,
            "a=setup:active\r\na=3ge2ae:requested\r\na=dtls-id:bench%032u\r\n"
            "a=fingerprint:SHA-256 %s\r\n",
            i, calls->secret);
}

static void put_sdp_answer(struct text *out, const struct calls *calls, unsigned i)
{
    uint16_t port = (uint16_t)(calls->base + i);
    if (calls->media == CALLS_VOICE)
        put_voice(out, calls->far_text, port, "RTP/AVP");
    else
        put_t38(out, calls->far_text, port, "udptl");
}

// The address of the first media description, which both ends write after the session's.
static bool read_media(const char *message, struct sockaddr_in *out)
{
    const char *c = strstr(message, "c=IN IP4 "), *m = strstr(message, "\r\nm=");
    const char *own = m ? strstr(m, "c=IN IP4 ") : NULL;
    char host[INET_ADDRSTRLEN];
    unsigned port;
    c = own ? own : c;
    if (!c || !m || sscanf(c, "c=IN IP4 %15[0-9.]", host) != 1 ||
        sscanf(m, " m=%*s %u", &port) != 1)
        return false;
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return port > 0 && inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

// --- messages -----------------------------------------------------------------------------------

static void put_body(struct text *out, const struct text *body)
{
    if (body->len > 0)
        put(out, "Content-Type: application/sdp\r\n");
    put(out, "Content-Length: %zu\r\n\r\n%.*s", body->len, (int)body->len, body->at);
}

static void put_request(struct text *out, const struct calls *calls, const struct call *call,
                        const char *method, unsigned cseq)
{
    bool initial = call->state == IDLE;
    put(out, "%s sip:fax@%s:%u SIP/2.0\r\n", method, calls->far_text, BENCH_PORT_SIP);
    put(out, "Via: SIP/2.0/UDP %s:%u;rport;branch=z9hG4bK%s%u\r\n", calls->ue_text, BENCH_PORT_SIP,
        method, call->serial);
    put(out, "Max-Forwards: 70\r\n%s", call->routes);
    put(out, "From: <sip:ue@bench.example>;tag=u%u\r\n", call->serial);
    put(out, "To: <sip:fax@bench.example>");
    if (!initial)
        put(out, ";tag=c%u", call->serial);
    put(out, "\r\nCall-ID: bench-%u\r\nCSeq: %u %s\r\n", call->serial, cseq, method);
    put(out, "Contact: <sip:ue@%s:%u>\r\n", calls->ue_text, BENCH_PORT_SIP);
}

static void send_to_target(const struct calls *calls, const struct text *message)
{
    (void)!send(calls->ue, message->at, message->len, 0);
}

static void send_invite(struct calls *calls, unsigned i)
{
    struct call *call = &calls->list[i];
    struct text message = {.len = 0}, body = {.len = 0};
    *call = (struct call){.serial = calls->generation * CALLS_MAX + i};
    put_offer(&body, calls, i);
    put_request(&message, calls, call, "INVITE", 1);
    put_body(&message, &body);
    call->state = INVITED;
    send_to_target(calls, &message);
}

static void send_in_dialog(struct calls *calls, struct call *call, const char *method,
                           unsigned cseq)
{
    struct text message = {.len = 0}, none = {.len = 0};
    put_request(&message, calls, call, method, cseq);
    put_body(&message, &none);
    send_to_target(calls, &message);
}

static void send_bye(struct calls *calls, struct call *call)
{
    call->state = ENDING;
    send_in_dialog(calls, call, "BYE", 2);
}

// The next header field line; false when there are no more.
static bool next_line(const char **at, const char **line, size_t *len)
{
    *line = *at;
    *len = strcspn(*at, "\r");
    if (*len == 0 || (*at)[*len] == '\0')
        return false;
    *at += *len + 2;
    return true;
}

static bool is_header(const char *line, const char *name)
{
    size_t len = strlen(name);
    return strncmp(line, name, len) == 0 && line[len] == ':';
}

// 200 to a request at the core.
static void put_answer(struct text *out, const struct calls *calls, const struct call *call,
                       const char *request)
{
    static const char *const copied[] = {"Via", "Record-Route", "From", "To", "Call-ID", "CSeq"};
    const char *line;
    size_t len;
    put(out, "SIP/2.0 200 OK\r\n");
    while (next_line(&request, &line, &len)) {
        for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++) {
            if (!is_header(line, copied[i]))
                continue;
            bool bare = is_header(line, "To") && !memmem(line, len, ";tag=", 5);
            put(out, "%.*s", (int)len, line);
            if (bare)
                put(out, ";tag=c%u", call->serial);
            put(out, "\r\n");
        }
    }
    put(out, "Contact: <sip:fax@%s:%u>\r\n", calls->far_text, BENCH_PORT_SIP);
}

static void push_route(struct call *call, const char *uri, size_t len)
{
    char routes[ROUTES_MAX];
    snprintf(routes, sizeof(routes), "Route: %.*s\r\n%s", (int)len, uri, call->routes);
    memcpy(call->routes, routes, sizeof(routes));
}

// The route set of the UE: the Record-Route entries from the last to the first (RFC 3261 12.1.2).
static void take_routes(struct call *call, const char *response)
{
    const char *line;
    size_t len;
    call->routes[0] = '\0';
    while (next_line(&response, &line, &len)) {
        const char *end = line + len;
        if (!is_header(line, "Record-Route"))
            continue;
        while ((line = memchr(line, '<', (size_t)(end - line)))) {
            len = strcspn(line, ">") + 1;
            push_route(call, line, len);
            line += len;
        }
    }
}

// --- a call -------------------------------------------------------------------------------------

static void end_call(struct calls *calls, struct call *call, enum state state)
{
    calls->ended++;
    calls->good += state != FAILED;
    call->state = state;
}

static void at_far_end(struct calls *calls, struct call *call, const char *request,
                       const struct sockaddr_in *from)
{
    struct text answer = {.len = 0}, body = {.len = 0};
    if (strncmp(request, "ACK ", 4) == 0) {
        if (call->state != UP)
            return;
        if (calls->part == CALLS_WHOLE)
            send_bye(calls, call);
        else
            end_call(calls, call, DONE);
        return;
    }
    put_answer(&answer, calls, call, request);
    if (strncmp(request, "INVITE ", 7) == 0 && read_media(request, &call->route.core))
        put_sdp_answer(&body, calls, (unsigned)(call - calls->list));
    put_body(&answer, &body);
    (void)!sendto(calls->far, answer.at, answer.len, 0, (const struct sockaddr *)from,
                  sizeof(*from));
}

static void at_ue(struct calls *calls, struct call *call, const char *response)
{
    bool invite = strstr(response, " INVITE\r\n") != NULL;
    unsigned status = (unsigned)strtoul(response + strlen("SIP/2.0 "), NULL, 10);
    if (status < 200 || call->state == DONE || call->state == FAILED)
        return;
    if (status >= 300 || (invite && !read_media(response, &call->route.access))) {
        fprintf(stderr, "bench: call %u: %.*s\n", call->serial, (int)strcspn(response, "\r"),
                response);
        end_call(calls, call, FAILED);
    } else if (invite && call->state == INVITED) {
        take_routes(call, response);
        call->state = UP;
        send_in_dialog(calls, call, "ACK", 1);
    } else if (!invite && call->state == ENDING) {
        end_call(calls, call, DONE);
    }
}

// The call that a message belongs to; NULL: none of this run.
static struct call *find_call(struct calls *calls, const char *message)
{
    const char *id = strstr(message, "\r\nCall-ID: bench-");
    unsigned serial = id ? (unsigned)strtoul(id + strlen("\r\nCall-ID: bench-"), NULL, 10) : 0;
    struct call *call = &calls->list[serial % CALLS_MAX];
    return id && call->serial == serial ? call : NULL;
}

// --- many calls ---------------------------------------------------------------------------------

static void take_messages(struct calls *calls, int fd)
{
    char message[MESSAGE_MAX];
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    ssize_t n;
    while ((n = recvfrom(fd, message, sizeof(message) - 1, MSG_DONTWAIT, (struct sockaddr *)&from,
                         &len)) >= 0) {
        message[n] = '\0';
        struct call *call = find_call(calls, message);
        if (call && fd == calls->far)
            at_far_end(calls, call, message, &from);
        else if (call)
            at_ue(calls, call, message);
    }
}

static void start_call(struct calls *calls, unsigned i)
{
    if (calls->part == CALLS_HANG_UP)
        send_bye(calls, &calls->list[i]);
    else
        send_invite(calls, i);
}

unsigned calls_run(struct calls *calls, enum calls_part part, unsigned first, unsigned count,
                   unsigned at_once)
{
    struct pollfd fds[2] = {{.fd = calls->ue, .events = POLLIN},
                            {.fd = calls->far, .events = POLLIN}};
    calls->part = part;
    calls->started = calls->ended = calls->good = 0;
    calls->generation++;
    while (calls->ended < count) {
        while (calls->started < count && calls->started - calls->ended < at_once)
            start_call(calls, first + calls->started++);
        if (poll(fds, 2, SILENCE_MS) <= 0)
            break;
        take_messages(calls, calls->ue);
        take_messages(calls, calls->far);
    }
    return calls->good;
}

struct ends_route calls_route(const struct calls *calls, unsigned i)
{
    return calls->list[i].route;
}

// --- life ---------------------------------------------------------------------------------------

static int open_socket(const struct sockaddr_in *local, char text[static INET_ADDRSTRLEN])
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = SOCKET_BUFFER;
    inet_ntop(AF_INET, &local->sin_addr, text, INET_ADDRSTRLEN);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (bind(fd, (const struct sockaddr *)local, sizeof(*local)) == 0)
        return fd;
    fprintf(stderr, "bench: SIP at %s: %s\n", text, strerror(errno));
    close(fd);
    return -1;
}

// A P-CSCF listens for TCP where it listens for UDP, and TCP tells when that is so.
static bool wait_until_listening(const struct sockaddr_in *target)
{
    for (int ms = 0; ms < LISTEN_MS; ms += 10) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int rc = connect(fd, (const struct sockaddr *)target, sizeof(*target));
        close(fd);
        if (rc == 0)
            return true;
        usleep(10000);
    }
    fprintf(stderr, "bench: the P-CSCF does not listen\n");
    return false;
}

struct calls *calls_open(unsigned target, uint16_t base, enum calls_media media, const char *secret)
{
    struct sockaddr_in proxy = bench_address(target, HOST_ACCESS, BENCH_PORT_SIP);
    struct sockaddr_in ue = bench_address(target, HOST_UE, BENCH_PORT_SIP);
    struct sockaddr_in far = bench_address(target, HOST_FAR, BENCH_PORT_SIP);
    struct calls *calls = calloc(1, sizeof(*calls));
    if (!calls)
        return NULL;
    calls->base = base;
    calls->generation = base * GENERATIONS;
    calls->media = media;
    calls->secret = secret;
    calls->ue = open_socket(&ue, calls->ue_text);
    calls->far = open_socket(&far, calls->far_text);
    if (calls->ue >= 0 && calls->far >= 0 && wait_until_listening(&proxy) &&
        connect(calls->ue, (const struct sockaddr *)&proxy, sizeof(proxy)) == 0)
        return calls;
    calls_close(calls);
    return NULL;
}

void calls_close(struct calls *calls)
{
    if (!calls)
        return;
    if (calls->ue >= 0)
        close(calls->ue);
    if (calls->far >= 0)
        close(calls->far);
    free(calls);
}
