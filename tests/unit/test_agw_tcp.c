// SPDX-License-Identifier: GPL-3.0-or-later
// Streams over TCP through the Iq interface, with real workers and sockets: who connects, what
// passes, how it ends.
#include "tests/unit/suite.h"
#include "tests/unit/tcp_lab.h"

#include <fcntl.h>
#include <stdlib.h>

static struct lab lab;

// A stream between a UE and a core peer, each either side of its connection.
struct call {
    uint32_t context;
    struct agw_reply t1, t2;
    struct tcp_peer ue, core;
};

// --- fixture ------------------------------------------------------------------------------------

static struct agw_request tcp_request(enum agw_termination termination, enum agw_tcp_setup setup)
{
    struct agw_request r = request_for(termination, 0);
    r.transport = AGW_TCP;
    r.tcp_setup = setup;
    r.notify_tcp_failure = true;
    return r;
}

static void set_up(void)
{
    lab_defaults(&lab);
    lab_open(&lab);
}

static void expect_both_ways(struct call *c)
{
    tcp_peer_say(&c->ue, "from the UE");
    tcp_peer_expect(&c->core, "from the UE");
    tcp_peer_say(&c->core, "from the core");
    tcp_peer_expect(&c->ue, "from the core");
}

static void call_close(struct call *c)
{
    lab_release(&lab, c->context);
    tcp_peer_close(&c->ue);
    tcp_peer_close(&c->core);
}

// T1 is server, T2 client; the connection of the UE is the trigger.
static void call_open(struct call *c)
{
    struct agw_request r1 = tcp_request(AGW_T1, AGW_TCP_SERVER);
    struct agw_request r2 = tcp_request(AGW_T2, AGW_TCP_CLIENT);
    *c = (struct call){.core = tcp_peer_listen("127.0.0.1")};
    r1.remote = lab_addr("127.0.0.1");
    addr_set_port(&r1.remote, 9);
    r1.tcp_trigger = true;
    r2.remote = c->core.addr;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r1, &c->t1), REASON_NONE);
    r2.context = c->context = c->t1.context;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r2, &c->t2), REASON_NONE);
    c->ue = tcp_peer_connect("127.0.0.1", &c->t1.local);
    tcp_peer_accept(&c->core);
}

// --- who connects -------------------------------------------------------------------------------

START_TEST(a_connection_of_the_ue_triggers_one_to_the_core)
{
    // TS 23.334 5.11.2.2.1, REQ-044, REQ-045: (server, client) with the trigger.
    struct call c;
    set_up();
    call_open(&c);
    expect_both_ways(&c);
    const struct agw_notification *n = lab_expect(&lab, c.context, AGW_TCP_CONNECTED);
    ck_assert_int_eq(n->termination, AGW_T1);
    ck_assert(!n->outbound);
    ck_assert(addr_equal(&n->address, &c.ue.addr));
    n = lab_expect_from(&lab, (unsigned)(n - lab.notes) + 1, c.context, AGW_TCP_CONNECTED);
    ck_assert_int_eq(n->termination, AGW_T2);
    ck_assert(n->outbound);
    ck_assert(addr_equal(&n->address, &c.core.addr));
    call_close(&c);
    lab_close(&lab);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_connection_of_the_ue_triggers_one_to_the_core,
    };
    return SUITE_RUN("agw tcp", tests);
}
