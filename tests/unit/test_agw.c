// SPDX-License-Identifier: GPL-3.0-or-later
// The Iq procedures and the plain datagram path, with real workers and sockets.
#include "tests/unit/agw_lab.h"
#include "tests/unit/suite.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>

static struct lab lab;

// A plain stream between a UE and a core peer.
struct call {
    uint32_t context;
    struct agw_reply t1, t2;
    struct peer ue, core;
};

// --- fixture ------------------------------------------------------------------------------------

static const char *host_of(int family)
{
    return family == AF_INET6 ? "::1" : "127.0.0.1";
}

// Both addresses are signalled unless the request says known = false for the UE's.
static void call_open_as(struct call *c, struct agw_request r1, struct agw_request r2, bool known)
{
    c->ue = peer_open_at(host_of(r1.family), NULL);
    c->core = peer_open_at(host_of(r2.family), NULL);
    if (known)
        r1.remote = c->ue.addr;
    r2.remote = c->core.addr;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r1, &c->t1), REASON_NONE);
    r2.context = c->context = c->t1.context;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r2, &c->t2), REASON_NONE);
    c->ue.agw = c->t1.local;
    c->core.agw = c->t2.local;
    lab_sync(&lab, c->context);
}

static void call_open(struct call *c)
{
    call_open_as(c, request_for(AGW_T1, 0), request_for(AGW_T2, 0), true);
}

static void call_open_latching(struct call *c, enum latching latching, bool known)
{
    struct agw_request r1 = request_for(AGW_T1, 0);
    r1.latching = latching;
    call_open_as(c, r1, request_for(AGW_T2, 0), known);
}

static void call_close(struct call *c)
{
    lab_release(&lab, c->context);
    peer_close(&c->ue);
    peer_close(&c->core);
}

static void set_up(void)
{
    lab_defaults(&lab);
    lab_open(&lab);
}

static void expect_both_ways(struct call *c)
{
    peer_send(&c->ue, "from the UE");
    peer_expect(&c->core, "from the UE");
    peer_send(&c->core, "from the core");
    peer_expect(&c->ue, "from the core");
}

static void configure(const struct call *c, struct agw_request r)
{
    r.context = c->context;
    ck_assert_int_eq(agw_configure(lab.agw, &r), REASON_NONE);
    lab_sync(&lab, c->context);
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

// --- relaying -----------------------------------------------------------------------------------

static void relay_both_ways(int access, int core)
{
    struct call c;
    struct agw_request r1 = request_for(AGW_T1, 0), r2 = request_for(AGW_T2, 0);
    r1.family = access;
    r2.family = core;
    set_up();
    call_open_as(&c, r1, r2, true);
    ck_assert_int_eq(addr_family(&c.t1.local), access);
    ck_assert_int_eq(addr_family(&c.t2.local), core);
    for (int i = 0; i < 3; i++)
        expect_both_ways(&c);
    call_close(&c);
    lab_close(&lab);
}

START_TEST(datagrams_pass_both_ways_ipv4)
{
    // TS 23.334 6.2.1: what arrives at one termination leaves at the other.
    relay_both_ways(AF_INET, AF_INET);
}
END_TEST

START_TEST(datagrams_pass_both_ways_ipv6)
{
    // The same over IPv6.
    relay_both_ways(AF_INET6, AF_INET6);
}
END_TEST

START_TEST(families_are_converted)
{
    // TS 23.334 5.2: the families of the terminations are independent.
    relay_both_ways(AF_INET, AF_INET6);
    relay_both_ways(AF_INET6, AF_INET);
}
END_TEST

START_TEST(datagrams_of_every_size_pass_unchanged)
{
    // One datagram in, the same datagram out, up to the path MTU.
    struct call c;
    uint8_t out[1472], in[2048];
    set_up();
    call_open(&c);
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (uint8_t)(i * 7);
    for (size_t len = 1; len <= sizeof out; len += 163) {
        peer_send_bytes(&c.ue, out, len);
        ck_assert_int_eq(peer_receive(&c.core, in, sizeof in, WAIT_MS), (ssize_t)len);
        ck_assert_mem_eq(in, out, len);
    }
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(rtcp_has_its_own_path)
{
    // RFC 3550 11: RTCP on the port above, joined with RTCP on the other side.
    struct call c;
    struct agw_request r1 = request_for(AGW_T1, 0), r2 = request_for(AGW_T2, 0);
    set_up();
    struct peer ue_rtcp = peer_open(NULL), core_rtcp = peer_open(NULL);
    r1.rtcp = r2.rtcp = true;
    r1.remote_rtcp = ue_rtcp.addr;
    r2.remote_rtcp = core_rtcp.addr;
    call_open_as(&c, r1, r2, true);
    ck_assert_uint_eq(addr_port(&c.t1.local) % 2, 0);
    ck_assert_uint_eq(addr_port(&c.t1.local_rtcp), addr_port(&c.t1.local) + 1);
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1), 2);
    ue_rtcp.agw = c.t1.local_rtcp;
    core_rtcp.agw = c.t2.local_rtcp;
    expect_both_ways(&c);
    peer_send(&ue_rtcp, "report");
    peer_expect(&core_rtcp, "report");
    peer_send(&core_rtcp, "reply");
    peer_expect(&ue_rtcp, "reply");
    peer_expect_nothing(&c.core);
    peer_close(&ue_rtcp);
    peer_close(&core_rtcp);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(rtcp_on_the_port_of_rtp_needs_no_socket_of_its_own)
{
    // RFC 5761 5.1.1: agreed on both terminations, RTCP has one socket with RTP; when a later
    // agreement falls back, the former ports serve again.
    struct call c;
    struct agw_request r1 = request_for(AGW_T1, 0), r2 = request_for(AGW_T2, 0);
    set_up();
    struct peer ue_rtcp = peer_open(NULL), core_rtcp = peer_open(NULL);
    unsigned before = open_descriptors();
    r1.rtcp = r2.rtcp = r1.rtcp_mux = r2.rtcp_mux = true;
    call_open_as(&c, r1, r2, true); // and its two peers
    ck_assert_uint_eq(open_descriptors(), before + 2 + 2);
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1), 2);
    expect_both_ways(&c);
    r1.rtcp_mux = r2.rtcp_mux = false;
    r1.remote_rtcp = ue_rtcp.addr;
    r2.remote_rtcp = core_rtcp.addr;
    r1.remote = c.ue.addr;
    r2.remote = c.core.addr;
    configure(&c, r1);
    configure(&c, r2);
    ck_assert_uint_eq(open_descriptors(), before + 2 + 4);
    ue_rtcp.agw = c.t1.local_rtcp;
    core_rtcp.agw = c.t2.local_rtcp;
    peer_send(&ue_rtcp, "report");
    peer_expect(&core_rtcp, "report");
    peer_send(&core_rtcp, "reply");
    peer_expect(&ue_rtcp, "reply");
    r1.rtcp_mux = true;
    configure(&c, r1); // the other side has not agreed
    ck_assert_uint_eq(open_descriptors(), before + 2 + 4);
    r2.rtcp_mux = true;
    configure(&c, r2);
    ck_assert_uint_eq(open_descriptors(), before + 2 + 2);
    expect_both_ways(&c);
    call_close(&c);
    peer_close(&ue_rtcp);
    peer_close(&core_rtcp);
    lab_close(&lab);
}
END_TEST

