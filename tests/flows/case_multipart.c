// SPDX-License-Identifier: GPL-3.0-or-later
// SDP in a multipart body (RFC 5621): it alone changes, in requests and responses.
#include "tests/flows/agent.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

#include <stdlib.h>
#include <string.h>

#define TYPE "Content-Type: multipart/mixed; boundary=\"cut here\"\n"
#define OTHER "Content-Type: application/vnd.etsi.cug+xml\n\n<cug>v=0 m=audio</cug>"

static const char *mixed(struct stage *s, const char *sdp)
{
    return flow_text(s->f,
                     "--cut here\n%s\n--cut here\nContent-Type: application/sdp\n\n%s\n"
                     "--cut here--\n",
                     OTHER, sdp);
}

// Both parts are there, the SDP with the address of the AGW, the other as it was, and
// Content-Length is that of the body.
static void check(struct stage *s, struct sip *at, const char *message, unsigned port)
{
    struct flow *f = s->f;

    must_say(f, message, "^<cug>v=0 m=audio</cug>");
    must_say(f, message, "^m=image [23][0-9]{4} ");
    must_say(f, message, "^--cut here--");
    must_not_say(f, message, flow_text(f, "^m=image %u ", port));
    must_say(f, sip_header(at, message, "Content-Type"), "^multipart/mixed;");
    const char *body = sip_body(message);
    size_t len = strlen(body) + text_count(body, ""); // each line ends with CRLF on the wire
    ck_assert_uint_eq(strtoul(sip_header(at, message, "Content-Length"), NULL, 10), len);
}

// Offer and answer stand beside another part and are rewritten where they are (PCSCF-075).
START_TEST(only_the_sdp_part_changes)
{
    struct stage s = stage_open("multipart", NULL);
    const char *offer = stage_secured_offer(&s);

    sip_send(s.ue, sip_request(s.ue, "INVITE", "sip:bob@example.net", TYPE, mixed(&s, offer)));
    const char *invite = sip_expect(s.core, "^INVITE ");
    check(&s, s.core, invite, 5004);
    must_say(s.f, invite, "^m=image [0-9]+ udptl ");
    sip_send(s.core,
             sip_response(s.core, invite, "200 OK", TYPE, mixed(&s, stage_plain_answer(&s, 9000))));
    const char *answer = sip_expect(s.ue, "^SIP/2.0 200 ");
    check(&s, s.ue, answer, 9000);
    must_say(s.f, answer, "^m=image [0-9]+ UDP/TLS/UDPTL ");
    struct sip_dialog dialog = stage_acknowledge(&s, answer);
    stage_hang_up(&s, &dialog);
    stage_close(&s, NULL);
}
END_TEST

// A part nobody here can read is refused with 415, as an encoded body is (RFC 3261 8.2.3).
START_TEST(an_encoded_part_is_refused)
{
    struct stage s = stage_open("multipart-encoded", NULL);
    const char *body = "--cut here\nContent-Type: application/sdp\n"
                       "Content-Transfer-Encoding: base64\n\ndj0w\n--cut here--\n";

    sip_send(s.ue, sip_request(s.ue, "INVITE", "sip:bob@example.net", TYPE, body));
    sip_expect(s.ue, "^SIP/2.0 415 ");
    stage_core_sees_nothing(&s);
    stage_close(&s, NULL);
}
END_TEST

void suite_multipart(struct suite *s)
{
    ONCE(s, only_the_sdp_part_changes);
    ONCE(s, an_encoded_part_is_refused);
}
