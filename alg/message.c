// SPDX-License-Identifier: GPL-3.0-or-later
// Everything is allocated in the message's own home and goes with it. Running out of memory is the
// only failure and is told by NULL or -ENOMEM.
#include "alg/message.h"

#include "alg/header.h"
#include "alg/multipart.h"
#include "common/strbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// Headers the proxy reads or writes. Whatever is not in this list can neither cause a 400 nor get
// lost: the stack forwards it as it came.
static const char *const parsed[] = {"Via",           "Route",   "Record-Route", "Max-Forwards",
                                     "Proxy-Require", "From",    "To",           "Call-ID",
                                     "CSeq",          "Contact", "Require",      "Supported",
                                     "RSeq",          "RAck",    "Content-Type", "Content-Length"};

static bool is_parsed(const char *name)
{
    for (size_t i = 0; name && i < sizeof(parsed) / sizeof(parsed[0]); i++)
        if (strcasecmp(parsed[i], name) == 0)
            return true;
    return false;
}

// The fields that follow keep the bytes they came in. The stack would do so by itself for the whole
// message, but then it misreads a first line behind empty lines (RFC 3261 7.5), which are common on
// connections.
static void keep_fields(su_home_t *home)
{
    sip_object((msg_t *)home)->sip_flags |= MSG_DO_EXTRACT_COPY;
}

static issize_t read_request_line(su_home_t *home, msg_header_t *h, char *line, isize_t len)
{
    keep_fields(home);
    return sip_request_class->hc_parse(home, h, line, len);
}

static issize_t read_status_line(su_home_t *home, msg_header_t *h, char *line, isize_t len)
{
    keep_fields(home);
    return sip_status_class->hc_parse(home, h, line, len);
}

static struct msg_hclass_s request_line, status_line;

msg_mclass_t *message_class(void)
{
    const msg_mclass_t *all = sip_default_mclass();
    msg_mclass_t *slim = msg_mclass_clone(all, all->mc_hash_size, 1);
    if (!slim)
        return NULL;
    for (int i = 0; i < all->mc_hash_size; i++)
        if (all->mc_hash[i].hr_class && is_parsed(all->mc_hash[i].hr_class->hc_name))
            msg_mclass_insert(slim, &all->mc_hash[i]);
    request_line = *sip_request_class;
    request_line.hc_parse = read_request_line;
    slim->mc_request->hr_class = &request_line;
    status_line = *sip_status_class;
    status_line.hc_parse = read_status_line;
    slim->mc_status->hr_class = &status_line;
    return slim;
}

static enum sip_kind kind_of(const char *method)
{
    static const struct {
        const char *name;
        enum sip_kind kind;
    } kinds[] = {{"INVITE", SIP_INVITE}, {"ACK", SIP_ACK},     {"BYE", SIP_BYE},
                 {"CANCEL", SIP_CANCEL}, {"PRACK", SIP_PRACK}, {"UPDATE", SIP_UPDATE}};
    for (size_t i = 0; method && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, method) == 0)
            return kinds[i].kind;
    return SIP_OTHER;
}

// The SDP of a message: all of its body, or a part of it. False: it has none.
static bool find_sdp(const sip_t *sip, struct multipart_part *part)
{
    const sip_content_type_t *type = sip->sip_content_type;
    if (!sip->sip_payload || sip->sip_payload->pl_len == 0 || !type || !type->c_type)
        return false;
    size_t len = sip->sip_payload->pl_len;
    *part = (struct multipart_part){.len = len, .next = len};
    if (strcasecmp(type->c_type, "application/sdp") == 0)
        return true;
    const char *boundary = msg_header_find_param(type->c_common, "boundary");
    return strncasecmp(type->c_type, "multipart/", 10) == 0 && boundary &&
           multipart_find_sdp(boundary, sip->sip_payload->pl_data, len, part);
}

static void body_facts(const sip_t *sip, struct sip_facts *facts)
{
    struct multipart_part part;
    if (!find_sdp(sip, &part))
        return;
    facts->body = sip->sip_payload->pl_data + part.at;
    facts->body_len = part.len;
}

static void source_facts(msg_t *msg, struct sip_facts *facts)
{
    su_addrinfo_t *info = msg_addrinfo(msg);
    if (info && info->ai_addr)
        facts->source = addr_from_sockaddr(info->ai_addr, info->ai_addrlen);
    facts->tcp = info && info->ai_socktype == SOCK_STREAM;
}

void message_record_routes(const sip_t *sip, su_home_t *home, struct sip_facts *facts)
{
    facts->record_route_count = 0;
    const sip_record_route_t *r = sip->sip_record_route;
    for (; r && facts->record_route_count < SIP_ROUTES_MAX; r = r->r_next)
        facts->record_route[facts->record_route_count++] = url_as_string(home, r->r_url);
}

