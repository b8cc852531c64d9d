// SPDX-License-Identifier: GPL-3.0-or-later
// A dialog made by INVITE.
//
// Happy path, calling: INVITE, 18x (PRACK when it asks for one), 2xx, ACK along the route set.
// Happy path, called: INVITE, 18x, 2xx repeated by nta until the ACK comes. Within the dialog the
// same two paths serve re-INVITE, and UPDATE goes both ways.
// Failure paths: a second INVITE while one is open is answered 491 (RFC 3261 14.2), a CANCEL makes
// nta answer 487, a missing ACK is reported, a repeated 2xx gets the same ACK again.

#define NTA_LEG_MAGIC_T struct dialog
#define NTA_OUTGOING_MAGIC_T struct dialog
#define NTA_INCOMING_MAGIC_T struct dialog
#define NTA_RELIABLE_MAGIC_T struct dialog
#include "tests/ua/ua_sip_internal.h"

#include "common/random.h"

#include <errno.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALLOW "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE"
#define SDP_TYPE "application/sdp"
#define RACK_MAX 40    // two 32-bit numbers and a method
#define CALL_ID_LEN 24 // unguessable: some 140 bits

struct dialog {
    struct sip *sip;
    struct dialog_user user;
    nta_leg_t *leg;
    nta_outgoing_t *invite_out; // newest INVITE of ours
    nta_outgoing_t *update_out;
    nta_outgoing_t *bye_out;
    nta_incoming_t *invite_in; // newest INVITE of the peer
    nta_incoming_t *update_in;
    char *ack_body; // what the last ACK carried
    bool acked;     // invite_out has its ACK
    bool ack_due;   // our 2xx to invite_in waits for its ACK
    bool early;     // the first INVITE has no 2xx yet: responses make the route set
    char *call_id;
};

// --- towards the user ---------------------------------------------------------------------------

static bool is_sdp(sip_t const *sip)
{
    return sip->sip_payload && sip->sip_payload->pl_len > 0 &&
           (!sip->sip_content_type || !sip->sip_content_type->c_type ||
            strcasecmp(sip->sip_content_type->c_type, SDP_TYPE) == 0);
}

static void tell(struct dialog *d, enum dialog_event event, sip_t const *sip, int status)
{
    struct dialog_message m = {.status = status, .phrase = ""};
    su_home_t home[1] = {SU_HOME_INIT(home)};

    if (sip) {
        if (sip->sip_status)
            m.phrase = sip->sip_status->st_phrase;
        if (is_sdp(sip)) {
            m.body = sip->sip_payload->pl_data;
            m.body_len = sip->sip_payload->pl_len;
        }
        if (sip->sip_reason)
            m.reason = sip_header_as_string(home, (sip_header_t const *)sip->sip_reason);
        m.supports_100rel = sip_has_feature(sip->sip_supported, "100rel") ||
                            sip_has_feature(sip->sip_require, "100rel");
    }
    d->user.on_event(d->user.arg, event, &m);
    su_home_deinit(home);
}

// --- requests of ours ---------------------------------------------------------------------------

static void send_ack(struct dialog *d)
{
    nta_agent_t *agent = d->sip->agent;
    msg_t *msg = nta_msg_create(agent, 0);
    sip_t *sip = sip_object(msg);
    uint32_t seq = nta_outgoing_cseq(d->invite_out);
    sip_cseq_t *cseq = msg ? sip_cseq_create(msg_home(msg), seq, SIP_METHOD_ACK) : NULL;

    if (!cseq)
        return;
    sip_add_tl(msg, sip, SIPTAG_CSEQ(cseq), TAG_IF(d->ack_body, SIPTAG_CONTENT_TYPE_STR(SDP_TYPE)),
               TAG_IF(d->ack_body, SIPTAG_PAYLOAD_STR(d->ack_body)), TAG_END());
    if (nta_msg_request_complete(msg, d->leg, SIP_METHOD_ACK, NULL) < 0) {
        msg_destroy(msg);
        return;
    }
    nta_outgoing_t *ack = nta_outgoing_mcreate(agent, NULL, NULL, NULL, msg, TAG_END());
    if (ack)
        nta_outgoing_destroy(ack);
    else
        msg_destroy(msg);
}

