// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_MSRP_H
#define UA_MSRP_H
// MSRP on the wire (RFC 4975 7, 9): URIs and their comparison, chunks out, a stream of bytes in.
// No socket, no clock, no state of a session.

#include "common/addr.h"
#include "common/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSRP_TID_MAX 32 // RFC 4975 9: ALPHANUM 3*31ident-char
#define MSRP_PATH_MAX 512
#define MSRP_WORD_MAX 128
#define MSRP_UNKNOWN UINT64_MAX // "*" in a Byte-Range
#define MSRP_HEAD_MAX 8192      // far above any real header section

// --- URIs ---------------------------------------------------------------------------------------

struct msrp_uri {
    bool secure; // msrps
    char host[256];
    bool has_port;
    uint16_t port;
    char session[MSRP_WORD_MAX]; // "" when there is none
    char transport[16];
};

// Returns 0, or -EINVAL with *out untouched.
int msrp_uri_parse(struct msrp_uri *out, const char *text);
// RFC 4975 6.1: scheme and transport in any case, addresses by value, port explicit on both sides
// or on none, session-id by case; user part and parameters do not count.
bool msrp_uri_equal(const char *a, const char *b);
// host is an IP literal and a port is there. Returns 0 or -EINVAL.
int msrp_uri_addr(const struct msrp_uri *uri, struct addr *out);

// --- messages -----------------------------------------------------------------------------------

struct msrp_head {
    char tid[MSRP_TID_MAX + 1];
    char method[MSRP_WORD_MAX]; // "" for a response
    unsigned status;            // of a response, or of a REPORT's Status; 0: none
    char to[MSRP_PATH_MAX], from[MSRP_PATH_MAX];
    char message_id[MSRP_WORD_MAX];
    char content_type[MSRP_WORD_MAX]; // "" when there is no body
    bool has_range;
    uint64_t first, last, total; // of Byte-Range
    bool success_report, no_failure_report;
};

// Builds a request up to its body, or to its end-line when content_type is empty.
void msrp_put_head(struct strbuf *b, const struct msrp_head *head);
// The end-line after a body: '$' the message is complete, '+' more follows, '#' given up.
void msrp_put_end(struct strbuf *b, const char *tid, bool after_body, char flag);
// The whole response: To-Path is the first URI of the request's From-Path, From-Path its own
// To-Path (RFC 4975 7.2).
void msrp_put_response(struct strbuf *b, const struct msrp_head *request, unsigned status,
                       const char *phrase);
// True when the end-line of tid stands in the body: another tid is needed (RFC 4975 7.1).
bool msrp_collides(const char *tid, const uint8_t *body, size_t len);

// --- parsing ------------------------------------------------------------------------------------

struct msrp_user {
    void *arg;
    void (*head)(void *arg, const struct msrp_head *head);
    void (*body)(void *arg, const uint8_t *bytes, size_t len); // piece by piece
    void (*end)(void *arg, const struct msrp_head *head, char flag);
};

struct msrp_parser {
    struct msrp_user user;
    struct msrp_head head;
    bool in_body;
    const char *error; // what was wrong, static; NULL while all is well
    size_t len;
    uint8_t bytes[2 * MSRP_HEAD_MAX];
};

void msrp_parser_init(struct msrp_parser *p, const struct msrp_user *user);
// Any split of the stream gives the same calls but for the pieces of bodies. Returns 0, or -EPROTO
// for ever with p->error set.
int msrp_feed(struct msrp_parser *p, const uint8_t *bytes, size_t len);

#endif
