// SPDX-License-Identifier: GPL-3.0-or-later
// Calls as a HEP collector sees them: sngrep, which draws the ladder people know.
#include "tests/flows/agent.h"
#include "tests/flows/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Waits until somebody has bound this UDP port.
static void await_bound(struct flow *f, unsigned port)
{
    const char *wanted = flow_text(f, ":%04X ", port);
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();
    bool bound = false;

    while (!bound && flow_now_ms() < deadline) {
        char line[256];
        FILE *table = fopen("/proc/net/udp", "re");
        while (table && !bound && fgets(line, sizeof(line), table))
            bound = strstr(line, wanted) != NULL;
        if (table)
            fclose(table);
        if (!bound)
            usleep(10000);
    }
    flow_check(f, bound, "nobody listens on port %u", port);
}

// Every SIP message of a call with its real addresses, and the steps of the AGW and of DTLS as
// lines of text, reach sngrep and are saved by it.
START_TEST(sngrep_shows_a_call)
{
    struct flow *f = flow_open("hep");
    const char *collector = flow_at(f, HOST_OTHER);
    struct program *sngrep = program_run(f, "sngrep", "sngrep",
                                         flow_text(f, "-N -q -L udp:%s -O saved.pcap", collector));

    await_bound(f, flow_port(f, HOST_OTHER));
    struct pcscf_options options = {.trace = flow_text(f, "hep: \"udp:%s\"", collector)};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {.caller = HOST_UE, .datagrams = true};
    call_run(p, &call);
    must_say(f, program_text(pcscf_program(p)), " warn  hep: .* are sent to ");
    pcscf_stop(p);
    ck_assert_uint_eq(pcscf_counter(p, "hep_lost"), 0);
    program_signal(sngrep, SIGINT);
    program_wait(sngrep);
    struct program *tshark = program_run(
        f, "tshark", "tshark",
        "-r saved.pcap -T fields -e ip.src -e sip.r-uri -e sip.Status-Line -e data.text "
        "-o data.show_as_text:TRUE");
    ck_assert_int_eq(program_wait(tshark), 0);
    const char *shown = program_text(tshark);
    must_say(f, shown, flow_text(f, "^%s\tsip:.*%s", flow_host(f, HOST_UE), "."));
    must_say(f, shown, flow_text(f, "^%s\t\tSIP/2.0 200 OK", flow_host(f, HOST_CORE)));
    must_say(f, shown, "IMS-ALG -> IMS-AGW: ADD.req .Reserve AGW Connection Point, T2.; Stream: 1");
    must_say(f, shown, "IMS-AGW -> IMS UE: .D.TLS handshake complete ");
    flow_close(f);
}
END_TEST

void suite_hep(struct suite *s)
{
    ONCE(s, sngrep_shows_a_call);
}
