// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: a message is a text; requests are put together from a template, responses from the
// request they answer. Failure: a message that does not come fails the test.
#include "tests/flows/sip.h"

#include "tests/flows/socket.h"
#include "tests/flows/stream.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAM_MAX 65536

struct sip {
    struct flow *flow;
    int fd;                // of UDP
    struct stream *stream; // of the others; NULL: UDP
    enum sip_over over;
    const char *address;
    const char *peer;
    unsigned count; // of what must be unique: Call-IDs, tags, branches
};

// --- life --------------------------------------------------------------------------------------

struct sip *sip_open(struct flow *f, enum host host, const char *peer)
{
    struct sip *s = flow_alloc(f, sizeof(*s));

    *s = (struct sip){.flow = f,
                      .fd = socket_bind(f, host, flow_port(f, host)),
                      .address = flow_at(f, host),
                      .peer = peer};
    return s;
}

struct sip *sip_open_over(struct flow *f, enum host host, const char *peer, enum sip_over over,
                          bool v6)
{
    const char *at = v6 ? flow_text(f, "[::1]:%u", flow_port(f, host)) : flow_at(f, host);

    return sip_open_at(f, at, peer, over);
}

struct sip *sip_open_at(struct flow *f, const char *at, const char *peer, enum sip_over over)
{
    struct sip *s = flow_alloc(f, sizeof(*s));

    *s = (struct sip){.flow = f, .over = over, .address = at, .peer = peer};
    if (over == SIP_UDP)
        s->fd = socket_bind_at(f, at);
    else
        s->stream = over == SIP_LISTEN ? stream_listen(f, at)
                                       : stream_connect(f, at, peer, over == SIP_TLS);
    return s;
}

void sip_close(struct sip *s)
{
    if (s->stream)
        stream_close(s->stream);
    else
        close(s->fd);
}

bool sip_has_peer(const struct sip *s)
{
    return stream_has_peer(s->stream);
}

const char *sip_address(const struct sip *s)
{
    return s->address;
}

const char *sip_parameter(const struct sip *s)
{
    static const char *const names[] = {"", ";transport=tcp", ";transport=tls", ";transport=tcp"};

    return names[s->over];
}

// --- messages ----------------------------------------------------------------------------------

void sip_send_raw(struct sip *s, const void *bytes, size_t len)
{
    if (s->stream)
        stream_send(s->stream, bytes, len);
    else
        socket_send(s->fd, s->peer, bytes, len);
}

void sip_send(struct sip *s, const char *message)
{
    struct strbuf wire = STRBUF_INIT;

    for (const char *c = message; *c; c++)
        strbuf_add(&wire, *c == '\n' ? "\r\n" : c, *c == '\n' ? 2 : 1);
    sip_send_raw(s, wire.text ? wire.text : "", wire.len);
    strbuf_free(&wire);
}

const char *sip_next(struct sip *s)
{
    static char bytes[DATAGRAM_MAX];
    size_t len, kept = 0;

    if (s->stream) {
        const char *message = stream_next(s->stream);
        len = strlen(message);
        ck_assert_uint_le(len, sizeof(bytes));
        memcpy(bytes, message, len);
    } else {
        len = socket_receive(s->flow, s->fd, bytes, sizeof(bytes));
    }
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != '\r' || i + 1 == len || bytes[i + 1] != '\n')
            bytes[kept++] = bytes[i];
    return flow_copy(s->flow, bytes, kept);
}

const char *sip_expect(struct sip *s, const char *ere)
{
    for (;;) {
        const char *message = sip_next(s);
        const char *first = flow_copy(s->flow, message, strcspn(message, "\n"));
        if (text_matches(first, ere))
            return message;
    }
}

void sip_expect_pong(struct sip *s)
{
    stream_expect_pong(s->stream);
}

void sip_await_end(struct sip *s)
{
    stream_await_end(s->stream);
}

