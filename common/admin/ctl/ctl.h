// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_ADMIN_CTL_CTL_H
#define COMMON_ADMIN_CTL_CTL_H
// pcscfctl: what its files share. One process, one word of the command line, one or a few requests
// to the admin endpoint, and what came printed for people or, with --json, as it came.

#include "common/admin/ctl/http.h"

#include <jansson.h>
#include <stdbool.h>

// Exit status.
enum { CTL_OK, CTL_REFUSED, CTL_USAGE, CTL_UNREACHABLE };

struct ctl {
    struct http_server server;
    bool json;
    const char **words; // what follows the command
    int word_count;
};

// Asks for path ("calls/ID"; below /api/v1/) and gives the body. Tells what went wrong and ends
// with NULL, the exit status in *status.
char *ctl_text(const struct ctl *ctl, const char *method, const char *path, int *status);
// The same, parsed.
json_t *ctl_ask(const struct ctl *ctl, const char *method, const char *path, int *status);
// The same of a list: page by page, until it is complete or has CTL_LIST_MAX entries, which are
// then the member of the first page.
#define CTL_LIST_MAX 1000
json_t *ctl_list(const struct ctl *ctl, const char *path, const char *member, int *status);
// "calls/ID/..." with the ID as a path may hold it; false: an ID that cannot be one, and it was
// told.
bool ctl_call_path(char *path, size_t size, const char *id, const char *rest);
__attribute__((format(printf, 1, 2))) void ctl_complain(const char *fmt, ...);

// --- commands: exit status --------------------------------------------------------------------

int ctl_show(struct ctl *ctl);
int ctl_calls(struct ctl *ctl);
int ctl_call(struct ctl *ctl);
int ctl_regs(struct ctl *ctl);
int ctl_counters(struct ctl *ctl);
int ctl_ports(struct ctl *ctl);
int ctl_hangup(struct ctl *ctl);
int ctl_log(struct ctl *ctl);
int ctl_explain(struct ctl *ctl);
int ctl_watch(struct ctl *ctl);

// --- on the screen ----------------------------------------------------------------------------

// Prints text that may come from a peer: what could move a cursor becomes '?'; line ends and tabs
// stay.
void screen_text(const char *text);
// The first characters of it, at most so many, line ends among them. Returns how many.
int screen_cut(const char *text, int most);
// A column of this width; longer text is cut when cut is set.
void screen_column(const char *text, int width, bool cut);
enum look { LOOK_HEAD, LOOK_GOOD, LOOK_BAD, LOOK_FAINT, LOOK_PLAIN };
// Colours until LOOK_PLAIN, on a terminal only.
void screen_look(enum look look);

#endif
