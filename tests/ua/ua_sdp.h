// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_SDP_H
#define UA_SDP_H
// What one side of a call says in SDP: written from scratch, read through sdp/.

#include "sdp/sdp.h"

enum medium_kind { MEDIUM_OTHER, MEDIUM_AUDIO, MEDIUM_FAX, MEDIUM_MSRP, MEDIUM_BFCP };
enum medium_connection { CONNECTION_NONE, CONNECTION_NEW, CONNECTION_EXISTING };

#define MEDIA_MAX 8     // m= lines this user agent deals with
#define BANDWIDTH_MAX 8 // b= lines it writes
#define PROTO_MAX 32
#define IDENTITY_MAX 257
#define SDP_WHY_MAX 160
#define PATH_TEXT_MAX 512
#define CRYPTOS_MAX 4

// BFCP lines (RFC 8856 5).
struct floor_terms {
    char control[32]; // a=floorctrl: "c-only", "s-only"; "" when absent
    bool has_ids;     // confid, userid and floorid are there: the floor control server writes them
    uint32_t conference;
    uint16_t user, floor;
};

struct medium {
    enum medium_kind kind;
    char type[16]; // "image"
    char proto[PROTO_MAX];
    char format[64]; // "t38"
    struct addr at;  // port 0: refused
    bool secure;     // UDP/TLS/UDPTL, TCP/TLS/MSRP, TCP/TLS/BFCP, RTP/SAVP
    enum sdp_setup setup;
    enum sdp_direction direction;
    enum sdp_3ge2ae e2ae;
    const char *identity_name; // "dtls-id", "tls-id"; NULL: no identity
    char identity[IDENTITY_MAX];
    struct fingerprints fingerprints;
    enum medium_connection connection; // a=connection (RFC 4145 5)
    char path[PATH_TEXT_MAX];          // a=path (RFC 4975 8.2)
    bool cema;                         // a=msrp-cema (RFC 6714 5.2)
    struct floor_terms floor;
    struct sdes_crypto crypto[CRYPTOS_MAX]; // those that can be read
    unsigned crypto_count;
    struct addr rtcp; // where its RTCP goes
    bool rtcp_mux;
    char bandwidth[64]; // read only: "AS:60", "AS:60,RR:0"; "" when there is none
};

struct description {
    uint64_t session_id, version; // of o=
    struct addr origin;
    unsigned count;
    struct medium media[MEDIA_MAX];
    char session_bandwidth[64]; // read only, as above
};

// What an offer or answer of ours carries besides.
struct sdp_extras {
    unsigned bandwidth_count;
    const char *bandwidth[BANDWIDTH_MAX]; // "AS:60"; "session:AS:60" for the session level
    const char *maxprate;                 // NULL: none
};

// MSRP or BFCP.
bool medium_is_stream(enum medium_kind kind);
const char *medium_connection_text(enum medium_connection connection); // "-" when absent
// Returns 0, or -EINVAL with a sentence in why.
int description_read(struct description *out, const char *body, size_t len,
                     char why[static SDP_WHY_MAX]);
// The caller frees. NULL: out of memory.
char *description_write(const struct description *d, const struct sdp_extras *extras);
const char *medium_role_text(const struct medium *m); // a=setup value, "-" when absent

#endif
