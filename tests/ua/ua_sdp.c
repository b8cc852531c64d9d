// SPDX-License-Identifier: GPL-3.0-or-later
// Descriptions.
//
// Happy path: reading asks the typed views of sdp/ for each m= line; writing prints lines in the
// order of RFC 8866 5. The text we write never passes through sdp/, so that what the P-CSCF gets
// does not depend on the library it reads it with.
// Failure: a body sdp/ refuses, or one with more m= lines than we hold, is answered with a
// sentence.

#include "tests/ua/ua_sdp.h"

#include "common/strbuf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- reading ------------------------------------------------------------------------------------

static void copy(char *out, size_t room, struct sdp_text text)
{
    size_t len = text.len < room - 1 ? text.len : room - 1;
    memcpy(out, text.at, len);
    out[len] = '\0';
}

static void read_bandwidth(const struct sdp *sdp, int section, char *out, size_t room)
{
    static const char *const types[] = {"CT", "AS", "TIAS", "RS", "RR"};
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && at < room; i++) {
        uint64_t value;
        if (!sdp_bandwidth(sdp, section, types[i], &value))
            continue;
        at += (size_t)snprintf(out + at, room - at, "%s%s:%" PRIu64, at > 0 ? "," : "", types[i],
                               value);
    }
}

// What this user agent understands.
static const struct {
    const char *media, *proto;
    enum medium_kind kind;
    bool secure;
} lines[] = {
    {"image", "udptl", MEDIUM_FAX, false},
    {"image", "UDP/TLS/UDPTL", MEDIUM_FAX, true},
    {"audio", "RTP/AVP", MEDIUM_AUDIO, false},
    {"audio", "RTP/AVPF", MEDIUM_AUDIO, false},
    {"audio", "RTP/SAVP", MEDIUM_AUDIO, true},
    {"audio", "RTP/SAVPF", MEDIUM_AUDIO, true},
    {"message", "TCP/MSRP", MEDIUM_MSRP, false},
    {"message", "TCP/TLS/MSRP", MEDIUM_MSRP, true},
    {"application", "TCP/BFCP", MEDIUM_BFCP, false},
    {"application", "TCP/TLS/BFCP", MEDIUM_BFCP, true},
};

static void read_kind(const struct sdp_media *m, struct medium *out)
{
    out->kind = MEDIUM_OTHER;
    out->secure = false;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (!sdp_text_is(m->media, lines[i].media) || !sdp_text_is(m->proto, lines[i].proto))
            continue;
        out->kind = lines[i].kind;
        out->secure = lines[i].secure;
    }
}

bool medium_is_stream(enum medium_kind kind)
{
    return kind == MEDIUM_MSRP || kind == MEDIUM_BFCP;
}

static const char *const connections[] = {"-", "new", "existing"};

const char *medium_connection_text(enum medium_connection connection)
{
    return connections[connection];
}

static void read_text(const struct sdp *sdp, unsigned i, const char *name, char *out, size_t room)
{
    struct sdp_text value;

    out[0] = '\0';
    if (sdp_attribute(sdp, (int)i, name, &value))
        copy(out, room, value);
}

static bool read_number(const struct sdp *sdp, unsigned i, const char *name, uint32_t max,
                        uint32_t *out)
{
    char text[24], *end;

    read_text(sdp, i, name, text, sizeof(text));
    unsigned long n = strtoul(text, &end, 10);
    *out = (uint32_t)n;
    return end != text && (*end == '\0' || *end == ' ') && n <= max;
}

static void read_floor(const struct sdp *sdp, unsigned i, struct floor_terms *out)
{
    uint32_t user, floor_id;

    read_text(sdp, i, "floorctrl", out->control, sizeof(out->control));
    out->has_ids = read_number(sdp, i, "confid", UINT32_MAX, &out->conference) &&
                   read_number(sdp, i, "userid", UINT16_MAX, &user) &&
                   read_number(sdp, i, "floorid", UINT16_MAX, &floor_id);
    out->user = out->has_ids ? (uint16_t)user : 0;
    out->floor = out->has_ids ? (uint16_t)floor_id : 0;
}

static void read_stream(const struct sdp *sdp, unsigned i, struct medium *out)
{
    struct sdp_text value;
    char text[16];

    read_text(sdp, i, "connection", text, sizeof(text));
    for (int c = CONNECTION_NEW; c <= CONNECTION_EXISTING; c++)
        if (strcmp(text, connections[c]) == 0)
            out->connection = (enum medium_connection)c;
    read_text(sdp, i, "path", out->path, sizeof(out->path));
    out->cema = sdp_attribute(sdp, (int)i, "msrp-cema", &value);
    if (out->kind == MEDIUM_BFCP)
        read_floor(sdp, i, &out->floor);
}

