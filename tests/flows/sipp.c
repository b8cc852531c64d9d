// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: the called side is started, and known to be ready by its socket; then the calling
// side; both end when their calls are done. Failure: an exit status other than 0, or statistics
// that count less than all calls as successful, with what SIPp wrote about it.
#include "tests/flows/sipp.h"

#include "tests/flows/agent.h"
#include "tests/flows/socket.h"

#include <stdlib.h>
#include <string.h>

static struct program *start(struct pcscf *p, const struct sipp_pair *pair, enum host host,
                             const char *more)
{
    struct flow *f = pcscf_flow(p);
    const char *side = host == HOST_UE ? "ue" : "core";

    return program_run(
        f, side, "sipp",
        flow_text(f,
                  "-sf %s -i %s -mi %s -p %u -m %u -nostdin -timeout %ds -timeout_error "
                  "-trace_err -error_file sipp-%s.log %s %s",
                  flow_source(f, flow_text(f, "tests/sipp/%s-%s.xml", pair->name, side)),
                  flow_host(f, host), flow_host(f, host), flow_port(f, host), pair->calls,
                  flow_patience() / 1000, side, pair->options ? pair->options : "", more));
}

static void expect_success(struct flow *f, struct program *p, const struct sipp_pair *pair)
{
    int status = program_wait(p);

    flow_check(f, status == 0, "SIPp as %s ended with status %d", program_label(p), status);
    must_say(f, program_text(p), flow_text(f, "Successful call .* %u *$", pair->calls));
    must_say(f, program_text(p), "Failed call .* 0 *$");
}

void sipp_run(struct pcscf *p, const struct sipp_pair *pair)
{
    struct flow *f = pcscf_flow(p);
    bool ue_calls = pair->caller == HOST_UE;
    enum host callee = ue_calls ? HOST_CORE : HOST_UE;
    const char *target = pair->target ? pair->target
                         : ue_calls   ? "fax@example.net"
                                      : UE_USER "@example.net";
    struct program *called = start(p, pair, callee, "");

    socket_await(f, callee, flow_port(f, callee));
    struct program *calling = start(p, pair, pair->caller,
                                    flow_text(f, "-key target %s %s %s", target,
                                              pair->caller_options ? pair->caller_options : "",
                                              ue_calls ? pcscf_access(p) : pcscf_core(p)));
    expect_success(f, calling, pair);
    expect_success(f, called, pair);
}
