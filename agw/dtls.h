// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_DTLS_H
#define AGW_DTLS_H
// One DTLS association (RFC 6347) whose peer is verified by certificate fingerprint inside the
// handshake (RFC 8122 6.2). It owns no socket and no clock: datagrams are handed in, datagrams and
// plaintext are handed out through callbacks, time is an argument.

#include "agw/certificate.h"
#include "common/config.h"
#include "common/fingerprint.h"
#include "common/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// --- what associations of one AGW have in common ------------------------------------------------

struct dtls_profile;
// Suites, versions, cookie secret, MTU, timers and key log from cfg. Shared read-only by all
// workers. Returns 0 or a negative errno, which the log explains; *out untouched.
int dtls_profile_open(struct dtls_profile **out, const struct config *cfg);
void dtls_profile_close(struct dtls_profile *profile);
// Bytes the worst enabled suite adds to one datagram (REQ-096).
unsigned dtls_profile_overhead(const struct dtls_profile *profile);

// --- before any state ---------------------------------------------------------------------------

// What a datagram is, by RFC 7983 7 and by what the first byte alone cannot tell: the STUN magic
// cookie and the DTLS record version are checked (REQ-071, REQ-128).
enum dtls_class { DTLS_CLASS_RECORD, DTLS_CLASS_CLIENT_HELLO, DTLS_CLASS_STUN, DTLS_CLASS_OTHER };
enum dtls_class dtls_classify(const uint8_t *datagram, size_t len);

// What a verified cookie proves; handed to dtls_open_server().
struct dtls_hello {
    union { // room for gnutls_dtls_prestate_st
        uint64_t words[8];
    };
};
// Stateless cookie exchange (RFC 6347 4.2.1, REQ-077). peer is the source address as bytes. True:
// the cookie is valid, *hello is filled. False: reply holds the HelloVerifyRequest to send (its
// length in *reply_len, 0 for none).
#define DTLS_COOKIE_REPLY_MAX 320
bool dtls_cookie_check(const struct dtls_profile *profile, const void *peer, size_t peer_len,
                       const uint8_t *datagram, size_t len, struct dtls_hello *hello,
                       uint8_t reply[static DTLS_COOKIE_REPLY_MAX], size_t *reply_len);

// --- an association -----------------------------------------------------------------------------

struct dtls;

enum dtls_state {
    DTLS_HANDSHAKE,   // also while it waits for the fingerprints of the peer (NOTE 3)
    DTLS_ESTABLISHED, // peer verified
    DTLS_CLOSED,      // the established peer sent close_notify or a fatal alert
    DTLS_FAILED,      // see dtls_failure()
};

// Neither function may call anything of the same association.
struct dtls_sink {
    // A datagram for the peer. Loss is allowed.
    void (*transmit)(void *arg, const void *datagram, size_t len);
    // The content of one application_data record of the verified peer (REQ-070). data is borrowed.
    void (*deliver)(void *arg, const void *data, size_t len);
    void *arg;
};

// A server after a valid cookie. certificate is borrowed and must outlive the association. remote
// may be empty: the handshake then parks before verification until dtls_set_fingerprints(). NULL:
// no memory. The datagram that carried the cookie is fed with dtls_receive() next.
struct dtls *dtls_open_server(const struct dtls_profile *profile, const struct dtls_hello *hello,
                              const struct certificate *certificate,
                              const struct fingerprints *remote, struct dtls_sink sink,
                              uint64_t now_us);
// A client; its ClientHello leaves at once (REQ-074).
struct dtls *dtls_open_client(const struct dtls_profile *profile,
                              const struct certificate *certificate,
                              const struct fingerprints *remote, struct dtls_sink sink,
                              uint64_t now_us);
// What the peer is verified against from now on. A parked handshake goes on at once, with what
// arrived while it waited, and has the whole handshake timeout again. Without effect once the
// handshake is over: another peer is another association.
void dtls_set_fingerprints(struct dtls *dtls, const struct fingerprints *remote, uint64_t now_us);

// Takes one datagram, which may hold several records; deliver runs once per application record.
// Returns true when at least one record authenticated under the keys of an established association:
// the proof that lets a latch move (NAT rebinding).
bool dtls_receive(struct dtls *dtls, const uint8_t *datagram, size_t len, uint64_t now_us);
// Sends data as one record in one datagram. 0; -ENOTCONN before establishment; -EMSGSIZE.
int dtls_send(struct dtls *dtls, const void *data, size_t len);

// When dtls_tick() wants to be called next, absolute; UINT64_MAX: not at all.
uint64_t dtls_deadline(const struct dtls *dtls);
// Retransmission and handshake timeout.
void dtls_tick(struct dtls *dtls, uint64_t now_us);

enum dtls_state dtls_state(const struct dtls *dtls);
// Why, once DTLS_FAILED:
//   DTLS_FINGERPRINT, WEAK_FINGERPRINT, DTLS_NO_CERTIFICATE  the peer got a fatal bad_certificate
//   DTLS_HANDSHAKE    nothing in common, or the handshake is broken; the peer got a fatal alert,
//                     unless it was its own alert in answer to our ClientHello
//   DTLS_REFUSED      the peer sent a fatal alert or close_notify
//   DTLS_TIMEOUT      nobody got anything
//   AGW_NO_RESOURCE   memory ran out; the peer got a fatal alert
// The alert is sent again when the peer repeats its flight, until dtls_close() (REQ-131).
enum reason dtls_failure(const struct dtls *dtls);
// "server, DTLS1.2, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, SHA-256 4A:AD.. matched" for the
// trace; before and instead of establishment what it waits for or why it failed.
void dtls_describe(const struct dtls *dtls, char *buf, size_t size);
// Records dropped without an alert (RFC 6347 4.1.2.7) since the last call.
unsigned dtls_take_discarded(struct dtls *dtls);

// close_notify when established, then frees. NULL is allowed.
void dtls_close(struct dtls *dtls);

// Key material is told as lines of a key log (NSS format), from when it is derived on; to be asked
// for at once after opening.
void dtls_tell_secrets(struct dtls *dtls, void (*tell)(void *arg, const char *line, size_t len),
                       void *arg);

#endif
