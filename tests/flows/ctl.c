// SPDX-License-Identifier: GPL-3.0-or-later
// One run per question.
#include "tests/flows/ctl.h"

struct program *ctl_start(struct pcscf *p, const char *arguments)
{
    struct flow *f = pcscf_flow(p);
    return program_run(f, "pcscfctl", flow_binary(f, "pcscfctl"),
                       flow_text(f, "--server http://%s %s", pcscf_admin(p), arguments));
}

const char *ctl_says(struct pcscf *p, int status, const char *arguments)
{
    struct flow *f = pcscf_flow(p);
    struct program *program = ctl_start(p, arguments);
    int got = program_wait(program);
    flow_check(f, got == status, "pcscfctl %s ended with %d: %s", arguments, got,
               program_text(program));
    return flow_text(f, "%s", program_text(program));
}
