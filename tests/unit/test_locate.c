// SPDX-License-Identifier: GPL-3.0-or-later
// Where names lead (RFC 3263), asked of a real name server on a loopback address.
#include "alg/locate.h"
#include "tests/dns_server.h"
#include "tests/unit/suite.h"

#include <errno.h>

// Sanitizers and a busy machine.
#define PATIENCE_MS 20000
// Of one question; each is asked twice.
#define TIMEOUT_MS 400 // a busy machine answers late, too

// --- ground ------------------------------------------------------------------------------------

static struct {
    uv_loop_t loop;
    struct config cfg;
    struct dns *dns;
    struct locator *locator;
    pid_t server;
    uint64_t now_ms;
    uint32_t random;
} lab;

static uint64_t lab_now(void)
{
    return lab.now_ms;
}

static uint32_t lab_random(void)
{
    return lab.random;
}

static void lab_serve(const char *const *zone)
{
    lab.server = dns_server_start(&lab.cfg.dns.servers[0], zone);
    ck_assert_int_gt(lab.server, 0);
}

static void lab_open(const char *const *zone)
{
    char error[CONFIG_ERROR_MAX], host[32];

    uv_loop_init(&lab.loop);
    config_defaults(&lab.cfg);
    // an address of this test alone: nobody takes the port while its server is away
    snprintf(host, sizeof(host), "127.%d.%d.2", 1 + (getpid() >> 8 & 127), getpid() & 255);
    addr_parse(&lab.cfg.dns.servers[0], host, 0);
    lab_serve(zone);
    lab.cfg.dns.server_count = 1;
    lab.cfg.dns.timeout_ms = TIMEOUT_MS;
    ck_assert_int_eq(dns_open(&lab.dns, &lab.loop, &lab.cfg, error), 0);
    lab.locator = locator_open(&(struct locator_setup){
        .dns = lab.dns, .v4 = true, .v6 = true, .now_ms = lab_now, .random = lab_random});
    ck_assert_ptr_nonnull(lab.locator);
}

static void lab_close(void)
{
    dns_close(lab.dns);
    locator_close(lab.locator);
    uv_run(&lab.loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&lab.loop), 0);
    dns_server_stop(lab.server);
}

struct asked {
    struct locate_wait wait;
    unsigned answers;
    enum dns_result result;
};

static void on_done(void *arg, enum dns_result result)
{
    struct asked *asked = arg;

    asked->answers++;
    asked->result = result;
}

static struct locate_question question(const char *host, uint16_t port,
                                       enum locate_transport transport)
{
    struct locate_question q = {.port = port, .transport = transport};

    snprintf(q.host, sizeof(q.host), "%s", host);
    return q;
}

static void begin(struct asked *asked, const struct locate_question *q)
{
    *asked = (struct asked){.wait = {.done = on_done, .arg = asked}};
    ck_assert_int_eq(locator_ask(lab.locator, q, &asked->wait), 0);
}

static void await(struct asked *asked)
{
    uint64_t deadline = uv_now(&lab.loop) + PATIENCE_MS;

    while (asked->answers == 0 && uv_now(&lab.loop) < deadline)
        uv_run(&lab.loop, UV_RUN_ONCE);
    ck_assert_uint_eq(asked->answers, 1);
}

static enum dns_result ask(const struct locate_question *q)
{
    struct asked asked;

    begin(&asked, q);
    await(&asked);
    return asked.result;
}

// "127.0.0.1:5060/udp 127.0.0.2:5070/tcp" of what is known.
static const char *known(const struct locate_question *q)
{
    static char text[LOCATE_TARGETS_MAX * (ADDR_STRLEN + 8)];
    struct locate_answer answer;
    size_t len = 0;

    text[0] = '\0';
    if (!locator_find(lab.locator, q, &answer))
        return "nothing";
    for (unsigned i = 0; i < answer.count; i++) {
        char at[ADDR_STRLEN];
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s/%s", i ? " " : "",
                                addr_format(&answer.target[i].addr, at),
                                answer.target[i].tcp ? "tcp" : "udp");
    }
    return text;
}

// Asks, and compares what is known then.
static void leads_to(const char *host, uint16_t port, enum locate_transport transport,
                     const char *expected)
{
    struct locate_question q = question(host, port, transport);

    ck_assert_int_eq(ask(&q), DNS_FOUND);
    ck_assert_str_eq(known(&q), expected);
}

