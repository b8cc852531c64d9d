// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: a folder with configuration and account is written, baresip runs in it, commands go
// to its standard input as if typed, and what it prints tells how far it is. Failure: whatever it
// does not say in time fails the test.
#include "tests/flows/baresip.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// Where Debian puts its modules.
#define MODULES "/usr/lib/baresip/modules"
// Packets of 20 ms: a machine that is busy makes few of them.
#define PACKETS_MIN 5

// ausine makes sound of one form only; it is resampled for the codec. A bridge without a second end
// swallows what is played, one with two ends of the same name gives it back.
static const char tone[] = "audio_source ausine,440\naudio_player aubridge,sink\n"
                           "ausrc_srate 48000\nausrc_channels 2\n";
static const char loop[] = "audio_source aubridge,loop\naudio_player aubridge,loop\n"
                           "ausrc_srate 8000\nauplay_srate 8000\n";

static void write_settings(struct pcscf *p, enum host host, const struct baresip *what)
{
    struct flow *f = pcscf_flow(p);

    ck_assert_int_eq(mkdir(flow_path(f, what->user), 0777), 0);
    flow_write(f, flow_text(f, "%s/config", what->user),
               flow_text(f,
                         "sip_listen %s\nnet_interface %s\nrtp_ports 40000-48000\nrtp_stats yes\n"
                         "module_path " MODULES "\nmodule stdio.so\nmodule g711.so\n"
                         "module srtp.so\nmodule ausine.so\nmodule aubridge.so\n"
                         "module_app account.so\nmodule_app menu.so\n%s",
                         flow_at(f, host), flow_host(f, host), what->echo ? loop : tone));
    flow_write(f, flow_text(f, "%s/accounts", what->user),
               flow_text(f,
                         "<sip:%s@" LAB_DOMAIN ";transport=%s>;auth_user=%s@" LAB_DOMAIN
                         ";auth_pass=%s" LAB_SECRET ";outbound=\"sip:%s;transport=%s\";regint=600;"
                         "answermode=auto;audio_codecs=PCMA%s\n",
                         what->user, what->transport, what->user, what->user,
                         lab_access(p, what->transport), what->transport,
                         what->srtp ? ";mediaenc=srtp-mand" : ""));
    flow_write(f, flow_text(f, "%s/contacts", what->user), "");
}

struct program *baresip_start(struct pcscf *p, enum host host, const struct baresip *what)
{
    struct flow *f = pcscf_flow(p);

    write_settings(p, host, what);
    struct program *baresip =
        program_run(f, what->user, "baresip", flow_text(f, "-v -f %s", what->user));
    program_line(baresip, "registered successfully");
    return baresip;
}

static void type(struct program *baresip, const char *command)
{
    const char *line = flow_text(program_flow(baresip), "/%s\n", command);

    program_write(baresip, line, strlen(line));
}

void baresip_call(struct program *baresip, const char *user)
{
    struct flow *f = program_flow(baresip);
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();

    type(baresip, flow_text(f, "dial sip:%s@" LAB_DOMAIN, user));
    // it shows the duration of the call in one line that never ends
    while (!text_matches(program_text(baresip), "\\[0:00:02\\]"))
        flow_check(f, programs_poll(f, -1, deadline), "%s is not in a call",
                   program_label(baresip));
    type(baresip, "hangup");
}

void baresip_expect_media(struct program *baresip)
{
    const char *line = program_line(baresip, "^packets: ");
    char *rest;
    unsigned long sent = strtoul(line + strlen("packets:"), &rest, 10);
    unsigned long received = strtoul(rest, NULL, 10);

    flow_check(program_flow(baresip), sent >= PACKETS_MIN && received >= PACKETS_MIN,
               "%s sent %lu packets and received %lu", program_label(baresip), sent, received);
}

void baresip_stop(struct program *baresip)
{
    type(baresip, "quit");
    int status = program_wait(baresip);
    flow_check(program_flow(baresip), status == 0, "%s ended with status %d",
               program_label(baresip), status);
}
