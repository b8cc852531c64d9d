// SPDX-License-Identifier: GPL-3.0-or-later
// The keys of the configuration file, one row each: name, where the value goes, what it may be, and
// what it is without the file. From the rows come the fields for libcyaml, the rules for the checks
// and config_defaults(), so that the three cannot differ. configs/pcscf.yaml explains each key.
//
// Failures: none here; a row with a mistake does not compile or fails the test of the defaults.
#include "common/config_file.h"

#include "common/trace/trace.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SIZE(member) sizeof(((struct file *)0)->member)

// --- words ----------------------------------------------------------------------------------

static const cyaml_strval_t latching_words[] = {
    {"off", LATCHING_OFF},
    {"first-packet", LATCHING_FIRST_PACKET},
    {"after-dtls", LATCHING_AFTER_DTLS},
};
static const cyaml_strval_t offer_words[] = {
    {"actpass", SETUP_CHOICE_ACTPASS},
    {"active", SETUP_CHOICE_ACTIVE},
    {"passive", SETUP_CHOICE_PASSIVE},
};
static const cyaml_strval_t answer_words[] = {
    {"active", SETUP_CHOICE_ACTIVE},
    {"passive", SETUP_CHOICE_PASSIVE},
};
static const cyaml_strval_t identity_words[] = {
    {"dtls-id", IDENTITY_DTLS_ID},
    {"tls-id", IDENTITY_TLS_ID},
    {"both", IDENTITY_BOTH},
};
static const cyaml_strval_t start_words[] = {
    {"trigger", TCP_START_TRIGGER},
    {"explicit", TCP_START_EXPLICIT},
};
static const cyaml_strval_t cema_words[] = {
    {"agnostic", CEMA_AGNOSTIC},
    {"aware", CEMA_AWARE},
};
static const cyaml_strval_t certificate_words[] = {
    {"ecdsa-p256", CERTIFICATE_ECDSA},
    {"rsa-2048", CERTIFICATE_RSA},
    {"ecdsa-p256+rsa-2048", CERTIFICATE_ECDSA_RSA},
};
static const cyaml_strval_t route_words[] = {
    {"replace", ROUTE_REPLACE},
    {"strict", ROUTE_STRICT},
    {"off", ROUTE_OFF},
};
static const cyaml_strval_t level_words[] = {
    {"error", LOG_ERROR},
    {"warn", LOG_WARN},
    {"info", LOG_INFO},
    {"debug", LOG_DEBUG},
};
static const cyaml_strval_t format_words[] = {
    {"text", LOG_TEXT},
    {"json", LOG_JSON},
};
static const cyaml_strval_t per_words[] = {
    {"session", CAPTURE_PER_SESSION},
    {"time", CAPTURE_PER_TIME},
};
static const cyaml_strval_t message_words[] = {
    {"none", TRACE_MESSAGES_NONE},
    {"sdp", TRACE_MESSAGES_SDP},
    {"sip", TRACE_MESSAGES_SIP},
};
static const cyaml_strval_t form_words[] = {
    {"text", CONFIG_FORM(TRACE_FORM_TEXT)}, {"mermaid", CONFIG_FORM(TRACE_FORM_MERMAID)},
    {"svg", CONFIG_FORM(TRACE_FORM_SVG)},   {"html", CONFIG_FORM(TRACE_FORM_HTML)},
    {"json", CONFIG_FORM(TRACE_FORM_JSON)},
};
// TS 24.229 7.2A.7
static const cyaml_strval_t mechanism_words[] = {
    {"udptl-dtls", MEDIASEC_UDPTL_DTLS},
    {"msrp-tls", MEDIASEC_MSRP_TLS},
    {"bfcp-tls", MEDIASEC_BFCP_TLS},
    {"sdes-srtp", MEDIASEC_SDES_SRTP},
};
static const cyaml_strval_t sdes_words[] = {
    {"warn", SDES_WARN},
    {"refuse", SDES_REFUSE},
    {"allow", SDES_ALLOW},
};
static const cyaml_strval_t verify_words[] = {
    {"log", VERIFY_LOG},
    {"refuse", VERIFY_REFUSE},
};
static const cyaml_strval_t wanted_words[] = {
    {"any", SIGNALLING_ANY},
    {"tls", SIGNALLING_TLS},
    {"ipsec-3gpp", SIGNALLING_IPSEC},
};
// RFC 4568 6.2, RFC 7714 14.2
static const cyaml_strval_t suite_words[] = {
    {"AES_CM_128_HMAC_SHA1_80", CONFIG_SUITE(SDES_AES_CM_128_HMAC_SHA1_80)},
    {"AES_CM_128_HMAC_SHA1_32", CONFIG_SUITE(SDES_AES_CM_128_HMAC_SHA1_32)},
    {"AEAD_AES_128_GCM", CONFIG_SUITE(SDES_AEAD_AES_128_GCM)},
    {"AEAD_AES_256_GCM", CONFIG_SUITE(SDES_AEAD_AES_256_GCM)},
};

