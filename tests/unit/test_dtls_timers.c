// SPDX-License-Identifier: GPL-3.0-or-later
// Retransmission, loss and timeouts of the DTLS handshake, on a clock that the test turns.
#include "tests/unit/dtls_rig.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// --- the wall clock, which GnuTLS reads: this takes the place of the C library's in this program
// --

static long wall_offset_s;
static const uint64_t *wall_us; // shows this instead of the real time when set

// GnuTLS is to see it: the default visibility here is hidden.
__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *now)
{
    int rc = (int)syscall(SYS_clock_gettime, id, now);
    if (rc == 0 && id == CLOCK_REALTIME && wall_us) {
        now->tv_sec = (time_t)(*wall_us / SECOND_US);
        now->tv_nsec = (long)(*wall_us % SECOND_US) * 1000;
    } else if (rc == 0 && id == CLOCK_REALTIME) {
        now->tv_sec += wall_offset_s;
    }
    return rc;
}

// --- loss ----------------------------------------------------------------------------------------

struct dice {
    uint32_t state;
    unsigned percent;
};

// The same sequence in every run (constants of Numerical Recipes' generator).
static unsigned roll(struct dice *dice)
{
    dice->state = dice->state * 1664525u + 1013904223u;
    return (dice->state >> 16) % 100;
}

static bool lose_by_dice(void *arg, const uint8_t *datagram, size_t len)
{
    struct dice *dice = arg;
    return roll(dice) < dice->percent;
}

static bool lose_all(void *arg, const uint8_t *datagram, size_t len)
{
    return true;
}

// --- times ---------------------------------------------------------------------------------------

// Advances from deadline to deadline and notes at which seconds (relative to start) something left
// on the wire. Returns how many there were.
static unsigned note_times(struct rig *rig, struct wire *wire, double *seconds, unsigned max)
{
    uint64_t start = rig->now;
    unsigned count = 0, sent = wire->sent;

    while (count < max && rig_advance(rig)) {
        if (wire->sent != sent)
            seconds[count++] = (double)(rig->now - start) / SECOND_US;
        sent = wire->sent;
    }
    return count;
}

// REQ-074, RFC 6347 4.2.4.1: the ClientHello leaves at once and again after 1, 3 and 7 s; REQ-075:
// the handshake ends after its timeout, not before and not later, and without an alert.
START_TEST(a_silent_server_is_asked_at_0_1_3_7_s)
{
    struct rig rig;
    double at[10];

    rig_open(&rig, false);
    uint64_t start = rig.now;
    rig_start_agw(&rig);
    ck_assert_uint_eq(rig.to_ue.sent, 1);
    ck_assert_uint_eq(dtls_deadline(rig.dtls), start + SECOND_US);
    dtls_tick(rig.dtls, start + SECOND_US - 1); // too early: nothing
    ck_assert_uint_eq(rig.to_ue.sent, 1);

    ck_assert_uint_eq(note_times(&rig, &rig.to_ue, at, 10), 3);
    ck_assert_double_eq(at[0], 1);
    ck_assert_double_eq(at[1], 3);
    ck_assert_double_eq(at[2], 7);
    ck_assert_uint_eq(rig.now, start + 10 * SECOND_US);
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_FAILED);
    ck_assert_int_eq(dtls_failure(rig.dtls), REASON_DTLS_TIMEOUT);
    ck_assert_uint_eq(rig.to_ue.alerts, 0);
    ck_assert_uint_eq(dtls_deadline(rig.dtls), UINT64_MAX);
    rig_close(&rig);
}
END_TEST

// The same timers run for a server whose client falls silent in the middle.
START_TEST(a_silent_client_gets_the_flight_again)
{
    struct rig rig;
    double at[10];

    rig_open(&rig, true);
    rig_start_own_ue(&rig);
    while (!rig.dtls) {
        rig_step_up(&rig);
        rig_step_down(&rig);
    }
    dtls_close(rig.ue);
    rig.ue = NULL;
    ck_assert_uint_eq(note_times(&rig, &rig.to_ue, at, 10), 3);
    ck_assert_double_eq(at[0], 1);
    ck_assert_double_eq(at[1], 3);
    ck_assert_double_eq(at[2], 7);
    ck_assert_int_eq(dtls_failure(rig.dtls), REASON_DTLS_TIMEOUT);
    rig_close(&rig);
}
END_TEST

