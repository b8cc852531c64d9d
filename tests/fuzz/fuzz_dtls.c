// SPDX-License-Identifier: GPL-3.0-or-later
// Hostile datagrams on everything of the DTLS room that reads them: classification, the cookie
// check, a handshake in either role and an established association. The input is a first byte that
// says what there is, then steps: one byte of operation and what it takes.
//
// Beside crashes it looks for what must never happen: data delivered that the UE did not send, an
// association established with the wrong UE, an established one that a datagram of somebody else
// ends, proves or makes talk, and an answer larger than its cause by more than a flight.

#include "agw/certificate.h"
#include "agw/dtls.h"
#include "agw/dtls_cookie.h"
#include "common/log.h"
#include "tests/fuzz/fuzz.h"

// Bits of the first byte.
enum {
    SERVER = 1 << 0,      // the role under test
    ESTABLISHED = 1 << 1, // the handshake is done before the steps begin
    WRONG = 1 << 2,       // the fingerprints are of somebody else
    LATE = 1 << 3,        // there are none at first
};

enum operation {
    HOSTILE,     // length, bytes: a datagram of somebody else
    UE_TO_AGW,   // the next datagram of the UE arrives
    AGW_TO_UE,   // the next datagram of the AGW arrives
    MANGLED,     // position, value: the next datagram of the UE arrives with this byte changed
    CUT,         // length: it arrives cut off
    REPLAYED,    // the last datagram of the UE arrives once more
    LOST,        // the next datagram of the UE is lost
    TIME,        // tenths of a second pass
    FINGERPRINT, // the fingerprints become known
    UE_SENDS,    // media leaves the UE
    AGW_SENDS,   // media leaves the AGW
    OPERATIONS
};

#define QUEUE 64
// Datagrams that one datagram may cause: a flight in a message each.
#define ANSWERS_MAX 12

struct datagram {
    size_t len;
    uint8_t bytes[2048];
};

struct queue {
    unsigned first, count;
    struct datagram list[QUEUE];
};

static struct config cfg;
static struct dtls_profile *profile;
static struct certificate *certificate, *ue_certificate;

static struct dtls *agw, *ue;
static struct queue to_agw, to_ue;
static struct datagram last; // that left the UE
static bool last_arrived;
static uint64_t now;
static unsigned answers;
static bool from_ue; // what is being received is an honest datagram of the UE
static unsigned sent, delivered;

static const uint8_t media[] = "honest media";

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void prepare(void)
{
    log_set_level(LOG_ERROR);
    cfg.agw.mtu = 1500;
    cfg.agw.drop_oversize = true;
    cfg.agw.handshake_timeout_ms = 10000;
    cfg.agw.retransmit_ms = 500;
    must(dtls_profile_open(&profile, &cfg) == 0);
    certificate = certificate_create(CERTIFICATE_ECDSA);
    ue_certificate = certificate_create(CERTIFICATE_ECDSA);
    must(certificate && ue_certificate);
}

// --- wire ----------------------------------------------------------------------------------------

static void put(struct queue *queue, const void *bytes, size_t len)
{
    must(len > 0 && len <= 1500 - 48);
    if (queue->count == QUEUE)
        return; // loss
    struct datagram *d = &queue->list[(queue->first + queue->count++) % QUEUE];
    d->len = len;
    memcpy(d->bytes, bytes, len);
}

static bool take(struct queue *queue, struct datagram *out)
{
    if (queue->count == 0)
        return false;
    *out = queue->list[queue->first];
    queue->first = (queue->first + 1) % QUEUE;
    queue->count--;
    return true;
}

static void agw_transmit(void *arg, const void *bytes, size_t len)
{
    must(++answers <= ANSWERS_MAX);
    put(&to_ue, bytes, len);
}

static void agw_deliver(void *arg, const void *bytes, size_t len)
{
    must(from_ue && dtls_state(agw) == DTLS_ESTABLISHED);
    must(len == sizeof(media) && memcmp(bytes, media, len) == 0);
    must(++delivered <= sent);
}

static void ue_transmit(void *arg, const void *bytes, size_t len)
{
    put(&to_agw, bytes, len);
}

static void ue_deliver(void *arg, const void *bytes, size_t len)
{
    must(len == sizeof(media) && memcmp(bytes, media, len) == 0);
}

static const struct dtls_sink agw_sink = {agw_transmit, agw_deliver, NULL};
static const struct dtls_sink ue_sink = {ue_transmit, ue_deliver, NULL};

// --- both sides ----------------------------------------------------------------------------------

// A server comes into being with a valid cookie.
static struct dtls *listen_at(const struct datagram *d, const struct certificate *own,
                              const struct fingerprints *remote, struct dtls_sink sink)
{
    uint8_t reply[DTLS_COOKIE_REPLY_MAX];
    size_t reply_len;
    struct dtls_hello hello;

    if (dtls_classify(d->bytes, d->len) != DTLS_CLASS_CLIENT_HELLO)
        return NULL;
    if (dtls_cookie_check(profile, "peer", 4, d->bytes, d->len, &hello, reply, &reply_len))
        return dtls_open_server(profile, &hello, own, remote, sink, now);
    must(reply_len < d->len);
    if (reply_len > 0)
        sink.transmit(sink.arg, reply, reply_len);
    return NULL;
}

static const struct fingerprints *fingerprints_of_ue(uint8_t what)
{
    static const struct fingerprints none;
    if (what & LATE)
        return &none;
    return certificate_fingerprints(what & WRONG ? certificate : ue_certificate);
}

