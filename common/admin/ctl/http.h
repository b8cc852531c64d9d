// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_ADMIN_CTL_HTTP_H
#define COMMON_ADMIN_CTL_HTTP_H
// A client of HTTP/1.0, enough for an endpoint that closes when it has answered.

#include <stddef.h>

#define HTTP_HOST_MAX 128
#define HTTP_TOKEN_MAX 160
// The largest answer that is taken: far more than any page of the endpoint.
#define HTTP_BODY_MAX (64 * 1024 * 1024)

struct http_server {
    char host[HTTP_HOST_MAX], port[8];
    char token[HTTP_TOKEN_MAX]; // "": none
};

// Takes "http://HOST:PORT", "HOST:PORT" or "HOST" apart. 0 or -EINVAL, *server untouched.
int http_server_parse(struct http_server *server, const char *url);

struct http_answer {
    int status;
    char *body; // terminated; the caller's
};

// Asks and waits for the whole answer. 0, or a negative errno with *answer untouched.
int http_ask(const struct http_server *server, const char *method, const char *path,
             struct http_answer *answer);
// Asks and waits for the head of the answer. Returns a descriptor that yields the body, or a
// negative errno; -EPROTO when the status is not 200.
int http_follow(const struct http_server *server, const char *path);

#endif
