// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_TALK_H
#define UA_TALK_H
// What is spoken over a connection-oriented media line: a chat (MSRP) or floor control (BFCP).

#include "tests/ua/ua_options.h"
#include "tests/ua/ua_sdp.h"

struct talk;

// Called from within the functions of the kind. Closing the talk is not allowed there.
struct talk_user {
    void *arg;
    void (*send)(void *arg, const uint8_t *bytes, size_t len);
    bool (*is_full)(void *arg);       // pause until drained
    void (*middle)(void *arg);        // once, when the exchange is well under way
    void (*done)(void *arg, bool ok); // once: all that was to be sent, received and expected
    void (*broken)(void *arg, const char *why); // the peer speaks no such protocol
};

struct talk_terms {
    const struct medium *own, *peer; // the lines of the round, valid during the call only
    bool active;                     // we opened the connection
};

struct talk_kind {
    // A connection is ready, the first one or a new one.
    void (*begin)(struct talk *t, const struct talk_terms *terms);
    void (*receive)(struct talk *t, const uint8_t *bytes, size_t len);
    void (*drained)(struct talk *t);
    void (*pause)(struct talk *t, bool pause); // hold: nothing of the user's is sent
    void (*close)(struct talk *t);
};

// Stands first in the struct of each kind.
struct talk {
    const struct talk_kind *kind;
};

#endif
