// SPDX-License-Identifier: GPL-3.0-or-later
// A view finds the line it is about, takes its value apart and says what it means; nothing is kept.
// Effective views ask the media description first and the session level when it has no such line.
//
// Failure paths: a missing line, a malformed value and a section that does not exist all give the
// answer the header names for "not there". Blanks round a value are forgiven.

#include "sdp/document.h"
#include "sdp/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// A packet rate above this is no packet rate; it keeps what is computed from it in range.
#define MAXPRATE_MAX 1000000
// Longer packets than a second do not exist; it keeps what is computed from it in range.
#define PTIME_MAX 1000
// RFC 8842 4 allows 255 characters; older drafts had other bounds.
#define IDENTITY_MAX 256

// --- lines --------------------------------------------------------------------------------------

static bool first_line(const struct sdp *sdp, int section, char type, const char *name,
                       struct sdp_text *value)
{
    struct line_range range = document_section(sdp, section);
    return document_next(sdp, &range, type, name, value) >= 0;
}

bool sdp_has_line(const struct sdp *sdp, int section, char type)
{
    return first_line(sdp, section, type, NULL, NULL);
}

struct sdp_media sdp_media(const struct sdp *sdp, size_t media)
{
    struct sdp_media m = {.media = {"", 0}, .proto = {"", 0}, .fmt = {"", 0}};
    if (media < sdp->media_count) {
        const struct line *line = &sdp->lines[sdp->media_at[media]];
        text_media((struct sdp_text){line->text + 2, line->len - (size_t)2}, &m);
    }
    return m;
}

// Read from the end: user names with blanks are seen in the field.
struct sdp_origin sdp_origin(const struct sdp *sdp)
{
    struct sdp_origin origin;
    struct sdp_text rest = {"", 0};
    first_line(sdp, SDP_SESSION, 'o', NULL, &rest);
    origin.address = text_last_field(&rest);
    text_last_field(&rest); // address type
    text_last_field(&rest); // network type
    origin.version = text_last_field(&rest);
    origin.session_id = text_last_field(&rest);
    origin.username = text_trim(rest);
    return origin;
}

// The host of "IN IP4 224.2.1.1/127": what follows the slash counts for multicast only.
static int connection_address(struct sdp_text value, uint16_t port, struct addr *out)
{
    struct sdp_text net = text_field(&value);
    struct sdp_text type = text_field(&value);
    struct sdp_text host = text_field(&value);
    const char *slash = memchr(host.at, '/', host.len);
    char literal[ADDR_STRLEN];
    struct addr address;
    if (slash)
        host.len = (size_t)(slash - host.at);
    if (!sdp_text_is(net, "IN") || host.len >= sizeof(literal))
        return -EINVAL;
    *(char *)mempcpy(literal, host.at, host.len) = '\0';
    if (addr_parse(&address, literal, port) != 0)
        return -EINVAL;
    if (!sdp_text_is(type, addr_family(&address) == AF_INET ? "IP4" : "IP6"))
        return -EINVAL;
    *out = address;
    return 0;
}

int sdp_connection(const struct sdp *sdp, size_t media, struct addr *out)
{
    struct sdp_text value;
    if (!first_line(sdp, (int)media, 'c', NULL, &value) &&
        !first_line(sdp, SDP_SESSION, 'c', NULL, &value))
        return -ENOENT;
    return connection_address(value, sdp_media(sdp, media).port, out);
}

// --- attributes ---------------------------------------------------------------------------------

bool sdp_attribute(const struct sdp *sdp, int section, const char *name, struct sdp_text *value)
{
    return first_line(sdp, section, 'a', name, value);
}

bool sdp_attribute_effective(const struct sdp *sdp, size_t media, const char *name,
                             struct sdp_text *value)
{
    return sdp_attribute(sdp, (int)media, name, value) ||
           sdp_attribute(sdp, SDP_SESSION, name, value);
}

