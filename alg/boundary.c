// SPDX-License-Identifier: GPL-3.0-or-later
// Where the proxy meets the trust boundary: which way a message goes, whose identities count, and
// where the memory of its dialog is. The rules themselves are policy.c's.
//
// Failure: without memory nothing is sent.
#include "alg/proxy_internal.h"

static void note_change(void *arg, const char *before, const char *after, const char *clause)
{
    session_field_changed(arg, before, after, clause);
}

static enum policy_way way_of(enum side from, const sip_t *sip)
{
    if (from == SIDE_ACCESS)
        return sip->sip_request ? POLICY_REQUEST_FROM_UE : POLICY_RESPONSE_FROM_UE;
    return sip->sip_request ? POLICY_REQUEST_TO_UE : POLICY_RESPONSE_TO_UE;
}

// What is registered of a UE; zeroed: nothing can be asserted.
static struct identities known(const struct registration *r)
{
    return r && registration_is_active(r) ? registration_identities(r) : (struct identities){0};
}

// The request of a session is an INVITE.
enum reason boundary_cross_again(struct proxy *proxy, struct session *s, enum side from, msg_t *msg,
                                 sip_t *sip)
{
    struct identities user = known(route_party(s));
    struct policy policy = {.cfg = proxy->cfg,
                            .user = user.count > 0 ? &user : NULL,
                            .way = way_of(from, sip),
                            .initial = true,
                            .dialog = true,
                            .memory = session_policy(s)};
    return policy_apply(&policy, msg, sip) ? REASON_INTERNAL : REASON_NONE;
}

enum reason boundary_cross(struct forward *f, enum side from, msg_t *msg, sip_t *sip)
{
    if (sip->sip_cseq->cs_method == sip_method_register)
        return REASON_NONE;
    struct identities user = known(f->registration);
    struct policy policy = {.cfg = f->proxy->cfg,
                            .user = user.count > 0 ? &user : NULL,
                            .way = way_of(from, sip),
                            .initial = !f->in_dialog,
                            .dialog = f->opens_dialog,
                            .memory = f->session ? session_policy(f->session) : &f->policy,
                            .changed = f->session ? note_change : NULL,
                            .arg = f->session};
    return policy_apply(&policy, msg, sip) ? REASON_INTERNAL : REASON_NONE;
}
