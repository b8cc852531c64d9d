// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_EXCHANGE_H
#define ALG_EXCHANGE_H
// Which SIP message carries an offer, an answer, or one that was sent before, and what its body
// becomes (RFC 3261 13.2.1, RFC 3262 5, RFC 3311 5). Offers and answers themselves are
// negotiation.h's.
//
//   offer in          answer in
//   INVITE            18x, 2xx (an unreliable 18x is a preview: the 2xx makes it final)
//   18x with RSeq     PRACK        (offerless INVITE)
//   2xx               ACK          (offerless INVITE)
//   UPDATE, PRACK     2xx

#include "alg/facts.h"
#include "alg/negotiation.h"

// Which request a response belongs to.
struct exchange_request {
    enum sip_kind kind;
    uint32_t cseq;
    enum side from;
    bool offered; // it carried an offer
    bool initial; // the INVITE that opened the session
    bool other;   // of another dialog than the one that was answered first
};

// What to do with a message. body: the new SDP, malloc'ed for the caller; NULL: leave it alone.
struct exchange_verdict {
    enum reason reason; // not NONE: the body cannot be used, error says why
    char error[200];
    char *body;
    size_t body_len;
};

enum exchange_role {
    EXCHANGE_NONE,
    EXCHANGE_OFFER,
    EXCHANGE_ANSWER,
    EXCHANGE_REPEAT,
    EXCHANGE_STRAY, // SDP that nothing asked for: nobody may act on it, it is taken out
};

struct exchange;

// Borrows cfg and iq. mediasec and family as for negotiation_open(). NULL: no memory.
struct exchange *exchange_open(const struct config *cfg, struct iq *iq, unsigned mediasec,
                               const int family[2]);
void exchange_close(struct exchange *x); // NULL is allowed
struct negotiation *exchange_negotiation(struct exchange *x);

// The part a request or response plays; changes nothing.
enum exchange_role exchange_request_role(const struct exchange *x, enum side from,
                                         const struct sip_facts *facts);
enum exchange_role exchange_response_role(const struct exchange *x,
                                          const struct exchange_request *request,
                                          const struct sip_facts *facts);
// Plays it. A repeated body becomes what it became before (REQ-122).
void exchange_take_request(struct exchange *x, enum exchange_role role,
                           const struct exchange_request *request, const struct sip_facts *facts,
                           struct exchange_verdict *verdict);
void exchange_take_response(struct exchange *x, enum exchange_role role,
                            const struct exchange_request *request, const struct sip_facts *facts,
                            struct exchange_verdict *verdict);

// A 2xx came to the request: its answer is final. Of several forks the AGW gets the answer of the
// one that won. verdict->reason when that cannot be done.
void exchange_succeed(struct exchange *x, const struct exchange_request *request,
                      const struct sip_facts *facts, struct exchange_verdict *verdict);
// The request was refused. True: it had opened the exchange and the former state is back (REQ-086).
bool exchange_refuse(struct exchange *x, const struct exchange_request *request);
// An ACK without an answer: the offer of the 2xx is void.
void exchange_acknowledge(struct exchange *x, enum exchange_role role);

// True once after streams began to retire: negotiation_drop_retired() is due after the hold time.
bool exchange_take_retiring(struct exchange *x);
// The body of a 2xx that comes again outside its transaction; that of the answer the AGW has when
// this one never came before; "" when that is forgotten.
const char *exchange_repeated(const struct exchange *x, const struct sip_facts *facts);

// --- branches (RFC 3261 13.2.2.4, RFC 6228) -----------------------------------------------------

// How many early dialogs have answered the open offer.
unsigned exchange_forks(const struct exchange *x);
// One of them has ended: its answer is forgotten, and where the AGW had it, it gets the one that
// came last of those that are left. verdict->reason when that cannot be done.
void exchange_drop_fork(struct exchange *x, const char *tag, struct exchange_verdict *verdict);
// The 2xx of another branch beside the one that was answered: gives the body to show for it, which
// is that of the present answer when this one cannot be read. The AGW hears nothing of it.
void exchange_show(struct exchange *x, const struct sip_facts *facts,
                   struct exchange_verdict *verdict);
// The body that this branch has answered with, as it came; borrowed. NULL: none is known.
const char *exchange_answer_of(const struct exchange *x, const char *tag);
// The branch with this answer, to the offer of this side, is the one that is kept: the AGW gets its
// answer. verdict->reason when that cannot be done.
void exchange_adopt(struct exchange *x, enum side offerer, const char *answer,
                    struct exchange_verdict *verdict);

// Whether a message that goes to `to` with a body carries an answer (else an offer).
bool exchange_sends_answer(const struct exchange *x, enum side to, const struct sip_facts *facts);

#endif