void message_outline(msg_t *msg, const sip_t *sip, struct sip_facts *facts)
{
    *facts = (struct sip_facts){0};
    facts->method = sip->sip_request ? sip->sip_request->rq_method_name
                    : sip->sip_cseq  ? sip->sip_cseq->cs_method_name
                                     : "";
    facts->kind = kind_of(facts->method);
    if (sip->sip_status) {
        facts->status = sip->sip_status->st_status;
        facts->phrase = sip->sip_status->st_phrase;
        facts->reliable = sip->sip_rseq && facts->status > 100 && facts->status < 200;
    }
    facts->cseq = sip->sip_cseq ? sip->sip_cseq->cs_seq : 0;
    facts->call_id = sip->sip_call_id ? sip->sip_call_id->i_id : "";
    facts->from_tag = sip->sip_from ? sip->sip_from->a_tag : NULL;
    facts->to_tag = sip->sip_to ? sip->sip_to->a_tag : NULL;
    body_facts(sip, facts);
    source_facts(msg, facts);
}

// Read here and not by the library, which refuses messages with a broken one.
static uint32_t session_expires(const sip_t *sip)
{
    const char *value = header_value(sip, "Session-Expires");
    if (!value)
        value = header_value(sip, "x");
    return value ? (uint32_t)strtoul(value, NULL, 10) : 0;
}

void message_facts(msg_t *msg, const sip_t *sip, su_home_t *home, struct sip_facts *facts)
{
    message_outline(msg, sip, facts);
    facts->from = sip_header_as_string(home, (const sip_header_t *)sip->sip_from);
    facts->to = sip_header_as_string(home, (const sip_header_t *)sip->sip_to);
    if (sip->sip_contact && sip->sip_contact->m_url->url_type != url_any)
        facts->contact = url_as_string(home, sip->sip_contact->m_url);
    message_record_routes(sip, home, facts);
    if (facts->status / 100 == 2)
        facts->session_expires = session_expires(sip);
}

// The default port of SIP over UDP and TCP (RFC 3261 19.1.2).
#define DEFAULT_PORT 5060

struct hop message_hop(const url_t *url)
{
    struct hop hop = {0};
    char transport[8] = "";
    if (!url || !url->url_host)
        return hop;
    unsigned long port =
        url->url_port && url->url_port[0] ? strtoul(url->url_port, NULL, 10) : DEFAULT_PORT;
    if (port == 0 || port > UINT16_MAX)
        return hop;
    (void)addr_parse(&hop.addr, url->url_host, (uint16_t)port); // a name stays unset
    if (url_param(url->url_params, "transport", transport, sizeof(transport)) > 0)
        hop.tcp = strcasecmp(transport, "tcp") == 0;
    return hop;
}

const char *message_hop_url(const struct hop *hop, char buf[static MESSAGE_HOP_STRLEN])
{
    char address[ADDR_STRLEN];
    snprintf(buf, MESSAGE_HOP_STRLEN, "sip:%s;transport=%s", addr_format(&hop->addr, address),
             hop->tcp ? "tcp" : "udp");
    return buf;
}

bool message_same_routes(const sip_route_t *a, const sip_route_t *b)
{
    for (; a && b; a = a->r_next, b = b->r_next)
        if (url_cmp_all(a->r_url, b->r_url) != 0)
            return false;
    return !a && !b;
}

const char *message_routes_line(const char *name, const sip_route_t *list, su_home_t *home)
{
    const char *line = NULL;
    for (; list; list = list->r_next)
        line = su_sprintf(home, line ? "%s, <%s>" : "%s: <%s>", line ? line : name,
                          url_as_string(home, list->r_url));
    return line;
}

