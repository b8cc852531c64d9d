// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: a configuration file is written, the daemon says that it is ready, charts are noticed
// as they are written, /proc tells what it holds, SIGTERM ends it and its last lines are its
// counters. Failure: whatever it holds too long, an error in its log or another exit status fails
// the test.
#include "tests/flows/pcscf.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEDIA_PORTS 200 // per side: more than any test needs at once
#define ADMIN_PORT 8060
// /proc has no events: how often it is looked at while something is awaited there.
#define LOOK_MS 20
#define CHARTS_MAX 64

struct pcscf {
    struct flow *flow;
    struct program *program;
    struct pcscf_options options;
    const char *access, *core, *tls;
    unsigned media_ports;
    unsigned descriptors; // when it was ready
    int watch;            // inotify of the trace folder
    const char *charts[CHARTS_MAX];
    unsigned chart_count, charts_given;
};

// --- configuration -----------------------------------------------------------------------------

static const char *own_address(struct flow *f, bool v6, unsigned port)
{
    return v6 ? flow_text(f, "[::1]:%u", port)
              : flow_text(f, "%s:%u", flow_host(f, HOST_PCSCF), port);
}

static const char *section(struct flow *f, const char *name, const char *keys)
{
    return keys ? flow_text(f, "%s: {%s}\n", name, keys) : "";
}

static const char *side(struct pcscf *p, const char *name, const char *at, bool v6, unsigned first,
                        const char *keys)
{
    struct flow *f = p->flow;
    bool two = at == p->access && p->options.second;
    const char *more = two ? flow_text(f, ", \"%s\"", p->options.second) : "";

    return section(f, name,
                   flow_text(f,
                             "listen: [\"%s\"%s], media: [\"%s\"], ports: {min: %u, max: %u}%s%s",
                             at, more, v6 ? "::1" : flow_host(f, HOST_PCSCF), first,
                             first + p->media_ports - 1, keys ? ", " : "", keys ? keys : ""));
}

static const char *access_keys(struct pcscf *p)
{
    const struct pcscf_options *o = &p->options;
    const char *keys = o->access ? o->access : "";

    if (!o->tls)
        return o->access;
    return flow_text(p->flow, "tls: {listen: [\"%s\"]%s%s}%s%s", p->tls, *o->tls ? ", " : "",
                     o->tls, *keys ? ", " : "", keys);
}

static void write_configuration(struct pcscf *p)
{
    struct flow *f = p->flow;
    const struct pcscf_options *o = &p->options;
    const char *hop = o->next_hop ? o->next_hop : flow_at(f, HOST_CORE);
    const char *core =
        flow_text(f, "next_hop: \"%s\"%s%s", hop, o->core ? ", " : "", o->core ? o->core : "");
    const char *admin = flow_text(f, "listen: \"%s\"%s%s", o->admin ? pcscf_admin(p) : "off",
                                  o->admin_keys ? ", " : "", o->admin_keys ? o->admin_keys : "");
    const char *ues =
        o->ues ? o->ues : flow_text(f, "{user: %s, contact: \"%s\"}", UE_USER, flow_at(f, HOST_UE));

    flow_write(f, "pcscf.yaml",
               flow_text(f,
                         "%s%s%s%s%s%s%s%s%s%s%s%s"
                         "ues: [%s]\n"
                         "trace: {directory: \"charts\"%s%s}\n"
                         "%s%s",
                         side(p, "access", p->access, o->access_v6, ACCESS_PORTS, access_keys(p)),
                         side(p, "core", p->core, o->core_v6, CORE_PORTS, core),
                         flow_text(f, "%s%s", section(f, "registration", o->registration),
                                   section(f, "dns", o->dns)),
                         section(f, "emergency", o->emergency), section(f, "e2ae", o->e2ae),
                         section(f, "t38", o->t38), section(f, "tcp", o->tcp),
                         section(f, "msrp", o->msrp), section(f, "bfcp", o->bfcp),
                         section(f, "agw", o->agw ? o->agw : "certificate_pool: 4"),
                         section(f, "sip", o->sip), section(f, "capture", o->capture), ues,
                         o->trace ? ", " : "", o->trace ? o->trace : "", section(f, "log", o->log),
                         section(f, "admin", admin)));
}

