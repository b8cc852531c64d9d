// SPDX-License-Identifier: GPL-3.0-or-later
// MSRP with e2ae security: chats and files between a UE and the core (TS 23.334 5.11.2.2.2, 5.19,
// 6.2.10.3.1).
#include "tests/flows/suite.h"
#include "tests/flows/talk.h"

#define FILE_MEBIBYTES 2
#define SENDS " --send-file " FILE_SENT
#define GETS " --receive-file " FILE_GOT

// A chat and a file of the UE: all steps of the figure in order, TLS towards the UE alone, paths of
// the AGW on both sides, everything reported as received (REQ-041, REQ-047, REQ-048, REQ-055).
START_TEST(a_chat_of_the_ue_takes_the_steps_of_the_figure)
{
    struct flow *f = flow_open("msrp-orig");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = talk_call(f, &chat, HOST_UE, SENDS, GETS);

    file_make(f, FILE_MEBIBYTES);
    call_run(p, &call);
    file_check(f);
    must_say(f, call_core(&call),
             "^offer-received media=message proto=TCP/MSRP address=127[^ ]*:3[0-9]{4} "
             "setup=actpass identity=none:- fingerprints=0 3ge2ae=none .* connection=- "
             "path=msrp://127[^ ]*:3[0-9]{4}/[^ ]*;tcp cema=no");
    must_say(f, call_ue(&call),
             "^answer-received media=message proto=TCP/TLS/MSRP address=127[^ ]*:2[0-9]{4} "
             "setup=passive identity=none:- fingerprints=1 3ge2ae=none .* connection=- "
             "path=msrps://127[^ ]*:2[0-9]{4}/[^ ]*;tcp cema=no");
    must_say(f, call_ue(&call), "^tls-established role=client .*verified=yes");
    must_say(f, call_ue(&call), "^msrp-report .* status=200 bytes=2$");
    must_say(f, call_ue(&call), "^msrp-report .* status=200 bytes=2097152$");
    must_say(f, call_core(&call), "^msrp-report .* status=200 bytes=4$");
    struct chart chart = pcscf_chart(p);
    must_say(f, chart.mermaid, "title .* figure 6\\.2\\.10\\.3\\.1\\.1\\.1\\.1");
    // T2 may be up before or after the ClientHello comes: 15 and 16 have no order
    chart_in_order(&chart, 1, 14);
    chart_in_order(&chart, 17, 17);
    must_say(f, chart_step(&chart, 15), "AGW->>CORE: 15\\. TCP SYN");
    must_say(f, chart_step(&chart, 2), "Transport protocol: TCP/MSRP<br/>.*IP Realm .*: core");
    must_say(f, chart_step(&chart, 2), "Notify TCP connection establishment Failure Event");
    must_say(f, chart_step(&chart, 7), "AGW is TCP client<br/>");
    must_say(f, chart_step(&chart, 10), "Transport protocol: TCP/TLS/MSRP<br/>");
    must_say(f, chart_step(&chart, 10), "AGW is TCP server<br/>");
    must_say(f, chart_step(&chart, 10), "Incoming TCP connection request as trigger");
    must_say(f, chart_step(&chart, 10), "Notify .D.TLS session establishment Failure Event");
    must_not_say(f, chart_step(&chart, 10), "Establish .D.TLS session<br/>");
    must_say(f, chart_step(&chart, 14), "UE->>AGW: 14\\. TCP SYN");
    must_say(f, chart_step(&chart, 16), "UE->>AGW: 16\\. .D.TLS ClientHello");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// The same from the core: e2ae is applied, the AGW opens TCP towards the UE when the core does, and
// is TLS client there.
START_TEST(a_chat_to_the_ue_takes_the_steps_of_the_figure)
{
    struct flow *f = flow_open("msrp-term");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = talk_call(f, &chat, HOST_CORE, GETS, SENDS);

    file_make(f, FILE_MEBIBYTES);
    call_run(p, &call);
    file_check(f);
    must_say(f, call_ue(&call),
             "^offer-received media=message proto=TCP/TLS/MSRP .* setup=actpass identity=none:- "
             "fingerprints=1 3ge2ae=applied .* path=msrps://127[^ ]*:2[0-9]{4}/[^ ]*;tcp cema=no");
    must_say(f, call_core(&call),
             "^answer-received media=message proto=TCP/MSRP .* setup=passive identity=none:- "
             "fingerprints=0 3ge2ae=none .* path=msrp://127[^ ]*:3[0-9]{4}/[^ ]*;tcp cema=no");
    must_say(f, call_ue(&call), "^tls-established role=server .*verified=yes");
    must_say(f, call_core(&call), "^msrp-report .* status=200 bytes=2097152$");
    struct chart chart = pcscf_chart(p);
    must_say(f, chart.mermaid, "title .* figure 6\\.2\\.10\\.3\\.1\\.2\\.1\\.1");
    chart_in_order(&chart, 1, 19);
    must_say(f, chart_step(&chart, 10), "AGW is TCP client<br/>.*Establish .D.TLS session");
    must_say(f, chart_step(&chart, 13), "Incoming TCP connection request as trigger");
    must_say(f, chart_step(&chart, 17), "CORE->>AGW: 17\\. TCP SYN");
    must_say(f, chart_step(&chart, 18), "AGW->>UE: 18\\. TCP SYN");
    must_say(f, chart_step(&chart, 19), "AGW->>UE: 19\\. .D.TLS ClientHello");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// --- CEMA --------------------------------------------------------------------------------------

static const struct {
    enum host caller;
    const char *ue, *core, *configured;
    bool aware;
    bool passed; // the callee sees a=msrp-cema
} cemas[] = {
    {HOST_UE, "--cema", "--cema", "agnostic", .passed = true},
    {HOST_CORE, "--cema", "--cema", "agnostic", .passed = true},
    {HOST_UE, "--cema", "", "agnostic", .passed = true}, // not answered: the offerer is active
    {HOST_UE, "--cema", "--cema", "aware", .aware = true},
    {HOST_CORE, "--cema", "--cema", "aware", .aware = true},
    {HOST_CORE, "--cema", "", "agnostic", .aware = true}, // not offered
};

// With a=msrp-cema in the offer paths and messages pass as they are, unless the configuration wants
// them rewritten; without it they are rewritten (REQ-054, REQ-055, REQ-137).
START_TEST(cema_decides_whether_paths_are_rewritten)
{
    struct flow *f = flow_open("msrp-cema");
    struct pcscf_options options = {.msrp = flow_text(f, "cema: %s", cemas[_i].configured)};
    struct pcscf *p = pcscf_start(f, &options);
    bool from_ue = cemas[_i].caller == HOST_UE;
    struct call call = talk_call(f, &chat, cemas[_i].caller,
                                 flow_text(f, "%s %s", cemas[_i].ue, from_ue ? SENDS : GETS),
                                 flow_text(f, "%s %s", cemas[_i].core, from_ue ? GETS : SENDS));

    file_make(f, 1);
    call_run(p, &call);
    file_check(f);
    const char *callee = from_ue ? call_core(&call) : call_ue(&call);
    // the scheme of whose own path it is tells who wrote it
    const char *path = flow_text(f, " path=%s://%s:", from_ue == cemas[_i].aware ? "msrp" : "msrps",
                                 flow_host(f, cemas[_i].aware ? HOST_PCSCF : cemas[_i].caller));
    must_say(f, callee,
             flow_text(f, "^offer-received .*%s.* cema=%s", path, cemas[_i].passed ? "yes" : "no"));
    struct chart chart = pcscf_chart(p);
    must_say(f, chart_step(&chart, 2),
             cemas[_i].aware ? "Transport protocol: TCP(/TLS)?/MSRP<br/>"
                             : "Transport protocol: TCP(/TLS)?<br/>");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// --- nobody connects ---------------------------------------------------------------------------

static const struct {
    enum host caller;
    const char *ue, *core;
} passives[] = {
    {HOST_UE, "--tcp-role passive", "--answer-tcp passive"},
    {HOST_CORE, "--answer-tcp passive", "--tcp-role passive"},
};

// Two passive ends would both wait for the first message: the answer is refused (REQ-136).
START_TEST(two_passive_ends_are_refused)
{
    struct flow *f = flow_open("msrp-passive");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = talk_call(f, &chat, passives[_i].caller, passives[_i].ue, passives[_i].core);
    bool from_ue = passives[_i].caller == HOST_UE;

    call.ue_status = from_ue ? 3 : 6;
    call.core_status = from_ue ? 6 : 3;
    call_run(p, &call);
    must_say(f, from_ue ? call_ue(&call) : call_core(&call), "^refused status=5");
    pcscf_stop(p);
    ck_assert_uint_eq(pcscf_counter(p, "msrp_no_active"), 1);
    flow_close(f);
}
END_TEST

// --- much --------------------------------------------------------------------------------------

#define MUCH_MEBIBYTES 100
#define MUCH_MEBIBYTES_SLOW 8 // under a sanitizer
// What the P-CSCF may hold more than at rest while they pass, measured: 2 MiB.
#define HELD_KIB 6144
#define LOOK_MS 20

static const char *const modes[] = {"", "--cema"};

// The most that was resident until the agent ended.
static unsigned most_memory(struct pcscf *p, const struct program *agent)
{
    unsigned most = 0;

    while (!program_ended(agent)) {
        unsigned now = pcscf_memory(p);
        most = now > most ? now : most;
        programs_poll(pcscf_flow(p), -1, flow_now_ms() + LOOK_MS);
    }
    return most;
}

// A large file passes through constant memory, rewritten or not, and arrives byte by byte.
START_TEST(a_large_file_streams_through)
{
    struct flow *f = flow_open("msrp-large");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = talk_call(f, &chat, HOST_UE, flow_text(f, "%s" SENDS, modes[_i]),
                                 flow_text(f, "%s" GETS, modes[_i]));

    file_make(f, flow_scale() == 1 ? MUCH_MEBIBYTES : MUCH_MEBIBYTES_SLOW);
    unsigned before = pcscf_memory(p);
    call_start(p, &call);
    unsigned most = most_memory(p, call.programs[HOST_UE]);
    call_finish(p, &call);
    file_check(f);
    if (flow_scale() == 1) // what AddressSanitizer keeps aside counts as well
        flow_check(f, most <= before + HELD_KIB, "memory grew from %u KiB to %u KiB", before, most);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// A reader that stops for a while stops the sender, and nothing is lost (REQ-053).
START_TEST(a_reader_that_stops_for_a_while_loses_nothing)
{
    struct flow *f = flow_open("msrp-stalled");
    struct pcscf *p = pcscf_start(f, NULL);
    bool ue = _i == 0;
    const char *stalls = " --misbehave=stalled --stall-ms 500" GETS;
    struct call call = talk_call(f, &chat, HOST_UE, ue ? stalls : SENDS, ue ? SENDS : stalls);

    file_make(f, 8);
    call_run(p, &call);
    file_check(f);
    must_say(f, ue ? call_ue(&call) : call_core(&call), "^reading-again");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

#define AGENTS 4
#define CALLS_EACH 25
#define FEW_PORTS 32
// Growth of resident memory that a hundred calls more may cause, in KiB; measured: below 50.
#define GROWTH_KIB 400

static void many_chats(struct pcscf *p)
{
    struct flow *f = pcscf_flow(p);
    struct program *core = agent_answer(
        f, HOST_CORE,
        flow_text(f, "%s --transport tcp --calls %d", chat.callee, AGENTS * CALLS_EACH));
    struct program *ue[AGENTS];

    for (int i = 0; i < AGENTS; i++)
        ue[i] = program_run(f, "ue", flow_binary(f, "e2ae-ua"),
                            flow_text(f,
                                      "--listen %s --proxy %s --call sip:core@%s;transport=tcp "
                                      "--transport tcp --calls %d %s",
                                      flow_host(f, HOST_UE), pcscf_access(p), flow_at(f, HOST_CORE),
                                      CALLS_EACH, chat.caller));
    for (int i = 0; i < AGENTS; i++)
        flow_check(f, program_wait(ue[i]) == 0, "agent %d failed", i);
    flow_check(f, program_wait(core) == 0, "the core failed");
    pcscf_await_idle(p);
}

// A hundred calls warm up; a hundred more change nothing: ports, descriptors, memory (REQ-105). SIP
// over TCP: over UDP the stack remembers calls for 32 s.
START_TEST(two_hundred_chats_leave_nothing)
{
    struct flow *f = flow_open("msrp-many");
    struct pcscf_options options = {.agw = "certificate_pool: 4, workers: 2",
                                    .sip = "t1_ms: 50",
                                    .next_hop = "request-uri",
                                    .media_ports = FEW_PORTS};
    struct pcscf *p = pcscf_start(f, &options);

    many_chats(p);
    unsigned before = pcscf_memory(p);
    many_chats(p);
    unsigned after = pcscf_memory(p);
    if (flow_scale() == 1)
        flow_check(f, after <= before + GROWTH_KIB, "memory grew from %u KiB to %u KiB", before,
                   after);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

void suite_msrp(struct suite *s)
{
    ONCE(s, a_chat_of_the_ue_takes_the_steps_of_the_figure);
    ONCE(s, a_chat_to_the_ue_takes_the_steps_of_the_figure);
    EACH(s, cema_decides_whether_paths_are_rewritten, cemas);
    EACH(s, two_passive_ends_are_refused, passives);
    EACH(s, a_large_file_streams_through, modes);
    suite_add(s, a_reader_that_stops_for_a_while_loses_nothing, 2);
    ONCE(s, two_hundred_chats_leave_nothing);
}