void dialog_ack(struct dialog *d, const char *body)
{
    free(d->ack_body);
    d->ack_body = body ? strdup(body) : NULL;
    d->acked = true;
    send_ack(d);
}

// The first tagged response makes the dialog; the 2xx decides about its route set (RFC 3261 12.1.2,
// 13.2.2.4).
static void learn_route(struct dialog *d, sip_t const *sip)
{
    if (!d->early || !sip->sip_to->a_tag)
        return;
    nta_leg_rtag(d->leg, sip->sip_to->a_tag);
    nta_leg_client_reroute(d->leg, sip->sip_record_route, sip->sip_contact, 1);
}

// Made by hand: nta_outgoing_prack insists on an INVITE that had a To tag already.
static void send_prack(struct dialog *d, nta_outgoing_t *invite, uint32_t rseq)
{
    char rack[RACK_MAX];

    snprintf(rack, sizeof(rack), "%u %u INVITE", rseq, nta_outgoing_cseq(invite));
    nta_outgoing_t *prack = nta_outgoing_tcreate(d->leg, NULL, NULL, NULL, SIP_METHOD_PRACK, NULL,
                                                 SIPTAG_RACK_STR(rack), TAG_END());
    if (prack)
        nta_outgoing_destroy(prack);
    nta_outgoing_setrseq(invite, rseq); // repetitions stay below
}

static void on_provisional(struct dialog *d, nta_outgoing_t *orq, sip_t const *sip, int status)
{
    if (status == 100 || !sip)
        return;
    learn_route(d, sip);
    if (sip->sip_rseq && sip_has_feature(sip->sip_require, "100rel"))
        send_prack(d, orq, sip->sip_rseq->rs_response);
    tell(d, DIALOG_PROVISIONAL, sip, status);
}

static int on_invite_response(struct dialog *d, nta_outgoing_t *orq, sip_t const *sip)
{
    int status = nta_outgoing_status(orq);

    if (orq != d->invite_out)
        return 0;
    if (status < 200) {
        on_provisional(d, orq, sip, status);
    } else if (status >= 300) {
        tell(d, DIALOG_REFUSAL, sip, status);
    } else if (d->acked) {
        send_ack(d); // the 2xx is a repeated one
    } else {
        learn_route(d, sip);
        d->early = false;
        tell(d, DIALOG_ANSWER, sip, status);
    }
    return 0;
}

static void forget(nta_outgoing_t **orq)
{
    if (*orq)
        nta_outgoing_destroy(*orq);
    *orq = NULL;
}

// An INVITE inside or outside the dialog; initial INVITEs carry the Route to the proxy themselves.
static int send_invite(struct dialog *d, url_string_t const *target, const char *body)
{
    const char *supported = d->sip->options.reliable ? "100rel" : NULL;
    const char *route = d->early && d->sip->route[0] ? d->sip->route : NULL;

    forget(&d->invite_out);
    d->acked = false;
    d->invite_out = nta_outgoing_tcreate(
        d->leg, on_invite_response, d, NULL, SIP_METHOD_INVITE, target,
        TAG_IF(route, SIPTAG_ROUTE_STR(route)), SIPTAG_CONTACT_STR(d->sip->contact),
        SIPTAG_ALLOW_STR(ALLOW), TAG_IF(supported, SIPTAG_SUPPORTED_STR(supported)),
        TAG_IF(body, SIPTAG_CONTENT_TYPE_STR(SDP_TYPE)), TAG_IF(body, SIPTAG_PAYLOAD_STR(body)),
        TAG_END());
    return d->invite_out ? 0 : -EIO;
}

int dialog_reinvite(struct dialog *d, const char *body)
{
    return send_invite(d, NULL, body);
}

void dialog_cancel(struct dialog *d)
{
    if (d->invite_out)
        nta_outgoing_cancel(d->invite_out);
}

static int on_update_response(struct dialog *d, nta_outgoing_t *orq, sip_t const *sip)
{
    int status = nta_outgoing_status(orq);

    if (status >= 200)
        tell(d, status < 300 ? DIALOG_UPDATE_ANSWER : DIALOG_UPDATE_REFUSAL, sip, status);
    return 0;
}

