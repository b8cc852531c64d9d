// SPDX-License-Identifier: GPL-3.0-or-later
// A chat.
//
// Happy path: the side that opened the connection sends a SEND without body, which binds the
// connection to the session (RFC 4975 5.4); the other waits for it. Then each side sends its texts
// and its file, chunk by chunk as fast as the connection takes them, answers each request, and
// reports each complete message. Done: all is sent, answered and reported, all that was expected
// is here.
// Failure paths: a request whose paths are not exactly those of the SDP gets 481; an unknown method
// 501; a response other than 200, a response nobody asked for, a chunk that does not continue its
// message, a message given up ('#') or a file with another hash than expected: UA_FAX. What is no
// MSRP breaks the session.

#include "tests/ua/ua_chat.h"

#include "common/random.h"
#include "tests/ua/ua_event.h"
#include "tests/ua/ua_msrp.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TID_RANDOM 10
#define TEXT_MAX (64 * 1024)    // longest text taken
#define INTERRUPTIBLE_FROM 2048 // RFC 4975 5.1: longer chunks do not promise their end
#define SHA256_LEN 32
#define SHA256_TEXT (2 * SHA256_LEN + 1)

// A file under way, in either direction, with the hash of what passed.
struct file {
    FILE *stream; // NULL: only counted and hashed
    uint64_t bytes;
    gnutls_hash_hd_t hash;
};

struct chat {
    struct talk talk; // first
    const struct ua_options *options;
    struct talk_user user;
    struct msrp_parser parser;
    char own[MSRP_PATH_MAX], peer[MSRP_PATH_MAX];
    char id[TID_RANDOM + 1]; // of this connection; begins every tid
    char message_id_base[TID_RANDOM + 1];
    bool begun, bound, paused, told_middle, is_done, ok;

    unsigned item, items;  // texts, then the file
    uint64_t offset, size; // in the item under way
    struct file out;
    unsigned long requests, responses; // on this connection
    unsigned long serial, answered;    // last number in a tid of ours; last one in a response
    unsigned long reports_wanted;

    struct msrp_head message; // first head of the message under way
    bool in_message;
    unsigned verdict;  // on the request under way
    uint64_t received; // of the message under way
    char text[TEXT_MAX + 1];
    struct file in;
    bool file_here;
    unsigned expected; // texts that came, as bits
};

// --- files --------------------------------------------------------------------------------------

static void file_reset(struct file *f)
{
    if (f->hash)
        gnutls_hash_deinit(f->hash, NULL);
    gnutls_hash_init(&f->hash, GNUTLS_DIG_SHA256);
    f->bytes = 0;
    if (f->stream)
        rewind(f->stream);
}

static void file_pass(struct file *f, const void *bytes, size_t len)
{
    f->bytes += len;
    gnutls_hash(f->hash, bytes, len);
}

