// SPDX-License-Identifier: GPL-3.0-or-later
// MSRP framing.
//
// Happy path: bytes gather in a small buffer; while a head is incomplete it waits for the blank
// line or the end-line; a body is handed on as far as it cannot be part of the end-line. Only
// what RFC 4975 9 writes is accepted, with CRLF and single blanks: a relay in between that bends
// the framing shall be seen.
// Failure: the first thing that is not MSRP ends parsing for good.

#include "tests/ua/ua_msrp.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DASHES "-------"
#define END_LINE_MAX (2 + 7 + MSRP_TID_MAX + 1 + 2) // CRLF, dashes, tid, flag, CRLF

// --- URIs ---------------------------------------------------------------------------------------

// Copies the len bytes at text when they fit and there are some.
static bool take(char *out, size_t room, const char *text, size_t len)
{
    if (len == 0 || len >= room)
        return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

// host[:port] at *text, up to "/" or ";".
static bool parse_authority(struct msrp_uri *uri, const char **text)
{
    const char *at = *text;
    size_t len = strcspn(at, "/;");
    const char *user = memchr(at, '@', len);

    *text += len;
    if (user) {
        len -= (size_t)(user + 1 - at);
        at = user + 1;
    }
    size_t host = len > 0 && at[0] == '[' ? strcspn(at, "]") + 1 : strcspn(at, ":/;");
    if (host > len || !take(uri->host, sizeof(uri->host), at, host))
        return false;
    if (host == len)
        return true;
    char *end;
    unsigned long port = strtoul(at + host + 1, &end, 10);
    uri->has_port = true;
    uri->port = (uint16_t)port;
    return at[host] == ':' && isdigit((unsigned char)at[host + 1]) && end == at + len &&
           port <= UINT16_MAX;
}

int msrp_uri_parse(struct msrp_uri *out, const char *text)
{
    struct msrp_uri uri = {0};

    uri.secure = strncasecmp(text, "msrps://", 8) == 0;
    if (!uri.secure && strncasecmp(text, "msrp://", 7) != 0)
        return -EINVAL;
    text += uri.secure ? 8 : 7;
    if (!parse_authority(&uri, &text))
        return -EINVAL;
    if (*text == '/') {
        size_t len = strcspn(++text, ";");
        if (!take(uri.session, sizeof(uri.session), text, len))
            return -EINVAL;
        text += len;
    }
    if (*text != ';' ||
        !take(uri.transport, sizeof(uri.transport), text + 1, strcspn(text + 1, ";")))
        return -EINVAL;
    *out = uri;
    return 0;
}

static bool same_host(const char *a, const char *b)
{
    struct addr x, y;

    if (addr_parse(&x, a, 0) == 0 && addr_parse(&y, b, 0) == 0)
        return addr_equal_host(&x, &y);
    return strcasecmp(a, b) == 0;
}

bool msrp_uri_equal(const char *a, const char *b)
{
    struct msrp_uri x, y;

    if (msrp_uri_parse(&x, a) != 0 || msrp_uri_parse(&y, b) != 0)
        return false;
    return x.secure == y.secure && same_host(x.host, y.host) && x.has_port == y.has_port &&
           x.port == y.port && strcmp(x.session, y.session) == 0 &&
           strcasecmp(x.transport, y.transport) == 0;
}

int msrp_uri_addr(const struct msrp_uri *uri, struct addr *out)
{
    return uri->has_port ? addr_parse(out, uri->host, uri->port) : -EINVAL;
}

// --- building -----------------------------------------------------------------------------------

static void put_bound(struct strbuf *b, uint64_t n, const char *after)
{
    if (n == MSRP_UNKNOWN)
        strbuf_printf(b, "*%s", after);
    else
        strbuf_printf(b, "%" PRIu64 "%s", n, after);
}

static void put_range(struct strbuf *b, const struct msrp_head *h)
{
    strbuf_printf(b, "Byte-Range: %" PRIu64 "-", h->first);
    put_bound(b, h->last, "/");
    put_bound(b, h->total, "\r\n");
}

void msrp_put_head(struct strbuf *b, const struct msrp_head *h)
{
    strbuf_printf(b, "MSRP %s %s\r\nTo-Path: %s\r\nFrom-Path: %s\r\n", h->tid, h->method, h->to,
                  h->from);
    if (*h->message_id)
        strbuf_printf(b, "Message-ID: %s\r\n", h->message_id);
    if (h->has_range)
        put_range(b, h);
    if (h->success_report)
        strbuf_puts(b, "Success-Report: yes\r\n");
    if (h->no_failure_report)
        strbuf_puts(b, "Failure-Report: no\r\n");
    if (h->status != 0)
        strbuf_printf(b, "Status: 000 %03u OK\r\n", h->status);
    if (*h->content_type)
        strbuf_printf(b, "Content-Type: %s\r\n\r\n", h->content_type);
}

void msrp_put_end(struct strbuf *b, const char *tid, bool after_body, char flag)
{
    strbuf_printf(b, "%s" DASHES "%s%c\r\n", after_body ? "\r\n" : "", tid, flag);
}

void msrp_put_response(struct strbuf *b, const struct msrp_head *request, unsigned status,
                       const char *phrase)
{
    strbuf_printf(b, "MSRP %s %u %s\r\nTo-Path: %.*s\r\nFrom-Path: %s\r\n", request->tid, status,
                  phrase, (int)strcspn(request->from, " "), request->from, request->to);
    msrp_put_end(b, request->tid, false, '$');
}

bool msrp_collides(const char *tid, const uint8_t *body, size_t len)
{
    char line[7 + MSRP_TID_MAX + 1];
    int n = snprintf(line, sizeof(line), DASHES "%s", tid);
    return memmem(body, len, line, (size_t)n) != NULL;
}

// --- heads --------------------------------------------------------------------------------------

static bool is_ident(const char *text, size_t len)
{
    if (len < 4 || len > MSRP_TID_MAX || !isalnum((unsigned char)text[0]))
        return false;
    for (size_t i = 1; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr(".-+%=", text[i]))
            return false;
    return true;
}

// "MSRP tid SEND" or "MSRP tid 200 OK".
static const char *parse_start(struct msrp_head *h, const char *line)
{
    if (strncmp(line, "MSRP ", 5) != 0)
        return "a message does not begin with MSRP";
    line += 5;
    size_t len = strcspn(line, " ");
    if (!is_ident(line, len) || line[len] != ' ')
        return "no transaction identifier";
    take(h->tid, sizeof(h->tid), line, len);
    line += len + 1;
    len = strcspn(line, " ");
    if (len == 3 && strspn(line, "0123456789") == 3) {
        h->status = (unsigned)strtoul(line, NULL, 10);
        return NULL;
    }
    if (line[len] != '\0' || !take(h->method, sizeof(h->method), line, len))
        return "neither a method nor a status";
    for (const char *c = h->method; *c; c++)
        if (!isupper((unsigned char)*c))
            return "a method that is not in capitals";
    return NULL;
}

// Digits or "*", and the character after them.
static bool parse_bound(const char **text, char after, uint64_t *out)
{
    size_t len = strspn(*text, "0123456789");

    if (len > 0)
        *out = strtoull(*text, NULL, 10);
    else
        *out = MSRP_UNKNOWN;
    if (len == 0 && **text == '*')
        len = 1;
    if (len == 0 || (*text)[len] != after)
        return false;
    *text += len + 1;
    return true;
}

static const char *parse_range(struct msrp_head *h, const char *text)
{
    h->has_range = true;
    bool ok = parse_bound(&text, '-', &h->first) && parse_bound(&text, '/', &h->last) &&
              parse_bound(&text, '\0', &h->total) && h->first > 0 && h->first != MSRP_UNKNOWN;
    return ok ? NULL : "a malformed Byte-Range";
}

static const char *parse_field(struct msrp_head *h, const char *line)
{
    const char *colon = strstr(line, ": ");
    if (!colon || colon == line)
        return "a header line without name and value";
    size_t name = (size_t)(colon - line);
    const char *value = colon + 2;
    const struct {
        const char *name;
        char *out;
        size_t room;
    } texts[] = {{"To-Path", h->to, sizeof(h->to)},
                 {"From-Path", h->from, sizeof(h->from)},
                 {"Message-ID", h->message_id, sizeof(h->message_id)},
                 {"Content-Type", h->content_type, sizeof(h->content_type)}};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strlen(texts[i].name) != name || strncasecmp(line, texts[i].name, name) != 0)
            continue;
        if (*texts[i].out || !take(texts[i].out, texts[i].room, value, strlen(value)))
            return "a header line that is empty, too long or there twice";
        return NULL;
    }
    if (strncasecmp(line, "Byte-Range:", 11) == 0)
        return parse_range(h, value);
    if (strncasecmp(line, "Success-Report:", 15) == 0)
        h->success_report = strcasecmp(value, "yes") == 0;
    if (strncasecmp(line, "Failure-Report:", 15) == 0)
        h->no_failure_report = strcasecmp(value, "no") == 0;
    if (strncasecmp(line, "Status: 000 ", 12) == 0)
        h->status = (unsigned)strtoul(line + 12, NULL, 10);
    return NULL;
}

