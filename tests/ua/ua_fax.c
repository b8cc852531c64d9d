// SPDX-License-Identifier: GPL-3.0-or-later
// The fax machine.
//
// Happy path: a timer turns real time into steps of 20 ms of fax time, speed times as many, fewer
// while nobody says anything; spandsp answers with IFP packets, which leave in UDPTL with
// redundancy; what comes in goes the other way. Phase E of T.30 ends it, and a little later, so
// that the last packets leave, done is called.
// Failure: whatever ends T.30 badly is phase E as well, with its completion text.

#include "tests/ua/ua_fax.h"

#include "common/clock.h"
#include "tests/ua/ua_udptl.h"

#include <spandsp.h>
#include <stdlib.h>

#define STEP_SAMPLES 160 // 20 ms at 8000 Hz, the step spandsp is made for
#define STEP_US 20000
#define REDUNDANCY 3
// Ticks that may pass at once. While the process is held up no time passes for the fax: else its
// timers would run out with the packets of the peer unread.
#define TICKS_AT_ONCE 3
// After so much real time in which nothing was sent or received fax time hurries less: the peer may
// have been held up, and the timers of T.30 do not wait for it.
#define SILENCE_US 100000
#define SILENCE_BRAKE 4
#define IDENT "e2ae-ua"
// Fax time between phase E and done: DCN is sent during it.
#define LINGER_STEPS 75

struct fax {
    uv_timer_t timer;
    struct fax_options options;
    struct fax_user user;
    t38_terminal_state_t *terminal;
    struct udptl_sender sender;
    struct udptl_receiver receiver;
    uint64_t last_us;  // real time up to which fax time has been advanced
    uint64_t spare_us; // fax time not yet worth a step
    uint64_t heard_us; // when the last packet came or went
    bool ended;
    unsigned linger;
    struct fax_result result;
};

static int on_ifp_out(t38_core_state_t *core, void *arg, const uint8_t *ifp, int len, int count)
{
    struct fax *fax = arg;
    uint8_t packet[UDPTL_PACKET_MAX];
    int n = udptl_frame(&fax->sender, ifp, (size_t)len, packet);

    fax->heard_us = clock_now_us();
    // spandsp asks for important IFPs (indicators) to be sent several times.
    for (int i = 0; i < count && n > 0; i++)
        fax->user.packet(fax->user.arg, packet, (size_t)n);
    return 0;
}

static void on_ifp_in(void *arg, const uint8_t *ifp, size_t len, uint16_t seq)
{
    struct fax *fax = arg;
    t38_core_rx_ifp_packet(t38_terminal_get_t38_core_state(fax->terminal), ifp, (int)len, seq);
}

static t30_stats_t statistics(struct fax *fax)
{
    t30_stats_t stats;
    t30_get_transfer_statistics(t38_terminal_get_t30_state(fax->terminal), &stats);
    return stats;
}

static int pages_of(const struct fax *fax, const t30_stats_t *stats)
{
    return fax->options.send ? stats->pages_tx : stats->pages_rx;
}

static int on_phase_d(t30_state_t *t30, void *arg, int event)
{
    struct fax *fax = arg;
    t30_stats_t stats = statistics(fax);

    fax->user.page(fax->user.arg, pages_of(fax, &stats));
    return T30_ERR_OK;
}

static void on_phase_e(t30_state_t *t30, void *arg, int code)
{
    struct fax *fax = arg;
    t30_stats_t stats = statistics(fax);

    fax->ended = true;
    fax->result = (struct fax_result){
        .ok = code == T30_ERR_OK,
        .text = t30_completion_code_to_str(code),
        .pages = pages_of(fax, &stats),
        .bit_rate = stats.bit_rate,
        .ecm = stats.error_correcting_mode,
    };
}

