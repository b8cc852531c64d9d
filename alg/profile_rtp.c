// SPDX-License-Identifier: GPL-3.0-or-later
// Voice and video with e2ae security: RTP/SAVP(F) with SDES keys towards the UE, RTP/AVP(F) towards
// the core.
//
// Call from the UE: the first a=crypto of the offer that can be served is taken, none of them
// reaches the core, and the answer gets one key of the ALG under the same tag. Call to the UE: the
// offer gets one key for each enabled suite with a=3ge2ae:applied, and the answer of the UE tells
// which of them is used. The keys of a stream stay for its life, so that only the UE ever changes
// what the AGW has.
//
// Failure paths: no key that can be served, an answer that takes up none of ours or gives our own
// key back, another transport in the answer. Each is a reason; nothing falls back to clear media.
#include "alg/e2ae.h"
#include "alg/profile.h"
#include "alg/rtcp.h"
#include "alg/session_trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char clause_e2ae[] = "TS 23.334 6.2.10.2";
static const char clause_offer[] = "RFC 4568 7.1.1";
static const char clause_answer[] = "RFC 4568 7.1.2";

// --- reading ------------------------------------------------------------------------------------

static bool is_enabled(const struct config *cfg, enum sdes_suite suite)
{
    return (cfg->srtp_suites & CONFIG_SUITE(suite)) != 0;
}

// "the answerer ... selects one of the offered": the first, which its sender prefers, that can be.
static enum reason choose_key(struct medium *m, const struct body *body, size_t index)
{
    struct sdp_error why = {.text = "no a=crypto"};
    int rc;
    for (unsigned n = 0; (rc = sdp_crypto(body->sdp, index, n, &m->ue_sdes, &why)) != -ENOENT; n++)
        if (rc == 0 && is_enabled(body->cfg, m->ue_sdes.suite))
            return REASON_NONE;
    m->ue_sdes = (struct sdes_crypto){0};
    session_trace_note(body->trace, clause_answer, "no key can be served: %s", why.text);
    return REASON_NO_CRYPTO;
}

static enum reason read_offer(struct medium *m, const struct medium *agreed,
                              const struct body *body, size_t index)
{
    m->transport[SIDE_ACCESS] = AGW_RTP_SAVP;
    m->transport[SIDE_CORE] = AGW_UDP;
    rtcp_read(&m->peer[body->from], body->sdp, index);
    return body->from == SIDE_ACCESS ? choose_key(m, body, index) : REASON_NONE;
}

// The tags in our offers are the numbers of the suites.
static enum reason read_answered_key(struct medium *m, const struct body *body, size_t index)
{
    struct sdes_crypto answer;
    struct sdp_error why = {.text = "no a=crypto"};
    const struct sdes_crypto *own = m->stream->keys->own;
    if (sdp_crypto(body->sdp, index, 0, &answer, &why) == 0) {
        if (answer.tag == answer.suite && is_enabled(body->cfg, answer.suite) &&
            !sdes_same_key(&answer, &own[answer.suite])) {
            m->ue_sdes = answer;
            return REASON_NONE;
        }
        snprintf(why.text, sizeof(why.text), "tag %u with %s was not offered, or is our own key",
                 answer.tag, sdes_suite_name(answer.suite));
    }
    session_trace_note(body->trace, clause_answer, "the answer has no key: %s", why.text);
    return REASON_CRYPTO_IN_ANSWER;
}

static enum reason read_answer(struct medium *m, const struct medium *agreed,
                               const struct body *body, size_t index)
{
    struct transport transport = decision_transport(sdp_media(body->sdp, index).proto);
    if (transport.kind != MEDIUM_RTP || transport.secure != (body->from == SIDE_ACCESS))
        return REASON_PROTO_CHANGED;
    rtcp_read(&m->peer[body->from], body->sdp, index);
    return body->from == SIDE_ACCESS ? read_answered_key(m, body, index) : REASON_NONE;
}

// A new key is configured on the stream there is; its socket and indexes go on.
static bool keeps_stream(const struct medium *m, const struct medium *agreed, enum side offerer)
{
    return true;
}

// --- the AGW ------------------------------------------------------------------------------------

