// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_CONFIG_H
#define COMMON_CONFIG_H
// The configuration: one YAML file, every key optional, unknown keys and bad values refused with
// file, line, key and what was expected. configs/pcscf.yaml is the annotated reference.

#include "common/addr.h"
#include "common/log.h"
#include "common/sdes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Why these bounds: a lab has a handful of addresses, and UEs are written down only where they do
// not register.
#define CONFIG_LISTEN_MAX 8
#define CONFIG_UES_MAX 64
#define CONFIG_TRUSTED_MAX 32
#define CONFIG_DNS_MAX 4
#define CONFIG_NAME_MAX 128
#define CONFIG_ERROR_MAX 512

enum latching { LATCHING_OFF, LATCHING_FIRST_PACKET, LATCHING_AFTER_DTLS };
enum setup_choice { SETUP_CHOICE_ACTPASS, SETUP_CHOICE_ACTIVE, SETUP_CHOICE_PASSIVE };
enum identity_name { IDENTITY_DTLS_ID, IDENTITY_TLS_ID, IDENTITY_BOTH };
enum tcp_start { TCP_START_TRIGGER, TCP_START_EXPLICIT };
enum cema_mode { CEMA_AGNOSTIC, CEMA_AWARE };
enum verify_policy { VERIFY_LOG, VERIFY_REFUSE };
enum signalling_security { SIGNALLING_ANY, SIGNALLING_TLS, SIGNALLING_IPSEC };
enum route_policy { ROUTE_REPLACE, ROUTE_STRICT, ROUTE_OFF };
enum sdes_policy { SDES_WARN, SDES_REFUSE, SDES_ALLOW };
enum trace_messages { TRACE_MESSAGES_NONE, TRACE_MESSAGES_SDP, TRACE_MESSAGES_SIP };
enum capture_per { CAPTURE_PER_SESSION, CAPTURE_PER_TIME };
enum certificate_set { CERTIFICATE_ECDSA, CERTIFICATE_RSA, CERTIFICATE_ECDSA_RSA };

// The media security mechanisms of TS 24.229 7.2A.7, as a set of bits.
enum mediasec {
    MEDIASEC_UDPTL_DTLS = 1 << 0,
    MEDIASEC_MSRP_TLS = 1 << 1,
    MEDIASEC_BFCP_TLS = 1 << 2,
    MEDIASEC_SDES_SRTP = 1 << 3,
};

// The bit of a crypto suite in srtp_suites.
#define CONFIG_SUITE(suite) (1U << (suite))

// The bit of a form of charts (enum trace_form_name) in trace.formats.
#define CONFIG_FORM(form) (1U << (form))

// One IP realm of the AGW: where its terminations live.
struct config_realm {
    struct addr media_v4; // local address, port 0; not set: no IPv4 in this realm
    struct addr media_v6;
    struct addr shown_v4; // what SDP shows instead; not set: the local address
    struct addr shown_v6;
    uint16_t port_min;
    uint16_t port_max;
    enum latching latching; // for plain UDP, after-dtls means first-packet
};

struct config_side {
    struct addr listen[CONFIG_LISTEN_MAX]; // SIP over UDP and TCP on each
    size_t listen_count;
    char advertise[CONFIG_NAME_MAX]; // host in Via, Record-Route and Path; "": the local address
    uint16_t advertise_port;         // 0: the local one
    struct config_realm realm;
};

// SIP over TLS, towards UEs.
struct config_tls {
    struct addr listen[CONFIG_LISTEN_MAX]; // none: no TLS
    size_t listen_count;
    char certificate[CONFIG_NAME_MAX]; // PEM file; "": one is made at each start
    char key[CONFIG_NAME_MAX];         // PEM file
};

// A UE this node knows by name: what it can do, and where it is.
struct config_ue {
    char user[CONFIG_NAME_MAX]; // user part of its SIP URI
    struct addr contact;        // not set: taken from the Request-URI
    bool decided;               // mediasec counts, whatever the UE has registered
    unsigned mediasec;          // enum mediasec bits
};

struct config {
    struct config_side access;
    struct config_tls access_tls;
    struct config_side core;
    struct addr_prefix trusted[CONFIG_TRUSTED_MAX]; // sources on the core side; none: all
    size_t trusted_count;
    struct addr next_hop; // core side; not set: next_hop_name, or the Request-URI decides
    char next_hop_name[CONFIG_NAME_MAX]; // a domain or host; "": none
    uint16_t next_hop_port;              // of it; 0: as the DNS says
    bool next_hop_tcp;

    struct {
        char domain[CONFIG_NAME_MAX]; // of this (visited) network: orig-ioi, term-ioi
        char access[CONFIG_NAME_MAX]; // access-type of P-Access-Network-Info; "": none is added
        bool assert_from;             // From that is registered before the default identity
    } network;

    struct {
        bool required;                   // 403 to who is not registered here (PCSCF-030)
        bool by_host;                    // a UE is also known by its address alone
        unsigned max;                    // registrations at one time
        enum verify_policy verify;       // Security-Verify with other media mechanisms
        enum signalling_security wanted; // 421 to a REGISTER that offers less (RFC 3329)
        char store[CONFIG_NAME_MAX];     // file that survives a restart; "": none
        enum route_policy route;         // what becomes of a Route that is not the Service-Route
        bool reg_event;                  // subscribe to the registrations of users (RFC 3680)
        unsigned nat_expires_s;          // what a UE behind a NAT is told; 0: what the core says
    } registration;

