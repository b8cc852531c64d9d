// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_SIP_H
#define TESTS_FLOWS_SIP_H
// A SIP party made by hand, over one UDP socket or one connection: for messages that no honest user
// agent sends, and for looking at every byte of what arrives. Messages are texts with '\n' for line
// ends.

#include "tests/flows/flow.h"

struct sip;

// A party at the host's address and SIP port, that talks to the P-CSCF at `peer`.
struct sip *sip_open(struct flow *f, enum host host, const char *peer);
// The same over another transport: TCP and TLS connect to the peer; SIP_LISTEN takes one connection
// of TCP. v6: at ::1.
enum sip_over { SIP_UDP, SIP_TCP, SIP_TLS, SIP_LISTEN };
struct sip *sip_open_over(struct flow *f, enum host host, const char *peer, enum sip_over over,
                          bool v6);
// The same at an address of its own, IPv4 or IPv6.
struct sip *sip_open_at(struct flow *f, const char *at, const char *peer, enum sip_over over);
void sip_close(struct sip *s);
// Somebody has connected to SIP_LISTEN.
bool sip_has_peer(const struct sip *s);
// "127.64.1.5:12341"
const char *sip_address(const struct sip *s);
// What its URIs end with: "", ";transport=tcp" or ";transport=tls".
const char *sip_parameter(const struct sip *s);

// Sends the text with CRLF line ends, or bytes as they are.
void sip_send(struct sip *s, const char *message);
void sip_send_raw(struct sip *s, const void *bytes, size_t len);
// Waits for the next message whose first line matches; others are passed over. The test fails when
// none comes in time.
const char *sip_expect(struct sip *s, const char *ere);
// The next message, whatever it is.
const char *sip_next(struct sip *s);

// Waits for the answer to a keep-alive on a connection.
void sip_expect_pong(struct sip *s);
// Waits until the P-CSCF has closed the connection; what comes before is forgotten.
void sip_await_end(struct sip *s);
// Forgets what has arrived.
void sip_drain(struct sip *s);

// The value of the first header field of that name as it arrived; NULL: none.
const char *sip_header(struct sip *s, const char *message, const char *name);
// What stands behind the empty line.
const char *sip_body(const char *message);

// A new request outside any dialog, with a Call-ID, tag and branch of its own. extra: more header
// lines, each with its '\n'. body NULL: none; else it is SDP unless extra names a Content-Type.
const char *sip_request(struct sip *s, const char *method, const char *uri, const char *extra,
                        const char *body);
// A response to a request that arrived, with a To tag of this party.
const char *sip_response(struct sip *s, const char *request, const char *status, const char *extra,
                         const char *body);

// The CANCEL of a request of this party (RFC 3261 9.1); extra: more header lines, or NULL.
const char *sip_cancel(struct sip *s, const char *invite, const char *extra);
// The ACK to the refusal of an INVITE of this party (RFC 3261 17.1.1.3).
const char *sip_ack_refusal(struct sip *s, const char *invite, const char *refusal);

// A dialog seen from this party.
struct sip_dialog {
    struct sip *sip;
    const char *local, *remote; // From and To of its requests
    const char *call_id, *target;
    const char *routes; // Route lines
    unsigned cseq;
};

// From the 2xx that this party got, or from the INVITE that it got and answered.
struct sip_dialog sip_dialog_of_response(struct sip *s, const char *response);
struct sip_dialog sip_dialog_of_request(struct sip *s, const char *request);
// A request within it. ACK keeps the CSeq number of the INVITE, all others count on.
const char *sip_dialog_request(struct sip_dialog *d, const char *method, const char *extra,
                               const char *body);

#endif
