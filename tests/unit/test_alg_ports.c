// SPDX-License-Identifier: GPL-3.0-or-later
// The IMS-ALG on a real AGW: whatever way a session takes and ends, all its ports come back
// (PCSCF-083, REQ-105). CALLS=10000 in the environment runs as many.
#include "alg/negotiation.h"
#include "tests/unit/agw_lab.h"
#include "tests/unit/suite.h"

#include <stdlib.h>

#define CALLS 1000
#define CALLS_AT_ONCE 8
// Few enough that what leaks is missed soon.
#define PORTS 96

static struct lab lab;
static unsigned state; // of the choices, the same in every run

static unsigned choose(unsigned count)
{
    state = state * 1103515245U + 12345U;
    return (state >> 16) % count;
}

// --- bodies -------------------------------------------------------------------------------------

#define HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
#define KEY "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define PRINT                                                                                      \
    "56:D5:46:0F:D8:43:79:C8:00:2D:73:9E:AD:DE:0B:10:AC:6E:D4:3E:98:60:2B:E6:3E:1F:A3:5E:D5:90:22" \
    ":9F"

// One media line per kind, as a UE and as the core writes it.
static const struct {
    const char *ue, *core;
} lines[] = {
    {"m=audio 9000 RTP/SAVP 0\r\na=3ge2ae:requested\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
     "inline:" KEY "\r\n",
     "m=audio 9100 RTP/AVP 0\r\n"},
    {"m=audio 9000 RTP/AVP 0\r\na=rtcp-mux\r\n", "m=audio 9100 RTP/AVP 0\r\na=rtcp-mux\r\n"},
    {"m=image 9002 UDP/TLS/UDPTL t38\r\na=3ge2ae:requested\r\na=setup:active\r\n"
     "a=fingerprint:SHA-256 " PRINT "\r\n",
     "m=image 9102 udptl t38\r\n"},
    {"m=message 9004 TCP/MSRP *\r\na=setup:active\r\na=path:msrp://127.0.0.1:9004/a;tcp\r\n",
     "m=message 9104 TCP/MSRP *\r\na=setup:passive\r\na=path:msrp://127.0.0.1:9104/b;tcp\r\n"},
};
#define KINDS (sizeof(lines) / sizeof(lines[0]))

struct call {
    struct negotiation *negotiation;
    struct iq iq;
    unsigned kind[2];
    unsigned count;
};

static void write_body(const struct call *c, bool core, bool refuse_last, char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, "%s", HEAD);
    for (unsigned i = 0; i < c->count; i++) {
        const char *line = core ? lines[c->kind[i]].core : lines[c->kind[i]].ue;
        if (refuse_last && i == c->count - 1) {
            int media = (int)strcspn(line, " ");
            const char *rest = line + media + 1;
            len += (size_t)snprintf(out + len, size - len, "%.*s 0%s", media, line,
                                    rest + strcspn(rest, " "));
        } else {
            len += (size_t)snprintf(out + len, size - len, "%s", line);
        }
    }
}

static enum reason say(struct call *c, bool offer, bool core, bool refuse_last)
{
    char body[2048], why[NEGOTIATION_ERROR_MAX];
    struct sdp_error error;
    struct sdp *sdp;
    write_body(c, core, refuse_last, body, sizeof(body));
    ck_assert_msg(sdp_parse(&sdp, body, strlen(body), &error) == 0, "%s", error.text);
    enum reason reason =
        offer ? negotiation_offer(c->negotiation, core ? SIDE_CORE : SIDE_ACCESS, sdp, why)
              : negotiation_answer(c->negotiation, sdp, why);
    sdp_free(sdp);
    return reason;
}

// --- calls --------------------------------------------------------------------------------------

static void open_call(struct call *c)
{
    static const int family[2] = {AF_INET, AF_INET};
    *c = (struct call){.iq = {.agw = lab.agw}, .count = 1 + choose(2)};
    for (unsigned i = 0; i < c->count; i++)
        c->kind[i] = choose(KINDS);
    c->negotiation =
        negotiation_open(&lab.cfg, &c->iq, choose(4) ? ~0U : 0, family); // some UEs know no e2ae
}

// One exchange, which may be refused, fail, be answered with port 0, twice (fork), or not at all.
static void exchange(struct call *c)
{
    bool core = choose(2);
    if (say(c, true, core, false) != REASON_NONE)
        return;
    unsigned how = choose(5);
    if (how > 0)
        (void)say(c, false, !core, how == 1);
    if (how == 2)
        (void)say(c, false, !core, false);
    if (how > 2)
        negotiation_commit(c->negotiation);
    else if (choose(2))
        negotiation_rollback(c->negotiation);
}

static void end_call(struct call *c)
{
    unsigned how = choose(4);
    if (how == 0)
        (void)negotiation_stream_failed(c->negotiation, 1, choose(2));
    if (how == 1)
        negotiation_drop_retired(c->negotiation);
    if (how == 2)
        negotiation_release(c->negotiation);
    negotiation_free(c->negotiation);
}

static unsigned ports_used(void)
{
    return agw_ports_used(lab.agw, AGW_T1) + agw_ports_used(lab.agw, AGW_T2);
}

static void await_free_ports(void)
{
    uint64_t end = clock_now_us() + WAIT_MS * 1000ull;
    while (ports_used() > 0) {
        ck_assert_msg(clock_now_us() < end, "%u ports are still taken", ports_used());
        uv_run(&lab.loop, UV_RUN_NOWAIT);
    }
}

// Calls with one or two lines of every kind, several at a time, with up to three exchanges of every
// outcome: afterwards no port is in use, and the range serves them all.
START_TEST(no_port_leaks_over_mixed_endings)
{
    static struct call calls[CALLS_AT_ONCE];
    const char *given = getenv("CALLS");
    unsigned total = given ? (unsigned)strtoul(given, NULL, 10) : CALLS;

    lab_defaults(&lab);
    lab.cfg.access.realm.port_max = (uint16_t)(lab.cfg.access.realm.port_min + PORTS - 1);
    lab.cfg.core.realm.port_max = (uint16_t)(lab.cfg.core.realm.port_min + PORTS - 1);
    lab.cfg.sip.media_lines_max = 4;
    lab.cfg.srtp_suites = CONFIG_SUITE(SDES_AES_CM_128_HMAC_SHA1_80);
    lab.cfg.sdes_over_plain_sip = SDES_ALLOW;
    lab_open(&lab);
    uint64_t no_port = reason_total(REASON_AGW_NO_PORT);
    for (unsigned n = 0; n < total; n += CALLS_AT_ONCE) {
        for (unsigned i = 0; i < CALLS_AT_ONCE; i++)
            open_call(&calls[i]);
        for (unsigned round = 0; round < 3; round++)
            for (unsigned i = 0; i < CALLS_AT_ONCE; i++)
                exchange(&calls[i]);
        ck_assert_uint_gt(ports_used(), 0);
        for (unsigned i = 0; i < CALLS_AT_ONCE; i++)
            end_call(&calls[i]);
        await_free_ports();
        lab.count = 0; // what was told so far is of no interest
    }
    ck_assert_uint_eq(reason_total(REASON_AGW_NO_PORT), no_port);
    lab_close(&lab);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {no_port_leaks_over_mixed_endings};

    return SUITE_RUN("alg_ports", tests);
}
