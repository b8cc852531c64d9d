// SPDX-License-Identifier: GPL-3.0-or-later
// The daemon as a service: it tells its manager how far it is, lets calls end before it ends, reads
// its configuration again, and logs for machines.
#include "tests/flows/agent.h"
#include "tests/flows/ctl.h"
#include "tests/flows/suite.h"

#include <dirent.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// --- the service manager ----------------------------------------------------------------------

// A service manager's socket, which programs started from now on are told of.
static int manager_open(struct flow *f)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const char *name = flow_text(f, "@pcscf-flow-%d", (int)getpid());
    strncpy(at.sun_path + 1, name + 1, sizeof(at.sun_path) - 2);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static const char *manager_hears(struct flow *f, int fd)
{
    char text[256];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    flow_check(f, poll(&ready, 1, flow_patience()) == 1, "the service manager hears nothing");
    ssize_t n = recv(fd, text, sizeof(text), 0);
    ck_assert_int_gt(n, 0);
    return flow_copy(f, text, (size_t)n);
}

static const char *manager_hears_but_watchdog(struct flow *f, int fd)
{
    const char *text;
    do
        text = manager_hears(f, fd);
    while (strcmp(text, "WATCHDOG=1") == 0);
    return text;
}

// Ready once everything is open; alive while it runs; reloading and ready again, with the mistake
// that was found; stopping as soon as it is told to end (sd_notify(3)).
START_TEST(the_service_manager_is_told)
{
    struct flow *f = flow_open("notify");
    int manager = manager_open(f);
    setenv("WATCHDOG_USEC", "300000", 1);
    struct pcscf *p =
        pcscf_start(f, &(struct pcscf_options){.error = " config: all stays as it was: "});
    unsetenv("WATCHDOG_USEC");
    must_say(f, manager_hears(f, manager), "^READY=1$");
    must_say(f, manager_hears(f, manager), "^WATCHDOG=1$");
    must_say(f, manager_hears(f, manager), "^WATCHDOG=1$");
    flow_write(f, "pcscf.yaml", "nonsense: true\n");
    program_signal(pcscf_program(p), SIGHUP);
    must_say(f, manager_hears_but_watchdog(f, manager), "^RELOADING=1$");
    must_say(f, manager_hears_but_watchdog(f, manager),
             "^STATUS=Serving; the configuration that was read again is refused: .*nonsense");
    pcscf_stop(p);
    must_say(f, manager_hears_but_watchdog(f, manager), "^STOPPING=1$");
    close(manager);
    flow_close(f);
}
END_TEST

// --- the end ----------------------------------------------------------------------------------

// A P-CSCF that was told to end while a call is up.
static struct pcscf *begin_to_drain(struct flow *f, struct call *call)
{
    struct pcscf *p = pcscf_start(f, &(struct pcscf_options){.admin = true, .sip = "drain_s: 60"});
    *call = (struct call){
        .caller = HOST_UE, .ue = "--expect-bye", .core = "--expect-bye", .no_fax = true};
    call_start(p, call);
    program_line(call->programs[HOST_UE], "^dtls-established ");
    program_line(call->programs[HOST_CORE], "^call-up ");
    program_signal(pcscf_program(p), SIGTERM);
    program_line(pcscf_program(p), "no new calls; 1 sessions have 60 s to end$");
    return p;
}

static void must_refuse(struct pcscf *p)
{
    struct flow *f = pcscf_flow(p);
    struct program *late =
        program_run(f, "late", flow_binary(f, "e2ae-ua"),
                    flow_text(f,
                              "--side ue --listen %s:0 --proxy %s --call sip:core@%s "
                              "--offer t38",
                              flow_host(f, HOST_OTHER), pcscf_access(p), flow_at(f, HOST_CORE)));
    program_line(late, "^refused status=503 ");
    program_wait(late);
}

// After SIGTERM new calls are refused (503) while those that stand go on; when the last one has
// ended so does the process.
START_TEST(calls_may_end_by_themselves)
{
    struct flow *f = flow_open("drain");
    struct call call;
    struct pcscf *p = begin_to_drain(f, &call);
    must_say(f, ctl_says(p, 0, "show"), "^state +draining: no new calls$");
    must_refuse(p);
    flow_check(f, !program_ended(call.programs[HOST_UE]), "the call was not let go on");
    const char *id = flow_value(f, ctl_says(p, 0, "calls live --json"), "\"id\": ", "\"id\": \"");
    ctl_says(p, 0, flow_text(f, "hangup %.8s", id));
    call_finish(p, &call);
    ck_assert_int_eq(program_wait(pcscf_program(p)), 0);
    flow_close(f);
}
END_TEST

// Told a second time it releases what stands: both sides get a BYE (TS 24.229 5.2.8.1).
START_TEST(a_second_signal_releases)
{
    struct flow *f = flow_open("drain-twice");
    struct call call;
    struct pcscf *p = begin_to_drain(f, &call);
    program_signal(pcscf_program(p), SIGTERM);
    call_finish(p, &call);
    must_say(f, call_ue(&call), "^bye-received reason=.SIP;cause=503;text=.The P-CSCF is shutting");
    must_say(f, call_core(&call), "^bye-received reason=.SIP;cause=503;");
    ck_assert_int_eq(program_wait(pcscf_program(p)), 0);
    flow_close(f);
}
END_TEST