START_TEST(a_port_of_rtcp_that_is_lost_refuses_the_fall_back)
{
    // What a foreign process took meanwhile cannot be had again: nothing changes, media go on.
    struct call c;
    struct agw_request r1 = request_for(AGW_T1, 0), r2 = request_for(AGW_T2, 0);
    set_up();
    r1.rtcp = r2.rtcp = r1.rtcp_mux = r2.rtcp_mux = true;
    call_open_as(&c, r1, r2, true);
    int foreign = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(bind(foreign, &c.t2.local_rtcp.sa, c.t2.local_rtcp.len), 0);
    unsigned before = open_descriptors();
    r1.context = c.context;
    r1.rtcp_mux = false;
    ck_assert_int_eq(agw_configure(lab.agw, &r1), REASON_AGW_NO_PORT);
    ck_assert_uint_eq(open_descriptors(), before);
    expect_both_ways(&c);
    close(foreign);
    ck_assert_int_eq(agw_configure(lab.agw, &r1), REASON_NONE);
    lab_sync(&lab, c.context);
    ck_assert_uint_eq(open_descriptors(), before - 1 + 2);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(rtcp_goes_to_the_port_above_unless_told_otherwise)
{
    // RFC 3605 2.1: without a=rtcp the RTCP port is the next one.
    struct call c;
    struct agw_request r1 = request_for(AGW_T1, 0), r2 = request_for(AGW_T2, 0);
    r1.rtcp = r2.rtcp = true;
    set_up();
    call_open_as(&c, r1, r2, true);
    struct peer above = {.fd = socket(AF_INET, SOCK_DGRAM, 0), .addr = c.core.addr};
    addr_set_port(&above.addr, (uint16_t)(addr_port(&c.core.addr) + 1));
    if (bind(above.fd, &above.addr.sa, above.addr.len) == 0) { // else somebody else has it
        struct peer ue_rtcp = {.fd = socket(AF_INET, SOCK_DGRAM, 0), .addr = c.ue.addr};
        addr_set_port(&ue_rtcp.addr, (uint16_t)(addr_port(&c.ue.addr) + 1));
        ue_rtcp.agw = c.t1.local_rtcp;
        ck_assert_int_eq(bind(ue_rtcp.fd, &ue_rtcp.addr.sa, ue_rtcp.addr.len), 0);
        peer_send(&ue_rtcp, "report");
        peer_expect(&above, "report");
        peer_close(&ue_rtcp);
    }
    peer_close(&above);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(streams_of_a_context_are_apart)
{
    // TS 23.334 6.8: terminations carry streams; what belongs to one never leaves in another.
    struct call a, b;
    struct agw_request r1 = request_for(AGW_T1, 0), r2 = request_for(AGW_T2, 0);
    set_up();
    call_open(&a);
    r1.context = r2.context = a.context;
    r1.stream = r2.stream = 2;
    call_open_as(&b, r1, r2, true);
    ck_assert_uint_eq(a.context, b.context);
    peer_send(&a.ue, "one");
    peer_send(&b.ue, "two");
    peer_expect(&a.core, "one");
    peer_expect(&b.core, "two");
    agw_release(lab.agw, a.context, 1);
    struct agw_notification *n = lab_expect(&lab, a.context, AGW_STREAM_RELEASED);
    ck_assert_uint_eq(n->stream, 1);
    expect_both_ways(&b); // REQ-076: the other stream goes on
    call_close(&b);
    peer_close(&a.ue);
    peer_close(&a.core);
    lab_close(&lab);
}
END_TEST

START_TEST(an_unreachable_peer_harms_nothing)
{
    // ICMP port unreachable for one datagram neither stops nor loses those after it.
    struct call c;
    set_up();
    call_open(&c);
    expect_both_ways(&c);
    struct addr core = c.core.addr;
    peer_close(&c.core);
    for (int i = 0; i < 20; i++)
        peer_send(&c.ue, "nobody listens");
    peer_send(&c.ue, "");
    c.core = (struct peer){.fd = socket(AF_INET, SOCK_DGRAM, 0), .addr = core, .agw = c.t2.local};
    ck_assert_int_eq(bind(c.core.fd, &core.sa, core.len), 0);
    peer_send(&c.core, "back again");
    peer_expect(&c.ue, "back again");
    peer_send(&c.ue, "welcome");
    char buf[32];
    ssize_t n;
    do // some of the twenty may still have been on their way
        n = peer_receive(&c.core, buf, sizeof buf, WAIT_MS);
    while (n > 0 && buf[0] == 'n');
    ck_assert_int_eq(n, 7);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

// --- remote addresses and latching --------------------------------------------------------------

START_TEST(without_latching_only_the_signalled_address_counts)
{
    // TS 23.334 5.4: a stranger is dropped, counted and told; the peer is heard.
    struct call c;
    set_up();
    call_open_latching(&c, LATCHING_OFF, true);
    struct peer stranger = peer_open(&c.t1.local);
    uint64_t before = reason_total(REASON_DROP_WRONG_SOURCE);
    peer_send(&stranger, "let me in");
    struct agw_notification *n = lab_expect_drop(&lab, c.context, REASON_DROP_WRONG_SOURCE);
    ck_assert_int_eq(n->termination, AGW_T1);
    ck_assert(addr_equal(&n->address, &stranger.addr));
    ck_assert_uint_eq(reason_total(REASON_DROP_WRONG_SOURCE), before + 1);
    expect_both_ways(&c);
    peer_expect_nothing(&c.core);
    peer_close(&stranger);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(without_address_and_latching_nothing_passes_until_configure)
{
    // Media from the core wait for Configure: DROP_NO_REMOTE, once told.
    struct call c;
    set_up();
    call_open_latching(&c, LATCHING_OFF, false);
    peer_send(&c.core, "too early");
    lab_expect_drop(&lab, c.context, REASON_DROP_NO_REMOTE);
    peer_send(&c.ue, "too early");
    lab_expect_drop(&lab, c.context, REASON_DROP_WRONG_SOURCE);
    struct agw_request r = request_for(AGW_T1, 0);
    r.remote = c.ue.addr;
    configure(&c, r);
    expect_both_ways(&c);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(a_stream_with_one_termination_drops_for_want_of_a_destination)
{
    // Reserve of T1 alone: what arrives there has nowhere to go.
    struct agw_reply reply;
    struct agw_request r = request_for(AGW_T1, 0);
    set_up();
    r.latching = LATCHING_FIRST_PACKET;
    ck_assert_int_eq(agw_reserve(lab.agw, &r, &reply), REASON_NONE);
    struct peer ue = peer_open(&reply.local);
    peer_send(&ue, "hello?");
    lab_expect_drop(&lab, reply.context, REASON_DROP_NO_REMOTE);
    lab_release(&lab, reply.context);
    peer_close(&ue);
    lab_close(&lab);
}
END_TEST

static void latch_onto_first(enum latching latching)
{
    struct call c;
    set_up();
    call_open_latching(&c, latching, true);
    struct peer nat = peer_open(&c.t1.local);
    peer_send(&nat, "through the NAT");
    peer_expect(&c.core, "through the NAT");
    struct agw_notification *n = lab_expect(&lab, c.context, AGW_LATCHED);
    ck_assert(addr_equal(&n->address, &nat.addr));
    peer_send(&c.core, "back through the NAT");
    peer_expect(&nat, "back through the NAT");
    peer_send(&c.ue, "who else"); // the signalled address lost its chance
    peer_send(&nat, "locked");
    peer_expect(&c.core, "locked");
    peer_expect_nothing(&c.ue);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_LATCHED), 1);
    peer_close(&nat);
    call_close(&c);
    lab_close(&lab);
}

START_TEST(the_first_datagram_latches_and_locks)
{
    // TS 23.334 5.4: the source of the first datagram becomes the destination, over the SDP's.
    latch_onto_first(LATCHING_FIRST_PACKET);
}
END_TEST

START_TEST(after_dtls_is_first_packet_on_a_plain_termination)
{
    // There is no DTLS to wait for.
    latch_onto_first(LATCHING_AFTER_DTLS);
}
END_TEST

START_TEST(before_it_latches_the_signalled_address_is_used)
{
    // The core may speak first.
    struct call c;
    set_up();
    call_open_latching(&c, LATCHING_FIRST_PACKET, true);
    peer_send(&c.core, "ringing");
    peer_expect(&c.ue, "ringing");
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(relatch_moves_to_the_next_source)
{
    // Latching Requirement in Configure: the old source stays until another one speaks.
    struct call c;
    set_up();
    call_open_latching(&c, LATCHING_FIRST_PACKET, true);
    expect_both_ways(&c);
    struct agw_request r = request_for(AGW_T1, 0);
    r.relatch = true;
    configure(&c, r);
    expect_both_ways(&c);
    struct peer moved = peer_open(&c.t1.local);
    peer_send(&moved, "I moved");
    peer_expect(&c.core, "I moved");
    peer_send(&c.core, "noted");
    peer_expect(&moved, "noted");
    peer_send(&c.ue, "an echo");
    peer_send(&moved, "still me");
    peer_expect(&c.core, "still me");
    peer_close(&moved);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(a_new_signalled_address_is_followed_without_nat)
{
    // The latch agreed with the SDP so far: the new address is reachable too.
    struct call c;
    set_up();
    call_open_latching(&c, LATCHING_FIRST_PACKET, true);
    expect_both_ways(&c);
    struct peer moved = peer_open(&c.t1.local);
    struct agw_request r = request_for(AGW_T1, 0);
    r.remote = moved.addr;
    configure(&c, r);
    peer_send(&c.core, "to the new address");
    peer_expect(&moved, "to the new address");
    peer_send(&moved, "from the new address");
    peer_expect(&c.core, "from the new address");
    peer_close(&moved);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(a_new_signalled_address_does_not_break_nat)
{
    // The SDP was wrong before (NAT): the latched address stays until media come from elsewhere.
    struct call c;
    set_up();
    call_open_latching(&c, LATCHING_FIRST_PACKET, true);
    struct peer nat = peer_open(&c.t1.local), moved = peer_open(&c.t1.local);
    peer_send(&nat, "first");
    peer_expect(&c.core, "first");
    struct agw_request r = request_for(AGW_T1, 0);
    r.remote = lab_addr("127.0.0.9");
    addr_set_port(&r.remote, 9);
    configure(&c, r);
    peer_send(&c.core, "still to the NAT");
    peer_expect(&nat, "still to the NAT");
    peer_send(&moved, "new binding");
    peer_expect(&c.core, "new binding");
    peer_send(&c.core, "to the new binding");
    peer_expect(&moved, "to the new binding");
    peer_close(&nat);
    peer_close(&moved);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(naming_the_peer_at_last_does_not_loosen_the_latch)
{
    // The latch closed before the SDP came: a stranger cannot use the moment.
    struct call c;
    set_up();
    call_open_latching(&c, LATCHING_FIRST_PACKET, false);
    expect_both_ways(&c);
    struct agw_request r = request_for(AGW_T1, 0);
    r.remote = lab_addr("127.0.0.9");
    addr_set_port(&r.remote, 9);
    configure(&c, r);
    struct peer stranger = peer_open(&c.t1.local);
    peer_send(&stranger, "mine now");
    expect_both_ways(&c);
    peer_expect_nothing(&stranger);
    peer_close(&stranger);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(hold_by_address_changes_nothing)
{
    // RFC 3264 8.4: 0.0.0.0 is no address; the mode says what hold means.
    struct call c;
    set_up();
    call_open(&c);
    struct agw_request r = request_for(AGW_T1, 0);
    r.remote = lab_addr("0.0.0.0");
    configure(&c, r);
    expect_both_ways(&c);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(an_empty_datagram_latches_and_carries_nothing)
{
    // RFC 6263 4.1: a keep-alive opens the way; there is nothing to relay.
    struct call c;
    set_up();
    call_open_latching(&c, LATCHING_FIRST_PACKET, false);
    peer_send(&c.ue, "");
    lab_expect(&lab, c.context, AGW_LATCHED);
    peer_send(&c.core, "there you are");
    peer_expect(&c.ue, "there you are");
    peer_expect_nothing(&c.core);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

// --- gate, rate, size, inactivity ---------------------------------------------------------------

// Sends both ways and looks what arrives; the drop of the other direction is told.
static void expect_mode(enum agw_mode mode, bool up, bool down)
{
    struct call c;
    struct agw_request r1 = request_for(AGW_T1, 0);
    set_up();
    r1.mode = mode;
    call_open_as(&c, r1, request_for(AGW_T2, 0), true);
    peer_send(&c.ue, "up");
    peer_send(&c.core, "down");
    if (up)
        peer_expect(&c.core, "up");
    if (down)
        peer_expect(&c.ue, "down");
    if (!up || !down)
        lab_expect_drop(&lab, c.context, REASON_DROP_GATE);
    struct agw_stream_stats stats = lab_release(&lab, c.context)->stats;
    ck_assert_uint_eq(stats.packets[AGW_T1], up);
    ck_assert_uint_eq(stats.packets[AGW_T2], down);
    ck_assert_uint_eq(stats.bytes[AGW_T1], up ? 2 : 0);
    ck_assert_uint_eq(stats.drops, !up + !down);
    peer_close(&c.ue);
    peer_close(&c.core);
    lab_close(&lab);
}

START_TEST(the_mode_is_a_gate)
{
    // TS 23.334 7.3 (gate): as seen from the AGW, per direction.
    expect_mode(AGW_SEND_RECEIVE, true, true);
    expect_mode(AGW_SEND_ONLY, false, true);
    expect_mode(AGW_RECEIVE_ONLY, true, false);
    expect_mode(AGW_INACTIVE, false, false);
}
END_TEST

START_TEST(hold_and_resume_change_the_gate_only)
{
    // REQ-088: same ports, same addresses, media flow again.
    struct call c;
    set_up();
    call_open(&c);
    expect_both_ways(&c);
    struct agw_request r = request_for(AGW_T2, 0);
    r.mode = AGW_INACTIVE;
    configure(&c, r);
    peer_send(&c.ue, "held");
    lab_expect_drop(&lab, c.context, REASON_DROP_GATE);
    r.mode = AGW_SEND_RECEIVE;
    configure(&c, r);
    expect_both_ways(&c);
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1), 1);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(what_exceeds_the_peak_rate_is_dropped)
{
    // REQ-098: 64 kbit/s let through what the bucket holds, not ten times as much.
    struct call c;
    struct agw_request r1 = request_for(AGW_T1, 0);
    char datagram[972] = {0}; // 1000 bytes on the wire
    set_up();
    r1.peak_rate_kbps = 64;
    call_open_as(&c, r1, request_for(AGW_T2, 0), true);
    uint64_t start = clock_now_us();
    for (int i = 0; i < 40; i++)
        peer_send_bytes(&c.ue, datagram, sizeof datagram);
    lab_expect_drop(&lab, c.context, REASON_DROP_RATE);
    peer_send(&c.core, "not policed");
    peer_expect(&c.ue, "not policed");
    struct agw_stream_stats stats = lab_release(&lab, c.context)->stats;
    // 4096 bytes at once, and 8000 a second while it took.
    uint64_t most = 4 + 8 * (clock_now_us() - start) / 1000000 + 1;
    ck_assert_uint_eq(stats.packets[AGW_T1] + stats.drops, 40);
    ck_assert_uint_ge(stats.packets[AGW_T1], 4);
    ck_assert_uint_le(stats.packets[AGW_T1], most);
    peer_close(&c.ue);
    peer_close(&c.core);
    lab_close(&lab);
}
END_TEST

START_TEST(oversize_is_dropped_or_fragmented_as_configured)
{
    // REQ-079: above the path MTU, by configuration; counted in both cases.
    static uint8_t datagram[1473], in[2048];
    for (int drop = 0; drop <= 1; drop++) {
        struct call c;
        lab_defaults(&lab);
        lab.cfg.agw.drop_oversize = drop;
        lab_open(&lab);
        call_open(&c);
        uint64_t before = reason_total(REASON_DROP_OVERSIZE);
        peer_send_bytes(&c.ue, datagram, sizeof datagram);
        if (drop)
            lab_expect_drop(&lab, c.context, REASON_DROP_OVERSIZE);
        else
            ck_assert_int_eq(peer_receive(&c.core, in, sizeof in, WAIT_MS),
                             (ssize_t)sizeof datagram);
        ck_assert_uint_eq(reason_total(REASON_DROP_OVERSIZE), before + 1);
        peer_send_bytes(&c.ue, datagram, sizeof datagram - 1);
        ck_assert_int_eq(peer_receive(&c.core, in, sizeof in, WAIT_MS),
                         (ssize_t)sizeof datagram - 1);
        call_close(&c);
        lab_close(&lab);
    }
}
END_TEST

START_TEST(silence_is_told_once_and_again_after_media)
{
    // Media Inactivity Notification (TS 23.334 8): once per silence.
    struct call c;
    struct agw_request r1 = request_for(AGW_T1, 0);
    set_up();
    r1.inactivity_s = 1;
    call_open_as(&c, r1, request_for(AGW_T2, 0), true);
    expect_both_ways(&c);
    struct agw_notification *n = lab_expect(&lab, c.context, AGW_MEDIA_INACTIVE);
    ck_assert_int_eq(n->termination, AGW_T1);
    ck_assert_int_eq(n->reason, REASON_MEDIA_INACTIVE);
    const struct agw_notification *first = lab_expect(&lab, c.context, AGW_FIRST_MEDIA);
    ck_assert_uint_ge(n->time_us - first->time_us, 1000000);
    unsigned from = lab.count;
    expect_both_ways(&c);
    lab_expect_from(&lab, from, c.context, AGW_MEDIA_AGAIN); // PCSCF-082
    lab_expect_from(&lab, from, c.context, AGW_MEDIA_INACTIVE);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_MEDIA_INACTIVE), 2);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(a_held_stream_is_not_inactive)
{
    // Silence by agreement is none: the second, open stream is told, the held one is not.
    struct call held, open;
    struct agw_request r1 = request_for(AGW_T1, 0);
    lab_defaults(&lab);
    lab.cfg.agw.media_timeout_s = 1;
    lab_open(&lab);
    r1.mode = AGW_INACTIVE;
    call_open_as(&held, r1, request_for(AGW_T2, 0), true);
    call_open(&open);
    lab_expect(&lab, open.context, AGW_MEDIA_INACTIVE);
    unsigned from = lab.count;
    expect_both_ways(&open);
    lab_expect_from(&lab, from, open.context, AGW_MEDIA_INACTIVE);
    ck_assert_uint_eq(lab_told(&lab, held.context, AGW_MEDIA_INACTIVE), 0);
    call_close(&held);
    call_close(&open);
    lab_close(&lab);
}
END_TEST

// --- notifications ------------------------------------------------------------------------------

START_TEST(first_media_is_told_once_per_direction)
{
    // A milestone per direction, with the address it came from, at the time it came.
    struct call c;
    set_up();
    uint64_t before = clock_now_us();
    call_open(&c);
    expect_both_ways(&c);
    expect_both_ways(&c);
    call_close(&c);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_FIRST_MEDIA), 2);
    struct agw_notification *up = lab_expect(&lab, c.context, AGW_FIRST_MEDIA);
    ck_assert_int_eq(up->termination, AGW_T1);
    ck_assert(addr_equal(&up->address, &c.ue.addr));
    ck_assert_uint_ge(up->time_us, before);
    ck_assert_uint_le(up->time_us, clock_now_us());
    lab_close(&lab);
}
END_TEST

START_TEST(notifications_of_a_context_come_in_order)
{
    // Times never go back, and the release is the last word.
    struct call c;
    set_up();
    call_open_latching(&c, LATCHING_FIRST_PACKET, true);
    expect_both_ways(&c);
    peer_close(&c.core);
    agw_release(lab.agw, c.context, 1);
    struct agw_notification *last = lab_expect(&lab, c.context, AGW_STREAM_RELEASED);
    ck_assert_ptr_eq(last, &lab.notes[lab.count - 1]);
    for (unsigned i = 1; i < lab.count; i++)
        ck_assert_uint_ge(lab.notes[i].time_us, lab.notes[i - 1].time_us);
    ck_assert_uint_eq(last->stats.packets[AGW_T1], 1);
    ck_assert_uint_eq(last->stats.bytes[AGW_T2], strlen("from the core"));
    peer_close(&c.ue);
    lab_close(&lab);
}
END_TEST

START_TEST(a_drop_is_told_once_per_reason_and_counted_always)
{
    // AGW_DROPPED is for the trace; the counters know how many.
    struct call c;
    set_up();
    call_open_latching(&c, LATCHING_OFF, true);
    struct peer stranger = peer_open(&c.t1.local);
    for (int i = 0; i < 10; i++)
        peer_send(&stranger, "let me in");
    expect_both_ways(&c); // whatever came before is through
    struct agw_notification *last = lab_release(&lab, c.context);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_DROPPED), 1);
    ck_assert_uint_eq(last->stats.drops, 10);
    peer_close(&stranger);
    peer_close(&c.ue);
    peer_close(&c.core);
    lab_close(&lab);
}
END_TEST

START_TEST(late_procedures_are_ignored)
{
    // REQ-106: what a worker reports about a stream that is released is not told.
    struct call c;
    struct agw_request r1 = request_for(AGW_T1, 0);
    set_up();
    r1.inactivity_s = 1;
    call_open_as(&c, r1, request_for(AGW_T2, 0), true);
    uint64_t before = reason_total(REASON_MEDIA_INACTIVE);
    uint64_t end = clock_now_us() + WAIT_MS * 1000ull;
    while (reason_total(REASON_MEDIA_INACTIVE) == before) { // on its way, not delivered
        ck_assert_uint_lt(clock_now_us(), end);
        poll(NULL, 0, 10);
    }
    lab_release(&lab, c.context);
    ck_assert_uint_eq(lab_told(&lab, c.context, AGW_MEDIA_INACTIVE), 0);
    ck_assert_uint_eq(reason_total(REASON_LATE_NOTIFICATION), 1);
    peer_close(&c.ue);
    peer_close(&c.core);
    lab_close(&lab);
}
END_TEST

START_TEST(closing_releases_what_is_left)
{
    // agw_close() says farewell to every stream before it returns.
    struct call c[3];
    set_up();
    for (int i = 0; i < 3; i++)
        call_open(&c[i]);
    lab_close(&lab);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(lab_told(&lab, c[i].context, AGW_STREAM_RELEASED), 1);
        peer_close(&c[i].ue);
        peer_close(&c[i].core);
    }
}
END_TEST

// --- control ------------------------------------------------------------------------------------

static void expect_refused(struct agw_request r, enum reason reason)
{
    struct agw_reply reply, untouched;
    memset(&reply, 7, sizeof reply);
    untouched = reply;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r, &reply), reason);
    ck_assert_mem_eq(&reply, &untouched, sizeof reply);
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1), 0);
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T2), 0);
}

