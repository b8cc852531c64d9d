// SPDX-License-Identifier: GPL-3.0-or-later
// Session level first, then addresses, bandwidth, origin: each step reads the document as the step
// before left it. The only failure is -ENOMEM; the document is then not to be sent.
#include "alg/rewrite.h"

#include "alg/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char clause_anchor[] = "TS 23.334 6.2.1";
static const char clause_levels[] = "RFC 4145 4, RFC 8122 5";

// What an active endpoint writes, and nobody connects to (REQ-049).
#define DISCARD_PORT 9

static bool anchored(const struct medium *m)
{
    return m->stream && !m->dead;
}

static bool any_treated(const struct sdp *sdp, const struct medium *media, enum treatment treatment)
{
    for (size_t i = 0; i < sdp_media_count(sdp); i++)
        if (media[i].treatment == treatment && !media[i].dead)
            return true;
    return false;
}

// Copies a session-level attribute into a media description that has none of its own.
static int push_down(struct sdp *sdp, size_t index, const char *name)
{
    struct sdp_text value;
    if (sdp_attribute(sdp, (int)index, name, &value))
        return 0;
    for (unsigned n = 0; sdp_attribute_nth(sdp, SDP_SESSION, name, n, &value); n++) {
        char text[SDP_LINE_MAX];
        memcpy(text, value.at, value.len < sizeof(text) ? value.len : 0);
        int err = sdp_add_attribute(sdp, (int)index, clause_levels, "%s:%.*s", name, (int)value.len,
                                    text);
        if (err)
            return err;
    }
    return 0;
}

static int push_down_connection(struct sdp *sdp, size_t index)
{
    struct addr own;
    if (sdp_has_line(sdp, (int)index, 'c') || sdp_connection(sdp, index, &own))
        return 0; // has its own, or no address that could be written again
    return sdp_set_connection(sdp, (int)index, &own, clause_anchor);
}

static int drop_ice(struct sdp *sdp, int section)
{
    // left in, a changed c= and m= reads as an ICE mismatch (RFC 8839 8)
    static const char *const names[] = {"candidate", "ice-ufrag",         "ice-pwd",
                                        "ice-lite",  "remote-candidates", "ice-options"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int n = sdp_drop_attribute(sdp, section, names[i], "RFC 8839 8");
        if (n < 0)
            return n;
    }
    return 0;
}

int rewrite_session_level(const struct body *body, const struct medium *media)
{
    struct sdp *sdp = body->sdp;
    bool secured = any_treated(sdp, media, TREAT_E2AE);
    int err = 0;
    for (size_t i = 0; !err && i < sdp_media_count(sdp); i++) {
        if (media[i].treatment == TREAT_PASS && !media[i].dead)
            err = push_down_connection(sdp, i);
        if (!err && anchored(&media[i]))
            err = drop_ice(sdp, (int)i);
        if (!err && secured && media[i].treatment != TREAT_E2AE) {
            err = push_down(sdp, i, "setup");
            err = err ? err : push_down(sdp, i, "fingerprint");
        }
    }
    if (!err && secured) {
        int n = sdp_drop_attribute(sdp, SDP_SESSION, "setup", clause_levels);
        n = n < 0 ? n : sdp_drop_attribute(sdp, SDP_SESSION, "fingerprint", clause_levels);
        err = n < 0 ? n : 0;
    }
    if (!err && (secured || any_treated(sdp, media, TREAT_RELAY)))
        err = drop_ice(sdp, SDP_SESSION);
    return err;
}

// What c= of this media description is to be: ours, or 0.0.0.0 while the sender holds (RFC
// 3264 8.4).
static struct addr connection_to_write(const struct medium *m, enum side from)
{
    const struct point *point = &m->stream->point[side_other(from)];
    struct addr address = point->local;
    if (!m->peer[from].held)
        return address;
    if (addr_family(&address) == AF_INET6)
        address.v6.sin6_addr = in6addr_any;
    else
        address.v4.sin_addr.s_addr = INADDR_ANY;
    return address;
}

