// SPDX-License-Identifier: GPL-3.0-or-later
// Read with the resolver library's own parser, which gives the TTL of every record.
#include "alg/dns_read.h"

#include <arpa/nameser.h>
#include <resolv.h>
#include <string.h>

void dns_note_ttl(struct dns_answer *answer, uint32_t ttl_s)
{
    if (answer->count == 0 || ttl_s < answer->ttl_s)
        answer->ttl_s = ttl_s;
}

// A name in a record; that of the root is empty. False: it is none.
static bool read_name(const ns_msg *message, const unsigned char *at,
                      char name[static DNS_NAME_MAX])
{
    if (ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), at, name, DNS_NAME_MAX) < 0)
        return false;
    if (strcmp(name, ".") == 0)
        name[0] = '\0';
    return true;
}

static bool read_srv(const ns_msg *message, const ns_rr *rr, struct dns_record *out)
{
    const unsigned char *data = ns_rr_rdata(*rr);
    if (ns_rr_rdlen(*rr) < 7)
        return false;
    out->order = (uint16_t)ns_get16(data);
    out->weight = (uint16_t)ns_get16(data + 2);
    out->port = (uint16_t)ns_get16(data + 4);
    return read_name(message, data + 6, out->name);
}

// A character-string of at most size-1 bytes (RFC 1035 3.3). Returns what follows it; NULL: it does
// not fit.
static const unsigned char *read_string(const unsigned char *at, const unsigned char *end,
                                        char *out, size_t size)
{
    if (at >= end || at + 1 + *at > end || *at >= size)
        return NULL;
    memcpy(out, at + 1, *at);
    out[*at] = '\0';
    return at + 1 + *at;
}

static bool read_naptr(const ns_msg *message, const ns_rr *rr, struct dns_record *out)
{
    const unsigned char *data = ns_rr_rdata(*rr), *end = data + ns_rr_rdlen(*rr);
    char flags[8], expression[DNS_NAME_MAX];
    if (end - data < 8)
        return false;
    out->order = (uint16_t)ns_get16(data);
    out->weight = (uint16_t)ns_get16(data + 2);
    data = read_string(data + 4, end, flags, sizeof(flags));
    data = data ? read_string(data, end, out->service, sizeof(out->service)) : NULL;
    data = data ? read_string(data, end, expression, sizeof(expression)) : NULL;
    if (!data || data >= end || flags[0] == '\0')
        return false;
    out->flag = (char)(flags[0] | 0x20);
    return read_name(message, data, out->name);
}

void dns_read(struct dns_answer *answer, enum dns_type type, const unsigned char *bytes, int len)
{
    ns_msg message;
    if (ns_initparse(bytes, len, &message) < 0) {
        answer->result = DNS_FAILED;
        return;
    }
    for (int i = 0; i < ns_msg_count(message, ns_s_an) && answer->count < DNS_RECORDS_MAX; i++) {
        struct dns_record *record = &answer->record[answer->count];
        ns_rr rr;
        if (ns_parserr(&message, ns_s_an, i, &rr) < 0)
            return;
        *record = (struct dns_record){.flag = '\0'};
        bool wanted = ns_rr_type(rr) == (type == DNS_SRV ? ns_t_srv : ns_t_naptr);
        if (!wanted || !(type == DNS_SRV ? read_srv : read_naptr)(&message, &rr, record))
            continue;
        dns_note_ttl(answer, ns_rr_ttl(rr));
        answer->count++;
    }
}
