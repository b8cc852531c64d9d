// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_DECISION_H
#define ALG_DECISION_H
// Does e2ae apply? Decided per media line of an offer, by a table (TS 33.328 7, TS 24.229 6.7.2,
// REQ-004).

#include "alg/side.h"
#include "common/reason.h"
#include "sdp/sdp.h"

enum medium_kind {
    MEDIUM_UDPTL, // T.38 fax
    MEDIUM_MSRP,
    MEDIUM_BFCP,
    MEDIUM_RTP,
    MEDIUM_RTP_RELAYED, // RTP that the AGW only relays: DTLS-SRTP, other profiles
    MEDIUM_OTHER,       // nothing the AGW carries
};

// What the proto field of a media line stands for.
struct transport {
    enum medium_kind kind;
    bool secure;
    bool feedback; // RTP: with the feedback profile (RFC 4585)
};
struct transport decision_transport(struct sdp_text proto);
// RTP, which has RTCP beside it.
bool decision_is_rtp(struct sdp_text proto);
// The media security mechanism of a kind (TS 24.229 7.2A.7), an enum mediasec bit; 0: none.
unsigned decision_mechanism(enum medium_kind kind);

enum treatment {
    TREAT_E2AE,   // terminate security in the AGW
    TREAT_RELAY,  // anchor in the AGW, bytes as they are
    TREAT_PASS,   // not anchored: the media line goes through as it came
    TREAT_REJECT, // port 0
};

struct decision {
    enum treatment treatment;
    enum reason reason; // of a rejection
};

// offerer: where the offer came from. capable: the UE and this node agreed on the mechanism.
// ongoing: the media line already is an e2ae stream; then a repeated secure offer stays one even
// without the indicator, which the UE never sent when the P-CSCF applied e2ae itself.
struct decision decision_make(enum side offerer, struct transport transport,
                              enum sdp_3ge2ae indicator, bool capable, bool ongoing);

#endif
