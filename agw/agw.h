// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_AGW_H
#define AGW_AGW_H
// The Iq interface as function calls: the IMS-AGW as the IMS-ALG sees it.
//
// The functions are the stage-2 procedures of TS 23.334 clause 8 and bear their names; the fields
// of the request are their information elements. Whoever puts an H.248 peer in the AGW's place one
// day replaces what is behind this file and nothing else.
//
// A context has two terminations, T1 in the access realm and T2 in the core realm, and in them one
// stream per medium. A stream has a connection point (socket) on each termination and joins the
// two. A stream replaces another (new association, other medium) by being reserved beside it: the
// old one goes on until it is released.
//
// All functions run on the signalling thread. They answer at once; what they order happens on the
// worker that owns the context, in the order of the calls. Notifications come back through the loop
// given to agw_open(), in the order in which things happened.

#include "common/addr.h"
#include "common/config.h"
#include "common/fingerprint.h"
#include "common/reason.h"
#include "common/sdes.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct agw;
struct capture;

// Streams of one context: one per media line, and as many again while they are being replaced.
#define AGW_STREAMS_MAX 64

enum agw_termination { AGW_T1, AGW_T2 }; // towards the access network, towards the core network

enum agw_transport {
    AGW_UDP,          // datagrams as they are
    AGW_UDP_DTLS,     // datagrams inside DTLS; T1 only
    AGW_RTP_SAVP,     // RTP and RTCP inside SRTP and SRTCP; T1 only
    AGW_TCP,          // a byte stream as it is
    AGW_TCP_TLS,      // a byte stream inside TLS; T1 only
    AGW_TCP_MSRP,     // MSRP, whose paths the AGW rewrites (TS 23.334 5.19.5)
    AGW_TCP_TLS_MSRP, // the same inside TLS; T1 only
    AGW_TRANSPORT_COUNT
};

// "UDP/DTLS" and so on, as the Transport protocol element is written.
static inline const char *agw_transport_name(enum agw_transport transport)
{
    static const char *const names[] = {"UDP",     "UDP/DTLS", "RTP/SAVP",    "TCP",
                                        "TCP/TLS", "TCP/MSRP", "TCP/TLS/MSRP"};
    return names[transport];
}
static inline bool agw_transport_is_tcp(enum agw_transport transport)
{
    return transport >= AGW_TCP;
}
// By (D)TLS: SRTP has its keys from SDP.
static inline bool agw_transport_is_secured(enum agw_transport transport)
{
    return transport == AGW_UDP_DTLS || transport == AGW_TCP_TLS || transport == AGW_TCP_TLS_MSRP;
}

// TCP setup direction: what the AGW is on this termination in state-aware TCP handling (TS 23.334
// 5.11.2.2.1, RFC 4145). It never forwards a connection request from one side to the other.
enum agw_tcp_setup {
    AGW_TCP_UNDECIDED, // listens; the answer will tell
    AGW_TCP_SERVER,
    AGW_TCP_CLIENT,
    AGW_TCP_HOLD, // neither, until a later Configure (holdconn)
};

// Stream mode at a termination, as seen from the AGW. (D)TLS handshakes pass whatever the mode.
enum agw_mode { AGW_SEND_RECEIVE, AGW_SEND_ONLY, AGW_RECEIVE_ONLY, AGW_INACTIVE };

// Information elements of Reserve, Configure, and Reserve and Configure AGW Connection Point
// (TS 23.334 8.2 to 8.4).
struct agw_request {
    uint32_t context;                 // Context / Context Request: 0 requests a new one
    enum agw_termination termination; // Bearer Termination
    unsigned stream;                  // 1..AGW_STREAMS_MAX, chosen by the ALG
    enum agw_transport transport;     // Transport protocol
    int family;                       // AF_INET or AF_INET6: of the local address to reserve
    bool rtcp;                        // RTCP handling: a second connection point at port + 1
    bool rtcp_mux;                    // RTCP handling: on the port of RTP (RFC 5761); the ports
                                      // above have no socket while both terminations have it so
    struct addr remote;               // Remote Connection Address; not set: not known yet
    struct addr remote_rtcp;          // not set: the port above remote (RFC 3605 2.1)
    enum latching latching;  // Latching Requirement (Reserve; stays for the life of the stream)
    bool relatch;            // latch again, onto the next source that differs (Configure)
    enum agw_mode mode;      // RTCP flows whatever the mode (RFC 3264 5.1)
    unsigned peak_rate_kbps; // Peak Data Rate of what arrives here; 0: no policing (REQ-098)
    unsigned inactivity_s;   // Media Inactivity Detection, of the stream; 0: as configured

