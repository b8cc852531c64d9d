// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_DNS_READ_H
#define ALG_DNS_READ_H
// DNS messages (RFC 1035 4) as answers of dns.h.

#include "alg/dns.h"

// Adds the SRV or NAPTR records of a message. What is no message makes the answer FAILED; single
// records that make no sense are skipped.
void dns_read(struct dns_answer *answer, enum dns_type type, const unsigned char *bytes, int len);
// One more record, not yet counted, lives so long: the shortest time is that of the answer.
void dns_note_ttl(struct dns_answer *answer, uint32_t ttl_s);

#endif
