// SPDX-License-Identifier: GPL-3.0-or-later
// UEs and networks that behave badly: the fax arrives all the same, and what was dropped on the way
// is counted under its reason.
#include "tests/flows/agent.h"
#include "tests/flows/suite.h"

#include <sys/stat.h>

// Handshakes that lose datagrams repeat them soon.
#define QUICK "certificate_pool: 4, retransmit_ms: 100"
#define QUICK_UE " --retransmit 100"

static const struct {
    enum host caller;
    const char *ue;
    const char *access, *agw;
    const char *ue_says; // beyond success
    const char *counter; // of what must have been dropped; NULL: nothing in particular
} storms[] = {
    // datagrams of media and handshakes are lost both ways (RFC 6347 4.2.4)
    {HOST_UE, "--misbehave=lossy --loss 5" QUICK_UE, .agw = QUICK},
    {HOST_CORE, "--misbehave=lossy --loss 5" QUICK_UE, .agw = QUICK},
    // a NAT gives the UE another port in the middle of the page: the record that proves it moves
    // the latch
    {HOST_UE, "--misbehave=rebind", .ue_says = "^rebind port="},
    // the ClientHello comes late, media of the core wait for nobody
    {HOST_UE, "--misbehave=late-hello --late-ms 700", .counter = "drop_unverified"},
    {HOST_CORE, "--misbehave=late-hello --late-ms 700", .counter = "drop_unverified"},
    // it comes before the answer: latched onto, or dropped and repeated (NOTE 3, REQ-072, REQ-073)
    {HOST_CORE, "--misbehave=early-hello"},
    {HOST_CORE, "--misbehave=early-hello" QUICK_UE, .access = "latching: off"},
    // the last flight is lost: it is repeated on demand (REQ-131)
    {HOST_UE, "--misbehave=drop-last-flight" QUICK_UE, .agw = QUICK},
    {HOST_CORE, "--misbehave=drop-last-flight" QUICK_UE, .agw = QUICK},
    {HOST_UE, "--misbehave=drop-last-flight --setup passive" QUICK_UE, .agw = QUICK},
    // datagrams that are nothing, and UDPTL in clear, end at the P-CSCF (REQ-071, REQ-128)
    {HOST_UE, "--misbehave=junk", .counter = "drop_clear_on_dtls"},
    {HOST_UE, "--misbehave=clear-udptl", .counter = "drop_clear_on_dtls"},
    {HOST_CORE, "--misbehave=clear-udptl", .counter = "drop_clear_on_dtls"},
    // renegotiation is refused, the association lives (REQ-068)
    {HOST_UE, "--misbehave=renegotiate", .ue_says = "^renegotiation result=refused"},
    {HOST_CORE, "--misbehave=renegotiate --answer-setup passive",
     .ue_says = "^renegotiation result=refused"},
};

// The fax arrives, pixel by pixel.
START_TEST(the_fax_arrives_all_the_same)
{
    struct flow *f = flow_open("storm");
    struct pcscf_options options = {.access = storms[_i].access, .agw = storms[_i].agw};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = storms[_i].caller, .ue = storms[_i].ue};

    call_run(p, &call);
    if (storms[_i].ue_says)
        must_say(f, call_ue(&call), storms[_i].ue_says);
    must_say(f, call_ue(&call), "^fax-done ok=yes");
    pcscf_stop(p);
    if (storms[_i].counter)
        flow_check(f, pcscf_counter(p, storms[_i].counter) > 0, "%s is 0", storms[_i].counter);
    flow_close(f);
}
END_TEST

static const struct {
    const char *certificates, *ue;
    const char *suite;
} suites[] = {
    {"ecdsa-p256", "", "ECDSA"},
    {"rsa-2048",
     "--priority NONE:+VERS-DTLS1.2:+ECDHE-RSA:+AES-128-GCM:+AEAD:+SIGN-ALL:+GROUP-ALL:+COMP-NULL:"
     "+CTYPE-X509",
     "RSA"},
    {"ecdsa-p256+rsa-2048",
     "--priority NONE:+VERS-DTLS1.2:+ECDHE-RSA:+AES-128-GCM:+AEAD:+SIGN-ALL:+GROUP-ALL:+COMP-NULL:"
     "+CTYPE-X509",
     "RSA"},
    {"ecdsa-p256",
     "--priority NONE:+VERS-DTLS1.2:+ECDHE-ECDSA:+AES-256-GCM:+AEAD:+SIGN-ALL:+GROUP-ALL:"
     "+COMP-NULL:+CTYPE-X509",
     "AES-256-GCM"},
    {"ecdsa-p256, legacy_suites: true",
     "--priority NONE:+VERS-DTLS1.2:+ECDHE-ECDSA:+AES-128-CBC:+SHA1:+SIGN-ALL:+GROUP-ALL:"
     "+COMP-NULL:+CTYPE-X509",
     "AES-128-CBC"},
};

// UEs with the suites that RFC 7345 4.1 makes mandatory are served by the fitting set of
// certificates (REQ-132).
START_TEST(the_set_of_certificates_decides_who_can_talk)
{
    struct flow *f = flow_open("suite");
    struct pcscf_options options = {
        .agw = flow_text(f, "certificate_pool: 4, certificates: %s", suites[_i].certificates)};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = HOST_UE, .datagrams = true, .ue = suites[_i].ue};

    call_run(p, &call);
    must_say(f, call_ue(&call), flow_text(f, "^dtls-established .*%s", suites[_i].suite));
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// Key material is written to the file that the configuration names, for its owner only, and nowhere
// else (REQ-112).
START_TEST(keys_are_written_where_configured_and_nowhere_else)
{
    struct flow *f = flow_open("keylog");
    struct pcscf_options options = {.agw = "certificate_pool: 4, keylog: \"keys.log\""};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = HOST_UE, .datagrams = true};
    struct stat st;

    call_run(p, &call);
    struct chart chart = pcscf_chart(p);
    pcscf_stop(p);
    must_say(f, flow_read(f, flow_path(f, "keys.log")),
             "^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$");
    ck_assert_int_eq(stat(flow_path(f, "keys.log"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    must_not_say(f, chart.text, "CLIENT_RANDOM|PRIVATE KEY");
    must_not_say(f, program_text(pcscf_program(p)), "CLIENT_RANDOM|PRIVATE KEY");
    flow_close(f);
}
END_TEST

void suite_misbehaviour(struct suite *s)
{
    EACH(s, the_fax_arrives_all_the_same, storms);
    ONCE(s, keys_are_written_where_configured_and_nowhere_else);
    EACH(s, the_set_of_certificates_decides_who_can_talk, suites);
}
