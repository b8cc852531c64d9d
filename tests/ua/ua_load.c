// SPDX-License-Identifier: GPL-3.0-or-later
// Loads.
//
// A load is a small table of functions over one struct. Happy path: start, packets, middle, done.
// Failure: a fax that ends badly, or datagrams that do not come back within COUNT_GRACE_MS after
// the last one left, are done with ok = false. Silence and echo are never done by themselves.

#include "tests/ua/ua_load.h"

#include "tests/ua/ua_event.h"
#include "tests/ua/ua_fax.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_GRACE_MS 1000
#define COUNT_AT_ONCE 20  // datagrams per timer event without pause
#define COUNT_LEN 100     // a typical UDPTL packet of a fax page with redundancy
#define MIDDLE_PACKETS 60 // a fax has its page under way by then

struct load;

struct load_kind {
    void (*start)(struct load *l);
    void (*receive)(struct load *l, const uint8_t *bytes, size_t len);
};

struct load {
    const struct load_kind *kind;
    const struct ua_options *options;
    struct load_user user;
    uv_timer_t timer;
    struct fax *fax; // NULL unless the load is a fax
    bool started, paused, in_middle;
    unsigned long sent, received;
};

static void put(struct load *l, const uint8_t *bytes, size_t len)
{
    if (l->paused)
        return;
    l->sent++;
    l->user.packet(l->user.arg, bytes, len);
    if (l->sent >= MIDDLE_PACKETS && !l->in_middle) {
        l->in_middle = true;
        l->user.middle(l->user.arg);
    }
}

// --- nothing ------------------------------------------------------------------------------------

static void none_start(struct load *l)
{
    l->user.done(l->user.arg, true);
}

static void none_receive(struct load *l, const uint8_t *bytes, size_t len)
{
}

// --- echo ---------------------------------------------------------------------------------------

static void echo_start(struct load *l)
{
}

static void echo_receive(struct load *l, const uint8_t *bytes, size_t len)
{
    put(l, bytes, len);
}

// --- counted datagrams --------------------------------------------------------------------------

static void count_finish(struct load *l)
{
    bool ok = l->received + l->options->tolerance >= l->sent;

    uv_timer_stop(&l->timer);
    event("count-done", "sent=%lu received=%lu", l->sent, l->received);
    if (!ok)
        event_fail(UA_FAX);
    l->user.done(l->user.arg, ok);
}

static void on_grace_over(uv_timer_t *timer)
{
    count_finish(timer->data);
}

// Looks like UDPTL to everybody who only looks: sequence number, one IFP, no redundancy.
static void count_send_one(struct load *l)
{
    uint8_t bytes[COUNT_LEN] = {0};

    bytes[0] = (uint8_t)(l->sent >> 8);
    bytes[1] = (uint8_t)l->sent;
    bytes[2] = COUNT_LEN - 5;
    put(l, bytes, sizeof(bytes));
}

static void on_count_tick(uv_timer_t *timer)
{
    struct load *l = timer->data;
    unsigned burst = l->options->datagram_ms > 0 ? 1 : COUNT_AT_ONCE;

    for (unsigned i = 0; i < burst && l->sent < l->options->datagrams && !l->paused; i++)
        count_send_one(l);
    if (l->sent == l->options->datagrams)
        uv_timer_start(&l->timer, on_grace_over, COUNT_GRACE_MS, 0);
}

static void count_start(struct load *l)
{
    unsigned pause = l->options->datagram_ms > 0 ? l->options->datagram_ms : 1;

    if (l->options->datagrams > 0)
        uv_timer_start(&l->timer, on_count_tick, 0, pause);
}

static void count_receive(struct load *l, const uint8_t *bytes, size_t len)
{
    if (l->options->datagrams > 0 && l->sent == l->options->datagrams && l->received >= l->sent)
        count_finish(l);
}

// --- fax ----------------------------------------------------------------------------------------

static void fax_load_start(struct load *l)
{
    fax_start(l->fax);
}

static void fax_load_receive(struct load *l, const uint8_t *bytes, size_t len)
{
    fax_receive(l->fax, bytes, len);
}

static void on_fax_packet(void *arg, const uint8_t *bytes, size_t len)
{
    put(arg, bytes, len);
}

static void on_fax_page(void *arg, int pages)
{
    struct load *l = arg;
    event("fax-page", "%s=%d", l->options->send ? "sent" : "received", pages);
}

static void on_fax_done(void *arg, const struct fax_result *r)
{
    struct load *l = arg;

    event("fax-done", "ok=%s pages=%d rate=%d ecm=%s packets=%lu recovered=%lu lost=%lu text=%s",
          r->ok ? "yes" : "no", r->pages, r->bit_rate, r->ecm ? "yes" : "no", r->packets,
          r->recovered, r->lost, event_quote(r->text));
    if (!r->ok)
        event_fail(UA_FAX);
    l->user.done(l->user.arg, r->ok);
}

static int open_fax(struct load *l, uv_loop_t *loop)
{
    struct fax_options options = {l->options->send, l->options->receive, l->options->speed};
    struct fax_user user = {l, on_fax_packet, on_fax_page, on_fax_done};

    l->fax = fax_open(loop, &options, &user);
    return l->fax ? 0 : -EIO;
}

// --- the load -----------------------------------------------------------------------------------

static const struct load_kind kinds[] = {
    [MEDIA_FAX] = {fax_load_start, fax_load_receive},
    [MEDIA_NONE] = {none_start, none_receive},
    [MEDIA_ECHO] = {echo_start, echo_receive},
    [MEDIA_COUNT] = {count_start, count_receive},
};

int load_open(struct load **out, uv_loop_t *loop, const struct ua_options *options,
              const struct load_user *user)
{
    struct load *l = calloc(1, sizeof(*l));
    int rc = 0;

    if (!l)
        return -ENOMEM;
    l->options = options;
    l->user = *user;
    l->kind = &kinds[options->media];
    if (options->media == MEDIA_FAX)
        rc = open_fax(l, loop);
    if (rc != 0) {
        free(l);
        return rc;
    }
    uv_timer_init(loop, &l->timer);
    l->timer.data = l;
    *out = l;
    return 0;
}

static void on_start(uv_timer_t *timer)
{
    struct load *l = timer->data;
    l->started = true;
    l->kind->start(l);
}

void load_start(struct load *l)
{
    if (l->options->start_after_ms > 0)
        uv_timer_start(&l->timer, on_start, l->options->start_after_ms, 0);
    else
        on_start(&l->timer);
}

void load_pause(struct load *l, bool pause)
{
    if (pause == l->paused)
        return;
    l->paused = pause;
    if (l->fax && l->started)
        fax_pause(l->fax, pause);
}

void load_receive(struct load *l, const uint8_t *bytes, size_t len)
{
    l->received++;
    l->kind->receive(l, bytes, len);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void load_close(struct load *l)
{
    if (!l)
        return;
    fax_close(l->fax);
    uv_close((uv_handle_t *)&l->timer, on_closed);
}
