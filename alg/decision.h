// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_DECISION_H
#define ALG_DECISION_H
// Does e2ae apply? Decided per media line of an offer, by a table (TS 33.328 7, TS 24.229 6.7.2,
// REQ-004).

#include "alg/side.h"
#include "common/reason.h"
#include "sdp/sdp.h"

// What the proto field of a media line stands for.
enum transport_class {
    TRANSPORT_UDPTL,     // udptl
    TRANSPORT_TLS_UDPTL, // UDP/TLS/UDPTL
    TRANSPORT_RTP,       // RTP/AVP and its kin
    TRANSPORT_OTHER,     // nothing the AGW carries
};
enum transport_class decision_transport(struct sdp_text proto);

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
struct decision decision_make(enum side offerer, enum transport_class transport,
                              enum sdp_3ge2ae indicator, bool capable, bool ongoing);

#endif
