// SPDX-License-Identifier: GPL-3.0-or-later
// Follows one session, or every session that begins while it watches, and draws each event as a row
// of the chart as soon as it happens.
//
// A session that ends is said to have ended; an endpoint that goes ends the program. Sessions
// beyond WATCHED_MAX at a time are said to be left out.
#include "common/admin/ctl/ctl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// The endpoint lets 16 clients follow; others want to look as well.
#define WATCHED_MAX 8
// How often it is asked for new sessions.
#define LOOK_MS 300
// The longest line of an event stream: an event with its detail, all of it escaped.
#define LINE_MAX_BYTES 65536
#define LOOKED_AT (2 * WATCHED_MAX)
// Before any session there is.
#define NOBODY_YET 1
#define ID_SHOWN 8
#define COLUMN 30 // between two lifelines
#define LABEL_MAX 256

struct watched {
    int fd; // -1: free
    char id[64];
    json_int_t begun_us; // of its first event; 0: none came
    char line[LINE_MAX_BYTES];
    size_t len;
    bool ended;
};

struct watch {
    struct ctl *ctl;
    struct watched seats[WATCHED_MAX];
    double newest; // when the last session began that is known
};

// --- a row ------------------------------------------------------------------------------------

static int column_of(const char *party)
{
    static const char *const names[] = {"ue", "alg", "agw", "core"};
    for (int i = 0; i < 4; i++)
        if (party && strcmp(party, names[i]) == 0)
            return i;
    return 1;
}

// An arrow over width characters with its label in it.
static void put_arrow(const char *label, int width, bool rightwards)
{
    fputs(rightwards ? "- " : "<- ", stdout);
    int shown = screen_cut(label, width - 6);
    putchar(' ');
    for (int i = shown + 5; i < width; i++)
        putchar('-');
    fputs(rightwards ? "->" : "-", stdout);
}

// Four lifelines, with an arrow between two of them or a note at one.
static void put_lifelines(int from, int to, const char *label)
{
    int left = from < to ? from : to, right = from < to ? to : from;
    for (int i = 0; i < 4; i++) {
        if (i == left && left == right) {
            fputs("* ", stdout);
            screen_cut(label, LABEL_MAX);
            break;
        }
        putchar('|');
        if (i == left)
            put_arrow(label, (right - left) * COLUMN - 1, from < to);
        else if (i < 3 && (i < left || i >= right))
            printf("%*s", COLUMN - 1, "");
        i = i == left ? right - 1 : i;
    }
    putchar('\n');
}

static void put_time(const struct watched *w, json_int_t time_us)
{
    printf("%.*s %9.1f ms  ", ID_SHOWN, w->id, (double)(time_us - w->begun_us) / 1000);
}

// An edit is best told by its lines, each below the other; all else by its label.
static void put_rows(const struct watched *w, const json_t *e)
{
    int from = column_of(json_string_value(json_object_get(e, "from")));
    int to = column_of(json_string_value(json_object_get(e, "to")));
    const char *kind = json_string_value(json_object_get(e, "kind"));
    const char *label = json_string_value(json_object_get(e, "label"));
    const char *detail = json_string_value(json_object_get(e, "detail"));
    json_int_t step = json_integer_value(json_object_get(e, "step"));
    json_int_t time_us = json_integer_value(json_object_get(e, "time_us"));
    bool edit = kind && strcmp(kind, "sdp_edit") == 0 && detail;
    char text[LABEL_MAX];
    for (const char *line = edit ? detail : label; line && *line;) {
        int len = (int)strcspn(line, "\n");
        if (step > 0)
            snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT ". %.*s", step, len, line);
        else
            snprintf(text, sizeof(text), "%.*s", len, line);
        put_time(w, time_us);
        put_lifelines(from, to, text);
        line += (size_t)len + (line[len] != '\0');
    }
}

static void put_event(struct watched *w, const char *data, bool json)
{
    json_t *e = json_loads(data, 0, NULL);
    if (!e)
        return;
    json_int_t time_us = json_integer_value(json_object_get(e, "time_us"));
    if (w->begun_us == 0)
        w->begun_us = time_us;
    if (json)
        printf("{\"id\":\"%s\",\"event\":%s}\n", w->id, data);
    else
        put_rows(w, e);
    json_decref(e);
}

// --- following --------------------------------------------------------------------------------

static void leave(struct watched *w)
{
    close(w->fd);
    w->fd = -1;
}

static void take_line(struct watched *w, bool json)
{
    if (strncmp(w->line, "data: ", 6) == 0 && !w->ended)
        put_event(w, w->line + 6, json);
    if (strcmp(w->line, "event: end") != 0)
        return;
    w->ended = true;
    if (!json)
        printf("%.*s has ended\n", ID_SHOWN, w->id);
}

