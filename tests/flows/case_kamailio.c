// SPDX-License-Identifier: GPL-3.0-or-later
// Two UEs of one P-CSCF with Kamailio as registrar and S-CSCF behind it: SIP digest, mediasec, Path
// and Service-Route, and calls that pass the box twice. Kamailio refuses what a P-CSCF may not
// send, and has nothing to complain about (lab_close).
#include "tests/flows/kamailio.h"
#include "tests/flows/suite.h"

#include <string.h>

#define ALL "--mediasec udptl-dtls;mediasec,msrp-tls;mediasec,bfcp-tls;mediasec,sdes-srtp;mediasec "
#define RIGHT "--password alice" LAB_SECRET " "
#define CALL_BOB ALL RIGHT "--call sip:bob@" LAB_DOMAIN " "
#define CALL_ALICE ALL "--password bob" LAB_SECRET " --call sip:alice@" LAB_DOMAIN " "
#define CHAT "--offer msrp --say up --expect-text down "
#define CHAT_BACK "--say down --expect-text up "
#define VOICE "--offer audio --audio count --datagrams 100 --datagram-ms 2 --hangup-after media "

static void must_end(struct program *p, int expected)
{
    int status = program_wait(p);

    flow_check(program_flow(p), status == expected, "%s ended with status %d", program_label(p),
               status);
}

static const struct {
    const char *calling, *called; // transports of both
    const char *caller, *callee;
    const char *proto; // that both see
    const char *core;  // keys of the P-CSCF
} media[] = {
    {"udp", "tcp", "--send " DOCUMENT, "--receive " RECEIVED, "UDP/TLS/UDPTL", NULL},
    {"tcp", "udp", CHAT, CHAT_BACK, "TCP/TLS/MSRP", NULL},
    {"udp", "udp", "--offer bfcp --floor client", "--floor server", "TCP/TLS/BFCP", NULL},
    {"tcp", "tcp", VOICE "--srtp", "--audio echo", "RTP/SAVP", NULL},
    {"udp", "tcp", CHAT, CHAT_BACK, "TCP/TLS/MSRP", "next_hop_tcp: true"},
    {"tls", "udp", CHAT, CHAT_BACK, "TCP/TLS/MSRP", NULL},
    {"tls", "tls", VOICE "--srtp", "--audio echo", "RTP/SAVP", NULL},
    // held and resumed, by either side
    {"tcp", "udp", VOICE "--srtp --tolerance 40 --reinvite hold --reinvite-after 60",
     "--audio echo", "RTP/SAVP", NULL},
    {"udp", "udp", VOICE "--srtp --tolerance 40",
     "--audio echo --reinvite hold --reinvite-after 60", "RTP/SAVP", NULL},
};

// PCSCF-056, PCSCF-104: fax, chat, floor request and voice between two UEs of one box, over
// different transports; each is secured as agreed at its registration, through the core in clear.
START_TEST(two_UEs_of_one_box_reach_each_other_secured)
{
    struct lab lab = lab_open("kamailio", &(struct pcscf_options){.core = media[_i].core});
    struct flow *f = lab.f;

    document_make(f, 1);
    struct program *bob = lab_agent_answer(lab.p, HOST_OTHER, "bob", media[_i].called,
                                           flow_text(f, "%s%s", ALL, media[_i].callee));
    struct program *alice = lab_agent_start(lab.p, HOST_UE, "alice", media[_i].calling,
                                            flow_text(f, "%s%s", CALL_BOB, media[_i].caller));
    must_end(alice, 0);
    must_end(bob, 0);
    must_say(f, program_text(alice),
             "^registered status=200 .*security-server=\"sdes-srtp;mediasec");
    must_say(f, program_text(alice), flow_text(f, "^answer-received .*proto=%s ", media[_i].proto));
    must_say(f, program_text(bob),
             flow_text(f, "^offer-received .*proto=%s .*3ge2ae=applied ", media[_i].proto));
    ck_assert_int_eq(strstr(media[_i].caller, "--reinvite") ||
                         strstr(media[_i].callee, "--reinvite"),
                     text_matches(flow_text(f, "%s%s", program_text(alice), program_text(bob)),
                                  "^reoffer-answered .*status=200"));
    if (strcmp(media[_i].proto, "UDP/TLS/UDPTL") == 0)
        document_check(f, RECEIVED, 1);
    lab_close(&lab);
}
END_TEST