START_TEST(requests_without_sense_are_refused)
{
    // A refused request reserves nothing and leaves the reply alone.
    struct agw_request r;
    set_up();
    r = request_for(AGW_T1, 99);
    expect_refused(r, REASON_AGW_NO_CONTEXT);
    r = request_for(AGW_T1, 0);
    r.stream = 0;
    expect_refused(r, REASON_AGW_BAD_REQUEST);
    r.stream = AGW_STREAMS_MAX + 1;
    expect_refused(r, REASON_AGW_BAD_REQUEST);
    r = request_for(AGW_T1, 0);
    r.family = AF_UNIX;
    expect_refused(r, REASON_AGW_BAD_REQUEST);
    r = request_for(AGW_T2, 0);
    r.transport = AGW_UDP_DTLS;
    r.local_fingerprint_request = true;
    expect_refused(r, REASON_AGW_BAD_REQUEST); // UDP/DTLS is for T1
    r.termination = AGW_T1;
    r.rtcp = true;
    expect_refused(r, REASON_AGW_BAD_REQUEST); // no RTCP beside UDPTL
    r.rtcp = false;
    r.local_fingerprint_request = false;
    expect_refused(r, REASON_AGW_BAD_REQUEST); // REQ-060: nothing the UE could verify
    r.local_fingerprint_request = true;
    r.establish_dtls = true;
    expect_refused(r, REASON_AGW_BAD_REQUEST); // nothing to verify the UE by
    r = request_for(AGW_T1, 0);
    r.remote = lab_addr("::1");
    expect_refused(r, REASON_AGW_BAD_REQUEST); // another family than the local address
    r = request_for(AGW_T1, 0);
    r.establish_dtls = true;
    expect_refused(r, REASON_AGW_BAD_REQUEST); // (D)TLS for transport UDP
    lab_close(&lab);
}
END_TEST