// --- SIGHUP -----------------------------------------------------------------------------------

static void reload(struct pcscf *p, const char *line)
{
    program_signal(pcscf_program(p), SIGHUP);
    program_line(pcscf_program(p), line);
}

// What can change changes for the next call; what cannot is named and stays; a file with a mistake
// changes nothing.
START_TEST(the_configuration_is_read_again)
{
    struct flow *f = flow_open("reload");
    struct pcscf_options options = {.admin = true, .error = "all stays as it was: "};
    struct pcscf *p = pcscf_start(f, &options);
    const char *text = flow_read(f, flow_path(f, "pcscf.yaml"));
    flow_write(f, "pcscf.yaml",
               flow_text(f, "%slog: {level: debug}\nt38: {setup_answer: active}\n",
                         flow_replace(f, text, flow_text(f, "min: %u", ACCESS_PORTS),
                                      flow_text(f, "min: %u", ACCESS_PORTS + 2))));
    reload(p, "access.ports.min has changed: it stays");
    program_line(pcscf_program(p), "pcscf.yaml was read again$");
    must_say(f, ctl_says(p, 0, "show"), "^log level +debug$");
    struct call call = {.caller = HOST_UE};
    call_run(p, &call);
    must_say(f, call_ue(&call), "^answer-received .* setup=active ");
    flow_write(f, "pcscf.yaml", "t38: {setup_answer: passive}\nagw: {mtu: 1}\n");
    reload(p, "all stays as it was: pcscf.yaml:2: agw.mtu: expected ");
    must_say(f, ctl_says(p, 0, "show"), "^log level +debug$");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// --- charts -----------------------------------------------------------------------------------

// The chart of this ending, all of it.
static const char *chart_file(struct flow *f, const char *ending)
{
    const char *found = NULL;
    DIR *folder = opendir(flow_path(f, "charts"));
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *e; (e = readdir(folder));) {
        const char *dot = strrchr(e->d_name, '.');
        if (dot && strcmp(dot + 1, ending) == 0)
            found = flow_read(f, flow_path(f, flow_text(f, "charts/%s", e->d_name)));
    }
    closedir(folder);
    return found;
}

// A session leaves its chart in the forms that are asked for, and in no other.
START_TEST(charts_have_the_forms_asked_for)
{
    struct flow *f = flow_open("forms");
    struct pcscf *p =
        pcscf_start(f, &(struct pcscf_options){.trace = "formats: [svg, html, json]"});
    struct call call = {.caller = HOST_UE, .datagrams = true};
    call_run(p, &call);
    pcscf_stop(p);
    ck_assert_int_eq(strncmp(chart_file(f, "svg"), "<svg ", 5), 0);
    ck_assert_int_eq(strncasecmp(chart_file(f, "html"), "<!doctype html>", 15), 0);
    json_t *chart = json_loads(chart_file(f, "json"), 0, NULL);
    ck_assert_uint_gt(json_array_size(json_object_get(chart, "events")), 20);
    json_decref(chart);
    ck_assert_ptr_null(chart_file(f, "txt"));
    ck_assert_ptr_null(chart_file(f, "mmd"));
    flow_close(f);
}
END_TEST

// --- the log ----------------------------------------------------------------------------------

// Every line is one JSON object with time, level, object and text; lines of a session name it by
// the id that pcscfctl knows.
START_TEST(the_log_is_json)
{
    struct flow *f = flow_open("json-log");
    struct pcscf *p = pcscf_start(f, &(struct pcscf_options){.log = "format: json", .admin = true});
    struct call call = {.caller = HOST_UE};
    unsigned sessions = 0;
    call_run(p, &call);
    pcscf_chart(p);
    const char *calls = ctl_says(p, 0, "calls --json");
    pcscf_stop(p);
    const char *line = program_text(pcscf_program(p));
    for (size_t len; *line != '\0'; line += len + (line[len] != '\0')) {
        len = strcspn(line, "\n");
        json_t *v = json_loadb(line, len, 0, NULL);
        flow_check(f, v, "no JSON: %.*s", (int)len, line);
        static const char *const members[] = {"time", "level", "object", "text"};
        for (int i = 0; i < 4; i++)
            flow_check(f, json_string_value(json_object_get(v, members[i])), "no %s", members[i]);
        const char *session = json_string_value(json_object_get(v, "session"));
        flow_check(f, !session || strstr(calls, session), "no session %s", session);
        sessions += session != NULL;
        json_decref(v);
    }
    ck_assert_uint_gt(sessions, 0);
    flow_close(f);
}
END_TEST

void suite_operation(struct suite *s)
{
    ONCE(s, the_service_manager_is_told);
    ONCE(s, calls_may_end_by_themselves);
    ONCE(s, a_second_signal_releases);
    ONCE(s, the_configuration_is_read_again);
    ONCE(s, charts_have_the_forms_asked_for);
    ONCE(s, the_log_is_json);
}
