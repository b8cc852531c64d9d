// SPDX-License-Identifier: GPL-3.0-or-later
// Options, then a word that is looked up in the table of commands; the help is made of the same
// table.
//
// Exit status: 0 done, 1 the endpoint refused, 2 the command line is wrong, 3 no endpoint answers.
#include "common/admin/ctl/ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What the endpoint puts into one answer.
#define PAGE 100
#define DEFAULT_SERVER "http://127.0.0.1:8060"

static const struct command {
    const char *word, *arguments, *help;
    int least, most; // words behind it
    int (*run)(struct ctl *ctl);
} commands[] = {
    {"show", "", "the state of the whole; also without a word", 0, 0, ctl_show},
    {"calls", "[live|recent|all]", "sessions, newest first (default: all)", 0, 1, ctl_calls},
    {"call", "ID [chart [FORMAT]]", "one session; its chart as text, mermaid, svg, html or json", 1,
     3, ctl_call},
    {"watch", "[ID]", "the chart of a session while it runs; without ID of all new ones", 0, 1,
     ctl_watch},
    {"regs", "", "registered contacts", 0, 0, ctl_regs},
    {"counters", "", "everything that is counted", 0, 0, ctl_counters},
    {"ports", "", "media ports in use", 0, 0, ctl_ports},
    {"hangup", "ID", "end a session, both ways with a BYE", 1, 1, ctl_hangup},
    {"log", "LEVEL", "log from now on: error, warn, info or debug", 1, 1, ctl_log},
    {"explain", "[NAME]", "what a reason or a counter means; without NAME all (asks nobody)", 0, 1,
     ctl_explain},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

void ctl_complain(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("pcscfctl: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

static void usage(FILE *out)
{
    fputs("usage: pcscfctl [OPTION]... [COMMAND [ARGUMENT]...]\n\n"
          "Looks into a running pcscf through its admin endpoint.\n\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-8s %-20s %s\n", commands[i].word, commands[i].arguments,
                commands[i].help);
    fputs("\nAn ID may be abbreviated as long as one session only begins like it.\n\n"
          "  --json             print what the endpoint says, as JSON\n"
          "  --server URL       where it is (default: $PCSCF_SERVER, or\n"
          "                     " DEFAULT_SERVER ")\n"
          "  --token-file FILE  the bearer token it wants (default: $PCSCF_TOKEN)\n"
          "  --version          print the version and end\n"
          "  --help             print this text and end\n\n"
          "Exit status: 0 done, 1 the endpoint refused, 2 the command line is wrong,\n"
          "3 no endpoint answers.\n",
          out);
}

// --- asking -----------------------------------------------------------------------------------

// What the endpoint says about a request that it refuses.
static void tell_refusal(const struct http_answer *answer)
{
    json_t *body = json_loads(answer->body, 0, NULL);
    const char *sentence = json_string_value(json_object_get(body, "error"));
    if (sentence)
        ctl_complain("%s%s", sentence, answer->status == 401 ? " (--token-file FILE)" : "");
    else
        ctl_complain("the endpoint answers %d", answer->status);
    json_decref(body);
}

char *ctl_text(const struct ctl *ctl, const char *method, const char *path, int *status)
{
    char whole[512];
    struct http_answer answer;
    snprintf(whole, sizeof(whole), "/api/v1/%s", path);
    int rc = http_ask(&ctl->server, method, whole, &answer);
    if (rc < 0) {
        ctl_complain("no answer from %s port %s: %s", ctl->server.host, ctl->server.port,
                     strerror(-rc));
        *status = CTL_UNREACHABLE;
        return NULL;
    }
    *status = answer.status == 200 ? CTL_OK : CTL_REFUSED;
    if (answer.status == 200)
        return answer.body;
    tell_refusal(&answer);
    free(answer.body);
    return NULL;
}

json_t *ctl_ask(const struct ctl *ctl, const char *method, const char *path, int *status)
{
    char *body = ctl_text(ctl, method, path, status);
    json_t *value = body ? json_loads(body, 0, NULL) : NULL;
    if (body && !value) {
        ctl_complain("the endpoint's answer is no JSON");
        *status = CTL_REFUSED;
    }
    free(body);
    return value;
}

static bool has_id(const json_t *list, const char *id)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        const char *its = json_string_value(json_object_get(one, "id"));
        if (id && its && strcmp(id, its) == 0)
            return true;
    }
    return false;
}

// The list may have moved between two pages: what is there already does not come twice.
static void append_page(json_t *list, const json_t *page)
{
    size_t i;
    json_t *one;
    json_array_foreach(page, i, one)
    {
        if (!has_id(list, json_string_value(json_object_get(one, "id"))))
            json_array_append(list, one);
    }
}

json_t *ctl_list(const struct ctl *ctl, const char *path, const char *member, int *status)
{
    json_t *whole = NULL;
    size_t got = PAGE;
    for (size_t offset = 0; offset < CTL_LIST_MAX && got == PAGE; offset += PAGE) {
        char page[128];
        snprintf(page, sizeof(page), "%s%climit=%d&offset=%zu", path, strchr(path, '?') ? '&' : '?',
                 PAGE, offset);
        json_t *answer = ctl_ask(ctl, "GET", page, status);
        const json_t *list = json_object_get(answer, member);
        got = json_array_size(list);
        if (!whole) {
            whole = answer;
            continue;
        }
        append_page(json_object_get(whole, member), list);
        json_decref(answer);
    }
    return whole;
}

bool ctl_call_path(char *path, size_t size, const char *id, const char *rest)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    if (id[0] == '\0' || strspn(id, good) != strlen(id) || strlen(id) > 60) {
        ctl_complain("'%s' cannot be the ID of a session", id);
        return false;
    }
    snprintf(path, size, "calls/%s%s", id, rest);
    return true;
}

