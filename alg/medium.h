// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_MEDIUM_H
#define ALG_MEDIUM_H
// One media line of a session, and the AGW stream behind it.
//
// A medium is what one offer/answer exchange says about a media line; the stream is what the AGW
// holds for it. An exchange that changes nothing makes a new medium on the same stream; one that
// needs a new association, connection or another kind of medium takes a new stream and the old one
// retires.

#include "alg/bandwidth.h"
#include "alg/decision.h"
#include "alg/side.h"
#include "sdp/sdp.h"

// "32 random alphanumeric characters: valid under every grammar" (REQ-025, RFC 8842 4).
#define IDENTITY_LEN 32
// The longest identity any draft allowed to receive.
#define IDENTITY_PEER_MAX 256

// One connection point as the AGW has it. Indexed by side: T1 access, T2 core.
struct point {
    bool reserved;
    struct addr local, local_rtcp;
    struct addr remote, remote_rtcp; // as configured
    enum agw_mode mode;
    bool rtcp_mux;
    enum agw_tcp_setup tcp;
    bool started;     // a TCP connection was ordered here: explicit or as trigger
    bool paths_given; // MSRP: both paths
};

// The SDES keys of a stream under SRTP.
struct stream_keys {
    struct sdes_crypto own[SDES_SUITES]; // one for each suite, for the life of the stream
    struct sdes_crypto local, remote;    // as the AGW has them
};

struct stream {
    unsigned id;
    unsigned uses; // media that hold it: agreed, proposed
    enum agw_transport transport[2];
    bool rtcp;
    struct stream_keys *keys; // RTP/SAVP; else NULL
    bool failed;              // released after a failure; its media line is dead
    bool lost; // failed after it had been up: its TCP connection or (D)TLS session ended
    struct point point[2];
    struct fingerprints *local; // certificates of T1; NULL: none
    struct fingerprints *bound; // fingerprints of the UE that T1 verifies against; NULL: none yet
    bool notify_armed;
    bool agw_client;                 // (D)TLS role of the present association
    char identity[IDENTITY_LEN + 1]; // our association identity (T.38)
    struct stream *next;             // in the list of those that retire
};

// What the SDP of one side says about the medium.
struct medium_peer {
    bool seen;
    struct addr remote, remote_rtcp; // not set: no IP literal
    bool rtcp_mux;                   // a=rtcp-mux
    bool held;                       // c=0.0.0.0 or ::
    enum sdp_direction direction;
    unsigned written_kbps; // b=AS as the ALG passes it on; 0: none (REQ-098)
    enum sdp_setup setup;  // TCP media: a=setup with its default filled in
    char *path;            // MSRP: a=path of the endpoint
};

struct medium {
    const struct profile *profile; // NULL: not anchored
    enum medium_kind kind;
    enum treatment treatment;
    bool offered;          // port of the offer was not 0
    bool dead;             // answered with port 0, or rejected
    enum reason rejected;  // why the ALG itself set port 0
    struct stream *stream; // NULL: none
    enum agw_transport transport[2];
    struct medium_peer peer[2];
    struct bandwidth_overhead overhead;
    bool feedback; // RTP: AVPF, SAVPF

    // e2ae
    struct fingerprints ue;    // fingerprints of the UE
    const char *identity_name; // as the UE wrote it; NULL: it wrote none
    char ue_identity[IDENTITY_PEER_MAX + 1];
    enum sdp_setup offered_setup; // the value that stood in the offer on the access leg
    bool agw_client;              // AGW needs to act as (D)TLS client
    bool new_association;         // the answer of the UE asks for one on this stream
    struct sdes_crypto ue_sdes;   // key of the UE; SDES_NONE: none yet

    // TCP media
    enum agw_tcp_setup tcp[2];
    bool new_connection;  // a=connection:new in the answer to existing (RFC 4145 5)
    bool aware;           // MSRP: the AGW rewrites paths
    uint64_t returned_us; // BFCP: when a lost connection was last re-established; 0: never
    char *shown[2];       // MSRP: the path the ALG shows on each leg
};

// What profiles and the writers need to know of an SDP body.
struct body {
    struct sdp *sdp;
    enum side from; // who sent it
    const struct config *cfg;
    uint64_t now_us;
    struct trace *trace;
    unsigned record_overhead[2]; // bytes the worst suite adds: [0] DTLS, [1] TLS
};

#endif
