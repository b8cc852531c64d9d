// SPDX-License-Identifier: GPL-3.0-or-later
// An audio line.
//
// Happy path: the round of offer and answer closes, keys and remote address are known, packets
// leave at their pace and those of the peer are counted and compared. A later round with the same
// keys goes on under them (RFC 4568 7.1.4).
// Failure paths: a line without a key that fits is no legal answer; packets that do not
// authenticate are stray. What --misbehave asks for is done where packets leave.

#include "tests/ua/ua_voice.h"

#include "tests/ua/ua_event.h"
#include "tests/ua/ua_own.h"
#include "tests/ua/ua_rtp.h"
#include "tests/ua/ua_socket.h"
#include "tests/ua/ua_srtp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKET_MAX 2048
#define READS_PER_EVENT 64
#define TONE_MS 20
#define REPORT_EVERY 20 // packets between two RTCP reports
#define GRACE_MS 1000   // after the last packet, for those that are still on their way
#define MIDDLE_PACKETS 30
#define DISCARD_PORT 9 // nobody listens there

struct port {
    uv_poll_t poll;
    int fd;
    struct voice *voice;
    bool rtcp;
};

// One side's line and the other's, as they stand after a round.
struct round {
    struct medium own, peer;
};

struct voice {
    uv_loop_t *loop;
    const struct ua_options *options;
    struct media_user user;
    struct port *rtp, *rtcp, *old; // old: before --misbehave=rebind
    uv_timer_t timer, grace;
    unsigned open_timers;
    struct sdes_crypto key, old_key; // ours; that before the round, to go back to
    struct round now, next;
    struct srtp_pair srtp;
    struct rtp_line line;
    unsigned long reports_sent, reports_received, stray;
    bool has_round, running, began, hold, done;
};

// --- sockets ------------------------------------------------------------------------------------

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_port_closed(uv_handle_t *handle)
{
    struct port *p = handle->data;
    close(p->fd);
    free(p);
}

static void port_close(struct port *p)
{
    if (p)
        uv_close((uv_handle_t *)&p->poll, on_port_closed);
}

static int port_open(struct voice *v, bool rtcp, struct port **out)
{
    struct port *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    *p = (struct port){.fd = socket_udp(&v->options->sip.listen), .voice = v, .rtcp = rtcp};
    p->poll.data = p;
    int rc = p->fd < 0 ? p->fd : uv_poll_init(v->loop, &p->poll, p->fd);
    if (rc != 0) {
        if (p->fd >= 0)
            close(p->fd);
        free(p);
        return rc;
    }
    uv_poll_start(&p->poll, UV_READABLE, on_readable);
    *out = p;
    return 0;
}

static struct addr port_address(const struct port *p)
{
    struct addr at = {.len = sizeof(at.v6)};
    getsockname(p->fd, &at.sa, &at.len);
    return at;
}

// --- sending ------------------------------------------------------------------------------------

static void transmit(struct voice *v, bool rtcp, const uint8_t *packet, size_t len)
{
    bool mux = v->now.own.rtcp_mux && v->now.peer.rtcp_mux;
    const struct port *p = rtcp && !mux ? v->rtcp : v->rtp;
    const struct addr *to = rtcp && !mux ? &v->now.peer.rtcp : &v->now.peer.at;

    // A full buffer or an ICMP refusal is a lost datagram, as anywhere on the way.
    if (addr_is_set(to))
        sendto(p->fd, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL, &to->sa, to->len);
}

static void send_packet(struct voice *v, bool rtcp, const uint8_t *clear, size_t len)
{
    uint8_t packet[PACKET_MAX];
    unsigned mis = v->options->misbehave;

    memcpy(packet, clear, len);
    if (!v->now.own.secure || mis & MIS_CLEAR_UDPTL)
        transmit(v, rtcp, packet, len);
    if (!v->now.own.secure || !srtp_pair_protect(&v->srtp, rtcp, packet, &len))
        return;
    transmit(v, rtcp, packet, len);
    if (mis & MIS_REPLAY)
        transmit(v, rtcp, packet, len);
}

static void rebind(struct voice *v)
{
    struct port *fresh;

    if (v->old || port_open(v, false, &fresh) != 0)
        return;
    struct addr at = port_address(fresh);
    v->old = v->rtp;
    v->rtp = fresh;
    event("rebind", "port=%u", addr_port(&at));
}

static void after_packet(struct voice *v)
{
    uint8_t report[RTCP_PACKET_LEN];

    if (v->line.sent == MIDDLE_PACKETS && v->options->misbehave & MIS_REBIND)
        rebind(v);
    if (v->line.sent % REPORT_EVERY != 1)
        return;
    rtp_line_report(&v->line, report);
    send_packet(v, true, report, sizeof(report));
    v->reports_sent++;
}

// --- counted packets ----------------------------------------------------------------------------

static bool is_counted(const struct voice *v)
{
    return v->options->audio == AUDIO_COUNT;
}

