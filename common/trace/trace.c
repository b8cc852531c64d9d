// SPDX-License-Identifier: GPL-3.0-or-later
// Events live in one array, sorted by time when they are added: what a worker reports comes a
// little after what happened meanwhile on the signalling thread. Their texts stand in a textstore,
// which packs them. An event's step number is settled at once: the earliest event of a key has it.
// Late texts are put there before anything is read, or when too many of them wait.
//
// In the second half of max_events, a passing event takes the place of the one of its kind before
// it.
//
// Failures: beyond max_events, or without memory, an event is not kept but counted, and so is the
// reason TRACE_FULL. Texts longer than their bound are cut and say so. A trace is an observer: none
// of this ever disturbs the session.
#include "common/trace/trace.h"

#include "common/keep.h"
#include "common/reason.h"
#include "common/trace/printer.h"
#include "common/trace/textstore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A line of a chart; longer than any procedure name with its termination.
#define LABEL_MAX 240
// A whole INVITE with a large body fits; 200 such events of a hostile peer are below 2 MiB.
#define DETAIL_MAX 8192
#define MESSAGE_MAX 8192
#define CUT "\n[...]"
// The array grows by a call at a time: it is cut to its size when the trace settles.
#define GROWTH 40
// Those of a whole call with one medium; what late texts are made from is larger than they are.
#define LATE_MAX 48

struct entry {
    uint64_t time_us;
    const char *key;
    union {
        const char *clause;
        struct trace_late *late;
    };
    uint32_t serial;    // in the order of adding, from 1
    uint32_t text_at;   // in trace.text: label, zero, detail, zero, message, zero
    uint16_t detail_at; // from there; 0: no detail
    uint8_t kind : 3;
    uint8_t has_message : 1;
    uint8_t from : 2;
    uint8_t to : 2;
    uint8_t step; // of the figure the trace follows now
    bool is_late; // its texts are not written yet
};

// Passing events of one kind that came when half of the trace was full.
struct crowd {
    struct crowd *next;
    const char *key;
    enum trace_party from, to;
    unsigned count;
};

struct trace {
    struct entry *entries;
    struct crowd *crowds;
    unsigned count;
    unsigned cap;
    unsigned max;
    unsigned lost;
    unsigned late; // entries whose texts are not written yet
    uint32_t serial;
    struct textstore *text;
    enum trace_figure figure;
    char id[]; // up to its zero
};

const char *const trace_party_names[PARTY_COUNT] = {
    [PARTY_UE] = "IMS UE",
    [PARTY_ALG] = "IMS-ALG",
    [PARTY_AGW] = "IMS-AGW",
    [PARTY_CORE] = "IMS core network",
};

struct trace *trace_open(const char *id, unsigned max_events)
{
    size_t size = strlen(id) + 1;
    struct trace *t = max_events > 0 ? keep_zalloc(sizeof(*t) + size) : NULL;

    if (t == NULL)
        return NULL;
    t->text = textstore_open();
    if (t->text == NULL) {
        free(t);
        return NULL;
    }
    t->max = max_events;
    memcpy(t->id, id, size);
    return t;
}

void trace_free(struct trace *t)
{
    if (t == NULL)
        return;
    for (unsigned i = 0; i < t->count; i++)
        if (t->entries[i].is_late)
            t->entries[i].late->drop(t->entries[i].late);
    textstore_free(t->text);
    free(t->entries);
    for (struct crowd *crowd = t->crowds, *next; crowd != NULL; crowd = next) {
        next = crowd->next;
        free(crowd);
    }
    free(t);
}

// --- adding ---------------------------------------------------------------------------------

static size_t bounded(const char *text, size_t max)
{
    return strnlen(text, max + 1) > max ? max : strlen(text);
}

// A text that may be cut: the part that is kept, and what says that there was more.
struct part {
    const char *text;
    size_t len;
    const char *end;
};

static struct part part_of(const char *text, size_t max, const char *cut)
{
    size_t len = text == NULL ? 0 : bounded(text, max);

    return (struct part){text, len, len > 0 && text[len] != '\0' ? cut : ""};
}

// Bytes it takes with its zero; none when it is empty.
static size_t part_size(const struct part *p)
{
    return p->len > 0 ? p->len + strlen(p->end) + 1 : 0;
}

static void put_part(char *to, const struct part *p)
{
    if (p->len == 0)
        return;
    memcpy(to, p->text, p->len);
    memcpy(to + p->len, p->end, strlen(p->end) + 1);
}

