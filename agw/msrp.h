// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_MSRP_H
#define AGW_MSRP_H
// The application-aware MSRP mode (TS 23.334 5.19.5): a streaming rewriter for one direction of one
// connection. It changes the To-Path and From-Path header fields of every request, response and report
// so that both strict endpoints match their own URIs (RFC 4975 6.1, REQ-055), and nothing else: bodies,
// Byte-Range, transaction ids and end-line flags pass as they are (REQ-056). Pure: bytes in, bytes out.

#include <stddef.h>
#include <stdint.h>

struct msrp_rewriter;

// How the paths of one direction change. A To-Path equal to to_match (RFC 4975 6.1) becomes to_value;
// a From-Path equal to from_match becomes from_value. Values may be lists of URIs divided by blanks
// (REQ-140). Text is copied.
struct msrp_paths {
    const char *to_match, *to_value;
    const char *from_match, *from_value;
};

// Header bytes of one message that are held at most: start line, both paths, and what else stands
// before the first body byte. RFC 4975 names no limit; real headers take a few hundred bytes.
#define MSRP_HEADER_MAX 8192

// NULL: no memory.
struct msrp_rewriter *msrp_rewriter_open(const struct msrp_paths *paths);
// New paths for messages that begin from now on (a later offer/answer). 0 or -ENOMEM.
int msrp_rewriter_set_paths(struct msrp_rewriter *r, const struct msrp_paths *paths);
void msrp_rewriter_close(struct msrp_rewriter *r); // NULL is allowed

// Takes bytes from in and puts bytes into out, as many of both as fit; *consumed and *produced say how
// many. Call again with the rest. Progress is guaranteed when out has MSRP_HEADER_MAX free bytes or
// more and in is not empty. Returns 0, or -EPROTO when the framing is broken: the connection is to be
// closed; what was produced before may still be sent.
int msrp_rewrite(struct msrp_rewriter *r, const uint8_t *in, size_t in_len, size_t *consumed,
                 uint8_t *out, size_t out_len, size_t *produced);

// For counters and the trace.
struct msrp_counts {
    uint64_t requests, responses, unmatched; // unmatched: a path that was not ours, left as it was
};
const struct msrp_counts *msrp_rewriter_counts(const struct msrp_rewriter *r);

#endif
