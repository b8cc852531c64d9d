// SPDX-License-Identifier: GPL-3.0-or-later
// T.38 fax with e2ae security: UDP/TLS/UDPTL towards the UE, udptl towards the core.
//
// Call from the UE (6.2.10.4.2): the offer is checked for fingerprint, setup and identity, loses
// them on the way to the core, and the answer gets those of the AGW. Call to the UE (6.2.10.4.3):
// the offer gets them with a=3ge2ae:applied, the answer of the UE is checked and loses them.
//
// Failure paths: no or only weak fingerprints, holdconn, an illegal setup, another transport in the
// answer. Each is a reason; nothing ever falls back to clear media (REQ-102, REQ-125).
#include "alg/e2ae.h"
#include "alg/profile.h"

#include <errno.h>
#include <string.h>

static const char clause_orig[] = "TS 23.334 6.2.10.4.2";
static const char clause_term[] = "TS 23.334 6.2.10.4.3";

// --- reading ----------------------------------------------------------------------------------

// "check the received value of the setup SDP attribute to determine if the IMS-AGW needs to act as
// DTLS client or DTLS server"
static enum reason read_offered_setup(struct medium *m, const struct medium *agreed,
                                      const struct body *body, size_t index)
{
    m->offered_setup = sdp_setup(body->sdp, index);
    switch (m->offered_setup) {
    case SDP_SETUP_PASSIVE:
        m->agw_client = true;
        return REASON_NONE;
    case SDP_SETUP_ACTPASS:
        if (agreed && agreed->stream && !agreed->stream->failed)
            m->agw_client = agreed->stream->agw_client; // roles are kept (RFC 8842 5.5)
        else
            m->agw_client = body->cfg->t38.setup_answer == SETUP_CHOICE_ACTIVE;
        return REASON_NONE;
    case SDP_SETUP_HOLDCONN:
        return REASON_SETUP_HOLDCONN;
    default: // active; it is also what no value, or none that is known, means (RFC 4145 4.1)
        m->agw_client = false;
        return REASON_NONE;
    }
}

static enum sdp_setup setup_of_choice(enum setup_choice choice)
{
    return choice == SETUP_CHOICE_ACTIVE    ? SDP_SETUP_ACTIVE
           : choice == SETUP_CHOICE_PASSIVE ? SDP_SETUP_PASSIVE
                                            : SDP_SETUP_ACTPASS;
}

static enum reason read_offer(struct medium *m, const struct medium *agreed,
                              const struct body *body, size_t index)
{
    m->transport[SIDE_ACCESS] = AGW_UDP_DTLS;
    m->transport[SIDE_CORE] = AGW_UDP;
    if (body->from == SIDE_CORE) {
        // first offers as configured, later ones always actpass (REQ-032, REQ-083)
        m->offered_setup = agreed && agreed->stream ? SDP_SETUP_ACTPASS
                                                    : setup_of_choice(body->cfg->t38.setup_offer);
        m->agw_client = m->offered_setup == SDP_SETUP_ACTIVE;
        m->identity_name = agreed ? agreed->identity_name : NULL;
        return REASON_NONE;
    }
    enum reason reason = e2ae_read_fingerprints(m, body, index);
    if (reason == REASON_NONE)
        reason = read_offered_setup(m, agreed, body, index);
    e2ae_read_identity(m, body, index);
    return reason;
}

// RFC 4145 4.1: an answer takes the other role; actpass is none, holdconn is banned by RFC
// 8842 5.1.
static enum reason read_answered_setup(struct medium *m, const struct body *body, size_t index)
{
    enum sdp_setup answer = sdp_setup(body->sdp, index);
    if (answer == SDP_SETUP_NONE)
        answer = SDP_SETUP_PASSIVE;
    if (answer != SDP_SETUP_ACTIVE && answer != SDP_SETUP_PASSIVE)
        return answer == SDP_SETUP_HOLDCONN ? REASON_SETUP_HOLDCONN : REASON_SETUP_IN_ANSWER;
    if (answer == m->offered_setup)
        return REASON_SETUP_IN_ANSWER;
    m->agw_client = answer == SDP_SETUP_PASSIVE;
    return REASON_NONE;
}

// RFC 8842 3.1: another role, fingerprint set or identity means a new association; without the
// attribute on one side also another transport address (REQ-081, REQ-127).
static bool same_association(const struct medium *m, const struct medium *agreed)
{
    if (m->agw_client != agreed->stream->agw_client || !fingerprints_equal(&m->ue, &agreed->ue))
        return false;
    if (!m->identity_name || !agreed->identity_name)
        return addr_equal(&m->peer[SIDE_ACCESS].remote, &agreed->peer[SIDE_ACCESS].remote);
    return strcmp(m->ue_identity, agreed->ue_identity) == 0;
}

static enum reason read_answer(struct medium *m, const struct medium *agreed,
                               const struct body *body, size_t index)
{
    struct transport transport = decision_transport(sdp_media(body->sdp, index).proto);
    if (transport.kind != MEDIUM_UDPTL || transport.secure != (body->from == SIDE_ACCESS))
        return REASON_PROTO_CHANGED;
    if (body->from == SIDE_CORE)
        return REASON_NONE;
    enum reason reason = e2ae_read_fingerprints(m, body, index);
    if (reason == REASON_NONE)
        reason = read_answered_setup(m, body, index);
    e2ae_read_identity(m, body, index);
    m->new_association = agreed && agreed->stream == m->stream && !same_association(m, agreed);
    return reason;
}