    // SRTP: the keys of what the AGW sends and of what the UE sends. SDES_NONE: not given. Nothing
    // passes in a direction whose key was never given.
    struct sdes_crypto local_sdes;  // Local cryptographic SDES attribute
    struct sdes_crypto remote_sdes; // Remote cryptographic SDES attribute

    // (D)TLS
    bool local_fingerprint_request;          // Local certificate fingerprint Request
    struct fingerprints remote_fingerprints; // Remote certificate fingerprint; count 0: not given
    bool establish_dtls;                     // Establish (D)TLS session: AGW is client
    bool notify_dtls_failure;                // Notify (D)TLS session establishment Failure Event
    bool new_association;                    // Configure: replace the association of this stream

    // TCP. The (D)TLS role is independent of the TCP role (REQ-043): client iff establish_dtls.
    enum agw_tcp_setup tcp_setup; // TCP setup direction
    bool establish_tcp;           // Establish TCP connection: send a SYN here now
    bool tcp_trigger;        // Incoming TCP connection request as trigger: an incoming connection
                             // here makes the AGW connect on the other termination
    bool new_connection;     // Configure: replace TCP and TLS (a=connection:new)
    bool notify_tcp_failure; // Notify TCP connection establishment Failure Event
    unsigned role_guard_ms;  // TLS client: wait this long for a ClientHello of the peer (REQ-143)
    // MSRP: the path shown on this termination, "$" in it standing for the Local Connection Address
    // ("$:9": its host with port 9), and the path of the endpoint there (a list of URIs divided by
    // blanks). NULL: not given. Borrowed for the call.
    const char *msrp_local, *msrp_remote;
};

struct agw_reply {
    uint32_t context;
    struct addr local; // Local Connection Address
    struct addr local_rtcp;
    struct fingerprints local_fingerprints; // Local certificate fingerprint, one per certificate
};

// What one stream carried, for the ALG's records.
struct agw_stream_stats {
    uint64_t packets[2], bytes[2]; // received on T1, T2 and passed on
    uint64_t drops;
};

// The (D)TLS session of a stream, as far as it has come.
enum agw_dtls_state { AGW_DTLS_NONE, AGW_DTLS_HANDSHAKE, AGW_DTLS_UP, AGW_DTLS_FAILED };

// What there is to know of one stream. Addresses that are not known are not set.
struct agw_statistics {
    enum agw_transport transport[2];
    struct addr local[2];   // not set: the termination is not reserved
    struct addr remote[2];  // as configured
    struct addr latched[2]; // where media come from; of TCP: whom the connection is with
    struct agw_stream_stats carried;
    uint64_t last_media_us; // when media were last passed on, or expected from; monotonic
    enum agw_dtls_state dtls;
    bool dtls_client; // role of the AGW
    char
        dtls_text[192]; // once up: role, version, suite, the fingerprint that matched; else why not
};

// Upper bounds, in seconds, of the times that (D)TLS handshakes are sorted by: from a round trip on
// one machine to the timeout. What took longer stands behind the last.
#define AGW_HANDSHAKE_BOUNDS                                                                       \
    {                                                                                              \
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10                                    \
    }
#define AGW_HANDSHAKE_BOUND_COUNT 11

// All that the AGW has carried since it was opened, ended streams included. Never goes back.
struct agw_totals {
    unsigned streams; // now
    // by termination it was received on and transport there
    uint64_t packets[2][AGW_TRANSPORT_COUNT], bytes[2][AGW_TRANSPORT_COUNT];
    uint64_t handshakes[2][2]; // AGW as server, as client; failed, established
    uint64_t handshake_times[AGW_HANDSHAKE_BOUND_COUNT + 1]; // of the established ones
    double handshake_seconds;                                // together
};

