// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: Reserve opens the connection points of one termination, a second Reserve those of the
// other; Configure fills in addresses, mode and fingerprints. From then on stream_pass() carries
// each datagram across: gate, send, count. Release closes everything and says farewell. A stream
// over TCP has a relay in place of its datagram points and no gate: stream mode never touches a TCP
// connection (RFC 4145 6.2), it says only whether silence is a failure.
//
// Failure paths: whatever cannot be passed on is counted under its reason and told once. A stream
// with one termination drops what arrives there for want of a destination. No memory for a note:
// the log says so, media go on; the farewell has its memory from the start.

#include "agw/stream.h"

#include "agw/bearer.h"
#include "agw/relay.h"
#include "agw/savp.h"
#include "agw/sniffer.h"
#include "common/keep.h"
#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Packet types that tell RTCP from RTP on one port (RFC 5761 4).
#define RTCP_TYPE_FIRST 192
#define RTCP_TYPE_LAST 223
// The drop reasons are neighbours in the table of reasons; each has its bit in drops_told.
#define DROP_FIRST REASON_DROP_CLEAR_ON_DTLS
#define DROP_LAST REASON_DROP_SEND
_Static_assert(DROP_LAST - DROP_FIRST < 32, "one bit per drop reason");

const char *stream_id(const struct stream *s, char buf[static STREAM_ID_MAX])
{
    snprintf(buf, STREAM_ID_MAX, "context %u stream %u", s->context, s->number);
    return buf;
}

// --- counting -----------------------------------------------------------------------------------

static void count(_Atomic uint64_t *counter, uint64_t more)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + more, memory_order_relaxed);
}