static void elements(const struct medium *m, const struct config *cfg, enum side side,
                     bool configure, struct agw_request *request)
{
    request->rtcp_mux = rtcp_is_muxed(m);
    if (side == SIDE_CORE || m->ue_sdes.suite == SDES_NONE)
        return; // T1 is shut until the key of the UE is known
    request->local_sdes = m->stream->keys->own[m->ue_sdes.suite];
    request->local_sdes.tag = m->ue_sdes.tag;
    request->remote_sdes = m->ue_sdes;
}

// The suite that is agreed, else the worst that may be (REQ-096).
static struct bandwidth_overhead overhead(const struct medium *m, const struct body *body,
                                          size_t index)
{
    unsigned bytes = sdes_tag_len(m->ue_sdes.suite);
    for (enum sdes_suite s = SDES_NONE + 1; s < SDES_SUITES && !m->ue_sdes.suite; s++)
        if (is_enabled(body->cfg, s) && sdes_tag_len(s) > bytes)
            bytes = sdes_tag_len(s);
    return bandwidth_rtp_overhead(body->sdp, index, bytes, body->from);
}

// --- writing ------------------------------------------------------------------------------------

static const char *proto(const struct medium *m, enum side to)
{
    if (to == SIDE_ACCESS)
        return m->feedback ? "RTP/SAVPF" : "RTP/SAVP";
    return m->feedback ? "RTP/AVPF" : "RTP/AVP";
}

// What is the same in all four directions: transport, RTCP, bandwidth, and nothing of the keys and
// roles of the leg it came from.
static int begin_line(struct medium *m, const struct body *body, size_t index)
{
    static const char *const names[] = {"crypto", "setup", "connection"};
    struct sdp_media line = sdp_media(body->sdp, index);
    int err =
        sdp_set_media(body->sdp, index, line.port, proto(m, side_other(body->from)), clause_e2ae);
    for (size_t i = 0; !err && i < sizeof(names) / sizeof(names[0]); i++) {
        int n = sdp_drop_attribute(body->sdp, (int)index, names[i], "TS 24.229 6.7.2");
        err = n < 0 ? n : 0;
    }
    if (!err)
        err = e2ae_drop_attributes(body->sdp, index);
    if (!err)
        err = rtcp_write(m, body, index);
    return err ? err
               : bandwidth_edit_media(body->sdp, index, &m->overhead, body->from,
                                      body->cfg->t38.adjust_tias);
}

static int add_key(const struct body *body, size_t index, const struct sdes_crypto *key,
                   const char *clause)
{
    char text[SDES_STRLEN];
    int err = sdp_add_attribute(body->sdp, (int)index, clause, "crypto:%s", sdes_format(key, text));
    explicit_bzero(text, sizeof(text));
    return err;
}

static int write_offer(struct medium *m, const struct body *body, size_t index)
{
    int err = sdp_add_attribute(body->sdp, (int)index, clause_e2ae, "3ge2ae:applied");
    for (enum sdes_suite s = SDES_NONE + 1; !err && s < SDES_SUITES; s++)
        if (is_enabled(body->cfg, s))
            err = add_key(body, index, &m->stream->keys->own[s], clause_offer);
    return err;
}

static int write_answer(struct medium *m, const struct body *body, size_t index)
{
    struct sdes_crypto key = m->stream->keys->own[m->ue_sdes.suite];
    key.tag = m->ue_sdes.tag;
    int err = add_key(body, index, &key, clause_answer);
    explicit_bzero(&key, sizeof(key));
    return err;
}

static int write_line(struct medium *m, const struct body *body, size_t index, bool answer)
{
    int err = begin_line(m, body, index);
    if (err || body->from == SIDE_ACCESS)
        return err;
    return answer ? write_answer(m, body, index) : write_offer(m, body, index);
}

const struct profile profile_rtp = {
    .name = "rtp",
    .figure = {FIGURE_NONE, FIGURE_NONE},
    .read_offer = read_offer,
    .read_answer = read_answer,
    .keeps_stream = keeps_stream,
    .elements = elements,
    .overhead = overhead,
    .write = write_line,
    .proto = proto,
};
