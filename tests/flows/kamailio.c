// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: Kamailio runs in the foreground in the folder of the flow, says that it is ready, and
// ends on SIGTERM with all its processes. Failure: a complaint in its log about what the P-CSCF
// sent fails the test. A test that dies takes it along: setpriv has the kernel send it SIGTERM,
// since SIGKILL to the first of its processes would leave the others behind.
#include "tests/flows/kamailio.h"

#include <signal.h>
#include <string.h>

static struct program *start(struct flow *f)
{
    const char *at = flow_at(f, HOST_CORE);
    struct program *p =
        program_run(f, "kamailio", "setpriv",
                    flow_text(f,
                              "--pdeathsig TERM kamailio -DD -E -m 16 -M 4 -Y %s -w %s -f %s "
                              "-l udp:%s -l tcp:%s",
                              flow_folder(f), flow_folder(f),
                              flow_source(f, "configs/lab-standalone/kamailio.cfg"), at, at));

    program_line(p, "<script>: ready$");
    return p;
}

static void stop(struct program *kamailio)
{
    struct flow *f = program_flow(kamailio);

    // on its way down its processes complain about each other
    must_not_say(f, program_text(kamailio), " (ERROR|CRITICAL|ALERT|WARNING): ");
    program_signal(kamailio, SIGTERM);
    int status = program_wait(kamailio);
    flow_check(f, status == 0, "Kamailio ended with status %d", status);
}

static const char *tls_point(struct flow *f)
{
    return flow_text(f, "%s:%u", flow_host(f, HOST_PCSCF), PORT_CORE_SIDE(f) + 1);
}

const char *lab_access(struct pcscf *p, const char *transport)
{
    return strcmp(transport, "tls") == 0 ? tls_point(pcscf_flow(p)) : pcscf_access(p);
}

struct lab lab_open(const char *name, const struct pcscf_options *options)
{
    struct lab lab = {.f = flow_open(name)};
    struct pcscf_options all = options ? *options : (struct pcscf_options){0};

    all.ues = "";
    all.access = flow_text(lab.f, "tls: {listen: [\"%s\"]}", tls_point(lab.f));
    all.registration = "required: true";
    lab.kamailio = start(lab.f);
    lab.p = pcscf_start(lab.f, &all);
    return lab;
}

void lab_close(struct lab *lab)
{
    stop(lab->kamailio); // first: its connection to the P-CSCF closes
    pcscf_stop(lab->p);
    flow_close(lab->f);
}

struct program *lab_agent_start(struct pcscf *p, enum host host, const char *user,
                                const char *transport, const char *arguments)
{
    struct flow *f = pcscf_flow(p);

    return program_run(
        f, user, flow_binary(f, "e2ae-ua"),
        flow_text(f,
                  "--listen %s --transport %s --proxy %s --identity sip:%s@" LAB_DOMAIN
                  " --register --speed " SPEED " --timeout %d %s",
                  flow_at(f, host), transport, lab_access(p, transport), user,
                  flow_patience() / 1000, arguments));
}

struct program *lab_agent_answer(struct pcscf *p, enum host host, const char *user,
                                 const char *transport, const char *arguments)
{
    struct flow *f = pcscf_flow(p);
    struct program *agent =
        lab_agent_start(p, host, user, transport,
                        flow_text(f, "--password %s" LAB_SECRET " --answer %s", user, arguments));

    program_line(agent, "^registered status=200 ");
    return agent;
}
