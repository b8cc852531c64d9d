// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_CAPTURE_PCAPNG_H
#define COMMON_CAPTURE_PCAPNG_H
// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little endian. Pure: they are appended to a
// buffer.
//
// Two interfaces stand at the head of every file: packets that begin with an IP header, and what
// was inside the protected ones, as PDUs with the name of their dissector.

#include "common/addr.h"
#include "common/strbuf.h"

#include <stdint.h>

enum pcapng_interface { PCAPNG_IP, PCAPNG_PLAIN };

// Section header and both interfaces.
void pcapng_put_head(struct strbuf *out);
// A packet of len bytes with a comment.
void pcapng_put_packet(struct strbuf *out, enum pcapng_interface interface, uint64_t wall_us,
                       const void *data, size_t len, const char *comment);
// Lines of a key log: a decryption secrets block. It must stand before the packets it is for.
void pcapng_put_secrets(struct strbuf *out, const void *lines, size_t len);
// Appends what stands before a PDU on PCAPNG_PLAIN: dissector ("t38_udp") and addresses.
void pcapng_put_pdu_head(struct strbuf *out, const char *dissector, bool tcp,
                         const struct addr *from, const struct addr *to);

#endif
