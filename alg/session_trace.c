// SPDX-License-Identifier: GPL-3.0-or-later
// Events are built on the stack and copied by the trace; keys in SDP stay outside. A chart that
// cannot be written is an error in the log and nothing else.
#include "alg/session_trace.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/sdes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Lines of a body that tell what is negotiated; the rest is shown when it changes.
static bool worth_showing(const char *line, size_t len)
{
    static const char *const starts[] = {"m=",         "c=",         "b=",         "a=3ge2ae",
                                         "a=setup",    "a=dtls-id",  "a=tls-id",   "a=fingerprint",
                                         "a=sendonly", "a=recvonly", "a=inactive", "a=crypto"};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (len >= strlen(starts[i]) && memcmp(line, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static void put_body(struct strbuf *out, const struct sip_facts *facts, bool whole)
{
    const char *line = facts->body, *end = facts->body + facts->body_len;
    while (line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t len = (size_t)((stop ? stop : end) - line);
        size_t shown = len && line[len - 1] == '\r' ? len - 1 : len;
        if (whole || worth_showing(line, shown)) {
            sdes_put_redacted(out, line, shown);
            strbuf_puts(out, "\n");
        }
        line = stop ? stop + 1 : end;
    }
}

static void put_label(struct strbuf *label, const struct sip_facts *facts, const char *key)
{
    if (facts->status)
        strbuf_cat(label, strbuf_number((unsigned)facts->status), " ", facts->phrase, " (",
                   facts->method, ")");
    else
        strbuf_cat(label, facts->method);
    if (key && strstr(key, "offer"))
        strbuf_puts(label, " (SDP offer)");
    else if (key && strstr(key, "answer"))
        strbuf_puts(label, " (SDP answer)");
}

static struct trace_event event_of(enum side side, bool received, const struct sip_facts *facts,
                                   const char *key)
{
    return (struct trace_event){.time_us = facts->time_us ? facts->time_us : clock_now_us(),
                                .kind = TRACE_SIP,
                                .from = received ? side_party(side) : PARTY_ALG,
                                .to = received ? PARTY_ALG : side_party(side),
                                .key = key};
}

// Label, zero, detail. Returns where the detail begins.
static size_t put_texts(struct strbuf *out, const struct sip_facts *facts, const char *key,
                        const char *note, bool whole)
{
    put_label(out, facts, key);
    strbuf_add(out, "", 1);
    size_t detail_at = out->len;
    if (note)
        strbuf_cat(out, note, "\n");
    if (facts->body)
        put_body(out, facts, whole);
    return detail_at;
}

// --- what is written when it is read ------------------------------------------------------------

struct late_message {
    struct trace_late late;
    struct sip_message message;
    const char *key;
    char *note;         // NULL: none
    struct strbuf text; // from here on: once it was read
    char *wire;
};

static void late_write(struct trace_late *late, struct trace_event *event)
{
    struct late_message *m = (struct late_message *)late;
    struct sip_facts facts;
    m->wire = m->message.read(m->message.object, &facts);
    size_t detail_at = put_texts(&m->text, &facts, m->key, m->note, true);
    if (m->text.failed)
        return;
    event->label = m->text.text;
    event->detail = m->text.text + detail_at;
    event->message = m->wire;
}

static void late_drop(struct trace_late *late)
{
    struct late_message *m = (struct late_message *)late;
    m->message.let_go(m->message.object);
    strbuf_free(&m->text);
    free(m->note);
    free(m->wire);
    free(m);
}

// False: no memory.
static bool trace_later(struct trace *t, const struct trace_event *event,
                        const struct sip_facts *facts, const char *note)
{
    struct late_message *m = calloc(1, sizeof(*m));
    if (!m)
        return false;
    m->late = (struct trace_late){late_write, late_drop};
    m->message = facts->message;
    m->message.object = facts->message.keep(facts->message.object);
    if (!m->message.object) {
        free(m);
        return false;
    }
    m->key = event->key;
    m->note = note ? strdup(note) : NULL;
    trace_add_late(t, event, &m->late);
    return true;
}

void session_trace_message(struct trace *t, const struct config *cfg, enum side side, bool received,
                           const struct sip_facts *facts, const char *key, const char *note)
{
    if (!t)
        return;
    struct trace_event event = event_of(side, received, facts, key);
    if (!facts->wire && facts->message.object && trace_later(t, &event, facts, note))
        return;
    struct strbuf both = STRBUF_INIT;
    size_t detail_at =
        put_texts(&both, facts, key, note, cfg->trace.messages != TRACE_MESSAGES_NONE);
    char *text = strbuf_take(&both);
    event.label = text;
    event.detail = text ? text + detail_at : NULL;
    event.message = facts->wire;
    trace_add(t, &event);
    free(text);
}

static void put_edit(struct strbuf *out, const char *mark, const char *line)
{
    if (!line)
        return;
    strbuf_puts(out, mark);
    sdes_put_redacted(out, line, strlen(line));
    strbuf_puts(out, "\n");
}

// text is used again and again.
static void trace_change(struct trace *t, struct strbuf *text, const char *key, const char *label,
                         const struct sdp_edit *edit)
{
    strbuf_clear(text);
    put_edit(text, "- ", edit->before);
    put_edit(text, "+ ", edit->after);
    trace_add(t, &(struct trace_event){.time_us = clock_now_us(),
                                       .kind = TRACE_SDP_EDIT,
                                       .from = PARTY_ALG,
                                       .to = PARTY_ALG,
                                       .key = key,
                                       .label = label,
                                       .detail = text->failed ? NULL : text->text,
                                       .clause = edit->clause});
}

void session_trace_edits(struct trace *t, const struct sdp *sdp)
{
    struct strbuf text = STRBUF_INIT;
    for (size_t i = 0; t && i < sdp_edit_count(sdp); i++) {
        struct sdp_edit edit = sdp_edit_at(sdp, i);
        trace_change(t, &text, "sdp.edit", "edits SDP", &edit);
    }
    strbuf_free(&text);
}

void session_trace_field(struct trace *t, const char *before, const char *after, const char *clause)
{
    struct strbuf text = STRBUF_INIT;
    if (t)
        trace_change(t, &text, "sip.edit", "edits header",
                     &(struct sdp_edit){.before = before, .after = after, .clause = clause});
    strbuf_free(&text);
}

void session_trace_note(struct trace *t, const char *clause, const char *fmt, ...)
{
    char label[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(label, sizeof(label), fmt, ap);
    va_end(ap);
    trace_add(t, &(struct trace_event){.time_us = clock_now_us(),
                                       .kind = TRACE_NOTE,
                                       .from = PARTY_ALG,
                                       .to = PARTY_ALG,
                                       .key = "note",
                                       .label = label,
                                       .clause = clause});
}

void session_trace_reason(struct trace *t, enum reason reason, const char *what)
{
    char label[200];
    snprintf(label, sizeof(label), "%s: %s", what, reason_label(reason));
    trace_add(t, &(struct trace_event){.time_us = clock_now_us(),
                                       .kind = TRACE_DROP,
                                       .from = PARTY_ALG,
                                       .to = PARTY_ALG,
                                       .key = "reason",
                                       .label = label,
                                       .detail = reason_text(reason),
                                       .clause = reason_clause(reason)});
}

static void write_file(const struct config *cfg, const char *name, const char *ending,
                       struct strbuf *content)
{
    char path[CONFIG_NAME_MAX + 128];
    snprintf(path, sizeof(path), "%s/%s.%s", cfg->trace.directory, name, ending);
    char *text = strbuf_take(content);
    FILE *f = text ? fopen(path, "we") : NULL;
    if (!f || fputs(text, f) == EOF)
        log_error("trace", "%s: the chart cannot be written: %s", path, strerror(errno));
    if (f)
        fclose(f);
    free(text);
}

void session_trace_write(const struct trace *t, const struct config *cfg, const char *name)
{
    if (!t || !cfg->trace.directory[0])
        return;
    for (int i = 0; i < TRACE_FORM_COUNT; i++) {
        struct strbuf chart = STRBUF_INIT;
        if (!(cfg->trace.formats & CONFIG_FORM(i)))
            continue;
        trace_forms[i].put(t, &chart);
        write_file(cfg, name, trace_forms[i].ending, &chart);
    }
}
