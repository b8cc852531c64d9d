// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef SDP_SDP_H
#define SDP_SDP_H
// An SDP body as an editable document (RFC 8866): it keeps every line, its order and its spelling.
// Typed views read single lines; edits replace, insert or drop single lines and are kept in a
// journal with the clause that caused each. What no edit touches leaves byte for byte as it came.

#include "common/addr.h"
#include "common/fingerprint.h"
#include "common/sdes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sdp;

// A section is the session level or one media description, counted from 0.
#define SDP_SESSION (-1)
// Bounds on what a peer may send: far above real bodies, far below harm.
#define SDP_LINES_MAX 1024
#define SDP_LINE_MAX 4096
#define SDP_MEDIA_MAX 64

struct sdp_error {
    unsigned line; // 1-based; 0: the body as a whole
    char text[120];
};

// A piece of text inside the document; valid until the line it stands on is edited.
struct sdp_text {
    const char *at;
    size_t len;
};

// --- the document -----------------------------------------------------------------------------

// Accepts CRLF and bare LF line ends, also mixed, and remembers each; the last line may lack its
// end and empty lines may follow it. Requires v=0 first, o= once before the first m=, every line to
// have the form "x=..." (any letter, unknown ones are kept) and m= to have four fields and a
// numeric port. A missing s= or t= is accepted and lines may stand in any other order: no edit
// depends on them, and whether the body is good enough without is for the far end to say. Refused
// because an edit could be read differently by the far end: zero bytes, CR without LF, an empty
// line before other lines, a second v= or o=. Returns 0, or -EINVAL with *err naming line and
// reason ("line 4: expected ..., got ..."), or -ENOMEM; *out untouched on failure.
int sdp_parse(struct sdp **out, const char *body, size_t len, struct sdp_error *err);
// The document as if printed and parsed again: its present lines, all of them as received, and an
// empty journal. NULL: out of memory.
struct sdp *sdp_clone(const struct sdp *sdp);
void sdp_free(struct sdp *sdp);
// The whole body, malloc'ed and zero-terminated; *len without the zero. NULL: out of memory.
char *sdp_print(const struct sdp *sdp, size_t *len);

// --- typed views --------------------------------------------------------------------------------
// Section arguments: SDP_SESSION or a media index below sdp_media_count(). "Effective" views look
// at the media description first and at the session level when it has no line of that kind. A
// section that does not exist has no lines. Typed values may have blanks round them.

size_t sdp_media_count(const struct sdp *sdp);

struct sdp_media {
    struct sdp_text media; // "image"
    uint16_t port;
    unsigned port_count;   // the number after "/", 1 when absent
    struct sdp_text proto; // "UDP/TLS/UDPTL"
    struct sdp_text fmt;   // the rest of the line, without blanks round it
};
// Media descriptions always have a well-formed m= line.
struct sdp_media sdp_media(const struct sdp *sdp, size_t media);
// Case-insensitive comparison of a piece of text with a word (REQ-014).
bool sdp_text_is(struct sdp_text text, const char *word);

struct sdp_origin {
    struct sdp_text username, session_id, version, address;
};
// Read from the end of the line, so that a user name may hold blanks; missing fields are empty.
struct sdp_origin sdp_origin(const struct sdp *sdp);

// Effective c= with port of the m= line; TTL and address count after "/" are left out. -ENOENT: no
// c= line; -EINVAL: no IP literal of the family it names in it.
int sdp_connection(const struct sdp *sdp, size_t media, struct addr *out);
bool sdp_has_line(const struct sdp *sdp, int section, char type);

// First a=name or a=name:value of the section; value is empty for a property attribute, and exactly
// what stands after the colon else. It may be NULL.
// name is compared case-insensitively only when the standard says so: it never does but for T.38.
bool sdp_attribute(const struct sdp *sdp, int section, const char *name, struct sdp_text *value);
bool sdp_attribute_effective(const struct sdp *sdp, size_t media, const char *name,
                             struct sdp_text *value);
// The n-th (from 0) attribute of that name in the section.
bool sdp_attribute_nth(const struct sdp *sdp, int section, const char *name, unsigned n,
                       struct sdp_text *value);

enum sdp_setup {
    SDP_SETUP_NONE, // no line
    SDP_SETUP_ACTIVE,
    SDP_SETUP_PASSIVE,
    SDP_SETUP_ACTPASS,
    SDP_SETUP_HOLDCONN,
    SDP_SETUP_UNKNOWN, // a value RFC 4145 does not know
};
enum sdp_setup sdp_setup(const struct sdp *sdp, size_t media); // effective (RFC 4145 4, REQ-120)
const char *sdp_setup_name(enum sdp_setup setup);

// Effective: media-level lines, else session-level ones (RFC 8122 5, REQ-011). Malformed lines are
// left out; returns how many lines there were, usable or not.
unsigned sdp_fingerprints(const struct sdp *sdp, size_t media, struct fingerprints *out);

