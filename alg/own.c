// SPDX-License-Identifier: GPL-3.0-or-later
// Requests of the P-CSCF's own. Happy path: the next hop is an address, or a name that is known or
// asked for; the request is sent, and its final response told to who wanted it.
//
// Failure paths: a name that is not found leaves what is known of the way without it; a request
// that cannot be sent ends as if nobody had answered.
#include "alg/proxy_internal.h"
#include "alg/wire.h"

#include "common/log.h"

#include <errno.h>
#include <stdlib.h>

// Room for a Reason header field, which is what notes are.
#define NOTE_MAX 256

struct own {
    struct locate_wait wait;
    struct forward *f;
    msg_t *msg; // NULL: sent
    struct own_way way;
    own_done_f *done; // NULL: nobody wants to know
    char note[NOTE_MAX];
};

void own_forget(struct forward *f)
{
    struct own *own = f->own;
    if (!own)
        return;
    f->own = NULL;
    f->proxy->own_requests--;
    locator_forget(&own->wait);
    if (own->msg)
        msg_destroy(own->msg);
    free(own);
}

static void finish(struct forward *f, msg_t *request, const sip_t *response)
{
    if (f->own->done)
        f->own->done(f->proxy, sip_object(request), response);
    own_forget(f);
    if (f->orq)
        proxy_done_downstream(f);
    proxy_forward_settle(f);
}

static int on_response(struct forward *f, nta_outgoing_t *orq, sip_t const *sip)
{
    int status = sip && sip->sip_status ? sip->sip_status->st_status : 408;
    msg_t *request = f && status >= 200 ? nta_outgoing_getrequest(orq) : NULL;
    if (!request)
        return 0;
    finish(f, request, sip);
    msg_destroy(request);
    return 0;
}

static bool send_now(struct forward *f, struct hop hop)
{
    struct own *own = f->own;
    char url[MESSAGE_HOP_STRLEN];
    const struct listen *out = route_exit(f, &hop);
    if (!out)
        return false;
    struct wire wire = wire_hold(own->msg);
    f->orq = nta_outgoing_mcreate(
        f->proxy->agent, on_response, f, (url_string_t *)message_hop_url(&hop, url), own->msg,
        TPTAG_IDENT(out->ident), TAG_IF(hop.connection, NTATAG_TPORT(hop.connection)), TAG_END());
    if (!f->orq) {
        wire_drop(&wire);
        return false;
    }
    own->msg = NULL;
    wire_sent(f->proxy, f->session, side_other(f->from), &wire, own->note[0] ? own->note : NULL);
    return true;
}

static void on_located(void *arg, enum dns_result result)
{
    struct forward *f = arg;
    struct own *own = f->own;
    struct hop hop = own->way.hop;
    if (!place_known(f->proxy, &own->way.question, &hop))
        log_warn("proxy", "%s: no address for a request of ours", own->way.question.host);
    if (send_now(f, hop))
        return;
    log_error("proxy", "a request of ours to the %s side could not be sent",
              side_name(side_other(f->from)));
    msg_t *request = msg_ref_create(own->msg);
    finish(f, request, NULL);
    msg_destroy(request);
}

static struct forward *prepare(struct proxy *proxy, struct session *s, msg_t *msg,
                               const struct own_way *way)
{
    struct forward *f = proxy_forward_open(proxy, s);
    if (!f)
        return NULL;
    f->own = calloc(1, sizeof(*f->own));
    if (!f->own) {
        proxy_forward_settle(f);
        return NULL;
    }
    f->from = side_other(way->to);
    *f->own = (struct own){.wait = {.done = on_located, .arg = f}, .f = f, .msg = msg, .way = *way};
    proxy->own_requests++;
    return f;
}

int own_send(struct proxy *proxy, struct session *s, msg_t *msg, const struct own_way *way,
             own_done_f *done, const char *note)
{
    struct hop hop = way->hop;
    struct forward *f = prepare(proxy, s, msg, way);
    if (!f) {
        msg_destroy(msg);
        return -ENOMEM;
    }
    f->own->done = done;
    snprintf(f->own->note, sizeof(f->own->note), "%s", note ? note : "");
    bool named = way->question.host[0] && !place_known(proxy, &way->question, &hop);
    if (named && locator_ask(proxy->locator, &way->question, &f->own->wait) == 0)
        return 0;
    if (send_now(f, hop))
        return 0;
    own_forget(f);
    proxy_forward_settle(f);
    return -EHOSTUNREACH;
}
