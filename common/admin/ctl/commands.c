// SPDX-License-Identifier: GPL-3.0-or-later
// One function per command: ask, and print what came. A field that is missing is printed as "-",
// so that a newer or older endpoint can still be looked at.
#include "common/admin/ctl/ctl.h"

#include "common/admin/metrics.h"
#include "common/reason.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// --- fields -----------------------------------------------------------------------------------

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "-";
}

static json_int_t integer(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static bool yes(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static void print_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    putchar('\n');
}

static void row(const char *name, const char *value)
{
    printf("%-15s ", name);
    screen_text(value);
    putchar('\n');
}

static void heading(const char *line)
{
    screen_look(LOOK_HEAD);
    fputs(line, stdout);
    screen_look(LOOK_PLAIN);
    putchar('\n');
}

// Asks, and prints JSON if that is wanted; else what print makes of it.
static void show(const struct ctl *ctl, json_t *value, void (*print)(const json_t *value))
{
    if (value && ctl->json)
        print_json(value);
    else if (value)
        print(value);
    json_decref(value);
}

static int simple(struct ctl *ctl, const char *method, const char *path,
                  void (*print)(const json_t *value))
{
    int status;
    show(ctl, ctl_ask(ctl, method, path, &status), print);
    return status;
}

static int listed(struct ctl *ctl, const char *path, const char *member,
                  void (*print)(const json_t *value))
{
    int status;
    show(ctl, ctl_list(ctl, path, member, &status), print);
    return status;
}

// "3d 04:05:06"
static void print_duration(const char *name, double seconds)
{
    long s = (long)seconds;
    char buf[64];
    if (s >= 86400)
        snprintf(buf, sizeof(buf), "%ldd %02ld:%02ld:%02ld", s / 86400, s / 3600 % 24, s / 60 % 60,
                 s % 60);
    else
        snprintf(buf, sizeof(buf), "%02ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    row(name, buf);
}

// --- show, ports, log, hangup, regs -----------------------------------------------------------

static void print_listening(const char *name, const json_t *list)
{
    size_t i;
    json_t *address;
    json_array_foreach(list, i, address)
        row(i == 0 ? name : "", json_string_value(address) ? json_string_value(address) : "-");
}

static void print_used(const char *name, const json_t *side)
{
    char buf[96];
    snprintf(buf, sizeof(buf), "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT,
             integer(side, "used"), integer(side, "total"));
    row(name, buf);
}

static void print_show(const json_t *v)
{
    char buf[96];
    const json_t *listening = json_object_get(v, "listen"), *ports = json_object_get(v, "ports");
    row("version", text(v, "version"));
    print_duration("up for", number(v, "uptime_s"));
    row("state", yes(v, "draining") ? "draining: no new calls" : "serving");
    snprintf(buf, sizeof(buf), "%" JSON_INTEGER_FORMAT " now, %" JSON_INTEGER_FORMAT " in all",
             integer(v, "sessions"), integer(v, "sessions_total"));
    row("sessions", buf);
    snprintf(buf, sizeof(buf), "%" JSON_INTEGER_FORMAT, integer(v, "registrations"));
    row("registrations", buf);
    print_listening("access side", json_object_get(listening, "access"));
    print_listening("core side", json_object_get(listening, "core"));
    print_used("access ports", json_object_get(ports, "access"));
    print_used("core ports", json_object_get(ports, "core"));
    snprintf(buf, sizeof(buf), "%" JSON_INTEGER_FORMAT, integer(v, "workers"));
    row("media workers", buf);
    row("log level", text(v, "log_level"));
}

int ctl_show(struct ctl *ctl)
{
    return simple(ctl, "GET", "show", print_show);
}

static void print_ports(const json_t *v)
{
    static const char *const sides[] = {"access", "core"};
    heading("side      used   total  range");
    for (int i = 0; i < 2; i++) {
        const json_t *side = json_object_get(v, sides[i]);
        printf("%-7s %6" JSON_INTEGER_FORMAT "  %6" JSON_INTEGER_FORMAT "  %" JSON_INTEGER_FORMAT
               "-%" JSON_INTEGER_FORMAT "\n",
               sides[i], integer(side, "used"), integer(side, "total"), integer(side, "min"),
               integer(side, "max"));
    }
}

int ctl_ports(struct ctl *ctl)
{
    return simple(ctl, "GET", "ports", print_ports);
}

static void print_level(const json_t *v)
{
    row("log level", text(v, "log_level"));
}

int ctl_log(struct ctl *ctl)
{
    char path[64];
    if (strspn(ctl->words[0], "abcdefghijklmnopqrstuvwxyz") != strlen(ctl->words[0]) ||
        strlen(ctl->words[0]) > 16) {
        ctl_complain("expected error, warn, info or debug, got '%s'", ctl->words[0]);
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "log?level=%s", ctl->words[0]);
    return simple(ctl, "POST", path, print_level);
}

static void print_ended(const json_t *v)
{
    row("ended", text(v, "id"));
}

int ctl_hangup(struct ctl *ctl)
{
    char path[128];
    if (!ctl_call_path(path, sizeof(path), ctl->words[0], "/hangup"))
        return CTL_USAGE;
    return simple(ctl, "POST", path, print_ended);
}

// A page may not be all.
static void print_rest(const json_t *v, size_t shown)
{
    if ((json_int_t)shown < integer(v, "total"))
        printf("%zu of %" JSON_INTEGER_FORMAT "\n", shown, integer(v, "total"));
}

static void print_regs(const json_t *v)
{
    size_t i;
    json_t *r;
    heading(
        "state       identity                         contact                          expires  "
        "media security");
    json_array_foreach(json_object_get(v, "registrations"), i, r)
    {
        screen_column(text(r, "state"), 12, false);
        screen_column(text(r, "identity"), 32, false);
        putchar(' ');
        screen_column(text(r, "contact"), 32, false);
        printf(" %7" JSON_INTEGER_FORMAT "  ", integer(r, "expires_s"));
        screen_text(text(r, "mediasec"));
        fputs(yes(json_object_get(r, "flow"), "lost") ? "  (flow lost)\n" : "\n", stdout);
    }
    print_rest(v, i);
}

int ctl_regs(struct ctl *ctl)
{
    return listed(ctl, "regs", "registrations", print_regs);
}

// --- calls ------------------------------------------------------------------------------------

static void print_media(const json_t *media)
{
    size_t i;
    json_t *m;
    json_array_foreach(media, i, m)
    {
        fputs(i > 0 ? "," : "", stdout);
        screen_text(text(m, "kind"));
        fputs(yes(m, "e2ae") ? "+e2ae" : "", stdout);
    }
}

static enum look look_of(const json_t *call)
{
    bool failed = json_is_string(json_object_get(call, "reason"));
    return failed ? LOOK_BAD : strcmp(text(call, "state"), "up") == 0 ? LOOK_GOOD : LOOK_PLAIN;
}

// "alice@example.net" of a name-addr, in a column.
static void print_who(const char *address)
{
    char buf[256];
    const char *at = strchr(address, '<');
    at = at ? at + 1 : address;
    at += strncmp(at, "sip:", 4) == 0 || strncmp(at, "tel:", 4) == 0 ? 4 : 0;
    snprintf(buf, sizeof(buf), "%.*s", (int)strcspn(at, ";>"), at);
    screen_column(buf, 30, true);
}

static void print_call_line(const json_t *c)
{
    double started = number(c, "started");
    time_t when = (time_t)started;
    struct tm tm;
    char stamp[32];
    strftime(stamp, sizeof(stamp), "%H:%M:%S", localtime_r(&when, &tm));
    screen_column(text(c, "id"), 8, true);
    printf("  %s %8.1f s  %-4s  ", stamp, number(c, "duration_s"), text(c, "direction"));
    screen_look(look_of(c));
    screen_column(text(c, "state"), 8, false);
    screen_look(LOOK_PLAIN);
    fputs("  ", stdout);
    print_who(text(c, "from"));
    fputs("  ", stdout);
    print_who(text(c, "to"));
    fputs("  ", stdout);
    print_media(json_object_get(c, "media"));
    if (json_is_string(json_object_get(c, "reason"))) {
        fputs("  ", stdout);
        screen_text(text(c, "reason"));
    }
    putchar('\n');
}

static void print_calls(const json_t *v)
{
    size_t i;
    json_t *call;
    heading("id        began      lasted    dir   state     from                            to     "
            "                         media");
    json_array_foreach(json_object_get(v, "calls"), i, call) print_call_line(call);
    print_rest(v, i);
}

int ctl_calls(struct ctl *ctl)
{
    char path[64];
    const char *state = ctl->word_count > 0 ? ctl->words[0] : "all";
    if (strcmp(state, "live") != 0 && strcmp(state, "recent") != 0 && strcmp(state, "all") != 0) {
        ctl_complain("expected live, recent or all, got '%s'", state);
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "calls?state=%s", state);
    return listed(ctl, path, "calls", print_calls);
}

// --- one call ---------------------------------------------------------------------------------

static void print_end(const char *name, const json_t *end)
{
    printf("    %-8s %-12s local %s", name, text(end, "transport"), text(end, "local"));
    printf(", remote %s", text(end, "remote"));
    if (json_is_string(json_object_get(end, "latched")))
        printf(", latched %s", text(end, "latched"));
    printf("\n             received %" JSON_INTEGER_FORMAT " packets, %" JSON_INTEGER_FORMAT
           " bytes\n",
           integer(end, "packets"), integer(end, "bytes"));
}

static void print_fingerprints(const char *name, const json_t *list, const char *matched)
{
    size_t i;
    json_t *f;
    json_array_foreach(list, i, f)
    {
        const char *value = json_string_value(f);
        bool is = value && strcmp(value, matched) == 0;
        printf("             %s ", name);
        screen_text(value ? value : "-");
        screen_look(is ? LOOK_GOOD : LOOK_PLAIN);
        puts(is ? " (matched)" : "");
        screen_look(LOOK_PLAIN);
    }
}

static void print_dtls(const json_t *d)
{
    bool up = strcmp(text(d, "state"), "established") == 0;
    fputs("    (D)TLS   ", stdout);
    screen_look(up ? LOOK_GOOD : LOOK_BAD);
    fputs(text(d, "state"), stdout);
    screen_look(LOOK_PLAIN);
    printf(", AGW is %s, %s, %s\n", text(d, "role"), text(d, "version"), text(d, "suite"));
    if (json_is_string(json_object_get(d, "failure")))
        printf("             %s\n", text(d, "failure"));
    print_fingerprints("shown to the UE:   ", json_object_get(d, "local_fingerprints"), "");
    print_fingerprints("shown by the UE:   ", json_object_get(d, "remote_fingerprints"),
                       text(d, "matched"));
}

static void print_stream(const json_t *s)
{
    const json_t *silent = json_object_get(s, "silent_s"), *dtls = json_object_get(s, "dtls");
    printf("  media %" JSON_INTEGER_FORMAT ": %s%s, %" JSON_INTEGER_FORMAT " dropped",
           integer(s, "index"), text(s, "kind"), yes(s, "e2ae") ? " with e2ae security" : "",
           integer(s, "drops"));
    if (json_is_number(silent))
        printf(", silent for %.1f s", json_number_value(silent));
    putchar('\n');
    print_end("access", json_object_get(s, "access"));
    print_end("core", json_object_get(s, "core"));
    if (dtls)
        print_dtls(dtls);
}

static void print_call(const json_t *c)
{
    size_t i;
    json_t *stream;
    const char *reason = json_string_value(json_object_get(c, "reason"));
    row("id", text(c, "id"));
    row("Call-ID", text(c, "call_id"));
    row("from", text(c, "from"));
    row("to", text(c, "to"));
    row("direction", text(c, "direction"));
    row("state", text(c, "state"));
    print_duration("lasted", number(c, "duration_s"));
    if (reason)
        row("ended because", reason);
    if (json_is_string(json_object_get(c, "title")))
        row("figure", text(c, "title"));
    json_array_foreach(json_object_get(c, "streams"), i, stream) print_stream(stream);
}

static int chart(struct ctl *ctl)
{
    static const char *const formats[] = {"text", "mermaid", "svg", "html", "json"};
    const char *format = ctl->word_count > 2 ? ctl->words[2] : ctl->json ? "json" : "text";
    char path[160], rest[64];
    size_t known = 0;
    int status;
    while (known < 5 && strcmp(format, formats[known]) != 0)
        known++;
    if (known == 5) {
        ctl_complain("expected text, mermaid, svg, html or json, got '%s'", format);
        return CTL_USAGE;
    }
    snprintf(rest, sizeof(rest), "/chart?format=%s", format);
    if (!ctl_call_path(path, sizeof(path), ctl->words[0], rest))
        return CTL_USAGE;
    char *body = ctl_text(ctl, "GET", path, &status);
    // Pages and pictures go into files byte for byte; what is for eyes holds nothing that moves a
    // cursor, wherever it goes.
    bool for_eyes = known < 2 || isatty(STDOUT_FILENO);
    if (body && for_eyes)
        screen_text(body);
    else if (body)
        fputs(body, stdout);
    free(body);
    return status;
}

int ctl_call(struct ctl *ctl)
{
    char path[128];
    if (ctl->word_count > 1 && strcmp(ctl->words[1], "chart") != 0) {
        ctl_complain("expected chart, got '%s'", ctl->words[1]);
        return CTL_USAGE;
    }
    if (ctl->word_count > 1)
        return chart(ctl);
    if (!ctl_call_path(path, sizeof(path), ctl->words[0], ""))
        return CTL_USAGE;
    return simple(ctl, "GET", path, print_call);
}

// --- counters, explain ------------------------------------------------------------------------

static void print_counters(const json_t *v)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(v, "counters"), i, c)
    {
        if (number(c, "value") == 0)
            continue;
        char name[160];
        const char *labels = text(c, "labels");
        snprintf(name, sizeof(name), "%s%s%s%s", text(c, "name"), labels[0] ? "{" : "", labels,
                 labels[0] ? "}" : "");
        printf("%-60s %.15g\n", name, number(c, "value"));
    }
}

