// SPDX-License-Identifier: GPL-3.0-or-later
// baresip as an ordinary voice client behind the P-CSCF, with Kamailio as the core.
#include "tests/flows/baresip.h"
#include "tests/flows/suite.h"

#define SECURED "--mediasec sdes-srtp;mediasec --password alice" LAB_SECRET " "
// Packets both ways; how many depends on how busy the machine is.
#define MEDIA "^media kind=audio sent=[1-9][0-9]* received=[1-9][0-9]* "

static const struct {
    const char *calling, *called; // transports of both
    bool srtp;
} pairs[] = {{"tcp", "udp", false}, {"tls", "udp", true}, {"tcp", "tls", false}};

// PCSCF-060, PCSCF-066, PCSCF-104: two of them talk to each other over different transports, in
// clear or under SRTP with keys of their own, which pass.
START_TEST(baresip_calls_baresip)
{
    struct lab lab = lab_open("baresip", NULL);
    struct baresip called = {"bob", pairs[_i].called, .echo = true, .srtp = pairs[_i].srtp};
    struct baresip calling = {"alice", pairs[_i].calling, .srtp = pairs[_i].srtp};
    struct program *bob = baresip_start(lab.p, HOST_OTHER, &called);
    struct program *alice = baresip_start(lab.p, HOST_UE, &calling);

    must_say(lab.f, program_text(pcscf_program(lab.p)),
             flow_text(lab.f, "alice@.* registered from [^ ]*/%s,", calling.transport));
    must_say(lab.f, program_text(pcscf_program(lab.p)),
             flow_text(lab.f, "bob@.* registered from [^ ]*/%s,", called.transport));
    baresip_call(alice, "bob");
    baresip_expect_media(alice);
    baresip_expect_media(bob);
    ck_assert_int_eq(text_matches(program_text(alice), "SRTP is Enabled"), pairs[_i].srtp);
    baresip_stop(alice);
    baresip_stop(bob);
    lab_close(&lab);
}
END_TEST

// PCSCF-063: a UE that is secured calls it, and it hears and speaks in clear.
START_TEST(a_secured_UE_calls_baresip)
{
    struct lab lab = lab_open("baresip", NULL);
    struct program *bob =
        baresip_start(lab.p, HOST_OTHER, &(struct baresip){"bob", "tcp", .echo = true});
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
    struct program *bob = baresip_start(lab.p, HOST_OTHER, &(struct baresip){"bob", "udp"});

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
    EACH(s, baresip_calls_baresip, pairs);
    ONCE(s, a_secured_UE_calls_baresip);
    ONCE(s, baresip_calls_a_secured_UE);
}
