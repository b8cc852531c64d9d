// SPDX-License-Identifier: GPL-3.0-or-later
// MSRP through the Iq interface: paths are rewritten between the terminations, everything else
// passes, broken framing ends the stream.
#include "tests/unit/suite.h"
#include "tests/unit/tcp_call.h"

#include <malloc.h>
#include <pthread.h>

#define UE_PATH "msrps://127.0.0.1:7777/ue1;tcp"
#define CORE_PATH "msrp://127.0.0.1:8888/core1;tcp"

// What the AGW shows: towards the UE the session of the core, and the other way round.
static struct plan aware(bool tls)
{
    return (struct plan){.t1 = AGW_TCP_SERVER,
                         .t2 = AGW_TCP_CLIENT,
                         .tls = tls ? TLS13 : NULL,
                         .aware = true,
                         .local1 = "msrps://$/core1;tcp",
                         .remote1 = UE_PATH,
                         .local2 = "msrp://$:9/ue1;tcp",
                         .remote2 = CORE_PATH};
}

static const char *shown(const char *scheme, const struct addr *local, bool port_given,
                         const char *session, char text[static 128])
{
    char host[ADDR_STRLEN];
    if (port_given)
        snprintf(text, 128, "%s://%s:9/%s;tcp", scheme, addr_host(local, host), session);
    else
        snprintf(text, 128, "%s://%s/%s;tcp", scheme, addr_format(local, host), session);
    return text;
}

static void write_send(char text[static 1024], const char *to, const char *from)
{
    snprintf(text, 1024,
             "MSRP a786hjs2 SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: 87652491\r\n"
             "Byte-Range: 1-25/25\r\nContent-Type: text/plain\r\n\r\n"
             "Hey Bob, are you there?\r\n\r\n-------a786hjs2$\r\n",
             to, from);
}

static void write_response(char text[static 1024], const char *to, const char *from)
{
    snprintf(text, 1024,
             "MSRP a786hjs2 200 OK\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------a786hjs2$\r\n", to,
             from);
}

typedef void writer(char text[static 1024], const char *to, const char *from);

// A message of each side, as it is sent and as its receiver must see it.
struct messages {
    char of_ue[1024], at_core[1024], of_core[1024], at_ue[1024];
};

static struct messages messages_of(const struct call *c, writer *write)
{
    struct messages m;
    char at_ue[128], at_core[128];
    shown("msrps", &c->t1.local, false, "core1", at_ue);
    shown("msrp", &c->t2.local, true, "ue1", at_core);
    write(m.of_ue, at_ue, UE_PATH);
    write(m.at_core, CORE_PATH, at_core);
    write(m.of_core, at_core, CORE_PATH);
    write(m.at_ue, UE_PATH, at_ue);
    return m;
}

// One message from the UE to the core and one back.
static void expect_rewritten(struct call *c, writer *write)
{
    struct messages m = messages_of(c, write);
    tcp_peer_say(&c->ue, m.of_ue);
    tcp_peer_expect(&c->core, m.at_core);
    tcp_peer_say(&c->core, m.of_core);
    tcp_peer_expect(&c->ue, m.at_ue);
}