int ctl_counters(struct ctl *ctl)
{
    return simple(ctl, "GET", "counters", print_counters);
}

static const struct {
    const char *name, *type, *help;
} metric_rows[] = {
#define X(id, name, type, help) {"pcscf_" name, #type, help},
    METRIC_TABLE(X)
#undef X
};
#define METRIC_ROWS (sizeof(metric_rows) / sizeof(metric_rows[0]))

static void explain_reason(enum reason r, json_t *list)
{
    json_array_append_new(list, json_pack("{s:s,s:i,s:s,s:s,s:s}", "name", reason_name(r), "status",
                                          reason_status(r), "label", reason_label(r), "text",
                                          reason_text(r), "clause", reason_clause(r)));
}

static void print_explanation(const json_t *e)
{
    screen_look(LOOK_HEAD);
    printf("%s\n", text(e, "name"));
    screen_look(LOOK_PLAIN);
    printf("    %s.\n", text(e, "text"));
    if (text(e, "clause")[0] && text(e, "clause")[0] != '-')
        printf("    See %s.\n", text(e, "clause"));
    if (integer(e, "status") > 0)
        printf("    A SIP request is answered with %" JSON_INTEGER_FORMAT ".\n",
               integer(e, "status"));
}

int ctl_explain(struct ctl *ctl)
{
    const char *name = ctl->word_count > 0 ? ctl->words[0] : NULL;
    json_t *list = json_array(), *e;
    size_t i;
    for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
        if (!name || strcmp(name, reason_name((enum reason)r)) == 0)
            explain_reason((enum reason)r, list);
    for (i = 0; i < METRIC_ROWS; i++)
        if (!name || strcmp(name, metric_rows[i].name) == 0)
            json_array_append_new(list,
                                  json_pack("{s:s,s:s,s:s}", "name", metric_rows[i].name, "type",
                                            metric_rows[i].type, "text", metric_rows[i].help));
    bool found = json_array_size(list) > 0;
    if (!found)
        ctl_complain("no reason or counter is called '%s'; without a name all are listed", name);
    else if (ctl->json)
        print_json(list);
    else
        json_array_foreach(list, i, e) print_explanation(e);
    json_decref(list);
    return found ? CTL_OK : CTL_REFUSED;
}
