// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_REASON_H
#define COMMON_REASON_H
// Why something was refused, dropped or ended: one table for log, counter, SIP response and chart.
//
// X(id, SIP status, chart label, text, clause)
//   id      enum REASON_<id>; in lower case the name of the counter
//   status  what a SIP request that fails for it is answered with; 0 where no SIP answer exists
//   label   a few words for an arrow or note of a chart
//   text    one sentence for people, also the text of a Reason header field
//   clause  where it is written

#include <stdint.h>

#define REASON_TABLE(X)                                                                            \
    X(NONE, 0, "ok", "Nothing is wrong", "")                                                       \
    /* SIP and SDP */                                                                              \
    X(BAD_REQUEST, 400, "malformed request", "The request is malformed", "RFC 3261 16.3")          \
    X(BAD_SDP, 400, "malformed SDP", "The SDP body is malformed", "RFC 8866 5")                    \
    X(BAD_SDP_ANSWER, 502, "malformed answer", "The SDP answer cannot be used", "RFC 3264 6")      \
    X(BODY_ENCODED, 415, "encoded body", "A body with Content-Encoding cannot be anchored",        \
      "RFC 3261 8.2.3")                                                                            \
    X(BAD_EXTENSION, 420, "unknown extension", "Proxy-Require names an unknown extension",         \
      "RFC 3261 16.3")                                                                             \
    X(TOO_MANY_HOPS, 483, "too many hops", "Max-Forwards has reached zero", "RFC 3261 16.3")       \
    X(LOOP, 482, "loop", "The request has been here before, unchanged", "RFC 3261 16.3")           \
    X(NO_DIALOG, 481, "no such dialog", "The dialog or transaction does not exist",                \
      "RFC 3261 12.2.2")                                                                           \
    X(NO_ROUTE, 404, "no route", "There is no IP address to send the request to", "RFC 3261 16.5") \
    X(NAME_UNKNOWN, 404, "no such name", "The name of the next hop has no address", "RFC 3263 4")  \
    X(NAME_TIMEOUT, 504, "name not resolved", "No name server has answered for the next hop",      \
      "RFC 3263 4")                                                                                \
    X(NAME_LIMIT, 503, "too many names", "Too many names are being resolved", "RFC 3263 4")        \
    X(NAME_BYPASSED, 0, "name bypassed",                                                           \
      "The name in Route has no address; the request went to the next hop that is known",          \
      "RFC 3263 4")                                                                                \
    X(GLARE, 491, "offer pending", "Another offer of this dialog is still open", "RFC 3261 14.2")  \
    X(SESSION_LIMIT, 503, "too many sessions", "The configured number of sessions is reached",     \
      "RFC 3261 21.5.4")                                                                           \
    X(CONNECTION_LIMIT, 0, "too many connections",                                                 \
      "More connections towards SIP listening points than are taken at one time",                  \
      "RFC 3261 26.3.2.4")                                                                         \
    X(CONNECTION_STRANGER, 0, "nothing came",                                                      \
      "A connection of nobody who is registered, on which no message has come",                    \
      "RFC 3261 26.3.2.4")                                                                         \
    X(CONNECTION_IDLE, 0, "idle", "A SIP connection on which nothing has come for long",           \
      "RFC 3261 18")                                                                               \
    X(CONNECTION_ENDED, 0, "not closed", "The peer keeps a SIP connection open that was ended",    \
      "RFC 3261 18.3")                                                                             \
    /* registration */                                                                             \
    X(REGISTRATION_LIMIT, 503, "too many registrations",                                           \
      "The configured number of registrations is reached", "RFC 3261 21.5.4")                      \
    X(REGISTRATION_EXPIRED, 480, "registration expired",                                           \
      "The registration was not renewed in time", "TS 24.229 5.2.5")                               \
    X(DEREGISTERED, 480, "de-registered", "The UE is no longer registered", "TS 24.229 5.2.5")     \
    X(NETWORK_DEREGISTERED, 480, "de-registered by the network",                                   \
      "The network has ended the registration of the UE", "TS 24.229 5.2.5.2")                     \
    X(SUBSCRIBE_REFUSED, 0, "reg-event refused",                                                   \
      "The core has refused the subscription to a user's registration", "TS 24.229 5.2.3")         \
    X(REGINFO, 0, "reginfo not read", "The body of a NOTIFY is no reginfo document", "RFC 3680 5") \
    X(STORE_DAMAGED, 0, "store damaged",                                                           \
      "The file of registrations was damaged and has been set aside", "")                          \
    X(STORE_WRITE, 0, "store not written", "A registration could not be written to its file", "")  \
    X(STORE_RECORD, 0, "record not restored", "A stored registration could not be put back", "")   \
    X(SECURITY_DIFFERS, 0, "security agreement differs",                                           \
      "Security-Verify does not mirror the media mechanisms that were sent; with others than "     \
      "those none is agreed on",                                                                   \
      "RFC 3329 2.3.1")                                                                            \
    X(NOT_REGISTERED, 403, "not registered", "The sender is not registered here",                  \
      "TS 24.229 5.2.6.3")                                                                         \
    X(NO_FLOW, 480, "flow lost", "The flow of the UE is lost", "TS 24.229 5.2.6.4.3")              \
    X(FLOW_FAILED, 430, "flow failed", "The flow of the UE has failed; another one may work",      \
      "RFC 5626 5.3")                                                                              \
    X(PATH_UNKNOWN, 480, "unknown Path", "The Path names no registration of this P-CSCF",          \
      "TS 24.229 5.2.6.4.3")                                                                       \
    X(REGISTRAR_DOWN, 504, "no entry point", "The home network cannot be reached",                 \
      "TS 24.229 5.2.2.1")                                                                         \
    X(SECURITY_NOT_AGREED, 494, "security agreement differs",                                      \
      "Security-Verify is not what was sent in Security-Server", "RFC 3329 2.3.1")                 \
    X(SECURITY_REQUIRED, 421, "sec-agree required",                                                \
      "The REGISTER offers none of the mechanisms that the policy wants", "RFC 3329 2.3.1")        \
    X(CALLER_CANCELLED, 487, "cancelled", "The caller gave up", "RFC 3261 9.1")                    \
    X(CALLEE_REFUSED, 0, "refused", "The called side refused the call", "RFC 3261 16.7")           \
    X(NO_ANSWER, 408, "no answer", "The called side did not answer in time", "RFC 3261 16.8")      \
    X(NEXT_HOP_DOWN, 500, "next hop down", "The next hop cannot be reached", "RFC 3261 16.9")      \
    X(SHUTDOWN, 503, "shutting down", "The P-CSCF is shutting down", "TS 24.229 5.2.8.1")          \
    X(OPERATOR, 503, "ended by the operator", "The operator of the P-CSCF has ended the session",  \
      "TS 24.229 5.2.8.1")                                                                         \
    X(SESSION_EXPIRED, 0, "session expired", "Nobody has refreshed the session in time",           \
      "RFC 4028 8.3")                                                                              \
    X(CALL_TOO_LONG, 503, "call too long", "The call has lasted as long as a call may",            \
      "TS 24.229 5.2.8.1.2")                                                                       \
    X(SIGNALLING_LOST, 500, "signalling lost", "The UE can no longer be reached",                  \
      "TS 24.229 5.2.8.1")                                                                         \
    X(UNTRUSTED_SOURCE, 403, "not trusted", "The source is none of the trusted core nodes",        \
      "TS 33.210 5")                                                                               \
    X(NOT_A_PARTY, 403, "not a party", "The sender is no party of the dialog",                     \
      "TS 24.229 5.2.6.3.5")                                                                       \
    X(ROUTE_MISMATCH, 400, "wrong route", "Route differs from the Service-Route of the UE",        \
      "TS 24.229 5.2.6.3.3")                                                                       \
    X(OVERLOAD, 503, "overload", "Too many requests are under way", "RFC 3261 21.5.4")             \
    X(EMERGENCY_REFUSED, 403, "no emergency calls", "Emergency calls are not served here",         \
      "TS 24.229 5.2.10")                                                                          \
    X(EMERGENCY_ELSEWHERE, 380, "use another network",                                             \
      "Emergency calls are served by the circuit-switched network", "TS 24.229 5.2.10")            \
    X(ACK_MISSING, 0, "no ACK", "The answer was never acknowledged", "RFC 3261 13.3.1.4")          \
    X(INTERNAL, 500, "internal error", "The P-CSCF could not do its part", "RFC 3261 21.5.1")      \
    /* e2ae: what the SDP of the UE or the core lacks */                                           \
    X(E2AE_NOT_CAPABLE, 488, "e2ae not agreed",                                                    \
      "End-to-access-edge security was requested but is not agreed with this UE",                  \
      "TS 24.229 6.7.2")                                                                           \
    X(NO_FINGERPRINT, 488, "no fingerprint", "The secured media line has no usable fingerprint",   \
      "RFC 8122 5")                                                                                \
    X(WEAK_FINGERPRINT, 488, "weak fingerprint",                                                   \
      "Every fingerprint of the media line uses a hash that must not be checked", "RFC 8122 5")    \
    X(NO_CRYPTO, 488, "no usable key",                                                             \
      "The secured media line has no a=crypto that can be served", "RFC 4568 7.1.2")               \
    X(CRYPTO_IN_ANSWER, 502, "illegal key in answer",                                              \
      "The a=crypto of the answer takes up none of the offered ones", "RFC 4568 7.1.3")            \
    X(SDES_IN_CLEAR, 488, "key in clear",                                                          \
      "SDES keys would travel over signalling that nothing protects", "TS 33.328 5.4")             \
    X(SETUP_HOLDCONN, 488, "setup holdconn", "a=setup:holdconn must not be used with DTLS",        \
      "RFC 8842 5.1")                                                                              \
    X(SETUP_IN_ANSWER, 502, "illegal setup", "The a=setup value of the answer is not legal",       \
      "RFC 4145 4.1")                                                                              \
    X(CONNECTION_CONTRADICTS, 488, "a=connection contradicts",                                     \
      "a=connection says existing and the TLS identity has changed, or new and it is the same",    \
      "RFC 8842 7")                                                                                \
    X(BFCP_TOO_SOON, 488, "re-established too soon",                                               \
      "A lost BFCP connection may be re-established once in a while, not over and over",           \
      "RFC 8855 6.1")                                                                              \
    X(PROTO_CHANGED, 502, "proto changed", "The answer names another transport than the offer",    \
      "RFC 3264 6.1")                                                                              \
    X(MEDIA_COUNT, 502, "media lines differ", "The answer has another number of media lines",      \
      "RFC 3264 6")                                                                                \
    /* AGW: control */                                                                             \
    X(AGW_NO_PORT, 503, "no port left", "The port range of the realm is used up", "TS 23.334 8.3") \
    X(AGW_NO_ADDRESS, 503, "no such address family",                                               \
      "The realm has no local address of the family that is needed", "TS 23.334 5.2")              \
    X(AGW_NO_RESOURCE, 503, "no resource", "The AGW has no socket, memory or certificate left",    \
      "TS 23.334 8.3")                                                                             \
    X(AGW_NO_CONTEXT, 500, "no such context", "The AGW does not know the context or stream",       \
      "TS 23.334 8.4")                                                                             \
    X(AGW_BAD_REQUEST, 500, "bad Iq request", "The AGW cannot do what the request asks",           \
      "TS 23.334 8")                                                                               \
    /* AGW: (D)TLS session establishment */                                                        \
    X(DTLS_FINGERPRINT, 488, "fingerprint mismatch",                                               \
      "The certificate of the peer matches none of the fingerprints in its SDP",                   \
      "TS 23.334 5.11.2.2.1, RFC 8122 6.2")                                                        \
    X(DTLS_NO_CERTIFICATE, 488, "no certificate", "The peer presented no certificate",             \
      "RFC 8122 6.2")                                                                              \
    X(DTLS_TIMEOUT, 504, "DTLS timeout", "The (D)TLS handshake did not finish in time",            \
      "TS 23.334 5.11.2.2.1")                                                                      \
    X(DTLS_HANDSHAKE, 488, "DTLS failed", "The (D)TLS handshake failed: no common ground",         \
      "RFC 6347 4.2")                                                                              \
    X(DTLS_REFUSED, 488, "refused by peer", "The peer ended the (D)TLS handshake with an alert",   \
      "RFC 8122 6.2")                                                                              \
    X(DTLS_RENEGOTIATION, 488, "renegotiation", "The peer asked for insecure renegotiation",       \
      "RFC 5746 4.4")                                                                              \
    X(TCP_CONNECT, 504, "TCP failed", "The TCP connection could not be established",               \
      "TS 23.334 5.11.2.2.1")                                                                      \
    X(TCP_TIMEOUT, 504, "TCP timeout", "No TCP connection was established in time",                \
      "TS 23.334 5.11.2.2.1")                                                                      \
    X(TLS_ON_PLAIN, 488, "TLS on plain leg", "A ClientHello on a TCP connection that is plain",    \
      "RFC 4975 6")                                                                                \
    X(PLAIN_ON_TLS, 488, "plain on TLS leg", "Clear data on a TCP connection that must be TLS",    \
      "RFC 4975 6")                                                                                \
    X(MSRP_FRAMING, 503, "broken MSRP", "The MSRP framing is broken", "RFC 4975 7.1")              \
    X(MSRP_NO_ACTIVE, 502, "nobody connects", "Both MSRP endpoints want to be connected to",       \
      "RFC 4975 5.4")                                                                              \
    X(MSRP_CEMA_REFUSED, 502, "no CEMA", "The answerer would connect past the AGW",                \
      "RFC 6714 4.3")                                                                              \
    X(MSRP_NO_PATH, 488, "no MSRP path", "The MSRP media line has no usable a=path",               \
      "RFC 4975 8.2")                                                                              \
    X(TCP_REFUSED, 0, "connection refused",                                                        \
      "A TCP connection nobody expected: a second one, or from a wrong address",                   \
      "TS 23.334 5.11.2.2.1")                                                                      \
    X(BEARER_RELEASED, 503, "bearer released", "The peer closed the (D)TLS session",               \
      "TS 23.334 8")                                                                               \
    X(MEDIA_INACTIVE, 503, "media inactive", "No media arrived for the configured time",           \
      "TS 23.334 8")                                                                               \
    X(LATE_NOTIFICATION, 0, "late notification",                                                   \
      "The AGW reported on a termination that was released already", "REQ-106")                    \
    /* AGW: datagrams that go nowhere */                                                           \
    X(DROP_CLEAR_ON_DTLS, 0, "clear datagram", "A clear datagram on a UDP/DTLS termination",       \
      "RFC 7345 3")                                                                                \
    X(DROP_STUN, 0, "STUN", "A STUN message on a termination without ICE", "RFC 7983 7")           \
    X(DROP_UNVERIFIED, 0, "not verified yet", "Data before the peer was verified", "RFC 8842 5.2") \
    X(DROP_NO_REMOTE, 0, "no destination", "The other termination has no remote address yet",      \
      "TS 23.334 5.4")                                                                             \
    X(DROP_WRONG_SOURCE, 0, "wrong source", "A datagram from an address that is not the peer's",   \
      "TS 23.334 5.4")                                                                             \
    X(DROP_EARLY_HELLO, 0, "early ClientHello",                                                    \
      "A ClientHello before the remote address was known, without latching",                       \
      "TS 23.334 6.2.10.4.3 NOTE 3")                                                               \
    X(DROP_BAD_RECORD, 0, "bad record", "A DTLS record that is broken, replayed or not for us",    \
      "RFC 6347 4.1.2.7")                                                                          \
    X(DROP_NO_COOKIE, 0, "no cookie",                                                              \
      "A ClientHello without a valid cookie was answered statelessly", "RFC 6347 4.2.1")           \
    X(DROP_HALF_OPEN, 0, "too many handshakes", "The bound on half-open handshakes is reached",    \
      "RFC 6347 4.2.1")                                                                            \
    X(DROP_GATE, 0, "gate closed", "The stream mode does not let media through", "TS 23.334 5.4")  \
    X(DROP_NO_KEY, 0, "no key yet", "SRTP before both keys are known", "TS 23.334 6.2.10.2")       \
    X(DROP_NOT_RTP, 0, "not RTP", "A datagram on an RTP/SAVP stream that is no RTP or RTCP",       \
      "RFC 3550 5.1")                                                                              \
    X(DROP_SRTP_AUTH, 0, "not authentic", "An SRTP packet that does not authenticate",             \
      "RFC 3711 3.3")                                                                              \
    X(DROP_SRTP_REPLAY, 0, "replayed", "An RTP packet that was there before, or is too old",       \
      "RFC 3711 3.3.2")                                                                            \
    X(DROP_SRTP_SOURCES, 0, "too many sources", "More SSRCs under one key than are kept apart",    \
      "RFC 3711 9.1")                                                                              \
    X(DROP_KEY_SPENT, 0, "key spent", "The key has protected as many packets as it may",           \
      "RFC 3711 9.2")                                                                              \
    X(DROP_OVERSIZE, 0, "oversize", "A datagram that does not fit the path MTU after protection",  \
      "RFC 6347 4.1.1")                                                                            \
    X(DROP_RATE, 0, "above peak rate", "A datagram above the peak data rate of its termination",   \
      "TS 23.334 5.3")                                                                             \
    X(DROP_SEND, 0, "send failed", "The kernel did not take the datagram", "")                     \
    /* the trace itself */                                                                         \
    X(TRACE_FULL, 0, "trace full", "The session has more events than the trace keeps", "")         \
    X(HEP_LOST, 0, "HEP lost", "A packet for the HEP collector could not be sent", "")             \
    X(CAPTURE_LOST, 0, "capture lost", "A packet came faster than the capture is written", "")

enum reason {
#define X(id, status, label, text, clause) REASON_##id,
    REASON_TABLE(X)
#undef X
        REASON_COUNT
};

// All return static text; an unknown value is answered with that of INTERNAL.
const char *reason_name(enum reason r); // "dtls_fingerprint"
const char *reason_text(enum reason r);
const char *reason_label(enum reason r);
const char *reason_clause(enum reason r);
int reason_status(enum reason r); // SIP status or 0

// Counts one occurrence. Lock-free, from any thread: each thread owns a block of counters.
void reason_count(enum reason r);
// The sum over all threads.
uint64_t reason_total(enum reason r);

#endif
