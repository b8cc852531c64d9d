// SPDX-License-Identifier: GPL-3.0-or-later
// How sessions end without a word of their parties: nobody refreshes them, their media fall silent,
// or what was to protect the media fails before anybody has answered.
#include "tests/flows/agent.h"
#include "tests/flows/ctl.h"
#include "tests/flows/openssl.h"
#include "tests/flows/socket.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

#include <unistd.h>

// Both parties are sent nothing but what they ask for.
static void quiet(struct stage *s)
{
    const char *core = stage_ping(s, s->core, pcscf_core(s->p));
    const char *ue = stage_ping(s, s->ue, pcscf_access(s->p));

    flow_check(s->f, !core, "the core saw %s", core);
    flow_check(s->f, !ue, "the UE saw %s", ue);
}

// --- the session timer -------------------------------------------------------------------------

// 64 * T1 of grace.
#define HASTY "t1_ms: 50"
#define LAPSE_MS (1000 + 64 * 50)
#define ONE_SECOND "Supported: timer\nSession-Expires: 1;refresher=uac\n"

static struct sip_dialog call_for_a_second(struct stage *s)
{
    const char *invite = stage_invite_core(s), *answer = stage_plain_answer(s, 9000);

    sip_send(s->core, sip_response(s->core, invite, "200 OK", ONE_SECOND, answer));
    return stage_acknowledge(s, sip_expect(s->ue, "^SIP/2.0 200 "));
}

// PCSCF-076: a session that nobody refreshes is freed a little after it has expired, its ports with
// it; nobody gets a BYE of ours (RFC 4028 8.3), and who still speaks of it gets 481.
START_TEST(a_session_that_nobody_refreshes_is_freed)
{
    struct pcscf_options options = {.sip = HASTY};
    struct stage s = stage_open("expires", &options);
    uint64_t begin = flow_now_ms();
    struct sip_dialog dialog = call_for_a_second(&s);

    struct chart chart = pcscf_chart(s.p);
    flow_check(s.f, flow_now_ms() - begin >= LAPSE_MS, "freed too soon");
    must_say(s.f, chart.mermaid, "session expired");
    pcscf_await_idle(s.p);
    quiet(&s);
    sip_send(s.ue, sip_dialog_request(&dialog, "BYE", NULL, NULL));
    sip_expect(s.ue, "^SIP/2.0 481 ");
    stage_close(&s, "session_expired");
}
END_TEST

// PCSCF-076: a refresh starts the time anew, and one whose answer names no expiry ends the watch:
// the session is there long after it would have expired (RFC 4028 10).
START_TEST(a_session_that_is_refreshed_stays)
{
    struct pcscf_options options = {.sip = HASTY};
    struct stage s = stage_open("refreshed", &options);
    struct sip_dialog dialog = call_for_a_second(&s);

    sip_send(s.ue, sip_dialog_request(&dialog, "UPDATE", ONE_SECOND, NULL));
    const char *update = sip_expect(s.core, "^UPDATE ");
    sip_send(s.core, sip_response(s.core, update, "200 OK", "Supported: timer\n", NULL));
    must_say(s.f, sip_expect(s.ue, "^SIP/2.0 200 "), "^Supported: timer$");
    usleep((LAPSE_MS + 300) * 1000); // nothing may happen meanwhile
    quiet(&s);
    stage_hang_up(&s, &dialog);
    stage_close(&s, NULL);
}
END_TEST

static const bool timers[] = {false, true};

// TS 24.229 5.2.8.1.2: sip.call_max_s ends a call that has no session timer by BYE to both sides; a
// call that has one is not touched by it.
START_TEST(a_call_lasts_as_long_as_it_may)
{
    struct pcscf_options options = {.sip = HASTY ", call_max_s: 1"};
    struct stage s = stage_open("long", &options);
    struct sip *parties[] = {s.core, s.ue};
    struct sip_dialog dialog = timers[_i] ? call_for_a_second(&s) : stage_call_core(&s);

    for (int i = 0; !timers[_i] && i < 2; i++) {
        const char *bye = sip_expect(parties[i], "^BYE ");
        must_say(s.f, bye, "^Reason: SIP;cause=503;text=.The call has lasted");
        sip_send(parties[i], sip_response(parties[i], bye, "200 OK", NULL, NULL));
    }
    if (timers[_i]) {
        usleep(1300 * 1000); // nothing may happen meanwhile
        quiet(&s);
        stage_hang_up(&s, &dialog);
    }
    stage_close(&s, timers[_i] ? NULL : "call_too_long");
}
END_TEST

