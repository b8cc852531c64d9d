// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_NEGOTIATION_H
#define ALG_NEGOTIATION_H
// Offer/answer of one session as the IMS-ALG runs it (RFC 3264, TS 23.334 6.2): what is agreed,
// what is proposed, which AGW streams carry it, and what each leg was last told.
//
// An offer makes a proposal beside what is agreed; its answer, which may come several times, fills
// it; commit makes it the agreed state, rollback drops it and puts the AGW back (RFC 3261 14.1,
// REQ-086).

#include "alg/iq.h"
#include "alg/medium.h"
#include "common/config.h"

struct negotiation;

// borrowed; must outlive the negotiation. mediasec: mechanisms this node and the UE agreed on.
// family[side]: address family to use where the SDP does not tell yet.
struct negotiation *negotiation_open(const struct config *cfg, struct iq *iq, unsigned mediasec,
                                     const int family[2]);
// SIP towards the UE is confidential: SDES keys may travel in it (TS 33.328 5.4).
void negotiation_trust_signalling(struct negotiation *n);
// Releases the whole context at the AGW; no media live on.
void negotiation_release(struct negotiation *n);
// NULL is allowed.
void negotiation_free(struct negotiation *n);

// Rewrites an offer for the other side, reserving what it needs. error gets a sentence for people.
// On failure (a reason whose status answers the request) nothing is left behind, and sdp may be
// half edited: it must not be sent.
#define NEGOTIATION_ERROR_MAX 160
enum reason negotiation_offer(struct negotiation *n, enum side offerer, struct sdp *sdp,
                              char error[static NEGOTIATION_ERROR_MAX]);
// Rewrites the answer to the open offer. May be called again for another answer (fork, preview).
// On failure the proposal stays open: the caller ends the session or rolls back.
enum reason negotiation_answer(struct negotiation *n, struct sdp *sdp,
                               char error[static NEGOTIATION_ERROR_MAX]);
// The answer is final. Streams that are no longer used retire: returns true when there are any, and
// the caller calls negotiation_drop_retired() after the hold time (REQ-085, REQ-129, REQ-146).
bool negotiation_commit(struct negotiation *n);
void negotiation_rollback(struct negotiation *n);
// Another branch has answered the offer as well (RFC 3261 13.2.2.4). reopen makes what is agreed
// the open proposal of this side again, as if it had not been answered; what was open is rolled
// back. show then writes an answer as negotiation_answer() does, without a word to the AGW.
void negotiation_reopen(struct negotiation *n, enum side offerer);
enum reason negotiation_show(struct negotiation *n, struct sdp *sdp,
                             char error[static NEGOTIATION_ERROR_MAX]);
void negotiation_drop_retired(struct negotiation *n);

// The media lines as they are agreed, or before that as they are proposed; also after
// negotiation_release(). NULL past the end.
const struct medium *negotiation_medium(const struct negotiation *n, size_t index);

// An offer without a final answer is open.
bool negotiation_pending(const struct negotiation *n);
enum side negotiation_offerer(const struct negotiation *n); // of the open offer

// A stream that another one has replaced and that is only kept for what is still on its way.
bool negotiation_retired(const struct negotiation *n, unsigned stream);
// A stream failed at the AGW: its media line is dead from now on. Returns how many agreed or
// proposed media are still alive (REQ-104).
unsigned negotiation_stream_failed(struct negotiation *n, unsigned stream, bool lost);
// Media that were lost may come back by a new offer (REQ-144).
bool negotiation_may_return(const struct negotiation *n);
// Any medium that was agreed on lives.
bool negotiation_lives(const struct negotiation *n);
// How many streams this session ever had at the AGW: as many AGW_STREAM_RELEASED are to be
// expected.
unsigned negotiation_opened(const struct negotiation *n);

#endif