// PCSCF-011, PCSCF-064: a UE that registered without mediasec gets plain media from one that is
// secured.
START_TEST(a_UE_without_mediasec_gets_plain_media)
{
    struct lab lab = lab_open("kamailio", NULL);
    struct program *bob = lab_agent_answer(lab.p, HOST_OTHER, "bob", "udp", "--audio echo");
    struct program *alice =
        lab_agent_start(lab.p, HOST_UE, "alice", "tcp", CALL_BOB VOICE "--srtp");

    must_end(alice, 0);
    must_end(bob, 0);
    must_say(lab.f, program_text(bob), "^registered status=200 .*security-server=\"\"");
    must_say(lab.f, program_text(bob), "^offer-received media=audio proto=RTP/AVP .*3ge2ae=none ");
    must_say(lab.f, program_text(alice), "^answer-received media=audio proto=RTP/SAVP ");
    lab_close(&lab);
}
END_TEST

static void must_refuse_the_call(struct lab *lab, unsigned status)
{
    struct program *bob = lab_agent_start(lab->p, HOST_OTHER, "bob", "udp", CALL_ALICE CHAT);

    must_end(bob, 3);
    must_say(lab->f, program_text(bob), flow_text(lab->f, "^refused status=%u ", status));
}

// PCSCF-019: after de-registration nobody is there; after a registration anew the UE is called.
START_TEST(a_UE_deregisters_and_registers_anew)
{
    struct lab lab = lab_open("kamailio", NULL);

    must_end(lab_agent_start(lab.p, HOST_UE, "alice", "udp", RIGHT), 0);
    must_end(lab_agent_start(lab.p, HOST_UE, "alice", "udp", RIGHT "--expires 0"), 0);
    must_refuse_the_call(&lab, 480);
    struct program *alice = lab_agent_answer(lab.p, HOST_UE, "alice", "udp", ALL CHAT_BACK);
    struct program *bob = lab_agent_start(lab.p, HOST_OTHER, "bob", "tcp", CALL_ALICE CHAT);
    must_end(bob, 0);
    must_end(alice, 0);
    lab_close(&lab);
}
END_TEST

// PCSCF-020: a registration ends by itself, at the registrar and here.
START_TEST(a_registration_expires)
{
    struct lab lab = lab_open("kamailio", NULL);

    must_end(lab_agent_start(lab.p, HOST_UE, "alice", "udp", RIGHT "--expires 2"), 0);
    program_line(pcscf_program(lab.p),
                 "sip:alice@" LAB_DOMAIN " at .*: The registration was not renewed in time$");
    must_refuse_the_call(&lab, 480);
    lab_close(&lab);
}
END_TEST

// PCSCF-022, PCSCF-030: a wrong password registers nobody, and who is not registered does not call.
START_TEST(a_wrong_password_opens_nothing)
{
    struct lab lab = lab_open("kamailio", NULL);
    struct program *alice =
        lab_agent_start(lab.p, HOST_UE, "alice", "tcp", "--password guess --answer");

    must_end(alice, 3);
    must_say(lab.f, program_text(alice), "^registered status=401 ");
    must_refuse_the_call(&lab, 480);
    lab_close(&lab);
}
END_TEST

void suite_kamailio(struct suite *s)
{
    EACH(s, two_UEs_of_one_box_reach_each_other_secured, media);
    ONCE(s, a_UE_without_mediasec_gets_plain_media);
    ONCE(s, a_UE_deregisters_and_registers_anew);
    ONCE(s, a_registration_expires);
    ONCE(s, a_wrong_password_opens_nothing);
}
