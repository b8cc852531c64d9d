// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path of a datagram: recvfrom(), the source is the remote address, police, hand to the
// stream. Once the remote address has spoken the socket is connected, which makes sending cheaper
// and lets the kernel turn strangers away; until then strangers are seen and counted, which is what
// tells a tester why a call is silent. The source is compared even on a connected socket: what was
// queued before connect() may be from anybody.
//
// UDP/DTLS points stay unconnected, because the UE may move (NAT rebinding), and hand everything to
// their bearer. RTP/SAVP points latch onto what has proved itself: a source counts when its packet
// authenticated, and with after-dtls the newest such packet may come from another address.
//
// Failure paths: a wrong source, a datagram above the peak rate, oversize, or one the kernel does
// not take is dropped and counted. ICMP errors are read and forgotten: they prove nothing.

#include "agw/point.h"

#include "agw/bearer.h"
#include "agw/savp.h"
#include "agw/sniffer.h"
#include "agw/stream.h"
#include "common/log.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

// Datagrams one socket may hand over per turn, so that a flooded stream gets its share and no more.
#define POINT_BURST 16
// Depth of the token bucket: T.38 and video arrive in bursts, averages count over this time.
#define POLICE_DEPTH_MS 500
// A bucket holds at least this much, or slow streams could never send one full datagram.
#define POLICE_DEPTH_MIN 4096u
// First bytes of STUN messages (RFC 7983 7).
#define STUN_FIRST_BYTES 4
#define HEADERS_V4 28
#define HEADERS_V6 48

// --- life ---------------------------------------------------------------------------------------

static void on_ready(struct watch *watch, uint32_t events)
{
    point_readable((struct point *)((char *)watch - offsetof(struct point, watch)));
}

static void on_approach(const struct watch *watch)
{
    const struct point *p =
        (const struct point *)((const char *)watch - offsetof(struct point, watch));
    __builtin_prefetch(p->stream);
    __builtin_prefetch(p->other);
    __builtin_prefetch(&p->other->remote);
    __builtin_prefetch(p->bearer);
    __builtin_prefetch(p->savp);
}

void point_open(struct point *p, int fd, int family)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &p->watch};
    p->watch.ready = on_ready;
    p->watch.approach = on_approach;
    p->fd = fd;
    p->headers = family == AF_INET6 ? HEADERS_V6 : HEADERS_V4;
    if (epoll_ctl(p->stream->media->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        char id[STREAM_ID_MAX];
        log_error(stream_id(p->stream, id), "a socket cannot be watched: %s", strerror(errno));
    }
}

void point_close(struct point *p)
{
    if (p->fd < 0)
        return;
    close(p->fd); // epoll forgets it
    p->fd = -1;
}

// --- remote address -----------------------------------------------------------------------------

static void disconnect(struct point *p)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    if (p->link == POINT_CONNECTED)
        (void)connect(p->fd, &none, sizeof none);
    p->link = POINT_UNCONNECTED;
}

static void set_remote(struct point *p, const struct addr *remote)
{
    disconnect(p);
    p->remote = *remote;
}

void point_signal(struct point *p, const struct addr *remote, bool relatch)
{
    if (relatch && p->latching != LATCHING_OFF) {
        p->relatch = true;
        disconnect(p);
    }
    // 0.0.0.0 means hold, not an address (RFC 3264 8.4); the stream mode says the rest.
    if (!addr_is_set(remote) || addr_is_any(remote) || addr_equal(remote, &p->signalled))
        return;
    bool nat = p->latched && !addr_equal(&p->remote, &p->signalled);
    // The peer may speak from elsewhere when it was said to move, not when it is named at last.
    p->relatch = p->relatch || (p->latched && addr_is_set(&p->signalled));
    p->signalled = *remote;
    if (!nat)
        set_remote(p, remote);
    else if (p->relatch)
        disconnect(p);
}

void point_latch(struct point *p, const struct addr *source)
{
    if (p->latched && addr_equal(&p->remote, source))
        return;
    if (!addr_equal(&p->remote, source))
        set_remote(p, source);
    p->latched = true;
    p->relatch = false;
    stream_tell(p, &(struct telling){.event = AGW_LATCHED, .address = source});
}

void point_unlatch(struct point *p)
{
    p->latched = false;
    set_remote(p, &p->signalled);
}

