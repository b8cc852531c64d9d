// SPDX-License-Identifier: GPL-3.0-or-later
// What can change while the process runs is what the signalling thread reads anew for each call;
// what sockets, threads and timers were made of cannot. A key that is in neither table cannot
// either: it is safer to say so than to guess.
#include "common/config.h"

#include <string.h>

struct part {
    const char *keys;
    size_t offset, size;
};

#define PART(keys, member)                                                                         \
    {                                                                                              \
        keys, offsetof(struct config, member), sizeof(((struct config *)0)->member)                \
    }

static const struct part live[] = {
    PART("ues", ues),
    PART("ues", ue_count),
    PART("network", network),
    PART("registration.required", registration.required),
    PART("registration.by_host", registration.by_host),
    PART("registration.verify", registration.verify),
    PART("registration.wanted", registration.wanted),
    PART("e2ae.mechanisms", mediasec),
    PART("e2ae.unregistered", mediasec_unregistered),
    PART("e2ae.srtp_suites", srtp_suites),
    PART("e2ae.sdes_over_plain_sip", sdes_over_plain_sip),
    PART("t38", t38),
    PART("tcp.start", tcp_start),
    PART("msrp", msrp),
    PART("bfcp", bfcp),
    PART("trace.directory", trace.directory),
    PART("trace.formats", trace.formats),
    PART("trace.events_max", trace.events_max),
    PART("trace.messages", trace.messages),
    PART("trace.recent", trace.recent),
    PART("log.level", log_level),
    PART("log.format", log_format),
    PART("core.next_hop", next_hop),
    PART("core.next_hop", next_hop_name),
    PART("core.next_hop", next_hop_port),
    PART("core.next_hop_tcp", next_hop_tcp),
    PART("admin.token", admin_token),
    PART("registration.route", registration.route),
    PART("emergency", emergency),
    PART("core.trusted", trusted),
    PART("core.trusted", trusted_count),
    PART("sip.requests_max", sip.requests_max),
    PART("sip.sessions_max", sip.sessions_max),
    PART("sip.media_lines_max", sip.media_lines_max),
    PART("sip.drain_s", sip.drain_s),
};

// Only for their names.
static const struct part fixed[] = {
    PART("access.listen", access.listen),
    PART("access.tls", access_tls),
    PART("access.advertise", access.advertise),
    PART("access.advertise", access.advertise_port),
    PART("access.media_advertise", access.realm.shown_v4),
    PART("access.media_advertise", access.realm.shown_v6),
    PART("access.media", access.realm.media_v4),
    PART("access.media", access.realm.media_v6),
    PART("access.ports.min", access.realm.port_min),
    PART("access.ports.max", access.realm.port_max),
    PART("access.latching", access.realm.latching),
    PART("core.listen", core.listen),
    PART("core.advertise", core.advertise),
    PART("core.advertise", core.advertise_port),
    PART("core.media_advertise", core.realm.shown_v4),
    PART("core.media_advertise", core.realm.shown_v6),
    PART("core.media", core.realm.media_v4),
    PART("core.media", core.realm.media_v6),
    PART("core.ports.min", core.realm.port_min),
    PART("core.ports.max", core.realm.port_max),
    PART("core.latching", core.realm.latching),
    PART("agw.workers", agw.workers),
    PART("agw", agw),
    PART("sip.message_max", sip.message_max),
    PART("sip.t1_ms", sip.t1_ms),
    PART("sip.timer_c_s", sip.timer_c_s),
    PART("dns", dns),
    PART("trace.hep", trace.hep),
    PART("capture", capture),
    PART("admin.listen", admin),
    PART("registration.max", registration.max),
    PART("registration.store", registration.store),
    PART("registration.reg_event", registration.reg_event),
};

static const struct part whole = {NULL, 0, sizeof(struct config)};

static void copy(struct config *to, const struct config *from, const struct part *part)
{
    memcpy((char *)to + part->offset, (const char *)from + part->offset, part->size);
}

static bool same(const struct config *a, const struct config *b, const struct part *part)
{
    return memcmp((const char *)a + part->offset, (const char *)b + part->offset, part->size) == 0;
}

void config_reload(struct config *cfg, const struct config *fresh,
                   void (*kept)(void *arg, const char *key), void *arg)
{
    struct config rest; // what fresh wants and does not get

    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
        copy(cfg, fresh, &live[i]);
    memcpy(&rest, fresh, sizeof(rest));
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        if (!same(cfg, &rest, &fixed[i]))
            kept(arg, fixed[i].keys);
        copy(&rest, cfg, &fixed[i]);
    }
    if (!same(cfg, &rest, &whole))
        kept(arg, "another key");
}