// RFC 4975 9: To-Path and From-Path stand first, in this order.
static const char *parse_line(struct msrp_head *h, const char *line)
{
    if (!*h->tid)
        return parse_start(h, line);
    if (!*h->to && strncasecmp(line, "To-Path: ", 9) != 0)
        return "To-Path is not the first header";
    if (*h->to && !*h->from && strncasecmp(line, "From-Path: ", 11) != 0)
        return "From-Path is not the second header";
    return parse_field(h, line);
}

// --- the stream ---------------------------------------------------------------------------------

void msrp_parser_init(struct msrp_parser *p, const struct msrp_user *user)
{
    memset(p, 0, sizeof(*p));
    p->user = *user;
}

static void drop(struct msrp_parser *p, size_t n)
{
    memmove(p->bytes, p->bytes + n, p->len - n);
    p->len -= n;
}

static void finish(struct msrp_parser *p, char flag)
{
    struct msrp_head head = p->head;

    p->in_body = false;
    memset(&p->head, 0, sizeof(p->head));
    p->user.end(p->user.arg, &head, flag);
}

static char end_flag(const struct msrp_parser *p, const char *line)
{
    size_t len = strlen(p->head.tid);

    if (!*p->head.tid || strncmp(line, DASHES, 7) != 0 || strncmp(line + 7, p->head.tid, len) != 0)
        return '\0';
    char flag = line[7 + len];
    return flag && strchr("$+#", flag) && line[8 + len] == '\0' ? flag : '\0';
}