static void file_digest(struct file *f, char text[static SHA256_TEXT])
{
    uint8_t digest[SHA256_LEN];

    gnutls_hash_output(f->hash, digest);
    for (int i = 0; i < SHA256_LEN; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

static void file_close(struct file *f)
{
    if (f->stream)
        fclose(f->stream);
    if (f->hash)
        gnutls_hash_deinit(f->hash, NULL);
}

// --- the goal -----------------------------------------------------------------------------------

static void fail(struct chat *c)
{
    c->ok = false;
    event_fail(UA_FAX);
}

static bool all_here(const struct chat *c)
{
    return c->expected == (1U << c->options->expect_count) - 1 &&
           (!c->options->receive_file || c->file_here);
}

static void check_done(struct chat *c)
{
    if (c->is_done || !c->begun || c->item < c->items || c->responses < c->requests ||
        c->reports_wanted > 0 || !all_here(c))
        return;
    c->is_done = true;
    c->user.done(c->user.arg, c->ok);
}

static void tell_middle(struct chat *c)
{
    if (c->told_middle)
        return;
    c->told_middle = true;
    c->user.middle(c->user.arg);
}

// --- sending ------------------------------------------------------------------------------------

static void put(struct chat *c, struct strbuf *b)
{
    if (b->failed)
        abort(); // a test tool without memory has nothing to tell
    c->user.send(c->user.arg, (const uint8_t *)b->text, b->len);
    strbuf_free(b);
}

// A tid whose end-line does not stand in the body (RFC 4975 7.1).
static void next_tid(struct chat *c, struct msrp_head *h, const uint8_t *body, size_t len)
{
    do
        snprintf(h->tid, sizeof(h->tid), "%s%lu", c->id, ++c->serial);
    while (len > 0 && msrp_collides(h->tid, body, len));
    c->requests++;
}

static struct msrp_head new_request(struct chat *c, const char *method)
{
    struct msrp_head h = {.tid = ""};

    snprintf(h.method, sizeof(h.method), "%s", method);
    snprintf(h.to, sizeof(h.to), "%s", c->peer);
    snprintf(h.from, sizeof(h.from), "%s", c->own);
    return h;
}

// Binds the connection to the session (RFC 4975 5.4).
static void send_empty(struct chat *c)
{
    struct msrp_head h = new_request(c, "SEND");
    struct strbuf b = STRBUF_INIT;

    next_tid(c, &h, NULL, 0);
    snprintf(h.message_id, sizeof(h.message_id), "%s-bind", c->message_id_base);
    msrp_put_head(&b, &h);
    msrp_put_end(&b, h.tid, false, '$');
    put(c, &b);
}

static bool item_is_file(const struct chat *c)
{
    return c->item == c->options->say_count;
}

static void start_item(struct chat *c)
{
    c->offset = 0;
    if (c->item == c->items)
        return;
    if (!item_is_file(c)) {
        c->size = strlen(c->options->say[c->item]);
        return;
    }
    fseek(c->out.stream, 0, SEEK_END);
    c->size = (uint64_t)ftell(c->out.stream);
    file_reset(&c->out);
}

static void end_item(struct chat *c)
{
    char digest[SHA256_TEXT];

    c->reports_wanted++;
    if (item_is_file(c)) {
        file_digest(&c->out, digest);
        event("file-sent", "bytes=%" PRIu64 " sha256=%s", c->out.bytes, digest);
    } else {
        event("msrp-sent", "text=%s", event_quote(c->options->say[c->item]));
    }
    c->item++;
    start_item(c);
}

// The next bytes of the item. Returns how many.
static size_t take_piece(struct chat *c, uint8_t *out, size_t room)
{
    uint64_t left = c->size - c->offset;
    size_t len = left < room ? (size_t)left : room;

    if (!item_is_file(c)) {
        memcpy(out, c->options->say[c->item] + c->offset, len);
        return len;
    }
    len = fread(out, 1, len, c->out.stream);
    file_pass(&c->out, out, len);
    return len;
}

static void send_chunk(struct chat *c)
{
    struct msrp_head h = new_request(c, "SEND");
    struct strbuf b = STRBUF_INIT;
    uint8_t *piece = malloc(c->options->chunk);
    size_t len = piece ? take_piece(c, piece, c->options->chunk) : 0;
    bool last = c->offset + len == c->size || len == 0;

    h.has_range = true;
    h.first = c->offset + 1;
    h.last = len > INTERRUPTIBLE_FROM ? MSRP_UNKNOWN : c->offset + len;
    h.total = c->size;
    h.success_report = true;
    snprintf(h.message_id, sizeof(h.message_id), "%s-%u", c->message_id_base, c->item);
    snprintf(h.content_type, sizeof(h.content_type), "%s",
             item_is_file(c) ? "application/octet-stream" : "text/plain");
    next_tid(c, &h, piece, len);
    msrp_put_head(&b, &h);
    strbuf_add(&b, (const char *)piece, len);
    msrp_put_end(&b, h.tid, true, last ? '$' : '+');
    free(piece);
    put(c, &b);
    c->offset += len;
    if (c->item + 1 == c->items && c->offset * 2 >= c->size)
        tell_middle(c);
    if (last)
        end_item(c);
}

// The side that was connected to waits for the first request (RFC 4975 5.4).
static void send_more(struct chat *c)
{
    while (c->begun && c->bound && !c->paused && c->item < c->items &&
           !c->user.is_full(c->user.arg))
        send_chunk(c);
}

// --- receiving: what answers us -----------------------------------------------------------------

static void on_response(struct chat *c, const struct msrp_head *h)
{
    size_t len = strlen(c->id);
    unsigned long serial = strncmp(h->tid, c->id, len) == 0 ? strtoul(h->tid + len, NULL, 10) : 0;

    if (serial <= c->answered || serial > c->serial || !msrp_uri_equal(h->to, c->own) ||
        !msrp_uri_equal(h->from, c->peer)) {
        event("msrp-unexpected", "response=%u tid=%s", h->status, event_quote(h->tid));
        fail(c);
        return;
    }
    c->answered = serial;
    c->responses++;
    if (h->status == 200)
        return;
    event("msrp-refused", "status=%u", h->status);
    fail(c);
}

static void on_report(struct chat *c, const struct msrp_head *h)
{
    size_t len = strlen(c->message_id_base);
    bool ours = strncmp(h->message_id, c->message_id_base, len) == 0;

    event("msrp-report", "message=%s status=%u bytes=%" PRIu64, event_quote(h->message_id),
          h->status, h->total);
    if (!ours || h->status != 200 || c->reports_wanted == 0)
        fail(c);
    else
        c->reports_wanted--;
}

// --- receiving: messages ------------------------------------------------------------------------

static bool is_text(const struct msrp_head *h)
{
    return strcmp(h->content_type, "text/plain") == 0;
}

static void give_up(struct chat *c, const char *why)
{
    event("msrp-broken", "message=%s reason=%s", event_quote(c->message.message_id), why);
    c->in_message = false;
    fail(c);
}

// The first chunk of a message, or the next one of the message under way.
static void take_head(struct chat *c, const struct msrp_head *h)
{
    uint64_t first = h->has_range ? h->first : 1;

    if (c->in_message && strcmp(c->message.message_id, h->message_id) != 0)
        give_up(c, "another-message");
    if (!c->in_message) {
        c->message = *h;
        c->in_message = true;
        c->received = 0;
        if (!is_text(h))
            file_reset(&c->in);
    }
    if (first != c->received + 1)
        give_up(c, "gap");
}

static void take_body(struct chat *c, const uint8_t *bytes, size_t len)
{
    if (is_text(&c->message)) {
        size_t room = TEXT_MAX - (c->received < TEXT_MAX ? (size_t)c->received : TEXT_MAX);
        memcpy(c->text + (TEXT_MAX - room), bytes, len < room ? len : room);
    } else {
        file_pass(&c->in, bytes, len);
        if (c->in.stream && fwrite(bytes, 1, len, c->in.stream) != len)
            give_up(c, "disk");
    }
    c->received += len;
    if (c->items == 0)
        tell_middle(c);
}

static void text_complete(struct chat *c)
{
    c->text[c->received < TEXT_MAX ? c->received : TEXT_MAX] = '\0';
    event("msrp-received", "text=%s", event_quote(c->text));
    for (unsigned i = 0; i < c->options->expect_count; i++) {
        if ((c->expected & 1U << i) == 0 && strcmp(c->options->expect_text[i], c->text) == 0) {
            c->expected |= 1U << i;
            return;
        }
    }
}

static void file_complete(struct chat *c)
{
    char digest[SHA256_TEXT];
    const char *expected = c->options->expect_sha256;

    file_digest(&c->in, digest);
    c->file_here = true;
    if (c->in.stream)
        fflush(c->in.stream);
    event("file-received", "bytes=%" PRIu64 " sha256=%s", c->in.bytes, digest);
    if (!expected || strcmp(expected, digest) == 0)
        return;
    event("file-differs", "expected=%s", event_quote(expected));
    fail(c);
}

static void send_report(struct chat *c, const struct msrp_head *request)
{
    struct msrp_head h = new_request(c, "REPORT");
    struct strbuf b = STRBUF_INIT;

    random_alnum(h.tid, TID_RANDOM + 1);
    snprintf(h.message_id, sizeof(h.message_id), "%s", request->message_id);
    h.has_range = true;
    h.first = 1;
    h.last = h.total = c->received;
    h.status = 200;
    msrp_put_head(&b, &h);
    msrp_put_end(&b, h.tid, false, '$');
    put(c, &b);
}

static void message_complete(struct chat *c)
{
    uint64_t total = c->message.has_range ? c->message.total : MSRP_UNKNOWN;

    if (total != MSRP_UNKNOWN && total != c->received) {
        give_up(c, "not-all-bytes");
        return;
    }
    c->in_message = false;
    if (is_text(&c->message))
        text_complete(c);
    else
        file_complete(c);
    if (c->message.success_report)
        send_report(c, &c->message);
}

// --- receiving: requests ------------------------------------------------------------------------

static unsigned judge(struct chat *c, const struct msrp_head *h)
{
    if (!msrp_uri_equal(h->to, c->own) || !msrp_uri_equal(h->from, c->peer)) {
        event("msrp-mismatch", "to=%s from=%s", event_quote(h->to), event_quote(h->from));
        fail(c);
        return 481;
    }
    return strcmp(h->method, "SEND") == 0 || strcmp(h->method, "REPORT") == 0 ? 200 : 501;
}

static void on_head(void *arg, const struct msrp_head *h)
{
    struct chat *c = arg;

    if (!*h->method)
        return;
    c->verdict = judge(c, h);
    if (c->verdict == 200 && *h->content_type)
        take_head(c, h);
}

static void on_body(void *arg, const uint8_t *bytes, size_t len)
{
    struct chat *c = arg;

    if (c->verdict == 200 && c->in_message)
        take_body(c, bytes, len);
}

static void respond(struct chat *c, const struct msrp_head *h)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } phrases[] = {{200, "OK"}, {481, "No such session"}, {501, "Unknown method"}};
    struct strbuf b = STRBUF_INIT;
    unsigned i = 0;

    while (phrases[i].status != c->verdict)
        i++;
    msrp_put_response(&b, h, c->verdict, phrases[i].phrase);
    put(c, &b);
}

