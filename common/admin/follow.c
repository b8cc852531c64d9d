// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: the library asks for bytes; all events the client has not seen become text; when
// there are none its connection is suspended; the timer sees the trace grow and resumes it.
//
// Failure paths: a client that has gone is noticed by the timer, since the library does not look at
// suspended connections; one that takes nothing holds one text and gets no more; a session that is
// known no longer ends the stream. Without memory the connection is closed.
#include "common/admin/follow.h"

#include "common/admin/event.h"
#include "common/trace/event_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

// A page shows an event well within what people take for at once.
#define LOOK_MS 50
// A comment now and then keeps what stands between from thinking that the connection is dead.
#define KEEP_ALIVE_LOOKS (15000 / LOOK_MS)
#define BLOCK_BYTES 4096

struct follow {
    struct follow *prev, *next;
    struct follows *all;
    struct MHD_Connection *connection;
    char id[ADMIN_ID_MAX];
    uint32_t mark;
    struct strbuf text; // told, and
    size_t sent;        // how much of it was taken
    unsigned looks;     // since something was told
    bool suspended;
    bool gone;  // the client
    bool ended; // the last was said
};

static void put_event(struct follow *f, const struct trace *trace, unsigned index, uint32_t mark)
{
    json_t *event = trace_event_json(trace, index);
    char *text = event ? json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    if (text)
        strbuf_printf(&f->text, "id: %u\ndata: %s\n\n", mark, text);
    else
        f->text.failed = true;
    free(text);
    json_decref(event);
}

// Makes text of what the client has not been told.
static void refill(struct follow *f)
{
    bool live = false;
    const struct trace *trace = f->all->source->trace(f->all->source->arg, f->id, &live);
    uint32_t mark = trace_mark(trace);
    strbuf_free(&f->text);
    f->sent = 0;
    for (unsigned i = event_next(trace, 0, f->mark); i != EVENT_NONE;
         i = event_next(trace, i + 1, f->mark))
        put_event(f, trace, i, mark);
    f->mark = mark > f->mark ? mark : f->mark;
    if (!live) {
        strbuf_puts(&f->text, "event: end\ndata: {}\n\n");
        f->ended = true;
    } else if (f->text.len == 0 && f->looks >= KEEP_ALIVE_LOOKS) {
        strbuf_puts(&f->text, ":\n\n");
    }
    if (f->text.len > 0)
        f->looks = 0;
}

static ssize_t on_read(void *cls, uint64_t position, char *buf, size_t max)
{
    struct follow *f = cls;
    if (f->gone || f->text.failed)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (f->sent == f->text.len) {
        if (f->ended)
            return MHD_CONTENT_READER_END_OF_STREAM;
        refill(f);
    }
    size_t len = f->text.len - f->sent;
    if (len == 0) {
        f->suspended = true;
        MHD_suspend_connection(f->connection);
        return 0;
    }
    len = len < max ? len : max;
    memcpy(buf, f->text.text + f->sent, len);
    f->sent += len;
    return (ssize_t)len;
}

static void on_free(void *cls)
{
    struct follow *f = cls;
    DL_DELETE(f->all->list, f);
    if (--f->all->count == 0)
        uv_timer_stop(f->all->timer);
    strbuf_free(&f->text);
    free(f);
}

static bool has_left(const struct follow *f)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(f->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    char byte;
    ssize_t n = info ? recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) : 0;
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static bool has_news(struct follow *f)
{
    bool live = false;
    const struct trace *trace = f->all->source->trace(f->all->source->arg, f->id, &live);
    f->gone = has_left(f);
    return f->gone || !live || trace_mark(trace) > f->mark || ++f->looks >= KEEP_ALIVE_LOOKS;
}

static void wake(struct follow *f)
{
    f->suspended = false;
    MHD_resume_connection(f->connection);
}

static void on_look(uv_timer_t *timer)
{
    struct follows *all = timer->data;
    struct follow *f;
    bool stirred = false;
    DL_FOREACH(all->list, f)
    {
        if (!f->suspended || !has_news(f))
            continue;
        wake(f);
        stirred = true;
    }
    if (stirred)
        all->stir(all->arg);
}

struct MHD_Response *follow_open(struct follows *all, struct MHD_Connection *connection,
                                 const char *id, uint32_t from)
{
    struct follow *f = all->count < FOLLOWS_MAX ? calloc(1, sizeof(*f)) : NULL;
    struct MHD_Response *response =
        f ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, f, on_free)
          : NULL;
    if (!response) {
        free(f);
        return NULL;
    }
    f->all = all;
    f->connection = connection;
    f->mark = from;
    snprintf(f->id, sizeof(f->id), "%s", id);
    DL_APPEND(all->list, f);
    if (all->count++ == 0) {
        all->timer->data = all;
        uv_timer_start(all->timer, on_look, LOOK_MS, LOOK_MS);
    }
    return response;
}

void follow_end_all(struct follows *all)
{
    struct follow *f;
    DL_FOREACH(all->list, f)
    {
        f->gone = true;
        if (f->suspended)
            wake(f);
    }
}
