// SPDX-License-Identifier: GPL-3.0-or-later
// A modifier is read, moved by the overhead in the direction its sender implies, and written back.
// What is absent stays absent; -ENOMEM from the document is the only failure.
#include "alg/bandwidth.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

static const char clause_rule[] = "TS 23.334 5.11.2.3.1";

struct bandwidth_overhead bandwidth_overhead(const struct sdp *sdp, size_t media, unsigned bytes,
                                             unsigned interval_ms)
{
    struct bandwidth_overhead oh = {.bytes = bytes};
    if (!sdp_maxprate(sdp, media, &oh.pps) || oh.pps <= 0)
        oh.pps = 1000.0 / interval_ms;
    oh.kbps = (unsigned)ceil(oh.pps * bytes * 8 / 1000);
    snprintf(oh.text, sizeof(oh.text), "%u bytes x %.1f datagrams/s of DTLS overhead", bytes,
             oh.pps);
    return oh;
}

// IP and transport headers, counted once per record or packet (media-plane 10.3).
#define HEADER_BYTES 40

struct bandwidth_overhead bandwidth_stream_overhead(const struct sdp *sdp, size_t media,
                                                    unsigned bytes, unsigned record_bytes,
                                                    enum side from)
{
    struct bandwidth_overhead oh = {.bytes = bytes};
    uint64_t value = 0;
    sdp_bandwidth(sdp, (int)media, "AS", &value);
    unsigned unit = record_bytes + HEADER_BYTES + (from == SIDE_ACCESS ? bytes : 0);
    oh.kbps = (unsigned)((value * bytes + unit - 1) / unit);
    snprintf(oh.text, sizeof(oh.text), "%u bytes per TLS record of %u", bytes, record_bytes);
    return oh;
}

// What speech codecs take unless a=ptime says otherwise (RFC 3551 4.5).
#define PTIME_DEFAULT_MS 20
// Encoders fill packets to somewhat less than the path MTU.
#define VIDEO_PACKET_BYTES 1200

struct bandwidth_overhead bandwidth_rtp_overhead(const struct sdp *sdp, size_t media,
                                                 unsigned bytes, enum side from)
{
    struct bandwidth_overhead oh;
    unsigned ptime = PTIME_DEFAULT_MS;
    double rate;
    sdp_ptime(sdp, media, &ptime);
    if (sdp_text_is(sdp_media(sdp, media).media, "audio") || sdp_maxprate(sdp, media, &rate)) {
        oh = bandwidth_overhead(sdp, media, bytes, ptime);
        snprintf(oh.text, sizeof(oh.text), "%u bytes x %.1f packets/s of SRTP overhead", bytes,
                 oh.pps);
        return oh;
    }
    oh = bandwidth_stream_overhead(sdp, media, bytes, VIDEO_PACKET_BYTES, from);
    snprintf(oh.text, sizeof(oh.text), "%u bytes of SRTP per packet of %u", bytes,
             VIDEO_PACKET_BYTES);
    return oh;
}

struct bandwidth_overhead bandwidth_message_overhead(unsigned bytes, unsigned messages_per_s)
{
    struct bandwidth_overhead oh = {.bytes = bytes};
    oh.kbps = (bytes * 8 * messages_per_s + 999) / 1000;
    snprintf(oh.text, sizeof(oh.text), "%u bytes x %u messages/s of TLS overhead", bytes,
             messages_per_s);
    return oh;
}

uint64_t bandwidth_adjust(uint64_t value, uint64_t overhead, enum side from)
{
    if (value == 0)
        return 0; // no media at all, on either leg (RFC 3264 5.1)
    if (from == SIDE_CORE)
        return value + overhead;
    return value > overhead ? value - overhead : 1;
}

static int edit(struct sdp *sdp, int section, const char *type, uint64_t overhead, enum side from)
{
    uint64_t value;
    if (overhead == 0 || !sdp_bandwidth(sdp, section, type, &value))
        return 0;
    return sdp_set_bandwidth(sdp, section, type, bandwidth_adjust(value, overhead, from),
                             clause_rule);
}

int bandwidth_edit_media(struct sdp *sdp, size_t media, const struct bandwidth_overhead *overhead,
                         enum side from, bool tias)
{
    int err = edit(sdp, (int)media, "AS", overhead->kbps, from);
    if (!err && tias)
        err = edit(sdp, (int)media, "TIAS", (uint64_t)ceil(overhead->pps * overhead->bytes * 8),
                   from);
    return err;
}

int bandwidth_edit_session(struct sdp *sdp, unsigned sum_kbps, enum side from)
{
    int err = edit(sdp, SDP_SESSION, "AS", sum_kbps, from);
    return err ? err : edit(sdp, SDP_SESSION, "CT", sum_kbps, from);
}

int bandwidth_drop_session_rates(struct sdp *sdp)
{
    static const char clause[] = "RFC 3890 6.2.3";
    int err = sdp_drop_bandwidth(sdp, SDP_SESSION, "TIAS", clause);
    if (err < 0 && err != -ENOENT)
        return err;
    err = sdp_drop_attribute(sdp, SDP_SESSION, "maxprate", clause);
    return err < 0 ? err : 0;
}