int dialog_update(struct dialog *d, const char *body)
{
    forget(&d->update_out);
    d->update_out = nta_outgoing_tcreate(d->leg, on_update_response, d, NULL, SIP_METHOD_UPDATE,
                                         NULL, SIPTAG_CONTACT_STR(d->sip->contact),
                                         TAG_IF(body, SIPTAG_CONTENT_TYPE_STR(SDP_TYPE)),
                                         TAG_IF(body, SIPTAG_PAYLOAD_STR(body)), TAG_END());
    return d->update_out ? 0 : -EIO;
}

static int on_bye_response(struct dialog *d, nta_outgoing_t *orq, sip_t const *sip)
{
    int status = nta_outgoing_status(orq);

    if (status >= 200)
        tell(d, DIALOG_GONE, sip, status);
    return 0;
}

void dialog_bye(struct dialog *d)
{
    if (d->bye_out)
        return;
    d->bye_out =
        nta_outgoing_tcreate(d->leg, on_bye_response, d, NULL, SIP_METHOD_BYE, NULL, TAG_END());
    if (!d->bye_out)
        tell(d, DIALOG_GONE, NULL, 0);
}

// --- requests of the peer -----------------------------------------------------------------------

static int on_ack_or_cancel(struct dialog *d, nta_incoming_t *irq, sip_t const *sip)
{
    int status = nta_incoming_status(irq);

    if (irq != d->invite_in)
        return 0;
    if (!sip || sip->sip_request->rq_method == sip_method_ack)
        d->ack_due = false;
    if (!sip) {
        if (status >= 200 && status < 300)
            tell(d, DIALOG_NO_ACK, NULL, 0);
    } else if (sip->sip_request->rq_method == sip_method_cancel) {
        tell(d, DIALOG_CANCEL, sip, 0);
    } else if (status >= 200 && status < 300) {
        tell(d, DIALOG_ACK, sip, 0);
    }
    return 0;
}

static int on_prack(struct dialog *d, nta_reliable_t *rel, nta_incoming_t *prack, sip_t const *sip)
{
    nta_reliable_destroy(rel);
    if (!prack) {
        tell(d, DIALOG_NO_ACK, NULL, 0);
        return 0;
    }
    nta_incoming_treply(prack, SIP_200_OK, TAG_END());
    nta_incoming_destroy(prack);
    tell(d, DIALOG_PRACK, sip, 0);
    return 200;
}

static bool invite_open(const struct dialog *d)
{
    return d->ack_due || (d->invite_in && nta_incoming_status(d->invite_in) < 200) ||
           (d->invite_out && nta_outgoing_status(d->invite_out) < 200);
}

static void take_incoming(nta_incoming_t **slot, nta_incoming_t *irq)
{
    if (*slot)
        nta_incoming_destroy(*slot);
    *slot = irq;
}

static int on_invite(struct dialog *d, nta_incoming_t *irq, sip_t const *sip)
{
    if (invite_open(d))
        return 491;
    take_incoming(&d->invite_in, irq);
    nta_incoming_bind(irq, on_ack_or_cancel, d);
    tell(d, DIALOG_INVITE, sip, 0);
    return 0;
}

static int on_bye(struct dialog *d, nta_incoming_t *irq, sip_t const *sip)
{
    nta_incoming_treply(irq, SIP_200_OK, TAG_END());
    if (d->invite_in && nta_incoming_status(d->invite_in) < 200)
        nta_incoming_treply(d->invite_in, SIP_487_REQUEST_TERMINATED, TAG_END());
    tell(d, DIALOG_BYE, sip, 0);
    return 200;
}

static int on_request(struct dialog *d, nta_leg_t *leg, nta_incoming_t *irq, sip_t const *sip)
{
    switch (sip->sip_request->rq_method) {
    case sip_method_invite:
        return on_invite(d, irq, sip);
    case sip_method_bye:
        return on_bye(d, irq, sip);
    case sip_method_update:
        take_incoming(&d->update_in, irq);
        tell(d, DIALOG_UPDATE, sip, 0);
        return 0;
    case sip_method_ack:
    case sip_method_options:
        return 200;
    case sip_method_prack:
        return 481; // of no reliable response
    default:
        return 405;
    }
}