static void set_up(struct fax *fax)
{
    t30_state_t *t30 = t38_terminal_get_t30_state(fax->terminal);

    t38_set_t38_version(t38_terminal_get_t38_core_state(fax->terminal), 0);
    t30_set_tx_ident(t30, IDENT);
    t30_set_ecm_capability(t30, 1);
    t30_set_supported_compressions(t30, T30_SUPPORT_T4_1D_COMPRESSION |
                                            T30_SUPPORT_T4_2D_COMPRESSION |
                                            T30_SUPPORT_T6_COMPRESSION);
    t30_set_supported_resolutions(t30,
                                  T30_SUPPORT_STANDARD_RESOLUTION | T30_SUPPORT_FINE_RESOLUTION |
                                      T30_SUPPORT_SUPERFINE_RESOLUTION | T30_SUPPORT_R8_RESOLUTION);
    t30_set_supported_image_sizes(t30, T30_SUPPORT_215MM_WIDTH | T30_SUPPORT_A4_LENGTH |
                                           T30_SUPPORT_UNLIMITED_LENGTH);
    t30_set_phase_d_handler(t30, on_phase_d, fax);
    t30_set_phase_e_handler(t30, on_phase_e, fax);
    if (fax->options.send)
        t30_set_tx_file(t30, fax->options.send, -1, -1);
    else
        t30_set_rx_file(t30, fax->options.receive, -1);
}

struct fax *fax_open(uv_loop_t *loop, const struct fax_options *options,
                     const struct fax_user *user)
{
    struct fax *fax = calloc(1, sizeof(*fax));

    if (!fax)
        return NULL;
    fax->options = *options;
    fax->user = *user;
    udptl_sender_init(&fax->sender, REDUNDANCY);
    udptl_receiver_init(&fax->receiver, on_ifp_in, fax);
    fax->terminal = t38_terminal_init(NULL, options->send != NULL, on_ifp_out, fax);
    if (!fax->terminal) {
        free(fax);
        return NULL;
    }
    uv_timer_init(loop, &fax->timer);
    fax->timer.data = fax;
    set_up(fax);
    return fax;
}

static void finish(struct fax *fax)
{
    uv_timer_stop(&fax->timer);
    fax->result.packets = fax->receiver.packets;
    fax->result.recovered = fax->receiver.recovered;
    fax->result.lost = fax->receiver.lost;
    fax->user.done(fax->user.arg, &fax->result);
}

static unsigned tick_ms(const struct fax *fax)
{
    unsigned ms = STEP_US / 1000 / fax->options.speed;
    return ms > 0 ? ms : 1;
}

static unsigned speed_at(const struct fax *fax, uint64_t now)
{
    unsigned speed = fax->options.speed;
    if (!fax->ended && now - fax->heard_us > SILENCE_US)
        speed /= SILENCE_BRAKE;
    return speed > 0 ? speed : 1;
}

static void on_tick(uv_timer_t *timer)
{
    struct fax *fax = timer->data;
    uint64_t now = clock_now_us(), passed = now - fax->last_us;
    uint64_t most = UINT64_C(1000) * TICKS_AT_ONCE * tick_ms(fax);

    fax->spare_us += (passed < most ? passed : most) * speed_at(fax, now);
    fax->last_us = now;
    while (fax->spare_us >= STEP_US) {
        fax->spare_us -= STEP_US;
        t38_terminal_send_timeout(fax->terminal, STEP_SAMPLES);
        if (fax->ended && ++fax->linger > LINGER_STEPS) {
            finish(fax);
            return;
        }
    }
}

void fax_start(struct fax *fax)
{
    fax->last_us = fax->heard_us = clock_now_us();
    uv_timer_start(&fax->timer, on_tick, 0, tick_ms(fax));
}

void fax_pause(struct fax *fax, bool pause)
{
    if (pause)
        uv_timer_stop(&fax->timer);
    else if (!fax->ended)
        fax_start(fax);
}

void fax_receive(struct fax *fax, const uint8_t *packet, size_t len)
{
    fax->heard_us = clock_now_us();
    udptl_receive(&fax->receiver, packet, len);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void fax_close(struct fax *fax)
{
    if (!fax)
        return;
    if (!fax->ended)
        t30_terminate(t38_terminal_get_t30_state(fax->terminal));
    t38_terminal_release(fax->terminal);
    t38_terminal_free(fax->terminal);
    uv_close((uv_handle_t *)&fax->timer, on_closed);
}