static bool set_text(struct trace *t, struct entry *e, const struct trace_event *event)
{
    const char *label = event->label == NULL ? "" : event->label;
    size_t head = bounded(label, LABEL_MAX) + 1;
    struct part detail = part_of(event->detail, DETAIL_MAX, CUT);
    struct part message = part_of(event->message, MESSAGE_MAX, CUT);
    size_t body = part_size(&detail);
    char *text = textstore_add(t->text, head + body + part_size(&message), &e->text_at);

    if (text == NULL)
        return false;
    memcpy(text, label, head - 1);
    text[head - 1] = '\0';
    e->detail_at = (uint16_t)(body > 0 ? head : 0);
    e->has_message = message.len > 0;
    put_part(text + head, &detail);
    put_part(text + head + body, &message);
    return true;
}

static bool grow(struct trace *t)
{
    struct entry *entries;

    if (t->count < t->cap)
        return true;
    entries = keep_realloc(t->entries, (t->cap + GROWTH) * sizeof(*entries));
    if (entries == NULL)
        return false;
    t->entries = entries;
    t->cap += GROWTH;
    return true;
}

// Gives the event at this place its step, unless an earlier event has it; a later one loses it.
static void settle_step(struct trace *t, unsigned at)
{
    unsigned step = figure_step(t->figure, t->entries[at].key);

    t->entries[at].step = (uint8_t)step;
    for (unsigned i = 0; step != 0 && i < t->count; i++)
        if (i != at && t->entries[i].step == step)
            t->entries[i > at ? i : at].step = 0;
}

static void insert(struct trace *t, const struct entry *e)
{
    unsigned at = t->count;

    while (at > 0 && t->entries[at - 1].time_us > e->time_us)
        at--;
    memmove(&t->entries[at + 1], &t->entries[at], (t->count - at) * sizeof(*e));
    t->entries[at] = *e;
    t->count++;
    settle_step(t, at);
}

static void lose(struct trace *t)
{
    t->lost++;
    reason_count(REASON_TRACE_FULL);
}

static struct entry entry_of(struct trace *t, const struct trace_event *event)
{
    return (struct entry){
        .time_us = event->time_us,
        .key = event->key,
        .clause = event->clause,
        .serial = ++t->serial,
        .kind = (uint8_t)event->kind,
        .from = (uint8_t)event->from,
        .to = (uint8_t)event->to,
    };
}

static void add(struct trace *t, const struct trace_event *event)
{
    struct entry e = entry_of(t, event);

    if (t->count >= t->max || !grow(t) || !set_text(t, &e, event))
        lose(t);
    else
        insert(t, &e);
}

// False: no memory for its texts.
static bool write_late(struct trace *t, struct entry *e)
{
    struct trace_late *late = e->late;
    struct trace_event event = {0};

    late->write(late, &event);
    e->is_late = false;
    e->clause = event.clause;
    bool written = set_text(t, e, &event);
    late->drop(late);
    return written;
}

static void write_all_late(struct trace *t)
{
    unsigned kept = 0;

    for (unsigned i = 0; t->late > 0 && i < t->count; i++) {
        if (t->entries[i].is_late && !write_late(t, &t->entries[i]))
            lose(t);
        else
            t->entries[kept++] = t->entries[i];
    }
    if (t->late > 0)
        t->count = kept;
    t->late = 0;
}

void trace_add_late(struct trace *t, const struct trace_event *event, struct trace_late *late)
{
    struct entry e;

    if (t == NULL || t->count >= t->max || !grow(t)) {
        if (t != NULL)
            lose(t);
        late->drop(late);
        return;
    }
    e = entry_of(t, event);
    e.is_late = true;
    e.late = late;
    insert(t, &e);
    if (++t->late == LATE_MAX)
        write_all_late(t);
}

static struct crowd *crowd_of(struct trace *t, const struct trace_event *event)
{
    struct crowd *crowd = t->crowds;

    while (crowd != NULL && (strcmp(crowd->key, event->key) != 0 || crowd->from != event->from ||
                             crowd->to != event->to))
        crowd = crowd->next;
    if (crowd != NULL || (crowd = keep_zalloc(sizeof(*crowd))) == NULL)
        return crowd;
    *crowd = (struct crowd){t->crowds, event->key, event->from, event->to, 0};
    t->crowds = crowd;
    return crowd;
}

