// SPDX-License-Identifier: GPL-3.0-or-later
// Third-party TLS: OpenSSL's own tools as the TCP media of a UE whose SIP is made by hand. Streams
// that the AGW does not look into carry any text: MSRP with a=msrp-cema, and BFCP.
#include "tests/flows/agent.h"
#include "tests/flows/openssl.h"
#include "tests/flows/sip.h"
#include "tests/flows/socket.h"
#include "tests/flows/suite.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct scene {
    struct flow *f;
    struct pcscf *p;
    struct sip *ue, *core;
    struct sip_dialog ue_dialog;
    const char *fingerprint; // of the certificate that OpenSSL made
    unsigned ue_port;        // where OpenSSL speaks or listens
    unsigned version;        // of the SDP
    int listener, media;     // of the core; media -1: no connection yet
    const char *t1, *t2;     // addresses of the AGW
};

static struct scene scene_open(const char *name)
{
    struct scene s = {.f = flow_open(name), .media = -1};

    s.p = pcscf_start(s.f, NULL);
    s.ue = sip_open(s.f, HOST_UE, pcscf_access(s.p));
    s.core = sip_open(s.f, HOST_CORE, pcscf_core(s.p));
    s.listener = socket_listen(s.f, HOST_CORE);
    int probe = socket_listen(s.f, HOST_UE); // nobody else is on this address
    s.ue_port = socket_port(probe);
    close(probe);
    s.fingerprint = openssl_certificate(s.f);
    return s;
}

static void scene_close(struct scene *s)
{
    close(s->listener);
    if (s->media >= 0)
        close(s->media);
    sip_close(s->ue);
    sip_close(s->core);
    pcscf_stop(s->p);
    flow_close(s->f);
}

static const char *session(struct scene *s, enum host host)
{
    const char *at = flow_host(s->f, host);

    return flow_text(s->f, "v=0\no=- 1 %u IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\n", ++s->version, at,
                     at);
}

static const char *secured(struct scene *s, const char *setup)
{
    return flow_text(s->f, "a=3ge2ae:requested\na=setup:%s\na=fingerprint:SHA-256 %s\n", setup,
                     s->fingerprint);
}

static const char *msrp_lines(struct scene *s, const char *scheme, enum host host, unsigned port)
{
    return flow_text(s->f, "a=accept-types:text/plain\na=path:%s://%s:%u/x;tcp\na=msrp-cema\n",
                     scheme, flow_host(s->f, host), port);
}

static const char *msrp_offer(struct scene *s, const char *setup)
{
    return flow_text(s->f, "%sm=message %u TCP/TLS/MSRP *\n%s%s", session(s, HOST_UE), s->ue_port,
                     secured(s, setup), msrp_lines(s, "msrps", HOST_UE, s->ue_port));
}

static const char *msrp_answer(struct scene *s, const char *setup)
{
    unsigned port = socket_port(s->listener);

    return flow_text(s->f, "%sm=message %u TCP/MSRP *\na=setup:%s\n%s", session(s, HOST_CORE), port,
                     setup, msrp_lines(s, "msrp", HOST_CORE, port));
}

static const char *bfcp_offer(struct scene *s, const char *setup)
{
    return flow_text(s->f, "%sm=application %u TCP/TLS/BFCP *\n%sa=connection:new\n",
                     session(s, HOST_UE), s->ue_port, secured(s, setup));
}

static const char *bfcp_answer(struct scene *s, const char *setup)
{
    return flow_text(s->f, "%sm=application %u TCP/BFCP *\na=setup:%s\na=connection:new\n",
                     session(s, HOST_CORE), socket_port(s->listener), setup);
}

// The core answers an INVITE; the UE takes it.
static const char *answered(struct scene *s, const char *type, const char *answer)
{
    const char *invite = sip_expect(s->core, "^INVITE ");
    sip_send(s->core, sip_response(s->core, invite, "200 OK", NULL, answer));
    const char *ok = sip_expect(s->ue, "^SIP/2.0 200 ");

    s->t2 = openssl_peer(s->f, invite, type);
    s->t1 = openssl_peer(s->f, ok, type);
    s->ue_dialog = sip_dialog_of_response(s->ue, ok);
    sip_send(s->ue, sip_dialog_request(&s->ue_dialog, "ACK", NULL, NULL));
    sip_expect(s->core, "^ACK ");
    return ok;
}

