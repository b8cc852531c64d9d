// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_FACTS_H
#define ALG_FACTS_H
// What a session needs to know of a SIP message, without the SIP library: sessions can be driven by
// tests that have none.

#include "common/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sip_kind {
    SIP_INVITE,
    SIP_ACK,
    SIP_BYE,
    SIP_CANCEL,
    SIP_PRACK,
    SIP_UPDATE,
    SIP_OTHER,
};

// Route entries of one message that are looked at; longer routes exist in no network.
#define SIP_ROUTES_MAX 16

struct sip_facts;

// A message that outlives its facts: for who reads it later, or never.
struct sip_message {
    void *object;
    void *(*keep)(void *object); // a reference of one's own; NULL: no memory
    void (*let_go)(void *object);
    // The whole message as it is on the wire, keys masked; the caller's. NULL: no memory. *facts is
    // its outline, borrowed from the object.
    char *(*read)(void *object, struct sip_facts *facts);
};

// All text is borrowed from the message.
struct sip_facts {
    enum sip_kind kind; // of the request, or of the one a response answers
    const char *method;
    int status; // 0: a request
    const char *phrase;
    uint32_t cseq;
    const char *call_id;
    const char *from, *to;                    // whole header values
    const char *from_tag, *to_tag;            // NULL: none
    const char *contact;                      // URI; NULL: none
    uint32_t session_expires;                 // of a response (RFC 4028 4); 0: none
    bool reliable;                            // a response with RSeq (RFC 3262)
    const char *record_route[SIP_ROUTES_MAX]; // URIs, topmost first
    unsigned record_route_count;
    const char *body; // SDP; NULL: none
    size_t body_len;
    struct addr source;
    bool tcp;
    // The whole message as it is on the wire, keys masked; NULL: nobody wants it now. Then message
    // may have it for later (object NULL: not wanted at all).
    const char *wire;
    size_t wire_len;
    struct sip_message message;
    uint64_t time_us; // when it came or left; 0: now
};

#endif