// --- rows -----------------------------------------------------------------------------------
// NUMBER(section, key, member of struct config, least, most, default)
// CHOICE(section, key, member, words, default)
// SWITCH(section, key, member, default)
// STRING(section, key, member), default ""

// Ports below 1024 belong to the system.
#define PORTS_KEYS(NUMBER, side, first, last)                                                      \
    NUMBER(#side ".ports", "min", side.realm.port_min, 1024, 65535, first)                         \
    NUMBER(#side ".ports", "max", side.realm.port_max, 1024, 65535, last)

#define TLS_KEYS(STRING)                                                                           \
    STRING("access.tls", "certificate", access_tls.certificate)                                    \
    STRING("access.tls", "key", access_tls.key)
#define ACCESS_KEYS(CHOICE)                                                                        \
    CHOICE("access", "latching", access.realm.latching, latching_words, LATCHING_AFTER_DTLS)
#define CORE_KEYS(CHOICE, SWITCH)                                                                  \
    CHOICE("core", "latching", core.realm.latching, latching_words, LATCHING_OFF)                  \
    SWITCH("core", "next_hop_tcp", next_hop_tcp, false)

#define NETWORK_KEYS(SWITCH, STRING)                                                               \
    STRING("network", "domain", network.domain)                                                    \
    STRING("network", "access", network.access)                                                    \
    SWITCH("network", "assert_from", network.assert_from, false)

// A P-CSCF of a lab; a million is what one process has memory for.
#define REGISTRATION_KEYS(NUMBER, CHOICE, SWITCH, STRING)                                          \
    SWITCH("registration", "required", registration.required, false)                               \
    SWITCH("registration", "by_host", registration.by_host, false)                                 \
    NUMBER("registration", "max", registration.max, 1, 1000000, 50000)                             \
    NUMBER("registration", "nat_expires_s", registration.nat_expires_s, 0, 86400, 110)             \
    CHOICE("registration", "verify", registration.verify, verify_words, VERIFY_LOG)                \
    CHOICE("registration", "wanted", registration.wanted, wanted_words, SIGNALLING_ANY)            \
    CHOICE("registration", "route", registration.route, route_words, ROUTE_REPLACE)                \
    STRING("registration", "store", registration.store)                                            \
    SWITCH("registration", "reg_event", registration.reg_event, false)

#define E2AE_KEYS(CHOICE)                                                                          \
    CHOICE("e2ae", "sdes_over_plain_sip", sdes_over_plain_sip, sdes_words, SDES_WARN)

#define T38_KEYS(NUMBER, CHOICE, SWITCH)                                                           \
    CHOICE("t38", "setup_offer", t38.setup_offer, offer_words, SETUP_CHOICE_ACTPASS)               \
    CHOICE("t38", "setup_answer", t38.setup_answer, answer_words, SETUP_CHOICE_PASSIVE)            \
    CHOICE("t38", "identity", t38.identity, identity_words, IDENTITY_DTLS_ID)                      \
    SWITCH("t38", "notify_deferred", t38.notify_deferred, false)                                   \
    NUMBER("t38", "udptl_interval_ms", t38.udptl_interval_ms, 5, 1000, 30)                         \
    SWITCH("t38", "adjust_tias", t38.adjust_tias, false)

#define TCP_KEYS(CHOICE) CHOICE("tcp", "start", tcp_start, start_words, TCP_START_TRIGGER)

// A TLS record holds 16384 bytes at most (RFC 8446 5.1).
#define MSRP_KEYS(NUMBER, CHOICE)                                                                  \
    CHOICE("msrp", "cema", msrp.cema, cema_words, CEMA_AGNOSTIC)                                   \
    NUMBER("msrp", "record_bytes", msrp.record_bytes, 64, 16384, 1400)

#define BFCP_KEYS(NUMBER)                                                                          \
    NUMBER("bfcp", "messages_per_s", bfcp.messages_per_s, 1, 1000, 4)                              \
    NUMBER("bfcp", "role_guard_ms", bfcp.role_guard_ms, 0, 5000, 0)                                \
    NUMBER("bfcp", "reestablish_s", bfcp.reestablish_s, 0, 3600, 30)

// 576: what every IPv4 path carries. A thread per core of any machine. A pool larger than the rate
// of calls helps nobody.
#define AGW_KEYS(NUMBER, CHOICE, SWITCH, STRING)                                                   \
    NUMBER("agw", "workers", agw.workers, 0, 256, 0)                                               \
    CHOICE("agw", "certificates", agw.certificates, certificate_words, CERTIFICATE_ECDSA)          \
    NUMBER("agw", "certificate_pool", agw.certificate_pool, 0, 4096, 64)                           \
    SWITCH("agw", "legacy_suites", agw.legacy_suites, false)                                       \
    NUMBER("agw", "mtu", agw.mtu, 576, 9216, 1500)                                                 \
    SWITCH("agw", "drop_oversize", agw.drop_oversize, false)                                       \
    NUMBER("agw", "handshake_timeout_ms", agw.handshake_timeout_ms, 500, 120000, 10000)            \
    NUMBER("agw", "retransmit_ms", agw.retransmit_ms, 50, 10000, 1000)                             \
    NUMBER("agw", "half_open_max", agw.half_open_max, 1, 65535, 256)                               \
    NUMBER("agw", "rekey_hold_ms", agw.rekey_hold_ms, 0, 60000, 5000)                              \
    NUMBER("agw", "gather_us", agw.gather_us, 0, 5000, 500)                                        \
    NUMBER("agw", "media_timeout_s", agw.media_timeout_s, 0, 86400, 0)                             \
    NUMBER("agw", "media_guard_ms", agw.media_guard_ms, 0, 60000, 5000)                            \
    SWITCH("agw", "policing", agw.policing, false)                                                 \
    STRING("agw", "keylog", agw.keylog)

// 32 media lines: a context has 64 streams, and each may be replaced by another beside it.
#define SIP_KEYS(NUMBER)                                                                           \
    NUMBER("sip", "sessions_max", sip.sessions_max, 1, 1000000, 10000)                             \
    NUMBER("sip", "requests_max", sip.requests_max, 1, 1000000, 20000)                             \
    NUMBER("sip", "media_lines_max", sip.media_lines_max, 1, 32, 16)                               \
    NUMBER("sip", "message_max", sip.message_max, 2048, 1048576, 65536)                            \
    NUMBER("sip", "drain_s", sip.drain_s, 0, 86400, 0)                                             \
    NUMBER("sip", "t1_ms", sip.t1_ms, 50, 5000, 500)                                               \
    NUMBER("sip", "timer_c_s", sip.timer_c_s, 1, 3600, 185)                                        \
    NUMBER("sip", "call_max_s", sip.call_max_s, 0, 2592000, 0)                                     \
    NUMBER("sip", "connections_max", sip.connections_max, 1, 1000000, 10000)                       \
    NUMBER("sip", "stranger_s", sip.stranger_s, 1, 86400, 120)                                     \
    NUMBER("sip", "idle_s", sip.idle_s, 1, 86400, 7200)                                            \
    NUMBER("sip", "return_s", sip.return_s, 0, 3600, 30)

#define DNS_KEYS(NUMBER) NUMBER("dns", "timeout_ms", dns.timeout_ms, 50, 10000, 2000)

#define TRACE_KEYS(NUMBER, CHOICE, STRING)                                                         \
    STRING("trace", "directory", trace.directory)                                                  \
    NUMBER("trace", "events_max", trace.events_max, 0, 10000, 200)                                 \
    NUMBER("trace", "recent", trace.recent, 0, 10000, 100)                                         \
    CHOICE("trace", "messages", trace.messages, message_words, TRACE_MESSAGES_SIP)

// 65536 MiB: what a disk of a lab may spare for one file.
#define CAPTURE_KEYS(NUMBER, CHOICE, SWITCH, STRING)                                               \
    STRING("capture", "directory", capture.directory)                                              \
    CHOICE("capture", "per", capture.per, per_words, CAPTURE_PER_SESSION)                          \
    NUMBER("capture", "max_mib", capture.max_mib, 1, 65536, 64)                                    \
    NUMBER("capture", "files", capture.files, 1, 10000, 100)                                       \
    SWITCH("capture", "plaintext", capture.plaintext, false)                                       \
    SWITCH("capture", "keys", capture.keys, false)

#define ADMIN_KEYS(STRING) STRING("admin", "token", admin_token)

#define LOG_KEYS(CHOICE)                                                                           \
    CHOICE("log", "level", log_level, level_words, LOG_INFO)                                       \
    CHOICE("log", "format", log_format, format_words, LOG_TEXT)

// --- defaults -------------------------------------------------------------------------------

#define SET_NUMBER(section, key, member, min, max, value) cfg->member = (value);
#define SET_CHOICE(section, key, member, words, value) cfg->member = (value);
#define SET_SWITCH(section, key, member, value) cfg->member = (value);
#define SET_STRING(section, key, member) cfg->member[0] = '\0';

static void default_addresses(struct config *cfg)
{
    addr_parse_hostport(&cfg->access.listen[0], "127.0.0.1:5060");
    cfg->access.listen_count = 1;
    addr_parse(&cfg->access.realm.media_v4, "127.0.0.1", 0);
    addr_parse_hostport(&cfg->core.listen[0], "127.0.0.1:5070");
    cfg->core.listen_count = 1;
    addr_parse(&cfg->core.realm.media_v4, "127.0.0.1", 0);
    addr_parse_hostport(&cfg->next_hop, "127.0.0.1:5080");
    addr_parse_hostport(&cfg->admin, "127.0.0.1:8060");
}

void config_defaults(struct config *cfg)
{
    memset(cfg, 0, sizeof(*cfg));
    default_addresses(cfg);
    PORTS_KEYS(SET_NUMBER, access, 16000, 23999)
    PORTS_KEYS(SET_NUMBER, core, 24000, 31999)
    ACCESS_KEYS(SET_CHOICE)
    TLS_KEYS(SET_STRING)
    CORE_KEYS(SET_CHOICE, SET_SWITCH)
    NETWORK_KEYS(SET_SWITCH, SET_STRING)
    REGISTRATION_KEYS(SET_NUMBER, SET_CHOICE, SET_SWITCH, SET_STRING)
    E2AE_KEYS(SET_CHOICE)
    TCP_KEYS(SET_CHOICE)
    MSRP_KEYS(SET_NUMBER, SET_CHOICE)
    BFCP_KEYS(SET_NUMBER)
    T38_KEYS(SET_NUMBER, SET_CHOICE, SET_SWITCH)
    AGW_KEYS(SET_NUMBER, SET_CHOICE, SET_SWITCH, SET_STRING)
    SIP_KEYS(SET_NUMBER)
    DNS_KEYS(SET_NUMBER)
    TRACE_KEYS(SET_NUMBER, SET_CHOICE, SET_STRING)
    CAPTURE_KEYS(SET_NUMBER, SET_CHOICE, SET_SWITCH, SET_STRING)
    LOG_KEYS(SET_CHOICE)
    ADMIN_KEYS(SET_STRING)
    // SDES puts keys into SDP: only for who asks for them (TS 24.229 7.2A.7)
    cfg->mediasec_unregistered = MEDIASEC_UDPTL_DTLS | MEDIASEC_MSRP_TLS | MEDIASEC_BFCP_TLS;
    cfg->mediasec = cfg->mediasec_unregistered | MEDIASEC_SDES_SRTP;
    for (size_t i = 0; i < COUNT(suite_words); i++)
        cfg->srtp_suites |= (unsigned)suite_words[i].val;
    cfg->trace.formats = CONFIG_FORM(TRACE_FORM_TEXT) | CONFIG_FORM(TRACE_FORM_MERMAID);
    cfg->t38.overhead_override = -1;
    snprintf(cfg->emergency.psap, sizeof(cfg->emergency.psap), "380");
    snprintf(cfg->network.domain, sizeof(cfg->network.domain), "visited.example");
}

// --- fields for libcyaml --------------------------------------------------------------------
// All sections are at offset 0 of struct file and their members at offsets in the whole of it, so
// that the sections of the file need not be structures of their own.

#define FIELD(name, member, kind, ...)                                                             \
    {                                                                                              \
        .key = (name), .data_offset = offsetof(struct file, member), .value = {                    \
            .type = (kind),                                                                        \
            .flags = CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT,                                      \
            .data_size = SIZE(member),                                                             \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define FIELD_NUMBER(section, key, member, min, max, value) FIELD(key, cfg.member, CYAML_UINT),
#define FIELD_SWITCH(section, key, member, value) FIELD(key, cfg.member, CYAML_BOOL),
#define FIELD_CHOICE(section, key, member, words, value)                                           \
    FIELD(key, cfg.member, CYAML_ENUM, .enumeration = {(words), COUNT(words)}),
#define FIELD_STRING(section, key, member) FIELD_TEXT(key, cfg.member),
#define FIELD_TEXT(key, member) FIELD(key, member, CYAML_STRING, .string = {0, SIZE(member) - 1})
#define FIELD_SECTION(name, rows)                                                                  \
    {                                                                                              \
        .key = (name), .value = {                                                                  \
            .type = CYAML_MAPPING,                                                                 \
            .flags = CYAML_FLAG_OPTIONAL,                                                          \
            .data_size = sizeof(struct file),                                                      \
            .mapping = {(rows)}                                                                    \
        }                                                                                          \
    }
#define FIELD_LIST(name, member, what, least, most)                                                \
    {                                                                                              \
        .key = (name), .data_offset = offsetof(struct file, member),                               \
        .count_offset = offsetof(struct file, member##_count), .count_size = SIZE(member##_count), \
        .value = {                                                                                 \
            .type = CYAML_SEQUENCE,                                                                \
            .flags = CYAML_FLAG_OPTIONAL,                                                          \
            .data_size = SIZE(member[0]),                                                          \
            .sequence = {&(what), (least), (most)}                                                 \
        }                                                                                          \
    }

static const cyaml_schema_value_t addr_entry = {
    .type = CYAML_STRING,
    .data_size = CONFIG_ADDR_MAX,
    .string = {0, CONFIG_ADDR_MAX - 1},
};

static const cyaml_schema_field_t access_ports[] = {
    PORTS_KEYS(FIELD_NUMBER, access, 0, 0) CYAML_FIELD_END,
};
static const cyaml_schema_field_t tls_fields[] = {
    FIELD_LIST("listen", tls_listen, addr_entry, 0, CONFIG_LISTEN_MAX),
    TLS_KEYS(FIELD_STRING) CYAML_FIELD_END,
};
static const cyaml_schema_field_t access_fields[] = {
    FIELD_LIST("listen", access.listen, addr_entry, 1, CONFIG_LISTEN_MAX),
    FIELD_TEXT("advertise", access.advertise),
    FIELD_LIST("media", access.media, addr_entry, 1, CONFIG_MEDIA_MAX),
    FIELD_LIST("media_advertise", access.media_advertise, addr_entry, 0, CONFIG_MEDIA_MAX),
    FIELD_SECTION("tls", tls_fields),
    FIELD_SECTION("ports", access_ports),
    ACCESS_KEYS(FIELD_CHOICE) CYAML_FIELD_END,
};

static const cyaml_schema_field_t core_ports[] = {
    PORTS_KEYS(FIELD_NUMBER, core, 0, 0) CYAML_FIELD_END,
};
static const cyaml_schema_field_t core_fields[] = {
    FIELD_LIST("listen", core.listen, addr_entry, 1, CONFIG_LISTEN_MAX),
    FIELD_TEXT("advertise", core.advertise),
    FIELD_LIST("media", core.media, addr_entry, 1, CONFIG_MEDIA_MAX),
    FIELD_LIST("media_advertise", core.media_advertise, addr_entry, 0, CONFIG_MEDIA_MAX),
    FIELD_SECTION("ports", core_ports),
    FIELD_LIST("trusted", trusted, addr_entry, 0, CONFIG_TRUSTED_MAX),
    FIELD_TEXT("next_hop", next_hop),
    CORE_KEYS(FIELD_CHOICE, FIELD_SWITCH) CYAML_FIELD_END,
};

static const cyaml_schema_field_t network_fields[] = {
    NETWORK_KEYS(FIELD_SWITCH, FIELD_STRING) CYAML_FIELD_END,
};

static const cyaml_schema_field_t emergency_fields[] = {
    FIELD_TEXT("psap", cfg.emergency.psap),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t registration_fields[] = {
    REGISTRATION_KEYS(FIELD_NUMBER, FIELD_CHOICE, FIELD_SWITCH, FIELD_STRING) CYAML_FIELD_END,
};

static const cyaml_schema_field_t e2ae_fields[] = {
    FIELD("mechanisms", cfg.mediasec, CYAML_FLAGS,
          .enumeration = {mechanism_words, COUNT(mechanism_words)}),
    FIELD("unregistered", cfg.mediasec_unregistered, CYAML_FLAGS,
          .enumeration = {mechanism_words, COUNT(mechanism_words)}),
    FIELD("srtp_suites", cfg.srtp_suites, CYAML_FLAGS,
          .enumeration = {suite_words, COUNT(suite_words)}),
    E2AE_KEYS(FIELD_CHOICE) CYAML_FIELD_END,
};

#define UE_FIELD(name, member, kind, flag, ...)                                                    \
    {                                                                                              \
        .key = (name), .data_offset = offsetof(struct file_ue, member), .value = {                 \
            .type = (kind),                                                                        \
            .flags = (flag) | CYAML_FLAG_STRICT,                                                   \
            .data_size = sizeof(((struct file_ue *)0)->member),                                    \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
static const cyaml_schema_field_t ue_fields[] = {
    UE_FIELD("user", user, CYAML_STRING, CYAML_FLAG_DEFAULT, .string = {1, CONFIG_NAME_MAX - 1}),
    UE_FIELD("contact", contact, CYAML_STRING, CYAML_FLAG_OPTIONAL,
             .string = {0, CONFIG_ADDR_MAX - 1}),
    UE_FIELD("mechanisms", mechanisms, CYAML_FLAGS, CYAML_FLAG_OPTIONAL,
             .enumeration = {mechanism_words, COUNT(mechanism_words)}),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t ue_entry = {
    .type = CYAML_MAPPING,
    .data_size = sizeof(struct file_ue),
    .mapping = {ue_fields},
};

static const cyaml_schema_field_t t38_fields[] = {
    FIELD_TEXT("overhead", overhead),
    T38_KEYS(FIELD_NUMBER, FIELD_CHOICE, FIELD_SWITCH) CYAML_FIELD_END,
};
static const cyaml_schema_field_t tcp_fields[] = {
    TCP_KEYS(FIELD_CHOICE) CYAML_FIELD_END,
};
static const cyaml_schema_field_t msrp_fields[] = {
    MSRP_KEYS(FIELD_NUMBER, FIELD_CHOICE) CYAML_FIELD_END,
};
static const cyaml_schema_field_t bfcp_fields[] = {
    BFCP_KEYS(FIELD_NUMBER) CYAML_FIELD_END,
};
static const cyaml_schema_field_t agw_fields[] = {
    AGW_KEYS(FIELD_NUMBER, FIELD_CHOICE, FIELD_SWITCH, FIELD_STRING) CYAML_FIELD_END,
};
static const cyaml_schema_field_t sip_fields[] = {
    SIP_KEYS(FIELD_NUMBER) CYAML_FIELD_END,
};
static const cyaml_schema_field_t dns_fields[] = {
    FIELD_LIST("servers", dns_servers, addr_entry, 0, CONFIG_DNS_MAX),
    DNS_KEYS(FIELD_NUMBER) CYAML_FIELD_END,
};
static const cyaml_schema_field_t trace_fields[] = {
    FIELD_TEXT("hep", hep),
    FIELD("formats", cfg.trace.formats, CYAML_FLAGS,
          .enumeration = {form_words, COUNT(form_words)}),
    TRACE_KEYS(FIELD_NUMBER, FIELD_CHOICE, FIELD_STRING) CYAML_FIELD_END,
};
static const cyaml_schema_field_t capture_fields[] = {
    CAPTURE_KEYS(FIELD_NUMBER, FIELD_CHOICE, FIELD_SWITCH, FIELD_STRING) CYAML_FIELD_END,
};
static const cyaml_schema_field_t log_fields[] = {
    LOG_KEYS(FIELD_CHOICE) CYAML_FIELD_END,
};
static const cyaml_schema_field_t admin_fields[] = {
    FIELD_TEXT("listen", admin),
    ADMIN_KEYS(FIELD_STRING) CYAML_FIELD_END,
};

static const cyaml_schema_field_t sections[] = {
    FIELD_SECTION("access", access_fields),
    FIELD_SECTION("core", core_fields),
    FIELD_SECTION("network", network_fields),
    FIELD_SECTION("registration", registration_fields),
    FIELD_SECTION("emergency", emergency_fields),
    FIELD_SECTION("e2ae", e2ae_fields),
    FIELD_LIST("ues", ues, ue_entry, 0, CONFIG_UES_MAX),
    FIELD_SECTION("t38", t38_fields),
    FIELD_SECTION("tcp", tcp_fields),
    FIELD_SECTION("msrp", msrp_fields),
    FIELD_SECTION("bfcp", bfcp_fields),
    FIELD_SECTION("agw", agw_fields),
    FIELD_SECTION("sip", sip_fields),
    FIELD_SECTION("dns", dns_fields),
    FIELD_SECTION("trace", trace_fields),
    FIELD_SECTION("capture", capture_fields),
    FIELD_SECTION("log", log_fields),
    FIELD_SECTION("admin", admin_fields),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t config_schema = {
    .type = CYAML_MAPPING,
    .flags = CYAML_FLAG_POINTER,
    .data_size = sizeof(struct file),
    .mapping = {sections},
};

// --- rules ----------------------------------------------------------------------------------

// An address in SDP, Via or Record-Route must mean one host and port: 0.0.0.0, :: and port 0 do
// not.
static bool is_listen(const char *text)
{
    struct addr a;

    return addr_parse_hostport(&a, text) == 0 && !addr_is_any(&a) && addr_port(&a) != 0;
}

static bool is_host(const char *text)
{
    struct addr a;

    return addr_parse(&a, text, 0) == 0 && !addr_is_any(&a);
}

static bool is_prefix(const char *text)
{
    struct addr_prefix p;

    return addr_prefix_parse(&p, text) == 0;
}

#define HOST_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-."
#define SIP_SCHEME "sip:"

bool config_name_port(const char *text, char name[static CONFIG_NAME_MAX], uint16_t *port)
{
    const char *host =
        strncmp(text, SIP_SCHEME, strlen(SIP_SCHEME)) == 0 ? text + strlen(SIP_SCHEME) : text;
    size_t len = strspn(host, HOST_CHARACTERS);
    unsigned long number = 0;
    char *end = NULL;

    if (len == 0 || len >= CONFIG_NAME_MAX || (host[len] != '\0' && host[len] != ':'))
        return false;
    if (host[len] == ':') {
        number =
            host[len + 1] >= '1' && host[len + 1] <= '9' ? strtoul(host + len + 1, &end, 10) : 0;
        if (number == 0 || number > UINT16_MAX || *end != '\0')
            return false;
    }
    memcpy(name, host, len);
    name[len] = '\0';
    *port = (uint16_t)number;
    return true;
}

// An IPv6 address stands in brackets.
bool config_advertised(const char *text, char host[static CONFIG_NAME_MAX], uint16_t *port)
{
    struct addr a;

    *port = 0;
    if (text[0] != '[')
        return strncmp(text, SIP_SCHEME, strlen(SIP_SCHEME)) != 0 &&
               config_name_port(text, host, port);
    if (addr_parse_hostport(&a, text) == 0)
        *port = addr_port(&a);
    else if (addr_parse(&a, text, 0) != 0)
        return false;
    size_t len = strcspn(text, "]") + 1;
    memcpy(host, text, len);
    host[len] = '\0';
    return *port != 0 || text[len] == '\0';
}

static bool is_advertised(const char *text)
{
    char host[CONFIG_NAME_MAX];
    uint16_t port;

    return text[0] == '\0' || config_advertised(text, host, &port);
}

static bool is_next_hop(const char *text)
{
    char name[CONFIG_NAME_MAX];
    uint16_t port;
    struct addr a;

    if (addr_parse_hostport(&a, text) == 0 || addr_parse(&a, text, 0) == 0)
        return is_listen(text);
    return strcmp(text, "request-uri") == 0 || config_name_port(text, name, &port);
}

static bool is_admin(const char *text)
{
    return strcmp(text, "off") == 0 || is_listen(text);
}

#define HEP_TRANSPORT "udp:"

const char *config_hep_address(const char *text)
{
    size_t len = strlen(HEP_TRANSPORT);

    return strncmp(text, HEP_TRANSPORT, len) == 0 ? text + len : text;
}

static bool is_hep(const char *text)
{
    const char *address = config_hep_address(text);

    return strcmp(text, "off") == 0 || (address != text && is_listen(address));
}

// RFC 6750 2.1
#define TOKEN_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="

// 16 characters of any kind cannot be guessed over a network; what a header field carries as it is.
static bool is_token(const char *text)
{
    size_t len = strlen(text);

    return len == 0 || (len >= 16 && strspn(text, TOKEN_CHARACTERS) == len);
}

// 128 bytes: more than any cipher suite of DTLS 1.2 adds to a record.
static bool is_overhead(const char *text)
{
    size_t len = strlen(text);

    if (strcmp(text, "auto") == 0)
        return true;
    return len > 0 && len <= 3 && strspn(text, "0123456789") == len && atoi(text) <= 128 &&
           (text[0] != '0' || len == 1);
}

// The user part of a SIP URI; no URI, no blanks.
static bool is_user(const char *text)
{
    return text[0] != '\0' && strpbrk(text, "@:<> \t\r\n") == NULL;
}

// What may stand unquoted in a SIP header field (RFC 3261 25.1: token).
#define WORD_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~"
static bool is_word(const char *text)
{
    return text[0] != '\0' && text[strspn(text, WORD_CHARACTERS)] == '\0';
}

// A name would have to be resolved.
static bool is_psap(const char *text)
{
    const char *at = strchr(text, '@');

    if (strcmp(text, "380") == 0 || strcmp(text, "403") == 0)
        return true;
    return strncmp(text, "sip:", 4) == 0 && at != NULL && strpbrk(text, " <>\"") == NULL &&
           is_listen(at + 1);
}

static bool is_access(const char *text)
{
    return text[0] == '\0' || is_word(text);
}

#define RULE_NUMBER(section, key, member, min, max, value)                                         \
    {section "." key, (min), (max), NULL, NULL},
#define RULE_NONE(...)
#define ADDR_AND_PORT "IP:PORT, IPv6 in brackets"

#define EVERY_NUMBER(NUMBER)                                                                       \
    PORTS_KEYS(NUMBER, access, 0, 0)                                                               \
    PORTS_KEYS(NUMBER, core, 0, 0)                                                                 \
    REGISTRATION_KEYS(NUMBER, RULE_NONE, RULE_NONE, RULE_NONE)                                     \
    T38_KEYS(NUMBER, RULE_NONE, RULE_NONE)                                                         \
    MSRP_KEYS(NUMBER, RULE_NONE)                                                                   \
    BFCP_KEYS(NUMBER)                                                                              \
    AGW_KEYS(NUMBER, RULE_NONE, RULE_NONE, RULE_NONE)                                              \
    SIP_KEYS(NUMBER)                                                                               \
    DNS_KEYS(NUMBER)                                                                               \
    TRACE_KEYS(NUMBER, RULE_NONE, RULE_NONE)                                                       \
    CAPTURE_KEYS(NUMBER, RULE_NONE, RULE_NONE, RULE_NONE)

static const struct config_rule rules[] = {
    {"access.listen[]", 0, 0, ADDR_AND_PORT, is_listen},
    {"access.tls.listen[]", 0, 0, ADDR_AND_PORT, is_listen},
    {"core.listen[]", 0, 0, ADDR_AND_PORT, is_listen},
    {"access.media[]", 0, 0, "the IP address of an interface", is_host},
    {"access.media_advertise[]", 0, 0, "an IP address", is_host},
    {"access.advertise", 0, 0, "a host name or IP address, with or without port", is_advertised},
    {"core.media[]", 0, 0, "the IP address of an interface", is_host},
    {"core.media_advertise[]", 0, 0, "an IP address", is_host},
    {"core.advertise", 0, 0, "a host name or IP address, with or without port", is_advertised},
    {"core.trusted[]", 0, 0, "an IP address, or a block of them as 192.0.2.0/24", is_prefix},
    {"core.next_hop", 0, 0, "request-uri, IP:PORT, or NAME[:PORT]", is_next_hop},
    {"dns.servers[]", 0, 0, ADDR_AND_PORT, is_listen},
    {"emergency.psap", 0, 0, "380, 403, or sip:USER@IP:PORT", is_psap},
    {"network.domain", 0, 0, "a domain name", is_word},
    {"network.access", 0, 0, "an access type, as IEEE-802.11", is_access},
    {"ues[].contact", 0, 0, ADDR_AND_PORT, is_listen},
    {"ues[].user", 0, 0, "the user part of a SIP URI", is_user},
    {"t38.overhead", 0, 0, "auto, or a number from 0 to 128", is_overhead},
    {"admin.token", 0, 0, "16 or more letters, digits and -._~+/=", is_token},
    {"admin.listen", 0, 0, "off, or " ADDR_AND_PORT, is_admin},
    {"trace.hep", 0, 0, "off, or udp:" ADDR_AND_PORT, is_hep},
    EVERY_NUMBER(RULE_NUMBER)};

// "ues[12].user" is "ues[].user".
static bool same_path(const char *rule, const char *path)
{
    while (*rule != '\0' && *rule == *path) {
        rule++;
        if (*path++ == '[')
            path += strspn(path, "0123456789");
    }
    return *rule == *path;
}

const struct config_rule *config_rule(const char *path)
{
    for (size_t i = 0; i < COUNT(rules); i++)
        if (same_path(rules[i].path, path))
            return &rules[i];
    return NULL;
}
