// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: both parties say what they must and get what they wait for. Failure: what does not
// come fails the test.
#include "tests/flows/stage.h"

#include "tests/flows/agent.h"

#include <string.h>

struct stage stage_open(const char *name, const struct pcscf_options *options)
{
    return stage_open_on(flow_open(name), options);
}

struct stage stage_open_on(struct flow *f, const struct pcscf_options *options)
{
    struct stage s = {.f = f};

    s.p = pcscf_start(s.f, options);
    s.ue = sip_open(s.f, HOST_UE, pcscf_access(s.p));
    s.core = sip_open(s.f, HOST_CORE, pcscf_core(s.p));
    return s;
}

void stage_close(struct stage *s, const char *counter)
{
    sip_close(s->ue);
    sip_close(s->core);
    pcscf_stop(s->p);
    if (counter)
        flow_check(s->f, pcscf_counter(s->p, counter) == 1, "%s is %u", counter,
                   pcscf_counter(s->p, counter));
    flow_close(s->f);
}

const char *stage_ping(struct stage *s, struct sip *party, const char *at)
{
    const char *options = sip_request(party, "OPTIONS", flow_text(s->f, "sip:%s", at), NULL, NULL);
    const char *call_id = sip_header(party, options, "Call-ID"), *first = NULL;

    sip_send(party, options);
    for (;;) {
        const char *answer = sip_next(party);
        const char *its = sip_header(party, answer, "Call-ID");
        if (its && strcmp(its, call_id) == 0) {
            must_say(s->f, answer, "^SIP/2.0 200 ");
            return first;
        }
        first = first ? first : flow_copy(s->f, answer, strcspn(answer, "\n"));
    }
}

void stage_core_sees_nothing(struct stage *s)
{
    const char *seen = stage_ping(s, s->core, pcscf_core(s->p));

    flow_check(s->f, !seen, "the core saw %s", seen);
}

void stage_register(struct stage *s, struct sip *ue, const char *extra)
{
    const char *request = sip_request(ue, "REGISTER", "sip:example.net",
                                      "Security-Client: udptl-dtls;mediasec\n", NULL);
    const char *contact = flow_text(s->f, "Contact: <sip:alice@%s>;expires=600\n", sip_address(ue));

    request = flow_replace(s->f, request, "To: <sip:", "To: <sip:alice@");
    sip_send(ue, request);
    const char *got = sip_expect(s->core, "^REGISTER ");
    const char *ok = sip_response(s->core, got, "200 OK", extra, NULL);
    const char *own = flow_text(s->f, "Contact: <sip:party@%s>\n", sip_address(s->core));
    sip_send(s->core, flow_replace(s->f, ok, own, contact));
    sip_expect(ue, "^SIP/2.0 200 ");
}

#define FINGERPRINT                                                                                \
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E" \
    ":1F"

const char *stage_secured_offer(struct stage *s)
{
    return flow_text(s->f,
                     "v=0\no=- 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\n"
                     "m=image 9000 UDP/TLS/UDPTL t38\na=3ge2ae:requested\na=setup:actpass\n"
                     "a=dtls-id:0123456789abcdef0123456789abcdef\n"
                     "a=fingerprint:SHA-256 " FINGERPRINT "\na=T38FaxVersion:0\n",
                     flow_host(s->f, HOST_UE), flow_host(s->f, HOST_UE));
}

const char *stage_plain_answer(struct stage *s, unsigned port)
{
    return flow_text(s->f,
                     "v=0\no=- 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\n"
                     "m=image %u udptl t38\na=T38FaxVersion:0\n",
                     flow_host(s->f, HOST_CORE), flow_host(s->f, HOST_CORE), port);
}

const char *stage_invite_core(struct stage *s)
{
    sip_send(s->ue,
             sip_request(s->ue, "INVITE", "sip:bob@example.net", NULL, stage_secured_offer(s)));
    return sip_expect(s->core, "^INVITE ");
}

struct sip_dialog stage_acknowledge(struct stage *s, const char *answer)
{
    struct sip_dialog dialog = sip_dialog_of_response(s->ue, answer);

    sip_send(s->ue, sip_dialog_request(&dialog, "ACK", NULL, NULL));
    sip_expect(s->core, "^ACK ");
    return dialog;
}

struct sip_dialog stage_call_core(struct stage *s)
{
    const char *invite = stage_invite_core(s);

    sip_send(s->core, sip_response(s->core, invite, "200 OK", NULL, stage_plain_answer(s, 9000)));
    return stage_acknowledge(s, sip_expect(s->ue, "^SIP/2.0 200 "));
}

void stage_hang_up(struct stage *s, struct sip_dialog *dialog)
{
    sip_send(s->ue, sip_dialog_request(dialog, "BYE", NULL, NULL));
    const char *bye = sip_expect(s->core, "^BYE ");
    sip_send(s->core, sip_response(s->core, bye, "200 OK", NULL, NULL));
    sip_expect(s->ue, "^SIP/2.0 200 ");
}
