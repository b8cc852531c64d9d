// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_MULTIPART_H
#define ALG_MULTIPART_H
// The SDP in a multipart body (RFC 2046 5.1, RFC 5621): where it stands, so that it alone is
// changed.

#include <stdbool.h>
#include <stddef.h>

struct multipart_part {
    size_t at, len;     // of its content, in the body
    size_t whole, next; // from its delimiter to the next one
    bool encoded;       // base64 or quoted-printable, which nobody here reads
};

// Delimiters are not longer than this (RFC 2046 5.1.1).
#define MULTIPART_BOUNDARY_MAX 70
// A body of more parts than this is none of a session.
#define MULTIPART_PARTS_MAX 16

// The first part of type application/sdp and disposition session, which is the default (RFC 5621
// 5.2). boundary as it stands in Content-Type, in quotes or not. False: there is none, or the body
// is not well formed.
bool multipart_find_sdp(const char *boundary, const char *body, size_t len,
                        struct multipart_part *out);

#endif
