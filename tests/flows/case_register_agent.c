// SPDX-License-Identifier: GPL-3.0-or-later
// The reference user agent registers through the P-CSCF with a registrar beside the core, and calls
// and is called on what was agreed: nothing in the configuration names it.
#include "tests/flows/agent.h"
#include "tests/flows/suite.h"

#define SECRET "--user alice-private --password open-sesame "
#define MECHANISMS "--mediasec udptl-dtls;mediasec,msrp-tls;mediasec "
#define NOBODY                                                                                     \
    &(struct pcscf_options)                                                                        \
    {                                                                                              \
        .ues = ""                                                                                  \
    }

static const char *ue_arguments(struct pcscf *p, struct flow *f, const char *more)
{
    return flow_text(f, "--proxy %s --register %s", pcscf_access(p), more);
}

static void both_end_well(struct flow *f, struct program *ue, struct program *core)
{
    int ue_status = program_wait(ue), core_status = program_wait(core);

    flow_check(f, ue_status == 0 && core_status == 0, "UE %d, core %d", ue_status, core_status);
}

// PCSCF-010, PCSCF-015, PCSCF-050: digest after a challenge, Security-Verify mirrored where a
// strict policy wants it, and a chat from the core by the Path, with TLS as agreed.
START_TEST(a_UE_registers_with_digest_and_is_called_by_its_Path)
{
    struct flow *f = flow_open("agent-term");
    struct pcscf *p = pcscf_start(
        f, &(struct pcscf_options){.ues = "", .registration = "required: true, verify: refuse"});
    struct program *core =
        agent_start(f, HOST_CORE,
                    "--registrar " SECRET "--call sip:" UE_USER "@example.net --offer msrp "
                    "--say hello --expect-text hi");
    program_line(core, "^ready ");
    struct program *ue = agent_start(
        f, HOST_UE,
        ue_arguments(p, f, "--answer " SECRET MECHANISMS "--say hi --expect-text hello"));
    program_line(ue, "^registered status=200 .*security-server=\"sdes-srtp;mediasec");
    program_line(core, "^registrar identity=sip:alice@example.net .*path=\"?<sip:");
    both_end_well(f, ue, core);
    must_say(f, program_text(ue),
             "^offer-received media=message proto=TCP/TLS/MSRP .*"
             "3ge2ae=applied");
    must_say(f, program_text(core), "^answer-received media=message proto=TCP/MSRP ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// PCSCF-014: a call of the UE on what it has registered.
START_TEST(a_UE_registers_and_calls)
{
    struct flow *f = flow_open("agent-orig");
    struct pcscf *p = pcscf_start(f, NOBODY);
    struct program *core = agent_answer(
        f, HOST_CORE, "--registrar " SECRET "--offer msrp --say hello --expect-text hi");
    struct program *ue =
        agent_start(f, HOST_UE,
                    ue_arguments(p, f,
                                 SECRET MECHANISMS "--call sip:bob@example.net --offer msrp "
                                                   "--say hi --expect-text hello"));
    both_end_well(f, ue, core);
    must_say(f, program_text(ue), "^answer-received media=message proto=TCP/TLS/MSRP ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// PCSCF-014, REQ-001: out of the box a phone that asks for SDES when it registers talks under SRTP.
START_TEST(a_UE_that_asks_for_SDES_talks_under_SRTP)
{
    struct flow *f = flow_open("agent-voice");
    struct pcscf *p = pcscf_start(f, NOBODY);
    struct program *core = agent_answer(f, HOST_CORE, "--registrar " SECRET "--audio echo");
    struct program *ue = agent_start(
        f, HOST_UE,
        ue_arguments(p, f,
                     SECRET "--mediasec sdes-srtp;mediasec --call sip:bob@example.net "
                            "--offer audio --srtp --audio count --datagrams 50 --datagram-ms 2 "
                            "--hangup-after media"));
    both_end_well(f, ue, core);
    must_say(f, program_text(ue), "^answer-received media=audio proto=RTP/SAVP ");
    must_say(f, program_text(core), "^offer-received media=audio proto=RTP/AVP .* keys=0 ");
    must_say(f, program_text(ue), "^voice-done sent=50 received=50 different=0 disorder=0 ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// PCSCF-022: credentials that are wrong register nobody.
START_TEST(a_wrong_password_registers_nobody)
{
    struct flow *f = flow_open("agent-password");
    struct pcscf *p = pcscf_start(f, NOBODY);
    struct program *core = agent_answer(f, HOST_CORE, "--registrar " SECRET);
    struct program *ue = agent_start(
        f, HOST_UE, ue_arguments(p, f, "--answer --user alice-private --password guess"));
    int status = program_wait(ue);

    flow_check(f, status == 3, "the UE ended with %d", status);
    must_say(f, program_text(ue), "^registered status=401 ");
    must_not_say(f, program_text(core), "^registrar ");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

void suite_register_agent(struct suite *s)
{
    ONCE(s, a_UE_registers_with_digest_and_is_called_by_its_Path);
    ONCE(s, a_UE_registers_and_calls);
    ONCE(s, a_UE_that_asks_for_SDES_talks_under_SRTP);
    ONCE(s, a_wrong_password_registers_nobody);
}