// Is source whom this point listens to? Latches where it may.
static bool admit(struct point *p, const struct addr *source)
{
    bool fixed = p->latched || p->latching == LATCHING_OFF;
    if (fixed && addr_equal(&p->remote, source))
        return true;
    if (fixed && !p->relatch)
        return false;
    point_latch(p, source);
    return true;
}

static void connect_remote(struct point *p)
{
    int rc = connect(p->fd, &p->remote.sa, p->remote.len);
    p->link = rc == 0 ? POINT_CONNECTED : POINT_CONNECT_REFUSED;
}

// --- policing -----------------------------------------------------------------------------------

static uint32_t bucket_depth(const struct bucket *b)
{
    uint64_t depth = (uint64_t)b->bytes_per_s * POLICE_DEPTH_MS / 1000;
    return depth < POLICE_DEPTH_MIN ? POLICE_DEPTH_MIN : (uint32_t)depth;
}

void point_police(struct point *p, unsigned peak_rate_kbps)
{
    struct bucket *b = &p->bucket;
    uint64_t rate = (uint64_t)peak_rate_kbps * 1000 / 8;
    rate = rate > UINT32_MAX ? UINT32_MAX : rate;
    if (rate == b->bytes_per_s)
        return;
    b->bytes_per_s = (uint32_t)rate;
    b->tokens = bucket_depth(b);
    b->filled_us = p->stream->media->now_us;
}

static void refill(struct bucket *b, uint64_t now)
{
    uint64_t depth = bucket_depth(b), missing = depth - b->tokens;
    uint64_t idle = now - b->filled_us;
    // Compared as times, so that a long pause cannot overflow.
    if (idle >= missing * 1000000 / b->bytes_per_s) {
        b->tokens = (uint32_t)depth;
        b->filled_us = now;
        return;
    }
    uint64_t gained = idle * b->bytes_per_s / 1000000;
    b->tokens += (uint32_t)gained;
    b->filled_us += gained * 1000000 / b->bytes_per_s; // the rest of a byte is not lost
}

bool point_conforms(struct point *p, size_t len)
{
    struct bucket *b = &p->bucket;
    if (b->bytes_per_s == 0)
        return true;
    refill(b, p->stream->media->now_us);
    if (b->tokens < len + p->headers)
        return false;
    b->tokens -= (uint32_t)(len + p->headers);
    return true;
}

// --- SRTP ---------------------------------------------------------------------------------------

static bool is_fixed(const struct point *p)
{
    return (p->latched || p->latching == LATCHING_OFF) && !p->relatch;
}

// May an authentic packet come from source?
static bool expects(const struct point *p, const struct addr *source)
{
    return addr_equal(&p->remote, source) || !is_fixed(p) || p->latching == LATCHING_AFTER_DTLS;
}

// An authentic packet came from source. False: it is not listened to.
static bool follow(struct point *p, const struct addr *source, bool newest)
{
    bool fixed = is_fixed(p);
    if (fixed && addr_equal(&p->remote, source))
        return true;
    if (fixed && !newest)
        return false;
    point_latch(p, source);
    return true;
}

static enum reason open_protected(struct point *p, const struct addr *source, uint8_t *data,
                                  size_t *len)
{
    size_t wire = *len;
    bool newest, rtcp = stream_is_rtcp(p, data, wire);
    if (data[0] < STUN_FIRST_BYTES)
        return REASON_DROP_STUN;
    if (!expects(p, source))
        return REASON_DROP_WRONG_SOURCE;
    enum reason reason = savp_open(p->savp, rtcp, data, len, p->stream->media->now_us, &newest);
    if (reason == REASON_NONE && !follow(p, source, newest))
        reason = REASON_DROP_WRONG_SOURCE;
    if (reason == REASON_NONE && !point_conforms(p, wire))
        reason = REASON_DROP_RATE;
    return reason;
}

static void take_protected(struct point *p, const struct addr *source, uint8_t *data, size_t len)
{
    if (len == 0) // keeps a NAT binding alive
        return;
    enum reason reason = open_protected(p, source, data, &len);
    if (reason != REASON_NONE) {
        stream_drop(p, reason, source);
        return;
    }
    if (p->link == POINT_UNCONNECTED && !p->relatch && p->latching != LATCHING_AFTER_DTLS)
        connect_remote(p);
    stream_pass(p, data, len);
}