static void finish(struct voice *v)
{
    const struct rtp_line *l = &v->line;
    bool ok = l->received + v->options->tolerance >= l->sent && l->different == 0 &&
              l->disorder <= v->options->tolerance;

    uv_timer_stop(&v->grace);
    if (v->done)
        return;
    v->done = true;
    event("voice-done", "sent=%lu received=%lu different=%lu disorder=%lu stray=%lu", l->sent,
          l->received, l->different, l->disorder, v->stray);
    if (!ok)
        event_fail(UA_FAX);
    v->user.done(v->user.arg, ok);
}

static void on_grace_over(uv_timer_t *timer)
{
    finish(timer->data);
}

static bool all_sent(const struct voice *v)
{
    return is_counted(v) && v->line.sent == v->options->datagrams;
}

static void on_tick(uv_timer_t *timer)
{
    struct voice *v = timer->data;
    uint8_t packet[RTP_PACKET_LEN];

    if (v->hold)
        return;
    rtp_line_next(&v->line, packet);
    send_packet(v, false, packet, sizeof(packet));
    after_packet(v);
    if (!all_sent(v))
        return;
    uv_timer_stop(&v->timer);
    uv_timer_start(&v->grace, on_grace_over, GRACE_MS, 0);
}

static void start(struct voice *v)
{
    unsigned pace = is_counted(v) ? v->options->datagram_ms : TONE_MS;

    if (v->options->audio != AUDIO_ECHO)
        uv_timer_start(&v->timer, on_tick, v->options->start_after_ms, pace ? pace : 1);
}

static void begin_if_ready(struct voice *v)
{
    if (!v->running || v->began || !v->has_round)
        return;
    v->began = true;
    v->user.began(v->user.arg);
    start(v);
}

// --- receiving ----------------------------------------------------------------------------------

static void take_rtp(struct voice *v, const uint8_t *packet, size_t len)
{
    uint8_t echo[RTP_PACKET_LEN];

    if (!rtp_line_receive(&v->line, packet, len)) {
        v->stray++;
        return;
    }
    if (v->options->audio == AUDIO_ECHO && len == RTP_PACKET_LEN && !v->hold) {
        rtp_line_echo(&v->line, packet, echo);
        send_packet(v, false, echo, sizeof(echo));
        after_packet(v);
    }
    if (all_sent(v) && v->line.received >= v->line.sent)
        finish(v);
}

static void take(struct voice *v, bool rtcp, uint8_t *packet, size_t len)
{
    if (v->now.own.secure && !srtp_pair_open(&v->srtp, rtcp, packet, &len))
        v->stray++;
    else if (rtcp)
        v->reports_received++;
    else
        take_rtp(v, packet, len);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct port *p = poll->data;
    struct voice *v = p->voice;
    _Alignas(uint32_t) uint8_t packet[PACKET_MAX];

    for (int i = 0; i < READS_PER_EVENT; i++) {
        ssize_t n = recv(p->fd, packet, sizeof(packet), MSG_DONTWAIT);
        if (n < 0)
            return;
        bool muxed = v->now.own.rtcp_mux && rtp_is_rtcp(packet, (size_t)n);
        take(v, p->rtcp || muxed, packet, (size_t)n);
    }
}

// --- birth and death ----------------------------------------------------------------------------

int voice_open(struct voice **out, uv_loop_t *loop, const struct ua_options *options,
               const struct media_user *user)
{
    struct voice *v = calloc(1, sizeof(*v));

    if (!v)
        return -ENOMEM;
    *v = (struct voice){.loop = loop, .options = options, .user = *user, .open_timers = 2};
    uv_timer_init(loop, &v->timer);
    uv_timer_init(loop, &v->grace);
    v->timer.data = v->grace.data = v;
    rtp_line_init(&v->line);
    int rc = port_open(v, false, &v->rtp);
    if (rc == 0)
        rc = port_open(v, true, &v->rtcp);
    if (rc != 0) {
        voice_close(v);
        return rc;
    }
    *out = v;
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct voice *v = handle->data;
    if (--v->open_timers == 0)
        free(v);
}

void voice_close(struct voice *v)
{
    if (!v)
        return;
    port_close(v->rtp);
    port_close(v->rtcp);
    port_close(v->old);
    srtp_pair_clear(&v->srtp);
    uv_close((uv_handle_t *)&v->timer, on_timer_closed);
    uv_close((uv_handle_t *)&v->grace, on_timer_closed);
}

// --- our line -----------------------------------------------------------------------------------

#define COPY(to, text) snprintf((to), sizeof(to), "%s", (text))

