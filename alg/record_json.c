// SPDX-License-Identifier: GPL-3.0-or-later
// One function per object. Names come from peers: text_json() makes JSON of whatever they are.
#include "alg/record_json.h"

#include "common/clock.h"
#include "common/text_json.h"
#include "common/trace/printer.h"

#include <string.h>
#include <time.h>

static const char *const kind_names[] = {
    [MEDIUM_UDPTL] = "udptl", [MEDIUM_MSRP] = "msrp",       [MEDIUM_BFCP] = "bfcp",
    [MEDIUM_RTP] = "rtp",     [MEDIUM_RTP_RELAYED] = "rtp", [MEDIUM_OTHER] = "other"};
static const char *const treatment_names[] = {[TREAT_E2AE] = "e2ae",
                                              [TREAT_RELAY] = "relay",
                                              [TREAT_PASS] = "pass",
                                              [TREAT_REJECT] = "reject"};

// --- what a list shows ------------------------------------------------------------------------

static json_t *medium_brief(const struct record_medium *m, unsigned index)
{
    return json_pack("{s:i,s:s,s:s,s:b,s:b,s:s?}", "index", (int)index, "kind", kind_names[m->kind],
                     "treatment", treatment_names[m->treatment], "e2ae",
                     m->treatment == TREAT_E2AE && !m->dead, "dead", m->dead, "rejected",
                     m->rejected == REASON_NONE ? NULL : reason_name(m->rejected));
}

// "6.2.10.4.2.1" of the title; NULL: the session follows no figure.
static const char *figure_number(const struct trace *trace)
{
    const char *title = trace ? figure_title(trace_figure_of(trace)) : NULL;
    const char *number = title ? strrchr(title, ' ') : NULL;
    return number ? number + 1 : NULL;
}

static double seconds(const struct record *r)
{
    struct timespec now;
    if (r->ended > 0)
        return r->ended - r->started;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9 - r->started;
}

json_t *record_brief(const struct record *r, const struct trace *trace)
{
    json_t *media = json_array();
    for (unsigned i = 0; i < r->count; i++)
        json_array_append_new(media, medium_brief(&r->media[i], i));
    return json_pack("{s:s,s:o,s:s,s:o,s:o,s:s,s:f,s:f,s:o,s:s?,s:s?}", "id", r->id, "call_id",
                     text_json(r->call_id), "direction", r->caller == SIDE_ACCESS ? "orig" : "term",
                     "from", text_json(r->from), "to", text_json(r->to), "state", r->state,
                     "started", r->started, "duration_s", seconds(r), "media", media, "reason",
                     r->reason == REASON_NONE ? NULL : reason_name(r->reason), "figure",
                     figure_number(trace));
}

// --- all of it --------------------------------------------------------------------------------

static json_t *address(const struct addr *a)
{
    char text[ADDR_STRLEN];
    return addr_is_set(a) ? json_string(addr_format(a, text)) : json_null();
}

static json_t *end(const struct agw_statistics *s, enum side side)
{
    int t = side_termination(side);
    return json_pack("{s:s,s:o,s:o,s:o,s:I,s:I}", "transport", agw_transport_name(s->transport[t]),
                     "local", address(&s->local[t]), "remote", address(&s->remote[t]), "latched",
                     address(&s->latched[t]), "packets", (json_int_t)s->carried.packets[t], "bytes",
                     (json_int_t)s->carried.bytes[t]);
}

static json_t *fingerprint_list(const struct fingerprints *f)
{
    char text[FINGERPRINT_STRLEN];
    json_t *list = json_array();
    for (unsigned i = 0; i < f->count; i++)
        json_array_append_new(list, json_string(fingerprint_format(&f->list[i], text)));
    return list;
}

// The next part of "server, DTLS1.2, SUITE, SHA-256 4A:AD.. matched".
static json_t *part(const char **text)
{
    size_t len = strcspn(*text, ",");
    json_t *value = len > 0 ? json_stringn(*text, len) : json_null();
    *text += len;
    *text += strspn(*text, ", ");
    return value;
}

// The fingerprint of the UE that the text names by its first bytes.
static json_t *matched(const struct fingerprints *remote, const char *text)
{
    char full[FINGERPRINT_STRLEN];
    size_t len = strcspn(text, ".");
    for (unsigned i = 0; len > 0 && i < remote->count; i++)
        if (strncmp(fingerprint_format(&remote->list[i], full), text, len) == 0)
            return json_string(full);
    return json_null();
}

static json_t *dtls(const struct record_medium *m)
{
    static const char *const states[] = {"none", "handshake", "established", "failed"};
    const struct agw_statistics *s = &m->statistics;
    const char *text = s->dtls == AGW_DTLS_UP ? s->dtls_text : "";
    json_t *role = part(&text), *version = part(&text), *suite = part(&text);
    if (json_is_null(role) && s->dtls != AGW_DTLS_NONE)
        role = json_string(s->dtls_client ? "client" : "server");
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:s?}", "state", states[s->dtls], "role", role,
                     "version", version, "suite", suite, "local_fingerprints",
                     fingerprint_list(&m->local), "remote_fingerprints",
                     fingerprint_list(&m->remote), "matched", matched(&m->remote, text), "failure",
                     s->dtls == AGW_DTLS_FAILED ? s->dtls_text : NULL);
}

static json_t *stream(const struct record *r, unsigned index)
{
    const struct record_medium *m = &r->media[index];
    const struct agw_statistics *s = &m->statistics;
    double silent = s->last_media_us ? (double)(clock_now_us() - s->last_media_us) / 1e6 : 0;
    json_t *o = json_pack("{s:i,s:i,s:s,s:b,s:o,s:o,s:I,s:o}", "index", (int)index, "stream",
                          (int)m->stream, "kind", kind_names[m->kind], "e2ae",
                          m->treatment == TREAT_E2AE && !m->dead, "access", end(s, SIDE_ACCESS),
                          "core", end(s, SIDE_CORE), "drops", (json_int_t)s->carried.drops,
                          "silent_s", r->ended > 0 ? json_null() : json_real(silent));
    if (o && m->treatment == TREAT_E2AE)
        json_object_set_new(o, "dtls", dtls(m));
    return o;
}

json_t *record_full(const struct record *r, const struct trace *trace)
{
    json_t *o = record_brief(r, trace), *streams = json_array();
    for (unsigned i = 0; i < r->count; i++)
        if (r->media[i].stream > 0)
            json_array_append_new(streams, stream(r, i));
    json_object_set_new(o, "title", text_json(trace ? figure_title(trace_figure_of(trace)) : NULL));
    json_object_set_new(o, "ended", r->ended > 0 ? json_real(r->ended) : json_null());
    json_object_set_new(o, "streams", streams);
    return o;
}
