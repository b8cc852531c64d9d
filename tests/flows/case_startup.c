// SPDX-License-Identifier: GPL-3.0-or-later
// Starting and ending the daemon: command line, configuration, addresses in use, signals.
#include "tests/flows/agent.h"
#include "tests/flows/socket.h"
#include "tests/flows/suite.h"

#include <signal.h>
#include <unistd.h>

// --- helpers -----------------------------------------------------------------------------------

static const char *run(struct flow *f, const char *arguments, int expected)
{
    struct program *p = program_run(f, "pcscf", flow_binary(f, "pcscf"), arguments);
    int status = program_wait(p);

    flow_check(f, status == expected, "'pcscf %s' ended with status %d, not %d", arguments, status,
               expected);
    return program_text(p);
}

// --- cases -------------------------------------------------------------------------------------

// --version and --help print and end with status 0.
START_TEST(version_and_help_are_printed)
{
    struct flow *f = flow_open("version");

    must_say(f, run(f, "--version", 0), "^pcscf [^ ]+$");
    must_say(f, run(f, "--help", 0), "^usage: pcscf ");
    must_say(f, run(f, "--no-such-option", 1), "^usage: pcscf ");
    must_say(f, run(f, "stray", 1), "^pcscf: unexpected argument 'stray'");
    flow_close(f);
}
END_TEST

// --check-config says ok for a good file, and starts nothing.
START_TEST(a_good_configuration_is_ok)
{
    struct flow *f = flow_open("good-config");

    flow_write(f, "good.yaml", "access:\n  listen: [\"127.0.0.1:5060\"]\n");
    must_say(f, run(f, "--config good.yaml --check-config", 0), "^good.yaml: ok$");
    must_say(f, run(f, "--check-config", 0), ": ok$");
    flow_close(f);
}
END_TEST

static const struct {
    const char *yaml;
    const char *complaint;
} bad_configs[] = {
    {"access:\n  latching: maybe\n", "^pcscf: bad.yaml:2: access.latching: expected .*maybe"},
    {"access:\n  listn: []\n", "^pcscf: bad.yaml:2: .*listn"},
    {"sip:\n  t1_ms: 1\n", "^pcscf: bad.yaml:2: sip.t1_ms: expected .*got \"1\""},
    {"agw: [\n", "^pcscf: bad.yaml:[0-9]+: "},
    {"access: {ports: {min: 24000, max: 24100}}\n", "^pcscf: bad.yaml:1: access.ports: expected"},
};

// A bad configuration is refused with status 1 and one sentence: file, line, key, expectation.
START_TEST(a_bad_configuration_is_named_with_its_line)
{
    struct flow *f = flow_open("bad-config");

    flow_write(f, "bad.yaml", bad_configs[_i].yaml);
    const char *check = run(f, "--config bad.yaml --check-config", 1);
    must_say(f, check, bad_configs[_i].complaint);
    flow_check(f, text_count(check, ".") == 1, "more than one line: %s", check);
    must_say(f, run(f, "--config bad.yaml", 1), bad_configs[_i].complaint);
    flow_close(f);
}
END_TEST

// A file that is not there is named, with status 1.
START_TEST(a_missing_configuration_is_named)
{
    struct flow *f = flow_open("missing-config");

    must_say(f, run(f, "--config none.yaml", 1), "^pcscf: none.yaml: cannot be read: No such file");
    flow_close(f);
}
END_TEST

// An address in use ends the start with status 2 and one sentence that names it.
START_TEST(an_address_in_use_is_named)
{
    struct flow *f = flow_open("in-use");
    int fd = socket_bind(f, HOST_PCSCF, flow_port(f, HOST_PCSCF));

    flow_write(f, "c.yaml",
               flow_text(f,
                         "access: {listen: [\"%s\"], media: [\"%s\"]}\n"
                         "core: {listen: [\"%s:%u\"], media: [\"%s\"]}\n"
                         "admin: {listen: \"off\"}\n",
                         flow_at(f, HOST_PCSCF), flow_host(f, HOST_PCSCF), flow_host(f, HOST_PCSCF),
                         PORT_CORE_SIDE(f), flow_host(f, HOST_PCSCF)));
    const char *said = run(f, "--config c.yaml", 2);
    must_say(f, said, flow_text(f, "^pcscf: access.listen: .*%s.*in use", flow_at(f, HOST_PCSCF)));
    flow_check(f, text_count(said, ".") == 1, "more than one line: %s", said);
    close(fd);
    flow_close(f);
}
END_TEST

// A media address that is none of this machine ends the start with status 2 and one sentence.
START_TEST(a_foreign_media_address_is_named)
{
    struct flow *f = flow_open("foreign-media");

    flow_write(f, "c.yaml",
               flow_text(f,
                         "access: {listen: [\"%s\"], media: [\"192.0.2.1\"]}\n"
                         "core: {listen: [\"%s:%u\"], media: [\"%s\"]}\n"
                         "admin: {listen: \"off\"}\n",
                         flow_at(f, HOST_PCSCF), flow_host(f, HOST_PCSCF), PORT_CORE_SIDE(f),
                         flow_host(f, HOST_PCSCF)));
    must_say(f, run(f, "--config c.yaml", 2), "^pcscf: .*192\\.0\\.2\\.1");
    flow_close(f);
}
END_TEST

// SIGUSR1 logs what was counted and goes on; SIGINT ends like SIGTERM, with status 0.
START_TEST(signals_are_obeyed)
{
    struct flow *f = flow_open("signals");
    struct pcscf *p = pcscf_start(f, NULL);
    struct call call = {.caller = HOST_UE,
                        .ue = "--media none",
                        .core = "--reject 486",
                        .no_fax = true,
                        .ue_status = 3};

    call_run(p, &call);
    program_signal(pcscf_program(p), SIGUSR1);
    program_line(pcscf_program(p), " counters: callee_refused +1 ");
    program_signal(pcscf_program(p), SIGINT);
    ck_assert_int_eq(program_wait(pcscf_program(p)), 0);
    flow_close(f);
}
END_TEST

void suite_startup(struct suite *s)
{
    ONCE(s, version_and_help_are_printed);
    ONCE(s, a_good_configuration_is_ok);
    EACH(s, a_bad_configuration_is_named_with_its_line, bad_configs);
    ONCE(s, a_missing_configuration_is_named);
    ONCE(s, an_address_in_use_is_named);
    ONCE(s, a_foreign_media_address_is_named);
    ONCE(s, signals_are_obeyed);
}