static void read_audio(const struct sdp *sdp, unsigned i, struct medium *out)
{
    struct sdp_error err;
    int rc = 0;

    for (unsigned n = 0; rc != -ENOENT && out->crypto_count < CRYPTOS_MAX; n++) {
        rc = sdp_crypto(sdp, i, n, &out->crypto[out->crypto_count], &err);
        out->crypto_count += rc == 0;
    }
    out->rtcp_mux = sdp_rtcp_mux(sdp, i);
    if (sdp_rtcp(sdp, i, &out->rtcp) != 0)
        out->rtcp = (struct addr){0};
}

static int read_medium(const struct sdp *sdp, unsigned i, struct medium *out,
                       char why[static SDP_WHY_MAX])
{
    struct sdp_media m = sdp_media(sdp, i);
    struct sdp_text identity;

    read_kind(&m, out);
    copy(out->type, sizeof(out->type), m.media);
    copy(out->proto, sizeof(out->proto), m.proto);
    copy(out->format, sizeof(out->format), m.fmt);
    if (sdp_connection(sdp, i, &out->at) != 0 && m.port != 0) {
        snprintf(why, SDP_WHY_MAX, "m= line %u has no usable c= line", i + 1);
        return -EINVAL;
    }
    addr_set_port(&out->at, m.port);
    out->setup = sdp_setup(sdp, i);
    out->direction = sdp_direction(sdp, i);
    out->e2ae = sdp_3ge2ae(sdp, i);
    sdp_fingerprints(sdp, i, &out->fingerprints);
    if (sdp_identity(sdp, i, &out->identity_name, &identity))
        copy(out->identity, sizeof(out->identity), identity);
    else
        out->identity_name = NULL;
    read_bandwidth(sdp, (int)i, out->bandwidth, sizeof(out->bandwidth));
    if (medium_is_stream(out->kind))
        read_stream(sdp, i, out);
    if (out->kind == MEDIUM_AUDIO)
        read_audio(sdp, i, out);
    return 0;
}

static uint64_t number(struct sdp_text text)
{
    char digits[24];
    copy(digits, sizeof(digits), text);
    return strtoull(digits, NULL, 10);
}

int description_read(struct description *out, const char *body, size_t len,
                     char why[static SDP_WHY_MAX])
{
    struct sdp *sdp = NULL;
    struct sdp_error err;
    struct description d = {0};
    int rc = sdp_parse(&sdp, body, len, &err);

    if (rc != 0) {
        snprintf(why, SDP_WHY_MAX, "SDP line %u: %s", err.line, err.text);
        return -EINVAL;
    }
    if (sdp_media_count(sdp) > MEDIA_MAX) {
        snprintf(why, SDP_WHY_MAX, "more than %d m= lines", MEDIA_MAX);
        rc = -EINVAL;
    }
    d.session_id = number(sdp_origin(sdp).session_id);
    d.version = number(sdp_origin(sdp).version);
    read_bandwidth(sdp, SDP_SESSION, d.session_bandwidth, sizeof(d.session_bandwidth));
    for (; rc == 0 && d.count < sdp_media_count(sdp); d.count++)
        rc = read_medium(sdp, d.count, &d.media[d.count], why);
    if (rc == 0)
        *out = d;
    sdp_free(sdp);
    return rc;
}

// --- writing ------------------------------------------------------------------------------------

static void put_connection(struct strbuf *b, const struct addr *at)
{
    char host[ADDR_STRLEN];
    strbuf_printf(b, "c=IN %s %s\r\n", addr_family(at) == AF_INET6 ? "IP6" : "IP4",
                  addr_host(at, host));
}

static void put_bandwidth(struct strbuf *b, const struct sdp_extras *extras, bool session)
{
    static const char prefix[] = "session:";

    for (unsigned i = 0; i < extras->bandwidth_count; i++) {
        const char *text = extras->bandwidth[i];
        bool for_session = strncmp(text, prefix, sizeof(prefix) - 1) == 0;
        if (for_session == session)
            strbuf_printf(b, "b=%s\r\n", for_session ? text + sizeof(prefix) - 1 : text);
    }
}