bool sdp_attribute_nth(const struct sdp *sdp, int section, const char *name, unsigned n,
                       struct sdp_text *value)
{
    struct line_range range = document_section(sdp, section);
    while (n-- > 0) {
        if (document_next(sdp, &range, 'a', name, NULL) < 0)
            return false;
    }
    return document_next(sdp, &range, 'a', name, value) >= 0;
}

static const char *const setup_names[] = {
    [SDP_SETUP_NONE] = "none",         [SDP_SETUP_ACTIVE] = "active",
    [SDP_SETUP_PASSIVE] = "passive",   [SDP_SETUP_ACTPASS] = "actpass",
    [SDP_SETUP_HOLDCONN] = "holdconn", [SDP_SETUP_UNKNOWN] = "unknown",
};

const char *sdp_setup_name(enum sdp_setup setup)
{
    return setup_names[setup];
}

enum sdp_setup sdp_setup(const struct sdp *sdp, size_t media)
{
    struct sdp_text value;
    if (!sdp_attribute_effective(sdp, media, "setup", &value))
        return SDP_SETUP_NONE;
    value = text_trim(value);
    for (enum sdp_setup setup = SDP_SETUP_ACTIVE; setup <= SDP_SETUP_HOLDCONN; setup++) {
        if (sdp_text_is(value, setup_names[setup]))
            return setup;
    }
    return SDP_SETUP_UNKNOWN;
}

static unsigned section_fingerprints(const struct sdp *sdp, int section, struct fingerprints *out)
{
    struct line_range range = document_section(sdp, section);
    struct sdp_text value;
    unsigned lines = 0;
    out->count = 0;
    while (document_next(sdp, &range, 'a', "fingerprint", &value) >= 0) {
        lines++;
        value = text_trim(value);
        if (out->count < FINGERPRINTS_MAX &&
            fingerprint_parse(&out->list[out->count], value.at, value.len) == 0)
            out->count++;
    }
    return lines;
}

unsigned sdp_fingerprints(const struct sdp *sdp, size_t media, struct fingerprints *out)
{
    unsigned lines = section_fingerprints(sdp, (int)media, out);
    return lines ? lines : section_fingerprints(sdp, SDP_SESSION, out);
}

// token-char of RFC 8866 9 and "/", which RFC 8842 4 adds.
static bool identity_value(struct sdp_text value)
{
    static const char other[] = "!#$%&'*+-./^_`{|}~";
    if (value.len == 0 || value.len > IDENTITY_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        bool alphanumeric =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alphanumeric && !strchr(other, c))
            return false;
    }
    return true;
}

bool sdp_identity(const struct sdp *sdp, size_t media, const char **name, struct sdp_text *value)
{
    static const char *const names[] = {"dtls-id", "tls-id"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct sdp_text found;
        if (!sdp_attribute(sdp, (int)media, names[i], &found))
            continue;
        found = text_trim(found);
        if (!identity_value(found))
            continue;
        *name = names[i];
        *value = found;
        return true;
    }
    return false;
}

enum sdp_3ge2ae sdp_3ge2ae(const struct sdp *sdp, size_t media)
{
    struct sdp_text value;
    if (!sdp_attribute(sdp, (int)media, "3ge2ae", &value))
        return SDP_3GE2AE_NONE;
    value = text_trim(value);
    if (sdp_text_is(value, "requested"))
        return SDP_3GE2AE_REQUESTED;
    return sdp_text_is(value, "applied") ? SDP_3GE2AE_APPLIED : SDP_3GE2AE_OTHER;
}

// --- RTP ----------------------------------------------------------------------------------------

int sdp_crypto(const struct sdp *sdp, size_t media, unsigned n, struct sdes_crypto *out,
               struct sdp_error *err)
{
    struct line_range range = document_section(sdp, (int)media);
    struct sdp_text value;
    const char *why;
    ssize_t at = document_next(sdp, &range, 'a', "crypto", &value);
    while (at >= 0 && n-- > 0)
        at = document_next(sdp, &range, 'a', "crypto", &value);
    if (at < 0)
        return -ENOENT;
    value = text_trim(value);
    int rc = sdes_parse(out, value.at, value.len, &why);
    if (rc == 0)
        return 0;
    err->line = (unsigned)at + 1;
    snprintf(err->text, sizeof(err->text), "line %u: a=crypto: %s", err->line, why);
    return rc;
}