    struct {
        char psap[CONFIG_NAME_MAX]; // "380", "403", or where emergency requests go
    } emergency;

    unsigned mediasec;              // own mechanisms: announced to UEs and agreed with them
    unsigned mediasec_unregistered; // of UEs that have not registered here and are not in ues
    unsigned srtp_suites;           // CONFIG_SUITE() bits: offered to UEs, and taken from them
    enum sdes_policy sdes_over_plain_sip; // SDES keys on signalling that nothing protects
    struct config_ue ues[CONFIG_UES_MAX];
    size_t ue_count;

    struct {
        enum setup_choice setup_offer;  // a=setup in offers to the UE (6.2.10.4.3)
        enum setup_choice setup_answer; // when the UE offers actpass: active or passive
        enum identity_name identity;    // name in offers to the UE
        bool notify_deferred;           // NOTE 1 of 6.2.10.4.3
        unsigned udptl_interval_ms;     // IFP interval when a=maxprate is absent
        int overhead_override;          // bytes per record; -1: worst enabled suite
        bool adjust_tias;
    } t38;

    enum tcp_start tcp_start; // how the ALG orders TCP connections (REQ-045)

    struct {
        enum cema_mode cema;   // what an offer with a=msrp-cema gets (11.3)
        unsigned record_bytes; // assumed size of a TLS record, for the bandwidth
    } msrp;

    struct {
        unsigned messages_per_s; // assumed rate, for the bandwidth
        unsigned role_guard_ms;  // REQ-143; 0: strict answerer rule
        unsigned reestablish_s;  // REQ-144: least time between two; 0: a loss ends the stream
    } bfcp;

    struct {
        unsigned workers; // 0: one per core
        enum certificate_set certificates;
        unsigned certificate_pool;     // ready certificates held
        bool legacy_suites;            // CBC and static RSA for strict RFC 7345/4975 peers
        unsigned mtu;                  // path MTU in bytes
        bool drop_oversize;            // true: drop; false: leave it to IP fragmentation
        unsigned handshake_timeout_ms; // (D)TLS session establishment
        unsigned retransmit_ms;        // first DTLS retransmission
        unsigned half_open_max;        // handshakes under way per worker
        unsigned rekey_hold_ms;        // old association kept after a new one
        unsigned gather_us;            // bound on the delay added by gathering; 0: off
        unsigned media_timeout_s;      // media inactivity; 0: off
        unsigned media_guard_ms;       // what becomes of it waits so long for media to come back
        bool policing;                 // drop what exceeds the b=AS written on a leg (REQ-098)
        char keylog[CONFIG_NAME_MAX];  // opt-in, mode 0600
    } agw;

    struct {
        struct addr servers[CONFIG_DNS_MAX]; // none: those of the system
        size_t server_count;
        unsigned timeout_ms; // of the first question to a server
    } dns;

    struct {
        unsigned sessions_max;
        unsigned requests_max; // under way at one time
        unsigned media_lines_max;
        unsigned message_max; // bytes
        unsigned drain_s;     // how long calls may end by themselves after SIGTERM
        unsigned t1_ms, timer_c_s;
        unsigned call_max_s;      // 0: calls may last for ever
        unsigned connections_max; // that others have opened
        unsigned stranger_s;      // how long one lasts without a message or a registration
        unsigned idle_s;          // how long one lasts on which nothing comes
        unsigned return_s;        // a call waits so long for its UE to connect again
    } sip;

    struct {
        char directory[CONFIG_NAME_MAX]; // charts are written here when a session ends; "": off
        unsigned formats;                // CONFIG_FORM() bits: of these charts
        unsigned events_max;             // per session
        enum trace_messages messages;    // what is kept beside the lines of SDP that matter
        struct addr hep;                 // HEP3 collector, over UDP; not set: off
        unsigned recent;                 // ended sessions that are kept for the admin endpoint
    } trace;

    struct {
        char directory[CONFIG_NAME_MAX]; // "": off
        enum capture_per per;            // what one file is
        unsigned max_mib;                // of one file
        unsigned files;                  // that are kept
        bool plaintext;                  // what is clear, and what is inside the protected packets
        bool keys;                       // what decrypts them
    } capture;

    enum log_level log_level;
    enum log_format log_format;
    struct addr admin;                 // not set: off
    char admin_token[CONFIG_NAME_MAX]; // "": none is needed, on loopback
};

// Built-in loopback defaults: access 127.0.0.1:5060, core 127.0.0.1:5070, next hop 127.0.0.1:5080.
void config_defaults(struct config *cfg);

// Reads path over the defaults. Returns 0, or -EINVAL with *cfg untouched and a sentence in error:
// "FILE:LINE: KEY: what was expected".
int config_load(struct config *cfg, const char *path, char error[static CONFIG_ERROR_MAX]);

// Takes over from fresh what can change while the process runs; the table in config_reload.c has
// it. Everything else stays; kept is called for each key of which fresh says something else, or for
// "another key" where it has no name there.
void config_reload(struct config *cfg, const struct config *fresh,
                   void (*kept)(void *arg, const char *key), void *arg);

// Logs what is allowed but unwise on this machine: ports that the kernel hands out too.
void config_warn(const struct config *cfg);

#endif
