// SPDX-License-Identifier: GPL-3.0-or-later
// pcscfctl and the admin endpoint beside live calls: what is shown is what happens, an operator can
// end it, and whoever is not allowed, or asks for nonsense, is told so.
#include "tests/flows/agent.h"
#include "tests/flows/ctl.h"
#include "tests/flows/socket.h"
#include "tests/flows/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// A call that stays up until somebody else ends it, and its id.
static const char *call_up(struct pcscf *p, struct call *call)
{
    struct flow *f = pcscf_flow(p);
    *call = (struct call){
        .caller = HOST_UE, .ue = "--expect-bye", .core = "--expect-bye", .no_fax = true};
    call_start(p, call);
    program_line(call->programs[HOST_UE], "^dtls-established ");
    for (;;) { // the last ACK may still be on its way
        const char *list = ctl_says(p, 0, "calls live --json");
        const char *id = flow_value(f, list, "\"id\": ", "\"id\": \"");
        if (id && text_matches(list, "\"state\": \"up\""))
            return flow_copy(f, id, 6);
    }
}

// A live call is listed, shown with addresses and what DTLS agreed on, and drawn; its ID may be
// abbreviated. The operator ends it: both sides get a BYE that says so, and it stays to be seen
// (TS 24.229 5.2.8.1.2).
START_TEST(a_live_call_is_shown_and_ended)
{
    struct flow *f = flow_open("admin-call");
    struct pcscf *p = pcscf_start(f, &(struct pcscf_options){.admin = true});
    struct call call;
    const char *id = call_up(p, &call);
    must_say(f, ctl_says(p, 0, ""), "^sessions +1 now, 1 in all$");
    must_say(f, ctl_says(p, 0, "calls"), flow_text(f, "^%s.* orig +up .* udptl.e2ae$", id));
    const char *shown = ctl_says(p, 0, flow_text(f, "call %s", id));
    while (!text_matches(shown, ", latched 127")) // the AGW tells it a little later
        shown = ctl_says(p, 0, flow_text(f, "call %s", id));
    must_say(f, shown, "UDP/DTLS +local 127[.0-9]+:2[0-9]+, remote 127[.0-9]+:[0-9]+, latched 127");
    must_say(f, shown, "established, AGW is server, DTLS1.2, TLS_ECDHE_ECDSA_WITH_AES");
    must_say(f, shown, "shown by the UE: +SHA-256 [0-9A-F:]+ .matched.$");
    must_say(f, shown, "figure 6.2.10.4.2.1$");
    must_say(f, ctl_says(p, 0, flow_text(f, "call %s chart", id)), "1. INVITE .SDP offer.");
    must_say(f, ctl_says(p, 0, flow_text(f, "call %s chart mermaid", id)), "^sequenceDiagram$");
    must_say(f, ctl_says(p, 0, flow_text(f, "call %s chart html", id)), "</html>");
    must_say(f, ctl_says(p, 0, flow_text(f, "call %s chart svg", id)), "</svg>");
    must_say(f, ctl_says(p, 0, flow_text(f, "--json call %s chart", id)), "^[[{]");
    must_say(f, ctl_says(p, 0, "ports"), "^access +1 +200 +20000-20199$");
    must_say(f, ctl_says(p, 0, "counters"),
             "^pcscf_handshakes_total.role=.server.,result=.established.. +1$");
    must_say(f, ctl_says(p, 0, flow_text(f, "hangup %s", id)), "^ended +");
    call_finish(p, &call);
    must_say(f, call_ue(&call), "^bye-received reason=.SIP;cause=503;text=.The operator");
    must_say(f, call_core(&call), "^bye-received reason=.SIP;cause=503;text=.The operator");
    must_say(f, ctl_says(p, 1, flow_text(f, "hangup %s", id)),
             "has ended already|no session begins");
    pcscf_chart(p);
    must_say(f, ctl_says(p, 0, "calls recent"), flow_text(f, "^%s.* ended .* operator$", id));
    must_say(f, ctl_says(p, 0, flow_text(f, "call %s", id)), "^ended because +operator$");
    must_say(f, ctl_says(p, 0, "calls live --json"), "\"total\": 0");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// Who watches sees a new session as it happens, with the step numbers of its figure, until its end.
START_TEST(a_new_session_is_watched)
{
    struct flow *f = flow_open("admin-watch");
    struct pcscf *p = pcscf_start(f, &(struct pcscf_options){.admin = true});
    struct program *all = ctl_start(p, "watch");
    struct call call;
    const char *id = call_up(p, &call);
    program_line(all, "1. INVITE .SDP offer.");
    program_line(all, "14. .D.TLS ClientHello");
    struct program *one = ctl_start(p, flow_text(f, "watch %s", id));
    program_line(one, "15. .D.TLS handshake complete");
    ctl_says(p, 0, flow_text(f, "hangup %s", id));
    call_finish(p, &call);
    program_line(one, "session released: ended by the operator");
    program_line(one, "has ended$");
    ck_assert_int_eq(program_wait(one), 0);
    program_line(all, "has ended$");
    pcscf_stop_at_once(p);
    ck_assert_int_eq(program_wait(all), 3); // nobody is there any more
    flow_close(f);
}
END_TEST

// /metrics is what Prometheus' own checker takes for good, before and after a call.
START_TEST(metrics_are_well_formed)
{
    struct flow *f = flow_open("admin-metrics");
    struct pcscf *p = pcscf_start(f, &(struct pcscf_options){.admin = true});
    const char *promtool = flow_source(f, "build/tools/promtool");
    struct call call = {.caller = HOST_UE};
    flow_check(f, access(promtool, X_OK) == 0, "run: make build/tools/promtool");
    call_run(p, &call);
    pcscf_chart(p);
    int fd = socket_connect(f, HOST_OTHER, pcscf_admin(p));
    socket_write(fd, "GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
    struct strbuf all = STRBUF_INIT;
    char part[4096];
    for (ssize_t n; (n = recv(fd, part, sizeof(part), 0)) > 0;)
        strbuf_add(&all, part, (size_t)n);
    close(fd);
    const char *answer = flow_take(f, &all), *body = strstr(answer, "\r\n\r\n");
    flow_check(f, body, "no body: %s", answer);
    must_say(f, body, "^pcscf_relayed_packets_total.side=.access.,transport=.UDP/DTLS.. [1-9]");
    must_say(f, body, "^pcscf_sessions_ended_total.reason=.none.. 1$");
    flow_write(f, "metrics.txt", body + 4);
    struct program *check =
        program_start(f, "promtool",
                      (const char *const[]){"sh", "-c", "exec \"$0\" check metrics <metrics.txt",
                                            promtool, NULL});
    int status = program_wait(check);
    flow_check(f, status == 0, "promtool says %d: %s", status, program_text(check));
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// Of a call whose keys stood in SDP, no answer of the endpoint shows one (REQ-112).
START_TEST(keys_are_not_shown)
{
    struct flow *f = flow_open("admin-keys");
    struct pcscf_options options = {.admin = true, .e2ae = "unregistered: [sdes-srtp]"};
    struct pcscf *p = pcscf_start(f, &options);
    struct call call = {
        .caller = HOST_UE,
        .ue = "--offer audio --srtp --audio count --datagrams 20 --hangup-after media",
        .core = "--audio echo",
        .no_fax = true};
    call_run(p, &call);
    pcscf_chart(p);
    const char *id = flow_value(f, ctl_says(p, 0, "calls --json"), "\"id\": ", "\"id\": \"");
    flow_check(f, id, "the call is not listed");
    id = flow_copy(f, id, 8);
    static const char *const looks[] = {
        "call %s --json",        "call %s chart json", "call %s chart html", "call %s chart svg",
        "call %s chart mermaid", "call %s chart",      "--json watch %s"};
    must_say(f, ctl_says(p, 0, flow_text(f, "call %s", id)), "RTP/SAVP");
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        char arguments[64];
        snprintf(arguments, sizeof(arguments), looks[i], id);
        must_not_say(f, ctl_says(p, 0, arguments), "inline:[A-Za-z0-9+/]{8}");
    }
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

static const struct {
    const char *arguments;
    int status;
    const char *says;
} words[] = {
    {"--help", 0, "^Exit status: 0 done"},
    {"--version", 0, "^pcscfctl "},
    {"explain dtls_fingerprint", 0, "RFC 8122 6.2"},
    {"explain pcscf_ports_used", 0, "connection points in use"},
    {"explain nothing_like_it", 1, "no reason or counter is called 'nothing_like_it'"},
    {"regs", 0, "^state +identity"},
    {"log debug", 0, "^log level +debug$"},
    {"log loud", 1, "expected error, warn, info or debug"},
    {"log A%20B", 2, "expected error"},
    {"call", 2, "expected: pcscfctl call ID"},
    {"call nobody", 1, "no session begins with nobody"},
    {"call ../show", 2, "cannot be the ID of a session"},
    {"call a chart gif", 2, "expected text, mermaid, svg, html or json"},
    {"call a graph", 2, "expected chart"},
    {"calls old", 2, "expected live, recent or all"},
    {"hangup nobody", 1, "no session begins with nobody"},
    {"watch nobody", 1, "no such session"},
    {"dance", 2, "no command is called 'dance'"},
    {"show me", 2, "expected: pcscfctl show"},
    {"--nonsense", 2, "see --help"},
    {"--server ftp:x:y show", 2, "expected http://HOST:PORT"},
    {"--token-file missing show", 2, "cannot be read"},
};

// Each mistake on the command line is named, and the exit status tells whose mistake it was.
START_TEST(the_command_line_is_judged)
{
    struct flow *f = flow_open("admin-words");
    struct pcscf *p = pcscf_start(f, &(struct pcscf_options){.admin = true});
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        must_say(f, ctl_says(p, words[i].status, words[i].arguments), words[i].says);
    pcscf_stop(p);
    must_say(f, ctl_says(p, 3, "show"), "Connection refused");
    flow_close(f);
}
END_TEST

#define TOKEN "a-token-nobody-guesses"

// With admin.token set nothing is shown to who does not have it.
START_TEST(the_token_is_asked_for)
{
    struct flow *f = flow_open("admin-token");
    struct pcscf_options options = {.admin = true, .admin_keys = "token: " TOKEN};
    struct pcscf *p = pcscf_start(f, &options);
    flow_write(f, "token", TOKEN "\n");
    flow_write(f, "wrong", TOKEN "x\n");
    must_say(f, ctl_says(p, 1, "show"), "a token is needed: .*--token-file");
    must_say(f, ctl_says(p, 1, "--token-file wrong show"), "a token is needed: .*--token-file");
    must_say(f, ctl_says(p, 0, "--token-file token show"), "^state +serving$");
    pcscf_stop(p);
    flow_close(f);
}
END_TEST

// What a peer wrote into a header cannot move the cursor of who looks at it.
START_TEST(peers_cannot_write_on_the_terminal)
{
    static const char answer[] =
        "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
        "{\"total\":1,\"calls\":[{\"id\":\"abc\",\"from\":\"a\\u001b[2Jb\","
        "\"to\":\"c\\u009b2Jd\\r\\ne\",\"state\":\"up\"}]}";
    struct flow *f = flow_open("admin-terminal");
    int listener = socket_listen(f, HOST_PCSCF);
    struct program *program =
        program_run(f, "pcscfctl", flow_binary(f, "pcscfctl"),
                    flow_text(f, "--server %s:%u calls", flow_host(f, HOST_PCSCF),
                              (unsigned)socket_port(listener)));
    int fd = socket_accept(f, listener);
    socket_read(f, fd);
    socket_write(fd, answer);
    close(fd);
    close(listener);
    ck_assert_int_eq(program_wait(program), 0);
    const char *said = program_text(program);
    must_say(f, said, "a.\\[2Jb ");
    ck_assert_ptr_null(strchr(said, '\033'));
    ck_assert_ptr_null(strstr(said, "\xc2\x9b"));
    ck_assert_ptr_null(strchr(said, '\r'));
    flow_close(f);
}
END_TEST

void suite_admin(struct suite *s)
{
    ONCE(s, a_live_call_is_shown_and_ended);
    ONCE(s, a_new_session_is_watched);
    ONCE(s, metrics_are_well_formed);
    ONCE(s, the_command_line_is_judged);
    ONCE(s, keys_are_not_shown);
    ONCE(s, the_token_is_asked_for);
    ONCE(s, peers_cannot_write_on_the_terminal);
}