// RFC 6347 4.2.4.1: the interval doubles no further than 60 s.
START_TEST(the_interval_is_capped_at_60_s)
{
    const double expected[] = {1, 3, 7, 15, 31, 63, 123, 183, 243};
    struct rig rig;
    double at[9];

    rig_configure(&rig);
    rig.cfg.agw.handshake_timeout_ms = 300000;
    rig_open_sets(&rig, false, CERTIFICATE_ECDSA, CERTIFICATE_ECDSA);
    rig_start_agw(&rig);
    ck_assert_uint_eq(note_times(&rig, &rig.to_ue, at, 9), 9);
    for (int i = 0; i < 9; i++)
        ck_assert_double_eq(at[i], expected[i]);
    rig_close(&rig);
}
END_TEST

// RFC 6347 4.2.4.1: after a loss the longer interval is kept for the next flight; after an exchange
// without loss it is short again.
START_TEST(the_interval_is_reset_after_a_loss_free_exchange)
{
    struct rig rig;

    rig_open(&rig, false);
    rig_start_agw(&rig);
    wire_drop_all(&rig.to_ue); // the first ClientHello is lost
    ck_assert(rig_advance(&rig));
    ck_assert_uint_eq(dtls_deadline(rig.dtls), rig.now + 2 * SECOND_US);

    // HelloVerifyRequest by hand: cookie exchange with the profile of the rig
    uint8_t reply[DTLS_COOKIE_REPLY_MAX];
    size_t reply_len;
    struct dtls_hello hello;
    struct packet *p = wire_take(&rig.to_ue);
    dtls_cookie_check(rig.profile, "ue", 2, p->bytes, p->len, &hello, reply, &reply_len);
    ck_assert_uint_gt(reply_len, 0);
    free(p);
    rig_to_agw(&rig, reply, reply_len);
    ck_assert_uint_eq(dtls_deadline(rig.dtls), rig.now + 2 * SECOND_US);

    // The second ClientHello is answered at once, so the certificate flight starts at 1 s again.
    p = wire_take(&rig.to_ue);
    rig.ue = NULL;
    struct dtls *ue = dtls_open_server(
        rig.profile, &hello, rig.ue_certificate, certificate_fingerprints(rig.certificate),
        (struct dtls_sink){.transmit = rig_ue_transmit, .deliver = rig_ue_deliver, .arg = &rig},
        rig.now);
    ck_assert(dtls_cookie_check(rig.profile, "ue", 2, p->bytes, p->len, &hello, reply, &reply_len));
    dtls_close(ue);
    ue = dtls_open_server(
        rig.profile, &hello, rig.ue_certificate, certificate_fingerprints(rig.certificate),
        (struct dtls_sink){.transmit = rig_ue_transmit, .deliver = rig_ue_deliver, .arg = &rig},
        rig.now);
    dtls_receive(ue, p->bytes, p->len, rig.now);
    free(p);
    while (rig_step_up(&rig))
        ;
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_HANDSHAKE);
    ck_assert_uint_eq(dtls_deadline(rig.dtls), rig.now + SECOND_US);
    dtls_close(ue);
    rig_close(&rig);
}
END_TEST

