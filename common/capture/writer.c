// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: a record names its session, or its context, whose session was named before; the
// session has a file, or all share one; the record becomes blocks at the end of it.
//
// A shared file that is full or old is followed by another one; in it, a session that goes on
// begins with what a reader needs to know of it.
//
// Failure paths: a session whose file is full is not recorded further, once said. A record without
// memory is left out. What the system refuses ends the capture: the caller hears of it.
#include "common/capture/writer.h"

#include "common/capture/conversation.h"
#include "common/capture/files.h"
#include "common/capture/ip.h"
#include "common/capture/pcapng.h"
#include "common/capture/pdu.h"
#include "common/capture/preamble.h"
#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

// A session that has ended waits so long for what media workers still have to tell of it.
#define LINGER_US 1000000
// A shared file covers so much time at most.
#define SHARED_US (3600 * UINT64_C(1000000))
#define COMMENT_SIZE 160

// A file and whose it is.
struct chapter {
    char session[RECORD_SESSION_MAX]; // key; "": shared by all
    struct file *file;
    unsigned number; // tells files that follow each other apart
    uint64_t begun_us;
    uint64_t ended_us; // 0: it goes on
    bool full;
    UT_hash_handle hh;
};

struct context {
    uint32_t id; // key
    char session[RECORD_SESSION_MAX];
    uint64_t ended_us;
    UT_hash_handle hh;
};

// One direction of the plaintext of a stream.
struct flow_key {
    uint32_t context;
    uint16_t stream, out;
};
struct flow {
    struct flow_key key;
    struct pdu_stream pdus;
    UT_hash_handle hh;
};

struct writer {
    const struct config *cfg;
    struct files *files;
    struct chapter *chapters;
    struct context *contexts;
    struct flow *flows;
    struct conversations *conversations;
    struct preambles *preambles; // NULL: each session has a file of its own
    // Of the record at hand: its blocks, those for the preamble of its session, a packet.
    struct strbuf blocks, kept, packet;
    unsigned chapter_count;
    uint64_t wall_us; // what is added to a monotonic time, the same for a whole batch
};

// --- whose it is --------------------------------------------------------------------------------

// "" when nobody knows.
static const char *session_of(const struct writer *w, const struct record *r)
{
    struct context *context = NULL;

    if (r->session[0] != '\0' || r->context == 0)
        return r->session;
    HASH_FIND(hh, w->contexts, &r->context, sizeof(r->context), context);
    return context == NULL ? "" : context->session;
}

static void name_context(struct writer *w, const struct record *r)
{
    struct context *c = NULL;

    HASH_FIND(hh, w->contexts, &r->context, sizeof(r->context), c);
    if (c == NULL && (c = calloc(1, sizeof(*c))) != NULL) {
        c->id = r->context;
        HASH_ADD(hh, w->contexts, id, sizeof(c->id), c);
    }
    if (c != NULL)
        memcpy(c->session, r->session, sizeof(c->session));
}

static bool is_shared(const struct writer *w)
{
    return w->cfg->capture.per == CAPTURE_PER_TIME;
}

// NULL: it goes into no file.
static struct chapter *chapter_of(struct writer *w, const char *session, uint64_t now_us)
{
    struct chapter *c = NULL;
    const char *key = is_shared(w) ? "" : session;

    if (!is_shared(w) && session[0] == '\0')
        return NULL;
    HASH_FIND_STR(w->chapters, key, c);
    if (c != NULL || (c = calloc(1, sizeof(*c))) == NULL)
        return c;
    snprintf(c->session, sizeof(c->session), "%s", key);
    c->file = file_open(w->files, key[0] == '\0' ? "all" : key);
    c->begun_us = now_us;
    c->number = ++w->chapter_count;
    if (c->file == NULL) {
        free(c);
        return NULL;
    }
    HASH_ADD_STR(w->chapters, session, c);
    return c;
}

static void drop_chapter(struct writer *w, struct chapter *c)
{
    HASH_DEL(w->chapters, c); // NOLINT(clang-analyzer-unix.Malloc): not seen through the table
    file_close(c->file);
    free(c);
}

// --- appending ----------------------------------------------------------------------------------