int dialog_reply(struct dialog *d, int status, const char *phrase, const char *body, bool reliable)
{
    const char *type = body ? SDP_TYPE : NULL;

    if (!d->invite_in || nta_incoming_status(d->invite_in) >= 200)
        return -EIO;
    d->ack_due = status / 100 == 2;
    if (reliable)
        return nta_reliable_treply(d->invite_in, on_prack, d, status, phrase,
                                   SIPTAG_CONTACT_STR(d->sip->contact),
                                   TAG_IF(type, SIPTAG_CONTENT_TYPE_STR(type)),
                                   TAG_IF(body, SIPTAG_PAYLOAD_STR(body)), TAG_END())
                   ? 0
                   : -EIO;
    return nta_incoming_treply(d->invite_in, status, phrase, SIPTAG_CONTACT_STR(d->sip->contact),
                               SIPTAG_ALLOW_STR(ALLOW), TAG_IF(type, SIPTAG_CONTENT_TYPE_STR(type)),
                               TAG_IF(body, SIPTAG_PAYLOAD_STR(body)), TAG_END()) == 0
               ? 0
               : -EIO;
}

int dialog_reply_update(struct dialog *d, int status, const char *phrase, const char *body)
{
    const char *type = body ? SDP_TYPE : NULL;

    if (!d->update_in)
        return -EIO;
    int rc = nta_incoming_treply(d->update_in, status, phrase, SIPTAG_CONTACT_STR(d->sip->contact),
                                 TAG_IF(type, SIPTAG_CONTENT_TYPE_STR(type)),
                                 TAG_IF(body, SIPTAG_PAYLOAD_STR(body)), TAG_END());
    take_incoming(&d->update_in, NULL);
    return rc == 0 ? 0 : -EIO;
}

// --- birth and death ----------------------------------------------------------------------------

static struct dialog *new_dialog(struct sip *sip, nta_leg_t *leg, const char *call_id)
{
    struct dialog *d = calloc(1, sizeof(*d));

    if (!d || !leg || !(d->call_id = strdup(call_id))) {
        if (leg)
            nta_leg_destroy(leg);
        free(d);
        return NULL;
    }
    d->sip = sip;
    d->leg = leg;
    nta_leg_bind(leg, on_request, d);
    nta_leg_tag(leg, NULL);
    return d;
}

int dialog_call(struct dialog **out, struct sip *sip, const char *target,
                const struct dialog_user *user, const char *body)
{
    char call_id[CALL_ID_LEN + 1];

    random_alnum(call_id, sizeof(call_id));
    nta_leg_t *leg =
        nta_leg_tcreate(sip->agent, on_request, NULL, SIPTAG_CALL_ID_STR(call_id),
                        SIPTAG_FROM_STR(sip->options.identity), SIPTAG_TO_STR(target), TAG_END());
    struct dialog *d = new_dialog(sip, leg, call_id);
    if (!d)
        return -ENOMEM;
    d->user = *user;
    d->early = true;
    int rc = send_invite(d, URL_STRING_MAKE(target), body);
    if (rc != 0) {
        dialog_free(d);
        return rc;
    }
    *out = d;
    return 0;
}

int dialog_incoming(struct sip *sip, nta_incoming_t *irq, sip_t const *request)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    nta_leg_t *leg =
        nta_leg_tcreate(sip->agent, on_request, NULL, SIPTAG_CALL_ID(request->sip_call_id),
                        SIPTAG_FROM(request->sip_to), SIPTAG_TO(request->sip_from), TAG_END());
    struct dialog *d = new_dialog(sip, leg, request->sip_call_id->i_id);

    if (!d)
        return 500;
    nta_leg_server_route(d->leg, request->sip_record_route, request->sip_contact);
    nta_incoming_tag(irq, nta_leg_get_tag(d->leg));
    const char *from = sip_header_as_string(home, (sip_header_t const *)request->sip_from);
    bool taken = sip->user.on_call(sip->user.arg, d, from ? from : "", &d->user);
    su_home_deinit(home);
    if (!taken) {
        dialog_free(d);
        return 486;
    }
    return on_invite(d, irq, request);
}

const char *dialog_call_id(const struct dialog *d)
{
    return d->call_id;
}

void dialog_free(struct dialog *d)
{
    if (!d)
        return;
    forget(&d->invite_out);
    forget(&d->update_out);
    forget(&d->bye_out);
    take_incoming(&d->invite_in, NULL);
    take_incoming(&d->update_in, NULL);
    nta_leg_destroy(d->leg);
    free(d->ack_body);
    free(d->call_id);
    free(d);
}
