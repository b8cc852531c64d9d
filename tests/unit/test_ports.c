// SPDX-License-Identifier: GPL-3.0-or-later
// Port ranges: pairs, exhaustion, order of use, ports held by others.
#include "agw/ports.h"
#include "tests/unit/agw_lab.h"
#include "tests/unit/suite.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORTS_MAX 1000
// Below the ports that the kernel gives away.
#define BASE 11000

static struct ports *ports;

static void open_range(uint16_t min, uint16_t max)
{
    struct addr local = lab_own_addr();
    ck_assert_int_eq(ports_open(&ports, &local, min, max, false), 0);
}

// Takes a port and closes its sockets: what the test needs is who has it.
static uint16_t take(bool pair)
{
    int fd[2];
    uint16_t port;
    ck_assert_int_eq(ports_take(ports, pair, fd, &port), REASON_NONE);
    close(fd[0]);
    if (pair)
        close(fd[1]);
    return port;
}

static void expect_exhausted(bool pair)
{
    int fd[2] = {-7, -7};
    uint16_t port = 7;
    ck_assert_int_eq(ports_take(ports, pair, fd, &port), REASON_AGW_NO_PORT);
    ck_assert_int_eq(fd[0], -7);
    ck_assert_uint_eq(port, 7);
}

static uint16_t port_of(int fd)
{
    struct addr a = {.len = sizeof a.v6};
    ck_assert_int_eq(getsockname(fd, &a.sa, &a.len), 0);
    return addr_port(&a);
}

START_TEST(a_pair_is_even_and_next)
{
    // RFC 3550 11: RTP on the even port, RTCP on the one above.
    int fd[2];
    uint16_t port;
    open_range(BASE, BASE + 9);
    ck_assert_int_eq(ports_take(ports, true, fd, &port), REASON_NONE);
    ck_assert_uint_eq(port % 2, 0);
    ck_assert_uint_eq(port_of(fd[0]), port);
    ck_assert_uint_eq(port_of(fd[1]), port + 1);
    ck_assert_uint_eq(ports_used(ports), 2);
    close(fd[0]);
    close(fd[1]);
    ports_close(ports);
}
END_TEST

START_TEST(every_port_is_used_once_and_comes_back)
{
    // REQ-107: a range that is used up refuses; REQ-105: what is given back can be taken again.
    bool seen[65536] = {false};
    uint16_t got[10];
    open_range(BASE, BASE + 9);
    for (int round = 0; round < 3; round++) {
        memset(seen, 0, sizeof seen);
        for (int i = 0; i < 10; i++) {
            got[i] = take(false);
            ck_assert(!seen[got[i]]);
            seen[got[i]] = true;
            ck_assert_uint_ge(got[i], BASE);
            ck_assert_uint_le(got[i], BASE + 9);
        }
        expect_exhausted(false);
        expect_exhausted(true);
        for (int i = 0; i < 10; i++)
            ports_give_back(ports, got[i], false);
        ck_assert_uint_eq(ports_used(ports), 0);
    }
    ports_close(ports);
}
END_TEST

START_TEST(halves_become_pairs_again)
{
    // Single ports that came back in any order do not keep pairs from being taken.
    uint16_t got[10];
    open_range(BASE, BASE + 9);
    for (int i = 0; i < 10; i++)
        got[i] = take(false);
    for (int i = 0; i < 10; i++)
        ports_give_back(ports, got[(i * 7) % 10], false);
    for (int i = 0; i < 5; i++)
        got[i] = take(true);
    expect_exhausted(false);
    for (int i = 0; i < 5; i++)
        ports_give_back(ports, got[i], true);
    ck_assert_uint_eq(ports_used(ports), 0);
    ports_close(ports);
}
END_TEST

START_TEST(a_single_port_breaks_one_pair_only)
{
    // Streams without RTCP leave as many pairs as possible to those with it.
    open_range(BASE, BASE + 9);
    take(false);
    take(false);
    for (int i = 0; i < 4; i++)
        take(true);
    expect_exhausted(false);
    ports_close(ports);
}
END_TEST

START_TEST(odd_ends_of_a_range_are_singles)
{
    // The ports at the ends whose neighbour is not in the range are usable alone.
    open_range(BASE + 1, BASE + 4);
    ck_assert_uint_eq(ports_total(ports), 4);
    take(true);
    expect_exhausted(true);
    take(false);
    take(false);
    expect_exhausted(false);
    ports_close(ports);
    open_range(65535, 65535);
    ck_assert_uint_eq(take(false), 65535);
    ports_close(ports);
}
END_TEST

