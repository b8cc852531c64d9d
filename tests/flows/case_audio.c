// SPDX-License-Identifier: GPL-3.0-or-later
// Audio first, then fax (RFC 7345 A.3, RFC 3264 8.3): in the place of the audio line or on a second
// one, switched by either side, called by either side.
#include "tests/flows/agent.h"
#include "tests/flows/suite.h"

static const struct {
    enum host caller, switches;
    const char *how;
} switches[] = {
    {HOST_UE, HOST_UE, "in-place"},     {HOST_UE, HOST_UE, "second-line"},
    {HOST_UE, HOST_CORE, "in-place"},   {HOST_UE, HOST_CORE, "second-line"},
    {HOST_CORE, HOST_UE, "in-place"},   {HOST_CORE, HOST_UE, "second-line"},
    {HOST_CORE, HOST_CORE, "in-place"}, {HOST_CORE, HOST_CORE, "second-line"},
};

// Audio is relayed; the fax that follows is secured towards the UE and plain towards the core, as
// if it had been there from the start (REQ-087).
START_TEST(audio_becomes_a_secured_fax)
{
    struct flow *f = flow_open("audio");
    struct pcscf *p = pcscf_start(f, NULL);
    const char *change = flow_text(f, "--switch %s --switch-after 100 ", switches[_i].how);
    const char *first = "--audio-first ";
    bool ue_calls = switches[_i].caller == HOST_UE, ue_switches = switches[_i].switches == HOST_UE;
    struct call call = {
        .caller = switches[_i].caller,
        .ue = flow_text(f, "%s%s", ue_calls ? first : "", ue_switches ? change : ""),
        .core = flow_text(f, "%s%s", ue_calls ? "" : first, ue_switches ? "" : change)};

    call_run(p, &call);
    must_say(f, ue_calls ? call_core(&call) : call_ue(&call),
             "^offer-received media=audio proto=RTP/AVP ");
    if (ue_switches)
        must_say(f, call_core(&call),
                 "^offer-received media=image proto=udptl .* fingerprints=0 3ge2ae=none ");
    else
        must_say(f, call_ue(&call),
                 "^offer-received media=image proto=UDP/TLS/UDPTL .* "
                 "setup=actpass .* fingerprints=1 3ge2ae=applied ");
    must_say(f, call_ue(&call), "^dtls-established .*verified=yes");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

void suite_audio(struct suite *s)
{
    EACH(s, audio_becomes_a_secured_fax, switches);
}