// --- the command line -------------------------------------------------------------------------

static int read_token(struct http_server *server, const char *file)
{
    FILE *f = fopen(file, "re");
    char token[HTTP_TOKEN_MAX] = "";
    if (!f || !fgets(token, sizeof(token), f)) {
        ctl_complain("%s: cannot be read: %s", file, f ? "empty" : strerror(errno));
        if (f)
            fclose(f);
        return CTL_USAGE;
    }
    fclose(f);
    token[strcspn(token, "\r\n")] = '\0';
    memcpy(server->token, token, sizeof(token));
    return -1;
}

static int set_server(struct ctl *ctl, const char *url)
{
    if (http_server_parse(&ctl->server, url) == 0)
        return -1;
    ctl_complain("--server: expected http://HOST:PORT, got '%s'", url);
    return CTL_USAGE;
}

static int read_environment(struct ctl *ctl)
{
    const char *server = getenv("PCSCF_SERVER"), *token = getenv("PCSCF_TOKEN");
    snprintf(ctl->server.token, sizeof(ctl->server.token), "%s", token ? token : "");
    return set_server(ctl, server && server[0] ? server : DEFAULT_SERVER);
}

// Returns -1 to go on, else the exit status.
static int read_options(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
                                          {"server", required_argument, NULL, 's'},
                                          {"token-file", required_argument, NULL, 't'},
                                          {"version", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c, status = read_environment(ctl);
    while (status < 0 && (c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        switch (c) {
        case 'j':
            ctl->json = true;
            break;
        case 's':
            status = set_server(ctl, optarg);
            break;
        case 't':
            status = read_token(&ctl->server, optarg);
            break;
        case 'v':
            puts("pcscfctl " PCSCF_VERSION);
            return CTL_OK;
        case 'h':
            usage(stdout);
            return CTL_OK;
        default:
            ctl_complain("see --help");
            return CTL_USAGE;
        }
    }
    return status;
}

static int run(struct ctl *ctl, const char *word)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(word, commands[i].word) != 0)
            continue;
        if (ctl->word_count >= commands[i].least && ctl->word_count <= commands[i].most)
            return commands[i].run(ctl);
        ctl_complain("expected: pcscfctl %s %s", word, commands[i].arguments);
        return CTL_USAGE;
    }
    ctl_complain("no command is called '%s'; see --help", word);
    return CTL_USAGE;
}

int main(int argc, char **argv)
{
    struct ctl ctl = {0};
    int status = read_options(&ctl, argc, argv);
    if (status >= 0)
        return status;
    ctl.words = (const char **)argv + optind + 1;
    ctl.word_count = optind < argc ? argc - optind - 1 : 0;
    status = run(&ctl, optind < argc ? argv[optind] : "show");
    if (fflush(stdout) != 0 && status == CTL_OK)
        status = CTL_REFUSED;
    return status;
}
