// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_ADMIN_API_H
#define COMMON_ADMIN_API_H
// What the admin endpoint answers, without HTTP's mechanics: a request that passed all checks comes
// in, an answer goes out.

#include "common/admin/source.h"

struct request {
    const char *method, *path;
    // An argument of the query; NULL: not given.
    const char *(*argument)(const struct request *request, const char *name);
    // The Last-Event-ID of a browser that follows again; NULL: none. May be NULL itself.
    const char *(*last_event)(const struct request *request);
    void *connection; // for both
};

struct answer {
    unsigned status;
    const char *type;   // of the body, static
    const char *policy; // Content-Security-Policy, static; NULL: none
    const char *allow;  // the method that would have been right; NULL: not that
    char *body;         // malloc'ed for whoever sends it; NULL: no memory
    size_t len;
    // No body: the events of this session that come after from, as they happen.
    bool follow;
    uint32_t follow_from;
    char follow_id[ADMIN_ID_MAX];
};

void api_answer(const struct admin_source *source, const struct request *request,
                struct answer *answer);
// {"error": "..."}; the sentence is formatted.
__attribute__((format(printf, 3, 4))) void api_fail(struct answer *answer, unsigned status,
                                                    const char *fmt, ...);

#endif