START_TEST(a_freed_port_is_used_last)
{
    // Late datagrams of a former stream find their port unused for as long as possible.
    open_range(BASE, BASE + 99);
    uint16_t first = take(true);
    ports_give_back(ports, first, true);
    for (int i = 0; i < 49; i++)
        ck_assert_uint_ne(take(true), first);
    ck_assert_uint_eq(take(true), first);
    ports_close(ports);
}
END_TEST

START_TEST(the_order_cannot_be_guessed)
{
    // Two ranges of the same ports are in different order (one chance in 500! that they are not).
    uint16_t before[PORTS_MAX / 2];
    unsigned differ = 0;
    open_range(BASE, BASE + PORTS_MAX - 1);
    for (int i = 0; i < PORTS_MAX / 2; i++)
        before[i] = take(true);
    ports_close(ports);
    open_range(BASE, BASE + PORTS_MAX - 1);
    for (int i = 0; i < PORTS_MAX / 2; i++)
        differ += take(true) != before[i];
    ck_assert_uint_gt(differ, 0);
    ports_close(ports);
}
END_TEST

START_TEST(ports_of_others_are_passed_over)
{
    // A port that a foreign process holds is not handed out, and the range goes on.
    struct addr taken = lab_own_addr();
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    addr_set_port(&taken, BASE + 3);
    ck_assert_int_eq(bind(fd, &taken.sa, taken.len), 0);
    open_range(BASE, BASE + 9);
    uint16_t got[9];
    for (int i = 0; i < 9; i++) {
        got[i] = take(false);
        ck_assert_uint_ne(got[i], BASE + 3);
    }
    expect_exhausted(false);
    ck_assert_uint_eq(ports_used(ports), 9);
    for (int i = 0; i < 9; i++)
        ports_give_back(ports, got[i], false);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_ne(take(true), BASE + 2);
    expect_exhausted(true);
    close(fd);
    take(true);
    ports_close(ports);
}
END_TEST

START_TEST(no_descriptor_is_no_resource)
{
    // REQ-107: without descriptors the reservation fails and takes nothing.
    struct rlimit none = {0, 0}, before;
    int fd[2];
    uint16_t port;
    open_range(BASE, BASE + 9);
    getrlimit(RLIMIT_NOFILE, &before);
    none.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum reason reason = ports_take(ports, true, fd, &port);
    setrlimit(RLIMIT_NOFILE, &before);
    ck_assert_int_eq(reason, REASON_AGW_NO_RESOURCE);
    ck_assert_uint_eq(ports_used(ports), 0);
    take(true);
    ports_close(ports);
}
END_TEST

START_TEST(ipv6_addresses_work)
{
    // Each address family has its own range.
    struct addr local = lab_addr("::1");
    int fd[2];
    uint16_t port;
    ck_assert_int_eq(ports_open(&ports, &local, BASE, BASE + 3, true), 0);
    ck_assert_int_eq(ports_take(ports, true, fd, &port), REASON_NONE);
    ck_assert_uint_eq(port_of(fd[1]), port + 1);
    addr_set_port(&local, port);
    ck_assert(ports_holds(ports, &local));
    addr_set_port(&local, port ^ 2);
    ck_assert(!ports_holds(ports, &local));
    addr_set_port(&local, 1);
    ck_assert(!ports_holds(ports, &local));
    close(fd[0]);
    close(fd[1]);
    ports_close(ports);
}
END_TEST

START_TEST(a_range_without_ports_is_refused)
{
    // min above max, or port 0, is no range.
    struct addr local = lab_own_addr();
    ports = NULL;
    ck_assert_int_lt(ports_open(&ports, &local, BASE + 1, BASE, false), 0);
    ck_assert_int_lt(ports_open(&ports, &local, 0, BASE, false), 0);
    ck_assert_ptr_null(ports);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_pair_is_even_and_next,          every_port_is_used_once_and_comes_back,
        halves_become_pairs_again,        a_single_port_breaks_one_pair_only,
        odd_ends_of_a_range_are_singles,  a_freed_port_is_used_last,
        the_order_cannot_be_guessed,      ports_of_others_are_passed_over,
        no_descriptor_is_no_resource,     ipv6_addresses_work,
        a_range_without_ports_is_refused,
    };
    return SUITE_RUN("ports", tests);
}