// A handshake that waits for the SDP answer repeats nothing; it is not kept for ever, and when the
// fingerprints come the UE has the whole time again.
START_TEST(a_parked_handshake_has_its_own_time)
{
    struct rig rig;

    rig_open(&rig, true);
    rig.remote.count = 0;
    uint64_t start = rig.now;
    rig_start_own_ue(&rig);
    rig_pump(&rig);
    unsigned sent = rig.to_ue.sent;
    ck_assert_uint_eq(dtls_deadline(rig.dtls), start + 10 * SECOND_US);
    dtls_tick(rig.dtls, start + 9 * SECOND_US);
    ck_assert_uint_eq(rig.to_ue.sent, sent);
    rig.now = start + 9 * SECOND_US;
    // The rest of the UE's flight was kept, so nobody has to wait for its repetition.
    dtls_set_fingerprints(rig.dtls, certificate_fingerprints(rig.ue_certificate), rig.now);
    rig_pump(&rig);
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
    ck_assert_int_eq(dtls_state(rig.ue), DTLS_ESTABLISHED);
    rig_close(&rig);

    rig_open(&rig, true);
    rig.remote.count = 0;
    rig_start_own_ue(&rig);
    rig_pump(&rig);
    dtls_tick(rig.dtls, rig.now + 10 * SECOND_US);
    ck_assert_int_eq(dtls_state(rig.dtls), DTLS_FAILED);
    ck_assert_int_eq(dtls_failure(rig.dtls), REASON_DTLS_TIMEOUT);
    rig_close(&rig);
}
END_TEST

// --- loss ----------------------------------------------------------------------------------------

struct outcome {
    unsigned failed, ticks;
    double average_ms, longest_ms;
};

// One handshake between two associations over a wire that loses; returns when both are done.
static unsigned run_lossy_handshake(struct rig *rig)
{
    unsigned ticks = 0;
    uint64_t start = rig->now;

    rig_start_own_ue(rig);
    do {
        rig_pump(rig);
        bool up = rig->dtls && dtls_state(rig->dtls) != DTLS_HANDSHAKE;
        if (up && dtls_state(rig->ue) != DTLS_HANDSHAKE)
            return ticks;
        ticks++;
    } while (rig_advance(rig) && rig->now < start + 600 * SECOND_US);
    return ticks;
}

static struct outcome run_lossy_handshakes(unsigned percent, unsigned mtu, unsigned count)
{
    struct outcome outcome = {0};
    struct dice dice = {.state = 7 + percent, .percent = percent};

    for (unsigned i = 0; i < count; i++) {
        struct rig rig;
        rig_configure(&rig);
        rig.cfg.agw.retransmit_ms = 100;
        rig.cfg.agw.handshake_timeout_ms = 600000;
        rig.cfg.agw.mtu = mtu;
        rig_open_sets(&rig, true, CERTIFICATE_ECDSA, CERTIFICATE_ECDSA);
        rig.to_ue.lose = rig.to_agw.lose = lose_by_dice;
        rig.to_ue.lose_arg = rig.to_agw.lose_arg = &dice;
        uint64_t start = rig.now;
        outcome.ticks += run_lossy_handshake(&rig);
        double ms = (double)(rig.now - start) / 1000;
        outcome.average_ms += ms / count;
        outcome.longest_ms = ms > outcome.longest_ms ? ms : outcome.longest_ms;
        if (!rig.dtls || dtls_state(rig.dtls) != DTLS_ESTABLISHED ||
            dtls_state(rig.ue) != DTLS_ESTABLISHED)
            outcome.failed++;
        rig_close(&rig);
    }
    return outcome;
}

// Handshakes complete under loss, with few wake-ups: deadlines are never due at once.
START_TEST(handshakes_survive_loss)
{
    const struct {
        unsigned percent, mtu, ticks_max;
    } cases[] = {{0, 1500, 0}, {5, 1500, 3}, {20, 1500, 10}, {35, 1500, 24}, {20, 304, 24}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct outcome o = run_lossy_handshakes(cases[i].percent, cases[i].mtu, 60);
        if (getenv("VERBOSE"))
            fprintf(stderr, "%u %% loss, MTU %u: %.0f ms on average, %.0f at most, %.1f ticks\n",
                    cases[i].percent, cases[i].mtu, o.average_ms, o.longest_ms, o.ticks / 60.0);
        ck_assert_uint_eq(o.failed, 0);
        ck_assert_uint_le(o.ticks, cases[i].ticks_max * 60);
    }
}
END_TEST