static const char *const zone[] = {
    "ims.example 60 NAPTR 20 10 s SIP+D2U _sip._udp.ims.example",
    "ims.example 60 NAPTR 10 10 s SIP+D2T _sip._tcp.ims.example",
    "ims.example 60 NAPTR 5 10 s SIPS+D2T _sips._tcp.ims.example",
    "_sip._udp.ims.example 60 SRV 1 0 5061 one.example",
    "_sip._tcp.ims.example 60 SRV 2 0 5062 two.example",
    "_sip._tcp.ims.example 60 SRV 1 0 5063 one.example",
    "one.example 60 A 192.0.2.1",
    "two.example 60 A 192.0.2.2",
    "two.example 60 AAAA 2001:db8::2",
    "srv.example 60 A 192.0.2.99",
    "_sip._udp.srv.example 60 SRV 1 0 5064 one.example",
    "weights.example 60 A 192.0.2.99",
    "_sip._udp.weights.example 60 SRV 1 10 5060 one.example",
    "_sip._udp.weights.example 60 SRV 1 30 5060 two.example",
    "alias.example 60 CNAME one.example",
    "none.example 60 A 192.0.2.99",
    "_sip._udp.none.example 60 SRV 0 0 0 .",
    "direct.example 60 NAPTR 1 1 a SIP+D2T one.example",
    "short.example 2 A 192.0.2.7",
    "silent.example 0 SILENT",
    "refused.example 0 REFUSED",
    "garbage.example 0 GARBAGE",
    "_sip._udp.garbage.example 0 GARBAGE",
    "cut.example 0 TRUNCATED",
    "cut.example 60 A 192.0.2.8",
    "_sip._udp.gap.example 60 SRV 1 0 5060 silent.example",
    "_sip._udp.gap.example 60 SRV 2 0 5060 one.example",
    "loop.example 60 CNAME pool.example",
    "pool.example 60 CNAME loop.example",
    NULL,
};

// --- cases -------------------------------------------------------------------------------------

// RFC 3263 4.1, 4.2: NAPTR says in which order transports are tried, SRV in which order hosts are;
// services over TLS are not for the core side.
START_TEST(naptr_then_srv_then_addresses)
{
    lab_open(zone);
    leads_to("ims.example", 0, LOCATE_ANY,
             "192.0.2.1:5063/tcp 192.0.2.2:5062/tcp [2001:db8::2]:5062/tcp 192.0.2.1:5061/udp");
    leads_to("direct.example", 0, LOCATE_ANY, "192.0.2.1:5060/tcp");
    lab_close();
}
END_TEST

// RFC 3263 4.1, 4.2: without NAPTR the usual services are asked for; a transport leaves SRV, a port
// leaves addresses, and a name without any service is a host.
START_TEST(what_the_uri_says_is_not_asked_for)
{
    lab_open(zone);
    leads_to("srv.example", 0, LOCATE_ANY, "192.0.2.1:5064/udp");
    leads_to("ims.example", 0, LOCATE_UDP, "192.0.2.1:5061/udp");
    leads_to("two.example", 5090, LOCATE_ANY, "192.0.2.2:5090/udp [2001:db8::2]:5090/udp");
    leads_to("one.example", 5090, LOCATE_TCP, "192.0.2.1:5090/tcp");
    leads_to("one.example", 0, LOCATE_ANY, "192.0.2.1:5060/udp");
    leads_to("alias.example", 0, LOCATE_ANY, "192.0.2.1:5060/udp");
    leads_to("SRV.Example", 0, LOCATE_ANY, "192.0.2.1:5064/udp");
    lab_close();
}
END_TEST

// RFC 2782: among equals chance decides, in proportion to the weights.
START_TEST(equals_are_chosen_by_weight)
{
    struct locate_question q = question("weights.example", 0, LOCATE_ANY);
    unsigned first = 0;

    lab_open(zone);
    ck_assert_int_eq(ask(&q), DNS_FOUND);
    for (lab.random = 0; lab.random < 42; lab.random++)
        first += strncmp(known(&q), "192.0.2.1:5060", 14) == 0;
    ck_assert_uint_eq(first, 11); // 10 + 1 of 42
    lab_close();
}
END_TEST

// RFC 2782: a target of "." says that the service is not offered; then the address does not count.
START_TEST(a_service_that_is_not_offered_leads_nowhere)
{
    struct locate_question q = question("none.example", 0, LOCATE_UDP);

    lab_open(zone);
    ck_assert_int_eq(ask(&q), DNS_NONE);
    lab_close();
}
END_TEST

// The hosts file is honoured before any server is asked.
START_TEST(the_hosts_file_counts)
{
    lab_open(zone);
    lab.cfg.dns.server_count = 0;
    struct locate_question q = question("localhost", 5060, LOCATE_ANY);
    ck_assert_int_eq(ask(&q), DNS_FOUND);
    ck_assert_ptr_nonnull(strstr(known(&q), "127.0.0.1:5060/udp"));
    lab_close();
}
END_TEST

static const struct failing {
    const char *name;
    enum dns_result result;
} failing[] = {
    {"nobody.example", DNS_NONE},    {"silent.example", DNS_FAILED},
    {"refused.example", DNS_FAILED}, {"garbage.example", DNS_FAILED},
    {"loop.example", DNS_NONE},      {"a..b", DNS_NONE},
};

// A name that does not exist is told apart from one that nobody answers for; a hostile answer is
// none. What failed is asked again by the next.
START_TEST(what_fails_is_told_and_not_kept)
{
    struct locate_question q = question(failing[_i].name, 5060, LOCATE_ANY);

    lab_open(zone);
    enum dns_result result = ask(&q);
    ck_assert_msg(result == failing[_i].result || (result != DNS_FOUND && _i >= 3), "%s: %d",
                  failing[_i].name, (int)result);
    ck_assert_str_eq(known(&q), "nothing");
    lab_close();
}
END_TEST

