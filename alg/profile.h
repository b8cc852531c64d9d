// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_PROFILE_H
#define ALG_PROFILE_H
// A media profile knows what is particular to one kind of medium: which information elements go to
// the AGW and how its media line changes between the two legs. What is common to all media
// (addresses, ports, order of procedures) is in negotiation.c.

#include "alg/medium.h"

struct profile {
    const char *name;
    bool returns;                // a later offer may re-establish a connection that was lost
    enum trace_figure figure[2]; // of a call with e2ae, by the side the offer came from
    // Reads and checks the media line of an offer or answer; sets the transports in an offer.
    // agreed is the medium of the last exchange (NULL: none). A reason refuses the line (offer) or
    // the answer as a whole.
    enum reason (*read_offer)(struct medium *m, const struct medium *agreed,
                              const struct body *body, size_t index);
    enum reason (*read_answer)(struct medium *m, const struct medium *agreed,
                               const struct body *body, size_t index);
    // Whether the offer can go on with the stream of the last exchange.
    bool (*keeps_stream)(const struct medium *m, const struct medium *agreed, enum side offerer);
    // Information elements of one side beside addresses, mode and transport. configure: a Configure
    // of what was reserved before, else a Reserve (and Configure).
    void (*elements)(const struct medium *m, const struct config *cfg, enum side side,
                     bool configure, struct agw_request *request);
    // The overhead of e2ae in the bandwidth of a line that was read.
    struct bandwidth_overhead (*overhead)(const struct medium *m, const struct body *body,
                                          size_t index);
    // Edits the media line for the other leg: everything but c=, port, and what is at session
    // level. 0 or -ENOMEM.
    int (*write)(struct medium *m, const struct body *body, size_t index, bool answer);
    // The proto to write towards `to`; NULL keeps it (REQ-103).
    const char *(*proto)(const struct medium *m, enum side to);
};

// T.38 with e2ae security: TS 23.334 6.2.10.4.2 and 6.2.10.4.3.
extern const struct profile profile_t38;
// MSRP, with and without e2ae security: TS 23.334 5.11.2.2.2, 5.19.
extern const struct profile profile_msrp;
// BFCP, with and without e2ae security: TS 23.334 5.11.2.2.3.
extern const struct profile profile_bfcp;
// Voice and video with e2ae security by SDES: TS 23.334 6.2.10.2.
extern const struct profile profile_rtp;
// Datagrams the AGW relays as they are: RTP with its RTCP, plain UDPTL, end-to-end secured media
// (TS 23.334 5.11.3).
extern const struct profile profile_relay;

// The profile for a media line.
const struct profile *profile_for(enum medium_kind kind, enum treatment treatment);

#endif
