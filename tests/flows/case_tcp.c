// SPDX-License-Identifier: GPL-3.0-or-later
// What holds for MSRP and BFCP alike: TCP and TLS roles, versions, IP, who has no e2ae, several
// media in one call (TS 23.334 5.11.2.2.1, 6.2.18).
#include "tests/flows/suite.h"
#include "tests/flows/talk.h"

static const struct talk *const talks[] = {&chat, &floor_request};
#define TALKS 2

// --- roles -------------------------------------------------------------------------------------

// The UE and the core as TCP ends. The AGW is the opposite on T1 and T2.
static const struct {
    bool ue_active, core_active;
    bool bfcp_only; // two passive ends (REQ-136)
} pairs[] = {
    {true, false},       // (T1, T2) = (server, client)
    {false, true},       // (client, server)
    {true, true},        // (server, server): merge (REQ-050)
    {false, false, true} // (client, client)
};
#define PAIRS (sizeof(pairs) / sizeof(pairs[0]))

struct roles {
    const struct talk *talk;
    enum host caller;
    const char *start;
    bool ue_active, core_active;
};

// Row i of talks x callers x starts x pairs; false: there is no such row.
static bool roles_of(int i, struct roles *r)
{
    unsigned n = (unsigned)i;

    *r = (struct roles){.ue_active = pairs[n % PAIRS].ue_active,
                        .core_active = pairs[n % PAIRS].core_active,
                        .start = n / PAIRS % 2 ? "explicit" : "trigger",
                        .caller = n / PAIRS / 2 % 2 ? HOST_CORE : HOST_UE,
                        .talk = talks[n / PAIRS / 4]};
    return !pairs[n % PAIRS].bfcp_only || r->talk == &floor_request;
}
#define ROLES ((int)PAIRS * 2 * 2 * TALKS)

static const char *role_argument(struct flow *f, const struct roles *r, enum host host)
{
    bool active = host == HOST_UE ? r->ue_active : r->core_active;

    return flow_text(f, "--%s %s", host == r->caller ? "tcp-role" : "answer-tcp",
                     active ? "active" : "passive");
}

static const char *role_name(bool client)
{
    return client ? "client" : "server";
}

// The Iq requests of both terminations order what the roles need, and nothing else.
static void check_orders(struct flow *f, const struct chart *chart, const struct roles *r)
{
    bool explicit_start = r->start[0] == 'e';
    unsigned clients = !r->ue_active + !r->core_active;
    bool proxied = clients == 1;
    unsigned triggers = text_count(chart->mermaid, "Incoming TCP connection request as trigger");

    ck_assert_uint_eq(text_count(chart->mermaid, "Establish TCP connection<br/>"),
                      explicit_start || clients == 2 ? clients : 0);
    flow_check(f, triggers == (proxied && !explicit_start), "%u triggers", triggers);
}