// --- receiving ----------------------------------------------------------------------------------

void point_datagram(struct point *p, const struct addr *source, uint8_t *data, size_t len)
{
    if (p->savp) {
        take_protected(p, source, data, len);
        return;
    }
    if (p->bearer) {
        bearer_datagram(p->bearer, source, data, len);
        return;
    }
    if (!admit(p, source)) {
        stream_drop(p, REASON_DROP_WRONG_SOURCE, source);
        return;
    }
    if (p->link == POINT_UNCONNECTED && !p->relatch)
        connect_remote(p);
    if (!point_conforms(p, len))
        stream_drop(p, REASON_DROP_RATE, source);
    else if (len > 0) // an empty datagram keeps a NAT binding alive and carries nothing
        stream_pass(p, data, len);
}

// Takes one datagram out of the socket. False: there is none.
static bool receive(struct point *p, struct media *media)
{
    struct addr source;
    source.len = sizeof source.v6;
    ssize_t n = recvfrom(p->fd, media->buffer, MEDIA_DATAGRAM_MAX, 0, &source.sa, &source.len);
    if (n < 0)
        return errno != EAGAIN; // an ICMP error: there may be more
    gather_count(&media->gather, &p->window);
    sniff_datagram(p, false, &source, media->buffer, (size_t)n);
    point_datagram(p, &source, media->buffer, (size_t)n);
    return true;
}

// Nearly every socket has one datagram at a time: asking for a second one would be in vain. A
// socket that is ready in two turns running has more.
void point_readable(struct point *p)
{
    struct media *media = p->stream->media;
    int limit = p->busy || p->turn + 1 == media->turn ? POINT_BURST : 1, taken = 0;
    p->turn = media->turn;
    while (taken < limit) {
        // Steps of a handshake cost a hundred times what media cost: they wait for the next turn
        // rather than let the media of other streams wait.
        if (p->bearer && media->handshakes_left == 0 && !bearer_secured(p->bearer))
            return;
        if (!receive(p, media))
            break;
        taken++;
    }
    p->busy = taken > 1;
}

// --- sending ------------------------------------------------------------------------------------

enum reason point_fits(const struct point *p, size_t len)
{
    const struct config *cfg = p->stream->media->cfg;
    if (len + p->headers <= cfg->agw.mtu)
        return REASON_NONE;
    if (cfg->agw.drop_oversize)
        return REASON_DROP_OVERSIZE;
    reason_count(REASON_DROP_OVERSIZE); // REQ-079: counted even when IP carries it in pieces
    return REASON_NONE;
}

static enum reason send_result(ssize_t n)
{
    if (n >= 0 || errno == ECONNREFUSED)
        return REASON_NONE;
    return errno == EMSGSIZE ? REASON_DROP_OVERSIZE : REASON_DROP_SEND;
}

enum reason point_send(struct point *p, const void *data, size_t len)
{
    if (p->fd < 0 || !addr_is_set(&p->remote))
        return REASON_DROP_NO_REMOTE;
    enum reason reason = point_fits(p, len);
    if (reason != REASON_NONE)
        return reason;
    if (p->link != POINT_CONNECTED)
        return point_send_to(p, &p->remote, data, len);
    sniff_datagram(p, true, &p->remote, data, len);
    ssize_t n = send(p->fd, data, len, MSG_NOSIGNAL);
    // The error of an earlier datagram is reported in place of sending this one.
    if (n < 0 && errno == ECONNREFUSED)
        n = send(p->fd, data, len, MSG_NOSIGNAL);
    return send_result(n);
}

enum reason point_send_media(struct point *p, bool rtcp, const void *data, size_t len)
{
    if (!p->savp)
        return point_send(p, data, len);
    uint8_t *sealed = p->stream->media->sealed;
    memcpy(sealed, data, len);
    enum reason reason = savp_seal(p->savp, rtcp, sealed, &len);
    return reason != REASON_NONE ? reason : point_send(p, sealed, len);
}

enum reason point_send_to(struct point *p, const struct addr *remote, const void *data, size_t len)
{
    sniff_datagram(p, true, remote, data, len);
    return send_result(sendto(p->fd, data, len, MSG_NOSIGNAL, &remote->sa, remote->len));
}