START_TEST(a_weak_fingerprint_is_refused)
{
    // RFC 8122 5, REQ-148: MD5 must not be used for checking.
    struct agw_request r = request_for(AGW_T1, 0);
    const char *md5 = "MD5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";
    set_up();
    r.transport = AGW_UDP_DTLS;
    r.local_fingerprint_request = true;
    r.remote_fingerprints.count = 1;
    ck_assert_int_eq(fingerprint_parse(&r.remote_fingerprints.list[0], md5, strlen(md5)), 0);
    expect_refused(r, REASON_WEAK_FINGERPRINT);
    lab_close(&lab);
}
END_TEST

START_TEST(reserve_has_no_remote_elements)
{
    // TS 23.334 8.3: what concerns the remote end comes with Configure.
    struct agw_reply reply;
    struct agw_request r = request_for(AGW_T1, 0);
    set_up();
    r.remote = lab_addr("127.0.0.1");
    addr_set_port(&r.remote, 4000);
    ck_assert_int_eq(agw_reserve(lab.agw, &r, &reply), REASON_AGW_BAD_REQUEST);
    lab_close(&lab);
}
END_TEST

START_TEST(a_termination_is_reserved_once)
{
    // A second Reserve of the same termination is a mistake and changes nothing.
    struct call c;
    struct agw_reply reply;
    struct agw_request r = request_for(AGW_T1, 0);
    set_up();
    call_open(&c);
    r.context = c.context;
    ck_assert_int_eq(agw_reserve(lab.agw, &r, &reply), REASON_AGW_BAD_REQUEST);
    expect_both_ways(&c);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(unknown_contexts_and_streams_are_harmless)
{
    // Release ignores them, Configure says so.
    struct call c;
    set_up();
    call_open(&c);
    struct agw_request r = request_for(AGW_T1, c.context + 1);
    ck_assert_int_eq(agw_configure(lab.agw, &r), REASON_AGW_NO_CONTEXT);
    r = request_for(AGW_T1, c.context);
    r.stream = 2;
    ck_assert_int_eq(agw_configure(lab.agw, &r), REASON_AGW_NO_CONTEXT);
    agw_release(lab.agw, c.context + 1, 0);
    agw_release(lab.agw, c.context, 2);
    expect_both_ways(&c);
    call_close(&c);
    agw_release(lab.agw, c.context, 0);
    ck_assert_int_eq(agw_configure(lab.agw, &r), REASON_AGW_NO_CONTEXT);
    lab_close(&lab);
}
END_TEST

START_TEST(a_ue_cannot_name_a_connection_point_of_ours)
{
    // Two terminations that point at each other would keep a datagram running in a circle.
    struct call c;
    set_up();
    call_open(&c);
    struct agw_request r = request_for(AGW_T1, c.context);
    r.remote = c.t2.local;
    ck_assert_int_eq(agw_configure(lab.agw, &r), REASON_AGW_BAD_REQUEST);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(nor_one_by_the_address_that_others_see)
{
    // Behind a NAT that turns datagrams back the circle is the same.
    struct call c;
    lab_defaults(&lab);
    lab.cfg.core.realm.shown_v4 = lab_addr("203.0.113.7");
    lab_open(&lab);
    call_open(&c);
    struct agw_request r = request_for(AGW_T1, c.context);
    r.remote = c.t2.local;
    ck_assert(addr_equal_host(&r.remote, &lab.cfg.core.realm.shown_v4));
    ck_assert_int_eq(agw_configure(lab.agw, &r), REASON_AGW_BAD_REQUEST);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

START_TEST(two_calls_may_meet_at_the_core_side)
{
    // A call between two UEs of one P-CSCF: T2 of one talks to T2 of the other.
    struct call a, b;
    set_up();
    call_open(&a);
    call_open(&b);
    struct agw_request r = request_for(AGW_T2, 0);
    r.remote = b.t2.local;
    configure(&a, r);
    r.remote = a.t2.local;
    configure(&b, r);
    peer_send(&a.ue, "from one UE");
    peer_expect(&b.ue, "from one UE");
    peer_send(&b.ue, "to the other");
    peer_expect(&a.ue, "to the other");
    call_close(&a);
    call_close(&b);
    lab_close(&lab);
}
END_TEST

START_TEST(an_address_family_that_is_not_there_is_refused)
{
    // TS 23.334 5.2: the realm has no IPv6 address.
    lab_defaults(&lab);
    lab.cfg.access.realm.media_v6.len = 0;
    lab_open(&lab);
    struct agw_request r = request_for(AGW_T1, 0);
    r.family = AF_INET6;
    expect_refused(r, REASON_AGW_NO_ADDRESS);
    lab_close(&lab);
}
END_TEST

START_TEST(a_used_up_range_refuses_and_recovers)
{
    // REQ-107, REQ-105: the last port is given, the next request refused; after release it works.
    struct call c[4];
    lab_defaults(&lab);
    lab.cfg.access.realm.port_max = (uint16_t)(lab.cfg.access.realm.port_min + 3);
    lab.cfg.access.realm.media_v6.len = 0;
    lab_open(&lab);
    ck_assert_uint_eq(agw_ports_total(lab.agw, AGW_T1), 4);
    ck_assert_uint_eq(agw_ports_total(lab.agw, AGW_T2), 400);
    for (int round = 0; round < 3; round++) {
        struct agw_reply reply;
        struct agw_request r = request_for(AGW_T1, 0);
        for (int i = 0; i < 4; i++)
            call_open(&c[i]);
        ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1), 4);
        ck_assert_int_eq(agw_reserve(lab.agw, &r, &reply), REASON_AGW_NO_PORT);
        for (int i = 0; i < 4; i++)
            call_close(&c[i]);
        ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1), 0);
    }
    lab_close(&lab);
}
END_TEST

