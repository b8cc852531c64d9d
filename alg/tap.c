// SPDX-License-Identifier: GPL-3.0-or-later
// A message goes out as it is; a step as one line, "IMS-ALG -> IMS-AGW: ADD.req (...); Stream: 1".
// The collector wants addresses of everything: steps have those of the two listening points.
//
// Failures: a collector that cannot be addressed ends the start with a sentence; later ones are
// counted where they happen, and the calls do not notice.
#include "alg/tap.h"

#include "common/capture/capture.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/trace/hep.h"
#include "common/trace/printer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// As much of a step as a terminal shows with patience.
#define STEP_MAX 2000

struct tap {
    const struct config *cfg;
    struct hep *hep;         // NULL: none
    struct capture *capture; // NULL: none
    struct ring *ring;       // of this thread, to the capture
};

static int open_hep(struct tap *tap, char *error)
{
    const struct addr *collector = &tap->cfg->trace.hep;
    char text[ADDR_STRLEN];
    if (!addr_is_set(collector))
        return 0;
    int rc = hep_open(&tap->hep, collector);
    if (rc < 0)
        snprintf(error, CONFIG_ERROR_MAX, "trace.hep: cannot send to %s: %s",
                 addr_format(collector, text), strerror(-rc));
    else
        log_warn("hep", "SIP messages and steps of every call are sent to %s",
                 addr_format(collector, text));
    return rc;
}

static int open_capture(struct tap *tap, char *error)
{
    if (!tap->cfg->capture.directory[0])
        return 0;
    int rc = capture_open(&tap->capture, tap->cfg, error);
    if (rc == 0 && !(tap->ring = capture_ring(tap->capture)))
        rc = -ENOMEM;
    return rc;
}

int tap_open(struct tap **out, const struct config *cfg, char error[static CONFIG_ERROR_MAX])
{
    if (!addr_is_set(&cfg->trace.hep) && !cfg->capture.directory[0])
        return 0;
    struct tap *tap = calloc(1, sizeof(*tap));
    snprintf(error, CONFIG_ERROR_MAX, "out of memory");
    if (!tap)
        return -ENOMEM;
    tap->cfg = cfg;
    int rc = open_hep(tap, error);
    if (rc == 0)
        rc = open_capture(tap, error);
    if (rc < 0)
        tap_close(tap);
    else
        *out = tap;
    return rc;
}

void tap_close(struct tap *tap)
{
    if (!tap)
        return;
    capture_close(tap->capture);
    hep_close(tap->hep);
    free(tap);
}

struct capture *tap_capture(const struct tap *tap)
{
    return tap ? tap->capture : NULL;
}

// --- messages and sessions --------------------------------------------------------------------

static void send_message(struct tap *tap, const struct tap_message *m)
{
    hep_send(tap->hep, &(struct hep_packet){.type = HEP_SIP,
                                            .wall_us = clock_wall_us(m->time_us),
                                            .tcp = m->tcp,
                                            .from = m->from,
                                            .to = m->to,
                                            .payload = m->text,
                                            .len = m->len,
                                            .correlation = m->call_id});
}

static void record(struct tap *tap, struct record *r, const char *session)
{
    snprintf(r->session, sizeof(r->session), "%s", session ? session : "");
    ring_put(tap->ring, r);
    ring_publish(tap->ring);
}

static void record_message(struct tap *tap, const struct tap_message *m)
{
    struct record r = {.kind = RECORD_SIP,
                       .time_us = m->time_us,
                       .side = m->peer == PARTY_CORE,
                       .tcp = m->tcp,
                       .out = m->out,
                       .from = m->from,
                       .to = m->to,
                       .data = m->text,
                       .len = (uint32_t)m->len};
    record(tap, &r, m->session);
}

void tap_message(struct tap *tap, const struct tap_message *m)
{
    if (!tap || !m->text || addr_family(&m->from) != addr_family(&m->to))
        return;
    if (tap->hep)
        send_message(tap, m);
    if (tap->capture)
        record_message(tap, m);
}

void tap_context(struct tap *tap, const char *session, uint32_t context)
{
    struct record r = {.kind = RECORD_NAME, .time_us = clock_now_us(), .context = context};
    if (tap && tap->capture)
        record(tap, &r, session);
}

void tap_session_ended(struct tap *tap, const char *session)
{
    struct record r = {.kind = RECORD_END, .time_us = clock_now_us()};
    if (tap && tap->capture)
        record(tap, &r, session);
}

// --- steps ------------------------------------------------------------------------------------

// The lines up to a blank one: what follows is a rendering of the same.
static void put_detail(struct strbuf *out, const char *text)
{
    const char *line;
    size_t len;
    while (text_line(&text, &line, &len) && len > 0) {
        strbuf_puts(out, "; ");
        strbuf_add(out, line, len);
    }
}

void tap_event(struct tap *tap, const char *call_id, const struct trace_event *e)
{
    if (!tap || !tap->hep)
        return;
    const struct addr *here = &tap->cfg->access.listen[0];
    struct strbuf line = STRBUF_INIT;
    if (event_is_note(e))
        strbuf_printf(&line, "%s %s", trace_party_names[e->from], e->label);
    else
        strbuf_printf(&line, "%s -> %s: %s", trace_party_names[e->from], trace_party_names[e->to],
                      e->label);
    put_detail(&line, e->detail ? e->detail : "");
    char *text = strbuf_take(&line);
    if (text)
        hep_send(tap->hep, &(struct hep_packet){.type = HEP_LOG,
                                                .wall_us = clock_wall_us(e->time_us),
                                                .from = *here,
                                                .to = *here,
                                                .payload = text,
                                                .len = strnlen(text, STEP_MAX),
                                                .correlation = call_id});
    free(text);
}
