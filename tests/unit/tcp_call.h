// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UNIT_TCP_CALL_H
#define TESTS_UNIT_TCP_CALL_H
// A stream over TCP between a UE and a core peer, each of which connects or is connected to, for
// tests of the AGW. The UE may speak TLS.

#include "tests/unit/tcp_lab.h"

#include <fcntl.h>
#include <stdlib.h>

static struct lab lab;

// What is asked of the AGW.
struct plan {
    enum agw_tcp_setup t1, t2;
    bool explicit_start; // not the trigger
    const char *tls;     // priority of the UE's TLS; NULL: plain
    bool tls_client;     // the AGW is
    enum latching latching;
    bool aware;
    const char *local1, *remote1, *local2, *remote2; // MSRP paths
    unsigned guard_ms;
};

struct call {
    struct plan plan;
    uint32_t context;
    struct agw_reply t1, t2;
    struct tcp_peer ue, core;
    struct certificate *certificate; // of the UE
};

static inline void set_up(void)
{
    lab_defaults(&lab);
    lab_open(&lab);
}

static inline void tear_down(void)
{
    lab_close(&lab);
}

// The UE's side of plan as a request; fingerprints are those of the UE.
static inline struct agw_request request_t1(const struct call *c)
{
    const struct plan *p = &c->plan;
    struct agw_request r = request_for(AGW_T1, c->context);
    r.tcp_setup = p->t1;
    r.transport = p->aware ? p->tls ? AGW_TCP_TLS_MSRP : AGW_TCP_MSRP
                  : p->tls ? AGW_TCP_TLS
                           : AGW_TCP;
    r.latching = p->latching;
    r.notify_tcp_failure = true;
    r.remote = c->ue.addr;
    r.establish_tcp = p->t1 == AGW_TCP_CLIENT && p->explicit_start;
    r.tcp_trigger = p->t1 == AGW_TCP_SERVER && p->t2 == AGW_TCP_CLIENT && !p->explicit_start;
    r.msrp_local = p->local1;
    r.msrp_remote = p->remote1;
    if (p->tls) {
        r.local_fingerprint_request = r.notify_dtls_failure = true;
        r.remote_fingerprints = *certificate_fingerprints(c->certificate);
        r.establish_dtls = p->tls_client;
        r.role_guard_ms = p->guard_ms;
    }
    return r;
}

static inline struct agw_request request_t2(const struct call *c)
{
    const struct plan *p = &c->plan;
    struct agw_request r = request_for(AGW_T2, c->context);
    r.tcp_setup = p->t2;
    r.transport = p->aware ? AGW_TCP_MSRP : AGW_TCP;
    r.notify_tcp_failure = true;
    r.remote = c->core.addr;
    r.establish_tcp = p->t2 == AGW_TCP_CLIENT && p->explicit_start;
    r.tcp_trigger = p->t2 == AGW_TCP_SERVER && p->t1 == AGW_TCP_CLIENT && !p->explicit_start;
    r.msrp_local = p->local2;
    r.msrp_remote = p->remote2;
    return r;
}

// The peers' sockets before anybody connects: a passive one listens, an active one names a host.
static inline struct tcp_peer peer_for(enum agw_tcp_setup agw)
{
    if (agw == AGW_TCP_CLIENT)
        return tcp_peer_listen("127.0.0.1");
    struct tcp_peer p = {.fd = -1, .listener = -1, .addr = lab_addr("127.0.0.1")};
    addr_set_port(&p.addr, 9); // as an active endpoint writes it (RFC 4145 4.1)
    return p;
}

static inline void call_prepare(struct call *c, struct plan plan)
{
    *c = (struct call){.plan = plan, .ue = peer_for(plan.t1), .core = peer_for(plan.t2)};
    if (plan.tls)
        c->certificate = certificate_create(CERTIFICATE_ECDSA);
}

static inline void call_reserve_as(struct call *c, struct agw_request r1, struct agw_request r2)
{
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r1, &c->t1), REASON_NONE);
    r2.context = c->context = c->t1.context;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r2, &c->t2), REASON_NONE);
}

// Both terminations with all that is known.
static inline void call_reserve(struct call *c)
{
    call_reserve_as(c, request_t1(c), request_t2(c));
}

