// SPDX-License-Identifier: GPL-3.0-or-later
// UDP/DTLS terminations: session establishment, latching and what must not pass.
#include "tests/unit/agw_ue.h"
#include "tests/unit/suite.h"

static struct lab lab;

// A secured call: T1 is UDP/DTLS, T2 plain.
struct call {
    uint32_t context;
    struct ue ue;
    struct peer core;
};

static struct agw_request secured(uint32_t context)
{
    struct agw_request r = request_for(AGW_T1, context);
    r.transport = AGW_UDP_DTLS;
    r.local_fingerprint_request = true;
    r.notify_dtls_failure = true;
    return r;
}

// Reserves both terminations; nothing is known of the UE yet.
static void call_reserve(struct call *c, enum latching latching)
{
    struct agw_reply reply;
    struct agw_request r1 = secured(0), r2 = request_for(AGW_T2, 0);
    ue_open(&c->ue, &lab.cfg);
    r1.latching = latching;
    ck_assert_int_eq(agw_reserve(lab.agw, &r1, &reply), REASON_NONE);
    c->context = r2.context = reply.context;
    c->ue.agw = reply.local_fingerprints;
    c->ue.peer.agw = reply.local;
    c->core = peer_open(NULL);
    r2.remote = c->core.addr;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r2, &reply), REASON_NONE);
    c->core.agw = reply.local;
}

// The SDP of the UE has arrived.
static struct agw_request answer_of(const struct call *c)
{
    struct agw_request r = request_for(AGW_T1, c->context);
    r.remote = c->ue.peer.addr;
    r.remote_fingerprints = *ue_fingerprints(&c->ue);
    return r;
}

static void configure(const struct agw_request *r)
{
    ck_assert_int_eq(agw_configure(lab.agw, r), REASON_NONE);
}

static void open_with(struct call *c, enum latching latching)
{
    lab_open(&lab);
    call_reserve(c, latching);
}

static void close_all(struct call *c)
{
    lab_release(&lab, c->context);
    ue_close(&c->ue);
    peer_close(&c->core);
    lab_close(&lab);
}

static void expect_media(struct call *c)
{
    ue_send(&c->ue, "from the UE");
    peer_expect(&c->core, "from the UE");
    peer_send(&c->core, "from the core");
    ue_expect(&c->ue, "from the core");
}

START_TEST(agw_as_server_carries_data_both_ways)
{
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    struct agw_request r = answer_of(&c);
    configure(&r);
    ue_connect(&c.ue);
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
    expect_media(&c);
    close_all(&c);
}
END_TEST

START_TEST(agw_as_client_carries_data_both_ways)
{
    struct call c;
    lab_defaults(&lab);
    open_with(&c, LATCHING_OFF);
    struct agw_request r = answer_of(&c);
    r.establish_dtls = true;
    configure(&r);
    ue_expect_state(&c.ue, DTLS_ESTABLISHED);
    lab_expect(&lab, c.context, AGW_DTLS_ESTABLISHED);
    expect_media(&c);
    close_all(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        agw_as_server_carries_data_both_ways,
        agw_as_client_carries_data_both_ways,
    };
    return SUITE_RUN("agw_dtls", tests);
}