// Gives the AGW exactly these bytes. honest: the UE sent them, and they are not changed.
static void agw_receive(const struct datagram *d, uint8_t what, bool honest)
{
    answers = 0;
    from_ue = honest;
    if (!agw && (what & SERVER))
        agw = listen_at(d, certificate, fingerprints_of_ue(what), agw_sink);
    if (!agw)
        return;
    bool established = dtls_state(agw) == DTLS_ESTABLISHED;
    unsigned answers_before = answers;
    uint8_t *exact = malloc(d->len ? d->len : 1);
    must(exact != NULL);
    memcpy(exact, d->bytes, d->len);
    bool authenticated = dtls_receive(agw, exact, d->len, now);
    free(exact);
    if (established && !honest) {
        must(!authenticated && dtls_state(agw) == DTLS_ESTABLISHED);
        must(answers == answers_before);
    }
}

static void ue_receive(const struct datagram *d, uint8_t what)
{
    if (!ue)
        ue = listen_at(d, ue_certificate, certificate_fingerprints(certificate), ue_sink);
    if (ue)
        dtls_receive(ue, d->bytes, d->len, now);
}

static void open_both(uint8_t what)
{
    now = 1000000000;
    answers = 0;
    sent = delivered = 0;
    last.len = 0;
    last_arrived = false;
    to_agw.count = to_ue.count = 0;
    agw = ue = NULL;
    if (what & SERVER)
        ue = dtls_open_client(profile, ue_certificate, certificate_fingerprints(certificate),
                              ue_sink, now);
    else
        agw = dtls_open_client(profile, certificate, fingerprints_of_ue(what), agw_sink, now);
    struct datagram d;
    while ((what & ESTABLISHED) && (to_agw.count || to_ue.count)) {
        if (take(&to_agw, &d))
            agw_receive(&d, what, true);
        if (take(&to_ue, &d))
            ue_receive(&d, what);
    }
}

static void close_both(void)
{
    answers = 0;
    dtls_close(agw);
    dtls_close(ue);
}

// --- steps ---------------------------------------------------------------------------------------

struct cursor {
    const uint8_t *at;
    size_t left;
};

static uint8_t next(struct cursor *c)
{
    if (c->left == 0)
        return 0;
    c->left--;
    return *c->at++;
}

static void hostile(struct cursor *c, uint8_t what)
{
    struct datagram d;
    d.len = next(c) * 4u;
    if (d.len > c->left)
        d.len = c->left;
    memcpy(d.bytes, c->at, d.len);
    c->at += d.len;
    c->left -= d.len;
    agw_receive(&d, what, false);
}

// Several records share the datagrams of a flight: those that are whole are still the UE's.
static bool is_flight(const struct datagram *d)
{
    return d->len > sizeof(media) + 37;
}

// The next datagram of the UE arrives, spoilt as the operation says.
static void from_wire(struct cursor *c, uint8_t what, enum operation operation)
{
    struct datagram d;
    if (!take(&to_agw, &d))
        return;
    last = d;
    last_arrived = operation == UE_TO_AGW;
    if (operation == MANGLED) {
        size_t at = next(c) * 5u % d.len;
        uint8_t value = next(c);
        d.bytes[at] ^= value ? value : 1;
    } else if (operation == CUT) {
        d.len = next(c) * 3u % d.len;
    }
    if (operation != LOST)
        agw_receive(&d, what, operation == UE_TO_AGW || is_flight(&d));
}

static void pass_time(struct cursor *c)
{
    now += next(c) * 100000u;
    answers = 0;
    if (agw && dtls_deadline(agw) <= now)
        dtls_tick(agw, now);
    if (ue && dtls_deadline(ue) <= now)
        dtls_tick(ue, now);
    must(!agw || dtls_deadline(agw) > now);
}

static void send_media(void)
{
    if (ue && dtls_send(ue, media, sizeof(media)) == 0)
        sent++;
}

static void step(struct cursor *c, uint8_t what)
{
    struct datagram d;
    enum operation operation = next(c) % OPERATIONS;
    switch (operation) {
    case HOSTILE:
        hostile(c, what);
        break;
    case AGW_TO_UE:
        if (take(&to_ue, &d))
            ue_receive(&d, what);
        break;
    case REPLAYED:
        agw_receive(&last, what, !last_arrived || is_flight(&last));
        last_arrived = true;
        break;
    case TIME:
        pass_time(c);
        break;
    case FINGERPRINT:
        answers = 0;
        from_ue = true; // held datagrams count as the UE's
        if (agw)
            dtls_set_fingerprints(agw, fingerprints_of_ue(what & ~LATE), now);
        break;
    case UE_SENDS:
        send_media();
        break;
    case AGW_SENDS:
        answers = 0;
        if (agw)
            dtls_send(agw, media, sizeof(media));
        break;
    default:
        from_wire(c, what, operation);
    }
    char text[192];
    if (agw) {
        dtls_describe(agw, text, sizeof(text));
        must(!(what & WRONG) || dtls_state(agw) != DTLS_ESTABLISHED);
        dtls_take_discarded(agw);
    }
}

// Bytes that nobody has looked at yet.
static void before_any_state(const uint8_t *data, size_t size)
{
    struct dtls_hello hello;
    uint8_t reply[DTLS_COOKIE_REPLY_MAX];
    size_t reply_len;
    uint8_t *exact = malloc(size ? size : 1);

    must(exact != NULL);
    memcpy(exact, data, size);
    enum dtls_class class = dtls_classify(exact, size);
    must(class != DTLS_CLASS_CLIENT_HELLO || size >= 25);
    must(!dtls_cookie_check(profile, "peer", 4, exact, size, &hello, reply, &reply_len));
    must(reply_len <= size);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!profile)
        prepare();
    before_any_state(data, size);
    if (size < 2)
        return 0;
    struct cursor c = {data + 1, size - 1};
    open_both(data[0]);
    while (c.left > 0)
        step(&c, data[0]);
    close_both();
    return 0;
}
