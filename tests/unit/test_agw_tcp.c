// SPDX-License-Identifier: GPL-3.0-or-later
// Streams over TCP through the Iq interface, with real workers and sockets: who connects, who may
// not, what passes, how it ends.
#include "tests/unit/suite.h"
#include "tests/unit/tcp_call.h"

#include <malloc.h>

// --- who connects -------------------------------------------------------------------------------

START_TEST(an_incoming_connection_triggers_the_outgoing_one)
{
    // TS 23.334 5.11.2.2.1, REQ-044, REQ-045: the AGW makes a connection of its own, whichever side
    // was first.
    for (int core_first = 0; core_first < 2; core_first++) {
        struct call c;
        set_up();
        call_open(&c, (struct plan){.t1 = core_first ? AGW_TCP_CLIENT : AGW_TCP_SERVER,
                                    .t2 = core_first ? AGW_TCP_SERVER : AGW_TCP_CLIENT});
        expect_both_ways(&c);
        const struct agw_notification *n = lab_expect(&lab, c.context, AGW_TCP_CONNECTED);
        ck_assert_int_eq(n->termination, core_first ? AGW_T2 : AGW_T1);
        ck_assert(!n->outbound);
        ck_assert(addr_equal(&n->address, core_first ? &c.core.addr : &c.ue.addr));
        n = lab_expect_from(&lab, (unsigned)(n - lab.notes) + 1, c.context, AGW_TCP_CONNECTED);
        ck_assert_int_eq(n->termination, core_first ? AGW_T1 : AGW_T2);
        ck_assert(n->outbound);
        ck_assert(addr_equal(&n->address, core_first ? &c.ue.addr : &c.core.addr));
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(without_a_trigger_nobody_connects)
{
    // REQ-045: an incoming connection alone starts nothing.
    struct call c;
    set_up();
    call_prepare(&c, plain);
    c.plan.explicit_start = true;
    struct agw_request r1 = request_t1(&c), r2 = request_t2(&c);
    r2.establish_tcp = false;
    call_reserve_as(&c, r1, r2);
    ue_connects(&c);
    lab_expect(&lab, c.context, AGW_TCP_CONNECTED);
    lab_sync(&lab, c.context);
    fcntl(c.core.listener, F_SETFL, O_NONBLOCK);
    ck_assert_int_eq(accept(c.core.listener, NULL, NULL), -1);
    fcntl(c.core.listener, F_SETFL, 0);
    r2.establish_tcp = true; // explicit
    configure(&c, r2);
    tcp_peer_accept(&c.core);
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(an_explicit_start_connects_at_once)
{
    // REQ-045: Establish TCP connection sends a SYN, whatever the other side does.
    struct call c;
    set_up();
    struct plan plan = plain;
    plan.explicit_start = true;
    call_prepare(&c, plan);
    call_reserve(&c);
    tcp_peer_accept(&c.core);
    ue_connects(&c);
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(two_incoming_connections_are_merged)
{
    // TS 23.334 6.2.18.4, REQ-050: both peers are active; either may be first.
    for (int core_first = 0; core_first < 2; core_first++) {
        struct call c;
        set_up();
        call_prepare(&c, (struct plan){.t1 = AGW_TCP_SERVER, .t2 = AGW_TCP_SERVER});
        call_reserve(&c);
        if (core_first)
            core_connects(&c);
        ue_connects(&c);
        if (!core_first)
            core_connects(&c);
        expect_both_ways(&c);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(both_connections_can_be_outgoing)
{
    // RFC 4145 4: both peers are passive, the AGW opens both.
    struct call c;
    set_up();
    call_open(&c,
              (struct plan){.t1 = AGW_TCP_CLIENT, .t2 = AGW_TCP_CLIENT, .explicit_start = true});
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(connections_leave_from_the_reserved_address)
{
    // TS 23.334 8.3: the Local Connection Address is where the peer sees the AGW.
    struct call c;
    struct addr seen = {.len = sizeof seen.v6};
    set_up();
    call_open(&c, plain);
    ck_assert_int_eq(getpeername(c.core.fd, &seen.sa, &seen.len), 0);
    ck_assert(addr_equal(&seen, &c.t2.local));
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(families_may_differ)
{
    // TS 23.334 5.2: IPv6 towards the UE, IPv4 towards the core.
    struct call c;
    set_up();
    call_prepare(&c, plain);
    c.ue.addr = lab_addr("::1");
    struct agw_request r1 = request_t1(&c), r2 = request_t2(&c);
    r1.family = AF_INET6;
    call_reserve_as(&c, r1, r2);
    c.ue = tcp_peer_connect("::1", &c.t1.local);
    tcp_peer_accept(&c.core);
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(a_syn_may_come_before_the_answer)
{
    // REQ-126: from Reserve on, undecided, the port takes a connection; Configure makes it count.
    struct call c;
    set_up();
    call_prepare(&c, plain);
    struct agw_request r1 = request_t1(&c);
    call_reserve_early(&c);
    ue_connects(&c); // the kernel answers even before the worker knows
    tcp_peer_say(&c.ue, "early");
    call_reserve_core(&c);
    lab_expect(&lab, c.context, AGW_TCP_CONNECTED);
    configure(&c, r1);
    tcp_peer_accept(&c.core);
    tcp_peer_expect(&c.core, "early");
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(an_undecided_point_may_become_client)
{
    // RFC 4145 4.1: the answer says passive; the port that listened is the one that connects.
    struct call c;
    struct addr seen = {.len = sizeof seen.v6};
    set_up();
    call_prepare(&c, (struct plan){.t1 = AGW_TCP_CLIENT, .t2 = AGW_TCP_SERVER});
    struct agw_request r1 = request_t1(&c);
    call_reserve_early(&c);
    call_reserve_core(&c);
    configure(&c, r1);
    core_connects(&c);
    tcp_peer_accept(&c.ue);
    ck_assert_int_eq(getpeername(c.ue.fd, &seen.sa, &seen.len), 0);
    ck_assert(addr_equal(&seen, &c.t1.local));
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

// Nothing listens there.
static void expect_refused(const struct addr *agw)
{
    struct addr local = lab_addr("127.0.0.1");
    int fd = tcp_socket(&local);
    ck_assert_int_eq(connect(fd, &agw->sa, agw->len), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    close(fd);
}

START_TEST(holdconn_does_nothing_until_later)
{
    // RFC 4145 4.1, REQ-051: neither side connects; a later Configure changes that.
    struct call c;
    set_up();
    call_prepare(&c, plain);
    struct agw_request r1 = request_t1(&c), r2 = request_t2(&c);
    r1.tcp_trigger = false;
    r1.tcp_setup = r2.tcp_setup = AGW_TCP_HOLD;
    call_reserve_as(&c, r1, r2);
    expect_refused(&c.t1.local);
    expect_refused(&c.t2.local);
    configure(&c, request_t1(&c));
    configure(&c, request_t2(&c));
    call_connect(&c);
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

// --- who may not --------------------------------------------------------------------------------

#define SESSIONS 8

START_TEST(each_stream_has_ports_of_its_own)
{
    // REQ-139, RFC 6714 6.3: of several at one time no two share an address and port, on neither
    // side; a connection is known by the port it comes to.
    static struct call c[SESSIONS];
    const struct addr *seen[2 * SESSIONS];
    unsigned count = 0;
    set_up();
    for (unsigned i = 0; i < SESSIONS; i++) {
        call_open(&c[i], plain);
        seen[count++] = &c[i].t1.local;
        seen[count++] = &c[i].t2.local;
        for (unsigned k = 0; k < count; k++)
            for (unsigned j = 0; j < k; j++)
                ck_assert(!addr_equal(seen[k], seen[j]));
    }
    for (unsigned i = 0; i < SESSIONS; i++)
        expect_both_ways(&c[i]);
    for (unsigned i = 0; i < SESSIONS; i++)
        call_close(&c[i]);
    tear_down();
}
END_TEST

START_TEST(a_second_connection_is_refused)
{
    // TS 23.334 5.11.2.2.1: one connection per point; the first one does not notice.
    struct call c;
    set_up();
    call_open(&c, plain);
    expect_both_ways(&c);
    uint64_t before = reason_total(REASON_TCP_REFUSED);
    for (int i = 0; i < 3; i++) {
        struct tcp_peer second = tcp_peer_connect("127.0.0.1", &c.t1.local);
        tcp_peer_expect_gone(&second);
        tcp_peer_close(&second);
    }
    ck_assert_uint_eq(reason_total(REASON_TCP_REFUSED) - before, 3);
    lab_expect_drop(&lab, c.context, REASON_TCP_REFUSED);
    expect_both_ways(&c);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DROPPED), 1);
    ck_assert_uint_eq(call_close(&c)->stats.drops, 3);
    tear_down();
}
END_TEST

START_TEST(a_wrong_host_is_refused)
{
    // TS 23.334 5.4: without latching the connection comes from the signalled host.
    struct call c;
    set_up();
    call_prepare(&c, plain);
    call_reserve(&c);
    struct tcp_peer stranger = tcp_peer_connect("127.0.0.2", &c.t1.local);
    tcp_peer_expect_gone(&stranger);
    tcp_peer_close(&stranger);
    lab_expect_drop(&lab, c.context, REASON_TCP_REFUSED);
    call_connect(&c);
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(a_host_that_turns_out_wrong_is_refused)
{
    // REQ-126: whoever came before the host was signalled has to be that host.
    struct call c;
    set_up();
    call_prepare(&c, plain);
    struct agw_request r1 = request_t1(&c);
    call_reserve_early(&c);
    struct tcp_peer stranger = tcp_peer_connect("127.0.0.2", &c.t1.local);
    lab_expect(&lab, c.context, AGW_TCP_CONNECTED);
    call_reserve_core(&c);
    configure(&c, r1);
    tcp_peer_expect_gone(&stranger);
    tcp_peer_close(&stranger);
    call_connect(&c);
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(with_latching_any_host_may_connect)
{
    // TS 23.334 5.4: the UE is behind a NAT.
    struct call c;
    set_up();
    struct plan plan = plain;
    plan.latching = LATCHING_FIRST_PACKET;
    call_prepare(&c, plan);
    call_reserve(&c);
    c.ue = tcp_peer_connect("127.0.0.2", &c.t1.local);
    tcp_peer_accept(&c.core);
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(connections_that_come_to_nothing_are_bounded)
{
    // A peer that connects and leaves makes room for the next connection, a few times a second.
    struct call c;
    set_up();
    call_prepare(&c, (struct plan){.t1 = AGW_TCP_SERVER, .t2 = AGW_TCP_SERVER});
    call_reserve(&c);
    uint64_t before = reason_total(REASON_TCP_REFUSED), refused = 0;
    for (unsigned i = 1; i <= 30; i++) {
        struct tcp_peer p = tcp_peer_connect("127.0.0.1", &c.t1.local);
        tcp_peer_close(&p);
        do {
            uv_run(&lab.loop, UV_RUN_NOWAIT);
            refused = reason_total(REASON_TCP_REFUSED) - before;
        } while (lab_told(&lab, c.context, AGW_TCP_CONNECTED) + refused < i);
    }
    ck_assert_uint_ge(refused, 10);
    call_close(&c);
    tear_down();
}
END_TEST

// --- what is not established --------------------------------------------------------------------

START_TEST(a_refused_connection_is_a_failure)
{
    // TS 23.334 8: TCP connection establishment Failure indication, once.
    struct call c;
    set_up();
    call_prepare(&c, plain);
    close(c.core.listener);
    c.core.listener = -1;
    call_reserve(&c);
    ue_connects(&c);
    expect_told(&c, AGW_TCP_FAILURE, AGW_T2, REASON_TCP_CONNECT);
    tcp_peer_expect_gone(&c.ue);
    expect_refused(&c.t1.local);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(without_notify_a_failure_is_a_milestone)
{
    // Notify TCP connection establishment Failure Event was not asked for.
    struct call c;
    set_up();
    call_prepare(&c, plain);
    close(c.core.listener);
    c.core.listener = -1;
    struct agw_request r1 = request_t1(&c), r2 = request_t2(&c);
    r2.notify_tcp_failure = false;
    call_reserve_as(&c, r1, r2);
    ue_connects(&c);
    lab_expect_drop(&lab, c.context, REASON_TCP_CONNECT);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_TCP_FAILURE), 0);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(nobody_connects)
{
    // REQ-126: once the roles are settled the peer has to connect in time.
    struct call c;
    lab_defaults(&lab);
    lab.cfg.agw.handshake_timeout_ms = 100;
    lab_open(&lab);
    call_prepare(&c, plain);
    call_reserve(&c);
    expect_told(&c, AGW_TCP_FAILURE, AGW_T1, REASON_TCP_TIMEOUT);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(nobody_is_expected_before_the_roles_are_settled)
{
    // A phone may ring for minutes: an undecided point waits for ever.
    struct call c;
    lab_defaults(&lab);
    lab.cfg.agw.handshake_timeout_ms = 50;
    lab_open(&lab);
    call_prepare(&c, plain);
    struct agw_request r1 = request_t1(&c), r2 = request_t2(&c);
    r1.tcp_trigger = false;
    r1.tcp_setup = AGW_TCP_SERVER;
    r2.tcp_setup = AGW_TCP_UNDECIDED;
    call_reserve_as(&c, r1, r2);
    uint64_t end = clock_now_us() + 200000;
    while (clock_now_us() < end)
        uv_run(&lab.loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_TCP_FAILURE), 0);
    configure(&c, request_t2(&c));
    configure(&c, request_t1(&c));
    call_connect(&c);
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(a_syn_without_an_answer_times_out)
{
    // The peer's backlog is full: the kernel repeats the SYN until the AGW gives up.
    struct call c;
    struct tcp_peer crowd[4];
    lab_defaults(&lab);
    lab.cfg.agw.handshake_timeout_ms = 100;
    lab_open(&lab);
    call_prepare(&c, plain);
    ck_assert_int_eq(listen(c.core.listener, 0), 0);
    for (int i = 0; i < 4; i++) {
        struct addr local = lab_addr("127.0.0.1");
        crowd[i].fd = tcp_socket(&local);
        fcntl(crowd[i].fd, F_SETFL, O_NONBLOCK);
        (void)connect(crowd[i].fd, &c.core.addr.sa, c.core.addr.len);
    }
    call_reserve(&c);
    ue_connects(&c);
    expect_told(&c, AGW_TCP_FAILURE, AGW_T2, REASON_TCP_TIMEOUT);
    for (int i = 0; i < 4; i++)
        close(crowd[i].fd);
    call_close(&c);
    tear_down();
}
END_TEST

#define CLIENT_HELLO "\x16\x03\x01\x01\x05hello"

START_TEST(tls_between_the_two_ends_passes)
{
    // TS 23.334 5.11.3: where the AGW has no TLS, that of the ends is theirs.
    struct call c;
    set_up();
    call_open(&c, plain);
    tcp_peer_send(&c.ue, CLIENT_HELLO, sizeof CLIENT_HELLO - 1);
    tcp_peer_expect(&c.core, CLIENT_HELLO);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(tls_on_a_plain_leg_has_a_name)
{
    // REQ-142: a ClientHello on T2 where T1 has TLS, whichever side is slow.
    for (int early = 0; early < 2; early++) {
        struct call c;
        set_up();
        call_prepare(&c,
                     (struct plan){.t1 = AGW_TCP_SERVER, .t2 = AGW_TCP_SERVER, .tls = "NORMAL"});
        call_reserve(&c);
        if (!early)
            ue_connects(&c);
        core_connects(&c);
        tcp_peer_send(&c.core, CLIENT_HELLO, sizeof CLIENT_HELLO - 1);
        expect_told(&c, AGW_TCP_FAILURE, AGW_T2, REASON_TLS_ON_PLAIN);
        tcp_peer_expect_gone(&c.core);
        if (!early)
            tcp_peer_expect_gone(&c.ue);
        call_close(&c);
        tear_down();
    }
}
END_TEST

// --- how it ends --------------------------------------------------------------------------------

START_TEST(fin_passes_and_the_other_direction_goes_on)
{
    // Half-close, both ways: bytes before FIN arrive, the other direction goes on until it ends.
    for (int from_ue = 0; from_ue < 2; from_ue++) {
        struct call c;
        set_up();
        call_open(&c, plain);
        struct tcp_peer *first = from_ue ? &c.ue : &c.core, *second = from_ue ? &c.core : &c.ue;
        tcp_peer_say(first, "last words");
        shutdown(first->fd, SHUT_WR);
        tcp_peer_expect(second, "last words");
        tcp_peer_expect_end(second);
        tcp_peer_say(second, "still here");
        tcp_peer_expect(first, "still here");
        ck_assert_uint_eq(lab_told(&lab, c.context, AGW_BEARER_RELEASED), 0);
        shutdown(second->fd, SHUT_WR);
        tcp_peer_expect_end(first);
        expect_told(&c, AGW_BEARER_RELEASED, from_ue ? AGW_T1 : AGW_T2, REASON_BEARER_RELEASED);
        call_close(&c);
        tear_down();
    }
}
END_TEST

START_TEST(rst_ends_the_other_side_in_good_order)
{
    // What came before RST and was read arrives, then FIN; the ALG is told.
    struct call c;
    set_up();
    call_open(&c, plain);
    tcp_peer_say(&c.core, "last words");
    tcp_peer_expect(&c.ue, "last words");
    tcp_peer_reset(&c.core);
    tcp_peer_expect_end(&c.ue);
    expect_told(&c, AGW_BEARER_RELEASED, AGW_T2, REASON_BEARER_RELEASED);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(a_connection_made_by_the_agw_that_ends_early_ends_the_stream)
{
    // The core accepts and closes before the other side is there.
    struct call c;
    set_up();
    struct plan plan = plain;
    plan.explicit_start = true;
    call_prepare(&c, plan);
    call_reserve(&c);
    tcp_peer_accept(&c.core);
    close(c.core.fd);
    c.core.fd = -1;
    expect_told(&c, AGW_BEARER_RELEASED, AGW_T2, REASON_BEARER_RELEASED);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(a_connection_that_leaves_early_may_come_again)
{
    // An accepted one that ends without a word, with FIN or RST, makes room for another.
    struct call c;
    set_up();
    call_prepare(&c, (struct plan){.t1 = AGW_TCP_SERVER, .t2 = AGW_TCP_SERVER});
    call_reserve(&c);
    for (int reset = 0; reset < 2; reset++) {
        unsigned from = lab.count;
        ue_connects(&c);
        lab_expect_from(&lab, from, c.context, AGW_TCP_CONNECTED);
        if (reset)
            tcp_peer_reset(&c.ue);
        else
            tcp_peer_close(&c.ue);
    }
    call_connect(&c);
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(a_connection_that_has_left_carries_nothing)
{
    // It ends just before the other side connects, which the worker may hear of first: the other
    // side waits for the next one and is not ended. Often, because it takes a coincidence.
    set_up();
    for (int round = 0; round < 40; round++) {
        struct call c;
        lab.count = 0;
        call_prepare(&c, (struct plan){.t1 = AGW_TCP_SERVER, .t2 = AGW_TCP_SERVER});
        call_reserve(&c);
        ue_connects(&c);
        lab_expect(&lab, c.context, AGW_TCP_CONNECTED);
        if (round % 2)
            tcp_peer_reset(&c.ue);
        else
            tcp_peer_close(&c.ue);
        core_connects(&c);
        ue_connects(&c);
        expect_both_ways(&c);
        call_close(&c);
    }
    tear_down();
}
END_TEST

START_TEST(release_ends_both_sides_in_good_order)
{
    // TS 23.334 8.5, REQ-078: FIN on both sides, statistics, ports free.
    struct call c;
    set_up();
    call_open(&c, plain);
    expect_both_ways(&c);
    const struct agw_notification *n = lab_release(&lab, c.context);
    ck_assert_uint_eq(n->stats.bytes[AGW_T1], strlen("from the UE"));
    ck_assert_uint_eq(n->stats.bytes[AGW_T2], strlen("from the core"));
    ck_assert_uint_eq(n->stats.packets[AGW_T1], 1);
    ck_assert_uint_eq(n->stats.drops, 0);
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1) + agw_ports_used(lab.agw, AGW_T2), 0);
    tcp_peer_expect_end(&c.ue);
    tcp_peer_expect_end(&c.core);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_FIRST_MEDIA), 2);
    call_drop(&c);
    tear_down();
}
END_TEST

START_TEST(closing_the_agw_ends_streams_in_every_state)
{
    // agw_close() with streams that wait, connect, flow and have failed.
    struct call c[4];
    set_up();
    for (int i = 0; i < 4; i++)
        call_prepare(&c[i], plain);
    call_reserve(&c[0]);
    call_reserve(&c[1]);
    ue_connects(&c[1]);
    call_reserve(&c[2]);
    call_connect(&c[2]);
    expect_both_ways(&c[2]);
    close(c[3].core.listener);
    c[3].core.listener = -1;
    call_reserve(&c[3]);
    ue_connects(&c[3]);
    expect_told(&c[3], AGW_TCP_FAILURE, AGW_T2, REASON_TCP_CONNECT);
    tear_down();
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(lab_told(&lab, c[i].context, AGW_STREAM_RELEASED), 1);
    tcp_peer_expect_end(&c[2].ue);
    for (int i = 0; i < 4; i++)
        call_drop(&c[i]);
}
END_TEST

START_TEST(silence_is_told)
{
    // Media Inactivity Notification: seconds without a byte on either side.
    struct call c;
    set_up();
    call_prepare(&c, plain);
    struct agw_request r1 = request_t1(&c), r2 = request_t2(&c);
    r1.inactivity_s = r2.inactivity_s = 1;
    call_reserve_as(&c, r1, r2);
    call_connect(&c);
    expect_both_ways(&c);
    expect_told(&c, AGW_MEDIA_INACTIVE, AGW_T2, REASON_MEDIA_INACTIVE);
    expect_both_ways(&c); // it is a notification, no more
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(stream_mode_never_touches_the_connection)
{
    // RFC 4145 6.2: direction attributes do not stop TCP; MSRP has to answer even when inactive.
    struct call c;
    set_up();
    call_open(&c, plain);
    struct agw_request r1 = request_t1(&c);
    r1.mode = AGW_INACTIVE;
    r1.tcp_trigger = false;
    configure(&c, r1);
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

// --- a new connection ---------------------------------------------------------------------------

START_TEST(a_new_connection_replaces_the_old_one)
{
    // RFC 4145 5, REQ-052: a=connection:new in the answer; both points begin anew, twice.
    struct call c;
    set_up();
    call_open(&c, plain);
    expect_both_ways(&c);
    for (int round = 0; round < 2; round++) {
        struct agw_request r1 = request_t1(&c), r2 = request_t2(&c);
        r1.new_connection = r2.new_connection = true;
        configure(&c, r1);
        tcp_peer_expect_end(&c.ue);
        tcp_peer_expect_end(&c.core);
        configure(&c, r2);
        close(c.ue.fd);
        close(c.core.fd);
        call_connect(&c);
        expect_both_ways(&c);
    }
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_BEARER_RELEASED), 0);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(a_new_connection_may_turn_the_roles_around)
{
    // RFC 4145 5: with new the setup of this round counts; also after the stream had ended.
    struct call c;
    set_up();
    call_open(&c, plain);
    expect_both_ways(&c);
    close(c.ue.fd);
    tcp_peer_expect_end(&c.core);
    close(c.core.fd);
    expect_told(&c, AGW_BEARER_RELEASED, AGW_T1, REASON_BEARER_RELEASED);
    struct tcp_peer old = c.core;
    c.plan = (struct plan){.t1 = AGW_TCP_CLIENT, .t2 = AGW_TCP_SERVER};
    c.ue = peer_for(AGW_TCP_CLIENT);
    c.core = peer_for(AGW_TCP_SERVER);
    struct agw_request r1 = request_t1(&c), r2 = request_t2(&c);
    r1.new_connection = r2.new_connection = true;
    configure(&c, r2);
    configure(&c, r1);
    core_connects(&c);
    tcp_peer_accept(&c.ue);
    expect_both_ways(&c);
    close(old.listener);
    call_close(&c);
    tear_down();
}
END_TEST

// --- much ---------------------------------------------------------------------------------------

#define MUCH (64 << 20)

// Sends and receives at the same time; -1 in place of a socket: nobody does.
struct transfer {
    int from, to;
    uint64_t sent, received, want, seed;
};

static void transfer_step(struct transfer *t)
{
    static uint8_t bytes[65536];
    struct pollfd fds[2] = {{.fd = t->sent < t->want ? t->from : -1, .events = POLLOUT},
                            {.fd = t->to, .events = POLLIN}};
    ck_assert_int_gt(poll(fds, 2, WAIT_MS), 0);
    if (fds[0].revents) {
        size_t len = t->want - t->sent < sizeof bytes ? (size_t)(t->want - t->sent) : sizeof bytes;
        fill_pattern(bytes, len, t->seed, t->sent);
        ssize_t n = send(t->from, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        ck_assert_int_gt(n, 0);
        t->sent += (uint64_t)n;
    }
    if (fds[1].revents) {
        ssize_t n = recv(t->to, bytes, sizeof bytes, MSG_DONTWAIT);
        ck_assert_int_gt(n, 0);
        check_pattern(bytes, (size_t)n, t->seed, t->received);
        t->received += (uint64_t)n;
    }
}

START_TEST(much_passes_unchanged_both_ways)
{
    // REQ-057: 64 MiB each way at the same time, every byte compared.
    struct call c;
    set_up();
    call_open(&c, plain);
    struct transfer up = {c.ue.fd, c.core.fd, 0, 0, MUCH, 1};
    struct transfer down = {c.core.fd, c.ue.fd, 0, 0, MUCH, 2};
    while (up.received < MUCH || down.received < MUCH) {
        if (up.received < MUCH)
            transfer_step(&up);
        if (down.received < MUCH)
            transfer_step(&down);
    }
    const struct agw_notification *n = call_close(&c);
    ck_assert_uint_eq(n->stats.bytes[AGW_T1], MUCH);
    ck_assert_uint_eq(n->stats.bytes[AGW_T2], MUCH);
    tear_down();
}
END_TEST

// Sends until nobody takes any more. Returns how much that was.
static uint64_t stuff(struct transfer *t)
{
    static uint8_t bytes[65536];
    for (int pauses = 0; pauses < 20 && t->sent < t->want;) {
        struct pollfd room = {.fd = t->from, .events = POLLOUT};
        if (poll(&room, 1, 50) == 0) {
            pauses++;
            continue;
        }
        fill_pattern(bytes, sizeof bytes, t->seed, t->sent);
        ssize_t n = send(t->from, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        ck_assert_int_gt(n, 0);
        t->sent += (uint64_t)n;
        pauses = 0;
    }
    return t->sent;
}

// Small buffers in the kernel, so that it is the AGW's that would have to grow.
static void narrow(int fd)
{
    int size = 65536;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

START_TEST(a_stalled_reader_makes_nothing_grow)
{
    // REQ-053: back-pressure reaches the sender; memory stays; not a byte is lost in the end, and
    // the other direction never notices.
    struct call c;
    mallopt(M_ARENA_MAX, 1); // mallinfo2() knows no other
    set_up();
    call_open(&c, plain);
    expect_both_ways(&c);
    narrow(c.ue.fd);
    narrow(c.core.fd);
    size_t before = mallinfo2().uordblks;
    struct transfer up = {c.ue.fd, c.core.fd, 0, 0, MUCH, 3};
    uint64_t taken = stuff(&up);
    ck_assert_uint_lt(taken, MUCH);
    size_t grown = mallinfo2().uordblks - before;
    ck_assert_msg(grown < 256 * 1024, "the heap grew by %zu bytes", grown);
    tcp_peer_say(&c.core, "the other way");
    tcp_peer_expect(&c.ue, "the other way");
    while (up.received < MUCH)
        transfer_step(&up);
    expect_both_ways(&c);
    call_close(&c);
    tear_down();
}
END_TEST

START_TEST(what_waits_goes_out_before_fin)
{
    // The sender ends while the reader has not begun: everything arrives, then FIN.
    struct call c;
    set_up();
    call_open(&c, plain);
    narrow(c.ue.fd);
    narrow(c.core.fd);
    struct transfer up = {c.ue.fd, c.core.fd, 0, 0, MUCH, 4};
    up.want = stuff(&up);
    shutdown(c.ue.fd, SHUT_WR);
    while (up.received < up.want)
        transfer_step(&up);
    tcp_peer_expect_end(&c.core);
    call_close(&c);
    tear_down();
}
END_TEST

// --- requests without sense ---------------------------------------------------------------------

static void refused(struct agw_request r)
{
    struct agw_reply reply;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r, &reply), REASON_AGW_BAD_REQUEST);
}

START_TEST(requests_without_sense_are_refused)
{
    // What no ALG should ask for; nothing stays reserved.
    struct call c;
    struct agw_request r;
    struct agw_reply reply;
    set_up();
    call_prepare(&c, plain);
    r = request_t2(&c);
    r.establish_tcp = true;
    r.tcp_setup = AGW_TCP_SERVER;
    refused(r);
    r = request_t2(&c);
    r.msrp_local = "msrp://$/x;tcp";
    refused(r);
    r = request_t2(&c);
    r.rtcp = true;
    refused(r);
    r = request_t2(&c);
    r.transport = AGW_TCP_TLS; // towards the core
    refused(r);
    r = request_t2(&c);
    r.transport = AGW_UDP; // with TCP elements
    refused(r);
    r = request_t1(&c);
    r.transport = AGW_TCP_TLS; // no certificate asked for
    refused(r);
    r = request_t1(&c);
    r.notify_dtls_failure = true; // without TLS
    refused(r);
    r = request_t1(&c);
    r.transport = (enum agw_transport)99;
    refused(r);
    r = request_t1(&c);
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r, &reply), REASON_NONE);
    r = request_for(AGW_T2, reply.context);
    refused(r); // UDP beside TCP
    r = request_t2(&c);
    r.context = reply.context;
    r.transport = AGW_TCP_MSRP; // MSRP beside what does not know MSRP
    refused(r);
    lab_release(&lab, reply.context);
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1) + agw_ports_used(lab.agw, AGW_T2), 0);
    call_drop(&c);
    tear_down();
}
END_TEST

START_TEST(five_hundred_calls_leave_nothing_behind)
{
    // REQ-105: descriptors and ports after 500 calls, ended at different points of their lives.
    set_up();
    unsigned before = open_descriptors();
    for (int i = 0; i < 500; i++) {
        struct call c;
        call_prepare(&c, plain);
        call_reserve(&c);
        if (i % 4 > 0)
            ue_connects(&c);
        if (i % 4 > 1)
            tcp_peer_accept(&c.core);
        if (i % 4 > 2)
            expect_both_ways(&c);
        call_close(&c);
        lab.count = 0;
    }
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1) + agw_ports_used(lab.agw, AGW_T2), 0);
    ck_assert_uint_le(open_descriptors(), before);
    tear_down();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_incoming_connection_triggers_the_outgoing_one,
        without_a_trigger_nobody_connects,
        an_explicit_start_connects_at_once,
        two_incoming_connections_are_merged,
        both_connections_can_be_outgoing,
        connections_leave_from_the_reserved_address,
        families_may_differ,
        a_syn_may_come_before_the_answer,
        an_undecided_point_may_become_client,
        holdconn_does_nothing_until_later,
        each_stream_has_ports_of_its_own,
        a_second_connection_is_refused,
        a_wrong_host_is_refused,
        a_host_that_turns_out_wrong_is_refused,
        with_latching_any_host_may_connect,
        connections_that_come_to_nothing_are_bounded,
        a_refused_connection_is_a_failure,
        without_notify_a_failure_is_a_milestone,
        nobody_connects,
        nobody_is_expected_before_the_roles_are_settled,
        a_syn_without_an_answer_times_out,
        tls_between_the_two_ends_passes,
        tls_on_a_plain_leg_has_a_name,
        fin_passes_and_the_other_direction_goes_on,
        rst_ends_the_other_side_in_good_order,
        a_connection_made_by_the_agw_that_ends_early_ends_the_stream,
        a_connection_that_leaves_early_may_come_again,
        a_connection_that_has_left_carries_nothing,
        release_ends_both_sides_in_good_order,
        closing_the_agw_ends_streams_in_every_state,
        silence_is_told,
        stream_mode_never_touches_the_connection,
        a_new_connection_replaces_the_old_one,
        a_new_connection_may_turn_the_roles_around,
        much_passes_unchanged_both_ways,
        a_stalled_reader_makes_nothing_grow,
        what_waits_goes_out_before_fin,
        requests_without_sense_are_refused,
        five_hundred_calls_leave_nothing_behind,
    };
    return SUITE_RUN("agw tcp", tests);
}
