// SPDX-License-Identifier: GPL-3.0-or-later
// Any request to the admin endpoint, as it is behind HTTP: method, path, and lines "name=value" as
// arguments. Each is answered; what is no success is {"error": sentence}; and who asks from
// elsewhere does not pass the guard.
#include "common/admin/api.h"
#include "common/admin/guard.h"
#include "common/log.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <strings.h>

#define ID "3f2aXYZ"

static struct trace *example;

// --- a source with one session ------------------------------------------------------------------

static json_t *object(void *arg)
{
    return json_object();
}

static json_t *list(void *arg, size_t offset, size_t limit)
{
    return json_object();
}

static json_t *calls(void *arg, enum admin_calls which, size_t offset, size_t limit)
{
    require(which <= ADMIN_CALLS_ALL && limit <= 1000, "arguments are within their bounds");
    return json_object();
}

static int resolve(void *arg, const char *prefix, char id[static ADMIN_ID_MAX])
{
    snprintf(id, ADMIN_ID_MAX, ID);
    return strncmp(ID, prefix, strlen(prefix)) == 0 ? 0 : -ENOENT;
}

static json_t *call(void *arg, const char *id)
{
    return json_object();
}

static const struct trace *trace(void *arg, const char *id, bool *live)
{
    *live = true;
    return example;
}

static bool hangup(void *arg, const char *id)
{
    return strcmp(id, ID) == 0;
}

static void measure(void *arg, struct metrics *metrics)
{
}

static const struct admin_source source = {.show = object,
                                           .calls = calls,
                                           .resolve = resolve,
                                           .call = call,
                                           .trace = trace,
                                           .hangup = hangup,
                                           .regs = list,
                                           .ports = object,
                                           .measure = measure};

// --- a request ----------------------------------------------------------------------------------

static const char *argument(const struct request *request, const char *name)
{
    size_t len = strlen(name);
    for (char *const *line = request->connection; *line; line++)
        if (strncmp(*line, name, len) == 0 && (*line)[len] == '=')
            return *line + len + 1;
    return NULL;
}

static const char *last_event(const struct request *request)
{
    return argument(request, "last-event");
}

static void expect_sense(const struct answer *answer)
{
    require(answer->status >= 200 && answer->status < 600, "every request has a status");
    if (answer->follow)
        return;
    require(answer->body && answer->type, "every answer has a body");
    if (answer->status == 200)
        return;
    json_t *error = json_loadb(answer->body, answer->len, 0, NULL);
    require(json_is_string(json_object_get(error, "error")), "what is no success says why");
    json_decref(error);
}

static void ask(const char *method, const char *path, char **arguments)
{
    struct request request = {method, path, argument, last_event, arguments};
    struct answer answer;
    api_answer(&source, &request, &answer);
    expect_sense(&answer);
    free(answer.body);
    require(!guard_token(path, "a token of ours"), "nobody guesses a token");
    require(!guard_origin(method, path) || strncasecmp(method, "http", 4) == 0,
            "an origin is an address of the web");
    (void)guard_host(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { LINES = 8 };
    char *line[LINES + 1] = {NULL}, *text = fuzz_text(data, size), *rest = text;
    for (int i = 0; i < LINES && rest; i++)
        line[i] = strsep(&rest, "\n");
    log_set_level(LOG_ERROR);
    if (!example)
        example = trace_open("fuzz", 1);
    if (line[0] && line[1])
        ask(line[0], line[1], line + 2);
    free(text);
    return 0;
}
