// SPDX-License-Identifier: GPL-3.0-or-later
// Branches behind the core: early dialogs that end alone, and answers beside the first one. Media
// follow whom the UE talks to.
#include "tests/flows/agent.h"
#include "tests/flows/openssl.h"
#include "tests/flows/socket.h"
#include "tests/flows/stage.h"
#include "tests/flows/suite.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

// A call of the UE with sockets for its media, and for those of two branches.
struct scene {
    struct stage stage;
    int ue, branch[2];
    const char *invite; // as the core has it
    const char *t1;
    unsigned sent; // datagrams of the UE, which are numbered
};

static const char *tags[] = {";tag=t1", ";tag=t2"};

static const char *fax(struct scene *s, enum host host, int socket)
{
    struct flow *f = s->stage.f;

    return flow_text(f, "v=0\no=- 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\nm=image %u udptl t38\n",
                     flow_host(f, host), flow_host(f, host), socket_port(socket));
}

static struct scene scene_open(const char *name)
{
    struct scene s = {.stage = stage_open(name, NULL)};
    struct flow *f = s.stage.f;

    s.ue = socket_bind(f, HOST_UE, 0);
    for (int i = 0; i < 2; i++)
        s.branch[i] = socket_bind(f, HOST_CORE, 0);
    sip_send(s.stage.ue, sip_request(s.stage.ue, "INVITE", "sip:bob@example.net",
                                     "Supported: 199\n", fax(&s, HOST_UE, s.ue)));
    s.invite = sip_expect(s.stage.core, "^INVITE ");
    return s;
}

static void scene_close(struct scene *s)
{
    close(s->ue);
    close(s->branch[0]);
    close(s->branch[1]);
    stage_close(&s->stage, NULL);
}

// A response of a branch, with its answer or without. Returns what the UE gets.
static const char *respond(struct scene *s, int branch, const char *status, bool answers)
{
    const char *body = answers ? fax(s, HOST_CORE, s->branch[branch]) : NULL;
    const char *response = sip_response(s->stage.core, s->invite, status, NULL, body);

    sip_send(s->stage.core, flow_replace(s->stage.f, response, tags[0], tags[branch]));
    const char *got = sip_expect(s->stage.ue, flow_text(s->stage.f, "^SIP/2.0 %.3s ", status));
    must_say(s->stage.f, got, flow_text(s->stage.f, "^To: .*%s$", tags[branch]));
    if (answers)
        s->t1 = openssl_peer(s->stage.f, got, "image");
    return got;
}

// What the UE sends from now on arrives at this branch; the worker may hear of it a little later
// than SIP.
static void media_reach(struct scene *s, int branch)
{
    uint64_t end = flow_now_ms() + (uint64_t)flow_patience();
    struct pollfd arrives = {.fd = s->branch[branch], .events = POLLIN};
    unsigned first = s->sent, got = 0;

    do {
        flow_check(s->stage.f, flow_now_ms() < end, "no media at branch %d", branch);
        s->sent++;
        socket_send(s->ue, s->t1, &s->sent, sizeof(s->sent));
        poll(&arrives, 1, 10);
        while (recv(s->branch[branch], &got, sizeof(got), MSG_DONTWAIT) > 0 && got <= first)
            ;
    } while (got <= first);
}

// RFC 6228: a 199 reaches the UE and ends its early dialog alone: media that went to it go to the
// one that is left, and the call is set up with that one.
START_TEST(a_199_ends_one_early_dialog)
{
    struct scene s = scene_open("199");

    respond(&s, 0, "183 Session Progress", true);
    media_reach(&s, 0);
    respond(&s, 1, "183 Session Progress", true);
    media_reach(&s, 1);
    respond(&s, 1, "199 Early Dialog Terminated", false);
    media_reach(&s, 0);
    struct sip_dialog dialog = stage_acknowledge(&s.stage, respond(&s, 0, "200 OK", false));
    media_reach(&s, 0);
    stage_hang_up(&s.stage, &dialog);
    scene_close(&s);
}
END_TEST

// RFC 3261 15: so does a BYE of the UE within one of two early dialogs.
START_TEST(a_bye_ends_one_early_dialog)
{
    struct scene s = scene_open("early-bye");

    respond(&s, 0, "183 Session Progress", true);
    struct sip_dialog early =
        sip_dialog_of_response(s.stage.ue, respond(&s, 1, "183 Session Progress", true));
    stage_hang_up(&s.stage, &early);
    media_reach(&s, 0);
    struct sip_dialog dialog = stage_acknowledge(&s.stage, respond(&s, 0, "200 OK", true));
    stage_hang_up(&s.stage, &dialog);
    scene_close(&s);
}
END_TEST

// RFC 3261 13.2.2.4: two branches answer, and the UE hangs up on one of them, the first or the
// second: media go to the other, requests within its dialog pass, and the call ends with it.
START_TEST(media_follow_the_answer_that_is_kept)
{
    struct scene s = scene_open("kept");
    struct sip_dialog dialog[2];
    int kept = _i;

    for (int i = 0; i < 2; i++) {
        dialog[i] = stage_acknowledge(&s.stage, respond(&s, i, "200 OK", true));
        media_reach(&s, 0);
    }
    stage_hang_up(&s.stage, &dialog[!kept]);
    media_reach(&s, kept);
    sip_send(s.stage.ue, sip_dialog_request(&dialog[kept], "INFO", NULL, NULL));
    const char *info = sip_expect(s.stage.core, "^INFO ");
    must_say(s.stage.f, info, flow_text(s.stage.f, "^To: .*%s$", tags[kept]));
    sip_send(s.stage.core, sip_response(s.stage.core, info, "200 OK", NULL, NULL));
    sip_expect(s.stage.ue, "^SIP/2.0 200 ");
    stage_hang_up(&s.stage, &dialog[kept]);
    pcscf_chart(s.stage.p);
    scene_close(&s);
}
END_TEST

static const int kept[] = {0, 1};

// PCSCF-079: what is released by us is the branch that was kept, and nobody else.
START_TEST(the_answer_that_is_kept_is_released)
{
    struct scene s = scene_open("kept-released");
    struct sip_dialog first = stage_acknowledge(&s.stage, respond(&s, 0, "200 OK", true));

    stage_acknowledge(&s.stage, respond(&s, 1, "200 OK", true));
    stage_hang_up(&s.stage, &first);
    pcscf_stop_at_once(s.stage.p);
    must_say(s.stage.f, sip_expect(s.stage.core, "^BYE "), "^To: .*;tag=t2$");
    must_say(s.stage.f, sip_expect(s.stage.ue, "^BYE "), "^From: .*;tag=t2$");
    sip_close(s.stage.ue);
    sip_close(s.stage.core);
    close(s.ue);
    close(s.branch[0]);
    close(s.branch[1]);
    flow_close(s.stage.f);
}
END_TEST

void suite_fork(struct suite *s)
{
    ONCE(s, a_199_ends_one_early_dialog);
    ONCE(s, a_bye_ends_one_early_dialog);
    EACH(s, media_follow_the_answer_that_is_kept, kept);
    ONCE(s, the_answer_that_is_kept_is_released);
}