static void common_line(struct voice *v, struct medium *out, bool secure)
{
    *out = (struct medium){.kind = MEDIUM_AUDIO, .secure = secure};
    COPY(out->type, "audio");
    COPY(out->format, "8");
    COPY(out->proto, secure ? "RTP/SAVP" : "RTP/AVP");
    out->at = port_address(v->rtp);
    out->rtcp = port_address(v->rtcp);
    out->rtcp_mux = v->options->rtcp_mux;
    if (v->options->nat) {
        addr_set_port(&out->at, DISCARD_PORT);
        addr_set_port(&out->rtcp, DISCARD_PORT);
    }
}

// The key in SDP; --misbehave: another one, or none.
static void add_key(const struct voice *v, struct medium *out)
{
    if (v->options->misbehave & MIS_NO_FINGERPRINT)
        return;
    out->crypto[0] = v->key;
    if (v->options->misbehave & MIS_WRONG_FINGERPRINT)
        out->crypto[0].key[0] ^= 0xff;
    out->crypto_count = 1;
}

static void start_round(struct voice *v)
{
    v->next = v->now;
    v->old_key = v->key;
}

void voice_offer(struct voice *v, enum ua_reinvite change, struct medium *out)
{
    bool secure = v->options->srtp && v->options->side == SIDE_UE;

    start_round(v);
    common_line(v, out, secure);
    if (change == REINVITE_HOLD)
        out->direction = SDP_INACTIVE;
    if (secure) {
        if (v->key.suite == SDES_NONE || change == REINVITE_NEW_FINGERPRINT)
            sdes_generate(&v->key, v->options->suite, 1);
        out->e2ae = v->options->no_3ge2ae ? SDP_3GE2AE_NONE : SDP_3GE2AE_REQUESTED;
        add_key(v, out);
    }
    v->next.own = *out;
}

// --- the round closes ---------------------------------------------------------------------------

static void close_round(struct voice *v)
{
    static const struct sdes_crypto none;
    const struct medium *own = &v->next.own, *peer = &v->next.peer;
    bool keyed = own->secure && peer->crypto_count > 0;

    v->now = v->next;
    v->hold = own->direction != SDP_SENDRECV || peer->direction != SDP_SENDRECV;
    if (srtp_pair_set(&v->srtp, keyed ? &v->key : &none, keyed ? &peer->crypto[0] : &none) != 0) {
        event("srtp-failed", "suite=%s", sdes_suite_name(v->key.suite));
        event_fail(UA_DTLS);
        v->user.dtls_failed(v->user.arg);
        return;
    }
    if (keyed && !v->has_round)
        event("srtp", "suite=%s tag=%u", sdes_suite_name(v->key.suite), peer->crypto[0].tag);
    v->has_round = true;
    begin_if_ready(v);
}

int voice_answered(struct voice *v, const struct medium *answer, const char **why)
{
    const struct medium *own = &v->next.own;

    *why = own->secure != answer->secure              ? "proto changed"
           : own->secure && answer->crypto_count != 1 ? "not one key in the answer"
           : own->secure && answer->crypto[0].tag != own->crypto[0].tag
               ? "the answer takes up another key"
               : NULL;
    if (*why)
        return -EINVAL;
    v->next.peer = *answer;
    close_round(v);
    return 0;
}

// The first key of the offer whose suite we have; it moves to the front.
static bool choose_key(const struct voice *v, struct medium *peer)
{
    for (unsigned i = 0; i < peer->crypto_count; i++) {
        if (peer->crypto[i].suite != v->options->suite)
            continue;
        peer->crypto[0] = peer->crypto[i];
        peer->crypto_count = 1;
        return true;
    }
    return false;
}

int voice_answer(struct voice *v, const struct medium *offer, struct medium *out, const char **why)
{
    bool secure = offer->secure && !(v->options->misbehave & MIS_PLAIN_ANSWER);

    start_round(v);
    v->next.peer = *offer;
    *why = secure && !choose_key(v, &v->next.peer) ? "no key that we can use" : NULL;
    if (*why)
        return -EINVAL;
    common_line(v, out, secure);
    if (secure == offer->secure)
        COPY(out->proto, offer->proto);
    out->rtcp_mux = out->rtcp_mux && offer->rtcp_mux;
    out->direction = own_answer_direction(offer->direction);
    if (secure) {
        if (v->key.suite == SDES_NONE)
            sdes_generate(&v->key, v->options->suite, 1);
        v->key.tag = v->next.peer.crypto[0].tag;
        add_key(v, out);
    }
    v->next.own = *out;
    return 0;
}

void voice_commit(struct voice *v)
{
    close_round(v);
}

void voice_restore(struct voice *v)
{
    v->key = v->old_key;
}

void voice_run(struct voice *v)
{
    v->running = true;
    begin_if_ready(v);
}

void voice_report(const struct voice *v)
{
    event("media",
          "kind=audio sent=%lu received=%lu stray=%lu different=%lu disorder=%lu rtcp-sent=%lu "
          "rtcp-received=%lu",
          v->line.sent, v->line.received, v->stray, v->line.different, v->line.disorder,
          v->reports_sent, v->reports_received);
}