static void take_bytes(struct watched *w, const char *bytes, size_t n, bool json)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != '\n') {
            w->line[w->len] = bytes[i];
            w->len += w->len < sizeof(w->line) - 1; // too long a line loses its end and is no JSON
            continue;
        }
        w->line[w->len] = '\0';
        w->len = 0;
        take_line(w, json);
    }
}

static void follow(struct watch *watch, struct watched *w)
{
    char bytes[4096];
    ssize_t n = recv(w->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        take_bytes(w, bytes, (size_t)n, watch->ctl->json);
    if (n <= 0 || w->ended)
        leave(w);
    fflush(stdout);
}

static int begin(struct watch *watch, const char *id)
{
    char path[160], whole[192];
    struct watched *w = NULL;
    for (size_t i = 0; i < WATCHED_MAX && !w; i++)
        if (watch->seats[i].fd < 0)
            w = &watch->seats[i];
    if (!w) {
        ctl_complain("%s is left out: %d sessions are watched already", id, WATCHED_MAX);
        return CTL_OK;
    }
    if (!ctl_call_path(path, sizeof(path), id, "/stream"))
        return CTL_USAGE;
    snprintf(whole, sizeof(whole), "/api/v1/%s", path);
    int fd = http_follow(&watch->ctl->server, whole);
    if (fd < 0) {
        ctl_complain("%s cannot be watched: %s", id,
                     fd == -EPROTO ? "no such session, or too many watch" : strerror(-fd));
        return fd == -EPROTO ? CTL_REFUSED : CTL_UNREACHABLE;
    }
    w->fd = fd;
    w->begun_us = 0;
    w->len = 0;
    w->ended = false;
    snprintf(w->id, sizeof(w->id), "%s", id);
    return CTL_OK;
}

static size_t watched_now(const struct watch *watch)
{
    size_t n = 0;
    for (size_t i = 0; i < WATCHED_MAX; i++)
        n += watch->seats[i].fd >= 0;
    return n;
}

// Waits for bytes of any session, at most ms.
static void wait_for_bytes(struct watch *watch, int ms)
{
    struct pollfd fds[WATCHED_MAX];
    for (size_t i = 0; i < WATCHED_MAX; i++)
        fds[i] = (struct pollfd){.fd = watch->seats[i].fd, .events = POLLIN};
    if (poll(fds, WATCHED_MAX, ms) <= 0)
        return;
    for (size_t i = 0; i < WATCHED_MAX; i++)
        if (fds[i].revents)
            follow(watch, &watch->seats[i]);
}

// --- new sessions -----------------------------------------------------------------------------

// Watches the sessions of this list, newest first, that have begun since it was looked at last.
// Sets *newest to when the first of them began.
static void begin_new(struct watch *watch, const json_t *calls, double *newest)
{
    for (size_t i = json_array_size(calls); i-- > 0;) { // the oldest first
        const json_t *call = json_array_get(calls, i);
        const char *id = json_string_value(json_object_get(call, "id"));
        double started = json_number_value(json_object_get(call, "started"));
        if (id && watch->newest > 0 && started > watch->newest)
            (void)begin(watch, id); // it may be gone again, which is told
        if (started > *newest)
            *newest = started;
    }
}

// More than LOOKED_AT that begin between two looks are more than can be watched.
static int look(struct watch *watch)
{
    static const char *const states[] = {"recent", "live"};
    double newest = watch->newest;
    int status = CTL_OK;
    for (int i = 0; i < 2 && status == CTL_OK; i++) {
        char path[64];
        snprintf(path, sizeof(path), "calls?state=%s&limit=%d", states[i], LOOKED_AT);
        json_t *list = ctl_ask(watch->ctl, "GET", path, &status);
        begin_new(watch, json_object_get(list, "calls"), &newest);
        json_decref(list);
    }
    watch->newest = newest > 0 ? newest : NOBODY_YET;
    return status;
}

int ctl_watch(struct ctl *ctl)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    int status = CTL_OK;
    if (!watch)
        return CTL_REFUSED;
    watch->ctl = ctl;
    for (size_t i = 0; i < WATCHED_MAX; i++)
        watch->seats[i].fd = -1;
    if (ctl->word_count > 0) {
        status = begin(watch, ctl->words[0]);
        while (status == CTL_OK && watched_now(watch) > 0)
            wait_for_bytes(watch, -1);
    } else {
        status = look(watch);
        while (status == CTL_OK) {
            wait_for_bytes(watch, LOOK_MS);
            status = look(watch);
        }
    }
    free(watch);
    return status;
}
