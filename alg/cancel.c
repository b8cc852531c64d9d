// SPDX-License-Identifier: GPL-3.0-or-later
// CANCEL towards the next hop. Over UDP the stack makes it, and waits with it for the first
// provisional response (RFC 3261 9.1). Over a reliable transport the stack would forget the INVITE
// with it, so that nobody would acknowledge or pass on the 487; there the CANCEL is a request of
// our own with the Via of the INVITE, sent at once or when the first provisional response comes.
//
// Failure paths: without memory nothing is sent, and the INVITE ends by its own timers; nobody
// waits for the answer to a CANCEL.
#include "alg/proxy_internal.h"
#include "alg/wire.h"

#include <stdlib.h>
#include <string.h>

// The headers of the INVITE that its CANCEL repeats: the same topmost Via, route and names.
static msg_t *build(struct forward *f, msg_t *invite, const char *line)
{
    sip_t *from = sip_object(invite);
    msg_t *msg = nta_msg_create(f->proxy->agent, 0);
    sip_t *sip = msg ? sip_object(msg) : NULL;
    if (!sip)
        return NULL;
    su_home_t *home = msg_home(msg);
    sip_via_t via = *from->sip_via;
    via.v_next = NULL;
    sip_request_t *start = sip_request_create(home, SIP_METHOD_CANCEL,
                                              (url_string_t *)from->sip_request->rq_url, NULL);
    sip_cseq_t *cseq = sip_cseq_create(home, from->sip_cseq->cs_seq, SIP_METHOD_CANCEL);
    if (start && cseq && sip_header_insert(msg, sip, (sip_header_t *)start) >= 0 &&
        sip_header_insert(msg, sip, (sip_header_t *)cseq) >= 0 &&
        sip_add_tl(msg, sip, SIPTAG_VIA(&via), SIPTAG_ROUTE(from->sip_route),
                   SIPTAG_FROM(from->sip_from), SIPTAG_TO(from->sip_to),
                   SIPTAG_CALL_ID(from->sip_call_id), SIPTAG_MAX_FORWARDS_STR("70"),
                   TAG_IF(line, SIPTAG_HEADER_STR(line)), TAG_END()) >= 0)
        return msg;
    msg_destroy(msg);
    return NULL;
}

static int on_answer(struct forward *f, nta_outgoing_t *cancel, sip_t const *sip)
{
    if (!sip || sip->sip_status->st_status >= 200)
        nta_outgoing_destroy(cancel);
    return 0;
}

static void send_own(struct forward *f, const char *line)
{
    char url[MESSAGE_HOP_STRLEN], branch[BRANCH_STRLEN + 8];
    msg_t *invite = nta_outgoing_getrequest(f->orq);
    msg_t *msg = invite ? build(f, invite, line) : NULL;
    if (msg) {
        snprintf(branch, sizeof(branch), "branch=%s", sip_object(invite)->sip_via->v_branch);
        // without a magic of its own: the answer may outlive the forward
        nta_outgoing_t *cancel = nta_outgoing_mcreate(
            f->proxy->agent, on_answer, NULL, (url_string_t *)message_hop_url(&f->hop, url), msg,
            TPTAG_IDENT(f->exit->ident), TAG_IF(f->hop.connection, NTATAG_TPORT(f->hop.connection)),
            NTATAG_USER_VIA(1), NTATAG_BRANCH_KEY(branch), TAG_END());
        if (!cancel)
            msg_destroy(msg);
        wire_cancels(f, cancel);
    }
    if (invite)
        msg_destroy(invite);
}

void cancel_downstream(struct forward *f, const char *line)
{
    if (!f->orq || f->cancelled)
        return;
    f->cancelled = true;
    if (!f->hop.tcp)
        wire_cancels(f, nta_outgoing_tcancel(f->orq, NULL, NULL,
                                             TAG_IF(line, SIPTAG_HEADER_STR(line)), TAG_END()));
    else if (nta_outgoing_status(f->orq) >= 100)
        send_own(f, line);
    else
        f->cancel_line = strdup(line ? line : "");
}

void cancel_may_leave(struct forward *f)
{
    char *line = f->cancel_line;
    if (!line)
        return;
    f->cancel_line = NULL;
    send_own(f, line[0] ? line : NULL);
    free(line);
}