void sip_drain(struct sip *s)
{
    char byte;

    if (s->stream)
        stream_drain(s->stream);
    while (!s->stream && recv(s->fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0)
        continue;
}

// The n-th header field (from 0) of that name.
static const char *header_nth(struct sip *s, const char *message, const char *name, unsigned n)
{
    size_t len = strlen(name);

    for (const char *line = strchr(message, '\n'); line && line[1] != '\n' && line[1];
         line = strchr(line + 1, '\n')) {
        const char *value = line + 1 + len;
        if (strncasecmp(line + 1, name, len) != 0 || *value != ':' || n-- > 0)
            continue;
        value += 1 + strspn(value + 1, " ");
        return flow_copy(s->flow, value, strcspn(value, "\n"));
    }
    return NULL;
}

const char *sip_header(struct sip *s, const char *message, const char *name)
{
    return header_nth(s, message, name, 0);
}

static unsigned cseq_of(struct sip *s, const char *message)
{
    return (unsigned)strtoul(sip_header(s, message, "CSeq"), NULL, 10);
}

const char *sip_body(const char *message)
{
    const char *gap = strstr(message, "\n\n");

    return gap ? gap + 2 : "";
}

// Content-Length counts CRLF line ends.
static size_t wire_length(const char *body)
{
    size_t len = strlen(body);

    for (const char *c = body; *c; c++)
        len += *c == '\n';
    return len;
}

static void put_body(struct strbuf *out, const char *extra, const char *body)
{
    strbuf_puts(out, extra ? extra : "");
    if (body && !(extra && strstr(extra, "Content-Type:")))
        strbuf_puts(out, "Content-Type: application/sdp\n");
    strbuf_printf(out, "Content-Length: %zu\n\n%s", body ? wire_length(body) : 0, body ? body : "");
}

static void put_start(struct strbuf *out, struct sip *s, const char *method, const char *uri)
{
    static const char *const names[] = {"UDP", "TCP", "TLS", "TCP"};

    strbuf_printf(out, "%s %s SIP/2.0\nVia: SIP/2.0/%s %s;branch=z9hG4bK-%u-%d\n", method, uri,
                  names[s->over], s->address, ++s->count, getpid());
}

const char *sip_request(struct sip *s, const char *method, const char *uri, const char *extra,
                        const char *body)
{
    struct strbuf out = STRBUF_INIT;
    unsigned id = ++s->count;

    put_start(&out, s, method, uri);
    strbuf_printf(&out,
                  "Max-Forwards: 70\nFrom: <sip:alice@example.net>;tag=f%u\nTo: <%s>\n"
                  "Call-ID: call-%u-%d@%s\nCSeq: 1 %s\nContact: <sip:alice@%s%s>\n",
                  id, uri, id, getpid(), s->address, method, s->address, sip_parameter(s));
    put_body(&out, extra, body);
    return flow_take(s->flow, &out);
}

static void copy_all(struct strbuf *out, struct sip *s, const char *message, const char *name)
{
    const char *value;

    for (unsigned n = 0; (value = header_nth(s, message, name, n)) != NULL; n++)
        strbuf_printf(out, "%s: %s\n", name, value);
}

const char *sip_response(struct sip *s, const char *request, const char *status, const char *extra,
                         const char *body)
{
    static const char *const names[] = {"Via", "Record-Route", "From", "Call-ID", "CSeq"};
    struct strbuf out = STRBUF_INIT;
    const char *to = sip_header(s, request, "To");

    strbuf_printf(&out, "SIP/2.0 %s\n", status);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        copy_all(&out, s, request, names[i]);
    strbuf_printf(&out, "To: %s%s\nContact: <sip:party@%s%s>\n", to,
                  strstr(to, ";tag=") ? "" : ";tag=t1", s->address, sip_parameter(s));
    put_body(&out, extra, body);
    return flow_take(s->flow, &out);
}

// A request that belongs to the transaction of an INVITE; `to` is the message that its To comes
// from.
static const char *sibling(struct sip *s, const char *method, const char *invite, const char *to,
                           const char *extra)
{
    struct strbuf out = STRBUF_INIT;
    const char *line = flow_copy(s->flow, invite, strcspn(invite, "\n"));

    strbuf_printf(&out, "%s\nVia: %s\n", flow_replace(s->flow, line, "INVITE", method),
                  sip_header(s, invite, "Via"));
    copy_all(&out, s, invite, "Route");
    copy_all(&out, s, invite, "From");
    copy_all(&out, s, to, "To");
    copy_all(&out, s, invite, "Call-ID");
    strbuf_printf(&out, "CSeq: %u %s\nMax-Forwards: 70\n", cseq_of(s, invite), method);
    put_body(&out, extra, NULL);
    return flow_take(s->flow, &out);
}

const char *sip_cancel(struct sip *s, const char *invite, const char *extra)
{
    return sibling(s, "CANCEL", invite, invite, extra);
}

const char *sip_ack_refusal(struct sip *s, const char *invite, const char *refusal)
{
    return sibling(s, "ACK", invite, refusal, NULL);
}

// --- dialogs -----------------------------------------------------------------------------------

static const char *uri_in(struct sip *s, const char *value)
{
    const char *open = value ? strchr(value, '<') : NULL;

    ck_assert_ptr_nonnull(open);
    return flow_copy(s->flow, open + 1, strcspn(open + 1, ">"));
}

// Route lines out of the Record-Route fields, in order or reversed.
static const char *routes_of(struct sip *s, const char *message, bool reversed)
{
    const char *routes = "", *value;

    for (unsigned n = 0; (value = header_nth(s, message, "Record-Route", n)) != NULL; n++)
        routes = reversed ? flow_text(s->flow, "Route: %s\n%s", value, routes)
                          : flow_text(s->flow, "%sRoute: %s\n", routes, value);
    return routes;
}

struct sip_dialog sip_dialog_of_response(struct sip *s, const char *response)
{
    return (struct sip_dialog){.sip = s,
                               .local = sip_header(s, response, "From"),
                               .remote = sip_header(s, response, "To"),
                               .call_id = sip_header(s, response, "Call-ID"),
                               .target = uri_in(s, sip_header(s, response, "Contact")),
                               .routes = routes_of(s, response, true),
                               .cseq = cseq_of(s, response)};
}

struct sip_dialog sip_dialog_of_request(struct sip *s, const char *request)
{
    return (struct sip_dialog){.sip = s,
                               .local =
                                   flow_text(s->flow, "%s;tag=t1", sip_header(s, request, "To")),
                               .remote = sip_header(s, request, "From"),
                               .call_id = sip_header(s, request, "Call-ID"),
                               .target = uri_in(s, sip_header(s, request, "Contact")),
                               .routes = routes_of(s, request, false),
                               .cseq = 100};
}

const char *sip_dialog_request(struct sip_dialog *d, const char *method, const char *extra,
                               const char *body)
{
    struct strbuf out = STRBUF_INIT;

    if (strcmp(method, "ACK") != 0)
        d->cseq++;
    put_start(&out, d->sip, method, d->target);
    strbuf_printf(&out,
                  "%sMax-Forwards: 70\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: %u %s\n"
                  "Contact: <sip:party@%s%s>\n",
                  d->routes, d->local, d->remote, d->call_id, d->cseq, method, d->sip->address,
                  sip_parameter(d->sip));
    put_body(&out, extra, body);
    return flow_take(d->sip->flow, &out);
}
