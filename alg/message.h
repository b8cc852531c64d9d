// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_MESSAGE_H
#define ALG_MESSAGE_H
// Reading and editing single SIP messages. Nothing here knows transactions or sessions.

#include "alg/facts.h"
#include "alg/sofia.h"

// A place to send a request to.
struct hop {
    struct addr addr; // not set: none
    bool tcp;
    bool flow;           // a UE in its flow: over TCP or TLS its open connection is the only way
    tport_t *connection; // the one to use; NULL: whatever the stack has or makes
};

// A message class that parses only what the proxy uses; everything else is carried byte for byte,
// well formed or not, and so is what is parsed until it is changed. free() it after the agent is
// gone. NULL: no memory.
msg_mclass_t *message_class(void);

// What a message says, except for from, to, contact and record_route, which stay NULL and empty.
// Text is borrowed from the message.
void message_outline(msg_t *msg, const sip_t *sip, struct sip_facts *facts);
// Its Record-Route entries anew, after they were changed.
void message_record_routes(const sip_t *sip, su_home_t *home, struct sip_facts *facts);
// All that it says. The rest of the text is put together in home, not in the message's own memory,
// which transactions keep for half a minute after they are done.
void message_facts(msg_t *msg, const sip_t *sip, su_home_t *home, struct sip_facts *facts);

// IP literal, port and transport of a URI; not set when the host is a name.
struct hop message_hop(const url_t *url);
// "sip:192.0.2.1:5060;transport=udp" for the stack. Returns buf.
#define MESSAGE_HOP_STRLEN (ADDR_STRLEN + 24)
const char *message_hop_url(const struct hop *hop, char buf[static MESSAGE_HOP_STRLEN]);

// What makes the transaction of a request (RFC 3261 17.2.3), as text. malloc'ed; NULL: no memory.
char *message_transaction(const sip_t *sip);
// Gives a request another Request-URI, a response another status. 0 or -ENOMEM.
int message_set_target(msg_t *msg, sip_t *sip, const url_t *target);
int message_set_status(msg_t *msg, sip_t *sip, int status);
// Lists of Route, Record-Route and their like: the same URIs in the same order; all entries as one
// line, in home; NULL: there are none.
bool message_same_routes(const sip_route_t *a, const sip_route_t *b);
const char *message_routes_line(const char *name, const sip_route_t *list, su_home_t *home);
// A field the library does not parse, as a line "Name: value"; NULL: not there, or longer. Returns
// buf.
#define MESSAGE_LINE_MAX 512
const char *message_line(const sip_t *sip, const char *name, char buf[static MESSAGE_LINE_MAX]);
// RFC 3261 16.6: one hop less, or 70 where none was given. False: it was 0 already.
bool message_count_hop(msg_t *msg, sip_t *sip);
// Replaces the SDP, which may be a part of a multipart body (RFC 5621, PCSCF-075), and
// Content-Length; without SDP the body is replaced. An empty text takes Content-Type, or the part,
// away too. 0 or -ENOMEM.
int message_set_body(msg_t *msg, sip_t *sip, const char *body, size_t len);
int message_add_record_route(msg_t *msg, sip_t *sip, const char *uri);
// An SDP body under Content-Encoding or Content-Transfer-Encoding, which nobody here can read.
bool message_is_encoded(const sip_t *sip);
// The first option tag of Proxy-Require that is not served; NULL: none (RFC 3261 16.3).
const char *message_unknown_extension(const sip_t *sip);

#endif
