// SPDX-License-Identifier: GPL-3.0-or-later
// HEP3 packets, byte by byte, and a collector that is there, is not there, or is asked too much.
#include "common/reason.h"
#include "common/trace/hep.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct addr address(const char *text)
{
    struct addr a = {.len = 0};

    ck_assert_int_eq(addr_parse_hostport(&a, text), 0);
    return a;
}

static const struct hep_packet invite = {.type = HEP_SIP,
                                         .wall_us = 0x65000000ull * 1000000 + 258,
                                         .payload = "INVITE",
                                         .len = 6,
                                         .correlation = "c1"};

// HEP3: what each chunk is and how long, in network order.
static const uint8_t encoded[] = {
    'H', 'E', 'P', '3', 0, 113,                                // length of all
    0,   0,   0,   1,   0, 7,   2,                             // family
    0,   0,   0,   2,   0, 7,   17,                            // UDP
    0,   0,   0,   3,   0, 10,  192,  0,    2,   1,            // source
    0,   0,   0,   4,   0, 10,  192,  0,    2,   2,            // destination
    0,   0,   0,   7,   0, 8,   0x13, 0xc4,                    // 5060
    0,   0,   0,   8,   0, 8,   0x13, 0xd8,                    // 5080
    0,   0,   0,   9,   0, 10,  0x65, 0,    0,   0,            // seconds
    0,   0,   0,   10,  0, 10,  0,    0,    1,   2,            // microseconds
    0,   0,   0,   11,  0, 7,   1,                             // SIP
    0,   0,   0,   12,  0, 10,  0,    0,    0,   1,            // capture id
    0,   0,   0,   17,  0, 8,   'c',  '1',                     // correlation
    0,   0,   0,   15,  0, 12,  'I',  'N',  'V', 'I', 'T', 'E' // payload
};

START_TEST(a_packet_has_addresses_time_and_call_id)
{
    struct hep_packet p = invite;
    uint8_t packet[200];

    p.from = address("192.0.2.1:5060");
    p.to = address("192.0.2.2:5080");
    ck_assert_uint_eq(hep_encode(&p, packet, sizeof(packet)), sizeof(encoded));
    ck_assert_mem_eq(packet, encoded, sizeof(encoded));
}
END_TEST

START_TEST(ipv6_tcp_and_lines_of_text)
{
    struct hep_packet p = invite;
    uint8_t packet[200];

    p.from = address("[2001:db8::1]:5060");
    p.to = address("[2001:db8::2]:5080");
    p.tcp = true;
    p.type = HEP_LOG;
    p.correlation = NULL;
    ck_assert_uint_eq(hep_encode(&p, packet, sizeof(packet)), sizeof(encoded) - 8 + 2 * 12);
    ck_assert_uint_eq(packet[12], 10);
    ck_assert_uint_eq(packet[19], IPPROTO_TCP);
    ck_assert_uint_eq(packet[23], 5);
    ck_assert_uint_eq(packet[25], 22);
    ck_assert_mem_eq(packet + 26, &p.from.v6.sin6_addr, 16);
}
END_TEST

// Whatever room there is, nothing is written beyond it.
START_TEST(what_does_not_fit_is_not_encoded)
{
    struct hep_packet p = invite;

    p.from = address("192.0.2.1:5060");
    p.to = address("192.0.2.2:5080");
    for (size_t size = 0; size < sizeof(encoded); size++) {
        uint8_t *packet = malloc(size + 1);
        packet[size] = 0x5a;
        ck_assert_uint_eq(hep_encode(&p, packet, size), 0);
        ck_assert_uint_eq(packet[size], 0x5a);
        free(packet);
    }
}
END_TEST

static int collector(struct addr *at)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    *at = address("127.0.0.1:0");
    at->len = sizeof(at->v4);
    ck_assert_int_eq(bind(fd, &at->sa, at->len), 0);
    ck_assert_int_eq(getsockname(fd, &at->sa, &at->len), 0);
    return fd;
}

// A collector that went away costs packets, each counted, and nothing else; one that comes back is
// served again.
START_TEST(a_collector_that_is_away_costs_packets_only)
{
    struct addr at;
    struct hep *hep = NULL;
    struct hep_packet p = invite;
    char got[256], *large = calloc(1, 70000);
    int fd = collector(&at);

    ck_assert_int_eq(hep_open(&hep, &at), 0);
    p.from = p.to = at;
    hep_send(hep, &p);
    ck_assert_uint_eq((size_t)recv(fd, got, sizeof(got), 0), sizeof(encoded));
    p.payload = large;
    p.len = 70000;
    hep_send(hep, &p);
    ck_assert_uint_eq(reason_total(REASON_HEP_LOST), 1);
    p = invite;
    p.from = p.to = at;
    close(fd);
    hep_send(hep, &p); // the answer to this one tells
    hep_send(hep, &p);
    hep_send(hep, &p);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(bind(fd, &at.sa, at.len), 0);
    hep_send(hep, &p);
    ck_assert_int_gt(recv(fd, got, sizeof(got), 0), 0);
    hep_close(hep);
    hep_close(NULL);
    free(large);
    close(fd);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_packet_has_addresses_time_and_call_id,
        ipv6_tcp_and_lines_of_text,
        what_does_not_fit_is_not_encoded,
        a_collector_that_is_away_costs_packets_only,
    };

    return SUITE_RUN("hep", tests);
}
