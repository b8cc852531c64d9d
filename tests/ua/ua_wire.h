// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_WIRE_H
#define UA_WIRE_H
// The stream side of one media line: a TCP connection, plain or under TLS, on a libuv loop. It
// prints its events itself.

#include "tests/ua/ua_tcp.h"
#include "tests/ua/ua_tls.h"

struct wire;

// Called from the loop; wire_close is allowed in each of them.
struct wire_user {
    void *arg;
    void (*ready)(void *arg); // bytes can be sent: TCP is up, and TLS when it was asked for
    void (*received)(void *arg, const uint8_t *bytes, size_t len);
    void (*drained)(void *arg);
    void (*failed)(void *arg);            // already printed
    void (*ended)(void *arg, bool clean); // the peer closed; the same
};

// What goes wrong on purpose.
struct wire_fate {
    bool no_tcp;       // neither opens a connection nor takes one
    bool no_tls;       // TCP comes up, then silence
    bool clear;        // speaks without TLS where TLS was agreed
    bool byte_by_byte; // one byte per segment
    bool stalled;      // stops reading once ready
    unsigned stall_ms; // for that long; 0: for ever
    bool second;       // opens a second connection beside the first
    bool renegotiate;
};

struct wire_terms {
    bool active;                   // opens the TCP connection
    struct addr remote;            // where to, when active
    const struct tls_options *tls; // NULL: plain; only read during the call
    unsigned timeout_ms;           // for TCP and TLS together
};

// Listens on the host of local and a free port. Returns 0 or a negative errno.
int wire_open(struct wire **out, uv_loop_t *loop, const struct addr *local,
              const struct wire_fate *fate, const struct wire_user *user);
uint16_t wire_port(const struct wire *w);
// The roles are known: connects, or takes who connects or has connected; then TLS. Once.
void wire_go(struct wire *w, const struct wire_terms *terms);
bool wire_is_ready(const struct wire *w);
bool wire_authenticated(const struct wire *w); // the peer showed the announced certificate

void wire_send(struct wire *w, const uint8_t *bytes, size_t len);
bool wire_is_full(const struct wire *w); // pause until drained
void wire_half_close(struct wire *w);
void wire_reset(struct wire *w);
void wire_close(struct wire *w); // in order, after what was sent has left; NULL allowed

#endif
