// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_TCP_MEDIA_H
#define ALG_TCP_MEDIA_H
// Who connects to whom: the TCP role of the AGW on each leg of a medium over TCP (RFC 4145,
// TS 23.334 5.11.2.2.1). With e2ae the legs are negotiated apart, so that a UE behind NAT and a
// core that wants to connect can both have their way (REQ-040, REQ-050); without it a=setup passes
// from end to end and the legs mirror each other.

#include "alg/medium.h"

// Reads a=setup of the line with the default that RFC 4145 4.1 gives to an offer or answer.
// holdconn counts as absent where the medium has none (RFC 6135 4.2.1).
void tcp_media_read_setup(struct medium *m, const struct body *body, size_t index, bool answer,
                          bool holdconn);
// Reads the TLS identity of the UE. NONE, or CONNECTION_CONTRADICTS: a=connection says otherwise
// (RFC 8842 7, REQ-145). agreed is the medium of the last exchange; NULL: none.
enum reason tcp_media_read_identity(struct medium *m, const struct medium *agreed,
                                    const struct body *body, size_t index);
// The roles as far as an offer tells.
void tcp_media_offered(struct medium *m, enum side offerer);
// The roles once both sides have spoken. NONE, or SETUP_IN_ANSWER.
enum reason tcp_media_answered(struct medium *m, enum side offerer);
// A later exchange that keeps the connection keeps roles and addresses, whatever it says of them.
void tcp_media_keep(struct medium *m, const struct medium *agreed);

// The TCP elements of one side.
void tcp_media_elements(const struct medium *m, const struct config *cfg, enum side side,
                        bool configure, struct agw_request *request);
// Writes a line with e2ae for the other leg: proto, bandwidth, a=setup (REQ-048, REQ-135), and what
// belongs to the access leg. A refused line gets its proto and loses what must not pass. 0 or
// -ENOMEM.
int tcp_media_write(struct medium *m, const struct body *body, size_t index, bool answer,
                    const char *proto, const char *clause);

#endif