// T1 alone, before anything is known of the UE, as it is reserved for an offer to the UE.
static inline void call_reserve_early(struct call *c)
{
    struct agw_request early = request_t1(c);
    early.remote = (struct addr){0};
    early.remote_fingerprints.count = 0;
    early.establish_dtls = early.establish_tcp = early.tcp_trigger = false;
    early.tcp_setup = AGW_TCP_UNDECIDED;
    ck_assert_int_eq(agw_reserve(lab.agw, &early, &c->t1), REASON_NONE);
    c->context = c->t1.context;
}

// T2 after call_reserve_early().
static inline void call_reserve_core(struct call *c)
{
    struct agw_request r2 = request_t2(c);
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r2, &c->t2), REASON_NONE);
}

static inline void ue_connects(struct call *c)
{
    c->ue = tcp_peer_connect("127.0.0.1", &c->t1.local);
}

static inline void core_connects(struct call *c)
{
    c->core = tcp_peer_connect("127.0.0.1", &c->t2.local);
}

// Who is active connects, who is passive waits.
static inline void call_connect(struct call *c)
{
    if (c->plan.t1 == AGW_TCP_SERVER)
        ue_connects(c);
    if (c->plan.t2 == AGW_TCP_SERVER)
        core_connects(c);
    if (c->plan.t1 == AGW_TCP_CLIENT)
        tcp_peer_accept(&c->ue);
    if (c->plan.t2 == AGW_TCP_CLIENT)
        tcp_peer_accept(&c->core);
}

static inline void call_secure(struct call *c)
{
    tcp_peer_secure(&c->ue, c->plan.tls_client, c->plan.tls, c->certificate);
    ck_assert_int_eq(tcp_peer_handshake(&c->ue), 0);
}

static inline void call_open(struct call *c, struct plan plan)
{
    call_prepare(c, plan);
    call_reserve(c);
    call_connect(c);
    if (plan.tls)
        call_secure(c);
}

static inline void call_drop(struct call *c)
{
    tcp_peer_close(&c->ue);
    tcp_peer_close(&c->core);
    certificate_free(c->certificate);
    c->certificate = NULL;
}

static inline struct agw_notification *call_close(struct call *c)
{
    struct agw_notification *last = lab_release(&lab, c->context);
    call_drop(c);
    return last;
}

static inline void configure(struct call *c, struct agw_request r)
{
    r.context = c->context;
    ck_assert_int_eq(agw_configure(lab.agw, &r), REASON_NONE);
    lab_sync(&lab, c->context);
}

static inline void expect_both_ways(struct call *c)
{
    tcp_peer_say(&c->ue, "from the UE");
    tcp_peer_expect(&c->core, "from the UE");
    tcp_peer_say(&c->core, "from the core");
    tcp_peer_expect(&c->ue, "from the core");
}

// The one procedure that the AGW reported is this.
#define expect_told(c, event, termination, reason)                                                 \
    expect_told_at((c), (event), (termination), (reason), __LINE__)
static inline void expect_told_at(struct call *c, enum agw_event event,
                                  enum agw_termination termination, enum reason reason, int line)
{
    const struct agw_notification *n = lab_expect(&lab, c->context, event);
    ck_assert_msg(n->termination == termination && n->reason == reason, "line %d: T%d, %s", line,
                  n->termination + 1, reason_name(n->reason));
    unsigned told = 0;
    for (unsigned i = 0; i < lab.count; i++)
        told += lab.notes[i].context == c->context && agw_event_is_procedure(lab.notes[i].event);
    ck_assert_msg(told == 1, "line %d: %u procedures", line, told);
}

static inline unsigned open_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static const struct plan plain = {.t1 = AGW_TCP_SERVER, .t2 = AGW_TCP_CLIENT};

// --- much ---------------------------------------------------------------------------------------

// Byte i of a stream that nobody can confuse with another or with itself elsewhere.
static inline uint8_t pattern(uint64_t seed, uint64_t i)
{
    uint64_t x = (i / 8 + 1) * 0x9e3779b97f4a7c15ull + seed;
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9ull;
    return (uint8_t)(x >> (8 * (i % 8)));
}

static inline void fill_pattern(uint8_t *bytes, size_t len, uint64_t seed, uint64_t at)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = pattern(seed, at + i);
}

static inline void check_pattern(const uint8_t *bytes, size_t len, uint64_t seed, uint64_t at)
{
    size_t same = 0;
    while (same < len && bytes[same] == pattern(seed, at + same))
        same++;
    ck_assert_msg(same == len, "byte %llu differs", (unsigned long long)(at + same));
}

#endif