// A call whose UE is TCP client or server; the core is the other.
static void chat_call(struct scene *s, bool active)
{
    sip_send(s->ue, sip_request(s->ue, "INVITE", "sip:core@example.net", NULL,
                                msrp_offer(s, active ? "active" : "passive")));
    answered(s, "message", msrp_answer(s, active ? "passive" : "active"));
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
    static const char up[] = "from the UE\n";

    program_write(openssl, up, strlen(up));
    ck_assert_str_eq(socket_read(s->f, s->media), up);
    socket_write(s->media, "from the core\n");
    program_line(openssl, "^from the core$");
}

static const struct {
    const char *option, *shown, *cipher;
} versions[] = {
    {"tls1_2", "TLSv1\\.2", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"tls1_3", "TLSv1\\.3", "TLS_AES_"},
};

// s_client as the media of an active UE: TLS comes up on the connection it opens, and the AGW
// connects to the core (REQ-041, REQ-044, REQ-133).
START_TEST(openssl_as_tls_client_is_served)
{
    struct scene s = scene_open("s-client-tcp");

    chat_call(&s, true);
    struct program *openssl = openssl_client(s.f, versions[_i].option, s.t1, s.ue_port);
    program_line(openssl,
                 flow_text(s.f, "^New, %s, Cipher is %s", versions[_i].shown, versions[_i].cipher));
    s.media = socket_accept(s.f, s.listener);
    exchange(&s, openssl);
    hang_up(&s);
    scene_close(&s);
}
END_TEST

// s_server as the media of a passive UE: the AGW is TCP and TLS client once the core connects, and
// shows its certificate.
START_TEST(openssl_as_tls_server_is_served)
{
    struct scene s = scene_open("s-server-tcp");
    struct program *openssl = openssl_server(s.f, versions[_i].option, s.ue_port);

    chat_call(&s, false);
    s.media = socket_connect(s.f, HOST_CORE, s.t2);
    program_line(openssl, flow_text(s.f, "CIPHER is %s", versions[_i].cipher));
    exchange(&s, openssl);
    must_say(s.f, program_text(openssl), "^subject=|Client certificate");
    hang_up(&s);
    scene_close(&s);
}
END_TEST

static void take_bye(struct scene *s, struct sip *party)
{
    const char *bye = sip_expect(party, "^BYE ");

    must_say(s->f, bye, "^Reason: SIP;cause=488;text=.The certificate of the peer matches none");
    sip_send(party, sip_response(party, bye, "200 OK", NULL, NULL));
}

// A certificate that is not the announced one is refused with bad_certificate in either role and
// version, and the call ends on both sides (REQ-064).
START_TEST(openssl_with_another_tls_certificate_is_refused)
{
    struct scene s = scene_open("tls-wrong");
    const char *version = versions[_i % 2].option;
    bool active = _i / 2 == 0;

    s.fingerprint = openssl_wrong(s.f, s.fingerprint);
    struct program *openssl = active ? NULL : openssl_server(s.f, version, s.ue_port);
    chat_call(&s, active);
    if (active)
        openssl = openssl_client(s.f, version, s.t1, s.ue_port);
    else
        s.media = socket_connect(s.f, HOST_CORE, s.t2);
    program_line(openssl, "alert bad certificate");
    take_bye(&s, s.ue);
    take_bye(&s, s.core);
    scene_close(&s);
}
END_TEST

// holdconn asks for no connection, and the answer can only be the same; a later offer opens one
// (REQ-051).
START_TEST(holdconn_waits_for_a_later_offer)
{
    struct scene s = scene_open("holdconn");

    sip_send(s.ue,
             sip_request(s.ue, "INVITE", "sip:core@example.net", NULL, bfcp_offer(&s, "holdconn")));
    const char *ok = answered(&s, "application", bfcp_answer(&s, "holdconn"));
    must_say(s.f, sip_body(ok), "^a=setup:holdconn");
    ck_assert_int_lt(accept(s.listener, NULL, NULL), 0);
    sip_send(s.ue, sip_dialog_request(&s.ue_dialog, "INVITE", NULL, bfcp_offer(&s, "active")));
    ok = answered(&s, "application", bfcp_answer(&s, "passive"));
    must_say(s.f, sip_body(ok), "^a=setup:passive");
    struct program *openssl = openssl_client(s.f, "tls1_3", s.t1, s.ue_port);
    s.media = socket_accept(s.f, s.listener);
    exchange(&s, openssl);
    hang_up(&s);
    scene_close(&s);
}
END_TEST

void suite_openssl_tcp(struct suite *s)
{
    EACH(s, openssl_as_tls_client_is_served, versions);
    EACH(s, openssl_as_tls_server_is_served, versions);
    suite_add(s, openssl_with_another_tls_certificate_is_refused, 4);
    ONCE(s, holdconn_waits_for_a_later_offer);
}