// --- life --------------------------------------------------------------------------------------

struct pcscf *pcscf_start(struct flow *f, const struct pcscf_options *options)
{
    struct pcscf *p = flow_alloc(f, sizeof(*p));

    p->flow = f;
    if (options)
        p->options = *options;
    p->media_ports = p->options.media_ports ? p->options.media_ports : MEDIA_PORTS;
    p->access = own_address(f, p->options.access_v6, flow_port(f, HOST_PCSCF));
    p->core = own_address(f, p->options.core_v6, PORT_CORE_SIDE(f));
    p->tls = own_address(f, p->options.access_v6, PORT_TLS(f));
    write_configuration(p);
    if (mkdir(flow_path(f, "charts"), 0777)) // it may be the second life of the daemon
        ck_assert_int_eq(errno, EEXIST);
    p->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    ck_assert_int_ge(inotify_add_watch(p->watch, flow_path(f, "charts"), IN_CLOSE_WRITE), 0);
    p->program = program_run(f, "pcscf", flow_binary(f, "pcscf"), "--config pcscf.yaml");
    program_line(p->program, " pcscf: ready$|\"text\":\"ready\"");
    p->descriptors = pcscf_descriptors(p);
    return p;
}

static void check_log(struct pcscf *p)
{
    struct flow *f = p->flow;
    const char *said = program_text(p->program);
    unsigned errors = text_count(said, "^[^ ]+Z error ");
    unsigned expected = p->options.error ? text_count(said, p->options.error) : 0;

    flow_check(f, errors == expected, "the P-CSCF logged %u errors, %u of them expected", errors,
               expected);
    flow_check(f, !p->options.error || expected > 0, "no such error in the log: %s",
               p->options.error);
    flow_check(f, !text_matches(said, "runtime error:|Sanitizer:"), "a sanitizer complains");
}

void pcscf_stop_at_once(struct pcscf *p)
{
    program_signal(p->program, SIGTERM);
    int status = program_wait(p->program);
    flow_check(p->flow, status == 0, "the P-CSCF ended with status %d", status);
    check_log(p);
}

void pcscf_stop(struct pcscf *p)
{
    pcscf_await_idle(p);
    pcscf_stop_at_once(p);
}

const char *pcscf_admin(const struct pcscf *p)
{
    return flow_text(p->flow, "%s:%d", flow_host(p->flow, HOST_PCSCF), ADMIN_PORT);
}

struct flow *pcscf_flow(const struct pcscf *p)
{
    return p->flow;
}

struct program *pcscf_program(const struct pcscf *p)
{
    return p->program;
}

const char *pcscf_access(const struct pcscf *p)
{
    return p->access;
}

const char *pcscf_tls(const struct pcscf *p)
{
    return p->tls;
}

const char *pcscf_core(const struct pcscf *p)
{
    return p->core;
}

// --- what it holds -----------------------------------------------------------------------------