// One line without its end. The message is over, goes on with a body, or with more lines.
static void take_head_line(struct msrp_parser *p, const char *line)
{
    char flag = end_flag(p, line);

    if (flag || *line == '\0') {
        if (!*p->head.from)
            p->error = "a head without both paths";
        else if (!flag && !*p->head.content_type)
            p->error = "a body without Content-Type";
        else if (flag && *p->head.content_type)
            p->error = "Content-Type without a body";
        if (p->error)
            return;
        p->in_body = !flag;
        p->user.head(p->user.arg, &p->head);
        if (flag)
            finish(p, flag);
    } else {
        p->error = parse_line(&p->head, line);
    }
}

// Returns true when something was consumed.
static bool step_head(struct msrp_parser *p)
{
    char line[MSRP_HEAD_MAX];
    uint8_t *end = memmem(p->bytes, p->len, "\r\n", 2);
    size_t len = end ? (size_t)(end - p->bytes) : p->len;

    if (len >= sizeof(line))
        p->error = "a line without end";
    if (!end || p->error)
        return false;
    memcpy(line, p->bytes, len);
    line[len] = '\0';
    if (strlen(line) != len || strchr(line, '\r') || strchr(line, '\n'))
        p->error = "a control character in a head";
    drop(p, len + 2);
    if (!p->error)
        take_head_line(p, line);
    return true;
}

static void hand_on(struct msrp_parser *p, size_t len)
{
    if (len > 0)
        p->user.body(p->user.arg, p->bytes, len);
    drop(p, len);
}

static bool step_body(struct msrp_parser *p)
{
    char mark[END_LINE_MAX + 1];
    size_t n = (size_t)snprintf(mark, sizeof(mark), "\r\n" DASHES "%s", p->head.tid);
    uint8_t *found = memmem(p->bytes, p->len, mark, n);

    if (!found) { // its beginning may be here already
        size_t keep = p->len < n - 1 ? p->len : n - 1;
        hand_on(p, p->len - keep);
        return false;
    }
    hand_on(p, (size_t)(found - p->bytes));
    if (p->len < n + 3)
        return false;
    char flag = (char)p->bytes[n];
    if (!flag || !strchr("$+#", flag) || p->bytes[n + 1] != '\r' || p->bytes[n + 2] != '\n') {
        hand_on(p, n); // it only looked like it
        return true;
    }
    drop(p, n + 3);
    finish(p, flag);
    return true;
}

int msrp_feed(struct msrp_parser *p, const uint8_t *bytes, size_t len)
{
    while (len > 0 && !p->error) {
        size_t room = sizeof(p->bytes) - p->len;
        size_t n = len < room ? len : room;
        memcpy(p->bytes + p->len, bytes, n);
        p->len += n;
        bytes += n;
        len -= n;
        while (!p->error && (p->in_body ? step_body(p) : step_head(p)))
            ;
    }
    return p->error ? -EPROTO : 0;
}
