// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_MSRP_H
#define AGW_MSRP_H
// The application-aware MSRP mode (TS 23.334 5.19.5): a streaming rewriter for one direction of one
// connection. It changes the To-Path and From-Path header fields of every request, response and
// report so that both strict endpoints match their own URIs (RFC 4975 6.1, REQ-055), and nothing
// else: bodies, Byte-Range, transaction ids and end-line flags pass as they are (REQ-056). Pure:
// bytes in, bytes out.

#include <stddef.h>
#include <stdint.h>

struct msrp_rewriter;

// How the paths of one direction change. A To-Path equal to to_match (RFC 4975 6.1) becomes
// to_value; a From-Path equal to from_match becomes from_value. Values and matches may be lists of
// URIs divided by spaces (REQ-140). One that is only the first URI of its match, and every path of
// one URI in a response, stands for that hop alone (RFC 4975 7.2) and becomes the first URI of the
// value. A path that is equal to what it would become keeps its spelling. Text is copied; NULL: not
// known yet, matches nothing.
struct msrp_paths {
    const char *to_match, *to_value;
    const char *from_match, *from_value;
};

// Header bytes of one message that are taken at most: start line, both paths, and what else stands
// before the first body byte. RFC 4975 names no limit; real headers take a few hundred bytes.
#define MSRP_HEADER_MAX 8192

// NULL: no memory.
struct msrp_rewriter *msrp_rewriter_open(const struct msrp_paths *paths);
// New paths for messages that begin from now on (a later offer/answer). 0, or -ENOMEM with nothing
// changed.
int msrp_rewriter_set_paths(struct msrp_rewriter *r, const struct msrp_paths *paths);
void msrp_rewriter_close(struct msrp_rewriter *r); // NULL is allowed

// Takes bytes from in and puts bytes into out, which must not overlap, as many of both as fit;
// *consumed and *produced say how many. Call again with the rest, after which more may follow.
// However the input is divided over calls, and however small out is, the output is the same. There
// is progress whenever in is not empty and out has room; nothing is left to put out when all of in
// was consumed. Returns 0, or -EPROTO when the framing is broken, -ENOMEM, and then -EPROTO always:
// the connection is to be closed; what was produced before may still be sent. What is no MSRP at
// all, like a ClientHello (REQ-142), is refused at its first byte.
int msrp_rewrite(struct msrp_rewriter *r, const uint8_t *in, size_t in_len, size_t *consumed,
                 uint8_t *out, size_t out_len, size_t *produced);

// For counters and the trace.
struct msrp_counts {
    uint64_t requests, responses; // begun
    uint64_t unmatched;           // paths that were not ours, left as they were
};
const struct msrp_counts *msrp_rewriter_counts(const struct msrp_rewriter *r);

#endif