static int write_port(struct sdp *sdp, size_t index, const struct medium *m, enum side to)
{
    if (anchored(m) && m->tcp[to] == AGW_TCP_CLIENT && agw_transport_is_tcp(m->transport[to]))
        return sdp_set_media(sdp, index, DISCARD_PORT, NULL, "RFC 4145 4.1");
    if (anchored(m))
        return sdp_set_media(sdp, index, addr_port(&m->stream->point[to].local), NULL,
                             clause_anchor);
    if (!m->dead)
        return 0; // passes as it came
    return sdp_set_media(sdp, index, 0, m->profile ? m->profile->proto(m, to) : NULL,
                         m->rejected ? reason_clause(m->rejected) : "RFC 3264 6");
}

// The session-level c= takes the address of the first anchored medium that relies on it.
static int write_session_connection(const struct body *body, const struct medium *media,
                                    struct addr *session)
{
    for (size_t i = 0; i < sdp_media_count(body->sdp); i++) {
        if (!anchored(&media[i]) || sdp_has_line(body->sdp, (int)i, 'c'))
            continue;
        *session = connection_to_write(&media[i], body->from);
        return sdp_set_connection(body->sdp, SDP_SESSION, session, clause_anchor);
    }
    return 0;
}

int rewrite_addresses(const struct body *body, const struct medium *media)
{
    struct sdp *sdp = body->sdp;
    struct addr session = {0};
    int err = 0;
    if (sdp_has_line(sdp, SDP_SESSION, 'c'))
        err = write_session_connection(body, media, &session);
    for (size_t i = 0; !err && i < sdp_media_count(sdp); i++) {
        err = write_port(sdp, i, &media[i], side_other(body->from));
        if (err || !anchored(&media[i]))
            continue;
        struct addr own = connection_to_write(&media[i], body->from);
        if (sdp_has_line(sdp, (int)i, 'c') || !addr_equal_host(&own, &session))
            err = sdp_set_connection(sdp, (int)i, &own, clause_anchor);
    }
    return err;
}

int rewrite_bandwidth(const struct body *body, const struct medium *media)
{
    unsigned sum = 0;
    bool e2ae = false, other = false;
    for (size_t i = 0; i < sdp_media_count(body->sdp); i++) {
        if (media[i].dead || !media[i].offered)
            continue;
        if (media[i].treatment == TREAT_E2AE)
            sum += media[i].overhead.kbps;
        e2ae = e2ae || media[i].treatment == TREAT_E2AE;
        other = other || media[i].treatment != TREAT_E2AE;
    }
    int err = bandwidth_edit_session(body->sdp, sum, body->from);
    if (!err && body->from == SIDE_CORE && e2ae && other)
        err = bandwidth_drop_session_rates(body->sdp);
    return err;
}

static char *body_with_version(const struct sdp *sdp, uint64_t session_id, uint64_t version,
                               const struct addr *address)
{
    struct sdp *trial = sdp_clone(sdp);
    size_t len;
    char *text = NULL;
    if (trial && sdp_set_origin(trial, "-", session_id, version, address, "RFC 3264 8") == 0)
        text = sdp_print(trial, &len);
    sdp_free(trial);
    return text;
}

int rewrite_origin(struct sdp *sdp, struct rewrite_origin *origin, const struct addr *address)
{
    uint64_t version = origin->version ? origin->version : 1;
    char *text = body_with_version(sdp, origin->session_id, version, address);
    if (text && origin->sent && strcmp(text, origin->sent) != 0) {
        free(text);
        text = body_with_version(sdp, origin->session_id, ++version, address);
    }
    if (!text)
        return -ENOMEM;
    int err = sdp_set_origin(sdp, "-", origin->session_id, version, address, "RFC 3264 8");
    if (err) {
        free(text);
        return err;
    }
    free(origin->sent);
    origin->sent = text;
    origin->version = version;
    return 0;
}