static void put_security(struct strbuf *b, const struct medium *m)
{
    if (m->e2ae == SDP_3GE2AE_REQUESTED)
        strbuf_puts(b, "a=3ge2ae:requested\r\n");
    if (m->setup != SDP_SETUP_NONE)
        strbuf_printf(b, "a=setup:%s\r\n", sdp_setup_name(m->setup));
    if (m->identity_name)
        strbuf_printf(b, "a=%s:%s\r\n", m->identity_name, m->identity);
    for (unsigned i = 0; i < m->fingerprints.count; i++) {
        char text[FINGERPRINT_STRLEN];
        strbuf_printf(b, "a=fingerprint:%s\r\n",
                      fingerprint_format(&m->fingerprints.list[i], text));
    }
}

static void put_fax(struct strbuf *b)
{
    strbuf_puts(b, "a=T38FaxVersion:0\r\n"
                   "a=T38MaxBitRate:14400\r\n"
                   "a=T38FaxRateManagement:transferredTCF\r\n"
                   "a=T38FaxMaxBuffer:1024\r\n"
                   "a=T38FaxMaxDatagram:400\r\n"
                   "a=T38FaxUdpEC:t38UDPRedundancy\r\n");
}

static void put_msrp(struct strbuf *b, const struct medium *m)
{
    if (m->cema)
        strbuf_puts(b, "a=msrp-cema\r\n");
    if (*m->path)
        strbuf_printf(b, "a=path:%s\r\n", m->path);
    strbuf_puts(b, "a=accept-types:text/plain application/octet-stream\r\n");
}

static void put_bfcp(struct strbuf *b, const struct medium *m)
{
    if (m->connection != CONNECTION_NONE)
        strbuf_printf(b, "a=connection:%s\r\n", connections[m->connection]);
    if (*m->floor.control)
        strbuf_printf(b, "a=floorctrl:%s\r\n", m->floor.control);
    if (m->floor.has_ids)
        strbuf_printf(b, "a=confid:%" PRIu32 "\r\na=userid:%u\r\na=floorid:%u\r\n",
                      m->floor.conference, m->floor.user, m->floor.floor);
    strbuf_puts(b, "a=bfcpver:1\r\n");
}

static void put_audio(struct strbuf *b, const struct medium *m)
{
    char text[SDES_STRLEN];

    for (unsigned i = 0; i < m->crypto_count; i++)
        strbuf_printf(b, "a=crypto:%s\r\n", sdes_format(&m->crypto[i], text));
    if (m->rtcp_mux)
        strbuf_puts(b, "a=rtcp-mux\r\n");
    strbuf_printf(b, "a=rtcp:%u\r\n", addr_port(&m->rtcp));
    strbuf_puts(b, "a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n");
}

static void put_medium(struct strbuf *b, const struct medium *m, const struct sdp_extras *extras)
{
    static const char *const directions[] = {"sendrecv", "sendonly", "recvonly", "inactive"};

    strbuf_printf(b, "m=%s %u %s %s\r\n", m->type, addr_port(&m->at), m->proto, m->format);
    if (addr_port(&m->at) == 0)
        return;
    put_connection(b, &m->at);
    put_bandwidth(b, extras, false);
    put_security(b, m);
    if (m->direction != SDP_SENDRECV)
        strbuf_printf(b, "a=%s\r\n", directions[m->direction]);
    if (m->kind == MEDIUM_FAX)
        put_fax(b);
    if (m->kind == MEDIUM_AUDIO)
        put_audio(b, m);
    if (m->kind == MEDIUM_MSRP)
        put_msrp(b, m);
    if (m->kind == MEDIUM_BFCP)
        put_bfcp(b, m);
    if (extras->maxprate)
        strbuf_printf(b, "a=maxprate:%s\r\n", extras->maxprate);
}

char *description_write(const struct description *d, const struct sdp_extras *extras)
{
    struct strbuf b = STRBUF_INIT;
    char host[ADDR_STRLEN];

    strbuf_printf(&b, "v=0\r\no=- %" PRIu64 " %" PRIu64 " IN %s %s\r\ns=-\r\n", d->session_id,
                  d->version, addr_family(&d->origin) == AF_INET6 ? "IP6" : "IP4",
                  addr_host(&d->origin, host));
    put_connection(&b, &d->origin);
    put_bandwidth(&b, extras, true);
    strbuf_puts(&b, "t=0 0\r\n");
    for (unsigned i = 0; i < d->count; i++)
        put_medium(&b, &d->media[i], extras);
    return strbuf_take(&b);
}

const char *medium_role_text(const struct medium *m)
{
    return m->setup == SDP_SETUP_NONE ? "-" : sdp_setup_name(m->setup);
}