const char *message_line(const sip_t *sip, const char *name, char buf[static MESSAGE_LINE_MAX])
{
    const char *value = header_value(sip, name);
    bool fits = value && snprintf(buf, MESSAGE_LINE_MAX, "%s: %s", name, value) < MESSAGE_LINE_MAX;
    return fits ? buf : NULL;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

char *message_transaction(const sip_t *sip)
{
    struct strbuf key = STRBUF_INIT;
    const sip_via_t *via = sip->sip_via;
    strbuf_printf(&key, "%s %s %s %s %s %u", or_empty(via ? via->v_branch : NULL),
                  or_empty(via ? via->v_host : NULL), or_empty(via ? via->v_port : NULL),
                  or_empty(sip->sip_from->a_tag), sip->sip_call_id->i_id,
                  (unsigned)sip->sip_cseq->cs_seq);
    return strbuf_take(&key);
}

// The first line is made anew: a changed one would keep its old spelling.
static int replace_first(msg_t *msg, sip_t *sip, void *old, void *new)
{
    if (!new)
        return -ENOMEM;
    sip_header_remove(msg, sip, old);
    return sip_header_insert(msg, sip, new) < 0 ? -ENOMEM : 0;
}

int message_set_target(msg_t *msg, sip_t *sip, const url_t *target)
{
    sip_request_t *old = sip->sip_request;
    return replace_first(msg, sip, old,
                         sip_request_create(msg_home(msg), old->rq_method, old->rq_method_name,
                                            (const url_string_t *)target, NULL));
}

int message_set_status(msg_t *msg, sip_t *sip, int status)
{
    return replace_first(msg, sip, sip->sip_status,
                         sip_status_create(msg_home(msg), (unsigned)status, NULL, NULL));
}

bool message_count_hop(msg_t *msg, sip_t *sip)
{
    // "the proxy MUST add one with a field value, which SHOULD be 70" (RFC 3261 16.6)
    char text[24] = "70";
    if (sip->sip_max_forwards) {
        unsigned long left = sip->sip_max_forwards->mf_count;
        if (left == 0)
            return false;
        snprintf(text, sizeof(text), "%lu", left - 1);
        // a changed number would keep its old spelling: the header is made anew
        sip_header_remove(msg, sip, (sip_header_t *)sip->sip_max_forwards);
    }
    sip_header_insert(msg, sip, (sip_header_t *)sip_max_forwards_make(msg_home(msg), text));
    return true;
}

// Replaces the whole body.
static int set_payload(msg_t *msg, sip_t *sip, const char *body, size_t len)
{
    su_home_t *home = msg_home(msg);
    if (sip->sip_payload)
        sip_header_remove(msg, sip, (sip_header_t *)sip->sip_payload);
    if (sip->sip_content_length)
        sip_header_remove(msg, sip, (sip_header_t *)sip->sip_content_length);
    if (len == 0 && sip->sip_content_type)
        sip_header_remove(msg, sip, (sip_header_t *)sip->sip_content_type);
    sip_header_t *length = (sip_header_t *)sip_content_length_create(home, (uint32_t)len);
    if (!length || sip_header_insert(msg, sip, length) < 0)
        return -ENOMEM;
    if (len == 0)
        return 0;
    sip_header_t *payload = (sip_header_t *)sip_payload_create(home, body, (isize_t)len);
    return payload && sip_header_insert(msg, sip, payload) >= 0 ? 0 : -ENOMEM;
}

// Replaces one part of the body; without text the part goes as a whole (RFC 5621).
static int set_part(msg_t *msg, sip_t *sip, const struct multipart_part *part, const char *body,
                    size_t len)
{
    const char *old = sip->sip_payload->pl_data;
    size_t before = len > 0 ? part->at : part->whole;
    size_t after = len > 0 ? part->at + part->len : part->next;
    struct strbuf whole = STRBUF_INIT;
    strbuf_add(&whole, old, before);
    strbuf_add(&whole, body, len);
    strbuf_add(&whole, old + after, sip->sip_payload->pl_len - after);
    size_t total = whole.len;
    char *text = strbuf_take(&whole);
    int err = text ? set_payload(msg, sip, text, total) : -ENOMEM;
    free(text);
    return err;
}

int message_set_body(msg_t *msg, sip_t *sip, const char *body, size_t len)
{
    struct multipart_part part;
    if (find_sdp(sip, &part) && part.at > 0)
        return set_part(msg, sip, &part, body, len);
    return set_payload(msg, sip, body, len);
}

int message_add_record_route(msg_t *msg, sip_t *sip, const char *uri)
{
    sip_header_t *header = (sip_header_t *)sip_record_route_format(msg_home(msg), "<%s>", uri);
    return header && sip_header_insert(msg, sip, header) >= 0 ? 0 : -ENOMEM;
}

static bool encodes(const char *content_encoding)
{
    return content_encoding && strcasecmp(content_encoding, "identity") != 0;
}

bool message_is_encoded(const sip_t *sip)
{
    struct multipart_part part;
    if (!find_sdp(sip, &part))
        return false;
    return part.encoded || encodes(header_value(sip, "Content-Encoding")) ||
           encodes(header_value(sip, "e"));
}

const char *message_unknown_extension(const sip_t *sip)
{
    static const char *const served[] = {"sec-agree", "mediasec"};
    const sip_proxy_require_t *require = sip->sip_proxy_require;
    for (size_t i = 0; require && require->k_items && require->k_items[i]; i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof(served) / sizeof(served[0]); k++)
            known = known || strcasecmp(served[k], require->k_items[i]) == 0;
        if (!known)
            return require->k_items[i];
    }
    return NULL;
}