// Every pair of TCP roles works in both directions, by trigger and by explicit start. The TLS role
// follows the TCP role for MSRP, and who answered for BFCP (REQ-040 to REQ-045).
START_TEST(every_pair_of_roles_works)
{
    struct roles r;
    if (!roles_of(_i, &r))
        return;
    struct flow *f = flow_open("tcp-roles");
    struct pcscf_options options = {.tcp = flow_text(f, "start: %s", r.start)};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = talk_call(f, r.talk, r.caller, role_argument(f, &r, HOST_UE),
                                 role_argument(f, &r, HOST_CORE));
    bool tls_client = r.talk == &chat ? r.ue_active : r.caller == HOST_UE;

    call_run(p, &call);
    must_say(f, call_ue(&call), flow_text(f, "^tcp-connected role=%s ", role_name(r.ue_active)));
    must_say(f, call_core(&call),
             flow_text(f, "^tcp-connected role=%s ", role_name(r.core_active)));
    must_say(f, call_ue(&call),
             flow_text(f, "^tls-established role=%s .*verified=yes", role_name(tls_client)));
    struct chart chart = pcscf_chart(p);
    check_orders(f, &chart, &r);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// --- versions of TLS and IP --------------------------------------------------------------------

static const struct {
    const char *priority, *version;
    enum host caller;
} versions[] = {
    {TLS_1_2, "TLS1.2", HOST_UE},
    {TLS_1_2, "TLS1.2", HOST_CORE},
    {"", "TLS1.3", HOST_UE},
    {"", "TLS1.3", HOST_CORE},
};

// TLS 1.2 and 1.3, with the AGW as server and as client.
START_TEST(both_versions_of_tls_serve)
{
    struct flow *f = flow_open("tls-version");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = talk_call(f, &chat, versions[_i].caller, versions[_i].priority, "");

    call_run(p, &call);
    must_say(f, call_ue(&call),
             flow_text(f, "^tls-established .* version=%s .*verified=yes", versions[_i].version));
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// An IPv6 UE and an IPv4 core (TS 23.334 5.2).
START_TEST(each_side_of_a_stream_has_its_own_ip_version)
{
    struct flow *f = flow_open("tcp-ip");
    struct pcscf_options options = {.access_v6 = true};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = talk_call(f, talks[_i], HOST_UE, "", "");

    call.ue_v6 = true;
    call_run(p, &call);
    must_say(f, call_ue(&call), "^answer-received .* address=\\[::1\\]:2");
    must_say(f, call_core(&call), "^offer-received .* address=127\\.[^ ]*:3");
    if (talks[_i] == &chat)
        must_say(f, call_ue(&call), "^answer-received .* path=msrps://\\[::1\\]:2");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// --- no e2ae -----------------------------------------------------------------------------------

// A UE that does not know e2ae is served in clear, by whomever it is called, and a=3ge2ae appears
// nowhere (REQ-005).
START_TEST(a_plain_stream_stays_plain)
{
    struct flow *f = flow_open("tcp-plain");
    struct pcscf_options options = {.e2ae = "mechanisms: []"};
    struct pcscf *p = pcscf_start(f, &options);
    enum host caller = _i / TALKS ? HOST_CORE : HOST_UE;
    struct call call = talk_call(f, talks[_i % TALKS], caller, "", "");
    const char *seen = "-received .* proto=TCP/(MSRP|BFCP) .* fingerprints=0 3ge2ae=none ";

    call.ue_side = "core";
    call_run(p, &call);
    must_say(f, call_ue(&call), seen);
    must_say(f, call_core(&call), seen);
    must_not_say(f, call_ue(&call), "^tls-established");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    const struct talk *talk;
    const char *arguments;
} secured[] = {{&chat, "--no-3ge2ae --cema"}, {&floor_request, "--no-3ge2ae"}};

// Without a=3ge2ae the two ends have TLS of their own, which the AGW relays (TS 23.334 5.11.3).
START_TEST(end_to_end_tls_is_relayed)
{
    struct flow *f = flow_open("tcp-e2e");
    struct pcscf *p = pcscf_start(f, NULL);
    const char *arguments = secured[_i].arguments;
    struct call call = talk_call(f, secured[_i].talk, HOST_UE, arguments, arguments);

    call.core_side = "ue";
    call_run(p, &call);
    must_say(f, call_core(&call), "^tls-established .*verified=yes");
    must_say(f, call_ue(&call), "^tls-established .*verified=yes");
    must_say(f, call_core(&call),
             flow_text(f, "^offer-received .* address=%s:3[^ ]* .* fingerprints=1 3ge2ae=none ",
                       flow_host(f, HOST_PCSCF)));
    struct chart chart = pcscf_chart(p);
    must_not_say(f, chart.mermaid, "Transport protocol: TCP/TLS");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// --- offers within a call ----------------------------------------------------------------------

static const struct {
    const char *change, *more;
    unsigned sessions; // of TLS
} reoffers[] = {
    {"same", "", 1},
    {"same", "--cema", 1},
    {"new-port", "", 2},
    {"new-fingerprint", "", 2},
};

// The same again keeps the connection; a new path or fingerprint means a new one (RFC 4975 8.1).
START_TEST(an_offer_of_the_same_keeps_the_connection)
{
    struct flow *f = flow_open("msrp-re");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call =
        talk_call(f, &chat, HOST_UE,
                  flow_text(f, "--reinvite %s --reinvite-after 200 --hangup-after 900 %s",
                            reoffers[_i].change, reoffers[_i].more),
                  reoffers[_i].more);

    call_run(p, &call);
    must_say(f, call_ue(&call),
             flow_text(f, "^reoffer-answered change=%s status=200", reoffers[_i].change));
    ck_assert_uint_eq(text_count(call_ue(&call), "^tls-established "), reoffers[_i].sessions);
    ck_assert_uint_eq(text_count(call_core(&call), "^tcp-connected "), reoffers[_i].sessions);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// --- several media -----------------------------------------------------------------------------

#define ALL_CALLER "--offer audio,msrp,bfcp,t38 --say up --expect-text down --floor client "
#define ALL_CALLEE "--expect-text up --say down --floor server "

// Audio, chat, floor and fax in one call, each line on its own.
START_TEST(all_media_fit_into_one_call)
{
    struct flow *f = flow_open("all-media");
    struct pcscf *p = pcscf_start(f, NULL);
    bool from_ue = _i == 0;
    struct call call = {.caller = from_ue ? HOST_UE : HOST_CORE,
                        .ue = from_ue ? ALL_CALLER : ALL_CALLEE,
                        .core = from_ue ? ALL_CALLEE : ALL_CALLER};

    call_run(p, &call);
    must_say(f, call_ue(&call), "^msrp-received text=");
    must_say(f, call_core(&call), "^msrp-received text=");
    must_say(f, call_ue(&call), "^floor released=yes");
    must_say(f, call_ue(&call), "^fax-done ok=yes");
    must_say(f, call_core(&call), "^media kind=audio sent=[1-9]");
    ck_assert_uint_eq(text_count(call_ue(&call), "^tls-established .*verified=yes"), 2);
    must_say(f, call_ue(&call), "^dtls-established .*verified=yes");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    const char *kind;
    const char *chat, *floor; // what must have worked all the same; NULL: this one fails
} broken[] = {
    {"msrp", NULL, "^floor released=yes"},
    {"bfcp", "^msrp-received text=", NULL},
};

// A line whose certificate is wrong ends; the others do not notice, and the call goes on.
START_TEST(a_line_that_fails_does_not_disturb_the_others)
{
    struct flow *f = flow_open("one-fails");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE,
                        .fails = true,
                        .ue = flow_text(f,
                                        ALL_CALLER TLS_1_2 "--misbehave=wrong-fingerprint "
                                                           "--misbehave-in %s --hangup-after 4000",
                                        broken[_i].kind),
                        .core = ALL_CALLEE,
                        .ue_status = 4,
                        .core_status = 6};

    call_run(p, &call);
    if (broken[_i].chat)
        must_say(f, call_core(&call), broken[_i].chat);
    if (broken[_i].floor)
        must_say(f, call_core(&call), broken[_i].floor);
    must_say(f, call_ue(&call), "^fax-done ok=yes");
    // one of the two hangs up in the end, not the P-CSCF
    must_not_say(f, call_ue(&call), "^bye-received reason=[^-]");
    must_not_say(f, call_core(&call), "^bye-received reason=[^-]");
    must_say(f, program_text(pcscf_program(p)),
             "stream [23] ends, .* media go on: The certificate of the peer");
    pcscf_stop(p);
    ck_assert_uint_eq(pcscf_counter(p, "dtls_fingerprint"), 1);
    flow_close(f);
}
END_TEST

// The core refuses all but the audio: each refused line keeps the transport of its side, and the
// audio goes on (RFC 3264 6).
START_TEST(refused_lines_leave_the_audio)
{
    struct flow *f = flow_open("refused-lines");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE,
                        .no_fax = true,
                        .ue = ALL_CALLER "--hangup-after 700",
                        .core = "--port-zero --expect-bye",
                        .ue_status = 3};

    call_run(p, &call);
    must_say(f, call_ue(&call), "^answer-received media=message proto=TCP/TLS/MSRP [^ ]*:0 ");
    must_say(f, call_ue(&call), "^answer-received media=application proto=TCP/TLS/BFCP [^ ]*:0 ");
    must_say(f, call_ue(&call), "^answer-received media=image proto=UDP/TLS/UDPTL [^ ]*:0 ");
    must_say(f, call_core(&call), "^media kind=audio sent=[1-9][0-9]* received=[1-9]");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

void suite_tcp(struct suite *s)
{
    suite_add(s, every_pair_of_roles_works, ROLES);
    EACH(s, both_versions_of_tls_serve, versions);
    EACH(s, each_side_of_a_stream_has_its_own_ip_version, talks);
    suite_add(s, a_plain_stream_stays_plain, TALKS * 2);
    EACH(s, end_to_end_tls_is_relayed, secured);
    EACH(s, an_offer_of_the_same_keeps_the_connection, reoffers);
    suite_add(s, all_media_fit_into_one_call, 2);
    EACH(s, a_line_that_fails_does_not_disturb_the_others, broken);
    ONCE(s, refused_lines_leave_the_audio);
}
