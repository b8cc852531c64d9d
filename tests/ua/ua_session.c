// SPDX-License-Identifier: GPL-3.0-or-later
// Offers and answers.
//
// Happy path: a round works on a second set of lines (next); when it closes well the set becomes
// the present one and lines that are no longer in it are closed. Failure: the present set stays,
// and what was opened for the round is closed.
// m= lines never disappear: one that ended keeps its place with port 0 (RFC 3264 8).

#include "tests/ua/ua_session.h"

#include "tests/ua/ua_event.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One m= line. Its media is NULL when it is refused or ended; then line tells how to write it.
struct slot {
    struct line *media;
    struct medium line;
};

struct session {
    uv_loop_t *loop;
    const struct ua_options *options;
    struct media_user user;
    struct slot now[MEDIA_MAX], next[MEDIA_MAX];
    unsigned now_count, next_count;
    bool open_round;
    uint64_t session_id, version;
    char *body; // what we sent last
    bool running;
};

int session_open(struct session **out, uv_loop_t *loop, const struct ua_options *options,
                 const struct media_user *user)
{
    struct session *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->options = options;
    s->user = *user;
    s->session_id = arc4random();
    *out = s;
    return 0;
}

static bool holds(const struct slot *slots, unsigned count, const struct line *m)
{
    for (unsigned i = 0; i < count; i++)
        if (slots[i].media == m)
            return true;
    return false;
}

// Closes the media of one set that are not in the other.
static void close_leftovers(struct slot *set, unsigned count, const struct slot *keep,
                            unsigned keep_count)
{
    for (unsigned i = 0; i < count; i++)
        if (set[i].media && !holds(keep, keep_count, set[i].media))
            line_close(set[i].media);
}

static void drop_round(struct session *s)
{
    if (s->open_round)
        close_leftovers(s->next, s->next_count, s->now, s->now_count);
    s->open_round = false;
}

static void open_round(struct session *s)
{
    drop_round(s);
    memcpy(s->next, s->now, sizeof(s->now));
    s->next_count = s->now_count;
    s->open_round = true;
}

static void keep_round(struct session *s)
{
    close_leftovers(s->now, s->now_count, s->next, s->next_count);
    memcpy(s->now, s->next, sizeof(s->now));
    s->now_count = s->next_count;
    s->open_round = false;
    if (s->running)
        session_run(s);
}

void session_close(struct session *s)
{
    if (!s)
        return;
    drop_round(s);
    close_leftovers(s->now, s->now_count, NULL, 0);
    free(s->body);
    free(s);
}

static struct line *new_media(struct session *s, enum medium_kind kind)
{
    struct line *m = NULL;
    int rc = line_open(&m, s->loop, s->options, kind, &s->user);

    if (rc != 0) {
        event("media-failed", "error=%s", event_quote(strerror(-rc)));
        event_fail(UA_SYSTEM);
    }
    return m;
}

static const char *e2ae_name(enum sdp_3ge2ae value)
{
    static const char *const names[] = {"none", "requested", "applied", "other"};
    return names[value];
}