// RFC 3263 4.3: a host of which nobody knows the address does not hide the next.
START_TEST(a_gap_is_passed_over)
{
    lab_open(zone);
    leads_to("gap.example", 0, LOCATE_UDP, "192.0.2.1:5060/udp");
    lab_close();
}
END_TEST

// RFC 7766 5: an answer that does not fit a datagram is fetched over TCP.
START_TEST(a_truncated_answer_is_fetched_over_tcp)
{
    lab_open(zone);
    leads_to("cut.example", 5060, LOCATE_ANY, "192.0.2.8:5060/udp");
    lab_close();
}
END_TEST

// An answer is kept as long as its records say; then, and only then, the server is asked again.
START_TEST(an_answer_lives_as_long_as_its_records)
{
    static const char *const moved[] = {"short.example 2 A 192.0.2.9", NULL};
    struct locate_question q = question("short.example", 5060, LOCATE_ANY);

    lab_open(zone);
    ck_assert_int_eq(ask(&q), DNS_FOUND);
    dns_server_stop(lab.server);
    lab_serve(moved);
    lab.now_ms += 1999;
    ck_assert_str_eq(known(&q), "192.0.2.7:5060/udp");
    lab.now_ms += 1;
    ck_assert_str_eq(known(&q), "nothing");
    ck_assert_int_eq(ask(&q), DNS_FOUND);
    ck_assert_str_eq(known(&q), "192.0.2.9:5060/udp");
    lab_close();
}
END_TEST

// Many who ask for one name are served by one lookup; who has gone is not called.
START_TEST(one_lookup_serves_all_who_wait)
{
    struct locate_question q = question("ims.example", 0, LOCATE_ANY);
    struct asked asked[3];

    lab_open(zone);
    for (int i = 0; i < 3; i++)
        begin(&asked[i], &q);
    locator_forget(&asked[1].wait);
    await(&asked[0]);
    ck_assert_uint_eq(asked[1].answers, 0);
    ck_assert_uint_eq(asked[2].answers, 1);
    lab_close();
}
END_TEST

// Names that are asked for at one time, and names that are kept, have a bound.
START_TEST(a_flood_of_names_is_bounded)
{
    static struct asked asked[LOCATE_LOOKUPS_MAX + 1];
    char name[64];

    lab_open(zone);
    for (unsigned i = 0; i < LOCATE_LOOKUPS_MAX; i++) {
        snprintf(name, sizeof(name), "n%u.silent.example", i);
        struct locate_question q = question(name, 5060, LOCATE_ANY);
        begin(&asked[i], &q);
    }
    struct locate_question one = question("one.example", 5060, LOCATE_ANY);
    ck_assert_int_eq(locator_ask(lab.locator, &one, &asked[LOCATE_LOOKUPS_MAX].wait), -EBUSY);
    for (unsigned i = 0; i < LOCATE_LOOKUPS_MAX; i++)
        await(&asked[i]);
    for (unsigned i = 1; i <= LOCATE_CACHE_MAX + 20; i++) {
        struct locate_question q = question("one.example", (uint16_t)i, LOCATE_ANY);
        ck_assert_int_eq(ask(&q), DNS_FOUND);
    }
    ck_assert_uint_eq(locator_cached(lab.locator), LOCATE_CACHE_MAX);
    lab_close();
}
END_TEST

// Questions that are open when the process ends leave nothing behind.
START_TEST(the_end_answers_what_is_open)
{
    struct locate_question q = question("silent.example", 0, LOCATE_ANY);
    struct asked asked;

    lab_open(zone);
    begin(&asked, &q);
    lab_close();
    ck_assert_uint_eq(asked.answers, 1);
    ck_assert_int_eq(asked.result, DNS_FAILED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("locate");
    TCase *tc = tcase_create("locate");

    tcase_set_timeout(tc, SUITE_TIMEOUT);
    tcase_add_test(tc, naptr_then_srv_then_addresses);
    tcase_add_test(tc, what_the_uri_says_is_not_asked_for);
    tcase_add_test(tc, equals_are_chosen_by_weight);
    tcase_add_test(tc, a_service_that_is_not_offered_leads_nowhere);
    tcase_add_test(tc, the_hosts_file_counts);
    tcase_add_loop_test(tc, what_fails_is_told_and_not_kept, 0,
                        sizeof(failing) / sizeof(failing[0]));
    tcase_add_test(tc, a_gap_is_passed_over);
    tcase_add_test(tc, a_truncated_answer_is_fetched_over_tcp);
    tcase_add_test(tc, an_answer_lives_as_long_as_its_records);
    tcase_add_test(tc, one_lookup_serves_all_who_wait);
    tcase_add_test(tc, a_flood_of_names_is_bounded);
    tcase_add_test(tc, the_end_answers_what_is_open);
    suite_add_tcase(suite, tc);
    return suite_finish(suite);
}