// Appends the blocks of a session, behind what must stand before them.
static int append(struct writer *w, struct chapter *c, const char *session,
                  const struct strbuf *blocks)
{
    struct strbuf all = STRBUF_INIT;
    int rc;

    if (!file_is_begun(c->file))
        pcapng_put_head(&all);
    if (w->preambles != NULL)
        preamble_put(w->preambles, session, c->number, &all);
    if (all.len == 0)
        return file_append(c->file, blocks);
    strbuf_add(&all, blocks->text, blocks->len);
    rc = all.failed ? 0 : file_append(c->file, &all);
    strbuf_free(&all);
    return rc;
}

static int append_shared(struct writer *w, const char *session, const struct strbuf *blocks,
                         enum preamble_part part, uint64_t now_us)
{
    struct chapter *c = chapter_of(w, "", now_us);
    bool old = c != NULL && now_us > c->begun_us + SHARED_US;
    int rc = c == NULL ? 0 : old ? FILE_FULL : append(w, c, session, blocks);

    if (rc == FILE_FULL && file_is_begun(c->file)) {
        drop_chapter(w, c);
        c = chapter_of(w, "", now_us);
        rc = c == NULL ? 0 : append(w, c, session, blocks);
    }
    if (c != NULL && session[0] != '\0' && w->kept.len > 0 && !w->kept.failed)
        preamble_keep(w->preambles, session, c->number, part, &w->kept);
    return rc;
}

static int append_own(struct writer *w, const char *session, const struct strbuf *blocks,
                      uint64_t now_us)
{
    struct chapter *c = chapter_of(w, session, now_us);
    int rc = c == NULL || c->full ? 0 : append(w, c, session, blocks);

    if (rc != FILE_FULL)
        return rc;
    c->full = true;
    log_warn("capture", "the file of session %.8s is full: no more of it is recorded", c->session);
    return 0;
}

static enum preamble_part part_of(const struct record *r)
{
    return r->kind == RECORD_SECRET ? PREAMBLE_KEYS
           : r->kind == RECORD_SIP  ? PREAMBLE_SDP
                                    : PREAMBLE_HANDSHAKES;
}

// Appends the blocks to the file of a session.
static int put(struct writer *w, const struct record *r)
{
    const char *session = session_of(w, r);
    int rc = 0;

    if (!w->blocks.failed && w->blocks.len > 0)
        rc = is_shared(w) ? append_shared(w, session, &w->blocks, part_of(r), r->time_us)
                          : append_own(w, session, &w->blocks, r->time_us);
    strbuf_clear(&w->blocks);
    strbuf_clear(&w->kept);
    return rc == FILE_FULL ? 0 : rc;
}

// "session 3f2a.., stream 1, T1, from the UE", and more.
static const char *comment(const struct writer *w, const struct record *r, const char *more,
                           char text[static COMMENT_SIZE])
{
    const char *session = session_of(w, r), *peer = r->side == 0 ? "UE" : "core";
    const char *known = session[0] == '\0' ? "no session" : "session ";
    const char *way = r->out ? "to" : "from";

    if (r->kind == RECORD_SIP)
        snprintf(text, COMMENT_SIZE, "%s%s, SIP, %s the %s%s", known, session, way, peer, more);
    else
        snprintf(text, COMMENT_SIZE, "%s%s, stream %u, T%d, %s the %s%s", known, session, r->stream,
                 r->side + 1, way, peer, more);
    return text;
}

// What content types of DTLS below that of application data (RFC 6347 4.1) tell: its handshake.
static bool is_handshake(const struct record *r)
{
    const uint8_t *data = r->data;

    return r->kind == RECORD_DATAGRAM && r->side == 0 && r->len > 2 && data[0] >= 20 &&
           data[0] < 23 && data[1] == 0xfe;
}

static bool has_sdp(const struct record *r)
{
    return r->kind == RECORD_SIP && memmem(r->data, r->len, "\nm=", 3) != NULL;
}

static void put_block(const struct writer *w, struct strbuf *blocks, const struct record *r,
                      enum pcapng_interface interface, const char *more)
{
    char text[COMMENT_SIZE];

    pcapng_put_packet(blocks, interface, r->time_us + w->wall_us, w->packet.text, w->packet.len,
                      comment(w, r, more, text));
}