static bool keeps_stream(const struct medium *m, const struct medium *agreed, enum side offerer)
{
    // core re-offers never force a new access association (REQ-084)
    return offerer == SIDE_CORE || same_association(m, agreed);
}

// --- the AGW ----------------------------------------------------------------------------------

static void elements(const struct medium *m, const struct config *cfg, enum side side,
                     bool configure, struct agw_request *request)
{
    if (side == SIDE_CORE)
        return;
    e2ae_elements(m, configure, cfg->t38.notify_deferred, request);
    // the offer is about to leave: a ClientHello may come before the answer (NOTE 3, REQ-033), but
    // not when the AGW is to be client
    if (!m->peer[SIDE_ACCESS].seen && m->offered_setup == SDP_SETUP_ACTIVE)
        request->latching = LATCHING_OFF;
}

// --- writing ----------------------------------------------------------------------------------

static struct bandwidth_overhead overhead(const struct medium *m, const struct body *body,
                                          size_t index)
{
    return bandwidth_overhead(body->sdp, index, body->record_overhead[0],
                              body->cfg->t38.udptl_interval_ms);
}

static int adjust_bandwidth(struct medium *m, const struct body *body, size_t index)
{
    return bandwidth_edit_media(body->sdp, index, &m->overhead, body->from,
                                body->cfg->t38.adjust_tias);
}

// a=setup and a=connection have no meaning for plain UDPTL.
static int drop_roles(struct sdp *sdp, size_t index, const char *clause)
{
    int n = sdp_drop_attribute(sdp, (int)index, "setup", clause);
    n = n < 0 ? n : sdp_drop_attribute(sdp, (int)index, "connection", "RFC 8842 5.1");
    return n < 0 ? n : 0;
}

static int write_to_core(struct medium *m, const struct body *body, size_t index,
                         const char *clause)
{
    struct sdp_media line = sdp_media(body->sdp, index);
    int err = sdp_set_media(body->sdp, index, line.port, "udptl", clause);
    if (!err)
        err = drop_roles(body->sdp, index, clause);
    if (!err)
        err = e2ae_drop_attributes(body->sdp, index);
    return err ? err : adjust_bandwidth(m, body, index);
}

// The name the UE used, in an answer; in an offer the configured one (REQ-026, REQ-027).
static int add_identity(const struct medium *m, const struct body *body, size_t index,
                        const char *name, const char *clause)
{
    const char *id = m->stream->identity;
    if (name)
        return sdp_add_attribute(body->sdp, (int)index, clause, "%s:%s", name, id);
    int err = 0;
    if (body->cfg->t38.identity != IDENTITY_TLS_ID)
        err = sdp_add_attribute(body->sdp, (int)index, clause, "dtls-id:%s", id);
    if (!err && body->cfg->t38.identity != IDENTITY_DTLS_ID)
        err = sdp_add_attribute(body->sdp, (int)index, clause, "tls-id:%s", id);
    return err;
}

// Security attributes of the core mean nothing on the access leg and would stand beside ours.
static int begin_access_line(struct medium *m, const struct body *body, size_t index,
                             const char *clause)
{
    struct sdp_media line = sdp_media(body->sdp, index);
    int err = drop_roles(body->sdp, index, clause);
    if (!err)
        err = e2ae_drop_attributes(body->sdp, index);
    if (!err)
        err = sdp_set_media(body->sdp, index, line.port, "UDP/TLS/UDPTL", clause);
    return err ? err : adjust_bandwidth(m, body, index);
}

static int write_offer(struct medium *m, const struct body *body, size_t index)
{
    int err = begin_access_line(m, body, index, clause_term);
    if (!err)
        err = sdp_add_attribute(body->sdp, (int)index, clause_term, "3ge2ae:applied");
    if (!err)
        err = sdp_add_attribute(body->sdp, (int)index, clause_term, "setup:%s",
                                sdp_setup_name(m->offered_setup));
    if (!err)
        err = add_identity(m, body, index, m->identity_name, clause_term);
    return err ? err : e2ae_add_fingerprints(m, body->sdp, index, clause_term);
}

static int write_answer(struct medium *m, const struct body *body, size_t index)
{
    int err = begin_access_line(m, body, index, clause_orig);
    if (!err)
        err = sdp_add_attribute(body->sdp, (int)index, clause_orig, "setup:%s",
                                m->agw_client ? "active" : "passive");
    if (!err && m->identity_name)
        err = add_identity(m, body, index, m->identity_name, clause_orig);
    return err ? err : e2ae_add_fingerprints(m, body->sdp, index, clause_orig);
}

static int write_line(struct medium *m, const struct body *body, size_t index, bool answer)
{
    if (body->from == SIDE_ACCESS)
        return write_to_core(m, body, index, answer ? clause_term : clause_orig);
    return answer ? write_answer(m, body, index) : write_offer(m, body, index);
}

static const char *proto(const struct medium *m, enum side to)
{
    return to == SIDE_ACCESS ? "UDP/TLS/UDPTL" : "udptl";
}

const struct profile profile_t38 = {
    .name = "t38",
    .figure = {FIGURE_T38_ORIG, FIGURE_T38_TERM},
    .read_offer = read_offer,
    .read_answer = read_answer,
    .keeps_stream = keeps_stream,
    .elements = elements,
    .overhead = overhead,
    .write = write_line,
    .proto = proto,
};