// Moves to the next deadline of the AGW or of a GnuTLS UE with timers of its own.
static void advance_with_raw(struct rig *rig)
{
    uint64_t raw_ms = gnutls_dtls_get_timeout(rig->raw.session);
    uint64_t next =
        rig->raw.established ? UINT64_MAX : rig->now + (raw_ms < 20 ? 20 : raw_ms) * 1000;
    if (rig->dtls && dtls_deadline(rig->dtls) < next)
        next = dtls_deadline(rig->dtls);
    ck_assert_uint_ne(next, UINT64_MAX);
    rig->now = next;
    if (rig->dtls)
        dtls_tick(rig->dtls, rig->now);
    if (!rig->raw.established)
        raw_step(&rig->raw);
}

// A UE of GnuTLS, with its own timers, completes under loss in both roles: it copes with flights
// that come in one datagram.
START_TEST(a_gnutls_ue_survives_loss)
{
    for (int server = 0; server <= 1; server++) {
        struct dice dice = {.state = 99, .percent = 20};
        for (int i = 0; i < 40; i++) {
            struct rig rig;
            rig_configure(&rig);
            rig.cfg.agw.retransmit_ms = 100;
            rig.cfg.agw.handshake_timeout_ms = 120000;
            rig_open_sets(&rig, server, CERTIFICATE_ECDSA, CERTIFICATE_ECDSA);
            wall_us = &rig.now;
            rig.to_ue.lose = rig.to_agw.lose = lose_by_dice;
            rig.to_ue.lose_arg = rig.to_agw.lose_arg = &dice;
            rig_start_agw(&rig);
            raw_open(&rig.raw, !server, RAW_PRIORITY, rig.ue_certificate, &rig.to_agw);
            gnutls_dtls_set_timeouts(rig.raw.session, 100, 120000);
            if (server)
                raw_step(&rig.raw);
            rig_pump(&rig);
            while (!rig.raw.established || dtls_state(rig.dtls) != DTLS_ESTABLISHED) {
                ck_assert_uint_lt(rig.now, 1100 * SECOND_US);
                ck_assert(!gnutls_error_is_fatal(rig.raw.rc));
                advance_with_raw(&rig);
                rig_pump(&rig);
            }
            rig_close(&rig);
            wall_us = NULL;
        }
    }
}
END_TEST

// REQ-131, RFC 6347 4.2.4: the side that sent the last flight repeats it when the peer repeats its
// own, also long after it is established; here the AGW as server.
START_TEST(a_lost_last_flight_is_repeated)
{
    struct rig rig;

    rig_open(&rig, true);
    rig_start_own_ue(&rig);
    while (!rig.dtls || dtls_state(rig.dtls) != DTLS_ESTABLISHED) {
        rig_step_down(&rig);
        rig_step_up(&rig);
    }
    for (int i = 0; i < 3; i++) {
        wire_drop_all(&rig.to_ue); // lost, and lost again
        ck_assert_int_eq(dtls_state(rig.ue), DTLS_HANDSHAKE);
        ck_assert(rig_advance(&rig)); // the UE repeats its flight
        while (rig_step_up(&rig))
            ;
        ck_assert_ptr_nonnull(rig.to_ue.first);
    }
    rig_pump(&rig);
    ck_assert_int_eq(dtls_state(rig.ue), DTLS_ESTABLISHED);
    ck_assert_int_eq(dtls_send(rig.ue, "media", 5), 0);
    ck_assert_int_eq(dtls_send(rig.dtls, "media", 5), 0);
    rig_pump(&rig);
    ck_assert_uint_eq(rig.delivered, 1);
    ck_assert_uint_eq(rig.ue_delivered, 1);
    rig_close(&rig);
}
END_TEST