static uint64_t counted(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

struct agw_stream_stats stream_carried(const struct stream *s)
{
    const struct stream_counters *c = &s->counters;
    return (struct agw_stream_stats){
        .packets = {counted(&c->packets[AGW_T1]), counted(&c->packets[AGW_T2])},
        .bytes = {counted(&c->bytes[AGW_T1]), counted(&c->bytes[AGW_T2])},
        .drops = counted(&c->drops)};
}

uint64_t stream_last_media(const struct stream *s)
{
    return counted(&s->counters.last_media_us);
}

static void media_now(struct stream *s)
{
    atomic_store_explicit(&s->counters.last_media_us, s->media->now_us, memory_order_relaxed);
}

// --- telling ------------------------------------------------------------------------------------

static void fill_note(struct note *note, const struct point *at, const struct telling *telling)
{
    const struct stream *s = at->stream;
    *note = (struct note){.line = s->line,
                          .what = {.event = telling->event,
                                   .time_us = s->media->now_us,
                                   .context = s->context,
                                   .termination = at->termination,
                                   .stream = s->number,
                                   .reason = telling->reason,
                                   .outbound = telling->outbound}};
    if (telling->address)
        note->what.address = *telling->address;
    if (telling->text)
        snprintf(note->what.text, sizeof note->what.text, "%s", telling->text);
}

void stream_tell(struct point *at, const struct telling *telling)
{
    struct stream *s = at->stream;
    struct note *note = malloc(sizeof *note);
    if (!note) {
        char id[STREAM_ID_MAX];
        log_error(stream_id(s, id), "no memory for a notification");
        return;
    }
    fill_note(note, at, telling);
    if (agw_event_is_procedure(telling->event) || milestones_take(&s->milestones, note))
        outbox_put(&s->media->notes, note);
    else
        stream_rearm(s);
}

// What was held back, when its time has come; DEADLINE_NEVER: all of it.
static void tell_held(struct stream *s, uint64_t now_us)
{
    for (struct note *note; (note = milestones_due(&s->milestones, now_us));)
        outbox_put(&s->media->notes, note);
}

void stream_drop(struct point *at, enum reason reason, const struct addr *source)
{
    struct stream *s = at->stream;
    reason_count(reason);
    count(&s->counters.drops, 1);
    if (reason < DROP_FIRST || reason > DROP_LAST)
        return;
    uint32_t bit = 1u << (reason - DROP_FIRST);
    if (s->drops_told & bit)
        return;
    s->drops_told |= bit;
    stream_tell(at, &(struct telling){.event = AGW_DROPPED, .reason = reason, .address = source});
}

// --- media --------------------------------------------------------------------------------------

static void first_media(struct point *from)
{
    from->stream->media_told[from->termination] = true;
    stream_tell(from, &(struct telling){.event = AGW_FIRST_MEDIA, .address = &from->remote});
}

static void media_again(struct stream *s)
{
    s->inactive_told = false;
    stream_rearm(s);
    stream_tell(&s->point[s->inactivity_at][0], &(struct telling){.event = AGW_MEDIA_AGAIN});
}

static void count_passed(struct point *from, size_t len)
{
    struct stream_counters *c = &from->stream->counters;
    count(&c->packets[from->termination], 1);
    count(&c->bytes[from->termination], len);
}

void stream_passed(struct point *from, size_t len)
{
    struct stream *s = from->stream;
    count_passed(from, len);
    media_now(s);
    if (s->inactive_told)
        media_again(s);
    if (!s->media_told[from->termination])
        first_media(from);
}

bool stream_is_rtcp(const struct point *from, const uint8_t *data, size_t len)
{
    if (from->rtcp || !from->stream->rtcp_mux[from->termination])
        return from->rtcp;
    return len > 1 && data[1] >= RTCP_TYPE_FIRST && data[1] <= RTCP_TYPE_LAST;
}

static enum reason send_media(struct point *to, bool rtcp, const void *data, size_t len)
{
    if (to->bearer)
        return bearer_send(to->bearer, data, len);
    // each leg has RTCP where it was agreed there
    struct stream *s = to->stream;
    struct point *port = &s->point[to->termination][rtcp && !s->rtcp_mux[to->termination]];
    return point_send_media(port, rtcp, data, len);
}

void stream_pass(struct point *from, const void *data, size_t len)
{
    bool rtcp = stream_is_rtcp(from, data, len);
    if (!from->open && !rtcp) {
        stream_drop(from, REASON_DROP_GATE, NULL);
        return;
    }
    enum reason reason = send_media(from->other, rtcp, data, len);
    if (reason == REASON_NONE)
        sniff_media(from, rtcp, data, len);
    if (reason != REASON_NONE)
        stream_drop(from, reason, NULL);
    else if (rtcp)
        count_passed(from, len);
    else
        stream_passed(from, len);
}

// --- deadlines ----------------------------------------------------------------------------------

static bool gate_shut(const struct stream *s)
{
    return !s->point[AGW_T1][0].open && !s->point[AGW_T2][0].open;
}

static bool watches_media(const struct stream *s)
{
    // A held stream is silent by agreement, not by failure.
    return s->inactivity_us > 0 && !s->inactive_told && !gate_shut(s);
}

void stream_rearm(struct stream *s)
{
    uint64_t due = DEADLINE_NEVER, soonest = s->media->now_us + 1;
    const struct bearer *bearer = s->point[AGW_T1][0].bearer;
    if (watches_media(s))
        due = stream_last_media(s) + s->inactivity_us;
    if (bearer && bearer_deadline(bearer) < due)
        due = bearer_deadline(bearer);
    if (s->relay && relay_deadline(s->relay) < due)
        due = relay_deadline(s->relay);
    if (milestones_deadline(&s->milestones) < due)
        due = milestones_deadline(&s->milestones);
    deadline_set(&s->media->deadlines, &s->deadline, due < soonest ? soonest : due);
}

static void check_inactivity(struct stream *s)
{
    if (!watches_media(s) || s->media->now_us < stream_last_media(s) + s->inactivity_us)
        return;
    s->inactive_told = true;
    reason_count(REASON_MEDIA_INACTIVE);
    stream_tell(&s->point[s->inactivity_at][0],
                &(struct telling){.event = AGW_MEDIA_INACTIVE, .reason = REASON_MEDIA_INACTIVE});
}

static void on_deadline(struct deadline *deadline)
{
    struct stream *s = (struct stream *)((char *)deadline - offsetof(struct stream, deadline));
    if (s->point[AGW_T1][0].bearer)
        bearer_due(s->point[AGW_T1][0].bearer);
    if (s->relay)
        relay_due(s->relay);
    check_inactivity(s);
    tell_held(s, s->media->now_us);
    stream_rearm(s);
}

// --- procedures ---------------------------------------------------------------------------------

static void init_point(struct stream *s, enum agw_termination termination, bool rtcp)
{
    s->point[termination][rtcp] = (struct point){.fd = -1,
                                                 .termination = termination,
                                                 .rtcp = rtcp,
                                                 .open = true,
                                                 .stream = s,
                                                 .other = &s->point[!termination][rtcp]};
}

struct stream *stream_create(uint32_t context, unsigned number, void *line)
{
    struct stream *s = keep_zalloc(sizeof *s);
    if (!s)
        return NULL;
    s->context = context;
    s->number = number;
    s->line = line;
    for (int i = 0; i < 4; i++)
        init_point(s, i & 1 ? AGW_T2 : AGW_T1, i >> 1);
    deadline_init(&s->deadline, on_deadline);
    return s;
}

void stream_free(struct stream *s)
{
    free(s);
}

static bool receives(enum agw_mode mode)
{
    return mode == AGW_SEND_RECEIVE || mode == AGW_RECEIVE_ONLY;
}

static bool sends(enum agw_mode mode)
{
    return mode == AGW_SEND_RECEIVE || mode == AGW_SEND_ONLY;
}

// RTCP flows whatever the mode (RFC 3264 5.1); its points stay open.
static void set_mode(struct stream *s, enum agw_termination termination, enum agw_mode mode)
{
    s->mode[termination] = mode;
    for (int t = AGW_T1; t <= AGW_T2; t++)
        s->point[t][0].open = receives(s->mode[t]) && sends(s->mode[!t]);
}

static void set_inactivity(struct stream *s, const struct agw_request *request)
{
    if (request->inactivity_s == 0)
        return;
    s->inactivity_us = request->inactivity_s * 1000000ull;
    s->inactivity_at = request->termination;
}

static void signal_rtcp(struct stream *s, const struct agw_request *request)
{
    struct addr remote = request->remote_rtcp;
    if (!addr_is_set(&remote) && addr_is_set(&request->remote)) {
        remote = request->remote; // RFC 3605 2.1: the port above, unless said otherwise
        addr_set_port(&remote, (uint16_t)(addr_port(&remote) + 1));
    }
    point_signal(&s->point[request->termination][1], &remote, request->relatch);
}

static void configure_datagrams(struct stream *s, const struct agw_request *request)
{
    struct point *media = &s->point[request->termination][0];
    char id[STREAM_ID_MAX];
    s->rtcp_mux[request->termination] = request->rtcp_mux;
    if (media->savp && savp_configure(media->savp, &request->local_sdes, &request->remote_sdes,
                                      s->media->now_us) < 0)
        log_error(stream_id(s, id), "no memory for SRTP keys: the old ones stay");
    if (request->peak_rate_kbps > 0)
        point_police(media, request->peak_rate_kbps);
    if (media->bearer)
        bearer_configure(media->bearer, request);
    else
        point_signal(media, &request->remote, request->relatch);
    if (s->point[request->termination][1].fd >= 0)
        signal_rtcp(s, request);
}

// What every Reserve and Configure says, whatever the transport.
static void take_common(struct stream *s, const struct agw_request *request)
{
    set_mode(s, request->termination, request->mode);
    set_inactivity(s, request);
    media_now(s); // silence counts from here
    s->inactive_told = false;
}

void stream_configure(struct stream *s, const struct agw_request *request)
{
    take_common(s, request);
    if (s->relay)
        relay_configure(s->relay, request);
    else
        configure_datagrams(s, request);
    stream_rearm(s);
}

static void log_no_memory(const struct stream *s)
{
    char id[STREAM_ID_MAX];
    log_error(stream_id(s, id), "no memory for a connection point");
}

// Both points of T1 share the keys. No memory: never a clear path in place of a secured one.
static void reserve_savp(struct stream *s)
{
    struct point *points = s->point[AGW_T1];
    s->savp = savp_create(s->media->cfg->agw.rekey_hold_ms * 1000ull);
    points[0].savp = points[1].savp = s->savp;
    if (s->savp)
        return;
    log_no_memory(s);
    point_close(&points[0]);
    point_close(&points[1]);
}

static void reserve_datagrams(struct stream *s, const struct agw_request *request,
                              const int fd[static 2], struct certificate *certificate)
{
    struct point *points = s->point[request->termination];
    for (int i = 0; i < 2 && fd[i] >= 0; i++) {
        points[i].latching = request->latching;
        point_open(&points[i], fd[i], request->family);
    }
    if (request->transport == AGW_RTP_SAVP)
        reserve_savp(s);
    if (certificate) {
        points[0].bearer = bearer_create(&points[0], certificate);
        if (!points[0].bearer) {
            log_no_memory(s);
            point_close(&points[0]); // never a clear path in place of a secured one
        }
    }
    configure_datagrams(s, request);
}

static void reserve_tcp(struct stream *s, const struct agw_request *request, int fd,
                        struct certificate *certificate)
{
    bool aware = request->transport == AGW_TCP_MSRP || request->transport == AGW_TCP_TLS_MSRP;
    if (!s->relay)
        s->relay = relay_create(s, aware);
    if (s->relay) {
        relay_reserve(s->relay, request, fd, certificate);
        return;
    }
    log_no_memory(s);
    close(fd);
    certificate_free(certificate);
}

void stream_reserve(struct stream *s, struct media *media, const struct agw_request *request,
                    const int fd[static 2], struct certificate *certificate)
{
    if (!s->media) {
        s->media = media;
        s->sniffer = sniffer_open(media);
        s->inactivity_us = media->cfg->agw.media_timeout_s * 1000000ull;
    }
    take_common(s, request);
    if (agw_transport_is_tcp(request->transport))
        reserve_tcp(s, request, fd[0], certificate);
    else
        reserve_datagrams(s, request, fd, certificate);
    stream_rearm(s);
}

void stream_rtcp_port(struct stream *s, enum agw_termination termination, int fd, int family)
{
    struct point *p = &s->point[termination][1];
    point_close(p);
    if (fd < 0)
        return;
    enum latching latching = p->latching;
    init_point(s, termination, true);
    p->latching = latching;
    p->savp = s->point[termination][0].savp;
    point_open(p, fd, family);
}

void stream_release(struct stream *s, struct media *media, struct note *farewell)
{
    s->media = media;
    bearer_release(s->point[AGW_T1][0].bearer);
    s->point[AGW_T1][0].bearer = NULL;
    relay_release(s->relay);
    s->relay = NULL;
    savp_release(s->savp);
    s->savp = s->point[AGW_T1][0].savp = s->point[AGW_T1][1].savp = NULL;
    sniffer_close(s->sniffer);
    s->sniffer = NULL;
    for (int i = 0; i < 4; i++)
        point_close(&s->point[i & 1][i >> 1]);
    deadline_set(&media->deadlines, &s->deadline, DEADLINE_NEVER);
    tell_held(s, DEADLINE_NEVER);
    fill_note(farewell, &s->point[AGW_T1][0], &(struct telling){.event = AGW_STREAM_RELEASED});
    farewell->what.stats = stream_carried(s);
    outbox_put(&media->notes, farewell);
}
