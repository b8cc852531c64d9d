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

static bool is_wanted(const struct proxy *proxy)
{
    return proxy->cfg->trace.messages == TRACE_MESSAGES_SIP;
}

// Writes one header, or with to NULL only tells its length.
static size_t put_header(const msg_header_t *h, char *to, size_t size)
{
    if (!h->sh_data) {
        issize_t len = msg_header_e(to, (isize_t)size, h, 0);
        return len > 0 ? (size_t)len : 0;
    }
    if (to && size >= h->sh_len)
        memcpy(to, h->sh_data, h->sh_len);
    return h->sh_len;
}

// NULL: no memory.
static char *text_of(msg_t *msg, su_home_t *home, size_t *len)
{
    size_t size = 0, at = 0;
    for (const msg_header_t *h = *msg_chain_head(msg); h; h = h->sh_succ)
        size += put_header(h, NULL, 0);
    char *text = su_alloc(home, (isize_t)size + 1);
    for (const msg_header_t *h = *msg_chain_head(msg); text && h; h = h->sh_succ)
        at += put_header(h, text + at, size + 1 - at);
    if (!text || at > size)
        return NULL;
    text[at] = '\0';
    sdes_mask(text, at);
    *len = at;
    return text;
}

void wire_read(const struct proxy *proxy, msg_t *msg, su_home_t *home, struct sip_facts *facts)
{
    if (is_wanted(proxy))
        facts->wire = text_of(msg, home, &facts->wire_len);
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

void wire_sent(struct proxy *proxy, struct session *s, enum side to, struct wire *wire,
               const char *note)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    struct sip_facts facts;
    if (s) {
        message_outline(wire->msg, sip_object(wire->msg), &facts);
        facts.time_us = wire->time_us;
        wire_read(proxy, wire->msg, home, &facts);
        session_sent(s, to, &facts, note);
    }
    su_home_deinit(home);
    wire_drop(wire);
}