// A repeated flight of several datagrams is answered with our flight once, not once for each of
// them: nobody can use us to multiply traffic.
START_TEST(a_burst_of_repeats_is_answered_once)
{
    struct rig rig;
    struct packet *hello = NULL; // the one that opened the association

    rig_open(&rig, true);
    rig_start_own_ue(&rig);
    while (!rig.dtls) {
        struct packet *p = wire_take(&rig.to_agw);
        if (p)
            rig_to_agw(&rig, p->bytes, p->len);
        free(hello);
        hello = p;
        p = wire_take(&rig.to_ue);
        if (p && !rig.dtls)
            rig_to_ue(&rig, p);
        free(p);
    }
    ck_assert_ptr_nonnull(hello);
    unsigned flight_len = rig.to_ue.sent - 1; // without the HelloVerifyRequest
    for (int i = 1; i <= 3; i++) {
        unsigned sent = rig.to_ue.sent;
        rig.now += SECOND_US;
        for (int k = 0; k < 20; k++) {
            hello->bytes[10]++; // the record is a new one, its content is not
            rig_to_agw(&rig, hello->bytes, hello->len);
        }
        ck_assert_uint_eq(rig.to_ue.sent, sent + flight_len);
    }
    free(hello);
    rig_close(&rig);
}
END_TEST

// Runs a handshake in which the wall clock is stepped before the when-th datagram.
static void run_with_step(struct rig *rig, long step, unsigned when)
{
    rig_open(rig, true);
    wall_offset_s = 0;
    rig_start_own_ue(rig);
    for (unsigned i = 0; i < 20; i++) {
        if (i == when)
            wall_offset_s = step;
        rig_step_up(rig);
        rig_step_down(rig);
    }
}

// The wall clock, which GnuTLS looks at, does not decide about a handshake when it is stepped
// forward.
START_TEST(a_step_forward_of_the_wall_clock_does_not_matter)
{
    const long steps[] = {1, 60, 24 * 3600};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        for (unsigned when = 0; when < 8; when++) {
            struct rig rig;
            run_with_step(&rig, steps[i], when);
            ck_assert_int_eq(dtls_state(rig.dtls), DTLS_ESTABLISHED);
            ck_assert_int_eq(dtls_state(rig.ue), DTLS_ESTABLISHED);
            rig_close(&rig);
        }
    }
}
END_TEST

// A step back may hold up a handshake that is under way (GnuTLS takes it for the end of time), but
// it ends by our clock and with our reason; an established association does not notice.
START_TEST(a_step_back_of_the_wall_clock_costs_at_most_the_timeout)
{
    for (unsigned when = 0; when < 8; when++) {
        struct rig rig;
        run_with_step(&rig, -24 * 3600, when);
        while (rig_advance(&rig))
            rig_pump(&rig);
        if (dtls_state(rig.ue) == DTLS_ESTABLISHED) {
            ck_assert_int_eq(dtls_send(rig.ue, "media", 5), 0);
            rig_pump(&rig);
            ck_assert_uint_eq(rig.delivered, 1);
        } else {
            ck_assert_int_eq(dtls_failure(rig.ue), REASON_DTLS_TIMEOUT);
        }
        rig_close(&rig);
    }
}
END_TEST

// The handshake can be abandoned at any point, and after any loss, without leaving anything behind
// (a leak would be found by the sanitizer).
START_TEST(a_handshake_can_be_abandoned_anywhere)
{
    for (unsigned steps = 0; steps < 30; steps++) {
        struct rig rig;
        rig_open(&rig, true);
        rig_start_own_ue(&rig);
        for (unsigned i = 0; i < steps; i++) {
            struct packet *p = wire_take(i % 2 ? &rig.to_ue : &rig.to_agw);
            if (p && i % 2)
                rig_to_ue(&rig, p);
            else if (p)
                rig_to_agw(&rig, p->bytes, p->len);
            free(p);
        }
        rig.to_ue.lose = rig.to_agw.lose = lose_all;
        rig_close(&rig);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_silent_server_is_asked_at_0_1_3_7_s,
        a_silent_client_gets_the_flight_again,
        the_interval_is_capped_at_60_s,
        the_interval_is_reset_after_a_loss_free_exchange,
        a_parked_handshake_has_its_own_time,
        handshakes_survive_loss,
        a_gnutls_ue_survives_loss,
        a_lost_last_flight_is_repeated,
        a_burst_of_repeats_is_answered_once,
        a_step_forward_of_the_wall_clock_does_not_matter,
        a_step_back_of_the_wall_clock_costs_at_most_the_timeout,
        a_handshake_can_be_abandoned_anywhere,
    };

    return SUITE_RUN("dtls timers", tests);
}