START_TEST(paths_are_rewritten)
{
    // REQ-055, REQ-138: To-Path and From-Path of requests and responses, both directions.
    for (int tls = 0; tls < 2; tls++) {
        struct call c;
        set_up();
        call_open(&c, aware(tls));
        expect_rewritten(&c, write_send);
        expect_rewritten(&c, write_response);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(paths_may_come_with_configure)
{
    // RFC 4975 8.4: what is not known at Reserve, and a path that changes later.
    struct call c;
    set_up();
    call_prepare(&c, aware(true));
    struct agw_request r1 = request_t1(&c), r2 = request_t2(&c);
    r1.msrp_local = r1.msrp_remote = r2.msrp_local = r2.msrp_remote = NULL;
    call_reserve_as(&c, r1, r2);
    call_connect(&c);
    call_secure(&c);
    {
        char path[sizeof UE_PATH] = UE_PATH; // borrowed for the call
        r1 = request_t1(&c);
        r1.msrp_remote = path;
        configure(&c, r1);
        memset(path, 'x', sizeof path - 1);
    }
    configure(&c, request_t2(&c));
    expect_rewritten(&c, write_send);
    call_close(&c);
    tear_down();
}
END_TEST

// Which path is not known yet when both connections are up.
static const struct {
    enum agw_tcp_setup t1, t2;
    enum agw_termination late;
    bool tls;
} early[] = {
    {AGW_TCP_CLIENT, AGW_TCP_SERVER, AGW_T2, true},
    {AGW_TCP_CLIENT, AGW_TCP_SERVER, AGW_T2, false},
    {AGW_TCP_SERVER, AGW_TCP_CLIENT, AGW_T1, true},
    {AGW_TCP_SERVER, AGW_TCP_CLIENT, AGW_T1, false},
};

START_TEST(what_comes_before_the_paths_waits_for_them)
{
    // REQ-055: the answer configures one termination after the other; what the endpoints say in
    // between is never passed on under paths that are not the receiver's own.
    for (size_t i = 0; i < sizeof early / sizeof early[0]; i++) {
        struct call c;
        struct plan plan = aware(early[i].tls);
        plan.t1 = early[i].t1;
        plan.t2 = early[i].t2;
        plan.tls_client = plan.t1 == AGW_TCP_CLIENT;
        set_up();
        call_prepare(&c, plan);
        struct agw_request r1 = request_t1(&c), r2 = request_t2(&c);
        *(early[i].late == AGW_T1 ? &r1.msrp_remote : &r2.msrp_remote) = NULL;
        call_reserve_as(&c, r1, r2);
        call_connect(&c);
        if (early[i].tls)
            call_secure(&c);
        struct messages m = messages_of(&c, write_send);
        tcp_peer_say(&c.ue, m.of_ue);
        tcp_peer_say(&c.core, m.of_core);
        lab_sync(&lab, c.context);
        lab_sync(&lab, c.context);
        configure(&c, early[i].late == AGW_T1 ? request_t1(&c) : request_t2(&c));
        tcp_peer_expect(&c.core, m.at_core);
        tcp_peer_expect(&c.ue, m.at_ue);
        expect_rewritten(&c, write_response);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(broken_framing_ends_the_stream)
{
    // RFC 4975 7.1: what is no MSRP; closed on both sides, counted, told.
    for (int tls = 0; tls < 2; tls++) {
        struct call c;
        set_up();
        call_open(&c, aware(tls));
        expect_rewritten(&c, write_send);
        uint64_t before = reason_total(REASON_MSRP_FRAMING);
        tcp_peer_say(&c.ue, "GET / HTTP/1.1\r\n\r\n");
        tcp_peer_expect_end(&c.ue);
        tcp_peer_expect_end(&c.core);
        expect_told(&c, AGW_BEARER_RELEASED, AGW_T1, REASON_MSRP_FRAMING);
        ck_assert_uint_eq(reason_total(REASON_MSRP_FRAMING) - before, 1);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(one_byte_at_a_time_is_enough)
{
    // A message in single bytes arrives as one in a piece would.
    struct call c;
    char sent[1024], seen[1024], at_ue[128], at_core[128];
    set_up();
    call_open(&c, aware(false));
    write_send(sent, shown("msrps", &c.t1.local, false, "core1", at_ue), UE_PATH);
    write_send(seen, CORE_PATH, shown("msrp", &c.t2.local, true, "ue1", at_core));
    for (const char *p = sent; *p; p++)
        tcp_peer_send(&c.ue, p, 1);
    tcp_peer_expect(&c.core, seen);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(a_new_connection_begins_a_new_message)
{
    // The old connection ended in the middle of one; the new one is read from its beginning.
    struct call c;
    set_up();
    call_open(&c, aware(false));
    expect_rewritten(&c, write_send);
    tcp_peer_say(&c.ue, "MSRP a786hjs2 SEND\r\nTo-Pa");
    struct agw_request r1 = request_t1(&c), r2 = request_t2(&c);
    r1.new_connection = r2.new_connection = true;
    configure(&c, r1);
    configure(&c, r2);
    close(c.ue.fd);
    close(c.core.fd);
    call_connect(&c);
    expect_rewritten(&c, write_send);
    call_close(&c);
    tear_down();
}
END_TEST

#define IDLE_STREAMS 40

START_TEST(an_idle_stream_is_small)
{
    // Less than 32 KiB of heap per stream with TLS and rewriting, after it has been used:
    // certificate, session, two rewriters, everything.
    static struct call c[IDLE_STREAMS];
    mallopt(M_ARENA_MAX, 1); // mallinfo2() knows no other
    set_up();
    for (int i = 0; i < IDLE_STREAMS; i++)
        call_prepare(&c[i], aware(true));
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < IDLE_STREAMS; i++) {
        call_reserve(&c[i]);
        call_connect(&c[i]);
        call_secure(&c[i]);
        expect_rewritten(&c[i], write_send);
        gnutls_deinit(c[i].ue.tls); // not the AGW's
        c[i].ue.tls = NULL;
        lab_sync(&lab, c[i].context);
    }
    size_t each = (mallinfo2().uordblks - before) / IDLE_STREAMS;
    ck_assert_msg(each < 32 * 1024, "%zu bytes per stream", each);
    for (int i = 0; i < IDLE_STREAMS; i++)
        call_close(&c[i]);
    tear_down();
}
END_TEST

// --- much ---------------------------------------------------------------------------------------

#define MUCH (8 << 20)
#define SMALL_MESSAGES 30000

struct writing {
    struct call *call;
    const char *one;
};

static void *write_body(void *arg)
{
    static uint8_t bytes[65536];
    const struct writing *w = arg;
    for (uint64_t at = 0; at < MUCH; at += sizeof bytes) {
        fill_pattern(bytes, sizeof bytes, 9, at);
        tcp_peer_send(&w->call->ue, bytes, sizeof bytes);
    }
    tcp_peer_say(&w->call->ue, "\r\n-------a786hjs2$\r\n");
    return NULL;
}

START_TEST(a_large_body_passes_unchanged)
{
    // REQ-056: 8 MiB in one message, TLS on one side, every byte compared.
    static uint8_t bytes[65536];
    struct call c;
    pthread_t thread;
    char head[1024], seen[1024], at_ue[128], at_core[128];
    set_up();
    call_open(&c, aware(true));
    write_send(head, shown("msrps", &c.t1.local, false, "core1", at_ue), UE_PATH);
    write_send(seen, CORE_PATH, shown("msrp", &c.t2.local, true, "ue1", at_core));
    *strstr(head, "Hey Bob") = *strstr(seen, "Hey Bob") = '\0';
    tcp_peer_say(&c.ue, head);
    struct writing w = {&c, NULL};
    ck_assert_int_eq(pthread_create(&thread, NULL, write_body, &w), 0);
    tcp_peer_expect(&c.core, seen);
    for (uint64_t at = 0; at < MUCH;) {
        size_t want = MUCH - at < sizeof bytes ? (size_t)(MUCH - at) : sizeof bytes;
        ssize_t n = tcp_peer_try_receive(&c.core, bytes, want);
        ck_assert_int_gt(n, 0);
        check_pattern(bytes, (size_t)n, 9, at);
        at += (uint64_t)n;
    }
    tcp_peer_expect(&c.core, "\r\n-------a786hjs2$\r\n");
    pthread_join(thread, NULL);
    call_close(&c);
    tear_down();
}
END_TEST

static void *write_small(void *arg)
{
    const struct writing *w = arg;
    for (int i = 0; i < SMALL_MESSAGES; i++)
        tcp_peer_say(&w->call->core, w->one);
    shutdown(w->call->core.fd, SHUT_WR);
    return NULL;
}

START_TEST(messages_that_grow_wait_for_a_slow_reader)
{
    // REQ-053: rewriting makes small messages longer; the reader is slow; nothing is lost, and the
    // end comes behind the last byte.
    struct call c;
    pthread_t thread;
    char sent[1024], seen[1024], at_ue[128], at_core[128];
    // fixed, or it would grow; less than a segment of the loopback makes the kernel wait for its
    // timers
    int size = 131072;
    struct plan plan = aware(true);
    plan.remote1 = "msrps://a-name-that-is-much-longer-than-an-address.example.org:7777/ue1;tcp";
    set_up();
    call_open(&c, plan);
    setsockopt(c.ue.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    write_response(sent, shown("msrp", &c.t2.local, true, "ue1", at_core), CORE_PATH);
    write_response(seen, plan.remote1, shown("msrps", &c.t1.local, false, "core1", at_ue));
    struct writing w = {&c, sent};
    ck_assert_int_eq(pthread_create(&thread, NULL, write_small, &w), 0);
    struct pollfd none = {.fd = -1};
    (void)poll(&none, 1, 300); // everything is full now
    for (int i = 0; i < SMALL_MESSAGES; i++)
        tcp_peer_expect(&c.ue, seen);
    tcp_peer_expect_end(&c.ue);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(call_close(&c)->stats.bytes[AGW_T2], SMALL_MESSAGES * strlen(sent));
    tear_down();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        paths_are_rewritten,
        paths_may_come_with_configure,
        what_comes_before_the_paths_waits_for_them,
        broken_framing_ends_the_stream,
        one_byte_at_a_time_is_enough,
        a_new_connection_begins_a_new_message,
        an_idle_stream_is_small,
        a_large_body_passes_unchanged,
        messages_that_grow_wait_for_a_slow_reader,
    };
    return SUITE_RUN("agw msrp", tests);
}