// --- media that fall silent --------------------------------------------------------------------

#define GUARD_MS 1000 // as configured below
#define SILENT "NOTIFY .Media Inactiv"

// A call with datagrams that the test sends itself.
struct media {
    int ue, core;
    const char *t1;
};

static const char *fax(struct stage *s, enum host host, int socket)
{
    return flow_text(s->f,
                     "v=0\no=- 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\nm=image %u udptl t38\n",
                     flow_host(s->f, host), flow_host(s->f, host), socket_port(socket));
}

static struct sip_dialog call_with_media(struct stage *s, struct media *m)
{
    m->ue = socket_bind(s->f, HOST_UE, 0);
    m->core = socket_bind(s->f, HOST_CORE, 0);
    sip_send(s->ue,
             sip_request(s->ue, "INVITE", "sip:bob@example.net", NULL, fax(s, HOST_UE, m->ue)));
    const char *invite = sip_expect(s->core, "^INVITE ");
    sip_send(s->core, sip_response(s->core, invite, "200 OK", NULL, fax(s, HOST_CORE, m->core)));
    const char *ok = sip_expect(s->ue, "^SIP/2.0 200 ");
    m->t1 = openssl_peer(s->f, ok, "image");
    return stage_acknowledge(s, ok);
}

static void pass_datagram(struct stage *s, const struct media *m)
{
    char got[16];

    socket_send(m->ue, m->t1, "fax", 3);
    ck_assert_uint_eq(socket_receive(s->f, m->core, got, sizeof(got)), 3);
}

static void expect_bye(struct stage *s, struct sip *party)
{
    const char *bye = sip_expect(party, "^BYE ");

    must_say(s->f, bye, "^Reason: SIP;cause=503;text=");
    sip_send(party, sip_response(party, bye, "200 OK", NULL, NULL));
}

// PCSCF-082: when media fall silent, nothing happens for the guard time; media that come back
// within it cancel what was due; a silence that lasts ends the call on both sides.
START_TEST(a_loss_of_media_waits_for_the_guard_time)
{
    struct pcscf_options options = {
        .admin = true, .agw = "certificate_pool: 4, media_timeout_s: 1, media_guard_ms: 1000"};
    struct stage s = stage_open("guard", &options);
    struct media media;

    call_with_media(&s, &media);
    pass_datagram(&s, &media);
    const char *id =
        flow_value(s.f, ctl_says(s.p, 0, "calls live --json"), "\"id\": ", "\"id\": \"");
    struct program *watch = ctl_start(s.p, flow_text(s.f, "watch %.6s", id));
    program_line(watch, SILENT);
    quiet(&s);
    pass_datagram(&s, &media);
    program_line(watch, "media flow again");
    for (uint64_t end = flow_now_ms() + GUARD_MS + 300; flow_now_ms() < end; usleep(100 * 1000)) {
        pass_datagram(&s, &media);
        quiet(&s);
    }
    program_line(watch, SILENT);
    uint64_t silent = flow_now_ms();
    expect_bye(&s, s.core);
    flow_check(s.f, flow_now_ms() - silent >= GUARD_MS / 2, "too soon");
    expect_bye(&s, s.ue);
    close(media.ue);
    close(media.core);
    stage_close(&s, NULL);
}
END_TEST

// --- failures before the answer ----------------------------------------------------------------

static const struct early {
    bool from_ue; // the call
    bool tls;     // over TCP; else DTLS
} early[] = {{true, false}, {false, false}, {true, true}, {false, true}};

struct scene {
    struct stage stage;
    struct sip *caller, *callee;
    const char *fingerprint; // in the SDP of the UE
    unsigned port;           // where OpenSSL speaks or listens
    int media;               // of the core
};

