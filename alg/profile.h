// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_PROFILE_H
#define ALG_PROFILE_H
// A media profile knows what is particular to one kind of medium: which information elements go to
// the AGW and how its media line changes between the two legs. What is common to all media
// (addresses, ports, order of procedures) is in negotiation.c.

#include "alg/medium.h"

struct profile {
    const char *name;
    enum agw_transport t1_transport;
    // Reads and checks the media line of an offer or answer; agreed is the medium of the last
    // exchange (NULL: none). A reason refuses the line (offer) or the answer as a whole.
    enum reason (*read_offer)(struct medium *m, const struct medium *agreed,
                              const struct body *body, size_t index);
    enum reason (*read_answer)(struct medium *m, const struct medium *agreed,
                               const struct body *body, size_t index);
    // Whether the offer can go on with the stream of the last exchange.
    bool (*keeps_stream)(const struct medium *m, const struct medium *agreed, enum side offerer);
    // Information elements of T1 beside addresses and mode. configure: a Configure of what was
    // reserved before, else a Reserve (and Configure).
    void (*t1_elements)(const struct medium *m, const struct config *cfg, bool configure,
                        struct agw_request *request);
    // Edits the media line for the other leg: everything but c=, port, and what is at session
    // level. 0 or -ENOMEM.
    int (*write_offer)(struct medium *m, const struct body *body, size_t index);
    int (*write_answer)(struct medium *m, const struct body *body, size_t index);
    // The proto to write on a refused line towards `to`; NULL keeps it (REQ-103).
    const char *(*proto)(const struct medium *m, enum side to);
};

// T.38 with e2ae security: TS 23.334 6.2.10.4.2 and 6.2.10.4.3.
extern const struct profile profile_t38;
// Everything the AGW relays as it is: RTP with its RTCP, plain UDPTL, end-to-end secured media
// (TS 23.334 5.11.3).
extern const struct profile profile_relay;

#endif