// A step of the figure stays.
static void remove_last(struct trace *t, const struct crowd *crowd)
{
    for (unsigned i = t->count; i-- > 0;) {
        const struct entry *e = &t->entries[i];
        if (e->step != 0 || e->key == NULL || strcmp(e->key, crowd->key) != 0 ||
            e->from != crowd->from || e->to != crowd->to || e->is_late)
            continue;
        memmove(&t->entries[i], &t->entries[i + 1], (t->count - i - 1) * sizeof(*e));
        t->count--;
        return;
    }
}

// The newest of a crowd. Its text replaces nothing: the old one is lost in what is packed.
static void add_passing(struct trace *t, const struct trace_event *event)
{
    struct crowd *crowd = crowd_of(t, event);
    struct trace_event newest = *event;
    char label[LABEL_MAX];

    if (crowd != NULL && crowd->count > 0) {
        remove_last(t, crowd);
        snprintf(label, sizeof(label), "%s, the last of %u", event->label, crowd->count + 1);
        newest.label = label;
    }
    if (crowd != NULL)
        crowd->count++;
    add(t, &newest);
}

void trace_add(struct trace *t, const struct trace_event *event)
{
    if (t == NULL)
        return;
    if (event->passing && event->key != NULL && t->count >= t->max / 2)
        add_passing(t, event);
    else
        add(t, event);
}

void trace_settle(struct trace *t)
{
    struct entry *entries;

    if (t == NULL)
        return;
    write_all_late(t);
    textstore_settle(t->text);
    entries = t->count > 0 ? keep_realloc(t->entries, t->count * sizeof(*entries)) : NULL;
    if (entries == NULL)
        return;
    t->entries = entries;
    t->cap = t->count;
}

void trace_set_figure(struct trace *t, enum trace_figure figure)
{
    if (t == NULL)
        return;
    t->figure = figure;
    for (unsigned i = 0; i < t->count; i++)
        t->entries[i].step = 0;
    for (unsigned i = 0; i < t->count; i++)
        settle_step(t, i);
}

// --- reading --------------------------------------------------------------------------------

// What stands behind the zero of a text.
static const char *behind(const char *text)
{
    return text + strlen(text) + 1;
}

bool trace_at(const struct trace *t, unsigned index, struct trace_event *event, unsigned *step)
{
    const struct entry *e;
    const char *text;

    if (t == NULL)
        return false;
    write_all_late((struct trace *)t); // says no more than it did, but in text
    if (index >= t->count || (text = textstore_read(t->text)) == NULL)
        return false;
    e = &t->entries[index];
    text += e->text_at;
    *event = (struct trace_event){
        .time_us = e->time_us,
        .kind = e->kind,
        .from = e->from,
        .to = e->to,
        .key = e->key,
        .label = text,
        .detail = e->detail_at == 0 ? NULL : text + e->detail_at,
        .clause = e->clause,
    };
    if (e->has_message)
        event->message = behind(e->detail_at == 0 ? text : text + e->detail_at);
    *step = e->step;
    return true;
}

size_t trace_bytes(const struct trace *t)
{
    return t == NULL ? 0 : sizeof(*t) + t->cap * sizeof(*t->entries) + textstore_bytes(t->text);
}

uint32_t trace_mark(const struct trace *t)
{
    return t == NULL ? 0 : t->serial;
}

bool trace_is_after(const struct trace *t, unsigned index, uint32_t mark)
{
    return index < t->count && t->entries[index].serial > mark;
}

const char *trace_id(const struct trace *t)
{
    return t->id;
}

enum trace_figure trace_figure_of(const struct trace *t)
{
    return t->figure;
}

unsigned trace_lost(const struct trace *t)
{
    return t->lost;
}

bool event_is_reply(const struct trace_event *event)
{
    size_t len = event->key == NULL ? 0 : strlen(event->key);

    if (event->kind == TRACE_SIP)
        return event->label[0] >= '1' && event->label[0] <= '6';
    return len > 6 && strcmp(event->key + len - 6, ".reply") == 0;
}

bool event_is_note(const struct trace_event *event)
{
    return event->from == event->to;
}

bool text_line(const char **text, const char **line, size_t *len)
{
    if (**text == '\0')
        return false;
    *line = *text;
    *len = strcspn(*text, "\n");
    *text += *len;
    if (**text == '\n')
        (*text)++;
    if (*len > 0 && (*line)[*len - 1] == '\r')
        (*len)--;
    return true;
}

size_t text_piece(const char *text, size_t len, size_t width)
{
    if (len <= width)
        return len;
    for (size_t i = width; i > width / 3; i--)
        if (strchr(" ,;:", text[i - 1]) != NULL)
            return i;
    return width;
}
