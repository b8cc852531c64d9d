// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_TCP_POINT_H
#define AGW_TCP_POINT_H
// A connection point over TCP: one local port of one termination of a stream, on which a connection
// is accepted or from which one is made (state-aware TCP handling, TS 23.334 5.11.2.2.1), and with
// transport TCP/TLS the TLS session on that connection. What goes through it is the relay's.

#include "agw/agw.h"
#include "agw/certificate.h"
#include "agw/sendqueue.h"
#include "agw/watch.h"

struct relay;
struct tls;

enum tcp_point_state {
    TCP_POINT_IDLE,       // reserved; neither listens nor connects (holdconn, or to be client)
    TCP_POINT_LISTENING,  // waits for a connection
    TCP_POINT_CONNECTING, // has sent a SYN
    TCP_POINT_CONNECTED,  // TCP is up, TLS has not begun
    TCP_POINT_HANDSHAKE,  // TLS handshake, also while it waits for the peer's fingerprints
    TCP_POINT_OPEN,       // bytes of the medium pass, with TLS from a verified peer only (REQ-065)
    TCP_POINT_CLOSING,    // what waits goes out, then FIN; what comes is thrown away
    TCP_POINT_CLOSED,
};

struct tcp_point {
    struct watch listening, talking; // of listener and fd
    struct relay *relay;
    enum agw_termination termination;
    bool reserved;
    bool secured;     // TLS (transports TCP/TLS and TCP/TLS/MSRP)
    int state;        // enum tcp_point_state
    int listener;     // the reserved port, listening or not; -1: a connection was made from it
    int fd;           // the connection, -1: none
    uint32_t watched; // events that fd is watched for

    enum agw_tcp_setup role;
    enum latching latching;
    struct addr local;  // Local Connection Address
    struct addr remote; // Remote Connection Address as the ALG gave it
    struct addr peer;   // whom the connection is with
    bool ordered;       // Establish TCP connection was given
    bool trigger;       // an incoming connection here starts one on the other termination
    bool outbound;      // the AGW opened the connection
    bool notify_tcp, notify_dtls;
    bool refused_told;          // that a connection was refused
    uint64_t openings_since_us; // openings counts from here
    unsigned openings;          // connections taken
    uint64_t due_us;            // when the state has lasted too long
    uint64_t attempt_until_us;  // until when a connection may come; DEADLINE_NEVER: not limited yet
    enum reason stranger_failed; // why the last connection of a stranger came to nothing

    bool ended;     // the peer has sent all it will send
    bool finishing; // FIN goes out when nothing waits any more
    bool finished;  // FIN is out
    bool begun;     // the first byte has come
    struct sendqueue queue;

    // TLS
    struct certificate *certificate;
    struct fingerprints *fingerprints; // of the peer; NULL: not known yet
    bool tls_client;                   // Establish (D)TLS session was given
    unsigned guard_ms;                 // REQ-143
    struct tls *tls;                   // NULL: not begun
};

// Nothing reserved yet.
void tcp_point_init(struct tcp_point *point, struct relay *relay, enum agw_termination termination);
// Takes over fd, a bound socket that listens unless tcp_setup says client or hold, and the
// certificate (NULL without TLS).
void tcp_point_reserve(struct tcp_point *point, const struct agw_request *request, int fd,
                       struct certificate *certificate);
// Takes what the request says. Starts nothing: that is for tcp_point_proceed().
void tcp_point_configure(struct tcp_point *point, const struct agw_request *request);
// Does what the role asks for and was not done yet: listen, stop listening, begin TLS. connect:
// as client, connect.
void tcp_point_proceed(struct tcp_point *point, bool connect);
// The roles are settled: a connection that is to come has to come in time from now on.
void tcp_point_limit(struct tcp_point *point);
// Drops the connection, TLS and what waits, as if just reserved (a=connection:new, RFC 4145 5).
void tcp_point_renew(struct tcp_point *point);
// close_notify and FIN behind what waits; the peer may go on sending.
void tcp_point_finish(struct tcp_point *point);
// Ends the point in good order: close_notify, FIN, and a while for the peer to do the same.
void tcp_point_close(struct tcp_point *point);
// Drops the connection, which came to nothing, and waits for another one.
void tcp_point_again(struct tcp_point *point);
// Closes at once whatever is open; close_notify and FIN are sent when TLS is up.
void tcp_point_release(struct tcp_point *point);

// TCP is up.
bool tcp_point_connected(const struct tcp_point *point);
// When tcp_point_due() wants to be called next; DEADLINE_NEVER: not at all.
uint64_t tcp_point_deadline(const struct tcp_point *point);
void tcp_point_due(struct tcp_point *point);

// --- bytes, while TCP_POINT_OPEN ----------------------------------------------------------------

enum tcp_read {
    TCP_READ_MORE,    // there may be more
    TCP_READ_DRAINED, // there is none now
    TCP_READ_END,     // the peer has sent all it will send and may go on receiving
    TCP_READ_GONE,    // the connection is no more: TLS ended, RST; or the point has failed
};
// Reads once. *data is in memory of the worker and lasts until the next read of any point; *len is
// 0 when there is nothing for the other side.
enum tcp_read tcp_point_read(struct tcp_point *point, const uint8_t **data, size_t *len);
// Looks at the first bytes of a connection without TLS and leaves them where they are.
void tcp_point_peek(struct tcp_point *point);
// Sends; what the kernel does not take waits. False: the connection is broken.
bool tcp_point_write(struct tcp_point *point, const uint8_t *data, size_t len);
// Nothing is to be written before what waits has left.
bool tcp_point_blocked(const struct tcp_point *point);
// Watches what the state and the relay want to know about.
void tcp_point_watch(struct tcp_point *point);

#endif