enum agw_event {
    // procedures of TS 23.334 clause 8 that the AGW starts
    AGW_DTLS_FAILURE,    // (D)TLS session establishment Failure indication: reason
    AGW_TCP_FAILURE,     // TCP connection establishment Failure indication: reason
    AGW_BEARER_RELEASED, // IP Bearer Released
    AGW_MEDIA_INACTIVE,  // Media Inactivity Notification
    // milestones, told for the trace
    AGW_MEDIA_AGAIN,      // after a Media Inactivity Notification
    AGW_TCP_CONNECTED,    // outbound: the AGW connected; else it accepted; address
    AGW_CLIENT_HELLO,     // outbound: sent by the AGW; else received
    AGW_DTLS_ESTABLISHED, // text: role, version, suite, the fingerprint that matched
    AGW_LATCHED,          // address
    AGW_FIRST_MEDIA,      // first datagram received on this termination that was passed on
    AGW_DROPPED,          // first drop of this reason on this stream
    AGW_STREAM_RELEASED,  // the last word on a stream: stats; its ports are free again
};

// A procedure that the AGW starts, as opposed to a milestone told for the trace.
static inline bool agw_event_is_procedure(enum agw_event event)
{
    return event <= AGW_MEDIA_INACTIVE;
}

struct agw_notification {
    enum agw_event event;
    uint64_t time_us; // when it happened, not when it is told
    uint32_t context;
    enum agw_termination termination;
    unsigned stream;
    enum reason reason;
    bool outbound;
    struct addr address;
    struct agw_stream_stats stats;
    char text[192];
};

// Starts workers, certificate pool and port ranges as cfg says; cfg is copied. notify runs on loop.
// Tests that every configured media address can be bound. Returns 0 or a negative errno with a
// sentence in error (what, address, why); *out untouched.
int agw_open(struct agw **out, const struct config *cfg, uv_loop_t *loop,
             void (*notify)(void *arg, const struct agw_notification *notification), void *arg,
             char error[static CONFIG_ERROR_MAX]);
// Media are recorded by capture from now on, as the configuration says (capture.plaintext,
// capture.keys). Before the first Reserve; capture outlives the AGW. 0 or -ENOMEM.
int agw_record(struct agw *agw, struct capture *capture);
// Releases what is left, ends threads; notifications still on their way are delivered before it
// returns. The loop must run once more for its handle to go. NULL is allowed.
void agw_close(struct agw *agw);

// 8.3 Reserve AGW Connection Point. Takes a port, binds the socket, selects a certificate when a
// fingerprint is requested and binds it to this stream (REQ-060). *reply untouched on failure.
enum reason agw_reserve(struct agw *agw, const struct agw_request *request,
                        struct agw_reply *reply);
// 8.4 Configure AGW Connection Point. Only what is given changes: remote addresses that are set,
// fingerprints when there are any, keys that are given, rate and inactivity when not 0; mode and
// RTCP on the port of RTP always. With latching, an address that was latched onto outlives a new
// remote address when it differed from the old one (NAT), until media come from elsewhere.
enum reason agw_configure(struct agw *agw, const struct agw_request *request);
// 8.2 Reserve and Configure AGW Connection Point.
enum reason agw_reserve_and_configure(struct agw *agw, const struct agw_request *request,
                                      struct agw_reply *reply);
// 8.5 Release AGW Termination, for both terminations of one stream, or of all streams of the
// context with stream 0; the context goes with its last stream. Sends close_notify (REQ-078).
// Unknown contexts and streams are ignored.
void agw_release(struct agw *agw, uint32_t context, unsigned stream);

// H.248 would say AuditValue (statistics). Answers at once; nothing is asked of the worker, whose
// counts are read as they stand. latched and dtls are what notifications told: of a peer that
// changes them all the time they are some seconds old. NONE or AGW_NO_CONTEXT, *out untouched.
enum reason agw_statistics(const struct agw *agw, uint32_t context, unsigned stream,
                           struct agw_statistics *out);

void agw_totals(const struct agw *agw, struct agw_totals *out);

// Connection points in use and configured, per realm.
unsigned agw_ports_used(const struct agw *agw, enum agw_termination termination);
unsigned agw_ports_total(const struct agw *agw, enum agw_termination termination);

// Media workers that run.
unsigned agw_workers(const struct agw *agw);

// The overhead in bytes that the worst enabled suite adds to a datagram (REQ-096).
unsigned agw_dtls_overhead(const struct agw *agw);
// The same for a TLS record over TCP.
unsigned agw_tls_overhead(const struct agw *agw);

#endif
