// SPDX-License-Identifier: GPL-3.0-or-later
// What the AGW tells about streams while they run: per stream, and all together, without asking the
// workers and without ever going back.
#include "agw/agw.h"
#include "tests/unit/agw_lab.h"
#include "tests/unit/suite.h"

static struct lab lab;

struct call {
    struct peer ue, core;
    uint32_t context;
    struct agw_reply t1, t2;
};

static void call_open(struct call *c)
{
    struct agw_request r1 = request_for(AGW_T1, 0), r2 = request_for(AGW_T2, 0);
    c->ue = peer_open(NULL);
    c->core = peer_open(NULL);
    r1.latching = LATCHING_FIRST_PACKET;
    r2.remote = c->core.addr;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r1, &c->t1), REASON_NONE);
    r2.context = c->context = c->t1.context;
    ck_assert_int_eq(agw_reserve_and_configure(lab.agw, &r2, &c->t2), REASON_NONE);
    c->ue.agw = c->t1.local;
    c->core.agw = c->t2.local;
    lab_sync(&lab, c->context);
}

static void call_close(struct call *c)
{
    peer_close(&c->ue);
    peer_close(&c->core);
}

static void set_up(void)
{
    lab_defaults(&lab);
    lab_open(&lab);
}

static uint64_t packets(const struct agw_totals *t)
{
    return t->packets[AGW_T1][AGW_UDP] + t->packets[AGW_T2][AGW_UDP];
}

// A stream that runs tells its addresses, where it latched, and what it has carried each way
// (H.248.1 7.2.5 as a function call).
START_TEST(a_running_stream_is_audited)
{
    struct call c;
    struct agw_statistics s;
    set_up();
    call_open(&c);
    ck_assert_int_eq(agw_statistics(lab.agw, c.context, 1, &s), REASON_NONE);
    ck_assert(addr_equal(&s.local[AGW_T1], &c.t1.local));
    ck_assert(addr_equal(&s.local[AGW_T2], &c.t2.local));
    ck_assert(!addr_is_set(&s.remote[AGW_T1]) && !addr_is_set(&s.latched[AGW_T1]));
    ck_assert(addr_equal(&s.remote[AGW_T2], &c.core.addr));
    ck_assert_int_eq(s.dtls, AGW_DTLS_NONE);
    uint64_t before = clock_now_us();
    for (int i = 0; i < 3; i++) {
        peer_send(&c.ue, "from the UE");
        peer_expect(&c.core, "from the UE");
    }
    peer_send(&c.core, "back");
    peer_expect(&c.ue, "back");
    lab_expect(&lab, c.context, AGW_LATCHED);
    lab_sync(&lab, c.context);
    ck_assert_int_eq(agw_statistics(lab.agw, c.context, 1, &s), REASON_NONE);
    ck_assert(addr_equal(&s.latched[AGW_T1], &c.ue.addr));
    ck_assert_uint_eq(s.carried.packets[AGW_T1], 3);
    ck_assert_uint_eq(s.carried.bytes[AGW_T1], 3 * strlen("from the UE"));
    ck_assert_uint_eq(s.carried.packets[AGW_T2], 1);
    ck_assert_uint_eq(s.carried.bytes[AGW_T2], strlen("back"));
    ck_assert_uint_ge(s.last_media_us + 1000000, before); // once per turn of the worker
    lab_release(&lab, c.context);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

// What is not there is no context, and nothing is written.
START_TEST(unknown_streams_are_not_audited)
{
    struct call c;
    struct agw_statistics s;
    set_up();
    call_open(&c);
    memset(&s, 0x5a, sizeof(s));
    ck_assert_int_eq(agw_statistics(lab.agw, c.context, 2, &s), REASON_AGW_NO_CONTEXT);
    ck_assert_int_eq(agw_statistics(lab.agw, c.context + 1, 1, &s), REASON_AGW_NO_CONTEXT);
    lab_release(&lab, c.context);
    ck_assert_int_eq(agw_statistics(lab.agw, c.context, 1, &s), REASON_AGW_NO_CONTEXT);
    ck_assert_int_eq(((unsigned char *)&s)[0], 0x5a);
    call_close(&c);
    lab_close(&lab);
}
END_TEST

// Totals are the same while a stream runs, while it is being released, and when it is gone; those
// of several streams add up.
START_TEST(totals_never_go_back)
{
    struct call c[3];
    struct agw_totals t;
    set_up();
    agw_totals(lab.agw, &t);
    ck_assert_uint_eq(packets(&t), 0);
    for (int i = 0; i < 3; i++) {
        call_open(&c[i]);
        peer_send(&c[i].ue, "media");
        peer_expect(&c[i].core, "media");
    }
    for (int i = 0; i < 3; i++) {
        lab_sync(&lab, c[i].context);
        agw_totals(lab.agw, &t);
        ck_assert_uint_eq(t.streams, 3 - (unsigned)i);
        ck_assert_uint_eq(packets(&t), 3);
        agw_release(lab.agw, c[i].context, 0);
        agw_totals(lab.agw, &t); // released, and nothing of it reported yet
        ck_assert_uint_eq(packets(&t), 3);
        lab_expect(&lab, c[i].context, AGW_STREAM_RELEASED);
        agw_totals(lab.agw, &t);
        ck_assert_uint_eq(packets(&t), 3);
        ck_assert_uint_eq(t.bytes[AGW_T1][AGW_UDP], 3 * strlen("media"));
        call_close(&c[i]);
    }
    ck_assert_uint_eq(t.streams, 0);
    lab_close(&lab);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_running_stream_is_audited, unknown_streams_are_not_audited,
                                  totals_never_go_back};
    return SUITE_RUN("agw_statistics", tests);
}
