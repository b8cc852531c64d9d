// SPDX-License-Identifier: GPL-3.0-or-later
// Third-party DTLS: OpenSSL's own tools as the media of a UE whose SIP is made by hand. Whoever
// reads RFC 7345 the same way as OpenSSL can talk to T1.
#include "tests/flows/agent.h"
#include "tests/flows/openssl.h"
#include "tests/flows/sip.h"
#include "tests/flows/socket.h"
#include "tests/flows/suite.h"

#include <string.h>
#include <unistd.h>

// A call that is up, with OpenSSL still to come.
struct scene {
    struct flow *f;
    struct pcscf *p;
    struct sip *ue, *core;
    struct sip_dialog ue_dialog, core_dialog;
    const char *fingerprint; // of the certificate that OpenSSL made
    unsigned ue_port;        // where OpenSSL speaks or listens
    int media;               // of the core
    const char *t1, *t2;     // addresses of the AGW
};

static struct scene scene_open(const char *name)
{
    struct scene s = {.f = flow_open(name)};

    s.p = pcscf_start(s.f, NULL);
    s.ue = sip_open(s.f, HOST_UE, pcscf_access(s.p));
    s.core = sip_open(s.f, HOST_CORE, pcscf_core(s.p));
    s.media = socket_bind(s.f, HOST_CORE, 0);
    int probe = socket_bind(s.f, HOST_UE, 0); // nobody else is on this address
    s.ue_port = socket_port(probe);
    close(probe);
    s.fingerprint = openssl_certificate(s.f);
    return s;
}

static void scene_close(struct scene *s)
{
    close(s->media);
    sip_close(s->ue);
    sip_close(s->core);
    pcscf_stop(s->p);
    flow_close(s->f);
}

static const char *offer(struct scene *s, const char *setup)
{
    return flow_text(s->f,
                     "v=0\no=- 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\n"
                     "m=image %u UDP/TLS/UDPTL t38\na=3ge2ae:requested\na=setup:%s\n"
                     "a=tls-id:0123456789abcdef0123456789abcdef\na=fingerprint:SHA-256 %s\n",
                     flow_host(s->f, HOST_UE), flow_host(s->f, HOST_UE), s->ue_port, setup,
                     s->fingerprint);
}

// INVITE, 200, ACK.
static void call(struct scene *s, const char *setup)
{
    sip_send(s->ue, sip_request(s->ue, "INVITE", "sip:fax@example.net", NULL, offer(s, setup)));
    const char *invite = sip_expect(s->core, "^INVITE ");
    s->t2 = openssl_peer(s->f, invite, "image");
    s->core_dialog = sip_dialog_of_request(s->core, invite);
    const char *answer =
        flow_text(s->f, "v=0\no=- 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\nm=image %u udptl t38\n",
                  flow_host(s->f, HOST_CORE), flow_host(s->f, HOST_CORE), socket_port(s->media));
    sip_send(s->core, sip_response(s->core, invite, "200 OK", NULL, answer));
    const char *ok = sip_expect(s->ue, "^SIP/2.0 200 ");
    s->t1 = openssl_peer(s->f, ok, "image");
    s->ue_dialog = sip_dialog_of_response(s->ue, ok);
    sip_send(s->ue, sip_dialog_request(&s->ue_dialog, "ACK", NULL, NULL));
    sip_expect(s->core, "^ACK ");
}

static void hang_up(struct scene *s)
{
    sip_send(s->ue, sip_dialog_request(&s->ue_dialog, "BYE", NULL, NULL));
    const char *bye = sip_expect(s->core, "^BYE ");
    sip_send(s->core, sip_response(s->core, bye, "200 OK", NULL, NULL));
    sip_expect(s->ue, "^SIP/2.0 200 ");
}

// What OpenSSL sends arrives at the core in clear, and the other way round, byte for byte.
static void exchange(struct scene *s, struct program *openssl)
{
    static const char up[] = "from the UE\n", down[] = "from the core\n";
    char got[64] = "";

    program_write(openssl, up, strlen(up));
    size_t len = socket_receive(s->f, s->media, got, sizeof(got) - 1);
    got[len] = '\0';
    ck_assert_str_eq(got, up);
    socket_send(s->media, s->t2, down, strlen(down));
    program_line(openssl, "^from the core$");
}