START_TEST(a_port_is_free_when_the_release_is_told)
{
    // Not before the worker closed the socket, and not after the last notification.
    struct call c;
    set_up();
    call_open(&c);
    agw_release(lab.agw, c.context, 0);
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1), 1);
    lab_expect(&lab, c.context, AGW_STREAM_RELEASED);
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1), 0);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(bind(fd, &c.t1.local.sa, c.t1.local.len), 0);
    close(fd);
    peer_close(&c.ue);
    peer_close(&c.core);
    lab_close(&lab);
}
END_TEST

START_TEST(a_media_address_that_is_not_ours_is_named)
{
    // agw_open() says which address cannot be bound and why.
    char error[CONFIG_ERROR_MAX] = "";
    uv_loop_t loop;
    struct agw *agw = NULL;
    lab_defaults(&lab);
    lab.cfg.core.realm.media_v4 = lab_addr("192.0.2.1");
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(agw_open(&agw, &lab.cfg, &loop, lab_notify, &lab, error), -EADDRNOTAVAIL);
    ck_assert_str_eq(error, "core media address 192.0.2.1 cannot be bound: "
                            "Cannot assign requested address");
    ck_assert_ptr_null(agw);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

// --- floods and leaks ---------------------------------------------------------------------------

START_TEST(a_flooded_stream_stops_neither_itself_nor_others)
{
    // Each socket gets a bounded share of a turn; the kernel's queue takes the rest.
    struct call flooded, other;
    static char datagram[1000];
    lab_defaults(&lab);
    lab.cfg.agw.workers = 1;
    lab_open(&lab);
    call_open(&flooded);
    call_open(&other);
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 400; k++)
            (void)!sendto(flooded.ue.fd, datagram, sizeof datagram, MSG_DONTWAIT,
                          &flooded.ue.agw.sa, flooded.ue.agw.len);
        peer_send(&other.ue, "quiet");
        peer_expect(&other.core, "quiet");
    }
    peer_send(&flooded.core, "still alive");
    peer_expect(&flooded.ue, "still alive");
    call_close(&flooded);
    call_close(&other);
    lab_close(&lab);
}
END_TEST

