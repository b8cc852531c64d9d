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
    const char *wire; // the whole message as it is on the wire, keys masked; NULL: not wanted
    size_t wire_len;
    uint64_t time_us; // when it came or left; 0: now
};

#endif
