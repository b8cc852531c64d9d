// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_IQ_H
#define ALG_IQ_H
// The only door from the IMS-ALG to the IMS-AGW. Every procedure and notification passes here and
// leaves its trace: information elements, and the H.248 message that would have been sent
// (REQ-110).

#include "agw/agw.h"
#include "alg/tap.h"
#include "common/trace/trace.h"

// One session's side of the Iq interface.
struct iq {
    struct agw *agw;
    struct trace *trace;
    struct tap *tap;      // NULL: nobody looks on
    const char *call_id;  // for the tap
    uint32_t context;     // 0 until the first Reserve
    unsigned transaction; // H.248 transaction ids of the trace
};

// The procedures of agw.h, with the context filled in and remembered.
enum reason iq_reserve(struct iq *iq, struct agw_request *request, struct agw_reply *reply);
enum reason iq_configure(struct iq *iq, struct agw_request *request);
enum reason iq_reserve_and_configure(struct iq *iq, struct agw_request *request,
                                     struct agw_reply *reply);
// One stream on both terminations, or all of them with stream 0.
void iq_release(struct iq *iq, unsigned stream);

// Records what the AGW reported.
void iq_notification(struct iq *iq, const struct agw_notification *notification);

#endif
