// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_DNS_H
#define ALG_DNS_H
// Questions to the domain name system, answered on the signalling loop: NAPTR (RFC 3403), SRV
// (RFC 2782), and addresses, for which the hosts file comes first. What the answers mean for SIP is
// locate.h's.

#include "common/addr.h"
#include "common/config.h"

#include <uv.h>

struct dns;

enum dns_type { DNS_NAPTR, DNS_SRV, DNS_HOST };

enum dns_result {
    DNS_FOUND,
    DNS_NONE,   // there is no such name, or nothing of this type
    DNS_FAILED, // no answer in time, or none that can be used
};

// RFC 1035 2.3.4. The services of SIP are "SIP+D2U", "SIPS+D2T" ... (RFC 3263 4.1).
#define DNS_NAME_MAX 256
#define DNS_SERVICE_MAX 16
// Nobody publishes more for one name; what is beyond is not looked at.
#define DNS_RECORDS_MAX 16

struct dns_record {
    uint16_t order;  // NAPTR, priority of SRV: lowest first
    uint16_t weight; // of SRV; preference of NAPTR: lowest first
    uint16_t port;   // SRV
    char flag;       // NAPTR: 's' and 'a' lead on; in lower case
    char service[DNS_SERVICE_MAX];
    char name[DNS_NAME_MAX]; // replacement or target; "": the root, which means none
    struct addr addr;        // HOST, without port
};

struct dns_answer {
    enum dns_result result;
    uint32_t ttl_s; // the least of all records
    unsigned count;
    struct dns_record record[DNS_RECORDS_MAX];
};

// Called once for each question, from the loop or from within dns_ask(). The answer is borrowed.
typedef void dns_done_f(void *arg, const struct dns_answer *answer);

// Without servers those of the system are asked. 0, or a negative errno with a sentence in error.
int dns_open(struct dns **out, uv_loop_t *loop, const struct config *cfg,
             char error[static CONFIG_ERROR_MAX]);
// Questions that are open are answered with FAILED first. NULL is allowed.
void dns_close(struct dns *dns);
void dns_ask(struct dns *dns, enum dns_type type, const char *name, dns_done_f *done, void *arg);

#endif
