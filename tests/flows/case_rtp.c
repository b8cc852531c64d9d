// SPDX-License-Identifier: GPL-3.0-or-later
// Voice: under SDES-SRTP towards the UE and plain towards the core, relayed, secured end to end.
// Every packet carries a number, so that what is lost, doubled or changed is seen; their sequence
// numbers wrap early in each call.
#include "tests/flows/agent.h"
#include "tests/flows/suite.h"

#define SDES "unregistered: [sdes-srtp]"
// The UE counts, the core sends back.
#define COUNT "--audio count --datagrams 100 --datagram-ms 2 --hangup-after media "
#define ECHO "--audio echo "

static const struct pcscf_options sdes = {.e2ae = SDES};

// A voice call; the arguments are those of a test's own.
static struct call voice_call(struct flow *f, enum host caller, const char *ue, const char *core)
{
    bool from_ue = caller == HOST_UE;

    return (struct call){
        .caller = caller,
        .no_fax = true,
        .ue = flow_text(f, "%s%s %s", COUNT, from_ue ? "--offer audio" : "", ue),
        .core = flow_text(f, "%s%s %s", ECHO, from_ue ? "" : "--offer audio --expect-bye", core),
    };
}

static void must_carry(struct flow *f, const struct call *call, unsigned packets)
{
    must_say(
        f, call_ue(call),
        flow_text(f, "^voice-done sent=%u received=%u different=0 disorder=0 ", packets, packets));
    must_say(f, call_core(call),
             flow_text(f, "^media kind=audio sent=%u received=%u stray=0 different=0 disorder=0 ",
                       packets, packets));
    must_say(f, call_core(call), "^media kind=audio .* rtcp-received=[1-9]");
    must_say(f, call_ue(call), "^media kind=audio .* rtcp-received=[1-9]");
}

// No chart and no log shows a key (REQ-112).
static void must_hide_keys(struct flow *f, struct pcscf *p, const struct chart *chart)
{
    static const char key[] = "inline:[A-Za-z0-9+/]{8}";

    must_not_say(f, chart->text, key);
    must_not_say(f, chart->mermaid, key);
    must_not_say(f, program_text(pcscf_program(p)), key);
}

static const struct {
    enum host caller;
    const char *suite, *more;
} secured[] = {
    {HOST_UE, "AES_CM_128_HMAC_SHA1_80", ""},
    {HOST_UE, "AES_CM_128_HMAC_SHA1_32", "--rtcp-mux"},
    {HOST_UE, "AEAD_AES_128_GCM", ""},
    {HOST_UE, "AEAD_AES_256_GCM", "--reliable"},
    {HOST_CORE, "AES_CM_128_HMAC_SHA1_80", ""},
    {HOST_CORE, "AES_CM_128_HMAC_SHA1_32", ""},
    {HOST_CORE, "AEAD_AES_128_GCM", "--rtcp-mux"},
    {HOST_CORE, "AEAD_AES_256_GCM", ""},
};

// Voice from and to the UE under each suite, RTCP beside it or on the same port: keys on the access
// leg alone, every packet arrives in both directions, the chart tells of the keys and hides them
// (PCSCF-060, PCSCF-063, PCSCF-064).
START_TEST(voice_is_secured_towards_the_ue)
{
    struct flow *f = flow_open("voice");
    struct pcscf *p = pcscf_start(f, &sdes);
    bool ue_calls = secured[_i].caller == HOST_UE;
    struct call call = voice_call(f, secured[_i].caller,
                                  flow_text(f, "%s --suite %s %s", ue_calls ? "--srtp" : "",
                                            secured[_i].suite, secured[_i].more),
                                  secured[_i].more);

    call_run(p, &call);
    must_carry(f, &call, 100);
    must_say(f, call_core(&call),
             ue_calls ? "^offer-received media=audio proto=RTP/AVP .* 3ge2ae=none .* keys=0 "
                      : "^answer-received media=audio proto=RTP/AVP .* keys=0 ");
    if (ue_calls)
        must_say(f, call_ue(&call),
                 flow_text(f,
                           "^answer-received media=audio proto=RTP/SAVP .* 3ge2ae=none .* keys=1 "
                           "suite=%s ",
                           secured[_i].suite));
    else
        must_say(f, call_ue(&call),
                 "^offer-received media=audio proto=RTP/SAVP .* 3ge2ae=applied .* keys=4 ");
    struct chart chart = pcscf_chart(p);
    must_say(
        f, chart.text,
        flow_text(f, "Remote cryptographic SDES attribute: tag [0-9]+, %s,", secured[_i].suite));
    must_say(f, chart.text, "warning: SDES keys would travel");
    must_hide_keys(f, p, &chart);
    pcscf_stop(p);
    ck_assert_uint_eq(pcscf_counter(p, "drop_srtp_auth"), 0);
    flow_close(f);
}
END_TEST

