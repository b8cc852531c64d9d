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

// --- TLS ----------------------------------------------------------------------------------------

static struct agw_request tls_request(enum agw_tcp_setup setup)
{
    struct agw_request r = tcp_request(AGW_T1, setup);
    r.transport = AGW_TCP_TLS;
    r.local_fingerprint_request = true;
    r.notify_dtls_failure = true;
    return r;
}

START_TEST(the_ue_is_tls_client)
{
    // REQ-041: the UE opens TCP and sends the ClientHello; TLS 1.3 and 1.2.
    const char *const versions[] = {TLS13, TLS12};
    set_up();
    struct certificate *own = certificate_create(CERTIFICATE_ECDSA);
    for (int i = 0; i < 2; i++) {
        struct call c = {.core = tcp_peer_listen("127.0.0.1")};
        struct agw_request r1 = tls_request(AGW_TCP_SERVER);
        struct agw_request r2 = tcp_request(AGW_T2, AGW_TCP_CLIENT);
        r1.tcp_trigger = true;
        r1.remote = lab_addr("127.0.0.1");
        r1.remote_fingerprints = *certificate_fingerprints(own);
        r2.remote = c.core.addr;
        ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r1, &c.t1), REASON_NONE);
        r2.context = c.context = c.t1.context;
        ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r2, &c.t2), REASON_NONE);
        c.ue = tcp_peer_connect("127.0.0.1", &c.t1.local);
        tcp_peer_accept(&c.core);
        tcp_peer_say(&c.core, "early");
        tcp_peer_secure(&c.ue, false, versions[i], own);
        ck_assert_int_eq(tcp_peer_handshake(&c.ue), 0);
        tcp_peer_check_certificate(&c.ue, &c.t1.local_fingerprints);
        tcp_peer_expect(&c.ue, "early");
        expect_both_ways(&c);
        const struct agw_notification *n = lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
        puts(n->text);
        call_close(&c);
    }
    certificate_free(own);
    lab_close(&lab);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_connection_of_the_ue_triggers_one_to_the_core,
        the_ue_is_tls_client,
    };
    return SUITE_RUN("agw tcp", tests);
}