// Makes a block of the packet.
static void put_packet(struct writer *w, const struct record *r, enum pcapng_interface interface)
{
    if (w->packet.failed) {
        w->blocks.failed = true;
    } else {
        put_block(w, &w->blocks, r, interface, "");
        if (w->preambles != NULL && (has_sdp(r) || is_handshake(r)))
            put_block(w, &w->kept, r, interface, ", again from an earlier file");
    }
    strbuf_clear(&w->packet);
}

// --- kinds of records ---------------------------------------------------------------------------

static int put_datagram(struct writer *w, const struct record *r)
{
    ip_put_udp(&w->packet, &r->from, &r->to, r->data,
               r->len < IP_PAYLOAD_MAX ? r->len : IP_PAYLOAD_MAX);
    put_packet(w, r, PCAPNG_IP);
    return put(w, r);
}

static void put_segment(struct writer *w, const struct record *r, bool back, unsigned flags,
                        const uint8_t *data, size_t len)
{
    const struct addr *from = back ? &r->to : &r->from, *to = back ? &r->from : &r->to;
    struct tcp_numbers numbers = conversation_step(
        w->conversations, from, to, (uint32_t)len + ((flags & (TCP_SYN | TCP_FIN)) != 0));

    ip_put_tcp(&w->packet, from, to, numbers, flags, data, len);
    put_packet(w, r, PCAPNG_IP);
}

static int put_connected(struct writer *w, const struct record *r)
{
    conversation_begin(w->conversations, &r->from, &r->to);
    put_segment(w, r, false, TCP_SYN, NULL, 0);
    put_segment(w, r, true, TCP_SYN | TCP_ACK, NULL, 0);
    put_segment(w, r, false, TCP_ACK, NULL, 0);
    return put(w, r);
}

static int put_bytes(struct writer *w, const struct record *r)
{
    for (size_t at = 0; at < r->len;) {
        size_t len = r->len - at < IP_PAYLOAD_MAX ? r->len - at : IP_PAYLOAD_MAX;
        put_segment(w, r, false, TCP_PUSH | TCP_ACK, (const uint8_t *)r->data + at, len);
        at += len;
    }
    return put(w, r);
}

static int put_finished(struct writer *w, const struct record *r)
{
    put_segment(w, r, false, TCP_FIN | TCP_ACK, NULL, 0);
    return put(w, r);
}

static int put_secret(struct writer *w, const struct record *r)
{
    pcapng_put_secrets(&w->blocks, r->data, r->len);
    if (w->preambles != NULL)
        strbuf_add(&w->kept, w->blocks.text, w->blocks.len);
    return put(w, r);
}

// --- plaintext ----------------------------------------------------------------------------------

struct plain {
    struct writer *w;
    const struct record *r;
};

static void put_pdu(void *arg, const char *dissector, const uint8_t *pdu, size_t len)
{
    const struct plain *p = arg;

    pcapng_put_pdu_head(&p->w->packet, dissector, p->r->tcp, &p->r->from, &p->r->to);
    strbuf_add(&p->w->packet, (const char *)pdu, len);
    put_packet(p->w, p->r, PCAPNG_PLAIN);
}

static struct flow *flow_of(struct writer *w, const struct record *r)
{
    struct flow_key key = {r->context, r->stream, r->out};
    struct flow *flow = NULL;

    // The key has no holes.
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
    HASH_FIND(hh, w->flows, &key, sizeof(key), flow);
    if (flow != NULL || (flow = calloc(1, sizeof(*flow))) == NULL)
        return flow;
    flow->key = key;
    HASH_ADD(hh, w->flows, key, sizeof(flow->key), flow);
    return flow;
}

static int put_plain(struct writer *w, const struct record *r)
{
    static const char *const dissectors[] = {
        [PROTOCOL_UDPTL] = "t38_udp", [PROTOCOL_RTP] = "rtp", [PROTOCOL_RTCP] = "rtcp"};
    struct plain plain = {w, r};
    struct flow *flow = r->tcp ? flow_of(w, r) : NULL;

    if (!r->tcp)
        put_pdu(&plain, dissectors[r->protocol], r->data, r->len);
    else if (flow != NULL)
        pdu_take(&flow->pdus, r->data, r->len, put_pdu, &plain);
    return put(w, r);
}

