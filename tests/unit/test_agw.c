// SPDX-License-Identifier: GPL-3.0-or-later
// The Iq procedures and the plain datagram path, with real workers and sockets.
#include "tests/unit/agw_lab.h"
#include "tests/unit/suite.h"

static struct lab lab;

// A plain stream: UE and core peer, both addresses signalled.
struct call {
    uint32_t context;
    struct agw_reply t1, t2;
    struct peer ue, core;
};

static const char *host_of(int family)
{
    return family == AF_INET6 ? "::1" : "127.0.0.1";
}

static void call_open_with(struct call *c, struct agw_request r1, struct agw_request r2)
{
    c->ue = peer_open_at(host_of(r1.family), NULL);
    c->core = peer_open_at(host_of(r2.family), NULL);
    r1.remote = c->ue.addr;
    r2.remote = c->core.addr;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r1, &c->t1), REASON_NONE);
    r2.context = c->context = c->t1.context;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r2, &c->t2), REASON_NONE);
    c->ue.agw = c->t1.local;
    c->core.agw = c->t2.local;
}

static void call_open(struct call *c)
{
    call_open_with(c, request_for(AGW_T1, 0), request_for(AGW_T2, 0));
}

static void call_close(struct call *c)
{
    lab_release(&lab, c->context);
    peer_close(&c->ue);
    peer_close(&c->core);
}

static void relay_both_ways(int access, int core)
{
    struct call c;
    struct agw_request r1 = request_for(AGW_T1, 0), r2 = request_for(AGW_T2, 0);
    r1.family = access;
    r2.family = core;
    lab_defaults(&lab);
    lab_open(&lab);
    call_open_with(&c, r1, r2);
    peer_send(&c.ue, "from the UE");
    peer_expect(&c.core, "from the UE");
    peer_send(&c.core, "from the core");
    peer_expect(&c.ue, "from the core");
    call_close(&c);
    lab_close(&lab);
}

START_TEST(plain_datagrams_pass_both_ways_ipv4)
{
    relay_both_ways(AF_INET, AF_INET);
}
END_TEST

START_TEST(a_call)
{
    struct call c;
    lab_defaults(&lab);
    lab_open(&lab);
    call_open(&c);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        plain_datagrams_pass_both_ways_ipv4,
        a_call,
    };
    return SUITE_RUN("agw", tests);
}
