// SPDX-License-Identifier: GPL-3.0-or-later
// e2ae-ua: from the command line to the exit status.
//
// Happy path: open the loop and the SIP address, print "ready", make or take calls one by one until
// --calls are over, print "result". Failure: each class of failure has its exit status
// (ua_event.h); --timeout and SIGTERM hang up whatever is there and give it WIND_UP_MS to end.

#include "common/clock.h"
#include "tests/ua/ua_call.h"
#include "tests/ua/ua_event.h"
#include "tests/ua/ua_page.h"

#include <gnutls/gnutls.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_AT_ONCE 64 // calls an answering side holds; the next is refused with 486
// A BYE that nobody answers does not keep the process longer than this.
#define WIND_UP_MS 3000
// Our last response may have to be repeated.
#define LINGER_MS 100

struct agent {
    struct ua_options options;
    struct ua_loop loop;
    struct sip *sip;
    struct call_env env;
    struct call *calls[CALLS_AT_ONCE];
    unsigned begun, ended;
    uv_timer_t timer;
    uv_signal_t signals[2];
    bool winding_up;
};

static void stop_soon(struct agent *a);

static struct call **free_place(struct agent *a)
{
    for (int i = 0; i < CALLS_AT_ONCE; i++)
        if (!a->calls[i])
            return &a->calls[i];
    return NULL;
}

static void start_call(struct agent *a)
{
    a->begun++;
    if (call_start(&a->calls[0], &a->env) == 0)
        return;
    event("call-failed", "to=%s", event_quote(a->options.call));
    event_fail(UA_SYSTEM);
    stop_soon(a);
}

static void on_call_over(void *arg, struct call *call)
{
    struct agent *a = arg;

    for (int i = 0; i < CALLS_AT_ONCE; i++)
        if (a->calls[i] == call)
            a->calls[i] = NULL;
    call_free(call);
    a->ended++;
    if (a->ended == a->options.calls || a->winding_up)
        stop_soon(a);
    else if (a->options.call)
        start_call(a);
}

static bool on_call(void *arg, struct dialog *dialog, const char *from, struct dialog_user *user)
{
    struct agent *a = arg;
    struct call **place = free_place(a);

    if (!a->options.answer || !place || a->begun == a->options.calls || a->winding_up)
        return false;
    *place = call_incoming(&a->env, dialog, from, user);
    a->begun += *place != NULL;
    return *place != NULL;
}

static void on_register(void *arg, int status, const char *phrase, const char *agreement)
{
    struct agent *a = arg;

    event("registered", "status=%d phrase=%s security-server=%s", status, event_quote(phrase),
          event_quote(agreement));
    if (status >= 300) {
        event_fail(UA_REFUSED);
        stop_soon(a);
    } else if (a->options.call) {
        start_call(a);
    } else if (!a->options.answer) {
        stop_soon(a);
    }
}

static void on_other_peer(void *arg)
{
    struct agent *a = arg;

    event("tls-failed", "reason=fingerprint");
    event_fail(UA_DTLS);
    stop_soon(a);
}

static void on_registrar(void *arg, const char *aor, const char *contact, const char *path)
{
    struct agent *a = arg;

    event("registrar", "identity=%s contact=%s path=%s", event_quote(aor), event_quote(contact),
          event_quote(path));
    if (a->options.call && a->begun == 0)
        start_call(a);
}

// --- the end ------------------------------------------------------------------------------------

static void on_stop(uv_timer_t *timer)
{
    struct agent *a = timer->data;
    a->loop.stop = true;
}

static void stop_soon(struct agent *a)
{
    uv_timer_start(&a->timer, on_stop, LINGER_MS, 0);
}

static void wind_up(struct agent *a)
{
    bool any = false;

    a->winding_up = true;
    for (int i = 0; i < CALLS_AT_ONCE; i++) {
        if (!a->calls[i])
            continue;
        any = true;
        call_hangup(a->calls[i]);
    }
    uv_timer_start(&a->timer, on_stop, any ? WIND_UP_MS : LINGER_MS, 0);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    event("signal", "number=%d", signum);
    wind_up(handle->data);
}

