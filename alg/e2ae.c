// SPDX-License-Identifier: GPL-3.0-or-later
// Reading ends in a reason, writing in 0 or -ENOMEM; a half-written document is not sent.
#include "alg/e2ae.h"

#include <string.h>

enum reason e2ae_read_fingerprints(struct medium *m, const struct body *body, size_t index)
{
    sdp_fingerprints(body->sdp, index, &m->ue);
    if (fingerprints_usable(&m->ue))
        return REASON_NONE;
    return m->ue.count ? REASON_WEAK_FINGERPRINT : REASON_NO_FINGERPRINT;
}

void e2ae_read_identity(struct medium *m, const struct body *body, size_t index)
{
    struct sdp_text value;
    m->identity_name = NULL;
    m->ue_identity[0] = '\0';
    if (!sdp_identity(body->sdp, index, &m->identity_name, &value))
        return;
    memcpy(m->ue_identity, value.at, value.len);
    m->ue_identity[value.len] = '\0';
}

void e2ae_elements(const struct medium *m, bool configure, bool notify_deferred,
                   struct agw_request *request)
{
    bool known = m->peer[SIDE_ACCESS].seen;
    request->local_fingerprint_request = !configure;
    request->notify_dtls_failure = (known || !notify_deferred) && !m->stream->notify_armed;
    if (!known)
        return;
    request->remote_fingerprints = m->ue;
    request->establish_dtls =
        m->agw_client && (m->new_association || m->new_connection || !m->stream->bound);
    request->new_association = m->new_association;
}

int e2ae_drop_attributes(struct sdp *sdp, size_t index)
{
    static const char *const names[] = {"fingerprint", "dtls-id", "tls-id", "3ge2ae", "tcap",
                                        "acap",        "pcfg",    "acfg",   "csup",   "creq"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int n = sdp_drop_attribute(sdp, (int)index, names[i], "TS 24.229 6.7.2");
        if (n < 0)
            return n;
    }
    return 0;
}

int e2ae_add_fingerprints(const struct medium *m, struct sdp *sdp, size_t index, const char *clause)
{
    const struct fingerprints *local = m->stream->local;
    char text[FINGERPRINT_STRLEN];
    int err = 0;
    for (unsigned i = 0; !err && local && i < local->count; i++)
        err = sdp_add_attribute(sdp, (int)index, clause, "fingerprint:%s",
                                fingerprint_format(&local->list[i], text));
    return err;
}