START_TEST(a_thousand_calls_leave_nothing_behind)
{
    // REQ-105: ports, descriptors and memory are where they were.
    unsigned before = 0;
    size_t bytes_before = 0;
    set_up();
    for (int i = 0; i < 1100; i++) {
        if (i == 100) { // caches are warm
            before = open_descriptors();
            bytes_before = mallinfo2().uordblks;
        }
        struct agw_reply reply;
        struct agw_request r1 = request_for(AGW_T1, 0), r2 = request_for(AGW_T2, 0);
        r1.transport = AGW_UDP_DTLS;
        r1.local_fingerprint_request = true;
        r2.rtcp = i % 2;
        ck_assert_int_eq(agw_reserve(lab.agw, &r1, &reply), REASON_NONE);
        r2.context = reply.context;
        ck_assert_int_eq(agw_reserve(lab.agw, &r2, &reply), REASON_NONE);
        lab.count = 0;
        lab_release(&lab, reply.context);
    }
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T1), 0);
    ck_assert_uint_eq(agw_ports_used(lab.agw, AGW_T2), 0);
    ck_assert_uint_eq(open_descriptors(), before);
    // One stream that stayed behind per call would be a megabyte.
    ck_assert_uint_le(mallinfo2().uordblks, bytes_before + 64 * 1024);
    lab_close(&lab);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        datagrams_pass_both_ways_ipv4,
        datagrams_pass_both_ways_ipv6,
        families_are_converted,
        datagrams_of_every_size_pass_unchanged,
        rtcp_has_its_own_path,
        rtcp_on_the_port_of_rtp_needs_no_socket_of_its_own,
        a_port_of_rtcp_that_is_lost_refuses_the_fall_back,
        rtcp_goes_to_the_port_above_unless_told_otherwise,
        streams_of_a_context_are_apart,
        an_unreachable_peer_harms_nothing,
        without_latching_only_the_signalled_address_counts,
        without_address_and_latching_nothing_passes_until_configure,
        a_stream_with_one_termination_drops_for_want_of_a_destination,
        the_first_datagram_latches_and_locks,
        after_dtls_is_first_packet_on_a_plain_termination,
        before_it_latches_the_signalled_address_is_used,
        relatch_moves_to_the_next_source,
        a_new_signalled_address_is_followed_without_nat,
        a_new_signalled_address_does_not_break_nat,
        naming_the_peer_at_last_does_not_loosen_the_latch,
        hold_by_address_changes_nothing,
        an_empty_datagram_latches_and_carries_nothing,
        the_mode_is_a_gate,
        hold_and_resume_change_the_gate_only,
        what_exceeds_the_peak_rate_is_dropped,
        oversize_is_dropped_or_fragmented_as_configured,
        silence_is_told_once_and_again_after_media,
        a_held_stream_is_not_inactive,
        first_media_is_told_once_per_direction,
        notifications_of_a_context_come_in_order,
        a_drop_is_told_once_per_reason_and_counted_always,
        late_procedures_are_ignored,
        closing_releases_what_is_left,
        requests_without_sense_are_refused,
        a_weak_fingerprint_is_refused,
        reserve_has_no_remote_elements,
        a_termination_is_reserved_once,
        unknown_contexts_and_streams_are_harmless,
        a_ue_cannot_name_a_connection_point_of_ours,
        nor_one_by_the_address_that_others_see,
        two_calls_may_meet_at_the_core_side,
        an_address_family_that_is_not_there_is_refused,
        a_used_up_range_refuses_and_recovers,
        a_port_is_free_when_the_release_is_told,
        a_media_address_that_is_not_ours_is_named,
        a_flooded_stream_stops_neither_itself_nor_others,
        a_thousand_calls_leave_nothing_behind,
    };
    return SUITE_RUN("agw", tests);
}