static void on_timeout(uv_timer_t *timer)
{
    struct agent *a = timer->data;

    event("timeout", "seconds=%u", a->options.timeout_s);
    event_fail(UA_TIMEOUT);
    wind_up(a);
}

// --- the agent ----------------------------------------------------------------------------------

static void open_handles(struct agent *a)
{
    static const int numbers[] = {SIGTERM, SIGINT};

    uv_timer_init(&a->loop.uv, &a->timer);
    a->timer.data = a;
    uv_timer_start(&a->timer, on_timeout, a->options.timeout_s * 1000ULL, 0);
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&a->loop.uv, &a->signals[i]);
        a->signals[i].data = a;
        uv_signal_start(&a->signals[i], on_signal, numbers[i]);
    }
}

static void close_handles(struct agent *a)
{
    for (int i = 0; i < CALLS_AT_ONCE; i++)
        call_free(a->calls[i]);
    uv_close((uv_handle_t *)&a->timer, NULL);
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&a->signals[i], NULL);
    sip_close(a->sip);
}

static void begin(struct agent *a)
{
    struct sip_user user = {a, on_call, on_register, on_registrar, on_other_peer};
    int rc = sip_open(&a->sip, a->loop.su, &a->options.sip, &user);

    a->env = (struct call_env){&a->loop, a->sip, &a->options, a, on_call_over};
    if (rc != 0) {
        fprintf(stderr, "e2ae-ua: --listen: %s\n", strerror(-rc));
        event_fail(UA_SYSTEM);
        a->loop.stop = true;
        return;
    }
    event("ready", "side=%s address=%s transport=%s", a->options.side == SIDE_UE ? "ue" : "core",
          sip_address(a->sip), sip_transport_name(a->options.sip.transport));
    if (a->options.reg)
        sip_register(a->sip);
    else if (a->options.call && !a->options.sip.registrar)
        start_call(a);
}

static int run_agent(struct agent *a)
{
    if (ua_loop_open(&a->loop) != 0) {
        fprintf(stderr, "e2ae-ua: no event loop\n");
        return UA_SYSTEM;
    }
    open_handles(a);
    begin(a);
    ua_loop_run(&a->loop, UINT64_MAX);
    close_handles(a);
    ua_loop_close(&a->loop);
    event("result", "status=%d meaning=%s calls=%u", event_status(),
          event_status_name(event_status()), a->ended);
    return (int)event_status();
}

// --- documents ----------------------------------------------------------------------------------

static int make_document(const struct ua_options *o)
{
    char error[PAGE_ERROR_MAX];

    if (page_make(o->make_page, o->pages, o->fine, error) != 0) {
        fprintf(stderr, "e2ae-ua: --make-page: %s\n", error);
        return UA_SYSTEM;
    }
    event("page-made", "file=%s pages=%u", event_quote(o->make_page), o->pages);
    return UA_OK;
}

static int compare_documents(const struct ua_options *o)
{
    char error[PAGE_ERROR_MAX] = "";
    unsigned pages;
    int rc = page_compare(o->compare, o->compare_with, &pages, error);

    if (rc < 0) {
        fprintf(stderr, "e2ae-ua: --compare: %s\n", error);
        return UA_SYSTEM;
    }
    event("compared", "equal=%s pages=%u difference=%s", rc == 0 ? "yes" : "no", pages,
          *error ? event_quote(error) : "-");
    return rc == 0 ? UA_OK : UA_FAX;
}

// What can be told about the files before anybody is called.
static int check_files(const struct ua_options *o)
{
    char error[PAGE_ERROR_MAX];

    if (!o->send || page_count(o->send, error) >= 0)
        return UA_OK;
    fprintf(stderr, "e2ae-ua: --send: %s\n", error);
    return UA_SYSTEM;
}

int main(int argc, char **argv)
{
    static struct agent agent;
    enum options_end end = options_parse(&agent.options, argc, argv);

    if (end != OPTIONS_GO)
        return end == OPTIONS_DONE ? UA_OK : UA_USAGE;
    log_set_level(agent.options.log_level);
    if (agent.options.make_page)
        return make_document(&agent.options);
    if (agent.options.compare)
        return compare_documents(&agent.options);
    if (check_files(&agent.options) != UA_OK)
        return UA_SYSTEM;
    return run_agent(&agent);
}
