// SPDX-License-Identifier: GPL-3.0-or-later
// baresip as an ordinary voice client behind the P-CSCF, with Kamailio as the core.
#include "tests/flows/baresip.h"
#include "tests/flows/suite.h"

#define SECURED "--mediasec sdes-srtp;mediasec --password alice" LAB_SECRET " "
// Half a second of packets at least, both ways.
#define MEDIA "^media kind=audio sent=[0-9]{2,} received=[0-9]{2,} "

// PCSCF-060, PCSCF-104: two of them talk to each other in clear, one over TCP, one over UDP.
START_TEST(baresip_calls_baresip)
{
    struct lab lab = lab_open("baresip", NULL);
    struct program *bob = baresip_start(lab.p, HOST_OTHER, "bob", "udp", true);
    struct program *alice = baresip_start(lab.p, HOST_UE, "alice", "tcp", false);

    baresip_call(alice, "bob");
    baresip_expect_media(alice);
    baresip_expect_media(bob);
    baresip_stop(alice);
    baresip_stop(bob);
    lab_close(&lab);
}
END_TEST

// PCSCF-063: a UE that is secured calls it, and it hears and speaks in clear.
START_TEST(a_secured_UE_calls_baresip)
{
    struct lab lab = lab_open("baresip", NULL);
    struct program *bob = baresip_start(lab.p, HOST_OTHER, "bob", "tcp", true);
    struct program *alice =
        lab_agent_start(lab.p, HOST_UE, "alice", "udp",
                        SECURED "--call sip:bob@" LAB_DOMAIN
                                " --offer audio --srtp --audio tone --hangup-after 1500");
    int status = program_wait(alice);

    flow_check(lab.f, status == 0, "the UE ended with status %d", status);
    must_say(lab.f, program_text(alice), "^answer-received media=audio proto=RTP/SAVP .*keys=1 ");
    must_say(lab.f, program_text(alice), MEDIA);
    baresip_expect_media(bob);
    baresip_stop(bob);
    lab_close(&lab);
}
END_TEST

// PCSCF-064: it calls a UE whose media are secured by the P-CSCF alone.
START_TEST(baresip_calls_a_secured_UE)
{
    struct lab lab = lab_open("baresip", NULL);
    struct program *alice =
        lab_agent_answer(lab.p, HOST_UE, "alice", "tcp", SECURED "--audio tone --expect-bye");
    struct program *bob = baresip_start(lab.p, HOST_OTHER, "bob", "udp", false);

    baresip_call(bob, "alice");
    int status = program_wait(alice);
    flow_check(lab.f, status == 0, "the UE ended with status %d", status);
    must_say(lab.f, program_text(alice),
             "^offer-received media=audio proto=RTP/SAVP .*3ge2ae=applied ");
    must_say(lab.f, program_text(alice), MEDIA);
    baresip_expect_media(bob);
    baresip_stop(bob);
    lab_close(&lab);
}
END_TEST

void suite_baresip(struct suite *s)
{
    ONCE(s, baresip_calls_baresip);
    ONCE(s, a_secured_UE_calls_baresip);
    ONCE(s, baresip_calls_a_secured_UE);
}