static const struct {
    enum host caller;
    const char *ue, *core, *said;
} offerless[] = {
    {HOST_UE, "--offerless", "--offer audio",
     "^offer-received media=audio proto=RTP/SAVP .* 3ge2ae=applied "},
    {HOST_CORE, "--srtp --offer audio", "--offerless",
     "^answer-received media=audio proto=RTP/SAVP "},
};

// The offer comes in the 200 and the answer in the ACK: whoever offers, the access leg is secured
// (PCSCF-069).
START_TEST(an_offer_in_the_2xx_is_secured_too)
{
    struct flow *f = flow_open("voice-offerless");
    struct pcscf *p = pcscf_start(f, &sdes);
    struct call call = {
        .caller = offerless[_i].caller,
        .no_fax = true,
        .ue = flow_text(f, "%s%s", COUNT, offerless[_i].ue),
        .core = flow_text(f, "%s%s %s", ECHO, offerless[_i].core,
                          offerless[_i].caller == HOST_CORE ? "--expect-bye" : ""),
    };

    call_run(p, &call);
    must_carry(f, &call, 100);
    must_say(f, call_ue(&call), offerless[_i].said);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const enum host callers[] = {HOST_UE, HOST_CORE};

// A UE that is not capable, or does not ask, has its voice relayed as it is (PCSCF-064).
START_TEST(plain_voice_is_relayed)
{
    struct flow *f = flow_open("voice-plain");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = voice_call(f, callers[_i], "", "");

    call_run(p, &call);
    must_carry(f, &call, 100);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// SRTP without the indicator is between the two ends: keys pass, no packet is opened (PCSCF-066).
START_TEST(end_to_end_srtp_passes)
{
    struct flow *f = flow_open("voice-end-to-end");
    struct pcscf *p = pcscf_start(f, &sdes);
    struct call call = voice_call(f, HOST_UE, "--srtp --no-3ge2ae", "");

    call.core_side = "ue";
    call_run(p, &call);
    must_carry(f, &call, 100);
    must_say(f, call_core(&call), "^offer-received media=audio proto=RTP/SAVP .* keys=1 ");
    struct chart chart = pcscf_chart(p);
    must_hide_keys(f, p, &chart);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    enum host caller;
    const char *ue, *core;
} changes[] = {
    {HOST_UE, "--srtp --reinvite hold", ""}, {HOST_UE, "--srtp --reinvite new-fingerprint", ""},
    {HOST_UE, "--srtp --reinvite same", ""}, {HOST_UE, "--srtp", "--reinvite hold"},
    {HOST_CORE, "", "--reinvite same"},      {HOST_CORE, "--srtp --reinvite new-fingerprint", ""},
};

// Hold and resume, a repeated offer and a new key of the UE, from either side, cost no packet: the
// indexes of a key go on across offers (RFC 4568 7.1.4, RFC 3711 3.3.1).
START_TEST(a_secured_call_changes_and_goes_on)
{
    struct flow *f = flow_open("voice-changes");
    struct pcscf *p = pcscf_start(f, &sdes);
    const char *late = "--reinvite-after 60 --tolerance 40";
    struct call call =
        voice_call(f, changes[_i].caller, flow_text(f, "%s %s", changes[_i].ue, late),
                   flow_text(f, "%s %s", changes[_i].core, late));

    call_run(p, &call);
    must_say(f, flow_text(f, "%s%s", call_ue(&call), call_core(&call)),
             "^reoffer-answered .*status=200");
    must_say(f, call_ue(&call),
             "^voice-done sent=100 received=[0-9]+ different=0 disorder=0 stray=0");
    pcscf_stop(p);
    ck_assert_uint_eq(pcscf_counter(p, "drop_srtp_replay"), 0);
    flow_close(f);
}
END_TEST

// The core refuses the new key: the former one is in force again, media go on (PCSCF-071).
START_TEST(a_refused_new_key_restores_the_former)
{
    struct flow *f = flow_open("voice-refused");
    struct pcscf *p = pcscf_start(f, &sdes);
    struct call call =
        voice_call(f, HOST_UE, "--srtp --reinvite new-fingerprint --reinvite-after 60",
                   "--reinvite refuse-this");

    call.ue_status = 3; // an offer of its was refused
    call_run(p, &call);
    must_say(f, call_ue(&call), "^reoffer-refused .*status=488");
    must_carry(f, &call, 100);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// The UE moves to another port in the middle (NAT rebinding): its packets prove it, media follow
// (TS 23.334 5.4, RFC 4961).
START_TEST(media_follow_a_secured_ue_that_moves)
{
    struct flow *f = flow_open("voice-moves");
    struct pcscf *p = pcscf_start(f, &sdes);
    struct call call = voice_call(f, HOST_UE, "--srtp --misbehave=rebind", "");

    call_run(p, &call);
    must_say(f, call_ue(&call), "^rebind ");
    must_carry(f, &call, 100);
    struct chart chart = pcscf_chart(p);
    ck_assert_uint_ge(text_count(chart.text, "latches onto "), 2);
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    enum host caller;
    const char *ue;
} natted[] = {{HOST_UE, "--nat"}, {HOST_CORE, "--nat"}, {HOST_UE, "--srtp --nat"}};

// A UE behind a NAT names ports where it cannot be reached: RTP and RTCP go back to where its own
// come from (TS 24.229 F.5, TS 23.334 5.4).
START_TEST(media_go_where_a_ue_behind_a_nat_speaks_from)
{
    struct flow *f = flow_open("voice-nat");
    struct pcscf *p = pcscf_start(f, natted[_i].caller == HOST_UE ? &sdes : NULL);
    struct call call = voice_call(f, natted[_i].caller, natted[_i].ue, "");

    call_run(p, &call);
    must_say(f, call_ue(&call), "^voice-done sent=100 received=100 different=0 disorder=0 ");
    must_say(f, call_ue(&call), "^media kind=audio .* rtcp-received=[1-9]");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    const char *what, *counter, *core;
    int ue_status;
} wrongs[] = {
    // what the UE sends does not open under its own key
    {"wrong-key", "drop_srtp_auth", " sent=0 received=0 ", 5},
    // the copies in clear go nowhere
    {"clear-rtp", "drop_srtp_auth", " sent=100 received=100 stray=0 different=0 disorder=0 ", 0},
    {"replay", "drop_srtp_replay", " sent=100 received=100 stray=0 different=0 disorder=0 ", 0},
};

// Packets that are not genuine, not protected or there before are dropped and counted; nothing else
// suffers (RFC 3711 3.3).
START_TEST(what_is_no_genuine_srtp_goes_nowhere)
{
    struct flow *f = flow_open("voice-wrong");
    struct pcscf *p = pcscf_start(f, &sdes);
    struct call call =
        voice_call(f, HOST_UE, flow_text(f, "--srtp --misbehave=%s", wrongs[_i].what), "");

    call.ue_status = wrongs[_i].ue_status;
    call_run(p, &call);
    must_say(f, call_core(&call), flow_text(f, "^media kind=audio%s", wrongs[_i].core));
    pcscf_stop(p);
    ck_assert_uint_ge(pcscf_counter(p, wrongs[_i].counter), 50);
    flow_close(f);
}
END_TEST

static const struct {
    const char *ue;
    const char *e2ae;
    const char *reason;
} refused[] = {
    {"--srtp --misbehave=no-key", SDES, "no_crypto"},
    {"--srtp", "mechanisms: [msrp-tls]", "e2ae_not_capable"},
    {"--srtp", SDES ", sdes_over_plain_sip: refuse", "sdes_in_clear"},
    {"--srtp", SDES ", srtp_suites: [AEAD_AES_256_GCM]", "no_crypto"},
};

// A secured offer that cannot be served is answered with 488, and the core never hears of it
// (PCSCF-065, TS 33.328 5.4).
START_TEST(a_secured_offer_that_cannot_be_served_is_refused)
{
    struct flow *f = flow_open("voice-488");
    struct pcscf *p = pcscf_start(f, &(struct pcscf_options){.e2ae = refused[_i].e2ae});
    struct program *ue =
        agent_start(f, HOST_UE,
                    flow_text(f, "--proxy %s --call sip:core@%s --offer audio %s", pcscf_access(p),
                              flow_at(f, HOST_CORE), refused[_i].ue));

    ck_assert_int_eq(program_wait(ue), 3);
    must_say(f, program_text(ue), "status=488");
    pcscf_stop(p);
    ck_assert_uint_eq(pcscf_counter(p, refused[_i].reason), 1);
    flow_close(f);
}
END_TEST

void suite_rtp(struct suite *s)
{
    EACH(s, voice_is_secured_towards_the_ue, secured);
    EACH(s, an_offer_in_the_2xx_is_secured_too, offerless);
    EACH(s, plain_voice_is_relayed, callers);
    ONCE(s, end_to_end_srtp_passes);
    EACH(s, a_secured_call_changes_and_goes_on, changes);
    ONCE(s, a_refused_new_key_restores_the_former);
    ONCE(s, media_follow_a_secured_ue_that_moves);
    EACH(s, media_go_where_a_ue_behind_a_nat_speaks_from, natted);
    EACH(s, what_is_no_genuine_srtp_goes_nowhere, wrongs);
    EACH(s, a_secured_offer_that_cannot_be_served_is_refused, refused);
}