// The media line of the UE, or that of the core.
static const char *media(struct scene *s, const struct early *e, bool ue, const char *setup)
{
    struct flow *f = s->stage.f;
    const char *host = flow_host(f, ue ? HOST_UE : HOST_CORE);
    unsigned port = ue ? s->port : socket_port(s->media);
    const char *lines =
        flow_text(f, "v=0\no=- 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\n", host, host);

    if (!ue)
        return e->tls
                   ? flow_text(f, "%sm=application %u TCP/BFCP *\na=setup:%s\n", lines, port, setup)
                   : flow_text(f, "%sm=image %u udptl t38\n", lines, port);
    return flow_text(
        f, "%sm=%s\na=setup:%s\na=fingerprint:SHA-256 %s\n%s", lines,
        flow_text(f, e->tls ? "application %u TCP/TLS/BFCP *" : "image %u UDP/TLS/UDPTL t38", port),
        setup, s->fingerprint, e->from_ue ? "a=3ge2ae:requested\n" : "");
}

static struct scene scene_open(const struct early *e)
{
    struct scene s = {.stage = stage_open("early", NULL)};
    struct flow *f = s.stage.f;
    int probe = e->tls ? socket_listen(f, HOST_UE) : socket_bind(f, HOST_UE, 0);

    s.port = socket_port(probe); // nobody else is on this address
    close(probe);
    s.caller = e->from_ue ? s.stage.ue : s.stage.core;
    s.callee = e->from_ue ? s.stage.core : s.stage.ue;
    s.media = e->tls ? socket_listen(f, HOST_CORE) : socket_bind(f, HOST_CORE, 0);
    s.fingerprint = openssl_wrong(f, openssl_certificate(f));
    return s;
}

// Who offers BFCP is TLS client (RFC 8856 8), and so opens the connection here.
static bool ue_opens(const struct early *e)
{
    return !e->tls || e->from_ue;
}

// INVITE and a 183 with the answer. Returns what the callee got.
static const char *ring(struct scene *s, const struct early *e, const char **t1, const char **t2)
{
    const char *uri = e->from_ue ? "sip:bob@example.net" : "sip:" UE_USER "@example.net";
    const char *type = e->tls ? "application" : "image";
    bool opens = ue_opens(e);
    const char *ue_setup = opens ? "active" : "passive";
    const char *core_setup = !e->from_ue ? "actpass" : opens ? "passive" : "active";
    const char *offer = media(s, e, e->from_ue, e->from_ue ? ue_setup : core_setup);
    const char *answer = media(s, e, !e->from_ue, e->from_ue ? core_setup : ue_setup);

    sip_send(s->caller, sip_request(s->caller, "INVITE", uri, NULL, offer));
    const char *invite = sip_expect(s->callee, "^INVITE ");
    sip_send(s->callee, sip_response(s->callee, invite, "183 Session Progress", NULL, answer));
    const char *progress = sip_expect(s->caller, "^SIP/2.0 183 ");
    *t1 = openssl_peer(s->stage.f, e->from_ue ? progress : invite, type);
    *t2 = openssl_peer(s->stage.f, e->from_ue ? invite : progress, type);
    return invite;
}

// OpenSSL shows a certificate that the SDP did not announce. Returns the connection of the core, or
// -1.
static int fail_handshake(struct scene *s, const struct early *e, const char **invite)
{
    struct flow *f = s->stage.f;
    const char *version = e->tls ? "tls1_2" : "dtls1_2", *t1, *t2;
    struct program *openssl = ue_opens(e) ? NULL : openssl_server(f, version, s->port);
    int connection = -1;

    *invite = ring(s, e, &t1, &t2);
    if (ue_opens(e))
        openssl = openssl_client(f, version, t1, s->port);
    else
        connection = socket_connect(f, HOST_CORE, t2);
    program_line(openssl, "alert bad certificate");
    return connection;
}

