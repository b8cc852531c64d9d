// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_STREAM_H
#define TESTS_FLOWS_STREAM_H
// SIP messages on a connection of the test itself: TCP, or TLS as client.

#include "tests/flows/flow.h"

struct stream;

// Connects from one address to another. The test fails when it cannot be. Waits for TLS.
struct stream *stream_connect(struct flow *f, const char *from, const char *to, bool tls);
// Listens; the first that connects is the other end.
struct stream *stream_listen(struct flow *f, const char *at);
void stream_close(struct stream *s);

void stream_send(struct stream *s, const void *bytes, size_t len);
// Waits for a whole message, by its Content-Length. Lives as long as the flow; CRLF as on the wire.
const char *stream_next(struct stream *s);
// Somebody has connected, or waits to be accepted.
bool stream_has_peer(const struct stream *s);
// Waits for the answer to a keep-alive: one line end (RFC 5626 4.4.1).
void stream_expect_pong(struct stream *s);
// Waits until the other end has closed; what comes before is thrown away.
void stream_await_end(struct stream *s);
// Bytes that are there and were not asked for are thrown away.
void stream_drain(struct stream *s);

#endif
