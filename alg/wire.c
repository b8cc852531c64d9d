// SPDX-License-Identifier: GPL-3.0-or-later
// Each header of a message knows the bytes it came in or was printed as: put one after the other,
// they are the message. A sent message is read only after the stack has it, since the stack adds
// the topmost Via; a reference keeps it whole until then, and its time is that before sending, so
// that no answer is older than what it answers.
//
// Failures: no memory, and the text is missing; nothing else suffers.
#include "alg/wire.h"

#include "common/clock.h"
#include "common/sdes.h"

#include <string.h>
#include <strings.h>

#define CHALLENGE "WWW-Authenticate"
// Headers that are printed anew are the first line, Via, and those that were changed.
#define PRINTED_LEN 160
// Longer messages are cut in a trace: they are not kept whole for it.
#define LATER_MAX 8192

// Writes one header if there is room, and tells its length.
static size_t put_header(const msg_header_t *h, char *to, size_t room)
{
    if (!h->sh_data) {
        issize_t len = msg_header_e(to, (isize_t)room, h, 0);
        return len > 0 ? (size_t)len : 0;
    }
    if (room >= h->sh_len)
        memcpy(to, h->sh_data, h->sh_len);
    return h->sh_len;
}

// All of them; what is returned is below size when there was room.
static size_t put_message(msg_t *msg, char *to, size_t size)
{
    size_t at = 0;
    for (const msg_header_t *h = *msg_chain_head(msg); h; h = h->sh_succ)
        at += put_header(h, at < size ? to + at : NULL, at < size ? size - at : 0);
    return at;
}

// What it will take, or a little less.
static size_t expected_size(msg_t *msg)
{
    size_t size = 1;
    for (const msg_header_t *h = *msg_chain_head(msg); h; h = h->sh_succ)
        size += h->sh_data ? h->sh_len : PRINTED_LEN;
    return size;
}

// The 3G keys that a challenge carries to the P-CSCF (TS 33.203 6.1.1): ck="..", ik="..".
static void mask_value(char *line, const char *end, const char *name)
{
    char *at = memmem(line, (size_t)(end - line), name, strlen(name));
    for (at = at ? at + strlen(name) : NULL; at && at < end && *at != '"'; at++)
        *at = '*';
}

// A line that begins with a blank goes on with the field before it (RFC 3261 7.3.1).
static void mask_challenges(char *text)
{
    bool challenge = false;
    for (char *line = text, *end; *line; line = end + (*end != '\0')) {
        bool folded = *line == ' ' || *line == '\t';
        end = line + strcspn(line, "\n");
        challenge = folded ? challenge : strncasecmp(line, CHALLENGE, strlen(CHALLENGE)) == 0;
        if (!challenge)
            continue;
        mask_value(line, end, "ck=\"");
        mask_value(line, end, "ik=\"");
    }
}

static bool has_challenge(const sip_t *sip)
{
    for (const sip_unknown_t *u = sip ? sip->sip_unknown : NULL; u; u = u->un_next)
        if (u->un_name && strcasecmp(u->un_name, CHALLENGE) == 0)
            return true;
    return false;
}

// NULL: no memory.
static char *text_of(msg_t *msg, su_home_t *home, size_t *len)
{
    size_t size = expected_size(msg), at;
    char *text;
    for (;; size = at + 1) {
        text = su_alloc(home, (isize_t)size);
        if (!text)
            return NULL;
        at = put_message(msg, text, size);
        if (at < size)
            break;
    }
    text[at] = '\0';
    const sip_t *sip = sip_object(msg);
    if (sip && sip->sip_payload)
        sdes_mask(text, at);
    if (has_challenge(sip))
        mask_challenges(text);
    *len = at;
    return text;
}

static void *keep(void *object)
{
    return msg_ref_create(object);
}

static void let_go(void *object)
{
    msg_destroy(object);
}

static char *read_later(void *object, struct sip_facts *facts)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    size_t len;
    message_outline(object, sip_object(object), facts);
    su_home_init(home);
    const char *text = text_of(object, home, &len);
    char *copy = text ? strdup(text) : NULL;
    su_home_deinit(home);
    return copy;
}

void wire_read(const struct proxy *proxy, msg_t *msg, su_home_t *home, struct sip_facts *facts)
{
    bool traced = proxy->cfg->trace.messages == TRACE_MESSAGES_SIP;
    if (proxy->tap || (traced && expected_size(msg) > LATER_MAX))
        facts->wire = text_of(msg, home, &facts->wire_len);
    else if (traced)
        facts->message = (struct sip_message){msg, keep, let_go, read_later};
}

struct wire wire_hold(msg_t *msg)
{
    return (struct wire){msg_ref_create(msg), clock_now_us()};
}

void wire_drop(struct wire *wire)
{
    msg_destroy(wire->msg);
    wire->msg = NULL;
}

// The end of ours is a listening point: what a connection of ours was given by the kernel, the
// stack does not tell.
static void look(struct proxy *proxy, const struct session *s, enum side side, bool received,
                 const struct sip_facts *facts)
{
    const struct listen *own = route_departure(proxy, side, &facts->source);
    if (!own || !facts->wire)
        return;
    tap_message(proxy->tap,
                &(struct tap_message){.time_us = facts->time_us ? facts->time_us : clock_now_us(),
                                      .tcp = facts->tcp,
                                      .from = received ? facts->source : own->addr,
                                      .to = received ? own->addr : facts->source,
                                      .text = facts->wire,
                                      .len = facts->wire_len,
                                      .call_id = facts->call_id,
                                      .session = s ? session_token(s) : NULL,
                                      .peer = side_party(side),
                                      .out = !received});
}

void wire_received(struct proxy *proxy, const struct session *s, enum side from,
                   const struct sip_facts *facts)
{
    look(proxy, s, from, true, facts);
}

struct sip_facts wire_facts(const struct proxy *proxy, const struct wire *wire, su_home_t *home)
{
    struct sip_facts facts;
    message_outline(wire->msg, sip_object(wire->msg), &facts);
    facts.time_us = wire->time_us;
    wire_read(proxy, wire->msg, home, &facts);
    return facts;
}

void wire_sent(struct proxy *proxy, struct session *s, enum side to, struct wire *wire,
               const char *note)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    struct sip_facts facts = wire_facts(proxy, wire, home);
    look(proxy, s, to, false, &facts);
    if (s)
        session_sent(s, to, &facts, note);
    su_home_deinit(home);
    wire_drop(wire);
}

void wire_sent_aside(struct proxy *proxy, const struct session *s, enum side to, struct wire *wire)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    if (!wire->msg)
        return;
    if (proxy->tap) {
        struct sip_facts facts = wire_facts(proxy, wire, home);
        look(proxy, s, to, false, &facts);
    }
    su_home_deinit(home);
    wire_drop(wire);
}

void wire_cancelled(struct forward *f, nta_incoming_t *irq)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    struct wire wire = {nta_incoming_getrequest_ackcancel(irq), 0};
    if (!wire.msg)
        return;
    struct sip_facts facts = wire_facts(f->proxy, &wire, home);
    wire_received(f->proxy, f->session, f->from, &facts);
    su_home_deinit(home);
    wire_drop(&wire);
}

void wire_cancels(struct forward *f, nta_outgoing_t *cancel)
{
    struct wire wire = {cancel ? nta_outgoing_getrequest(cancel) : NULL, clock_now_us()};
    wire_sent_aside(f->proxy, f->session, side_other(f->from), &wire);
}