static void on_request_end(struct chat *c, const struct msrp_head *h, char flag)
{
    if (strcmp(h->method, "REPORT") == 0) {
        if (c->verdict == 200)
            on_report(c, h);
        return;
    }
    if (!h->no_failure_report)
        respond(c, h);
    if (c->verdict != 200)
        return;
    if (!c->bound) {
        c->bound = true;
        event_plain("msrp-bound");
    }
    if (!*h->content_type || !c->in_message)
        return;
    if (flag == '#')
        give_up(c, "given-up-by-the-peer");
    else if (flag == '$')
        message_complete(c);
}

static void on_end(void *arg, const struct msrp_head *h, char flag)
{
    struct chat *c = arg;

    if (*h->method)
        on_request_end(c, h, flag);
    else
        on_response(c, h);
    send_more(c);
    check_done(c);
}

// --- the kind -----------------------------------------------------------------------------------

// On a new connection what was not complete begins anew (RFC 4975 5.4).
static void chat_begin(struct talk *t, const struct talk_terms *terms)
{
    struct chat *c = (struct chat *)t;
    struct msrp_user user = {c, on_head, on_body, on_end};

    msrp_parser_init(&c->parser, &user);
    snprintf(c->own, sizeof(c->own), "%s", terms->own->path);
    snprintf(c->peer, sizeof(c->peer), "%s", terms->peer->path);
    random_alnum(c->id, sizeof(c->id));
    c->requests = c->responses = c->serial = c->answered = 0;
    c->in_message = false;
    c->bound = terms->active;
    c->begun = true;
    start_item(c);
    if (terms->active)
        send_empty(c);
    send_more(c);
}