unsigned pcscf_descriptors(const struct pcscf *p)
{
    DIR *dir = opendir(flow_text(p->flow, "/proc/%d/fd", program_pid(p->program)));
    struct dirent *entry;
    unsigned count = 0;

    while (dir && (entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return count;
}

unsigned pcscf_extra_descriptors(const struct pcscf *p)
{
    unsigned now = pcscf_descriptors(p);

    return now > p->descriptors ? now - p->descriptors : 0;
}

void pcscf_await_idle(struct pcscf *p)
{
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();

    while (pcscf_extra_descriptors(p) > 0) {
        flow_check(p->flow, flow_now_ms() < deadline,
                   "the P-CSCF holds %u descriptors more than at first",
                   pcscf_extra_descriptors(p));
        programs_poll(p->flow, -1, flow_now_ms() + LOOK_MS);
    }
}

unsigned pcscf_memory(const struct pcscf *p)
{
    const char *path = flow_text(p->flow, "/proc/%d/status", program_pid(p->program));
    const char *value = flow_value(p->flow, flow_read(p->flow, path), "^VmRSS:", "VmRSS:");
    unsigned kib = 0;

    ck_assert_ptr_nonnull(value);
    const char *line = strstr(flow_read(p->flow, path), "VmRSS:");
    ck_assert_int_eq(sscanf(line, "VmRSS: %u", &kib), 1);
    return kib;
}

unsigned pcscf_counter(const struct pcscf *p, const char *reason)
{
    const char *line = flow_text(p->flow, " counters: %s ", reason);
    const char *at = strstr(program_text(p->program), line);

    return at ? (unsigned)strtoul(at + strlen(line), NULL, 10) : 0;
}

// --- charts ------------------------------------------------------------------------------------

// Both files of a chart are written one after the other, the Mermaid one last.
static void take_events(struct pcscf *p)
{
    char buffer[sizeof(struct inotify_event) + NAME_MAX + 1]
        __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t got;

    while ((got = read(p->watch, buffer, sizeof(buffer))) > 0) {
        for (char *at = buffer; at < buffer + got;) {
            const struct inotify_event *event = (const struct inotify_event *)at;
            size_t len = strlen(event->name);
            if (len > 4 && strcmp(event->name + len - 4, ".mmd") == 0) {
                ck_assert_uint_lt(p->chart_count, CHARTS_MAX);
                p->charts[p->chart_count++] = flow_copy(p->flow, event->name, len - 4);
            }
            at += sizeof(*event) + event->len;
        }
    }
}

struct chart pcscf_chart(struct pcscf *p)
{
    struct flow *f = p->flow;
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();

    for (take_events(p); p->charts_given == p->chart_count; take_events(p))
        flow_check(f, programs_poll(f, p->watch, deadline), "no chart comes");
    const char *name = p->charts[p->charts_given++];
    return (struct chart){f, flow_read(f, flow_path(f, flow_text(f, "charts/%s.txt", name))),
                          flow_read(f, flow_path(f, flow_text(f, "charts/%s.mmd", name)))};
}

// "    UE->>ALG: 1. INVITE": the number of a step, or 0.
static unsigned step_of(const char *line)
{
    size_t len = strcspn(line, "\n");
    const char *colon = memchr(line, ':', len);
    unsigned number = 0;
    int end = 0;

    if (!colon || sscanf(colon, ": %u.%n", &number, &end) != 1 || end == 0 || colon[end] != ' ')
        return 0;
    return number;
}

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line ? line + 1 : line;
}

unsigned chart_steps(const struct chart *c, unsigned steps[static STEPS_MAX])
{
    unsigned count = 0;

    for (const char *line = c->mermaid; *line; line = next_line(line))
        if (step_of(line) && count < STEPS_MAX)
            steps[count++] = step_of(line);
    return count;
}

// A note follows the arrow it belongs to; a note that is a step is one of its own.
static bool is_detail(const char *line)
{
    return strncmp(line, "    Note over ", 14) == 0 && step_of(line) == 0;
}

const char *chart_step(const struct chart *c, unsigned n)
{
    const char *line = c->mermaid;

    while (*line && step_of(line) != n)
        line = next_line(line);
    flow_check(c->flow, *line, "the chart has no step %u", n);
    const char *end = next_line(line);
    while (is_detail(end))
        end = next_line(end);
    return flow_copy(c->flow, line, (size_t)(end - line));
}

void chart_in_order(const struct chart *c, unsigned first, unsigned last)
{
    unsigned steps[STEPS_MAX], count = chart_steps(c, steps), next = first;

    for (unsigned i = 0; i < count; i++) {
        if (steps[i] < first || steps[i] > last)
            continue;
        flow_check(c->flow, steps[i] == next, "step %u where %u is due", steps[i], next);
        next++;
    }
    flow_check(c->flow, next == last + 1, "step %u is missing", next);
}