static void print_line(const char *name, const struct description *d, const struct medium *m)
{
    static const char *const directions[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
    char at[ADDR_STRLEN];

    event(name,
          "media=%s proto=%s address=%s setup=%s identity=%s:%s fingerprints=%u 3ge2ae=%s "
          "direction=%s bandwidth=%s session-bandwidth=%s origin=%" PRIu64 "/%" PRIu64
          " connection=%s path=%s cema=%s keys=%u suite=%s rtcp-mux=%s",
          event_quote(m->type), event_quote(m->proto), addr_format(&m->at, at), medium_role_text(m),
          m->identity_name ? m->identity_name : "none",
          m->identity_name ? event_quote(m->identity) : "-", m->fingerprints.count,
          e2ae_name(m->e2ae), directions[m->direction], *m->bandwidth ? m->bandwidth : "-",
          *d->session_bandwidth ? d->session_bandwidth : "-", d->session_id, d->version,
          medium_connection_text(m->connection), *m->path ? event_quote(m->path) : "-",
          m->cema ? "yes" : "no", m->crypto_count,
          m->crypto_count ? sdes_suite_name(m->crypto[0].suite) : "-", m->rtcp_mux ? "yes" : "no");
}

static void print_lines(const char *name, const struct description *d)
{
    for (unsigned i = 0; i < d->count; i++)
        print_line(name, d, &d->media[i]);
}

// The body for the lines of next; the version of o= grows exactly when something changed
// (RFC 3264 8).
static const char *write_body(struct session *s)
{
    struct description d = {.session_id = s->session_id,
                            .version = s->version,
                            .origin = s->options->sip.listen,
                            .count = s->next_count};

    for (unsigned i = 0; i < s->next_count; i++)
        d.media[i] = s->next[i].line;
    char *body = description_write(&d, &s->options->extras);
    if (body && (!s->body || strcmp(body, s->body) != 0)) {
        free(body);
        d.version = ++s->version;
        body = description_write(&d, &s->options->extras);
    }
    if (!body)
        return NULL;
    free(s->body);
    s->body = body;
    return s->options->misbehave & MIS_BAD_SDP ? "v=0\r\nthis is no SDP\r\n" : body;
}

// A line that ended keeps what it said, but for port and attributes.
static void end_line(struct slot *slot)
{
    addr_set_port(&slot->line.at, 0);
    slot->media = NULL;
}

static bool add_slot(struct session *s, unsigned place, enum medium_kind kind)
{
    struct line *m = new_media(s, kind);

    if (!m)
        return false;
    s->next[place].media = m;
    if (place >= s->next_count)
        s->next_count = place + 1;
    return true;
}

static const char *write_offer(struct session *s, enum ua_reinvite change)
{
    for (unsigned i = 0; i < s->next_count; i++)
        if (s->next[i].media)
            line_offer(s->next[i].media, change, &s->next[i].line);
    return write_body(s);
}

static bool add_first_slots(struct session *s)
{
    const struct ua_options *o = s->options;
    bool ok = true;

    if (o->offer_count == 0)
        return add_slot(s, 0, o->audio_first ? MEDIUM_AUDIO : MEDIUM_FAX);
    for (unsigned i = 0; i < o->offer_count && ok; i++)
        ok = add_slot(s, i, o->offer[i]);
    return ok;
}

const char *session_offer(struct session *s, enum session_change change)
{
    bool ok;

    open_round(s);
    if (change == CHANGE_FIRST) {
        ok = add_first_slots(s);
    } else if (change == CHANGE_IN_PLACE) {
        ok = add_slot(s, 0, MEDIUM_FAX);
    } else {
        end_line(&s->next[0]);
        ok = s->next_count < MEDIA_MAX && add_slot(s, s->next_count, MEDIUM_FAX);
    }
    const char *body = ok ? write_offer(s, REINVITE_NO) : NULL;
    if (!body)
        drop_round(s);
    return body;
}

const char *session_reoffer(struct session *s, enum ua_reinvite change)
{
    open_round(s);
    return write_offer(s, change);
}

static int apply_answer(struct session *s, const struct description *d,
                        char why[static SDP_WHY_MAX])
{
    for (unsigned i = 0; i < d->count; i++) {
        struct slot *slot = &s->next[i];
        const char *word;
        if (!slot->media)
            continue;
        if (addr_port(&d->media[i].at) == 0) {
            event("media-refused", "line=%u", i + 1);
            event_fail(UA_REFUSED);
            if (slot->media != s->now[i].media)
                line_close(slot->media);
            end_line(slot);
        } else if (line_answered(slot->media, &d->media[i], &word) != 0) {
            snprintf(why, SDP_WHY_MAX, "m= line %u: %s", i + 1, word);
            return -EINVAL;
        }
    }
    return 0;
}

int session_answered(struct session *s, const char *body, size_t len, char why[static SDP_WHY_MAX])
{
    struct description d;

    if (description_read(&d, body, len, why) != 0)
        return -EINVAL;
    print_lines("answer-received", &d);
    if (d.count != s->next_count) {
        snprintf(why, SDP_WHY_MAX, "%u m= lines in the answer, %u in the offer", d.count,
                 s->next_count);
        return -EINVAL;
    }
    int rc = apply_answer(s, &d, why);
    if (rc == 0)
        keep_round(s);
    return rc;
}

void session_restore(struct session *s)
{
    for (unsigned i = 0; i < s->now_count; i++)
        if (s->now[i].media && holds(s->next, s->next_count, s->now[i].media))
            line_restore(s->now[i].media);
    drop_round(s);
}

static bool reusable(const struct slot *slot, const struct medium *offer)
{
    return slot->media && line_kind(slot->media) == offer->kind;
}

// Our line for one line of the offer. A refused one repeats it with port 0.
static void answer_line(struct session *s, unsigned i, const struct medium *offer)
{
    struct slot *slot = &s->next[i];
    const char *word = NULL;
    bool want = addr_port(&offer->at) != 0 && offer->kind != MEDIUM_OTHER &&
                !(s->options->port_zero && offer->kind != MEDIUM_AUDIO);

    if (want && !reusable(slot, offer))
        want = add_slot(s, i, offer->kind);
    if (want && line_answer(slot->media, offer, &slot->line, &word) == 0)
        return;
    if (word)
        event("line-refused", "line=%u reason=%s", i + 1, event_quote(word));
    if (slot->media && slot->media != s->now[i].media)
        line_close(slot->media);
    slot->line = *offer;
    slot->line.fingerprints.count = slot->line.crypto_count = 0;
    end_line(slot);
}

int session_answer(struct session *s, const char *body, size_t len, const char **answer,
                   char why[static SDP_WHY_MAX])
{
    struct description d;
    unsigned usable = 0;

    if (description_read(&d, body, len, why) != 0)
        return -EINVAL;
    print_lines("offer-received", &d);
    open_round(s);
    if (d.count < s->now_count) {
        snprintf(why, SDP_WHY_MAX, "the offer lost an m= line");
        return -EINVAL;
    }
    for (unsigned i = 0; i < d.count; i++) {
        answer_line(s, i, &d.media[i]);
        if (i >= s->next_count)
            s->next_count = i + 1;
        usable += s->next[i].media != NULL;
    }
    if (usable == 0 && !s->options->port_zero) {
        drop_round(s);
        snprintf(why, SDP_WHY_MAX, "no m= line can be served");
        return -EINVAL;
    }
    *answer = write_body(s);
    return *answer ? 0 : -EINVAL;
}

void session_commit(struct session *s)
{
    for (unsigned i = 0; i < s->next_count; i++)
        if (s->next[i].media)
            line_commit(s->next[i].media);
    keep_round(s);
}

void session_run(struct session *s)
{
    s->running = true;
    for (unsigned i = 0; i < s->now_count; i++)
        if (s->now[i].media)
            line_run(s->now[i].media);
}

static const struct line *first_work(const struct session *s)
{
    for (unsigned i = 0; i < s->now_count; i++)
        if (s->now[i].media && line_is_work(s->now[i].media))
            return s->now[i].media;
    return NULL;
}

bool session_has_work(const struct session *s)
{
    return first_work(s) != NULL;
}

const char *session_work_name(const struct session *s)
{
    static const char *const names[] = {[MEDIUM_AUDIO] = "audio",
                                        [MEDIUM_FAX] = "image",
                                        [MEDIUM_MSRP] = "message",
                                        [MEDIUM_BFCP] = "application"};
    const struct line *work = first_work(s);

    return work ? names[line_kind(work)] : "none";
}

bool session_is_through(const struct session *s)
{
    for (unsigned i = 0; i < s->now_count; i++)
        if (s->now[i].media && !line_is_through(s->now[i].media))
            return false;
    return true;
}

bool session_alive(const struct session *s)
{
    for (unsigned i = 0; i < s->now_count; i++)
        if (s->now[i].media)
            return true;
    return false;
}

void session_report(const struct session *s)
{
    for (unsigned i = 0; i < s->now_count; i++)
        if (s->now[i].media)
            line_report(s->now[i].media);
}