static void chat_receive(struct talk *t, const uint8_t *bytes, size_t len)
{
    struct chat *c = (struct chat *)t;

    if (c->parser.error || msrp_feed(&c->parser, bytes, len) == 0)
        return;
    fail(c);
    c->user.broken(c->user.arg, c->parser.error);
}

static void chat_drained(struct talk *t)
{
    send_more((struct chat *)t);
}

static void chat_pause(struct talk *t, bool pause)
{
    struct chat *c = (struct chat *)t;

    c->paused = pause;
    send_more(c);
}

static void chat_close(struct talk *t)
{
    struct chat *c = (struct chat *)t;

    file_close(&c->in);
    file_close(&c->out);
    free(c);
}

static const struct talk_kind kind = {chat_begin, chat_receive, chat_drained, chat_pause,
                                      chat_close};

static bool open_file(struct file *f, const char *name, const char *mode)
{
    if (!name)
        return true;
    f->stream = fopen(name, mode);
    if (!f->stream)
        event("file-failed", "file=%s error=%s", event_quote(name), event_quote(strerror(errno)));
    return f->stream != NULL;
}

struct talk *chat_open(const struct ua_options *options, const struct talk_user *user)
{
    struct chat *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->talk.kind = &kind;
    c->options = options;
    c->user = *user;
    c->ok = true;
    c->items = options->say_count + (options->send_file ? 1 : 0);
    random_alnum(c->message_id_base, sizeof(c->message_id_base));
    if (!open_file(&c->out, options->send_file, "rb") ||
        !open_file(&c->in, options->receive_file, "wb")) {
        chat_close(&c->talk);
        return NULL;
    }
    return &c->talk;
}