// The caller has a 5xx, the callee a CANCEL that says why.
static void must_end_early(struct scene *s)
{
    struct flow *f = s->stage.f;
    const char *refusal = sip_expect(s->caller, "^SIP/2.0 [2-6]");

    must_say(f, refusal, "^SIP/2.0 5");
    const char *cancel = sip_expect(s->callee, "^CANCEL ");
    must_say(f, cancel, "^Reason: SIP;cause=503;text=");
    sip_send(s->callee, sip_response(s->callee, cancel, "200 OK", NULL, NULL));
}

static void scene_close(struct scene *s, int connection, const char *counter)
{
    close(s->media);
    if (connection >= 0)
        close(connection);
    stage_close(&s->stage, counter);
}

// PCSCF-080: a handshake that fails while the callee rings ends the call on both sides: 5xx to the
// caller, CANCEL with Reason SIP;cause=503 to the callee (TS 24.229 5.2.8.1.1), for DTLS and TLS,
// from the UE and to it.
START_TEST(a_handshake_that_fails_early_ends_the_call)
{
    struct scene s = scene_open(&early[_i]);
    const char *invite;
    int connection = fail_handshake(&s, &early[_i], &invite);

    must_end_early(&s);
    sip_send(s.callee, sip_response(s.callee, invite, "487 Terminated", NULL, NULL));
    sip_expect(s.callee, "^ACK ");
    quiet(&s.stage);
    scene_close(&s, connection, "dtls_fingerprint");
}
END_TEST

// PCSCF-080: an answer that crosses the CANCEL is acknowledged and ended by BYE; the caller, who
// has been told, never sees it (RFC 3261 9.1, 13.2.2.4).
START_TEST(an_answer_that_crosses_the_early_failure_is_ended)
{
    struct scene s = scene_open(&early[_i]);
    const char *invite;
    int connection = fail_handshake(&s, &early[_i], &invite);

    must_end_early(&s);
    sip_send(s.callee, sip_response(s.callee, invite, "200 OK", NULL, NULL));
    sip_expect(s.callee, "^ACK ");
    const char *bye = sip_expect(s.callee, "^BYE ");
    must_say(s.stage.f, bye, "^Reason: SIP;cause=[45]");
    sip_send(s.callee, sip_response(s.callee, bye, "200 OK", NULL, NULL));
    quiet(&s.stage);
    scene_close(&s, connection, "dtls_fingerprint");
}
END_TEST

#define FEW_PORTS 4

// PCSCF-080: an early answer for which the AGW has no port left ends the call the same way; what
// the callee answers afterwards is ended too (REQ-107).
START_TEST(an_early_answer_without_resources_ends_the_call)
{
    struct stage s = stage_open("early-ports", &(struct pcscf_options){.media_ports = FEW_PORTS});
    int fds[FEW_PORTS];

    for (unsigned i = 0; i < FEW_PORTS; i++)
        fds[i] = socket_bind(s.f, HOST_PCSCF, (uint16_t)(ACCESS_PORTS + i));
    struct scene scene = {.stage = s, .caller = s.ue, .callee = s.core};
    const char *invite = stage_invite_core(&s), *answer = stage_plain_answer(&s, 9000);
    sip_send(s.core, sip_response(s.core, invite, "183 Session Progress", NULL, answer));
    must_end_early(&scene);
    sip_send(s.core, sip_response(s.core, invite, "487 Terminated", NULL, NULL));
    sip_expect(s.core, "^ACK ");
    quiet(&s);
    for (unsigned i = 0; i < FEW_PORTS; i++)
        close(fds[i]);
    stage_close(&s, "agw_no_port");
}
END_TEST

void suite_session(struct suite *s)
{
    ONCE(s, a_session_that_nobody_refreshes_is_freed);
    ONCE(s, a_session_that_is_refreshed_stays);
    EACH(s, a_call_lasts_as_long_as_it_may, timers);
    ONCE(s, a_loss_of_media_waits_for_the_guard_time);
    EACH(s, a_handshake_that_fails_early_ends_the_call, early);
    EACH(s, an_answer_that_crosses_the_early_failure_is_ended, early);
    ONCE(s, an_early_answer_without_resources_ends_the_call);
}