// a=dtls-id or a=tls-id, media level only (RFC 8842 4). name is "dtls-id" or "tls-id" (static);
// dtls-id wins when both stand there. Values that are not 1..256 token characters or "/" do not
// count. False: none.
bool sdp_identity(const struct sdp *sdp, size_t media, const char **name, struct sdp_text *value);

// The n-th (from 0) a=crypto of the media description (RFC 4568 5, media level only). 0; -ENOENT:
// there are not so many; -EINVAL: malformed; -ENOTSUP: well formed, but not to be served. The last
// two fill *err with line and reason, never with the key; *out is untouched.
int sdp_crypto(const struct sdp *sdp, size_t media, unsigned n, struct sdes_crypto *out,
               struct sdp_error *err);

// Where RTCP is received: a=rtcp (RFC 3605), whose address is that of c= when it has none, else the
// port above that of m= (RFC 3550 11). -ENOENT: no address is known; -EINVAL: malformed a=rtcp, or
// no port above.
int sdp_rtcp(const struct sdp *sdp, size_t media, struct addr *out);
// a=rtcp-mux: RTCP on the port of RTP (RFC 5761 5.1.1).
bool sdp_rtcp_mux(const struct sdp *sdp, size_t media);
// a=ptime in milliseconds (RFC 8866 6.4). False: absent, malformed, or not in 1..1000.
bool sdp_ptime(const struct sdp *sdp, size_t media, unsigned *milliseconds);

enum sdp_3ge2ae { SDP_3GE2AE_NONE, SDP_3GE2AE_REQUESTED, SDP_3GE2AE_APPLIED, SDP_3GE2AE_OTHER };
enum sdp_3ge2ae sdp_3ge2ae(const struct sdp *sdp, size_t media); // media level (TS 24.229 7.5.2)

enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };
enum sdp_direction sdp_direction(const struct sdp *sdp, size_t media); // effective (RFC 8866 6.7)

// b=type:value of the section (type compared case-sensitively). False: absent or not a number.
bool sdp_bandwidth(const struct sdp *sdp, int section, const char *type, uint64_t *value);
// Effective a=maxprate, a decimal fraction allowed (RFC 3890 6.3). False: absent, malformed, or
// above a million.
bool sdp_maxprate(const struct sdp *sdp, size_t media, double *packets_per_second);

// --- edits --------------------------------------------------------------------------------------
// Each returns 0 or a negative errno and leaves the document untouched on failure: -ENOMEM; -ENOENT
// when the line or section is not there; -ENOSPC when it would have more than SDP_LINES_MAX lines;
// -EINVAL when the new text is no line (a line end inside, longer than SDP_LINE_MAX), proto is not
// one word or the address is not set. So an edited document always parses again.
// clause is static text and stands in the journal. An edit that changes nothing is not journalled.
// New lines get the line end of the line before them; when that one ended with the body, it gets
// the end of its predecessor first.

// Rewrites port and proto of m=; proto NULL keeps it. Media and fmt stay as they are; a number of
// ports ("5004/2") goes, since the one port given stands for the line.
int sdp_set_media(struct sdp *sdp, size_t media, uint16_t port, const char *proto,
                  const char *clause);
// Replaces o= as a whole.
int sdp_set_origin(struct sdp *sdp, const char *username, uint64_t session_id, uint64_t version,
                   const struct addr *address, const char *clause);
// Replaces the c= line of the section, or inserts one at its place (after m= and i=). Further c=
// lines (multicast layers, RFC 8866 5.7) are dropped: they name addresses that are not ours.
int sdp_set_connection(struct sdp *sdp, int section, const struct addr *address,
                       const char *clause);
// Replaces the value of the first b=type. -ENOENT when there is none: none is ever created.
int sdp_set_bandwidth(struct sdp *sdp, int section, const char *type, uint64_t value,
                      const char *clause);
// Drops every b=type of the section, if any.
int sdp_drop_bandwidth(struct sdp *sdp, int section, const char *type, const char *clause);
// Inserts "a=" text. Inserted attributes stand before the received ones, in the order of insertion.
__attribute__((format(printf, 4, 5))) int
sdp_add_attribute(struct sdp *sdp, int section, const char *clause, const char *fmt, ...);
// Replaces the value of the first a=name, whose spelling stays. -ENOENT when there is none.
int sdp_set_attribute(struct sdp *sdp, int section, const char *name, const char *value,
                      const char *clause);
// Drops every a=name and a=name:... of the section. Returns how many, 0 included, or -ENOMEM.
int sdp_drop_attribute(struct sdp *sdp, int section, const char *name, const char *clause);

// --- the journal --------------------------------------------------------------------------------

struct sdp_edit {
    int section;
    const char *before; // without line end; NULL: inserted
    const char *after;  // NULL: dropped
    const char *clause;
};
size_t sdp_edit_count(const struct sdp *sdp);
// Borrowed from the document; the texts live as long as it does. All NULL past the end.
struct sdp_edit sdp_edit_at(const struct sdp *sdp, size_t index);

#endif