// s_client as the media of an active UE: the handshake completes under DTLS 1.2 with secure
// renegotiation (REQ-067, REQ-133), datagrams pass both ways.
START_TEST(openssl_as_client_is_served)
{
    struct scene s = scene_open("s-client");

    call(&s, "active");
    struct program *openssl = openssl_client(s.f, "dtls1_2", s.t1, s.ue_port);
    program_line(openssl, "Secure Renegotiation IS supported");
    program_line(openssl, "Protocol *: DTLSv1.2");
    program_line(openssl, "Cipher *: ECDHE-ECDSA-AES128-GCM-SHA256");
    exchange(&s, openssl);
    hang_up(&s);
    scene_close(&s);
}
END_TEST

// s_server as the media of a passive UE: the AGW is client, and shows its certificate.
START_TEST(openssl_as_server_is_served)
{
    struct scene s = scene_open("s-server");
    struct program *openssl = openssl_server(s.f, "dtls1_2", s.ue_port);

    call(&s, "passive");
    program_line(openssl, "CIPHER is ECDHE-ECDSA-AES128-GCM-SHA256");
    exchange(&s, openssl);
    must_say(s.f, program_text(openssl), "^subject=|Client certificate");
    hang_up(&s);
    scene_close(&s);
}
END_TEST

static const char *const roles[] = {"active", "passive"};

// A certificate that is not the announced one is refused with the alert bad_certificate, and the
// call ends on both sides (REQ-064).
START_TEST(openssl_with_another_certificate_is_refused)
{
    struct scene s = scene_open("openssl-wrong");
    bool active = _i == 0;

    s.fingerprint = openssl_wrong(s.f, s.fingerprint);
    struct program *openssl = active ? NULL : openssl_server(s.f, "dtls1_2", s.ue_port);
    call(&s, roles[_i]);
    openssl = active ? openssl_client(s.f, "dtls1_2", s.t1, s.ue_port) : openssl;
    program_line(openssl, "alert bad certificate");
    const char *reason = "^Reason: SIP;cause=488;text=.The certificate of the peer matches none";
    const char *bye = sip_expect(s.ue, "^BYE ");
    must_say(s.f, bye, reason);
    sip_send(s.ue, sip_response(s.ue, bye, "200 OK", NULL, NULL));
    bye = sip_expect(s.core, "^BYE ");
    must_say(s.f, bye, reason);
    sip_send(s.core, sip_response(s.core, bye, "200 OK", NULL, NULL));
    scene_close(&s);
}
END_TEST

// DTLS 1.0 and a client without certificate find no way in (REQ-062, REQ-067).
static const struct {
    const char *options, *reason;
} hopeless[] = {
    {"-dtls1_2", "no certificate"},
    {"-dtls1 -cipher ALL:@SECLEVEL=0 -cert cert.pem -key key.pem", "DTLS failed"},
};

START_TEST(openssl_that_breaks_the_rules_is_refused)
{
    struct scene s = scene_open("openssl-hopeless");

    call(&s, "active");
    struct program *openssl =
        program_run(s.f, "s_client", "openssl",
                    flow_text(s.f, "s_client -connect %s %s", s.t1, hopeless[_i].options));
    const char *bye = sip_expect(s.ue, "^BYE ");
    sip_send(s.ue, sip_response(s.ue, bye, "200 OK", NULL, NULL));
    bye = sip_expect(s.core, "^BYE ");
    sip_send(s.core, sip_response(s.core, bye, "200 OK", NULL, NULL));
    ck_assert_int_ne(program_wait(openssl), 0);
    struct chart chart = pcscf_chart(s.p);
    must_say(s.f, chart.mermaid, hopeless[_i].reason);
    scene_close(&s);
}
END_TEST

void suite_openssl(struct suite *s)
{
    ONCE(s, openssl_as_client_is_served);
    ONCE(s, openssl_as_server_is_served);
    EACH(s, openssl_with_another_certificate_is_refused, roles);
    EACH(s, openssl_that_breaks_the_rules_is_refused, hopeless);
}