// --- ends ---------------------------------------------------------------------------------------

static void mark_ended(struct writer *w, const struct record *r)
{
    struct chapter *c = NULL;
    struct context *context, *next;

    HASH_FIND_STR(w->chapters, r->session, c);
    if (c != NULL && !is_shared(w))
        c->ended_us = r->time_us;
    if (w->preambles != NULL)
        preamble_end(w->preambles, r->session, r->time_us);
    HASH_ITER(hh, w->contexts, context, next)
    {
        if (strcmp(context->session, r->session) == 0)
            context->ended_us = r->time_us;
    }
}

static void drop_flows(struct writer *w, uint32_t context, bool all)
{
    struct flow *flow, *next;

    HASH_ITER(hh, w->flows, flow, next)
    {
        if (!all && flow->key.context != context)
            continue;
        HASH_DEL(w->flows, flow); // NOLINT(clang-analyzer-unix.Malloc): as above
        pdu_clear(&flow->pdus);
        free(flow);
    }
}

static bool is_over(uint64_t ended_us, uint64_t now_us, bool all)
{
    return all || (ended_us != 0 && now_us > ended_us + LINGER_US);
}

static void sweep(struct writer *w, uint64_t now_us, bool all)
{
    struct chapter *c, *next_chapter;
    struct context *context, *next_context;

    HASH_ITER(hh, w->contexts, context, next_context)
    {
        if (!is_over(context->ended_us, now_us, all))
            continue;
        drop_flows(w, context->id, false);
        HASH_DEL(w->contexts, context); // NOLINT(clang-analyzer-unix.Malloc): as above
        free(context);
    }
    if (w->preambles != NULL && now_us > LINGER_US)
        preambles_sweep(w->preambles, now_us - LINGER_US);
    HASH_ITER(hh, w->chapters, c, next_chapter)
    {
        if (is_over(c->ended_us, now_us, all))
            drop_chapter(w, c);
    }
}

// --- interface ----------------------------------------------------------------------------------

int writer_open(struct writer **out, const struct config *cfg, char error[static CONFIG_ERROR_MAX])
{
    struct writer *w = calloc(1, sizeof(*w));
    int rc = -ENOMEM;

    snprintf(error, CONFIG_ERROR_MAX, "capture: out of memory");
    if (w == NULL)
        return rc;
    w->cfg = cfg;
    w->wall_us = clock_wall_us(0);
    w->conversations = conversations_open();
    w->preambles = is_shared(w) ? preambles_open() : NULL;
    if (w->conversations != NULL && (w->preambles != NULL || !is_shared(w)))
        rc = files_open(&w->files, cfg, error);
    if (rc < 0)
        writer_close(w);
    else
        *out = w;
    return rc;
}

void writer_close(struct writer *w)
{
    if (w == NULL)
        return;
    sweep(w, 0, true);
    drop_flows(w, 0, true);
    conversations_close(w->conversations);
    preambles_close(w->preambles);
    strbuf_free(&w->blocks);
    strbuf_free(&w->kept);
    strbuf_free(&w->packet);
    files_close(w->files);
    free(w);
}

int writer_take(struct writer *w, const struct record *r)
{
    switch ((enum record_kind)r->kind) {
    case RECORD_SIP:
        return r->tcp ? put_bytes(w, r) : put_datagram(w, r);
    case RECORD_DATAGRAM:
        return put_datagram(w, r);
    case RECORD_CONNECTED:
        return put_connected(w, r);
    case RECORD_BYTES:
        return put_bytes(w, r);
    case RECORD_FINISHED:
        return put_finished(w, r);
    case RECORD_PLAIN:
        return put_plain(w, r);
    case RECORD_SECRET:
        return put_secret(w, r);
    case RECORD_NAME:
        name_context(w, r);
        return 0;
    case RECORD_END:
        mark_ended(w, r);
        return 0;
    }
    return 0;
}

int writer_flush(struct writer *w, uint64_t now_us)
{
    int rc = files_flush(w->files);

    sweep(w, now_us, false);
    w->wall_us = clock_wall_us(0);
    return rc;
}
