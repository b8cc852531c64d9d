// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_TLS_H
#define AGW_TLS_H
// One TLS session (TLS 1.2 and 1.3) over a byte stream, whose peer is verified by certificate
// fingerprint inside the handshake (RFC 8122 6.2). It owns no socket and no clock: bytes are handed
// in, bytes for the peer and plaintext come out into buffers of the caller, which all sessions of a
// worker may share.

#include "agw/certificate.h"
#include "common/config.h"
#include "common/fingerprint.h"
#include "common/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// --- what sessions of one AGW have in common ----------------------------------------------------

struct tls_profile;
// Suites and versions from cfg (TS 33.210 6.2, RFC 9325). Shared read-only by all workers.
int tls_profile_open(struct tls_profile **out, const struct config *cfg);
void tls_profile_close(struct tls_profile *profile); // NULL is allowed
// Bytes the worst enabled suite adds to one record (REQ-096).
unsigned tls_profile_overhead(const struct tls_profile *profile);

// --- a session ----------------------------------------------------------------------------------

struct tls;

enum tls_state {
    TLS_HANDSHAKE,   // also while it waits for the fingerprints of the peer
    TLS_ESTABLISHED, // peer verified
    TLS_CLOSED,      // ended by the peer: close_notify, fatal alert, end of the stream
    TLS_FAILED,      // see tls_failure()
};

// Room for output: len bytes of size are in use.
struct tls_room {
    uint8_t *bytes;
    size_t size;
    size_t len;
};

// Plaintext of a record, and what a record may add to it (RFC 5246 6.2.3).
#define TLS_PLAINTEXT_MAX 16384
#define TLS_EXPANSION_MAX 2048
// Room that always suffices: for the plaintext of len bytes handed in, for the records of len bytes
// of plaintext sent. Handshakes and alerts fit into what is left of 4096 bytes on top.
#define TLS_PLAIN_ROOM(len) ((len) + TLS_PLAINTEXT_MAX + TLS_EXPANSION_MAX)
#define TLS_WIRE_ROOM(len)                                                                         \
    ((len) + ((len) / TLS_PLAINTEXT_MAX + 1) * TLS_RECORD_OVERHEAD_MAX + TLS_CONTROL_ROOM)
// The worst suite of the legacy profile: header, IV, MAC, padding.
#define TLS_RECORD_OVERHEAD_MAX 128
#define TLS_CONTROL_ROOM 16384

// Opens a session. certificate is borrowed and must outlive it. remote may be empty: the handshake
// then parks before verification until tls_set_fingerprints(). NULL: no memory.
struct tls *tls_open(const struct tls_profile *profile, bool server,
                     const struct certificate *certificate, const struct fingerprints *remote);
// As client: the ClientHello goes into wire.
void tls_start(struct tls *tls, struct tls_room *wire);
// The fingerprints are known now; a parked handshake goes on.
void tls_set_fingerprints(struct tls *tls, const struct fingerprints *remote,
                          struct tls_room *plain, struct tls_room *wire);

// Takes all of in. Plaintext of the verified peer goes behind what is in plain, what must be sent
// to the peer behind what is in wire.
void tls_receive(struct tls *tls, const uint8_t *in, size_t len, struct tls_room *plain,
                 struct tls_room *wire);
// The stream has ended without a word of TLS: what that means depends on the state.
void tls_stream_ended(struct tls *tls);
// Makes records of data. 0, or -ENOTCONN when not established.
int tls_send(struct tls *tls, const uint8_t *data, size_t len, struct tls_room *wire);
// close_notify, once, when there is a session to close; nothing may be sent afterwards.
void tls_finish(struct tls *tls, struct tls_room *wire);

enum tls_state tls_state(const struct tls *tls);
// False while the handshake is parked: what the peer sends should wait where it is.
bool tls_wants_input(const struct tls *tls);
bool tls_is_server(const struct tls *tls);
enum reason tls_failure(const struct tls *tls); // once TLS_FAILED
// "server, TLS1.3, TLS-AES-128-GCM-SHA256, SHA-256 4A:AD.. matched" for the trace.
void tls_describe(const struct tls *tls, char *buf, size_t size);

// Frees; NULL is allowed.
void tls_close(struct tls *tls);

// The first byte of a stream that speaks TLS: a handshake record (RFC 8446 5.1).
static inline bool tls_begins_with(const uint8_t *in, size_t len)
{
    return len > 0 && in[0] == 22 && (len < 2 || in[1] == 3);
}

// Key material is told as lines of a key log (NSS format), from when it is derived on; to be asked
// for at once after opening.
void tls_tell_secrets(struct tls *tls, void (*tell)(void *arg, const char *line, size_t len),
                      void *arg);

#endif