static int port_above(struct addr *address)
{
    if (addr_port(address) == UINT16_MAX)
        return -EINVAL;
    addr_set_port(address, (uint16_t)(addr_port(address) + 1));
    return 0;
}

int sdp_rtcp(const struct sdp *sdp, size_t media, struct addr *out)
{
    struct sdp_text value;
    struct addr address;
    uint64_t port;
    int err = sdp_connection(sdp, media, &address);
    if (!sdp_attribute(sdp, (int)media, "rtcp", &value)) {
        err = err ? -ENOENT : port_above(&address);
    } else if (!text_number(text_field(&value), UINT16_MAX, &port) || port == 0) {
        err = -EINVAL;
    } else if (text_trim(value).len > 0) {
        err = connection_address(value, (uint16_t)port, &address);
    } else if (!err) {
        addr_set_port(&address, (uint16_t)port);
    }
    if (!err)
        *out = address;
    return err;
}

bool sdp_rtcp_mux(const struct sdp *sdp, size_t media)
{
    return sdp_attribute(sdp, (int)media, "rtcp-mux", NULL);
}

bool sdp_ptime(const struct sdp *sdp, size_t media, unsigned *milliseconds)
{
    struct sdp_text value;
    uint64_t ms;
    if (!sdp_attribute(sdp, (int)media, "ptime", &value) ||
        !text_number(text_trim(value), PTIME_MAX, &ms) || ms == 0)
        return false;
    *milliseconds = (unsigned)ms;
    return true;
}

static bool section_direction(const struct sdp *sdp, int section, enum sdp_direction *out)
{
    static const char *const names[] = {
        [SDP_SENDRECV] = "sendrecv",
        [SDP_SENDONLY] = "sendonly",
        [SDP_RECVONLY] = "recvonly",
        [SDP_INACTIVE] = "inactive",
    };
    struct line_range range = document_section(sdp, section);
    struct sdp_text value;
    while (document_next(sdp, &range, 'a', NULL, &value) >= 0) {
        value = text_trim(value);
        for (enum sdp_direction d = SDP_SENDRECV; d <= SDP_INACTIVE; d++) {
            if (sdp_text_is(value, names[d])) {
                *out = d;
                return true;
            }
        }
    }
    return false;
}

enum sdp_direction sdp_direction(const struct sdp *sdp, size_t media)
{
    enum sdp_direction direction = SDP_SENDRECV;
    if (!section_direction(sdp, (int)media, &direction))
        section_direction(sdp, SDP_SESSION, &direction);
    return direction;
}

// --- bandwidth ----------------------------------------------------------------------------------

bool sdp_bandwidth(const struct sdp *sdp, int section, const char *type, uint64_t *value)
{
    struct sdp_text text;
    return first_line(sdp, section, 'b', type, &text) &&
           text_number(text_trim(text), UINT64_MAX, value);
}

// packet-rate = 1*DIGIT ["." 1*DIGIT], read by hand: strtod() depends on the locale and takes more.
bool sdp_maxprate(const struct sdp *sdp, size_t media, double *packets_per_second)
{
    struct sdp_text whole;
    uint64_t units = 0;
    double fraction = 0;
    if (!sdp_attribute_effective(sdp, media, "maxprate", &whole))
        return false;
    whole = text_trim(whole);
    const char *point = memchr(whole.at, '.', whole.len);
    if (point) {
        const char *end = whole.at + whole.len;
        double scale = 0.1;
        if (point + 1 == end)
            return false;
        for (const char *p = point + 1; p < end; p++, scale /= 10) {
            if (*p < '0' || *p > '9')
                return false;
            fraction += (*p - '0') * scale;
        }
        whole.len = (size_t)(point - whole.at);
    }
    if (!text_number(whole, MAXPRATE_MAX, &units))
        return false;
    *packets_per_second = (double)units + fraction;
    return true;
}
